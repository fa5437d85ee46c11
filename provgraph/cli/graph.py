"""The graph: what it holds, and making it anew from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from provgraph.cli.options import Format
from provgraph.cli.session import Session

if TYPE_CHECKING:
    from provgraph.graph.interface import GraphStatus
    from provgraph.model.answers import Report


def status(ctx: typer.Context, format: Format = "text") -> None:
    """Say what the graph holds and what of the ledger isn't in it.

    Examples:
        provgraph graph status
    """
    session: Session = ctx.obj
    session.answer(_report_of(session.project().graph_status(), "graph status"), format=format)


def rebuild(ctx: typer.Context, format: Format = "text") -> None:
    """Make the graph anew from the ledger; nothing can be lost by it.

    Examples:
        provgraph graph rebuild
    """
    from provgraph.cli.progress import Progress

    session: Session = ctx.obj
    with Progress("records") as progress:
        made = session.project().rebuild(progress=progress)
    session.answer(_report_of(made, "graph rebuild"), format=format)


def _report_of(status: GraphStatus, about: str) -> Report:
    from provgraph.model.answers import Report, to_json

    words = [
        f"{status.records:,} records as {status.nodes:,} nodes and {status.edges:,} edges",
        f"in {status.place}",
    ]
    if status.left_out:
        words.append(f"{len(status.left_out):,} records are left out")
        words += [f"  {record}: {reason}" for record, reason in status.left_out]
    return Report(about, ok=not status.left_out, words=tuple(words), facts=to_json(status))
