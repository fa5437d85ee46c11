"""Loading a graph into Neo4j, beside the driver's bare batched UNWIND … MERGE in the same run.

    python -m benchmarks.neo4j_load [--nodes 100000] [--repeat 2]

The peers put the same nodes and relationships with the properties that analysts see. The second
also puts the DEPENDS_ON mirror of each PRODUCES, as provgraph does: it ends with the same graph.
provgraph reads the import's lines, keeps its record, and could do it again without doubles.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from benchmarks.lineage import LAYERS, PROJECT, Lineage, lineage, machine, table
from provgraph.graph.neo4j import Connection, Neo4jGraph
from provgraph.interchange.jsonl import validate
from provgraph.model.records import ImportRecord
from tests.support.neo4j.fixtures import driver_of
from tests.support.neo4j.server import Neo4j, a_neo4j

BATCH = 10_000  # rows in one statement of the peers

NODES = "UNWIND $rows AS row MERGE (n:Bare {id: row.id}) SET n += row"
EDGES = (
    "UNWIND $rows AS row MATCH (a:Bare {{id: row[0]}}) MATCH (b:Bare {{id: row[1]}})"
    " MERGE (a)-[r:{type}]->(b) SET r.role = row[2], r.evidence = row[3]"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=2)
    asked = parser.parse_args()
    print(machine("neo4j", "neo4j-rust-ext"), "\n")
    made = lineage(asked.nodes, reads=7.5)
    print(f"{made.nodes:,} nodes, {made.edges:,} edges in {LAYERS} layers\n")
    with a_neo4j(optimised=True) as server:
        ways: dict[str, Callable[[], float]] = {
            "provgraph": lambda: ours(server, made),
            "bare MERGE": lambda: bare(server, made, mirror=False),
            "bare MERGE, the same graph": lambda: bare(server, made, mirror=True),
        }
        for way in ways.values():  # the server compiles what it does often
            way()
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(asked.repeat):
            for name, way in ways.items():
                times[name].append(way())
    ratios = {
        name: statistics.median(
            other / mine for other, mine in zip(several, times["provgraph"], strict=True)
        )
        for name, several in times.items()
    }
    rows: list[Sequence[object]] = [("way", "s, median", "edges/s", "provgraph is × as fast")]
    for name, several in times.items():
        median = statistics.median(several)
        rows.append((name, median, f"{made.edges / median:,.0f}", round(ratios[name], 2)))
    table(rows)


def ours(server: Neo4j, made: Lineage) -> float:
    """Project an import into an empty graph; gives seconds."""
    wipe(server)
    spool = io.BytesIO()
    summary = validate(list(made.lines()), spool.write)
    lines = spool.getvalue().splitlines(keepends=True)
    record = ImportRecord(
        project=PROJECT,
        at="2026-01-01T00:00:00Z",
        object="b3:0",
        format="jsonl",
        nodes=summary.nodes,
        edges=summary.edges,
    )
    graph = Neo4jGraph(Connection(server.url), folder=PROJECT)
    graph.connection.prepare()
    began = time.perf_counter()
    graph.add_import("0" * 64, record, lines)
    seconds = time.perf_counter() - began
    graph.close()
    return seconds


def bare(server: Neo4j, made: Lineage, *, mirror: bool) -> float:
    """Put the same with plain statements; gives seconds."""
    wipe(server)
    with driver_of(server) as driver, driver.session() as session:
        session.run(
            "CREATE CONSTRAINT bare IF NOT EXISTS FOR (n:Bare) REQUIRE n.id IS UNIQUE"
        ).consume()
        began = time.perf_counter()
        for statement, rows in statements(made, mirror=mirror):
            session.execute_write(lambda tx, s=statement, r=rows: tx.run(s, rows=r).consume())
        return time.perf_counter() - began


def statements(made: Lineage, *, mirror: bool) -> Iterator[tuple[str, list[Any]]]:
    data = [f"gen:{number:032x}" for number in range(made.datasets)]
    runs = [f"run:{number:032x}" for number in range(made.runs)]
    nodes = [
        {"id": one, "kind": kind, "name": f"{kind} {place}", "project": PROJECT}
        for kind, several in (("Dataset", data), ("Run", runs))
        for place, one in enumerate(several)
    ]
    yield from in_batches(NODES, nodes)
    produces = [[runs[r], data[d], "output", "declared"] for r, d in made.produces.tolist()]
    uses = [[runs[r], data[d], "input", "declared"] for r, d in made.uses.tolist()]
    yield from in_batches(EDGES.format(type="PRODUCES"), produces)
    yield from in_batches(EDGES.format(type="USES"), uses)
    if mirror:
        mirrored = [[d, r, "produced", evidence] for r, d, _, evidence in produces]
        yield from in_batches(EDGES.format(type="DEPENDS_ON"), mirrored)


def in_batches(statement: str, rows: list[Any]) -> Iterator[tuple[str, list[Any]]]:
    for start in range(0, len(rows), BATCH):
        yield statement, rows[start : start + BATCH]


def wipe(server: Neo4j) -> None:
    with driver_of(server) as driver, driver.session() as session:
        session.run(
            "MATCH (n) WHERE NOT n:LedgerLayout"
            " CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 10000 ROWS"
        ).consume()


if __name__ == "__main__":
    main()
