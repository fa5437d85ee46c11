from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from provgraph.errors import Erased, TransportError
from provgraph.ledger import Exchange, Ledger, pull, push, verify
from provgraph.ledger.layout import PRIVATE, RECORDS, member
from tests.unit.ledger.making import a_ledger, a_run

PLACES = ["path", "file URL", "object store"]


@pytest.fixture(params=PLACES)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "object store":
        fsspec = pytest.importorskip("fsspec")
        store = fsspec.filesystem("memory")
        store.store.clear()
        yield "memory://bucket/ledger"
        store.store.clear()
    elif request.param == "file URL":
        yield f"file://{tmp_path}/a%20share"
    else:
        yield f"{tmp_path}/share"


@pytest.fixture
def other(tmp_path: Path) -> Ledger:
    return a_ledger(tmp_path / "other")


def fill(ledger: Ledger, first: int, count: int = 3) -> set[str]:
    names = set()
    for number in range(first, first + count):
        private = {"agent": ledger.put_private("agent", {"user": f"eva {number}"})}
        ledger.put_object(b"source %d" % number)
        names.add(ledger.append(a_run(number, private=private)))
    return names


def test_two_ledgers_come_to_hold_the_same(ledger: Ledger, other: Ledger, where: str) -> None:
    names = fill(ledger, 0)
    large = ledger.put_object(os.urandom(3_000_000))
    assert push(ledger, where) == Exchange(sent=10)
    assert push(ledger, where) == Exchange()
    assert pull(other, where) == Exchange(received=10)
    assert other.names() == names
    assert other.get_object(large) == ledger.get_object(large)
    names |= fill(other, 100)
    assert push(other, where) == Exchange(sent=9)
    assert pull(ledger, where) == Exchange(received=9)
    assert pull(ledger, where) == Exchange()
    assert ledger.names() == names
    assert verify(ledger).whole
    assert verify(other).whole
    assert ledger.key != other.key


def test_what_is_erased_is_forgotten_there_too(ledger: Ledger, other: Ledger, where: str) -> None:
    name = ledger.put_private("agent", {"user": "eva"})
    ledger.append(a_run(1, private={"agent": name}))
    push(ledger, where)
    pull(other, where)
    ledger.erase([name], "")
    assert push(ledger, where) == Exchange(sent=1, erased=1)
    assert push(other, where) == Exchange()  # doesn't bring it back
    assert pull(other, where) == Exchange(received=1, erased=1)
    with pytest.raises(Erased):
        other.get_private(name)
    third = a_ledger(other.place.with_name("third"))
    pull(third, where)
    with pytest.raises(Erased):
        third.get_private(name)
    assert verify(third).whole


def test_an_erasure_not_pushed_yet_is_not_undone_by_a_pull(ledger: Ledger, where: str) -> None:
    name = ledger.put_private("agent", {"user": "eva"})
    push(ledger, where)
    ledger.erase([name], "")
    assert pull(ledger, where) == Exchange()
    with pytest.raises(Erased):
        ledger.get_private(name)


def test_a_half_written_member_is_sent_again_and_never_kept(
    ledger: Ledger, other: Ledger, tmp_path: Path
) -> None:
    share = tmp_path / "share"
    (name,) = fill(ledger, 0, 1)
    push(ledger, str(share))
    file = share / member(RECORDS, name)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:20])
    got = pull(other, str(share))
    assert got.received == 2
    assert name in got.notes[0]
    assert other.names() == set()
    assert push(ledger, str(share)).sent == 1
    assert pull(other, str(share)) == Exchange(received=1)


def test_a_shared_folder_gives_its_permissions_on(ledger: Ledger, tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    share.chmod(0o2770)
    fill(ledger, 0, 1)
    push(ledger, str(share))
    for path in share.rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o060 == (0o060 if path.is_dir() else 0o040)
        assert not mode & 0o007
    assert list((share / PRIVATE).iterdir())


def test_a_folder_of_other_things_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.tex").write_text("x")
    fill(ledger, 0, 1)
    for exchange in (push, pull):
        with pytest.raises(TransportError, match="no ledger"):
            exchange(ledger, str(tmp_path / "home"))
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    "where", ["/no/such/mount/ledger", "nosuch://x/y", "file:///no/such/mount/ledger"]
)
def test_a_place_that_cannot_be_reached_is_said(ledger: Ledger, where: str) -> None:
    fill(ledger, 0, 1)
    for exchange in (push, pull):
        with pytest.raises(TransportError) as caught:
            exchange(ledger, where)
        assert caught.value.hint


def test_a_newer_layout_is_refused(ledger: Ledger, where: str, tmp_path: Path) -> None:
    share = tmp_path / "newer"
    share.mkdir()
    (share / "FORMAT").write_text("provgraph/ledger/2\n")
    fill(ledger, 0, 1)
    with pytest.raises(TransportError, match="ledger/2") as caught:
        push(ledger, str(share))
    assert "upgrade" in caught.value.hint


def test_a_shared_folder_is_itself_a_ledger(ledger: Ledger, tmp_path: Path) -> None:
    names = fill(ledger, 0)
    push(ledger, str(tmp_path / "share"))
    assert a_ledger(tmp_path / "share").names() == names
