"""The edges of a bulk import: collected as columns, sorted, written in their tables' order."""

# ruff: noqa: S608 - what is put into statements are constants of the package, never input

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, Any

from provgraph.graph.lines import DEFAULTS, PLAIN_CODES, EdgeLine, PlainEdges, is_run_id
from provgraph.graph.local.schema import Connection
from provgraph.graph.local.words import Keys, Words
from provgraph.graph.projection import STREAM

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.int64]

ROWS = 100_000

PUT_USE = "INSERT OR IGNORE INTO uses VALUES (?, ?, ?, ?, ?)"
PUT_PRODUCE = "INSERT OR IGNORE INTO produces VALUES (?, ?, ?, ?, 1)"
PUT_DEPEND = "INSERT OR IGNORE INTO depends VALUES (?, ?, ?, ?)"
ATTRIBUTE = """
UPDATE generation SET attributed = (
  SELECT r.key FROM produces p JOIN run r ON r.key = p.run WHERE p.generation = ?1
  ORDER BY r.id LIMIT 1) WHERE key = ?1 AND maker IS NULL"""


class Linker:
    """Edges as columns; an end that isn't a ref is a negative number until it is resolved."""

    def __init__(self, connection: Connection, words: Words, vertices: array[int]) -> None:
        self._db = connection
        self._words = words
        self._vertices = vertices
        self._codes, self._attributes = array("b"), array("i")
        self._starts, self._ends = array("q"), array("q")
        self._outside: dict[str, int] = {}
        self._numbers: dict[tuple[str, str, str], int] = {}
        self._runs: Column
        self._made: Column
        self._pairs: list[tuple[Column, Column]] = []
        self._count = 0

    def link(self, edge: EdgeLine) -> None:
        """Take an edge; its nodes have been read."""
        self._codes.append(edge.code)
        self._starts.append(self._place(edge.start))
        self._ends.append(self._place(edge.end))
        number = self._numbers.get(edge.attributes)
        if number is None:
            number = self._numbers[edge.attributes] = len(self._numbers)
        self._attributes.append(number)

    def link_plain(self, edges: PlainEdges) -> None:
        """Take edges between nodes of the import that say no more."""
        kinds, starts, ends = zip(*edges, strict=True)
        numbers = [
            self._numbers.setdefault(attributes, len(self._numbers)) for attributes in DEFAULTS
        ]
        codes = [PLAIN_CODES[kind] for kind in kinds]
        self._codes.extend(codes)
        self._attributes.extend([numbers[code] for code in codes])
        self._starts.extend(map(int, starts))
        self._ends.extend(map(int, ends))

    def _place(self, end: int | str) -> int:
        if isinstance(end, int):
            return end
        return self._outside.setdefault(end, -1 - len(self._outside))

    def resolve(self, keys: Keys) -> None:
        """Find the vertices that edges name by id; those not known yet are only referred to."""
        import numpy as np

        found: dict[str, int] = {}
        for table in ("run", "generation"):
            found.update(
                self._db.rows(
                    f"SELECT id, key FROM {table} WHERE id IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(self._outside)),),
                )
            )
        outside = np.zeros(len(self._outside), dtype=np.int64)
        for identifier, place in self._outside.items():
            key = found.get(identifier)
            if key is None:
                key = keys.take(1)
                if is_run_id(identifier):
                    self._db.run("INSERT INTO run(key, id) VALUES (?, ?)", (key, identifier))
                else:
                    self._db.run(
                        "INSERT INTO generation(key, id, class) VALUES (?1, ?2, ?1)",
                        (key, identifier),
                    )
            outside[-1 - place] = key
        # Refs count from 0, outside ends from -1 downwards: one table serves both.
        table_of = np.concatenate([np.array(self._vertices, dtype=np.int64), outside[::-1]])
        starts = np.frombuffer(self._starts, dtype=np.int64)
        ends = np.frombuffer(self._ends, dtype=np.int64)
        if len(starts) and max(starts.max(), ends.max()) >= len(self._vertices):
            raise IndexError("an edge's ref names no node")
        self._runs, self._made = table_of[starts], table_of[ends]

    def write(self) -> None:
        """Write the edges, in the order of their tables' keys."""
        import numpy as np

        code = np.frombuffer(self._codes, dtype=np.int8)
        number = np.frombuffer(self._attributes, dtype=np.int32)
        word = self._words.key
        texts = [(word(role), word(evidence), t) for (role, evidence, t) in self._numbers]
        for kind, statement in enumerate((PUT_USE, PUT_PRODUCE, PUT_DEPEND)):
            chosen = np.flatnonzero(code == kind)
            first, second = self._runs[chosen], self._made[chosen]
            order = np.lexsort((second, first))
            first, second, numbers = first[order], second[order], number[chosen][order]
            self._pairs.append((first, second))
            for start in range(0, len(first), ROWS):
                part = slice(start, start + ROWS)
                columns = (first[part].tolist(), second[part].tolist(), numbers[part].tolist())
                self._count += self._db.many(
                    statement,
                    [
                        (a, b, *(texts[n] if kind == 0 else texts[n][:2]))
                        for a, b, n in zip(*columns, strict=True)
                    ],
                )
        self._touch(texts)

    def _touch(self, texts: list[tuple[int, int, str]]) -> None:
        """Keep what was touched of artefacts, and the greater of two statements on one edge."""
        import numpy as np

        touching = [n for n, (_, _, touched) in enumerate(texts) if touched]
        if not touching:
            return
        stream, touches, updates = self._words.key(STREAM), list[Any](), list[Any]()
        number = np.frombuffer(self._attributes, dtype=np.int32)
        for place in np.flatnonzero(np.isin(number, touching)).tolist():
            run, generation = int(self._runs[place]), int(self._made[place])
            role, evidence, touched = texts[number[place]]
            updates.append((touched, run, generation, role, evidence))
            if role != stream:
                touches += [(generation, *part, role) for part in json.loads(touched).items()]
        self._db.many(
            "UPDATE uses SET touched = max(touched, ?) WHERE run = ? AND generation = ?"
            " AND role = ? AND evidence = ?",
            updates,
        )
        self._db.many("INSERT OR IGNORE INTO touch VALUES (?, ?, ?, ?)", touches)

    def finish(self, *, large: bool) -> None:
        """Say of runs that they write, of artefacts who made them; keep the arrays informed."""
        import numpy as np

        runs, made = self._pairs[1]
        self._db.many(
            "UPDATE run SET writes = 1 WHERE key = ? AND writes = 0",
            ((key,) for key in np.unique(runs).tolist()),
        )
        self._db.many(ATTRIBUTE, ((key,) for key in np.unique(made).tolist()))
        self._db.run("UPDATE meta SET value = value + ? WHERE name = 'edges'", (self._count,))
        if large:
            self._db.run("UPDATE meta SET value = random() WHERE name = 'epoch'")
            self._db.run("UPDATE meta SET value = 0 WHERE name = 'logging'")
            self._db.run("DELETE FROM fresh")
        elif self._db.one("SELECT value FROM meta WHERE name = 'logging'"):
            for (first, second), backwards in zip(self._pairs, (True, False, True), strict=True):
                cause, effect = (second, first) if backwards else (first, second)
                self._db.many(
                    "INSERT INTO fresh(cause, effect) VALUES (?, ?)",
                    zip(cause.tolist(), effect.tolist(), strict=True),
                )
