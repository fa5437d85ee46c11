"""One suite over each graph store; the store's name is in the test id."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provgraph.graph import GraphStore, LocalGraph
from tests.support.folding import Folding
from tests.support.stores import empty_neo4j

NewStore = Callable[[], GraphStore]
STORES = [
    "local-memory",
    "local-file",
    "folded",
    pytest.param("neo4j", marks=pytest.mark.neo4j),
    pytest.param("folded-neo4j", marks=pytest.mark.neo4j),
]


@pytest.fixture(params=STORES)
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStore]:
    """Make empty stores, each its own; a shared server is emptied for each, so one at a time."""
    made: list[GraphStore] = []

    def new() -> GraphStore:
        if request.param == "local-memory":
            store: GraphStore = LocalGraph(":memory:")
        elif request.param == "local-file":
            store = LocalGraph(tmp_path / f"{len(made)}.db")
        elif request.param == "folded":
            store = Folding(LocalGraph(":memory:"))
        elif request.param == "folded-neo4j":
            store = Folding(empty_neo4j(request.getfixturevalue("neo4j")))
        else:
            store = empty_neo4j(request.getfixturevalue("neo4j"))
        made.append(store)
        return store

    yield new
    for store in made:
        store.close()


@pytest.fixture
def store(new_store: NewStore) -> GraphStore:
    return new_store()
