"""What a change affects, asked of Neo4j, warm: provgraph's way beside plain Cypher's.

    python -m benchmarks.neo4j_impact [--nodes 100000] [--affected 75000 3000 30] [--repeat 7]

`[*]` is `MATCH (a)<-[:USES|DEPENDS_ON*]-(b)` with DISTINCT end points, level by level a statement
for each step with the frontier kept outside. Both give the affected nodes only; provgraph's walk
gives their distances too, and with «by which way» the neighbour that leads to each. The whole
answer is `Project.impact`: judged before and after, with reasons, words and gaps.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.graph_scale import start_with
from benchmarks.lineage import LAYERS, lineage, machine, table, timed
from provgraph.graph.neo4j import Neo4jGraph
from provgraph.project import Project
from tests.support.neo4j.server import a_neo4j

STAR = (
    "MATCH (a:Vertex {_key: $key})<-[:USES|DEPENDS_ON*]-(b) WITH DISTINCT b RETURN collect(b._key)"
)
LEVEL = (
    "UNWIND $keys AS key MATCH (a:Vertex {_key: key})<-[:USES|DEPENDS_ON]-(b)"
    " WITH DISTINCT b RETURN collect(b._key)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--affected", type=int, nargs="+", default=[75_000, 3_000, 30])
    parser.add_argument("--repeat", type=int, default=7)
    asked = parser.parse_args()
    print(machine("neo4j", "neo4j-rust-ext"), "\n")
    made = lineage(asked.nodes)
    print(f"{made.nodes:,} nodes, {made.edges:,} edges in {LAYERS} layers, imported\n")
    rows: list[Sequence[object]] = [
        ("affected", "[*] ms", "levels ms", "provgraph ms", "× the best", "by which way ms",
         "whole answer ms")
    ]  # fmt: skip
    with a_neo4j(optimised=True) as server, tempfile.TemporaryDirectory() as folder:
        os.environ.update(server.environment, XDG_CACHE_HOME=f"{folder}/cache")
        root = Path(folder) / "project"
        root.mkdir()
        project, _ = Project.init(root)
        project.import_jsonl(list(made.lines()))
        graph: Any = project.store
        assert isinstance(graph, Neo4jGraph)
        for affected in asked.affected:
            name, key = start_with(graph, made, affected)
            rows.append(measured(project, graph, name, key, asked.repeat))
        project.close()
    table(rows)


def measured(
    project: Project, graph: Neo4jGraph, name: str, key: int, repeat: int
) -> Sequence[object]:
    with graph.connection.session(write=False) as session:

        def star() -> set[int]:
            return set(session.run(STAR, key=key).single(strict=True)[0])

        def levels() -> set[int]:
            seen = {key}
            frontier = [key]
            while frontier:
                found = session.run(LEVEL, keys=frontier).single(strict=True)[0]
                frontier = [one for one in found if one not in seen]
                seen.update(frontier)
            return seen - {key}

        ways = [
            star,
            levels,
            lambda: set(graph.reach([key]).key),
            lambda: list(graph.reach([key]).cause),
            lambda: project.impact([name]).totals,
        ]
        for way in ways:
            way()
            way()
        times = [timed(way, repeat) for way in ways]
    assert times[0][1] == times[1][1] == times[2][1]
    best = min(times[0][0], times[1][0])
    plain, stepped, walk, nearer, whole = (1000 * seconds for seconds, _ in times)
    return len(times[2][1]), plain, stepped, walk, round(walk / best / 1000, 2), nearer, whole


if __name__ == "__main__":
    main()
