"""`provgraph redo`: the fewest commands, in order, judged anew after each; never by force."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.shell import PROVGRAPH, Project, validate
from tests.scenario.test_running import until
from tests.scenario.trunk import out

STAGE = """
    import sys

    *sources, target = sys.argv[1:]
    text = "".join(open(path).read() for path in sources)
    open(target, "w").write(text.upper())
    print("made", target)
    """
FIRST = """
    import sys

    source, target = sys.argv[1:]
    words = [line.split("#")[0].strip() for line in open(source)]
    open(target, "w").write("\\n".join(words) + "\\n")
    """


def redo(project: Project, *words: str, code: int | None = 0, **how: Any) -> Any:
    """Redo, and give the answer."""
    answer = project.provgraph("redo", *words, "--format", "json", code=code, **how).json
    validate(answer)
    return answer


def ran(answer: Any, part: str = "done") -> list[str]:
    """Give the last words of what was run, in order, with how it ended where it didn't end well."""
    return [
        step["command"].split()[-1] + ("" if step["outcome"] in ("", "done") else "!")
        for step in answer[part]
        if step["action"] == "run"
    ]


def stops(answer: Any, part: str = "left") -> dict[str, str]:
    """Give what stops a redo: subject → reason."""
    return {s["subject"]: s["reason"] for s in answer[part] if s["action"] in ("ask", "impossible")}


@pytest.fixture
def chain(project: Project) -> Project:
    """Give three stages: a.txt, from raw.txt without comments; b.txt and side.txt; then c.txt."""
    project.write("first.py", FIRST)
    project.write("stage.py", STAGE)
    project.write("raw.txt", "one # a comment\ntwo\n")
    project.write("more.txt", "more\n")
    project.write(".gitignore", "a.txt\nb.txt\nc.txt\nside.txt\n")
    project.git("add", ".")
    project.git("commit", "-qm", "sources")
    project.script("first.py", "raw.txt", "a.txt")
    project.script("stage.py", "a.txt", "b.txt")
    project.script("stage.py", "more.txt", "side.txt")
    project.script("stage.py", "b.txt", "side.txt", "c.txt")
    assert project.fallen() == {}
    return project


# -- what is run --------------------------------------------------------------------------------


def test_an_edit_is_carried_through_in_order(story: Project) -> None:
    story.write("data/v1/a.txt", "10\n")
    planned = redo(story, "--dry-run")
    assert ran(planned, "plan") == [
        "out/v1/table.txt", "out/v1/model.pkl", "out/v1/figure.svg", "out/summary.csv",
    ]  # fmt: skip
    assert [step["after"] for step in planned["plan"]] == [[], [1], [1, 2], [3]]
    assert [step["sure"] for step in planned["plan"]] == [True, False, False, False]
    assert "data/v1/a.txt" in planned["plan"][0]["reason"]
    assert story.fallen() == {"stale": out("v1") | {"out/summary.csv"}}  # nothing was done

    done = redo(story)
    assert ran(done) == ran(planned, "plan")
    assert done["left"] == []
    assert story.fallen() == {}
    assert redo(story)["done"] == []


def test_content_that_comes_out_equal_spares_what_rests_on_it(chain: Project) -> None:
    chain.write("raw.txt", "one # another comment\ntwo\n")
    assert ran(redo(chain, "--dry-run"), "plan") == ["a.txt", "b.txt", "c.txt"]
    done = redo(chain)
    assert ran(done) == ["a.txt"]
    spared = {one["run"]: one["reason"] for one in done["spared"]}
    assert list(spared.values()).count("what it reads came out as it was") == 2
    assert chain.fallen() == {}


def test_only_what_a_target_needs(chain: Project) -> None:
    chain.write("raw.txt", "three\n")
    chain.write("more.txt", "less\n")
    assert ran(redo(chain, "b.txt")) == ["a.txt", "b.txt"]
    assert chain.fallen() == {"stale": {"side.txt", "c.txt"}}
    assert ran(redo(chain, "c.txt")) == ["side.txt", "c.txt"]
    assert chain.fallen() == {}
    refused = chain.provgraph("redo", "raw.txt", code=2)
    assert "no recorded run makes raw.txt" in refused.told


def test_a_step_is_a_target_too(project: Project) -> None:
    project.write("data.txt", "1\n")
    project.write("check.py", "assert open('data.txt').read()\n")
    project.run("python", "check.py", options=("--name", "check"))
    project.write("data.txt", "2\n")
    assert len(redo(project, "check")["done"]) == 1
    assert project.fallen() == {}


def test_a_missing_product_is_made_again(chain: Project) -> None:
    (chain.root / "c.txt").unlink()
    (chain.root / "a.txt").unlink()
    done = redo(chain)
    assert ran(done) == ["a.txt", "c.txt"]
    assert {step["reason"] for step in done["done"]} == {"its product is missing"}
    assert chain.fallen() == {}


def test_what_was_said_of_a_run_is_said_again(project: Project) -> None:
    """Name, parameters, declared files, directory and redirections: it is the same step."""
    project.write("sub/in.txt", "b\na\n")
    line = (
        "cd sub && provgraph run --trace-calls --name sort --param way=up --uses ../more.txt "
        "--produces made.txt -- sh -c 'cat; echo x > made.txt' < in.txt > out.txt 2>&1"
    )
    project.write("more.txt", "1\n")
    assert project.shell(line).code == 0
    before = project.runs()[0]
    assert project.fallen() == {}
    project.write("sub/in.txt", "c\nb\na\n")
    (planned,) = redo(project, "-n")["plan"]
    assert planned["command"] == (
        "(cd sub && provgraph run --name sort --trace-calls --uses=../more.txt --produces=made.txt "
        "--param way=up -- sh -c 'cat; echo x > made.txt' < in.txt > out.txt 2> out.txt)"
    )
    redo(project)
    assert project.fallen() == {}
    assert project.read("sub/out.txt") == "c\nb\na\n"
    after = project.runs()[0]
    assert (after["step"], after["id"] != before["id"]) == ("sort", True)
    one, two = (project.ask("show", f"run:{run['id']}") for run in (before, after))
    names = [{line["name"] for line in shown["produces"]} for shown in (one, two)]
    assert names[0] == names[1] == {"sub/out.txt", "sub/made.txt"}
    assert one["node"]["params"] == two["node"]["params"] == {"way": "up"}
    more = next(line for line in two["uses"] if line["name"] == "more.txt")
    assert more["evidence"] == "declared"


def test_parameters_that_the_program_tells_itself_are_told_anew(project: Project) -> None:
    project.write("c.json", '{"lr": 1}')
    project.write(
        "train.py",
        """
        import json
        import provgraph

        lr = json.load(open("c.json"))["lr"]
        with provgraph.run("train", params={"lr": lr}):
            open("m.txt", "w").write(str(lr))
        """,
    )
    project.run("python", "train.py", options=("--param", "seed=7"))
    project.write("c.json", '{"lr": 2}')
    redo(project)
    shown = project.ask("show", f"run:{project.runs()[0]['id']}")
    assert shown["node"]["params"] == {"lr": "2", "seed": "7"}
    assert project.fallen() == {}


def test_a_block_records_itself_again(project: Project) -> None:
    project.write("in.txt", "1\n")
    project.write(
        "train.py",
        """
        import provgraph

        with provgraph.run("train"):
            open("m.txt", "w").write(open("in.txt").read())
        """,
    )
    assert project.call("python", "train.py").code == 0
    project.write("in.txt", "2\n")
    done = redo(project)
    assert [step["command"] for step in done["done"]] == ["python train.py"]
    assert (project.read("m.txt"), project.fallen()) == ("2\n", {})


def test_two_independent_runs_at_a_time(project: Project) -> None:
    """Each waits until the other is there, so one after the other they would never end."""
    project.write(
        "meet.py",
        """
        import os, sys, time

        source, target, other = sys.argv[1:]
        text = open(source).read()
        if text == "2":
            open(os.path.join(os.environ["TMPDIR"], target + ".here"), "w").close()
            for _ in range(3000):
                if os.path.exists(os.path.join(os.environ["TMPDIR"], other + ".here")):
                    break
                time.sleep(0.02)
            else:
                sys.exit("nobody came")
        open(target, "w").write(text)
        """,
    )
    project.write("join.py", "open('both', 'w').write(open('a').read() + open('b').read())\n")
    project.write("one.txt", "1")
    project.script("meet.py", "one.txt", "a", "b")
    project.script("meet.py", "one.txt", "b", "a")
    project.script("join.py")
    project.write("one.txt", "2")
    said = project.provgraph("redo", "--jobs", "2")
    assert "Everything asked for is up to date" in said.text
    assert (project.read("both"), project.fallen()) == ("22", {})


# -- failures and interruptions -----------------------------------------------------------------


FAILS = """
    import sys

    source, target = sys.argv[1:]
    text = open(source).read()
    if "bad" in text:
        sys.exit(3)
    open(target, "w").write(text)
    """


@pytest.fixture
def two(project: Project) -> Project:
    """Give two chains side by side: x.txt → x1 → x2 and y.txt → y1."""
    project.write("copy.py", FAILS)
    for name in "xy":
        project.write(f"{name}.txt", "good\n")
        project.script("copy.py", f"{name}.txt", f"{name}1")
    project.script("copy.py", "x1", "x2")
    return project


def test_the_first_failure_stops_it_and_the_next_redo_goes_on(two: Project) -> None:
    two.write("x.txt", "bad\n")
    two.write("y.txt", "better\n")
    said = redo(two, code=1)
    assert ran(said) == ["x1!"]
    assert said["done"][0]["exit"] == 3
    assert stops(said)["copy.py"] == "it failed (exit 3)"
    assert two.read("y1") == "good\n"

    two.write("x.txt", "better\n")
    assert ran(redo(two)) == ["x1", "y1", "x2"]
    assert two.fallen() == {}


def test_keep_going_does_what_is_independent(two: Project) -> None:
    two.write("x.txt", "bad\n")
    two.write("y.txt", "better\n")
    said = redo(two, "--keep-going", code=1)
    assert ran(said) == ["x1!", "y1"]
    assert (two.read("y1"), two.read("x2")) == ("better\n", "good\n")


SLOW = """
    import os, sys, time

    source, target = sys.argv[1:]
    text = open(source).read()
    if "slow" in text and not os.path.exists("go.log"):
        with open(target, "w") as file:
            file.write("half")
            file.flush()
            with open("ready.log", "a") as ready:
                ready.write(str(os.getpid()))
            time.sleep(60)
    open(target, "w").write(text)
    """


@pytest.fixture
def slow(project: Project) -> Project:
    """Give a chain of three whose second step hangs, half done, once its source says `slow`."""
    project.write("slow.py", SLOW)
    project.write("copy.py", FAILS)
    project.write("in.txt", "quick\n")
    project.script("copy.py", "in.txt", "one")
    project.script("slow.py", "one", "two")
    project.script("copy.py", "two", "three")
    project.write("in.txt", "slow\n")
    return project


def in_background(project: Project, log: str) -> subprocess.Popen[bytes]:
    """Begin a redo in a session of its own; what it says goes to a file."""
    with (project.root / log).open("wb") as file:
        return subprocess.Popen(
            [*PROVGRAPH, "redo"],
            cwd=project.root,
            env=project.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=file,
            start_new_session=True,
        )


def begun(project: Project) -> tuple[subprocess.Popen[bytes], int]:
    """Begin a redo; gives it, and the process that hangs, once it does."""
    process = in_background(project, "redo.log")
    ready = project.root / "ready.log"
    until(lambda: ready.exists() and ready.read_text())
    return process, int(ready.read_text())


def resumed(project: Project) -> None:
    project.write("go.log", "")
    assert ran(redo(project)) == ["two", "three"]
    assert (project.read("three"), project.fallen()) == ("slow\n", {})


def test_after_kill_9_of_redo_the_next_one_goes_on(slow: Project) -> None:
    process, _ = begun(slow)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert slow.runs()[0]["status"] == "interrupted"
    resumed(slow)


def test_after_kill_9_of_the_command_it_stops_and_the_next_one_goes_on(slow: Project) -> None:
    process, pid = begun(slow)
    os.kill(pid, signal.SIGKILL)
    assert process.wait(timeout=30) == 1
    assert "killed by SIGKILL" in slow.read("redo.log")
    resumed(slow)


def test_a_run_that_a_killed_redo_left_behind_is_waited_for(slow: Project) -> None:
    process, pid = begun(slow)
    process.kill()  # its child goes on
    process.wait()
    again = in_background(slow, "again.log")
    until(lambda: "still running" in slow.read("again.log"))
    slow.write("go.log", "")
    os.kill(pid, signal.SIGTERM)
    assert again.wait(timeout=30) == 0
    assert (slow.read("three"), slow.fallen()) == ("slow\n", {})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_everything_whole(slow: Project, number: signal.Signals) -> None:
    process, _ = begun(slow)
    os.kill(process.pid, number)
    assert process.wait(timeout=30) == 130
    assert "stopped; provgraph redo goes on from here" in slow.read("redo.log")
    assert [run["status"] for run in slow.runs()[:2]] == ["interrupted", "ok"]
    resumed(slow)


def test_what_a_broken_run_left_over_is_told_and_holds_nothing_up(project: Project) -> None:
    project.write("in.txt", "1\n")
    project.write(
        "make.py",
        """
        import os

        text = open("in.txt").read()
        open("made.part", "w").write(text)
        if "bad" in text:
            raise SystemExit(1)
        os.rename("made.part", "made")
        """,
    )
    project.script("make.py")
    project.write("in.txt", "bad\n")
    redo(project, code=1)
    project.write("in.txt", "2\n")
    assert redo(project)["left"] == []  # gone again: the next run renamed it

    project.write("in.txt", "bad\n")
    redo(project, code=1)
    project.write("make.py", project.read("make.py").replace("made.part", "made.new"))
    project.write("in.txt", "3\n")
    said = redo(project, code=1)
    assert [step["outcome"] for step in said["done"]] == ["done"]
    assert stops(said) == {
        "made.part": "a run that ended badly left it, and one that ends well doesn't; remove it"
    }
    (project.root / "made.part").unlink()
    assert redo(project)["done"] == []


def test_one_redo_at_a_time(slow: Project) -> None:
    process, _ = begun(slow)
    said = slow.provgraph("redo", code=3)
    assert "another redo" in said.told
    assert slow.provgraph("redo", "--dry-run").code == 0
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


# -- what is never done unasked -----------------------------------------------------------------


def test_an_edit_by_hand_is_never_overwritten_unasked(chain: Project) -> None:
    chain.write("b.txt", "by hand\n")
    said = redo(chain, code=1)
    assert (ran(said), chain.read("b.txt")) == ([], "by hand\n")
    assert "edited by hand" in stops(said)["b.txt"]
    assert {choice for step in said["left"] for choice in step["choices"]} == {"--overwrite b.txt"}
    assert ran(redo(chain, "--overwrite", "b.txt")) == ["b.txt"]
    assert (chain.read("b.txt"), chain.fallen()) == ("ONE\nTWO\n", {})


def contested(project: Project) -> Project:
    project.write("in.txt", "1\n")
    for name in ("left", "right"):
        project.write(f"{name}.py", f"open('both', 'w').write('{name} ' + open('in.txt').read())\n")
    project.write("read.py", "open('end', 'w').write(open('both').read())\n")
    project.script("left.py")
    project.script("read.py")
    project.script("right.py")
    return project


def test_a_contested_name_is_asked_about(project: Project) -> None:
    contested(project)
    said = redo(project, code=1)
    assert stops(said) == {"both": "another step took it over; which of them should make it?"}
    (left,) = said["left"]
    assert left["choices"] == ["--take left.py", "--take right.py"]
    assert [step["subject"] for step in redo(project, "--take", "right.py")["done"]] == ["read.py"]
    assert (project.read("end"), project.fallen()) == ("right 1\n", {})


def test_the_other_step_may_be_taken(project: Project) -> None:
    contested(project)
    done = redo(project, "--take", "left.py")["done"]
    assert [step["subject"] for step in done] == ["left.py"]  # equal, so its reader is spared
    assert (project.read("end"), project.fallen()) == ("left 1\n", {})


def test_at_a_terminal_it_asks(project: Project) -> None:
    contested(project)
    status, said = on_terminal_with(project, b"2\n", "redo")
    assert status == 0, said
    assert b"which of them should make it?" in said
    assert (project.read("end"), project.fallen()) == ("right 1\n", {})


def on_terminal_with(project: Project, typed: bytes, *words: str) -> tuple[int, bytes]:
    """Carry a provgraph command out on a terminal of its own, with something typed ahead."""
    ours, its = os.openpty()
    process = subprocess.Popen(
        [*PROVGRAPH, *words],
        cwd=project.root,
        env=project.environ(),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    os.write(ours, typed)
    said = b""
    while True:
        try:
            more = os.read(ours, 4096)
        except OSError:
            break
        if not more:
            break
        said += more
    os.close(ours)
    return process.wait(timeout=60), said


# -- what is put back ---------------------------------------------------------------------------


IN_PLACE = """
    text = open("data.txt").read()
    open("data.txt", "w").write(text + open("add.txt").read())
    """


def rewritten(project: Project, *, committed: bool) -> Project:
    project.write("add.txt", "1\n")
    project.write("data.txt", "original\n")
    project.write("grow.py", IN_PLACE)
    if committed:
        project.git("add", "data.txt")
        project.git("commit", "-qm", "data")
    project.script("grow.py")
    project.write("add.txt", "2\n")
    return project


def test_a_consumed_source_is_put_back_from_git(project: Project) -> None:
    rewritten(project, committed=True)
    planned = redo(project, "--dry-run")
    assert [step["action"] for step in planned["plan"]] == ["restore", "run"]
    assert "(from git (" in planned["plan"][0]["reason"]
    done = redo(project)
    assert [step["action"] for step in done["done"]] == ["restore", "run"]
    assert (project.read("data.txt"), project.fallen()) == ("original\n2\n", {})


def test_a_consumed_source_that_is_nowhere_makes_it_impossible(project: Project) -> None:
    rewritten(project, committed=False)
    said = redo(project, code=1)
    assert said["done"] == []
    assert "nowhere at hand" in stops(said)["data.txt"]
    assert project.read("data.txt") == "original\n1\n"

    project.write("backup/data.txt", "original\n")  # it turns up elsewhere in the tree
    assert redo(project)["done"][0]["reason"].endswith("(from backup/data.txt)")
    assert (project.read("data.txt"), project.fallen()) == ("original\n2\n", {})


# -- what can't be run, and what is different here ----------------------------------------------


SECRET = "hunter2-correct-horse"


def test_a_secret_in_the_arguments_is_put_back_from_the_environment(project: Project) -> None:
    project.write("in.txt", "1\n")
    project.write(
        "get.py",
        """
        import sys

        assert sys.argv[2] == "hunter2-correct-horse"
        open("got", "w").write(open("in.txt").read())
        """,
    )
    project.script("get.py", "--password", SECRET)
    project.write("in.txt", "2\n")
    said = project.provgraph("redo", "--format", "json", code=1)
    assert SECRET not in said.text + said.told
    assert "--arg" in stops(said.json)["get.py"]
    assert stops(redo(project, "--arg", "another", code=1)) != {}

    done = redo(project, env={"DB_PASSWORD": SECRET})
    assert SECRET not in str(done)
    assert (project.read("got"), project.fallen()) == ("2\n", {})

    project.write("in.txt", "3\n")
    redo(project, "--arg", SECRET)
    assert (project.read("got"), project.fallen()) == ("3\n", {})


def test_erased_arguments_and_missing_programs_are_said(project: Project) -> None:
    project.write("in.txt", "1\n")
    tool = project.write("tool", "#!/bin/sh\ncp in.txt got\n")
    tool.chmod(0o755)
    project.run("./tool")
    project.write("in.txt", "2\n")
    tool.unlink()
    assert "isn't found from here" in stops(redo(project, code=1))["tool"]
    run = project.runs()[0]["id"]
    project.provgraph("ledger", "erase", f"run:{run}", "--yes", "--what", "command")
    assert stops(redo(project, code=1))["tool"] == "its arguments were erased on purpose"


def test_what_is_different_here_is_said_before(project: Project) -> None:
    project.write("in.txt", "1\n")
    project.write(
        "go.py", "import os\nopen('o', 'w').write(os.environ['OMP_NUM_THREADS'])\nopen('in.txt')\n"
    )
    project.script("go.py", env={"OMP_NUM_THREADS": "3"})
    project.write("in.txt", "2\n")
    (step,) = redo(project, "--dry-run")["plan"]
    assert "$OMP_NUM_THREADS, which it read, isn't set here (it was 3)" in step["warnings"]
    (step,) = redo(project, "--dry-run", env={"OMP_NUM_THREADS": "4"})["plan"]
    assert "$OMP_NUM_THREADS, which it read, has another value here (it was 3)" in step["warnings"]
    (step,) = redo(project, "--dry-run", env={"OMP_NUM_THREADS": "3"})["plan"]
    assert step["warnings"] == []


def test_another_clone_redoes_what_it_pulled(chain: Project, tmp_path: Path) -> None:
    """Paths of the first clone, in the arguments too, mean the same files of the second."""
    chain.script("stage.py", str(chain.root / "more.txt"), "absolute.txt")
    clone = chain.copy_to(tmp_path / "clone")
    clone.write("more.txt", "other\n")
    done = redo(clone)
    assert sorted(ran(done)) == ["absolute.txt", "c.txt", "side.txt"]
    assert (clone.read("absolute.txt"), chain.read("absolute.txt")) == ("OTHER\n", "MORE\n")
    assert clone.fallen() == {}


def test_why_a_step_is_spared(project: Project) -> None:
    project.write("p.json", '{"lr": 1, "colour": "red"}')
    project.write(
        "train.py",
        """
        import provgraph

        lr = provgraph.params("p.json")["lr"]
        open("model", "w").write(str(lr))
        """,
    )
    project.script("train.py")
    project.write("p.json", '{"lr": 1, "colour": "blue"}')
    (spared,) = redo(project, "--dry-run")["spared"]
    assert spared["reason"] == (
        "of p.json, which has changed, it read lr alone, and that is as it was"
    )


def test_output_goes_beside_the_answer(chain: Project) -> None:
    """Standard output is the answer; what commands print isn't recorded where it ends up."""
    chain.write("more.txt", "less\n")
    assert chain.shell("provgraph redo --format json > answer.json 2> log.txt").code == 0
    assert "made side.txt" in chain.read("log.txt")
    shown = chain.ask("show", f"run:{chain.runs()[0]['id']}")
    assert {line["name"] for line in shown["produces"]} == {"c.txt"}


def test_nothing_to_do(chain: Project) -> None:
    assert "everything is current" in chain.provgraph("redo").text
    assert "no run would be done again" in chain.provgraph("redo", "-n").text
    assert chain.provgraph("redo", env={"PROVGRAPH": "off"}, code=2).told


@pytest.mark.parametrize("change", ["data/v2/b.txt", "params/v3.yaml"])
def test_a_dry_run_is_what_is_then_done(story: Project, change: str) -> None:
    with (story.root / change).open("a") as file:
        file.write("9\n" if change.startswith("data") else "extra: 1\n")
    planned, done = redo(story, "--dry-run"), redo(story)
    sure = [step["command"] for step in planned["plan"] if step["sure"]]
    carried = [step["command"] for step in done["done"]]
    assert set(sure) <= set(carried)
    assert [step["command"] for step in planned["plan"] if step["command"] in carried] == carried
    assert story.fallen() == {}


def test_where_a_session_sends_its_output_is_not_written_again(
    project: Project, tmp_path: Path
) -> None:
    project.write("in.txt", "1")
    project.write("make.py", "print(open('in.txt').read(), file=open('out.txt', 'w'))")
    log, errors = tmp_path / "session.log", tmp_path / "session.err"
    said = project.shell(f"exec > {log} 2> {errors}; provgraph run -- python make.py")
    assert said.code == 0
    log.write_text("what the session said")
    project.write("in.txt", "2")
    project.provgraph("redo")
    assert project.read("out.txt") == "2\n"
    assert log.read_text() == "what the session said"
