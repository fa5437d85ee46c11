"""Questions about change: impact, status, why, lineage."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from provgraph.cli import answering
from provgraph.cli.moments import past_moment
from provgraph.cli.options import (
    Depth,
    Direction,
    Format,
    Limit,
    Platform,
    Selector,
    Selectors,
    recorded_names,
)


def impact(
    ctx: typer.Context,
    selectors: Selectors = [],  # noqa: B006 - typer reads it, nobody changes it
    *,
    suppose: Annotated[
        list[str] | None,
        typer.Option(
            "--if",
            metavar="SELECTOR=VALUE",
            help="Suppose this content: a version, a config value, absent, or a file's path.",
            show_default=False,
        ),
    ] = None,
    deleted: Annotated[
        list[str] | None,
        typer.Option(
            "--if-deleted",
            metavar="SELECTOR",
            help="Suppose these files gone: what could no longer be reproduced?",
            show_default=False,
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            metavar="DATE|RUN|COMMIT",
            help="Ask what was known then: until a date, after a run, in a commit's history.",
            show_default=False,
        ),
    ] = None,
    all: Annotated[
        bool,
        typer.Option("--all", help="Everything ever reached, whether it still rests on it or not."),
    ] = False,
    depth: Depth = None,
    platform: Platform = False,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="NODE",
            help="Show every path by which the change reaches NODE.",
            autocompletion=recorded_names,
            show_default=False,
        ),
    ] = None,
    limit: Limit = answering.SHOWN,
    format: Format = "text",
) -> None:
    """Say what a change would affect, why, and what is not known.

    Names what falls if any of these changed: each with the path by which the change reaches it,
    what was stale before, what blocks the answer, and the commands that would renew it all.

    Examples:
        provgraph impact data/v3
        provgraph impact params.yaml#model.depth
        provgraph impact env:scikit-learn --format json
        provgraph impact --if env:numpy=2.1 --if params.yaml#lr=0.1
        provgraph impact --if-deleted data/v1
        provgraph impact data/v3 --as-of 2026-11-01
        provgraph impact data/v3 --explain out/summary.csv
    """
    answering.impact(
        ctx.obj,
        selectors,
        all=all,
        depth=depth,
        platform=platform,
        explain=explain,
        suppose=suppose or (),
        deleted=deleted or (),
        as_of=as_of if as_of is None else past_moment(as_of, now=datetime.now().astimezone()),
        limit=limit,
        format=format,
    )


def status(
    ctx: typer.Context,
    *,
    platform: Platform = False,
    all: Annotated[
        bool, typer.Option("--all", help="List everything; the same as --limit 0.")
    ] = False,
    limit: Limit = answering.SHOWN,
    format: Format = "text",
) -> None:
    """Compare the working tree with what was recorded.

    Lists what is stale, behind, modified by hand or missing, each with its cause, and the commands
    that would renew it.

    Examples:
        provgraph status
        provgraph status --all
        provgraph status --format csv > status.csv
    """
    answering.status(ctx.obj, platform=platform, all=all, limit=limit, format=format)


def why(
    ctx: typer.Context,
    effect: Annotated[
        str,
        typer.Argument(metavar="EFFECT", help="What to explain.", autocompletion=recorded_names),
    ],
    because: Annotated[
        str | None,
        typer.Option(
            "--because",
            metavar="CAUSE",
            help="Show only how it came from CAUSE.",
            autocompletion=recorded_names,
            show_default=False,
        ),
    ] = None,
    limit: Limit = answering.SHOWN,
    format: Format = "text",
) -> None:
    """Say why a thing is as it is: the decisive paths from its sources.

    Examples:
        provgraph why out/v3/figure.png
        provgraph why out/summary.csv --because data/v3
    """
    answering.why(ctx.obj, effect, because=because, limit=limit, format=format)


def lineage(
    ctx: typer.Context,
    selector: Selector,
    *,
    direction: Direction = "up",
    depth: Depth = None,
    limit: Limit = answering.SHOWN,
    format: Format = "text",
) -> None:
    """Show what a thing came from, what came from it, or both.

    Examples:
        provgraph lineage out/v3/model.pkl
        provgraph lineage data/v3 --direction down --depth 2
    """
    answering.lineage(
        ctx.obj, selector, direction=direction, depth=depth, limit=limit, format=format
    )
