from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.model.names import is_uri, name_of, path_of, under


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw))
def test_a_name_stands_for_one_sequence_of_bytes(raw: bytes) -> None:
    name = name_of(raw)
    assert os.fsencode(path_of(name)) == raw
    assert not is_uri(name)
    name.encode("utf-8")  # no surrogates


@given(st.binary(), st.binary())
def test_two_paths_never_share_a_name(one: bytes, other: bytes) -> None:
    assert (name_of(one) == name_of(other)) == (one == other)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (b"data/x.csv", "data/x.csv"),
        ("é 'q\"\n.csv", "é 'q\"\n.csv"),
        (b"\xff\xfe.csv", "%FF%FE.csv"),
        (b"100%.csv", "100%25.csv"),
        (b"%FF", "%25FF"),
        (b"env:numpy", "env%3Anumpy"),
        (b"s3:/a:b", "s3%3A/a:b"),
        (b"C:", "C:"),
    ],
)
def test_how_a_name_is_written(path: bytes | str, name: str) -> None:
    assert name_of(path) == name
    assert path_of(name) == os.fsdecode(os.fsencode(path))


@pytest.mark.parametrize("name", ["env:numpy", "s3://bucket/x", "file://host/x", "outside:1"])
def test_a_uri_is_told_from_a_path(name: str) -> None:
    assert is_uri(name)


@pytest.mark.parametrize(
    ("name", "directory", "expected"),
    [
        ("data/v3/x.csv", "data/v3", True),
        ("data/v3/x.csv", "data/v3/", True),
        ("data/v30/x.csv", "data/v3", False),
        ("data/v3", "data/v3", False),
        ("x", ".", True),
        ("x", "", True),
    ],
)
def test_what_lies_below_a_directory(name: str, directory: str, expected: bool) -> None:
    assert under(name, directory) is expected
