from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from typer.main import get_command

from provgraph.cli import app, plain
from provgraph.cli.entry import leading, main
from provgraph.cli.progress import Progress, words_of
from provgraph.cli.session import Session
from provgraph.cli.style import style_of, wants_colour
from provgraph.errors import (
    CannotAnswer,
    ConfigError,
    NotInProject,
    ProvgraphError,
    SelectorError,
    StoreError,
    UsageError,
)
from tests.fakes.project import FakeProject
from tests.unit.cli.conftest import PROGRAM, ROOT, Ask, apart, start


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("put wrongly"), 2),
        (SelectorError("unknown"), 2),
        (ConfigError("provgraph.toml:3: kinds"), 2),
        (NotInProject("not in a project"), 3),
        (StoreError("the graph can't be read"), 3),
        (CannotAnswer("can't say"), 3),
    ],
)
def test_an_error_is_a_sentence_and_a_code(
    ask: Ask, fake: type[FakeProject], error: ProvgraphError, code: int
) -> None:
    error.hint = "do this next"
    fake.failure = error
    said = ask("impact", "a")
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith(f"provgraph: {error.message}\n")
    assert "do this next" in said.err
    assert "Traceback" not in said.err


def test_nearest_names_are_listed(ask: Ask, fake: type[FakeProject]) -> None:
    fake.failure = SelectorError("nothing is called dta/v3", nearest=["data/v3", "data/v2"])
    said = ask("impact", "dta/v3")
    assert "data/v3" in said.err
    assert "data/v2" in said.err


def test_a_fault_of_ours_owns_up(ask: Ask, fake: type[FakeProject]) -> None:
    fake.failure = ZeroDivisionError("oops")
    said = ask("status")
    assert (said.code, said.out) == (3, "")
    assert "ZeroDivisionError: oops" in said.err
    assert "--debug" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("how", ["option", "variable"])
@pytest.mark.parametrize("words", ["status", "run -- true"])
def test_debug_shows_the_traceback(
    ask: Ask, fake: type[FakeProject], monkeypatch: pytest.MonkeyPatch, how: str, words: str
) -> None:
    fake.failure = ZeroDivisionError("oops")
    if how == "variable":
        monkeypatch.setenv("PROVGRAPH_DEBUG", "1")
    said = ask(*(["--debug"] if how == "option" else []), *words.split())
    assert "Traceback" in said.err


def test_escapes_in_a_message_stay_visible(ask: Ask, fake: type[FakeProject]) -> None:
    fake.failure = SelectorError("nothing is called \x1b[2Jx")
    assert "\x1b" not in ask("show", "x").err


def test_ctrl_c_is_130_and_quiet(ask: Ask, fake: type[FakeProject]) -> None:
    fake.failure = KeyboardInterrupt()
    said = ask("status")
    assert (said.code, said.out) == (130, "")
    assert "Traceback" not in said.err


def test_a_reader_that_has_gone_is_no_error() -> None:
    reading, writing = os.pipe()
    process = start(["log", "--format", "json"], stdout=writing)
    os.close(writing)
    os.close(reading)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "wb") as full:
        said = apart("log", stdout=full)
    assert said.code == 3
    assert "could not be written" in said.err
    assert "Traceback" not in said.err


def test_a_closed_standard_error_hurts_nobody() -> None:
    command = f"exec {sys.executable} -m provgraph impact 2>&-"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["sh", "-c", command], env=environment, check=False)
    assert done.returncode == 2


def test_a_closed_standard_output_is_said() -> None:
    command = f'exec {sys.executable} -c "$0" log >&-'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", command, PROGRAM], env=environment, capture_output=True, check=False
    )
    assert done.returncode == 3
    assert b"closed" in done.stderr


def test_what_a_terminal_cannot_show_is_escaped() -> None:
    said = apart("run", "--ünknown", "x", env={"PYTHONIOENCODING": "ascii"})
    assert said.code == 125
    assert "\\xfcnknown" in said.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("run x", (None, False, ["run", "x"])),
        ("-C d run", ("d", False, ["run"])),
        ("-Cd --debug run --debug", ("d", True, ["run", "--debug"])),
        ("--project=d status -C e", ("d", False, ["status", "-C", "e"])),
        ("--version run", (None, False, ["--version", "run"])),
        ("-C", (None, False, ["-C"])),
    ],
)
def test_global_options_come_first(words: str, expected: tuple[object, ...]) -> None:
    assert leading(words.split()) == expected


def test_version(ask: Ask) -> None:
    assert ask("--version").out.startswith("provgraph ")


def test_every_command_has_examples(ask: Ask) -> None:
    from typer.main import get_command

    from provgraph.cli.app import app

    groups = {"import", "ledger", "graph", "hook"}
    top = get_command(app)
    paths = [[name] for name in top.commands if name not in groups]  # type: ignore[attr-defined]
    for group in groups:
        commands = top.commands[group].commands  # type: ignore[attr-defined]
        paths += [[group, name] for name in commands]
    for path in paths:
        assert "Examples:\n" in ask(*path, "--help").out, path
    assert len(paths) > 20


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "TERM": "dumb"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], terminal: bool, expected: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(terminal=terminal) is expected


def test_no_terminal_is_80_columns_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert (style_of(text).width, style_of(text).unicode) == (80, False)
    monkeypatch.setenv("COLUMNS", "50")
    assert style_of(text, limit=3).width == 50


def _complete(words: str) -> list[str]:
    environment = {
        "_PROVGRAPH_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    return apart(env=environment).out.split()


def test_completion() -> None:
    assert _complete("provgraph im") == ["impact", "import"]
    assert _complete("provgraph impact da") == ["data/raw.csv"]
    assert _complete("provgraph impact data/raw.csv out/") == ["out/model.pkl"]
    assert _complete("provgraph lineage x --direction d") == ["down"]
    assert _complete("provgraph impact --expl") == ["--explain"]


def test_completion_never_fails() -> None:
    program = "import sys; from provgraph.cli import main; sys.exit(main())"
    environment = {
        "_PROVGRAPH_COMPLETE": "complete_bash",
        "COMP_WORDS": "provgraph -C /nonesuch impact d",
        "COMP_CWORD": "4",
    }
    said = apart(env=environment, program=program)
    assert (said.out.strip(), said.err) == ("", "")


def test_progress_is_for_people_who_wait(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 1.0, 2.5, 2.6, 4.0])
    with Progress("lines", size=100, clock=lambda: next(seconds), terminal=True) as progress:
        list(progress.reading([b"x" * 50]))
        progress(10)
        assert capsys.readouterr().err == ""
        progress(20)
        assert "20 lines, 8 a second, 50%, 2 s left" in capsys.readouterr().err
        progress(21)
        assert capsys.readouterr().err == ""
        progress(40, 80)
        assert "40 lines, 10 a second, 50%, 4 s left" in capsys.readouterr().err
    assert capsys.readouterr().err == "\r\x1b[K"


def test_no_progress_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = iter([0.0, 5.0])
    with Progress("lines", clock=lambda: next(seconds), terminal=False) as progress:
        progress(10)
    assert capsys.readouterr().err == ""


def test_progress_without_an_end_says_no_time_left() -> None:
    assert words_of(1200, None, 2.0, "lines") == "1,200 lines, 600 a second"


PLAIN = [
    "impact a",
    "impact a b --all --platform --depth 2",
    "impact --limit 0 a --format json",
    "impact a --explain b",
    "impact a --format csv --limit 3",
    "status",
    "status --all --platform --format json",
    "status --limit 3",
    "why a",
    "why a --because b --format csv",
    "lineage --depth 1 a",
    "lineage a --limit 2",
]
LEFT_TO_TYPER = [
    "",
    "log",
    "impact",
    "impact --help",
    "impact a --depth 0",
    "impact a --depth x",
    "impact a --depth",
    "impact a --limit -1",
    "impact a --limit ٣",
    "impact a --format xml",
    "impact a --all --all",
    "impact a --explain --all",
    "impact -- -a",
    "impact a --colour",
    "impact a --format=json",
    "status a",
    "why a b",
    "why a --depth 1",
    "lineage a b",
    "lineage a --direction down",
]


@pytest.mark.parametrize("words", PLAIN)
def test_the_plain_reader_asks_what_typer_asks(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plainly, by_typer = FakeProject.fresh(), FakeProject.fresh()
    assert main(words.split(), projects=plainly) == 0
    seen = capsys.readouterr()
    assert plain.read(words.split()) is not None
    assert app.answer(words.split(), Session(projects=by_typer)) == 0
    assert capsys.readouterr() == seen
    assert plainly.calls == by_typer.calls


@pytest.mark.parametrize("words", LEFT_TO_TYPER)
def test_what_is_not_plain_is_left_to_typer(words: str) -> None:
    assert plain.read(words.split()) is None


def test_every_plain_option_is_declared() -> None:
    declared = get_command(app.app)
    for name, form in plain.FORMS.items():
        options = {
            option: parameter
            for parameter in declared.commands[name].params  # type: ignore[attr-defined]
            for option in parameter.opts
        }
        assert options.keys() >= {*form.flags, *form.texts, *dict(form.numbers), "--format"}
        for flag in form.flags:
            assert options[flag].is_flag
