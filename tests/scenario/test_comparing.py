"""`provgraph diff`: which differences, upstream ones too, can have reached a metric."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenario.shell import Project

PREPARE = """
    import json

    import provgraph

    scale = provgraph.params("p.json")["scale"]
    rows = [line.split("#")[0].strip() for line in open("raw.txt")]
    open("table.txt", "w").write("\\n".join(str(float(row) * scale) for row in rows))
    """
TRAIN = """
    import json
    import os

    import provgraph

    depth = provgraph.params("p.json")["depth"]
    rows = [float(line) for line in open("table.txt")]
    salt = float(os.environ.get("SALT", "0"))
    noise = float(open("/dev/urandom", "rb").read(1)[0]) if os.path.exists("chance.log") else 0
    with open("m.json", "w") as file:
        json.dump({"loss": sum(rows) / depth + salt + noise}, file)
    """


@pytest.fixture
def pipe(project: Project) -> Project:
    """Give two stages: table.txt from raw.txt and a key; m.json from that and another key."""
    project.write("prepare.py", PREPARE)
    project.write("train.py", TRAIN)
    project.write("raw.txt", "1 # one\n2\n")
    project.write("p.json", '{"scale": 1, "depth": 2, "colour": "red"}')
    return again(project)


def again(project: Project, **env: str) -> Project:
    project.script("prepare.py")
    project.script("train.py", env=env)
    return project


def reach(project: Project) -> tuple[dict[str, Any], dict[str, str]]:
    """Compare the last two runs of train.py: suspects by name, reasons of what is cleared."""
    runs = [run["id"] for run in project.runs("--step", "train.py")]
    (found,) = project.ask("diff", f"run:{runs[1]}", f"run:{runs[0]}")["reach"]
    assert found["metrics"] == ["m.json: loss"]
    return (
        {one["name"]: one for one in found["suspects"]},
        {one["name"]: one["why"] for one in found["cleared"]},
    )


def test_the_key_that_was_read_is_the_suspect(pipe: Project) -> None:
    pipe.write("p.json", '{"scale": 1, "depth": 4, "colour": "blue"}')
    suspects, cleared = reach(again(pipe))
    assert set(suspects) == {"p.json"}
    assert (suspects["p.json"]["detail"], suspects["p.json"]["enters"]) == ("depth", ["train.py"])
    assert "p.json" not in cleared


def test_a_differing_product_is_followed_to_what_made_it_differ(pipe: Project) -> None:
    pipe.write("raw.txt", "1\n5\n")
    pipe.write("train.py", "# a comment\n" + pipe.read("train.py"))
    suspects, cleared = reach(again(pipe))
    assert set(suspects) == {"raw.txt"}
    assert suspects["raw.txt"]["through"] == ["prepare.py", "train.py"]
    assert cleared == {"train.py": "the code is the same: it differs in comments or layout alone"}


def test_what_came_out_equal_is_no_way(pipe: Project) -> None:
    pipe.write("raw.txt", "1 # uno\n2\n")
    pipe.write("p.json", '{"scale": 1, "depth": 4}')
    suspects, cleared = reach(again(pipe))
    assert set(suspects) == {"p.json"}
    assert cleared == {"raw.txt": "train.py: what it read of table.txt came out the same"}


def test_a_variable_and_chance(pipe: Project) -> None:
    suspects, _ = reach(again(pipe, SALT="3"))
    assert set(suspects) == {"$SALT"}

    pipe.write("chance.log", "")
    again(pipe, SALT="3")
    for _ in range(5):
        runs = [run["metrics"] for run in again(pipe, SALT="3").runs("--step", "train.py")]
        if runs[0] != runs[1]:
            break
    suspects, _ = reach(pipe)
    assert {one["section"] for one in suspects.values()} == {"chance"}
    said = pipe.provgraph("diff", *(f"run:{r['id']}" for r in pipe.runs("--step", "train.py")[:2]))
    assert "nothing it read or was given differs" in " ".join(said.text.split())


def test_equal_metrics_have_no_suspects(pipe: Project) -> None:
    pipe.write("raw.txt", "2\n1\n")
    again(pipe)
    runs = [run["id"] for run in pipe.runs("--step", "train.py")]
    assert pipe.ask("diff", f"run:{runs[1]}", f"run:{runs[0]}")["reach"] == []
