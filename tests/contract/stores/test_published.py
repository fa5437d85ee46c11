"""The published graph is the same whichever store it is read from."""

from provgraph.graph import GraphStore, LocalGraph
from tests.contract.formats.hostile import as_values, over, published
from tests.contract.stores import making


def test_every_store_publishes_the_same_graph(store: GraphStore) -> None:
    expected = as_values(published(LocalGraph(":memory:")))
    assert as_values(published(store)) == expected


def test_every_relationship_joins_nodes_that_are_there(store: GraphStore) -> None:
    graph = published(store)
    nodes, links = as_values(graph)
    labels = {identifier: label for identifier, (label, _) in nodes.items()}
    assert graph.lost == 0
    assert all(start in labels and end in labels for _, start, end, _ in links)
    assert {one.start_label for one in graph.relationships()} <= set(labels.values())


def test_every_product_is_mirrored_as_a_dependence(store: GraphStore) -> None:
    _, links = as_values(published(store))
    made = {(start, end) for kind, start, end, _ in links if kind == "PRODUCES"}
    mirrored = {
        (end, start)
        for kind, start, end, told in links
        if kind == "DEPENDS_ON" and told["how"] == "produced"
    }
    assert made
    assert made == mirrored


def test_what_a_store_shows_of_an_import_is_published(store: GraphStore) -> None:
    lines = [
        making.node("Run", "old run", "r", props={"started": "2020-01-01T00:00:00Z", "by": "me"}),
        making.node("Dataset", "old.csv", "d"),
        making.node("Gap", "a kind with the name of another label", "g"),
        making.edge("PRODUCES", "r", "d", role="main"),
        making.edge("USES", "r", "g"),
    ]
    making.load(store, "import", *lines)
    nodes, links = as_values(over(store, lambda: iter(())))
    (run,) = [told for label, told in nodes.values() if label == "Run"]
    assert (run["ended"], run["props"]) == (
        "2020-01-01T00:00:00Z",
        '{"by": "me", "started": "2020-01-01T00:00:00Z"}',
    )
    assert {label for label, _ in nodes.values()} == {"Run", "Dataset", "Gap"}
    (made,) = [told for kind, *_, told in links if kind == "PRODUCES"]
    assert made == {"role": "main", "evidence": "declared"}


def test_a_run_that_only_a_reader_of_its_product_tells_of_has_an_id(store: GraphStore) -> None:
    reader = making.run(2, "read", [making.use("made.csv", "aa", "01R0001", maker_step="make")])
    making.add(store, reader)
    nodes, links = as_values(over(store, lambda: iter([making.entry(reader)])))
    assert nodes["01R0001"] == ("Run", {"id": "01R0001", "kind": "Run"})
    assert [start for kind, start, *_ in links if kind == "PRODUCES"] == ["01R0001"]
