from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from provgraph.cli import launch
from provgraph.cli.app import app
from provgraph.errors import RunFailed, UsageError
from tests.fakes.project import FakeProject
from tests.unit.cli.conftest import ROOT, Ask, apart, start


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["--", "python", "train.py"], ["python", "train.py"]),
        (["python", "train.py"], ["python", "train.py"]),
        (["--", "--weird"], ["--weird"]),
        (["--", "--", "x"], ["--", "x"]),
        (["python", "--", "x"], ["python", "--", "x"]),
        (["python", "--name", "inner"], ["python", "--name", "inner"]),
        (["--name", "s", "--", "x", "--help"], ["x", "--help"]),
        (["--note", "--", "x"], ["x"]),
        (["-", "x"], ["-", "x"]),
        (["--", ""], [""]),
    ],
)
def test_the_command_is_untouched(words: list[str], command: list[str]) -> None:
    assert list(launch.parse(words).command) == command


def test_options_before_the_command() -> None:
    words = "--name s --uses a --uses=b --produces c --param lr=0.1 --param x= --note why x y"
    assert launch.parse(words.split()) == launch.Order(
        ("x", "y"), "s", ("a", "b"), ("c",), ("lr=0.1", "x="), "why"
    )


@pytest.mark.parametrize("words", [["--bad", "--", "x"], ["--name"], ["--uses"]])
def test_a_wrong_option_runs_nothing(words: list[str]) -> None:
    with pytest.raises(UsageError):
        launch.parse(words)


@pytest.mark.parametrize(
    "words",
    [
        "--name s -- x --name t",
        "--uses a --uses b --produces=c x -- y",
        "--param a=1 --param b= --note n -- --weird --help",
        "x --uses y",
        "--trace-calls --name a -- x --trace-calls",
        "--name a --trace-calls x",
    ],
)
def test_the_fast_parser_reads_as_typer_does(words: str) -> None:
    command = get_command(app).get_command(None, "run")  # type: ignore[attr-defined]
    with command.make_context("run", words.split()) as context:
        told = context.params
    assert launch.parse(words.split()) == launch.Order(
        command=tuple(told["command"]),
        name=told["name"],
        uses=tuple(told["uses"] or ()),
        produces=tuple(told["produces"] or ()),
        params=tuple(told["param"] or ()),
        note=told["note"],
        calls=told["trace_calls"],
    )


def test_typer_declares_the_options_that_the_fast_parser_knows() -> None:
    command = get_command(app).get_command(None, "run")  # type: ignore[attr-defined]
    declared = {name for parameter in command.params for name in parameter.opts}
    assert {name for name in declared if name.startswith("-")} - {"--help"} == {
        *launch.ONCE,
        *launch.REPEATED,
        *launch.FLAGS,
    }


def test_run_passes_everything_on(ask: Ask, fake: type[FakeProject]) -> None:
    said = ask("run", "--name", "s", "--uses", "d", "--param", "a=b=c", "--", "true", "--x")
    assert said == (0, "", "")
    assert fake.calls[-1] == (
        "run",
        ("true", "--x"),
        {"name": "s", "uses": ("d",), "produces": (), "params": {"a": "b=c"}, "note": None},
    )


def test_the_project_can_be_elsewhere(ask: Ask, fake: type[FakeProject]) -> None:
    for words in (["-C", "p"], ["-Cp"], ["--project", "p"], ["--project=p"]):
        ask(*words, "run", "--", "true")
        assert fake.calls[-2] == ("find", ("p",), {})


@pytest.mark.parametrize("status", [0, 1, 2, 3, 77, 255])
def test_the_commands_status_is_ours(ask: Ask, status: int) -> None:
    assert ask("run", "--", "sh", "-c", f"exit {status}").code == status


@pytest.mark.parametrize("words", [[], ["--"], ["--param", "x", "--", "true"], ["--bad", "true"]])
def test_our_own_usage_errors_are_125(ask: Ask, fake: type[FakeProject], words: list[str]) -> None:
    said = ask("run", *words)
    assert said.code == 125
    assert said.err.startswith("provgraph: ")
    assert [call[0] for call in fake.calls] == []


@pytest.mark.parametrize("code", [126, 127])
def test_a_command_that_cannot_be_started(ask: Ask, fake: type[FakeProject], code: int) -> None:
    fake.failure = RunFailed("nonesuch: no such command", exit_code=code)
    assert ask("run", "--", "nonesuch").code == code


def test_a_fault_of_ours_is_125(ask: Ask, fake: type[FakeProject]) -> None:
    fake.failure = ZeroDivisionError("oops")
    said = ask("run", "--", "true")
    assert said.code == 125
    assert "oops" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT])
def test_the_commands_signal_ends_us(number: signal.Signals) -> None:
    assert apart("run", "--", "sh", "-c", f"kill -{number.value} $$").code == -number


def test_help_of_run_is_ours_only_before_the_command(ask: Ask) -> None:
    assert "Examples:" in ask("run", "--help").out
    assert "Examples:" in ask("run", "--name", "s", "--help", "x").out
    said = apart("run", "--", sys.executable, "-c", "import sys; print(sys.argv)", "--help")
    assert said.out == "['-c', '--help']\n"


@pytest.mark.parametrize("off", ["off", "OFF", "0", "no", "false"])
def test_switched_off_becomes_the_command(off: str, tmp_path: Path) -> None:
    process = start(
        ["-C", str(tmp_path), "run", "--name", "s", "--", "sh", "-c", "echo $$; exit 7"],
        program="import sys; from provgraph.cli import main; sys.exit(main())",
        env={"PROVGRAPH": off},
    )
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (7, f"{process.pid}\n".encode(), b"")


def test_switched_off_imports_next_to_nothing() -> None:
    program = (
        "import os, sys; from provgraph.cli import main\n"
        "os.execvp = lambda *_: sys.exit(print(*sys.modules))\n"
        "main(['run', '--', 'true'])"
    )
    said = apart(program=program, env={"PROVGRAPH": "off"})
    heavy = {"typer", "pydantic", "numpy", "dataclasses", "provgraph.project", "sqlite3"}
    assert said.out
    assert heavy.isdisjoint(said.out.split())


def test_run_does_not_pay_for_typer() -> None:
    program = (
        "import sys; from provgraph.cli.entry import main\n"
        "from tests.fakes.project import FakeProject\n"
        "main(['run', '--', 'true'], projects=FakeProject.fresh()); print(*sys.modules)"
    )
    assert {"provgraph.cli.launch"} == {"typer", "rich", "provgraph.cli.launch"}.intersection(
        apart(program=program).out.split()
    )


def test_ignored_signals_are_given_back() -> None:
    # Python ignores SIGPIPE; a command that inherited that would write on into a closed pipe.
    said = apart("run", "--", "sh", "-c", "kill -PIPE $$", env={"PROVGRAPH": "off"})
    assert said.code == -signal.SIGPIPE


@pytest.mark.parametrize(("command", "code"), [("nonesuch", 127), (str(ROOT), 126), ("", 127)])
def test_switched_off_what_cannot_be_started(command: str, code: int) -> None:
    said = apart("run", "--", command, env={"PROVGRAPH": "off"})
    assert said.code == code
    assert "Traceback" not in said.err


PROJECTLESS = """
import sys
from provgraph.cli.entry import main
from provgraph.errors import NotInProject
from tests.fakes.project import FakeProject
projects = FakeProject.fresh()
projects.failure = NotInProject("not in a project", hint="provgraph init")
sys.exit(main(projects=projects))
"""


def test_outside_a_project_the_command_runs_and_the_failure_is_said() -> None:
    said = apart("run", "--", "sh", "-c", "cat; exit 5", program=PROJECTLESS, stdin=_given(b"in\n"))
    assert (said.code, said.out) == (5, "in\n")
    assert "not in a project" in said.err
    assert "not recorded" in said.err


def _given(data: bytes) -> int:
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return reading


def test_a_broken_provgraph_does_not_stop_the_command() -> None:
    program = PROJECTLESS.replace("NotInProject(", "ZeroDivisionError(").replace(
        ', hint="provgraph init"', ""
    )
    program = program.replace(
        "sys.exit", "projects.find = classmethod(lambda c, s: 1 / 0)\nsys.exit"
    )
    said = apart("run", "--", "echo", "done", program=program)
    assert (said.code, said.out) == (0, "done\n")
    assert "ZeroDivisionError" in said.err


def test_names_that_are_no_text_reach_the_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "provgraph", "run", "--", "printf", "%s", b"\xff\n x"],
        env={**os.environ, "PROVGRAPH": "off", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    assert said.stdout == b"\xff\n x"
