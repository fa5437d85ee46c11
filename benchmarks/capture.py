"""What each way of watching adds, beside strace, ReproZip and noWorkflow: whole commands.

    python benchmarks/capture.py [--repeat N] [--peers DIRECTORY] [--each LOADS]

Prints medians, and how many times as long as plain. `hooks` are Python's audit hooks alone, `full`
is what `provgraph run` uses: the native library, with hooks in Python; both are timed from the
command's start to its end. `provgraph run` is all of it, start and record included, as the peers'
times are. Peers are taken from a directory of programs (`make bench` installs them into an
environment of their own) and left out, with a word, where they aren't there. ReproZip traces
without looking up packages afterwards; noWorkflow runs Python scripts only, in its coarse mode.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
FILES = 20_000
LIMIT = 60  # s; a peer that takes longer is said to
TRACED = "trace=%file,%process,getdents64"

DRIVER = """
import os, sys
from pathlib import Path
from provgraph.collect.run import run_command
from provgraph.collect.tracing import AuditTracer, PreloadTracer
from provgraph.collect.tracing.preload.build import library

spool = Path(sys.argv[2])
spool.mkdir()
tracer = AuditTracer(Path.cwd(), lambda path: None)
if sys.argv[1] == "full":
    tracer = PreloadTracer(tracer, library())
done = run_command(
    sys.argv[3:], tracer=tracer, spool=spool, cwd=Path.cwd(), environ=dict(os.environ)
)
print(done.seconds, file=sys.stderr)
"""

OPENS = """
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
    char name[32], data[8];
    for (int at = 0; at < FILES; at++) {
        sprintf(name, "files/%d", at);
        int file = open(name, O_RDONLY);
        if (read(file, data, 8) < 0) return 1;
        close(file);
    }
    return 0;
}
"""

SCRIPTS = {
    "files.py": f"for n in range({FILES}):\n    with open(f'files/{{n}}') as f: f.read()\n",
    "counting.py": "print(sum(n * n for n in range(10_000_000)))\n",
    "importing.py": "import scipy.sparse, networkx, pydantic\n",
}
LOADS = {
    f"{FILES:,} small files, C": ["./opens"],
    f"{FILES:,} small files, Python": [sys.executable, "files.py"],
    "500 short commands": ["sh", "-c", "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done"],
    "20 C files, by make": ["make", "-s", "-B", "-C", "build"],
    "processor-bound Python": [sys.executable, "counting.py"],
    "a start that imports much": [sys.executable, "importing.py"],
}
PEERS = {"reprozip": "reprozip", "noworkflow": "now"}
WAYS = ("plain", "hooks", "full", "provgraph run", "strace -f", "strace --seccomp-bpf", *PEERS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--peers", type=Path, default=HERE / ".venv-watching" / "bin")
    parser.add_argument("--each", default="", help="only loads whose title holds this")
    asked = parser.parse_args()
    repeat = asked.repeat
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"load {os.getloadavg()[0]:.1f} at the start; median of {repeat}; s, × plain\n")
    programs = {way: shutil.which(name, path=str(asked.peers)) for way, name in PEERS.items()}
    programs |= dict.fromkeys(("strace -f", "strace --seccomp-bpf"), shutil.which("strace"))
    ways = [way for way in WAYS if programs.get(way, way)]
    for way in set(WAYS) - set(ways):
        print(f"{way} isn't there")
    print(f"{'':28}" + "".join(f"{way:>22}" for way in ways))
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch, "project")
        prepare(place)
        loads = {title: words for title, words in LOADS.items() if asked.each in title}
        for title, command in loads.items():
            times: dict[str, list[float]] = {way: [] for way in ways}
            for turn in range(repeat):
                for way in ways:
                    if math.inf in times[way]:
                        continue
                    spool = Path(scratch, f"{way.partition(' ')[0]}-{title[:4]}-{turn}")
                    program = programs.get(way) or ""
                    taken = seconds(way, program, command, place, spool)
                    times[way] += [] if taken is None else [taken]
                    shutil.rmtree(spool, ignore_errors=True)
            plain = statistics.median(times["plain"])
            row = "".join(cell(times[way], plain) for way in ways)
            print(f"{title:28}{row}", flush=True)


def cell(times: Sequence[float], plain: float) -> str:
    """Write a median and its ratio; a dash where the peer can't do it, or doesn't in time."""
    if not times or math.inf in times:
        return f"{f'> {LIMIT} s' if times else '–':>21} "
    middle = statistics.median(times)
    return f"{middle:13.3f} ×{middle / plain:6.2f} "


def prepare(place: Path) -> None:
    """Lay out the files, the program that reads them, and something to compile."""
    (place / "files").mkdir(parents=True)
    (place / "build").mkdir()
    for number in range(FILES):
        (place / "files" / str(number)).write_text("x")
    for name, text in SCRIPTS.items():
        (place / name).write_text(text)
    (place / "opens.c").write_text(OPENS.replace("FILES", str(FILES)))
    subprocess.run(["cc", "-O2", "-o", "opens", "opens.c"], cwd=place, check=True)
    objects = " ".join(f"f{number}.o" for number in range(20))
    (place / "build" / "Makefile").write_text(f"all: {objects}\n")
    for number in range(20):
        (place / "build" / f"f{number}.c").write_text("#include <stdio.h>\nint f(void);\n")
    provgraph = [sys.executable, "-m", "provgraph", "init"]
    subprocess.run(provgraph, cwd=place, check=True, capture_output=True)


def seconds(
    way: str, program: str, command: Sequence[str], place: Path, spool: Path
) -> float | None:
    """Time one command, watched in one way; None where the way doesn't know such commands.

    Infinite where it took longer than LIMIT.
    """
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ = bare | {"REPROZIP_USAGE_STATS": "off"}
    words = list(command)
    if way in ("hooks", "full"):
        words = [sys.executable, "-c", DRIVER, way, os.fspath(spool), *words]
        environ = {**bare, "PYTHONPATH": os.fspath(HERE)}
    elif way.startswith("strace"):
        options = ["-f", "-qq", *way.split()[2:], *(["--seccomp-bpf"] if "bpf" in way else [])]
        words = [program, *options, "-o", f"{spool}.log", "-e", TRACED, *words]
    elif way == "provgraph run":
        words = [sys.executable, "-m", "provgraph", "run", "--", *words]
        environ = {**bare, "PYTHONPATH": os.fspath(HERE)}
    elif way == "reprozip":
        quick = ["--dont-identify-packages", "--dont-find-inputs-outputs"]
        words = [program, "trace", "--overwrite", "-d", f"{spool}.rz", *quick, *words]
    elif way == "noworkflow":
        if words[0] != sys.executable:
            return None
        words = [program, "run", "--coarse-granularity", "--dir", f"{spool}.now", *words[1:]]
    began = time.perf_counter()
    try:
        done = subprocess.run(
            words, cwd=place, env=environ, check=True, capture_output=True, timeout=LIMIT
        )
    except subprocess.TimeoutExpired:
        return math.inf
    if way in ("hooks", "full"):
        return float(done.stderr.split()[-1])
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
