"""Every Python process of the tree is watched, and those that nothing watched are said."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from .conftest import Watch

CHILD = "open('child.csv').read()"


@pytest.mark.parametrize(
    "start",
    [
        "subprocess.run([sys.executable, 'child.py'])",
        "subprocess.run([sys.executable, 'child.py'], env={})",
        "subprocess.run([sys.executable, 'child.py'], env=dict(os.environ, PYTHONPATH='/none'))",
        "subprocess.run([sys.executable, 'child.py'], close_fds=False)",
        "os.environ['PYTHONPATH'] = '/none'; subprocess.run([sys.executable, 'child.py'])",
        "os.environ.clear(); subprocess.run([sys.executable, 'child.py'])",
        "os.environ.pop('PYTHONPATH', 0); os.spawnl(0, sys.executable, 'python', 'child.py')",
        "os.waitpid(os.posix_spawn(sys.executable, ['python', 'child.py'], {}), 0)",
        "os.waitpid(os.posix_spawn(sys.executable, ['python', 'child.py'], os.environ), 0)",
        "os.fork() or os.execv(sys.executable, ['python', 'child.py']); os.wait()",
        "os.fork() or os.execve(sys.executable, ['python', 'child.py'], {}); os.wait()",
        "asyncio.run(started())",
        "os.execv(sys.executable, ['python', 'child.py'])",
    ],
)
def test_a_child_that_is_python_is_watched(watch: Watch, start: str) -> None:
    watch.write("child.py", CHILD)
    watch.write("child.csv", "")
    seen = watch.python(
        "import asyncio, os, subprocess, sys\n"
        "async def started():\n"
        "    await (await asyncio.create_subprocess_exec(sys.executable, 'child.py')).wait()\n"
        + start
    )
    assert seen.status == 0, seen.err
    assert {("program", "child.py"), ("read", "child.csv")} <= seen.seen()
    assert seen.gaps == set()


def test_a_fork_begins_its_log_with_itself(watch: Watch) -> None:
    """The opening of its own log is no access, wherever the spool lies."""
    seen = watch.python("import os\nif not os.fork(): os._exit(0)\nos.wait()\n")
    assert seen.status == 0, seen.err
    logs = [path.read_bytes() for path in watch.scratch.glob("**/*.log")]
    assert len(logs) >= 2
    assert [log[:2] for log in logs] == [b"P\0"] * len(logs)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_is_watched(watch: Watch, method: str) -> None:
    for number in range(4):
        watch.write(f"x{number}", "")
    seen = watch.python(
        "import multiprocessing as m\n"
        "def f(n):\n"
        "    open(f'x{n}').close()\n"
        "if __name__ == '__main__':\n"
        f"    c = m.get_context('{method}')\n"
        # both have begun before either may work: one that isn't needed is killed while it starts
        "    with c.Pool(2, c.Barrier(2).wait) as pool: pool.map(f, range(4))\n"
    )
    assert seen.status == 0, seen.err
    assert seen.seen("read") == {("read", f"x{number}") for number in range(4)}
    assert not seen.seen("source")
    assert seen.gaps == set()


def test_joined_by_a_shell_python_is_watched(watch: Watch) -> None:
    watch.write("child.py", CHILD)
    watch.write("child.csv", "")
    seen = watch.python(f"import os\nos.system('{sys.executable} child.py; cat child.csv')")
    assert ("read", "child.csv") in seen.seen()
    if watch.sees_natively:
        assert seen.gaps == set()
    else:
        assert seen.gaps == {("untraced", "sh")}


@pytest.mark.parametrize("option", ["-I", "-E", "-S"])
def test_an_isolated_python_is_a_gap(watch: Watch, option: str) -> None:
    watch.write("child.py", CHILD)
    watch.write("child.csv", "")
    seen = watch.run(sys.executable, option, "child.py")
    assert seen.status == 0
    assert seen.gaps == {("isolated-python", "child.py")}
    again = watch.python(
        f"import subprocess as s, sys\ns.run([sys.executable, '{option}', 'child.py'])"
    )
    assert again.gaps == {("isolated-python", "child.py")}


@pytest.fixture
def dying(tmp_path: Path) -> Path:
    """Give a Python that, told to, kills itself while it reads those of its parts that begin it."""
    home, version = Path(sys.base_prefix) / "bin", f"{sys.version_info[0]}.{sys.version_info[1]}"
    site = tmp_path / "dying" / "lib" / f"python{version}" / "site-packages"
    site.mkdir(parents=True)
    (tmp_path / "dying/pyvenv.cfg").write_text(f"home = {home}\n")
    (tmp_path / "dying/bin").mkdir()
    python = tmp_path / "dying/bin/python"
    python.symlink_to(home / f"python{version}")
    (site / "dying.pth").write_text("import os; 'DIE' in os.environ and os.kill(os.getpid(), 9)\n")
    return python


def test_a_python_that_is_killed_while_it_starts_did_nothing(watch: Watch, dying: Path) -> None:
    watch.write(
        "main.py",
        "import subprocess as s, sys\ns.run([sys.executable, '-c', '1'], env={'DIE': ''})",
    )
    seen = watch.run(str(dying), "main.py")
    assert seen.status == 0, seen.err
    assert seen.gaps == (set() if watch.sees_natively else {("untraced", "python -c")})


@pytest.mark.parametrize(
    ("options", "what"),
    [(["-S"], "import os"), (["-bIS"], "import os"), ([], "import os; open('x')")],
)
def test_one_that_may_have_done_something_is_a_gap(
    watch: Watch, options: list[str], what: str
) -> None:
    watch.write("x", "")
    python = [sys.executable, *options, "-c", f"{what}; os.kill(os.getpid(), 9)"]
    environ = {"PYTHONPATH": ""} if options else {"PYTHONHOME": sys.base_prefix}
    seen = watch.python(f"import os, subprocess\nsubprocess.run({python!r}, env={environ})")
    if options:
        assert seen.gaps & {("isolated-python", "python -c"), ("untraced", "python -c")}
    else:
        assert ("read", "x") in seen.seen("read")


def test_a_program_that_is_not_python_is_seen_or_a_gap(watch: Watch) -> None:
    watch.write("x", "")
    for seen in (
        watch.run("cat", "x"),
        watch.python("import subprocess\nsubprocess.run(['cat', 'x'])"),
    ):
        assert (("read", "x") in seen.seen("read")) == watch.sees_natively
        assert seen.gaps == (set() if watch.sees_natively else {("untraced", "cat")})


@pytest.mark.parametrize(
    "start",
    [
        "['uname', '-a']",
        "['git', 'rev-parse', 'HEAD']",
        "['gcc', '--version']",
        "['/bin/sh', '-c', 'uname -p']",
    ],
)
def test_a_program_that_tells_of_the_machine_is_no_gap(watch: Watch, start: str) -> None:
    assert watch.python(f"import subprocess\nsubprocess.run({start})").gaps == set()


def test_a_program_that_is_not_there_is_no_gap(watch: Watch) -> None:
    seen = watch.python("import subprocess\ntry: subprocess.run(['no-such'])\nexcept OSError: pass")
    assert seen.gaps == set()


def test_a_script_with_an_interpreter_line_is_python(watch: Watch) -> None:
    path = watch.write("tool", f"#!{sys.executable}\nopen('child.csv')\n")
    path.chmod(0o755)
    watch.write("child.csv", "")
    seen = watch.run("./tool")
    assert seen.seen() == {("program", "tool"), ("read", "child.csv")}
    assert seen.gaps == set()


def test_a_launcher_is_no_gap(watch: Watch) -> None:
    watch.write("child.py", CHILD)
    watch.write("child.csv", "")
    seen = watch.run("env", "A=1", sys.executable, "child.py")
    assert ("read", "child.csv") in seen.seen()
    assert seen.gaps == set()


def test_a_process_tells_its_python_and_what_it_imported(watch: Watch) -> None:
    seen = watch.python("import blake3, os\nos.environ.get('SECRET_NAME'); dict(os.environ)")
    assert seen.trace is not None
    (process,) = seen.trace.processes
    assert process.python is not None
    assert process.python[0] == ".".join(str(part) for part in sys.version_info[:3])
    assert "blake3" in process.distributions
    assert "pytest" not in process.distributions
    assert "SECRET_NAME" in process.environ
    assert "HOME" not in process.environ
    assert process.ended


def test_a_library_that_reads_natively_is_a_gap_where_it_goes_unseen(watch: Watch) -> None:
    watch.write("h5py.py", "")
    seen = watch.python("import h5py")
    assert seen.gaps == (set() if watch.sees_natively else {("native-reader", "main.py (h5py)")})


def test_a_nested_run_is_watched_by_both(watch: Watch) -> None:
    watch.write("child.py", CHILD)
    watch.write("child.csv", "")
    inner, _ = watch.command(sys.executable, "child.py")
    outer = watch.run(*inner, env={"PYTHONPATH": watch.environment()["PYTHONPATH"]})
    assert outer.status == 0, outer.err
    assert ("read", "child.csv") in outer.seen()
