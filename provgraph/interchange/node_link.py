"""The graph as node-link JSON, streamed: as `networkx.node_link_graph(…, edges="edges")` reads it.

An edge's `key` tells it from others between the same nodes. What is not known is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from provgraph.graph.published import Node, Relationship


def write_node_link(
    nodes: Iterable[Node], relationships: Iterable[Relationship], path: Path
) -> None:
    """Write one JSON file, a node or an edge a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('{"directed":true,"multigraph":true,"graph":{},\n"nodes":[')
        _write_list(file, ({**node.props, "label": node.label} for node in nodes))
        file.write('],\n"edges":[')
        _write_list(file, map(_edge, relationships))
        file.write("]}\n")


def edge_key(one: Relationship) -> str:
    """Name a relationship among those between the same two nodes."""
    props = one.props
    said = (one.type, props.get("role") or props.get("how") or "", props.get("evidence") or "")
    return ":".join(filter(None, said))


def _edge(one: Relationship) -> dict[str, Any]:
    ends = {"source": one.start, "target": one.end, "key": edge_key(one), "label": one.type}
    return {**one.props, **ends}


def _write_list(file: TextIO, items: Iterable[Mapping[str, Any]]) -> None:
    comma = "\n"
    for item in items:
        known = {key: value for key, value in item.items() if value is not None}
        # ASCII: half a surrogate pair stays what it is, and no reader guesses an encoding.
        file.write(comma + json.dumps(known, separators=(",", ":"), allow_nan=False))
        comma = ",\n"
