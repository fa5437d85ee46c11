"""What naming files by their content takes, first and again, beside dvc and git.

    python -m benchmarks.hashing [--repeat N] [--large MB] [--many N] [--scanned N]

Whole processes are timed, with their start: ours is a fresh Python that asks for the digests of the
files, as every provgraph command does. `dvc add` also copies into its cache, `dvc status` compares;
`git status` compares files that are committed. dvc is taken from .venv-peer (`make accuracy` or
`make bench` install it); without it there are no rows of it.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.lineage import machine, table

HERE = Path(__file__).resolve().parent.parent
DVC = HERE / ".venv-peer/bin/dvc"
OURS = """
import os, sys
from pathlib import Path
from provgraph.collect.content import Contents, StatCache
root = Path.cwd()
files = sorted(os.path.join(d, f) for d, _, fs in os.walk(sys.argv[1]) for f in fs)
cache = StatCache(root / "stat.sqlite")
paths = [os.path.join(root, file) for file in files or sys.argv[1:2]]
found = Contents(root, b"k" * 32, cache).plain(paths)
cache.close()
assert all(isinstance(one, tuple) for one in found.values()), found
"""
SETTLED = 3.0  # s after which a file's times can be trusted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--large", type=int, default=1024, help="MB of the large file")
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--scanned", type=int, default=100_000)
    asked = parser.parse_args()
    print(machine("blake3"))
    rows: list[Sequence[object]] = [["", "ours, s", "theirs, s", "theirs", "ratio", "aim"]]
    with tempfile.TemporaryDirectory() as scratch:
        for name, lay in (
            (f"one file of {asked.large:,} MB", lambda to: large(to, asked.large)),
            (f"{asked.many:,} files of 1 kB", lambda to: many(to, asked.many)),
        ):
            rows += beside_dvc(name, lay, Path(scratch), asked.repeat)
        rows.append(beside_git(asked.scanned, Path(scratch), asked.repeat))
    table(rows)


def large(place: Path, size: int) -> None:
    """Write one file of so many MB that can't be squeezed."""
    chance = random.Random(size)
    with (place / "data").open("wb") as file:
        for _ in range(size):
            file.write(chance.randbytes(1 << 20))


def many(place: Path, count: int) -> None:
    """Write so many files of 1 kB, a hundred in a folder."""
    chance = random.Random(count)
    for number in range(count):
        folder = place / "data" / str(number // 100)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(number)).write_bytes(chance.randbytes(1024))


def beside_dvc(
    name: str, lay: Callable[[Path], None], scratch: Path, repeat: int
) -> list[Sequence[object]]:
    """Hash files first and again, and hold `dvc add` and `dvc status` against it."""
    ours: dict[str, list[float]] = {"first": [], "again": []}
    theirs: dict[str, list[float]] = {"first": [], "again": []}
    for number in range(repeat):
        place = scratch / f"dvc-{number}"
        place.mkdir()
        lay(place)
        time.sleep(SETTLED)
        # In turns who goes first: the second finds the files in memory.
        for one in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
            if one == "ours":
                ours["first"].append(seconds([sys.executable, "-c", OURS, "data"], place))
                ours["again"].append(seconds([sys.executable, "-c", OURS, "data"], place))
            elif DVC.exists():
                subprocess.run([DVC, "init", "--no-scm", "-q"], cwd=place, check=True)
                theirs["first"].append(seconds([DVC, "add", "-q", "data"], place))
                theirs["again"].append(seconds([DVC, "status", "-q"], place))
        shutil.rmtree(place)
    return [
        row(f"{name}, {when}", ours[when], theirs[when], command, aim)
        for when, command, aim in (
            ("first", "dvc add", ""),
            ("again", "dvc status", "8x" if name.startswith("one") else "4x"),
        )
    ]


def beside_git(count: int, scratch: Path, repeat: int) -> Sequence[object]:
    """Look through unchanged files again, and hold `git status` against it."""
    place = scratch / "git"
    place.mkdir()
    many(place, count)
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@example.org", "-C", os.fspath(place)]
    for words in (["init", "-q"], ["add", "data"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    time.sleep(SETTLED)
    seconds([sys.executable, "-c", OURS, "data"], place)
    seconds([*git, "status", "-s", "data"], place)
    ours, theirs = [], []
    for _ in range(repeat):
        ours.append(seconds([sys.executable, "-c", OURS, "data"], place))
        theirs.append(seconds([*git, "status", "-s", "data"], place))
    return row(f"{count:,} files, again", ours, theirs, "git status", "0.67x")


def row(
    name: str, ours: Sequence[float], theirs: Sequence[float], command: str, aim: str
) -> Sequence[object]:
    """Give medians and how many times as long theirs took."""
    mine = statistics.median(ours)
    other = statistics.median(theirs) if theirs else math.nan
    return [name, f"{mine:.2f}", f"{other:.2f}", command, f"{other / mine:.2f}x", aim]


def seconds(words: Sequence[str | Path], place: Path) -> float:
    """Time a command."""
    environ = os.environ | {"PYTHONPATH": os.fspath(HERE), "DVC_NO_ANALYTICS": "1"}
    began = time.perf_counter()
    subprocess.run(words, cwd=place, env=environ, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
