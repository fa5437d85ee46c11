"""Put a bulk import into Neo4j: read whole, then nodes and edges, many to a transaction.

An import is more than one transaction holds. Each part is put so that twice is once, and the
import counts as known only with the last one: cut short, it goes on where it was, and meanwhile
answers say that it isn't projected.
"""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

from provgraph.errors import ImportUnreadable, StoreError
from provgraph.graph.keys import key_of
from provgraph.graph.lines import (
    DEFAULTS,
    PLAIN_CODES,
    EdgeLine,
    NodeLine,
    PlainEdges,
    is_run_id,
    merged,
    read_lines,
)
from provgraph.graph.neo4j.connection import Connection, Work
from provgraph.graph.neo4j.projecting import (
    member_id,
    put_artefacts,
    record_row,
    states,
    use_row,
)
from provgraph.graph.neo4j.vertices import (
    IMPORTED,
    RECORDED,
    Kinds,
    Stored,
    imported_artefact,
    imported_run,
    maps,
)
from provgraph.ledger.layout import RECORDS
from provgraph.model.kinds import RUN
from provgraph.model.records import ImportRecord, Recorded

NODES = 10_000  # in one transaction
EDGES = 20_000
STATEMENTS = (
    ("write/uses", "write/new-uses"),
    ("write/produces", "write/new-produces"),
    ("write/depends", "write/new-depends"),
)


class Importer:
    """One call of `add_import`."""

    def __init__(self, connection: Connection, folder: str, kinds: Kinds) -> None:
        self._connection = connection
        self._folder = folder
        self._kinds = kinds
        self._nodes: dict[str, NodeLine] = {}
        self._keys = array("q")  # ref → key
        self._new = set[int]()
        self._codes, self._numbers = array("b"), array("i")
        self._starts, self._ends = array("q"), array("q")
        self._attributes: dict[tuple[str, str, str], int] = {}
        self._outside: dict[str, int] = {}
        self._makers: dict[int, tuple[str, int]] = {}  # artefact → the maker with the least id

    def add(self, name: str, record: Recorded, lines: Iterable[bytes], body: bytes) -> int:
        """Project an import that isn't yet; gives how many lines were new."""
        if not isinstance(record, ImportRecord):
            raise StoreError(f"record {name} is not an import")
        identifier = member_id(self._folder, RECORDS, name)
        if self._connection.read("look-up/known-among", ids=[identifier]):
            return 0
        try:
            count = self._read(record.project, lines)
            starts, ends = self._resolved()
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ImportUnreadable(
                f"the lines of import {name} aren't in their canonical form ({error!r})",
                hint="`provgraph ledger verify` says whether the ledger is whole.",
            ) from error
        edges = self._edges(starts, ends)
        self._makers = self._least_makers(edges[1])
        self._put_nodes(record.project)
        self._put_outside()
        self._put_edges(edges)
        self._put_makers()
        self._connection.writing(_put_record, record_row(self._folder, name, body, {}))
        return count

    # -- reading -----------------------------------------------------------------------------

    def _read(self, project: str, lines: Iterable[bytes]) -> int:
        count = 0
        for batch in read_lines(project, lines):
            count += len(batch)
            for line in batch:
                if type(line) is NodeLine:
                    self._take_node(line)
                elif type(line) is EdgeLine:
                    self._take_edge(line)
                else:  # the whole batch is plain edges
                    self._take_plain(cast("PlainEdges", batch))
                    break
        return count

    def _take_node(self, node: NodeLine) -> None:
        if node.ref > len(self._keys):
            raise ValueError(node.ref)
        if node.ref == len(self._keys):
            self._keys.append(key_of(node.id))
        before = self._nodes.get(node.id)
        if before is not None:
            kind = min(before.kind, node.kind)
            node = node._replace(kind=kind, props=merged(before.props, node.props))
        self._nodes[node.id] = node

    def _take_edge(self, edge: EdgeLine) -> None:
        self._codes.append(edge.code)
        self._starts.append(self._place(edge.start))
        self._ends.append(self._place(edge.end))
        self._numbers.append(self._attributes.setdefault(edge.attributes, len(self._attributes)))

    def _take_plain(self, edges: PlainEdges) -> None:
        kinds, starts, ends = zip(*edges, strict=True)
        numbers = [self._attributes.setdefault(one, len(self._attributes)) for one in DEFAULTS]
        codes = [PLAIN_CODES[kind] for kind in kinds]
        self._codes.extend(codes)
        self._numbers.extend([numbers[code] for code in codes])
        self._starts.extend(map(int, starts))
        self._ends.extend(map(int, ends))

    def _place(self, end: int | str) -> int:
        """Give a ref as it is, an id as a negative number until all nodes are read."""
        return end if isinstance(end, int) else self._outside.setdefault(end, ~len(self._outside))

    def _resolved(self) -> tuple[array[int], array[int]]:
        outside = array("q", map(key_of, self._outside))

        def keys(ends: array[int]) -> array[int]:
            return array("q", [self._keys[e] if e >= 0 else outside[~e] for e in ends])

        return keys(self._starts), keys(self._ends)

    # -- writing -----------------------------------------------------------------------------

    def _put_nodes(self, project: str) -> None:
        nodes = list(self._nodes.values())
        for start in range(0, len(nodes), NODES):
            part = nodes[start : start + NODES]
            self._new.update(self._connection.writing(self._put_part, project, part))

    def _put_part(self, work: Work, project: str, nodes: Sequence[NodeLine]) -> set[int]:
        """Put nodes; gives the keys of those that weren't there."""
        work("write/lock")
        held = states(work, [node.id for node in nodes])
        fresh: dict[str, list[dict[str, Any]]] = defaultdict(list)
        runs: list[dict[str, Any]] = []
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        was: dict[str, list[int]] = defaultdict(list)
        new = set[int]()
        for node in nodes:
            stored = held.get(node.id)
            told = self._told(project, node, stored)
            key = key_of(node.id)
            if stored is None:
                new.add(key)
                fresh[told["kind"]].append({**told, "_key": key})
            elif not node.is_run:
                rows[told["kind"]].append({"key": key, "told": told})
                before = stored.told.get("kind")
                if before not in (None, told["kind"]):
                    was[before].append(key)
            elif stored.known != RECORDED:
                runs.append({"key": key, "told": told})
        for kind, several in fresh.items():
            label = ["Run"] if kind == RUN else ["Artefact", *({kind} & self._kinds.labels)]
            work("write/new-vertices", rows=several, labels=label)
        put_artefacts(work, rows, was, self._kinds)
        if runs:
            work("write/runs", rows=runs)
        again = [row["key"] for several in rows.values() for row in several]
        if again:
            work("write/derived", keys=again)
        return new

    def _told(self, project: str, node: NodeLine, stored: Stored | None) -> dict[str, Any]:
        held: Mapping[str, Any] = stored.told if stored is not None else {}
        props = merged(json.loads(held.get("props") or "{}"), node.props)
        if node.is_run:
            return imported_run(project, node, props)
        known = stored.known if stored is not None else 0
        least = min(filter(None, (held.get("_explicit"), node.kind)))
        told = imported_artefact(project, node._replace(kind=least), props, known or IMPORTED)
        maker = self._makers.get(key_of(node.id)) if stored is None else None
        if maker is not None:
            made_by = self._nodes.get(maker[0])
            ended = (
                (made_by.props.get("ended") or made_by.props.get("started")) if made_by else None
            )
            told |= {"made": True, "_attributed_id": maker[0], "_attributed": maker[1]}
            told["time"] = str(ended) if ended else None
        return told

    def _put_outside(self) -> None:
        """Refer to the vertices that edges name by id and that aren't here yet."""
        named = list(self._outside)
        for start in range(0, len(named), NODES):
            part = named[start : start + NODES]
            self._new.update(self._connection.writing(_refer, part))

    def _put_edges(self, edges: Sequence[Mapping[tuple[int, int, int], None]]) -> None:
        """Put edges; while the server takes a batch, the next one is prepared."""
        with ThreadPoolExecutor(max_workers=1) as sender:
            sent: Future[None] | None = None
            for statement, rows in self._batches(edges):
                if sent is not None:
                    sent.result()
                sent = sender.submit(self._connection.writing, _put_rows, statement, rows)
            if sent is not None:
                sent.result()

    def _batches(
        self, edges: Sequence[Mapping[tuple[int, int, int], None]]
    ) -> Iterator[tuple[str, list[list[Any]]]]:
        attributes, new = list(self._attributes), self._new
        for code, several in enumerate(edges):
            fresh = [edge for edge in several if edge[0] in new or edge[1] in new]
            old = [edge for edge in several if edge[0] not in new and edge[1] not in new]
            for statement, chosen in zip(STATEMENTS[code], (old, fresh), strict=True):
                for part in _parts(chosen, EDGES):
                    yield statement, [_row(code, edge, attributes) for edge in part]

    def _put_makers(self) -> None:
        """Say who made the artefacts whose maker, or who themselves, came in another way."""
        rows = [
            [made, key, run]
            for made, (run, key) in self._makers.items()
            if made not in self._new or key not in self._new or run in self._outside
        ]
        for part in _parts(rows, EDGES):
            self._connection.writing(_attribute, part)

    def _edges(
        self, starts: Sequence[int], ends: Sequence[int]
    ) -> tuple[dict[tuple[int, int, int], None], ...]:
        """Give USES, PRODUCES and DEPENDS_ON as (start, end, number of attributes), each once."""
        found: tuple[dict[tuple[int, int, int], None], ...] = ({}, {}, {})
        for code, start, end, number in zip(self._codes, starts, ends, self._numbers, strict=True):
            found[code][start, end, number] = None
        return found

    def _least_makers(self, edges: Iterable[tuple[int, int, int]]) -> dict[int, tuple[str, int]]:
        ids = {key_of(node.id): node.id for node in self._nodes.values() if node.is_run}
        ids |= {key_of(identifier): identifier for identifier in self._outside}
        found: dict[int, tuple[str, int]] = {}
        for run, made, _ in edges:
            one = (ids[run], run)
            if made not in found or one < found[made]:
                found[made] = one
        return found


def _put_record(work: Work, row: Mapping[str, Any]) -> None:
    work("write/lock")
    work("write/records", rows=[row])


def _put_rows(work: Work, statement: str, rows: Sequence[Sequence[Any]]) -> None:
    work("write/lock")
    work(statement, rows=rows)


def _row(
    code: int, edge: tuple[int, int, int], attributes: Sequence[tuple[str, str, str]]
) -> list[Any]:
    start, end, number = edge
    role, evidence, touched = attributes[number]
    if code == 0:
        return use_row(start, end, role, evidence, maps(touched))
    return [start, end, role, evidence, True]


def _attribute(work: Work, rows: Sequence[Sequence[Any]]) -> None:
    work("write/lock")
    work("write/attributed", rows=rows)
    work("write/derived", keys=[row[0] for row in rows])


def _refer(work: Work, identifiers: Sequence[str]) -> set[int]:
    work("write/lock")
    keys = {key_of(identifier): identifier for identifier in identifiers}
    there: set[int] = set(work("look-up/known-vertices", keys=list(keys))[0][0])
    for is_run, labels in ((True, ["Run"]), (False, ["Artefact"])):
        rows = [
            {"_key": key, "id": identifier, "_known": 0, **({"kind": RUN} if is_run else {})}
            for key, identifier in keys.items()
            if key not in there and is_run_id(identifier) == is_run
        ]
        if rows:
            work("write/new-vertices", rows=rows, labels=labels)
    return set(keys) - there


def _parts(rows: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
