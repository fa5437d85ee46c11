"""Questions as people put them: every form of selector, every format, every wrong turn."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from provgraph.project import Project as Library
from tests.scenario.shell import PROVGRAPH, Project
from tests.scenario.trunk import ALL, SUMMARY, out, train


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# -- selectors --------------------------------------------------------------------------------


def test_what_is_unknown_is_said_with_the_nearest_names(told_once: Project) -> None:
    said = told_once.provgraph("impact", "out/v1/modle.pkl", code=2)

    assert said.out == b""
    assert "out/v1/model.pkl" in said.told
    said = told_once.provgraph("why", "nothing-like-it", code=2)
    assert "nothing-like-it" in said.told


def test_what_is_ambiguous_is_said_with_what_it_could_be(told_once: Project) -> None:
    said = told_once.provgraph("impact", "model.pkl", code=2)

    assert all(f"out/v{n}/model.pkl" in said.told for n in (1, 2, 3))
    assert told_once.hit("v1/table.txt") == out("v1", "model.pkl", "metrics.json", "figure.svg") | {
        SUMMARY
    }


@pytest.mark.parametrize(
    ("selector", "affected"),
    [
        ("./data/v3/a.txt", out("v3") | {SUMMARY}),
        ("data/v3/", out("v3") | {SUMMARY}),
        ("params/v1.yaml#scale", out("v1") | {SUMMARY}),
        ("words.py", ALL),
        ("env:python", ALL),
        ("hardware:cpu", ALL),
        ("kind:Dataset", ALL),
        ("kind:Config", ALL),
        (".", ALL - ALL),
    ],
)  # fmt: skip
def test_forms_of_selectors(told_once: Project, selector: str, affected: set[str]) -> None:
    assert told_once.hit(selector) == affected


def test_a_part_that_nothing_read_affects_nothing(project: Project) -> None:
    project.write("p.json", '{"lr": 1, "ep": 2}')
    project.write(
        "fit.py",
        """
        import provgraph

        open("fit.txt", "w").write(str(provgraph.params("p.json")["lr"]))
        """,
    )
    said = project.call("python", "-c", "import provgraph; provgraph.params")
    if said.code:
        pytest.skip("provgraph.params isn't there yet")
    project.script("fit.py")

    assert project.hit("p.json#lr") == {"fit.txt"}
    assert project.hit("p.json#ep") == set()


def test_a_run_by_its_beginning_and_a_content_by_its_digest(told_once: Project) -> None:
    run = next(run for run in told_once.runs("--step", "train.py"))["id"]
    shown = told_once.ask("show", f"run:{run[:10]}")
    assert shown["node"]["id"].endswith(run)

    model = told_once.ask("show", "out/v3/model.pkl")["node"]
    digest = model["digest"].removeprefix("b3:")
    assert told_once.ask("show", f"out/v3/model.pkl@{digest[:8]}")["node"]["id"] == model["id"]
    assert told_once.hit(
        f"out/v3/table.txt@{told_once.ask('show', 'out/v3/table.txt')['node']['digest'][3:11]}"
    ) >= out("v3", "model.pkl")
    told_once.provgraph("show", "out/v3/model.pkl@0000", code=2)
    told_once.provgraph("show", "run:ZZZZ", code=2)


def test_outside_of_any_project(told_once: Project, tmp_path: Path) -> None:
    outside = Project(tmp_path, told_once.env)
    for words in (["status"], ["impact", "x"], ["log"], ["render"], ["push"]):
        said = outside.provgraph(*words, code=3)
        assert said.out == b""
        assert "provgraph init" in said.told
    assert told_once.provgraph("-C", str(told_once.root / "out"), "status").code == 0
    assert outside.provgraph("-C", str(told_once.root), "log").code == 0


def test_an_answer_does_not_depend_on_where_it_is_asked(told_once: Project) -> None:
    from_root = told_once.ask("impact", "data/v3")
    inside = told_once.ask("impact", "../../data/v3", inside="out/v1")
    by_name = told_once.ask("impact", "data/v3", inside="out/v1")

    assert inside | {"asked": ""} == from_root | {"asked": ""}
    assert by_name | {"asked": ""} == from_root | {"asked": ""}
    assert told_once.ask("status", inside="data") == told_once.ask("status")


# -- impact and its options -------------------------------------------------------------------


def test_depth_cuts_and_says_so(told_once: Project) -> None:
    answer = told_once.ask("impact", "data/v3", "--depth", "1")

    assert [hit["name"] for hit in answer["affected"]] == ["out/v3/table.txt"]
    assert [gap["reason"] for gap in answer["gaps"]] == ["cut"]
    told_once.provgraph("impact", "data/v3", "--depth", "0", code=2)


def test_all_ever_reached_and_every_path(story: Project) -> None:
    story.write("params/v1.yaml", "scale: 1\ndepth: 7\n")
    train(story, "v1")
    story.write("data/v1/a.txt", "1\n2\n")

    assert story.hit("params/v1.yaml", "--all") >= out("v1") | {SUMMARY}
    paths = story.ask("impact", "params/v1.yaml", "--explain", SUMMARY, "--all")
    found = {node["name"] for node in paths["nodes"]}
    assert {"params/v1.yaml", "train.py", "prepare.py", "evaluate.py", SUMMARY} <= found
    assert story.ask("impact", "params/v1.yaml", "--explain", SUMMARY)["edges"]
    assert not any("v2" in name or "v3" in name for name in found)
    story.provgraph("impact", "params/v1.yaml", "--explain", SUMMARY, "--depth", "2", code=2)


def test_what_was_stale_before_is_told_apart(story: Project) -> None:
    story.write("params/v3.yaml", "scale: 3\ndepth: 4\n")

    answer = story.ask("impact", "data/v3")

    everything = {hit["name"] for hit in answer["affected"]} | {
        one["name"] for one in answer["already_stale"]
    }
    assert everything == out("v3") | {SUMMARY}
    assert "Already stale" in story.provgraph("impact", "data/v3").text


def test_published_results_come_first(story: Project) -> None:
    story.provgraph("pin", "out/v3/figure.svg", "--as", "published")
    story.provgraph("pin", SUMMARY)

    hits = story.ask("impact", "data/v3")["affected"]
    assert [hit["name"] for hit in hits[:2]] == ["out/v3/figure.svg", SUMMARY]
    assert [hit["pinned"] for hit in hits[:3]] == ["published", "pinned", ""]
    assert "published" in story.provgraph("impact", "data/v3").text

    story.provgraph("pin", SUMMARY, "--as", "none")
    assert sum(bool(hit["pinned"]) for hit in story.ask("impact", "data/v3")["affected"]) == 1
    story.provgraph("pin", "out/v1", code=2)
    story.provgraph("pin", SUMMARY, "--as", "holy", code=2)


# -- log, show, diff, note --------------------------------------------------------------------


def test_log_filters(told_once: Project) -> None:
    assert len(told_once.runs()) == 10
    assert {run["step"] for run in told_once.runs("--step", "train.py")} == {"train.py"}
    assert told_once.runs("--status", "failed") == []
    assert len(told_once.runs("--since", "1h")) == 10
    assert told_once.runs("--until", "2001-01-01") == []
    assert {run["step"] for run in told_once.runs("--touching", "data/v3")} == {"prepare.py"}
    assert len(told_once.runs("--touching", "out/v2/model.pkl")) == 2
    assert len(told_once.runs("--making", "Result")) == 10
    assert told_once.runs("--making", "Dataset") == []
    answer = told_once.ask("log", "--limit", "3")
    assert (len(answer["runs"]), answer["totals"]["runs"]) == (3, 10)
    told_once.provgraph("log", "--since", "yesterweek", code=2)
    told_once.provgraph("log", "--status", "odd", code=2)


def test_log_names_metrics_and_the_newest_first(told_once: Project) -> None:
    runs = told_once.runs()

    assert runs[0]["step"] == "summary.py"
    assert [run["id"] for run in runs] == sorted((run["id"] for run in runs), reverse=True)
    assert runs[1]["metrics"] == {"error": 2.0, "rows": 3}


def test_show_an_artefact_and_a_run(told_once: Project) -> None:
    shown = told_once.ask("show", "out/v1/table.txt")
    assert {line["name"] for line in shown["used_by"]} == {"train.py", "evaluate.py"}
    run = told_once.runs("--step", "prepare.py")[0]["id"]
    shown = told_once.ask("show", f"run:{run}")
    assert {line["name"] for line in shown["produces"]} == {"out/v3/table.txt"}
    assert {"data/v3", "data/v3/a.txt", "words.py", "prepare.py"} <= {
        line["name"] for line in shown["uses"]
    }
    assert "prepare.py data/v3" in told_once.provgraph("show", f"run:{run}").text


def test_diff_names_what_differs_causes_first(project: Project) -> None:
    project.write(
        "fit.py",
        "import json\n\njson.dump({'auc': len(open('in.txt').read())}, open('m.json', 'w'))\n",
    )
    project.write("in.txt", "1")
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "one")
    project.run("python", "fit.py", options=["--name", "fit", "--param", "lr=1"])
    project.write("in.txt", "11")
    project.write("fit.py", project.read("fit.py") + "x = 1\n")
    project.run("python", "fit.py", options=["--name", "fit", "--param", "lr=2"])
    after, before = (f"run:{run['id']}" for run in project.runs())

    found = project.ask("diff", before, after)["differences"]

    told = {(one["section"], one["name"]): (one["before"], one["after"]) for one in found}
    assert told["metrics", "m.json: auc"] == ("1", "2")
    assert told["parameters", "lr"] == ("1", "2")
    assert ("code", "fit.py") in told
    assert ("data", "in.txt") in told
    sections = [one["section"] for one in found]
    assert sections.index("code") < sections.index("parameters") < sections.index("metrics")
    assert project.ask("diff", after, after)["differences"] == []
    project.provgraph("diff", before, "run:ZZZZ", code=2)


def test_a_note_is_kept_shown_and_can_be_read_from_standard_input(story: Project) -> None:
    story.provgraph("note", "out/v1/model.pkl", "the rate of the paper")
    run = story.runs("--step", "train.py")[0]["id"]
    story.provgraph("note", f"run:{run}", "-", stdin="why not: «ünï»\n".encode())

    assert "the rate of the paper" in story.provgraph("show", "out/v1/model.pkl").text
    assert "why not: «ünï»" in "".join(story.ask("show", f"run:{run}")["notes"])
    story.provgraph("note", "out/v1/model.pkl", "  ", code=2)


# -- how answers look -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["impact", "data/v3"], ["impact", "data/v3", "--explain", SUMMARY], ["status"],
        ["why", SUMMARY], ["lineage", "data/v1", "--direction", "down"], ["log"],
        ["show", SUMMARY], ["diff", "run:train.py", "run:prepare.py"], ["graph", "status"],
        ["ledger", "verify"], ["doctor"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_every_answer_in_every_format(told_once: Project, words: list[str]) -> None:
    answer = told_once.ask(*words)
    assert answer["schema"].startswith("provgraph/")
    said = told_once.provgraph(*words, "--format", "csv")
    assert rows(said.text)
    assert said.err == b""
    text = told_once.provgraph(*words)
    assert text.err == b""
    assert b"\x1b" not in text.out
    told_once.provgraph(*words, "--format", "yaml", code=2)


def test_colour_only_where_it_is_wanted(told_once: Project) -> None:
    assert b"\x1b[" in told_once.provgraph("status", env={"FORCE_COLOR": "1"}).out
    assert (
        b"\x1b[" not in told_once.provgraph("status", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out
    )


@pytest.mark.parametrize("columns", ["40", "60", "200"])
def test_narrow_widths(told_once: Project, columns: str) -> None:
    said = told_once.provgraph("impact", "data/v3", env={"COLUMNS": columns})

    long = [
        line
        for line in said.text.splitlines()
        if len(line) > int(columns) and "provgraph run" not in line
    ]
    assert long == []
    ascii_only = told_once.provgraph(
        "why", SUMMARY, env={"COLUMNS": columns, "PYTHONIOENCODING": "ascii"}
    )
    assert ascii_only.out.isascii()


def test_a_reader_that_stops_reading(told_once: Project) -> None:
    line = "provgraph why out/summary.csv --limit 0 | head -n 1; provgraph log | head -c 5"
    said = told_once.shell(line)

    assert said.err == b""
    assert said.code == 0


def test_standard_output_that_is_full_or_closed(told_once: Project) -> None:
    full = told_once.shell("provgraph status > /dev/full")
    assert full.code == 3
    assert b"Traceback" not in full.err
    closed = told_once.shell("provgraph status >&-")
    assert closed.code == 3
    assert b"Traceback" not in closed.err


def test_debug_shows_the_traceback(told_once: Project) -> None:
    plain = told_once.call(*PROVGRAPH, "impact", "nothing-like-it")
    debug = told_once.call(*PROVGRAPH, "--debug", "impact", "nothing-like-it")

    assert b"Traceback" not in plain.err
    assert b"Traceback" in debug.err
    assert (plain.code, debug.code) == (2, 2)


def test_help_and_wrong_words(told_once: Project) -> None:
    assert "impact" in told_once.provgraph("--help").text
    assert "Examples" in told_once.provgraph("impact", "--help").text
    assert "--produces" in told_once.provgraph("run", "--help").text
    said = told_once.provgraph("imapct", "x", code=2)
    assert said.out == b""
    told_once.provgraph("status", "--nope", code=2)
    assert told_once.provgraph("--version").text.startswith("provgraph ")


def test_the_page_is_one_file_that_holds_the_answer(told_once: Project, tmp_path: Path) -> None:
    page = tmp_path / "graph.html"
    said = told_once.provgraph("render", "data/v3", "--direction", "down", "-o", str(page))

    assert said.out == b""
    html = page.read_text()
    assert "out/v3/figure.svg" in html
    assert (
        "https://" not in html.replace("https://www.w3.org", "").replace("https://github.com", "")
        or 'src="http' not in html
    )
    told_once.provgraph("render", "data/v3", "-o", str(tmp_path / "no" / "such" / "x.html"), code=3)


def test_a_drawing_for_documents_holds_the_answer(told_once: Project, tmp_path: Path) -> None:
    for style, name in (("svg", "a.svg"), ("mermaid", "a.mmd")):
        drawn = tmp_path / name
        said = told_once.provgraph("render", "data/v3", "--style", style, "-o", str(drawn))
        assert said.out == b""
        assert f"wrote {drawn}" in said.told
        assert "out/v3/figure.svg" in drawn.read_text()
    told_once.provgraph("render", "data/v3", "--style", "pdf", code=2)


def test_doctor_finds_what_is_wrong(told_once: Project, tmp_path: Path) -> None:
    assert told_once.ask("doctor")["ok"] is True
    (tmp_path / "file").write_text("")
    said = told_once.provgraph("doctor", env={"XDG_CACHE_HOME": str(tmp_path / "file")}, code=None)
    assert b"Traceback" not in said.err


def test_a_cache_that_cannot_be_written(told_once: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = told_once.provgraph("status", env={"XDG_CACHE_HOME": str(tmp_path / "file")}, code=None)

    assert said.code in (0, 3)
    assert said.code == 0 or str(tmp_path) in said.told
    copy = told_once.copy_to(tmp_path / "copy")
    command = ["run", "--", "python", "-c", "print(1)"]
    ran = copy.provgraph(*command, env={"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert ran.out == b"1\n"
    assert len(copy.runs()) == 11


def test_a_drawing_of_everything_says_when_it_isnt(
    told_once: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in told_once.env.items():
        monkeypatch.setenv(name, value)
    project = Library.find(told_once.root)
    try:
        questions = project.questions()
        everything = questions.whole()
        assert not [gap for gap in everything.gaps if gap.reason == "cut"]
        size = len(everything.nodes)
        for most in range(1, size + 1):
            drawn = questions.whole(most=most)
            assert len(drawn.nodes) == most
            assert [gap.reason for gap in drawn.gaps].count("cut") == (most < size)
    finally:
        project.close()
