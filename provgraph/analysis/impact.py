"""What a change affects: the names and runs that stand lower after it than before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from provgraph.analysis.change import Between, Target
from provgraph.analysis.facts import Facts, Name
from provgraph.analysis.gaps import gap_notes, live_runs, note, resting_on, unseen_systems
from provgraph.analysis.judgement import Judgement, judge
from provgraph.analysis.paths import Labels, full_trail, label, links, sentence, steps_of
from provgraph.graph.interface import Generation
from provgraph.model.answers import (
    BEHIND,
    CURRENT,
    MISSING,
    RANK,
    STALE,
    Already,
    GapNote,
    Hit,
    Link,
)
from provgraph.model.kinds import RUN

# An answer this long is built as it is read.
LONG = 200
# A path longer than this is given by its ends.
LONGEST_PATH = 100


class Fell(NamedTuple):
    """One hit before it is put in words: the vertex shown, the one that decided, its new state."""

    name: str
    vertex: int
    decided: int
    state: str


class Outline(NamedTuple):
    """A hit without its reason."""

    name: str
    kind: str
    state: str
    depth: int
    pinned: str


@dataclass
class Fall:
    """The difference between two judgements.

    `unseen` are names with nothing there whose newest maker falls: no state of theirs changes, but
    whoever asks in a clone without the products wants them named.
    """

    before: Judgement
    after: Judgement
    fell: list[Fell] = field(default_factory=list)
    unseen: list[Fell] = field(default_factory=list)
    already: list[tuple[str, int, str]] = field(default_factory=list)


def compare(
    facts: Facts, change: Between, targets: Sequence[Target], *, before: Judgement | None = None
) -> Fall:
    """Judge before and after a change, and find what falls and what had fallen already."""
    first = before if before is not None else judge(facts, change.before)
    after = judge(facts, change.after, suppose=change.suppose)
    fall = Fall(before=first, after=after)
    reached = _reached(facts, targets)
    for name in facts.at:
        if facts.is_stream(name):
            continue
        old, new = first.name_state(name), after.name_state(name)
        if new is not None and RANK.get(new, -1) > RANK.get(old or "", len(RANK)):
            shown, decided = _decisive(after, name, new)
            fall.fell.append(Fell(name[1], shown, decided, new))
        elif new == MISSING and (unseen := _unseen(fall, name)) is not None:
            fall.unseen.append(unseen)
        elif old in (BEHIND, STALE, MISSING):
            here = first.lying(name).generation
            live = {*first.live_runs(name), here.key if here is not None else None}
            if live & reached:
                fall.already.append((name[1], facts.at[name][-1].key, old))
    for run in facts.silent:
        old, new = first.state_of(run.key), after.state_of(run.key)
        if RANK[new] > RANK[old]:
            fall.fell.append(Fell(run.label or run.id, run.key, run.key, new))
        elif old != CURRENT and run.key in reached:
            fall.already.append((run.label or run.id, run.key, old))
    _imported(facts, fall, change)
    return fall


def _unseen(fall: Fall, name: Name) -> Fell | None:
    """Find what falls of a name with nothing there: its newest maker, as in a fresh clone."""
    for run in fall.after.live_runs(name):
        state = fall.after.state_of(run)
        if RANK[state] > RANK[fall.before.state_of(run)]:
            return Fell(name[1], fall.after.facts.produced(name)[-1].key, run, state)
    return None


def _imported(facts: Facts, fall: Fall, change: Between) -> None:
    """Add imported nodes, each by itself: nothing says which of them lie where."""
    fallen = fall.after.lower.cause.keys() - fall.before.lower.cause.keys()
    candidates = fallen - facts.generations.keys() - set(change.suppose)
    if not candidates:
        return
    names = facts.store.imported_names(sorted(candidates))
    stale = fall.after.stale
    states = [STALE if key in stale.cause else BEHIND for key in names]
    fall.fell.extend(map(Fell, names.values(), names, names, states))


def _reached(facts: Facts, targets: Sequence[Target]) -> set[int]:
    """Give what the change reaches by plain reachability through history."""
    starts: list[int] = []
    for target in targets:
        starts.extend(target.keys)
        starts.extend(target.contents)
        for name, parts in target.names:
            keys = facts.keys_at((facts.project, name))
            for uses in facts.readers(keys).values():
                starts.extend(u.run for u in uses if not parts or set(parts) & set(u.touched))
            for key in keys:
                starts.extend(facts.copied_to.get(key, ()))
    return resting_on(facts, starts) if starts else set()


def _decisive(judgement: Judgement, name: Name, state: str) -> tuple[int, int]:
    """Give (vertex shown, vertex that decided the state) of a name."""
    here: Generation | None = judgement.lying(name).generation
    lowest = [run for run in judgement.live_runs(name) if judgement.state_of(run) == state]
    shown = here.key if here is not None else judgement.facts.at[name][-1].key
    if here is not None and here.maker in lowest:
        return shown, here.key if here.key in judgement.lower else here.maker or shown
    return shown, lowest[0] if lowest else shown


def reachable(facts: Facts, targets: Sequence[Target], present: Judgement) -> list[Fell]:
    """Find everything that history connects with the targets, standing or not (`--all`)."""
    reached = _reached(facts, targets)
    asked = {name for target in targets for name, _ in target.names}
    out: list[Fell] = []
    for name, several in facts.at.items():
        hit = next((g for g in reversed(several) if g.maker is not None and g.key in reached), None)
        if hit is not None and name[1] not in asked:
            state = present.name_state(name) or CURRENT
            out.append(Fell(name[1], hit.key, hit.key, state))
    out.extend(
        Fell(run.label or run.id, run.key, run.key, present.state_of(run.key))
        for run in facts.silent
        if run.key in reached
    )
    starts = {key for target in targets for key in target.keys}
    others = [k for k in reached if k not in facts.generations and k not in starts]
    for key, label_ in facts.store.imported_names(others).items() if others else ():
        out.append(Fell(label_, key, key, present.state_of(key)))
    return out


class Hits(Sequence[Hit]):
    """Hits in order, each built when it is read: 100,000 cost no more than the ten shown."""

    def __init__(
        self,
        fell: Sequence[Fell],
        build: Callable[[Sequence[Fell]], tuple[Hit, ...]],
        outline: Callable[[Sequence[Fell]], list[Outline]],
    ) -> None:
        self._fell = fell
        self._build = build
        self._outline = outline
        self._outlined: list[Outline] | None = None

    def outline(self) -> list[Outline]:
        """Give what a list or a picture of all hits needs, without their reasons."""
        if self._outlined is None:
            self._outlined = self._outline(self._fell)
        return self._outlined

    def __len__(self) -> int:
        return len(self._fell)

    def __iter__(self) -> Iterator[Hit]:
        for start in range(0, len(self._fell), LONG):
            yield from self._build(self._fell[start : start + LONG])

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        if isinstance(place, slice):
            return self._build(self._fell[place])
        return self._build([self._fell[place]])[0]


@dataclass(frozen=True, slots=True)
class Wording:
    """How names get their kind, title and pin: closures over tables the caller has.

    `moved` finds the name at which the content of a generation lies now ("" for nowhere).
    `accept` gives a gap as the project's policy has it.
    """

    kind: Callable[[str, bool], str]
    title: Callable[[str], str]
    pinned: Callable[[Generation | None], str]
    moved: Callable[[Generation], str] = lambda _: ""
    accept: Callable[[GapNote], GapNote] = lambda gap: gap

    def gap(self, reason: str, subject: str) -> GapNote:
        """Grade and say a gap that was recorded."""
        return self.accept(note(reason, self.title(subject)))


def hits(fall: Fall, wording: Wording) -> Sequence[Hit]:
    """Put what fell in words: pinned first, then nearest the change."""
    after = fall.after
    depth = after.lower.depth
    pins = _pins(fall, wording)
    order = {"published": 0, "": 2}
    # By name, then by what counts more: sorting keeps the order of equals.
    ordered = sorted(fall.fell, key=itemgetter(0))
    ordered.sort(key=lambda fell: depth.get(fell.decided, 0))
    if pins:
        ordered.sort(key=lambda fell: order.get(pins.get(fell.vertex, ""), 1))
    if len(ordered) > LONG:
        return Hits(
            ordered,
            lambda several: hit_of(after, several, wording),
            lambda several: outline_of(after, several, wording),
        )
    return hit_of(after, ordered, wording)


def _pins(fall: Fall, wording: Wording) -> dict[int, str]:
    """Give how those of the hits are pinned that are."""
    known = fall.after.facts.generations
    return {
        fell.vertex: pin
        for fell in fall.fell
        if fell.vertex in known and (pin := wording.pinned(known[fell.vertex]))
    }


def hit_of(after: Judgement, several: Sequence[Fell], wording: Wording) -> tuple[Hit, ...]:
    """Build hits, looking labels up in bulk."""
    facts = after.facts
    trails: list[list[int]] = []
    for fell in several:
        fallen = after.stale if fell.decided in after.stale else after.lower
        path = full_trail(after, fallen, fell.decided)
        if path[-1] != fell.vertex:
            path.append(fell.vertex)
        trails.append(path)
    every = {key for path in trails for key in path}
    labels = label(facts.store, every, wording.title)
    ids = {v.key: v for v in facts.store.vertices([f.vertex for f in several])}
    out = []
    for fell, path in zip(several, trails, strict=True):
        seed = next((key for key in path if key in after.causes), None)
        cause = after.causes[seed] if seed is not None else None
        parts = cause.parts if cause is not None else ()
        g = facts.generations.get(fell.vertex)
        vertex = ids.get(fell.vertex)
        explicit = vertex.kind if vertex is not None else ""
        kind = explicit or (
            wording.kind(fell.name, True) if fell.vertex not in labels.runs else RUN
        )
        runs = [labels[key] for key in path if key in labels.runs]
        out.append(
            Hit(
                id=vertex.id if vertex is not None else "",
                name=wording.title(fell.name),
                kind=kind,
                state=fell.state,
                depth=max(1, steps_of(path, labels)),
                why=_why(path, labels, parts),
                words=sentence(path, labels, parts, cause.role if cause is not None else ""),
                pinned=wording.pinned(g),
                step=runs[-1] if runs else "",
            )
        )
    return tuple(out)


def outline_of(after: Judgement, several: Sequence[Fell], wording: Wording) -> list[Outline]:
    """Give hits without their reasons, in one pass over what fell."""
    facts = after.facts
    shown = {v.key: v for v in facts.store.vertices([fell.vertex for fell in several])}
    steps = _Steps(after)
    out = []
    for fell in several:
        vertex = shown.get(fell.vertex)
        explicit = RUN if fell.vertex in steps.runs else vertex.kind if vertex is not None else ""
        direct = fell.vertex != fell.decided and fell.decided not in steps.runs
        depth = steps.of(fell.decided) + direct
        out.append(
            Outline(
                name=wording.title(fell.name),
                kind=explicit or wording.kind(fell.name, True),
                state=fell.state,
                depth=max(1, depth),
                pinned=wording.pinned(facts.generations.get(fell.vertex)),
            )
        )
    return out


class _Steps:
    """Counts the steps of decisive paths as `steps_of` does, each vertex once."""

    def __init__(self, after: Judgement) -> None:
        self._after = after
        stale, lower = after.stale, after.lower
        fallen = sorted(stale.cause.keys() | lower.cause.keys())
        self.runs = {row.key for row in after.facts.store.runs(fallen)}
        self._known: dict[tuple[bool, int], int] = {}

    def of(self, key: int) -> int:
        """Count the runs, and the links between artefacts, up to a vertex."""
        stale = key in self._after.stale
        fallen = self._after.stale if stale else self._after.lower
        trail: list[int] = []
        at: int | None = key
        while at is not None and (stale, at) not in self._known and len(trail) <= len(fallen):
            trail.append(at)
            at = fallen.cause.get(at)
        total = self._known.get((stale, at), 0) if at is not None else 0
        before = at
        for vertex in reversed(trail):
            if before is None:
                cause = self._after.causes.get(vertex)
                before = cause.generation if cause is not None else None
            total += vertex in self.runs or (before is not None and before not in self.runs)
            self._known[stale, vertex] = total
            before = vertex
        return total


def _why(path: Sequence[int], labels: Labels, parts: Sequence[str]) -> tuple[Link, ...]:
    """Give a path's links; of a very long one those at both ends (`--explain` has all)."""
    if len(path) <= LONGEST_PATH:
        return links(path, labels, parts)
    half = LONGEST_PATH // 2
    return links(path[:half], labels, parts) + links(path[-half:], labels)


def already(fall: Fall, wording: Wording) -> tuple[Already, ...]:
    """Put what had fallen before in words."""
    facts = fall.after.facts
    explicit = {v.key: v.kind for v in facts.store.vertices([key for _, key, _ in fall.already])}
    out = []
    for name, key, state in sorted(fall.already):
        kind = explicit.get(key) or wording.kind(name, True)
        out.append(Already(name=wording.title(name), kind=kind, state=state))
    return tuple(out)


def gaps(fall: Fall, wording: Wording, targets: Sequence[Target] = ()) -> tuple[GapNote, ...]:
    """Say what could hide a hit: gaps of live runs; of those that fall, gaps in what they wrote.

    `targets` are what was asked about.
    """
    after = fall.after
    live = live_runs(after)
    fallen = {run for run in live if run in after.stale}
    settled = {fell.name for fell in fall.fell} | {name for name, _, _ in fall.already}
    found = gap_notes(after, runs=live - fallen, fallen=fallen, said=wording.gap, settled=settled)
    unseen = unseen_systems(after, live - fallen, targets)
    told = {gap.subject for gap in unseen}
    rest = (gap for gap in found if gap.reason != "unversioned" or gap.subject not in told)
    return (*unseen, *rest) if unseen else found


def totals(fall: Fall, found: Sequence[Hit], wording: Wording) -> Mapping[str, int]:
    """Count hits by state, those pinned or published, and what had fallen before."""
    pins = _pins(fall, wording)
    pinned = sum(fell.vertex in pins for fell in fall.fell) if pins else 0
    states = Counter(fell.state for fell in fall.fell)
    return {
        "affected": len(found),
        "stale": states[STALE],
        "behind": states[BEHIND],
        "already_stale": len(fall.already),
        "pinned": pinned,
    }
