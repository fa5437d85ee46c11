"""Questions of a large graph: warm, cold, and right after one more run.

    python -m benchmarks.graph_scale [--nodes 1000000] [--affected 100000] [--repeat 7]

The peers answer with a set of nodes only; provgraph's answer has depths and decisive edges too.
"""

from __future__ import annotations

import argparse
import io
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.lineage import LAYERS, PROJECT, Lineage, lineage, machine, table, timed
from provgraph.graph import LocalGraph
from provgraph.interchange.jsonl import validate
from provgraph.model.records import ImportRecord, Product, RunRecord, Step, Tracing, Use

COLD = """
import sys, time
began = time.perf_counter()
from provgraph.graph.local import LocalGraph
imported = time.perf_counter()
store = LocalGraph(sys.argv[1])
opened = time.perf_counter()
(start,) = store.at_names([sys.argv[2]])
found = time.perf_counter()
reach = store.reach([start.key])
reached = time.perf_counter()
rows = store.vertices(reach.key)
shown = time.perf_counter()
import json
print(json.dumps([imported - began, opened - imported, found - opened, reached - found,
                  shown - reached, len(rows)]))
"""

CTE = """
WITH RECURSIVE reached(node) AS (
  VALUES(?) UNION SELECT edge.effect FROM reached JOIN edge ON edge.cause = reached.node)
SELECT node FROM reached"""


def record(number: int, used: str, made: str) -> RunRecord:
    at = f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"
    return RunRecord(
        project=PROJECT,
        at=at,
        run=f"01EXTRA{number:06}",
        step=Step(key="extra", label="extra"),
        status="ok",
        started=at,
        ended=at,
        uses=(Use(name=used, digest="", touched={}),),
        produces=(Product(name=made, digest=f"b3:{number}"),),
        tracing=Tracing(method="bench", complete=True),
    )


def load(made: Lineage, path: Path) -> LocalGraph:
    """Import a lineage into a fresh index, and say how fast that was."""
    spool = io.BytesIO()
    source = list(made.lines())
    began = time.perf_counter()
    summary = validate(source, spool.write)
    validated = time.perf_counter() - began
    spool.seek(0)
    del source
    facts = ImportRecord(
        project=PROJECT,
        at="2026-01-01T00:00:00Z",
        object="b3:0",
        format="jsonl",
        nodes=summary.nodes,
        edges=summary.edges,
    )
    store = LocalGraph(path)
    began = time.perf_counter()
    store.add_import("import", facts, spool)
    projected = time.perf_counter() - began
    began = time.perf_counter()
    seeds = [g.key for g in store.at_names(["data/0.csv"])]
    store.reach(seeds)
    arrays = time.perf_counter() - began
    rows: list[tuple[object, ...]] = [("load", "s", "edges/s")]
    for what, seconds in (
        ("check and spool the lines", validated),
        ("project them into a fresh index (= rebuild)", projected),
        ("both", validated + projected),
        ("first large question: make the arrays", arrays),
    ):
        rows.append((what, seconds, round(made.edges / seconds)))
    table(rows)
    return store


def start_with(store: LocalGraph, made: Lineage, affected: int) -> tuple[str, int]:
    """Find a data set that affects about so many vertices."""
    per_layer = made.datasets // (LAYERS + 1)
    best, least = ("", 0), made.nodes
    low, high = 0, LAYERS
    while low <= high:
        layer = (low + high) // 2
        name = f"data/{per_layer * layer + per_layer // 3}.csv"
        (found,) = store.at_names([name])
        count = len(store.reach([found.key]).key)
        if abs(count - affected) < least:
            best, least = (name, found.key), abs(count - affected)
        if count > affected:
            low = layer + 1
        else:
            high = layer - 1
    return best


def warm(store: LocalGraph, made: Lineage, key: int, repeat: int, folder: Path) -> None:
    """Ask once more what one data set affects, beside the peers."""
    import networkx as nx
    import rustworkx as rx

    edges = _edges(store)
    graph: Any = nx.DiGraph()
    graph.add_edges_from(edges)
    rust: Any = rx.PyDiGraph()
    rust.add_nodes_from(range(made.nodes + 2))
    rust.add_edges_from_no_data(edges)
    raw = sqlite3.connect(folder / "peer.db")
    raw.execute("PRAGMA cache_size = -262144")
    raw.execute("CREATE TABLE edge(cause, effect, PRIMARY KEY(cause, effect)) WITHOUT ROWID")
    raw.executemany("INSERT OR IGNORE INTO edge VALUES (?, ?)", edges)
    ours, reach = timed(lambda: store.reach([key]), repeat)
    lists, _ = timed(
        lambda: (
            list(map(int, reach.key)),
            list(map(int, reach.cause)),
            list(map(int, reach.depth)),
        ),
        repeat,
    )
    theirs, expected = timed(lambda: nx.descendants(graph, key), repeat)
    rusted, rust_answer = timed(lambda: rx.descendants(rust, key), repeat)
    cte, rows = timed(lambda: raw.execute(CTE, (key,)).fetchall(), repeat)
    raw.close()
    answer = set(map(int, reach.key))
    assert answer == expected == set(rust_answer) == {row[0] for row in rows} - {key}
    assert all(
        pair in graph.edges for pair in zip(map(int, reach.cause), map(int, reach.key), strict=True)
    )
    depths = nx.single_source_shortest_path_length(graph, key)
    assert all(depths[int(k)] == d for k, d in zip(reach.key, reach.depth, strict=True))
    table(
        [
            (
                f"warm, {len(answer):,} affected (median of {repeat})",
                "ms",
                "provgraph is … times faster",
            ),
            ("provgraph reach, with depths and decisive edges", ours * 1e3, 1.0),
            ("… and its columns as Python lists", (ours + lists) * 1e3, ""),
            ("rustworkx.descendants", rusted * 1e3, rusted / ours),
            ("networkx.descendants", theirs * 1e3, theirs / ours),
            ("SQLite recursive CTE", cte * 1e3, cte / ours),
        ]
    )


def _edges(store: LocalGraph) -> list[tuple[int, int]]:
    """Give all edges (cause, effect) as the store's look-ups have them."""
    every = range(1, store.status().nodes + 1)
    found: list[tuple[int, int]] = []
    for start in range(0, len(every), 50_000):
        found += [
            (row.cause, row.effect) for row in store.effects_of(every[start : start + 50_000])
        ]
    return found


def cold(path: Path, name: str, repeat: int) -> None:
    """Ask in a fresh process."""
    wholes, parts = [], []
    for _ in range(repeat):
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", COLD, str(path), name], check=True, capture_output=True
        )
        wholes.append(time.perf_counter() - began)
        parts.append(json.loads(done.stdout))
    bare, _ = timed(
        lambda: subprocess.run([sys.executable, "-c", "pass"], check=True, capture_output=True),
        repeat,
    )
    columns = [
        statistics.median(column) * 1e3 for column in zip(*(p[:5] for p in parts), strict=True)
    ]
    table(
        [
            (f"cold, {parts[0][5]:,} affected (median of {repeat})", "ms"),
            ("the whole process", statistics.median(wholes) * 1e3),
            ("  Python itself", bare * 1e3),
            ("  importing the store", columns[0]),
            ("  opening the index", columns[1]),
            ("  finding the name", columns[2]),
            ("  reach", columns[3]),
            ("  names of what was reached", columns[4]),
        ]
    )


def one_more(store: LocalGraph, name: str, large: str, repeat: int) -> None:
    """Add one run at a time, and ask."""
    adding, asking, large_first, large_again = [], [], [], []
    (far,) = (g.key for g in store.at_names([large]))
    for number in range(repeat):
        made = record(number, name, f"extra/{number}")
        began = time.perf_counter()
        store.add([(f"record {number}", made, {})])
        added = time.perf_counter()
        (start,) = (g.key for g in store.at_names([name]))
        reach = store.reach([start])
        asked = time.perf_counter()
        assert f"extra/{number}" in store.imported_names(reach.key).values()
        large_began = time.perf_counter()
        store.reach([far])
        large_then = time.perf_counter()
        store.reach([far])
        large_first.append(large_then - large_began)
        large_again.append(time.perf_counter() - large_then)
        adding.append(added - began)
        asking.append(asked - added)
    table(
        [
            (f"one more run (median of {repeat})", "ms"),
            ("add it", statistics.median(adding) * 1e3),
            ("see it in a small answer", statistics.median(asking) * 1e3),
            ("both", statistics.median(a + b for a, b in zip(adding, asking, strict=True)) * 1e3),
            ("the first large answer after it", statistics.median(large_first) * 1e3),
            ("the next one", statistics.median(large_again) * 1e3),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_000_000)
    parser.add_argument("--affected", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=7)
    asked = parser.parse_args()
    print(machine("numpy", "scipy", "networkx", "rustworkx"), "\n")
    made = lineage(asked.nodes)
    print(f"{made.nodes:,} nodes, {made.edges:,} edges in {LAYERS} layers\n")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.db"
        store = load(made, path)
        large, key = start_with(store, made, asked.affected)
        small, _ = start_with(store, made, 100)
        warm(store, made, key, asked.repeat, Path(folder))
        one_more(store, small, large, asked.repeat)
        size = sum(file.stat().st_size for file in Path(folder).glob("graph.db*")) / 1e6
        store.close()
        cold(path, small, asked.repeat)
        print(f"index and arrays: {size:,.0f} MB")


if __name__ == "__main__":
    main()
