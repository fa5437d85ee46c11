from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from provgraph.ledger import Ledger, seal, verify
from provgraph.ledger.layout import OBJECTS, PRIVATE, RECORDS
from provgraph.ledger.sealing import merkle_root
from provgraph.model.digests import identity
from provgraph.model.records import ImportRecord, SealRecord
from tests.unit.ledger.making import AT, PROJECT, a_run


def by_definition(names: list[str]) -> str:
    """RFC 6962 §2.1, as it is written there: split at the largest power of two below n."""
    if not names:
        return identity("merkle-empty", size=32)
    if len(names) == 1:
        return identity("merkle-leaf", names[0], size=32)
    split = 1
    while split * 2 < len(names):
        split *= 2
    left, right = by_definition(names[:split]), by_definition(names[split:])
    return identity("merkle-node", left, right, size=32)


@given(st.sets(st.integers(min_value=0, max_value=2**64), max_size=40))
def test_the_root_is_that_of_the_rfc(numbers: set[int]) -> None:
    names = sorted(f"{number:064x}" for number in numbers)
    assert merkle_root(reversed(names)) == by_definition(names)


def test_the_root_stays_what_it_was() -> None:
    assert merkle_root([]) == "0d9d87b8633950f42ed1ac2d022c38ff3a1ba5d1ac0a5569bdd19b1c9480ae50"
    assert (
        merkle_root(["a" * 64])
        == "c65f1c3da3605e99c61beaf14fd990e42aa6a41924081d8ff28e63db100fa50f"
    )
    assert (
        merkle_root(["a" * 64, "b" * 64, "c" * 64])
        == "66ac5755434fec210f8297b48b3bb170a42a193e0813ecf4a639bbe22007bfea"
    )


def test_a_seal_holds_while_records_are_added(ledger: Ledger) -> None:
    for number in range(5):
        ledger.append(a_run(number))
    first = seal(ledger, at=AT)
    ledger.append(a_run(9))
    seal(ledger)
    found = verify(ledger)
    assert first.count == 5
    assert [check.state for check in found.seals] == ["ok", "ok"]
    assert found.whole


def test_a_seal_names_what_is_gone_from_under_it(ledger: Ledger) -> None:
    names = [ledger.append(a_run(number)) for number in range(5)]
    seal(ledger)
    ledger.members.remove(RECORDS, names[2])
    ledger.append(a_run(100))  # another in its place
    (check,) = verify(ledger).seals
    assert (check.state, check.missing) == ("broken", (names[2],))
    assert not verify(ledger).whole


def test_a_seal_whose_list_is_gone_says_only_what_it_knows(ledger: Ledger) -> None:
    names = [ledger.append(a_run(number)) for number in range(3)]
    record = seal(ledger)
    assert record.names is not None
    ledger.members.remove(OBJECTS, record.names[3:])
    assert [check.state for check in verify(ledger).seals] == ["ok"]
    ledger.append(a_run(9))
    assert [check.state for check in verify(ledger).seals] == ["unknown"]
    for name in names:
        ledger.members.remove(RECORDS, name)
    assert [check.state for check in verify(ledger).seals] == ["broken"]


def test_a_seal_with_a_list_of_other_records_is_broken(ledger: Ledger) -> None:
    ledger.append(a_run())
    lie = ledger.put_object(b"")
    ledger.append(
        SealRecord(project=PROJECT, at=AT, root=merkle_root(ledger.names()), count=1, names=lie)
    )
    assert [check.state for check in verify(ledger).seals] == ["broken"]


def test_verify_says_missing_damaged_erased_each_as_what_it_is(ledger: Ledger) -> None:
    gone, erased, bad = (ledger.put_private("note", {"text": text}) for text in "abc")
    first = ledger.append(a_run(1, private={"note": gone}))
    ledger.append(a_run(2, private={"note": erased}))
    ledger.append(a_run(3, private={"note": bad}))
    lost = ledger.append(
        ImportRecord(
            project=PROJECT, at=AT, object="b3:" + "0" * 64, format="jsonl", nodes=0, edges=0
        )
    )
    ledger.members.remove(PRIVATE, gone[3:])
    ledger.erase([erased], "asked to")
    file = ledger.members.path_of(PRIVATE, bad[3:])
    file.chmod(0o600)
    file.write_bytes(b"{}")
    found = verify(ledger)
    assert set(found.missing) == {(first, gone), (lost, "b3:" + "0" * 64)}
    assert found.erased == (erased,)
    assert found.damaged_objects == (f"private/{bad[3:5]}/{bad[3:]}",)
    assert (found.records, found.private, found.lingering) == (5, 1, ())
    assert not found.whole


def test_a_file_that_outlived_its_erasure_is_told(ledger: Ledger) -> None:
    name = ledger.put_private("note", {"text": "x"})
    data = ledger.members.path_of(PRIVATE, name[3:]).read_bytes()
    ledger.erase([name], "")
    ledger.members.put(PRIVATE, name[3:], data)  # as a restored backup would
    assert verify(ledger).lingering == (name,)
    assert not verify(ledger).whole
    ledger.erase([name], "again")
    assert verify(ledger).whole
