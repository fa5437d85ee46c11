"""Errors as text: what was asked for, what is wrong, what to do next; a traceback when asked."""

from __future__ import annotations

import traceback

from provgraph.errors import ImportLineError, ProvgraphError, SelectorError, StatementError
from provgraph.render.interface import Style
from provgraph.render.terminal import Page


def render_error(error: BaseException, *, debug: bool = False, style: Style | None = None) -> str:
    """Write an error for standard error; `debug` adds the traceback."""
    page = Page(style or Style())
    if isinstance(error, ProvgraphError):
        message = page.say(error.message)
        if isinstance(error, ImportLineError) and str(error.line) not in message:
            message = f"line {error.line}: {message}"
        page.prose(message, first="provgraph: ", tone="blocking")
        if isinstance(error, SelectorError) and error.nearest:
            page.prose("nearest:", indent=2)
            limit = page.style.limit or len(error.nearest)
            for name in error.nearest[:limit]:
                page.line(page.short(name, page.width - 4), indent=4)
            page.more(len(error.nearest) - limit, indent=4)
        for line in error.excerpt if isinstance(error, StatementError) else ():
            page.line(page.say(line), indent=4)
        if error.hint:
            page.prose(page.say(error.hint), indent=2, first=page.arrow + " ", tone="dim")
    elif isinstance(error, KeyboardInterrupt):
        page.prose("provgraph: interrupted; nothing was left half-written")
    else:
        words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        page.prose("this is a fault in provgraph, not in what you asked", first="provgraph: ")
        page.prose(page.say(words), indent=2)
        if not debug:
            page.prose("--debug shows where", indent=2, first=page.arrow + " ", tone="dim")
    if debug:
        page.gap()
        for line in "".join(traceback.format_exception(error)).splitlines():
            page.line((page.say(line), "dim"))
    return page.text()
