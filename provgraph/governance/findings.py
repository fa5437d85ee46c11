"""The hits of a merge check as people are shown them: worst first, with their rank and renewal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from provgraph.analysis.asking import Questions
from provgraph.analysis.impact import LONG, Fall, Fell, Outline
from provgraph.governance.effects import Roots
from provgraph.governance.gate import Gate
from provgraph.model.answers import MISSING, Hit
from provgraph.model.checks import Finding
from provgraph.model.kinds import RESULT as RESULT_KIND


class Findings(Sequence[Finding]):
    """Findings worst first, each built when it is read; what the change itself replaced leads."""

    def __init__(
        self,
        questions: Questions,
        fall: Fall,
        found: Sequence[Hit],
        lost: Sequence[Hit],
        roots: Roots,
        gate: Gate,
    ) -> None:
        self._questions = questions
        self._fall = fall
        self._found = found
        self._lost = lost
        self._roots = roots
        self._gate = gate

    def __len__(self) -> int:
        return len(self._lost) + len(self._found)

    def __iter__(self) -> Iterator[Finding]:
        for start in range(0, len(self), LONG):
            yield from self._build(start, start + LONG)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            return tuple(self._build(start, stop))[::step]
        if place < 0:
            place += len(self)
        return self._build(place, place + 1)[0]

    def _build(self, start: int, stop: int) -> list[Finding]:
        lost = self._lost[start:stop]
        first = max(0, start - len(self._lost))
        hits = self._found[first : max(first, stop - len(self._lost))]
        return [self._finding(hit, hit.name) for hit in lost] + [
            self._finding(hit, "") for hit in hits
        ]

    def _finding(self, hit: Hit, cause: str) -> Finding:
        cause = cause or self._cause_of(hit)
        outline = Outline(hit.name, hit.kind, hit.state, hit.depth, hit.pinned)
        fails, excused = self._gate.judged(outline, cause)
        return Finding(
            hit=hit,
            rank=_rank(hit),
            cause=cause,
            renew=self._renew(hit),
            fails=fails,
            excused=excused,
            owners=self._gate.policy.owners_of(hit.name),
        )

    def _cause_of(self, hit: Hit) -> str:
        for fell in self._fall_of(hit):
            return self._roots.of(fell.decided)
        return ""

    def _fall_of(self, hit: Hit) -> Sequence[Fell]:
        if not hasattr(self, "_by_title"):
            title = self._questions.wording.title
            self._by_title: dict[str, list[Fell]] = defaultdict(list)
            for fell in self._fall.fell:
                self._by_title[title(fell.name)].append(fell)
        return self._by_title.get(hit.name, ())

    def _renew(self, hit: Hit) -> str:
        facts = self._questions.facts
        rows = facts.store.runs(facts.store.by_id(hit.id)) if hit.id else ()
        if not rows:
            made = facts.store.generations(facts.store.by_id(hit.id)) if hit.id else ()
            makers = [g.maker for g in made if g.maker is not None]
            rows = facts.store.runs(makers)
        return self._questions.command(rows[0].id) if rows else ""


def lost_hit(questions: Questions, fell: Fell) -> Hit:
    facts, wording = questions.facts, questions.wording
    g = facts.generations.get(fell.vertex)
    rows = facts.store.runs([g.maker]) if g is not None and g.maker is not None else ()
    maker = (rows[0].label or rows[0].id) if rows else ""
    name = wording.title(fell.name)
    did = "deleted" if fell.state == MISSING else "replaced by bytes that no recorded run made"
    return Hit(
        id=g.id if g is not None else "",
        name=name,
        kind=wording.kind(fell.name, True),
        state=fell.state,
        depth=1,
        why=(),
        words=f"{name}: what {maker} made is {did}",
        pinned=wording.pinned(g),
        step=maker,
    )


def _rank(hit: Hit) -> str:
    if hit.pinned == "published":
        return "published"
    if hit.pinned:
        return f"pinned as {hit.pinned}" if hit.pinned != "pinned" else "pinned"
    what = "a result" if hit.kind == RESULT_KIND else f"a {hit.kind.lower()}"
    return f"{what}, {hit.depth} step{'' if hit.depth == 1 else 's'} from the change"
