"""Cypher without a server: what a copy costs for every 100,000 nodes, and what questions cost.

python -m benchmarks.cypher_local [--nodes 100000] [--repeat 5]

The library alone, in this process on tables that are ready, is the peer: what provgraph adds is
reading its store, writing the tables, and a child process for each question.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import ladybug
import pyarrow as pa
from pyarrow import parquet

from benchmarks.lineage import LAYERS, Lineage, lineage, machine, table, timed
from provgraph.graph.ladybug import LocalCypher
from provgraph.project import Project

EVERY = 100_000  # nodes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    print(machine("ladybug", "pyarrow"), "\n")
    made = lineage(asked.nodes)
    print(f"{made.nodes:,} nodes, {made.edges:,} edges in {LAYERS} layers, imported\n")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        root.mkdir()
        project, _ = Project.init(root)
        project.import_jsonl(made.lines())
        published = project.published()
        reading, counted = timed(
            lambda: (sum(1 for _ in published.nodes()), sum(1 for _ in published.relationships())),
            1,
        )
        cypher = project.local_cypher(say=print)
        began = time.perf_counter()
        cypher.copy()
        copying = time.perf_counter() - began
        peer = Peer(Path(folder), made)
        rows: list[tuple[object, ...]] = [("once", "s", f"s for {EVERY:,} nodes")]
        for what, seconds in (
            ("the whole copy", copying),
            ("  of it: reading the store", reading),
            ("the library alone, from tables that are ready", peer.seconds),
        ):
            rows.append((what, seconds, seconds * EVERY / made.nodes))
        print(f"{counted[0]:,} nodes and {counted[1]:,} relationships published\n")
        table(rows)
        questions(cypher, peer, made, asked.repeat)
        project.close()


class Peer:
    """The library alone: a node table, and the edges as DEPENDS_ON, effect → cause."""

    def __init__(self, folder: Path, made: Lineage) -> None:
        names = [f"data/{n}.csv" for n in range(made.datasets)]
        runs = [f"run {n}" for n in range(made.runs)]
        effects = [runs[run] for run, _ in made.uses.tolist()]
        causes = [names[data] for _, data in made.uses.tolist()]
        effects += [names[data] for _, data in made.produces.tolist()]
        causes += [runs[run] for run, _ in made.produces.tolist()]
        nodes, edges = folder / "nodes.parquet", folder / "edges.parquet"
        parquet.write_table(pa.table({"name": names + runs}), nodes)
        parquet.write_table(pa.table({"from": effects, "to": causes}), edges)
        began = time.perf_counter()
        self._connection = ladybug.Connection(ladybug.Database(folder / "peer.lbug"))
        run = self._connection.execute
        run("CREATE NODE TABLE Thing(name STRING PRIMARY KEY)")
        run("CREATE REL TABLE DEPENDS_ON(FROM Thing TO Thing)")
        run(f"COPY Thing FROM '{nodes}'")
        run(f"COPY DEPENDS_ON FROM '{edges}'")
        run("CHECKPOINT")
        self.seconds = time.perf_counter() - began
        run(f"CALL var_length_extend_max_depth={made.nodes}")

    def ask(self, statement: str, name: str) -> list[Any]:
        result: Any = self._connection.execute(statement, {"name": name})
        return list(result.get_all())


def questions(cypher: LocalCypher, peer: Peer, made: Lineage, repeat: int) -> None:
    """Ask for one node, for what things affect, and for all nodes."""
    per_layer = made.datasets // (LAYERS + 1)
    head = (f"a question (median of {repeat})", "rows", "s", "the library alone, s")
    rows: list[tuple[object, ...]] = [head]
    one = "MATCH (d{label} {{name: $name}}) RETURN d.name"
    down = (
        "MATCH (d{label} {{name: $name}})<-[:{types}*{shortest}]-(x) RETURN DISTINCT x.name AS name"
    )
    whole = "MATCH (x{label}) RETURN x.name"
    for what, statement, layer in (
        ("one node", one, 1),
        ("what something late affects", down, LAYERS - 4),
        ("what something early affects", down, 1),
        ("every data set", whole, 1),
    ):
        name = f"data/{per_layer * layer + per_layer // 3}.csv"
        ours = statement.format(label=":Dataset", types="USES|DEPENDS_ON", shortest="")
        theirs = statement.format(label=":Thing", types="DEPENDS_ON", shortest=" SHORTEST")
        seconds, found = timed(partial(answered, cypher, ours, name), repeat)
        alone, _ = timed(partial(peer.ask, theirs, name), repeat)
        rows.append((what, f"{len(found):,}", seconds, alone))
    table(rows)


def answered(cypher: LocalCypher, statement: str, name: str) -> list[Any]:
    return list(cypher.run(statement, {"name": name})[1])


if __name__ == "__main__":
    main()
