"""What the explorer asks of a project: the questions as the command line asks them, and two more.

A `Project` is one. Answers hold from one `hold` to the next, so that what a page shows together
was seen together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from provgraph.model.answers import (
    Content,
    Impact,
    Lineage,
    Log,
    Mark,
    Match,
    Overview,
    RunDiff,
    Shown,
    Status,
    Structure,
)


class Subject(Protocol):
    """What can be explored."""

    @property
    def title(self) -> str:
        """The project's name."""

    def hold(self, *, for_seconds: float) -> str:
        """Look at the ledger and the files, unless that was so recently; names what was seen."""

    def impact(
        self,
        selectors: Sequence[str],
        *,
        all: bool = False,
        depth: int | None = None,
        platform: bool = False,
    ) -> Impact: ...

    def explain(self, selectors: Sequence[str], effect: str, *, all: bool = False) -> Lineage: ...

    def why(self, effect: str, *, because: str | None = None) -> Lineage: ...

    def lineage(
        self, selector: str, *, direction: str = "up", depth: int | None = None
    ) -> Lineage: ...

    def graphml(self, ids: Collection[str]) -> str:
        """Give these nodes and what is between them as GraphML."""

    def status(self, *, platform: bool = False) -> Status: ...

    def diff(self, before: str, after: str) -> RunDiff: ...

    def log(
        self,
        *,
        step: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        touching: str | None = None,
        making: str | None = None,
        limit: int | None = 20,
    ) -> Log: ...

    def show(self, selector: str) -> Shown: ...

    def content(self, selector: str, *, most: int) -> Content:
        """Give the bytes of a recorded version; raises CannotAnswer where they aren't at hand."""

    def near(self, selector: str, *, also: Sequence[str] = ()) -> Lineage: ...

    def marks(self, ids: Sequence[str]) -> Mapping[str, Mark]:
        """Give what nodes can be narrowed by: step, time, tracing, project, agent."""

    def told_by(self, selector: str) -> str:
        """Give the selector that a person would use for what this one means."""

    def structure(self) -> Structure: ...

    def overview(self) -> Overview: ...

    def search(self, text: str, *, limit: int = 20) -> list[Match]: ...

    def note(self, selector: str, text: str) -> str: ...

    def pin(self, selector: str, *, as_: str = "pinned") -> str: ...
