"""Put records into the SQLite index: chunk by chunk, inside one transaction."""

# ruff: noqa: S608 - what is put into statements are constants of the package, never input

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from provgraph.graph.local import statements
from provgraph.graph.local.schema import Connection
from provgraph.graph.local.words import Keys, Words
from provgraph.graph.projection import STREAM, Facts, GenerationFact, as_text, facts_of, joined
from provgraph.model.records import ImportRecord, Recorded, to_bytes
from provgraph.model.wire import read_run

CHUNK = 500
NEVER = 2**63

UseRow = tuple[int, int, int, int, str]
ProduceRow = tuple[int, int, int, int, int]
Entry = tuple[str, Recorded, Mapping[str, Mapping[str, Any]]]


class Projector:
    """One call of `add`: made inside a write transaction, and forgotten after it."""

    def __init__(self, connection: Connection, words: Words) -> None:
        self._db = connection
        self._words = words
        self._keys = Keys(connection)
        self._edges = 0
        self.erased = False
        self._logging = bool(connection.one("SELECT value FROM meta WHERE name = 'logging'"))

    def add(self, entries: Iterable[Entry]) -> int:
        """Project what isn't yet; gives how many were new."""
        source, count = iter(entries), 0
        while chunk := list(islice(source, CHUNK)):
            count += self._add_chunk(chunk)
        self._keys.flush()
        self._db.run("UPDATE meta SET value = value + ? WHERE name = 'edges'", (self._edges,))
        return count

    def _add_chunk(self, chunk: list[Entry]) -> int:
        names = json.dumps([name for name, _, _ in chunk])
        known = {
            row[0]
            for row in self._db.rows(
                "SELECT name FROM record WHERE name IN (SELECT value FROM json_each(?))", (names,)
            )
        }
        new: dict[str, tuple[Recorded, Facts]] = {}
        for name, record, private in chunk:
            if name not in known and name not in new and not isinstance(record, ImportRecord):
                new[name] = (record, facts_of(name, record, private))
        facts = [fact for _, fact in new.values()]
        self._learn(facts)
        again = self._put_records(new)
        self._put_runs(facts)
        self._put_generations(facts)
        self._put_edges(facts)
        self._put_sayings(facts)
        self._put_streams(facts)
        for run in again:
            self._settle(run)
        return len(new)

    def _learn(self, facts: list[Facts]) -> None:
        self._keys.learn(
            names=(g.name for f in facts for g in f.generations),
            runs=_runs_in(facts),
            generations=(g.id for f in facts for g in f.generations),
        )
        for fact in facts:
            for stream in fact.streams:
                self._keys.name(stream.name)

    def _put_records(self, new: Mapping[str, tuple[Recorded, Facts]]) -> set[int]:
        """Keep names and bodies; gives the runs that now have several records."""
        rows, runs = list[tuple[Any, ...]](), list[int]()
        for name, (record, facts) in new.items():
            if facts.run is not None:
                body = zlib.compress(to_bytes(record), 1)
                runs.append(self._keys.run(facts.run.id))
                rows.append((name, runs[-1], facts.run.version, body))
            else:
                rows.append((name, None, None, None))
        self._db.many("INSERT INTO record(name, run, version, body) VALUES (?, ?, ?, ?)", rows)
        return {
            row[0]
            for row in self._db.rows(
                "SELECT run FROM record WHERE run IN (SELECT value FROM json_each(?))"
                " GROUP BY run HAVING count(*) > 1",
                (json.dumps(runs),),
            )
        }

    def _put_runs(self, facts: list[Facts]) -> None:
        word = self._words.key
        runs = [f.run for f in facts if f.run is not None]
        self._db.many(
            statements.PUT_RUN,
            [
                (
                    *(self._keys.run(r.id), r.id, word(r.project), word(r.step), r.label, r.way),
                    *(r.status, r.started, r.ended, r.started_text, r.seconds, word(r.tracing)),
                    *(r.complete, r.within, r.version),
                )
                for r in runs
            ],
        )
        told = {r.id for r in runs}
        self._db.many(
            statements.REFER_RUN,
            [
                (self._keys.run(run), run)
                for run in dict.fromkeys(_runs_in(facts))
                if run not in told
            ],
        )

    def _put_generations(self, facts: list[Facts]) -> None:
        merged: dict[str, GenerationFact] = {}
        for fact in facts:
            for generation in fact.generations:
                before = merged.get(generation.id)
                merged[generation.id] = generation if before is None else joined(before, generation)
        read: dict[str, int] = {}
        for fact in facts:
            if fact.run is not None:
                started = fact.run.started
                for use in fact.uses:
                    if started < read.get(use.generation, NEVER):
                        read[use.generation] = started
        classes: dict[str, int] = {}
        self._db.many(
            statements.PUT_GENERATION,
            [self._generation_row(g, read.get(g.id), classes) for g in merged.values()],
        )

    def _generation_row(
        self, fact: GenerationFact, first_read: int | None, classes: dict[str, int]
    ) -> tuple[Any, ...]:
        word, keys = self._words.key, self._keys
        key = keys.generation(fact.id)
        return (
            *(key, fact.id, word(fact.project), keys.name(fact.name), fact.digest),
            None if fact.maker is None else keys.run(fact.maker),
            None if fact.maker_step is None else word(fact.maker_step),
            *(fact.size, word(fact.kind) if fact.kind else None, first_read, fact.append),
            as_text(fact.parts),
            None if fact.before is None else keys.generation(fact.before),
            bytes.fromhex(fact.stands_in) if fact.stands_in else None,
            self._class_of(fact, key, classes) if fact.stands_in else key,
        )

    def _class_of(self, fact: GenerationFact, key: int, classes: dict[str, int]) -> int:
        found = classes.get(fact.stands_in)
        if found is None:
            found = self._db.one(
                "SELECT class FROM generation WHERE stands_in = ? LIMIT 1",
                (bytes.fromhex(fact.stands_in),),
            )
        classes[fact.stands_in] = key if found is None else found
        return classes[fact.stands_in]

    def _put_edges(self, facts: list[Facts]) -> None:
        word, run, generation = self._words.key, self._keys.run, self._keys.generation
        uses, touches = list[UseRow](), set[tuple[int, str, str, int]]()
        claims, stated = list[ProduceRow](), list[ProduceRow]()
        for fact in facts:
            sources = {g.id for g in fact.generations if g.maker is None}
            for use in fact.uses:
                key, role = generation(use.generation), word(use.role)
                row = (run(use.run), key, role, word(use.evidence), as_text(use.touched))
                uses.append(row)
                if use.role != STREAM and use.generation in sources:
                    touches.update((key, part, value, role) for part, value in use.touched.items())
            for edge in fact.produces:
                (stated if edge.stated else claims).append(
                    (
                        *(run(edge.run), generation(edge.generation)),
                        *(word(edge.role), word(edge.evidence), int(edge.stated)),
                    )
                )
        self._link_uses(uses)
        self._db.many("INSERT OR IGNORE INTO touch VALUES (?, ?, ?, ?)", touches)
        self._edges += self._db.many(statements.PUT_PRODUCE, stated + claims)
        self._db.many(statements.STATE_PRODUCE, [row[:4] for row in stated])
        makers = {row[0] for row in stated + claims}
        self._db.many("UPDATE run SET writes = 1 WHERE key = ? AND writes = 0", zip(makers))
        self._log((row[0], row[1]) for row in stated + claims)

    def _link_uses(self, rows: list[UseRow]) -> None:
        self._edges += self._db.many(statements.PUT_USE, rows)
        self._log((row[1], row[0]) for row in rows)

    def _log(self, edges: Iterable[tuple[int, int]]) -> None:
        """Note edges for the arrays that were made before them (`arrays.py`)."""
        if self._logging:
            self._db.many("INSERT INTO fresh(cause, effect) VALUES (?, ?)", edges)

    def _put_streams(self, facts: list[Facts]) -> None:
        """Link readers of a stream with what its writers put there, whichever came first."""
        word, run, name = self._words.key, self._keys.run, self._keys.name
        rows = [
            (run(s.run), run(s.writer), name(s.name), word(s.evidence))
            for f in facts
            for s in f.streams
        ]
        self._db.many("INSERT OR IGNORE INTO stream VALUES (?, ?, ?, ?)", rows)
        if not self._db.one("SELECT 1 FROM stream LIMIT 1"):
            return
        role, found = word(STREAM), set[UseRow]()
        for reader, writer, at, evidence in rows:
            found.update(
                (reader, key, role, evidence, "")
                for (key,) in self._db.rows(
                    "SELECT p.generation FROM produces p JOIN generation g ON g.key = p.generation"
                    " WHERE p.run = ? AND g.name = ?",
                    (writer, at),
                )
            )
        for fact in facts:
            for edge in fact.produces:
                key = self._keys.generation(edge.generation)
                found.update(
                    (reader, key, role, evidence, "")
                    for reader, evidence in self._db.rows(
                        "SELECT s.run, s.evidence FROM generation g JOIN stream s"
                        " ON s.name = g.name WHERE s.writer = ? AND g.key = ?",
                        (run(edge.run), key),
                    )
                )
        self._link_uses(sorted(found))

    def _put_sayings(self, facts: list[Facts]) -> None:
        gaps = [
            (self._keys.run(f.run.id), *gap) for f in facts if f.run is not None for gap in f.gaps
        ]
        self._db.many("INSERT OR IGNORE INTO gap VALUES (?, ?, ?)", gaps)
        self._db.many(statements.PUT_PIN, (pin for f in facts for pin in f.pins))
        gone = [(thing,) for f in facts for thing in f.erased]
        self._db.many("INSERT OR IGNORE INTO erased VALUES (?)", gone)
        self.erased = self.erased or bool(gone)
        for table, said in (
            ("title", [s for f in facts for s in f.titles]),
            ("note", [s for f in facts for s in f.notes]),
        ):
            self._db.many(statements.PUT_SAID.format(table=table), said)
            if said or gone:
                self._db.run(f"DELETE FROM {table} WHERE object IN (SELECT object FROM erased)")

    def _settle(self, run: int) -> None:
        """Let the newest of several records of one run say how its products stand in for others."""
        generation = self._keys.generation
        for name, version, body in self._db.rows(
            "SELECT name, version, body FROM record WHERE run = ? ORDER BY version", (run,)
        ):
            record = read_run(zlib.decompress(body))
            facts = facts_of(name, record, {})
            assert facts.run is not None
            assert facts.run.version == version
            self._keys.learn(names=(), runs=(), generations=(g.id for g in facts.generations))
            for use in facts.uses:
                self._db.run(
                    "UPDATE uses SET touched = max(touched, ?) WHERE run = ? AND generation = ?"
                    " AND role = ? AND evidence = ?",
                    (
                        *(as_text(use.touched), run, generation(use.generation)),
                        *(self._words.key(use.role), self._words.key(use.evidence)),
                    ),
                )
            for fact in facts.generations:
                if fact.maker == record.run and fact.stands_in:
                    self._reclass(fact, generation(fact.id))

    def _reclass(self, fact: GenerationFact, key: int) -> None:
        old = self._db.one("SELECT stands_in FROM generation WHERE key = ?", (key,))
        new = bytes.fromhex(fact.stands_in)
        before = None if fact.before is None else self._keys.generation(fact.before)
        self._db.run(
            "UPDATE generation SET stands_in = ?, before = ? WHERE key = ?", (new, before, key)
        )
        self._db.run(
            "UPDATE generation SET class = (SELECT min(g.key) FROM generation g"
            " WHERE g.stands_in = generation.stands_in) WHERE stands_in IN (?, ?)",
            (old, new),
        )


def _runs_in(facts: list[Facts]) -> Iterator[str]:
    for fact in facts:
        if fact.run is not None:
            yield fact.run.id
        for edge in fact.produces:
            yield edge.run
        for stream in fact.streams:
            yield stream.writer
