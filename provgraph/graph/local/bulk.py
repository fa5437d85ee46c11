"""Put a bulk import into the SQLite index: nodes, then edges sorted as their tables are."""

# ruff: noqa: S608 - what is put into statements are constants of the package, never input

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterable, Mapping
from typing import Any, cast

from provgraph.errors import ImportUnreadable, StoreError
from provgraph.graph.lines import EdgeLine, NodeLine, PlainEdges, merged, read_lines
from provgraph.graph.local.linking import Linker
from provgraph.graph.local.schema import INDEXES, Connection
from provgraph.graph.local.words import Keys, Words
from provgraph.graph.projection import nanoseconds
from provgraph.model.records import ImportRecord, Recorded

CHUNK = 20_000
LARGE = 20_000
KEPT = {"name_text"}  # asked while names are added

ADD_GENERATION = (
    "INSERT INTO generation(key, id, known, project, name, digest, kind, props, class)"
    " VALUES (?1, ?2, 2, ?3, ?4, ?5, ?6, ?7, ?1)"
)
ADD_RUN = (
    "INSERT INTO run(key, id, known, project, step, label, digest, status, started, ended,"
    " started_text, seconds, tracing, props) VALUES (?, ?, 2, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT(key) DO UPDATE SET known = 2, project = excluded.project, step = excluded.step,"
    " label = excluded.label, digest = excluded.digest, status = excluded.status,"
    " started = excluded.started, ended = excluded.ended, started_text = excluded.started_text,"
    " seconds = excluded.seconds, tracing = excluded.tracing, props = excluded.props"
    " WHERE known <> 1"
)


class Importer:
    """One call of `add_import`: made inside a write transaction, and forgotten after it."""

    def __init__(self, connection: Connection, words: Words) -> None:
        self._db = connection
        self._words = words
        self._keys = Keys(connection)
        self._vertices = array("q")  # ref → key
        self._linker = Linker(connection, words, self._vertices)
        self._known: dict[str, int] | None = None

    def add(self, name: str, record: Recorded, lines: Iterable[bytes]) -> int:
        """Project an import that isn't yet; gives how many lines were new."""
        if not isinstance(record, ImportRecord):
            raise StoreError(f"record {name} is not an import")
        if self._db.one("SELECT 1 FROM record WHERE name = ?", (name,)):
            return 0
        edges = int(self._db.one("SELECT value FROM meta WHERE name = 'edges'"))
        held = self._keys.next + edges
        large = record.nodes + record.edges > max(LARGE, held)
        if large:
            self._known = dict(
                self._db.rows("SELECT id, key FROM run UNION ALL SELECT id, key FROM generation")
            )
            for index in INDEXES.keys() - KEPT:
                self._db.run(f"DROP INDEX {index}")
        count = self._read(name, record, lines)
        try:
            self._keys.flush()
            if large:
                for index in ("run_id", "generation_id"):
                    self._db.run(INDEXES[index])
            self._linker.resolve(self._keys)
            self._linker.write()
            if large:
                for index in INDEXES.keys() - KEPT - {"run_id", "generation_id"}:
                    self._db.run(INDEXES[index])
            self._linker.finish(large=large)
        except (sqlite3.IntegrityError, IndexError) as error:
            raise self._uncanonical(name, error) from error
        self._keys.flush()
        self._db.run("INSERT INTO record(name) VALUES (?)", (name,))
        return count

    def _read(self, name: str, record: ImportRecord, lines: Iterable[bytes]) -> int:
        nodes: list[NodeLine] = []
        count, link = 0, self._linker.link
        try:
            for batch in read_lines(record.project, lines):
                count += len(batch)
                for line in batch:
                    if type(line) is NodeLine:
                        nodes.append(line)
                    elif type(line) is EdgeLine:
                        link(line)
                    else:  # the whole batch is plain edges
                        self._linker.link_plain(cast("PlainEdges", batch))
                        break
                if len(nodes) >= CHUNK:
                    self._put_nodes(record.project, nodes)
                    nodes.clear()
            self._put_nodes(record.project, nodes)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._uncanonical(name, error) from error
        return count

    def _uncanonical(self, name: str, error: Exception) -> StoreError:
        return ImportUnreadable(
            f"the lines of import {name} aren't in their canonical form ({error!r})",
            hint="`provgraph verify` says whether the ledger is whole.",
        )

    def _put_nodes(self, project: str, nodes: list[NodeLine]) -> None:
        self._keys.learn(names=(node.name for node in nodes), runs=(), generations=())
        known = self._find(nodes)
        word, name = self._words.key, self._keys.name
        home = word(project)
        runs, generations = list[Any](), list[Any]()
        for node in nodes:
            place = node.ref
            if place < len(self._vertices):  # more of the same node
                self._join(self._vertices[place], project, node, runs, generations)
                continue
            if place > len(self._vertices):
                raise ValueError(node.ref)
            key = known.get(node.id)
            if key is not None:
                self._vertices.append(key)
                self._join(key, project, node, runs, generations)
                continue
            key = self._keys.take(1)
            self._vertices.append(key)
            props = json.dumps(node.props) if node.props else ""
            if node.is_run:
                runs.append(self._run_row(key, home, node.id, node.name, node.digest, props))
            else:
                generations.append(
                    (key, node.id, home, name(node.name), node.digest, word(node.kind), props)
                )
        self._put_rows(runs, generations)

    def _put_rows(self, runs: list[Any], generations: list[Any]) -> None:
        self._db.many(ADD_GENERATION, generations)
        self._db.many(ADD_RUN, runs)
        runs.clear()
        generations.clear()

    def _find(self, nodes: list[NodeLine]) -> Mapping[str, int]:
        if self._known is not None:
            return self._known
        among = json.dumps([node.id for node in nodes])
        return dict(
            self._db.rows(
                "SELECT id, key FROM run WHERE id IN (SELECT value FROM json_each(?1))"
                " UNION ALL"
                " SELECT id, key FROM generation WHERE id IN (SELECT value FROM json_each(?1))",
                (among,),
            )
        )

    def _run_row(
        self, key: int, home: int, identifier: str, name: str, digest: str, props: str
    ) -> tuple[Any, ...]:
        told: dict[str, Any] = json.loads(props) if props else {}
        status, step, seconds = told.get("status"), told.get("step"), told.get("seconds")
        started, ended = str(told.get("started") or ""), str(told.get("ended") or "")
        return (
            *(key, identifier, home),
            self._words.key(step) if isinstance(step, str) and step else None,
            *(name, digest, status if status in ("failed", "interrupted") else "ok"),
            *(nanoseconds(started), nanoseconds(ended or started), started),
            float(seconds) if isinstance(seconds, int | float) else 0.0,
            *(self._words.key("import"), props),
        )

    def _join(
        self, key: int, project: str, node: NodeLine, runs: list[Any], generations: list[Any]
    ) -> None:
        """Tell more of a vertex that is there: props are joined, the least kind counts."""
        self._put_rows(runs, generations)  # it may be among them
        home = self._words.key(project)
        table = "run" if node.is_run else "generation"
        (known, text), *_ = self._db.rows(f"SELECT known, props FROM {table} WHERE key = ?", (key,))
        props = merged(json.loads(text) if text else {}, node.props)
        text = json.dumps(props) if props else ""
        if node.is_run:
            self._db.run(ADD_RUN, self._run_row(key, home, node.id, node.name, node.digest, text))
            return
        kind = self._db.one(
            "SELECT w.text FROM generation g JOIN word w ON w.key = g.kind WHERE g.key = ?", (key,)
        )
        least = node.kind if kind is None else min(kind, node.kind)
        self._db.run(
            "UPDATE generation SET known = ?, project = ?, name = ?, digest = ?, kind = ?,"
            " props = ? WHERE key = ?",
            (
                *(known or 2, home, self._keys.name(node.name), node.digest),
                *(self._words.key(least), text, key),
            ),
        )
