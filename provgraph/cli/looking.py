"""Looking at what was recorded: log, show, diff, render, explore, structure."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from provgraph.cli.options import Depth, Direction, Format, Limit, Selector, recorded_names
from provgraph.cli.session import Session


def log(
    ctx: typer.Context,
    *,
    step: Annotated[
        str | None,
        typer.Option("--step", metavar="STEP", help="Only runs of STEP.", show_default=False),
    ] = None,
    status: Annotated[
        Literal["ok", "failed", "interrupted"] | None,
        typer.Option("--status", help="Only runs that ended so.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="TIME",
            help="Only runs started then or later: 2026-11-01, 2026-11-01T09:30, 3d, 12h, 30m.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="TIME",
            help="Only runs started before then; a date means its end.",
            show_default=False,
        ),
    ] = None,
    touching: Annotated[
        str | None,
        typer.Option(
            "--touching",
            metavar="SELECTOR",
            help="Only runs that read or wrote it.",
            autocompletion=recorded_names,
            show_default=False,
        ),
    ] = None,
    making: Annotated[
        str | None,
        typer.Option(
            "--making",
            metavar="KIND",
            help="Only runs that made something of this kind: Result, Dataset, …",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int,
        typer.Option("--limit", min=0, metavar="N", help="List the N newest; 0 lists all."),
    ] = 20,
    format: Format = "text",
) -> None:
    """List runs, newest first.

    Examples:
        provgraph log
        provgraph log --step train --status failed --since 7d
        provgraph log --touching data/v3 --format json
    """
    from datetime import datetime

    from provgraph.cli.moments import moment

    session: Session = ctx.obj
    now = datetime.now().astimezone()
    answer = session.project().log(
        step=step,
        status=status,
        since=since if since is None else moment(since, now=now),
        until=until if until is None else moment(until, now=now, end=True),
        touching=touching,
        making=making,
        limit=limit or None,
    )
    session.answer(answer, format=format, limit=limit)


def show(
    ctx: typer.Context,
    selector: Selector,
    limit: Limit = 10,
    format: Format = "text",
) -> None:
    """Show everything recorded about one run or artefact.

    Examples:
        provgraph show out/v3/model.pkl
        provgraph show run:01J8 --format json
    """
    session: Session = ctx.obj
    session.answer(session.project().show(selector), format=format, limit=limit)


def diff(
    ctx: typer.Context,
    before: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The earlier run.", autocompletion=recorded_names),
    ],
    after: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The later run.", autocompletion=recorded_names),
    ],
    limit: Limit = 10,
    format: Format = "text",
) -> None:
    """Say what differs between two runs.

    In the order people look: code, parameters, data, packages, hardware, then metrics.

    Examples:
        provgraph diff run:01J8 run:01J9
    """
    session: Session = ctx.obj
    session.answer(session.project().diff(before, after), format=format, limit=limit)


def render(
    ctx: typer.Context,
    selector: Annotated[
        str | None,
        typer.Argument(
            metavar="[SELECTOR]",
            help="What to draw around; without it, everything.",
            autocompletion=recorded_names,
            show_default=False,
        ),
    ] = None,
    direction: Direction = "both",
    depth: Depth = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The file to write.",
            show_default="graph.html, graph.svg, graph.png or graph.mmd",
        ),
    ] = None,
    style: Annotated[
        Literal["page", "explorer", "svg", "png", "mermaid"] | None,
        typer.Option(
            "--style",
            help="An HTML page (explorer: one to search and look around in), a picture, or text"
            " that Mermaid draws.",
            show_default="what the file's ending says, else page",
        ),
    ] = None,
) -> None:
    """Draw the graph as one file that works offline.

    Examples:
        provgraph render data/v3 --direction down -o graph.html
        provgraph render out/summary.csv --direction up --depth 4
        provgraph render out/summary.csv -o summary.png
        provgraph render out/summary.csv --style mermaid
        provgraph render --style explorer -o report.html
    """
    from provgraph.render.drawing import STYLES, style_of

    session: Session = ctx.obj
    chosen = style or style_of(output)
    output = output or STYLES[chosen]
    drawn = session.project().render(
        selector, output, direction=direction, depth=depth, style=chosen
    )
    session.say(f"wrote {output}: {len(drawn.nodes):,} nodes, {len(drawn.edges):,} edges")
    for gap in drawn.gaps:
        session.say(gap.words or f"{gap.subject}: {gap.reason}")


def explore(
    ctx: typer.Context,
    selector: Annotated[
        str | None,
        typer.Argument(
            metavar="[SELECTOR]",
            help="What to begin with; without it, what is out of date and what is new.",
            autocompletion=recorded_names,
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            min=1,
            max=65535,
            metavar="N",
            help="Listen at port N. Default: 7411 or, where that is taken, a free one.",
            show_default=False,
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host", metavar="ADDRESS", help="Listen at ADDRESS; others than loopback are seen."
        ),
    ] = "127.0.0.1",
    open: Annotated[
        bool,
        typer.Option("--open/--no-open", help="Open it in a browser, or only say where it is."),
    ] = True,
) -> None:
    """Ask and look around in a browser, until Ctrl-C.

    The page is served to this machine alone, and to whoever has the address that is printed: it
    holds a key.

    Examples:
        provgraph explore
        provgraph explore out/v3/model.pkl --no-open
    """
    session: Session = ctx.obj
    session.project().explore(selector, host=host, port=port, open_browser=open, say=session.say)


def structure(ctx: typer.Context, limit: Limit = 10, format: Format = "text") -> None:
    """Say where the graph is weak, slow or idle.

    Single points of failure, the critical path by recorded time, runs done again with the same
    inputs, things nothing rests on, the longest chains.

    Examples:
        provgraph structure
        provgraph structure --format json
    """
    session: Session = ctx.obj
    session.answer(session.project().structure(), format=format, limit=limit)
