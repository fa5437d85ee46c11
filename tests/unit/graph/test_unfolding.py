"""What a store that holds sets shows of itself, and what is said where a manifest is lost."""

from __future__ import annotations

from typing import Any

import pytest

from provgraph.analysis.change import Between, Target
from provgraph.analysis.facts import Facts
from provgraph.analysis.gaps import gap_notes, live_runs
from provgraph.analysis.gaps import note as said
from provgraph.analysis.impact import compare
from provgraph.analysis.viewpoint import LedgerAlone
from provgraph.graph import GraphStore, LocalGraph
from provgraph.graph.interface import Reach
from provgraph.model.records import RunRecord
from tests.contract.stores.making import PROJECT, add, product, run, run_key, use
from tests.support.folding import Folding

FILES = [f"d/{n:02}" for n in range(20)]


def folding(*records: RunRecord) -> Folding:
    store = Folding(LocalGraph(":memory:"), above=3)
    add(store, *records)
    return store


def read(number: int, step: str, names: list[str], made: list[str], **more: Any) -> RunRecord:
    return run(number, step, [use(n, n, **more) for n in names], [product(n, n) for n in made])


CHAIN = (
    read(1, "make", ["raw"], FILES),
    read(2, "all", FILES, ["a"], maker="01R0001", maker_step="make"),
    read(3, "some", FILES[:8], ["b"], maker="01R0001", maker_step="make"),
)


def names(store: Folding, keys: list[int]) -> set[str]:
    return {row.name or row.id for row in store.folded.vertices(keys)}


def drawn(store: Folding) -> set[tuple[str, str, str]]:
    ids = {
        row.key: row.name or row.id
        for row in store.folded.vertices([k for e in store.drawn([]) for k in e[:2]])
    }
    return {(ids[effect], ids[cause], how) for effect, cause, how in store.drawn([])}


def test_twenty_files_are_one_vertex_that_their_writer_and_their_reader_share() -> None:
    store = folding(*CHAIN[:2])
    assert set(store.folded.all_names()) == {"raw", "d/", "a"}
    assert store.status().nodes == 2 + 3
    assert len(store.manifests) == 1
    assert set(store.all_names()) == {"raw", "a", *FILES}


def test_a_part_of_them_is_another_set_that_rests_on_the_first() -> None:
    store = folding(*CHAIN)
    assert store.status().nodes == 3 + 5
    (edge,) = store.drawn([])
    effect, cause, how = edge
    assert how == "overlap"
    (row,) = (r for r in store.folded.produced_by([run_key(store, "01R0001")]) if r.role)
    assert cause == row.generation
    assert {use.run for use in store.folded.uses_of([effect])} == {run_key(store, "01R0003")}


def test_a_file_with_a_vertex_of_its_own_is_what_its_sets_rest_on() -> None:
    store = folding(
        read(1, "many", FILES, ["a"]), read(2, "one", [FILES[5]], ["b"]), read(3, "x", ["c"], [])
    )
    assert drawn(store) == {("d/", FILES[5], "overlap")}


def test_edges_between_files_are_drawn_between_their_sets() -> None:
    store = folding(read(1, "many", FILES, ["a"]))
    (file,), (a,) = store.at_names([FILES[3]]), store.at_names(["a"])
    ((effect, cause, how),) = store.drawn([(file.key, a.key, "copy")])
    assert (names(store, [effect]), names(store, [cause]), how) == ({"d/"}, {"a"}, "copy")
    assert store.drawn_ids([file.id]) > {file.id}
    assert store.drawn_ids([a.id]) == {a.id}


@pytest.mark.parametrize("project", ["another", PROJECT])
def test_only_the_projects_own_sets_are_unfolded(project: str) -> None:
    from provgraph.graph.unfolding import Unfolding

    store = folding(*CHAIN)
    own = Unfolding(store.folded, store.manifests.__getitem__, project=project)
    assert ("d/" in own.all_names()) == (project == "another")


def test_a_walk_goes_over_sets_where_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    store = folding(*CHAIN)
    level_by_level: list[str] = []

    def slow(*_: object, **__: object) -> Reach:
        level_by_level.append("slow")
        return Reach((), (), ())

    monkeypatch.setattr(GraphStore, "reach", slow)
    (file,) = store.at_names([FILES[9]])
    assert {store.ids([k])[k] for k in store.reach([file.key]).key} >= {"01R0002"}
    found = store.reach([run_key(store, "01R0001")])
    assert {row.name for row in store.generations(list(found.key))} == {*FILES, "a", "b"}
    assert level_by_level == []
    # From a reader and from what it read, the walk back comes to the set that it began with.
    store.reach([file.key, run_key(store, "01R0002")], backwards=True)
    assert level_by_level == ["slow"]


# -- a manifest that is gone ------------------------------------------------------------------


def gaps(store: Folding, name: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Give what a change of a file hits, and what the answer says it can't know."""
    facts = Facts.load(store, PROJECT)
    target = Target(name, names=((name, ()),))
    between = Between(before=LedgerAlone(), after=LedgerAlone(), suppose=(), said=())
    found = compare(facts, between, [target])
    notes = gap_notes(found.after, runs=live_runs(found.after), said=said)
    return {fell.name for fell in found.fell}, {(n.grade, n.reason) for n in notes}


def test_a_lost_list_of_what_was_read_blocks() -> None:
    store = folding(read(1, "many", FILES, ["a"]))
    assert gaps(store, FILES[0])[1] == set()
    lost = Folding(store.folded, above=3)
    assert gaps(lost, FILES[0]) == (set(), {("blocking", "unlisted-files")})
    assert lost.run_gaps([run_key(lost, "01R0001")])[0][1:] == ("unlisted-files", "d/")


def test_a_lost_list_of_what_was_written_blocks_for_writer_and_readers() -> None:
    store = folding(*CHAIN)
    assert store.run_gaps() == []
    lost = Folding(store.folded, above=3)
    assert {lost.ids([run])[run] for run, *_ in lost.run_gaps()} == {
        "01R0001",
        "01R0002",
        "01R0003",
    }
    assert ("blocking", "unlisted-files") in gaps(lost, "raw")[1]
    (record,) = (lost.record_of("01R0003") or ("", None))[1:]
    assert isinstance(record, RunRecord)
    assert record.read_sets  # what it can't say, it doesn't leave out


def test_damage_is_the_same_as_loss() -> None:
    store = folding(read(1, "many", FILES, ["a"]))
    (digest,) = store.manifests
    damaged = Folding(store.folded, above=3)
    damaged.manifests[digest] = store.manifests[digest][:-1]
    assert ("blocking", "unlisted-files") in gaps(damaged, FILES[0])[1]


# -- what the recorder asks -------------------------------------------------------------------


def test_the_recorder_finds_who_wrote_a_file_of_a_set() -> None:
    store = folding(*CHAIN)
    wanted = [(FILES[4], f"b3:{FILES[4]}"), (FILES[4], "b3:other"), ("d/99", "b3:d/99")]
    assert store.lying(wanted) == {wanted[0]: ("01R0001", "make")}
    assert store.writers([FILES[4], "d/99"]) == {FILES[4]: [("01R0001", "make")]}


@pytest.mark.parametrize("single", [4, 6])
def test_of_a_set_and_a_single_file_the_newer_counts(single: int) -> None:
    store = folding(
        run(5, "make", [], [product(n, n) for n in FILES]),
        run(single, "one", [], [product(FILES[4], FILES[4])]),
    )
    wanted = (FILES[4], f"b3:{FILES[4]}")
    made, one = ("01R0005", "make"), (f"01R{single:04}", "one")
    assert store.lying([wanted]) == {wanted: max(made, one)}
    assert store.writers([FILES[4]]) == {FILES[4]: sorted([made, one])}
