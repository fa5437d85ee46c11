"""Reach: a store's fast way and the contract's slow default give the same answer."""

import random
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provgraph.graph import GraphStore, LocalGraph
from provgraph.graph.interface import Reach
from provgraph.graph.local import arrays
from tests.contract.stores.making import (
    add,
    edge,
    key_of,
    load,
    names_of,
    node,
    product,
    run,
    run_key,
    use,
)

# How LocalGraph walks: over SQLite, over the arrays in plain Python, or with scipy.
WAYS = {"tables": (10**9, 0, 0), "plain": (-1, -1, 10**9), "scipy": (-1, -1, -1)}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, store: GraphStore) -> str:
    if not isinstance(store, LocalGraph):
        if request.param != "tables":
            pytest.skip("only LocalGraph walks in several ways")
        return "its own"
    worthwhile, small, plain = WAYS[request.param]
    monkeypatch.setattr(arrays, "WORTHWHILE", worthwhile)
    monkeypatch.setattr(arrays, "SMALL", small)
    monkeypatch.setattr(arrays, "PLAIN", plain)
    monkeypatch.setattr(arrays, "PLAIN_WARM", plain)
    return str(request.param)


def check(store: GraphStore, seeds: list[int], *, backwards: bool = False) -> Reach:
    """Compare with the default: equal keys and depths; every cause valid, and one level nearer."""
    slow = GraphStore.reach(store, seeds, backwards=backwards)
    fast = store.reach(seeds, backwards=backwards)
    depths = {int(key): int(depth) for key, depth in zip(fast.key, fast.depth, strict=True)}
    assert len(depths) == len(fast.key)
    assert depths == dict(zip(slow.key, slow.depth, strict=True))
    depths.update(dict.fromkeys(seeds, 0))
    keys, causes = [int(k) for k in fast.key], [int(c) for c in fast.cause]
    rows = store.causes_of(list(depths)) if not backwards else store.effects_of(list(depths))
    pairs = {(e.effect, e.cause) if not backwards else (e.cause, e.effect) for e in rows}
    for key, cause in zip(keys, causes, strict=True):
        assert (key, cause) in pairs
        assert depths[cause] == depths[key] - 1
    assert sorted(fast.depth) == list(fast.depth)
    return fast


def lines_of(edges: list[tuple[int, int]], count: int) -> list[Any]:
    lines: list[Any] = [node("Dataset", f"n{i}", str(i)) for i in range(count)]
    return lines + [edge("DEPENDS_ON", str(e), str(c)) for e, c in edges if e != c]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25),
    later=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=8),
    seeds=st.lists(st.integers(0, 9), max_size=3),
    backwards=st.booleans(),
)
def test_any_graph_with_cycles_and_later_edges(
    new_store: Callable[[], GraphStore],
    way: str,
    edges: list[tuple[int, int]],
    later: list[tuple[int, int]],
    seeds: list[int],
    backwards: bool,
) -> None:
    store = new_store()
    load(store, "i", *lines_of(edges, 10))
    keys = [key_of(store, f"n{i}") for i in seeds]
    check(store, keys, backwards=backwards)
    load(store, "j", *lines_of(later, 13))  # after a snapshot may have been taken
    keys.append(key_of(store, "n12"))
    check(store, keys, backwards=backwards)
    check(store, keys, backwards=not backwards)
    store.close()


def test_a_chain_of_a_thousand(store: GraphStore, way: str) -> None:
    count = 1000
    uses = [use("n0", "0"), *(use(f"n{i}", str(i), f"01R{i:04}") for i in range(1, count))]
    add(
        store,
        *(
            run(i, f"s{i}", [uses[i - 1]], [product(f"n{i}", str(i))], identifier=f"01R{i:04}")
            for i in range(1, count + 1)
        ),
    )
    reached = check(store, [key_of(store, "n0")])
    assert list(reached.depth) == list(range(1, 2 * count + 1))
    assert len(check(store, [key_of(store, f"n{count}")], backwards=True).key) == 2 * count


def test_a_hub_of_ten_thousand(store: GraphStore, way: str) -> None:
    count = 10_000
    load(
        store,
        "i",
        node("Dataset", "raw", "raw"),
        *(node("Run", f"r{i}", f"r{i}") for i in range(count)),
        *(node("Result", f"x{i}", f"x{i}") for i in range(count)),
        *(edge("USES", f"r{i}", "raw") for i in range(count)),
        *(edge("PRODUCES", f"r{i}", f"x{i}") for i in range(count)),
    )
    hub = key_of(store, "raw")
    assert len(check(store, [hub]).key) == 2 * count
    assert len(store.uses_of([hub])) == len(store.effects_of([hub])) == count
    add(store, run(1, "one more", [use("raw", "")], [product("y", "1")]))
    assert len(check(store, [hub]).key) == 2 * count


def test_a_run_added_is_seen_by_the_next_question(store: GraphStore, way: str) -> None:
    add(store, run(1, "prep", [use("raw", "1")], [product("clean", "c")]))
    raw = key_of(store, "raw")
    assert len(check(store, [raw]).key) == 2
    add(store, run(2, "train", [use("clean", "c", "01R0001")], [product("model", "m")]))
    assert names_of(store, [int(k) for k in check(store, [raw]).key]) == {
        "do prep",
        "clean",
        "do train",
        "model",
    }
    store.clear()
    add(store, run(3, "prep", [use("raw", "1")], []))
    assert len(check(store, [key_of(store, "raw")]).key) == 1


def test_seeds_are_not_reached_and_unknown_ones_reach_nothing(store: GraphStore, way: str) -> None:
    add(store, run(1, "a", [use("x", "1")], [product("y", "1")]))
    x, run_ = key_of(store, "x"), run_key(store, "01R0001")
    assert [int(k) for k in check(store, [x, run_, x]).key] == [key_of(store, "y")]
    assert list(store.reach([999, -5]).key) == list(store.reach([]).key) == []


def test_many_seeds(store: GraphStore, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "SPARE", 3)
    chance = random.Random(1)
    edges = [(chance.randrange(500), chance.randrange(500)) for _ in range(900)]
    load(store, "i", *lines_of(edges, 500))
    keys = sorted(g.key for g in store.at_names(store.all_names()))
    for count in (1, 2, 7, 100, 500):
        check(store, chance.sample(keys, count))
        check(store, chance.sample(keys, count), backwards=True)
    assert "scipy" in sys.modules or way != "scipy"
