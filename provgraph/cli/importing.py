"""Bringing in what other systems recorded: import jsonl."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from provgraph.cli.options import Format
from provgraph.cli.session import Session

SHOWN_BAD = 20


def jsonl(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="Graph lines; - reads standard input.")
    ],
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave bad lines out instead of importing nothing.")
    ] = False,
    label: Annotated[
        str,
        typer.Option("--label", metavar="TEXT", help="Where it comes from.", show_default=False),
    ] = "",
    format: Format = "text",
) -> None:
    """Bulk-load a graph, one JSON object a line; all or nothing.

    A line is {"node": {"kind", "name", "digest"?, "props"?}, "ref": "7"} or
    {"edge": {"type", "from", "to", "props"?}}, where from and to are a ref or an existing id; see
    schemas/graph-line.json. A bad line is named with its number, and nothing is imported.

    Examples:
        provgraph import jsonl graph.jsonl --label "lab notebook, 2025"
        zcat graph.jsonl.gz | provgraph import jsonl - --skip-bad
    """
    from provgraph.cli.progress import Progress
    from provgraph.model.answers import Report

    session: Session = ctx.obj
    project = session.project()
    with nullcontext(sys.stdin.buffer) if file == "-" else open(file, "rb") as source:
        size = None if file == "-" else os.fstat(source.fileno()).st_size
        with Progress("lines", size=size) as progress:
            nodes, edges, bad = project.import_jsonl(
                progress.reading(source), skip_bad=skip_bad, label=label, progress=progress
            )
    words = [f"{nodes:,} nodes and {edges:,} edges imported"]
    if bad:
        words.append(f"{len(bad):,} bad lines left out")
        words += [f"  line {number:,}: {reason}" for number, reason in bad[:SHOWN_BAD]]
        if len(bad) > SHOWN_BAD:
            words.append(f"  … and {len(bad) - SHOWN_BAD:,} more (--format json lists all)")
    facts = {
        "nodes": nodes,
        "edges": edges,
        "left_out": [{"line": number, "reason": reason} for number, reason in bad],
    }
    session.answer(Report("import", ok=True, words=tuple(words), facts=facts), format=format)
