"""What one invocation knows: which project is asked, how answers look and where they go."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from provgraph.errors import CannotAnswer

if TYPE_CHECKING:
    from provgraph.project import Project


class ReaderGone(Exception):
    """Whoever read our standard output has stopped reading."""


class Session:
    """One invocation. `directory` is where to look for the project (None: here)."""

    def __init__(
        self,
        directory: str | None = None,
        *,
        debug: bool = False,
        projects: type[Project] | None = None,
    ) -> None:
        self.directory = directory
        self.debug = debug
        self._projects = projects

    @property
    def projects(self) -> type[Project]:
        """Give the class that finds and makes projects, importing it only now."""
        if self._projects is None:
            from provgraph.project import Project

            self._projects = Project
        return self._projects

    def project(self) -> Project:
        """Open the project at or above the directory; raises NotInProject, ConfigError."""
        return self.projects.find(self.directory)

    def answer(self, value: object, *, format: str = "text", limit: int | None = None) -> None:
        """Hand a value to its renderer and write what comes back to standard output."""
        from provgraph.cli.style import style_of
        from provgraph.render.interface import render

        self.write(render(value, format=format, style=style_of(sys.stdout, limit=limit)))

    def write(self, text: str) -> None:
        """Write data to standard output: all of it, or an error; raises ReaderGone."""
        if sys.stdout is None:
            raise CannotAnswer("standard output is closed; the answer has nowhere to go")
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            _let_go_of_stdout()
            raise ReaderGone from None
        except OSError as error:
            _let_go_of_stdout()
            raise CannotAnswer(
                f"the answer could not be written: {error.strerror or error}",
                hint="is the disk full, or the target closed?",
            ) from error

    def say(self, line: str) -> None:
        """Tell the person something that isn't data."""
        from provgraph.cli.failure import say

        say(line)


def _let_go_of_stdout() -> None:
    """Send what is still buffered nowhere, or Python would complain about it when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it lives as long as the process
