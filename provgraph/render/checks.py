"""Every form that the merge check's answer can be written in."""

from __future__ import annotations

from collections.abc import Callable

from provgraph.errors import UsageError
from provgraph.model.checks import Check
from provgraph.render.interface import Style, render

FORMATS = ("text", "json", "csv", "markdown", "sarif", "github", "gitlab")


def known(format: str) -> str:
    """Give the name of a format back; raises UsageError for one that there isn't."""
    if format not in FORMATS:
        raise UsageError(
            f"there is no format {format!r}", hint="use --format " + ", ".join(FORMATS)
        )
    return format


def write(check: Check, format: str = "text", style: Style | None = None) -> str:
    """Write a check in one of `FORMATS`; raises UsageError for another."""
    if format in ("text", "json", "csv"):
        return render(check, format=format, style=style)
    return _format_named(format)(check, style or Style())


def _format_named(name: str) -> Callable[[Check, Style], str]:
    if name == "markdown":
        from provgraph.render.check_markdown import as_markdown

        return as_markdown
    if name == "sarif":
        from provgraph.render.check_sarif import as_sarif

        return as_sarif
    if name == "github":
        from provgraph.render.check_github import as_github

        return as_github
    if name == "gitlab":
        from provgraph.render.check_gitlab import as_gitlab

        return as_gitlab
    raise UsageError(f"{name!r} is no format of a check")
