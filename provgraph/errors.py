"""Every error provgraph raises on purpose: one tree, each with what to do next and an exit code.

ProvgraphError
├── UsageError (2)            the question or the command was put wrongly
│   ├── SelectorError         unknown or ambiguous name; carries the nearest matches
│   ├── ConfigError           provgraph.toml: file, line, key
│   ├── StatementError        a Cypher statement that can't be run; carries the place
│   └── ImportLineError       a bad line in a bulk import; carries its number
├── CannotAnswer (3)          the question is fine, the answer can't be had
│   ├── NotInProject
│   ├── LedgerError
│   │   ├── RecordDamaged     bytes don't match their name, or don't parse
│   │   ├── RecordFromFuture  written by a newer provgraph
│   │   ├── ObjectMissing     a content-addressed object isn't there
│   │   ├── Erased            a private object was erased on purpose
│   │   └── WriteFailed       disk full, read-only, fsync error: nothing was acknowledged
│   ├── TransportError        push or pull
│   └── StoreError            the graph store can't be read or written
│       ├── StoreAway         no server answers: questions go to the local graph meanwhile
│       └── ImportUnreadable  a bulk import's lines aren't as they were written
├── NotWatched (125)          watching could not begin; nothing ran yet
└── RunFailed (125..127)      the command could not be started
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command but `run` (which returns the command's own status)."""

    DONE = 0
    GATE_FAILS = 1
    USAGE = 2
    CANNOT_ANSWER = 3
    OWN_FAILURE = 125
    NOT_EXECUTABLE = 126
    NOT_FOUND = 127


class ProvgraphError(Exception):
    """Base of the tree. `hint` says what to do next; `exit_code` what the CLI returns."""

    exit_code: int = Exit.CANNOT_ANSWER

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ProvgraphError):
    """The question or the command was put wrongly."""

    exit_code = Exit.USAGE


class SelectorError(UsageError):
    """A selector that names nothing, or too much. `nearest` holds the closest names."""

    def __init__(self, message: str, *, hint: str = "", nearest: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.nearest = tuple(nearest)


class ConfigError(UsageError):
    """provgraph.toml can't be used."""


class StatementError(UsageError):
    """A Cypher statement that can't be run. `excerpt` shows the place, with a caret under it."""

    def __init__(self, message: str, *, hint: str = "", excerpt: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.excerpt = tuple(excerpt)


class ImportLineError(UsageError):
    """A line of a bulk import that can't be used; nothing was imported."""

    def __init__(self, message: str, *, line: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.line = line


class CannotAnswer(ProvgraphError):
    """The question is fine, but the answer can't be had."""


class NotInProject(CannotAnswer):
    """No project at or above the directory asked from."""


class LedgerError(CannotAnswer):
    """Something in the ledger can't be used."""


class RecordDamaged(LedgerError):
    """A record whose bytes don't match its name, or don't parse."""


class RecordFromFuture(LedgerError):
    """A record with a schema version this provgraph doesn't know yet."""


class ObjectMissing(LedgerError):
    """A content-addressed object that a record names isn't in the ledger."""


class Erased(LedgerError):
    """A private object that was erased on purpose."""


class WriteFailed(LedgerError):
    """A write that wasn't acknowledged: nothing of it counts."""


class TransportError(CannotAnswer):
    """Push or pull didn't go through; what had arrived is whole."""


class StoreError(CannotAnswer):
    """The graph store can't be read or written; the ledger is untouched."""


class StoreAway(StoreError):
    """The graph's server (`place`) doesn't answer; what was recorded waits in the ledger."""

    def __init__(self, message: str, *, hint: str = "", place: str = "") -> None:
        super().__init__(message, hint=hint)
        self.place = place


class ImportUnreadable(StoreError):
    """A bulk import's lines aren't as they were written; the rest can be projected."""


class NotWatched(ProvgraphError):
    """Watching could not begin. Nothing ran: the command can be run without us."""

    exit_code = Exit.OWN_FAILURE


class RunFailed(ProvgraphError):
    """The command to watch could not be started."""

    def __init__(self, message: str, *, exit_code: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.exit_code = exit_code
