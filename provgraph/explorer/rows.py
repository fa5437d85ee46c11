"""Tables: every answer as rows to sort, filter and page through, each with where it leads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from provgraph.analysis.showing import run_id
from provgraph.explorer.around import about, ask_of
from provgraph.explorer.narrowing import Row, dated, facets_of, moment_of, narrowed, times_of
from provgraph.explorer.picture import natural
from provgraph.explorer.spread import MOST_HITS, ask_of_hit, outline_of
from provgraph.model.answers import (
    Impact,
    Lineage,
    Log,
    Mark,
    Overview,
    RunDiff,
    Status,
    Structure,
)
from provgraph.render.terminal import seconds_words
from provgraph.render.text_parts import when
from provgraph.render.text_structure import chain_words, point_words, repeat_words

Stacks = Mapping[str, str]
Marks = Mapping[str, Mark]
Columns = tuple[tuple[str, str], ...]

NAMES: Columns = (("name", "Name"), ("kind", "Kind"), ("state", "State"))
PAGE = 100
MOST_ON_PAGE = 1_000


class Table:
    """Rows with their columns. `ask` in a row is the selector of what it is about.

    `finish` fills in what takes long, for the rows of one page; what begins with `_` isn't sent.
    """

    def __init__(
        self,
        columns: Columns,
        rows: Sequence[Row],
        finish: Callable[[Row], Row] | None = None,
    ) -> None:
        self.columns = columns
        self._rows = rows
        self._finish = finish
        dated(rows)

    @property
    def by_key(self) -> dict[str, Row]:
        """Give the rows by what the picture calls the thing they are about."""
        return {row["_key"]: row for row in self._rows if "_key" in row}

    @cached_property
    def times(self) -> dict[str, Any] | None:
        """Give when its things were, for a slider."""
        return times_of(self._rows)

    def page(
        self,
        *,
        find: str = "",
        stack: str = "",
        sort: str = "",
        by: Mapping[str, str] | None = None,
        offset: int = 0,
        limit: int = PAGE,
    ) -> dict[str, Any]:
        """Give some rows: those with `find` in a cell, in the order of a column (`-name`: down).

        `stack` keeps to what is in one stack of the picture, `by` to values of facets.
        """
        keys = [key for key, _ in self.columns]
        rows = self._rows
        if stack:
            rows = [row for row in rows if row.get("stack") == stack]
        wanted = find.strip().lower()
        if wanted:
            rows = [row for row in rows if _has(row, keys, wanted)]
        facets = facets_of(rows, by or {})
        rows = narrowed(rows, by or {})
        column = sort.removeprefix("-")
        if column in keys:
            rows = sorted(rows, key=lambda row: _order(row.get(column)), reverse=sort[:1] == "-")
        offset = max(0, offset)
        some = rows[offset : offset + max(1, min(limit, MOST_ON_PAGE))]
        return {
            "columns": [list(column) for column in self.columns],
            "rows": self._done(some),
            "facets": facets,
            "offset": offset,
            "found": len(rows),
            "total": len(self._rows),
        }

    def whole(self) -> dict[str, Any]:
        """Give every row, for a page that has no server to ask for the next."""
        return {
            "columns": [list(column) for column in self.columns],
            "rows": self._done(self._rows),
        }

    def _done(self, rows: Sequence[Row]) -> list[Row]:
        return [_sent(self._finish(row) if self._finish else row) for row in rows]


def _sent(row: Row) -> Row:
    sent = {key: value for key, value in row.items() if key[:1] != "_"}
    if "time" in sent:
        sent["time"] = moment_of(sent["time"])
    return sent


def _has(row: Row, keys: Sequence[str], wanted: str) -> bool:
    return any(wanted in str(row.get(key, "")).lower() for key in keys)


def _order(value: Any) -> tuple[int, float, tuple[str | int, ...]]:
    if isinstance(value, (int, float)):
        return (0, float(value), ())
    return (1, 0.0, natural(str(value or "")))


def table_of(
    answer: object,
    *,
    stacks: Mapping[str, str] | None = None,
    marks: Mapping[str, Mark] | None = None,
) -> Table:
    """Give an answer's table.

    `stacks` says in which stack of the picture a node is, `marks` what it is narrowed by.
    """
    return _TABLES[type(answer)](answer, stacks or {}, marks or {})


def _marked(mark: Mark | None) -> Row:
    if mark is None:
        return {}
    return {
        "step": mark.step,
        "time": mark.time,
        "tracing": mark.tracing,
        "project": mark.project,
        "agent": mark.agent,
        "pinned": mark.pinned,
        "_unseen": mark.unseen,
    }


def _impact(answer: Impact, _stacks: Stacks, marks: Marks) -> Table:
    rows: list[Row] = [
        {
            "name": hit.name,
            "kind": hit.kind,
            "state": hit.state,
            "depth": hit.depth,
            "pinned": hit.pinned,
            "_at": place,
        }
        for place, hit in enumerate(outline_of(answer))
    ]
    if len(rows) <= MOST_HITS:
        for row, hit in zip(rows, answer.affected, strict=True):
            row.update(_marked(marks.get(hit.id)), _key=hit.id or hit.name)
    rows += [
        {"name": item.name, "kind": item.kind, "state": item.state, "depth": "", "ask": item.name}
        | {"words": item.words or "was so before the change"}
        for item in answer.already_stale
    ]

    def finish(row: Row) -> Row:
        if "_at" not in row:
            return row
        hit = answer.affected[row["_at"]]
        return row | {"ask": ask_of_hit(hit), "step": hit.step, "words": hit.words}

    columns = (*NAMES, ("depth", "Steps"), ("pinned", "Pinned"), ("step", "Last step"))
    return Table((*columns, ("words", "Why")), rows, finish)


def _status(answer: Status, _stacks: Stacks, _marks: Marks) -> Table:
    rows: list[Row] = [
        {"name": item.name, "kind": item.kind, "state": state, "pinned": item.pinned}
        | {"reason": item.reason, "words": item.words, "ask": item.name}
        for state in ("stale", "behind", "modified", "missing")
        for item in getattr(answer, state)
    ]
    rows += [{"name": name, "state": "current", "ask": name} for name in answer.current]
    return Table((*NAMES, ("reason", "Reason"), ("pinned", "Pinned"), ("words", "Why")), rows)


def _lineage(answer: Lineage, stacks: Stacks, marks: Marks) -> Table:
    rows: list[Row] = []
    for node in sorted(answer.nodes, key=lambda node: (abs(node.depth), natural(node.name))):
        side = "asked about" if node.id in answer.focus else "cause" if node.depth < 0 else "effect"
        row: Row = {"name": node.name, "kind": node.kind, "state": node.state, "side": side}
        row |= {"hops": abs(node.depth), "about": about(node), "ask": ask_of(node)}
        for key in ("causes", "effects"):
            row[key] = node.props.get(key, "")
        row |= _marked(marks.get(node.id)) | {"_key": node.id}
        if node.id in stacks:
            row["stack"] = stacks[node.id]
        rows.append(row)
    columns = (*NAMES, ("side", "Side"), ("hops", "Hops"), ("about", "When, content"))
    return Table((*columns, ("causes", "Causes"), ("effects", "Effects")), rows)


def _log(answer: Log, _stacks: Stacks, _marks: Marks) -> Table:
    metrics = sorted({name for run in answer.runs for name in run.metrics})[:12]
    rows: list[Row] = [
        {
            "name": run.step,
            "status": run.status,
            "started": when(run.started),
            "time": run.started,
            "tracing": run.tracing,
            "seconds": run.seconds,
            "products": run.products,
            "agent": run.agent,
            "note": run.note,
            "ask": run_id(run.id),
        }
        | {f"metric:{name}": run.metrics[name] for name in metrics if name in run.metrics}
        for run in answer.runs
    ]
    columns = (
        ("name", "Step"),
        ("status", "Ended"),
        ("started", "Started"),
        ("seconds", "Seconds"),
        ("products", "Products"),
        ("agent", "Who"),
        ("note", "Note"),
        *((f"metric:{name}", name) for name in metrics),
    )
    return Table(columns, rows)


# How a diff says that a side has nothing there.
NOTHING = ("", "-", "–", "absent")


def _diff(answer: RunDiff, _stacks: Stacks, _marks: Marks) -> Table:
    rows: list[Row] = []
    for item in answer.differences:
        how = "changed"
        if item.before in NOTHING:
            how = "only in the later run"
        elif item.after in NOTHING:
            how = "only in the earlier run"
        rows.append(
            {"section": item.section, "name": item.name, "how": how}
            | {"before": item.before, "after": item.after, "detail": item.detail}
        )
    rows += [
        {"section": section, "name": f"{count:,} more", "how": "same"}
        for section, count in answer.same.items()
        if count
    ]
    columns = (("section", "Part"), ("name", "Name"), ("how", "How"), ("before", "Earlier run"))
    return Table((*columns, ("after", "Later run"), ("detail", "Detail")), rows)


def _structure(answer: Structure, _stacks: Stacks, _marks: Marks) -> Table:
    rows: list[Row] = [
        {"what": "single point", "name": point.name, "kind": point.kind, "size": point.holds}
        | {"words": point_words(point), "ask": point.id}
        for point in answer.single_points
    ]
    rows += [
        {"what": "critical path", "name": leg.step, "kind": "Run", "size": leg.seconds}
        | {"words": f"took {seconds_words(leg.seconds)}", "ask": leg.id}
        for leg in answer.critical_path
    ]
    rows += [
        {"what": "redundant", "name": repeat.step, "kind": "Run", "size": len(repeat.runs)}
        | {"words": repeat_words(repeat), "ask": repeat.runs[-1]}
        for repeat in answer.redundant
    ]
    rows += [
        {"what": "orphan", "name": orphan.name, "kind": orphan.kind}
        | {"words": "nothing live rests on it", "ask": orphan.id}
        for orphan in answer.orphans
    ]
    rows += [
        {"what": "longest chain", "name": chain.name, "size": chain.runs}
        | {"words": chain_words(chain), "ask": chain.id}
        for chain in answer.longest
    ]
    columns = (("what", "What"), ("name", "Name"), ("kind", "Kind"), ("size", "Size"))
    return Table((*columns, ("words", "Meaning")), rows)


def _overview(answer: Overview, _stacks: Stacks, _marks: Marks) -> Table:
    rows: list[Row] = [
        {"name": lane.label, "runs": sum(lane.runs), "failed": sum(lane.failed)}
        for lane in answer.lanes
    ]
    return Table((("name", "Step"), ("runs", "Runs"), ("failed", "Failed")), rows)


_TABLES: dict[type, Callable[[Any, Stacks, Marks], Table]] = {
    Impact: _impact,
    Status: _status,
    Lineage: _lineage,
    Log: _log,
    RunDiff: _diff,
    Structure: _structure,
    Overview: _overview,
}
