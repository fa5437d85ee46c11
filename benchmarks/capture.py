"""What each way of watching adds, beside strace: whole commands, started by the same small driver.

    python benchmarks/capture.py [--repeat N]

Prints medians, and how many times as long as plain. `hooks` are Python's audit hooks alone, `full`
is what `provgraph run` uses: the native library, with hooks in Python.
"""

from __future__ import annotations

import argparse
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

LOADS = {
    f"{FILES:,} small files, C": ["./opens"],
    f"{FILES:,} small files, Python": [
        sys.executable,
        "-c",
        f"for n in range({FILES}):\n    with open(f'files/{{n}}') as f: f.read()",
    ],
    "500 short commands": ["sh", "-c", "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done"],
    "20 C files, by make": ["make", "-s", "-B", "-C", "build"],
    "processor-bound Python": [sys.executable, "-c", "sum(n * n for n in range(10_000_000))"],
    "a start that imports much": [sys.executable, "-c", "import scipy.sparse, networkx, pydantic"],
}
WAYS = ("plain", "hooks", "full", "strace -f", "strace --seccomp-bpf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores")
    print(f"load {os.getloadavg()[0]:.1f} at the start; median of {repeat}; s, × plain\n")
    ways = [way for way in WAYS if not way.startswith("strace") or shutil.which("strace")]
    print(f"{'':28}" + "".join(f"{way:>22}" for way in ways))
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch, "project")
        prepare(place)
        for title, command in LOADS.items():
            times: dict[str, list[float]] = {way: [] for way in ways}
            for turn in range(repeat):
                for way in ways:
                    spool = Path(scratch, f"{way.partition(' ')[0]}-{title[:4]}-{turn}")
                    times[way].append(seconds(way, command, place, spool))
                    shutil.rmtree(spool, ignore_errors=True)
            plain = statistics.median(times["plain"])
            found = [statistics.median(times[way]) for way in ways]
            row = "".join(f"{middle:13.3f} ×{middle / plain:6.2f} " for middle in found)
            print(f"{title:28}{row}", flush=True)


def prepare(place: Path) -> None:
    """Lay out the files, the program that reads them, and something to compile."""
    (place / "files").mkdir(parents=True)
    (place / "build").mkdir()
    for number in range(FILES):
        (place / "files" / str(number)).write_text("x")
    (place / "opens.c").write_text(OPENS.replace("FILES", str(FILES)))
    subprocess.run(["cc", "-O2", "-o", "opens", "opens.c"], cwd=place, check=True)
    objects = " ".join(f"f{number}.o" for number in range(20))
    (place / "build" / "Makefile").write_text(f"all: {objects}\n")
    for number in range(20):
        (place / "build" / f"f{number}.c").write_text("#include <stdio.h>\nint f(void);\n")


def seconds(way: str, command: Sequence[str], place: Path, spool: Path) -> float:
    """Time one command, watched in one way."""
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ = bare
    words = list(command)
    if way in ("hooks", "full"):
        words = [sys.executable, "-c", DRIVER, way, os.fspath(spool), *words]
        environ = {**bare, "PYTHONPATH": os.fspath(HERE)}
    elif way.startswith("strace"):
        options = ["-f", "-qq", *way.split()[2:], *(["--seccomp-bpf"] if "bpf" in way else [])]
        words = ["strace", *options, "-o", f"{spool}.log", "-e", TRACED, *words]
    began = time.perf_counter()
    done = subprocess.run(
        words, cwd=place, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    if way in ("hooks", "full"):
        return float(done.stderr.split()[-1])
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
