"""Which parts of a file are named as different: keys, functions, the cells of a notebook."""

from __future__ import annotations

import json

import pytest

from provgraph.collect.changes.differing import cannot_be_cut, differing_parts


def notebook(*sources: str) -> bytes:
    cells = [{"cell_type": "markdown", "source": "# text"}]
    cells += [{"cell_type": "code", "source": source} for source in sources]
    return json.dumps({"cells": cells}).encode()


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        (("a", "b", "c"), ("a", "x", "c"), ("cell 2",)),
        (("a", "b"), ("new", "a", "b"), ("cell 1",)),
        (("a", "b", "c"), ("a", "c"), ("cell 2 before",)),
        (("a", "b"), ("a", "b"), ()),
    ],
)
def test_cells_are_found_again_where_others_moved_them(
    before: tuple[str, ...], after: tuple[str, ...], named: tuple[str, ...]
) -> None:
    assert differing_parts("x.ipynb", notebook(*before), notebook(*after)) == named


def test_what_is_no_notebook_has_no_cells() -> None:
    assert differing_parts("x.ipynb", b"{}", notebook("a")) == ("cell 1",)
    assert differing_parts("x.ipynb", b"[", b"{") == ()


def test_the_innermost_keys_are_named() -> None:
    before = b'{"model": {"depth": 1, "width": 2}, "seed": 3}'
    after = b'{"model": {"depth": 4, "width": 2}, "seed": 3, "new": null}'
    assert differing_parts("p.json", before, after) == ("model.depth", "new")
    assert differing_parts("p.json", before, None) == ()
    assert differing_parts("p.csv", b"1", b"2") == ()
    assert cannot_be_cut("p.json", b"{")
    assert not cannot_be_cut("p.json", before)
    assert not cannot_be_cut("p.csv", b"{")


def test_functions_are_named_before_the_body() -> None:
    before = b"X = 1\n\ndef f():\n    return 1\n\nclass C:\n    def f(self):\n        return 1\n"
    after = before.replace(b"X = 1", b"X = 2").replace(b"        return 1", b"        return 2")
    assert differing_parts("m.py", before, after) == ("C.f", "#body")
    assert differing_parts("m.py", before, before + b"# said\n") == ()
