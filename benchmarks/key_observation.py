"""What it costs to see which keys of a config are read: a loop of reads, beside a plain dictionary.

    python -m benchmarks.key_observation [--reads 1000000] [--repeat 7]

Each process loads one YAML file and reads it in a loop. The peers: the same program watched without
observing, and `provgraph.params`, which any program may use. The loop itself is taken off.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from textwrap import dedent

from benchmarks.lineage import machine

PROGRAM = """
import json, sys, time
load, reads = sys.argv[1], int(sys.argv[2])
if load == "params":
    import provgraph
    cfg = provgraph.params("conf.yaml")
else:
    import yaml
    with open("conf.yaml") as file:
        cfg = yaml.safe_load(file)

def timed(body):
    names = {"cfg": cfg}
    code = f"def loop(cfg, reads):\\n    for _ in range(reads): {body}\\n"
    exec(code, names)
    start = time.perf_counter()
    names["loop"](cfg, reads)
    return time.perf_counter() - start

empty = timed("pass")
one = timed("cfg['lr']") - empty
two = timed("cfg['model']['depth']") - empty
start = time.perf_counter()
for _ in range(20_000):
    open("other.txt").close()
opens = (time.perf_counter() - start) / 20_000
print(json.dumps([one / reads, two / reads, opens]))
"""
CONFIG = "lr: 0.1\nmodel:\n  depth: 3\n  width: 4\n"


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=7)
    asked = parser.parse_args()
    print(machine(), f"{asked.reads:,} reads, median of {asked.repeat}", sep="\n\n")
    rows = {}
    with tempfile.TemporaryDirectory() as place:
        for name, observe, load, watched in (
            ("plain", False, "yaml", False),
            ("watched", False, "yaml", True),
            ("observed", True, "yaml", True),
            ("provgraph.params", False, "params", True),
        ):
            root = Path(place, name)
            begin(root, observe=observe)
            found = [measure(root, load, asked.reads, watched) for _ in range(asked.repeat)]
            rows[name] = [statistics.median(column) for column in zip(*found, strict=True)]
    print(f"{'':18}{'a key':>18}{'a key in a mapping':>22}{'open another file':>22}")
    for name, row in rows.items():
        cells = (f"{t * 1e9:8.0f} ns ×{t / p:.1f}" for t, p in zip(row, rows["plain"], strict=True))
        print(f"  {name:16}" + "".join(f"{cell:>20}" for cell in cells))


def begin(root: Path, *, observe: bool) -> None:
    """Make a project with one config and a program that reads it."""
    root.mkdir()
    init = [sys.executable, "-m", "provgraph", "init"]
    subprocess.run(init, cwd=root, env=env(), check=True, capture_output=True)
    (root / "conf.yaml").write_text(CONFIG)
    (root / "other.txt").write_text("x")
    (root / "main.py").write_text(dedent(PROGRAM))
    if observe:
        settings = root / "provgraph.toml"
        text = settings.read_text().replace("[config]\n", '[config]\nobserve = ["conf.yaml"]\n')
        settings.write_text(text)


def measure(root: Path, load: str, reads: int, watched: bool) -> list[float]:
    """Give s a read of one key, of a nested one, and of opening a file that nobody observes."""
    prefix = [sys.executable, "-m", "provgraph", "run", "--"] if watched else []
    command = [*prefix, sys.executable, "main.py", load, str(reads)]
    said = subprocess.run(command, cwd=root, env=env(), capture_output=True, check=True)
    found: list[float] = json.loads(said.stdout)
    return found


def env() -> dict[str, str]:
    """Give an environment in which this checkout is the provgraph that is used."""
    return {**os.environ, "PYTHONPATH": os.fspath(Path(__file__).resolve().parent.parent)}


if __name__ == "__main__":
    main()
