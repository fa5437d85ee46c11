"""Listings, pointers and hunks: what the two sides of a merge check are made of."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from provgraph.collect.changes.gitdiff import Span, changed_files, changed_lines
from provgraph.collect.changes.listings import Listings
from provgraph.collect.changes.pointers import (
    Pointer,
    content_of,
    dvc_pointers,
    lfs_pointer,
    members,
)
from provgraph.collect.parts import listing_digest
from provgraph.model.checks import Lines
from tests.unit.collect.test_gitstate import git, repository


def listed(place: Path, *names: str) -> str:
    for name in names:
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return listing_digest(str(place), lambda _: False)


def tree(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "100644")


def test_a_listing_stands_where_git_lists_the_same(tmp_path: Path) -> None:
    old = listed(tmp_path / "old", "a", "b/c")
    new = listed(tmp_path / "new", "a", "b/c", "d")
    made = listed(tmp_path / "made", "a", "b/c", "out")
    other = listed(tmp_path / "other", "x")
    listings = Listings(
        tree("p/a", "p/b/c"), tree("p/a", "p/b/c", "p/d"), others=["p/out", "elsewhere"]
    )
    assert listings.changed("p") == ("d",)
    assert listings.is_folder("p")
    assert not listings.is_folder("p/a")
    for digest, before, after in [
        (old, True, False),
        (made, True, False),  # as it was with a product in it
        (new, False, True),  # as it was listed after the change: redone already
        (other, True, False),  # neither side's: before, as it was recorded
    ]:
        assert listings.stands("p", digest, after=False) is before
        assert listings.stands("p", digest, after=True) is after
    # Git changed nothing in there, whatever else did.
    assert listings.stands("p/b", other, after=True)
    assert listings.changed("p/b") == ()


def test_a_folder_that_goes_or_comes(tmp_path: Path) -> None:
    listings = Listings(tree("p/a"), tree("q/a"))
    digest = listed(tmp_path, "a")
    assert not listings.stands("p", digest, after=True)
    assert listings.stands("p", digest, after=False)
    assert listings.changed(".") == ("p", "q")


def test_noise_and_odd_names_in_a_listing(tmp_path: Path) -> None:
    place = tmp_path / "p"
    place.mkdir()
    (tmp_path / "p" / "50%").write_bytes(b"")
    digest = listing_digest(str(place), lambda _: False)
    listings = Listings(
        tree("p/50%25", "p/.git/x"), tree("p/50%25"), noise=lambda name: "/.git" in name
    )
    assert listings.changed("p") == ()
    assert listings.stands("p", digest, after=True)


def test_pointers_of_other_tools() -> None:
    lfs = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 3\n"
    assert lfs_pointer("x", lfs) == Pointer("x", "sha256", "a" * 64)
    assert lfs_pointer("x", b"1,2,3") is None
    assert lfs_pointer("x", lfs + b" " * 2000) is None
    dvc = b"outs:\n- md5: aa\n  path: big.csv\n- md5: bb.dir\n  path: images\n- path: ../../out\n"
    assert dvc_pointers("data/big.csv.dvc", dvc) == [
        Pointer("data/big.csv", "md5", "aa"),
        Pointer("data/images", "md5", "bb", folder=True),
    ]
    lock = b"stages:\n  fit:\n    cmd: x\n    outs:\n    - path: model\n      md5: cc\n"
    assert dvc_pointers("dvc.lock", lock) == [Pointer("model", "md5", "cc")]
    for odd in (b"a: [", b"[]", b"outs: 3", b"outs: [{md5: x}]"):
        with pytest.raises(ValueError, match=r"."):
            dvc_pointers("x.dvc", odd)


def test_a_pointer_is_only_followed_to_bytes_that_are_its_own(tmp_path: Path) -> None:
    data = b"content"
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    pointer = Pointer("d/big.csv", "md5", md5)
    assert content_of(tmp_path, pointer) is None
    (tmp_path / "d").mkdir()
    (tmp_path / "d/big.csv").write_bytes(b"something else")
    assert content_of(tmp_path, pointer) is None
    cached = tmp_path / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"damaged")
    assert content_of(tmp_path, pointer) is None
    cached.write_bytes(data)
    assert content_of(tmp_path, pointer) == cached
    assert content_of(tmp_path, Pointer("d/big.csv", "md5", "")) is None
    folder = Pointer("images", "md5", "dd", folder=True)
    assert members(tmp_path, folder) is None
    listing = tmp_path / ".dvc/cache/files/md5/dd/.dir"
    listing.parent.mkdir(parents=True)
    listing.write_text('[{"relpath": "x/1.png", "md5": "ee"}]')
    assert members(tmp_path, folder) == {"images/x/1.png": "ee"}
    listing.write_text('[{"relpath": 3}]')
    assert members(tmp_path, folder) is None


ODD = b'odd "\t\n-- name'


def test_changed_lines_of_every_sort(tmp_path: Path) -> None:
    text = b"".join(b"%d\n" % number for number in range(1, 9))
    root = repository(tmp_path / "r", {"a": text, "gone": b"1\n2\n", "bé": text})
    (root / "a").write_bytes(text.replace(b"2\n", b"-- two\n++ two\n").replace(b"7\n", b""))
    (root / "gone").unlink()
    (root / "bé").write_bytes(b"x\n" + text)
    (root / "binary").write_bytes(b"\0")
    with open(bytes(root) + b"/" + ODD, "wb") as file:
        file.write(b"1\n2\n")
    git(root, "add", "-A")
    base = git(root, "rev-parse", "HEAD")
    git(root, "commit", "-q", "-m", "two")
    head = git(root, "rev-parse", "HEAD")
    odd = 'odd "\t\n-- name'
    names = ["a", "gone", "bé", "binary", odd]
    for span in (Span("", base, head), Span("", base, "")):
        assert changed_lines(root, span, names) == {
            "a": (Lines("a", 2, 3), Lines("a", 7, 7, "base")),
            "gone": (Lines("gone", 1, 2, "base"),),
            "bé": (Lines("bé", 1, 1),),
            odd: (Lines(odd, 1, 2),),
        }
    assert changed_lines(root, span, ["a"], most=1)["a"] == (Lines("a", 2, 3),)


def test_changed_files_of_every_sort(tmp_path: Path) -> None:
    root = repository(
        tmp_path / "r",
        {"kept": b"1", "edited": b"1", "gone": b"2", "moved": b"3", "run": b"4", "link": b"5"},
    )
    base = git(root, "rev-parse", "HEAD")
    (root / "edited").write_bytes(b"1 2")
    (root / "gone").unlink()
    git(root, "mv", "moved", "there")
    (root / "run").chmod(0o755)
    (root / "link").unlink()
    (root / "link").symlink_to("kept")
    (root / "new").write_bytes(b"n")
    (root / ".gitignore").write_bytes(b"ignored\n")
    (root / "ignored").write_bytes(b"n")
    (root / "repo").mkdir()
    subprocess.run(["git", "init", "-q", str(root / "repo")], check=True)
    wanted = {
        ".gitignore": "added",
        "edited": "modified",
        "gone": "deleted",
        "link": "link",
        "new": "added",
        "run": "mode",
        "there": "renamed",
    }
    found = changed_files(root, Span("", base, ""))
    assert {change.name: change.how for change in found} == wanted
    (root / "repo/.git/HEAD").unlink()
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "two")
    found = changed_files(root, Span("", base, git(root, "rev-parse", "HEAD")))
    assert {c.name: c.how for c in found if not c.name.startswith("repo")} == wanted
    assert next(c.was for c in found if c.name == "there") == "moved"
