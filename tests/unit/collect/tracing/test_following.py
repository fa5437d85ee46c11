"""A ring that is still written to: each event once, none lost that is being written."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from provgraph.collect.tracing.preload import ring

HEAD = struct.Struct("=QQQQ")
RECORD = struct.Struct("=IIQiiBBHHH5Q")


class Writer:
    """Writes as the native library does: room is reserved first, the kind is stored last."""

    def __init__(self, spool: Path) -> None:
        ring.lay(spool, ["/project/", "/spool/", "", "", ""])
        self.path = spool / "ring.0"

    def next(self, more: int = 0) -> int:
        with open(self.path, "r+b") as file:
            magic, at, lost, traced = HEAD.unpack(file.read(HEAD.size))
            file.seek(0)
            file.write(HEAD.pack(magic, at + more, lost, traced))
        return int(at)

    def reserve(self, size: int) -> int:
        at = self.next(size)
        with open(self.path, "r+b") as file:
            file.seek(at)
            file.write(struct.pack("=II", 0xF5F7FDFB, size))
        return at

    def finish(self, at: int, when: int, path: bytes) -> None:
        text = path + b"\0" * (-len(path) % 8)
        with open(self.path, "r+b") as file:
            file.seek(at)
            size = RECORD.size + len(text)
            file.write(
                RECORD.pack(
                    *(0xF5F7FDFB, size, when, 1, 0, ord("r"), 0, len(path), 0, 0),
                    *(0, 0, 0, 0, 0),
                )
                + text
            )

    def write(self, when: int, path: bytes) -> None:
        self.finish(self.reserve(RECORD.size + len(path) + (-len(path) % 8)), when, path)


def told(following: ring.Following) -> list[bytes]:
    events, lost = following.more()
    assert not lost
    return [event.path for event in events]


def test_each_event_is_given_once(tmp_path: Path) -> None:
    writer, following = Writer(tmp_path), ring.Following(tmp_path)

    assert told(following) == []
    writer.write(1, b"/a")
    writer.write(2, b"/b")
    assert told(following) == [b"/a", b"/b"]
    assert told(following) == []
    writer.write(3, b"/c")
    assert told(following) == [b"/c"]


def test_what_is_being_written_comes_later(tmp_path: Path) -> None:
    writer, following = Writer(tmp_path), ring.Following(tmp_path)
    writer.write(1, b"/a")
    slow = writer.reserve(RECORD.size + 8)
    writer.write(3, b"/c")

    assert told(following) == [b"/a", b"/c"]
    assert told(following) == []
    writer.finish(slow, 2, b"/b")
    writer.write(4, b"/d")
    assert told(following) == [b"/b", b"/d"]
    assert told(following) == []


def test_what_is_never_finished_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, following = Writer(tmp_path), ring.Following(tmp_path)
    monkeypatch.setattr(ring, "_PATIENCE", 0.0)
    writer.reserve(RECORD.size + 8)
    writer.next(64)  # reserved, and killed before a word of it was written
    writer.write(1, b"/a")

    assert told(following) == [b"/a"]
    assert told(following) == []
