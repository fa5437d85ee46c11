"""Whose files are, by dpkg's own lists."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from provgraph.collect.system.debian import Debian, Owned
from tests.support.dpkg import Dpkg


@pytest.fixture
def dpkg(tmp_path: Path) -> Dpkg:
    return Dpkg(tmp_path / "dpkg")


def debian(dpkg: Dpkg, cache: Path | None = None) -> Debian:
    return Debian(dpkg.env, cache=cache)


def test_a_file_is_of_the_package_that_lists_it(dpkg: Dpkg) -> None:
    dpkg.install("a", "1:2.0-3", ["/usr/share/a/x", "/usr/share/a"])
    dpkg.install("b", "1", ["/usr/share/a"])
    found = debian(dpkg).owners(["/usr/share/a/x", "/usr/share/a/y"])
    assert found == {"/usr/share/a/x": Owned(("a",))}
    assert debian(dpkg).version("a") == "1:2.0-3"
    assert debian(dpkg).version("c") is None


def test_lists_may_have_the_names_of_before_usr_was_merged(dpkg: Dpkg) -> None:
    dpkg.install("old", "1", ["/lib/x86_64-linux-gnu/libold.so.1"])
    dpkg.install("new", "1", ["/usr/bin/new"])
    found = debian(dpkg).owners(["/usr/lib/x86_64-linux-gnu/libold.so.1", "/bin/new"])
    assert [one.packages for one in found.values()] == [("old",), ("new",)]


def test_a_package_for_another_architecture_has_it_in_its_name(dpkg: Dpkg) -> None:
    dpkg.install("libx:amd64", "1", ["/usr/lib/a/libx.so"])
    dpkg.install("libx:i386", "2", ["/usr/lib/b/libx.so"])
    asked = debian(dpkg)
    found = asked.owners(["/usr/lib/a/libx.so", "/usr/lib/b/libx.so"])
    assert [one.packages for one in found.values()] == [("libx",), ("libx:i386",)]
    assert (asked.version("libx"), asked.version("libx:i386")) == ("1", "2")


def test_who_diverts_a_file_has_its_own_and_the_other_is_where_it_was_moved(dpkg: Dpkg) -> None:
    dpkg.install("theirs", "1", ["/usr/bin/x"])
    dpkg.install("ours", "1", ["/usr/bin/x"])
    dpkg.divert("/usr/bin/x", "/usr/bin/x.theirs", "ours")
    found = debian(dpkg).owners(["/usr/bin/x", "/usr/bin/x.theirs"])
    assert {path: one.packages for path, one in found.items()} == {
        "/usr/bin/x": ("ours",),
        "/usr/bin/x.theirs": ("theirs",),
    }


def test_what_a_person_put_in_a_diverted_files_place_is_nobodys(dpkg: Dpkg) -> None:
    dpkg.install("theirs", "1", ["/usr/bin/x"])
    dpkg.divert("/usr/bin/x", "/usr/bin/x.real", ":")
    assert set(debian(dpkg).owners(["/usr/bin/x", "/usr/bin/x.real"])) == {"/usr/bin/x.real"}


def test_a_package_that_was_removed_is_not_installed(dpkg: Dpkg) -> None:
    dpkg.install("a", "1", ["/etc/a"])
    status = (dpkg.place / "status").read_text()
    (dpkg.place / "status").write_text(status.replace("ok installed", "ok config-files"))
    assert debian(dpkg).version("a") is None


def test_a_machine_without_dpkg_has_no_owners(tmp_path: Path) -> None:
    none = Debian({"DPKG_ADMINDIR": str(tmp_path)})
    assert not none.there
    assert none.owners(["/usr/bin/sort"]) == {}


def test_what_was_found_is_remembered_until_something_is_installed(
    dpkg: Dpkg, tmp_path: Path
) -> None:
    cache = tmp_path / "cache" / "system.json"
    dpkg.install("a", "1", ["/usr/bin/a"])
    first = debian(dpkg, cache)
    assert set(first.owners(["/usr/bin/a", "/usr/bin/b"])) == {"/usr/bin/a"}
    listing = first.listing()
    first.keep()
    kept = json.loads(cache.read_bytes())
    assert kept["owners"] == {"/usr/bin/a": ["a"], "/usr/bin/b": []}
    kept["owners"]["/usr/bin/a"] = ["from the cache"]
    cache.write_text(json.dumps(kept))
    assert debian(dpkg, cache).owners(["/usr/bin/a"])["/usr/bin/a"].packages == ("from the cache",)
    dpkg.install("b", "1", ["/usr/bin/b"])
    assert set(debian(dpkg, cache).owners(["/usr/bin/a", "/usr/bin/b"])) == {
        "/usr/bin/a",
        "/usr/bin/b",
    }
    assert debian(dpkg, cache).listing() != listing


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b'{"stamp": 1}'])
def test_a_damaged_memory_is_none(dpkg: Dpkg, tmp_path: Path, garbage: bytes) -> None:
    cache = tmp_path / "system.json"
    cache.write_bytes(garbage)
    dpkg.install("a", "1", ["/usr/bin/a"])
    assert debian(dpkg, cache).owners(["/usr/bin/a"])["/usr/bin/a"].packages == ("a",)


def test_a_file_that_changed_after_its_package_was_installed_is_altered(
    dpkg: Dpkg, tmp_path: Path
) -> None:
    file = tmp_path / "program"
    file.write_bytes(b"as packaged")
    dpkg.install("a", "1", [str(file)])
    assert not debian(dpkg).owners([str(file)])[str(file)].altered
    # Times of change can't be set: the list's is made to look older by what is asked about it.
    sums = dpkg.place / "info" / "a.md5sums"
    older = _Older(dpkg.env)
    assert older.owners([str(file)])[str(file)].altered, "no sum says that it isn't"
    sum_ = hashlib.md5(b"as packaged", usedforsecurity=False).hexdigest()
    sums.write_text(f"{sum_}  {str(file).lstrip('/')}\n")
    assert not _Older(dpkg.env).owners([str(file)])[str(file)].altered
    file.write_bytes(b"otherwise")
    assert _Older(dpkg.env).owners([str(file)])[str(file)].altered


class _Older(Debian):
    """Takes the files of packages for younger than their lists."""

    def _late(self, seen: os.stat_result, files: object) -> bool:
        return True
