"""Run the benchmarks and print their tables: reported, never asserted.

    python -m benchmarks [--quick] [--write] [NAME…]

Each runs in a process of its own, with compiled Python files as an installed provgraph has them.
`--quick` takes small graphs and few rounds; `--write` keeps the tables of those that were run in
docs/explanation/measurements.md, too.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "measurements.md"


class Benchmark(NamedTuple):
    title: str
    quick: tuple[str, ...]


BENCHMARKS = {
    "run_cost": Benchmark("What watching costs", ("--repeat", "5")),
    "capture": Benchmark("Watching whole commands", ("--repeat", "3")),
    "hashing": Benchmark(
        "Naming files by their content",
        ("--repeat", "3", "--large", "128", "--many", "2000", "--scanned", "10000"),
    ),
    "key_observation": Benchmark(
        "Seeing which keys are read", ("--reads", "100000", "--repeat", "3")
    ),
    "question_cost": Benchmark(
        "What a question costs", ("--nodes", "50000", "--affected", "5000", "--repeat", "5")
    ),
    "graph_scale": Benchmark(
        "A large graph", ("--nodes", "50000", "--affected", "5000", "--repeat", "5")
    ),
    "explorer": Benchmark(
        "The explorer in a browser", ("--nodes", "1000", "10000", "--repeat", "3")
    ),
    "check_speed": Benchmark("The merge check", ("--runs", "1000", "--repeat", "3")),
    "import_speed": Benchmark("Importing lines", ("--nodes", "20000", "--repeat", "5")),
    "records_speed": Benchmark("Reading records", ("--runs", "1000", "--repeat", "5")),
    "secrets": Benchmark("Secrets, beside detect-secrets", ("--each", "5", "--code", "50")),
    "neo4j_load": Benchmark("Loading Neo4j", ("--nodes", "10000", "--repeat", "2")),
    "neo4j_impact": Benchmark(
        "Questions of Neo4j", ("--nodes", "20000", "--affected", "10000", "1000", "30")
    ),
    "neo4j_pushers": Benchmark("Twenty who push to Neo4j at once", ("--runs", "10")),
    "cypher_local": Benchmark("Cypher without a server", ("--nodes", "20000", "--repeat", "3")),
}

HEAD = """\
# Measurements

Written by `make bench BENCH_ARGS=--write`: medians, with the machine and the versions they were
measured on and with, beside peers that answer the same question. A time is worth as much as the
load that stands beside it; ratios within one table hold better than times across two.
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="small graphs and few rounds")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    texts: dict[str, str] = {}
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in asked.names or BENCHMARKS:
            title, quick = BENCHMARKS[name]
            print(f"\n{title} ({name})\n{'=' * (len(title) + len(name) + 3)}\n", flush=True)
            began = time.perf_counter()
            texts[name], status = shown(name, quick if asked.quick else (), Path(scratch))
            print(f"took {time.perf_counter() - began:.0f} s", flush=True)
            failed += [name] if status else []
    if failed:
        print(f"\nended early: {', '.join(failed)}", file=sys.stderr)
        return 1
    if asked.write:
        write(texts)
    return 0


def write(texts: Mapping[str, str]) -> None:
    """Put tables into the page; those of benchmarks that weren't run stay."""
    sections = re.compile(r"^## ([^\n]+)\n\n```\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
    there = dict(sections.findall(PAGE.read_text("utf-8")))
    there |= {BENCHMARKS[name].title: text for name, text in texts.items()}
    titles = [one.title for one in BENCHMARKS.values() if one.title in there]
    parts = [f"## {title}\n\n```\n{there[title]}\n```\n" for title in titles]
    PAGE.write_text("\n".join([HEAD, *parts]), "utf-8")


def shown(name: str, arguments: tuple[str, ...], scratch: Path) -> tuple[str, int]:
    """Run a benchmark, showing its lines as they come; gives them, and how it ended."""
    lines: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments],
        cwd=ROOT,
        env=environment(scratch),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return "".join(lines).strip(), process.returncode


def environment(scratch: Path) -> dict[str, str]:
    """Give an environment in which commands start as they do for a person who installed them."""
    environ = dict(os.environ)
    # Compiling sources at every start would be measured, too.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    environ["PYTHONPYCACHEPREFIX"] = os.fspath(scratch / "compiled")
    environ["XDG_CACHE_HOME"] = os.fspath(scratch / "cache")
    return environ


if __name__ == "__main__":
    sys.exit(main())
