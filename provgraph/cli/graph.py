"""The graph: what it holds, making it anew from the ledger, handing it to other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from provgraph.cli.options import Depth, Direction, Format, recorded_names
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


def export(
    ctx: typer.Context,
    selectors: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SELECTOR]",
            help="What to export the graph around; without it, everything.",
            autocompletion=recorded_names,
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        Literal["graphml", "node-link", "csv", "parquet"],
        typer.Option("--format", help="What to write; csv and parquet are a folder of files."),
    ] = "graphml",
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="The file or folder to write.",
            show_default="graph.graphml, graph.json, graph-csv or graph-parquet",
        ),
    ] = None,
    direction: Direction = "both",
    depth: Depth = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what an earlier export wrote there.")
    ] = False,
) -> None:
    """Hand the graph to other tools: Gephi, networkx, Neo4j's bulk importer, Spark.

    graphml and node-link (JSON) are one file; csv is laid out for `neo4j-admin database import
    full`, parquet for Spark GraphFrames.

    Examples:
        provgraph graph export -o graph.graphml
        provgraph graph export --format csv -o for-neo4j
        provgraph graph export data/raw.csv --direction down --format node-link
    """
    from provgraph.cli.progress import Progress

    session: Session = ctx.obj
    with Progress("nodes and relationships") as progress:
        made = session.project().export(
            format,
            output,
            selectors=tuple(selectors or ()),
            direction=direction,
            depth=depth,
            force=force,
            progress=progress,
        )
    session.answer(made)


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
