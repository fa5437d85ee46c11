"""What a command starts is told from its file and arguments."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from provgraph.collect.tracing import programs


def script(path: Path, head: str) -> str:
    path.write_text(head + "\n")
    path.chmod(0o755)
    return os.fspath(path)


@pytest.mark.parametrize(
    ("head", "options"),
    [
        ("#!/usr/bin/python3", []),
        ("#!/usr/bin/env python3", []),
        ("#!/usr/bin/env -S python3 -I", ["-I"]),
        ("#!/opt/x/bin/python3.11 -E", ["-E"]),
        ("#!/bin/sh\n'''exec' /very/long/path/python3 \"$0\" \"$@\"", []),
        ('#!/bin/sh\n\'\'\'exec\' "/a path/python3" "$0" "$@"', []),
        ("#!/bin/sh\necho", None),
        ("echo", None),
        ("#!", None),
    ],
)
def test_an_interpreter_line_tells_python(
    tmp_path: Path, head: str, options: list[str] | None
) -> None:
    assert programs.python_options(script(tmp_path / "tool", head), ["tool"]) == options


def test_an_interpreter_is_known_by_its_name_or_what_it_links_to(tmp_path: Path) -> None:
    (tmp_path / "py").symlink_to(sys.executable)
    assert programs.python_options(os.fspath(tmp_path / "py"), ["py", "-u", "x"]) == ["-u"]
    assert programs.python_options("/nowhere/python3.12", ["python3.12"]) == []
    assert programs.python_options("/nowhere/python-config", ["python-config"]) is None


@pytest.mark.parametrize(
    ("options", "shut"),
    [
        (["-I"], True),
        (["-uE"], True),
        (["-S", "-u"], True),
        (["-u"], False),
        (["-cIES"], False),
        (["-mS"], False),
        (["-WIgnore"], False),
        (["--check-hash-based-pycs"], False),
        ([], False),
    ],
)
def test_options_that_shut_tracing_out(options: list[str], shut: bool) -> None:
    assert programs.isolated(options) is shut


def test_options_end_where_the_program_begins() -> None:
    argv = ["python", "-X", "dev", "-u", "main.py", "-I"]
    assert programs.python_options("/x/python", argv) == ["-X", "-u"]
    assert programs.python_options("/x/python", ["python", "-c", "pass", "-I"]) == ["-c"]


@pytest.mark.parametrize(
    ("argv", "harmless"),
    [
        (["uname", "-p"], True),
        (["/usr/bin/lscpu"], True),
        (["java", "-version"], True),
        (["git", "rev-parse", "HEAD"], True),
        (["git", "-C", "x", "show", "HEAD:data"], False),
        (["sh", "-c", "uname -p"], True),
        (["sh", "-c", "uname; cat x"], False),
        (["sh", "-c", "cat x"], False),
        (["sh", "-c", "sh -c x"], False),
        (["cat", "x"], False),
        (["cp", "a", "b"], False),
    ],
)
def test_programs_that_read_no_data(argv: list[str], harmless: bool) -> None:
    assert programs.is_harmless(argv[0], argv) is harmless


def test_a_program_is_found_as_the_system_finds_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a/tool").write_text("")
    tool = script(tmp_path / "b/tool", "#!/bin/sh")
    environ = {"PATH": f"{tmp_path}/a:{tmp_path}/b"}
    assert programs.find("tool", environ, "/") == tool
    assert programs.find("b/tool", environ, os.fspath(tmp_path)) == tool
    assert programs.find("no-such", environ, "/") == ""
    assert programs.find("./no-such", environ, "/") == ""
    assert programs.find("", environ, "/") == ""
    assert programs.find("tool", {"PATH": f"{tmp_path}/a"}, "/") == f"{tmp_path}/a/tool"
