"""What watching costs: the fixed cost of a run, and the cost of each open.

    python benchmarks/run_cost.py [--repeat N]

Prints medians. `provgraph` on the PATH (or this checkout's module) is measured whole where it is
there; the tracer alone is measured by a small driver.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
FILES = 5_000

DRIVER = """
import os, sys
from pathlib import Path
from provgraph.collect.run import leave, run_command
from provgraph.collect.tracing import AuditTracer

def digest(path):
    from provgraph.model.digests import content_digest
    data = Path(os.fsdecode(path)).read_bytes()
    return content_digest(data), len(data)

spool = Path(sys.argv[1])
spool.mkdir()
tracer = AuditTracer(Path.cwd(), digest)
done = run_command(
    sys.argv[2:], tracer=tracer, spool=spool, cwd=Path.cwd(), environ=dict(os.environ)
)
tracer.collect(spool)
leave(done)
"""

OPENS = """
import os, sys, time
names = sys.argv[1:2] + [f"f{number}" for number in range({files})]
del names[0]
def go():
    began = time.perf_counter()
    for name in names:
        os.close(os.open(name, os.O_RDONLY))
    return (time.perf_counter() - began) / len(names) * 1e6
first = go()
again = min(go() for _ in range(3))
stat = os.stat
began = time.perf_counter()
for name in names:
    stat(name)
stats = (time.perf_counter() - began) / len(names) * 1e6
began = time.perf_counter()
for name in names:
    os.close(os.open("w" + name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
writes = (time.perf_counter() - began) / len(names) * 1e6
for name in names:
    os.unlink("w" + name)
print(first, again, stats, writes)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=15)
    repeat = parser.parse_args().repeat
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch, "project")
        place.mkdir()
        for number in range(FILES):
            (place / f"f{number}").write_text("x")
        fixed(place, repeat)
        opens(place, repeat)


def fixed(place: Path, repeat: int) -> None:
    """Measure `python -c pass`, alone and watched."""
    plain = [sys.executable, "-c", "pass"]
    ways: list[tuple[str, Callable[[int], Sequence[str]]]] = [
        ("plain", lambda _turn: plain),
        ("tracer alone", lambda turn: watched(place, f"p{turn}", plain)),
    ]
    if (HERE / "provgraph/cli/main.py").exists() or (HERE / "provgraph/cli/app.py").exists():
        start = [sys.executable, "-c", "from provgraph.cli import main; main()"]
        subprocess.run([*start, "init"], cwd=place, env=environment(), check=False)
        ways.append(("provgraph run", lambda _turn: [*start, "run", "--", *plain]))
    times: dict[str, list[float]] = {name: [] for name, _ in ways}
    for turn in range(repeat):
        for name, command in ways:
            times[name].append(seconds(command(turn), place))
    base = statistics.median(times["plain"])
    print(f"\nfixed cost, `python -c pass`, median of {repeat}")
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"  {name:14} {middle * 1e3:7.1f} ms  +{(middle - base) * 1e3:6.1f} ms")


def opens(place: Path, repeat: int) -> None:
    """Measure opening distinct files, opening them again, looking at them, writing new ones."""
    plain = [sys.executable, "-c", OPENS.replace("{files}", str(FILES)), ""]
    rows: dict[str, list[list[float]]] = {"plain": [], "watched": []}
    for turn in range(max(3, repeat // 3)):
        rows["plain"].append(numbers(plain, place))
        rows["watched"].append(numbers(watched(place, f"o{turn}", plain), place))
    names = ("open, first", "open, again", "os.stat", "open, new file")
    print(f"\nper call, {FILES} files, median of {len(rows['plain'])}")
    for column, name in enumerate(names):
        bare = statistics.median(row[column] for row in rows["plain"])
        ours = statistics.median(row[column] for row in rows["watched"])
        print(
            f"  {name:14} {bare:6.2f} µs  watched {ours:6.2f} µs  "
            f"+{ours - bare:5.2f} µs  ×{ours / bare:.2f}"
        )


def watched(place: Path, spool: str, command: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", DRIVER, os.fspath(place.parent / spool), *command]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.fspath(HERE)}


def seconds(command: Sequence[str], place: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=place, env=environment(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def numbers(command: Sequence[str], place: Path) -> list[float]:
    told = subprocess.run(
        command, cwd=place, env=environment(), check=True, stdout=subprocess.PIPE, text=True
    )
    return [float(word) for word in told.stdout.split()]


if __name__ == "__main__":
    main()
