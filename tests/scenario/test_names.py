"""Names and values that break tools: bytes that aren't UTF-8, HTML, newlines, dashes, NaN."""

from __future__ import annotations

import csv
import io
import json
import math
import os

import pytest

from tests.scenario.shell import Project

NAMES = [
    b"two words.csv",
    b"new\nline.csv",
    b"quote'\".csv",
    b"<b>&amp;.csv",
    b"caf\xe9.csv",
    "ünï.csv".encode(),
    b"100%.csv",
    b"%41.csv",
    b"env:x.csv",
    b"a:b.csv",
    b"-rf",
    b"--all",
    b"#part.csv",
    b"x@abcd",
    b"*.csv",
    b"~.csv",
    b"$HOME.csv",
    b"trailing ",
    b".hidden",
    "emoji-🐧.csv".encode(),
    b"\x1b[31mred.csv",
]


def test_every_name_is_followed(project: Project) -> None:
    project.write(
        "copy.py",
        """
        import os
        import sys

        for name in sorted(os.listdir(b"in")):
            with open(b"in/" + name, "rb") as file, open(b"out/" + name, "wb") as out:
                out.write(file.read())
        """,
    )
    (project.root / "out").mkdir()
    for number, name in enumerate(NAMES):
        project.write(b"in/" + name, str(number))
    project.script("copy.py")

    status = project.ask("status")
    assert len(status["current"]) == len(NAMES)
    assert status["gaps"] == []
    asked = project.ask("impact", *(b"./in/" + name for name in NAMES))
    assert len({change["name"] for change in asked["change"]}) == len(NAMES)
    assert len(asked["affected"]) == len(NAMES)
    for name in (b"-rf", b"--all", b"#part.csv", b"x@abcd", b"new\nline.csv"):
        assert len(project.hit(b"./in/" + name)) == len(NAMES), name

    text = project.provgraph("status", "--all").out
    assert b"\x1b" not in text
    project.write(b"in/caf\xe9.csv", "changed")
    said = project.provgraph("impact", b"./in/caf\xe9.csv", env={"PYTHONIOENCODING": "ascii"})
    assert said.out.isascii()
    for words in (["status"], ["impact", "in"], ["log"], ["why", "./out/two words.csv"]):
        table = project.provgraph(*words, "--format", "csv")
        assert list(csv.reader(io.StringIO(table.out.decode("utf-8", "surrogateescape"))))
        assert b"\x1b" not in project.provgraph(*words).out
    project.provgraph("render", "in", "-o", "page.html")
    page = (project.root / "page.html").read_text()
    assert "<b>&amp;.csv" not in page


@pytest.mark.parametrize("name", [b"caf\xe9 \n.py", b"-c.py", "ünï:x.py".encode()])
def test_a_program_with_an_odd_name(project: Project, name: bytes) -> None:
    project.write(name, "open('made.txt', 'w').write('1')\n")

    project.run("python", b"./" + name)

    assert project.hit(b"./" + name) == {"made.txt"}
    assert project.status()["current"] == {"made.txt"}
    (step,) = (run["step"] for run in project.runs())
    assert project.provgraph("show", "made.txt").out
    (project.root / "made.txt").unlink()
    (plan,) = project.ask("status")["plan"]
    assert plan["command"], step


def test_odd_arguments_come_back_in_the_plan(project: Project) -> None:
    project.write("keep.py", "import sys\n\nopen('kept.txt', 'w').write(repr(sys.argv[1:]))\n")
    odd = ["two words", "new\nline", "it's", '"', "$HOME", "*", "", "ü", "\\"]
    project.script("keep.py", *odd)
    kept = project.read("kept.txt")
    assert kept == repr(odd)
    (project.root / "kept.txt").unlink()

    (step,) = project.ask("status")["plan"]
    assert project.shell(step["command"]).code == 0

    assert project.read("kept.txt") == kept


def test_numbers_that_json_does_not_know(project: Project) -> None:
    project.write(
        "measure.py",
        """
        import json

        values = {"nan": float("nan"), "inf": float("inf"), "auc": 0.5}
        values |= {"huge": 10**400, "big": 2**63}
        with open("metrics.json", "w") as file:
            json.dump(values, file)
        """,
    )
    project.script("measure.py")

    said = project.provgraph("log", "--format", "json")

    def no_constant(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    metrics = json.loads(said.out, parse_constant=no_constant)["runs"][0]["metrics"]
    assert metrics["auc"] == 0.5
    assert math.isnan(float(metrics["nan"]))
    assert math.isinf(float(metrics["inf"]))
    assert int(metrics["big"]) == 2**63
    assert int(metrics["huge"]) == 10**400
    project.provgraph("log")
    project.provgraph("diff", "run:measure.py", "run:measure.py")
    assert project.ask("ledger", "verify")["ok"]


def test_links_are_followed_and_count_themselves(project: Project) -> None:
    project.write("store/v1.txt", "1")
    project.write("store/v2.txt", "2")
    (project.root / "current.txt").symlink_to("store/v1.txt")
    (project.root / "folder").symlink_to("store")
    project.write(
        "read.py",
        "open('read.txt', 'w').write(open('current.txt').read() + open('folder/v2.txt').read())\n",
    )
    project.script("read.py")
    assert project.status()["current"] == {"read.txt"}

    project.write("store/v1.txt", "9")
    assert project.fallen() == {"stale": {"read.txt"}}
    project.write("store/v1.txt", "1")
    assert project.fallen() == {}

    (project.root / "current.txt").unlink()
    (project.root / "current.txt").symlink_to("store/v2.txt")
    assert project.fallen() == {"stale": {"read.txt"}}
    (project.root / "current.txt").unlink()
    assert project.fallen() == {"stale": {"read.txt"}}


def test_a_link_that_leads_nowhere_and_one_that_leads_to_itself(project: Project) -> None:
    (project.root / "loop").symlink_to("loop")
    (project.root / "dangling").symlink_to("not/there")
    project.write(
        "look.py",
        """
        import os

        for name in ("loop", "dangling"):
            try:
                open(name)
            except OSError:
                pass
        open("looked.txt", "w").write("1")
        """,
    )
    project.script("look.py")

    assert project.status()["current"] == {"looked.txt"}
    project.write("not/there", "1")
    assert project.fallen() == {"stale": {"looked.txt"}}


def test_a_project_whose_own_path_is_odd(project: Project) -> None:
    odd = project.copy_to(project.root.parent / "a b\n'c' <ü>")
    odd.write("in.txt", "1")
    odd.write("fit.py", "open('fit.txt', 'w').write(open('in.txt').read())\n")
    odd.script("fit.py")

    assert odd.hit("in.txt") == {"fit.txt"}
    assert odd.status()["current"] == {"fit.txt"}
    odd.provgraph("render", "-o", "page.html")
    assert os.path.getsize(odd.root / "page.html") > 1000
