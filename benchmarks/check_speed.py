"""`provgraph check` on a repository of many files and a ledger of many runs, as whole processes.

    python -m benchmarks.check_speed [--files 2000] [--runs 10000] [--edits 20] [--repeat 5]

The branch edits some of the files that runs read. Beside it: what git takes to say which files
differ, and `provgraph status`. «Fresh» starts without index and stat cache, as a clone in CI does.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.lineage import machine, table
from provgraph.model.digests import content_digest, step_key
from provgraph.model.records import Product, RunRecord, Step, Tracing, Use
from provgraph.project import Project

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
STEPS = 500
PROVGRAPH = "import sys; from provgraph.cli import main; sys.exit(main())"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    print(machine("pydantic", "typer"), "\n")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        root = Path(folder) / "project"
        fill(root, asked.files, asked.runs)
        edit(root, asked.edits)
        print(
            f"{asked.files:,} tracked files, {asked.runs:,} runs of {STEPS} steps, "
            f"{asked.edits} files edited on a branch\n"
        )
        rows: list[tuple[object, ...]] = [(f"median of {asked.repeat}", "s", "exit")]
        check = (sys.executable, "-c", PROVGRAPH, "check", "--base", "main", "--format", "json")

        def fresh() -> None:
            shutil.rmtree(Path(folder) / "cache", ignore_errors=True)

        for title, command, before in (
            ("git diff --raw main", ("git", "diff", "--raw", "main"), None),
            ("provgraph check, the working tree", check, None),
            ("provgraph check --head HEAD", (*check, "--head", "HEAD"), None),
            ("provgraph status", (sys.executable, "-c", PROVGRAPH, "status"), None),
            ("provgraph check, fresh", check, fresh),
        ):
            rows.append((title, *timed(command, root, asked.repeat, before)))
        table(rows)


def timed(command: tuple[str, ...], root: Path, repeat: int, before) -> tuple[float, int]:  # type: ignore[no-untyped-def]
    seconds = []
    code = 0
    for number in range(repeat + (before is None)):
        if before is not None:
            before()
        began = time.perf_counter()
        code = subprocess.run(command, cwd=root, capture_output=True, check=False).returncode
        if number or before is not None:  # the first one fills caches
            seconds.append(time.perf_counter() - began)
    return statistics.median(seconds), code


def content(number: int, version: int = 0) -> bytes:
    return b"value = %d\n%s\nversion = %d\n" % (number, b"# text\n" * 200, version)


def fill(root: Path, files: int, runs: int) -> None:
    """Make the repository, and a ledger whose steps read its files and each other's products."""
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    project, _ = Project.init(root)
    names = [f"src/part{number % 40}/file{number}.py" for number in range(files)]
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(number))
    (root / ".gitignore").write_text("out/\n")
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "one")
    digests = {name: content_digest(content(number)) for number, name in enumerate(names)}
    made: dict[str, tuple[str, str, str]] = {}
    with project.ledger.together():
        for number in range(runs):
            project.ledger.append(run_of(project.id, number, names, digests, made))


def run_of(
    project: str,
    number: int,
    names: list[str],
    digests: dict[str, str],
    made: dict[str, tuple[str, str, str]],
) -> RunRecord:
    place = number % STEPS
    key = step_key(project, "python", (f"step{place}.py",))
    own = random.Random(place)
    uses = [
        Use(name=name, digest=digests[name], touched={"#bytes": digests[name]})
        for name in own.sample(names, 20)
    ]
    for earlier in own.sample(range(place), min(place, 3)):
        product = f"out/{earlier}.csv"
        if product in made:
            digest, run, step = made[product]
            uses.append(
                Use(
                    name=product,
                    digest=digest,
                    maker=run,
                    maker_step=step,
                    touched={"#bytes": digest},
                )
            )
    at = (FIRST + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
    run = f"01J{number:023}"
    digest = content_digest(b"%d" % place)
    made[f"out/{place}.csv"] = (digest, run, key)
    return RunRecord(
        project=project,
        at=at,
        run=run,
        step=Step(key=key, label=f"python step{place}.py"),
        status="ok",
        started=at,
        ended=at,
        uses=tuple(uses),
        produces=(Product(name=f"out/{place}.csv", digest=digest, size=100),),
        tracing=Tracing(method="preload", complete=True),
    )


def edit(root: Path, edits: int) -> None:
    git(root, "checkout", "--quiet", "-b", "topic")
    for number, path in enumerate(sorted((root / "src").rglob("*.py"))[:edits]):
        path.write_bytes(content(number, version=1))
    git(root, "commit", "--quiet", "-a", "-m", "two")


def git(root: Path, *words: str) -> None:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *who, *words], cwd=root, check=True)


if __name__ == "__main__":
    main()
