"""Functions that ran: `provgraph run --trace-calls`, and what edits then affect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from tests.scenario.shell import Project, begin

SHAPE = '''
import functools

LIMIT = 3


def once(function):
    """Keep what a function gave."""
    return functools.lru_cache(function)


@once
def used(number, more=LIMIT):
    def inner(value):
        return value + 1

    return inner(number) + more


def unused(number, more=LIMIT):
    return number - more


class Shape:
    sides = 0

    def __init__(self, size):
        self.size = size

    def area(self):
        return self.size * self.sides

    def turned(self):
        return self


class Square(Shape):
    sides = 4


async def later():
    return 1


def steps():
    yield used(2)


def in_a_thread(out):
    out.append(1)


def in_a_child(number):
    return number * 2
'''

MAIN = """
import asyncio
import multiprocessing
import sys
import threading

import shape

if __name__ == "__main__":
    total = shape.used(1) + shape.Square(2).area() + asyncio.run(shape.later())
    total += sum(shape.steps())
    out = []
    thread = threading.Thread(target=shape.in_a_thread, args=(out,))
    thread.start()
    thread.join()
    for way in ("fork", "spawn"):
        with multiprocessing.get_context(way).Pool(1) as pool:
            total += sum(pool.map(shape.in_a_child, [1, 2]))
    open("out.txt", "w").write(str(total + sum(out)))
"""


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    project = begin(tmp_path_factory.mktemp("calls") / "project", env)
    project.write("shape.py", SHAPE)
    project.write("main.py", MAIN)
    project.script("main.py", options=("--trace-calls",))
    return project


def touched(project: Project, name: str) -> set[str]:
    shown = project.ask("show", project.runs()[0]["id"])
    return {part for use in shown["uses"] if use["name"] == name for part in use["touched"]}


def test_only_functions_that_ran_are_touched(traced: Project) -> None:
    assert touched(traced, "shape.py") == {
        "#body", "once", "used", "Shape.__init__", "Shape.area", "later", "steps", "in_a_thread",
        "in_a_child",
    }  # fmt: skip
    assert touched(traced, "main.py") == {"#body"}


@pytest.mark.parametrize(
    ("old", "new", "stale"),
    [
        ("return number - more", "return number + more", False),
        ("return self\n", "return None\n", False),
        ("return number - more", "return number - more  # said", False),
        ("return inner(number) + more", "return inner(number) - more", True),
        ("return value + 1", "return value + 2", True),
        ("return self.size * self.sides", "return self.size", True),
        ("    return 1", "    return 2", True),
        ("out.append(1)", "out.append(2)", True),
        ("return number * 2", "return number * 3", True),
        ("LIMIT = 3", "LIMIT = 4", True),
        ("def unused(number, more=LIMIT)", "def unused(number, more=print())", True),
        ("def unused", "@once\ndef unused", True),
        ("def unused", "def renamed", True),
        ("    sides = 4", "    sides = 4\n\n    def area(self):\n        return 1", True),
        ("    return number - more", "    nonlocal nowhere", True),
        ("    return number - more", "    return number -", True),
        ('"""Keep what a function gave."""', '"""Otherwise."""', False),
        ("def unused(number, more=LIMIT):\n    return number - more\n", "", True),
    ],
)
def test_an_edit_counts_where_it_could_have_run(
    traced: Project, tmp_path: Path, old: str, new: str, stale: bool
) -> None:
    project = traced.copy_to(tmp_path / "copy")
    text = project.read("shape.py")
    assert text.count(old) >= 1
    project.write("shape.py", text.replace(old, new))
    assert project.fallen() == ({"stale": {"out.txt"}} if stale else {})


WHOLE = {
    "a profiler of its own": "import cProfile\np = cProfile.Profile()\np.enable()\nlib.f()\n",
    "a profile function": "import sys\nsys.setprofile(None)\nlib.f()\n",
    "a thread without threading": "import _thread, time\n_thread.start_new_thread(lib.f, ())\n"
    "time.sleep(0.2)\n",
    "callbacks from C": "import ctypes\nlib.f()\n",
    "source that is read": "import inspect\nprint(inspect.getsource(lib.f))\n",
}


@pytest.mark.parametrize("case", WHOLE)
def test_every_function_counts_where_some_may_run_unseen(project: Project, case: str) -> None:
    project.write("lib.py", "def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    project.write("main.py", f"import lib\n{WHOLE[case]}open('out.txt', 'w').write('1')\n")
    told = case != "source that is read"
    said = project.script("main.py", options=("--trace-calls",), complaint=told)
    assert ("every function counts: some may have run unseen" in said.told) == told
    assert touched(project, "lib.py") <= {"#syntax", "#bytes"}
    assert touched(project, "lib.py")


def test_a_child_that_is_not_told_of_counts_whole(project: Project) -> None:
    project.write("lib.py", "def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    project.write(
        "main.py",
        """
        import subprocess
        import sys

        import lib

        lib.f()
        code = "import sys; sys.path.insert(0, '.'); import lib; lib.g()"
        subprocess.run([sys.executable, "-I", "-c", code], check=True)
        open("out.txt", "w").write("1")
        """,
    )
    project.script("main.py", options=("--trace-calls",), complaint=True)
    assert touched(project, "lib.py") == {"#bytes"}


def test_a_generator_that_never_starts_counts_by_being_one(project: Project) -> None:
    """Nothing of it runs, so nothing tells of it; its caller gets a generator all the same."""
    made = "def numbers():\n    yield 1\n\n\n"
    text = made + "class Named:\n    global f\n\n    def f():\n        return 2\n"
    project.write("lib.py", text)
    project.write(
        "main.py",
        """
        import os

        import lib

        made = lib.numbers()
        with open("out.txt", "w") as file:
            file.write(type(made).__name__ + str(lib.f()))
        os._exit(0)  # to throw it away would run it, as the profile function sees it
        """,
    )
    project.script("main.py", options=("--trace-calls",))
    assert touched(project, "lib.py") == {"#body"}
    project.write("lib.py", text.replace("yield 1", "yield 2"))
    assert project.fallen() == {}
    project.write("lib.py", text.replace("yield 1", "return 1"))
    assert project.fallen() == {"stale": {"out.txt"}}
    project.write("lib.py", text.replace("return 2", "return 3"))
    assert project.fallen() == {"stale": {"out.txt"}}


def test_what_a_first_line_says_counts(project: Project) -> None:
    text = '# /// script\n# dependencies = ["numpy<2"]\n# ///\nopen("out.txt", "w").write("1")\n'
    project.write("main.py", text)
    project.script("main.py", options=("--trace-calls",))
    assert touched(project, "main.py") == {"#body"}
    project.write("main.py", text.replace("numpy<2", "numpy<3"))
    assert project.fallen() == {"stale": {"out.txt"}}


def test_a_killed_process_has_told_what_ran(project: Project) -> None:
    project.write("lib.py", "def f():\n    return 1\n\n\ndef g():\n    return 2\n")
    project.write(
        "main.py",
        """
        import os

        import lib

        open("out.txt", "w").write(str(lib.f()))
        os.kill(os.getpid(), 9)
        """,
    )
    project.call(*("python", "-m", "provgraph", "run", "--trace-calls", "--", "python", "main.py"))
    assert touched(project, "lib.py") == {"#body", "f"}


def test_the_program_behaves_as_without(project: Project) -> None:
    program = dedent(
        """
        import sys
        import threading

        def f(n):
            return n if n < 2 else f(n - 1) + f(n - 2)

        print(f(12), threading.active_count(), sorted([3, 1], key=lambda v: -v))
        try:
            f("x")
        except TypeError as error:
            print(error)
        """
    )
    project.write("main.py", program)
    plain = project.call("python", "main.py")
    said = project.run("python", "main.py", options=("--trace-calls",))
    assert (said.code, said.out, said.err) == (plain.code, plain.out, plain.err)


def test_the_check_names_functions(traced: Project, tmp_path: Path) -> None:
    project = traced.copy_to(tmp_path / "copy")
    project.write(".gitignore", "out.txt\n__pycache__/\n")
    project.git("add", "-A")
    project.git("commit", "--quiet", "-m", "one")
    text = project.read("shape.py")
    project.write("shape.py", text.replace("return number - more", "return number + more"))
    answer = project.provgraph("check", "--base", "HEAD", "--format", "json").json
    [change] = answer["changes"]
    assert (change["parts"], change["effect"]) == (["unused"], "spared")
    assert change["words"] == "none of the functions that ran differs (1 run)"
    project.write("shape.py", text.replace("out.append(1)", "out.append(2)"))
    [change] = project.provgraph("check", "--base", "HEAD", "--format", "json").json["changes"]
    assert (change["parts"], change["effect"]) == (["in_a_thread"], "affects")
    assert change["words"] == "main.py ran it (in_a_thread)"
