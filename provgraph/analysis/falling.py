"""The walk under every judgement: what falls when some vertices fall.

A run falls with any input, a generation with its maker, except where another run done the same
way that still stands put the same content there (its class). Cost is linear in what falls.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from provgraph.analysis.facts import Facts
from provgraph.graph.interface import PRODUCES, USES, Generation

# Above this many in one level, which of several equally good reasons is given is the store's.
RANKED = 2_000


class Fallen:
    """Vertices that fell: each with the vertex that decided it (None for a seed) and its depth.

    Depth counts edges from the seeds, which have 0.
    """

    def __init__(self, base: Fallen | None = None) -> None:
        self.cause: dict[int, int | None] = dict(base.cause) if base else {}
        self.depth: dict[int, int] = dict(base.depth) if base else {}

    def __contains__(self, key: object) -> bool:
        return key in self.cause

    def __len__(self) -> int:
        return len(self.cause)

    def add(self, key: int, cause: int | None, depth: int) -> bool:
        """Let a vertex fall; False when it had fallen before."""
        if key in self.cause:
            return False
        self.cause[key] = cause
        self.depth[key] = depth
        return True

    def add_all(self, keys: list[int], causes: Sequence[int | None], depths: list[int]) -> None:
        """Let many vertices fall at once, those that had not fallen before."""
        # Made anew, so that the loop over a hundred thousand stays out of Python.
        self.cause = dict(zip(keys, causes, strict=True)) | self.cause
        self.depth = dict(zip(keys, depths, strict=True)) | self.depth


Also = Mapping[int, Iterable[int]]


def fall(
    facts: Facts, seeds: Iterable[int], *, base: Fallen | None = None, also: Also | None = None
) -> Fallen:
    """Let seeds fall, and all that rests on them with nothing else to stand on.

    `base` is what had fallen before (kept, and walked through no more); `also` are more vertices
    that fall with one. Stand-ins must be well-founded: one that itself rests on what it stands in
    for doesn't count.
    """
    fallen = Fallen(base)
    also = also or {}
    excused: set[int] = set()
    frontier = [key for key in facts.ranked(dict.fromkeys(seeds)) if fallen.add(key, None, 0)]
    _walk(facts, fallen, frontier, excused, also)
    while excused:
        unfounded = _unfounded(facts, fallen, excused)
        if not unfounded:
            break
        frontier = [key for key in unfounded if fallen.add(key, unfounded[key], 0)]
        for key in frontier:
            cause = unfounded[key]
            fallen.depth[key] = fallen.depth.get(cause, 0) + 1 if cause is not None else 0
        _walk(facts, fallen, frontier, excused, also)
    return fallen


def _walk(facts: Facts, fallen: Fallen, frontier: list[int], excused: set[int], also: Also) -> None:
    """Go level by level from vertices that have just fallen."""
    depth = min((fallen.depth[key] for key in frontier), default=0)
    waiting: dict[int, list[int]] = defaultdict(list)
    for key in frontier:
        waiting[fallen.depth[key]].append(key)
    while waiting:
        while depth not in waiting:
            depth += 1
        level = waiting.pop(depth)
        wide = len(level) > facts.store.wide
        if wide and not (waiting or also) and _leap(facts, fallen, level, depth):
            return
        if len(level) <= RANKED:
            level = facts.ranked(level)
        following = _next_level(facts, fallen, level, depth + 1, excused)
        for key in level:
            for other in (*facts.copied_to.get(key, ()), *also.get(key, ())):
                if fallen.add(other, key, depth + 1):
                    following.append(other)
        if following:
            waiting[depth + 1].extend(following)


def _next_level(
    facts: Facts, fallen: Fallen, level: list[int], depth: int, excused: set[int]
) -> list[int]:
    """Let fall what has an edge from this level and nothing else to stand on."""
    following: list[int] = []
    platform = _platform_edges(facts, level)
    place = {key: number for number, key in enumerate(level)}
    for edge in sorted(facts.store.effects_of(level), key=lambda row: place[row.cause]):
        if edge.effect in fallen:
            continue
        if edge.type == PRODUCES and edge.effect in facts.classes:
            _class_falls(facts, fallen, facts.classes[edge.effect], depth, following, excused)
        elif edge.type == USES and (edge.cause, edge.effect) in platform:
            continue
        elif fallen.add(edge.effect, edge.cause, depth):
            following.append(edge.effect)
    return following


def _platform_edges(facts: Facts, level: list[int]) -> set[tuple[int, int]]:
    """Give the (generation, run) pairs that only the platform tier connects."""
    if facts.platform:
        return set()
    sources = [
        key
        for key in level
        if (g := facts.generations.get(key)) is not None
        and g.maker is None
        and g.name.startswith(("env:", "hardware:"))
    ]
    if not sources:
        return set()
    roles: dict[tuple[int, int], set[bool]] = defaultdict(set)
    for use in facts.store.uses_of(sources):
        roles[use.generation, use.run].add(facts.counts(use))
    return {pair for pair, counting in roles.items() if True not in counting}


def _class_falls(
    facts: Facts, fallen: Fallen, cls: int, depth: int, following: list[int], excused: set[int]
) -> None:
    members = facts.members[cls]
    if any(g.maker is not None and g.maker not in fallen for g in members):
        excused.add(cls)
        return
    excused.discard(cls)
    following.extend(g.key for g in members if fallen.add(g.key, g.maker, depth))


def _leap(facts: Facts, fallen: Fallen, level: list[int], depth: int) -> bool:
    """Take a wide frontier's whole reach from the store at once, where no stand-in is in sight."""
    if facts.copied_to or _platform_edges(facts, level):
        return False
    reach = facts.store.reach(level)
    keys = integers(reach.key)
    if not facts.classes.keys().isdisjoint(keys):
        return False
    depths = [depth + extra for extra in integers(reach.depth)]
    fallen.add_all(keys, integers(reach.cause), depths)
    return True


def integers(column: Sequence[int]) -> list[int]:
    """Give a column as Python's integers, whatever array it is."""
    tolist: Callable[[], list[int]] | None = getattr(column, "tolist", None)
    return tolist() if tolist is not None else list(column)


def _unfounded(facts: Facts, fallen: Fallen, excused: set[int]) -> dict[int, int | None]:
    """Find runs that stand only because a stand-in stands that rests on them: vertex → cause."""
    store = facts.store
    doubtful: dict[int, int | None] = {}
    orphans = [
        g.key
        for cls in excused
        for g in facts.members[cls]
        if g.maker is not None and g.maker in fallen
    ]
    for use in store.uses_of(orphans) if orphans else ():
        if facts.counts(use) and use.run not in fallen and use.run not in doubtful:
            doubtful[use.run] = use.generation
    frontier = list(doubtful)
    while frontier:
        edges = store.effects_of(frontier)
        frontier = []
        for edge in edges:
            if edge.effect not in fallen and edge.effect not in doubtful:
                doubtful[edge.effect] = edge.cause
                frontier.append(edge.effect)
    if not doubtful:
        return {}
    return _least(facts, fallen, doubtful)


def _least(
    facts: Facts, fallen: Fallen, doubtful: Mapping[int, int | None]
) -> dict[int, int | None]:
    """Rebuild the standing of doubtful vertices from the ground up; give those that never stand."""
    store = facts.store
    standing: set[int] = set()
    causes: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for edge in store.causes_of(list(doubtful)):
        causes[edge.effect].append((edge.cause, edge.type))
    facts.ensure(doubtful)

    def stands(key: int) -> bool:
        return key in standing or (key not in doubtful and key not in fallen)

    def generation_stands(key: int) -> bool:
        g: Generation | None = facts.generation(key)
        if g is not None and key in facts.classes:
            members = facts.members[facts.classes[key]]
            return any(m.maker is not None and stands(m.maker) for m in members)
        return stands(key)

    changed = True
    while changed:
        changed = False
        for key in doubtful:
            if key in standing:
                continue
            if key in facts.classes:
                good = generation_stands(key)
            else:
                good = all(generation_stands(cause) for cause, _ in causes[key])
            if good:
                standing.add(key)
                changed = True
    return {key: cause for key, cause in doubtful.items() if key not in standing}
