"""The ledger: where it is, whether it is whole, sealing, erasing, sharing."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from provgraph.cli.options import Format, Selector
from provgraph.cli.progress import Progress
from provgraph.cli.session import Session
from provgraph.errors import Exit, UsageError


class Category(StrEnum):
    """What of a record lies in private objects of its own."""

    COMMAND = "command"
    AGENT = "agent"
    NOTE = "note"
    REMOTE = "remote"
    PATHS = "paths"
    PARAMS = "params"


Where = Annotated[
    str | None,
    typer.Argument(
        metavar="[REMOTE|FOLDER|NEO4J]",
        help="A git remote, a folder or object store as fsspec names it, or a Neo4j's URL.",
        show_default="the git remote of this branch, else origin",
    ),
]


def path(ctx: typer.Context) -> None:
    """Write where this project's ledger is.

    Examples:
        ls "$(provgraph ledger path)"
    """
    session: Session = ctx.obj
    session.write(f"{session.project().ledger_path}\n")


def verify(
    ctx: typer.Context,
    artifacts: Annotated[
        bool,
        typer.Option("--artifacts", help="Also whether the files on disk are what was recorded."),
    ] = False,
    format: Format = "text",
) -> None:
    """Check every record, object and seal; exit 1 if anything is damaged or missing.

    What was erased on purpose is said to be erased, not damaged.

    Examples:
        provgraph ledger verify
        provgraph ledger verify --artifacts
    """
    session: Session = ctx.obj
    with Progress("files") as progress:
        report = session.project().verify(artifacts=artifacts, progress=progress)
    session.answer(report, format=format)
    if not report.ok:
        raise typer.Exit(Exit.GATE_FAILS)


def seal(ctx: typer.Context, format: Format = "text") -> None:
    """Record the root of all records known now, and write it.

    Kept elsewhere, or signed, the root proves later that nothing was dropped or changed since.

    Examples:
        provgraph ledger seal --format json >> seals.jsonl
    """
    session: Session = ctx.obj
    session.answer(session.project().seal(), format=format)


def erase(
    ctx: typer.Context,
    selector: Selector,
    *,
    what: Annotated[
        list[Category] | None,
        typer.Option(
            "--what",
            help="Erase only this: the command line, user and host, notes, remotes, paths outside "
            "the project, parameters; repeatable.",
            show_default="all of it",
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Kept in the tombstone.")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    format: Format = "text",
) -> None:
    """Forget what a run or a note says of people: for ever, leaving a tombstone.

    What was shared before stays where it was shared until those places pull the tombstone.

    Examples:
        provgraph ledger erase run:01J8 --what agent --reason "left the lab"
        provgraph ledger erase out/v3/model.pkl --what note --yes
    """
    session: Session = ctx.obj
    project = session.project()
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("erasing can't be undone", hint="say --yes if you mean it")
        said = ", ".join(what) if what else "everything private"
        typer.confirm(f"Erase {said} of {selector} for ever?", abort=True, err=True)
    session.answer(project.erase(selector, categories=what or (), reason=reason), format=format)


def key(
    ctx: typer.Context,
    show: Annotated[
        bool, typer.Option("--show", help="Write the key itself, to hand to a colleague.")
    ] = False,
    install: Annotated[
        str | None,
        typer.Option(
            "--install",
            metavar="FILE|-",
            help="Take over a colleague's key, as --show wrote it.",
            show_default=False,
        ),
    ] = None,
    format: Format = "text",
) -> None:
    """Say which project key digests of unpublished values are made with, and where it is.

    Digests made with different keys are never compared; give colleagues the key by a safe way.

    Examples:
        provgraph ledger key
        provgraph ledger key --show | ssh desk provgraph -C project ledger key --install -
    """
    session: Session = ctx.obj
    if install is None:
        report = session.project().key()
    else:
        report = session.project().key(install=_read(install))
    if show:
        session.write(f"{report.facts['hex']}\n")
        return
    facts = {name: value for name, value in report.facts.items() if name != "hex"}
    session.answer(type(report)(report.about, report.ok, report.words, facts), format=format)


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    with open(file, "rb") as source:
        return source.read()


def push(
    ctx: typer.Context,
    where: Where = None,
    *,
    beside: Annotated[
        bool,
        typer.Option("--beside", help="Settle in a Neo4j database that holds others' data, too."),
    ] = False,
    format: Format = "text",
) -> None:
    """Send records that the other side lacks.

    To a git remote they go as refs/provgraph/ledger, with whoever may push there. A Neo4j keeps
    them and shows them as a graph; log in with NEO4J_USERNAME and NEO4J_PASSWORD or the keyring.

    Examples:
        provgraph push
        provgraph push /mnt/lab/penguins
        provgraph push s3://lab/penguins
        provgraph push neo4j+s://graph.example.org:7687
    """
    session: Session = ctx.obj
    more = {"beside": True} if beside else {}
    with Progress("files") as progress:
        report = session.project().push(where, progress=progress, **more)
    session.answer(report, format=format)


def pull(ctx: typer.Context, where: Where = None, format: Format = "text") -> None:
    """Fetch records that this side lacks; merging is their union.

    Examples:
        provgraph pull
        provgraph pull /mnt/lab/penguins
        provgraph pull neo4j+s://graph.example.org:7687
    """
    session: Session = ctx.obj
    with Progress("files") as progress:
        report = session.project().pull(where, progress=progress)
    session.answer(report, format=format)
