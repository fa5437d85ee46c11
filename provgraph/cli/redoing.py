"""Doing things again: redo, bisect."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provgraph.cli.options import Format, Limit, recorded_names
from provgraph.cli.session import Session
from provgraph.errors import Exit, UsageError

if TYPE_CHECKING:
    from provgraph.model.answers import RedoStep

BY_CTRL_C = 130


def redo(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TARGET]…",
            help="Results, steps or runs to bring up to date; without any, everything.",
            autocompletion=recorded_names,
            show_default=False,
        ),
    ] = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only show what would be done.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option("--jobs", "-j", min=1, metavar="N", help="Run up to N at a time."),
    ] = 1,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", "-k", help="After a failure go on with what is independent."),
    ] = False,
    overwrite: Annotated[
        list[str] | None,
        typer.Option(
            "--overwrite", metavar="NAME", help="Make NAME again, over an edit by hand; repeatable."
        ),
    ] = None,
    take: Annotated[
        list[str] | None,
        typer.Option(
            "--take", metavar="STEP", help="Let STEP make what two steps contest; repeatable."
        ),
    ] = None,
    arg: Annotated[
        list[str] | None,
        typer.Option(
            "--arg",
            metavar="SECRET",
            help="A secret that a recorded command left out; '$NAME' reads a variable; repeatable.",
        ),
    ] = None,
    limit: Limit = 10,
    format: Format = "text",
) -> None:
    """Do again what isn't current: the fewest recorded commands, in order, watched.

    Each command is run as it was recorded, in its directory. After each it is judged anew, so
    that content which comes out equal spares what rests on it. Stops at the first failure. Edits
    by hand are never overwritten unasked. Exit 1 if something isn't up to date in the end; what
    was interrupted or killed goes on with the next redo.

    Examples:
        provgraph redo --dry-run
        provgraph redo
        provgraph redo out/v3/figure.png
        provgraph redo --jobs 4 --keep-going
    """
    session: Session = ctx.obj
    asks = format == "text" and sys.stdin is not None and sys.stdin.isatty()
    answer = session.project().redo(
        targets or [],
        dry_run=dry_run,
        jobs=jobs,
        keep_going=keep_going,
        overwrite=overwrite or [],
        take=take or [],
        secrets=[_secret(text) for text in arg or ()],
        say=session.say,
        decide=decide if asks and sys.stderr.isatty() else None,
    )
    session.answer(answer, format=format, limit=limit)
    if answer.totals["interrupted"]:
        raise typer.Exit(BY_CTRL_C)
    if not dry_run and (answer.left or answer.totals["failed"]):
        raise typer.Exit(Exit.GATE_FAILS)


def bisect(
    ctx: typer.Context,
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="The number that differs.")],
    before: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The earlier run.", autocompletion=recorded_names),
    ],
    after: Annotated[
        str,
        typer.Argument(metavar="RUN", help="The later run.", autocompletion=recorded_names),
    ],
    *,
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            min=0.0,
            metavar="X",
            help="Values this far apart count as equal.",
            show_default="a billionth of the larger",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Only show what would be tried.")
    ] = False,
    limit: Limit = 10,
    format: Format = "text",
) -> None:
    """Find which differences between two runs decide a metric.

    Does both runs' pipeline again in a copy that is removed in the end, with some of the later
    run's files, config keys, variables and arguments and the earlier one's others, and narrows
    them down to the fewest that give the later value. The project's files and ledger aren't
    touched. Packages and the machine can't be switched and are taken as they are. Exit 1 if none
    was found.

    Examples:
        provgraph bisect accuracy run:01J8 run:01J9
        provgraph bisect 'metrics.json: loss' run:01J8 run:01J9 --tolerance 0.01
    """
    session: Session = ctx.obj
    answer = session.project().bisect(
        metric, before, after, tolerance=tolerance, dry_run=dry_run, say=session.say
    )
    session.answer(answer, format=format, limit=limit)
    if not dry_run and not answer.deciding:
        raise typer.Exit(Exit.GATE_FAILS)


def decide(question: RedoStep) -> str | None:
    """Ask a person at the terminal; gives a choice, or None where they leave it."""
    sys.stderr.write(f"provgraph: {question.subject}: {question.reason}\n")
    for number, choice in enumerate(question.choices, start=1):
        sys.stderr.write(f"  {number}  {choice}\n")
    sys.stderr.write("  Enter leaves it as it is: ")
    sys.stderr.flush()
    said = sys.stdin.readline().strip()
    if said.isdecimal() and 0 < int(said) <= len(question.choices):
        return question.choices[int(said) - 1]
    return None


def _secret(text: str) -> str:
    """Give a secret as it was given, or the value of the variable that is named."""
    if not text.startswith("$"):
        return text
    name = text[1:].strip("{}")
    if not os.environ.get(name):
        raise UsageError(f"--arg '{text}': {name} isn't set", hint=f"export {name}=…")
    return os.environ[name]
