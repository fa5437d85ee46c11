"""What git knows, told by real repositories."""

import os
import subprocess
import threading
from pathlib import Path

import pytest

from provgraph.collect import gitstate
from provgraph.collect.gitstate import GitWatch, RefTree, find_repository, git_state, head_of
from provgraph.collect.secrets import Redactor
from provgraph.errors import UsageError

KEY = b"k" * 32
AS = {
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}


@pytest.fixture(autouse=True)
def _nobodys_config(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AS.items():
        monkeypatch.setenv(name, value)


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def repository(root: Path, files: dict[str, bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    git(root, "init", "-q", "-b", "main")
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "one", "--allow-empty")
    return root


def test_a_clean_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a": b"1", "d/b": b"2"})
    (root / "untracked").touch()
    state = git_state(root, Redactor(KEY))
    assert state.commit == git(root, "rev-parse", "HEAD")
    assert state.branch == "main"
    assert state.dirty is False
    assert state.tracked == {"a", "d/b"}
    assert state.changed == frozenset()
    assert not state.problem


def test_every_way_of_being_dirty(tmp_path: Path) -> None:
    names = ["edited", "staged", "deleted", "moved", 'a b\n"c"']
    root = repository(tmp_path / "r", {name: name.encode() for name in names})
    (root / "edited").write_bytes(b"2")
    (root / 'a b\n"c"').write_bytes(b"2")
    (root / "staged").write_bytes(b"2")
    (root / "new").write_bytes(b"2")
    git(root, "add", "staged", "new")
    (root / "deleted").unlink()
    git(root, "mv", "moved", "target")
    state = git_state(root, Redactor(KEY))
    assert state.dirty
    assert state.changed == {*names, "new", "target"}


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    Path(os.fsdecode(os.fsencode(root) + b"/\xff%")).write_bytes(b"1")
    git(root, "add", "-A")
    state = git_state(root, Redactor(KEY))
    assert state.tracked == {"a", "%FF%25"}
    assert state.changed == {"%FF%25"}


def test_a_project_below_the_repository(tmp_path: Path) -> None:
    top = repository(tmp_path / "r", {"x": b"1", "sub/a": b"1", "subway": b"1"})
    (top / "sub" / "a").write_bytes(b"2")
    (top / "subway").write_bytes(b"2")
    state = git_state(top / "sub", Redactor(KEY))
    assert state.tracked == {"a"}
    assert state.changed == {"a"}
    assert state.dirty


def test_a_repository_without_commits(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a").touch()
    git(tmp_path, "add", "a")
    state = git_state(tmp_path, Redactor(KEY))
    assert (state.commit, state.branch, state.dirty) == (None, "main", True)
    assert state.tracked == {"a"}


def test_no_repository_at_all(tmp_path: Path) -> None:
    watch = GitWatch(tmp_path, Redactor(KEY))
    assert watch.repository is None
    assert watch.state() == gitstate.GitState()


def test_no_git_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    monkeypatch.setenv("PATH", str(tmp_path))
    state = git_state(root, Redactor(KEY))
    assert state.commit
    assert state.dirty is None
    assert "git" in state.problem
    with pytest.raises(UsageError, match="git can't be started"):
        RefTree(root, "HEAD")


def test_a_damaged_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    (root / ".git" / "index").write_bytes(b"garbage")
    state = git_state(root, Redactor(KEY))
    assert state.dirty is None
    assert state.problem


def test_detached_packed_and_slashed_heads(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    commit = git(root, "rev-parse", "HEAD")
    found = find_repository(root)
    assert found
    git(root, "checkout", "-q", "-b", "feature/x")
    assert head_of(found) == (commit, "feature/x")
    git(root, "pack-refs", "--all")
    assert head_of(found) == (commit, "feature/x")
    git(root, "checkout", "-q", "--detach")
    assert head_of(found) == (commit, None)


def test_a_worktree_shares_the_common_folder(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    git(root, "worktree", "add", "-q", "-b", "other", str(tmp_path / "w"))
    found = find_repository(tmp_path / "w")
    assert found
    assert found.common == (root / ".git").resolve()
    assert head_of(found)[1] == "other"
    assert git_state(tmp_path / "w", Redactor(KEY)).tracked == {"a"}


def test_remotes_lose_credentials(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {})
    git(root, "remote", "add", "origin", "https://me:ghs3cret@example.org/a.git")
    git(root, "remote", "add", "upstream", "git@example.org:a.git")
    assert git_state(root, Redactor(KEY)).remotes == {
        "origin": "https://example.org/a.git",
        "upstream": "git@example.org:a.git",
    }


def test_inside_a_hook_git_looks_at_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    other = repository(tmp_path / "o", {"b": b"1"})
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert git_state(root, Redactor(KEY)).tracked == {"a"}


def test_asking_writes_nothing(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    os.utime(root / "a", (1, 1))  # git would refresh its index
    before = (root / ".git" / "index").stat().st_mtime_ns, sorted(os.listdir(root / ".git"))
    git_state(root, Redactor(KEY))
    after = (root / ".git" / "index").stat().st_mtime_ns, sorted(os.listdir(root / ".git"))
    assert before == after


def test_a_slow_git_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
    state = GitWatch(root, Redactor(KEY)).state(patience=0.1)
    assert state.dirty is None
    assert state.problem == "git took too long"
    stopped = GitWatch(root, Redactor(KEY))
    stopped.close()
    assert threading.active_count() < 10


def test_a_foreign_repository_is_a_problem_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    state = git_state(root, Redactor(KEY))
    assert state.commit
    assert state.dirty is None
    assert "dubious ownership" in state.problem


def test_content_of_a_ref(tmp_path: Path) -> None:
    root = repository(tmp_path / "r", {"a": b"1\n", "d/b b": b"\0\xff\n\n", "empty": b""})
    (root / "a").write_bytes(b"2")
    tree = RefTree(root, "main")
    assert tree.commit == git(root, "rev-parse", "main")
    contents = {name: tree.content(entry.blob) for name, entry in tree.entries.items()}
    assert contents == {"a": b"1\n", "d/b b": b"\0\xff\n\n", "empty": b""}
    with pytest.raises(OSError, match="no content"):
        tree.content("0" * 40)
    assert tree.content(tree.entries["a"].blob) == b"1\n"
    tree.close()


@pytest.mark.parametrize("ref", ["nowhere", "--help", "", "main:a", "a b"])
def test_a_ref_that_is_none(tmp_path: Path, ref: str) -> None:
    root = repository(tmp_path / "r", {"a": b"1"})
    with pytest.raises(UsageError) as caught:
        RefTree(root, ref)
    assert caught.value.hint
