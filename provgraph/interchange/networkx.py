"""Hand a piece of the graph to people in networkx."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provgraph.model.answers import Lineage

if TYPE_CHECKING:
    import networkx as nx


def as_networkx(lineage: Lineage) -> nx.MultiDiGraph[str]:
    """Give a `networkx.MultiDiGraph`: ids as nodes, edges from cause to effect, keyed by type."""
    import networkx as nx

    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(
        as_of=lineage.as_of, viewpoint=lineage.viewpoint, question=lineage.question
    )
    for node in lineage.nodes:
        graph.add_node(node.id)
        graph.nodes[node.id].update(
            {
                **node.props,
                "kind": node.kind,
                "name": node.name,
                "digest": node.digest,
                "state": node.state,
            }
        )
    for edge in lineage.edges:
        key = graph.add_edge(edge.cause, edge.effect, key=f"{edge.type}:{edge.role}")
        graph.edges[edge.cause, edge.effect, key].update(
            {
                **edge.props,
                "type": edge.type,
                "role": edge.role,
                "evidence": edge.evidence,
                "touched": dict(edge.touched),
            }
        )
    return graph
