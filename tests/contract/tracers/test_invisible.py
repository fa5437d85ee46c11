"""A watched program behaves, prints and ends as without us."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import Watch

PROGRAMS = {
    "environment": "import os\nprint(sorted(os.environ), os.environ.get('PYTHONPATH'))",
    "path": "import sys\nprint(sys.path, sys.flags, sorted(sys.path_importer_cache))",
    "modules": "import sys\nprint(sorted(sys.modules))",
    "failing stat": "import os\nos.stat('no')",
    "failing look": "import os\ntry: os.stat('no')\nexcept OSError as e: raise ValueError from e",
    "failing open": "open('no')",
    "failing spawn": "import subprocess\nsubprocess.run(['no-such'])",
    "failing environ": "import os\nos.environ['NO_SUCH']",
    "wrong argument": "import os\nos.stat(1.5)",
    "wrong environment": "import subprocess\nsubprocess.run(['true'], env={'a=b': ''})",
    "functions": (
        "import os, shutil\n"
        "print(os.stat in os.supports_dir_fd, os.stat in os.supports_follow_symlinks,\n"
        "      os.stat, os.access.__name__, shutil.rmtree.avoids_symlink_attacks,\n"
        "      os.stat == __import__('posix').stat)"
    ),
    "in a class": "import os\nclass A:\n    stat = os.stat\nprint(A().stat('.') == os.stat('.'))",
    "pickled": "import os, pickle\nprint(pickle.loads(pickle.dumps(os.stat)) is os.stat)",
    "no sitecustomize": "import sitecustomize",
    "descriptors": "import os\nprint(os.open('.', os.O_RDONLY), os.open('.', os.O_RDONLY))",
    "names": "import sys, builtins\nprint(sorted(vars(builtins)), sorted(globals()))",
    "a changed path": "import os\nos.environ['PYTHONPATH'] = 'x'\nprint(os.environ['PYTHONPATH'])",
    "status": "import sys\nsys.exit(7)",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_prints_the_same(watch: Watch, name: str) -> None:
    watch.write("main.py", PROGRAMS[name])
    if (
        name == "no sitecustomize"
        and Path("/usr/lib/python3/dist-packages/sitecustomize.py").exists()
    ):
        pytest.skip("this Python has one of its own")
    environ = {"PYTHONDONTWRITEBYTECODE": "1"}
    bare = watch.bare(sys.executable, "main.py", env=environ)
    seen = watch.run(sys.executable, "main.py", env=environ)
    assert (seen.status, seen.out, seen.err) == (bare.returncode, bare.stdout, bare.stderr)


@pytest.mark.parametrize("given", ["", "/none", "/none:/nil"])
def test_a_path_that_was_set_is_found_as_it_was(watch: Watch, given: str) -> None:
    watch.write("main.py", "import os, sys\nprint(repr(os.environ.get('PYTHONPATH')), sys.path)")
    bare = watch.bare(sys.executable, "main.py", env={"PYTHONPATH": given})
    seen = watch.run(sys.executable, "main.py", env={"PYTHONPATH": given})
    assert seen.out == bare.stdout


def test_an_existing_sitecustomize_still_runs(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text("print('theirs', __name__, __file__)\n")
    environ = {"PYTHONPATH": str(tmp_path / "site")}
    watch.write(
        "main.py", "import sys\nprint(sys.modules['sitecustomize'].__file__)\nopen('x', 'w')"
    )
    bare = watch.bare(sys.executable, "main.py", env=environ)
    seen = watch.run(sys.executable, "main.py", env=environ)
    assert (seen.out, seen.err) == (bare.stdout, bare.stderr)
    assert b"theirs" in seen.out
    assert ("write", "x") in seen.seen()


def test_an_existing_sitecustomize_fails_as_it_would(watch: Watch, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text("import no_such_module\n")
    environ = {"PYTHONPATH": str(tmp_path / "site")}
    watch.write("main.py", "print(1)")
    bare = watch.bare(sys.executable, "main.py", env=environ)
    seen = watch.run(sys.executable, "main.py", env=environ)
    assert (seen.status, seen.out, seen.err) == (bare.returncode, bare.stdout, bare.stderr)
    assert b"no_such_module" in seen.err


def test_a_signal_handler_of_the_program_raises_through_us(watch: Watch) -> None:
    seen = watch.python(
        "import os, signal, time\n"
        "class Late(Exception): pass\n"
        "def late(*_): raise Late\n"
        "signal.signal(signal.SIGALRM, late)\n"
        "for turn in range(300):\n"
        "    try:\n"
        "        signal.setitimer(signal.ITIMER_REAL, 0.0002)\n"
        "        began = time.monotonic()\n"
        "        number = 0\n"
        "        while time.monotonic() < began + 1:\n"
        "            number += 1\n"
        "            try: os.stat(f'n{turn}-{number}')\n"
        "            except FileNotFoundError: pass\n"
        "            try: open(f'o{turn}-{number}')\n"
        "            except FileNotFoundError: pass\n"
        "        print('lost')\n"
        "    except Late: pass\n"
    )
    assert (seen.status, seen.out, seen.err) == (0, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT])
def test_a_death_by_signal_is_ours_too(watch: Watch, number: signal.Signals) -> None:
    source = (
        "import os, signal\n"
        f"signal.signal({number:d}, signal.SIG_DFL)\n"
        f"os.kill(os.getpid(), {number:d})"
    )
    if number == signal.SIGKILL:
        source = "import os\nos.kill(os.getpid(), 9)"
    seen = watch.python(source)
    assert seen.status == -number
    assert seen.finished is not None
    assert seen.finished.signal == number
    assert seen.finished.status == ("failed" if number == signal.SIGSEGV else "interrupted")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT, signal.SIGHUP])
def test_a_signal_sent_to_us_reaches_the_program(watch: Watch, number: signal.Signals) -> None:
    watch.write(
        "main.py",
        "import signal, sys, time\n"
        f"signal.signal({number:d}, lambda *_: (print('got it', flush=True), sys.exit(5)))\n"
        "print('ready', flush=True)\ntime.sleep(30)",
    )
    argv, seen = watch.command(sys.executable, "main.py")
    with subprocess.Popen(
        argv, cwd=watch.project, env=watch.environment(), stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        out = process.stdout.read()
        assert (process.wait(30), out) == (5, b"got it\n")
    assert seen.exists()


@pytest.mark.parametrize("ends_by_it", [False, True])
def test_the_terminal_is_the_programs(watch: Watch, ends_by_it: bool) -> None:
    watch.write(
        "main.py",
        "import os, sys, time\n"
        "print(os.isatty(0), os.isatty(1), os.tcgetpgrp(0) == os.getpgrp(), flush=True)\n"
        "try:\n    print('ready', flush=True); time.sleep(30)\n"
        "except KeyboardInterrupt:\n    print('stopped once', flush=True)\n"
        + ("    raise\n" if ends_by_it else "    time.sleep(0.3); sys.exit(9)\n"),
    )
    argv, _ = watch.command(sys.executable, "main.py")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(watch.project)
        os.execve(sys.executable, [os.fsencode(word) for word in argv], watch.environment())
    out = b""
    until = time.monotonic() + 30
    while b"ready" not in out and time.monotonic() < until:
        out += os.read(terminal, 1024)
    os.write(terminal, b"\x03")
    try:
        while True:
            out += os.read(terminal, 1024)
    except OSError:
        pass
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert b"True True True" in out
    assert out.count(b"stopped once") == 1
    assert code == (-signal.SIGINT if ends_by_it else 9)


def test_a_command_that_cannot_be_started_has_the_shells_status(watch: Watch) -> None:
    watch.write("data", "x")
    assert watch.run("no-such-command").status == 127
    assert watch.run("./data").status == 126
    assert watch.run("./no-such-file").status == 127


def test_a_script_without_an_interpreter_line_is_the_shells(watch: Watch) -> None:
    watch.write("script", "echo hello $1\n").chmod(0o755)
    assert watch.run("./script", "you").out == b"hello you\n"


def test_pipes_break_for_the_program_as_they_would(watch: Watch) -> None:
    watch.write("main.py", "import signal\nprint(signal.getsignal(signal.SIGPIPE))")
    assert watch.run("sh", "-c", "kill -PIPE $$").status == -signal.SIGPIPE
    ignored = [
        int(out.split()[1], 16) & 0x7FFFFFFF  # the C library keeps two beyond for itself
        for out in (
            watch.run("grep", "SigIgn", "/proc/self/status").out,
            watch.bare("grep", "SigIgn", "/proc/self/status").stdout,
        )
    ]
    assert ignored[0] == ignored[1]


def test_inherited_descriptors_stay_open(watch: Watch) -> None:
    path = watch.write("three", "three")
    with path.open() as file:
        seen = watch.run(
            sys.executable,
            "-c",
            f"import os; print(os.read({file.fileno()}, 9))",
            pass_fds=(file.fileno(),),
        )
    assert seen.out == b"b'three'\n"


def test_a_full_spool_harms_nothing(watch: Watch) -> None:
    seen = watch.python(
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "for i in range(50):\n    open(f'x{i}', 'w')\nprint('done')"
    )
    assert (seen.status, seen.out, seen.err) == (0, b"done\n", b"")
    assert seen.gaps == {("log-cut", "main.py")}


def test_a_fork_that_finds_no_room_for_its_log_is_missed(watch: Watch) -> None:
    watch.write("x.csv", "1")
    # From the fork on, the child can't make a file longer; its parent can.
    seen = watch.python(
        "import os, resource\n"
        "size, most = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "def limit(size):\n    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))\n"
        "os.register_at_fork(before=lambda: limit(0), after_in_parent=lambda: limit(size))\n"
        "if os.fork() == 0:\n    open('x.csv').read()\n    os._exit(0)\n"
        "os.wait()\nprint('done')"
    )
    assert (seen.status, seen.out, seen.err) == (0, b"done\n", b"")
    assert ("log-cut", "main.py") in seen.gaps


def test_a_provgraph_that_died_harms_nothing(watch: Watch) -> None:
    watch.write("x.csv", "old")
    watch.write(
        "main.py",
        "import os, signal, time\nos.kill(os.getppid(), signal.SIGKILL)\ntime.sleep(0.2)\n"
        "t = open('x.csv').read()\nopen('x.csv', 'w').write(t + 'new')\nopen('done', 'w').close()",
    )
    seen = watch.run(sys.executable, "main.py")
    assert seen.status == -9
    until = time.monotonic() + 20
    while not (watch.project / "done").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert (watch.project / "x.csv").read_text() == "oldnew"


PYTHONS = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parts[-3])
def test_every_python_that_is_here(watch: Watch, python: Path) -> None:
    version = tuple(int(part) for part in python.parts[-3].split(".")[:2])
    watch.write("x.csv", "old")
    watch.write("helper.py", "")
    source = (
        "import helper, os, pathlib, subprocess, sys, tempfile\n"
        "t = open('x.csv').read()\n"
        "open('x.csv', 'w').write(t + 'new')\n"
        "print(os.path.exists('no'), pathlib.Path('x.csv').exists())\n"
        "print(pathlib.Path('no2').exists())\n"
        "subprocess.run([sys.executable, '-c', \"open('child', 'w')\"], env={})\n"
        "print(sorted(os.environ), 'sitecustomize' in sys.modules)\n"
    )
    watch.write("main.py", source)
    bare = watch.bare(str(python), "main.py")
    watch.write("x.csv", "old")
    seen = watch.run(str(python), "main.py")
    assert (seen.status, seen.out, seen.err) == (bare.returncode, bare.stdout, bare.stderr)
    if version < (3, 8):
        assert {reason for reason, _ in seen.gaps} == {"untraced"}
        return
    assert {
        ("program", "main.py"),
        ("module", "helper.py"),
        ("read", "x.csv"),
        ("write", "x.csv"),
        ("write", "child"),
        ("absent", "no"),
        ("absent", "no2"),
    } <= seen.seen()
    assert seen.gaps == set()
