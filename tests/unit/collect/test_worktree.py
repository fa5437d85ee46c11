"""The working tree and a commit as viewpoints, on real files and repositories."""

import os
import sys
from pathlib import Path

import pytest

from provgraph.analysis.viewpoint import Verdict, Viewpoint
from provgraph.collect.content import Contents, StatCache
from provgraph.collect.environment import environment_name, this_host
from provgraph.collect.hardware import describe_hardware
from provgraph.collect.outside import outside_name
from provgraph.collect.worktree import GitRef, WorkingTree
from provgraph.errors import UsageError
from provgraph.model.digests import ABSENT, content_digest, keyed_digest
from provgraph.model.names import name_of
from tests.unit.collect.test_gitstate import AS, git, repository

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
SAME, DIFFERENT, UNKNOWN = Verdict.SAME, Verdict.DIFFERENT, Verdict.UNKNOWN
ONE, TWO = content_digest(b"1"), content_digest(b"2")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    return tmp_path / "p"


def tree(root: Path, cache: StatCache | None = None) -> WorkingTree:
    return WorkingTree(root, Contents(root, KEY, cache))


def test_the_contract_is_met(root: Path) -> None:
    assert isinstance(tree(root), Viewpoint)


def test_it_knows_every_name_in_the_project(root: Path) -> None:
    (root / "a").write_bytes(b"1")
    view = tree(root)
    assert view.has_word("a")
    assert view.has_word("missing/deep")
    assert not view.is_absent("a")
    assert view.is_absent("missing/deep")
    assert view.is_absent("a/below")
    assert view.whole("a", {TWO, ONE}) == ONE
    assert view.whole("a", {TWO}) is None
    assert view.is_sure("a", {TWO})
    assert view.whole("missing", {ABSENT}) == ABSENT


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "%2E%2E/x", "/etc/passwd", "%2Fetc", "", "a%00", "s3://b/k", "outside:0"],
)
def test_names_that_lead_elsewhere_have_no_word(root: Path, name: str) -> None:
    view = tree(root)
    assert not view.has_word(name)
    assert not view.is_absent(name)
    assert view.whole(name, {ONE, ABSENT}) is None
    assert not view.is_sure(name, {ONE})
    assert view.compare(name, "#bytes", ONE) is UNKNOWN


@pytest.mark.parametrize("raw", [b"a b", b"\xff", b"%41", b"env:x", b"new\nline", b"..a", b"q\"'"])
def test_hostile_names_are_files(root: Path, raw: bytes) -> None:
    Path(os.fsdecode(os.path.join(os.fsencode(root), raw))).write_bytes(b"1")
    assert tree(root).compare(name_of(raw), "#bytes", ONE) is SAME


def test_bytes_and_absence(root: Path) -> None:
    (root / "a").write_bytes(b"1")
    view = tree(root)
    assert view.compare("a", "#bytes", ONE) is SAME
    assert view.compare("a", "#bytes", TWO) is DIFFERENT
    assert view.compare("a", "#bytes", ABSENT) is DIFFERENT
    assert view.compare("missing", "#bytes", ABSENT) is SAME
    assert view.compare("missing", "#bytes", ONE) is DIFFERENT
    assert view.compare("missing", "lr", ABSENT) is SAME
    assert view.compare("a", "#bytes", "unknown") is UNKNOWN
    assert view.is_sure("a", {"unknown", TWO})


def test_a_comment_is_no_change_of_syntax(root: Path) -> None:
    contents = Contents(root, KEY)
    (root / "m.py").write_bytes(b"x = 1\n")
    syntax, whole = contents.part("m.py", "#syntax"), content_digest(b"x = 1\n")
    (root / "m.py").write_bytes(b"x = 1  # one\n")
    view = tree(root)
    assert view.compare("m.py", "#syntax", syntax, whole=whole) is SAME
    assert view.compare("m.py", "#bytes", whole, whole=whole) is DIFFERENT


def test_syntax_recorded_by_another_python_counts_by_its_bytes(root: Path) -> None:
    (root / "m.py").write_bytes(b"x = 1\n")
    whole = content_digest(b"x = 1\n")
    view = tree(root)
    assert view.compare("m.py", "#syntax", "ast3.99:00", whole=whole) is SAME
    assert view.compare("m.py", "#syntax", "ast3.99:00", whole=ONE) is DIFFERENT
    assert view.compare("m.py", "#syntax", "ast3.99:00") is DIFFERENT
    assert view.compare("m.py", "#syntax", whole) is SAME


def test_keys_of_a_config(root: Path) -> None:
    contents = Contents(root, KEY)
    (root / "c.json").write_bytes(b'{"lr": 1, "ep": 2}')
    lr, order = contents.part("c.json", "lr", like="b3:"), contents.part("c.json", "#order")
    (root / "c.json").write_bytes(b'{"ep": 3, "lr": 1}')
    view = tree(root)
    assert view.compare("c.json", "lr", lr, whole=ONE) is SAME
    assert view.compare("c.json", "ep", lr, whole=ONE) is DIFFERENT
    assert view.compare("c.json", "new", ABSENT, whole=ONE) is SAME
    assert view.compare("c.json", "lr", ABSENT, whole=ONE) is DIFFERENT
    assert view.compare("c.json", "#order", order, whole=ONE) is DIFFERENT


def test_keyed_digests_compare_under_one_key_only(root: Path) -> None:
    (root / "a.yaml").write_bytes(b"1")
    view = tree(root)
    mine = Contents(root, KEY).keyed(ONE)
    foreign = keyed_digest(OTHER_KEY, ONE.encode())
    assert view.compare("a.yaml", "#bytes", mine) is SAME
    assert view.compare("a.yaml", "#bytes", foreign) is UNKNOWN
    assert view.compare("a.yaml", "lr", foreign) is UNKNOWN
    assert view.whole("a.yaml", [TWO, mine]) == mine
    assert view.whole("a.yaml", [foreign]) is None
    assert not view.is_sure("a.yaml", [foreign])
    assert view.is_sure("a.yaml", [Contents(root, KEY).keyed(TWO)])


def test_listings(root: Path) -> None:
    (root / "d").mkdir()
    (root / "d" / "a").touch()
    listing = Contents(root, KEY).part("d", "#listing")
    assert tree(root).compare("d", "#listing", listing, whole=listing) is SAME
    assert tree(root).whole("d", [listing]) == listing
    (root / "d" / "b").touch()
    view = tree(root)
    assert view.compare("d", "#listing", listing, whole=listing) is DIFFERENT
    assert view.compare("gone", "#listing", listing) is DIFFERENT
    assert view.compare("d/a", "#listing", listing) is DIFFERENT
    assert view.has_word(".")
    assert not view.is_absent(".")


def test_a_directory_where_nothing_was_is_a_change(root: Path) -> None:
    (root / "x").mkdir()
    os.mkfifo(root / "pipe")
    view = tree(root)
    for name in ("x", "pipe"):
        assert not view.is_absent(name)
        assert view.compare(name, "#bytes", ABSENT) is DIFFERENT
        assert view.compare(name, "#bytes", ONE, whole=ONE) is DIFFERENT


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_what_cannot_be_read_is_unknown_and_said(root: Path) -> None:
    (root / "bad").symlink_to("/proc/self/mem")
    (root / "loop").symlink_to("loop")
    view = tree(root)
    for name in ("bad", "loop"):
        assert view.compare(name, "#bytes", ONE) is Verdict.UNREADABLE
        assert view.whole(name, {ONE}) is None
        assert not view.is_sure(name, {ONE})
        assert not view.is_absent(name)
    assert view.unreadable == {"bad", "loop"}


def test_one_question_is_judged_by_one_state(root: Path) -> None:
    (root / "a").write_bytes(b"1")
    view = tree(root)
    assert view.compare("a", "#bytes", ONE) is SAME
    (root / "a").write_bytes(b"2")
    assert view.compare("a", "#bytes", ONE) is SAME
    assert tree(root).compare("a", "#bytes", ONE) is DIFFERENT


def test_prepared_answers_are_the_same(root: Path, tmp_path: Path) -> None:
    names = [f"d/{index}" for index in range(200)]
    (root / "d").mkdir()
    for name in names[::2]:
        (root / name).write_bytes(name.encode())
    wanted = {
        name: [("#bytes", content_digest(name.encode()))] for name in [*names, "env:x", "../y"]
    }
    prepared, asked = tree(root, StatCache(tmp_path / "c.sqlite")), tree(root)
    prepared.prepare(wanted)
    for name, pairs in wanted.items():
        for part, digest in pairs:
            assert prepared.compare(name, part, digest) is asked.compare(name, part, digest)
            assert prepared.is_absent(name) == asked.is_absent(name)


def test_files_outside_are_known_where_the_name_is_of_this_machine(
    root: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").write_bytes(b"1")
    path = str(tmp_path / "data")
    mine = outside_name(KEY, this_host(), os.fsencode(path))
    others = outside_name(KEY, "another", os.fsencode(path))
    titles = {mine: path, others: path}
    view = WorkingTree(root, Contents(root, KEY), titles=titles)
    assert view.compare(mine, "#bytes", ONE) is SAME
    assert not view.has_word(others)
    resolved = WorkingTree(root, Contents(root, KEY), outside={"outside:h": path}.get)
    assert resolved.compare("outside:h", "#bytes", ONE) is SAME
    assert not resolved.has_word("outside:i")


def test_environments_and_hardware_of_this_machine(root: Path) -> None:
    view = tree(root)
    name = environment_name(sys.prefix, key=KEY, root=root)
    assert view.has_word(name)
    assert view.compare(name, "pytest", f"v:{pytest.__version__}") is SAME
    assert view.compare(name, "pytest", "v:0") is DIFFERENT
    assert view.compare(name, "no-such-thing", "v:0") is DIFFERENT
    assert not view.has_word("env:000000000000")
    assert view.compare("env:000000000000", "numpy", "v:1") is UNKNOWN
    machine = describe_hardware(key=KEY)
    assert view.has_word(machine.name)
    assert view.compare(machine.name, "cpu", machine.touched["cpu"]) is SAME
    assert view.compare(machine.name, "cpu", "v:other") is DIFFERENT
    assert view.compare("hardware:000000000000", "cpu", "v:x") is UNKNOWN


# -- a commit ------------------------------------------------------------------------------------


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in AS.items():
        monkeypatch.setenv(name, value)
    root = repository(tmp_path / "r", {"a": b"1", "d/c.json": b'{"lr": 1}', "m.py": b"x = 1\n"})
    (root / "link").symlink_to("d/../a")
    (root / "away").symlink_to("/etc/hostname")
    (root / "big").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    )
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "two")
    (root / "a").write_bytes(b"2")
    (root / "untracked").write_bytes(b"1")
    return root


def test_a_commit_knows_tracked_files_only(repo: Path, tmp_path: Path) -> None:
    for cache in (None, StatCache(tmp_path / "c.sqlite"), StatCache(tmp_path / "c.sqlite")):
        view = GitRef(repo, "main", Contents(repo, KEY), cache)
        assert isinstance(view, Viewpoint)
        assert view.label == f"git:{git(repo, 'rev-parse', 'HEAD')[:12]}"
        view.prepare({"a": [], "untracked": [], "d/c.json": []})
        assert view.compare("a", "#bytes", ONE) is SAME
        assert view.compare("a", "#bytes", TWO) is DIFFERENT
        assert view.compare("a", "#bytes", ABSENT) is DIFFERENT
        assert view.whole("a", [TWO, ONE]) == ONE
        assert view.is_sure("a", [TWO])
        for name in ("untracked", "away", "big", "d", "missing", "env:x", "../r/a"):
            assert not view.has_word(name), name
            assert view.compare(name, "#bytes", ONE) is UNKNOWN
            assert not view.is_absent(name)
        view.close()


def test_parts_of_tracked_files(repo: Path) -> None:
    contents = Contents(repo, KEY)
    lr, syntax = contents.part("d/c.json", "lr"), contents.part("m.py", "#syntax")
    view = GitRef(repo, "HEAD", contents)
    assert view.compare("d/c.json", "lr", lr) is SAME
    assert view.compare("d/c.json", "ep", lr) is DIFFERENT
    assert view.compare("d/c.json", "ep", ABSENT) is SAME
    assert view.compare("d/c.json", "lr", contents.keyed(lr)) is SAME
    assert view.compare("d/c.json", "lr", keyed_digest(OTHER_KEY, lr.encode())) is UNKNOWN
    assert view.compare("m.py", "#syntax", syntax) is SAME
    assert view.compare("m.py", "#syntax", content_digest(b"x = 1\n")) is SAME
    assert view.compare("link", "#bytes", ONE) is SAME
    view.close()


def test_a_ref_that_is_none_is_an_error(repo: Path) -> None:
    with pytest.raises(UsageError):
        GitRef(repo, "nowhere", Contents(repo, KEY))
