"""Loads of a table by column, as readers told them, held against what was seen of the file.

A load is proven when an opening of its file, between its start and its end, was surely its own:
where the reader opens in the thread that loads (Arrow, pandas), made by that, and not one more than
a load makes; where threads of its own do (polars), one of exactly as many as that. Any other
opening is a read of the whole.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from provgraph.collect.columns import parts_of
from provgraph.collect.trace import Access

Stat = tuple[int, int, int, int, int]
# So many openings a load makes: mostly one for the schema, one for the columns.
_OPENINGS = {"arrow": 2, "pandas": 2, "pandas by itself": 1, "polars": 2}
_OPENED_BY_THREADS_OF_ITS_OWN = frozenset({"polars"})


@dataclass(frozen=True, slots=True)
class Opening:
    """That a thread opened a file while a load was under way, or for one."""

    pid: int
    thread: int
    when: int
    path: bytes
    stat: Stat

    def of(self, load: Load | None) -> Access:
        """Give it as a read: of a load's columns, or else of the whole."""
        size = self.stat[2]
        if load is None:
            return Access("read", self.path, self.when, self.pid, size=size, stat=self.stat)
        parts = parts_of(load.reader, load.columns)
        return Access(
            "columns", self.path, self.when, self.pid, size=size, stat=self.stat, keys=parts
        )


@dataclass(frozen=True, slots=True)
class Load:
    """A call that loaded columns of a file: by whom, and from when to when (ns)."""

    reader: str
    columns: tuple[str, ...]
    until: int
    file: Opening  # as the call was about to open it: its thread, since when, where, what was there


def proven(loads: Iterable[Load], openings: Iterable[Opening]) -> dict[Opening, Load]:
    """Map openings to the loads that they surely belong to."""
    by_file: dict[tuple[int, Stat], list[Opening]] = {}
    for opening in sorted(openings, key=_when):
        by_file.setdefault((opening.pid, opening.stat), []).append(opening)
    found: dict[Opening, Load] = {}
    for load in loads:
        there = by_file.get((load.file.pid, load.file.stat), [])
        first = bisect_left(there, load.file.when, key=_when)
        own = there[first : bisect_right(there, load.until, key=_when)]
        makes = _OPENINGS.get(load.reader, 0)
        if load.reader in _OPENED_BY_THREADS_OF_ITS_OWN:
            sure = len(own) == makes
        else:
            own = [one for one in own if one.thread == load.file.thread]
            sure = len(own) <= makes
        if sure:
            found |= dict.fromkeys(own, load)
    return found


def _when(opening: Opening) -> int:
    return opening.when
