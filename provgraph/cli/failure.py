"""Failures as people read them on standard error: a sentence, what to do next, no traceback."""

from __future__ import annotations

import os
import sys

from provgraph.errors import CannotAnswer, ProvgraphError

# Where a log or another program reads, a sentence stays one line and a path whole.
UNBROKEN = 10_000


def debugging() -> bool:
    """Tell whether tracebacks are wanted."""
    return os.environ.get("PROVGRAPH_DEBUG", "") not in ("", "0")


def say(line: str) -> None:
    """Write one line to standard error, marked as ours."""
    _write(f"provgraph: {line}\n")


def tell(error: BaseException) -> None:
    """Say a failure and what to do next; the traceback, too, when debugging."""
    try:
        from dataclasses import replace

        from provgraph.cli.style import style_of
        from provgraph.render.text_error import render_error

        style = style_of(sys.stderr)
        if not (sys.stderr and sys.stderr.isatty()) and not os.environ.get("COLUMNS"):
            style = replace(style, width=UNBROKEN)
        text = render_error(error, debug=debugging(), style=style)
    except Exception:  # noqa: BLE001 - a failure is said, whatever else fails
        text = f"provgraph: {error}\n"
    _write(text)


def of_system(error: OSError) -> ProvgraphError:
    """Put what the system refused into a sentence."""
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, (str, bytes)) else ""
    failure = CannotAnswer(f"{where}{error.strerror or error}")
    failure.__cause__ = error
    return failure


def _write(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        pass  # a closed standard error (None, where it was so from the start) is no failure
