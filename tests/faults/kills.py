"""Kill a run at a random instant: the command, provgraph, or both; and judge what is left.

What a run had done before it died is recorded, or a blocking gap says that something is missing;
nothing that was broken off is said to have ended well; nothing is recorded twice, or left lying.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.world import IMPACT, JSON, LOG, STATUS, VERIFY, Asking, World
from tests.scenario.shell import PROVGRAPH

WHOM = ("command", "provgraph", "both")
PATIENCE = 60.0
STEP = """
import sys
text = open(sys.argv[1]).read()
with open(sys.argv[2], "w") as out:
    out.write(text)
    out.flush()
    out.write("end\\n")
"""
PIPELINE = """\
echo begin
python step.py in.csv 0.out
python step.py 0.out 1.out
cat 1.out > 2.out; echo end >> 2.out
python step.py 2.out 3.out
echo end
: > done
"""


@dataclass
class Killed:
    """What came of a kill: how many processes died by it, what had been made, what is wrong."""

    whom: str
    after: float
    dead: int
    made: list[str]
    status: str
    wrong: list[str] = field(default_factory=list)


class Hunt:
    """A world in which runs are killed."""

    def __init__(self, place: Path, asking: Asking) -> None:
        self.world = world = World(place, asking)
        world.project.write("step.py", STEP)
        world.project.write("all.sh", PIPELINE)
        for name in ("mid.csv", "out.txt", "clean.py", "fit.py"):
            (world.project.root / name).unlink()
        (world.place / "now" / "tmp").mkdir()
        world.keep()
        began = time.monotonic()
        self._start().communicate(timeout=PATIENCE)
        self.span = time.monotonic() - began  # of a whole run, as far as known
        world.restore()

    def kill(self, seed: int) -> Killed:
        """Start a run, kill at an instant of the seed's, and judge."""
        chance = random.Random(seed)
        whom, after = WHOM[seed % len(WHOM)], chance.uniform(0, 1.1 * self.span)
        self.world.restore()
        run = self._start()
        if whom == "command":  # its time is a part of the run's: count from its start
            after /= 2
            while run.poll() is None and not _tree(run.pid):
                time.sleep(0.002)
        time.sleep(after)
        over = run.poll() is not None
        tree = [] if over else _tree(run.pid)
        command = tree if chance.random() < 0.5 else tree[:1]  # all of it, or its shell alone
        meant = {"command": command, "provgraph": [run.pid], "both": [*tree, run.pid]}[whom]
        chance.shuffle(meant)
        dead = sum(_killed(pid) for pid in meant) if not over else 0
        out, err = run.communicate(timeout=PATIENCE)
        until = time.monotonic() + PATIENCE
        while (left := list(_session(run.pid))) and time.monotonic() < until:
            time.sleep(0.005)
        # The machine has other work, too: look for the end where it is by now.
        if whom != "command":
            self.span = (self.span + after) / 2 if over else self.span * 1.02
        killed = Killed(whom, after, dead, self._made(), "")
        if left:
            killed.wrong.append(f"still there: {left}")
        if b"Traceback" in err or b"fault in provgraph" in err:
            killed.wrong.append(err.decode())
        self._judge(killed, ended=(self.world.project.root / "done").exists())
        if killed.wrong:
            killed.wrong.append(f"{run.returncode} {out!r} {err!r}")
        return killed

    def _start(self) -> subprocess.Popen[bytes]:
        project = self.world.project
        return subprocess.Popen(
            [*PROVGRAPH, "run", "--", "sh", "all.sh"],
            cwd=project.root,
            env=project.environ({"TMPDIR": str(self.world.place / "now" / "tmp")}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _made(self) -> list[str]:
        return sorted(path.name for path in self.world.project.root.glob("*.out"))

    def _judge(self, killed: Killed, *, ended: bool) -> None:
        world, wrong = self.world, killed.wrong
        spools = [world.ledger / "spool" / name for name in world.spooled()]
        notes = [path for spool in spools for path in (spool / "events").glob("aside")]
        asides = [line for path in notes for line in path.read_text().splitlines()]
        status, impact, _, log = said = world.asking(world.project, STATUS, IMPACT, VERIFY, LOG)
        if any(code or err for code, _, err in said):
            wrong.append(f"not usable: {said}")
            return
        runs = [run for run in json.loads(log[1])["runs"] if run["id"] not in world.before]
        shown = self._shown(runs)
        self._judge_status(killed, runs, shown, ended=ended)
        blind = any(
            gap["grade"] == "blocking" for one in (*shown.values(), json.loads(impact[1]))
            for gap in one["gaps"]
        )  # fmt: skip
        produced = [made["name"] for one in shown.values() for made in one["produces"]]
        if len(produced) != len(set(produced)):
            wrong.append(f"recorded twice: {produced}")
        if not blind and not set(killed.made) <= set(produced):
            wrong.append(f"made, but not recorded: {killed.made} {produced}")
        answer = json.loads(impact[1])
        hits = {hit["name"] for hit in (*answer["affected"], *answer["already_stale"])}
        filled = {name for name in killed.made if (world.project.root / name).stat().st_size}
        if not blind and not filled <= hits:  # what is empty may rest on nothing yet
            wrong.append(f"missed, without a gap: {killed.made} {hits}")
        if not blind and json.loads(status[1])["modified"]:
            wrong.append(f"not as recorded: {status[1]}")
        wrong += [f"left behind: {place}" for place in asides if os.path.exists(place)]
        wrong += [f"left behind: {path}" for path in (world.place / "now" / "tmp").iterdir()]
        wrong += world.litter()

    def _shown(self, runs: list[dict[str, Any]]) -> dict[str, Any]:
        ids = [run["id"] for run in runs]
        said = self.world.asking(
            self.world.project, *(["show", f"run:{one}", *JSON] for one in ids)
        )
        return {one: json.loads(out) for one, (_, out, _) in zip(ids, said, strict=True)}

    def _judge_status(
        self,
        killed: Killed,
        runs: list[dict[str, Any]],
        shown: Mapping[str, Any],
        *,
        ended: bool,
    ) -> None:
        tops = [run for run in runs if not run["within"]]
        if len(tops) > 1 or (killed.made and not tops):
            killed.wrong.append(f"{len(tops)} runs of it: {runs}")
        for run in tops:
            killed.status = run["status"]
            if run["status"] == "ok" and not ended:
                killed.wrong.append(f"broken off, and said to have ended well: {run}")
        for run in runs:
            for made in shown[run["id"]]["produces"] if run["status"] == "ok" else ():
                place = self.world.project.root / made["name"]
                if made["name"].endswith(".out") and not place.read_text().endswith("end\n"):
                    killed.wrong.append(f"{made['name']} is half written, and {run} ended well")


def _tree(watcher: int) -> list[int]:
    """Give the processes of the command: its own first, then those that it started."""
    for pid in _children(watcher):
        with contextlib.suppress(OSError):
            if b"all.sh" in Path(f"/proc/{pid}/cmdline").read_bytes():
                return [pid, *_below(pid)]
    return []


def _below(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _below(child)


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _killed(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _session(leader: int) -> Iterator[int]:
    """Give the processes of a session that are still there."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            if fields[3] == str(leader) and fields[0] not in "ZX":
                yield int(path.parent.name)
