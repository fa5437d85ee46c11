"""What a program that goes on has learnt from files, for the runs that come after in it.

A shell's variables and a notebook's objects come from files that were read by an earlier line or
cell. What came of them later rests on those files, with the content that they had then.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from provgraph.collect.places import Places
from provgraph.collect.trace import READS, Access, Trace

CHANGES = frozenset({"write", "append", "update", "remove", "rename", "copy"})


def makes(trace: Trace, places: Places) -> bool:
    """Tell whether something that is no noise was made, changed or removed, or was said."""
    return bool(trace.said) or any(
        places.name(places.end_of_links(places.real(path))) is not None
        for access in trace.accesses
        if access.action in CHANGES
        for path in (access.path, access.other)
        if path is not None
    )


def kept(
    accesses: Iterable[Access], places: Places, digest: Callable[[bytes], tuple[str, int] | None]
) -> tuple[Access, ...]:
    """Give accesses with the content that was seen, where it still lies there."""
    return tuple(
        one if one.before is not None else replace(one, before=_content(one, digest))
        for one in accesses
        if places.name(places.real(one.path)) is not None
    )


def _content(access: Access, digest: Callable[[bytes], tuple[str, int] | None]) -> str | None:
    with suppress(OSError):
        there = os.stat(access.path)
        seen = (there.st_ino, there.st_size, there.st_mtime_ns)
        if access.stat is not None and access.stat[1:4] == seen:
            found = digest(access.path)
            return found[0] if found is not None else None
    return None


def put_before(
    known: Iterable[Access], trace: Trace, places: Places, *, pid: int, began: int
) -> Trace:
    """Put what a process knew before a run in front of what the run did."""
    read = {places.real(one.path): one for one in trace.accesses if one.action in READS}
    front = []
    for access in known:
        again = read.get(places.real(access.path))
        # Two contents of one name: which of them counted for what, nobody can tell.
        both = again is not None and again.stat != access.stat
        front.append(
            replace(
                access,
                pid=pid,
                when=min(access.when, began - 1),
                before=None if both else access.before,
            )
        )
    return replace(trace, accesses=(*front, *trace.accesses))
