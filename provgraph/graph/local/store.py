"""`LocalGraph`: the graph store that needs no server."""

# ruff: noqa: S608 - what is put into statements are constants of the package, never input

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provgraph.graph.interface import GraphStatus, GraphStore
from provgraph.graph.local.arrays import Reaching
from provgraph.graph.local.finding import Finding
from provgraph.graph.local.lookups import Lookups
from provgraph.graph.local.schema import VERSION, Connection
from provgraph.graph.local.words import Words

if TYPE_CHECKING:
    from provgraph.model.records import Recorded


class LocalGraph(Lookups, Finding, Reaching, GraphStore):
    """A graph in one SQLite file; `:memory:` keeps it nowhere.

    `project` limits `lying` and `writers`, the recorder's questions, to that project's names.
    Raises `NeedsRebuild` for a file that is damaged or of another version.
    """

    def __init__(self, path: str | Path, *, project: str | None = None) -> None:
        self._db = Connection(None if str(path) == ":memory:" else Path(path))
        self._words = Words(self._db)
        self._project = project
        self._prepare_arrays()

    def known(self) -> set[str]:
        return {row[0] for row in self._db.rows("SELECT name FROM record")}

    def add(
        self,
        records: Iterable[tuple[str, Recorded, Mapping[str, Mapping[str, Any]]]],
    ) -> int:
        from provgraph.graph.local.projecting import Projector

        with self._changing():
            projector = Projector(self._db, self._words)
            count = projector.add(records)
        if projector.erased:
            self._db.wipe()
        return count

    def add_import(self, name: str, record: Recorded, lines: Iterable[bytes]) -> int:
        from provgraph.graph.local.bulk import Importer

        with self._changing():
            return Importer(self._db, self._words).add(name, record, lines)

    def clear(self) -> None:
        with self._changing():
            tables = self._db.rows(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            for (table,) in tables:
                if table != "meta":
                    self._db.run(f"DELETE FROM {table}")
            self._db.run("UPDATE meta SET value = 0 WHERE name IN ('edges', 'logging')")
            self._db.run("UPDATE meta SET value = 1 WHERE name = 'next_key'")
            self._db.run("UPDATE meta SET value = random() WHERE name = 'epoch'")
            self._words.forget()

    def status(self) -> GraphStatus:
        meta = dict(self._db.rows("SELECT name, value FROM meta"))
        return GraphStatus(
            place=":memory:" if self._db.path is None else str(self._db.path),
            records=int(self._db.one("SELECT count(*) FROM record")),
            nodes=meta["next_key"] - 1,
            edges=meta["edges"],
            schema=VERSION,
            left_out=(),
        )

    def close(self) -> None:
        self._release_arrays()
        self._db.close()
