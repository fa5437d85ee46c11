"""Carry the whole campaign out and report: `make faults`, or

    python -m tests.faults [--kills N] [--every N] [--jobs N] [--write] [STORY…]

Every operation of every story fails in every way that it can; runs are killed at random instants.
`--every 5` takes one case of five, `--write` keeps the report in docs/explanation/faults.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults.campaign import Bench, Result, sample
from tests.faults.injector import FAULTS, build
from tests.faults.kills import WHOM, Hunt, Killed
from tests.faults.stories import STORIES, Story
from tests.faults.world import Asking

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "faults.md"
MARK = "<!-- measured below -->\n"


@dataclass(frozen=True)
class Part:
    """A share of the work: every `jobs`-th case from `job` on."""

    job: int
    jobs: int
    every: int
    injector: Path
    top: Path

    def place(self, what: str) -> Path:
        """Give a place for a world."""
        return self.top / f"{what}-{self.job}"


def told(part: Part, story: type[Story]) -> tuple[int, list[Result]]:
    """Carry a share of a story's cases out; gives how many operations it has, too."""
    asking = Asking()
    try:
        bench = Bench(story(), part.place(story.__name__), part.injector, asking)
        kinds = bench.count()
        cases = sample(list(bench.cases(kinds)), part.every)[part.job :: part.jobs]
        results = []
        for case in cases:
            results.append(bench.carry_out(case))
            _say(results[-1].wrong, f"{case}: {results[-1]}")
        return len(kinds), results
    finally:
        asking.close()


def hunted(part: Part, kills: int) -> list[Killed]:
    """Carry a share of the kills out; every second share in a path too long for a socket."""
    asking = Asking()
    try:
        hunt = Hunt(part.place("long" * 25 if part.job % 2 else "short"), asking)
        killed = []
        for seed in range(part.job, kills, part.jobs):
            killed.append(hunt.kill(seed))
            _say(killed[-1].wrong, f"seed {seed}: {killed[-1]}")
        return killed
    finally:
        asking.close()


def _say(wrong: Sequence[str], what: str) -> None:
    if wrong:
        print(f"WRONG {what}", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [story.name for story in STORIES]
    parser.add_argument("stories", nargs="*", metavar="STORY", help=", ".join(names))
    parser.add_argument("--kills", type=int, default=1000, help="how many runs to kill")
    parser.add_argument("--every", type=int, default=1, help="carry one case of so many out")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--write", action="store_true", help="keep the report in the docs")
    arguments = parser.parse_args()
    stories = [story for story in STORIES if story.name in (arguments.stories or names)]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        top = Path(folder).resolve()
        injector = build(top)
        if injector is None:
            sys.exit("the injector needs a C compiler (Debian: apt-get install gcc libc6-dev)")
        jobs = arguments.jobs
        parts = [Part(job, jobs, arguments.every, injector, top) for job in range(jobs)]
        with ProcessPoolExecutor(jobs) as pool:
            hunts = [pool.submit(hunted, part, arguments.kills) for part in parts]
            tellings = {s: [pool.submit(told, part, s) for part in parts] for s in stories}
            killed = [one for hunt in hunts for one in hunt.result()]
            results = {s: [one.result() for one in several] for s, several in tellings.items()}
    lines = [
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores",
        f"{time.monotonic() - began:,.0f} s with {jobs} at a time",
        "",
        *_of_faults(results, arguments.every),
        "",
        *_of_kills(killed),
    ]
    print("\n".join(lines))
    if arguments.write:
        head, _, _ = PAGE.read_text("utf-8").partition(MARK)
        PAGE.write_text(f"{head}{MARK}\n" + "\n".join(lines) + "\n", "utf-8")
    failed = [one for several in results.values() for _, some in several for one in some]
    return int(any(one.wrong for one in failed) or any(one.wrong for one in killed))


def _of_faults(results: dict[type[Story], list[tuple[int, list[Result]]]], every: int) -> list[str]:
    """Say what came of the failing operations, by story."""
    taken = "every case" if every == 1 else f"one case of {every}"
    lines = [
        f"Failing file operations, {taken}: " + ", ".join(fault.name for fault in FAULTS) + ".",
        "",
        "| while | operations | cases | recorded or done | recovered | refused | wrong |",
        "|---|---|---|---|---|---|---|",
    ]
    for story, parts in results.items():
        count = max(number for number, _ in parts)
        cases = [one for _, several in parts for one in several]
        kinds = Counter(one.kind for one in cases)
        wrong = sum(bool(one.wrong) for one in cases)
        done = kinds["recorded"] + kinds["done"]
        lines.append(
            f"| {story.name} | {count} | {len(cases)} | {done} | {kinds['recovered']}"
            f" | {kinds['refused']} | {wrong} |"
        )
    return lines


def _of_kills(killed: Sequence[Killed]) -> list[str]:
    """Say what came of the kills, by whom they met."""
    lines = [
        "`kill -9` at random instants.",
        "",
        "| killed | runs | met one running | recorded as ended | as broken off | not | wrong |",
        "|---|---|---|---|---|---|---|",
    ]
    for whom in WHOM:
        of = [one for one in killed if one.whom == whom]
        status = Counter(one.status for one in of)
        broken = status["interrupted"] + status["failed"]
        lines.append(
            f"| {whom} | {len(of)} | {sum(one.dead > 0 for one in of)} | {status['ok']}"
            f" | {broken} | {status['']} | {sum(bool(one.wrong) for one in of)} |"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
