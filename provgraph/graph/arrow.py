"""Rows of the published graph as Parquet files, in batches: what bulk loading is quickest from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from provgraph.errors import CannotAnswer
from provgraph.graph.published import INTEGER, NUMBER, TEXT, TEXTS, TRUTH, Column

if TYPE_CHECKING:
    import pyarrow as pa

AT_ONCE = 20_000  # rows in memory


def need_pyarrow(for_what: str, extra: str) -> tuple[ModuleType, ModuleType]:
    """Import pyarrow and its Parquet part; raises `CannotAnswer` naming the extra without it."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise CannotAnswer(
            f"{for_what} needs the package pyarrow, which isn't installed",
            hint=f"pip install 'provgraph[{extra}]'",
        ) from error
    return pa, parquet


class ParquetTable:
    """A Parquet file that grows row by row; a value a column, None where nothing is known."""

    def __init__(self, path: Path, columns: Sequence[Column], *, extra: str = "parquet") -> None:
        self._pa, parquet = need_pyarrow(f"writing {path.name}", extra)
        self.path = path
        self.schema = self._schema(columns)
        self.rows = 0
        self._waiting: list[Sequence[Any]] = []
        self._file = parquet.ParquetWriter(path, self.schema)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
        finally:
            self._file.close()

    def add(self, values: Sequence[Any]) -> None:
        """Add a row."""
        self._waiting.append(values)
        self.rows += 1
        if len(self._waiting) >= AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        columns = zip(*self._waiting, strict=True)
        arrays = [
            self._array(column, field.type)
            for column, field in zip(columns, self.schema, strict=True)
        ]
        self._waiting.clear()
        self._file.write_batch(self._pa.RecordBatch.from_arrays(arrays, schema=self.schema))

    def _array(self, values: Sequence[Any], kind: pa.DataType) -> Any:
        if not any(value is not None for value in values):
            return self._pa.nulls(len(values), kind)
        try:
            return self._pa.array(values, kind)
        except UnicodeEncodeError:  # half a surrogate pair is no text
            return self._pa.array([_fit(value) for value in values], kind)

    def _schema(self, columns: Sequence[Column]) -> pa.Schema:
        pa = self._pa
        types = {
            TEXT: pa.string(),
            TEXTS: pa.list_(pa.string()),
            INTEGER: pa.int64(),
            NUMBER: pa.float64(),
            TRUTH: pa.bool_(),
        }
        return pa.schema([(column.name, types[column.type]) for column in columns])


def _fit(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return [_fit(one) for one in value] if isinstance(value, list) else value
