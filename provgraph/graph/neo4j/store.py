"""`Neo4jGraph`: the graph that a team shares, in a Neo4j."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from provgraph.graph.interface import GraphStatus, GraphStore
from provgraph.graph.neo4j.connection import LAYOUT, Connection, Work
from provgraph.graph.neo4j.finding import Finding
from provgraph.graph.neo4j.lookups import Lookups
from provgraph.graph.neo4j.projecting import Entry, Projector, member_id
from provgraph.graph.neo4j.reaching import Reaching
from provgraph.graph.neo4j.vertices import Kinds
from provgraph.model.kinds import ARTEFACTS, kind_of
from provgraph.model.records import ImportRecord, to_bytes

if TYPE_CHECKING:
    from provgraph.model.records import Recorded

CHUNK = 500  # records in one transaction

DEFAULT_KINDS = Kinds(
    of=lambda name, made: kind_of(name, produced=made), labels=frozenset(ARTEFACTS)
)


def _infer(work: Work, project: str | None, rows: list[list[Any]], after: int) -> bool:
    if work("write/lock")[0][0] != after + 1:
        return False
    work("write/uninferred", project=project)
    work("write/inferred", rows=rows)
    return True


class Neo4jGraph(Lookups, Finding, Reaching, GraphStore):
    """A graph in a Neo4j that many projects share.

    `folder` names whose ledger's records are counted as known here. `project` limits what is
    given to that project's; None: everything. What is added is put there a transaction of
    `CHUNK` records at a time, so a server that goes away leaves whole records.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        folder: str,
        project: str | None = None,
        kinds: Kinds = DEFAULT_KINDS,
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._project = project
        self._kinds = kinds

    @property
    def folder(self) -> str:
        """Whose ledger is counted as known."""
        return self._folder

    @property
    def kinds(self) -> Kinds:
        """How artefacts get their kinds."""
        return self._kinds

    @property
    def connection(self) -> Connection:
        """The connection, for those who ask in Cypher and for the transport."""
        return self._connection

    def known(self) -> set[str]:
        return set(self._connection.one("look-up/known", folder=self._folder) or ())

    def add(
        self,
        records: Iterable[tuple[str, Recorded, Mapping[str, Mapping[str, Any]]]],
    ) -> int:
        entries = [
            Entry(name, record, private, to_bytes(record))
            for name, record, private in records
            if not isinstance(record, ImportRecord)
        ]
        return self.add_entries(entries)

    def add_entries(self, entries: list[Entry]) -> int:
        """Put records of which the stored bytes are at hand; gives how many were new."""
        count = 0
        for start in range(0, len(entries), CHUNK):
            chunk = entries[start : start + CHUNK]
            count += self._connection.writing(Projector(self._folder, self._kinds).add, chunk)
        return count

    def add_import(
        self, name: str, record: Recorded, lines: Iterable[bytes], *, body: bytes | None = None
    ) -> int:
        from provgraph.graph.neo4j.bulk import Importer

        importer = Importer(self._connection, self._folder, self._kinds)
        return importer.add(name, record, lines, to_bytes(record) if body is None else body)

    def waiting(self) -> set[str]:
        """Give the names of the records that the server keeps, but that aren't in the graph."""
        return set(self._connection.one("look-up/waiting", folder=self._folder) or ())

    def writes(self) -> int:
        """Count the transactions that have written: a number for the graph's state."""
        return int(self._connection.one("look-up/writes") or 0)

    def infer(self, edges: Iterable[tuple[int, int, str]], *, after: int) -> bool:
        """Put the (effect, cause, rule) that rules add, in place of earlier ones.

        They were computed when `writes()` was `after`; False where others have written since.
        """
        rows = [list(edge) for edge in edges]
        return self._connection.writing(_infer, self._project, rows, after)

    def record_names(self) -> set[str]:
        """Give the names of all records that the server keeps of this ledger."""
        return set(self._connection.one("look-up/record-names", folder=self._folder) or ())

    def kept(self, kind: str, name: str) -> bytes | None:
        identifier = member_id(self._folder, kind, name)
        for _, body, chunks in self._connection.read("look-up/members-at", ids=[identifier]):
            if body is not None:
                return zlib.decompress(body)
            return b"".join(self.chunks(identifier, chunks))
        return None

    def chunks(self, identifier: str, count: int) -> Iterator[bytes]:
        """Give a large member piece by piece; one that isn't whole comes short."""
        for number in range(count):
            body = self._connection.one("look-up/chunk", id=f"{identifier}#{number}")
            if body is not None:
                yield zlib.decompress(body)

    def clear(self) -> None:
        self._connection.batches("write/unproject", folder=self._folder)
        self._connection.batches("write/clear", project=self._project)
        self._connection.lay_out()

    def status(self) -> GraphStatus:
        records, nodes, edges = self._connection.read("look-up/status", folder=self._folder)[0]
        return GraphStatus(
            place=str(self._connection.place),
            records=records,
            nodes=nodes,
            edges=edges,
            schema=LAYOUT,
            left_out=(),
        )

    def close(self) -> None:
        self._connection.close()
