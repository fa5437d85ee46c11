"""What records become in a graph, whichever store holds it."""

import pytest

from provgraph.graph import GraphStore
from provgraph.model.records import EraseRecord, Gap, NoteRecord, PinRecord, SealRecord
from tests.contract.stores.making import (
    PROJECT,
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

CHAIN = (
    run(1, "prep", [use("raw", "a"), use("override", "absent")], [product("clean", "c")]),
    run(2, "train", [use("clean", "c", "01R0001", maker_step="prep")], [product("model", "m")]),
)


def test_what_a_run_used_and_produced_is_linked(store: GraphStore) -> None:
    assert add(store, *CHAIN) == 2
    reached = store.reach([key_of(store, "raw")])
    assert names_of(store, reached.key) == {"do prep", "clean", "do train", "model"}
    assert sorted(reached.depth) == [1, 2, 3, 4]
    back = store.reach([key_of(store, "model")], backwards=True)
    assert names_of(store, back.key) == {"do train", "clean", "do prep", "raw", "override"}


def test_adding_a_record_twice_is_once(store: GraphStore) -> None:
    add(store, *CHAIN)
    before = graph_of(store)
    assert add(store, *CHAIN) == 0
    assert graph_of(store) == before


def test_nothing_is_kept_of_an_add_that_fails(store: GraphStore) -> None:
    def broken() -> object:
        yield entry(CHAIN[0])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.add(broken())  # type: ignore[arg-type]
    assert store.known() == set()
    assert store.all_names() == []
    assert add(store, *CHAIN) == 2
    assert store.list_runs(step="train")[0].tracing == "audit"


def test_a_generation_is_there_before_its_makers_record(store: GraphStore) -> None:
    add(store, CHAIN[1])
    (clean,) = store.at_names(["clean"])
    assert clean.maker is not None
    assert clean.step == "prep"
    assert clean.order == (clean.first_read, "01R0001")
    assert store.runs([clean.maker]) == []
    assert [e.cause for e in store.causes_of([clean.key])] == [clean.maker]
    add(store, CHAIN[0])
    (clean,) = store.at_names(["clean"])
    (maker,) = store.runs([clean.maker or -1])
    assert (maker.id, clean.order) == ("01R0001", maker.order)


def test_a_maker_counts_even_when_its_record_does_not_say_so(store: GraphStore) -> None:
    add(store, CHAIN[0], run(3, "late", [use("other", "z", "01R0001")], []))
    assert "do late" in names_of(store, store.reach([key_of(store, "raw")]).key)


def test_equal_bytes_of_two_runs_are_two_generations_in_one_class(store: GraphStore) -> None:
    add(
        store,
        run(1, "prep", [use("raw", "1")], [product("clean", "c")]),
        run(2, "prep", [use("raw", "2")], [product("clean", "c")]),
        run(3, "other", [], [product("clean", "c")]),
    )
    first, second, third = sorted(store.at_names(["clean"]), key=lambda g: g.order)
    assert first.cls == second.cls != third.cls
    assert store.shared_classes() == {first.key: first.cls, second.key: first.cls}
    assert store.shared_classes([second.key, third.key]) == {second.key: first.cls}
    assert {g.key for g in store.members([first.cls])} == {first.key, second.key}
    assert [g.key for g in store.members([third.cls])] == [third.key]


def test_appended_products_never_stand_in_for_each_other(store: GraphStore) -> None:
    for number in (1, 2):
        add(store, run(number, "a", [], [product("x.log", "l", mode="append")]))
    assert store.shared_classes() == {}
    assert all(g.append for g in store.at_names(["x.log"]))


def test_before_is_what_the_maker_had_read_there(store: GraphStore) -> None:
    add(
        store,
        run(1, "norm", [use("x", "1")], [product("x", "2")]),
        run(2, "make", [use("cache", "absent")], [product("cache", "3")]),
    )
    assert _before(store, "x", "b3:2") == key_of(store, "x", "b3:1")
    assert _before(store, "cache", "b3:3") == key_of(store, "cache", "absent")
    assert _before(store, "x", "b3:1") is None


def _before(store: GraphStore, name: str, digest: str) -> int | None:
    (found,) = store.generations([key_of(store, name, digest)])
    return found.before


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_stream_links_its_reader_with_what_each_writer_put_there(
    store: GraphStore, order: tuple[int, ...]
) -> None:
    runs = (
        run(1, "A", [use("a", "1")], [product("log", "l1", mode="append")]),
        run(2, "B", [use("b", "1")], [product("log", "l2", mode="append")]),
        run(
            3,
            "R",
            [use("log", "l2", role="stream", writers=("01R0001", "01R0002"))],
            [product("report", "r")],
        ),
    )
    for place in order:
        add(store, runs[place])
    for source in ("a", "b"):
        assert "report" in names_of(store, store.reach([key_of(store, source)]).key)
    uses = store.uses_by([run_key(store, "01R0003")])
    assert {(u.role, dict(u.touched) == {}) for u in uses} == {("stream", True), ("stream", False)}
    assert {t.role for t in store.touched_sources()} == {"input"}


def test_what_was_touched_of_a_source_is_given_once(store: GraphStore) -> None:
    add(
        store,
        run(1, "a", [use("cfg", "1", touched={"lr": "v:1"})]),
        run(2, "b", [use("cfg", "1", touched={"lr": "v:1", "ep": "v:5"})]),
        run(3, "c", [use("made", "1", "01R0009")]),
        run(4, "d", [use("opt", "absent")]),
    )
    touched = sorted((t.part, t.digest) for t in store.touched_sources())
    assert touched == [("#bytes", "absent"), ("ep", "v:5"), ("lr", "v:1")]


def test_first_read_is_the_earliest_start_of_a_reader(store: GraphStore) -> None:
    add(store, run(9, "late", [use("raw", "1")]), run(2, "early", [use("raw", "1")]))
    (raw,) = store.at_names(["raw"])
    early = store.list_runs(step="early")[0]
    assert raw.first_read == early.order[0] - 4 * 10**9
    assert raw.order == (raw.first_read, raw.id)


def test_runs_that_failed_or_wrote_nothing_last_are_named(store: GraphStore) -> None:
    add(
        store,
        run(1, "check", [use("x", "1")]),
        run(2, "check", [use("x", "2")]),
        run(3, "prep", [use("x", "1")]),
        run(4, "prep", [use("x", "2")], [product("y", "1")]),
        run(5, "bad", [], [product("z", "1")], status="failed"),
        run(6, "cut", [], [product("z", "2")], status="interrupted"),
    )
    assert [r.id for r in store.silent_runs()] == ["01R0002"]
    assert {r.id for r in store.unsound_runs()} == {"01R0005", "01R0006"}
    assert {r.id for r in store.list_runs() if r.last} == {
        "01R0002",
        "01R0004",
        "01R0005",
        "01R0006",
    }


def test_gaps_are_those_recorded_or_untraced_when_none_says_why(store: GraphStore) -> None:
    add(
        store,
        run(1, "a", gaps=[Gap(reason="native-reader", subject="a.py")], complete=False),
        run(2, "b", complete=False),
        run(3, "c"),
    )
    first, second = run_key(store, "01R0001"), run_key(store, "01R0002")
    assert sorted(store.run_gaps()) == [
        (first, "native-reader", "a.py"),
        (second, "untraced", "do b"),
    ]
    assert store.run_gaps([second]) == [(second, "untraced", "do b")]
    assert store.runs([first])[0].complete is False


def test_kinds_sizes_and_parts_are_kept(store: GraphStore) -> None:
    add(store, run(1, "a", [], [product("p", "1", kind="Model", size=7, parts={"k": "v:1"})]))
    (found,) = store.at_names(["p"])
    assert (found.kind, found.size, dict(found.parts)) == ("Model", 7, {"k": "v:1"})
    assert store.by_kind("Model") == [found.key]
    assert store.by_kind("Run") == [run_key(store, "01R0001")]
    assert store.by_kind("Unheard") == []
    assert store.vertices([found.key])[0].kind == "Model"


def test_titles_and_notes_are_gone_once_erased(store: GraphStore) -> None:
    record = run(1, "a", private={"paths": "x1", "titles": "x2", "note": "x3"})
    private = {
        "paths": {"outside:h": "/home/me/data"},
        "titles": {"env:e": "Python 3.12", "env:b": "/caf\udce9"},
        "note": {"text": "as agreed"},
    }
    note = NoteRecord(project=PROJECT, at=moment(99), subject="model", private={"note": "x4"})
    store.add([entry(record, private), entry(note, {"note": {"text": "why"}})])
    kept = {"env:e": "Python 3.12", "env:b": "/caf\\udce9"}
    assert store.titles() == {"outside:h": "/home/me/data", **kept}
    assert store.notes("run:01R0001") == store.notes("01R0001") == [(record.at, "as agreed")]
    assert store.notes("model") == [(note.at, "why")]
    add(store, EraseRecord(project=PROJECT, at=moment(100), objects=("x1", "x3", "x4")))
    assert store.titles() == kept
    assert store.notes("01R0001") == store.notes("model") == []


def test_an_erasure_counts_for_what_comes_after_it(store: GraphStore) -> None:
    add(store, EraseRecord(project=PROJECT, at=moment(0), objects=("x2",)))
    record = run(1, "a", private={"titles": "x2"})
    store.add([entry(record, {"titles": {"env:e": "Python 3.12"}})])
    assert store.titles() == {}


def test_the_newest_pin_counts_in_any_order(store: GraphStore) -> None:
    pins = [
        PinRecord(project=PROJECT, at=moment(second), name="fig", digest="b3:1", as_=said)
        for second, said in ((2, "published"), (1, "pinned"), (3, "none"))
    ]
    add(store, *pins[:2])
    assert store.pins() == {("fig", "b3:1"): "published"}
    add(store, pins[2])
    assert store.pins() == {}


def test_seals_are_known_and_change_nothing(store: GraphStore) -> None:
    assert add(store, SealRecord(project=PROJECT, at=moment(1), root="b3:0", count=0)) == 1
    assert len(store.known()) == 1
    assert store.all_names() == []


def test_two_projects_with_equal_files_are_not_joined(store: GraphStore) -> None:
    add(
        store,
        run(1, "a", [use("params.yaml", "1")], [product("x", "1")]),
        run(2, "a", [use("params.yaml", "1")], [product("x", "1")], project="q"),
    )
    assert {g.project for g in store.at_names(["params.yaml"])} == {"p", "q"}
    assert store.shared_classes() == {}
    assert all(r.last for r in store.list_runs())


def test_clear_forgets_everything(store: GraphStore) -> None:
    add(store, *CHAIN)
    load(store, "i", node("Dataset", "d", "1"))
    store.clear()
    assert store.known() == set()
    assert store.all_names() == []
    assert (store.status().nodes, store.status().edges) == (0, 0)
    assert add(store, *CHAIN) == 2
    assert "model" in names_of(store, store.reach([key_of(store, "raw")]).key)


def test_a_recorded_run_and_an_import_meet_in_equal_content(store: GraphStore) -> None:
    add(store, *CHAIN)
    load(
        store,
        "i",
        node("Dataset", "raw", "1", digest="b3:a"),
        node("Run", "download", "2"),
        edge("PRODUCES", "2", "1"),
    )
    (raw,) = store.at_names(["raw"])
    assert not raw.imported
    assert raw.maker == run_key(store, "run:")
    assert "model" in names_of(store, store.reach([raw.maker or -1]).key)
