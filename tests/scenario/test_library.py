"""A user's program records itself: real processes, a real project, the real command line."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
EARLIER = ("noted", "earlier-reads")


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Home:
    """A project in a scratch directory."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self.cache = cache

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def run(self, *command: str, **extra: str) -> Ran:
        left_out = ("PROVGRAPH", "PYTHONPATH", "COVERAGE")
        environ = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
        environ |= {"PYTHONPATH": str(CHECKOUT), "XDG_CACHE_HOME": str(self.cache)}
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environ | extra,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def python(self, source: str, *arguments: str, **extra: str) -> Ran:
        self.write("main.py", source)
        return self.run(sys.executable, "main.py", *arguments, **extra)

    def provgraph(self, *words: str) -> Ran:
        return self.run(sys.executable, "-m", "provgraph", *words)

    def json(self, *words: str) -> Any:
        done = self.provgraph(*words, "--format", "json")
        assert done.code in (0, 1), done.err
        return json.loads(done.out)

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json("status")
        return found

    def stale(self) -> set[str]:
        return {one["name"] for one in self.status()["stale"]}

    def runs(self) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.json("log")["runs"]
        return runs

    def show(self, place: int = 0) -> dict[str, Any]:
        shown: dict[str, Any] = self.json("show", f"run:{self.runs()[place]['id']}")
        return shown

    def touched(self, name: str, place: int = 0) -> set[str]:
        uses = [use for use in self.show(place)["uses"] if use["name"] == name]
        return {part for use in uses for part in use["touched"]}

    def used(self, place: int = 0) -> set[tuple[str, str]]:
        uses = self.show(place)["uses"]
        return {(use["name"], use["role"]) for use in uses if use["kind"] not in MACHINE}

    def produced(self, place: int = 0) -> set[str]:
        return {product["name"] for product in self.show(place)["produces"]}

    def gaps(self, place: int = 0) -> set[tuple[str, str]]:
        return {(gap["grade"], gap["reason"]) for gap in self.show(place)["gaps"]}


MACHINE = ("Environment", "Hardware")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    root = tmp_path / "project"
    root.mkdir()
    home = Home(root, tmp_path / "cache")
    done = home.provgraph("init")
    assert done.code == 0, done.err
    return home


# -- what a block is seen to do --------------------------------------------------------------------


def test_a_block_is_recorded_with_what_it_did(home: Home) -> None:
    home.write("in.csv", "1,2\n")
    home.write("helper.py", "def load():\n    return open('in.csv').read()\n")
    ran = home.python(
        """
        import provgraph, helper
        with provgraph.run("train", params={"lr": 0.1, "layers": [2, 3]}) as run:
            text = helper.load()
            open("out.txt", "w").write(text * 2)
            run.metric("auc", 0.93)
            run.note("a first try")
        """
    )
    assert ran == (0, "", "")
    assert home.used() == {
        ("in.csv", "input"),
        ("helper.py", "module"),
        ("main.py", "program"),
        (".", "path"),
    }
    assert home.produced() == {"out.txt"}
    assert home.gaps() == {EARLIER}
    assert [(run["step"], run["status"]) for run in home.runs()] == [("train", "ok")]
    text = home.provgraph("show", f"run:{home.runs()[0]['id']}").out
    assert "0.93" in text
    assert "a first try" in text
    assert "[2, 3]" in text
    assert home.status()["stale"] == []


def test_what_was_read_changes_and_the_product_is_stale(home: Home) -> None:
    home.write("in.csv", "1,2\n")
    home.write("other.csv", "1,2\n")
    home.python(
        """
        import provgraph
        with provgraph.run("copy"):
            open("out.txt", "w").write(open("in.csv").read())
        """
    )
    home.write("other.csv", "3,4\n")
    assert home.stale() == set()
    home.write("in.csv", "3,4\n")
    assert home.stale() == {"out.txt"}


def test_only_what_happens_in_the_block_counts(home: Home) -> None:
    for name in ("before", "inside", "after"):
        home.write(f"{name}.csv", name)
    home.python(
        """
        import os, provgraph
        open("before.csv").read()
        stat, environ = os.stat, dict(os.environ)
        with provgraph.run("one"):
            open("inside.csv").read()
        open("after.csv").read()
        open("late.txt", "w").close()
        assert os.stat is stat
        assert dict(os.environ) == environ
        import subprocess, sys
        code = "import os, sys; print([k for k in os.environ if k == 'PYTHONPATH'])"
        assert b"spool" not in subprocess.check_output(["env"])
        """
    )
    assert home.used() == {("inside.csv", "input"), ("main.py", "program"), (".", "path")}
    assert home.produced() == set()


def test_blocks_after_one_another_are_runs_of_their_own(home: Home) -> None:
    home.write("in.csv", "1")
    ran = home.python(
        """
        import provgraph
        for _ in range(2):
            with provgraph.run("prepare"):
                open("table.csv", "w").write(open("in.csv").read())
            with provgraph.run("train"):
                open("model.txt", "w").write(open("table.csv").read())
        """
    )
    assert ran == (0, "", "")
    assert [run["step"] for run in home.runs()] == ["train", "prepare", "train", "prepare"]
    assert home.used(0) == {("table.csv", "input"), ("main.py", "program"), (".", "path")}
    assert home.used(1) == {("in.csv", "input"), ("main.py", "program"), (".", "path")}
    assert home.status()["totals"]["current"] == 2
    home.write("in.csv", "2")
    assert home.stale() == {"table.csv", "model.txt"}


def test_a_file_looked_for_and_added_later(home: Home) -> None:
    home.python(
        """
        import os, provgraph
        with provgraph.run("one"):
            open("out.txt", "w").write(str(os.path.exists("extra.csv")))
        """
    )
    assert home.stale() == set()
    home.write("extra.csv", "1")
    assert home.stale() == {"out.txt"}


def test_a_file_rewritten_in_place_is_known_as_it_was_read(home: Home) -> None:
    home.write("data.csv", "1\n")
    ran = home.python(
        """
        import provgraph
        with provgraph.run("rewrite"):
            text = open("data.csv").read()
            open("data.csv", "w").write(text + "2")
        """
    )
    assert ran == (0, "", "")
    assert home.gaps() == {EARLIER}
    use = next(use for use in home.show()["uses"] if use["name"] == "data.csv")
    product = home.show()["produces"][0]
    assert use["digest"].startswith("b3:")
    assert use["digest"] != product["digest"]


def test_children_are_watched_too(home: Home) -> None:
    for name in ("forked", "spawned", "popen"):
        home.write(f"{name}.csv", name)
    home.write("reader.py", "def read(name):\n    return open(name).read()\n")
    ran = home.python(
        """
        import multiprocessing, subprocess, sys, provgraph
        from reader import read
        if __name__ == "__main__":
            with provgraph.run("one"):
                for how in ("fork", "spawn"):
                    with multiprocessing.get_context(how).Pool(1) as pool:
                        pool.map(read, [f"{how}ed.csv".replace("spawned", "spawned")])
                        pool.close(); pool.join()
                code = "open('popen.csv').read(); open('popen.csv', 'w').write('2')"
                subprocess.run([sys.executable, "-c", code], check=True)
        """
    )
    assert ran == (0, "", "")
    names = {name for name, role in home.used() if role == "input"}
    assert names == {"forked.csv", "spawned.csv", "popen.csv"}
    assert home.gaps() == {EARLIER}


def test_a_child_that_nothing_announced_is_answered(home: Home) -> None:
    """`multiprocessing` starts programs without an event, and this one asks what a file held."""
    home.write("data.csv", "1")
    home.write("changer.py", "def change(name):\n    open(name, 'a').write(open(name).read())\n")
    ran = home.python(
        """
        import multiprocessing, provgraph
        from changer import change
        if __name__ == "__main__":
            with provgraph.run("one"):
                spawn = multiprocessing.get_context("spawn")
                child = spawn.Process(target=change, args=["data.csv"])
                child.start()
                child.join()
        """
    )
    assert ran == (0, "", "")
    assert home.gaps() == {EARLIER}
    use = next(use for use in home.show()["uses"] if use["name"] == "data.csv")
    assert use["digest"].startswith("b3:")


def test_threads_belong_to_the_block_that_is_open(home: Home) -> None:
    home.write("a.csv", "1")
    home.write("b.csv", "1")
    ran = home.python(
        """
        import threading, provgraph
        both = threading.Barrier(2)
        def work(name):
            with provgraph.run(name) as run:
                both.wait()
                open(f"{name}.out", "w").write(open(f"{name}.csv").read())
                run.metric(f"of_{name}", 1)
                both.wait()
        threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    )
    assert ran == (0, "", "")
    assert len(home.runs()) == 1
    assert home.produced() == {"a.out", "b.out"}
    assert {("a.csv", "input"), ("b.csv", "input")} <= home.used()


def test_a_block_in_a_block_is_part_of_it(home: Home) -> None:
    home.write("a.csv", "1")
    home.python(
        """
        import provgraph
        with provgraph.run("outer") as outer:
            with provgraph.run("inner", params={"lr": 1}) as inner:
                inner.metric("auc", 0.5)
                open("a.csv").read()
            open("out.txt", "w").write("1")
        """
    )
    [run] = home.runs()
    assert run["step"] == "outer"
    assert ("a.csv", "input") in home.used()
    text = home.provgraph("show", f"run:{run['id']}").out
    assert "auc" in text
    assert "lr" in text


# -- what can't be seen ----------------------------------------------------------------------------


def test_a_process_started_before_is_a_gap(home: Home) -> None:
    home.python(
        """
        import subprocess, provgraph
        child = subprocess.Popen(["sleep", "30"])
        with provgraph.run("one"):
            pass
        child.kill(); child.wait()
        """
    )
    assert ("blocking", "untraced") in home.gaps()


def test_a_program_that_is_not_python_is_a_gap(home: Home) -> None:
    home.python(
        """
        import subprocess, provgraph
        with provgraph.run("one"):
            subprocess.run(["sort", "/dev/null"])
        """
    )
    assert ("blocking", "untraced") in home.gaps()


def test_a_library_that_reads_natively_and_was_loaded_before_is_a_gap(home: Home) -> None:
    home.write("h5py.py", "")
    home.python(
        """
        import provgraph, h5py
        with provgraph.run("one"):
            pass
        """
    )
    assert ("blocking", "native-reader") in home.gaps()


def test_a_module_edited_after_it_was_imported_is_a_gap(home: Home) -> None:
    home.write("helper.py", "a = 1\n")
    home.python(
        """
        import time, provgraph, helper
        time.sleep(0.2)
        open("helper.py", "w").write("a = 22\\n")
        with provgraph.run("one"):
            open("out.txt", "w").write(str(helper.a))
        """
    )
    assert ("blocking", "changed-while-read") in home.gaps()


def test_a_file_opened_before_is_used(home: Home) -> None:
    home.write("in.csv", "1")
    home.python(
        """
        import provgraph
        with open("in.csv") as file, provgraph.run("one"):
            open("out.txt", "w").write(file.read())
        """
    )
    assert ("in.csv", "input") in home.used()


def test_code_that_was_typed_in_is_a_gap(home: Home) -> None:
    ran = home.run(sys.executable, "-c", "import provgraph\nwith provgraph.run('one'): pass")
    assert ran == (0, "", "")
    assert home.gaps() == {EARLIER, ("noted", "unsaved-code")}


def test_what_is_declared_counts_where_nothing_was_seen(home: Home) -> None:
    home.write("in.bin", "1")
    home.write("out.bin", "1")
    home.python(
        """
        import provgraph
        with provgraph.run("one") as run:
            run.uses("in.bin")
            run.produces("out.bin")
        """
    )
    use = next(use for use in home.show()["uses"] if use["name"] == "in.bin")
    assert use["evidence"] == "declared"
    assert home.produced() == {"out.bin"}
    home.write("in.bin", "2")
    assert home.stale() == {"out.bin"}


# -- failures --------------------------------------------------------------------------------------


def test_an_exception_passes_through_and_the_run_has_failed(home: Home) -> None:
    source = """
    import provgraph
    try:
        with provgraph.run("one"):
            open("out.txt", "w").write("half")
            raise ValueError("no")
    except ValueError as error:
        assert error.args == ("no",)
        assert error.__context__ is None
        trace = error.__traceback__
        assert trace.tb_next is None
    """
    assert home.python(source) == (0, "", "")
    assert home.runs()[0]["status"] == "failed"
    assert home.stale() == {"out.txt"}


def test_leaving_the_program_is_no_failure(home: Home) -> None:
    source = """
    import sys, provgraph
    with provgraph.run("one"):
        sys.exit(%s)
    """
    assert home.python(source % "").code == 0
    assert home.python(source % "3").code == 3
    assert [run["status"] for run in home.runs()] == ["failed", "ok"]


def test_a_killed_program_leaves_an_interrupted_run(home: Home) -> None:
    home.write("in.csv", "1")
    home.python(
        """
        import os, provgraph
        cfg = open("in.csv")
        with provgraph.run("one", params={"lr": 1}) as run:
            run.metric("auc", 0.5)
            open("out.txt", "w").write(cfg.read())
            os.kill(os.getpid(), 9)
        """
    )
    [run] = home.runs()
    assert run["status"] == "interrupted"
    assert home.produced() == {"out.txt"}
    assert ("in.csv", "input") in home.used()
    assert "auc" in home.provgraph("show", f"run:{run['id']}").out


def test_outside_a_project_the_block_runs_and_that_is_said_once(tmp_path: Path) -> None:
    home = Home(tmp_path, tmp_path / "cache")
    ran = home.python(
        """
        import provgraph
        for _ in range(2):
            with provgraph.run("one", params={"lr": 1}) as run:
                run.uses("x"); run.produces("y"); run.metric("auc", 1); run.note("z")
                print("ran")
        """
    )
    assert (ran.code, ran.out) == (0, "ran\nran\n")
    assert ran.err.count("provgraph:") == ran.err.count("\n") == 1
    assert "isn't recorded" in ran.err


def test_switched_off_nothing_is_recorded_or_said(home: Home) -> None:
    source = """
    import provgraph
    with provgraph.run("one") as run:
        run.metric("auc", 1)
        print("ran")
    """
    assert home.python(source, PROVGRAPH="off") == (0, "ran\n", "")
    assert home.runs() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_ledger_that_can_not_be_written_harms_nothing(home: Home) -> None:
    source = """
    import provgraph
    with provgraph.run("one"):
        print("ran")
    """
    ledger = home.root / ".provgraph"
    places = [ledger, *(path for path in ledger.rglob("*") if path.is_dir())]
    for place in places:
        place.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        ran = home.python(source)
    finally:
        for place in places:
            place.chmod(stat.S_IRWXU)
    assert (ran.code, ran.out) == (0, "ran\n")
    assert "isn't recorded" in ran.err


def test_a_ledger_in_whose_place_a_file_lies_harms_nothing(home: Home) -> None:
    ledger = Path(home.provgraph("ledger", "path").out.strip())
    spool = ledger / "spool"
    if spool.exists():
        spool.rmdir()
    spool.write_text("in the way", "utf-8")
    ran = home.python(
        """
        import provgraph
        with provgraph.run("one"):
            print("ran")
        """
    )
    assert (ran.code, ran.out) == (0, "ran\n")
    assert "isn't recorded" in ran.err


# -- in a run that is watched already --------------------------------------------------------------


def test_in_a_watched_process_the_block_is_part_of_that_run(home: Home) -> None:
    home.write("in.csv", "1")
    home.write("seen.csv", "1")
    home.write(
        "main.py",
        """
        import provgraph
        open("seen.csv").read()
        with provgraph.run("inner", params={"lr": 0.1}) as run:
            run.uses("in.csv")
            run.metric("auc", 0.5)
            run.note("why")
            open("out.txt", "w").write("1")
            run.produces("out.txt")
        """,
    )
    ran = home.provgraph("run", "--param", "seed=1", "--", sys.executable, "main.py")
    assert ran == (0, "", "")
    [run] = home.runs()
    assert run["step"] == "main.py"
    assert {("in.csv", "input"), ("seen.csv", "input")} <= home.used()
    assert home.produced() == {"out.txt"}
    assert home.gaps() == set()
    text = home.provgraph("show", f"run:{run['id']}").out
    for word in ("auc", "lr", "seed", "why"):
        assert word in text


def test_a_secret_among_the_params_is_redacted(home: Home) -> None:
    home.python(
        """
        import provgraph
        with provgraph.run("one", params={"password": "hunter2hunter2"}) as run:
            run.note("token=ghp_" + "a1B2" * 10)
        """
    )
    text = home.provgraph("show", f"run:{home.runs()[0]['id']}").out
    assert "redacted" in text
    assert "hunter2" not in text
    assert "a1B2" not in text


# -- steps -----------------------------------------------------------------------------------------


def test_a_step_is_a_run_with_its_arguments(home: Home) -> None:
    home.write("in.csv", "1")
    ran = home.python(
        """
        import asyncio, provgraph

        @provgraph.step
        def first(path, *, times=2):
            "Say."
            return open(path).read() * times

        @provgraph.step("second", params={"seed": 7})
        async def other(text):
            open("out.txt", "w").write(text)
            return 5

        assert first.__doc__ == "Say."
        assert first("in.csv") == "11"
        assert asyncio.run(other("x")) == 5
        """
    )
    assert ran == (0, "", "")
    assert [run["step"] for run in home.runs()] == ["second", "main.first"]
    assert ("in.csv", "input") in home.used(1)
    assert home.produced(0) == {"out.txt"}
    text = home.provgraph("show", f"run:{home.runs()[1]['id']}").out
    assert "times" in text


# -- keys of a config ------------------------------------------------------------------------------

PARAMS = "model:\n  depth: 3\n  lr: 0.1\ndata:\n  rows: 5\nname: a\n"
READS_KEYS = """
import provgraph
cfg = provgraph.params("params.yaml")
def work():
    text = str(cfg["model"]["depth"]) + str(cfg["model"].get("dropout", 0))
    open("out.txt", "w").write(text)
"""
IN_A_BLOCK = READS_KEYS + "with provgraph.run('train'):\n    work()\n"
PLAIN = READS_KEYS + "work()\n"


@pytest.fixture(params=["block", "watched"])
def reader(request: pytest.FixtureRequest, home: Home) -> Home:
    """A program that reads two keys: in a block of its own, or watched from outside."""
    home.write("params.yaml", PARAMS)
    if request.param == "block":
        ran = home.python(IN_A_BLOCK)
    else:
        home.write("main.py", PLAIN)
        ran = home.provgraph("run", "--", sys.executable, "main.py")
    assert ran == (0, "", "")
    return home


def test_a_run_rests_on_the_keys_it_read(reader: Home) -> None:
    assert reader.touched("params.yaml") == {"model.depth", "model.dropout"}
    reader.write("params.yaml", PARAMS.replace("rows: 5", "rows: 6").replace("0.1", "0.2"))
    assert reader.stale() == set()
    reader.write("params.yaml", PARAMS.replace("depth: 3", "depth: 4"))
    assert reader.stale() == {"out.txt"}
    reader.write("params.yaml", PARAMS.replace("depth: 3", "depth: 3  # a comment"))
    assert reader.stale() == set()
    reader.write("params.yaml", PARAMS.replace("  lr", "  dropout: 1\n  lr"))
    assert reader.stale() == {"out.txt"}
    reader.write("params.yaml", "model: [1, 2]\n")
    assert reader.stale() == {"out.txt"}
    (reader.root / "params.yaml").unlink()
    assert reader.stale() == {"out.txt"}
    reader.write("params.yaml", PARAMS)
    assert reader.stale() == set()


def test_impact_of_a_key_names_who_read_it(reader: Home) -> None:
    def affected(selector: str) -> set[str]:
        return {hit["name"] for hit in reader.json("impact", selector)["affected"]}

    assert affected("params.yaml#model.depth") == {"out.txt"}
    assert affected("params.yaml#model.lr") == set()
    assert affected("params.yaml#model") == {"out.txt"}
    assert affected("params.yaml") == {"out.txt"}


def test_the_program_opens_the_file_itself_as_well(home: Home) -> None:
    home.write("params.yaml", PARAMS)
    for lines in (
        "cfg['name']; open('params.yaml').read()",
        "open('params.yaml').read(); cfg['name']",
    ):
        source = "import provgraph\nwith provgraph.run('one'):\n"
        source += f"    cfg = provgraph.params('params.yaml'); {lines}\n"
        assert home.python(source) == (0, "", "")
        assert home.touched("params.yaml") == {"#bytes"}


def test_a_config_that_is_not_there_is_looked_for(home: Home) -> None:
    home.python(
        """
        import provgraph
        with provgraph.run("one"):
            try:
                provgraph.params("params.yaml")
            except FileNotFoundError:
                open("out.txt", "w").write("none")
        """
    )
    assert home.stale() == set()
    home.write("params.yaml", PARAMS)
    assert home.stale() == {"out.txt"}


def test_a_config_edited_while_it_is_used_is_a_gap(home: Home) -> None:
    home.write("params.yaml", PARAMS)
    home.python(
        """
        import provgraph
        with provgraph.run("one"):
            cfg = provgraph.params("params.yaml")
            open("out.txt", "w").write(cfg["name"])
            import subprocess
            subprocess.run(["touch", "params.yaml"])
        """
    )
    assert ("blocking", "changed-while-read") in home.gaps()


def test_keys_read_in_one_block_are_not_the_next_one_s(home: Home) -> None:
    home.write("params.yaml", PARAMS)
    home.python(
        """
        import provgraph
        cfg = provgraph.params("params.yaml")
        with provgraph.run("one"):
            cfg["name"]
        with provgraph.run("two"):
            cfg["model"]["depth"]
        """
    )
    assert home.touched("params.yaml", 1) == {"name"}
    assert home.touched("params.yaml", 0) == {"model.depth"}
