"""Finding and showing, and what the recorder asks, whichever store answers."""

import pytest

from provgraph.graph import GraphStore
from tests.contract.stores.making import (
    add,
    edge,
    key_of,
    load,
    moment,
    node,
    product,
    run,
    run_key,
    use,
)

NAMES = ("data/v3/a.csv", "data/v3/b.csv", "data/v30.csv", "other/data/v3/a.csv", "a.csv")
ODD = ("with space", "new\nline", "quo'te\"d", "<b>", "100%25", "ünï", "naïve/data_/x%y", "a*b?[c]")


@pytest.fixture
def named(store: GraphStore) -> GraphStore:
    add(store, run(1, "read", [use(name, "1") for name in (*NAMES, *ODD)]))
    return store


def test_a_name_is_found_whole_as_a_directory_or_by_its_tail(named: GraphStore) -> None:
    assert named.find_names("a.csv") == ["a.csv", "data/v3/a.csv", "other/data/v3/a.csv"]
    assert named.find_names("v3/a.csv") == ["data/v3/a.csv", "other/data/v3/a.csv"]
    assert named.find_names("data/v3") == ["data/v3/a.csv", "data/v3/b.csv"]
    assert named.find_names("data/v3/") == ["data/v3/a.csv", "data/v3/b.csv"]
    assert named.find_names("v3") == []
    assert named.find_names("a.csv", limit=2) == ["a.csv", "data/v3/a.csv"]
    assert len(named.find_names(".")) == len(named.find_names("", limit=0)) == len(NAMES + ODD)


def test_odd_names_are_names_like_others(named: GraphStore) -> None:
    assert named.all_names() == sorted((*NAMES, *ODD))
    for name in ODD:
        assert named.find_names(name) == [name]
        assert [g.name for g in named.at_names([name])] == [name]
    for text in ("half \ud800", "\udcff.csv"):
        assert not named.find_names(text)
        assert not named.at_names([text])
        assert not named.by_id(text)
        assert not named.by_digest(text)
    assert named.find_names("%") == named.find_names("*") == []


def test_a_digest_is_found_by_its_beginning(store: GraphStore) -> None:
    add(store, run(1, "a", [use("x", "abc1"), use("y", "abd2"), use("z", "absent")]))
    assert {g.name for g in store.by_digest("ab")} == {"x", "y", "z"}
    assert {g.name for g in store.by_digest("b3:abc")} == {"x"}
    assert store.by_digest("") == store.by_digest("zz") == []


def test_an_id_is_found_by_its_beginning(store: GraphStore) -> None:
    add(store, run(1, "a", [use("x", "1")]), run(2, "a"))
    assert len(store.by_id("01R")) == 2
    assert store.by_id("run:01R0001") == store.by_id("01R0001")
    (x,) = store.at_names(["x"])
    assert store.by_id(x.id) == store.by_id(x.id[:12]) == [x.key]
    assert store.by_id("") == store.by_id("run:") == store.by_id("gen:zz") == []


def test_keys_are_found_by_whole_ids(store: GraphStore) -> None:
    add(store, run(1, "a", [use("x", "1")], [product("y", "2")]), run(2, "a"))
    keys = [*store.by_id("01R"), *(g.key for g in store.at_names(["x", "y"]))]
    ids = {row.id: row.key for row in store.vertices(keys)}
    assert len(ids) == 4
    beside = [text[:-1] for text in ids]
    assert store.keys_of([*ids, *ids, *beside, "", "run:", "gen:zz", "half \ud800"]) == ids
    assert store.keys_of([]) == {}


def test_the_record_of_a_run_comes_back_whole(store: GraphStore) -> None:
    record = run(1, "a", [use("x", "1", "01R0009", kind="Model")], [product("y", "2", size=3)])
    add(store, record)
    found = store.record_of("01R0001")
    assert found is not None
    assert found[1] == record
    assert found[0] in store.known()
    assert store.record_of("01R0009") is None


def test_runs_are_listed_newest_first_and_filtered(store: GraphStore) -> None:
    add(
        store,
        run(2, "train"),
        run(1, "prep"),
        run(3, "train", status="failed"),
        run(9000, "next day"),
    )
    ids = [r.id[-4:] for r in store.list_runs()]
    assert ids == ["9000", "0003", "0002", "0001"]
    assert [r.id[-4:] for r in store.list_runs(step="train")] == ["0003", "0002"]
    assert [r.id[-4:] for r in store.list_runs(step="do prep")] == ["0001"]
    assert [r.id[-4:] for r in store.list_runs(status="failed")] == ["0003"]
    assert [r.id[-4:] for r in store.list_runs(limit=1)] == ["9000"]
    assert [r.id[-4:] for r in store.list_runs(since=moment(20), until=moment(30))] == [
        "0003",
        "0002",
    ]
    assert len(store.list_runs(since="2026-01-01", until="2026-01-01")) == 3
    assert store.list_runs(step="unheard") == []


def test_lying_is_the_newest_recorded_product_with_those_bytes(store: GraphStore) -> None:
    add(
        store,
        run(1, "a", [], [product("x", "1")]),
        run(3, "b", [], [product("x", "1")]),
        run(2, "c", [], [product("x", "1"), product("x2", "1")]),
        run(4, "d", [use("x", "9"), use("x", "8", "01R0077")]),
    )
    wanted = [("x", "b3:1"), ("x", "b3:9"), ("x", "b3:8"), ("y", "b3:1")]
    assert store.lying(wanted) == {("x", "b3:1"): ("01R0003", "b")}


def test_writers_are_the_last_run_of_each_step(store: GraphStore) -> None:
    add(
        store,
        run(1, "a", [], [product("log", "1", mode="append")]),
        run(2, "a", [], [product("log", "2", mode="append")]),
        run(3, "b", [use("log", "2")], [product("log", "3")]),
    )
    assert {k: set(v) for k, v in store.writers(["log", "none"]).items()} == {
        "log": {("01R0002", "a"), ("01R0003", "b")}
    }


def test_imported_runs_are_no_makers_for_the_recorder(store: GraphStore) -> None:
    load(
        store,
        "i",
        node("Run", "r", "1"),
        node("Dataset", "x", "2", digest="b3:1"),
        edge("PRODUCES", "1", "2"),
    )
    assert store.lying([("x", "b3:1")]) == {}
    assert store.writers(["x"]) == {}


def test_keys_of_another_sort_are_skipped(store: GraphStore) -> None:
    add(store, run(1, "a", [use("x", "1")]))
    run_, x = run_key(store, "01R0001"), key_of(store, "x")
    assert [r.key for r in store.runs([run_, x, 999])] == [run_]
    assert [g.key for g in store.generations([run_, x, 999])] == [x]
    assert store.uses_of([run_]) == store.uses_by([x]) == []
    for look_up in (store.effects_of, store.causes_of, store.depends, store.runs):
        assert not look_up([])
    assert not store.generations([])
    assert not store.members([])
    assert not store.vertices([])
    assert store.imported_names([run_, x]) == {x: "x"}
