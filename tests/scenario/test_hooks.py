"""Git hooks that check: real commits and pushes, other hooks kept, and nothing left behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.scenario.shell import Project


@pytest.fixture
def published(project: Project, tmp_path: Path) -> Project:
    """Give a project on a remote, with a published result and the hooks in place."""
    project.write("a.txt", "1")
    project.write("make.py", "open('out.txt', 'w').write(open('a.txt').read())")
    project.write(".gitignore", "out.txt\n")
    project.git("add", "-A")
    project.git("commit", "--quiet", "-m", "one")
    project.script("make.py")
    project.provgraph("pin", "out.txt", "--as", "published")
    project.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    project.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    project.git("push", "--quiet", "origin", "main")
    return project


def hook(project: Project, name: str) -> Path:
    return Path(project.root, project.git("rev-parse", "--git-path", f"hooks/{name}"))


def commit(project: Project, *options: str, **env: str):  # type: ignore[no-untyped-def]
    return project.call("git", "commit", "-q", "-a", "-m", "x", *options, env=env)


def test_a_commit_that_fells_a_published_result_is_stopped(published: Project) -> None:
    said = published.provgraph("hook", "install")
    assert "checks each commit" in said.text
    published.write("a.txt", "2")
    stopped = commit(published)
    assert stopped.code != 0
    assert "out.txt" in stopped.told
    assert commit(published, PROVGRAPH_SKIP="1").code == 0
    published.write("a.txt", "3")
    assert commit(published, "--no-verify").code == 0
    published.script("make.py")
    published.write("notes.md", "harmless")
    published.git("add", "notes.md")
    assert commit(published).code == 0


def test_a_push_is_checked_against_what_the_remote_has(published: Project) -> None:
    published.provgraph("hook", "install", "--pre-push")
    assert not hook(published, "pre-commit").exists()
    published.write("a.txt", "2")
    assert commit(published).code == 0
    stopped = published.call("git", "push", "-q", "origin", "main")
    assert stopped.code != 0
    assert "out.txt" in stopped.told
    new = published.call("git", "push", "-q", "origin", "main:other")
    assert new.code != 0
    published.script("make.py")
    assert published.call("git", "push", "-q", "origin", "main", "main:other").code == 0
    assert published.call("git", "push", "-q", "origin", ":other").code == 0


def test_a_hook_that_was_there_is_run_first_and_put_back(published: Project) -> None:
    theirs = b"#!/bin/sh\ncat > seen.txt\nexit ${THEIRS:-0}\n"
    path = hook(published, "pre-push")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(theirs)
    path.chmod(0o755)
    published.provgraph("hook", "install")
    published.provgraph("hook", "install")  # twice is once
    published.git("commit", "--quiet", "--allow-empty", "-m", "two")
    assert published.call("git", "push", "-q", "origin", "main", env={"THEIRS": "3"}).code != 0
    assert published.call("git", "push", "-q", "origin", "main").code == 0
    assert "refs/heads/main" in published.read("seen.txt")
    said = published.provgraph("hook", "status").text
    assert "pre-push: checks this project" in said
    published.provgraph("hook", "uninstall")
    assert path.read_bytes() == theirs
    assert os.access(path, os.X_OK)
    assert not hook(published, "pre-commit").exists()
    assert [one.name for one in path.parent.iterdir() if "provgraph" in one.name] == []
    assert "not provgraph's" in published.provgraph("hook", "status").text
    assert "no hook of provgraph's" in published.provgraph("hook", "uninstall").text


def test_a_path_of_hooks_and_a_project_further_down(published: Project, tmp_path: Path) -> None:
    published.git("config", "core.hooksPath", str(tmp_path / "hooks dir"))
    below = published.root / "it's below"
    below.mkdir()
    said = published.call("python", "-m", "provgraph", "init", inside="it's below")
    assert said.code == 0
    published.provgraph("hook", "install", "--pre-commit", inside="it's below")
    published.provgraph("hook", "install", "--pre-commit")
    text = (tmp_path / "hooks dir" / "pre-commit").read_text()
    assert "it's below" in text
    published.write("a.txt", "2")
    stopped = commit(published)
    assert stopped.code != 0
    assert "out.txt" in stopped.told
    published.provgraph("hook", "uninstall", "--pre-commit")
    assert commit(published).code == 0
    published.provgraph("hook", "uninstall", "--pre-commit", inside="it's below")
    assert list((tmp_path / "hooks dir").iterdir()) == []


def test_what_is_checked_out_does_not_answer_instead_of_us(published: Project) -> None:
    published.provgraph("hook", "install", "--pre-commit")
    published.write("provgraph/__init__.py", "")
    published.write("provgraph/__main__.py", "print('fine, fine')")
    published.write("json.py", "raise SystemExit(0)")
    published.write("a.txt", "2")
    said = commit(published)
    assert said.code != 0
    assert "out.txt" in said.told
    assert "fine, fine" not in said.told


def test_where_provgraph_is_not_nothing_is_stopped(published: Project) -> None:
    published.provgraph("hook", "install", "--pre-commit")
    path = hook(published, "pre-commit")
    text = path.read_text()
    path.write_text("\n".join(line.replace("-c 'import provgraph'", "-c 'import nothing_here'")
                              for line in text.split("\n")))  # fmt: skip
    published.write("a.txt", "2")
    said = commit(published, PATH=os.defpath)
    assert said.code == 0
    assert "not found, so this is not checked" in said.told


def test_where_there_is_no_answer_git_goes_on(project: Project) -> None:
    project.write("a.txt", "1")
    project.provgraph("hook", "install")
    project.git("add", "-A")
    said = project.call("git", "commit", "-q", "-m", "one")
    assert said.code == 0
    assert "there is no commit yet" in said.told or "nothing has been recorded" in said.told
