"""Keys for texts and vertices: words that repeat, names, runs and generations."""

from __future__ import annotations

import json
from collections.abc import Iterable

from provgraph.graph.local.schema import Connection

# Beyond this many, what is cached during one write is forgotten and looked up again.
CACHED = 400_000


class Words:
    """The `word` table, both ways; what another process added is read when it is met."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._texts: dict[int, str] = {}
        self._keys: dict[str, int] = {}

    def text(self, key: int | None) -> str:
        """Give the word of a key; "" for none."""
        if key is None:
            return ""
        if key not in self._texts:
            self._load()
        return self._texts[key]

    def find(self, text: str) -> int | None:
        """Find the key of a word."""
        if text not in self._keys:
            self._load()
        return self._keys.get(text)

    def key(self, text: str) -> int:
        """Give the key of a word, adding it (inside a write transaction)."""
        known = self._keys.get(text)
        if known is None:
            self._connection.run("INSERT OR IGNORE INTO word(text) VALUES (?)", (text,))
            known = int(self._connection.one("SELECT key FROM word WHERE text = ?", (text,)))
            self._keys[text], self._texts[known] = known, text
        return known

    def forget(self) -> None:
        """Drop what is cached: a transaction was undone, or everything was cleared."""
        self._texts.clear()
        self._keys.clear()

    def _load(self) -> None:
        rows = self._connection.rows("SELECT key, text FROM word")
        self._texts = dict(rows)
        self._keys = {text: key for key, text in rows}


class Keys:
    """Keys of names and vertices during one write: looked up in chunks, made where missing."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.names: dict[str, int] = {}
        self.runs: dict[str, int] = {}
        self.generations: dict[str, int] = {}
        self._next = int(connection.one("SELECT value FROM meta WHERE name = 'next_key'"))
        self._empty = self._next == 1
        self._new_names: list[tuple[int, str, str]] = []
        self._next_name = int(connection.one("SELECT ifnull(max(key), 0) + 1 FROM name"))
        self._no_names = self._next_name == 1

    @property
    def next(self) -> int:
        """Give the key that the next vertex gets."""
        return self._next

    def take(self, count: int) -> int:
        """Reserve `count` keys in a row; gives the first."""
        first, self._next = self._next, self._next + count
        return first

    def learn(
        self, *, names: Iterable[str], runs: Iterable[str], generations: Iterable[str]
    ) -> None:
        """Look up what the next rows will ask for, a table at a time."""
        if len(self.names) + len(self.runs) + len(self.generations) > CACHED:
            self.flush()
            for cache in (self.names, self.runs, self.generations):
                cache.clear()
            self._empty = self._no_names = False
        if not self._no_names:
            self._look_up("SELECT text, key FROM name WHERE text IN", self.names, names)
        if not self._empty:
            self._look_up("SELECT id, key FROM run WHERE id IN", self.runs, runs)
            self._look_up(
                "SELECT id, key FROM generation WHERE id IN", self.generations, generations
            )

    def _look_up(self, statement: str, cache: dict[str, int], wanted: Iterable[str]) -> None:
        missing = [text for text in dict.fromkeys(wanted) if text not in cache]
        if missing:
            statement += " (SELECT value FROM json_each(?))"
            cache.update(self._connection.rows(statement, (json.dumps(missing),)))

    def name(self, text: str) -> int:
        """Give the key of a name that was learnt."""
        key = self.names.get(text)
        if key is None:
            key = self.names[text] = self._next_name
            self._next_name += 1
            self._new_names.append((key, text, text.rpartition("/")[2]))
        return key

    def run(self, identifier: str) -> int:
        """Give the key of a run that was learnt."""
        key = self.runs.get(identifier)
        if key is None:
            key = self.runs[identifier] = self.take(1)
        return key

    def generation(self, identifier: str) -> int:
        """Give the key of a generation that was learnt."""
        key = self.generations.get(identifier)
        if key is None:
            key = self.generations[identifier] = self.take(1)
        return key

    def flush(self) -> None:
        """Write new names and the counter."""
        self._connection.many("INSERT INTO name(key, text, tail) VALUES (?, ?, ?)", self._new_names)
        self._new_names.clear()
        self._connection.run("UPDATE meta SET value = ? WHERE name = 'next_key'", (self._next,))
