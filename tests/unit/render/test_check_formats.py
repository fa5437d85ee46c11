"""The merge check in every form that it is written in: what it says, within its host's limits."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt

from provgraph.errors import UsageError
from provgraph.model.answers import Already, GapNote, Hit, Link, PlanStep, to_json
from provgraph.model.checks import Changed, Check, Failure, Finding, Lines
from provgraph.render.checks import FORMATS, known, write
from provgraph.render.interface import Style
from tests.unit.render import samples

SCHEMAS = Path(__file__).parents[3] / "schemas"


def finding(name: str, *, cause: str = "params.yaml", pinned: str = "", fails: str = "") -> Finding:
    link = Link(cause=cause, effect="train.py", edge="USES", evidence="observed")
    words = f"{name}: train.py read {cause}"
    hit = Hit(f"gen:{name}", name, "Result", "stale", 1, (link,), words, pinned, "train.py")
    return Finding(
        hit=hit,
        rank="published" if pinned == "published" else "a result, 1 step from the change",
        cause=cause,
        renew="provgraph run -- python train.py",
        fails=(fails,) if fails else (),
        owners=("@ana",),
    )


def changed(name: str, effect: str = "affects", **more: Any) -> Changed:
    base = Changed(name, "Config", "modified", ("lr",), effect, "train.py read it (lr)", 2)
    return replace(base, **more)


def check(affected: Sequence[Finding] = (), changes: Sequence[Changed] = (), **more: Any) -> Check:
    failures = tuple(
        Failure(f.fails[0], f.hit.name, f"{f.hit.name} would be stale") for f in affected if f.fails
    )
    totals = {"changes": len(changes), "affecting": 1, "spared": 1, "unread": 1}
    totals |= {"affected": len(affected), "stale": len(affected), "behind": 0, "missing": 0}
    totals |= {"published": 1, "pinned": 1, "already_stale": 1, "blocking_gaps": 1}
    base = Check(
        as_of="7 records",
        base="main (0123456789ab)",
        head="working tree",
        passed=not failures,
        verdict=f"{len(affected)} things that were current are affected.",
        failures=failures,
        changes=tuple(changes),
        affected=tuple(affected),
        already_stale=(Already("old.png", "Result", "stale"),),
        gaps=(
            GapNote("blocking", "untraced", "tool", "tool ran a program that nothing traced"),
            GapNote("noted", "network", "fetch.py", "fetch.py went over the network"),
        ),
        plan=(PlanStep("run", "train.py", "provgraph run -- python train.py", 3.0),),
        excused=("kept.png: old paper",),
        expired=(),
        totals=totals,
    )
    return replace(base, **more)


def usual() -> Check:
    return check(
        [
            finding("out/figure.png", pinned="published", fails="published"),
            finding("out/table.csv"),
        ],
        [
            changed("params.yaml", lines=(Lines("params.yaml", 3, 4),)),
            changed("shape.py", "spared", words="the same code (1 run)", parts=()),
            changed("README.md", "unread", words="no recorded run has read it", parts=()),
        ],
    )


HOSTILE = [
    "a|b`c<script>alert(1)</script>.png", "::error file=x::owned", "line\nbreak\r\n.png",
    "@everyone.png", "x" * 10_000, "\u202egnp.exe", "\x1b[31mred", "[link](http://x)",
    "{0} %0A %25",
    "<!-- provgraph check -->", "</details>", "caf\udce9.png", "`" * 9,
]  # fmt: skip


def hostile() -> Check:
    several = [finding(name, cause=name, fails="result") for name in HOSTILE]
    return check(
        several, [changed(name, lines=(Lines(name, 1, 1),), parts=(name,)) for name in HOSTILE]
    )


@pytest.mark.parametrize("format", FORMATS)
def test_every_form_names_what_fails_and_its_cause(format: str) -> None:
    text = write(usual(), format, Style(width=100))
    assert text.endswith("\n")
    assert "out/figure.png" in text
    assert "params.yaml" in text


@pytest.mark.parametrize("format", FORMATS)
def test_no_name_gets_out_of_its_place(format: str) -> None:
    text = write(hostile(), format, Style(width=100, limit=0))
    text.encode()  # no lone surrogate is left
    assert "\x1b" not in text
    assert "\u202e" not in text
    lines = text.splitlines()
    if format == "github":
        assert all(re.match(r"::(error|warning|notice) [^\n]*::", line) for line in lines)
        assert not any(line.startswith("::error file=x::") for line in lines)
    if format == "markdown":
        assert lines.count("<!-- provgraph check -->") == 1
        assert lines[0] == "<!-- provgraph check -->"
        bare = re.sub(r"(`+).*?\1", "", text)  # code is shown as it is
        assert bare.count("<details>") == bare.count("</details>")
        assert "<script" not in bare
        assert "@everyone" not in bare


def test_an_accepted_host_stays_in_every_form_without_advice() -> None:
    words = "what came from a.example:443 over the network isn't known; accepted until 2030-01-31"
    gap = GapNote("accepted", "network", "a.example:443", words)
    answer = check(gaps=(gap,))
    for form in FORMATS:
        text = " ".join(write(answer, form, Style(width=100)).split())
        assert "a.example:443" in text, form
        assert "accepted until 2030-01-31" in text, form
        assert "keep a copy" not in text, form
    assert "1 accepted" in write(answer, "markdown", Style())
    noted = check(gaps=(replace(gap, grade="noted"),))
    assert "keep a copy" in write(noted, "markdown", Style())


def test_the_json_is_what_its_schema_says() -> None:
    for answer in (usual(), hostile(), check()):
        told = json.loads(write(answer, "json"))
        jsonschema.validate(told, json.loads((SCHEMAS / "check.json").read_text()))
        assert told.keys() == to_json(answer).keys()


def test_csv_has_a_row_for_each_thing() -> None:
    rows = list(csv.DictReader(io.StringIO(write(usual(), "csv"))))
    assert [row["row"] for row in rows] == [
        "verdict", "failure", "affected", "affected", "change", "change", "change",
        "already_stale", "gap", "gap", "excused",
    ]  # fmt: skip
    assert rows[2]["owners"] == "'@ana"  # no spreadsheet takes it for a formula


def test_a_comment_stays_within_the_host_s_limit() -> None:
    many = [finding(f"out/{number}.png", fails="published") for number in range(3000)]
    changes = [changed(f"conf/{number}.yaml") for number in range(3000)]
    text = write(check(many, changes), "markdown")
    assert 30_000 < len(text) <= 65_536
    assert "left out" in text
    assert text.count("<details>") == text.count("</details>")
    assert text.startswith("<!-- provgraph check -->\n")


@pytest.mark.parametrize("name", ["check", "check_passed"])
def test_golden_comment(name: str) -> None:
    """Compare with a golden; PROVGRAPH_UPDATE_GOLDENS=1 writes it."""
    answer = samples.answers()[name]
    assert isinstance(answer, Check)
    text = write(answer, "markdown", Style(limit=3))
    path = Path(__file__).parent / "golden" / f"{name}.md"
    if os.environ.get("PROVGRAPH_UPDATE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_worst_findings_have_their_room_first() -> None:
    many = [finding(f"out/{number}.png", fails="published") for number in range(3000)]
    comment = write(check(many, [changed("params.yaml")]), "markdown", Style(limit=10))
    assert sum(f"| `out/{number}.png`" in comment for number in range(10)) == 10
    owned = replace(finding("out/a.png", fails="result"), owners=("@" + "a/" * 40_000 + "a",))
    assert len(write(check([owned, *many]), "markdown")) <= 65_536


def tags(markdown: str) -> list[str]:
    """Give the tags of Markdown as a browser sees them, in order."""
    found: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            found.append(tag)

    Tags().feed(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))
    return found


@pytest.mark.parametrize(
    "name",
    [*HOSTILE, "- item", "+ item", "1. item", "12) item", "# head", "===", "![x](y)", "*b* _i_",
     "~~s~~", "&lt;b&gt;", "<b", "</td></table>", "|", "\\", "a`", "    indented", "~~~"],
)  # fmt: skip
def test_a_comment_has_the_same_shape_whatever_is_called_what(name: str) -> None:
    def named(name: str) -> str:
        one = finding(name, cause=name)
        one = replace(one, rank=name, excused=name, hit=replace(one.hit, words=name))
        return write(
            check(
                [one],
                [changed(name, words=name), changed(name, "unread", words=name)],
                verdict=name,
                failures=(Failure("too-many", name, name),),
                gaps=(GapNote("blocking", "untraced", name, name),),
                already_stale=(Already(name, "Result", "stale"),),
                excused=(name,),
                expired=(name,),
            ),
            "markdown",
        )

    assert tags(named(name)) == tags(named("plain.txt"))


def test_a_comment_mentions_and_links_nobody_but_owners() -> None:
    name = "@everyone #12 !3 ~label GH-7 https://a.example www.a.example :smile: $x$"
    one = finding("a.png")
    one = replace(one, hit=replace(one.hit, words=name))
    words = re.sub(r"(`+).*?\1", "", html.unescape(write(check([one]), "markdown")))
    for live in ("@everyone", "#12", "!3", "~label", "GH-7", "//a", "www.", ":smile:", "$x"):
        assert live not in words, live
    assert "@ana" in words


def test_more_of_the_same_rule_is_no_error_of_its_own() -> None:
    answer = check([finding("a.png", fails="result")], [changed("params.yaml")])
    more = Failure("result", "", "… and more of the same rule")
    answer = replace(answer, failures=(*answer.failures, more))
    assert sum(one["level"] == "error" for one in sarif(answer)["results"]) == 1


def sarif(answer: Check) -> dict[str, Any]:
    told = json.loads(write(answer, "sarif"))
    assert told["version"] == "2.1.0"
    [run] = told["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        for place in result["locations"]:
            physical = place["physicalLocation"]
            assert physical["region"]["startLine"] >= 1
            assert not physical["artifactLocation"]["uri"].startswith("/")
    return dict(run)


def test_sarif_points_at_the_changed_lines() -> None:
    run = sarif(usual())
    first = run["results"][0]
    assert (first["level"], first["ruleId"]) == ("error", "published")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "params.yaml"
    assert place["region"] == {"startLine": 3, "endLine": 4}
    inside = sarif(replace(usual(), prefix="sub/dir/"))
    place = inside["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "sub/dir/params.yaml"
    sarif(hostile())


def test_sarif_knows_a_result_again_and_stays_within_limits() -> None:
    def prints(answer: Check) -> list[str]:
        run = sarif(answer)
        return [one["partialFingerprints"]["provgraphMark/v1"] for one in run["results"]]

    moved = replace(usual(), changes=(changed("params.yaml", lines=(Lines("params.yaml", 9, 9),)),))
    assert prints(usual())[0] == prints(moved)[0]
    assert len(set(prints(usual()))) == len(prints(usual()))
    many = [finding(f"out/{number}.png", fails="published") for number in range(26_000)]
    text = write(check(many, [changed("params.yaml")]), "sarif")
    assert len(text.encode()) <= 10_000_000
    assert len(json.loads(text)["runs"][0]["results"]) <= 25_000
    assert "left out" in text


def test_annotations_stay_within_what_a_step_may_have() -> None:
    many = [finding(f"out/{number}.png", fails="published") for number in range(30)]
    lines = write(check(many, [changed("params.yaml")]), "github").splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert "20 errors" in lines[-1]
    assert lines[0].startswith("::error file=params.yaml")
    nothing = check(verdict="Nothing differs.", gaps=(), changes=())
    assert write(nothing, "github") == "::notice title=provgraph check::Nothing differs.\n"


def test_code_quality_has_one_issue_a_fingerprint() -> None:
    issues = json.loads(write(usual(), "gitlab"))
    assert issues[0]["severity"] == "blocker"
    assert issues[0]["location"] == {"path": "params.yaml", "lines": {"begin": 3}}
    twice = check([finding("a", fails="result")] * 2, [changed("params.yaml")])
    prints = [issue["fingerprint"] for issue in json.loads(write(twice, "gitlab"))]
    assert len(prints) == len(set(prints))
    assert json.loads(write(check(gaps=()), "gitlab")) == []


def test_another_form_is_a_usage_error() -> None:
    for ask in (known, lambda name: write(usual(), name)):
        with pytest.raises(UsageError):
            ask("pdf")


TEXT = """\
✗ 2 things that were current are affected.
"""


def test_text_begins_with_the_verdict_and_gives_reason_rank_and_command() -> None:
    text = write(usual(), "text", Style(width=80))
    assert text.startswith(TEXT)
    for words in (
        "out/figure.png  fails · stale · published",
        "train.py read params.yaml",
        "here because: published",
        "provgraph run -- python train.py",
        "params.yaml#lr · edited",
        "2 changes have no effect",
        "nothing traced",
        "old.png",
        "kept.png: old paper",
        "Compared main (0123456789ab) → working tree",
    ):
        assert words in text, words
    assert "the same code (1 run)" in write(usual(), "text", Style(width=80, limit=0))
    assert all(len(line) <= 40 for line in write(usual(), "text", Style(width=40)).splitlines())
