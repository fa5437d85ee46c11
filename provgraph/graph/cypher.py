"""The contract of what answers Cypher: plain values, row by row, from whichever database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

Rows = Iterator[list[Any]]


class CypherEngine(Protocol):
    """Answers a statement that only reads."""

    def run(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
        timeout: float = 60.0,
    ) -> tuple[list[str], Rows]:
        """Ask; gives the columns, and at most `limit` rows as they come.

        Letting go of the rows ends the question where it is answered; so does `timeout`, in s.
        Values are what JSON has: a node is a map with `_label`, a relationship one with `_type`, a
        path one of `nodes` and `relationships`; times are ISO 8601 text, NaN and infinities text.
        Raises `UsageError` for a statement that can't be run or would write, also while rows are
        taken; `StoreError` for what the database can't do.
        """
        ...


def caret(statement: str, line: int, column: int) -> tuple[str, str]:
    """Show a place in a statement (both counted from 1): its line, and a caret under it."""
    lines = statement.splitlines() or [""]
    text = lines[min(line, len(lines)) - 1]
    begin = max(0, column - 40)
    shown = text[begin : begin + 70].replace("\t", " ")
    return shown, " " * (column - 1 - begin) + "^"


def listed(names: Sequence[str]) -> str:
    """Write names as `$a, $b`."""
    return ", ".join(f"${name}" for name in names)
