"""How a program's own code reaches whoever watches this process: by audit events.

A process may be watched by `provgraph run`, by a block of its own, by both, or by nobody; what is
told reaches all that listen, and tells nobody else anything.
"""

from __future__ import annotations

import os
import sys


def is_watched() -> bool:
    """Tell whether anyone watches this process."""
    projects: list[str] = []
    sys.audit("provgraph.watched", projects)
    return bool(projects)


def tell(kind: str, name: str, value: str = "") -> None:
    """Declare something of the run: `uses`, `produces`, `param`, `option`, `metric` or `note`."""
    sys.audit("provgraph.said", kind.encode(), _encoded(name), _encoded(value))


def tell_key(path: bytes, stat: tuple[int, int, int, int, int], key: str) -> None:
    """Say that a key of a config was read. `stat` is the file's, when it was loaded."""
    sys.audit("provgraph.keys", path, stat, _encoded(key))


def tell_composed(path: bytes, stat: tuple[int, int, int, int, int]) -> None:
    """Say that all that counts of a config, which Hydra composed just now, was told by key."""
    sys.audit("provgraph.composed", path, stat)


def _encoded(text: str) -> bytes:
    try:
        return os.fsencode(text.replace("\0", "�"))
    except UnicodeEncodeError:
        return text.replace("\0", "�").encode("utf-8", "replace")
