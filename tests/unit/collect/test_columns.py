"""Columns of Parquet: what their digests count, and what not."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="the oldest dependencies are tried without the extras")

import pyarrow as pa
import pyarrow.parquet as pq

from provgraph.collect.columns import column_digest, is_table, parts_of, table_digests
from provgraph.collect.columns.table import _opened
from provgraph.collect.content import Contents, StatCache
from provgraph.collect.parts import part_digest
from provgraph.model.digests import ABSENT, content_digest

ROWS = 1000
NAN = float("nan")


def saved(table: pa.Table, **how: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **how)
    return buffer.getvalue()


def of(values: Any, kind: pa.DataType | None = None) -> str | None:
    """Give the digest of a column of these values, beside another one."""
    return column_digest(
        saved(pa.table({"c": pa.array(values, kind), "o": range(len(values))})), "c"
    )


SORTS: dict[str, pa.Array] = {
    "int": pa.array([1, None, 3]),
    "small": pa.array([1, None, -3], pa.int8()),
    "float": pa.array([1.5, None, NAN]),
    "half": pa.array(np.array([1.5, 0, 2.5], np.float16), mask=np.array([False, True, False])),
    "bool": pa.array([True, None, False]),
    "text": pa.array(["a", None, "ccc"]),
    "large text": pa.array(["a", None, ""], pa.large_string()),
    "bytes": pa.array([b"a", None, b""]),
    "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "decimal": pa.array([Decimal("1.23"), None, Decimal("-4.00")]),
    "date": pa.array([date(2020, 1, 1), None, date(2021, 1, 1)]),
    "time": pa.array([time(1, 2, 3), None, time(4, 5, 6)]),
    "moment": pa.array([datetime(2020, 1, 1, tzinfo=UTC), None, datetime(2021, 1, 1, tzinfo=UTC)]),
    "span": pa.array([timedelta(1), None, timedelta(2)]),
    "nothing": pa.nulls(3),
    "list": pa.array([[1, 2], None, []]),
    "lists": pa.array([[["a"], None], None, [[], ["b", "c"]]]),
    "pair": pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)),
    "struct": pa.array([{"x": 1, "y": "q"}, None, {"x": None, "y": "r"}]),
    "category": pa.array(["u", None, "v"]).dictionary_encode(),
}
WAYS: dict[str, dict[str, Any]] = {
    "compressed": {"compression": "gzip"},
    "in row groups": {"row_group_size": 7},
    "without dictionaries": {"use_dictionary": False},
    "in pages": {"data_page_size": 64, "data_page_version": "2.0"},
    "without statistics": {"write_statistics": False},
}


def many(array: pa.Array) -> pa.Table:
    rows = pa.chunked_array([array] * (ROWS // len(array)))
    return pa.table({"c": rows, "o": range(len(rows))})


@pytest.mark.parametrize("sort", SORTS)
def test_how_a_column_is_stored_does_not_count(sort: str) -> None:
    table = many(SORTS[sort])
    digest = column_digest(saved(table), "c")
    assert digest is not None
    for way, how in WAYS.items():
        assert column_digest(saved(table, **how), "c") == digest, way
    assert column_digest(saved(table.select(["o", "c"])), "c") == digest
    assert column_digest(saved(table.append_column("more", table["o"])), "c") == digest


@pytest.mark.parametrize("sort", sorted(SORTS.keys() - {"nothing"}))
def test_every_value_counts_and_where_it_is(sort: str) -> None:
    table = many(SORTS[sort])
    column = table["c"].combine_chunks()
    digest = column_digest(saved(table), "c")
    other = pa.concat_arrays([column[:-1], column[-3:-2]])  # its last value is another one
    for changed in (other, column[:-1], pa.concat_arrays([column, column[:1]])):
        rows = pa.table({"c": changed, "o": range(len(changed))})
        assert column_digest(saved(rows), "c") != digest
    upside_down = column.take(pa.array(range(len(column) - 1, -1, -1)))
    assert column_digest(saved(pa.table({"c": upside_down})), "c") != digest


def test_contents_that_are_easily_mistaken_for_each_other_differ() -> None:
    several = [
        of(["ab", "c"]), of(["a", "bc"]), of(["abc", ""]), of(["", "abc"]), of(["abc", None]),
        of([None, "abc"]), of([b"ab", b"c"]), of(["ab", "c"], pa.large_string()),
        of([0.0, 1.0]), of([-0.0, 1.0]), of([0, 1]), of([0, 1], pa.int32()), of([False, True]),
        of([0, None]), of([None, 0]), of([None, None], pa.int64()), of([None, None]),
        of([[], [1]]), of([[1], []]), of([[1], None]), of([None, [1]]), of([[None], [1]]),
        of([{"x": 1}, None]), of([{"x": 1}, {"x": None}]), of([{"y": 1}, None]),
        of(pa.array(["a", "b"]).dictionary_encode()),
        of(pa.DictionaryArray.from_arrays([1, 0], ["b", "a"])),
        of(pa.DictionaryArray.from_arrays([0, 1], ["a", "b"], ordered=True)),
        of([0, 1], pa.timestamp("us")), of([0, 1], pa.timestamp("ms")),
        of([0, 1], pa.timestamp("us", "UTC")), of([Decimal("1.0"), Decimal("0.1")]),
        of([Decimal("1.00"), Decimal("0.10")]),
    ]  # fmt: skip
    assert None not in several
    assert len(set(several)) == len(several)


def test_what_a_schema_says_of_a_column_counts() -> None:
    def digest(field: pa.Field) -> str | None:
        schema = pa.schema([field, pa.field("o", pa.int64())])
        return column_digest(saved(pa.table([[1], [2]], schema=schema)), "c")

    plain = digest(pa.field("c", pa.int64()))
    assert digest(pa.field("c", pa.int64(), nullable=False)) != plain
    assert digest(pa.field("c", pa.int64(), metadata={"unit": "m"})) != plain


def test_whether_the_types_of_arrow_are_stored_counts() -> None:
    """Without them Arrow sees a column of nulls all the same, and Polars one of integers."""
    table = pa.table({"c": pa.nulls(3)})
    with_types, without = saved(table), saved(table, store_schema=False)
    assert pq.read_schema(io.BytesIO(without)) == table.schema
    assert column_digest(with_types, "c") != column_digest(without, "c")


def test_what_is_not_sure_counts_as_the_whole() -> None:
    pairs = pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int8()))
    twice = pa.table([[1], [2], [3]], names=["c", "c", "d"])
    for data, part in [
        (saved(pa.table({"c": pairs})), "c"),
        (saved(twice), "c"),
        (saved(pa.table({"a.b": [1], "a": [{"b": 1}]})), '"a.b"'),
        (saved(pa.table({"c": [1]})), "c.0"),
        (saved(pa.table({"c": [1]})), "#order"),
        (saved(pa.table({"c": [1]})), 'no" key'),
        (saved(pa.table({"c": ["text"] * 99}), use_dictionary=False)[:-30] + b"PAR1", "c"),
        (b"PAR1PAR1", "c"),
        (b"PAR1" + b"\xff" * 40 + b"PAR1", "#layout"),
    ]:
        assert column_digest(data, part) is None
        assert part_digest("t.parquet", data, part) == content_digest(data)
    assert column_digest(saved(twice), "d") is not None
    assert column_digest(saved(twice), "e") == ABSENT
    assert column_digest(saved(pa.table({"a.b": [1]})), '"a.b"') is not None


def test_a_few_bytes_that_stand_for_endless_values_are_not_waited_for() -> None:
    data = saved(pa.table({"c": ["x" * 1000] * 5000, "o": [0] * 5000}))
    assert len(data) < 10_000
    for most, sure in ((6_000_000, {"c", "o"}), (1_000_000, {"o"}), (1000, set())):
        with _opened(data, most) as table:
            assert table is not None
            assert {name for name in ("o", "c") if table.digest(name) is not None} == sure
            assert table.digest("#layout") is not None


def test_a_page_that_is_damaged_counts_as_the_whole() -> None:
    table = pa.table({"c": [f"text {n}" for n in range(99)], "o": range(99)})
    data = saved(table, compression="none", use_dictionary=False, write_page_checksum=True)
    at = data.index(b"text 0")
    damaged = data[: at - 20] + b"\xff" * 20 + data[at:]
    assert column_digest(damaged, "c") is None
    assert column_digest(damaged, "o") == column_digest(data, "o")


Change = Callable[[pa.Table], pa.Table]


@pytest.mark.parametrize(
    ("change", "differing"),
    [
        (lambda t: t, set()),
        (lambda t: t.append_column("z", pa.array([1, 2, 3])), set()),
        (lambda t: t.append_column("z", pa.array([{"a": 1}] * 3)), {"#types"}),
        (lambda t: t.append_column("z", pa.array(np.ones(3, np.float16))), {"#types"}),
        (lambda t: t.append_column("o", t["o"]), {"#types"}),
        (lambda t: t.append_column("c", t["o"]), {"#types", "c"}),
        (lambda t: t.replace_schema_metadata({"by": "hand"}), {"#metadata"}),
        (lambda t: t.replace_schema_metadata({"pandas": "{}"}), {"#metadata"}),
        (
            lambda t: t.replace_schema_metadata({"pandas": '{"index_columns": ["o"]}'}),
            {"#metadata", "#pandas"},
        ),
        (lambda t: t.replace_schema_metadata({"pandas": "no"}), {"#metadata", "#pandas", "c"}),
        (
            lambda t: t.replace_schema_metadata(
                {"pandas": '{"columns": [{"name": "c", "numpy_type": "int8"}]}'}
            ),
            {"#metadata", "c"},
        ),
        (
            lambda t: t.replace_schema_metadata(
                {"pandas": '{"columns": [{"name": "o", "numpy_type": "foreign"}]}'}
            ),
            {"#metadata", "#pandas"},
        ),
        (lambda t: t.replace_schema_metadata({"PANDAS_ATTRS": "{}"}), {"#metadata", "#pandas"}),
    ],
)
def test_what_lies_beside_the_columns(change: Change, differing: set[str]) -> None:
    table = pa.table({"c": [1, 2, 3], "o": [4, 5, 6]})
    before, after = saved(table), saved(change(table))
    parts = {"c", "#layout", "#types", "#metadata", "#pandas"}
    assert {p for p in parts if column_digest(before, p) != column_digest(after, p)} == differing


def test_the_layout_is_row_groups_and_their_order() -> None:
    table = pa.table({"c": [1, 2, 3], "o": [4, 5, 6]})
    by = [pq.SortingColumn(1)]
    several = [
        column_digest(saved(table, **how), "#layout")
        for how in ({}, {"row_group_size": 1}, {"row_group_size": 2}, {"sorting_columns": by})
    ]
    assert len(set(several)) == len(several)
    assert column_digest(saved(table, compression="zstd"), "#layout") == several[0]


def test_all_of_a_table() -> None:
    data = saved(pa.table({"a.b": [1], "m": pa.array([[("k", 1)]], pa.map_("string", "int8"))}))
    found = table_digests(data, 2)
    assert found.keys() == {'"a.b"', "m", "#layout", "#types", "#metadata"}
    assert found["m"] == content_digest(data)
    assert table_digests(data, 1) == {}
    assert table_digests(b"PAR1PAR1", 9) == {}


def test_parts_of_a_load() -> None:
    assert parts_of("polars", ["#x", "a"]) == ('"#x"', "a", "#layout", "#types")
    every = {"a", "#layout", "#types", "#metadata", "#pandas"}
    assert set(parts_of("somebody", ["a"])) == every


def test_a_file_is_read_where_it_lies_at_any_size(tmp_path: Path) -> None:
    path = tmp_path / "t.bin"  # it is known by what it holds
    data = saved(pa.table({"c": [f"text {n}" for n in range(9999)]}))
    path.write_bytes(data)
    cache = StatCache(tmp_path / "cache.sqlite")
    for contents in (
        Contents(tmp_path, b"k" * 32, limit=100),
        Contents(tmp_path, b"k" * 32, cache, limit=100),
        Contents(tmp_path, b"k" * 32, cache, limit=100),
    ):
        assert contents.part("t.bin", "c") == column_digest(data, "c")
        assert contents.part("t.bin", "d") == ABSENT
        assert contents.part("t.bin", "#syntax") == content_digest(data)
        assert contents.part("t.bin", "#order") == content_digest(data)
    cache.close()
    assert not is_table(b"", b"")
    assert not is_table(data[:4], b"PARE")
