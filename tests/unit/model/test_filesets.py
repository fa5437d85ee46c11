"""Sets of files: what is folded, and that it comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.model.digests import content_digest
from provgraph.model.filesets import Member, decode, encode, fold, set_id, unfold
from provgraph.model.records import Product, RunRecord, Step, Tracing, Use, to_bytes
from provgraph.model.wire import read_plainly

ONE, TWO = content_digest(b"1"), content_digest(b"2")


def use(name: str, digest: str = ONE, **more: Any) -> Use:
    return Use(name=name, digest=digest, size=1, **{"touched": {"#bytes": digest}, **more})


def product(name: str, digest: str = ONE, **more: Any) -> Product:
    return Product(name=name, digest=digest, size=1, **more)


def run(uses: tuple[Use, ...] = (), produces: tuple[Product, ...] = ()) -> RunRecord:
    return RunRecord(
        project="p",
        at="2026-01-01T00:00:09Z",
        run="01R",
        step=Step(key="s", label="s"),
        status="ok",
        started="2026-01-01T00:00:00Z",
        ended="2026-01-01T00:00:09Z",
        uses=uses,
        produces=produces,
        tracing=Tracing(method="audit", complete=True),
    )


def again(record: RunRecord, manifests: dict[str, bytes]) -> RunRecord:
    return unfold(record, lambda digest: decode(manifests[digest]))


def roots(record: RunRecord) -> dict[str, int]:
    return {one.root: one.count for one in (*record.read_sets, *record.made_sets)}


def files(*names: str) -> tuple[Use, ...]:
    return tuple(map(use, names))


def test_a_manifest_is_written_like_this_for_ever() -> None:
    data = encode("data", [Member("data/a", ONE, 1), Member("data/b/c", TWO, 2)])
    header = b'{"format":"provgraph/manifest/1","root":"data","count":2,"names":5,"sizes":[1,2]}\n'
    assert data == header + b"a\0b/c" + bytes.fromhex(ONE[3:] + TWO[3:])
    assert decode(data) == [("data/a", ONE, 1), ("data/b/c", TWO, 2)]


@pytest.mark.parametrize(
    ("root", "members"),
    [
        ("", [("a", ONE, 1)]),
        ("d", [("d/a", "k:12345678:ab", None), ("d/b", ONE, 3)]),
        ("d", [("d/a", "v:there", None), ("d/b", "v:there", None)]),
        ("file://host/d", [("file://host/d/\u00e4\n", ONE, None)]),
    ],
)
def test_what_a_manifest_can_hold(root: str, members: list[Member]) -> None:
    assert decode(encode(root, list(map(Member._make, members)))) == members


@pytest.mark.parametrize(
    "data",
    [b"", b"{}\n", b"[]\n", b'{"format":"provgraph/manifest/2","root":"","count":0,"names":0}\n'],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no manifest"):
        decode(data)


def test_a_manifest_that_is_cut_short_is_refused() -> None:
    data = encode("d", [Member("d/a", ONE, 1), Member("d/b", TWO, 1)])
    for length in range(len(data)):
        with pytest.raises(ValueError, match="cut short"):
            decode(data[:length])


def test_only_more_than_so_many_are_folded() -> None:
    record = run(files("d/a", "d/b", "e/a"))
    assert fold(record, above=3) == (record, {})
    assert fold(record, above=2)[0].uses == record.uses[:0]  # all three, below the project
    folded, manifests = fold(record, above=1)
    assert roots(folded) == {"d": 2}
    assert folded.uses == files("e/a")
    assert again(folded, manifests) == record


def test_the_deepest_folders_with_enough_are_the_roots_and_the_rest_goes_up() -> None:
    names = [f"d/{folder}/{n}" for folder in "ab" for n in range(3)] + ["d/c/0", "d/c/1", "d/x"]
    folded, manifests = fold(run(files(*names)), above=2)
    assert roots(folded) == {"d/a": 3, "d/b": 3, "d": 3}
    assert again(folded, manifests).uses == files(*sorted(names))
    # Who reads one folder of them shares its set.
    other, same = fold(run(files("d/a/0", "d/a/1", "d/a/2")), above=2)
    assert set(same) < set(manifests)
    assert other.read_sets[0] in folded.read_sets


@pytest.mark.parametrize(
    "alone",
    [
        use("d/x", "absent"),
        use("d/x", "unknown"),
        use("d/x", role="module"),
        use("d/x", role="stream", writers=("r",)),
        use("d/x", kind="Config"),
        use("d/x", kept=ONE),
        use("d/x", touched={}),
        use("d/x", touched={"lr": ONE, "#order": TWO}),
        use("d/x", maker="other"),
        use("d/x", evidence="declared"),
        use("outside:1"),
    ],
)
def test_what_differs_is_left_alone(alone: Use) -> None:
    folded, manifests = fold(run((use("d/a"), use("d/b"), alone)), above=1)
    assert folded.uses == (alone,)
    assert again(folded, manifests) == run((use("d/a"), use("d/b"), alone))


def test_what_was_read_and_written_is_left_alone() -> None:
    record = run(files("d/a", "d/b", "d/c"), tuple(map(product, ("d/c", "e/a", "e/b"))))
    folded, manifests = fold(replace(record, removed=("d/b",)), above=0)
    assert {one.name for one in folded.uses} == {"d/b", "d/c"}
    assert {one.name for one in folded.produces} == {"d/c"}
    assert again(folded, manifests) == replace(record, removed=("d/b",))


@pytest.mark.parametrize(
    "alone",
    [product("d/x", mode="append"), product("d/x", parts={"a": "b"}), product("d/x", "unknown")],
)
def test_products_that_differ_are_left_alone(alone: Product) -> None:
    folded, _ = fold(run((), (product("d/a"), product("d/b"), alone)), above=1)
    assert folded.produces == (alone,)


def test_who_reads_all_that_a_run_wrote_shares_its_manifest_and_its_vertex() -> None:
    made, manifests = fold(run((), (product("d/a"), product("d/b", TWO))), above=1)
    uses = (use("d/a", maker="01R", maker_step="s"), use("d/b", TWO, maker="01R", maker_step="s"))
    read, same = fold(replace(run(uses), run="01S"), above=1)
    assert same == manifests
    (one,), (other,) = made.made_sets, read.read_sets
    assert set_id("p", one.manifest, "01R") == set_id("p", other.manifest, other.maker)
    assert set_id("p", one.manifest, None) != set_id("p", one.manifest, "01R")


def test_a_folded_record_is_read_back_and_names_its_manifests() -> None:
    from provgraph.ledger.reading import parse_validated
    from provgraph.ledger.sealing import objects_of

    folded, manifests = fold(run(files("d/a", "d/b"), tuple(map(product, "xy"))), above=1)
    data = to_bytes(folded)
    assert read_plainly(data) == folded == parse_validated("n", data)
    assert set(objects_of(folded)) == set(manifests)
    assert len(manifests) == 2


USES = st.builds(
    use,
    st.sampled_from(["a", "d/a", "d/b", "d/e/a", "d/e/b", "file://h/a", "file://h/d/a"]),
    st.sampled_from([ONE, TWO, "absent", "k:1:2"]),
    role=st.sampled_from(["input", "input", "module"]),
    maker=st.sampled_from([None, None, "r"]),
    maker_step=st.sampled_from([None, "s"]),
    touched=st.sampled_from([{"#bytes": ONE}, {"#bytes": TWO}, {}]),
)
PRODUCTS = st.builds(product, st.sampled_from(["a", "d/b", "d/p", "d/q"]))


@given(uses=st.lists(USES), produces=st.lists(PRODUCTS), above=st.integers(0, 3))
def test_folding_loses_nothing(uses: list[Use], produces: list[Product], above: int) -> None:
    record = run(
        tuple(sorted(uses, key=lambda one: one.name)),
        tuple(sorted(produces, key=lambda one: one.name)),
    )
    folded, manifests = fold(record, above=above)
    assert folded.way() == record.way()
    left = again(folded, manifests)
    assert sorted(map(str, left.uses)) == sorted(map(str, record.uses))
    assert sorted(map(str, left.produces)) == sorted(map(str, record.produces))
    assert not left.read_sets
    assert left.way() == record.way()
