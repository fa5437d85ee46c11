"""Read the logs that watched Python processes wrote: one file a process, damaged ends and all."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from provgraph.collect.trace import Access, Action, Option
from provgraph.collect.tracing.audit.loads import Load, Opening

Stat = tuple[int, int, int, int, int]
_ACTIONS: dict[bytes, Action] = {
    b"read": "read",
    b"module": "module",
    b"program": "program",
    b"source": "source",
    b"write": "write",
    b"update": "update",
    b"append": "append",
    b"absent": "absent",
    b"exists": "exists",
    b"list": "list",
    b"remove": "remove",
    b"rename": "rename",
}


@dataclass
class Spawn:
    """A program that a process was about to start. `path` is "" where it wasn't found."""

    when: int
    how: str
    path: str
    cwd: str
    argv: tuple[str, ...]
    pid: int


@dataclass
class ProcessLog:
    """What one process said of itself.

    `contacts` are (host, port) of those that it tried to talk to over the network; `lookups` names
    with the addresses that they led to.
    """

    pid: int = 0
    parent: int = 0
    began: int = 0
    how: str = ""
    python: tuple[str, str, str] = ("", "", "")
    base: str = ""
    cwd: str = ""
    argv: tuple[str, ...] = ()
    accesses: list[Access] = field(default_factory=list)
    spawns: list[Spawn] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)
    loaded: dict[str, str] | None = None
    natives: list[str] = field(default_factory=list)
    environ: list[str] = field(default_factory=list)
    path: tuple[str, ...] = ()
    module: str = ""
    said: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    observed: list[Access] = field(default_factory=list)
    composed: list[tuple[int, Access]] = field(default_factory=list)
    by_key: set[tuple[int, bytes, Stat | None]] = field(default_factory=set)
    gaps: list[tuple[str, str]] = field(default_factory=list)
    calls: dict[str, set[str]] | None = None
    calls_lost: str = ""
    loads: list[Load] = field(default_factory=list)
    openings: list[Opening] = field(default_factory=list)
    contacts: list[tuple[str, int]] = field(default_factory=list)
    lookups: list[tuple[bytes, tuple[bytes, ...]]] = field(default_factory=list)
    ended: bool = False
    cut: bool = False


def read_logs(spool: Path) -> list[ProcessLog]:
    """Read every log of a spool, in the order in which the processes began."""
    found = [read_log(path) for path in spool.glob("*.log")]
    return sorted((log for log in found if log.pid), key=lambda log: (log.began, log.pid))


def wanted_logs(spool: Path) -> set[str]:
    """Give the processes that have a log, or wanted one; ask before the logs are read."""
    return {path.stem for end in ("log", "lost") for path in spool.glob(f"*.{end}")}


def are_lost(wanted: AbstractSet[str], logs: Sequence[ProcessLog]) -> bool:
    """Tell whether a process logged, or tried to, that none of the logs read is of.

    Its log can't be read, or its first words found no room.
    """
    return not wanted <= {f"{log.pid}-{log.began}" for log in logs}


def read_log(path: Path) -> ProcessLog:
    """Read one log; what can't be read is skipped, and the log marked as cut."""
    log = ProcessLog()
    try:
        data = path.read_bytes()
    except OSError:
        log.cut = True
        return log
    for record in _records(data):
        try:
            _take(log, record)
        except (ValueError, IndexError, KeyError):
            log.cut = True
    log.accesses += [
        config
        for number, config in log.composed
        if (number, config.path, config.stat) not in log.by_key
    ]
    log.cut = log.cut or path.with_suffix(".lost").exists()
    # A process killed amid its last write: that write is lost, and said.
    log.cut = log.cut or (bool(data) and not data.endswith(b"\0\n\0"))
    return log


def _records(data: bytes) -> Iterator[list[bytes]]:
    record: list[bytes] = []
    for part in data.split(b"\0"):
        if part == b"\n":
            yield record
            record = []
        else:
            record.append(part)


def _items(values: list[bytes]) -> tuple[str, ...]:
    return tuple(os.fsdecode(value[1:]) for value in values if value.startswith(b"="))


def _take(log: ProcessLog, record: list[bytes]) -> None:
    kind, values = record[0], record[1:]
    if kind == b"A":
        log.accesses.append(_access(values, log.pid))
    elif kind == b"P":
        log.began, log.pid, log.parent = (int(value) for value in values[:3])
        log.how = values[3].decode()
        version, prefix, log.base, executable, cwd = (os.fsdecode(value) for value in values[4:9])
        log.python, log.cwd = (version, prefix, executable), cwd
        log.argv = _items(values[9:])
    elif kind == b"S":
        how, path, cwd = (os.fsdecode(value) for value in values[1:4])
        log.spawns.append(Spawn(int(values[0]), how, path, cwd, _items(values[4:]), log.pid))
    elif kind == b"I":
        log.imported.append(os.fsdecode(values[1]))
    elif kind == b"N":
        log.natives.append(os.fsdecode(values[1]))
    elif kind == b"E":
        log.environ.append(os.fsdecode(values[0]))
    elif kind == b"Y":
        log.path = _items(values[1:])
    elif kind == b"R":
        log.module = os.fsdecode(values[1])
    elif kind == b"X":
        pairs = (item.partition("|") for item in _items(values[2:]))
        log.loaded = {name: file for name, _, file in pairs}
        log.ended = True
        log.cut = log.cut or values[1] != b"0"
    else:
        _take_more(log, kind, values)


def _take_more(log: ProcessLog, kind: bytes, values: list[bytes]) -> None:
    """Take what the hook couldn't see, and what the program told of itself."""
    if kind == b"G" and values[0] == b"log-cut":
        log.cut = True
    elif kind == b"G":
        log.gaps.append((os.fsdecode(values[0]), os.fsdecode(values[1])))
    elif kind == b"D":
        log.said.append((int(values[0]), _items(values[1:])))
    elif kind in (b"V", b"B", b"M", b"J"):
        _take_configured(log, kind, values)
    elif kind == b"F":
        _take_call(log, *map(os.fsdecode, values[:2]))
    elif kind == b"K":
        log.accesses.append(_keys(values, log.pid))
    elif kind == b"C":
        log.loads.append(_load(values, log.pid))
    elif kind == b"O":
        log.openings.append(_opening(values, log.pid))
    elif kind == b"W":
        host, port = _items(values)
        log.contacts.append((host, int(port)))
    elif kind == b"H":
        name, *addresses = (value[1:] for value in values)
        log.lookups.append((name, tuple(addresses)))


def _take_configured(log: ProcessLog, kind: bytes, values: list[bytes]) -> None:
    """Take an option that was parsed, or a config that was opened to count by its keys."""
    if kind == b"V":
        name, value = _items(values[1:])
        log.options.append(Option(name, value, int(values[0]), log.pid))
    elif kind == b"B":
        log.observed.append(_composed([values[0], b"0", *values[1:]], log.pid)[1])
    elif kind == b"M":
        log.composed.append(_composed(values, log.pid))
    else:
        number, config = _composed(values, log.pid)
        log.by_key.add((number, config.path, config.stat))


def _take_call(log: ProcessLog, file: str, function: str) -> None:
    """Take that a function ran; without a file: that telling began, or (why) that it ended."""
    if log.calls is None:
        log.calls = {}
    if file:
        log.calls.setdefault(file, set()).add(function)
    else:
        log.calls_lost = log.calls_lost or function


def _keys(values: list[bytes], pid: int) -> Access:
    when, path, *rest = values
    stat = _stat(rest[:5])
    return Access("keys", path, int(when), pid, size=stat[2], stat=stat, keys=_items(rest[5:]))


def _composed(values: list[bytes], pid: int) -> tuple[int, Access]:
    when, number, path, *rest = values
    stat = _stat(rest)
    return int(number), Access("read", path, int(when), pid, size=stat[2], stat=stat)


def _load(values: list[bytes], pid: int) -> Load:
    until, reader, *rest = values
    return Load(reader.decode(), _items(rest[8:]), int(until), _opening(rest[:8], pid))


def _opening(values: list[bytes], pid: int) -> Opening:
    when, thread, path, *numbers = values
    return Opening(pid, int(thread), int(when), path, _stat(numbers))


def _stat(numbers: list[bytes]) -> Stat:
    device, inode, size, modified, changed = (int(number) for number in numbers)
    return device, inode, size, modified, changed


def _access(values: list[bytes], pid: int) -> Access:
    when, action, path, other, before, *numbers = values
    stat = _stat(numbers) if numbers[0] else None
    return Access(
        action=_ACTIONS[action],
        path=path,
        when=int(when),
        pid=pid,
        other=other or None,
        before=before.decode() or None,
        size=stat[2] if stat else None,
        stat=stat,
    )
