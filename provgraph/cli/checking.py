"""The merge check: what a change between two commits affects, and whether it may be merged."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provgraph.cli import answering
from provgraph.cli.options import Limit
from provgraph.cli.progress import Progress
from provgraph.errors import Exit, UsageError

if TYPE_CHECKING:
    from provgraph.model.checks import Check


def check(
    ctx: typer.Context,
    *,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="Compare with where the head left this branch, tag or commit (default: the base"
            " of [check], what CI says, or the main line).",
            show_default=False,
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            metavar="REF",
            help="The commit that would be merged (default: the working tree).",
            show_default=False,
        ),
    ] = None,
    worktree: Annotated[
        bool,
        typer.Option("--worktree", help="Check the working tree, uncommitted changes and all."),
    ] = False,
    pull: Annotated[
        bool,
        typer.Option("--pull", help="First fetch what others recorded, as `provgraph pull` does."),
    ] = False,
    output: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FORMAT=FILE",
            help="Also write the answer to a file, in a format of its own; may be repeated.",
            show_default=False,
        ),
    ] = None,
    limit: Limit = answering.SHOWN,
    format: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="text, json, csv, markdown (a pull request's comment), sarif, github"
            " (annotations) or gitlab (code quality).",
        ),
    ] = "text",
) -> None:
    """Say what a change affects, and whether it may be merged.

    Turns the difference between two commits into changed files, keys, functions and packages, and
    names what stops being current because of them: worst first, with the reason and the command
    that would renew it. Changes without effect are listed with the proof.

    The gate fails (exit code 1) where a pinned or published result stops being current, or a gap
    could hide that; [check] in provgraph.toml says otherwise.

    Examples:
        provgraph check
        provgraph check --base origin/main --head HEAD
        provgraph check --pull --format github --output markdown=comment.md
    """
    from provgraph.cli.style import style_of
    from provgraph.render.checks import known, write

    if worktree and head is not None:
        raise UsageError("--worktree and --head name two different heads", hint="give one of them")
    files = [_split(one) for one in output or ()]
    for named in (format, *(name for name, _ in files)):
        known(named)
    session = ctx.obj
    project = session.project()
    if pull:
        project.pull()
    with Progress("records") as progress:
        answer = project.check(base=base, head=head, progress=progress)
    for named, path in files:
        _write(path, answer, named, limit)
    session.write(write(answer, format, style_of(sys.stdout, limit=limit)))
    if not answer.passed:
        raise typer.Exit(Exit.GATE_FAILS)


def _split(output: str) -> tuple[str, str]:
    name, equals, path = output.partition("=")
    if not equals or not path:
        raise UsageError(
            f"«{output}» doesn't say both a format and a file",
            hint="such as --output sarif=provgraph.sarif",
        )
    return name, path


def _write(path: str, answer: Check, format: str, limit: int) -> None:
    from pathlib import Path

    from provgraph.errors import CannotAnswer
    from provgraph.render.checks import write
    from provgraph.render.interface import Style

    text = write(answer, format, Style(limit=limit))
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotAnswer(
            f"{path} can't be written: {error.strerror or error}", hint="name another file"
        ) from error
