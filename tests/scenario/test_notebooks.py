"""The notebooks run from top to bottom, offline, and say what they promise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.neo4j.fixtures import driver_of
from tests.support.neo4j.server import Neo4j

CHECKOUT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))
LARGEST = 20_000  # bytes of all the outputs of a notebook
PROMISED = {
    "quickstart.ipynb": (
        "summary.txt",
        "['north.csv', 'summary.txt']",
        "another key: []",
        "plot.width",
        "PRODUCES",
        "quickstart.html",
    ),
    "analysts.ipynb": (
        "summarize.py",
        "data/v3",
        "results rest on scikit-learn",
        "out/v3/metrics.json",
        "penguins/__init__.py",
    ),
}


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
    return found


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_no_output_is_kept_in_git(notebook: Path) -> None:
    for cell in cells(notebook):
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_and_keeps_its_promise(notebook: Path, tmp_path: Path) -> None:
    runs_and_keeps_its_promise(notebook, tmp_path, {})


def test_the_analysts_notebook_asks_a_shared_graph(neo4j: Neo4j, tmp_path: Path) -> None:
    notebook = CHECKOUT / "notebooks" / "analysts.ipynb"
    runs_and_keeps_its_promise(notebook, tmp_path, neo4j.environment)
    with driver_of(neo4j) as driver:
        runs = driver.execute_query("MATCH (r:Run) RETURN count(r)")[0][0][0]
    assert runs == 10


def runs_and_keeps_its_promise(notebook: Path, tmp_path: Path, more: Mapping[str, str]) -> None:
    """Execute a notebook in a process of its own and look at its outputs."""
    pytest.importorskip("nbclient", reason="requirements/dev.txt has it")
    left_out = ("PROVGRAPH", "JUPYTER", "JPY_", "IPYTHON")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    environ |= {
        "HOME": str(tmp_path / "home"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PYTHONPATH": str(CHECKOUT),
        "TMPDIR": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    environ |= more
    (tmp_path / "home").mkdir()
    executed = tmp_path / notebook.name
    executed.write_bytes(notebook.read_bytes())
    done = subprocess.run(
        [sys.executable, "-c", EXECUTE, str(executed)],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    outputs = json.dumps([cell.get("outputs") for cell in cells(executed)], ensure_ascii=False)
    for words in PROMISED.get(notebook.name, ()):
        assert words in outputs
    assert len(outputs) < LARGEST
    assert "http" not in outputs


EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
nbformat.write(notebook, sys.argv[1])
"""
