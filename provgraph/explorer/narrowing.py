"""Narrowing: what the rows of an answer can be sorted out by, with counts, and their span of time.

Narrowing a picture dims cards and never takes one away: a path must not break in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Row = dict[str, Any]
# In the order in which a page shows them.
FACETS = {
    "kind": "Kind",
    "state": "State",
    "status": "Ended",
    "what": "What",
    "section": "Part",
    "how": "How",
    "step": "Step",
    "period": "Time",
    "agent": "Who",
    "tracing": "Tracing",
    "project": "Project",
    "pinned": "Pinned",
    "reason": "Reason",
}
MOST_VALUES = 20
BINS = 40
DAY = 86_400
# A period is written with so many characters of its time where all lie within so many seconds.
PERIODS = ((2 * DAY, 13), (60 * DAY, 10), (5 * 365 * DAY, 7))
YEAR = 4


def dated(rows: Sequence[Row]) -> None:
    """Put each row with a `time` into a period: an hour, a day, a month or a year."""
    moments = [moment for row in rows if (moment := moment_of(row.get("time"))) is not None]
    if not moments:
        return
    span = max(moments) - min(moments)
    length = next((length for most, length in PERIODS if span <= most), YEAR)
    for row in rows:
        moment = moment_of(row.get("time"))
        if moment is not None:
            said = datetime.fromtimestamp(moment, UTC).isoformat(" ")[:length]
            row["period"] = f"{said}h UTC" if length == PERIODS[0][1] else said


def moment_of(time: object) -> float | None:
    """Read an RFC 3339 time, in seconds since 1970; None for what is none."""
    if not isinstance(time, str) or not time:
        return None
    try:
        moment = datetime.fromisoformat(time)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def chosen(asked: Mapping[str, str]) -> dict[str, str]:
    """Give the facets that an address narrows by: `f.kind=Result`."""
    return {key: asked[f"f.{key}"] for key in FACETS if asked.get(f"f.{key}")}


def narrowed(rows: Sequence[Row], by: Mapping[str, str]) -> Sequence[Row]:
    """Keep the rows that have the values chosen."""
    if not by:
        return rows
    return [row for row in rows if all(_value(row, key) == value for key, value in by.items())]


def facets_of(rows: Sequence[Row], by: Mapping[str, str]) -> list[dict[str, Any]]:
    """Count the values of each facet in the rows that the other facets leave.

    One whose value is everywhere the same narrows nothing and is left out, unless it is chosen.
    """
    out = []
    for key, label in FACETS.items():
        others = narrowed(rows, {k: v for k, v in by.items() if k != key})
        counts = Counter(value for row in others if (value := _value(row, key)))
        if key in by:
            counts[by[key]] += 0
        elif len(counts) < 2:
            continue
        order = counts.most_common() if key != "period" else sorted(counts.items(), reverse=True)
        values = [[value, count] for value, count in order[:MOST_VALUES]]
        more = len(order) - len(values)
        out.append({"key": key, "label": label, "values": values, "more": more})
    return out


def times_of(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Give the span of the rows' times and how many lie in each of `BINS` parts of it.

    None where there aren't two different times to choose between.
    """
    found = [moment for row in rows if (moment := moment_of(row.get("time"))) is not None]
    if not found or max(found) == min(found):
        return None
    first, last = min(found), max(found)
    counts = [0] * BINS
    for moment in found:
        counts[min(BINS - 1, int((moment - first) / (last - first) * BINS))] += 1
    return {"from": first, "till": last, "counts": counts, "undated": len(rows) - len(found)}


def values_of(rows: Iterable[Row]) -> dict[str, tuple[Any, ...]]:
    """Give the values that some rows have, by facet; as `time` their first and last moment."""
    several = list(rows)
    out: dict[str, tuple[Any, ...]] = {}
    for key in FACETS:
        values = dict.fromkeys(value for row in several if (value := _value(row, key)))
        if values:
            out[key] = tuple(values)
    moments = [moment for row in several if (moment := moment_of(row.get("time"))) is not None]
    if moments:
        out["time"] = (min(moments), max(moments))
    return out


def _value(row: Row, key: str) -> str:
    value = row.get(key)
    return "" if value is None else str(value)
