"""Look-ups by key in Neo4j: what the judging in `analysis/` reads, each one statement a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from provgraph.graph.interface import (
    DependRow,
    EdgeRow,
    Generation,
    GraphStore,
    ProduceRow,
    RunRow,
    TouchRow,
    UseRow,
    VertexRow,
)
from provgraph.graph.neo4j.connection import Connection, collected
from provgraph.graph.neo4j.vertices import IMPORTED, RECORDED, maps
from provgraph.model.kinds import RUN
from provgraph.model.names import is_uri

AT_ONCE = 50_000  # keys sent, and rows collected, with one statement


class Base:
    """What the parts of `Neo4jGraph` share: a connection, and whose names are asked for."""

    _connection: Connection
    _project: str | None

    def _rows(self, name: str, **parameters: Any) -> list[list[Any]]:
        """Send a statement that collects its rows; `keys` are sent so many at a time."""
        keys: list[Any] | None = parameters.get("keys")
        if keys is None or len(keys) <= AT_ONCE:
            return collected(self._connection.read(name, **parameters)) if keys != [] else []
        found: list[list[Any]] = []
        for start in range(0, len(keys), AT_ONCE):
            part = parameters | {"keys": keys[start : start + AT_ONCE]}
            found += collected(self._connection.read(name, **part))
        return found

    def _keys(self, name: str, **parameters: Any) -> list[int]:
        found: list[int] = self._connection.one(name, **parameters) or []
        return found

    def _runs(self, keys: Iterable[int]) -> list[RunRow]:
        return [
            RunRow(
                key=row[0],
                id=row[1],
                project=row[2],
                step=row[3] or row[1],
                label=row[4],
                way=row[5] or "",
                status=row[6],
                order=(row[7], row[1]),
                started=row[8],
                seconds=row[9],
                writes=row[10],
                last=row[11],
                tracing=row[12] or "",
                complete=row[13],
                within=row[14],
            )
            for row in self._rows("look-up/runs", keys=plain(keys))
        ]


class Lookups(Base, GraphStore):
    """The judging part of the contract."""

    def recorded_generations(self) -> list[Generation]:
        rows = self._rows("look-up/recorded-generations", project=self._project)
        found = [_generation(row) for row in rows]
        return [g for g in found if not g.imported or not is_uri(g.name)]

    def touched_sources(self) -> list[TouchRow]:
        found = {
            TouchRow(key, part, digest, role)
            for key, role, touched in self._rows("look-up/touched-sources", project=self._project)
            for part, digest in maps(touched).items()
        }
        return sorted(found)

    def unsound_runs(self) -> list[RunRow]:
        return self._runs(self._keys("look-up/unsound-runs", project=self._project))

    def silent_runs(self) -> list[RunRow]:
        found = self._runs(self._keys("look-up/silent-runs", project=self._project))
        return [run for run in found if run.last]

    def run_gaps(self, runs: Sequence[int] | None = None) -> list[tuple[int, str, str]]:
        if runs is None:
            rows = self._rows("look-up/gaps", project=self._project)
        else:
            rows = self._rows("look-up/gaps-of-runs", keys=plain(runs))
        return [(run, reason, subject) for run, reason, subject in rows]

    def runs(self, keys: Sequence[int]) -> list[RunRow]:
        return self._runs(keys)

    def generations(self, keys: Sequence[int]) -> list[Generation]:
        return [_generation(row) for row in self._rows("look-up/generations", keys=plain(keys))]

    def members(self, classes: Sequence[int]) -> list[Generation]:
        chosen = plain(classes)
        return self.generations(self._keys("look-up/members", classes=chosen)) if chosen else []

    def uses_of(self, generations: Sequence[int]) -> list[UseRow]:
        return self._uses("look-up/uses-of", generations)

    def uses_by(self, runs: Sequence[int]) -> list[UseRow]:
        return self._uses("look-up/uses-by", runs)

    def _uses(self, name: str, keys: Sequence[int]) -> list[UseRow]:
        return [
            UseRow(run, key, role, evidence, maps(touched))
            for run, key, role, evidence, touched in self._rows(name, keys=plain(keys))
        ]

    def produced_by(self, runs: Sequence[int]) -> list[ProduceRow]:
        return [ProduceRow(*row) for row in self._rows("look-up/produced-by", keys=plain(runs))]

    def stream_reads(self, writers: Sequence[int]) -> list[tuple[int, int, str, str]]:
        rows = self._rows("look-up/stream-reads", runs=plain(writers)) if writers else []
        return [(reader, writer, name, evidence) for reader, writer, name, evidence in rows]

    def effects_of(self, keys: Sequence[int]) -> list[EdgeRow]:
        return [EdgeRow(*row) for row in self._rows("look-up/effects-of", keys=plain(keys))]

    def causes_of(self, keys: Sequence[int]) -> list[EdgeRow]:
        return [EdgeRow(*row) for row in self._rows("look-up/causes-of", keys=plain(keys))]

    def depends(self, keys: Sequence[int]) -> list[DependRow]:
        # Asked in parts, an edge between two parts comes twice.
        rows = self._rows("look-up/depends", keys=plain(keys))
        return list(dict.fromkeys(DependRow(*row) for row in rows))

    def vertices(self, keys: Sequence[int]) -> list[VertexRow]:
        artefacts, runs = list[VertexRow](), list[VertexRow]()
        for row in self._rows("look-up/vertices", keys=plain(keys)):
            key, identifier, is_run, kind, name, digest, known, status, started, seconds, props = (
                row
            )
            told: dict[str, Any] = {}
            if is_run and known == RECORDED:
                told = {"status": status, "started": started, "seconds": seconds}
            told |= json.loads(props) if props else {}
            shown = RUN if is_run else kind or ""
            vertex = VertexRow(key, identifier, shown, name or "", digest, told)
            (runs if is_run else artefacts).append(vertex)
        return artefacts + runs

    def ids(self, keys: Sequence[int]) -> Mapping[int, str]:
        return dict(self._rows("look-up/ids", keys=plain(keys)))

    def imported_names(self, keys: Sequence[int]) -> Mapping[int, str]:
        rows = self._rows("look-up/artefact-names", keys=plain(keys))
        return dict(rows)

    def shared_classes(self, keys: Sequence[int] | None = None) -> Mapping[int, int]:
        rows = self._rows("look-up/shared-classes", project=self._project)
        classes: dict[int, int] = dict(rows)
        if keys is None:
            return classes
        return {key: classes[key] for key in keys if key in classes}


def _generation(row: Sequence[Any]) -> Generation:
    (key, identifier, project, name, digest, size, maker, step, cls, time, last) = row[:11]
    before, first_read, append, known, kind, parts = row[11:]
    return Generation(
        key,
        identifier,
        project,
        name,
        digest,
        size,
        maker,
        step,
        cls,
        (time, last),
        before,
        first_read,
        bool(append),
        known == IMPORTED,
        kind,
        maps(parts),
    )


def plain(keys: Iterable[int]) -> list[int]:
    """Give keys as the driver sends them, numpy's integers too, each once."""
    tolist: Callable[[], list[int]] | None = getattr(keys, "tolist", None)
    return list(dict.fromkeys(tolist() if tolist is not None else map(int, keys)))
