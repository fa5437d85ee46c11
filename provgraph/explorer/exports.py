"""What a view can be taken along as: each format's file, made from the answer that is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provgraph.errors import CannotAnswer, UsageError
from provgraph.explorer.interface import Subject
from provgraph.explorer.kept import kept_page
from provgraph.explorer.paper import as_mermaid, as_svg
from provgraph.explorer.views import Answered, Asked
from provgraph.model.answers import Impact, Lineage
from provgraph.model.gaps import BLOCKING
from provgraph.render.interface import render
from provgraph.render.terminal import count_of
from provgraph.render.text_parts import when


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its files' ending and media type, and what makes one."""

    ending: str
    type: str
    make: Callable[[Subject, Answered, Asked], str]
    of_picture: bool = False


def export(subject: Subject, answered: Answered, asked: Asked, format: str) -> tuple[str, Format]:
    """Give a view's text in a format. Raises UsageError, CannotAnswer."""
    found = FORMATS.get(format)
    if found is None:
        raise UsageError(
            f"a view isn't exported as {format!r}", hint="one of " + ", ".join(FORMATS)
        )
    if found.of_picture and answered.picture is None:
        raise CannotAnswer("this answer has no picture", hint="take its table as csv or json")
    return found.make(subject, answered, asked), found


def formats_of(answered: Answered) -> list[str]:
    """Give the formats that a view has; PNG is made of the SVG by the page."""
    graph = isinstance(answered.answer, (Impact, Lineage))
    return [
        name
        for name, one in FORMATS.items()
        if (answered.picture is not None or not one.of_picture)
        and (graph or name not in ("graphml", "page"))
    ]


def _words(answered: Answered) -> list[str]:
    """Say what a picture doesn't: as of when it holds, by what command it is had, what is open."""
    answer = answered.answer
    gaps = getattr(answer, "gaps", ())
    blocking = sum(gap.grade == BLOCKING for gap in gaps)
    said = [
        getattr(answer, "viewpoint", ""),
        f"as of {when(getattr(answer, 'as_of', ''))}",
        count_of(len(gaps), "gap") + (f", {blocking:,} blocking" if blocking else "")
        if gaps
        else "",
    ]
    return [" · ".join(filter(None, said)), answered.command]


def _svg(_subject: Subject, answered: Answered, _asked: Asked) -> str:
    if answered.picture is None:
        return ""
    return as_svg(answered.picture, title=answered.headline, words=_words(answered))


def _mermaid(_subject: Subject, answered: Answered, _asked: Asked) -> str:
    if answered.picture is None:
        return ""
    return as_mermaid(answered.picture, title=answered.headline, words=_words(answered))


def _graph_of(subject: Subject, answered: Answered, asked: Asked) -> Lineage:
    """Give the piece of graph that an answer is about; of an impact all that is reached."""
    answer = answered.answer
    if isinstance(answer, Impact):
        return subject.lineage(asked.get("of", ""), direction="down")
    if isinstance(answer, Lineage):
        return answer
    raise CannotAnswer("this answer is no graph", hint="take its table as csv or json")


def _page(subject: Subject, answered: Answered, asked: Asked) -> str:
    lineage = _graph_of(subject, answered, asked)
    kept = {key: value for key, value in asked.items() if key != "as"}
    return kept_page(
        subject,
        lineage,
        title=subject.title,
        selector=asked.get("of"),
        views=[(kept, answered)],
    )


def _graphml(subject: Subject, answered: Answered, asked: Asked) -> str:
    answer = _graph_of(subject, answered, asked)
    if any(gap.reason == "cut" for gap in answer.gaps):
        raise CannotAnswer(
            "this is too large to be handed over by a page",
            hint=f"provgraph export {asked.get('of', '')} --format graphml",
        )
    return subject.graphml([node.id for node in answer.nodes])


FORMATS = {
    "page": Format("html", "text/html; charset=utf-8", _page),
    "svg": Format("svg", "image/svg+xml", _svg, of_picture=True),
    "mermaid": Format("mmd", "text/plain; charset=utf-8", _mermaid, of_picture=True),
    "csv": Format(
        "csv", "text/csv; charset=utf-8", lambda _, said, __: render(said.answer, format="csv")
    ),
    "json": Format(
        "json", "application/json", lambda _, said, __: render(said.answer, format="json")
    ),
    "graphml": Format("graphml", "application/xml", _graphml),
}
