"""The contract of a format: it takes any answer and gives text that ends in a newline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provgraph.errors import UsageError

FORMATS = ("text", "json", "csv")


@dataclass(frozen=True, slots=True)
class Style:
    """How text may look: columns, whether colours and box characters are understood.

    `limit` is how many of the most important entries a list shows; 0 shows all. Only the text
    format looks at a style: data is the same wherever it goes.
    """

    width: int = 80
    colour: bool = False
    unicode: bool = True
    limit: int = 10


Format = Callable[[object, Style], str]


def format_named(name: str) -> Format:
    """Give the format of this name, importing it only now; raises UsageError for another."""
    if name == "text":
        from provgraph.render.text import as_text

        return as_text
    if name == "json":
        from provgraph.render.as_json import as_json

        return as_json
    if name == "csv":
        from provgraph.render.as_csv import as_csv

        return as_csv
    raise UsageError(f"there is no format {name!r}", hint="use --format " + ", ".join(FORMATS))


def render(answer: object, *, format: str = "text", style: Style | None = None) -> str:
    """Write an answer in one of `FORMATS`."""
    return format_named(format)(answer, style or Style())
