"""A piece of the graph, as networkx has it."""

from __future__ import annotations

import networkx as nx

from provgraph.interchange.networkx import as_networkx
from provgraph.model.answers import GraphEdge, GraphNode, Lineage
from tests.unit.render import samples


def test_edges_go_from_cause_to_effect() -> None:
    lineage = samples.lineage(states=True)
    graph = as_networkx(lineage)
    assert set(graph) == {node.id for node in lineage.nodes}
    assert {(cause, effect) for cause, effect in graph.edges()} == {
        (edge.cause, edge.effect) for edge in lineage.edges
    }
    assert nx.is_directed_acyclic_graph(graph)
    assert "figure" in nx.descendants(graph, "params")
    assert graph.nodes["figure"]["name"] == "out/v3/figure.png"
    assert graph.nodes["figure"]["state"] == "stale"
    assert graph.graph["as_of"] == lineage.as_of


def test_properties_are_kept_and_hide_nothing() -> None:
    props = {"name": "theirs", "node_for_adding": 1, "kind": "theirs", "rows": 7}
    lineage = Lineage(
        as_of="",
        viewpoint="",
        question="",
        focus=(),
        gaps=(),
        words=(),
        totals={},
        nodes=(GraphNode("a", "Dataset", "a.csv", props=props), GraphNode("r", "Run", "train")),
        edges=(
            GraphEdge("USES", "a", "r", "input", touched={"#bytes": "b3:1"}, props={"how": "x"}),
            GraphEdge("USES", "a", "r", "stream", props={"role": "theirs", "key": 2}),
        ),
    )
    graph = as_networkx(lineage)
    assert graph.nodes["a"] == {
        "name": "a.csv", "kind": "Dataset", "digest": "", "state": "",
        "rows": 7, "node_for_adding": 1,
    }  # fmt: skip
    assert set(graph["a"]["r"]) == {"USES:input", "USES:stream"}
    assert graph["a"]["r"]["USES:input"]["touched"] == {"#bytes": "b3:1"}
    assert graph["a"]["r"]["USES:input"]["how"] == "x"
    assert graph["a"]["r"]["USES:stream"]["role"] == "stream"
