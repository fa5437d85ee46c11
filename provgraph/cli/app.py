"""The wiring of the command line: every command and group, in the order help shows them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from provgraph.cli import (
    asking,
    checking,
    doctor,
    graph,
    hooking,
    importing,
    ledger,
    looking,
    querying,
    recording,
    redoing,
)
from provgraph.cli.session import Session
from provgraph.errors import Exit, UsageError

# Words after the first one that is no option belong to the command that is run.
UNTOUCHED = {"allow_interspersed_args": False, "ignore_unknown_options": False}


def answer(words: Sequence[str], session: Session) -> int:
    """Parse words and carry the command out; raises ProvgraphError."""
    command = get_command(app)
    try:
        outcome = command.main(
            args=list(words), prog_name="provgraph", standalone_mode=False, obj=session
        )
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except Exception as error:
        # Typer's own complaints share no public class.
        if not hasattr(error, "format_message"):
            raise
        path = getattr(getattr(error, "ctx", None), "command_path", "provgraph")
        raise UsageError(error.format_message(), hint=f"see {path} --help") from error
    return outcome if isinstance(outcome, int) else Exit.DONE


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("provgraph")
        except PackageNotFoundError:
            number = "(not installed)"
        typer.echo(f"provgraph {number}")
        raise typer.Exit


def root(
    ctx: typer.Context,
    directory: Annotated[
        str | None,
        typer.Option(
            "-C",
            "--project",
            metavar="DIR",
            help="Ask the project at or above DIR instead of the current directory.",
            show_default=False,
        ),
    ] = None,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show tracebacks of errors (or set PROVGRAPH_DEBUG=1)."),
    ] = False,
    _version_wanted: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Watch experiments run, keep what was seen, and ask what a change affects.

    Examples:
        provgraph init
        provgraph run -- python train.py
        provgraph impact data/v3
        provgraph status
    """
    session: Session = ctx.ensure_object(Session)
    session.directory = directory if directory is not None else session.directory
    session.debug = session.debug or debug


def _app(about: Callable[..., Any] | str, **more: Any) -> typer.Typer:
    made = typer.Typer(
        help=about if isinstance(about, str) else None,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        **more,
    )
    if not isinstance(about, str):
        text, examples = split_help(about)
        made.callback(help=text, epilog=as_epilog(examples))(about)
    return made


def _add(to: typer.Typer, name: str, command: Callable[..., Any], **more: Any) -> None:
    text, examples = split_help(command)
    to.command(name, help=text, epilog=as_epilog(examples), **more)(command)


def split_help(command: Callable[..., Any]) -> tuple[str, str]:
    """Split a command's docstring into its text and its examples."""
    text, _, examples = inspect.cleandoc(command.__doc__ or "").partition("Examples:\n")
    return text.strip(), inspect.cleandoc(examples)


def as_epilog(examples: str) -> str | None:
    """Lay examples out under a command's help; the mark keeps their lines as they are."""
    if not examples:
        return None
    lines = "\n".join("  " + line for line in examples.splitlines())
    return "\b\nExamples:\n" + lines


app = _app(root, add_completion=True)
_add(app, "init", recording.init)
_add(app, "run", recording.run, context_settings=UNTOUCHED)
_add(app, "shell", recording.shell)
_add(app, "impact", asking.impact)
_add(app, "status", asking.status)
_add(app, "check", checking.check)
_add(app, "redo", redoing.redo)
_add(app, "why", asking.why)
_add(app, "lineage", asking.lineage)
_add(app, "log", looking.log)
_add(app, "show", looking.show)
_add(app, "diff", looking.diff)
_add(app, "bisect", redoing.bisect)
_add(app, "structure", looking.structure)
_add(app, "explore", looking.explore)
_add(app, "render", looking.render)
_add(app, "query", querying.query)
_add(app, "note", recording.note)
_add(app, "pin", recording.pin)

_imports = _app("Bring in records of other systems.")
_add(_imports, "jsonl", importing.jsonl)
app.add_typer(_imports, name="import")

_add(app, "push", ledger.push)
_add(app, "pull", ledger.pull)

_hooks = _app("Check each commit and each push, by git's hooks.")
for _name, _command in (
    ("install", hooking.install),
    ("uninstall", hooking.uninstall),
    ("status", hooking.status),
):
    _add(_hooks, _name, _command)
app.add_typer(_hooks, name="hook")

_ledger = _app("Look after the ledger, where everything recorded is kept.")
_add(_ledger, "path", ledger.path)
_add(_ledger, "verify", ledger.verify)
_add(_ledger, "seal", ledger.seal)
_add(_ledger, "erase", ledger.erase)
_add(_ledger, "key", ledger.key)
app.add_typer(_ledger, name="ledger")

_graph = _app("Look after the graph that questions are asked of.")
_add(_graph, "status", graph.status)
_add(_graph, "rebuild", graph.rebuild)
_add(_graph, "export", graph.export)
app.add_typer(_graph, name="graph")

_add(app, "doctor", doctor.doctor)
