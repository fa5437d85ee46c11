"""Parquet by column: the parts that a reader of some columns rests on, and their digests."""

from provgraph.collect.columns.table import (
    NoReader,
    column_digest,
    column_digests,
    is_table,
    parts_of,
    table_digests,
)

__all__ = ["NoReader", "column_digest", "column_digests", "is_table", "parts_of", "table_digests"]
