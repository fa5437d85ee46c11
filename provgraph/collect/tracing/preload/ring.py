"""The memory that watched processes write to: laid out here, and read back record by record.

`native/ring.h` holds the other side. The ring is a few files in the spool, so what a process wrote
is there however it ended.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHUNK = 8 << 20
ANY = -1  # a port that isn't known, or means nothing: that of a host that connected to us
UNKNOWN = "?"  # an address that isn't known
_MAGIC = 0xF5F7FDFB
_CONFIG = 16384
_HEAD = 4 * 8 + _CONFIG + 4096 * 8 + 2 * (1 << 20) // 8
_RECORD = struct.Struct("=IIQiiBBHHH5Q")
_START = struct.Struct("=II")
_VOID = 0
_PATIENCE = 2.0  # s for a record that is being written; its process may have died amid it


class NoRingError(OSError):
    """The ring can't be laid out: the disk is full, or a path too long."""


@dataclass(frozen=True, slots=True)
class Event:
    """One record. `kind` is its letter in `native/`; `other` and `before` depend on it."""

    kind: str
    when: int
    pid: int
    number: int
    path: bytes
    other: bytes
    before: bytes
    stat: tuple[int, int, int, int, int] | None
    child: int


def port_of(event: Event) -> tuple[int, bool]:
    """Give the port of a connection, or ANY, and whether it leads to the machine itself."""
    digits = event.other.removesuffix(b"=")
    return int(digits) if digits else ANY, event.other.endswith(b"=")


def lay(spool: Path, config: Sequence[str]) -> None:
    """Lay the ring's first chunk into the spool, whole, so that no write to it can fail."""
    data = b"".join(os.fsencode(line) + b"\0" for line in config) + b"\0"
    if len(data) > _CONFIG:
        raise NoRingError("too many places to leave out")
    handle = os.open(spool / "ring.0", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(handle, 0, CHUNK)
        os.pwrite(handle, struct.pack("=QQQQ", _MAGIC, _HEAD, 0, 0) + data, 0)
    except OSError as error:
        raise NoRingError(error.errno, error.strerror) from error
    finally:
        os.close(handle)


def read(spool: Path) -> tuple[list[Event], bool, list[bytes]]:
    """Give the events in order of time, whether some are missing, and the ring's config."""
    events: list[Event] = []
    number = end = 0
    lost = False
    config = [b"\0"] * 6 + [b""]
    while True:
        try:
            with open(spool / f"ring.{number}", "rb") as file:
                head = file.read(24)
                start = _HEAD if number == 0 else 0
                if number == 0:
                    magic, end, missed = struct.unpack("=QQQ", head)
                    if magic != _MAGIC:
                        return [], True, config
                    lost = missed > 0
                used = min(CHUNK, end - number * CHUNK)
                if used <= 0:
                    break
                file.seek(0)
                data = file.read(used)
                if number == 0:
                    config = data[32 : 32 + _CONFIG].split(b"\0")
        except (OSError, struct.error):
            return events, lost or number == 0, config
        lost |= _take(data, start, events)
        number += 1
        if number * CHUNK >= end:
            break
    events.sort(key=lambda one: one.when)
    return events, lost, config


def read_config(spool: Path) -> list[bytes]:
    """Give the lines that the ring was laid with."""
    with open(spool / "ring.0", "rb") as file:
        return file.read(32 + _CONFIG)[32:].split(b"\0")


class Following:
    """The events of a ring that is still written to, each given once."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._at = _HEAD
        self._given: set[int] = set()  # beyond a record that was being written
        self._waiting = (-1, 0.0)
        self._lost = 0

    def more(self) -> tuple[list[Event], bool]:
        """Give the events since the last time in order of time, and whether some are missing."""
        events: list[Event] = []
        try:
            with open(self._spool / "ring.0", "rb") as file:
                _, end, lost = struct.unpack("=QQQ", file.read(24))
        except (OSError, struct.error):
            return events, True
        missing, self._lost = lost > self._lost, lost
        whole = True
        at = self._at
        while at < end:
            number, start = divmod(at, CHUNK)
            used = min(CHUNK, end - number * CHUNK)
            try:
                with open(self._spool / f"ring.{number}", "rb") as file:
                    file.seek(start)
                    data = file.read(used - start)
            except OSError:
                break
            for place, event, _ in _records(data, 0):
                where = at + place
                if event is None and whole and self._patient(where):
                    whole, self._at = False, where
                elif event is not None and where not in self._given:
                    events.append(event)
                    if not whole:
                        self._given.add(where)
            at += len(data)
            if start + len(data) < used:
                break
        if whole:
            self._at = at
            self._given.clear()
        events.sort(key=lambda one: one.when)
        return events, missing

    def _patient(self, where: int) -> bool:
        """Tell whether a record may still be finished: its process hadn't long enough for it."""
        if self._waiting[0] != where:
            self._waiting = (where, time.monotonic())
        return time.monotonic() - self._waiting[1] < _PATIENCE


def _take(data: bytes, at: int, events: list[Event]) -> bool:
    """Read a chunk; tells whether there was a hole, where a process died amid two instructions."""
    hole = False
    for _, event, missing in _records(data, at):
        hole |= missing
        if event is not None:
            events.append(event)
    return hole


def _records(data: bytes, at: int) -> Iterator[tuple[int, Event | None, bool]]:
    """Give records with their places; None for what was begun and not done; and which are holes."""
    end = len(data)
    while at + 8 <= end:
        magic, size = _START.unpack_from(data, at)
        hole = magic != _MAGIC or size < 8
        if hole:
            yield at, None, True
        elif size >= _RECORD.size and at + _RECORD.size <= end:
            yield at, _event(data, at), False
        at += 8 if hole else size


def _event(data: bytes, at: int) -> Event | None:
    fields = _RECORD.unpack_from(data, at)
    _, _, when, pid, number, kind, flags, path, other, before = fields[:10]
    if kind == _VOID:
        return None  # being written when its process died: what it tells of wasn't done yet
    text = at + _RECORD.size
    return Event(
        kind=chr(kind),
        when=when,
        pid=pid,
        number=number,
        path=data[text : text + path],
        other=data[text + path : text + path + other],
        before=data[text + path + other : text + path + other + before],
        stat=fields[10:15] if flags else None,
        child=fields[10],
    )
