"""The answer to a question in Cypher: columns, and rows that come while they are taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from provgraph.errors import CannotAnswer


class CypherAnswer:
    """Columns and rows, which can be taken once; closing it ends the question.

    `more` is true once `limit` rows were taken and there would have been another. `source` says
    where the question was asked.
    """

    def __init__(
        self,
        columns: Sequence[str],
        rows: Iterator[Sequence[Any]],
        *,
        source: str = "",
        limit: int | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self.source = source
        self.more = False
        self._rows = rows
        self._limit = limit

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Give the rows."""
        try:
            for number, row in enumerate(self._rows):
                if number == self._limit:
                    self.more = True
                    return
                yield tuple(row)
        finally:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def dicts(self) -> list[dict[str, Any]]:
        """Give the rows as maps from column to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self]

    def frame(self) -> Any:
        """Give the rows as a `pandas.DataFrame`. Raises `CannotAnswer` without pandas."""
        try:
            import pandas as pd
        except ImportError as error:
            raise CannotAnswer(
                "a DataFrame needs pandas, which isn't installed", hint="pip install pandas"
            ) from error
        return pd.DataFrame(list(self), columns=list(self.columns))

    def close(self) -> None:
        """End the question; twice is once."""
        close = getattr(self._rows, "close", None)
        if close is not None:
            with suppress(ValueError):  # it is running: whoever takes the rows ends it
                close()
