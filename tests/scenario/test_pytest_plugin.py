"""`pytest --provgraph`: a session that records itself, and one that isn't asked to and doesn't."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.scenario.shell import Project

CONFTEST = """\
import pytest

@pytest.fixture(scope="session")
def rows():
    with open("data.csv") as file:
        return file.read()
"""
TESTS = """\
from shop import total

def test_total(rows):
    assert total(rows) == 3

def test_written(rows):
    with open("report.txt", "w") as file:
        file.write(rows)
"""


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("shop.py", "def total(rows):\n    return sum(map(int, rows.split()))\n")
    project.write("conftest.py", CONFTEST)
    project.write("test_shop.py", TESTS)
    project.write("data.csv", "1 2\n")
    return project


def session(project: Project, *words: str, code: int = 0, **how: Any) -> str:
    said = project.call(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words, **how)
    assert said.code == code, said
    return said.text + said.told


def inputs(project: Project) -> set[str]:
    shown = [project.ask("show", f"run:{run['id']}") for run in project.runs()]
    uses = [use for one in shown for use in one["uses"]]
    return {use["name"] for use in uses if use["kind"] in ("Script", "Dataset")}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_a_session_is_recorded(shop: Project, workers: tuple[str, ...]) -> None:
    plain = session(shop, "-q", *workers)
    assert shop.runs() == []

    said = session(shop, "--provgraph", "-q", *workers)

    assert [line for line in said.splitlines() if "passed" not in line] == [
        line for line in plain.splitlines() if "passed" not in line
    ]
    (run,) = [one for one in shop.runs() if not one["within"]]
    assert (run["step"], run["status"]) == ("python -m pytest", "ok")
    assert inputs(shop) >= {"shop.py", "conftest.py", "test_shop.py", "data.csv"}
    assert "report.txt" in shop.hit("data.csv")
    # It is the step that it is behind `provgraph run --`, and redone by that.
    shop.write("data.csv", "3\n")
    shop.provgraph("redo")
    assert shop.read("report.txt") == "3\n"
    assert shop.fallen() == {}


def test_failures_settings_and_how_it_is_switched_off(shop: Project, tmp_path: Any) -> None:
    shop.write("pytest.ini", "[pytest]\nprovgraph = true\naddopts = -W error\n")
    shop.write("data.csv", "4\n")

    assert "1 failed, 1 passed" in session(shop, code=1)
    (run,) = shop.runs()
    assert run["status"] == "failed"
    session(shop, code=1, env={"PROVGRAPH": "off"})
    session(shop, "-n", "2", code=1, env={"PROVGRAPH": "off"})
    program = "import pytest, sys; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider']))"
    said = shop.call(sys.executable, "-c", program)
    assert said.code == 1
    assert "isn't recorded" in said.told
    # Behind the prefix it is the prefix that counts; and where there is no project, it runs.
    shop.call("provgraph", "run", "--", sys.executable, "-m", "pytest")
    assert len(shop.runs()) == 2
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "test_x.py").write_text("def test(): pass\n")
    elsewhere = Project(tmp_path / "elsewhere", shop.env)
    assert "1 passed" in session(elsewhere, "--provgraph")


def test_nothing_is_imported_for_a_session_that_does_not_ask(shop: Project) -> None:
    shop.write(
        "test_light.py",
        """\
        import sys

        def test_light():
            ours = {name for name in sys.modules if name.split(".")[0] == "provgraph"}
            assert ours <= {"provgraph", "provgraph.pytest_plugin"}
        """,
    )
    assert "1 passed" in session(shop, "test_light.py")
