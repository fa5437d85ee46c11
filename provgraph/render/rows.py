"""Rows of any columns as a table, JSON lines or CSV: written while they come, never held whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from provgraph.graph.library import Entry
from provgraph.model.records import json_number
from provgraph.render import plain
from provgraph.render.as_csv import cell
from provgraph.render.as_json import line_of
from provgraph.render.interface import Style
from provgraph.render.terminal import Page

AT_ONCE = 200  # rows that widths are taken from, and rows a write
NARROW = 6  # cells that a column keeps, however little room there is

Rows = Iterable[Sequence[Any]]


def write_rows(columns: Sequence[str], rows: Rows, format: str, style: Style) -> Iterator[str]:
    """Write rows as `table`, `json` (a line each) or `csv`, piece by piece."""
    if format == "json":
        return _json(columns, rows)
    return _csv(columns, rows) if format == "csv" else _table(columns, rows, style)


def write_library(entries: Sequence[Entry], style: Style) -> str:
    """Write what each question answers, its parameters and its columns."""
    page = Page(style)
    for entry in entries:
        page.gap()
        page.line((entry.name, "heading"))
        page.prose(page.say(entry.answers), indent=2)
        for one in entry.parameters:
            default = "" if one.required else f", else {json.dumps(one.default)}"
            page.prose(
                page.say(f"{one.meaning}{default}"),
                indent=4,
                first=f"--param {one.name}=…  " if style.unicode else f"--param {one.name}=...  ",
            )
        page.prose("gives " + ", ".join(one.name for one in entry.columns), indent=4, tone="dim")
        if entry.needs:
            page.prose(f"needs {entry.needs} because {entry.because}", indent=4, tone="dim")
    return page.text()


def library_rows(entries: Sequence[Entry]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Give the library as columns and rows, for programs."""
    columns = ("name", "answers", "parameters", "columns", "portable", "needs", "because")
    rows = [
        (
            one.name,
            one.answers,
            [_parameter(each) for each in one.parameters],
            [{"name": each.name, "meaning": each.meaning} for each in one.columns],
            one.portable,
            one.needs or None,
            one.because or None,
        )
        for one in entries
    ]
    return columns, rows


def _parameter(one: Any) -> dict[str, Any]:
    told = {"name": one.name, "type": one.type, "required": one.required, "meaning": one.meaning}
    return told if one.required else told | {"default": one.default}


def _json(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    for block in _blocks(rows):
        yield "".join(line_of(dict(zip(columns, row, strict=True))) + "\n" for row in block)


def _csv(columns: Sequence[str], rows: Rows) -> Iterator[str]:
    for block in chain([[columns]], _blocks(rows)):
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerows([cell(value) for value in row] for row in block)
        yield out.getvalue()


def _table(columns: Sequence[str], rows: Rows, style: Style) -> Iterator[str]:
    widths: list[int] = []
    for block in _blocks(rows):
        shown = [[_text(value, style) for value in row] for row in block]
        numbers = [_is_number(value) for value in block[0]]
        page = Page(style)
        if not widths:
            heads = [_text(name, style) for name in columns]
            widths = _widths([heads, *shown], style.width)
            _line(page, heads, widths, [False] * len(heads), tone="dim")
        for row in shown:
            _line(page, row, widths, numbers)
        yield page.text()


def _line(
    page: Page, row: Sequence[str], widths: Sequence[int], right: Sequence[bool], tone: str = ""
) -> None:
    cells = [
        plain.pad(plain.shorten(text, width, dots=page.dots), width, right=on_right)
        for text, width, on_right in zip(row, widths, right, strict=True)
    ]
    page.line(("  ".join(cells).rstrip(), tone))


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Give each column what it needs; where that is too much, the widest give way."""
    widths = [max(map(plain.width_of, column)) for column in zip(*rows, strict=True)]
    room -= 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > NARROW:
        widest = max(widths)
        below = max([one for one in widths if one < widest], default=NARROW)
        many = widths.count(widest)
        cut = max(below, widest - -(-(sum(widths) - room) // many), NARROW)
        cut = min(cut, widest - 1)
        widths = [cut if one == widest else one for one in widths]
    return widths


def _text(value: Any, style: Style) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(json_number(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return plain.shown(text, unicode=style.unicode)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _blocks(rows: Rows) -> Iterator[list[Sequence[Any]]]:
    taken = iter(rows)
    while block := list(islice(taken, AT_ONCE)):
        yield block
