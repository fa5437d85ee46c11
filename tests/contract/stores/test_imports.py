"""Bulk imports, whichever store takes them."""

import pytest

from provgraph.errors import StoreError
from provgraph.graph import GraphStore
from provgraph.model.records import ImportRecord
from tests.contract.stores.making import (
    add,
    edge,
    entry,
    graph_of,
    key_of,
    load,
    moment,
    names_of,
    node,
    product,
    run,
    run_key,
    use,
)

CYCLE = (
    node("Run", "A", "1"),
    node("Run", "B", "2"),
    node("Dataset", "s", "3"),
    node("Dataset", "x", "4"),
    node("Dataset", "y", "5"),
    edge("USES", "1", "3"),
    edge("USES", "1", "5"),
    edge("PRODUCES", "1", "4"),
    edge("USES", "2", "4"),
    edge("PRODUCES", "2", "5"),
)


def test_nodes_and_edges_come_in(store: GraphStore) -> None:
    assert load(store, "i", *CYCLE) == len(CYCLE)
    reached = store.reach([key_of(store, "s")])
    assert names_of(store, reached.key) == {"A", "x", "B", "y"}
    (x,) = store.at_names(["x"])
    assert x.imported
    assert x.maker is not None
    assert x.step == store.runs([x.maker])[0].id
    assert store.recorded_generations() == []
    assert {r.label for r in store.list_runs()} == {"A", "B"}
    assert all(r.last and r.writes for r in store.list_runs())


def test_importing_twice_is_once(store: GraphStore) -> None:
    load(store, "i", *CYCLE)
    before = graph_of(store)
    assert load(store, "i", *CYCLE) == 0
    assert graph_of(store) == before
    load(store, "again", *CYCLE)
    after = graph_of(store)
    assert after.pop("known") == {"i", "again"}
    assert [row[1] for row in after.pop("counts")] == [row[1] for row in before["counts"]]
    assert all(after[part] == before[part] for part in after)


def test_every_maker_of_an_imported_node_counts(store: GraphStore) -> None:
    load(
        store,
        "i",
        *(node("Run", name, name) for name in "ABC"),
        node("Dataset", "x", "x"),
        *(edge("PRODUCES", name, "x") for name in "ABC"),
    )
    causes = {e.cause for e in store.causes_of([key_of(store, "x")])}
    assert names_of(store, causes) == {"A", "B", "C"}


def test_equal_nodes_are_one_and_their_props_are_joined(store: GraphStore) -> None:
    load(
        store,
        "i",
        node("Dataset", "x", "1", digest="b3:1", props={"rows": 3}),
        node("Dataset", "x", "2", digest="b3:1", props={"owner": "me"}),
        node("Dataset", "x", "3"),
        node("Dataset", "y", "4"),
        edge("DEPENDS_ON", "4", "2"),
    )
    assert len(store.at_names(["x"])) == 2
    (row,) = store.vertices([key_of(store, "x", "b3:1")])
    assert row.props == {"owner": "me", "rows": 3}
    assert names_of(store, store.reach([row.key]).key) == {"y"}


def test_an_imported_node_with_a_digest_may_lie_somewhere(store: GraphStore) -> None:
    load(
        store,
        "i",
        node("Dataset", "x", "1", digest="b3:1"),
        node("Dataset", "s3://b/y", "2", digest="b3:1"),
        node("Dataset", "z", "3"),
    )
    assert [g.name for g in store.recorded_generations()] == ["x"]


def test_an_edge_may_end_at_what_is_there(store: GraphStore) -> None:
    add(store, run(1, "train", [use("raw", "1")], [product("model", "m")]))
    (model,) = store.at_names(["model"])
    load(
        store,
        "i",
        node("Result", "paper.pdf", "p"),
        edge("DEPENDS_ON", "p", model.id, how="figure 2", evidence="observed"),
        edge("PRODUCES", "01R0001", "p"),
        known={model.id, "01R0001"},
    )
    (model,) = store.at_names(["model"])
    (row,) = store.depends([model.key])
    assert (row.how, row.evidence, row.cause) == ("figure 2", "observed", model.key)
    assert row.effect == key_of(store, "paper.pdf")
    assert "paper.pdf" in names_of(store, store.reach([key_of(store, "raw")]).key)


def test_an_end_that_is_not_there_yet_joins_when_it_comes(store: GraphStore) -> None:
    record = run(1, "train", [use("raw", "1")], [product("model", "m")])
    load(
        store,
        "i",
        node("Result", "p", "p"),
        edge("DEPENDS_ON", "p", "01R0001"),
        known={"01R0001"},
    )
    assert store.by_id("01R0001") == []
    add(store, record)
    assert names_of(store, _effects(store)) == {"p", "model"}


def _effects(store: GraphStore) -> set[int]:
    return {e.effect for e in store.effects_of([run_key(store, "01R0001")])}


def test_times_and_status_of_imported_runs_are_theirs(store: GraphStore) -> None:
    props = {"status": "failed", "started": moment(1), "ended": moment(2), "step": "s"}
    load(store, "i", node("Run", "r", "1", props=props | {"seconds": 1.5}))
    (row,) = store.unsound_runs()
    assert (row.step, row.started, row.seconds, row.tracing) == ("s", moment(1), 1.5, "import")
    assert row.order[0] > 10**18
    assert [r.id for r in store.silent_runs()] == [row.id]


def test_what_imports_touched_is_compared_like_the_rest(store: GraphStore) -> None:
    load(
        store,
        "i",
        node("Run", "r", "1"),
        node("Config", "cfg", "2", digest="b3:1"),
        node("Config", "made", "3", digest="b3:2"),
        edge("USES", "1", "2", role="config", evidence="observed", touched={"lr": "v:1"}),
        edge("USES", "1", "3", touched={"lr": "v:1"}),
        node("Run", "maker", "4"),
        edge("PRODUCES", "4", "3"),
    )
    (touch,) = store.touched_sources()
    assert (touch.generation, touch.part, touch.digest, touch.role) == (
        key_of(store, "cfg"),
        "lr",
        "v:1",
        "config",
    )
    used = {(u.role, u.evidence, u.touched.get("lr")) for u in store.uses_of([touch.generation])}
    assert used == {("config", "observed", "v:1")}


@pytest.mark.parametrize(
    "lines",
    [
        [b'{"node":{"kind":"Dataset","name":"x"},"ref":"7"}\n'],
        [b'{"node":{"kind":"Dataset"},"ref":"0"}\n'],
        [b'{"edge":{"type":"USES","from":"0","to":"1"}}\n'],
        [b"{\n"],
        [b"[]\n"],
    ],
)
def test_lines_that_are_not_canonical_leave_nothing(store: GraphStore, lines: list[bytes]) -> None:
    good = b'{"node":{"kind":"Dataset","name":"good"},"ref":"0"}\n'
    record = ImportRecord(
        project="p", at=moment(0), object="b3:0", format="jsonl", nodes=1, edges=1
    )
    before = graph_of(store)
    with pytest.raises(StoreError):
        store.add_import("i", record, [good, *lines])
    assert graph_of(store) == before
    assert store.add_import("i", record, [good]) == 1


def test_a_record_of_an_import_is_not_projected_without_its_lines(store: GraphStore) -> None:
    record = ImportRecord(
        project="p", at=moment(0), object="b3:0", format="jsonl", nodes=0, edges=0
    )
    assert store.add([entry(record)]) == 0
    assert store.known() == set()
