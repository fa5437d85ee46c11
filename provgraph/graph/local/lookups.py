"""Look-ups by key over the SQLite index: what the judging in `analysis/` reads."""

# ruff: noqa: S608 - what is put into statements are constants of the package, never input

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from provgraph.graph.interface import (
    DEPENDS_ON,
    PRODUCES,
    USES,
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
from provgraph.graph.local.schema import Connection
from provgraph.graph.local.words import Words
from provgraph.model.kinds import RUN
from provgraph.model.names import is_uri

GENERATIONS = """
SELECT g.key, g.id, g.project, n.text, g.digest, g.size, ifnull(g.maker, g.attributed),
       coalesce(m.step, g.maker_step, CASE WHEN m.known = 2 THEN m.id END), g.class,
       CASE WHEN m.known > 0 AND m.ended > 0 THEN m.ended ELSE ifnull(g.first_read, 0) END,
       ifnull(m.id, g.id), g.before, g.first_read, g.append, g.known, g.kind, g.parts
FROM generation g {hint} JOIN name n ON n.key = g.name
LEFT JOIN run m ON m.key = ifnull(g.maker, g.attributed)
WHERE g.known > 0 AND {condition}"""

RUNS = """
SELECT r.key, r.id, r.project, r.step, r.label, r.way, r.status, r.ended, r.started_text,
       r.seconds, r.writes,
       NOT EXISTS (SELECT 1 FROM run later INDEXED BY run_step
                   WHERE later.known > 0 AND later.project = r.project AND later.step = r.step
                   AND (later.ended, later.id) > (r.ended, r.id)),
       r.tracing, r.complete, r.within
FROM run r {hint} WHERE r.known > 0 AND {condition}"""

AMONG = "(SELECT value FROM json_each(?))"

EFFECTS = f"""
SELECT generation, run, 0 FROM uses WHERE generation IN {AMONG}
UNION ALL SELECT run, generation, 1 FROM produces WHERE run IN {AMONG}
UNION ALL SELECT cause, effect, 2 FROM depends WHERE cause IN {AMONG}"""

CAUSES = f"""
SELECT generation, run, 0 FROM uses WHERE run IN {AMONG}
UNION ALL SELECT run, generation, 1 FROM produces WHERE generation IN {AMONG}
UNION ALL SELECT cause, effect, 2 FROM depends WHERE effect IN {AMONG}"""

TYPES = (USES, PRODUCES, DEPENDS_ON)
NOTHING: Mapping[str, str] = MappingProxyType({})


class Base:
    """What the parts of `LocalGraph` share: a connection and the words in it."""

    _db: Connection
    _words: Words

    def _generations(
        self, condition: str, parameters: Sequence[Any] = (), *, hint: str = ""
    ) -> list[Generation]:
        statement = GENERATIONS.format(condition=condition, hint=hint)
        word, make = self._words.text, Generation._make
        return [
            make(
                (
                    key,
                    identifier,
                    word(project),
                    name,
                    digest,
                    size,
                    maker,
                    word(step) if type(step) is int else step,
                    cls,
                    (time, last),
                    before,
                    first_read,
                    append == 1,
                    known == 2,
                    None if kind is None else word(kind),
                    _map(parts) if parts else NOTHING,
                )
            )
            for key, identifier, project, name, digest, size, maker, step, cls, time, last, before, first_read, append, known, kind, parts in self._db.rows(  # noqa: E501 the columns, in their order
                statement, parameters
            )
        ]

    def _runs(
        self, condition: str, parameters: Sequence[Any] = (), *, hint: str = "", tail: str = ""
    ) -> list[RunRow]:
        statement = RUNS.format(condition=condition, hint=hint) + tail
        word = self._words.text
        return [
            RunRow(
                key=row[0],
                id=row[1],
                project=word(row[2]),
                step=row[1] if row[3] is None else word(row[3]),
                label=row[4],
                way=row[5],
                status=row[6],
                order=(row[7], row[1]),
                started=row[8],
                seconds=row[9],
                writes=bool(row[10]),
                last=bool(row[11]),
                tracing=word(row[12]),
                complete=bool(row[13]),
                within=row[14],
            )
            for row in self._db.rows(statement, parameters)
        ]


class Lookups(Base, GraphStore):
    """The judging part of the contract."""

    def recorded_generations(self) -> list[Generation]:
        found = self._generations("g.digest <> ''", hint="INDEXED BY generation_lying")
        return [g for g in found if not g.imported or not is_uri(g.name)]

    def touched_sources(self) -> list[TouchRow]:
        word = self._words.text
        return [
            TouchRow(generation, part, digest, word(role))
            for generation, part, digest, role in self._db.rows(
                "SELECT t.generation, t.part, t.digest, t.role FROM touch t"
                " JOIN generation g ON g.key = t.generation"
                " WHERE g.maker IS NULL AND g.attributed IS NULL AND g.digest <> ''"
            )
        ]

    def unsound_runs(self) -> list[RunRow]:
        return self._runs("r.status <> 'ok'", hint="INDEXED BY run_unsound")

    def silent_runs(self) -> list[RunRow]:
        found = self._runs("r.writes = 0", hint="INDEXED BY run_silent")
        return [run for run in found if run.last]

    def run_gaps(self, runs: Sequence[int] | None = None) -> list[tuple[int, str, str]]:
        if runs is None:
            return self._db.rows("SELECT run, reason, subject FROM gap")
        return self._db.rows(
            f"SELECT run, reason, subject FROM gap WHERE run IN {AMONG}", (among(runs),)
        )

    def runs(self, keys: Sequence[int]) -> list[RunRow]:
        return self._runs(f"r.key IN {AMONG}", (among(keys),))

    def generations(self, keys: Sequence[int]) -> list[Generation]:
        return self._generations(f"g.key IN {AMONG}", (among(keys),))

    def members(self, classes: Sequence[int]) -> list[Generation]:
        chosen = among(classes)
        first = self._generations(f"g.key IN {AMONG} AND g.class = g.key", (chosen,))
        return first + self._generations(
            f"g.class IN {AMONG} AND g.class <> g.key",
            (chosen,),
            hint="INDEXED BY generation_class",
        )

    def uses_of(self, generations: Sequence[int]) -> list[UseRow]:
        return self._uses("generation", generations)

    def uses_by(self, runs: Sequence[int]) -> list[UseRow]:
        return self._uses("run", runs)

    def _uses(self, end: str, keys: Sequence[int]) -> list[UseRow]:
        word, make = self._words.text, UseRow._make
        return [
            make((run, key, word(role), word(evidence), _map(touched) if touched else NOTHING))
            for run, key, role, evidence, touched in self._db.rows(
                f"SELECT run, generation, role, evidence, touched FROM uses WHERE {end} IN {AMONG}",
                (among(keys),),
            )
        ]

    def produced_by(self, runs: Sequence[int]) -> list[ProduceRow]:
        word = self._words.text
        return [
            ProduceRow(run, key, word(role), word(evidence))
            for run, key, role, evidence in self._db.rows(
                f"SELECT run, generation, role, evidence FROM produces WHERE run IN {AMONG}",
                (among(runs),),
            )
        ]

    def stream_reads(self, writers: Sequence[int]) -> list[tuple[int, int, str, str]]:
        word = self._words.text
        return [
            (run, writer, name, word(evidence))
            for run, writer, name, evidence in self._db.rows(
                "SELECT s.run, s.writer, n.text, s.evidence FROM stream s"
                f" JOIN name n ON n.key = s.name WHERE s.writer IN {AMONG}",
                (among(writers),),
            )
        ]

    def effects_of(self, keys: Sequence[int]) -> list[EdgeRow]:
        return self._edges(EFFECTS, keys)

    def causes_of(self, keys: Sequence[int]) -> list[EdgeRow]:
        return [EdgeRow(row.cause, row.effect, row.type) for row in self._edges(CAUSES, keys)]

    def _edges(self, statement: str, keys: Sequence[int]) -> list[EdgeRow]:
        # Two uses in different roles are one edge; what is between two vertices counts once a type.
        rows = dict.fromkeys(self._db.rows(statement, (among(keys),) * 3))
        return [EdgeRow(cause, effect, TYPES[kind]) for cause, effect, kind in rows]

    def depends(self, keys: Sequence[int]) -> list[DependRow]:
        word, chosen = self._words.text, among(keys)
        return [
            DependRow(effect, cause, word(how), word(evidence))
            for effect, cause, how, evidence in self._db.rows(
                f"SELECT effect, cause, how, evidence FROM depends WHERE effect IN {AMONG}"
                f" UNION SELECT effect, cause, how, evidence FROM depends WHERE cause IN {AMONG}",
                (chosen, chosen),
            )
        ]

    def vertices(self, keys: Sequence[int]) -> list[VertexRow]:
        chosen, word = among(keys), self._words.text
        found = [
            VertexRow(key, identifier, word(kind), name or "", digest, _props(props))
            for key, identifier, kind, name, digest, props in self._db.rows(
                "SELECT g.key, g.id, g.kind, n.text, g.digest, g.props FROM generation g"
                f" LEFT JOIN name n ON n.key = g.name WHERE g.key IN {AMONG}",
                (chosen,),
            )
        ]
        for key, identifier, known, label, digest, status, started, seconds, props in self._db.rows(
            "SELECT key, id, known, label, digest, status, started_text, seconds, props FROM run"
            f" WHERE key IN {AMONG}",
            (chosen,),
        ):
            told = {"status": status, "started": started, "seconds": seconds} if known == 1 else {}
            found.append(VertexRow(key, identifier, RUN, label, digest, told | _props(props)))
        return found

    def ids(self, keys: Sequence[int]) -> Mapping[int, str]:
        chosen = among(keys)
        return dict(
            self._db.rows(
                f"SELECT key, id FROM run WHERE key IN {AMONG}"
                f" UNION ALL SELECT key, id FROM generation WHERE key IN {AMONG}",
                (chosen, chosen),
            )
        )

    def imported_names(self, keys: Sequence[int]) -> Mapping[int, str]:
        return dict(
            self._db.rows(
                "SELECT g.key, n.text FROM generation g JOIN name n ON n.key = g.name"
                f" WHERE g.key IN {AMONG}",
                (among(keys),),
            )
        )

    def shared_classes(self, keys: Sequence[int] | None = None) -> Mapping[int, int]:
        if keys is None:
            condition, parameters = "", tuple[str, ...]()
        else:
            chosen = among(keys)
            condition = f" AND class IN (SELECT class FROM generation WHERE key IN {AMONG})"
            parameters = (chosen,)
        others = self._db.rows(
            "SELECT key, class FROM generation INDEXED BY generation_class"
            f" WHERE class <> key{condition}",
            parameters,
        )
        classes = dict(others)
        classes.update({cls: cls for _, cls in others})
        if keys is None:
            return classes
        return {key: classes[key] for key in keys if key in classes}


def among(keys: Iterable[int]) -> str:
    """Write keys as a JSON list for `json_each`, numpy's integers too."""
    tolist: Callable[[], list[int]] | None = getattr(keys, "tolist", None)
    return json.dumps(tolist() if tolist is not None else [int(key) for key in keys])


@lru_cache(maxsize=65536)
def _map(text: str) -> Mapping[str, str]:
    return MappingProxyType(json.loads(text))


def _props(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text) if text else {}
    return value
