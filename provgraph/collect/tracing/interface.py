"""The contract of a tracer: it prepares a command's environment, attends to it, reads the trace."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from provgraph.collect.trace import Trace


class Tracer(Protocol):
    """Watches one command. The spool is a directory of this run alone, on this host."""

    @property
    def name(self) -> str:
        """Name the method, as the record says it."""
        ...

    def environment(self, base: Mapping[str, str], spool: Path, program: str) -> dict[str, str]:
        """Prepare the spool, and give the environment to start the command's program with."""
        ...

    def attend(self, spool: Path) -> AbstractContextManager[None]:
        """Answer what the watched processes ask; entered once the command has been started."""
        ...

    def collect(self, spool: Path) -> Trace:
        """Read what was seen, from the spool alone: also after a crash, by another process."""
        ...
