"""A small project that faults are tried on, and what has to hold after each of them.

`World.judged` says what is wrong: nothing, where a run that was said to be recorded is, what
couldn't be recorded was said with a next step, and the store goes on as if nothing had been.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.scenario.shell import Project, Said, begin

ASKING = Path(__file__).with_name("asking.py")
PATIENCE = 120
CLEAN = """
import sys
rows = open("in.csv").read().splitlines()
with open("mid.csv", "w") as file:
    for row in rows:
        file.write(row.upper() + "\\n")
print(len(rows), "rows")
print("a warning", file=sys.stderr)
"""
FIT = """
with open("mid.csv") as file, open("out.txt", "w") as out:
    out.write(str(sum(len(row) for row in file)) + "\\n")
"""
ALL = "echo begin\npython clean.py\npython fit.py\necho end\n"
PRODUCTS = ("mid.csv", "out.txt")
RUN = ("run", "--", "sh", "all.sh")
JSON = ("--format", "json")
STATUS, VERIFY = ("status", *JSON), ("ledger", "verify", *JSON)
LOG, IMPACT = ("log", "--limit", "0", *JSON), ("impact", "in.csv", "--all", *JSON)
Kind = Literal["recorded", "recovered", "refused"]
Answer = tuple[int, str, str]


class Asking:
    """A process that carries provgraph commands out in forks of itself."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, ASKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def __call__(self, project: Project, *commands: Sequence[str]) -> list[Answer]:
        """Carry several commands out, one after the other."""
        order = {"cwd": str(project.root), "env": project.environ(), "commands": commands}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        assert said is not None, commands
        return [(code, out, err) for code, out, err in said]

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def ours(said: Said) -> tuple[list[str], bytes]:
    """Take what provgraph said apart from what the command said on standard error."""
    lines: list[str] = []
    rest = b""
    for line in said.err.splitlines(keepends=True):
        if line.startswith((b"provgraph: ", b"  ")):
            lines.append(line.decode().rstrip("\n"))
        else:
            rest += line
    return lines, rest


@dataclass
class World:
    """A project at a place of its own, put back as it was before each fault."""

    place: Path
    asking: Asking
    project: Project = field(init=False)
    bare: Said = field(init=False)
    made: dict[str, bytes] = field(init=False)
    before: set[str] = field(init=False)  # the runs that were recorded

    def __post_init__(self) -> None:
        home = self.place / "now" / "home"
        home.mkdir(parents=True)
        env = {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.project = project = begin(self.place / "now" / "project", env)
        project.write("in.csv", "a\nb\n")
        project.write("clean.py", CLEAN)
        project.write("fit.py", FIT)
        project.write("all.sh", ALL)
        project.run("sh", "all.sh", complaint=False)
        project.write("in.csv", "a\nb\nc\n")
        self.before = set(self.logged())
        self.keep()
        self.bare = project.call("sh", "all.sh")
        self.made = self.products()
        assert self.bare.code == 0
        self.restore()

    # -- its state ----------------------------------------------------------------------------

    def keep(self) -> None:
        """Keep everything as it is, for `restore`."""
        shutil.rmtree(self.place / "kept", ignore_errors=True)
        shutil.copytree(self.place / "now", self.place / "kept", symlinks=True)

    def restore(self) -> None:
        """Put everything back as it was."""
        shutil.rmtree(self.place / "now")
        shutil.copytree(self.place / "kept", self.place / "now", symlinks=True)

    @property
    def ledger(self) -> Path:
        return self.project.root / ".git" / "provgraph"

    @property
    def cache(self) -> Path:
        return Path(self.project.env["XDG_CACHE_HOME"])

    def products(self) -> dict[str, bytes]:
        """Give the bytes of the products that are there."""
        places = [self.project.root / name for name in PRODUCTS]
        return {place.name: place.read_bytes() for place in places if place.exists()}

    def records(self) -> set[str]:
        """Give the records as files, whatever any command says of them."""
        return {path.name for path in (self.ledger / "records").rglob("*.json")}

    def spooled(self) -> list[str]:
        """Give what lies in the spool."""
        return sorted(os.listdir(self.ledger / "spool"))

    def logged(self) -> dict[str, dict[str, Any]]:
        """Give the runs by id, as `provgraph log` tells them."""
        ((code, out, err),) = self.asking(self.project, LOG)
        assert code == 0, err
        return {run["id"]: run for run in json.loads(out)["runs"]}

    # -- what has to hold ---------------------------------------------------------------------

    def untouched(self, said: Said) -> list[str]:
        """Say in what the command differs from itself without provgraph."""
        lines, rest = ours(said)
        wrong = []
        if (said.code, said.out, rest) != (self.bare.code, self.bare.out, self.bare.err):
            wrong.append(f"the command: {said.code} {said.out!r} {rest!r}")
        if self.products() != self.made:
            wrong.append(f"its products: {self.products()}")
        if "a fault in provgraph" in "".join(lines):
            wrong.append(f"no words for it: {lines}")
        return wrong

    def kind_of(self, said: Said) -> Kind:
        """Tell what was promised of a run."""
        told = "\n".join(ours(said)[0])
        if "not recorded" in told:
            return "refused"
        return "recovered" if "next provgraph command" in told else "recorded"

    def judged(
        self, said: Said, *, before: Sequence[str] | None = None, lasting: bool = False
    ) -> list[str]:
        """Say what is wrong after a `provgraph run`, the fault being over; see this module.

        `lasting`: nothing could be written any more, so how the command ended may not be known.
        """
        kind, wrong = self.kind_of(said), self.untouched(said)
        at_once = self.records()
        known = self.before if before is None else set(before)
        status, impact, verify, log = self.asking(self.project, STATUS, IMPACT, VERIFY, LOG)
        wrong += self._unusable(status=status, impact=impact, verify=verify, log=log)
        if wrong:
            return wrong
        runs = [run for run in json.loads(log[1])["runs"] if run["id"] not in known]
        if not known <= {run["id"] for run in json.loads(log[1])["runs"]}:
            wrong.append("a run that was there is gone")
        tops = [run for run in runs if not run.get("within")]
        if len(tops) != (kind != "refused"):
            wrong.append(f"{kind}, but there are {len(tops)} runs of it")
        if kind == "recorded" and self.records() != at_once:
            wrong.append("silent, and recorded only afterwards")
        if kind != "refused":
            fine = ("ok", "interrupted") if lasting and kind == "recovered" else ("ok",)
            wrong += self.missed(impact[1])
            if any(run["status"] not in fine for run in runs):
                wrong.append(f"not ok: {[run['status'] for run in runs]}")
        return wrong + self.usable() + self.litter()

    @staticmethod
    def missed(impact: str) -> list[str]:
        """Say what the answer lacks; a blocking gap says that it may."""
        answer = json.loads(impact)
        if any(gap["grade"] == "blocking" for gap in answer["gaps"]):
            return []
        hits = {hit["name"] for hit in (*answer["affected"], *answer["already_stale"])}
        return [] if hits >= set(PRODUCTS) else [f"missed, without a gap: {hits}"]

    def usable(self) -> list[str]:
        """Say what doesn't work as if nothing had been: a new run, and the index made anew."""
        run, one, two, verify, rebuild, one_anew, two_anew = self.asking(
            self.project,
            ["run", "--", "cp", "in.csv", "copy.csv"],
            *(STATUS, IMPACT, VERIFY, ["graph", "rebuild"], STATUS, IMPACT),
        )
        wrong = self._unusable(run=run, status=one, impact=two, verify=verify, rebuild=rebuild)
        if not wrong and "copy.csv" not in one[1]:
            wrong.append("the new run isn't there")
        if (one, two) != (one_anew, two_anew):
            wrong.append(f"the index isn't what a fresh one is: {one} {one_anew}")
        return wrong

    def litter(self) -> list[str]:
        """Say what is never cleared away; what is only half removed may wait until it is old."""
        wrong = [f"left in the spool: {name}" for name in self.spooled() if name[0] != "."]
        halves = [*self.ledger.rglob(".tmp-*"), *(self.ledger / "spool").glob(".*")]
        for path in halves:
            os.utime(path, (0, 0))
        if halves:
            self.asking(self.project, STATUS, VERIFY)
        return wrong + [f"never swept: {path}" for path in halves if path.exists()]

    @staticmethod
    def _unusable(**said: tuple[int, str, str]) -> list[str]:
        return [
            f"{name}: {code} {err or out}" for name, (code, out, err) in said.items() if code or err
        ]
