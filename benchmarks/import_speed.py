"""Bulk lines: checking them, and putting them into an index that is empty or already large.

python -m benchmarks.import_speed [--nodes 200000] [--repeat 5]
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
import time
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks.lineage import PROJECT, lineage, machine, table, timed
from provgraph.graph import LocalGraph
from provgraph.interchange.jsonl import ImportSummary, validate
from provgraph.model.records import ImportRecord


def facts(summary: ImportSummary) -> ImportRecord:
    return ImportRecord(
        project=PROJECT,
        at="2026-01-01T00:00:00Z",
        object="b3:0",
        format="jsonl",
        nodes=summary.nodes,
        edges=summary.edges,
    )


def checked(lines: list[bytes]) -> tuple[ImportSummary, bytes]:
    spool = io.BytesIO()
    return validate(lines, spool.write), spool.getvalue()


def with_props(lines: list[bytes]) -> list[bytes]:
    """Give the same lines, each with properties."""
    out = []
    for line in lines:
        item = json.loads(line)
        (item.get("node") or item.get("edge"))["props"] = {
            "role": "train",
            "rows": 1200,
            "by": "me",
        }
        out.append(json.dumps(item).encode() + b"\n")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=200_000)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    print(machine("numpy", "blake3"), "\n")
    made = lineage(asked.nodes)
    plain = list(made.lines())
    print(f"{made.nodes:,} nodes, {made.edges:,} edges, {sum(map(len, plain)) / 1e6:.0f} MB\n")
    rows: list[tuple[object, ...]] = [
        (f"median of {asked.repeat}", "s", "lines/s", "edges/s", "CPU s"),
    ]

    def row(what: str, seconds: float, cpu: float, lines: int, edges: int) -> None:
        rows.append((what, seconds, round(lines / seconds), round(edges / seconds), cpu))

    for what, lines in (("plain", plain), ("with properties", with_props(plain))):
        cpu = time.process_time()
        seconds, _ = timed(partial(list, map(json.loads, lines)), 1)
        row(f"json.loads alone, {what}", seconds, _each(cpu, 1), len(lines), made.edges)
        cpu = time.process_time()
        seconds, (summary, spool) = timed(partial(checked, lines), asked.repeat)
        row(f"check and spool, {what}", seconds, _each(cpu, asked.repeat), len(lines), made.edges)
        times = []
        cpu = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            for number in range(asked.repeat):
                with closing(LocalGraph(Path(folder) / f"{number}.db")) as store:
                    began = time.perf_counter()
                    store.add_import("import", facts(summary), io.BytesIO(spool))
                    times.append(time.perf_counter() - began)
            seconds = statistics.median(times)
            row(f"project, {what}", seconds, _each(cpu, asked.repeat), len(lines), made.edges)
            few, few_spool = checked(list(lineage(10_000, seed=2).lines()))
            store = LocalGraph(Path(folder) / "0.db")
            began, cpu = time.perf_counter(), time.process_time()
            store.add_import("more", facts(few), io.BytesIO(few_spool))
            seconds = time.perf_counter() - began
            row(
                f"project {few.nodes:,} nodes more into that, once",
                *(seconds, time.process_time() - cpu, few.lines, few.edges),
            )
            store.close()
    table(rows)


def _each(began: float, repeat: int) -> float:
    return (time.process_time() - began) / repeat


if __name__ == "__main__":
    main()
