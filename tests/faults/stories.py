"""What is done while a file operation fails: a run, a first run, a recovery, and other writers.

Each story knows how its world has to lie before, what is carried out under the fault, whose
operations count, and what has to hold afterwards.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.faults.world import IMPACT, LOG, RUN, STATUS, VERIFY, Answer, World
from tests.scenario.shell import PROVGRAPH, Said

Env = Mapping[str, str]


# Appends the first of a run's records, and dies.
DYING = """
import os
import signal
import sys
from provgraph.cli.entry import main
from provgraph.ledger.ledger import Ledger
append = Ledger.append
def dying(self, record):
    append(self, record)
    os.kill(os.getpid(), signal.SIGKILL)
Ledger.append = dying
sys.exit(main(sys.argv[1:]))
"""


class Story:
    """A `provgraph run`, warm: a ledger, an index and remembered hashes are there."""

    name = "run"
    others = False  # whether it is the watched command's processes that suffer

    def prepare(self, world: World) -> None:
        """Lay the world as it is to be before each fault."""

    def places(self, world: World) -> Sequence[Path]:
        """Give the places below which operations count."""
        return [world.place / "now"]

    def act(self, world: World, env: Env) -> Said:
        """Carry it out."""
        return world.project.call(*PROVGRAPH, *RUN, env=env)

    def kind(self, world: World, said: Said) -> str:
        """Say what was promised."""
        return world.kind_of(said)

    def judge(self, world: World, said: Said, *, lasting: bool = False) -> list[str]:
        """Say what is wrong afterwards; `lasting`: the disk was gone from there on."""
        return world.judged(said, lasting=lasting)


class FirstRun(Story):
    """The first run of a clone: no ledger, no index, no remembered hashes."""

    name = "first run"

    def prepare(self, world: World) -> None:
        shutil.rmtree(world.ledger)
        shutil.rmtree(world.cache)

    def judge(self, world: World, said: Said, *, lasting: bool = False) -> list[str]:
        return world.judged(said, before=(), lasting=lasting)


class OwnWrites(Story):
    """What the watched processes themselves write into the spool."""

    name = "in the command"
    others = True

    def places(self, world: World) -> Sequence[Path]:
        return [world.ledger / "spool"]


class Writer(Story):
    """A command that writes; what it says with its exit status has to be so."""

    name = ""
    words: Sequence[str] = ()

    def act(self, world: World, env: Env) -> Said:
        return world.project.call(*PROVGRAPH, *self.words, env=env)

    def kind(self, world: World, said: Said) -> str:
        return "done" if said.code == 0 else "refused"

    def judge(self, world: World, said: Said, *, lasting: bool = False) -> list[str]:
        wrong = []
        unread = said.code == 2 and "provgraph.toml can't be read" in said.told
        if not unread and (said.code not in (0, 3) or (said.code == 3) != bool(said.err)):
            wrong.append(f"{said.code}: {said.told}")
        if "fault in provgraph" in said.told or "Traceback" in said.told:
            wrong.append(f"no words for it: {said.told}")
        if said.code == 0:
            wrong += self.lacking(world, said)
        ((code, out, _),) = world.asking(world.project, VERIFY)
        if code:
            wrong.append(f"verify: {out}")
        again, log = world.asking(world.project, list(self.words), LOG)
        if not self.fine(again) or log[0] or not world.before <= _runs(log[1]):
            wrong.append(f"once more: {again} {log}")
        return (
            wrong
            + self.lacking(world, Said(again[0], again[1].encode(), b""))
            + world.usable()
            + world.litter()
        )

    def fine(self, again: Answer) -> bool:
        """Tell whether it is done when it is done once more, without a fault."""
        return not again[0] and not again[2]

    def lacking(self, world: World, said: Said) -> list[str]:
        """Say what isn't there although it was said to be."""
        return []


class Recovery(Writer):
    """A question that finds the spool of a run whose watcher was killed amid it."""

    name = "recovery"
    words = STATUS
    dying = "sh all.sh; kill -9 $PPID; exit 0"

    def prepare(self, world: World) -> None:
        said = world.project.call(*PROVGRAPH, "run", "--", "sh", "-c", self.dying)
        assert said.code == -signal.SIGKILL, said
        assert len(world.spooled()) == 1

    def lacking(self, world: World, said: Said) -> list[str]:
        gaps = json.loads(said.out)["gaps"]
        if any(gap["reason"] in ("unprojected", "running") for gap in gaps):
            return []
        log, shown, impact = world.asking(world.project, LOG, STATUS, IMPACT)
        new = [
            run
            for run in json.loads(log[1])["runs"]
            if run["id"] not in world.before and not run.get("within")
        ]
        tops = [run for run in new if run["step"] == "sh"]
        if [run["status"] for run in tops] != [self.status]:
            return [f"not once, or not {self.status}: {new} {shown}"]
        if wrong := world.missed(impact[1]):
            return wrong
        return [f"left: {world.spooled()}"] if world.spooled() else []

    status = "interrupted"


class HalfAppended(Recovery):
    """A question that finds the spool of a run whose watcher was killed amid recording it."""

    name = "recovery, half appended"
    status = "ok"

    def prepare(self, world: World) -> None:
        before = world.records()
        said = world.project.call(sys.executable, "-c", DYING, *RUN)
        assert said.code == -signal.SIGKILL, said
        assert len(world.spooled()) == 1
        assert world.records() > before


class Note(Writer):
    """A note: one record and one private object."""

    name = "note"
    words = ("note", "out.txt", "said under a fault")

    def lacking(self, world: World, said: Said) -> list[str]:
        return [] if f"{said.text.strip()}.json" in world.records() else ["the note isn't there"]


class Seal(Writer):
    """A seal over all records."""

    name = "ledger seal"
    words = ("ledger", "seal")

    def prepare(self, world: World) -> None:
        self.known = world.records()

    def lacking(self, world: World, said: Said) -> list[str]:
        return [] if world.records() > self.known else ["the seal isn't there"]


class Erase(Writer):
    """An erasure: what it says is gone must be, and stay so."""

    name = "ledger erase"
    words = ("ledger", "erase", "out.txt", "--what", "note", "--yes")

    def fine(self, again: Answer) -> bool:
        return not again[0] or "no note left" in again[2]

    def prepare(self, world: World) -> None:
        (note,) = world.asking(world.project, ["note", "out.txt", "S3CRET-WORDS"])
        assert note[0] == 0, note

    def lacking(self, world: World, said: Said) -> list[str]:
        left = [
            path
            for path in (world.ledger / "private").rglob("*")
            if path.is_file() and b"S3CRET" in path.read_bytes()
        ]
        return [f"still there: {left}"] if left else []


class Pull(Writer):
    """Records that come from a folder."""

    name = "pull"

    def prepare(self, world: World) -> None:
        folder = world.place / "now" / "shared"
        note, push = world.asking(
            world.project, ["note", "out.txt", "from elsewhere"], ["push", str(folder)]
        )
        assert (note[0], push[0]) == (0, 0), (note, push)
        self.words = ("pull", str(folder))
        self.all = world.records()
        for path in (world.ledger / "records").rglob(f"{note[1].strip()}.json"):
            path.unlink()

    def lacking(self, world: World, said: Said) -> list[str]:
        return [] if world.records() >= self.all else ["not all that was pulled is there"]


STORIES: tuple[type[Story], ...] = (
    *(Story, FirstRun, OwnWrites, Recovery, HalfAppended),
    *(Note, Seal, Erase, Pull),
)


def _runs(log: str) -> set[str]:
    return {run["id"] for run in json.loads(log)["runs"]}
