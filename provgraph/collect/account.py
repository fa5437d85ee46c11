"""What a spool tells of its command: what was started, and how it ended, should its watcher die.

Room for all of it is made before the command starts, and then written into: what the command
itself writes may fill the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from provgraph.collect.trace import Access

COMMAND = "command.json"
ENDED = "ended.json"
_PID = b'{"pid": '  # what the file begins with: the number stands in a field of its own
_DIGITS = 10
_ROOM = 512


@dataclass(frozen=True)
class Finished:
    """How a command ended. Times in ns since 1970, `seconds` by a clock that doesn't jump.

    `exit` is its status, or None where `signal` ended it; `streams` are the files that its
    standard descriptors were when it started.
    """

    status: Literal["ok", "failed", "interrupted"]
    exit: int | None
    signal: int | None
    started_ns: int
    ended_ns: int
    seconds: float
    cpu_seconds: float
    peak_memory: int
    pid: int
    streams: tuple[Access, ...] = ()


@dataclass(frozen=True)
class Told:
    """What was said of a command. `pid` is 0 where its watcher died about when it started it."""

    pid: int
    argv: tuple[str, ...]
    started_ns: int
    streams: tuple[Access, ...]


def tell_command(
    spool: Path,
    command: Sequence[str],
    path: str,
    cwd: str,
    started_ns: int,
    streams: Sequence[Access] = (),
) -> None:
    """Say what is about to be started. Raises `OSError` where that can't be kept."""
    told = {
        "argv": list(command),
        "path": path,
        "cwd": cwd,
        "started_ns": started_ns,
        "streams": [[one.action, one.path.hex(), one.size, one.stat] for one in streams],
    }
    text = _PID + b"0".ljust(_DIGITS) + b", " + json.dumps(told).encode("ascii")[1:]
    temporary = spool / f"{COMMAND}.new"
    (spool / ENDED).write_bytes(b" " * _ROOM)
    temporary.write_bytes(text)
    temporary.replace(spool / COMMAND)


def tell_pid(spool: Path, pid: int) -> None:
    """Say which process the command is, once it has started."""
    _fill_in(spool / COMMAND, str(pid).encode().ljust(_DIGITS), len(_PID))


def tell_end(spool: Path, finished: Finished) -> None:
    """Say how the command ended."""
    told = json.dumps(asdict(replace(finished, streams=())))
    _fill_in(spool / ENDED, told.encode("ascii").ljust(_ROOM), 0)


def _fill_in(path: Path, data: bytes, at: int) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(handle, data, at)
        finally:
            os.close(handle)


def told_command(spool: Path) -> Told | None:
    """Read what was started; None where nothing was, or a power cut took what was said.

    Raises `OSError` where it can't be read.
    """
    told = _read(spool / COMMAND)
    try:
        pid, started = int(told["pid"]), int(told["started_ns"])
        streams = tuple(
            Access(
                action,
                bytes.fromhex(path),
                started,
                pid,
                size=size,
                stat=None if stat is None else tuple(stat),
            )
            for action, path, size, stat in told["streams"]
        )
        return Told(pid, tuple(map(str, told["argv"])), started, streams)
    except (KeyError, ValueError, TypeError):
        return None


def told_end(spool: Path, told: Told) -> Finished | None:
    """Read how the command ended; None where nobody saw it, or could say it.

    Raises `OSError` where it can't be read.
    """
    try:
        return Finished(**{**_read(spool / ENDED), "streams": told.streams})
    except TypeError:
        return None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
