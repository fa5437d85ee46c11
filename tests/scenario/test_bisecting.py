"""`provgraph bisect`: what decides a metric, found in a copy that leaves no trace."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.shell import PROVGRAPH, Project, validate
from tests.scenario.test_running import until

PREPARE = """
    import json

    import provgraph

    scale = provgraph.params("p.json")["scale"]
    rows = [float(line) * scale for line in open("raw.txt")]
    open("table.txt", "w").write("\\n".join(map(str, rows)))
    """
TRAIN = """
    import json
    import os
    import time

    import helper
    import provgraph

    given = provgraph.params("p.json")
    rows = [float(line) for line in open("table.txt")]
    value = sum(rows) / given["depth"] + given["bias"] * helper.weight()
    if os.environ.get("HANG"):
        open("../hanging.log", "a").write("x")
        time.sleep(60)
    with open("m.json", "w") as file:
        json.dump({"loss": value}, file)
    """


@pytest.fixture
def pipe(project: Project) -> Project:
    """Give two stages, committed and run once, whose metric several things go into."""
    project.write("prepare.py", PREPARE)
    project.write("train.py", TRAIN)
    project.write("helper.py", "def weight():\n    return 1\n")
    project.write("raw.txt", "1\n2\n")
    config(project)
    project.git("add", ".")
    project.git("commit", "-qm", "all")
    return again(project)


def config(project: Project, **changes: float) -> None:
    keys = {"scale": 1, "depth": 2, "bias": 0, "colour": 1} | changes
    text = ", ".join(f'"{key}": {value}' for key, value in keys.items())
    project.write("p.json", "{" + text + "}\n")


def again(project: Project) -> Project:
    project.script("prepare.py")
    project.script("train.py")
    return project


def bisect(project: Project, *words: str, code: int = 0, **how: Any) -> Any:
    runs = [run["id"] for run in project.runs("--step", "train.py")]
    ends = (f"run:{runs[1]}", f"run:{runs[0]}")
    answer = project.provgraph(
        "bisect", "loss", *ends, *words, "--format", "json", code=code, **how
    ).json
    validate(answer)
    return answer


def tree(project: Project) -> dict[str, tuple[bytes, int]]:
    """Give every file of the project and its ledger, with when it was changed."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in project.root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_one_key_that_decides(pipe: Project) -> None:
    config(pipe, depth=4, bias=0, colour=2)
    pipe.write("helper.py", "def weight():\n    return 20\n")
    pipe.write("raw.txt", "2\n1\n")
    again(pipe)
    before = tree(pipe)
    answer = bisect(pipe)
    assert answer["deciding"] == ["p.json"]
    assert answer["values"] == ["1.5", "0.75"]
    assert tree(pipe) == before
    assert os.listdir(pipe.env["TMPDIR"]) == []


def test_differences_that_decide_together(pipe: Project) -> None:
    config(pipe, bias=3, depth=2)
    pipe.write("helper.py", "def weight():\n    return 50\n")
    pipe.write("raw.txt", "2\n1\n")
    answer = bisect(again(pipe))
    assert set(answer["candidates"]) == {"p.json", "helper.py", "raw.txt"}
    assert set(answer["deciding"]) == {"p.json", "helper.py"}
    assert "decide together" in answer["words"]


def test_keys_of_one_file_are_told_apart(pipe: Project) -> None:
    config(pipe, depth=2.0, bias=7)
    pipe.write("raw.txt", "2\n1\n")
    pipe.git("commit", "-qam", "later")  # content is in git, whatever the tree holds
    again(pipe)
    config(pipe)
    answer = bisect(pipe)
    assert set(answer["candidates"]) == {"p.json#bias", "p.json#depth", "raw.txt"}
    assert answer["deciding"] == ["p.json#bias"]


def test_arguments_and_variables(project: Project) -> None:
    project.write(
        "t.py",
        """
        import json, os, sys

        threads = float(os.environ.get("OMP_NUM_THREADS", "0"))
        with open("m.json", "w") as file:
            json.dump({"loss": float(sys.argv[1]) + (10 * threads if threads > 2 else 0)}, file)
        """,
    )
    for argument, threads in (("1", "2"), ("5", "1"), ("5", "4")):
        project.run(
            "python", "t.py", argument, options=("--name", "t"), env={"OMP_NUM_THREADS": threads}
        )
    last, middle, first = [f"run:{run['id']}" for run in project.runs("--step", "t")]
    found = project.ask("bisect", "loss", first, middle)
    assert set(found["candidates"]) == {"$OMP_NUM_THREADS", "arguments of t"}
    assert found["deciding"] == ["arguments of t"]
    assert project.ask("bisect", "loss", middle, last)["deciding"] == ["$OMP_NUM_THREADS"]
    assert len(project.runs()) == 3


def test_a_product_that_is_gone_is_made_again_in_the_copy(pipe: Project) -> None:
    pipe.write("helper.py", "def weight():\n    return 20\n")
    config(pipe, bias=1)
    pipe.script("train.py")
    (pipe.root / "table.txt").unlink()
    answer = bisect(pipe)
    assert answer["deciding"] == ["helper.py", "p.json"]
    assert not (pipe.root / "table.txt").exists()


def test_a_dry_run_only_says_what_would_be_tried(pipe: Project) -> None:
    config(pipe, depth=4)
    answer = bisect(again(pipe), "--dry-run")
    assert (answer["trials"], answer["candidates"]) == ([], ["p.json"])


def test_content_that_is_gone_is_said(pipe: Project) -> None:
    pipe.write("raw.txt", "7\n8\n")
    again(pipe)
    pipe.write("raw.txt", "3\n")
    runs = [run["id"] for run in pipe.runs("--step", "train.py")]
    said = pipe.provgraph("bisect", "loss", f"run:{runs[1]}", f"run:{runs[0]}", code=3)
    assert "raw.txt isn't at hand" in " ".join(said.told.split())


def test_what_cant_be_switched_is_said_when_it_decides(pipe: Project) -> None:
    pipe.write("train.py", TRAIN.replace("value = ", 'value = float(os.environ["SALT"]) + '))
    for salt, text in (("1", "1\n2\n"), ("9", "2\n1\n")):
        pipe.write("raw.txt", text)
        pipe.script("prepare.py")
        pipe.script("train.py", env={"SALT": salt})
    answer = bisect(pipe, code=1, env={"SALT": "4"})
    assert answer["deciding"] == []
    assert answer["fixed"] == ["$SALT, whose values weren't recorded"]
    assert "isn't reproduced by its inputs" in answer["words"]


def test_what_writes_outside_or_by_an_absolute_path_is_not_run(pipe: Project) -> None:
    outside = Path(pipe.env["HOME"], "results.txt")
    body = pipe.read("train.py")
    pipe.write("train.py", body + f"\nopen({str(outside)!r}, 'w').write('x')\n")
    again(pipe)
    config(pipe, depth=4)
    again(pipe)
    outside.write_text("kept")
    runs = [f"run:{run['id']}" for run in pipe.runs("--step", "train.py")]
    said = pipe.provgraph("bisect", "loss", runs[1], runs[0], code=3)
    assert "outside the project" in said.told
    assert outside.read_text() == "kept"
    outside.unlink()

    pipe.write("train.py", body + f"\nopen({str(pipe.root / 'table.txt')!r})\n")
    for depth in (1, 3):
        config(pipe, depth=depth)
        pipe.git("commit", "-qam", "one more")
        again(pipe)
    runs = [f"run:{run['id']}" for run in pipe.runs("--step", "train.py")]
    said = pipe.provgraph("bisect", "loss", runs[1], runs[0], code=3)
    assert "names this project's own directory" in said.told


def test_wrong_questions(pipe: Project) -> None:
    again(pipe)
    runs = [f"run:{run['id']}" for run in pipe.runs("--step", "train.py")]
    assert "is the same" in pipe.provgraph("bisect", "loss", *runs, code=2).told
    assert "no metric lss" in pipe.provgraph("bisect", "lss", *runs, code=2).told


def test_ctrl_c_leaves_nothing_behind(pipe: Project) -> None:
    config(pipe, depth=4)
    again(pipe)
    before = tree(pipe)
    runs = [f"run:{run['id']}" for run in pipe.runs("--step", "train.py")]
    process = subprocess.Popen(
        [*PROVGRAPH, "bisect", "loss", runs[1], runs[0]],
        cwd=pipe.root,
        env=pipe.environ({"HANG": "1"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    hanging = Path(pipe.env["TMPDIR"], "hanging.log")
    until(hanging.exists)
    hanging.unlink()
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert os.listdir(pipe.env["TMPDIR"]) == []
    assert tree(pipe) == before
