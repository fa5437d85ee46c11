"""The contract of a tracer: it prepares a command's environment, attends to it, reads the trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from provgraph.collect.trace import Trace


@dataclass(frozen=True, slots=True)
class Start:
    """What to execute, with which words and in which environment."""

    program: str
    argv: Sequence[str]
    environ: Mapping[str, str]


class Tracer(Protocol):
    """Watches one command. The spool is a directory of this run alone, on this host."""

    @property
    def name(self) -> str:
        """Name the method, as the record says it."""
        ...

    def prepare(
        self, base: Mapping[str, str], spool: Path, program: str, command: Sequence[str]
    ) -> Start:
        """Prepare the spool, and say how to start the command, whose program was found."""
        ...

    def attend(self, spool: Path) -> AbstractContextManager[None]:
        """Answer what the watched processes ask; entered once the command has been started."""
        ...

    def collect(self, spool: Path) -> Trace:
        """Read what was seen, from the spool alone: also after a crash, by another process."""
        ...
