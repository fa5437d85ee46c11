"""What people read in a terminal: goldens, and rules that hold for every answer."""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import overload

import pytest

from provgraph.errors import ImportLineError, NotInProject, SelectorError
from provgraph.model.answers import ChangedName, GapNote, Hit
from provgraph.model.gaps import BLOCKING, REASONS
from provgraph.render import Style, render
from provgraph.render.advice import ADVICE
from provgraph.render.plain import is_safe, width_of
from provgraph.render.terminal import count_of, seconds_words
from provgraph.render.text_error import render_error
from provgraph.render.text_log import short_ids
from tests.unit.render import samples

GOLDEN = Path(__file__).parent / "golden"
ANSI = re.compile(r"\x1b\[[\d;]*m")
ANSWERS = samples.answers()


def check_golden(name: str, text: str) -> None:
    """Compare with a golden; PROVGRAPH_UPDATE_GOLDENS=1 writes it."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("PROVGRAPH_UPDATE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_golden(name: str, width: int) -> None:
    check_golden(f"{name}-{width}", render(ANSWERS[name], style=Style(width=width)))


@pytest.mark.parametrize("name", ["impact_mixed", "lineage_states", "status"])
def test_golden_ascii(name: str) -> None:
    text = render(ANSWERS[name], style=Style(unicode=False))
    assert text.isascii()
    check_golden(f"{name}-ascii", text)


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120])
@pytest.mark.parametrize("name", ANSWERS)
def test_every_line_fits_and_is_safe(name: str, width: int) -> None:
    text = render(ANSWERS[name], style=Style(width=width))
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    for line in text.splitlines():
        assert is_safe(line), line
        # A word of a command can't be broken.
        if not line.startswith("    ") and width >= 40:
            assert width_of(line) <= width, line
        assert line == line.rstrip()


@pytest.mark.parametrize("name", ANSWERS)
def test_colour_changes_nothing_but_colour(name: str) -> None:
    plain = render(ANSWERS[name])
    coloured = render(ANSWERS[name], style=Style(colour=True))
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in ANSI.sub("", coloured).splitlines()] == plain.splitlines()


def test_headline_of_an_impact() -> None:
    first = render(samples.impact()).splitlines()[0]
    assert first == "5 results are affected by a change of data/v3 (3 files)"


def test_nothing_is_only_said_when_it_is_known() -> None:
    assert render(samples.impact_none()).startswith("Nothing recorded is affected by")
    unknown = render(samples.impact_unknown(), style=Style(width=120))
    assert "Nothing recorded" not in unknown
    assert unknown.startswith("Nothing known is affected by a change of notes/ideas.md, but 2 ")
    noted = replace(samples.impact_none(), gaps=(samples.CONSUMED,))
    assert render(noted).startswith("Nothing recorded is affected by")


def test_hidden_effects_are_said_at_the_top() -> None:
    assert "! 2 gaps could hide more (below)" in render(samples.impact_mixed()).splitlines()[2]


def test_the_most_important_come_first_and_the_rest_is_counted() -> None:
    lines = render(samples.impact_mixed()).splitlines()
    assert "published" in next(line for line in lines if line.startswith("  out/"))
    assert "  … and 10 more (--limit 0 shows all)" in lines
    every = render(samples.impact_mixed(), style=Style(limit=0))
    assert "--limit 0" not in every
    assert all(hit.name in every for hit in samples.impact_mixed().affected)


def test_one_reason_of_many_gaps_does_not_hide_another() -> None:
    many = tuple(GapNote("blocking", "untraced", f"run {n}") for n in range(50))
    answer = replace(samples.impact_none(), gaps=(*many, GapNote("blocking", "undecided", "x.csv")))
    text = render(answer)
    assert "x.csv has several valid contents" in text
    assert "… and 40 more (untraced)" in text


@pytest.mark.parametrize("reason", [r for r, (grade, _) in REASONS.items() if grade == BLOCKING])
def test_each_blocking_gap_comes_with_what_to_do(reason: str) -> None:
    assert ADVICE[reason]


def test_change_of_unrelated_names() -> None:
    change = tuple(ChangedName(name, "Dataset") for name in ("a.csv", "b/c.csv", "env:numpy"))
    text = render(replace(samples.impact(), change=change))
    assert text.startswith("5 results are affected by a change of a.csv and 2 more")


def test_a_chain_of_a_thousand_is_cut_and_whole_on_request() -> None:
    chain = samples.chain_lineage()
    text = render(chain, style=Style(width=60))
    assert "more nodes (--limit 0 shows all)" in text
    whole = render(chain, style=Style(width=60, limit=0))
    assert all(f"step-{n:04}.csv" in whole for n in range(1000))
    assert max(map(width_of, whole.splitlines())) <= 60


def test_a_cycle_ends() -> None:
    base = samples.chain_lineage(3)
    back = replace(base.edges[0], cause="n2", effect="n0")
    text = render(replace(base, edges=(*base.edges, back)))
    assert text.count("step-0002.csv") <= 4


def test_shared_nodes_are_drawn_once() -> None:
    text = render(samples.lineage())
    assert "read out/v3/table.csv (above)" in text
    assert text.count("python prepare.py") == 1


def test_short_ids_differ() -> None:
    assert short_ids(["01JBX4Q7M8ZAA", "01JBX4Q7M8ZAB"]) == ["01JBX4Q7M8ZAA", "01JBX4Q7M8ZAB"]
    assert short_ids(["01JBX4Q7M8ZAA"]) == ["01JBX4Q7M8"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (12, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"),
     (90000, "1 d 1 h"), (3600, "1 h"), (float("nan"), "?"), (-1, "?")],
)  # fmt: skip
def test_seconds(seconds: float, words: str) -> None:
    assert seconds_words(seconds) == words


def test_counts() -> None:
    assert [count_of(1, "entry"), count_of(2, "entry"), count_of(1200, "result")] == [
        "1 entry",
        "2 entries",
        "1,200 results",
    ]


def test_errors_say_what_and_what_next() -> None:
    error = SelectorError(
        "nothing is called dta/v3\x1b[2J", hint="provgraph log lists the runs", nearest=["data/v3"]
    )
    text = render_error(error)
    assert text == (
        "provgraph: nothing is called dta/v3\\x1b[2J\n"
        "  nearest:\n"
        "    data/v3\n"
        "  → provgraph log lists the runs\n"
    )
    assert render_error(ImportLineError("not JSON", line=7)) == "provgraph: line 7: not JSON\n"


def test_a_fault_of_ours_shows_its_traceback_only_when_asked() -> None:
    try:
        raise ValueError("odd\nvalue")
    except ValueError as error:
        short, long = render_error(error), render_error(error, debug=True)
    assert "Traceback" not in short
    assert "--debug" in short
    assert "odd\\nvalue" in short
    assert "Traceback" in long
    assert "test_text.py" in long
    assert "Traceback" not in render_error(NotInProject("no project here"))


class Lazy(Sequence[Hit]):
    """A long list whose entries are built when read; counts how many were."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.built = 0

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, place: int) -> Hit: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Hit, ...]: ...
    def __getitem__(self, place: int | slice) -> Hit | tuple[Hit, ...]:
        if isinstance(place, slice):
            return tuple(self[n] for n in range(self.length)[place])
        self.built += 1
        return Hit(f"g{place}", f"out/{place}.json", "Result", "stale", 1, (), "")


def test_of_a_long_list_only_what_is_shown_is_built() -> None:
    hits = Lazy(100_000)
    totals = {"affected": 100_000, "stale": 99_990, "behind": 10}
    text = render(replace(samples.impact(), affected=hits, totals=totals))
    assert hits.built <= 30
    assert text.startswith("100,000 names are affected by a change of data/v3 (3 files)\n")
    assert "  99,990 stale · 10 behind\n" in text
    assert "… and 99,990 more (--limit 0 shows all)" in text
