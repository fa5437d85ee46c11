"""Make one file operation of a process fail: `inject.c`, built here, and the plan it follows."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("inject.c")
_HEAD = struct.Struct("=5QqQQ")
_PLACES, _LAST, _KINDS = 4096, 256, 8192
READS, NEEDS_ROOM, WRITES = 1, 2, 4
GONE = "EIO from there on"
_NEVER, _ONCE, _SHORT, _FULL, _GONE = range(5)


@dataclass(frozen=True)
class Fault:
    """A way to fail: `how` of inject.c, what errno says, and which kinds of operations it meets."""

    name: str
    how: int
    error: int
    meets: int = 0  # 0: all


FAULTS = (
    Fault("EIO", _ONCE, errno.EIO),
    Fault("EINTR", _ONCE, errno.EINTR),
    Fault("short write", _SHORT, 0, WRITES),
    Fault("ENOSPC from there on", _FULL, errno.ENOSPC, NEEDS_ROOM),
    Fault(GONE, _GONE, errno.EIO),
)
NONE = Fault("none", _NEVER, 0)


class Done(NamedTuple):
    """What a plan saw: the kinds of the operations, how many failed, and the first that did."""

    kinds: bytes
    failed: int
    first: str


def build(directory: Path) -> Path | None:
    """Compile the injector; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    made = directory / "inject.so"
    flags = ("-std=gnu11", "-O2", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror")
    subprocess.run([compiler, *flags, "-o", made, SOURCE, "-ldl"], check=True)
    return made


class Plan:
    """A file shared with the processes that suffer, or are counted."""

    def __init__(self, file: Path, injector: Path) -> None:
        self._file = file
        self._injector = injector

    def plan(
        self,
        fault: Fault,
        at: int,
        places: Sequence[Path],
        *,
        others: bool = False,
        writes_only: bool = False,
    ) -> Mapping[str, str]:
        """Let operation `at` below `places` fail; gives the environment to start with.

        Meant is the process that is started; with `others`, those that it starts.
        """
        below = b"".join(os.fsencode(place) + b"\0" for place in places)
        assert len(below) < _PLACES
        head = _HEAD.pack(at, fault.how, fault.error, 0, 0, 0, others, writes_only)
        self._file.write_bytes(head + below.ljust(_PLACES + _LAST + _KINDS, b"\0"))
        return {"LD_PRELOAD": os.fspath(self._injector), "FAULT_PLAN": os.fspath(self._file)}

    def done(self) -> Done:
        """Say what came of it."""
        data = self._file.read_bytes()
        _, _, _, count, failed, *_ = _HEAD.unpack_from(data)
        at = _HEAD.size + _PLACES
        first = data[at : at + _LAST].split(b"\0")[0]
        kinds = data[at + _LAST + 1 : at + _LAST + 1 + count]
        return Done(kinds, failed, os.fsdecode(first))
