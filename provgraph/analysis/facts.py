"""What a question needs to know of the recorded world, loaded once and indexed for judging."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from provgraph.graph.interface import Generation, GraphStore, Reach, RunRow, TouchRow, UseRow
from provgraph.graph.keys import key_of
from provgraph.model.parts import THERE

# Below this a copy is too likely to be chance (empty files, one-line defaults).
SMALLEST_COPY = 1024

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

PLATFORM = "platform"
STREAM = "stream"

# Above this many, which of several equally short ways is shown is left to the store.
MANY = 5_000

Name = tuple[str, str]  # (project, name)


@dataclass(frozen=True, slots=True)
class Inferred:
    """An edge that a named rule adds: `effect` generation rests on `cause` generation.

    `readers` are the runs for whose sake it is there (`unwatched-writer`).
    """

    cause: int
    effect: int
    rule: str  # copy · unwatched-writer
    readers: tuple[int, ...] = ()


@dataclass
class Facts:
    """Generations by name, shared classes, inferred edges; the rest is asked of the store.

    `seen` are sources of which a run only saw that they were there, not what they held.
    """

    store: GraphStore
    project: str
    platform: bool = False
    generations: dict[int, Generation] = field(default_factory=dict)
    at: dict[Name, list[Generation]] = field(default_factory=dict)
    classes: Mapping[int, int] = field(default_factory=dict)
    seen: dict[Name, list[Generation]] = field(default_factory=dict)
    # Looked up later (imported ones, other projects'): no question may take them for recorded.
    _others: dict[int, Generation] = field(default_factory=dict)

    @classmethod
    def load(cls, store: GraphStore, project: str, *, platform: bool = False) -> Facts:
        """Read what judging always needs; the platform tier counts only when asked for."""
        facts = cls(store=store, project=project, platform=platform)
        at: dict[Name, list[Generation]] = defaultdict(list)
        for generation in store.recorded_generations():
            if generation.project != project:
                continue  # several projects may share a ledger; each answers for its own names
            facts.generations[generation.key] = generation
            if generation.digest == THERE:
                facts.seen.setdefault((generation.project, generation.name), []).append(generation)
                continue
            at[generation.project, generation.name].append(generation)
        for several in at.values():
            several.sort(key=lambda g: g.order)
        facts.at = {name: at[name] for name in sorted(at)}
        facts.classes = store.shared_classes()
        return facts

    @cached_property
    def members(self) -> dict[int, list[Generation]]:
        """Map a shared class to its generations."""
        out: dict[int, list[Generation]] = defaultdict(list)
        for generation in self.store.members(sorted(set(self.classes.values()))):
            out[generation.cls].append(generation)
        return dict(out)

    @cached_property
    def silent(self) -> list[RunRow]:
        """Give, for each of this project's steps whose last run wrote nothing, that run."""
        return [run for run in self.store.silent_runs() if run.project == self.project]

    @cached_property
    def touches(self) -> list[TouchRow]:
        """Give what was touched of sources."""
        return self.store.touched_sources()

    @cached_property
    def parts_seen(self) -> dict[int, set[tuple[str, str]]]:
        """Map a source to the (part, digest) pairs that readers saw of it."""
        out: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for touch in self.touches:
            out[touch.generation].add((touch.part, touch.digest))
        return dict(out)

    def keys_at(self, name: Name) -> list[int]:
        """Give every vertex that stands for a content of a name, or for its being there."""
        return [g.key for g in (*self.at.get(name, ()), *self.seen.get(name, ()))]

    def produced(self, name: Name) -> list[Generation]:
        """Give the generations that recorded runs put at a name, oldest first."""
        return [g for g in self.at.get(name, ()) if g.maker is not None]

    def is_stream(self, name: Name) -> bool:
        """Tell whether runs append to a name: a stream isn't judged as a result."""
        return any(g.append for g in self.at.get(name, ()))

    def line(self, generation: Generation | None) -> list[Generation]:
        """Follow a generation back through what its maker had read of the same name."""
        out: list[Generation] = []
        seen: set[int] = set()
        while generation is not None and generation.key not in seen:
            seen.add(generation.key)
            out.append(generation)
            before = None if generation.append else generation.before
            generation = None if before is None else self.generation(before)
        return out

    def generation(self, key: int) -> Generation | None:
        """Give a generation by key, from the store where it wasn't loaded."""
        if key not in self.generations:
            self.ensure([key])
        return self.looked_up(key)

    def looked_up(self, key: int) -> Generation | None:
        """Give a generation that was loaded, at first or by `ensure`."""
        return self.generations.get(key) or self._others.get(key)

    def ensure(self, keys: Iterable[int]) -> None:
        """Load generations in bulk."""
        missing = [key for key in keys if self.looked_up(key) is None]
        for row in self.store.generations(missing) if missing else ():
            self._others[row.key] = row

    def counts(self, use: UseRow) -> bool:
        """Tell whether an edge carries impact: the platform tier does only when asked."""
        return self.platform or use.role != PLATFORM

    @cached_property
    def unwatched(self) -> list[Inferred]:
        """Find sources that a run read after a recorded run had written their name.

        Somebody wrote there unseen: except where the reader's step had read those very bytes
        before anything wrote there (an original put back). The edge goes to the producer with
        equal bytes if one is known, else to the last one before the reading.
        """
        candidates: dict[int, list[Generation]] = {}
        for several in self.at.values():
            makers = [g for g in several if g.maker is not None]
            for source in several if makers else ():
                if source.maker is None and not source.imported and source.first_read is not None:
                    candidates[source.key] = makers
        readers = self.readers(list(candidates))
        rows = {
            row.key: row
            for row in self.store.runs([use.run for uses in readers.values() for use in uses])
        }
        out: list[Inferred] = []
        for key, makers in candidates.items():
            runs = [rows[use.run] for use in readers.get(key, ()) if use.run in rows]
            first = makers[0].order
            knew = {row.step for row in runs if row.order <= first}
            late = [
                row
                for row in runs
                if row.step not in knew
                and any(g.maker != row.key and g.order[0] <= moment_of(row.started) for g in makers)
            ]
            if late:
                digest = self.generations[key].digest
                began = max(moment_of(row.started) for row in late)
                earlier = [g for g in makers if g.order[0] <= began]
                twins = [g for g in makers if g.digest == digest]
                out.append(
                    Inferred(
                        cause=(twins or earlier)[-1].key,
                        effect=key,
                        rule="unwatched-writer",
                        readers=tuple(row.key for row in late),
                    )
                )
        return out

    @cached_property
    def copies(self) -> list[Inferred]:
        """Find sources that are copies of an earlier product at another name.

        Only where no recorded run wrote the source's name, and from 1 KiB on. Two sources with
        equal bytes are two facts: nobody says which came first.
        """
        candidates = [
            g
            for several in self.at.values()
            if not any(other.maker is not None for other in several)
            for g in several
            if g.size is not None and g.size >= SMALLEST_COPY and not g.imported
        ]
        if not candidates:
            return []
        digests = {g.digest for g in candidates}
        earliest: dict[tuple[str, str], Generation] = {}
        for g in self.generations.values():
            if g.digest in digests and g.maker is not None:
                place = (g.project, g.digest)
                if place not in earliest or g.order < earliest[place].order:
                    earliest[place] = g
        return [
            Inferred(cause=origin.key, effect=g.key, rule="copy")
            for g in candidates
            if (origin := earliest.get((g.project, g.digest))) is not None
        ]

    @cached_property
    def copied(self) -> set[int]:
        """Give the sources that are copies of something."""
        return {edge.effect for edge in self.copies}

    @cached_property
    def copied_to(self) -> dict[int, list[int]]:
        """Map a generation to the sources that are copies of it."""
        out: dict[int, list[int]] = defaultdict(list)
        for edge in self.copies:
            out[edge.cause].append(edge.effect)
        return dict(out)

    def readers(self, generations: Sequence[int]) -> dict[int, list[UseRow]]:
        """Map generations, by name and id, to the uses of them that count."""
        out: dict[int, list[UseRow]] = defaultdict(list)
        for use in self.store.uses_of(generations) if generations else ():
            if self.counts(use):
                out[use.generation].append(use)
        known = self.generations
        return {key: out[key] for key in sorted(out, key=lambda k: _place(known.get(k)))}

    def ranked(self, keys: Iterable[int]) -> list[int]:
        """Sort vertices by a hash of their ids: of equally good reasons every store gives the same.

        A store whose keys are these hashes finds the least by itself.
        """
        several = list(keys)
        if len(several) < 2:
            return several
        ids = {key: self.generations[key].id for key in several if key in self.generations}
        ids |= self.store.ids([key for key in several if key not in ids])
        return sorted(several, key=lambda key: key_of(ids.get(key, "")))

    def nearer(self, reach: Reach, starts: Iterable[int], *, backwards: bool) -> dict[int, int]:
        """Map what was reached to the neighbour one step nearer, of several the least as ranked."""
        if len(reach.key) > MANY:
            return {int(k): int(c) for k, c in zip(reach.key, reach.cause, strict=True)}
        depths = {int(k): int(d) for k, d in zip(reach.key, reach.depth, strict=True)}
        keys = list(depths)
        depths |= dict.fromkeys(starts, 0)
        rank = {key: place for place, key in enumerate(self.ranked(depths))}
        rows = self.store.effects_of(keys) if backwards else self.store.causes_of(keys)
        out: dict[int, int] = {}
        for row in rows:
            far, near = (row.cause, row.effect) if backwards else (row.effect, row.cause)
            if depths.get(near) == depths[far] - 1 and (
                far not in out or rank[near] < rank[out[far]]
            ):
                out[far] = near
        return out


def _place(generation: Generation | None) -> tuple[str, str]:
    return (generation.name, generation.id) if generation is not None else ("", "")


def moment_of(text: str) -> int:
    """Turn RFC 3339 into ns since 1970."""
    moment = datetime.fromisoformat(text)
    return int((moment - EPOCH) // MICROSECOND) * 1000
