"""The merge check as GitHub workflow commands: annotations beside the lines of a pull request.

A step may have ten errors, ten warnings and ten notices; the rest is counted in one of the notices.
"""

from __future__ import annotations

from collections import Counter

from provgraph.model.checks import Check
from provgraph.render.check_marks import ERROR, NOTE, WARNING, Mark, marks
from provgraph.render.interface import Style
from provgraph.render.plain import clip, is_safe, shown
from provgraph.render.terminal import count_of

MOST = 10
_COMMAND = {ERROR: "error", WARNING: "warning", NOTE: "notice"}
_NOUN = {ERROR: "error", WARNING: "warning", NOTE: "notice"}
_LONG = 4_000  # characters of a message; the host cuts later, and without a word


def as_github(check: Check, _style: Style) -> str:
    """Write a command a line: the worst of each level, and how many there are besides."""
    lines: list[str] = []
    found: Counter[str] = Counter()
    for mark in marks(check):
        found[mark.level] += 1
        # One notice is kept for what is left out.
        if found[mark.level] <= MOST - (mark.level == NOTE):
            lines.append(_command(mark))
    rest = [
        count_of(found[level] - most, _NOUN[level])
        for level, most in ((ERROR, MOST), (WARNING, MOST), (NOTE, MOST - 1))
        if found[level] > most
    ]
    verdict = clip(shown(check.verdict), _LONG)
    if rest:
        more = f"{verdict}\n{', '.join(rest)} more: `provgraph check --limit 0` shows all."
        lines.append(f"::notice title=provgraph check::{_data(more)}")
    elif not lines:
        lines.append(f"::notice title=provgraph check::{_data(verdict)}")
    return "\n".join(lines) + "\n"


def _command(mark: Mark) -> str:
    place = mark.places[0]
    properties = {"file": place.path if is_safe(place.path) else shown(place.path)}
    if place.first:
        properties |= {"line": str(place.first), "endLine": str(place.last)}
    properties["title"] = mark.title
    said = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMAND[mark.level]} {said}::{_data(clip(chr(10).join(mark.words), _LONG))}"


def _data(text: str) -> str:
    """Escape a message as the runner's own toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
