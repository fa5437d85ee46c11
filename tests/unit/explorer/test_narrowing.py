"""Narrowing: counts are those of the rows, values that mean nothing are left out."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.explorer.narrowing import (
    BINS,
    MOST_VALUES,
    chosen,
    dated,
    facets_of,
    moment_of,
    narrowed,
    times_of,
    values_of,
)
from provgraph.explorer.rows import Table

ROWS: list[dict[str, Any]] = [
    {"name": "a", "kind": "Run", "state": "stale", "time": "2026-11-01T10:00:00Z"},
    {"name": "b", "kind": "Run", "state": "current", "time": "2026-11-02T10:00:00.5+02:00"},
    {"name": "c", "kind": "Result", "state": "stale", "time": ""},
    {"name": "d", "kind": "Result", "state": "stale"},
]


def counts(facets: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    return {facet["key"]: dict(facet["values"]) for facet in facets}


def test_each_value_is_counted_among_what_the_other_facets_leave() -> None:
    assert counts(facets_of(ROWS, {})) == {
        "kind": {"Run": 2, "Result": 2},
        "state": {"stale": 3, "current": 1},
    }
    by = {"kind": "Run"}
    assert counts(facets_of(ROWS, by)) == {
        "kind": {"Run": 2, "Result": 2},
        "state": {"stale": 1, "current": 1},
    }
    assert [row["name"] for row in narrowed(ROWS, by)] == ["a", "b"]


def test_a_choice_that_nothing_has_stays_to_be_undone() -> None:
    assert counts(facets_of(ROWS, {"step": "gone"}))["step"] == {"gone": 0}


def test_the_rest_of_very_many_values_is_counted() -> None:
    many = [{"step": f"step {number}"} for number in range(MOST_VALUES + 5)]
    (facet,) = facets_of(many, {})
    assert (len(facet["values"]), facet["more"]) == (MOST_VALUES, 5)


@pytest.mark.parametrize(
    ("first", "last", "period"),
    [
        ("2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z", "2026-11-01 10h UTC"),
        ("2026-11-01T10:00:00Z", "2026-11-09T10:00:00Z", "2026-11-01"),
        ("2026-11-01T10:00:00Z", "2027-11-01T10:00:00Z", "2026-11"),
        ("2026-11-01T10:00:00Z", "2040-11-01T10:00:00Z", "2026"),
    ],
)
def test_periods_are_as_long_as_the_span_asks_for(first: str, last: str, period: str) -> None:
    rows: list[dict[str, Any]] = [{"time": first}, {"time": last}, {"time": None}]
    dated(rows)
    assert rows[0]["period"] == period
    assert "period" not in rows[2]


@pytest.mark.parametrize("text", ["", None, 7, "yesterday", "<b>", "2026-13-41", "99999-01-01"])
def test_what_is_no_time_is_none(text: object) -> None:
    assert moment_of(text) is None


def test_times_count_every_row_once() -> None:
    times = times_of(ROWS)
    assert times is not None
    assert (len(times["counts"]), sum(times["counts"]), times["undated"]) == (BINS, 2, 2)
    assert times["counts"][0] == times["counts"][-1] == 1
    assert times["from"] == moment_of(ROWS[0]["time"])
    assert times_of(ROWS[:1]) is None


def test_a_stack_has_the_values_of_all_its_members() -> None:
    values = values_of(ROWS[:3])
    assert values["kind"] == ("Run", "Result")
    assert values["time"] == (moment_of(ROWS[0]["time"]), moment_of(ROWS[1]["time"]))
    assert values_of([]) == {}


def test_an_address_narrows_only_by_what_there_is() -> None:
    assert chosen({"f.kind": "Run", "f.nothing": "x", "kind": "y", "f.state": ""}) == {
        "kind": "Run"
    }


def test_a_table_is_narrowed_and_says_what_it_has_in_all() -> None:
    table = Table((("name", "Name"),), [dict(row) for row in ROWS])
    page = table.page(by={"kind": "Result"}, find="c")
    assert [row["name"] for row in page["rows"]] == ["c"]
    assert (page["found"], page["total"]) == (1, 4)
    assert all(isinstance(row["time"], float | None) for row in page["rows"])
