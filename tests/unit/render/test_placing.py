"""Where nodes go in a drawing."""

import random
from dataclasses import replace

import pytest

from provgraph.model.answers import GraphEdge, GraphNode, Lineage
from provgraph.render.placing import MOST_NODES, natural, place
from tests.unit.render import samples


@pytest.mark.parametrize(
    "lineage",
    [samples.lineage(), samples.why(), samples.wide_lineage(80), samples.chain_lineage(200)],
    ids=["lineage", "why", "wide", "chain"],
)
def test_causes_are_left_of_effects_and_nothing_overlaps(lineage: Lineage) -> None:
    placed = place(lineage)
    for edge in placed.edges:
        assert placed.positions[edge.cause][0] < placed.positions[edge.effect][0]
    assert len(set(placed.positions.values())) == len(placed.nodes)


def test_the_same_graph_gives_the_same_picture_in_any_order() -> None:
    lineage = samples.lineage()
    expected = place(lineage).positions
    for seed in range(5):
        nodes, edges = list(lineage.nodes), list(lineage.edges)
        random.Random(seed).shuffle(nodes)
        random.Random(seed + 1).shuffle(edges)
        shuffled = replace(lineage, nodes=tuple(nodes), edges=tuple(edges))
        assert place(shuffled).positions == expected


def test_too_large_is_cut_to_the_nearest_and_counted() -> None:
    placed = place(samples.wide_lineage(300))
    assert len(placed.nodes) == MOST_NODES
    assert placed.cut_nodes == 601 - MOST_NODES
    assert len(placed.edges) + placed.cut_edges == 600
    assert "table" in placed.positions
    chain = place(samples.chain_lineage(1000))
    assert {node.id for node in chain.nodes} == {f"n{n}" for n in range(700, 1000)}


def test_edges_cross_columns_on_way_points_not_on_nodes() -> None:
    placed = place(samples.lineage())
    at = set(placed.positions.values())
    assert any(placed.routes)
    for edge, route in zip(placed.edges, placed.routes, strict=True):
        xs = [
            placed.positions[edge.cause][0],
            *(x for x, _ in route),
            placed.positions[edge.effect][0],
        ]
        assert xs == sorted(set(xs))
        assert not at & set(route)


def test_a_cycle_and_a_loop_are_placed() -> None:
    base = samples.chain_lineage(4)
    back = (GraphEdge("DEPENDS_ON", "n3", "n0"), GraphEdge("DEPENDS_ON", "n1", "n1"))
    placed = place(replace(base, edges=(*base.edges, *back)))
    assert len(placed.positions) == 4
    assert len(placed.edges) == 5


def test_nothing_and_one_node() -> None:
    base = samples.chain_lineage(1)
    assert place(base).positions == {"n0": (0, 0)}
    assert place(replace(base, nodes=(), edges=(), focus=())).positions == {}


def test_edges_to_nodes_that_were_not_given_are_left_out() -> None:
    base = samples.chain_lineage(2)
    stray = GraphEdge("USES", "elsewhere", "n0")
    assert len(place(replace(base, edges=(*base.edges, stray))).edges) == 1


def test_a_deep_graph_does_not_recurse() -> None:
    nodes = tuple(GraphNode(f"n{n}", "Dataset", f"{n}") for n in range(5000))
    edges = tuple(GraphEdge("DEPENDS_ON", f"n{n}", f"n{n + 1}") for n in range(4999))
    deep = replace(samples.lineage(), nodes=nodes, edges=edges, focus=("n0",))
    assert len(place(deep, most=5000).positions) == 5000


def test_names_sort_as_people_count() -> None:
    assert sorted(["s10", "s9", "s", "t1"], key=natural) == ["s", "s9", "s10", "t1"]
