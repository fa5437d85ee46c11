"""Projects to explore: the trunk story told once, and one of 100,000 imported nodes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.browser.explorer.serving import Explorer, explorer
from tests.scenario.conftest import env
from tests.scenario.shell import Project, begin
from tests.scenario.trunk import told

__all__ = ["env"]

LARGE = 100_000


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    """Give the trunk story with one result pinned, one edited by hand and its data changed."""
    project = told(begin(tmp_path_factory.mktemp("explored") / "story", env))
    project.provgraph("pin", "out/v3/metrics.json", "--as", "published")
    project.provgraph("note", "train.py", "deeper, after the review")
    project.write("data/v1/a.txt", "9\n9\n9\n")
    return project


@pytest.fixture(scope="session")
def exploring(story: Project) -> Iterator[Explorer]:
    with explorer(story.root, story.env) as running:
        yield running


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    """Give a project of 100,000 imported nodes and 250,000 edges."""
    from benchmarks.lineage import lineage

    project = begin(tmp_path_factory.mktemp("large") / "project", env)
    path = Path(project.root) / "graph.jsonl"
    path.write_bytes(b"".join(lineage(LARGE).lines()))
    project.provgraph("import", "jsonl", os.fspath(path))
    return project


@pytest.fixture(scope="session")
def exploring_large(large: Project) -> Iterator[Explorer]:
    with explorer(large.root, large.env) as running:
        yield running
