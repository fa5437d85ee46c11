"""Tell what programs took of the system: its files and libraries, variables, devices.

Left out are programs that read nothing a result rests on, and those that only start another.
"""

from __future__ import annotations

import mmap
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from provgraph.collect.system.places import CATEGORIES, HAND_ON, LOCALE, TAKE_ALL, is_system
from provgraph.collect.trace import ALL, READS, Access, Touch
from provgraph.collect.tracing import programs
from provgraph.collect.tracing.preload.ring import Event

BYTECODE = re.compile(rb"(.*/)__pycache__/([^/]+)\.[^./]+(?:\.opt-\d)?\.pyc\Z")
_BY_LOCALE = 2  # `how` of native/system.h: this, and the category's number
# glibc's numbers of the categories that are told; 6 is all of them.
_NUMBERS = dict(enumerate(("LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY")))
_NUMBERS[5] = "LC_MESSAGES"
_NAMES = (b"\0environ\0", b"\0__environ\0", b"\0_environ\0")


class Ran(Protocol):
    """What is asked about a program: see `joined`."""

    pid: int
    since: int
    executable: str

    @property
    def harmless(self) -> bool:
        """Whether no result rests on what it reads."""
        ...

    @property
    def python(self) -> bool:
        """Whether it is a Python."""
        ...


def touches(events: Sequence[Event], ran: Mapping[int, Sequence[Ran]]) -> Iterator[Touch]:
    """Give what the library saw; `ran` are the programs of each process, in order of time."""
    for several in ran.values():
        for one in several:
            if _counts(one):
                yield from _started(one)
    for event in events:
        if event.kind == "f" and event.path.startswith(b"/dev/"):  # handed to it, open already
            yield Touch("device", event.path, event.when, event.pid)
        elif event.kind in "oLD$":
            program = _program(event, ran.get(event.pid, ()))
            if program is not None and _counts(program):
                yield from _told(event, program)


def _told(event: Event, program: Ran) -> Iterator[Touch]:
    when, pid = max(event.when, program.since), event.pid
    if event.kind == "o":
        compiled = BYTECODE.match(event.path)  # packages list the source that it is made from
        path = compiled[1] + compiled[2] + b".py" if compiled else event.path
        yield Touch("file", path, when, pid)
    elif event.kind == "L":
        yield from (Touch("file", path, when, pid) for path in event.other.split(b"\0")[:-1])
    elif event.kind == "D":
        yield Touch("device", event.path, when, pid, found=not event.number)
    else:
        yield from (Touch("variable", name, when, pid) for name in _variables(event))


def _counts(program: Ran) -> bool:
    return not (program.harmless or programs.is_launcher(program.executable))


def _program(event: Event, several: Sequence[Ran]) -> Ran | None:
    """Give the program that an event is of: what is loaded at a start is of the one that begins."""
    if event.kind == "L" and event.number:
        return next((one for one in several if one.since >= event.when), None)
    return next((one for one in reversed(several) if one.since <= event.when), None)


def _started(program: Ran) -> Iterator[Touch]:
    path = os.fsencode(program.executable)
    if is_system(program.executable):
        yield Touch("file", path, program.since, program.pid)
    # Of Python, the hooks tell which it reads.
    if not program.python and takes_all(program.executable):
        yield Touch("variable", ALL, program.since, program.pid)


def _variables(event: Event) -> Iterable[bytes]:
    if event.number < _BY_LOCALE:
        return (event.path,)
    one = _NUMBERS.get(event.number - _BY_LOCALE)
    return map(os.fsencode, (*LOCALE, *((one,) if one else CATEGORIES)))


def of_strace(accesses: Iterable[Access], pid: int, when: int) -> Iterator[Touch]:
    """Give what strace saw of a program and its children.

    Which variables a static program reads, nobody sees: it has taken in all of them.
    """
    yield Touch("variable", ALL, when, pid)
    for access in accesses:
        path = os.fsdecode(access.path)
        if path.startswith("/dev/"):
            if access.action in ("read", "write", "update", "append", "absent"):
                there = access.action != "absent"
                yield Touch("device", access.path, access.when, access.pid, found=there)
        elif access.action in READS and is_system(path):
            yield Touch("file", access.path, access.when, access.pid)


# -- variables as a whole ------------------------------------------------------------------------


def takes_all(executable: str) -> bool:
    """Tell whether a program may take in its variables as a whole: known to, or able to."""
    name = os.path.basename(executable)
    plain = name.rstrip("0123456789.-")
    if name in TAKE_ALL or plain in TAKE_ALL:
        return True
    if name in HAND_ON or plain in HAND_ON or name.rpartition("-")[2] in HAND_ON:
        return False
    try:
        seen = os.stat(executable)
    except OSError:
        return True
    return _refers(executable, seen.st_ino, seen.st_mtime_ns)


@lru_cache(maxsize=1024)
def _refers(executable: str, _inode: int, _modified: int) -> bool:
    """Tell whether a program's table of names has that of all variables; True where in doubt."""
    try:
        with (
            open(executable, "rb") as file,
            mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data,
        ):
            names = _names(data)
    except (OSError, ValueError, struct.error):
        return True
    return names is None or any(one in names for one in _NAMES)


def _names(data: mmap.mmap) -> bytes | None:
    """Give the table of names that an ELF file's loader reads."""
    if data[:5] != b"\x7fELF\x02":
        return None
    (place,) = struct.unpack_from("=Q", data, 32)
    size, count = struct.unpack_from("=HH", data, 54)
    parts = [struct.unpack_from("=IIQQQQQQ", data, place + size * at) for at in range(count)]
    start = length = None
    for kind, _, offset, _, _, filled, _, _ in parts:
        if kind == 2:
            for at in range(offset, offset + filled, 16):
                tag, value = struct.unpack_from("=QQ", data, at)
                start = value if tag == 5 else start
                length = value if tag == 10 else length
    for kind, _, offset, address, _, filled, _, _ in parts:
        if kind == 1 and start is not None and length and address <= start < address + filled:
            begin = offset + start - address
            return data[begin : begin + length]
    return None
