"""How text may look where it goes, as NO_COLOR, FORCE_COLOR, COLUMNS and TERM have it."""

from __future__ import annotations

import os
import shutil
from typing import TextIO

from provgraph.render.interface import Style

LIMIT = 10


def style_of(stream: TextIO | None, *, limit: int | None = None) -> Style:
    """Give the style for a stream: 80 columns and no colour where it is no terminal."""
    terminal = stream is not None and stream.isatty()
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    return Style(
        width=shutil.get_terminal_size((80, 24)).columns if terminal or _told() else 80,
        colour=wants_colour(terminal=terminal),
        unicode=encoding.startswith("utf"),
        limit=LIMIT if limit is None else limit,
    )


def _told() -> bool:
    # COLUMNS counts everywhere; the size of the terminal only for what goes there.
    return os.environ.get("COLUMNS", "").isdecimal()


def wants_colour(*, terminal: bool) -> bool:
    """Decide on colour: NO_COLOR, then FORCE_COLOR, then TERM, then whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return terminal and os.environ.get("TERM") != "dumb"
