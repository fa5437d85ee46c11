"""One golden value for each hash: a change of any of them orphans what people have recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.model.digests import (
    ABSENT,
    EMPTY,
    comparable,
    content_digest,
    generation_id,
    identity,
    key_id,
    keyed_digest,
    step_key,
    value_digest,
)

KEY = bytes(range(32))


def test_every_hash_stays_what_it_was() -> None:
    assert content_digest(b"") == EMPTY
    # As `printf abc | b3sum` prints it.
    assert content_digest(b"abc") == (
        "b3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
    )
    assert value_digest("2.2.0") == "v:2.2.0"
    assert keyed_digest(KEY, b"abc") == "k:b0cd4e7b:6da54495d8152f2bcba87bd7282df709"
    assert key_id(KEY) == "b0cd4e7b"
    assert identity("tag", "a", "b") == "8942d2c0d7f5e118183404cc7eca11c4"
    assert (
        identity("tag", "a", "b", size=32)
        == "8942d2c0d7f5e118183404cc7eca11c42f2b09e9b2d7b7add7876c7fc8763b89"
    )
    assert generation_id("p", "data/x.csv", EMPTY, None) == "gen:b6e75007637db9c8fb44a80078517ed1"
    assert generation_id("p", "data/x.csv", EMPTY, "01J") == "gen:700cb1049859948e692b639faed38f54"
    assert step_key("p", "train.py", ("--lr", "0.1")) == "s:09ad80a5318faaee70bde2808cd5e340"


@given(st.lists(st.text()), st.lists(st.text()))
def test_no_two_lists_of_fields_share_an_identity(one: list[str], other: list[str]) -> None:
    assert (identity("t", *one) == identity("t", *other)) == (one == other)


def test_a_tag_keeps_kinds_of_things_apart() -> None:
    assert identity("a", "x") != identity("b", "x")
    assert identity("a", "x") != identity("a", "", "x")
    assert generation_id("p", "x", EMPTY, "r") != generation_id("p", "x", EMPTY, None)


def test_bytes_that_are_not_utf8_have_an_identity() -> None:
    assert identity("t", "\udcff") != identity("t", "\udcfe")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("b3:1", "b3:2", True),
        ("v:1", "v:2", True),
        ("k:aa:1", "k:aa:2", True),
        ("k:aa:1", "k:bb:1", False),
        ("b3:1", "v:1", False),
        (ABSENT, "k:aa:1", True),
        ("b3:1", ABSENT, True),
    ],
)
def test_only_digests_of_one_scheme_and_key_compare(one: str, other: str, expected: bool) -> None:
    assert comparable(one, other) is expected
    assert comparable(other, one) is expected


def test_a_keyed_digest_says_its_key_and_not_the_value() -> None:
    other = bytes(32)
    assert keyed_digest(KEY, b"x").split(":")[1] == key_id(KEY) != key_id(other)
    assert keyed_digest(KEY, b"x").split(":")[2] != keyed_digest(other, b"x").split(":")[2]
