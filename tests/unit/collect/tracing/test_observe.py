"""A dictionary that tells its reads behaves as a plain one, and leaves no read untold."""

from __future__ import annotations

import copy
import json
import operator
import os
import pickle
import sys
from collections import ChainMap, OrderedDict
from collections.abc import Callable, Iterator
from types import MappingProxyType, SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from provgraph.collect.parts import part_digest
from provgraph.collect.tracing.audit.tracer import HOOK
from provgraph.model.digests import ABSENT

KEYS = ("a", "b", "c", "d")
Document = dict[str, Any]
# What may be done with a mapping and a key.
USES: tuple[Callable[[Document, str], Any], ...] = (
    lambda c, k: c[k],
    lambda c, k: c.get(k),
    lambda c, k: k in c,
    lambda c, _: list(c),
    lambda c, _: len(c),
    lambda c, _: bool(c),
    lambda c, _: dict(c),
    lambda c, _: {**c},
    lambda c, _: SimpleNamespace(**c),
    lambda c, _: [*c],
    lambda c, _: json.dumps([c]),
    lambda c, _: json.dumps(c, indent=1),
    lambda c, _: pickle.loads(pickle.dumps(c)),
    lambda c, _: copy.deepcopy(c),
    lambda c, _: copy.copy(c),
    lambda c, _: f"{c}",
    lambda c, _: c == {"a": 1},
    lambda c, _: {"a": 1} == c,  # noqa: SIM300 - asked from the other side
    lambda c, _: [c] != [{}],
    lambda c, _: c | {"e": 1},
    lambda c, _: {"e": 1} | c,
    lambda c, _: next(iter(c), None),
    lambda c, _: list(reversed(c)),
    lambda c, _: list(c.items()),
    lambda c, _: c.keys() == {"a"},
    lambda c, k: c.setdefault(k, 7),
    lambda c, k: c.pop(k, 9),
    lambda c, _: c.popitem(),
    lambda c, _: "%(a)s" % c,  # noqa: UP031 - as the config of an old program
    lambda c, _: "{a}".format_map(c),
    lambda c, k: operator.itemgetter(k)(c),
    lambda c, k: ChainMap({}, c)[k],
    lambda c, k: MappingProxyType(c).get(k),
    lambda c, _: OrderedDict(c),
    lambda c, _: dict.fromkeys(c),
)


class Plain:
    """What a part of the hook derives from, where nothing is watched."""

    def __init__(self, original: object) -> None:
        self.original = original


def names_of_hook(told: set[str]) -> dict[str, Any]:
    """Execute the file of the hook with what it needs of the others, so that keys are collected."""
    source = (HOOK / "observe.py").read_text()
    names: dict[str, Any] = {
        "sys": sys,
        "os": os,
        "Stand": Plain,
        "ours": lambda _frame: False,
        "on_keys": lambda event: told.add(event[2].decode()),
    }
    exec(compile(source[: source.index("LOADERS_AWAITED = ")], "observe.py", "exec"), names)
    return names


def observed(document: Document, told: set[str]) -> Document:
    names = names_of_hook(told)
    config = object.__new__(names["Config"])
    config.path, config.numbers = b"", ()
    found = names["Making"](config).observed(json.loads(json.dumps(document)), "")
    config.tell(".")
    return found  # type: ignore[no-any-return]


def used(document: Document, plan: list[tuple[int, list[str], str]]) -> Iterator[str]:
    for number, way, key in plan:
        try:
            found: Any = document
            for segment in way:
                found = found[segment]
            yield repr(USES[number](found, key) if isinstance(found, dict) else found)
        except (KeyError, TypeError) as error:
            yield repr(error)


def parts_of(document: Document, told: set[str]) -> dict[str, str]:
    """Give the digests that count, as `assemble` takes them; `#bytes` where all of it does."""
    data = json.dumps(document).encode()
    keys = {key for key in told if not key.endswith(".")}
    found = {key: part_digest("c.json", data, key) for key in keys}
    there = {key for key, digest in found.items() if digest != ABSENT and key != "#order"}
    for way in sorted({key[:-1] for key in told if key.endswith(".")} - {""}, reverse=True):
        if not any(key == way or key.startswith(f"{way}.") for key in there):
            found[way] = part_digest("c.json", data, way)
            there.add(way)
    return found if there else {"#bytes": part_digest("c.json", data, "#bytes")}


values = st.recursive(
    st.sampled_from((1, 2, "x", None, 1.5, True, [], [1, 2], [{"q": 1, "p": 2}])),
    lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)
documents = st.dictionaries(st.sampled_from(KEYS), values, min_size=1, max_size=4)
plans = st.lists(
    st.tuples(
        st.integers(0, len(USES) - 1),
        st.lists(st.sampled_from(KEYS), max_size=2),
        st.sampled_from(KEYS),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=400, deadline=None)
@given(documents, documents, plans)
def test_what_told_keys_leave_as_it_is_a_program_cannot_tell_apart(
    document: Document, other: Document, plan: list[tuple[int, list[str], str]]
) -> None:
    told: set[str] = set()
    said = list(used(observed(document, told), plan))
    assert said == list(used(copy.deepcopy(document), plan))
    for edited in edits(document, other):
        if parts_of(document, told) == {
            part: part_digest("c.json", json.dumps(edited).encode(), part)
            for part in parts_of(document, told)
        }:
            assert list(used(copy.deepcopy(edited), plan)) == said


def edits(document: Document, other: Document) -> Iterator[Document]:
    """Give the document with each key taken out, changed, or put in, and in another order."""
    yield dict(reversed(document.items()))
    yield {**document, **other}
    for key, value in document.items():
        yield {name: item for name, item in document.items() if name != key}
        for new in (5, {"a": 3}, other.get(key)):
            yield {**document, key: new}
        if isinstance(value, dict):
            for inner in edits(value, other):
                yield {**document, key: inner}
