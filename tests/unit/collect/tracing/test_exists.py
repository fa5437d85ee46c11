"""A file that a run only looks for is recorded as being there, not by what it holds."""

import subprocess
import sys
from pathlib import Path

import pytest

from provgraph.project import Project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    made, _ = Project.init(root)
    return made


def run(project: Project, text: str) -> None:
    (project.root / "s.py").write_text(text)
    command = [sys.executable, "-m", "provgraph", "run", "--", sys.executable, "s.py"]
    subprocess.run(command, cwd=project.root, check=True)


LOOKS = "import os; open('out', 'w').write(str(os.path.exists('flag')))\n"


def test_removing_it_is_a_change_and_editing_it_is_none(project: Project) -> None:
    (project.root / "flag").write_text("1")
    run(project, LOOKS)

    (project.root / "flag").write_text("2")
    assert project.status().totals["stale"] == 0
    (project.root / "flag").unlink()

    assert [one.name for one in project.status().stale] == ["out"]
    assert [hit.name for hit in project.impact(["flag"]).affected] == ["out"]


def test_what_a_run_looks_for_and_writes_is_no_input(project: Project) -> None:
    run(project, LOOKS.replace("'flag'", "'out'"))
    run(project, LOOKS.replace("'flag'", "'out'"))

    shown = project.show("run:" + project.log().runs[0].id)

    assert "out" not in [use.name for use in shown.uses]
    assert project.status().totals["blocking_gaps"] == 0
