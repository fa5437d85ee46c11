"""One suite over each graph store; the store's name is in the test id."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provgraph.graph import GraphStore, LocalGraph

NewStore = Callable[[], GraphStore]


@pytest.fixture(params=["local-memory", "local-file"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStore]:
    """Make empty stores, each its own."""
    made: list[GraphStore] = []

    def new() -> GraphStore:
        if request.param == "local-memory":
            store = LocalGraph(":memory:")
        else:
            store = LocalGraph(tmp_path / f"{len(made)}.db")
        made.append(store)
        return store

    yield new
    for store in made:
        store.close()


@pytest.fixture
def store(new_store: NewStore) -> GraphStore:
    return new_store()
