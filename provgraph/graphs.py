"""Which graph answers, and keeping it in step with the ledger: the local one, or a shared Neo4j.

The recorder asks the local index only, for capture waits for no server. Questions go to the
Neo4j that `provgraph.toml` or PROVGRAPH_GRAPH names; while it is away, to the local index, and the
answer says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provgraph.errors import (
    LedgerError,
    ObjectMissing,
    RecordFromFuture,
    StoreAway,
    StoreError,
    TransportError,
)

if TYPE_CHECKING:
    from provgraph.collect.configuration import Configuration
    from provgraph.graph.interface import GraphStatus, GraphStore
    from provgraph.graph.local import LocalGraph
    from provgraph.graph.neo4j import Neo4jGraph
    from provgraph.graph.neo4j.health import Finding
    from provgraph.graph.neo4j.remote import Neo4jRemote
    from provgraph.graph.unfolding import Unfolding
    from provgraph.ledger.ledger import Ledger
    from provgraph.model.answers import GapNote
    from provgraph.model.records import Recorded

TRIES = 5  # to find inferred edges while others write
IN_MEMORY = ":memory:"
LOCAL = "local"  # what PROVGRAPH_GRAPH says to leave a shared graph aside
Progress = Callable[[int, int | None], None]


class Graphs:
    """The graphs of one project; `left_out` is what the last sync could not put there."""

    def __init__(self, ledger: Ledger, configuration: Configuration, cache: Path) -> None:
        self._ledger = ledger
        self._configuration = configuration
        self._project = configuration.project.id
        self._path = cache / "graph.sqlite"
        self._away: str = ""
        self._unfolded: tuple[GraphStore, Unfolding] | None = None
        self.left_out: list[GapNote] = []

    @property
    def url(self) -> str | None:
        """Where the shared graph is, if there is to be one."""
        said = os.environ.get("PROVGRAPH_GRAPH") or self._configuration.graph.url
        return None if said in ("", LOCAL) else said

    @cached_property
    def index(self) -> LocalGraph:
        """The local graph: a view of this ledger, made again where it can't be used.

        Where it can't be kept, on a full disk, it is made in memory: slower, and as right.
        """
        from provgraph.graph.local import LocalGraph, NeedsRebuild, Unkept, remove_index

        try:
            try:
                return LocalGraph(self._path, project=self._project)
            except NeedsRebuild:
                remove_index(self._path)
                return LocalGraph(self._path, project=self._project)
        except (Unkept, OSError):
            return LocalGraph(IN_MEMORY, project=self._project)

    @cached_property
    def shared(self) -> Neo4jGraph | None:
        """The shared graph; None where there is to be none, or it is away.

        Raises `StoreError` where a server answers that can't be used.
        """
        if self.url is None:
            return None
        try:
            return self.open(self.url)
        except StoreAway as error:
            self._fall_back(error)
            return None

    @property
    def store(self) -> Unfolding:
        """The graph that answers questions, file by file."""
        return self._unfolding(self.folded)

    @property
    def folded(self) -> GraphStore:
        """The same graph as it is kept and drawn: with sets of files."""
        return self.index if self.shared is None else self.shared

    def _unfolding(self, graph: GraphStore) -> Unfolding:
        """Give what answers from a graph file by file; it remembers what it read of sets."""
        from provgraph.graph.unfolding import Unfolding

        if self._unfolded is None or self._unfolded[0] is not graph:
            unfolding = Unfolding(graph, self.object, project=self._project)
            self._unfolded = (graph, unfolding)
        return self._unfolded[1]

    def open(self, url: str, *, beside: bool = False) -> Neo4jGraph:
        """Open the graph at a URL; `beside` lets it settle among others' data."""
        from provgraph.graph.neo4j import Connection, Neo4jGraph
        from provgraph.graph.neo4j.vertices import Kinds
        from provgraph.model.kinds import ARTEFACTS, kind_of

        table = self._configuration.kind_table
        connection = Connection(url, beside=beside)
        try:
            connection.prepare()
        except BaseException:
            connection.close()
            raise
        return Neo4jGraph(
            connection,
            folder=self._project,
            project=self._project,
            kinds=Kinds(
                of=lambda name, made: kind_of(name, produced=made, table=table),
                labels=frozenset(ARTEFACTS),
            ),
        )

    def remote(self, graph: Neo4jGraph, *, pushing: bool) -> Neo4jRemote:
        """Give a shared graph as a transport."""
        from provgraph.graph.neo4j.remote import Neo4jRemote

        return Neo4jRemote(graph, self._ledger, pushing=pushing)

    def health(self) -> list[Finding]:
        """Look at the shared graph, if there is to be one; its faults are findings, too."""
        from provgraph.graph.neo4j.health import Finding, look

        if self.url is None:
            return []
        try:
            with closing(self.open(self.url)) as graph:
                return list(look(graph, self._ledger.names()))
        except StoreError as error:
            return [Finding("server", False, error.message, error.hint)]

    # -- what records name, here or there -----------------------------------------------------

    def private_fields(self, record: Recorded) -> dict[str, dict[str, Any]]:
        """Give a record's private fields by category, also those that only the server keeps."""
        from provgraph.ledger.layout import PRIVATE
        from provgraph.ledger.private import read_document

        fields = self._ledger.private_fields(record)
        for category, name in record.private.items() if self.shared is not None else ():
            if not fields[category] and not self._ledger.is_erased(name):
                body = self._kept(PRIVATE, name)
                fields[category] = read_document(body)[1] if body is not None else {}
        return fields

    def object(self, digest: str) -> bytes:
        """Give an object's bytes, also one that only the server keeps. Raises `LedgerError`."""
        from provgraph.ledger.layout import OBJECTS

        try:
            return self._ledger.get_object(digest)
        except ObjectMissing:
            body = self._kept(OBJECTS, digest)
            if body is None:
                raise
            return body

    def _kept(self, kind: str, digest: str) -> bytes | None:
        """Ask the server for a member, and believe it only if its hash is right."""
        from provgraph.model.digests import content_digest

        body = self.folded.kept(kind, digest.removeprefix("b3:"))
        return body if body is not None and content_digest(body) == digest else None

    # -- keeping in step ----------------------------------------------------------------------

    def sync(self, *, progress: Progress | None = None) -> None:
        """Bring the graph that answers in step with the ledger."""
        self.left_out = []
        self._unfolded = None
        try:
            if self.shared is not None:
                self._share(self.shared, progress)
                return
        except StoreAway as error:
            self._fall_back(error)
        if self._away:
            self.leave_out("graph-away", self._away)
        self._bring_in_step(progress)

    def lookup(self) -> GraphStore:
        """Give the local index in step with the ledger, for the recorder."""
        self.left_out = []
        self._unfolded = None
        self._bring_in_step(None)
        return self._unfolding(self.index)

    def rebuild(self, *, progress: Progress | None = None) -> GraphStatus:
        """Make the graph that answers anew; a shared one only where nothing would be missing."""
        if self.shared is not None:
            lacking = self.shared.record_names() - self._ledger.names()
            if lacking:
                raise StoreError(
                    f"{self.shared.connection.place} holds {len(lacking):,} records that this clone"
                    " lacks, so it can't make that graph anew",
                    hint=f"provgraph pull {self.url}, then again",
                )
        self.folded.clear()
        self.sync(progress=progress)
        return self.folded.status()

    def close(self) -> None:
        """Let go of files and connections; they are opened again when needed."""
        self._unfolded = None
        for opened in ("index", "shared"):
            there = self.__dict__.pop(opened, None)
            if there is not None:
                there.close()

    def _fall_back(self, error: StoreAway) -> None:
        """Leave the shared graph aside, for the rest of this process, and say why."""
        self._away = f"the shared graph {error.place or self.url}"
        there = self.__dict__.pop("shared", None)
        if there is not None:
            there.close()
        self.__dict__["shared"] = None

    def _share(self, graph: Neo4jGraph, progress: Progress | None) -> None:
        """Send the shared graph what it lacks; it may hold more than this clone."""
        from provgraph.ledger.transport import push

        names, known = self._ledger.names(), graph.known()
        if not names <= known:
            remote = self.remote(graph, pushing=True)
            try:
                push(self._ledger, remote, progress)
            except TransportError as error:
                if isinstance(error.__cause__, StoreAway):
                    raise error.__cause__ from error
                raise
            for reason, subject in remote.left_out:
                self.leave_out(reason, subject)
            self.infer(graph)
            known = graph.known()
        told = {gap.subject.rpartition(" ")[2] for gap in self.left_out}
        waiting = {name for name in graph.waiting() if name[:12] not in told}
        for name in sorted(waiting):  # somebody makes the graph anew, or couldn't read it
            self.leave_out("unprojected", f"record {name[:12]}")
        for name in sorted(names - known - waiting):  # a push leaves out what is damaged here
            if name[:12] not in told:
                self.leave_out("damaged-record", name[:12])

    def _bring_in_step(self, progress: Progress | None) -> None:
        """Fill the index, in memory where its file takes no more."""
        from provgraph.graph.local import LocalGraph, Unkept

        left_out = list(self.left_out)
        try:
            self._fill_index(progress)
        except Unkept:
            self.__dict__.pop("index").close()
            self.__dict__["index"] = LocalGraph(IN_MEMORY, project=self._project)
            self.left_out = left_out
            self._fill_index(progress)

    def _fill_index(self, progress: Progress | None) -> None:
        """Project the records that the index doesn't know yet."""
        from provgraph.graph.lines import split_lines
        from provgraph.model.records import ImportRecord

        names, known = self._ledger.names(), self.index.known()
        if not known <= names:
            # Another ledger's graph: one that lay at this path before, or was restored over.
            self.index.clear()
            known = set()
        new = sorted(names - known)
        batch: list[tuple[str, Any, Mapping[str, Mapping[str, Any]]]] = []
        for place, (name, record) in enumerate(self._ledger.read_many(new)):
            if isinstance(record, LedgerError):
                future = isinstance(record, RecordFromFuture)
                self.leave_out("future-record" if future else "damaged-record", name[:12])
            elif isinstance(record, ImportRecord):
                try:
                    lines = split_lines(self._ledger.stream_object(record.object))
                    self.index.add_import(name, record, lines)
                except LedgerError:
                    self.leave_out("unprojected", f"import {name[:12]}")
            else:
                batch.append((name, record, self._ledger.private_fields(record)))
            if progress is not None and place % 100 == 0:
                progress(place, len(new))
        if batch:
            self.index.add(batch)

    def infer(self, graph: Neo4jGraph) -> None:
        """Let a shared graph show the edges that rules add, for who asks it in Cypher.

        They follow from all records, so where others write meanwhile they are found once more;
        the last of several pushers leaves them right.
        """
        from provgraph.analysis.facts import Facts
        from provgraph.graph.unfolding import Unfolding

        for _ in range(TRIES):
            after = graph.writes()
            files = Unfolding(graph, self.object, project=self._project)
            facts = Facts.load(files, self._project)
            edges = [(e.effect, e.cause, e.rule) for e in (*facts.copies, *facts.unwatched)]
            if graph.infer(files.drawn(edges), after=after):
                return

    def leave_out(self, reason: str, subject: str) -> None:
        """Note, for every answer, something that isn't in the graph."""
        from provgraph.analysis.gaps import note

        self.left_out.append(note(reason, subject))
