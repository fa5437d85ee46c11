"""Asking in Cypher: statements of one's own, files, and the library that comes with provgraph."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Annotated, Literal

import typer

from provgraph.cli.session import Session
from provgraph.errors import UsageError
from provgraph.render.interface import Style

SHOWN = 100  # rows of a table, unless told
UNCUT = 1_000_000  # columns where another program reads


def query(
    ctx: typer.Context,
    statement: Annotated[
        str | None,
        typer.Argument(metavar="[CYPHER]", help="What to ask, in Cypher.", show_default=False),
    ] = None,
    *,
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="NAME|PATH",
            help="Ask a question of the library, or a file of your own.",
            show_default=False,
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="NAME=VALUE",
            help="The value of $NAME; JSON where it is JSON, else text.",
            show_default=False,
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the library and stop.")] = False,
    format: Annotated[
        Literal["table", "json", "csv"],
        typer.Option(
            "--format",
            help="What to write; json is an object a line, so that it can be read as it comes.",
        ),
    ] = "table",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=0,
            metavar="N",
            help="Give at most N rows; 0 gives all.",
            show_default=f"{SHOWN} for a table, else all",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout",
            min=0.001,
            metavar="S",
            help="End the question after S seconds; the time to read the answer counts, too.",
        ),
    ] = 60.0,
) -> None:
    """Ask the graph in Cypher; questions only read.

    Asked is the Neo4j of provgraph.toml or PROVGRAPH_GRAPH, else a copy of the local graph. What
    nodes and relationships there are: docs/reference/graph.md.

    Examples:
        provgraph query --list
        provgraph query --file affected-by --param name=data/v3
        provgraph query 'MATCH (r:Run) RETURN r.name, count(*) AS runs ORDER BY runs DESC'
        provgraph query 'MATCH (r:Run) WHERE r.status = $s RETURN r.id' --param s=failed
        provgraph query --file metric-over-time --param metric=accuracy --format csv > accuracy.csv
    """
    from provgraph.render.rows import write_rows

    session: Session = ctx.obj
    if list_:
        _show_library(session, format)
        return
    if (statement is None) == (file is None):
        raise UsageError(
            "give one question: a statement, or a file's name",
            hint="provgraph query --list shows the library, provgraph query --help examples",
        )
    from provgraph.cli.progress import Progress
    from provgraph.graph.questioning import from_file, question, read_params

    given = read_params(param or ())
    asked = from_file(file, given) if file is not None else question(statement or "", given)
    most = (SHOWN if format == "table" else 0) if limit is None else limit
    project = session.project()
    with Progress("nodes and relationships") as progress:
        answer = project.ask_cypher(
            asked, limit=most or None, timeout=timeout, say=session.say, progress=progress
        )
    count = 0
    with answer:
        for piece in write_rows(answer.columns, answer, format, _style()):
            session.write(piece)
            count += 1
    if not count or (format == "csv" and count == 1):
        session.say("no rows")
    if answer.more:
        session.say(f"these are the first {most:,} rows, there are more: --limit 0 gives all")


def _style() -> Style:
    """Give the style of standard output; a pipe gets whole cells."""
    from provgraph.cli.style import style_of

    style = style_of(sys.stdout)
    terminal = sys.stdout is not None and sys.stdout.isatty()
    return style if terminal or "COLUMNS" in os.environ else replace(style, width=UNCUT)


def _show_library(session: Session, format: str) -> None:
    from provgraph.graph.library import questions
    from provgraph.render.rows import library_rows, write_library, write_rows

    if format == "table":
        session.write(write_library(questions(), _style()))
        return
    for piece in write_rows(*library_rows(questions()), format, _style()):
        session.write(piece)
