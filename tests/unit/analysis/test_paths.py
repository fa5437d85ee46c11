"""Counting the paths between two things, beside networkx where it can list them."""

from __future__ import annotations

from typing import Any

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from provgraph.analysis.drawing import count_paths
from provgraph.model.answers import GraphEdge


def edges(pairs: list[tuple[int, int]]) -> list[GraphEdge]:
    return [GraphEdge("USES", cause=str(one), effect=str(two)) for one, two in pairs]


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(1, 9)).filter(lambda p: p[0] < p[1])))
def test_paths_are_those_that_can_be_listed(pairs: list[tuple[int, int]]) -> None:
    graph: Any = nx.DiGraph()
    graph.add_edges_from([("0", "9"), *((str(one), str(two)) for one, two in pairs)])
    listed = list(nx.all_simple_paths(graph, "0", "9"))
    assert count_paths(edges([(0, 9), *pairs]), {"0"}, {"9"}) == len(listed)


def test_forty_diamonds_are_counted_without_walking_them() -> None:
    pairs = [p for n in range(0, 120, 3) for p in ((n, n + 1), (n, n + 2), (n + 1, n + 3),
                                                   (n + 2, n + 3))]  # fmt: skip
    assert count_paths(edges(pairs), {"0"}, {"120"}) == 2**40


def test_parallel_edges_are_one_way_and_cycles_have_no_number() -> None:
    assert count_paths(edges([(0, 1), (0, 1)]), {"0"}, {"1"}) == 1
    assert count_paths(edges([(0, 1), (1, 2), (2, 1)]), {"0"}, {"2"}) is None
    assert count_paths([], {"0"}, {"1"}) == 0
