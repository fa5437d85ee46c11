"""Git hooks: the merge check before each commit or push."""

from __future__ import annotations

from typing import Annotated

import typer

from provgraph.cli.session import Session

PreCommit = Annotated[bool, typer.Option("--pre-commit", help="Only the one before commits.")]
PrePush = Annotated[bool, typer.Option("--pre-push", help="Only the one before pushes.")]


def install(
    ctx: typer.Context, *, pre_commit: PreCommit = False, pre_push: PrePush = False
) -> None:
    """Check each commit and each push in this repository.

    A hook that is there already is kept and run first. Where a pinned or published result would
    stop being current, git stops; `git commit --no-verify` or PROVGRAPH_SKIP=1 goes on all the
    same. Where provgraph can't answer, it says so and lets git go on.

    Examples:
        provgraph hook install
        provgraph hook install --pre-push
    """
    session: Session = ctx.obj
    session.answer(session.project().hook("install", _named(pre_commit, pre_push)))


def uninstall(
    ctx: typer.Context, *, pre_commit: PreCommit = False, pre_push: PrePush = False
) -> None:
    """Take the hooks away, and put back what was there before.

    Examples:
        provgraph hook uninstall
    """
    session: Session = ctx.obj
    session.answer(session.project().hook("uninstall", _named(pre_commit, pre_push)))


def status(ctx: typer.Context) -> None:
    """Say which hooks check this project.

    Examples:
        provgraph hook status
    """
    session: Session = ctx.obj
    session.answer(session.project().hook("status", ()))


def _named(pre_commit: bool, pre_push: bool) -> tuple[str, ...]:
    return ("pre-commit",) * pre_commit + ("pre-push",) * pre_push
