"""The contract of a graph store: takes records in, answers bulk look-ups about the graph.

Every vertex (a run, a generation, an imported node) has a key: an integer meaningful to this
store only. Look-ups take many keys and give rows; they never traverse, except `reach`, the
primitive that a store may do faster than level by level. Judging what rows mean is `analysis/`.

A *class* groups generations that stand in for one another: same name, same digest, makers done
the same way (DESIGN §4). A class has its first member's key; most have one member.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from provgraph.model.records import Recorded  # pydantic: 0.1 s that no look-up needs

USES = "USES"
PRODUCES = "PRODUCES"
DEPENDS_ON = "DEPENDS_ON"


class Generation(NamedTuple):
    """A content put at a name by a run (`maker`), or by nobody we saw (`maker` None).

    `order` says which is newest: (end of the maker or first reading, in ns since 1970; id).
    `before` is the generation of the same name that the maker had read before rewriting it.
    `step` is the maker's step key. `first_read` is the earliest start of a reader in ns, or None.
    `imported` generations came in by a bulk import and have no viewpoint unless they have digests.
    """

    key: int
    id: str
    project: str
    name: str
    digest: str
    size: int | None
    maker: int | None
    step: str | None
    cls: int
    order: tuple[int, str]
    before: int | None
    first_read: int | None
    append: bool
    imported: bool
    kind: str | None
    parts: Mapping[str, str]


class RunRow(NamedTuple):
    """A run. `writes` is False when it has no products; `last` when no later run has its step.

    `within` is the id of the run whose step it is; "" for one that is a command by itself.
    """

    key: int
    id: str
    project: str
    step: str
    label: str
    way: str
    status: str
    order: tuple[int, str]
    started: str
    seconds: float
    writes: bool
    last: bool
    tracing: str
    complete: bool
    within: str


class RunMark(NamedTuple):
    """A run as it is counted: of a large graph these are had many times quicker than its rows."""

    key: int
    project: str
    step: str
    label: str
    started: str
    status: str


class UseRow(NamedTuple):
    """A USES edge: `run` read `generation`, in the parts `touched` (empty: nothing to compare)."""

    run: int
    generation: int
    role: str
    evidence: str
    touched: Mapping[str, str]


class ProduceRow(NamedTuple):
    """A PRODUCES edge: `run` wrote `generation`."""

    run: int
    generation: int
    role: str
    evidence: str


class TouchRow(NamedTuple):
    """A distinct thing that was read of a source (a generation without a maker)."""

    generation: int
    part: str
    digest: str
    role: str


class DependRow(NamedTuple):
    """A DEPENDS_ON edge between any two vertices. `how`: copy, grouping, overlap, import, …"""

    effect: int
    cause: int
    how: str
    evidence: str


class EdgeRow(NamedTuple):
    """Any edge, as reach and drawing see it: effect ← cause by keys."""

    cause: int
    effect: int
    type: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What is reached from seeds, breadth first: parallel columns, seeds not included.

    `cause[i]` is the vertex from which `key[i]` was first reached, `depth[i]` its edge count.
    """

    key: Sequence[int]
    cause: Sequence[int]
    depth: Sequence[int]


@dataclass(frozen=True, slots=True)
class VertexRow:
    """A vertex as people see it."""

    key: int
    id: str
    kind: str
    name: str
    digest: str
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GraphStatus:
    """What a store holds, and how far it is from the ledger."""

    place: str
    records: int
    nodes: int
    edges: int
    schema: int
    left_out: tuple[tuple[str, str], ...]


class GraphStore(ABC):
    """The contract. Errors of a backend reach the caller as `StoreError`.

    Above `wide` vertices in one level, `reach` is quicker than a look-up for each level.
    """

    wide = 2_000

    # -- writing -----------------------------------------------------------------------------

    @abstractmethod
    def known(self) -> set[str]:
        """Give the names of the records that are projected."""

    @abstractmethod
    def add(
        self,
        records: Iterable[tuple[str, Recorded, Mapping[str, Mapping[str, Any]]]],
    ) -> int:
        """Project records: (record name, record, private fields by category, {} where erased).

        Idempotent, in any order: the graph depends on the set of records only. Each record all
        or nothing, and nothing where `records` can't be read to its end. Gives how many were new.
        """

    @abstractmethod
    def add_import(self, name: str, record: Recorded, lines: Iterable[bytes]) -> int:
        """Project a bulk import whose object holds these JSON lines; all or nothing."""

    @abstractmethod
    def clear(self) -> None:
        """Forget everything; the ledger can fill it again."""

    @abstractmethod
    def status(self) -> GraphStatus:
        """Say what is held."""

    @abstractmethod
    def close(self) -> None:
        """Release files and connections."""

    def kept(self, kind: str, name: str) -> bytes | None:  # noqa: ARG002 - a default that keeps none
        """Give the bytes of a ledger's member that this store keeps, by its hash, or None.

        Unchecked: who asks compares them with the name.
        """
        return None

    # -- judging (DESIGN §4) -----------------------------------------------------------------

    @abstractmethod
    def recorded_generations(self) -> list[Generation]:
        """Give every generation with a digest whose name a viewpoint may have a word for."""

    @abstractmethod
    def touched_sources(self) -> list[TouchRow]:
        """Give, once each, what was touched of sources with content (role `stream` left out)."""

    @abstractmethod
    def unsound_runs(self) -> list[RunRow]:
        """Give the runs that failed or were interrupted."""

    @abstractmethod
    def silent_runs(self) -> list[RunRow]:
        """Give, for each step whose last run wrote nothing, that run."""

    @abstractmethod
    def run_gaps(self, runs: Sequence[int] | None = None) -> list[tuple[int, str, str]]:
        """Give (run, reason, subject) of what these runs' capture may have missed (None: all)."""

    # -- look-ups by key ---------------------------------------------------------------------

    @abstractmethod
    def runs(self, keys: Sequence[int]) -> list[RunRow]:
        """Give runs; keys that are no runs are skipped."""

    @abstractmethod
    def generations(self, keys: Sequence[int]) -> list[Generation]:
        """Give generations (and imported artefacts); other keys are skipped."""

    @abstractmethod
    def members(self, classes: Sequence[int]) -> list[Generation]:
        """Give every generation of these classes."""

    @abstractmethod
    def uses_of(self, generations: Sequence[int]) -> list[UseRow]:
        """Give the USES edges into these generations: who read them."""

    @abstractmethod
    def uses_by(self, runs: Sequence[int]) -> list[UseRow]:
        """Give the USES edges out of these runs: what they read."""

    @abstractmethod
    def produced_by(self, runs: Sequence[int]) -> list[ProduceRow]:
        """Give the PRODUCES edges of these runs: what they wrote."""

    @abstractmethod
    def stream_reads(self, writers: Sequence[int]) -> list[tuple[int, int, str, str]]:
        """Give (reader, writer, name, evidence) where a run read a stream that one of these wrote.

        The reader used whatever the writer put at that name, once that is known.
        """

    @abstractmethod
    def effects_of(self, keys: Sequence[int]) -> list[EdgeRow]:
        """Give every edge, of any type, whose cause is among these vertices."""

    @abstractmethod
    def causes_of(self, keys: Sequence[int]) -> list[EdgeRow]:
        """Give every edge, of any type, whose effect is among these vertices."""

    @abstractmethod
    def depends(self, keys: Sequence[int]) -> list[DependRow]:
        """Give the DEPENDS_ON edges with an end among these vertices."""

    @abstractmethod
    def vertices(self, keys: Sequence[int]) -> list[VertexRow]:
        """Give vertices as people see them (kind as stored, or "" for the table to say)."""

    def ids(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Map vertices to their ids."""
        return {row.key: row.id for row in self.vertices(keys)} if keys else {}

    def imported_names(self, keys: Sequence[int]) -> Mapping[int, str]:
        """Map those of these vertices that are artefacts, not runs, to their names."""
        return {row.key: row.name for row in self.vertices(keys) if row.kind != "Run"}

    @abstractmethod
    def shared_classes(self, keys: Sequence[int] | None = None) -> Mapping[int, int]:
        """Map generation → class for those whose class has several members (None: all)."""

    def reach(self, seeds: Sequence[int], *, backwards: bool = False) -> Reach:
        """Walk breadth first from the seeds along effects (or causes): correct, level by level."""
        seen = set(seeds)
        key: list[int] = []
        cause: list[int] = []
        depth: list[int] = []
        frontier: list[int] = list(dict.fromkeys(seeds))
        level = 0
        while frontier:
            level += 1
            rows = self.causes_of(frontier) if backwards else self.effects_of(frontier)
            following: list[int] = []
            for row in rows:
                near, far = (row.effect, row.cause) if backwards else (row.cause, row.effect)
                if far not in seen:
                    seen.add(far)
                    following.append(far)
                    key.append(far)
                    cause.append(near)
                    depth.append(level)
            frontier = following
        return Reach(key=key, cause=cause, depth=depth)

    # -- finding and showing -----------------------------------------------------------------

    @abstractmethod
    def find_names(self, text: str, *, limit: int = 50) -> list[str]:
        """Give names equal to `text`, below it as a directory, or ending in it (`a/b/text`)."""

    @abstractmethod
    def all_names(self) -> list[str]:
        """Give every name, for the nearest match when nothing was found."""

    @abstractmethod
    def at_names(self, names: Sequence[str]) -> list[Generation]:
        """Give every generation (recorded or imported) at these names."""

    @abstractmethod
    def by_digest(self, digest: str) -> list[Generation]:
        """Give generations whose digest starts with this text (`b3:` may be left out)."""

    @abstractmethod
    def by_id(self, text: str) -> list[int]:
        """Give keys of vertices whose id is, or starts with, this text."""

    def keys_of(self, ids: Sequence[str]) -> dict[str, int]:
        """Give the key of each vertex by its whole id; ids that mean none are left out."""
        wanted = set(ids)
        found = sorted({key for text in wanted for key in self.by_id(text)})
        return {row.id: row.key for row in self.vertices(found) if row.id in wanted}

    def referred(self, ids: Sequence[str]) -> dict[str, int]:  # noqa: ARG002 - a default without any
        """Give the key of each vertex, by its whole id, that so far is only an end of edges."""
        return {}

    @abstractmethod
    def by_kind(self, kind: str) -> list[int]:
        """Give keys of vertices that carry this kind explicitly (runs, imports, plug-ins)."""

    @abstractmethod
    def titles(self) -> Mapping[str, str]:
        """Map opaque names (`outside:…`, `env:…`) to what people read, where not erased."""

    @abstractmethod
    def record_of(self, run: str) -> tuple[str, Recorded] | None:
        """Give the record (and its name) of a run by its id."""

    @abstractmethod
    def list_runs(
        self,
        *,
        step: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        """Give runs, newest first. Times are RFC 3339; `step` matches key or label."""

    def run_marks(self) -> list[RunMark]:
        """Give every run, in no order, as it is counted."""
        return [
            RunMark(row.key, row.project, row.step, row.label, row.started, row.status)
            for row in self.list_runs()
        ]

    @abstractmethod
    def notes(self, subject: str) -> list[tuple[str, str]]:
        """Give (time, text) of what was said of a run or an artefact."""

    @abstractmethod
    def pins(self) -> Mapping[tuple[str, str], str]:
        """Map (name, digest) to how it is pinned; the newest pin record wins."""

    # -- for the recorder --------------------------------------------------------------------

    @abstractmethod
    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        """Map (name, digest) to (run id, step key) of the newest product with those bytes."""

    @abstractmethod
    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        """Map a name to (run id, step key) of the last run of each step that wrote there."""
