"""What the stories share: a home of their own, an identity for git, projects to begin with."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.scenario.shell import Project, begin
from tests.scenario.trunk import told
from tests.support.neo4j.fixtures import wipe
from tests.support.neo4j.server import Neo4j

GIT = """\
[user]
name = Ada Tester
email = ada@example.org
[protocol "file"]
allow = always
"""
Begin = Callable[..., Project]


@pytest.fixture(scope="session")
def env(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Give an environment in which nothing of the person who runs the tests is seen or changed."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(GIT)
    bin_ = home / "bin"
    bin_.mkdir()
    provgraph = bin_ / "provgraph"
    provgraph.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m provgraph "$@"\n')
    provgraph.chmod(0o755)
    # PROVGRAPH_TEST_GRAPH=bolt://… tells every story with its questions asked of that graph.
    shared = {"PROVGRAPH_GRAPH": os.environ.get("PROVGRAPH_TEST_GRAPH", "")}
    return {
        **{key: value for key, value in shared.items() if value},
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": os.pathsep.join([str(bin_), str(Path(sys.executable).parent), os.defpath]),
        "LANG": "C.UTF-8",
        "TMPDIR": str(tmp_path_factory.mktemp("tmp")),
    }


@pytest.fixture(autouse=True)
def _graph_of_its_own() -> None:
    """Empty PROVGRAPH_TEST_GRAPH before each story: copies of one project share their records."""
    url = os.environ.get("PROVGRAPH_TEST_GRAPH")
    if url:
        wipe(Neo4j(url))


@pytest.fixture
def project(tmp_path: Path, env: Mapping[str, str]) -> Iterator[Project]:
    """Give an empty project in a git repository, and room for passing files of its own.

    That has a short path: the address of a Unix socket has 107 bytes.
    """
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as passing:
        yield begin(tmp_path / "project", {**env, "TMPDIR": passing})


@pytest.fixture(scope="session")
def told_once(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    """Give the trunk story, told once; not to be changed, nor asked anything that records."""
    return told(begin(tmp_path_factory.mktemp("told") / "story", env))


@pytest.fixture
def story(told_once: Project, tmp_path: Path) -> Project:
    """Give a copy of the trunk story to go on with."""
    return told_once.copy_to(tmp_path / "story")
