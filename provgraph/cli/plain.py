"""Read the plain forms of the frequent questions without typer, which takes 0.2 s to load.

`docs/decisions/0006-commands-beside-typer.md` says why. Whatever isn't plain (help, an option that
isn't known here or given twice, a value that may be wrong) gives None, and typer reads it. A test
holds the two readers together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from provgraph.cli import answering
from provgraph.cli.session import Session

FORMATS = ("text", "json", "csv")


class Form(NamedTuple):
    """A command's plain form: what answers it, and its options by the kind of their value."""

    answer: Callable[..., None]
    many: bool = False  # several words may be asked about
    none: bool = False  # there is nothing to ask about
    flags: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    numbers: tuple[tuple[str, int], ...] = ()  # each with the least it may be


LIMIT, DEPTH = ("--limit", 0), ("--depth", 1)
FORMS: dict[str, Form] = {
    "impact": Form(
        answering.impact,
        many=True,
        flags=("--all", "--platform"),
        texts=("--explain",),
        numbers=(LIMIT, DEPTH),
    ),
    "status": Form(answering.status, none=True, flags=("--all", "--platform"), numbers=(LIMIT,)),
    "why": Form(answering.why, texts=("--because",), numbers=(LIMIT,)),
    "lineage": Form(answering.lineage, numbers=(LIMIT, DEPTH)),
}


def read(words: Sequence[str]) -> Callable[[Session], None] | None:
    """Give what answers these words (the command first), or None."""
    form = FORMS.get(words[0]) if words else None
    if form is None:
        return None
    asked: list[str] = []
    options: dict[str, Any] = {}
    rest = iter(words[1:])
    for word in rest:
        if not word.startswith("-"):
            asked.append(word)
            continue
        name = word.removeprefix("--")
        value = True if word in form.flags else _value(form, word, next(rest, "-"))
        if value is None or name in options:
            return None
        options[name] = value
    if form.many:
        return (lambda session: form.answer(session, asked, **options)) if asked else None
    if len(asked) != (0 if form.none else 1):
        return None
    return lambda session: form.answer(session, *asked, **options)


def _value(form: Form, option: str, text: str) -> str | int | None:
    if text.startswith("-"):
        return None
    if option == "--format":
        return text if text in FORMATS else None
    if option in form.texts:
        return text
    least = dict(form.numbers).get(option)
    if least is None or not (text.isascii() and text.isdecimal() and len(text) < 10):
        return None
    return int(text) if int(text) >= least else None
