"""Putting facts in: init, run, shell, note, pin."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from provgraph.cli import launch
from provgraph.cli.options import Selector, recorded_names
from provgraph.cli.session import Session
from provgraph.errors import UsageError


def init(
    ctx: typer.Context,
    directory: Annotated[
        str | None,
        typer.Argument(metavar="[DIR]", help="The project's root.", show_default="here"),
    ] = None,
) -> None:
    """Make a project: its id and a commented provgraph.toml.

    Doing it twice changes nothing. The ledger goes into the git repository, or into .provgraph/
    where there is none.

    Examples:
        provgraph init
        provgraph init ~/experiments/penguins
    """
    session: Session = ctx.obj
    project, written = session.projects.init(directory or session.directory)
    for line in written or [f"{project.root} is a project already; nothing was changed"]:
        session.say(line)
    session.say("next: provgraph run -- COMMAND")


def run(
    ctx: typer.Context,
    command: Annotated[
        list[str],
        typer.Argument(metavar="COMMAND", help="The command and its own arguments."),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="STEP",
            help="The step this is a run of; else its program and arguments say so.",
            show_default=False,
        ),
    ] = None,
    uses: Annotated[
        list[str] | None,
        typer.Option(
            "--uses", metavar="P", help="Something it reads that may not be seen; repeatable."
        ),
    ] = None,
    produces: Annotated[
        list[str] | None,
        typer.Option(
            "--produces", metavar="P", help="Something it writes that may not be seen; repeatable."
        ),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="K=V", help="A parameter of this run; repeatable."),
    ] = None,
    note: Annotated[
        str | None,
        typer.Option("--note", metavar="TEXT", help="Why it is run.", show_default=False),
    ] = None,
    trace_calls: Annotated[
        bool,
        typer.Option(
            "--trace-calls",
            help="See which Python functions run, so that a change of another one is none"
            " (slower, most of all before Python 3.12).",
        ),
    ] = False,
) -> None:
    """Run a command and record what it reads and writes.

    The command runs as without provgraph: in place, with this terminal, and its exit status and
    signals are passed on. Everything after -- (or after the first word that is no option) is its
    own. PROVGRAPH=off runs it unwatched; where provgraph itself fails, it runs and that is said.
    125 to 127 are provgraph's own failures, as with env.

    Examples:
        provgraph run -- python train.py --epochs 5
        provgraph run --name train --param lr=0.1 -- python train.py
        provgraph run -- sh -c 'sort < in.csv > out.csv'
    """
    order = launch.Order(
        command=tuple(command),
        name=name,
        uses=tuple(uses or ()),
        produces=tuple(produces or ()),
        params=tuple(param or ()),
        note=note,
        calls=trace_calls,
    )
    raise typer.Exit(launch.start(order, ctx.obj))


def shell(
    ctx: typer.Context,
    shell: Annotated[
        str | None,
        typer.Option("--shell", metavar="bash|zsh", help="Which one.", show_default="yours"),
    ] = None,
) -> None:
    """Start a shell in which each command line is recorded, as if behind `provgraph run --`.

    It is your own shell, with your own settings; exit ends it. A line is recorded, when it is done,
    if it made or removed something of the project, or ran code of it. What is edited or checked out
    by hand (vim, git) is no product. A line of several programs is a run for each step of it, and
    one that groups them.

    Examples:
        provgraph shell
        provgraph shell --shell zsh
    """
    session: Session = ctx.obj
    raise typer.Exit(launch.shell(shell, session))


def note(
    ctx: typer.Context,
    selector: Selector,
    text: Annotated[str, typer.Argument(metavar="TEXT|-", help="What to say; - reads it.")],
) -> None:
    """Say why something was done; the text can be erased again.

    Writes the name of the record that holds it.

    Examples:
        provgraph note run:01J8 "the learning rate of the paper"
        git log -1 --format=%B | provgraph note out/v3/model.pkl -
    """
    session: Session = ctx.obj
    said = sys.stdin.read().strip() if text == "-" else text.strip()
    if not said:
        raise UsageError("an empty note says nothing", hint="provgraph note SELECTOR TEXT")
    session.write(session.project().note(selector, said) + "\n")


def pin(
    ctx: typer.Context,
    result: Annotated[
        str,
        typer.Argument(metavar="RESULT", help="What to hold on to.", autocompletion=recorded_names),
    ],
    as_: Annotated[
        Literal["published", "pinned", "none"],
        typer.Option("--as", help="How it is held on to; none lets go."),
    ] = "pinned",
) -> None:
    """Hold on to a result as it is now: every answer points it out.

    Writes the name of the record that says so.

    Examples:
        provgraph pin out/v3/figure.png --as published
        provgraph pin out/v1/model.pkl --as none
    """
    session: Session = ctx.obj
    session.write(session.project().pin(result, as_=as_) + "\n")
