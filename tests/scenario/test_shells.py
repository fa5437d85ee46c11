"""`provgraph shell`: a shell as without us, in which each line is a run of its own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provgraph.collect.tracing.preload.build import library
from tests.scenario.shell import PROVGRAPH, Project, Said
from tests.support.required import missing

pytestmark = pytest.mark.skipif(
    os.name != "posix" or os.uname().sysname != "Linux", reason="the native library is for Linux"
)

WAIT = 60
COPY = "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read())\n"
PROMPT = b"READY> "
RC = """\
PS1='READY> '
PROMPT_COMMAND='echo "mine $?"; cat settings.ini >/dev/null 2>&1'
alias hello='echo hello'
[ -t 0 ] && bind 'set enable-bracketed-paste off'
trap 'DEBUGGED=1' DEBUG
"""
ZSHRC = """\
PS1='READY> '
precmd() { echo "mine $?"; cat settings.ini >/dev/null 2>&1 }
alias hello='echo hello'
unsetopt zle prompt_cr
"""


@pytest.fixture(autouse=True)
def _native() -> None:
    if library().path is None:
        missing("native", library().why)


@pytest.fixture(params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if not shutil.which(name):
        missing("native", f"{name} isn't installed")
    return name


@pytest.fixture
def person(project: Project, tmp_path: Path) -> Project:
    """Give a project whose owner has settings of their own, for either shell."""
    home = tmp_path / "home"
    shutil.copytree(project.env["HOME"], home)
    (home / ".bashrc").write_text(RC)
    (home / ".zshrc").write_text(ZSHRC)
    project.write("copy.py", COPY)
    project.write("in.txt", "in\n")
    project.write("settings.ini", "a = 1\n")
    return project.with_env(HOME=str(home), TERM="dumb", PWD=str(project.root))


@dataclass
class Terminal:
    """A watched shell on a terminal, as a person has it before them."""

    run: subprocess.Popen[bytes]
    end: int
    pid: Path

    def kill(self) -> None:
        """Kill provgraph, and it alone."""
        os.kill(int(self.pid.read_text()), signal.SIGKILL)

    def wait_for(self, mark: bytes) -> str:
        said = b""
        until = time.monotonic() + WAIT
        while mark not in said:
            assert select.select([self.end], [], [], until - time.monotonic())[0], said
            try:
                said += os.read(self.end, 4096)
            except OSError:  # its end is closed
                break
        return said.decode()

    def type(self, line: str) -> str:
        """Type a line; gives what is said till the next prompt comes."""
        self.send(line.encode() + b"\n")
        return self.wait_for(PROMPT).partition("\r\n")[2].removesuffix(PROMPT.decode())

    def send(self, keys: bytes) -> None:
        os.write(self.end, keys)

    def leave(self) -> int:
        self.send(b"exit 3\n")
        while self.wait_for(b"\0"):
            pass
        return self.run.wait(timeout=WAIT)


@contextlib.contextmanager
def terminal(project: Project, shell: str, *, stays: bool = False) -> Iterator[Terminal]:
    ours, its = os.openpty()
    pid = Path(project.env["HOME"]) / "pid"
    # As a terminal's own shell would start it, which stays when it is killed.
    line = f"echo $$ > {pid}; exec {shlex.join(PROVGRAPH)} shell --shell {shell}"
    run = subprocess.Popen(
        ["sh", "-c", f"sh -c {shlex.quote(line)}; code=$?; sleep $STAY; exit $code"],
        cwd=project.root,
        env=project.environ({"STAY": "60" if stays else "0"}),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
    )
    os.close(its)
    opened = Terminal(run, ours, pid)
    try:
        assert "are recorded" in opened.wait_for(PROMPT)
        yield opened
    finally:
        os.close(ours)
        run.kill()
        run.wait(timeout=WAIT)


def typed(project: Project, *lines: str, shell: str = "bash") -> Said:
    """Have lines read from a pipe."""
    text = "".join(f"{line}\n" for line in lines)
    return project.provgraph("shell", "--shell", shell, stdin=text.encode(), code=None)


def steps(project: Project) -> list[str]:
    """Give the steps that were recorded, oldest first."""
    return [run["step"] for run in reversed(project.runs())]


def made(project: Project, name: str) -> Any:
    """Show the run that made a file."""
    return project.ask("show", project.ask("show", name)["node"]["made_by"])


def inputs(project: Project, name: str) -> set[str]:
    """Give the files of the project that the run which made a file had read."""
    uses = made(project, name)["uses"]
    return {
        use["name"]
        for use in uses
        if use["digest"] not in ("absent", "there")
        and use["kind"] not in ("Environment", "Hardware")
        and not use["name"].startswith(("/", "~"))
        and use["name"] != "."
    }


# -- what a person sees ------------------------------------------------------------------------


def test_a_shell_is_as_without_us(person: Project, shell: str) -> None:
    with terminal(person, shell) as shown:
        assert shown.type("true") == "mine 0\r\n"
        assert shown.type("(exit 7)") == "mine 7\r\n"
        assert shown.type("") == "mine 7\r\n"
        assert shown.type("hello there") == "hello there\r\nmine 0\r\n"
        assert shown.type("export A=1; B=2; cd /; echo $A$B $PWD") == "12 /\r\nmine 0\r\n"
        assert shown.type("echo $A$B $PWD; cd - >/dev/null") == "12 /\r\nmine 0\r\n"
        assert shown.type("echo one two | tr a-z A-Z") == "ONE TWO\r\nmine 0\r\n"
        assert shown.type("env | grep -c -e LD_PRELOAD -e PYTHONPATH -e ZDOTDIR").startswith("0")
        history = "fc -l" if shell == "zsh" else "history"
        assert "echo $A$B $PWD; cd -" in shown.type(history)
        assert "provgraph" not in shown.type(f"{history} | grep -v 'provgraph'")
        shown.send(b"sleep 60\n")
        time.sleep(0.5)
        shown.send(b"\x03")
        assert "mine 130" in shown.wait_for(PROMPT)
        shown.send(b"sleep 60\n")
        time.sleep(0.5)
        shown.send(b"\x1a")
        assert "mine 1" in shown.wait_for(PROMPT)  # 148, or zsh's 20 + 128
        assert "sleep 60" in shown.type("jobs")
        assert "mine 0" in shown.type("kill %1; fg 2>/dev/null; true")
        assert shown.leave() == 3

    assert person.runs() == []
    assert list((person.ledger / "spool").iterdir()) == []


def test_a_line_is_recorded_when_the_prompt_comes_back(person: Project, shell: str) -> None:
    with terminal(person, shell) as shown:
        shown.type("python copy.py in.txt a.txt")
        assert steps(person) == ["copy.py"]
        assert person.status()["current"] == {"a.txt"}
        shown.type("ls; cat a.txt; git status; cd .")
        assert steps(person) == ["copy.py"]
        assert '"running"' not in shown.type("provgraph status --format json")
        shown.type("sort < a.txt > b.txt")
        shown.kill()  # what is acknowledged is there
        assert steps(person) == ["copy.py", "sort"]

    assert person.hit("in.txt") == {"a.txt", "b.txt"}
    assert person.hit("copy.py") == {"a.txt", "b.txt"}
    assert person.hit("settings.ini") == set()  # the prompt's own doing
    person.run("python", "copy.py", "in.txt", "a.txt")
    records = [json.loads(path.read_bytes()) for path in person.records()]
    keys = {one["step"]["key"] for one in records if one["step"]["label"] == "copy.py"}
    assert len(keys) == 1  # typed or behind `provgraph run --`, it is one step


def test_what_goes_on_behind(person: Project) -> None:
    person.write("slow.sh", "until [ -e go ]; do sleep 0.1; done; cp in.txt slow.txt\n")
    with terminal(person, "bash") as shown:
        shown.type("bash slow.sh &")
        shown.type("python copy.py in.txt a.txt")
        assert steps(person) == ["copy.py"]
        (person.root / "go").touch()
        shown.type("wait")
        assert inputs(person, "slow.txt") == {"in.txt", "slow.sh"}
        assert inputs(person, "a.txt") == {"in.txt", "copy.py"}
        shown.send(b'python -c \'import time; time.sleep(1); open("late.txt", "w")\'\n')
        time.sleep(0.5)
        shown.send(b"\x1a")
        shown.wait_for(PROMPT)
        shown.type("fg")
        assert "late.txt" in person.status()["current"]
        assert shown.leave() == 3


# -- what is recorded --------------------------------------------------------------------------


def test_programs_of_a_line_are_steps_of_it(person: Project) -> None:
    typed(
        person,
        "python copy.py in.txt a.txt && python copy.py a.txt b.txt",
        "sort a.txt | uniq > c.txt",
        "for n in 1 2; do python copy.py in.txt $n.txt; done",
    )

    runs = person.runs()
    assert sorted(run["step"] for run in runs if run["within"]) == ["copy.py"] * 4
    outer = [run["step"] for run in reversed(runs) if not run["within"]]
    assert outer == ["copy.py", "sort | uniq", "copy.py"]
    assert inputs(person, "b.txt") == {"a.txt", "copy.py"}


def test_how_a_variable_may_come_from_a_file(person: Project, shell: str) -> None:
    for number in range(1, 9):
        person.write(f"{number}.ini", "in\n")
    typed(
        person,
        "HISTCONTROL=ignoreboth",
        "sort in.txt > before.txt",
        "x=$(cat 1.ini)",
        "x=$(<2.ini)",
        "read x < 3.ini",
        "if grep -q i 4.ini; then x=1; fi",
        "f() { cat 5.ini; }; x=$(f)",
        "cat 6.ini",
        " x=$(cat 6.ini)",
        "eval $(sed s/^/x=/ 7.ini)",
        "while read l; do x=$l; done < <(sort 8.ini)",
        "echo $x > a.txt",
        shell=shell,
    )

    assert inputs(person, "before.txt") == {"in.txt"}
    assert inputs(person, "a.txt") == {f"{number}.ini" for number in range(1, 9)}


def test_looking_at_a_file_counts_for_nothing(person: Project) -> None:
    typed(
        person,
        "cat settings.ini",
        "cat settings.ini",
        "head settings.ini | wc; ls; cd .",
        "python copy.py in.txt a.txt",
        "x=$(cat in.txt)",
        "printf 2 > in.txt",
        "cat in.txt > b.txt",
    )

    assert inputs(person, "a.txt") == {"in.txt", "copy.py"}
    # Two contents of one name were read; which counted for what, nobody can tell.
    (gap,) = [one for one in made(person, "b.txt")["gaps"] if one["grade"] == "blocking"]
    assert (gap["reason"], gap["subject"]) == ("changed-while-read", "in.txt")


def test_edits_and_checkouts_by_hand_are_no_products(person: Project) -> None:
    fake = person.root.parent / "bin"
    fake.mkdir()
    (fake / "vim").write_text('#!/bin/sh\necho x >> "$1"\n')
    (fake / "vim").chmod(0o755)
    person.git("add", "--all")
    person.git("commit", "--quiet", "-m", "1")
    watched = person.with_env(PATH=f"{fake}:{person.env['PATH']}")

    typed(watched, "vim in.txt", "git checkout --quiet in.txt", "vim in.txt; cp in.txt a.txt")

    assert steps(person) == ["vim, cp"]
    assert inputs(person, "a.txt") == {"in.txt"}


def test_a_run_in_a_watched_shell_records_itself(person: Project) -> None:
    typed(
        person,
        "provgraph run --name first -- python copy.py in.txt a.txt",
        "provgraph status && provgraph run -- python copy.py a.txt b.txt",
        "provgraph shell",
    )

    assert steps(person) == ["first", "copy.py"]


def test_redo_of_lines(person: Project) -> None:
    typed(
        person,
        "python copy.py in.txt a.txt",
        "sort a.txt | uniq > b.txt",
        "word=x",
        "echo $word | cat - a.txt > c.txt",
    )
    person.write("in.txt", "2\n1\n")

    said = person.provgraph("redo", "--keep-going", code=None)

    assert person.read("a.txt") == "2\n1\n"
    assert person.read("b.txt") == "1\n2\n"
    assert person.read("c.txt") == "x\nin\n"  # no other shell knows the word
    assert "typed in" in said.text
    assert person.fallen() == {"stale": {"c.txt"}}


def test_a_line_kept_out_of_the_history_is_not_written_down(person: Project, shell: str) -> None:
    hidden = "hist_ignore_space" if shell == "zsh" else "HISTCONTROL=ignorespace"
    line = "setopt " + hidden if shell == "zsh" else hidden
    typed(person, line, " x=geheim; echo $x | cat > a.txt", shell=shell)

    assert "a.txt" in person.status()["current"]
    for path in person.ledger.rglob("*"):
        if path.is_file():
            assert b"geheim" not in path.read_bytes()


# -- faults --------------------------------------------------------------------------------------


def test_the_watcher_is_killed_amid_a_line(person: Project, shell: str) -> None:
    person.write("wait.sh", "cp in.txt half.txt\nsleep 60\n")
    with terminal(person, shell, stays=True) as shown:
        shown.type("python copy.py in.txt a.txt")
        shown.type("x=$(cat settings.ini)")
        shown.send(b"bash wait.sh\n")
        until = time.monotonic() + WAIT
        while not (person.root / "half.txt").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        shown.kill()
        shown.send(b"\x03")
        # The shell goes on, says so once, and waits for nobody.
        assert "watched this shell was killed" in shown.wait_for(PROMPT)
        assert shown.type("cp in.txt late.txt") == "mine 0\r\n"
        shown.send(b"exit\n")

    until = time.monotonic() + WAIT
    while "late.txt" not in person.status()["current"]:  # once the shell is gone
        assert time.monotonic() < until
        time.sleep(0.05)
    assert steps(person).count("copy.py") == 1
    assert inputs(person, "half.txt") >= {"in.txt", "settings.ini"}
    person.provgraph("ledger", "verify")


def test_the_shell_is_killed_amid_a_line(person: Project) -> None:
    person.write("wait.sh", "cp in.txt half.txt\nkill -9 $PPID\nsleep 0.2\n")
    said = typed(person, "python copy.py in.txt a.txt", "bash wait.sh; true")

    assert said.code == -signal.SIGKILL
    assert steps(person)[0] == "copy.py"
    assert inputs(person, "half.txt") >= {"in.txt"}
    assert "half.txt" in person.status()["stale"]
    assert list((person.ledger / "spool").iterdir()) == []


def test_where_it_cannot_be(person: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    said = Project(outside, person.env).provgraph("shell", stdin=b"true\n", code=3)
    assert "provgraph init" in said.told
    person.provgraph("shell", "--shell", "fish", code=2)
    said = person.provgraph(
        "shell", "--shell", "bash", stdin=b"cp in.txt a.txt\n", env={"PROVGRAPH": "off"}
    )
    assert person.runs() == []
    assert person.read("a.txt") == "in\n"
