"""Columns of a Parquet file: what a reader that asked for some of them can see, each with a digest.

| part | what counts |
|---|---|
| a column (`weight`) | its type, nulls and values, row by row; what pandas noted of it |
| `#layout` | how many rows each row group has, and by what they are said to be sorted |
| `#types` | types, of any column, that some reader may not know; names given twice |
| `#metadata` | the metadata of the schema, which a table of Arrow hands on as a whole |
| `#pandas` | what pandas noted of the table beside its columns: the index, attributes |

Compression, encodings, pages and the order of columns don't count. Of columns that weren't read,
what could make a load of others fail does: that is `#types`. What can't be told for sure has the
digest of the whole file, as anywhere in `parts.py`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from provgraph.collect.columns.values import Stream, Unsure, named
from provgraph.collect.keys import join_key, split_key
from provgraph.errors import UsageError
from provgraph.model.digests import ABSENT, content_digest
from provgraph.model.parts import LAYOUT, METADATA, PANDAS, TYPES

if TYPE_CHECKING:
    import pyarrow as pa

_MAGIC = b"PAR1"
_ROWS = 16_384  # in memory
# A few bytes can stand for more values than anyone waits for.
_MOST_ROWS = 2_000_000_000
_MOST = 64 << 30  # bytes of values, to compare a table
_MOST_TO_NAME = 2 << 30  # to say how two differ
_ARROW_SCHEMA = b"ARROW:schema"
_NOTED = b"pandas"
# Types of NumPy's that pandas knows without looking for who defines them.
_NUMPY = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 object str"
    " string datetime64[ns] datetime64[us] datetime64[ms] datetime64[s] category None".split()
)
# Which parts, beside the columns, each reader lets a program see.
_BESIDE = {
    "arrow": (LAYOUT, METADATA, TYPES),
    "pandas": (LAYOUT, PANDAS, TYPES),
    "pandas by itself": (LAYOUT, PANDAS, TYPES),  # before 3.1 it opens the file for Arrow
    "polars": (LAYOUT, TYPES),
}
_PYTHONS = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, NotImplementedError, OSError),
    *(RuntimeError, TypeError, ValueError, struct.error),
)


class NoReader(OSError):
    """Columns can't be told apart here: the package pyarrow isn't installed."""

    hint = "pip install 'provgraph[parquet]'"


def parts_of(reader: str, columns: Sequence[str]) -> tuple[str, ...]:
    """Name the parts that a load of these columns rests on; of a reader not known, all of them."""
    beside = _BESIDE.get(reader, (*_BESIDE["arrow"], PANDAS))
    return (*(join_key((name,)) for name in columns), *beside)


def is_table(head: bytes, tail: bytes) -> bool:
    """Tell whether a file is Parquet, by its first and last bytes."""
    return head[:4] == _MAGIC and tail[-4:] == _MAGIC


def column_digest(source: bytes | str, part: str) -> str | None:
    """Name a part of a table, given as bytes or by its path; None where that isn't sure.

    Raises NoReader.
    """
    return column_digests(source, [part])[part]


def column_digests(source: bytes | str, parts: Collection[str]) -> dict[str, str | None]:
    """Name several parts of a table, as `column_digest` does."""
    with _opened(source, _MOST) as table:
        return {part: None if table is None else table.digest(part) for part in parts}


def table_digests(data: bytes, most: int) -> dict[str, str]:
    """Name all columns of a table and what lies beside them, as `column_digest` does.

    What isn't sure has the digest of the whole. Empty for what is no table, or one of more than
    `most` columns. Raises NoReader.
    """
    with _opened(data, _MOST_TO_NAME) as table:
        if table is None or len(table.names) > most:
            return {}
        parts = [*(join_key((name,)) for name in table.names), LAYOUT, TYPES, METADATA]
        return {part: table.digest(part) or content_digest(data) for part in parts}


@contextmanager
def _opened(source: bytes | str, most: int) -> Iterator[_Table | None]:
    """Open a table; None where it is none that can be read."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise NoReader("telling columns apart needs the package pyarrow") from error
    try:
        where = pa.BufferReader(source) if isinstance(source, bytes) else source
        file = parquet.ParquetFile(where, pre_buffer=False, buffer_size=1 << 20)
    except _failures():
        yield None
        return
    with closing(file):
        try:
            table = _Table(file, most)
        except _failures():
            table = None
        yield table


def _failures() -> tuple[type[Exception], ...]:
    """Give what reading a file that is no good may raise."""
    import pyarrow as pa

    arrows: type[Exception] = pa.ArrowException
    return (*_PYTHONS, arrows)


class _Table:
    """An open file, its schema, and the digests of its parts, made of at most `left` bytes."""

    def __init__(self, file: Any, left: int) -> None:
        self._file = file
        self._left = left
        self._schema: pa.Schema = file.schema_arrow
        self._leaves = [file.schema.column(number) for number in range(len(file.schema))]
        self.names: list[str] = list(self._schema.names)
        self._noted: dict[bytes, bytes] = {
            **(file.metadata.metadata or {}),
            **(self._schema.metadata or {}),
        }

    def digest(self, part: str) -> str | None:
        """Name a part; None where it isn't sure."""
        try:
            if part == LAYOUT:
                return named("layout", *self._layout())
            if part == TYPES:
                return named("types", *self._odd_types())
            if part == METADATA:
                return named("metadata", *self._metadata())
            if part == PANDAS:
                return named("pandas", *self._of_pandas())
            segments = () if part.startswith("#") else split_key(part)
            if len(segments) != 1:
                return None
            times = self.names.count(segments[0])
            if times == 0:
                return ABSENT
            return self._column(segments[0]) if times == 1 else None
        except _failures():
            return None
        except UsageError:
            return None

    # -- beside the values -------------------------------------------------------------------

    def _layout(self) -> Iterator[str]:
        for number in range(self._file.num_row_groups):
            group = self._file.metadata.row_group(number)
            yield str(group.num_rows)
            for one in group.sorting_columns:
                at = self._leaves[one.column_index].path
                yield f"{at} {one.descending} {one.nulls_first}"

    def _odd_types(self) -> Iterator[str]:
        described = (
            "\n".join(_described(field.with_name("")))
            for field in self._schema
            if not _is_plain(field.type) or _extends(field)
        )
        yield from sorted(set(described))
        yield "twice"
        yield from sorted(name for name in set(self.names) if self.names.count(name) > 1)

    def _metadata(self) -> Iterator[str]:
        for key, value in sorted(self._noted.items()):
            if key != _ARROW_SCHEMA:
                yield from (key.hex(), value.hex())

    def _of_pandas(self) -> Iterator[str]:
        """Give all that pandas noted; of columns, only what may fail in one that isn't read."""
        noted = self._pandas()
        columns = noted.pop("columns", [])
        yield json.dumps(noted, sort_keys=True)
        yield from sorted({str(one.get("numpy_type")) for one in columns} - _NUMPY)
        yield "attributes"
        yield self._noted.get(b"PANDAS_ATTRS", b"").hex()

    def _pandas(self) -> dict[str, Any]:
        if _NOTED not in self._noted:
            return {}
        noted = json.loads(self._noted[_NOTED])
        if not isinstance(noted, dict) or not isinstance(noted.get("columns", []), list):
            raise Unsure("not as pandas writes it")
        return noted

    # -- values ------------------------------------------------------------------------------

    def _column(self, name: str) -> str:
        if self._file.metadata.num_rows > _MOST_ROWS:
            raise Unsure("too many rows")
        field: pa.Field = self._schema.field(self.names.index(name))
        noted = [
            json.dumps(one, sort_keys=True)
            for one in self._pandas().get("columns", [])
            if name in (one.get("field_name"), one.get("name"))
        ]
        leaves = [
            _of_leaf(leaf)
            for leaf in self._leaves
            if leaf.path == name or leaf.path.startswith(f"{name}.")
        ]
        if not leaves:
            raise Unsure("no column of the file")
        values = Stream()
        for batch in self._file.iter_batches(_ROWS, columns=[name], use_threads=False):
            if batch.schema.names != [name]:
                raise Unsure("a name that means more than one column")
            values.take(batch.column(0))
            if values.size > self._left:
                raise Unsure("too many values")
        self._left -= values.size
        if values.rows != self._file.metadata.num_rows:
            raise Unsure("not as many rows as the file says")
        # Without it, readers differ in what they make of the types that Parquet itself has.
        stored = "stored" if _ARROW_SCHEMA in self._noted else ""
        said = (*_described(field), stored, "noted", *noted, "leaves", *leaves)
        return named("column", *said, *values.told())


def _described(field: pa.Field) -> Iterator[str]:
    """Say what a schema says of a column, and of what lies within it."""
    yield f"{field.name} {field.type} {field.nullable}"
    for key, value in sorted((field.metadata or {}).items()):
        yield f"{key.hex()} {value.hex()}"
    yield f"{field.type.num_fields}"
    for number in range(field.type.num_fields):
        yield from _described(field.type.field(number))


def _of_leaf(leaf: Any) -> str:
    """Say how Parquet itself stores a column, or one within it."""
    said = (leaf.path, leaf.physical_type, leaf.logical_type, leaf.converted_type, leaf.length)
    more = (leaf.precision, leaf.scale, leaf.max_definition_level, leaf.max_repetition_level)
    return " ".join(map(str, (*said, *more)))


def _extends(field: pa.Field) -> bool:
    """Tell whether a column is of a type that is defined elsewhere, and may not be known there."""
    return any(not key.startswith(b"PARQUET:") for key in field.metadata or ())


def _is_plain(kind: pa.DataType) -> bool:
    """Tell the types that every reader of Parquet can read."""
    import pyarrow as pa

    types = pa.types
    if types.is_timestamp(kind):
        return kind.tz in (None, "UTC")
    return bool(
        types.is_integer(kind)
        or types.is_float32(kind)
        or types.is_float64(kind)
        or types.is_boolean(kind)
        or types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_date32(kind)
    )
