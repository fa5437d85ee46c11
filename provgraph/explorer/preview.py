"""A glance at a content: an image, the first rows of a table, the first lines of a text.

Nothing is run or fetched for it: an image is told by its first bytes and shown as an image alone,
everything else as text.
"""

from __future__ import annotations

import csv
import io
import json
from itertools import islice
from typing import Any

MOST_BYTES = 8_000_000
MOST_TEXT = 60_000
MOST_LINES = 400
MOST_ROWS = 30
MOST_COLUMNS = 30
LONGEST_CELL = 200
IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
SEPARATORS = {"csv": ",", "tsv": "\t"}


def image_type(name: str, data: bytes) -> str:
    """Give the media type of an image a browser shows, "" for what is none."""
    for start, kind in IMAGES:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if name.lower().endswith(".svg") and b"<svg" in data[:4_000]:
        return "image/svg+xml"
    return ""


def preview_of(name: str, data: bytes, where: str) -> dict[str, Any]:
    """Give a preview: `type` is image, table, text or none; `where` says where the bytes were."""
    said = {"where": where, "size": len(data)}
    if image_type(name, data):
        return {"type": "image", **said}
    text = _text(data)
    if text is None:
        return {"type": "none", **said}
    ending = name.lower().rpartition(".")[2]
    if ending in SEPARATORS:
        table = _table(text, SEPARATORS[ending])
        if table is not None:
            return {"type": "table", **table, **said}
    if ending == "ipynb":
        text = _cells(text)
    lines = text[:MOST_TEXT].splitlines()[:MOST_LINES]
    more = len(text) > MOST_TEXT or text.count("\n") > MOST_LINES
    return {"type": "text", "lines": lines, "more": more, **said}


def _text(data: bytes) -> str | None:
    if b"\0" in data[:MOST_TEXT]:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


def _table(text: str, separator: str) -> dict[str, Any] | None:
    """Give the first rows; None for what csv can't read, which is shown as text."""
    try:
        rows = list(islice(csv.reader(io.StringIO(text), delimiter=separator), MOST_ROWS + 1))
    except csv.Error:
        return None
    if not rows or len(rows[0]) < 2:
        return None
    cut = [[cell[:LONGEST_CELL] for cell in row[:MOST_COLUMNS]] for row in rows]
    wide = max(len(row) for row in rows)
    return {
        "columns": cut[0],
        "rows": cut[1:],
        "wide": wide,
        "more": text.count("\n") > len(rows),
    }


def _cells(text: str) -> str:
    """Give the code of a notebook, cell by cell; what can't be read stays as it is."""
    try:
        told = json.loads(text)
        cells = [cell for cell in told["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
    except (ValueError, TypeError, KeyError, RecursionError):
        return text
    return "\n\n".join(f"# cell {place}\n{source}" for place, source in enumerate(sources, 1))
