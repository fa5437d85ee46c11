"""The SQLite file of a local graph: its tables, its connection, and what makes it unusable.

The file lies in the user's cache directory and may be deleted at any time. One that is damaged,
or was written under another `VERSION`, raises `NeedsRebuild`: `remove_index` it and fill a new one.

`epoch` is another random number whenever what arrays hold of the index no longer counts.

Runs and generations draw their keys from one counter, so that keys are dense and can index arrays.
A generation's `maker` is part of its identity; `attributed` is one that an import says made it.
`known` is 0 for what is only referred to so far, 1 for what a record tells of, 2 for what came in
by import. Words that repeat (projects, steps, kinds, roles) stand once in `word`.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from provgraph.errors import StoreError

VERSION = 2
APPLICATION = 0x70677268  # "pgrh"
BUSY_SECONDS = 120

TABLES = """
CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('next_key', 1), ('edges', 0), ('epoch', random()), ('logging', 0),
  ('pruned', 0);
CREATE TABLE record(name TEXT PRIMARY KEY, run INTEGER, version TEXT, body BLOB);
CREATE INDEX record_run ON record(run) WHERE run IS NOT NULL;
CREATE TABLE word(key INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE name(key INTEGER PRIMARY KEY, text TEXT NOT NULL, tail TEXT NOT NULL);
CREATE TABLE run(
  key INTEGER PRIMARY KEY, id TEXT NOT NULL, known INTEGER NOT NULL DEFAULT 0,
  project INTEGER, step INTEGER, label TEXT NOT NULL DEFAULT '', way TEXT NOT NULL DEFAULT '',
  status TEXT NOT NULL DEFAULT 'ok', started INTEGER NOT NULL DEFAULT 0,
  ended INTEGER NOT NULL DEFAULT 0, started_text TEXT NOT NULL DEFAULT '',
  seconds REAL NOT NULL DEFAULT 0, tracing INTEGER, complete INTEGER NOT NULL DEFAULT 1,
  within TEXT NOT NULL DEFAULT '',
  writes INTEGER NOT NULL DEFAULT 0, version TEXT NOT NULL DEFAULT '',
  digest TEXT NOT NULL DEFAULT '', props TEXT NOT NULL DEFAULT '');
CREATE TABLE generation(
  key INTEGER PRIMARY KEY, id TEXT NOT NULL, known INTEGER NOT NULL DEFAULT 0,
  project INTEGER, name INTEGER, digest TEXT NOT NULL DEFAULT '', maker INTEGER,
  attributed INTEGER, maker_step INTEGER, size INTEGER, kind INTEGER, first_read INTEGER,
  append INTEGER NOT NULL DEFAULT 0, parts TEXT NOT NULL DEFAULT '', before INTEGER,
  stands_in BLOB, class INTEGER NOT NULL, props TEXT NOT NULL DEFAULT '');
CREATE TABLE uses(
  run INTEGER, generation INTEGER, role INTEGER, evidence INTEGER, touched TEXT NOT NULL,
  PRIMARY KEY(run, generation, role, evidence)) WITHOUT ROWID;
CREATE TABLE produces(
  run INTEGER, generation INTEGER, role INTEGER, evidence INTEGER, stated INTEGER NOT NULL,
  PRIMARY KEY(run, generation)) WITHOUT ROWID;
CREATE TABLE depends(
  effect INTEGER, cause INTEGER, how INTEGER, evidence INTEGER,
  PRIMARY KEY(effect, cause, how, evidence)) WITHOUT ROWID;
CREATE TABLE touch(
  generation INTEGER, part TEXT, digest TEXT, role INTEGER,
  PRIMARY KEY(generation, part, digest, role)) WITHOUT ROWID;
CREATE TABLE stream(
  run INTEGER, writer INTEGER, name INTEGER, evidence INTEGER,
  PRIMARY KEY(writer, name, run, evidence)) WITHOUT ROWID;
CREATE TABLE gap(
  run INTEGER, reason TEXT, subject TEXT, PRIMARY KEY(run, reason, subject)) WITHOUT ROWID;
CREATE TABLE title(
  subject TEXT, text TEXT, at TEXT, object TEXT,
  PRIMARY KEY(subject, at, text, object)) WITHOUT ROWID;
CREATE TABLE note(
  subject TEXT, text TEXT, at TEXT, object TEXT,
  PRIMARY KEY(subject, at, text, object)) WITHOUT ROWID;
CREATE INDEX title_object ON title(object);
CREATE INDEX note_object ON note(object);
CREATE TABLE erased(object TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE pin(name TEXT, digest TEXT, said TEXT, version TEXT, PRIMARY KEY(name, digest));
CREATE TABLE fresh(seq INTEGER PRIMARY KEY AUTOINCREMENT, cause INTEGER, effect INTEGER);
"""

# Dropped before and made again after a bulk import that is large beside what is there.
INDEXES = {
    "name_text": "CREATE UNIQUE INDEX name_text ON name(text)",
    "name_tail": "CREATE INDEX name_tail ON name(tail)",
    "run_id": "CREATE UNIQUE INDEX run_id ON run(id)",
    "run_step": "CREATE INDEX run_step ON run(project, step, ended, id) WHERE known > 0",
    "run_order": "CREATE INDEX run_order ON run(ended, id) WHERE known > 0",
    "run_unsound": "CREATE INDEX run_unsound ON run(key) WHERE known > 0 AND status <> 'ok'",
    "run_silent": "CREATE INDEX run_silent ON run(key) WHERE known > 0 AND writes = 0",
    "generation_id": "CREATE UNIQUE INDEX generation_id ON generation(id)",
    "generation_name": "CREATE INDEX generation_name ON generation(name)",
    "generation_digest": "CREATE INDEX generation_digest ON generation(digest) WHERE digest <> ''",
    "generation_kind": "CREATE INDEX generation_kind ON generation(kind) WHERE kind IS NOT NULL",
    "generation_lying": "CREATE INDEX generation_lying ON generation(key) WHERE digest <> ''",
    "generation_stands_in": (
        "CREATE INDEX generation_stands_in ON generation(stands_in) WHERE stands_in IS NOT NULL"
    ),
    "generation_class": ("CREATE INDEX generation_class ON generation(class) WHERE class <> key"),
    "uses_generation": "CREATE INDEX uses_generation ON uses(generation)",
    "produces_generation": "CREATE INDEX produces_generation ON produces(generation)",
    "depends_cause": "CREATE INDEX depends_cause ON depends(cause)",
}

SIDE_FILES = ("-wal", "-shm", "-journal", "-arrays")


class NeedsRebuild(StoreError):
    """The index is damaged or of another version: remove it and project the ledger anew."""


class Unkept(StoreError):
    """The index can't be kept where it is to lie: no room, no permission, a failing disk."""


def remove_index(path: Path) -> None:
    """Delete an index and everything beside it; what isn't there is no fault."""
    for suffix in ("", *SIDE_FILES):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _unkept(fault: str, error: Exception) -> Unkept:
    return Unkept(
        f"the graph index {fault}: {error}",
        hint="Free some space there, or name another place by XDG_CACHE_HOME.",
    )


class Connection:
    """A SQLite connection whose faults are `StoreError`s."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.lock = threading.RLock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)  # it holds titles and notes
            except OSError as error:
                raise _unkept(f"{path} can't be made", error) from error
        with self._translated():
            self.raw = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            with self._translated():
                self._prepare()
        except StoreError:
            self.raw.close()
            raise

    def _prepare(self) -> None:
        run = self.raw.execute
        version, application = self._version()
        if (version, application) == (0, 0) and not self._tables():
            # Two processes may come here at once: the second waits, and finds the tables.
            run("PRAGMA journal_mode = WAL")
            with self.writing():
                if not self._tables():
                    self._create()
            version, application = self._version()
        if application != APPLICATION or version != VERSION:
            raise NeedsRebuild(
                f"{self.path} was written by another provgraph (index version {version})",
                hint="It is only a view of the ledger: `provgraph graph rebuild` makes it anew.",
            )
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA temp_store = MEMORY")
        run("PRAGMA secure_delete = ON")  # what was erased on purpose leaves no trace in pages
        run("PRAGMA cache_size = -65536")
        run("PRAGMA mmap_size = 4294967296")

    def _version(self) -> tuple[int, int]:
        version = self.raw.execute("PRAGMA user_version").fetchone()[0]
        return int(version), int(self.raw.execute("PRAGMA application_id").fetchone()[0])

    def _tables(self) -> int:
        return int(self.raw.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])

    def _create(self) -> None:
        for statement in (*TABLES.split(";\n"), *INDEXES.values()):
            if statement.strip():
                self.raw.execute(statement)
        self.raw.execute(f"PRAGMA application_id = {APPLICATION}")
        self.raw.execute(f"PRAGMA user_version = {VERSION}")

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """Give every row of a statement; none to a text that isn't Unicode, as none is kept."""
        with self._translated():
            try:
                return self.raw.execute(statement, parameters).fetchall()
            except UnicodeEncodeError:
                return []

    def one(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """Give the first column of the first row, or None."""
        rows = self.rows(statement, parameters)
        return rows[0][0] if rows else None

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Carry out a statement; gives the number of rows changed."""
        with self._translated():
            return self.raw.execute(statement, parameters).rowcount

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> int:
        """Carry out a statement once a row; gives the number of rows changed."""
        with self._translated():
            return max(0, self.raw.executemany(statement, rows).rowcount)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let several look-ups see one state of the index."""
        with self.lock:
            with self._translated():
                self.raw.execute("BEGIN")
            try:
                yield
            finally:
                self.raw.execute("ROLLBACK")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the one write transaction: all or nothing; other writers wait."""
        with self.lock:
            with self._translated():
                self.raw.execute("BEGIN IMMEDIATE")
            try:
                yield
                with self._translated():
                    self.raw.execute("COMMIT")
            except BaseException:
                if self.raw.in_transaction:
                    self.raw.execute("ROLLBACK")
                raise

    def wipe(self) -> None:
        """Leave nothing in the write-ahead log of what was deleted; the last reader may have to."""
        with self._translated():
            self.raw.execute("PRAGMA busy_timeout = 1000")
            self.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.raw.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")

    def close(self) -> None:
        """Close the file; twice is once."""
        self.raw.close()

    def __del__(self) -> None:
        """Close what was forgotten: from Python 3.13 on an open file is complained of."""
        raw = getattr(self, "raw", None)
        if raw is not None:
            with suppress(sqlite3.Error):
                raw.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.ProgrammingError, sqlite3.IntegrityError):
            raise
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorname", "")
            if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                raise StoreError(
                    f"another process has been writing {self.path} for {BUSY_SECONDS} s",
                    hint="Wait for it, or look whether it hangs; then ask again.",
                ) from error
            if code == "SQLITE_ERROR" and "no such" in str(error):
                raise self._damaged(error) from error
            raise _unkept(f"{self.path} can't be kept", error) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: sqlite3.Error) -> NeedsRebuild:
        return NeedsRebuild(
            f"the graph index {self.path} is damaged ({error})",
            hint="It is only a view of the ledger: `provgraph graph rebuild` makes it anew.",
        )
