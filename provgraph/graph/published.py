"""The published graph: the labelled nodes and relationships that analysts and other tools see.

One shape for the copy that Cypher without a server asks and for every export (docs: the property
graph). The tables here say which labels and types there are and what they carry. `Published`
streams a whole store through the contract's bulk look-ups, so any store gives the same graph.
Memory grows with the number of nodes (about 0.3 KB each), not with what they carry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from provgraph.graph.details import (
    ABOUT,
    AGENT,
    BY,
    COMMAND,
    GAP,
    HAS_GAP,
    HAS_METRIC,
    HAS_PARAMETER,
    METRIC,
    NOTE,
    PARAMETER,
    RAN,
    Details,
    details_of,
    note_node,
)
from provgraph.graph.interface import (
    DEPENDS_ON,
    PRODUCES,
    USES,
    Generation,
    GraphStore,
    RunRow,
    VertexRow,
)
from provgraph.graph.projection import Private, facts_of, nanoseconds
from provgraph.model.kinds import ARTEFACTS, RUN
from provgraph.model.records import Recorded, RunRecord

TEXT, TEXTS, INTEGER, NUMBER, TRUTH = "text", "texts", "integer", "number", "truth"
AT_ONCE = 20_000  # vertices asked for with one look-up
MIRRORED = "produced"  # how a product depends on its run


T = TypeVar("T")


class Column(NamedTuple):
    """A property: its name, and one of TEXT, TEXTS (a list), INTEGER, NUMBER, TRUTH."""

    name: str
    type: str = TEXT


def _columns(words: str, **types: str) -> tuple[Column, ...]:
    return tuple(Column(word, types.get(word, TEXT)) for word in words.split())


IDENTITY = _columns("id kind")
ARTEFACT = _columns(
    "project name title digest size made time pinned props", size=INTEGER, made=TRUTH
)
NODES: Mapping[str, tuple[Column, ...]] = {
    RUN: _columns(
        "project name step status started ended seconds tracing complete commit branch dirty props",
        seconds=NUMBER,
        complete=TRUTH,
        dirty=TRUTH,
    ),
    **dict.fromkeys(ARTEFACTS, ARTEFACT),
    AGENT: _columns("user host"),
    PARAMETER: _columns("name value number", number=NUMBER),
    METRIC: _columns("name value number source", number=NUMBER),
    COMMAND: _columns("text"),
    NOTE: _columns("text at"),
    GAP: _columns("reason subject grade"),
}

# Type → what it carries; and from which label to which (None: any run or artefact).
RELATIONSHIPS: Mapping[str, tuple[Column, ...]] = {
    USES: _columns("role evidence touched", touched=TEXTS),
    PRODUCES: _columns("role evidence"),
    DEPENDS_ON: _columns("how evidence"),
    BY: (),
    RAN: (),
    HAS_PARAMETER: (),
    HAS_METRIC: (),
    HAS_GAP: (),
    ABOUT: (),
}
DETAILS = {
    BY: AGENT,
    RAN: COMMAND,
    HAS_PARAMETER: PARAMETER,
    HAS_METRIC: METRIC,
    HAS_GAP: GAP,
}


def columns_of(label: str, *, artefact: bool = False) -> tuple[Column, ...]:
    """Give the columns of a label, `id` and `kind` first; `artefact`: it is a kind of those, too.

    A kind that a project declares has an artefact's columns; one that bears the name of another
    label has both labels' columns.
    """
    own = NODES.get(label, ARTEFACT)
    return tuple(dict.fromkeys((*IDENTITY, *own, *(ARTEFACT if artefact else ()))))


class Node(NamedTuple):
    """A node; `props` has `id`, `kind` and what is known (None: nothing)."""

    label: str
    id: str
    props: Mapping[str, Any]


class Relationship(NamedTuple):
    """A relationship between the ids of two nodes, whose labels are given, too."""

    type: str
    start: str
    end: str
    start_label: str
    end_label: str
    props: Mapping[str, Any]


class InferredEdge(NamedTuple):
    """An edge that a named rule adds, between keys of the store."""

    effect: int
    cause: int
    how: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What the store itself doesn't hold: kinds by (name, made), records with what is private."""

    kind: Callable[[str, bool], str]
    records: Callable[[], Iterable[tuple[str, Recorded, Private]]]
    inferred: Callable[[], Iterable[InferredEdge]]


class _Told(NamedTuple):
    """What a run's newest record says beside what the store gives."""

    version: str
    ended: str
    details: Details


@dataclass
class Published:
    """A store's graph as tables; ask for `nodes` first, then for `relationships`.

    `artefacts` are the kinds that artefacts have, known once the nodes were given. `lost` counts
    relationships left out because no record here tells of one of their ends. `only` limits the
    graph to these runs and artefacts, by id, and what is said of them.
    """

    store: GraphStore
    sources: Sources
    only: frozenset[str] | None = None
    artefacts: dict[str, int] = field(default_factory=dict)
    lost: int = 0
    _vertices: dict[int, tuple[str, str]] = field(default_factory=dict)  # key → (label, id)
    _runs: list[int] = field(default_factory=list)
    _details: list[tuple[str, str, str]] = field(default_factory=list)
    _about: list[tuple[str, str]] = field(default_factory=list)
    _said_of_wanted: set[str] = field(default_factory=set)
    _given: set[str] = field(default_factory=set)

    def nodes(self) -> Iterator[Node]:
        """Give every node, each id once."""
        self._forget()
        given = (node for node in self._all_nodes() if self._wanted(node))
        if self.only is None:
            yield from given
            return
        for node in given:
            self._given.add(node.id)
            yield node

    def relationships(self) -> Iterator[Relationship]:
        """Give every relationship; several between two nodes differ in type, role or evidence."""
        for one in self._all_relationships():
            if self.only is None or (one.start in self._given and one.end in self._given):
                yield one

    def _wanted(self, node: Node) -> bool:
        """Tell whether a run or an artefact is among those asked for; details follow theirs."""
        return self.only is None or node.id in self.only or node.id in self._said_of_wanted

    def _all_nodes(self) -> Iterator[Node]:
        told: dict[str, _Told] = {}
        yield from self._recorded(told)
        ended: dict[int, str] = {}
        started: dict[int, str] = {}
        for chunk in _chunks(self.store.list_runs()):
            vertices = {row.key: row for row in self.store.vertices([run.key for run in chunk])}
            for run in chunk:
                node = self._run(run, vertices[run.key], told.get(run.id), ended)
                started.setdefault(nanoseconds(run.started), run.started)
                self._runs.append(run.key)
                yield node
        yield from self._artefacts(ended, started)

    def _all_relationships(self) -> Iterator[Relationship]:
        everything = self._vertices
        for keys in _chunks(self._runs):
            for use in self.store.uses_by(keys):
                touched = sorted(f"{part}={digest}" for part, digest in use.touched.items())
                yield from self._between(
                    USES,
                    use.run,
                    use.generation,
                    role=use.role,
                    evidence=use.evidence,
                    touched=touched or None,
                )
            for row in self.store.produced_by(keys):
                run, made, evidence = row.run, row.generation, row.evidence
                yield from self._between(PRODUCES, run, made, role=row.role, evidence=evidence)
                yield from self._between(DEPENDS_ON, made, run, how=MIRRORED, evidence=evidence)
        for keys in _chunks(list(everything)):
            asked = set(keys)
            for one in self.store.depends(keys):
                # An edge between two chunks comes with both: it belongs to its effect's.
                if one.effect in asked or one.effect not in everything:
                    yield from self._between(
                        DEPENDS_ON, one.effect, one.cause, how=one.how, evidence=one.evidence
                    )
        for edge in self.sources.inferred():
            yield from self._between(
                DEPENDS_ON, edge.effect, edge.cause, how=edge.how, evidence="inferred"
            )
        for kind, owner, identifier in self._details:
            yield Relationship(kind, owner, identifier, RUN, DETAILS[kind], {})
        labels = {identifier: label for label, identifier in everything.values()}
        for said, subject in self._about:
            end = subject if subject in labels else subject.removeprefix("run:")
            if end in labels:
                yield Relationship(ABOUT, said, end, NOTE, labels[end], {})
            else:
                self.lost += 1

    def _forget(self) -> None:
        self.lost = 0
        for held in (self.artefacts, self._vertices, self._runs, self._details, self._about):
            held.clear()
        self._given.clear()
        self._said_of_wanted.clear()

    def _belongs(self, detail: str, owner: str) -> None:
        if self.only is not None and not self.only.isdisjoint({owner, owner.removeprefix("run:")}):
            self._said_of_wanted.add(detail)

    def _between(self, kind: str, start: int, end: int, **props: Any) -> Sequence[Relationship]:
        """Give the relationship between two vertices; none where one isn't known, which counts."""
        first, second = self._vertices.get(start), self._vertices.get(end)
        if first is None or second is None:
            self.lost += 1
            return ()
        return (Relationship(kind, first[1], second[1], first[0], second[0], props),)

    # -- nodes -------------------------------------------------------------------------------

    def _recorded(self, told: dict[str, _Told]) -> Iterator[Node]:
        """Give what records tell beside runs and artefacts; `told` gets each run's newest word."""
        seen: set[str] = set()
        for name, record, private in self.sources.records():
            for said in facts_of(name, record, private).notes:
                note = note_node(said)
                if note.id not in seen:
                    seen.add(note.id)
                    self._about.append((note.id, said.subject))
                    self._belongs(note.id, said.subject)
                    yield _detail(note.label, note.id, note.props)
            if not isinstance(record, RunRecord):
                continue
            details = details_of(record, private)
            version = f"{record.at} {name}"
            before = told.get(record.run)
            if before is None or before.version < version:
                plain = Details(details.commit, details.branch, details.dirty, ())
                told[record.run] = _Told(version, record.ended, plain)
            for detail in details.nodes:
                # One agent, or one command, may be that of many runs.
                if (link := f"{detail.type} {record.run} {detail.id}") not in seen:
                    seen.add(link)
                    self._details.append((detail.type, record.run, detail.id))
                    self._belongs(detail.id, record.run)
                if detail.id not in seen:
                    seen.add(detail.id)
                    yield _detail(detail.label, detail.id, detail.props)

    def _run(
        self, run: RunRow, vertex: VertexRow, told: _Told | None, ended: dict[int, str]
    ) -> Node:
        props = {
            key: value
            for key, value in vertex.props.items()
            if told is None or getattr(run, key, None) != value
        }
        until = told.ended if told is not None else str(props.get("ended") or run.started)
        if run.order[0] > 0 and until:
            ended[run.key] = until
        details = told.details if told is not None else Details(None, None, None, ())
        self._vertices[run.key] = (RUN, run.id)
        return Node(
            RUN,
            run.id,
            {
                "id": run.id,
                "kind": RUN,
                "project": run.project,
                "name": run.label,
                "step": run.step if run.step != run.id else None,
                "status": run.status,
                "started": run.started or None,
                "ended": until or None,
                "seconds": run.seconds,
                "tracing": run.tracing,
                "complete": run.complete,
                "commit": details.commit,
                "branch": details.branch,
                "dirty": details.dirty,
                "props": _json(props),
            },
        )

    def _artefacts(self, ended: Mapping[int, str], started: Mapping[int, str]) -> Iterator[Node]:
        titles, pins = self.store.titles(), self.store.pins()
        for names in _chunks(self.store.all_names()):
            chunk = self.store.at_names(names)
            explicit = [g.key for g in chunk if g.kind is not None]
            props = {row.key: row.props for row in self.store.vertices(explicit)}
            makers = [g.maker for g in chunk if g.maker is not None]
            yield from self._unrecorded([key for key in makers if key not in self._vertices])
            for g in chunk:
                made = g.maker is not None
                kind = g.kind or self.sources.kind(g.name, made)
                self.artefacts[kind] = self.artefacts.get(kind, 0) + 1
                self._vertices[g.key] = (kind, g.id)
                first = None if g.first_read is None else started.get(g.first_read)
                yield Node(
                    kind,
                    g.id,
                    {
                        "id": g.id,
                        "kind": kind,
                        "project": g.project,
                        "name": g.name,
                        "title": titles.get(g.name, g.name),
                        "digest": g.digest or None,
                        "size": g.size,
                        "made": made,
                        "time": _time(g, ended, first),
                        "pinned": pins.get((g.name, g.digest)),
                        "props": _json(props.get(g.key, {})),
                    },
                )

    def _unrecorded(self, keys: Sequence[int]) -> Iterator[Node]:
        """Give runs of which only their products' readers tell: an id and no more."""
        for row in self.store.vertices(list(dict.fromkeys(keys))):
            self._vertices[row.key] = (RUN, row.id)
            self._runs.append(row.key)
            yield Node(RUN, row.id, {"id": row.id, "kind": RUN})


def _detail(label: str, identifier: str, props: Mapping[str, Any]) -> Node:
    return Node(label, identifier, {"id": identifier, "kind": label, **props})


def _time(g: Generation, ended: Mapping[int, str], first_read: str | None) -> str | None:
    return first_read if g.maker is None else ended.get(g.maker, first_read)


def _json(props: Mapping[str, Any]) -> str | None:
    return json.dumps(dict(props), ensure_ascii=False, sort_keys=True) if props else None


def _chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]
