"""The graph as two Parquet files: for Spark GraphFrames, pandas and DuckDB.

`nodes.parquet` has `id` and `label`, `edges.parquet` has `src`, `dst` and `relationship`, as
GraphFrames want them. Neo4j's importer wants its own names for the columns: it gets the CSV pair.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from provgraph.graph.arrow import ParquetTable
from provgraph.graph.published import Column, Node, Relationship
from provgraph.interchange.csv_pair import EDGE_COLUMNS, NODE_COLUMNS

NODES = (*NODE_COLUMNS, Column("label"))
EDGES = (Column("src"), Column("dst"), Column("relationship"), *EDGE_COLUMNS)


def write_parquet(
    nodes: Iterable[Node], relationships: Iterable[Relationship], node_path: Path, edge_path: Path
) -> None:
    """Write the pair."""
    with ParquetTable(node_path, NODES) as table:
        for node in nodes:
            table.add([*(node.props.get(column.name) for column in NODE_COLUMNS), node.label])
    with ParquetTable(edge_path, EDGES) as table:
        for one in relationships:
            told = (one.props.get(column.name) for column in EDGE_COLUMNS)
            table.add([one.start, one.end, one.type, *told])
