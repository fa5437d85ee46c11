"""What `provgraph impact` costs on a large graph: from a cold start, and asked again.

    python -m benchmarks.question_cost [--nodes 1000000] [--affected 100000] [--repeat 7]

The peers find the affected nodes only. provgraph's answer also says why each is affected, what was
stale before and what it doesn't know, and first compares the ledger with the graph.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.graph_scale import CTE, start_with
from benchmarks.lineage import LAYERS, Lineage, lineage, machine, table, timed
from provgraph.project import Project

PROVGRAPH = "import sys; from provgraph.cli import main; sys.exit(main())"

PARTS = """
import json, sys, time
marks = [time.perf_counter()]
def mark():
    marks.append(time.perf_counter())
from provgraph.cli import entry, plain
from provgraph.project import Project
project = Project.find()
mark()
project.sync()
mark()
from provgraph.analysis import asking
mark()
questions = project.questions()
mark()
answer = questions.impact([sys.argv[1]], all=False, depth=None)
mark()
from provgraph.render import render
render(answer)
mark()
times = [after - before for before, after in zip(marks, marks[1:])]
print(json.dumps([len(answer.affected), *times]))
"""

SQLITE = f"""
import sqlite3, sys
graph = sqlite3.connect(sys.argv[1])
(start,) = graph.execute("SELECT node FROM name WHERE text = ?", sys.argv[2:]).fetchone()
len(graph.execute({CTE!r}, (start,)).fetchall())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--affected", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=7)
    asked = parser.parse_args()
    print(machine("typer", "scipy", "networkx", "rustworkx"), "\n")
    made = lineage(asked.nodes)
    print(f"{made.nodes:,} nodes, {made.edges:,} edges in {LAYERS} layers, imported\n")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        project, _ = Project.init(root)
        project.import_jsonl(made.lines())
        peer = Path(folder) / "peer.db"
        as_sqlite(made, peer)
        cold(project, made, peer, asked.repeat)
        warm(project, made, asked.affected, asked.repeat)
        project.store.close()


def as_sqlite(made: Lineage, path: Path) -> None:
    """Keep the graph as a plain program would: one table of edges, indexed."""
    with sqlite3.connect(path) as graph:
        graph.execute("CREATE TABLE edge(cause, effect, PRIMARY KEY(cause, effect)) WITHOUT ROWID")
        graph.execute("CREATE TABLE name(text PRIMARY KEY, node) WITHOUT ROWID")
        graph.executemany("INSERT OR IGNORE INTO edge VALUES (?, ?)", edges(made))
        rows = ((f"data/{number}.csv", number) for number in range(made.datasets))
        graph.executemany("INSERT INTO name VALUES (?, ?)", rows)
    graph.close()


def edges(made: Lineage) -> list[tuple[int, int]]:
    """Give (cause, effect); runs are counted on from the data sets."""
    used = [(data, made.datasets + run) for run, data in made.uses.tolist()]
    return used + [(made.datasets + run, data) for run, data in made.produces.tolist()]


def cold(project: Project, made: Lineage, peer: Path, repeat: int) -> None:
    """Ask in a fresh process what one of the last data sets affects."""
    per_layer = made.datasets // (LAYERS + 1)
    name = f"data/{per_layer * (LAYERS - 2) + per_layer // 3}.csv"

    def run(*arguments: str | os.PathLike[str]) -> bytes:
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=project.root, check=True, capture_output=True).stdout

    def seconds(*arguments: str | os.PathLike[str]) -> float:
        return timed(lambda: run(*arguments), repeat)[0]

    run("-c", PARTS, name)
    bare = seconds("-c", "pass")
    whole = seconds("-c", PROVGRAPH, "impact", name)
    through_typer = seconds("-c", PROVGRAPH, "impact", name, "--format=text")
    by_sqlite = seconds("-c", SQLITE, peer, name)
    parts: list[list[float]] = [json.loads(run("-c", PARTS, name)) for _ in range(repeat)]
    affected, *columns = (statistics.median(column) for column in zip(*parts, strict=True))
    head = f"provgraph impact, cold, {affected:,.0f} affected (median of {repeat})"
    what = (
        "  loading, finding the project",
        "  ledger and graph in step",
        "  loading what answers",
        "  facts, viewpoint",
        "  judging, putting in words",
        "  rendering",
    )
    table(
        [
            (head, "ms", "× python"),
            ("provgraph impact NAME", whole * 1e3, whole / bare),
            (
                "provgraph impact NAME --format=text (read by typer)",
                through_typer * 1e3,
                through_typer / bare,
            ),
            (
                "python, sqlite3, recursive CTE: the names' keys only",
                by_sqlite * 1e3,
                by_sqlite / bare,
            ),
            ("python -c pass", bare * 1e3, 1.0),
            ("of provgraph's time:", "", ""),
            *((words, seconds * 1e3, "") for words, seconds in zip(what, columns, strict=True)),
        ]
    )


def warm(project: Project, made: Lineage, affected: int, repeat: int) -> None:
    """Ask again, in a process that holds the graph open, what many rest on."""
    import networkx as nx
    import rustworkx as rx

    name, key = start_with(project.store, made, affected)  # type: ignore[arg-type]
    start = int(name.removeprefix("data/").removesuffix(".csv"))
    pairs = edges(made)
    graph: Any = nx.DiGraph(pairs)
    rust: Any = rx.PyDiGraph()
    rust.add_nodes_from(range(made.nodes))
    rust.add_edges_from_no_data(pairs)
    reach, columns = timed(lambda: project.store.reach([key]), repeat)
    ours, answer = timed(lambda: ask(project, name), repeat)
    rusted, theirs = timed(lambda: rx.descendants(rust, start), repeat)
    python, expected = timed(lambda: nx.descendants(graph, start), repeat)
    data = sum(node < made.datasets for node in expected)
    assert len(columns.key) == len(expected) == len(theirs)
    assert len(answer.affected) == data
    table(
        [
            (f"warm, {data:,} data sets affected (median of {repeat})", "ms", "× impact"),
            ("Project.impact, ten hits in words", ours * 1e3, 1.0),
            ("the store's reach alone: depths, decisive edges", reach * 1e3, reach / ours),
            ("rustworkx.descendants", rusted * 1e3, rusted / ours),
            ("networkx.descendants", python * 1e3, python / ours),
        ]
    )


def ask(project: Project, name: str) -> Any:
    """Ask, and read what a person is shown."""
    began = time.perf_counter()
    answer = project.impact([name])
    shown = answer.affected[:10]
    assert all(hit.words for hit in shown)
    assert time.perf_counter() > began
    return answer


if __name__ == "__main__":
    main()
