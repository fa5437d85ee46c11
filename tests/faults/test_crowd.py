"""Many runs at once, beside those who ask, push and look: none is lost, none waits for ever."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path

from tests.faults.world import LOG, STATUS, VERIFY, World
from tests.scenario.shell import PROVGRAPH, Project, Said

WAIT = 600
ONE = "import os, sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read() + str(os.getpid()))\n"
IMPACT = ("impact", "shared.txt", "--all", "--format", "json")


def at_once(project: Project, products: list[str]) -> list[Said]:
    """Run a command for each product, all at the same time."""
    runs = [
        subprocess.Popen(
            [*PROVGRAPH, "run", "--", "python", "one.py", "shared.txt", product],
            cwd=project.root,
            env=project.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for product in products
    ]
    said = []
    for run in runs:
        out, err = run.communicate(timeout=WAIT)
        said.append(Said(run.returncode, out, err))
    return said


def agrees_with_a_fresh_index(world: World) -> dict[str, object]:
    """See that the index answers as one made anew does; gives the status."""
    *before, verify, rebuild, status, impact, log = world.asking(
        world.project, STATUS, IMPACT, LOG, VERIFY, ["graph", "rebuild"], STATUS, IMPACT, LOG
    )
    assert verify[0] == 0, verify
    assert rebuild[0] == 0, rebuild
    assert before == [status, impact, log]
    assert world.spooled() == []
    answer: dict[str, object] = json.loads(status[1])
    return answer


def test_64_runs_at_once_beside_those_who_ask(world: World, tmp_path: Path) -> None:
    project, shared = world.project, tmp_path / "shared"
    project.write("one.py", ONE)
    project.write("shared.txt", "1")
    questions = (["status"], ["log"], ["push", str(shared)])
    over = threading.Event()
    asked: list[Said] = []

    def ask(words: list[str]) -> None:
        while not over.is_set():
            asked.append(project.call(*PROVGRAPH, *words))

    threads = [threading.Thread(target=ask, args=(words,)) for words in questions]
    for thread in threads:
        thread.start()
    products = [f"{number}.made" for number in range(64)]
    try:
        said = at_once(project, products)
    finally:
        over.set()
        for thread in threads:
            thread.join(WAIT)

    assert said == [(0, b"", b"")] * 64
    assert [one for one in asked if one.code or b"Traceback" in one.err] == []
    assert len(asked) >= len(questions)
    runs = {name: run for name, run in world.logged().items() if name not in world.before}
    assert len(runs) == 64
    assert {run["status"] for run in runs.values()} == {"ok"}
    status = agrees_with_a_fresh_index(world)
    assert set(products) <= set(status["current"])  # type: ignore[call-overload]
    assert project.hit("shared.txt") >= set(products)
    project.provgraph("push", str(shared))
    assert {path.name for path in (shared / "records").rglob("*.json")} == world.records()


def test_8_runs_at_once_that_write_one_product(world: World) -> None:
    world.project.write("one.py", ONE)
    world.project.write("shared.txt", "1")

    said = at_once(world.project, ["same.made"] * 8)

    assert said == [(0, b"", b"")] * 8
    assert len(world.logged()) == len(world.before) + 8
    status = agrees_with_a_fresh_index(world)
    assert "same.made" not in json.dumps([status["modified"], status["missing"]])
    assert "same.made" in world.project.hit("shared.txt", "--all")
