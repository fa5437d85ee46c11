"""`provgraph run`: take the command apart from our options, have it watched, end as it ended."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

from provgraph.cli import failure
from provgraph.cli.session import Session
from provgraph.errors import Exit, NotWatched, ProvgraphError, RunFailed, UsageError

ONCE = ("--name", "--note")
REPEATED = ("--uses", "--produces", "--param")
FLAGS = ("--trace-calls",)


class Order(NamedTuple):
    """A command to watch and what was said of it."""

    command: tuple[str, ...]
    name: str | None = None
    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    note: str | None = None
    calls: bool = False


def wants_help(words: Sequence[str]) -> bool:
    """Tell whether `--help` is among our own options."""
    return "--help" in _ours(words)[0]


def main(words: Sequence[str], session: Session) -> int:
    """Run what follows `provgraph run`; gives the command's own status, or 125 to 127."""
    try:
        return start(parse(words), session)
    except ProvgraphError as error:
        failure.tell(error)
        return error.exit_code if isinstance(error, RunFailed) else Exit.OWN_FAILURE
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - a bug of ours
        failure.tell(error)
        return Exit.OWN_FAILURE


def parse(words: Sequence[str]) -> Order:
    """Split our options from the command: after `--`, or from the first word that is no option."""
    ours, command = _ours(words)
    once: dict[str, str] = {}
    repeated: dict[str, list[str]] = {option: [] for option in REPEATED}
    rest = [word for word in ours if word not in FLAGS]
    while rest:
        option, equals, value = rest.pop(0).partition("=")
        if option not in ONCE + REPEATED:
            raise UsageError(
                f"provgraph run has no option {option}",
                hint="options of the command itself come after it: provgraph run -- COMMAND …",
            )
        if not equals:
            if not rest:
                raise UsageError(f"{option} needs a value")
            value = rest.pop(0)
        if option in ONCE:
            once[option] = value
        else:
            repeated[option].append(value)
    return Order(
        command=tuple(command),
        name=once.get("--name"),
        uses=tuple(repeated["--uses"]),
        produces=tuple(repeated["--produces"]),
        params=tuple(repeated["--param"]),
        note=once.get("--note"),
        calls="--trace-calls" in ours,
    )


def _ours(words: Sequence[str]) -> tuple[list[str], list[str]]:
    position = 0
    while position < len(words):
        word = words[position]
        if word == "--":
            return list(words[:position]), list(words[position + 1 :])
        if not word.startswith("-") or word == "-":
            break
        position += 2 if word in ONCE + REPEATED else 1
    return list(words[:position]), list(words[position:])


def start(order: Order, session: Session) -> int:
    """Have the command watched; where that can't be, say so and run it all the same.

    Gives the command's status. A signal that ended it ends this process, too. Raises UsageError,
    RunFailed.
    """
    params = dict(_param(text) for text in order.params)
    if not order.command:
        raise UsageError("no command to run", hint="for example: provgraph run -- python train.py")
    if _is_off():
        replace_by(order.command)
    try:
        project = session.project()
    except Exception as error:  # noqa: BLE001 - capture never harms the run it watches
        failure.tell(error)
        _unwatched(order.command)
    try:
        status = project.run(
            order.command,
            name=order.name,
            uses=order.uses,
            produces=order.produces,
            params=params,
            note=order.note,
            calls=order.calls,
            say=failure.say,
        )
    except NotWatched as error:
        failure.tell(error)
        _unwatched(order.command)
    return status if status >= 0 else end_by(-status)


def shell(wanted: str | None, session: Session) -> int:
    """Start a shell whose lines are recorded; gives its status. A signal ends us as it ended it.

    Raises UsageError, CannotAnswer, RunFailed: an unwatched shell has no need of us.
    """
    from provgraph.collect.nested import watched_shells
    from provgraph.collect.shell.startup import shell_of

    program = shell_of(wanted, os.environ)
    if _is_off():
        replace_by([program])
    project = session.project()
    if watched_shells(project.ledger.place):
        raise UsageError("this shell is watched already")
    if sys.stdin is not None and sys.stdin.isatty():
        failure.say("commands in this shell are recorded; exit ends it")
    status = project.shell(program, say=failure.say)
    return status if status >= 0 else end_by(-status)


def _is_off() -> bool:
    return os.environ.get("PROVGRAPH", "").lower() in ("off", "0", "no", "false")


def _param(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"--param {text}: not of the form KEY=VALUE")
    return key, value


def _unwatched(command: Sequence[str]) -> NoReturn:
    failure.say("the command runs all the same; this run is not recorded")
    replace_by(command)


def replace_by(command: Sequence[str]) -> NoReturn:
    """Become the command, as if provgraph had never been there; raises RunFailed."""
    import signal

    # Python ignores these from its start, and what is ignored stays so in the new program.
    for name in ("SIGPIPE", "SIGXFSZ"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(command[0], list(command))  # noqa: S606 - no shell is wanted
    except (FileNotFoundError, ValueError) as error:
        raise RunFailed(
            f"{command[0] or repr('')}: no such command",
            exit_code=Exit.NOT_FOUND,
            hint="is it installed, and on the PATH?",
        ) from error
    except OSError as error:
        raise RunFailed(
            f"{command[0]}: {error.strerror}",
            exit_code=Exit.NOT_EXECUTABLE,
            hint="is it a program, or a script with a #! line, that you may execute?",
        ) from error


def end_by(number: int) -> int:
    """End this process by the signal that ended the command, without a second core dump.

    Gives 128 + the signal's number where the signal doesn't end us.
    """
    import resource
    import signal

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    except (OSError, ValueError):
        pass
    return 128 + number
