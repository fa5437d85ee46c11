"""The example as a newcomer meets it: real data, and the answers that its README promises."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from tests.scenario.shell import ROOT, Project, begin

pytestmark = pytest.mark.example

EXAMPLE = ROOT / "examples" / "penguins"
EXPECTED: dict[str, Any] = tomllib.loads((EXAMPLE / "expected.toml").read_text())


@pytest.fixture(scope="module")
def penguins(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    # `make test` makes the example's own environment; without one, that of the tests may do.
    own = ROOT / ".venv-demo" / "bin"
    if own.is_dir():
        env = {**env, "PATH": f"{own}{os.pathsep}{env['PATH']}"}
    else:
        for package in ("sklearn", "pandas", "matplotlib"):
            pytest.importorskip(package, exc_type=ImportError)
    root = tmp_path_factory.mktemp("example") / "penguins"
    shutil.copytree(
        EXAMPLE, root, ignore=shutil.ignore_patterns("out", "__pycache__", "graph.html")
    )
    project = begin(root, env)
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "the example")
    said = project.shell("RUN='provgraph run --' sh pipeline.sh")
    assert said.code == 0, said.told
    return project


def test_everything_is_current_and_nothing_blocks(penguins: Project) -> None:
    status = penguins.ask("status")

    assert status["totals"]["current"] == 13
    assert {gap["grade"] for gap in status["gaps"]} <= {"noted"}
    assert penguins.fallen() == {}


@pytest.mark.parametrize("case", EXPECTED["impact"], ids=lambda case: case["selector"])
def test_impact(penguins: Project, case: dict[str, Any]) -> None:
    answer = penguins.ask("impact", case["selector"])

    results = {hit["name"] for hit in answer["affected"] if hit["kind"] != "Run"}
    assert results == set(case["affected"])
    assert answer["totals"]["blocking_gaps"] == 0
    assert all(hit["words"] for hit in answer["affected"])


@pytest.mark.parametrize("case", EXPECTED["why"], ids=lambda case: case["effect"])
def test_why(penguins: Project, case: dict[str, Any]) -> None:
    answer = penguins.ask("why", case["effect"])

    rests_on = {
        node["name"]
        for node in answer["nodes"]
        if node["kind"] not in ("Run", "Environment", "Hardware")
        and node["name"] != case["effect"]
        and (penguins.root / node["name"]).is_file()
    }
    assert rests_on == set(case["rests_on"])
