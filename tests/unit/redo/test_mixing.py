"""Switching keys between two contents of a config."""

from __future__ import annotations

import json

import pytest
import yaml

from provgraph.redo.mixing import keys_apart, mixed

ONE = {"model": {"depth": 2, "width": 8}, "seed": 1, "old": True}
TWO = {"model": {"depth": 4, "width": 8, "name": "x"}, "seed": 3}


@pytest.mark.parametrize("name", ["c.json", "c.yaml"])
@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ((), ONE),
        (("seed",), {**ONE, "seed": 3}),
        (("model.depth", "old"), {"model": {"depth": 4, "width": 8}, "seed": 1}),
        (("model.name", "seed", "model.depth", "old"), TWO),
    ],
)
def test_some_keys_come_from_the_later_content(
    name: str, keys: tuple[str, ...], expected: object
) -> None:
    write = json.dumps if name.endswith("json") else yaml.safe_dump
    made = mixed(name, write(ONE).encode(), write(TWO).encode(), keys)
    assert (json.loads if name.endswith("json") else yaml.safe_load)(made) == expected


@pytest.mark.parametrize(
    ("name", "keys", "one", "two"),
    [
        ("c.json", ["a"], b'{"a": 1}', b'{"a": 2}'),  # one key is the file's difference
        ("c.toml", ["a", "b"], b"a = 1\nb = 1\n", b"a = 2\nb = 2\n"),  # nothing here writes TOML
        ("c.json", ["a", "b"], None, b'{"a": 1, "b": 1}'),
        ("c.json", ["a", "b"], b'{"a": 1, "a": 2, "b": 1}', b'{"a": 1, "b": 1}'),
        ("c.json", ["0", "1"], b"[1, 2]", b"[2, 3]"),
        ("c.json", ["a.b", "c"], b'{"a": 1, "c": 1}', b'{"a": {"b": 1}, "c": 2}'),
    ],
)
def test_what_cant_be_told_apart_is_one_difference(
    name: str, keys: list[str], one: bytes | None, two: bytes | None
) -> None:
    assert not keys_apart(name, keys, one, two)
