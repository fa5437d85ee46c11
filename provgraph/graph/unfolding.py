"""Ask a store about files where it holds sets of them: one vertex and one manifest for many.

Every look-up gives what it would give if no record had been folded (`model/filesets.py`), so
judging, explaining and redoing know of files only. What the store itself draws stays small.

A file that the store has no vertex for gets a key below zero, made from its id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from provgraph.errors import LedgerError
from provgraph.graph.interface import (
    PRODUCES,
    USES,
    DependRow,
    EdgeRow,
    Generation,
    GraphStatus,
    GraphStore,
    ProduceRow,
    Reach,
    RunMark,
    RunRow,
    TouchRow,
    UseRow,
    VertexRow,
)
from provgraph.graph.keys import key_of
from provgraph.graph.projection import STREAM, as_text
from provgraph.model.digests import identities
from provgraph.model.filesets import ID, Member, decode, touched_of, unfold

if TYPE_CHECKING:
    from provgraph.model.records import Recorded

T = TypeVar("T", int, str)

NOTHING: Mapping[str, str] = {}
OVERLAP = "overlap"
UNLISTED = "unlisted-files"


@dataclass(slots=True)
class _Set:
    """A set as the store has it, and the keys of its files in the order of their names."""

    row: Generation
    uses: list[UseRow]
    members: Sequence[Member]
    keys: list[int] = field(default_factory=list)


class Unfolding(GraphStore):
    """A store's answers, file by file. `manifest` gives an object's bytes, or a `LedgerError`.

    Given a `project`, it unfolds the sets of that one only. What it has learnt of the store holds
    until records are added to that by somebody else: make another then.
    """

    def __init__(
        self,
        folded: GraphStore,
        manifest: Callable[[str], bytes],
        *,
        project: str | None = None,
    ) -> None:
        self.folded = folded
        self.wide = folded.wide
        self._manifest = manifest
        self._project = project
        self._lock = RLock()
        self._read: dict[str, Sequence[Member] | None] = {}
        self._unfolded: tuple[str, Recorded] | None = None

    # -- what is folded ----------------------------------------------------------------------

    @cached_property
    def _rows(self) -> dict[int, Generation]:
        """The vertices that stand for sets."""
        keys = self.folded.by_id(ID)
        rows = self.folded.generations(keys) if keys else ()
        return {row.key: row for row in rows if self._project in (None, row.project)}

    @cached_property
    def _files(self) -> _Files:
        with self._lock:
            return _Files(self.folded, self._rows, self._members)

    def _members(self, digest: str) -> Sequence[Member] | None:
        """Read a manifest; None where it is erased, missing, or damaged."""
        if digest not in self._read:
            try:
                self._read[digest] = decode(self._manifest(digest))
            except (LedgerError, ValueError):
                self._read[digest] = None
        return self._read[digest]

    def drawn(self, edges: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
        """Turn (effect, cause, rule) between files into edges between what the store draws.

        With them come those between sets that share a file, and between a set and a file of it
        that has a vertex of its own.
        """
        seen: set[tuple[int, int, str]] = set()
        for effect, cause, rule in edges:
            for one in self._drawn(effect):
                for other in self._drawn(cause):
                    if one != other and (one, other, rule) not in seen:
                        seen.add((one, other, rule))
                        yield one, other, rule
        if self._rows:
            for effect, cause in sorted(self._files.overlaps()):
                if (effect, cause, OVERLAP) not in seen:
                    yield effect, cause, OVERLAP

    def drawn_ids(self, ids: Collection[str]) -> frozenset[str]:
        """Give ids with those of the sets that hold the files among them."""
        if not self._rows:
            return frozenset(ids)
        files = self._files
        holders = {holder for key in files.by_id(ids) for holder in files.holders.get(key, ())}
        return frozenset(ids) | {self._rows[key].id for key in holders}

    def _drawn(self, key: int) -> Sequence[int]:
        return (key,) if key >= 0 or not self._rows else self._files.holders.get(key, ())

    # -- passed on ---------------------------------------------------------------------------

    def known(self) -> set[str]:
        return self.folded.known()

    def add(
        self,
        records: Iterable[tuple[str, Recorded, Mapping[str, Mapping[str, Any]]]],
    ) -> int:
        return self._changed(self.folded.add(records))

    def add_import(self, name: str, record: Recorded, lines: Iterable[bytes]) -> int:
        return self._changed(self.folded.add_import(name, record, lines))

    def clear(self) -> None:
        self.folded.clear()
        self._changed(0)

    def _changed(self, count: int) -> int:
        with self._lock:
            for learnt in ("_rows", "_files", "_roots"):
                self.__dict__.pop(learnt, None)
        return count

    def status(self) -> GraphStatus:
        return self.folded.status()

    def close(self) -> None:
        self.folded.close()

    def kept(self, kind: str, name: str) -> bytes | None:
        return self.folded.kept(kind, name)

    def unsound_runs(self) -> list[RunRow]:
        return self.folded.unsound_runs()

    def silent_runs(self) -> list[RunRow]:
        return self.folded.silent_runs()

    def runs(self, keys: Sequence[int]) -> list[RunRow]:
        return self.folded.runs(_real(keys)) if self._rows else self.folded.runs(keys)

    def titles(self) -> Mapping[str, str]:
        return self.folded.titles()

    def notes(self, subject: str) -> list[tuple[str, str]]:
        return self.folded.notes(subject)

    def pins(self) -> Mapping[tuple[str, str], str]:
        return self.folded.pins()

    def list_runs(
        self,
        *,
        step: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        return self.folded.list_runs(
            step=step, status=status, since=since, until=until, limit=limit
        )

    def run_marks(self) -> list[RunMark]:
        return self.folded.run_marks()

    # -- judging -----------------------------------------------------------------------------

    def recorded_generations(self) -> list[Generation]:
        found = self.folded.recorded_generations()
        if not self._rows:
            return found
        files = dict(self._files.generations)
        out = [files.pop(row.key, row) for row in found if row.key not in self._rows]
        return [*out, *files.values()]

    def touched_sources(self) -> list[TouchRow]:
        found = self.folded.touched_sources()
        if not self._rows:
            return found
        rows = {row: None for row in found if row.generation not in self._rows}
        for one in self._files.sets.values():
            for role, pattern in _patterns(one.uses) if one.row.maker is None else ():
                for key, member in zip(one.keys, one.members, strict=True):
                    if self._files.generations[key].maker is None:
                        for part, digest in touched_of(pattern, member.digest).items():
                            rows[TouchRow(key, part, digest, role)] = None
        return list(rows)

    def run_gaps(self, runs: Sequence[int] | None = None) -> list[tuple[int, str, str]]:
        found = self.folded.run_gaps(runs)
        if not self._rows:
            return found
        asked = None if runs is None else set(map(int, runs))
        lost = [gap for gap in self._files.lost() if asked is None or gap[0] in asked]
        return [*found, *(gap for gap in lost if gap not in found)]

    # -- look-ups by key ---------------------------------------------------------------------

    def generations(self, keys: Sequence[int]) -> list[Generation]:
        if not self._rows:
            return self.folded.generations(keys)
        files = self._files
        found = [
            files.generations.get(row.key, row) for row in self.folded.generations(_real(keys))
        ]
        return found + files.among(keys)

    def members(self, classes: Sequence[int]) -> list[Generation]:
        if not self._rows:
            return self.folded.members(classes)
        files = self._files
        found = [
            files.generations.get(row.key, row)
            for row in self.folded.members(_real(classes))
            if row.key not in self._rows
        ]
        known = {row.key for row in found}
        wanted = set(map(int, classes))
        more = [key for cls in wanted for key in files.classes.get(cls, ()) if key not in known]
        more += [key for key in wanted if key < 0 and key not in files.classes]
        return found + [files.generations[key] for key in more if key in files.generations]

    def shared_classes(self, keys: Sequence[int] | None = None) -> Mapping[int, int]:
        if not self._rows:
            return self.folded.shared_classes(keys)
        classes = {
            key: cls
            for key, cls in self.folded.shared_classes(
                None if keys is None else _real(keys)
            ).items()
            if key not in self._rows
        }
        for cls, several in self._files.classes.items():
            classes.update(dict.fromkeys(several, cls))
        return classes if keys is None else {k: classes[k] for k in keys if k in classes}

    def uses_of(self, generations: Sequence[int]) -> list[UseRow]:
        if not self._rows:
            return self.folded.uses_of(generations)
        files = self._files
        found = self.folded.uses_of(_real(generations))
        for key in dict.fromkeys(map(int, generations)):
            for holder in files.holders.get(key, ()):
                digest = files.generations[key].digest
                found += [_use(use, key, digest) for use in files.sets[holder].uses]
            found += files.streamed.get(key, ())
        return _once(found)

    def uses_by(self, runs: Sequence[int]) -> list[UseRow]:
        if not self._rows:
            return self.folded.uses_by(runs)
        files, out = self._files, list[UseRow]()
        for row in self.folded.uses_by(_real(runs)):
            if row.generation not in self._rows:
                out.append(row)
            elif row.generation in files.sets:
                one = files.sets[row.generation]
                out += [
                    _use(row, key, member.digest)
                    for key, member in zip(one.keys, one.members, strict=True)
                ]
        for run in dict.fromkeys(map(int, runs)):
            out += files.streams_of.get(run, ())
        return _once(out)

    def produced_by(self, runs: Sequence[int]) -> list[ProduceRow]:
        if not self._rows:
            return self.folded.produced_by(runs)
        found: dict[tuple[int, int], ProduceRow] = {}
        claimed: list[ProduceRow] = []
        for row in self.folded.produced_by(_real(runs)):
            if row.generation not in self._rows:
                found[row.run, row.generation] = row
            else:
                claimed.append(row)
        # What the maker said itself, with a role, outweighs what readers say of it.
        for row in sorted(claimed, key=lambda one: not one.role):
            one = self._files.sets.get(row.generation)
            for key in one.keys if one is not None else ():
                before = found.get((row.run, key))
                if before is None or (row.role and not before.role):
                    found[row.run, key] = row._replace(generation=key)
        return list(found.values())

    def effects_of(self, keys: Sequence[int]) -> list[EdgeRow]:
        found = self.folded.effects_of(_real(keys) if self._rows else keys)
        if not self._rows:
            return found
        files, rows = self._files, dict[EdgeRow, None]()
        for row in found:
            if row.effect not in self._rows:
                rows[row] = None
            elif row.effect in files.sets:
                for key in files.sets[row.effect].keys:
                    rows[EdgeRow(row.cause, key, row.type)] = None
        for key in dict.fromkeys(map(int, keys)):
            for holder in files.holders.get(key, ()):
                for use in files.sets[holder].uses:
                    rows[EdgeRow(key, use.run, USES)] = None
            for use in files.streamed.get(key, ()):
                rows[EdgeRow(key, use.run, USES)] = None
        return list(rows)

    def causes_of(self, keys: Sequence[int]) -> list[EdgeRow]:
        found = self.folded.causes_of(_real(keys) if self._rows else keys)
        if not self._rows:
            return found
        files, rows = self._files, dict[EdgeRow, None]()
        for row in found:
            if row.cause not in self._rows:
                rows[row] = None
            elif row.cause in files.sets:
                for key in files.sets[row.cause].keys:
                    rows[EdgeRow(key, row.effect, row.type)] = None
        for key in dict.fromkeys(map(int, keys)):
            row_of = files.generations.get(key)
            if row_of is not None and row_of.maker is not None:
                rows[EdgeRow(row_of.maker, key, PRODUCES)] = None
            for use in files.streams_of.get(key, ()):
                rows[EdgeRow(use.generation, key, USES)] = None
        return list(rows)

    def stream_reads(self, writers: Sequence[int]) -> list[tuple[int, int, str, str]]:
        return self.folded.stream_reads(_real(writers) if self._rows else writers)

    def depends(self, keys: Sequence[int]) -> list[DependRow]:
        return self.folded.depends(_real(keys) if self._rows else keys)

    def vertices(self, keys: Sequence[int]) -> list[VertexRow]:
        if not self._rows:
            return self.folded.vertices(keys)
        files = self._files
        return [
            *(VertexRow(g.key, g.id, "", g.name, g.digest, {}) for g in files.among(keys)),
            *(row for row in self.folded.vertices(_real(keys)) if row.key not in files.added),
        ]

    def ids(self, keys: Sequence[int]) -> Mapping[int, str]:
        if not self._rows:
            return self.folded.ids(keys)
        return {
            **self.folded.ids(_real(keys)),
            **{row.key: row.id for row in self._files.among(keys)},
        }

    def imported_names(self, keys: Sequence[int]) -> Mapping[int, str]:
        if not self._rows:
            return self.folded.imported_names(keys)
        return {
            **self.folded.imported_names(_real(keys)),
            **{row.key: row.name for row in self._files.among(keys)},
        }

    def reach(self, seeds: Sequence[int], *, backwards: bool = False) -> Reach:
        if not self._rows:
            return self.folded.reach(seeds, backwards=backwards)
        start = list(dict.fromkeys(int(seed) for seed in seeds))
        found = self._leap(start, backwards=backwards) if self._files.levelled else None
        return found or super().reach(start, backwards=backwards)

    def _leap(self, seeds: list[int], *, backwards: bool) -> Reach | None:
        """Let the store walk over sets, and put their files in their place; None where it can't.

        A run is as far from a set as from each of its files. Where the walk comes back to a set
        that it began with, the set's other files would be missing.
        """
        files, within = self._files, dict[int, int]()
        for seed in seeds:
            for holder in files.holders.get(seed, ()):
                within.setdefault(holder, seed)
        reach = self.folded.reach([*_real(seeds), *within], backwards=backwards)
        seen, reached = set(seeds), list(map(int, reach.key))
        for holder in within:
            one = files.sets[holder]
            back = {use.run for use in one.uses} if backwards else {one.row.maker}
            if not (back.isdisjoint(seen) and back.isdisjoint(reached)):
                return None
        keys, causes, depths = list[int](), list[int](), list[int]()
        for key, cause, depth in zip(reached, reach.cause, reach.depth, strict=True):
            near = within.get(int(cause), int(cause))
            for one_key in files.sets[key].keys if key in files.sets else (key,):
                if one_key not in seen:
                    seen.add(one_key)
                    keys.append(one_key)
                    causes.append(near)
                    depths.append(int(depth))
            if key in files.sets:
                within[key] = files.sets[key].keys[0]
        return Reach(key=keys, cause=causes, depth=depths)

    # -- finding and showing -----------------------------------------------------------------

    def find_names(self, text: str, *, limit: int = 50) -> list[str]:
        if not self._rows:
            return self.folded.find_names(text, limit=limit)
        folder = text.rstrip("/")
        here = {name for name in self.folded.find_names(text, limit=0) if self._is_file(name)}
        names = self._files.names
        if folder in ("", "."):
            here.update(names)
        else:
            below, ending = folder + "/", "/" + text
            here.update(n for n in names if n == text or n.startswith(below) or n.endswith(ending))
        return sorted(here)[: limit or None]

    def all_names(self) -> list[str]:
        if not self._rows:
            return self.folded.all_names()
        names = {name for name in self.folded.all_names() if self._is_file(name)}
        return sorted(names | self._files.names.keys())

    @property
    def roots(self) -> list[str]:
        """Give the names by which the store has sets: those of their directories, with a slash."""
        return sorted({row.name for row in self._rows.values()})

    def _is_file(self, name: str) -> bool:
        """Tell whether a name is that of something else than of sets alone."""
        return name not in self._roots

    @cached_property
    def _roots(self) -> set[str]:
        names = {row.name for row in self._rows.values()}
        others = self.folded.at_names(sorted(names))
        return names - {row.name for row in others if row.key not in self._rows}

    def at_names(self, names: Sequence[str]) -> list[Generation]:
        if not self._rows:
            return self.folded.at_names(names)
        files = self._files
        found = [
            files.generations.get(row.key, row)
            for row in self.folded.at_names(names)
            if row.key not in self._rows
        ]
        keys = [key for name in dict.fromkeys(names) for key in files.names.get(name, ())]
        return found + [files.generations[key] for key in keys]

    def by_digest(self, digest: str) -> list[Generation]:
        found = self.folded.by_digest(digest)
        if not self._rows or not digest:
            return found
        files = self._files
        starts = (digest, "b3:" + digest)
        return [
            *(files.generations.get(row.key, row) for row in found if row.key not in self._rows),
            *(row for row in files.added.values() if row.digest.startswith(starts)),
        ]

    def by_id(self, text: str) -> list[int]:
        found = self.folded.by_id(text)
        if not self._rows or not text or text.startswith(ID):
            return found
        starts = text.removeprefix("run:") or text
        more = [row.key for row in self._files.added.values() if row.id.startswith((text, starts))]
        return sorted({*(key for key in found if key not in self._rows), *more})

    def keys_of(self, ids: Sequence[str]) -> dict[str, int]:
        found = self.folded.keys_of(ids)
        if not self._rows:
            return found
        files = self._files
        return {**{files.generations[key].id: key for key in files.by_id(ids)}, **found}

    def by_kind(self, kind: str) -> list[int]:
        return [key for key in self.folded.by_kind(kind) if key not in self._rows]

    def record_of(self, run: str) -> tuple[str, Recorded] | None:
        from provgraph.model.records import RunRecord

        found = self.folded.record_of(run)
        if found is None:
            return None
        name, record = found
        if not isinstance(record, RunRecord) or not (record.read_sets or record.made_sets):
            return found
        if self._unfolded is None or self._unfolded[0] != name:
            # An answer asks for one several times.
            self._unfolded = (name, unfold(record, self._members))
        return self._unfolded

    # -- for the recorder --------------------------------------------------------------------

    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        found = dict(self.folded.lying(wanted))
        asked = set(wanted)
        folded = self._written({name for name, _ in wanted})
        for run, member in folded:
            here = (member.name, member.digest)
            if here in asked and self._is_later(run, found.get(here)):
                found[here] = (run.id, run.step)
        return found

    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        found = {name: list(several) for name, several in self.folded.writers(names).items()}
        asked = set(names)
        for run, member in self._written(asked):
            if member.name in asked:
                several = found.setdefault(member.name, [])
                same = next((one for one in several if one[1] == run.step), None)
                if self._is_later(run, same):
                    others = [one for one in several if one != same]
                    # They come in the order in which they were last run.
                    earlier = [one for one in others if self._is_later(run, one)]
                    later = [one for one in others if not self._is_later(run, one)]
                    several[:] = [*earlier, (run.id, run.step), *later]
        return found

    def _written(self, names: Collection[str]) -> Iterator[tuple[RunRow, Member]]:
        """Give what recorded runs wrote, as sets, below the roots that may hold these names."""
        from provgraph.model.names import under

        made = [row for row in self._rows.values() if row.maker is not None]
        near = [row for row in made if any(under(name, row.name.rstrip("/")) for name in names)]
        if not near:
            return
        makers = sorted({row.maker for row in near if row.maker is not None})
        runs = {run.key: run for run in self.folded.runs(makers)}
        stated = {row.generation for row in self.folded.produced_by(makers) if row.role}
        for row in near:
            if row.maker in runs and row.key in stated:
                for member in self._members(row.digest) or ():
                    yield runs[row.maker], member

    def _is_later(self, run: RunRow, other: tuple[str, str] | None) -> bool:
        """Tell whether a run ended after another one, given by id and step."""
        if other is None:
            return True
        (order,) = [
            row.order for row in self.folded.runs(self.folded.by_id(other[0])) if row.id == other[0]
        ]
        return run.order > order


class _Files:
    """The files of all sets: a generation for each, and what the sets have to do with it.

    `added` are the files that the store has no vertex for, or knows nothing of but an edge, `names`
    their keys by name. `holders` are the sets that a file is in. `classes` are the stand-ins among
    which there are such files.
    """

    def __init__(
        self,
        folded: GraphStore,
        rows: Mapping[int, Generation],
        members: Callable[[str], Sequence[Member] | None],
    ) -> None:
        self._folded = folded
        self.sets: dict[int, _Set] = {}
        self.generations: dict[int, Generation] = {}
        self.added: dict[int, Generation] = {}
        self.holders: dict[int, list[int]] = defaultdict(list)
        self.names: dict[str, list[int]] = defaultdict(list)
        self.classes: dict[int, list[int]] = {}
        self._ids: dict[str, int] = {}
        self._unlisted: list[Generation] = []
        uses: dict[int, list[UseRow]] = defaultdict(list)
        for use in folded.uses_of(list(rows)):
            uses[use.generation].append(use)
        for key, row in sorted(rows.items(), key=lambda item: item[1].id):
            listed = members(row.digest)
            if listed is None:
                self._unlisted.append(row)
            else:
                self.sets[key] = _Set(row, uses[key], listed)
        self._lost_uses = [use for row in self._unlisted for use in uses[row.key]]
        makers = sorted({row.maker for row in rows.values() if row.maker is not None})
        self._maker_ids = folded.ids(makers)
        self._makers = {run.key: run for run in folded.runs(makers)}
        self._put()
        self._classify()
        self.streamed: dict[int, list[UseRow]] = defaultdict(list)
        self.streams_of: dict[int, list[UseRow]] = defaultdict(list)
        self._link_streams()

    def among(self, keys: Iterable[int]) -> list[Generation]:
        """Give those of these vertices that are files which were added."""
        found = dict.fromkeys(map(int, keys))
        return [self.added[key] for key in found if key in self.added]

    def by_id(self, ids: Iterable[str]) -> list[int]:
        """Give the keys of those ids that are those of files which were added."""
        return [self._ids[text] for text in ids if text in self._ids]

    def lost(self) -> list[tuple[int, str, str]]:
        """Give the gaps of the runs of which nobody can say which files they read, or wrote."""
        names = {row.key: row.name for row in self._unlisted}
        found = [(use.run, UNLISTED, names[use.generation]) for use in self._lost_uses]
        found += [
            (row.maker, UNLISTED, row.name) for row in self._unlisted if row.maker is not None
        ]
        return list(dict.fromkeys(found))

    @cached_property
    def levelled(self) -> bool:
        """Whether a walk over sets comes to each file no sooner and no later than one over files.

        It doesn't where something leads to a file that doesn't lead to all of its set.
        """
        if self._unlisted or self.streamed:
            return False
        real = [key for key in self.generations if key >= 0]
        return all(
            row.type == PRODUCES
            and all(self.sets[held].row.maker == row.cause for held in self.holders[row.effect])
            for row in (self._folded.causes_of(real) if real else ())
        )

    def overlaps(self) -> set[tuple[int, int]]:
        """Give (effect, cause) of what shares files: sets, and files with a vertex of their own.

        A set rests on the one that a run wrote, else on the one that was read first.
        """
        ranks = {
            key: (one.row.maker is None, one.row.order, one.row.id)
            for key, one in self.sets.items()
        }
        stated = {
            row.generation
            for row in self._folded.produced_by(list(self._makers))
            if row.role and row.generation in self.sets
        }
        rank = {key: (key not in stated, *ranks[key]) for key in ranks}
        found: set[tuple[int, int]] = set()
        for several in {tuple(holders) for holders in self.holders.values() if len(holders) > 1}:
            ordered = sorted(several, key=lambda key: rank[key])
            found.update(
                (effect, cause)
                for place, cause in enumerate(ordered)
                for effect in ordered[place + 1 :]
            )
        found.update(
            (holder, key) for key, holders in self.holders.items() if key >= 0 for holder in holders
        )
        return found

    def _put(self) -> None:
        """Make the generations: those that the store knows, with what the sets tell of them."""
        told: dict[str, tuple[Generation, Member]] = {}
        held: dict[str, list[int]] = defaultdict(list)
        order: dict[int, list[str]] = {}
        named: dict[tuple[str, str], Callable[..., str]] = {}
        for key, one in self.sets.items():
            row = one.row
            maker = "" if row.maker is None else self._maker_ids[row.maker]
            name = named.setdefault((row.project, maker), identities("generation", row.project))
            ids = [f"gen:{name(m.name, m.digest, maker)}" for m in one.members]
            order[key] = ids
            for identifier, member in zip(ids, one.members, strict=True):
                before = told.get(identifier)
                told[identifier] = (row, member) if before is None else _both(before, row, member)
                held[identifier].append(key)
        known = self._folded.keys_of(list(told))
        referred = self._folded.referred([text for text in told if text not in known])
        there = {row.key: row for row in self._folded.generations(list(known.values()))}
        # An import may say of a file that nobody was seen to make who made it.
        others = {row.maker for row in there.values() if row.maker is not None}
        for run in self._folded.runs(sorted(others - self._makers.keys())):
            self._makers[run.key] = run
        keys: dict[str, int] = {}
        for identifier, (row, member) in told.items():
            held_as = known.get(identifier, referred.get(identifier))
            key = keys[identifier] = ~key_of(identifier) if held_as is None else held_as
            self.holders[key] = held[identifier]
            if key in there:
                self.generations[key] = self._joined(there[key], row, member)
            else:
                self.generations[key] = self._made(key, identifier, row, member)
                self.added[key] = self.generations[key]
                self.names[member.name].append(key)
                self._ids[identifier] = key
        for key, ids in order.items():
            self.sets[key].keys = [keys[identifier] for identifier in ids]

    def _made(self, key: int, identifier: str, row: Generation, member: Member) -> Generation:
        return Generation(
            key,
            identifier,
            row.project,
            member.name,
            member.digest,
            member.size,
            row.maker,
            row.step,
            key,
            self._order(row, row.first_read, identifier),
            None,
            row.first_read,
            False,
            False,
            None,
            NOTHING,
        )

    def _joined(self, known: Generation, row: Generation, member: Member) -> Generation:
        first = _least(known.first_read, row.first_read)
        return known._replace(
            size=_most(known.size, member.size),
            step=known.step if known.maker in self._makers else _least(known.step, row.step),
            order=self._order(known, first, known.order[1]),
            first_read=first,
            imported=False,
        )

    def _order(self, row: Generation, first_read: int | None, last: str) -> tuple[int, str]:
        """Say how new a file is: as its maker, as a set's where that is unknown, as first read."""
        run = None if row.maker is None else self._makers.get(row.maker)
        if run is not None and run.order[0] > 0:
            return run.order
        return (first_read or 0, last if row.maker is None else row.order[1])

    def _link_streams(self) -> None:
        """Find who read a file as a stream: it used whatever the writers had put there."""
        makers = sorted({one.row.maker for one in self.sets.values() if one.row.maker is not None})
        reads = self._folded.stream_reads(makers) if makers else ()
        wanted: dict[tuple[int | None, str], list[int]] = {
            (writer, name): [] for _, writer, name, _ in reads
        }
        for row in self.generations.values() if wanted else ():
            if (row.maker, row.name) in wanted:
                wanted[row.maker, row.name].append(row.key)
        for reader, writer, name, evidence in reads:
            for key in wanted[writer, name]:
                use = UseRow(reader, key, STREAM, evidence, NOTHING)
                self.streamed[key].append(use)
                self.streams_of[reader].append(use)

    def _classify(self) -> None:
        """Find which products stand in for one another where sets are among them."""
        made = [row for row in self.added.values() if row.maker is not None]
        places = {(row.project, row.name) for row in made}
        if not places:
            return
        rows = [
            row
            for row in self._folded.recorded_generations()
            if (row.project, row.name) in places and row.maker is not None and not row.append
        ]
        rows += made
        makers = sorted({row.maker for row in rows if row.maker is not None})
        ways = {run.key: run.way for run in self._folded.runs(makers)}
        alike: dict[tuple[str, str, str, str], list[Generation]] = defaultdict(list)
        for row in rows:
            if row.maker in ways:
                alike[row.project, row.name, row.digest, ways[row.maker]].append(row)
        for several in alike.values():
            if len(several) > 1 and several[-1].key in self.added:
                cls = several[0].cls  # those that the store has come first, and have one class
                self.classes[cls] = [row.key for row in several]
                for key in self.classes[cls]:
                    for held in (self.generations, self.added):
                        if key in held:
                            held[key] = held[key]._replace(cls=cls)


def _both(
    before: tuple[Generation, Member], row: Generation, member: Member
) -> tuple[Generation, Member]:
    """Join what two sets say of a file."""
    one, other = before
    return (
        one._replace(
            first_read=_least(one.first_read, row.first_read), step=_least(one.step, row.step)
        ),
        other._replace(size=_most(other.size, member.size)),
    )


def _use(use: UseRow, key: int, digest: str) -> UseRow:
    return UseRow(use.run, key, use.role, use.evidence, touched_of(use.touched, digest))


def _once(rows: list[UseRow]) -> list[UseRow]:
    """Leave one of the uses that two records tell of, as a store does."""
    found: dict[tuple[int, int, str, str], UseRow] = {}
    for row in rows:
        before = found.setdefault(row[:4], row)
        if before is not row and as_text(row.touched) > as_text(before.touched):
            found[row[:4]] = row
    return list(found.values())


def _patterns(uses: Iterable[UseRow]) -> list[tuple[str, Mapping[str, str]]]:
    """Give the ways in which files of a set were touched, each once, with the role."""
    found = {(use.role, as_text(use.touched)): use.touched for use in uses}
    return [(role, pattern) for (role, _), pattern in found.items()]


def _real(keys: Iterable[int]) -> list[int]:
    return [key for key in map(int, keys) if key >= 0]


def _least(one: T | None, other: T | None) -> T | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: T | None, other: T | None) -> T | None:
    return other if one is None else one if other is None else max(one, other)
