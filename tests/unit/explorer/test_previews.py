"""A glance at contents: told by their bytes, cut, and never anything but data."""

from __future__ import annotations

import json

import pytest

from provgraph.explorer.preview import (
    LONGEST_CELL,
    MOST_COLUMNS,
    MOST_LINES,
    MOST_ROWS,
    image_type,
    preview_of,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.bin", PNG, "image/png"),
        ("a.html", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a", b"GIF89a", "image/gif"),
        ("a", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ("a.svg", b"<?xml version='1.0'?><svg/>", "image/svg+xml"),
        ("a.html", b"<svg/>", ""),
        ("a.png", b"<script>", ""),
        ("a.svg", b"<script>", ""),
    ],
)
def test_an_image_is_told_by_its_bytes(name: str, data: bytes, kind: str) -> None:
    assert image_type(name, data) == kind
    assert (preview_of(name, data, "here")["type"] == "image") == bool(kind)


def test_a_table_is_cut_and_says_so() -> None:
    line = ",".join(f"c{n}" for n in range(MOST_COLUMNS + 5))
    told = preview_of("a.csv", "\n".join([line] * (MOST_ROWS + 9)).encode(), "here")
    assert (told["type"], len(told["columns"]), len(told["rows"])) == (
        "table",
        MOST_COLUMNS,
        MOST_ROWS,
    )
    assert (told["wide"], told["more"]) == (MOST_COLUMNS + 5, True)
    small = preview_of("a.tsv", b"a\tb\n1\t2\n", "here")
    assert (small["columns"], small["rows"], small["more"]) == (["a", "b"], [["1", "2"]], False)
    assert len(preview_of("a.csv", b"a,b\n" + b"x" * 900 + b",2\n", "here")["rows"][0][0]) == (
        LONGEST_CELL
    )


@pytest.mark.parametrize("data", [b"one\ntwo\n", b'"unclosed,\n' * 3, b"a,b\n" + b"x" * 200_000])
def test_what_is_no_table_is_text(data: bytes) -> None:
    assert preview_of("a.csv", data, "here")["type"] in ("text", "table")


def test_text_is_cut_and_says_so() -> None:
    told = preview_of("a.py", b"line\n" * (MOST_LINES + 50), "here")
    assert (told["type"], len(told["lines"]), told["more"]) == ("text", MOST_LINES, True)
    assert preview_of("a.py", b"x = 1\n", "here")["more"] is False


@pytest.mark.parametrize("data", [b"\0\1\2", b"\xff\xfe\xfa", b"PAR1" + bytes(9)])
def test_what_is_no_text_is_none(data: bytes) -> None:
    assert preview_of("a.csv", data, "here")["type"] == "none"


def test_a_notebook_is_its_code_cells() -> None:
    cells = [
        {"cell_type": "markdown", "source": "no"},
        {"cell_type": "code", "source": ["x = 1\n", "y = 2"], "outputs": [{"data": "secret"}]},
    ]
    told = preview_of("a.ipynb", json.dumps({"cells": cells}).encode(), "here")
    assert told["lines"] == ["# cell 1", "x = 1", "y = 2"]
    for broken in (b"{", b"[]", b'{"cells": 3}', b'{"cells": [{}]}', b"[" * 50_000):
        assert preview_of("a.ipynb", broken, "here")["type"] == "text"
