from __future__ import annotations

import os
from pathlib import Path

import pytest

from provgraph.errors import LedgerError
from provgraph.ledger import Ledger, locate
from tests.unit.ledger.making import a_ledger, a_repository, git


def test_in_git_it_lies_in_the_common_directory(tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo")
    assert locate(repository) == repository / ".git" / "provgraph"
    assert Ledger.locate(repository) == locate(repository)


def test_a_project_below_the_top_of_a_repository_uses_its_git_directory(tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo")
    (repository / "experiments").mkdir()
    assert locate(repository / "experiments") == repository / ".git" / "provgraph"


def test_worktrees_share_it_and_git_agrees(tmp_path: Path) -> None:
    repository = a_repository(tmp_path / "repo")
    worktree = tmp_path / "a worktree"
    git("worktree", "add", "--quiet", "-b", "other", str(worktree), cwd=repository)
    assert locate(worktree) == locate(repository)
    assert git("rev-parse", "--git-common-dir", cwd=worktree) == str(repository / ".git")


def test_a_submodule_has_its_own(tmp_path: Path) -> None:
    part, whole = a_repository(tmp_path / "part"), a_repository(tmp_path / "whole")
    allowed = ("-c", "protocol.file.allow=always")
    git(*allowed, "submodule", "--quiet", "add", str(part), "sub", cwd=whole)
    assert locate(whole / "sub") == whole / ".git" / "modules" / "sub" / "provgraph"


def test_a_separate_git_directory_is_followed(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    git("init", "--quiet", f"--separate-git-dir={tmp_path / 'elsewhere'}", cwd=tmp_path / "repo")
    assert locate(tmp_path / "repo") == tmp_path / "elsewhere" / "provgraph"


def test_outside_git_it_lies_in_the_project(tmp_path: Path) -> None:
    assert locate(tmp_path) == tmp_path / ".provgraph"


def test_a_ledger_older_than_its_repository_stays_in_sight(tmp_path: Path) -> None:
    a_ledger(locate(tmp_path))
    a_repository(tmp_path)
    assert locate(tmp_path) == tmp_path / ".provgraph"
    assert ".provgraph" not in git("ls-files", cwd=tmp_path)


def test_a_git_file_that_points_nowhere_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /no/such/place\n")
    with pytest.raises(LedgerError, match="/no/such/place") as caught:
        locate(tmp_path)
    assert "worktree repair" in caught.value.hint


def test_the_environment_has_no_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository, other = a_repository(tmp_path / "repo"), a_repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.chdir(other)
    assert locate(repository) == repository / ".git" / "provgraph"
    assert locate(Path(os.path.relpath(repository))) == repository / ".git" / "provgraph"
