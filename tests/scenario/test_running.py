"""`provgraph run`: the command behaves as without it, whatever happens, and is recorded."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from provgraph.collect.tracing.preload.build import library
from tests.scenario.shell import PROVGRAPH, Project
from tests.scenario.shell import begin as provgraph_project

WAIT = 60


def until(true: Callable[[], Any]) -> None:
    """Wait for something to become true, for as long as a slow machine may take."""
    for _ in range(WAIT * 50):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("waited in vain")


def begin(project: Project, *command: str, **options: Any) -> subprocess.Popen[bytes]:
    """Begin a watched command; it is its own process group, as a shell would have it."""
    return subprocess.Popen(
        [*PROVGRAPH, "run", "--", *command],
        cwd=project.root,
        env=project.environ(options.pop("env", None)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        **options,
    )


def on_terminal(project: Project, *command: str, interrupt: bool = False) -> tuple[int, bytes]:
    """Run a watched command on a terminal of its own; ^C is typed once `ready` is there."""
    ours, its = os.openpty()
    run = subprocess.Popen(
        [*PROVGRAPH, "run", "--", *command],
        cwd=project.root,
        env=project.environ(),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
    )
    os.close(its)
    if interrupt:
        until((project.root / "ready").exists)
        os.write(ours, b"\x03")
    said = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:  # its end is closed
            break
        if not more:
            break
        said += more
    os.close(ours)
    return run.wait(timeout=WAIT), said


def newest(project: Project) -> Any:
    """Show the newest run."""
    return project.ask("show", f"run:{project.runs()[0]['id']}")


def names(lines: Any) -> set[str]:
    return {line["name"] for line in lines}


# -- streams, status, words -------------------------------------------------------------------


def test_streams_and_status_are_those_of_the_command(project: Project) -> None:
    project.write(
        "echo.py",
        r"""
        import sys

        data = sys.stdin.buffer.read()
        sys.stdout.buffer.write(data[::-1])
        sys.stderr.buffer.write(b"\xff\0err" + bytes(len(data)))
        sys.exit(int(sys.argv[1]))
        """,
    )
    data = bytes(range(256)) * 500

    for status in (0, 1, 2, 41, 255):
        bare = project.call("python", "echo.py", str(status), stdin=data)
        assert project.script("echo.py", str(status), stdin=data, code=status) == bare

    assert [run["status"] for run in project.runs()] == ["failed"] * 4 + ["ok"]


WORLD = """
import os, resource, signal, sys, threading
print(sys.argv, sys.executable, sys.path, sys.flags, sorted(os.environ), os.getcwd())
print([one.name for one in signal.Signals if signal.getsignal(one) == signal.SIG_IGN])
print(signal.pthread_sigmask(0, []), os.umask(0), resource.getrlimit(resource.RLIMIT_NOFILE))
print(threading.active_count(), sys.gettrace(), sys.getprofile(), 'json' in sys.modules)
print(os.getpgrp() == os.getpgid(os.getppid()))
"""

LINES = """
umask 027
ulimit -n 64
RUN python world.py --name x 'a b' '' -- < /dev/null
echo $?
(trap '' TERM; RUN python -W error -bb world.py)
echo 'print(7)' | RUN python -
RUN python -c 'import sys; sys.stderr.write("x")' 2>&-
RUN yes | head -n 2
RUN python -c 'import os; os._exit(3)'
echo $?
RUN python -c 'import multiprocessing as m; print(m.get_context("spawn").Pool(2).map(abs, [-1, 2]))'
RUN sh -c 'kill -9 $$'
echo $?
"""


def test_a_command_finds_the_world_as_it_is(project: Project) -> None:
    project.write("world.py", WORLD)

    bare = project.shell(LINES.replace("RUN ", ""))
    watched = project.shell(LINES.replace("RUN ", "provgraph run -- "))

    assert watched.text.splitlines() == bare.text.splitlines()
    assert watched.told.replace("provgraph run -- ", "") == bare.told
    assert len(project.runs()) == 8


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGKILL", "SIGSEGV"])
def test_a_command_ended_by_a_signal_ends_provgraph_so(project: Project, name: str) -> None:
    number = int(signal.Signals[name])
    line = f"""
import os, signal
if {number} not in (signal.SIGKILL, signal.SIGSTOP):
    signal.signal({number}, signal.SIG_DFL)
os.kill(os.getpid(), {number})
"""

    said = project.call(*PROVGRAPH, "run", "--", "python", "-c", line)

    assert said.code == -number
    assert project.runs()[0]["status"] == ("failed" if name == "SIGSEGV" else "interrupted")


def test_what_is_sent_to_provgraph_reaches_the_command(project: Project) -> None:
    project.write(
        "patient.py",
        """
        import signal
        import sys
        import time


        def stop(number, frame):
            print("stopped by", number, flush=True)
            sys.exit(7)


        signal.signal(signal.SIGTERM, stop)
        open("ready", "w").close()
        time.sleep(60)
        """,
    )
    with begin(project, "python", "patient.py") as run:
        until((project.root / "ready").exists)
        run.send_signal(signal.SIGTERM)
        out, _ = run.communicate(timeout=WAIT)

    assert (run.returncode, out) == (7, b"stopped by 15\n")
    assert project.runs()[0]["status"] == "failed"


def test_ctrl_c_reaches_the_command_once_and_its_answer_counts(project: Project) -> None:
    project.write(
        "careful.py",
        """
        import time

        open("ready", "w").close()
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            open("saved.txt", "w").write("half")
            time.sleep(0.3)  # a second one would end it here
            raise SystemExit(3)
        """,
    )

    code, said = on_terminal(project, "python", "careful.py", interrupt=True)

    assert (code, said) == (3, b"^C")
    assert "saved.txt" in names(newest(project)["produces"])


def test_ctrl_c_that_the_command_dies_of(project: Project) -> None:
    line = "import time; open('ready', 'w').close(); time.sleep(60)"

    code, said = on_terminal(project, "python", "-c", line, interrupt=True)

    assert code == -signal.SIGINT
    assert said.count(b"KeyboardInterrupt") == 1
    assert b"provgraph" not in said
    assert project.runs()[0]["status"] == "interrupted"


def test_a_terminal_stays_a_terminal(project: Project) -> None:
    line = "import os; print([os.isatty(n) for n in (0, 1, 2)], os.getpgrp() == os.tcgetpgrp(0))"

    code, said = on_terminal(project, "python", "-c", line)

    assert (code, said) == (0, b"[True, True, True] True\r\n")


def test_what_cannot_be_started(project: Project) -> None:
    project.write("plain.txt", "no program")

    missing = project.run("no-such-program", code=127, complaint=True)
    assert "no-such-program" in missing.told
    refused = project.run("./plain.txt", code=126, complaint=True)
    assert "plain.txt" in refused.told
    project.run("./", code=126, complaint=True)
    project.provgraph("run", code=125)
    project.provgraph("run", "--", code=125)
    project.provgraph("run", "--nmae", "x", "--", "true", code=125)
    assert project.runs() == []


def test_switched_off(project: Project) -> None:
    said = project.run("python", "-c", "print(1)", env={"PROVGRAPH": "off"})

    assert said == (0, b"1\n", b"")
    assert project.runs() == []


def test_outside_a_project_the_command_runs_and_it_is_said(
    project: Project, tmp_path: Path
) -> None:
    said = Project(tmp_path, project.env).run(
        "python", "-c", "print(1); raise SystemExit(4)", code=4, complaint=True
    )

    assert said.out == b"1\n"
    assert "provgraph init" in said.told
    assert "not recorded" in said.told


# -- what is said of a run --------------------------------------------------------------------


def test_our_words_end_where_the_command_begins(project: Project) -> None:
    line = "import sys; print(sys.argv[1:])"

    said = project.provgraph("run", "python", "-c", line, "--name", "x", "--", "--param")
    assert said.text == "['--name', 'x', '--', '--param']\n"
    said = project.provgraph("run", "--name", "say", "--", "python", "-c", line, "--", "--help")
    assert said.text == "['--', '--help']\n"
    assert [run["step"] for run in project.runs()] == ["say", "python -c"]


def test_name_parameters_note_uses_and_produces(project: Project) -> None:
    project.write("in.txt", "1")
    options = [
        "--name", "train", "--param", "lr=0.1", "--param", "note=a=b", "--note", "the paper's rate",
        "--uses", "in.txt", "--produces", "out.bin",
    ]  # fmt: skip

    project.run("sh", "-c", "echo 1 > out.bin", options=options)

    (run,) = project.runs()
    assert (run["step"], run["note"]) == ("train", "the paper's rate")
    shown = newest(project)
    assert {u["name"]: u["evidence"] for u in shown["uses"]}["in.txt"] == "declared"
    assert {u["name"]: u["evidence"] for u in shown["produces"]}["out.bin"] == (
        "observed" if library().path else "declared"
    )
    text = project.provgraph("show", "run:" + run["id"]).text
    assert "lr" in text
    assert "0.1" in text
    assert project.hit("in.txt") == {"out.bin"}


def test_paths_of_a_person_are_relative_to_where_they_stand(project: Project) -> None:
    project.write("sub/in.txt", "1")

    project.run(
        "python", "-c", "open('made.txt', 'w').write(open('in.txt').read())",
        inside="sub",
    )  # fmt: skip

    shown = newest(project)
    assert "sub/in.txt" in names(shown["uses"])
    assert names(shown["produces"]) == {"sub/made.txt"}


def test_redirections_of_the_calling_shell(project: Project) -> None:
    project.write("in.csv", "b\na\n")

    said = project.shell(
        "provgraph run -- python -c 'import sys; print(*sorted(sys.stdin))' < in.csv > out.csv"
    )

    assert said == (0, b"", b"")
    shown = newest(project)
    assert "in.csv" in names(shown["uses"])
    assert names(shown["produces"]) == {"out.csv"}
    assert project.hit("in.csv") == {"out.csv"}
    assert project.status()["current"] == {"out.csv"}


# -- Python's own ways ------------------------------------------------------------------------


def test_an_existing_sitecustomize_still_runs(project: Project, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text("print('customized')\n")
    project.write("in.txt", "1")

    said = project.run(
        "python", "-c", "import os; print(os.environ['PYTHONPATH']); open('in.txt')",
        env={"PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip

    assert said.text.startswith("customized\n")
    assert "in.txt" in names(newest(project)["uses"])


def test_children_are_watched_and_other_programs_are_too_or_are_a_gap(project: Project) -> None:
    project.write("in.txt", "1")
    project.write("child.py", "open('child.txt', 'w').write(open('in.txt').read())\n")
    project.write(
        "parent.py",
        """
        import subprocess
        import sys

        subprocess.run([sys.executable, "child.py"], check=True)
        """,
    )
    project.script("parent.py")
    shown = newest(project)
    assert names(shown["produces"]) == {"child.txt"}
    assert {"in.txt", "child.py"} <= names(shown["uses"])
    assert shown["gaps"] == []

    project.run("sort", "in.txt", "-o", "sorted.txt", options=["--produces", "sorted.txt"])
    if library().path:
        assert project.hit("in.txt") == {"child.txt", "sorted.txt"}
        assert project.blocking("impact", "in.txt") == set()
    else:
        assert {reason for reason, _ in project.blocking("impact", "in.txt")} == {"untraced"}


def test_an_isolated_python_is_a_gap(project: Project) -> None:
    project.write("in.txt", "1")
    project.run("python", "-I", "-c", "print(open('in.txt').read())")

    assert {reason for reason, _ in project.blocking("status")} == {"isolated-python"}


# -- when provgraph fails ---------------------------------------------------------------------


def test_a_ledger_that_cannot_be_written_harms_nothing(project: Project) -> None:
    ledger = project.ledger
    project.call("rm", "-r", str(ledger))
    ledger.write_text("in the way")

    said = project.run("python", "-c", "print(1); raise SystemExit(5)", code=5, complaint=True)

    assert said.out == b"1\n"
    assert "provgraph" in said.told
    assert "not recorded" in said.told


def test_a_broken_configuration_harms_nothing(project: Project) -> None:
    project.write("provgraph.toml", "[project\n")

    said = project.run("python", "-c", "print(1)", complaint=True)

    assert said.out == b"1\n"
    assert "line 1" in said.told


def test_a_full_disk_harms_nothing(project: Project) -> None:
    def small_files() -> None:  # no file may grow beyond 1 KiB, which the command's own doesn't
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 10, 1 << 10))

    line = "print(open('a.txt', 'w').write('a' * 100))"
    # Python 3.11 takes a half-written .pyc for a whole one, ours included.
    plain = project.with_env(PYTHONDONTWRITEBYTECODE="1")
    with begin(plain, "python", "-c", line, preexec_fn=small_files) as run:
        out, err = run.communicate(timeout=WAIT)

    assert (run.returncode, out) == (0, b"100\n")
    assert project.read("a.txt") == "a" * 100
    assert b"Traceback" not in err
    assert b"provgraph" in err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 600 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("a small file system can't be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_fills_up_under_a_run(small_disk: Path, env: Mapping[str, str]) -> None:
    project = provgraph_project(small_disk / "project", env)
    project.write(
        "fill.py",
        """
        try:
            with open("big", "wb", 0) as file:
                while True:
                    file.write(b"x" * 1000)
        except OSError as error:
            print(error.strerror)
        """,
    )

    said = project.script("fill.py", complaint=True)
    assert said.out == b"No space left on device\n"
    assert "recording it failed" in said.told
    gaps = project.ask("status")["gaps"]
    assert [(gap["grade"], gap["reason"]) for gap in gaps] == [("blocking", "unprojected")]

    said = project.run("python", "-c", "print(1)", complaint=True)
    assert said.out == b"1\n"
    assert "not recorded" in said.told

    (project.root / "big").unlink()
    assert [run["step"] for run in project.runs()] == ["fill.py"]
    assert project.ask("ledger", "verify")["ok"]


def test_a_command_whose_own_disk_is_full_fails_as_without_us(project: Project) -> None:
    said = project.run("python", "-c", "open('/dev/full', 'w').write('a')", code=None)

    bare = project.call("python", "-c", "open('/dev/full', 'w').write('a')")
    assert (said.code, said.err) == (bare.code, bare.err)


SLEEPER = """
import os
import time

rows = open("in.txt").read()
open("out.txt", "w").write(rows)
open("pid", "w").write(str(os.getpid()))
time.sleep(60)
"""


def test_provgraph_killed_half_way(project: Project) -> None:
    project.write("in.txt", "1")
    project.write("sleeper.py", SLEEPER)
    with begin(project, "python", "sleeper.py") as run:
        until(lambda: (project.root / "pid").exists() and project.read("pid"))
        child = int(project.read("pid"))
        run.kill()
        os.kill(child, signal.SIGKILL)
        run.communicate(timeout=WAIT)

    (line,) = project.runs()

    assert (line["status"], line["step"]) == ("interrupted", "sleeper.py")
    shown = newest(project)
    assert "in.txt" in names(shown["uses"])
    assert "out.txt" in names(shown["produces"])
    assert "out.txt" in project.status()["stale"]
    assert len(project.runs()) == 1


def test_provgraph_alone_killed_the_command_goes_on(project: Project) -> None:
    project.write("in.txt", "1")
    project.write("sleeper.py", SLEEPER.replace("60", "1") + "open('late.txt', 'w').write('1')\n")
    with begin(project, "python", "sleeper.py") as run:
        until(lambda: (project.root / "pid").exists() and project.read("pid"))
        run.kill()
        run.communicate(timeout=WAIT)
        until((project.root / "late.txt").exists)

    until(lambda: not Path(f"/proc/{project.read('pid')}").exists())
    assert [line["status"] for line in project.runs()] == ["interrupted"]
    assert "out.txt" in names(newest(project)["produces"])


def test_a_run_that_is_still_running_is_said(project: Project) -> None:
    project.write("in.txt", "1")
    project.write("sleeper.py", SLEEPER)
    with begin(project, "python", "sleeper.py") as run:
        until(lambda: (project.root / "pid").exists() and project.read("pid"))
        gaps = project.ask("status")["gaps"]
        os.killpg(run.pid, signal.SIGTERM)
        run.communicate(timeout=WAIT)

    assert [gap["reason"] for gap in gaps] == ["running"]
    assert project.ask("log")["gaps"] == []


def test_many_at_once_lose_nothing(project: Project) -> None:
    project.write("one.py", "import sys\n\nopen(sys.argv[1], 'w').write(sys.argv[1])\n")
    line = "for n in 1 2 3 4 5 6 7 8 9 10; do provgraph run -- python one.py $n.txt & done; wait"

    said = project.shell(line)
    again = project.shell(
        line.replace("$n.txt", "x$n.txt") + "; provgraph status & provgraph log & wait"
    )

    assert said == (0, b"", b"")
    assert again.err == b""
    assert len(project.runs()) == 20
    assert len(project.status()["current"]) == 20


def test_runs_within_a_run(project: Project) -> None:
    project.write("in.txt", "1")
    project.write("inner.py", "open('out.txt', 'w').write(open('in.txt').read())\n")
    project.write("all.sh", "provgraph run -- python inner.py\necho done\n")

    said = project.run("sh", "all.sh")

    assert said == (0, b"done\n", b"")
    steps = {run["step"]: run["id"] for run in project.runs()}
    assert set(steps) == {"inner.py", "sh"}
    assert "out.txt" in project.hit("in.txt")
    inner = project.ask("show", f"run:{steps['inner.py']}")
    assert names(inner["produces"]) == {"out.txt"}
