"""`%load_ext provgraph`: each cell of a live notebook that makes something is a run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

import pytest

from tests.scenario.shell import Project

WAIT = 120


class Kernel:
    """A real kernel, as a notebook's page has one."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def run(self, source: str, *, cell: str = "") -> str:
        """Execute a cell; gives all that it writes, shows and raises."""
        message = self._client.session.msg(
            "execute_request", {"code": source, "silent": False, "store_history": True}
        )
        message["metadata"] = {"cellId": cell} if cell else {}
        self._client.shell_channel.send(message)
        said: str = ""
        while True:
            try:
                heard = self._client.get_iopub_msg(timeout=WAIT)
            except Empty:
                raise AssertionError("the kernel says nothing") from None
            if heard["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            content = heard["content"]
            said += content.get("text", "") + "\n".join(content.get("traceback", ()))
            said += content.get("data", {}).get("text/plain", "")
            if content.get("execution_state") == "idle":
                return said


@contextmanager
def kernel(project: Project, **env: str) -> Iterator[Kernel]:
    pytest.importorskip("ipykernel", reason="requirements/dev.txt has it")
    from jupyter_client.manager import KernelManager

    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(project.root), env=project.environ(env))
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=WAIT)
        yield Kernel(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def notebook(project: Project, name: str, *sources: str) -> None:
    cells: list[dict[str, Any]] = [
        {
            "id": f"c{number}",
            "cell_type": "code",
            "source": source.splitlines(keepends=True),
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    project.write(name, json.dumps(document))


def shown(project: Project, name: str) -> Any:
    return project.ask("show", project.ask("show", name)["node"]["made_by"])


def inputs(project: Project, name: str) -> set[str]:
    return {
        use["name"]
        for use in shown(project, name)["uses"]
        if use["kind"] in ("Script", "Dataset", "Result", "Config") and use["name"] != "."
    }


LOAD = "%load_ext provgraph"
READ = "import json\nrows = open('in.txt').read()"
FIRST = "with open('a.txt', 'w') as file:\n    file.write(rows)"
MORE = "more = open('more.txt').read()"
LOOK = "open('a.txt').read()"
SECOND = "with open('b.txt', 'w') as file:\n    file.write(rows + more)"


def test_cells_are_runs_that_rest_on_all_the_kernel_has_read(project: Project) -> None:
    project.write("in.txt", "in")
    project.write("more.txt", "more")
    notebook(project, "work.ipynb", LOAD, READ, FIRST, MORE, SECOND, "1 + 1", LOOK)

    with kernel(project) as live:
        assert live.run(LOAD, cell="c0") == ""
        for number, source in enumerate((READ, FIRST, MORE, SECOND), 1):
            assert live.run(source, cell=f"c{number}") in ("", "2", "4", "6")
        assert live.run("1 + 1", cell="c5") == "2"
        assert [run["step"] for run in project.runs()] == ["work.ipynb[c4]", "work.ipynb[c2]"]
        assert inputs(project, "a.txt") == {"in.txt", "work.ipynb"}
        assert inputs(project, "b.txt") == {"in.txt", "more.txt", "work.ipynb"}
        assert project.status()["current"] == {"a.txt", "b.txt"}

        assert project.hit("more.txt") == {"b.txt"}

        # Executed again, it is the same step, whatever was looked at in between.
        assert live.run(LOOK) == "'in'"
        live.run(FIRST, cell="c2")
        assert project.runs()[0]["step"] == "work.ipynb[c2]"
        assert project.status()["current"] == {"a.txt", "b.txt"}

    assert project.hit("in.txt") == {"a.txt", "b.txt"}
    # A cell that was executed and isn't in the file: nobody can do that again.
    notebook(project, "work.ipynb", LOAD, READ, FIRST, MORE, SECOND, "1 + 1")
    assert project.fallen() == {"stale": {"a.txt"}}
    # An edit of a later cell changes nothing that was made before it; a cell not run, nothing.
    notebook(project, "work.ipynb", LOAD, READ, FIRST, MORE, SECOND, "1 + 1", LOOK, "2 + 2")
    assert project.fallen() == {}
    notebook(project, "work.ipynb", LOAD, READ, FIRST, MORE, SECOND + "\n# x", "1 + 1", LOOK)
    assert project.fallen() == {"stale": {"a.txt", "b.txt"}}  # a.txt was made anew after it
    notebook(project, "work.ipynb", LOAD, READ + "\n# x", FIRST, MORE, SECOND, "1 + 1", LOOK)
    assert project.fallen() == {"stale": {"a.txt", "b.txt"}}
    assert "run the notebook again" in project.provgraph("redo", code=None).text
    assert list((project.ledger / "spool").iterdir()) == []


def test_failures_and_faults_in_a_notebook(project: Project) -> None:
    project.write("in.txt", "in")
    with kernel(project) as live:
        live.run("before = open('in.txt').read()")
        live.run(LOAD)
        said = live.run("open('half.txt', 'w').write('1'); raise KeyError('mine')")
        assert "KeyError" in said
        assert "provgraph" not in said
        live.run(f"%run -i {project.write('script.py', SECOND_SCRIPT)}")
        live.run("import provgraph\nwith provgraph.run('named') as run: run.metric('auc', 0.5)")
        # A ledger that can't be written harms no cell, and is said.
        live.run("!chmod -R a-w .git/provgraph && mv .git/provgraph .git/elsewhere")
        said = live.run("open('c.txt', 'w').write('1')")
        assert said.endswith("1")
        live.run("!mv .git/elsewhere .git/provgraph && chmod -R u+w .git/provgraph")
        assert live.run("%unload_ext provgraph") == ""
        live.run("open('after.txt', 'w').write('1')")
        live.run("%load_ext provgraph")
        live.run("open('again.txt', 'w').write('1')")

    made = {name for run in project.runs() for name in _produced(project, run["id"])}
    assert made >= {"half.txt", "d.txt", "again.txt"}
    assert "after.txt" not in made
    half = shown(project, "half.txt")
    assert half["node"]["status"] == "failed"
    reasons = {gap["reason"] for gap in half["gaps"]}
    assert reasons >= {"earlier-reads", "unsaved-code"}
    assert "script.py" in inputs(project, "d.txt")


SECOND_SCRIPT = "open('d.txt', 'w').write(before)\n"


def _produced(project: Project, run: str) -> set[str]:
    return {line["name"] for line in project.ask("show", f"run:{run}")["produces"]}


def test_a_kernel_that_is_killed_amid_a_cell(project: Project) -> None:
    project.write("in.txt", "in")
    with kernel(project) as live:
        live.run(LOAD)
        live.run("open('a.txt', 'w').write(open('in.txt').read())")
        live.run("import os, signal\nopen('b.txt', 'w').write('1')")
        live.run("if os.fork() == 0: os._exit(0)\nos.wait()")
        live._client.execute("open('c.txt', 'w').write('1'); os.kill(os.getpid(), signal.SIGKILL)")
        while live._client.is_alive():
            pass

    assert {"a.txt", "b.txt"} <= project.status()["current"]
    assert "c.txt" in project.status()["stale"]
    project.provgraph("ledger", "verify")


def test_in_a_terminal(project: Project) -> None:
    project.write("in.txt", "in")
    lines = f"{LOAD}\nx = open('in.txt').read()\nopen('a.txt', 'w').write(x)\n"
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner"],
        input=lines,
        cwd=project.root,
        env=project.environ(),
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert "provgraph:" not in done.stdout + done.stderr
    assert inputs(project, "a.txt") == {"in.txt"}
