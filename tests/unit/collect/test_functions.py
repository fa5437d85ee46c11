"""Parts of Python source: what belongs to a function, and what to the body."""

from __future__ import annotations

import pytest

from provgraph.collect.parts import SYNTAX_SCHEME, code_parts, syntax_digest
from provgraph.model.parts import BODY

SOURCE = b"""
import os


def used(a, b=1):
    "doc"
    return a + b


class Model:
    depth = 1

    def fit(self):
        return used(self.depth)


class Deep(Model):
    pass
"""


def changed(edited: bytes, source: bytes = SOURCE) -> set[str]:
    """Name the parts that differ; that nothing differs only where `#syntax` is equal is checked."""
    old, new = code_parts("m.py", source), code_parts("m.py", edited)
    found = {part for part in {*old, *new} if old.get(part) != new.get(part)}
    assert bool(found) == (syntax_digest("m.py", source) != syntax_digest("m.py", edited))
    return found


def test_the_parts_are_the_functions_and_the_body() -> None:
    found = code_parts("m.py", SOURCE)
    assert set(found) == {BODY, "used", "Model.fit"}
    assert all(digest.startswith(f"{SYNTAX_SCHEME}:") for digest in found.values())


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (b"a + b", b"(a  + b)  # sum", set()),
        (b'"doc"', b'"other"', set()),
        (b"a + b", b"a - b", {"used"}),
        (b"used(self", b"print(self", {"Model.fit"}),
        (b"b=1", b"b=2", {BODY}),
        (b"depth = 1", b"depth = 2", {BODY}),
        (b"def used", b"@print\ndef used", {BODY}),
        (b"def used", b"def other", {BODY, "used", "other"}),
        (b"    pass", b"    def fit(self): return 2", {BODY, "Deep.fit"}),
        (b"return a + b", b"yield a + b", {BODY, "used"}),
        (b"return a + b", b"return lambda: (yield)", {"used"}),
        (b"return a + b", b"def inner(c=(yield)): pass", {BODY, "used"}),
        (b"\nimport os", b"#!/usr/bin/env python3.12\nimport os", {BODY}),
        (b"\nimport", b'# /// script\n# dependencies = ["x<2"]\n# ///\nimport', {BODY}),
    ],
)
def test_an_edit_changes_the_parts_it_can_reach(old: bytes, new: bytes, parts: set[str]) -> None:
    assert old in SOURCE
    assert changed(SOURCE.replace(old, new, 1)) == parts


def test_methods_that_a_class_makes_global_belong_to_the_body() -> None:
    """Python knows such a function as `fit`, not as `Model.fit`."""
    source = SOURCE.replace(b"    depth = 1", b"    global fit")
    assert set(code_parts("m.py", source)) == {BODY, "used"}
    assert changed(source.replace(b"used(self", b"print(self"), source) == {BODY}


@pytest.mark.parametrize("source", [b"def f(:", b"return 1", b"\xff", b"x = 1\0"])
def test_what_does_not_compile_has_no_parts(source: bytes) -> None:
    assert code_parts("m.py", source) == {}
