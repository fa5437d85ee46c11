"""The console entry: parse, answer, and turn every failure into a sentence and an exit code.

Nothing heavy is imported here: `provgraph run` doesn't pay for typer, which takes longer to load
than everything else a run needs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from provgraph.cli import failure
from provgraph.cli.session import ReaderGone, Session
from provgraph.errors import Exit, ProvgraphError

if TYPE_CHECKING:
    from provgraph.project import Project

COMPLETION = "_PROVGRAPH_COMPLETE"
BY_CTRL_C = 130
BY_SIGPIPE = 141


def main(words: Sequence[str] | None = None, *, projects: type[Project] | None = None) -> int:
    """Run one command and give its exit code. `projects` is what opens projects."""
    words = list(sys.argv[1:] if words is None else words)
    _write_any_name()
    directory, debug, rest = leading(words)
    if debug:
        # Child commands and tracers of ours see it, too.
        os.environ["PROVGRAPH_DEBUG"] = "1"
    session = Session(directory, debug=failure.debugging(), projects=projects)
    if rest[:1] == ["run"] and COMPLETION not in os.environ:
        from provgraph.cli import launch

        if not launch.wants_help(rest[1:]):
            return launch.main(rest[1:], session)
    return _guarded(words, rest, session)


def leading(words: Sequence[str]) -> tuple[str | None, bool, list[str]]:
    """Split the global options off: directory, debug, and the words from the command on."""
    directory: str | None = None
    debug = False
    rest = list(words)
    while rest:
        if rest[0] == "--debug":
            debug = True
            del rest[0]
        elif rest[0] in ("-C", "--project") and len(rest) > 1:
            directory = rest[1]
            del rest[:2]
        elif rest[0].startswith("--project="):
            directory = rest.pop(0).partition("=")[2]
        elif rest[0].startswith("-C") and len(rest[0]) > 2:
            directory = rest.pop(0)[2:]
        else:
            break
    return directory, debug, rest


def _guarded(words: list[str], rest: list[str], session: Session) -> int:
    try:
        code = _answer(words, rest, session)
    except ProvgraphError as error:
        failure.tell(error)
        return error.exit_code
    except KeyboardInterrupt:
        return BY_CTRL_C
    except (ReaderGone, BrokenPipeError):
        return BY_SIGPIPE
    except OSError as error:
        failure.tell(failure.of_system(error))
        return Exit.CANNOT_ANSWER
    except Exception as error:  # noqa: BLE001 - a bug of ours; the traceback is one option away
        failure.tell(error)
        return Exit.CANNOT_ANSWER
    return code


def _answer(words: list[str], rest: list[str], session: Session) -> int:
    if COMPLETION not in os.environ:
        from provgraph.cli import plain

        ask = plain.read(rest)
        if ask is not None:
            ask(session)
            return Exit.DONE
    from provgraph.cli.app import answer

    return answer(words or ["--help"], session)


def _write_any_name() -> None:
    """Let what the terminal's encoding can't show be written as an escape, not as an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
