from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from provgraph.errors import (
    Erased,
    LedgerError,
    ObjectMissing,
    RecordDamaged,
    RecordFromFuture,
    WriteFailed,
)
from provgraph.ledger import Ledger, verify
from provgraph.ledger.layout import ERASED, OBJECTS, PRIVATE, RECORDS
from provgraph.ledger.members import MOST_HELD
from provgraph.model.digests import content_digest
from provgraph.model.records import EraseRecord, Metric, NoteRecord, Use, to_bytes
from tests.unit.ledger.making import AT, PROJECT, a_ledger, a_run


def put_raw(ledger: Ledger, data: bytes) -> str:
    name = content_digest(data)[3:]
    ledger.members.put(RECORDS, name, data)
    return name


def test_a_record_is_named_by_its_bytes_as_stored(ledger: Ledger) -> None:
    name = ledger.append(a_run())
    file = ledger.place / "records" / name[:2] / f"{name}.json"
    assert content_digest(file.read_bytes()) == f"b3:{name}"
    assert ledger.read(name) == a_run()


def test_twice_is_once(ledger: Ledger) -> None:
    assert ledger.append(a_run()) == ledger.append(a_run())
    assert len(ledger.names()) == 1


def test_records_are_read_in_the_order_asked_and_errors_come_in_their_place(
    ledger: Ledger,
) -> None:
    good, bad = ledger.append(a_run(1)), ledger.append(a_run(2))
    damage(ledger.members.path_of(RECORDS, bad))
    absent = "0" * 64
    found = dict(ledger.read_many([bad, good, absent]))
    assert list(found) == [bad, good, absent]
    assert isinstance(found[bad], RecordDamaged)
    assert found[good] == a_run(1)
    assert isinstance(found[absent], ObjectMissing)


@pytest.mark.parametrize("where", [0, 40, -1])
def test_one_damaged_byte_is_seen_and_an_append_mends_it(ledger: Ledger, where: int) -> None:
    name = ledger.append(a_run())
    damage(ledger.members.path_of(RECORDS, name), where)
    with pytest.raises(RecordDamaged, match=name) as caught:
        ledger.read(name)
    assert caught.value.hint
    assert [name for name, _ in verify(ledger).damaged] == [name]
    assert ledger.append(a_run()) == name
    assert ledger.read(name) == a_run()


@pytest.mark.parametrize(
    "document",
    [
        {"schema": "provgraph/record/2", "type": "run", "anything": 1},
        {"schema": "provgraph/record/1", "type": "hologram", "project": PROJECT, "at": AT},
        {"schema": "provgraph/record/1", "type": "note", "project": PROJECT, "at": AT,
         "subject": "x", "mood": "good"},
    ],
)  # fmt: skip
def test_a_record_of_a_newer_provgraph_is_told_from_a_damaged_one(
    ledger: Ledger, document: dict[str, object]
) -> None:
    name = put_raw(ledger, json.dumps(document, separators=(",", ":")).encode())
    with pytest.raises(RecordFromFuture, match=name) as caught:
        ledger.read(name)
    assert "upgrade" in caught.value.hint
    assert verify(ledger).future == (name,)
    assert verify(ledger).whole


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"schema":"provgraph/record/1","type":"note"}',
        b'{"schema":"provgraph/record/01"}',
        b'{"schema":["provgraph/record/1"]}',
        b'{"schema":"provgraph/record/0","id":7}',
    ],
)
def test_what_is_no_record_is_said_to_be_none(ledger: Ledger, data: bytes) -> None:
    name = put_raw(ledger, data)
    with pytest.raises(RecordDamaged, match=name):
        ledger.read(name)


@pytest.mark.parametrize("name", ["", "../../key", "A" * 64, "0" * 63, "0" * 64 + "\n", "é" * 64])
def test_what_is_no_name_never_becomes_a_path(ledger: Ledger, name: str) -> None:
    with pytest.raises(ObjectMissing):
        ledger.read(name)
    for ask in (ledger.get_object, ledger.has_object, ledger.get_private, ledger.is_erased):
        with pytest.raises(ObjectMissing):
            ask(f"b3:{name}")


def test_strange_files_among_the_records_are_not_records(ledger: Ledger) -> None:
    name = ledger.append(a_run())
    directory = ledger.members.path_of(RECORDS, name).parent
    for stranger in ("notes.txt", ".tmp-1-abc", f"{name}.json~", f"{'f' * 64}.json", "a\nb"):
        (directory / stranger).write_text("?")
    (ledger.place / "records" / "README").write_text("?")
    expected = {name} | ({"f" * 64} if name.startswith("ff") else set())
    assert ledger.names() == expected


def test_hostile_names_come_back_as_they_were(ledger: Ledger) -> None:
    names = ["a b", "a\nb", "'\"", "<script>", "%FF", "../../x", "\u202eabc", "é", "\x00", "🙂"]
    uses = tuple(Use(name=name, digest="absent") for name in names)
    record = replace(a_run(), uses=uses)
    assert ledger.read(ledger.append(record)) == record


def test_a_record_that_could_not_be_read_back_is_not_written(ledger: Ledger) -> None:
    record = replace(a_run(), status="splendid")  # type: ignore[arg-type]
    with pytest.raises(WriteFailed, match="status"):
        ledger.append(record)
    assert ledger.names() == set()


def test_numbers_no_json_reader_agrees_on_are_strings(ledger: Ledger) -> None:
    values = [float("nan"), float("inf"), -float("inf"), 2**53 + 1, 10**400]
    record = replace(a_run(), metrics=tuple(Metric(name="m", value=value) for value in values))
    name = ledger.append(record)
    text = ledger.record_bytes(name).decode()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert ledger.read(name) == record


# Objects


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 20_000])
def test_an_object_is_named_by_its_content(ledger: Ledger, data: bytes) -> None:
    name = ledger.put_object(data)
    assert name == content_digest(data)
    assert ledger.get_object(name) == data
    halves = iter([data[:7], data[7:]])
    assert ledger.put_stream(halves) == name
    assert b"".join(ledger.stream_object(name)) == data
    assert ledger.has_object(name)


def test_an_object_that_is_missing_or_damaged_is_said_so(ledger: Ledger) -> None:
    name = ledger.put_object(b"content")
    damage(ledger.members.path_of(OBJECTS, name[3:]), -1)
    with pytest.raises(RecordDamaged, match=name):
        ledger.get_object(name)
    with pytest.raises(ObjectMissing):
        ledger.get_object(content_digest(b"never seen"))


def test_a_stream_that_breaks_leaves_nothing(ledger: Ledger) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ledger.put_stream(broken())
    assert list((ledger.place / "objects").iterdir()) == []


# Private objects and erasure


def test_private_fields_come_back_and_equal_content_is_one_object(ledger: Ledger) -> None:
    fields = {"argv": ["train", "\udcff", "a\nb"], "n": 2**60, "none": None}
    name = ledger.put_private("command", fields)
    assert ledger.put_private("command", fields) == name
    assert ledger.put_private("note", fields) != name
    assert ledger.get_private(name)["argv"] == ["train", "\udcff", "a\nb"]
    assert ledger.get_private(name)["n"] == str(2**60)


def test_the_same_content_under_another_key_has_another_name(tmp_path: Path) -> None:
    one, other = a_ledger(tmp_path / "one"), a_ledger(tmp_path / "other")
    assert one.key != other.key
    assert one.put_private("agent", {"user": "eva"}) != other.put_private("agent", {"user": "eva"})


def test_erasing_removes_the_object_and_leaves_a_tombstone(ledger: Ledger) -> None:
    name = ledger.put_private("agent", {"user": "eva"})
    run = a_run(private={"agent": name})
    ledger.append(run)
    assert ledger.private_fields(run) == {"agent": {"user": "eva"}}
    tombstone = ledger.erase([name], "asked to")
    with pytest.raises(Erased):
        ledger.get_private(name)
    assert ledger.private_fields(run) == {"agent": {}}
    record = ledger.read(tombstone)
    assert isinstance(record, EraseRecord)
    assert (record.objects, record.reason) == ((name,), "asked to")
    assert b"eva" not in everything_in(ledger.place)
    found = verify(ledger)
    assert found.whole
    assert found.erased == (name,)


def test_after_an_erasure_the_same_content_is_a_new_fact(ledger: Ledger) -> None:
    first = ledger.put_private("agent", {"user": "eva"})
    ledger.erase([first], "")
    second = ledger.put_private("agent", {"user": "eva"})
    assert second != first
    assert ledger.put_private("agent", {"user": "eva"}) == second
    assert ledger.get_private(second) == {"user": "eva"}


def test_an_erased_object_stays_erased(ledger: Ledger) -> None:
    name = ledger.put_object(b"secret source")
    ledger.erase([name], "")
    assert ledger.put_object(b"secret source") == name
    assert ledger.put_stream(iter([b"secret source"])) == name
    assert not ledger.has_object(name)
    with pytest.raises(Erased):
        ledger.get_object(name)


def test_erasing_what_was_never_there_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ObjectMissing):
        ledger.erase([content_digest(b"x")], "")
    with pytest.raises(ObjectMissing):
        ledger.erase(["agent"], "")
    assert ledger.names() == set()


def test_a_tombstone_brought_by_another_tool_is_found_without_its_mark(ledger: Ledger) -> None:
    name = ledger.put_private("agent", {"user": "eva"})
    ledger.erase([name], "")
    ledger.members.path_of(ERASED, name[3:]).unlink()
    with pytest.raises(Erased):
        ledger.get_private(name)


def test_an_erasure_cut_short_is_finished_by_the_next_to_open(ledger: Ledger) -> None:
    name = ledger.put_private("agent", {"user": "eva"})
    record = EraseRecord(project=PROJECT, at=AT, objects=(name,), reason="cut")
    data = to_bytes(record)
    ledger.erasures.begin(content_digest(data)[3:], data)
    again = a_ledger(ledger.place)
    with pytest.raises(Erased):
        again.get_private(name)
    assert again.names() == {content_digest(data)[3:]}
    assert not list((again.place / "erased").glob(".pending-*"))


# The place


def test_only_the_owner_reads_what_is_private(ledger: Ledger) -> None:
    ledger.put_private("agent", {"user": "eva"})
    for name in ("key", "private", "spool"):
        assert stat.S_IMODE((ledger.place / name).stat().st_mode) & 0o077 == 0
    assert stat.S_IMODE((ledger.place / "key").stat().st_mode) == 0o600
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o400 for file in files_in(ledger, PRIVATE))


def test_a_repository_shared_by_a_group_has_a_ledger_shared_by_it(tmp_path: Path) -> None:
    (tmp_path / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / "config").write_text("[core]\n\tsharedRepository = group\n")
    ledger = a_ledger(tmp_path / "provgraph")
    ledger.put_private("agent", {"user": "eva"})
    for name in ("records", "private", "spool"):
        assert stat.S_IMODE((ledger.place / name).stat().st_mode) & 0o2770 == 0o2770
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o440 for file in files_in(ledger, PRIVATE))


def test_outside_git_the_ledger_keeps_itself_out_of_a_later_repository(tmp_path: Path) -> None:
    a_ledger(tmp_path / ".provgraph")
    assert (tmp_path / ".provgraph" / ".gitignore").read_text() == "*\n"


def test_the_key_stays_the_same_and_a_damaged_one_is_said(ledger: Ledger) -> None:
    assert len(ledger.key) == 32
    assert a_ledger(ledger.place).key == ledger.key
    (ledger.place / "key").write_text("short")
    with pytest.raises(LedgerError, match="key"):
        _ = a_ledger(ledger.place).key


def test_a_ledger_of_a_newer_layout_is_refused(ledger: Ledger) -> None:
    os.chmod(ledger.place / "FORMAT", 0o600)
    (ledger.place / "FORMAT").write_text("provgraph/ledger/9\n")
    with pytest.raises(RecordFromFuture, match="ledger/9"):
        a_ledger(ledger.place)


def test_notes_keep_their_text_apart(ledger: Ledger) -> None:
    text = ledger.put_private("note", {"text": "tried a smaller lr"})
    name = ledger.append(
        NoteRecord(project=PROJECT, at=AT, subject="run:1", private={"note": text})
    )
    assert b"smaller" not in ledger.record_bytes(name)
    assert ledger.private_fields(ledger.read(name)) == {"note": {"text": "tried a smaller lr"}}


def damage(file: Path, where: int = 10) -> None:
    data = bytearray(file.read_bytes())
    data[where] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)


def files_in(ledger: Ledger, kind: str) -> list[Path]:
    return [path for path in (ledger.place / kind).rglob("*") if path.is_file()]


def everything_in(place: Path) -> bytes:
    return b"".join(path.read_bytes() for path in place.rglob("*") if path.is_file())


# Many at once


def drafts_in(ledger: Ledger) -> list[Path]:
    return [path for path in ledger.place.rglob(".tmp-*") if path.is_file()]


def test_what_is_put_together_is_there_at_the_end(ledger: Ledger) -> None:
    was = ledger.put_object(b"there before")
    with ledger.together():
        names = [ledger.put_object(b"%d" % number) for number in range(MOST_HELD + 5)]
        with ledger.together():
            secret = ledger.put_private("note", {"text": "x"})
        assert ledger.put_object(b"there before") == was
        assert ledger.put_object(b"7") == names[7]
        assert not ledger.has_object(names[-1])
    assert [ledger.get_object(name) for name in (*names[:2], was)] == [b"0", b"1", b"there before"]
    assert all(map(ledger.has_object, names))
    assert ledger.get_private(secret) == {"text": "x"}
    assert drafts_in(ledger) == []


def test_of_what_is_put_together_nothing_counts_when_it_fails(ledger: Ledger) -> None:
    name = f"b3:{content_digest(b'x')[3:]}"
    with pytest.raises(KeyError), ledger.together():  # noqa: PT012 - it fails half-way
        ledger.put_object(b"x")
        assert len(drafts_in(ledger)) == 1
        raise KeyError
    assert drafts_in(ledger) == []
    assert not ledger.has_object(name)
    assert ledger.put_object(b"x") == name
    assert ledger.has_object(name)


def test_a_failed_fsync_of_several_is_told(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def no(_fd: int) -> None:
        raise OSError(errno.EIO, "no disk")

    monkeypatch.setattr(os, "fsync", no)
    with pytest.raises(WriteFailed, match="no disk"), ledger.together():  # noqa: PT012
        ledger.put_object(b"x")
        ledger.put_object(b"y")
    assert drafts_in(ledger) == []
    assert not list(ledger.members.names(OBJECTS))
