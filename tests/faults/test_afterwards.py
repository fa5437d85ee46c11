"""What a fault leaves is put right by the next command: each here was once found wrong."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.world import STATUS, VERIFY, World
from tests.scenario.shell import Said

# The watcher dies between starting the command and saying which process it is.
DYING = """
import os
import signal
import sys
from provgraph.cli.entry import main
from provgraph.collect import run
run.tell_pid = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
sys.exit(main(sys.argv[1:]))
"""


def new_runs(world: World) -> list[dict[str, Any]]:
    return [run for name, run in world.logged().items() if name not in world.before]


def killing_its_watcher(world: World, line: str) -> Said:
    said = world.project.provgraph(
        "run", "--", "sh", "-c", f"{line}; kill -9 $PPID; exit 0", code=-signal.SIGKILL
    )
    assert len(world.spooled()) == 1
    return said


@pytest.mark.parametrize(("code", "status"), [(0, "ok"), (3, "failed")])
def test_a_run_whose_recording_failed_is_recovered_as_it_ended(
    world: World, code: int, status: str
) -> None:
    objects = world.ledger / "objects"
    line = f"cp in.csv copy.csv; mv {objects} {objects}.away; : > {objects}; exit {code}"
    said = world.project.run("sh", "-c", line, complaint=True, code=code)
    assert "the next provgraph command tries again" in said.told
    objects.unlink()
    Path(f"{objects}.away").rename(objects)

    runs = new_runs(world)

    assert {run["status"] for run in runs} == {status}
    shown = [world.project.ask("show", f"run:{run['id']}") for run in runs]
    assert {made["name"] for one in shown for made in one["produces"]} == {"copy.csv"}
    assert [gap for one in shown for gap in one["gaps"] if gap["grade"] == "blocking"] == []
    assert world.litter() == []


def test_a_run_whose_watcher_died_as_it_started_it_is_recovered(world: World) -> None:
    project = world.project
    said = project.call(sys.executable, "-c", DYING, "run", "--", "cp", "in.csv", "copy.csv")
    assert said.code == -signal.SIGKILL

    (run,) = new_runs(world)

    assert run["status"] == "interrupted"
    assert (project.root / "copy.csv").exists()
    assert "copy.csv" in project.hit("in.csv", "--all")
    gaps = project.ask("show", f"run:{run['id']}")["gaps"]
    assert ("log-cut", "blocking") in {(gap["reason"], gap["grade"]) for gap in gaps}


def test_a_watcher_that_died_before_it_started_anything_leaves_nothing(world: World) -> None:
    dying = DYING.replace("run.tell_pid", "run._spawn")
    said = world.project.call(sys.executable, "-c", dying, "run", "--", "cp", "in.csv", "copy.csv")
    assert said.code == -signal.SIGKILL
    assert len(world.spooled()) == 1

    assert new_runs(world) == []
    assert world.litter() == []


def test_a_killed_watcher_leaves_nothing_beside_its_spool(tmp_path: Path, world: World) -> None:
    # Too long for a Unix socket, so that lies elsewhere.
    world = World(tmp_path / ("long" * 25), world.asking)
    killing_its_watcher(world, f": > {world.ledger}/objects/.tmp-$PPID-half")
    (spool,) = world.spooled()
    (place,) = (world.ledger / "spool" / spool / "events" / "aside").read_text().split()
    assert Path(place).is_dir()
    assert list((world.ledger / "objects").glob(".tmp-*"))

    assert [run["status"] for run in new_runs(world)] == ["interrupted"]

    assert not Path(place).exists()
    assert list((world.ledger / "objects").glob(".tmp-*")) == []
    assert world.spooled() == []


@pytest.mark.parametrize("name", ["record.json", "events/command.json"])
def test_what_cannot_be_read_yet_is_neither_made_anew_nor_forgotten(
    world: World, name: str
) -> None:
    killing_its_watcher(world, "cp in.csv copy.csv")
    (spool,) = world.spooled()
    file = world.ledger / "spool" / spool / name
    told = file.read_bytes() if file.exists() else b""
    file.unlink(missing_ok=True)
    file.mkdir()  # reading it fails, as from a bad disk

    # Asked again by the same process, as an explorer does, it is still nothing to pass over.
    for _, out, _ in world.asking(world.project, STATUS, STATUS):
        gaps = json.loads(out)["gaps"]
        assert [gap["reason"] for gap in gaps if gap["grade"] == "blocking"] == ["unprojected"]

    (taken,) = world.spooled()
    file = world.ledger / "spool" / taken / name
    file.rmdir()
    if told:
        file.write_bytes(told)
    assert [run["status"] for run in new_runs(world)] == ["interrupted"]


def test_what_a_run_wrote_unseen_is_a_gap_though_the_run_itself_falls(world: World) -> None:
    world.project.write("new.py", "open('new.out', 'w').write(open('in.csv').read())\n")
    killing_its_watcher(world, "cat in.csv > seen.out; python new.py")
    (spool,) = world.spooled()
    (log,) = (world.ledger / "spool" / spool / "events").glob("*.log")
    log.write_bytes(b"")

    answer = world.project.ask("impact", "in.csv", "--all")

    named = {hit["name"] for hit in (*answer["affected"], *answer["already_stale"])}
    assert "seen.out" in named
    assert "new.out" not in named
    assert "log-cut" in {gap["reason"] for gap in answer["gaps"] if gap["grade"] == "blocking"}


@pytest.mark.parametrize("left", [b"", b'{"pid": 12'])
def test_a_power_cut_that_took_what_was_started_leaves_the_run(world: World, left: bytes) -> None:
    killing_its_watcher(world, "cp in.csv copy.csv")
    (spool,) = world.spooled()
    (world.ledger / "spool" / spool / "events" / "command.json").write_bytes(left)

    assert [run["status"] for run in new_runs(world)] == ["interrupted"]

    assert "copy.csv" in world.project.hit("in.csv", "--all")
    assert "log-cut" in {reason for reason, _ in world.project.blocking("status")}


def test_answers_need_no_place_for_the_index(world: World) -> None:
    project = world.project.with_env(XDG_CACHE_HOME="/dev/null/cache")

    project.run("sh", "all.sh", stdin=None)

    assert {"mid.csv", "out.txt"} <= project.hit("in.csv")
    assert project.status()["current"] >= {"mid.csv", "out.txt"}
    assert len(new_runs(world)) == 3
    ((code, out, _),) = world.asking(world.project, VERIFY)
    assert (code, json.loads(out)["ok"]) == (0, True)
