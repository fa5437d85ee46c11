"""Directories outside a spool that a tracer needs, noted in the spool so that none is left behind.

A Unix socket's path must be short, and code isn't mapped from everywhere.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from pathlib import Path

ASIDE = r"/tmp/provgraph-[0-9a-f]{16}"  # noqa: S108 - a pattern: what these are called
_NOTED = "aside"
_BEGIN = "/tmp/provgraph-"  # noqa: S108 - short, and a name that nobody can foresee


def make_aside(spool: Path) -> str:
    """Make a private directory; it is noted first, so that even a kill leaves none unknown."""
    place = f"{_BEGIN}{os.urandom(8).hex()}"
    with open(spool / _NOTED, "a", encoding="ascii") as file:
        file.write(f"{place}\n")
    os.mkdir(place, 0o700)
    return place


def remove_asides(spool: Path) -> None:
    """Remove what was made for a spool."""
    with contextlib.suppress(OSError, ValueError):
        for place in (spool / _NOTED).read_text("ascii").splitlines():
            if re.fullmatch(ASIDE, place) and _ours(place):
                shutil.rmtree(place, ignore_errors=True)


def _ours(place: str) -> bool:
    try:
        found = os.lstat(place)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
