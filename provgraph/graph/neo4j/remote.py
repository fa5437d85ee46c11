"""Neo4j as a transport: every member of a ledger is kept beside the graph, both ways.

A record and what it adds to the graph are written in one transaction, so that what is counted as
sent is in the graph. Large members go in chunks before the member that counts them: cut short,
they are sent again, and nothing half is ever seen.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from provgraph.errors import (
    ImportUnreadable,
    LedgerError,
    RecordFromFuture,
    StoreError,
    TransportError,
)
from provgraph.graph.lines import split_lines
from provgraph.graph.neo4j.connection import Connection, Work
from provgraph.graph.neo4j.projecting import Entry, Projector, record_row
from provgraph.graph.neo4j.store import Neo4jGraph
from provgraph.ledger.layout import ERASED, RECORDS, parse_member
from provgraph.ledger.ledger import Ledger
from provgraph.ledger.reading import parse
from provgraph.ledger.transport import Delivery, Remote
from provgraph.model.records import ImportRecord

CHUNK = 1 << 20  # bytes of a large member in one node
LARGE = 1 << 20  # larger members go in chunks
MOST = 256  # members in one transaction
MOST_BYTES = 4 << 20


class Neo4jRemote(Remote):
    """The ledger that a Neo4j keeps of a project; `left_out` records aren't in its graph."""

    def __init__(self, graph: Neo4jGraph, ledger: Ledger, *, pushing: bool) -> None:
        self._graph = graph
        self._connection: Connection = graph.connection
        self._folder = graph.folder
        self._ledger = ledger
        self._pushing = pushing
        self.left_out: list[tuple[str, str]] = []  # (reason, record)

    def __str__(self) -> str:
        """Give the place as it may be shown."""
        return str(self._connection.place)

    def sizes(self) -> dict[str, int]:
        """List the members there; to a pusher, a record that isn't in the graph is lacking."""
        with self._exchanging():
            rows = self._connection.one(
                "look-up/member-sizes", folder=self._folder, projected=self._pushing
            )
        return dict(rows or ())

    def fetch(self, paths: Sequence[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Bring small members many at a time, large ones chunk by chunk."""
        for start in range(0, len(paths), MOST):
            part = paths[start : start + MOST]
            ids = {f"{self._folder}/{path}": path for path in part}
            with self._exchanging():
                found = self._connection.read("look-up/members-at", ids=list(ids))
            for identifier, body, chunks in found:
                if body is None:
                    yield ids[identifier], self._chunks(identifier, chunks)
                else:
                    yield ids[identifier], [zlib.decompress(body)]

    def deliver(self, delivery: Delivery, step: Callable[[], None]) -> list[str]:
        """Take members in batches, each one transaction; records go into the graph with it."""
        self.left_out.clear()
        with self._exchanging():
            for is_record, several in groupby(delivery.send, key=_is_record):
                put = self._put_records if is_record else self._put_members
                for batch in _batches(several):
                    put(batch)
                    for _ in batch:
                        step()
            if delivery.drop:
                ids = [f"{self._folder}/{path}" for path in delivery.drop]
                self._connection.writing(_drop, ids)
        if not self.left_out:
            return []
        return [f"{len(self.left_out)} records were sent, but can't be read here to be projected"]

    # -- members -----------------------------------------------------------------------------

    def _put_members(self, batch: Sequence[tuple[str, Path]]) -> None:
        rows = [self._member_row(path, file) for path, file in batch]
        self._connection.writing(_put, rows)

    def _member_row(self, path: str, file: Path) -> dict[str, Any]:
        kind, name = parse_member(path) or ("", "")
        identifier = f"{self._folder}/{path}"
        size = file.stat().st_size
        told = {"folder": self._folder, "kind": kind, "path": path, "name": name, "size": size}
        if size > LARGE:
            told["chunks"] = self._put_chunks(identifier, file)
        else:
            told["body"] = zlib.compress(file.read_bytes(), 1)
        marker = None if kind == ERASED else f"{self._folder}/{ERASED}/{name[:2]}/{name}"
        return {"id": identifier, "marker": marker, "told": told}

    def _put_chunks(self, identifier: str, file: Path) -> int:
        number = 0
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                body = zlib.compress(chunk, 1)
                self._connection.writing(_put_chunk, f"{identifier}#{number}", body)
                number += 1
        return number

    def _chunks(self, identifier: str, count: int) -> Iterator[bytes]:
        with self._exchanging():
            yield from self._graph.chunks(identifier, count)

    # -- records -----------------------------------------------------------------------------

    def _put_records(self, batch: Sequence[tuple[str, Path]]) -> None:
        entries: list[Entry] = []
        unread: list[dict[str, Any]] = []
        for path, file in batch:
            name, body = (parse_member(path) or ("", ""))[1], file.read_bytes()
            try:
                record = parse(name, body)
                private = self._ledger.private_fields(record)
            except LedgerError as error:
                future = isinstance(error, RecordFromFuture)
                self.left_out.append(("future-record" if future else "damaged-record", name[:12]))
                unread.append(record_row(self._folder, name, body, {"projected": False}))
                continue
            if isinstance(record, ImportRecord):
                self._put_import(name, record, body, unread)
            else:
                entries.append(Entry(name, record, private, body))
        self._connection.writing(self._put_entries, entries, unread)

    def _put_entries(
        self, work: Work, entries: Sequence[Entry], unread: Sequence[dict[str, Any]]
    ) -> None:
        Projector(self._folder, self._graph.kinds).add(work, entries)
        work("write/records", rows=unread)

    def _put_import(
        self, name: str, record: ImportRecord, body: bytes, unread: list[dict[str, Any]]
    ) -> None:
        try:
            lines = split_lines(self._ledger.stream_object(record.object))
            self._graph.add_import(name, record, lines, body=body)
        except (LedgerError, ImportUnreadable):
            self.left_out.append(("unprojected", f"import {name[:12]}"))
            unread.append(record_row(self._folder, name, body, {"projected": False}))

    @contextmanager
    def _exchanging(self) -> Iterator[None]:
        try:
            yield
        except StoreError as error:
            raise TransportError(
                f"the exchange with {self} stopped: {error.message}",
                hint="what was sent before is whole; do it again, and it goes on where it stopped"
                + (f" ({error.hint})" if error.hint else ""),
            ) from error


def _put(work: Work, rows: Sequence[dict[str, Any]]) -> None:
    work("write/lock")
    work("write/members", rows=rows)


def _put_chunk(work: Work, identifier: str, body: bytes) -> None:
    work("write/chunk", id=identifier, body=body)


def _drop(work: Work, ids: Sequence[str]) -> None:
    work("write/lock")
    work("write/drop", ids=ids)


def _is_record(item: tuple[str, Path]) -> bool:
    return item[0].startswith(f"{RECORDS}/")


def _batches(items: Iterable[tuple[str, Path]]) -> Iterator[list[tuple[str, Path]]]:
    batch: list[tuple[str, Path]] = []
    size = 0
    for path, file in items:
        batch.append((path, file))
        size += file.stat().st_size
        if len(batch) >= MOST or size >= MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
