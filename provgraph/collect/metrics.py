"""Find the numbers in a run's products: small JSON, YAML and CSV files become named metrics."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from provgraph.collect import parts
from provgraph.collect.keys import join_key
from provgraph.model.records import Metric, json_number

MOST_BYTES = 256 * 1024
MOST_METRICS = 200
MOST_CELLS = 200
_TABLES = {".csv": ",", ".tsv": "\t"}
_NUMBER = re.compile(
    r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z|[+-]?(?:nan|inf(?:inity)?)\Z", re.IGNORECASE
)


def find_metrics(path: str, data: bytes, *, source: str | None = None) -> tuple[Metric, ...]:
    """Give the numbers in a product by dotted name, in the order they stand in it.

    Empty for a file that is large, of another format, holds more than 200 numbers, or is a list
    of them (data, not metrics). NaN, infinities and integers past 2⁵³ are strings. `source` is
    the product's name.
    """
    if len(data) > MOST_BYTES:
        return ()
    suffix = PurePath(path).suffix.lower()
    try:
        if suffix in _TABLES:
            found = dict(_of_table(data.decode("utf-8-sig"), _TABLES[suffix]))
        elif suffix in (".json", ".yaml", ".yml"):
            found = {}
            for key, value in _of_document(parts.parse(path, data), ()):
                found[join_key(key)] = value
                if len(found) > MOST_METRICS:
                    return ()
        else:
            return ()
    except (ValueError, RecursionError, csv.Error):
        return ()
    return tuple(
        Metric(name=name, value=json_number(value), source=source)  # type: ignore[arg-type]
        for name, value in found.items()
    )


def _of_document(value: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _of_document(item, (*above, str(key)))
    elif isinstance(value, list):
        # A list of mappings is a table of results; a list of numbers is data.
        if above and all(isinstance(item, dict) for item in value):
            for index, item in enumerate(value):
                yield from _of_document(item, (*above, str(index)))
    elif isinstance(value, (int, float)) and not isinstance(value, bool) and above:
        yield above, value


def _of_table(text: str, delimiter: str) -> Iterator[tuple[str, int | float]]:
    """Read a summary table: the first row names columns, a first column of words names rows."""
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    if len(rows) < 2 or sum(map(len, rows)) > MOST_CELLS:
        return
    head, *body = rows
    if any(len(row) != len(head) for row in body) or any(_NUMBER.match(cell) for cell in head):
        return
    labels = [row[0] for row in body]
    labelled = len(head) > 1 and not any(_NUMBER.match(label.strip()) for label in labels)
    if not labelled and len(body) > 1:
        # Rows are told apart by the first column, or the table isn't a summary.
        if len(set(labels)) != len(labels):
            return
        labelled = True
    if labelled and len(set(labels)) != len(labels):
        return
    for row in body:
        for column in range(1 if labelled else 0, len(head)):
            cell = row[column].strip()
            if _NUMBER.match(cell):
                way = (row[0], head[column]) if labelled else (head[column],)
                if all(way):
                    yield join_key(way), _number(cell)


def _number(cell: str) -> int | float:
    if re.fullmatch(r"[+-]?\d{1,4000}", cell):
        return int(cell)
    value = float(cell)
    return value if math.isfinite(value) or "n" in cell.lower() else float("inf")
