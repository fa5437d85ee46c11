"""Arguments and options that several commands share, with their help."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from provgraph.cli.session import Session


def recorded_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Complete a selector from recorded names; whatever goes wrong, nothing is offered."""
    try:
        session: Session = ctx.ensure_object(Session)
        session.directory = ctx.find_root().params.get("directory") or session.directory
        return session.project().names(incomplete)
    except Exception:  # noqa: BLE001 - a shell's prompt is no place for an error
        return []


Format = Annotated[
    Literal["text", "json", "csv"],
    typer.Option("--format", help="What to write: for people, or as data."),
]
Limit = Annotated[
    int,
    typer.Option("--limit", min=0, metavar="N", help="List the N most important; 0 lists all."),
]
Depth = Annotated[
    int | None,
    typer.Option("--depth", min=1, metavar="N", help="Go at most N steps.", show_default=False),
]
Platform = Annotated[
    bool,
    typer.Option("--platform", help="Count kernel, OS build and drivers as causes, too."),
]
Direction = Annotated[
    Literal["up", "down", "both"],
    typer.Option("--direction", help="To what it came from, to what came from it, or both."),
]
Selectors = Annotated[
    list[str],
    typer.Argument(
        metavar="SELECTOR",
        help="Paths, directories, name@digest, name#part, run:ID, env:PACKAGE, kind:KIND.",
        autocompletion=recorded_names,
    ),
]
Selector = Annotated[
    str,
    typer.Argument(
        metavar="SELECTOR",
        help="A path, name@digest, run:ID, env:PACKAGE, …",
        autocompletion=recorded_names,
    ),
]
