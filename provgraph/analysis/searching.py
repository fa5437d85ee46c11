"""Find recorded things by a part of their name, as somebody types it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from heapq import nsmallest
from itertools import accumulate

from provgraph.analysis.asking import Questions
from provgraph.analysis.showing import run_id
from provgraph.graph.interface import GraphStore
from provgraph.model.answers import Match
from provgraph.model.digests import generation_id
from provgraph.model.kinds import RUN

# So many candidates are ranked; what is nearest comes among the first found.
MOST_RANKED = 2_000


class Names:
    """What is recorded, by name, made ready for many searches: typing asks at every key."""

    def __init__(self, store: GraphStore) -> None:
        titles = store.titles()
        self.asks = store.all_names()
        self.shown = [titles.get(name, name) for name in self.asks]
        lowered = [name.lower() for name in self.shown]
        # One text, which is looked through many times as fast as its lines; no name has a NUL.
        self._text = "\0".join(lowered)
        self._ends = list(accumulate(len(name) + 1 for name in lowered))
        marks = store.run_marks()
        self.steps = {mark.step for mark in marks} | {mark.label for mark in marks}

    def holding(self, wanted: str, most: int) -> Iterator[tuple[int, str]]:
        """Give the places of the first names that hold a text, and these in small letters."""
        if "\0" in wanted:
            return
        at = self._text.find(wanted)
        for _ in range(most):
            if at < 0:
                return
            place = bisect_right(self._ends, at)
            begin, end = self._ends[place - 1] if place else 0, self._ends[place]
            yield place, self._text[begin : end - 1]
            at = self._text.find(wanted, end)


def search(questions: Questions, names: Names, text: str, *, limit: int) -> list[Match]:
    """Give names that contain the text (a digest's or a run id's beginning, too), nearest first.

    Nearest is what equals the text, then what ends in it as a path, then a file name beginning so.
    """
    wanted = text.strip().lower()
    if not wanted:
        return []
    ranked = [
        (_rank(low, wanted), len(low), names.shown[place], names.asks[place])
        for place, low in names.holding(wanted, MOST_RANKED)
    ]
    out = [
        Match(
            ask=name,
            name=shown,
            kind=_kind(questions, name),
        )
        for _, _, shown, name in nsmallest(limit, ranked)
    ]
    return _by_id(questions, names, text.strip(), limit) + out


def _kind(questions: Questions, name: str) -> str:
    made = questions.facts.produced((questions.facts.project, name))
    return questions.wording.kind(name, bool(made))


def _rank(name: str, wanted: str) -> int:
    if name == wanted:
        return 0
    if name.endswith("/" + wanted):
        return 1
    tail = name.rsplit("/", 1)[-1]
    return 2 if tail.startswith(wanted) else 3 if wanted in tail else 4


def _by_id(questions: Questions, names: Names, text: str, limit: int) -> list[Match]:
    """Give the runs with this id or step, and the contents with this digest."""
    store, wording = questions.facts.store, questions.wording
    plain = text.removeprefix("run:")
    keys = [*store.by_id(plain), *store.by_id(f"run:{plain}")] if len(plain) >= 6 else []
    rows = {row.id: row for row in store.runs(keys[:limit])}
    if not rows and text in names.steps:
        rows = {row.id: row for row in store.list_runs(step=text, limit=3)}
    out = [Match(run_id(row.id), row.label or row.id, RUN) for row in rows.values()]
    digest = text.removeprefix("b3:")
    if len(digest) >= 6 and all(c in "0123456789abcdef" for c in digest):
        for g in store.by_digest(digest)[:limit]:
            run = store.runs([g.maker]) if g.maker is not None else []
            key = generation_id(g.project, g.name, g.digest, run[0].id if run else None)
            kind = g.kind or wording.kind(g.name, g.maker is not None)
            out.append(Match(key, wording.title(g.name), kind))
    return out[:limit]
