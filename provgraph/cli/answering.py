"""What the question commands do once their words are read: one call, one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provgraph.cli.progress import Progress
from provgraph.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from provgraph.cli.session import Session

SHOWN = 10  # hits listed, where nothing else is asked for


def impact(
    session: Session,
    selectors: list[str],
    *,
    all: bool = False,
    depth: int | None = None,
    platform: bool = False,
    explain: str | None = None,
    suppose: Sequence[str] = (),
    deleted: Sequence[str] = (),
    as_of: str | None = None,
    limit: int = SHOWN,
    format: str = "text",
) -> None:
    """Say what a change would affect; with `explain`, every path to one thing."""
    if not (selectors or suppose or deleted):
        raise UsageError("impact of what?", hint="provgraph impact SELECTOR…")
    if explain is None:
        with Progress("records") as progress:
            answer = session.project().impact(
                selectors,
                all=all,
                depth=depth,
                platform=platform,
                suppose=suppose,
                deleted=deleted,
                as_of=as_of,
                progress=progress,
            )
        session.answer(answer, format=format, limit=limit)
        return
    if suppose or deleted or as_of:
        raise UsageError(
            "--explain shows what is recorded; it goes with none of --if, --if-deleted, --as-of",
            hint="provgraph impact SELECTOR --explain NODE",
        )
    if depth is not None or platform:
        raise UsageError(
            "--explain shows every path; it goes with neither --depth nor --platform",
            hint="provgraph impact SELECTOR --explain NODE",
        )
    paths = session.project().explain(selectors, explain, all=all)
    session.answer(paths, format=format, limit=limit)


def status(
    session: Session,
    *,
    platform: bool = False,
    all: bool = False,
    limit: int = SHOWN,
    format: str = "text",
) -> None:
    """Compare the working tree with what was recorded."""
    answer = session.project().status(platform=platform)
    session.answer(answer, format=format, limit=0 if all else limit)


def why(
    session: Session,
    effect: str,
    *,
    because: str | None = None,
    limit: int = SHOWN,
    format: str = "text",
) -> None:
    """Say why a thing is as it is."""
    answer = session.project().why(effect, because=because)
    session.answer(answer, format=format, limit=limit)


def lineage(
    session: Session,
    selector: str,
    *,
    direction: str = "up",
    depth: int | None = None,
    limit: int = SHOWN,
    format: str = "text",
) -> None:
    """Show what a thing came from, what came from it, or both."""
    answer = session.project().lineage(selector, direction=direction, depth=depth)
    session.answer(answer, format=format, limit=limit)
