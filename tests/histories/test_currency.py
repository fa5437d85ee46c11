"""What the package answers is what the truth table says, and what the reference model says."""

import os
from collections.abc import Callable, Mapping

import pytest

from provgraph.analysis.change import Between, Target
from provgraph.analysis.facts import Facts
from provgraph.analysis.gaps import blocked_names
from provgraph.analysis.impact import compare
from provgraph.analysis.judgement import Judgement
from provgraph.graph.interface import GraphStore
from provgraph.graph.local import LocalGraph
from tests.histories.recorded import PROJECT, hub, records, viewpoint
from tests.histories.truth import History, load
from tests.oracle import currency as oracle
from tests.oracle.reexecution import random_world
from tests.oracle.world import Ledger, View, play
from tests.support.folding import Folding
from tests.support.neo4j.server import Neo4j
from tests.support.stores import empty_neo4j

HISTORIES = load()
START = int(os.environ.get("PROVGRAPH_FUZZ_START", "0"))
COUNT = int(os.environ.get("PROVGRAPH_FUZZ", "150"))


NewStore = Callable[[], GraphStore]


STORES = [
    "local",
    "folded",
    pytest.param("neo4j", marks=pytest.mark.neo4j),
    pytest.param("folded-neo4j", marks=pytest.mark.neo4j),
]


@pytest.fixture(params=STORES)
def new_store(request: pytest.FixtureRequest) -> NewStore:
    """Give what makes an empty store; it is closed by who asks it."""
    if request.param in ("local", "folded"):
        return in_memory if request.param == "local" else folded
    server = request.getfixturevalue("neo4j")
    if request.param == "neo4j":
        return lambda: empty_neo4j(server)
    return lambda: Folding(empty_neo4j(server))


def in_memory() -> GraphStore:
    """Make an empty local store."""
    return LocalGraph(":memory:")


def folded() -> GraphStore:
    """Make an empty local store that folds whatever can be folded."""
    return Folding(in_memory())


def filled(ledger: Ledger, new_store: NewStore = in_memory) -> GraphStore:
    """Give a graph that holds a played ledger."""
    store = new_store()
    store.add([(f"{place:064x}", record, {}) for place, record in enumerate(records(ledger))])
    return store


def by_state(judgement: Judgement) -> dict[str, set[str]]:
    """Sort names by their state."""
    out: dict[str, set[str]] = {
        state: set() for state in ("current", "behind", "stale", "modified", "missing")
    }
    for name in judgement.facts.at:
        state = judgement.name_state(name)
        if state is not None and not judgement.facts.is_stream(name):
            out[state].add(name[1])
    return out


def ask(
    ledger: Ledger,
    before: View,
    after: View,
    *,
    platform: bool = False,
    new_store: NewStore = in_memory,
) -> dict[str, set[str]]:
    """Ask the package what falls between two viewpoints, and what stands how afterwards."""
    store = filled(ledger, new_store)
    facts = Facts.load(store, PROJECT, platform=platform)
    changed = oracle.changed_names(before, after)
    targets = [Target("", names=tuple((name, ()) for name in sorted(changed)))]
    between = Between(
        before=viewpoint(ledger, before), after=viewpoint(ledger, after), suppose=(), said=()
    )
    fall = compare(facts, between, targets)
    said = by_state(fall.after)
    runs = {run.key for run in store.silent_runs()}
    hit = {fell.name for fell in fall.fell if fell.vertex not in runs}
    for names in said.values():
        names.difference_update(hit)
    said["hit"] = hit
    said["gap"] = {
        name for trouble in fall.after.troubles for name in blocked_names(fall.after, trouble)
    }
    said["already_stale"] = {name for name, key, _ in fall.already if key not in runs}
    store.close()
    return said


def differences(
    expected: Mapping[str, frozenset[str]], said: Mapping[str, set[str]]
) -> dict[str, object]:
    """Give, kind by kind, what only one side names."""
    return {
        kind: {"only expected": sorted(names - said[kind]), "only said": sorted(said[kind] - names)}
        for kind, names in expected.items()
        if names != said[kind]
    }


@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.id)
def test_history(history: History, new_store: NewStore) -> None:
    if history.operations[0].startswith("hub("):
        readers = int(history.operations[0].removeprefix("hub(").rstrip(")"))
        said = ask(*hub(readers), new_store=new_store)
        assert len(said["hit"]) == history.hit_count == readers
        return
    played = play(history.operations)
    before = played.before if history.ask == "impact" else played.after
    said = ask(played.ledger, before, played.after, platform=history.platform, new_store=new_store)
    found = differences(history.expected, said)
    assert not found
    assert not history.unlisted & (said["hit"] | said["stale"] | said["behind"])
    if history.hit_count is not None:
        assert len(said["hit"]) == history.hit_count
    if history.already_stale is not None:
        assert history.already_stale == said["already_stale"]


@pytest.mark.parametrize("new_store", [in_memory, folded])
@pytest.mark.parametrize("seed", range(START, START + COUNT))
def test_random_world_as_the_reference_model(seed: int, new_store: NewStore) -> None:
    compare_world(seed, new_store)


@pytest.mark.parametrize("seed", range(START, START + COUNT // 15))
def test_random_world_on_neo4j(seed: int, neo4j: Neo4j) -> None:
    compare_world(seed, lambda: empty_neo4j(neo4j))


def compare_world(seed: int, new_store: NewStore) -> None:
    """Compare each checkpoint of a random world with the reference model."""
    history = random_world(seed)
    for count in history.checkpoints:
        world = history.play(count)
        ledger, view = world.ledger(), world.view()
        model = oracle.status(ledger, view)
        said = ask(ledger, view, view, new_store=new_store)
        kinds = ("current", "behind", "stale", "modified", "missing")
        expected = {kind: getattr(model, kind) for kind in kinds}
        if ledger.streams:  # the model tells appended pieces apart, records don't: we say less
            assert said["current"] <= model.current, history.operations[:count]
            continue
        assert differences(expected, said) == {}, history.operations[:count]


@pytest.mark.parametrize("new_store", [in_memory, folded])
@pytest.mark.parametrize("seed", range(START, START + COUNT))
def test_random_edit_as_the_reference_model(seed: int, new_store: NewStore) -> None:
    compare_edits(seed, new_store)


@pytest.mark.parametrize("seed", range(START, START + COUNT // 15))
def test_random_edit_on_neo4j(seed: int, neo4j: Neo4j) -> None:
    compare_edits(seed, lambda: empty_neo4j(neo4j))


def compare_edits(seed: int, new_store: NewStore) -> None:
    """Compare each edit of a random world with the reference model."""
    history = random_world(seed)
    edits = [n for n, op in enumerate(history.operations) if op.startswith("!") and n]
    for count in edits:
        old, new = history.play(count), history.play(count + 1)
        after = new.view()
        before = {**dict.fromkeys(after), **old.view()}
        ledger = new.ledger()
        if ledger.streams:
            continue  # the model tells appended pieces apart, records don't
        model = oracle.impact(ledger, before, after)
        said = ask(ledger, before, after, new_store=new_store)
        said["gap"] &= model.current  # what is listed anyway hides nothing
        expected = {"hit": model.hit, "gap": model.gap & model.current}
        assert differences(expected, said) == {}, history.operations[: count + 1]
        # We also reach over the inferred edges of unwatched writers.
        assert model.already_stale <= said["already_stale"] | said["hit"]
