"""Which command line each event of a watched shell belongs to.

A process belongs to the line that its first ancestor below the shell was started by; what the shell
does itself, to the line that it is carrying out. What it does between two lines (its prompt) is
nobody's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace

from provgraph.collect.trace import Access, Process
from provgraph.collect.tracing.preload.ring import Event


@dataclass
class Line:
    """A command line: what was typed (empty where nobody knows), and what it did.

    Times are ns since 1970. `status` is None where nobody said how it ended. `kept` is what the
    shell itself had learnt before from files, by its variables and functions. A line that `secret`
    keeps out of the shell's history stays out of ours; one that is `whole` means the same in
    another shell.
    """

    number: int
    started: int
    ended: int
    status: int | None = None
    cwd: str = ""
    text: str = ""
    events: list[Event] = field(default_factory=list)
    pids: set[int] = field(default_factory=set)
    kept: tuple[Access, ...] = ()
    kept_by: tuple[Process, ...] = ()
    secret: bool = False
    whole: bool = False

    def doings(self, shell: int, before: Collection[bytes]) -> tuple[object, ...]:
        """Tell it from other lines by the programs started, and by what the shell did itself.

        `before` are the things that the shell had open from its start.
        """
        started = sorted(e.other for e in self.events if e.kind in "ES")
        own = sorted(
            (e.kind, e.path) for e in self.events if e.pid == shell and e.kind in "rwuadnl"
        )
        handed = sorted((e.number, _thing(e.path, before)) for e in self.events if e.kind == "f")
        return (*started, *own, *handed)


def _thing(path: bytes, before: Collection[bytes]) -> bytes:
    """Give a name to what a descriptor is, the same for each new pipe."""
    return b"pipe:" if path.startswith(b"pipe:") and path not in before else path


class Lines:
    """Takes the events of a shell in order, and gives its lines."""

    def __init__(self, shell: int) -> None:
        self.shell = shell
        self.itself: list[Event] = []  # how the shell began, and with what in its hands
        self._of: dict[int, Line | None] = {}
        self._rest: list[Event] = []
        self._number = 0

    def take(self, events: Iterable[Event]) -> None:
        """Take what was seen since; only lines that were given before grow by it."""
        for event in events:
            pid = event.pid
            if pid == self.shell and event.kind in "pf":
                self.itself.append(event)
            elif pid == self.shell:
                self._rest.append(event)
            else:
                self._grow(event, pid)

    def _grow(self, event: Event, pid: int) -> None:
        forked = event.kind == "k" or (event.kind == "p" and pid not in self._of)
        line = self._of.get(event.number if forked else pid)
        if line is None:
            self._rest.append(event)
            return
        self._of[pid] = line
        line.pids.add(pid)
        line.events.append(event)

    def turn(self, started: int, ended: int) -> Line:
        """End a line: give it what was taken since the last one, from its start on."""
        self._number += 1
        line = Line(self._number, started, ended)
        parents = {e.pid: e.number for e in reversed(self._rest) if e.kind == "p"}
        for event in self._rest:
            if event.pid == self.shell:
                if event.when >= started:
                    line.events.append(event)
                continue
            owner = self._owner(event, parents, line)
            if owner is not None:
                owner.pids.add(event.pid)
                owner.events.append(event)
        self._rest = []
        return line

    def _owner(self, event: Event, parents: dict[int, int], line: Line) -> Line | None:
        pid = event.pid
        if event.kind == "k":
            above = event.number
        elif pid in self._of:
            return self._of[pid]
        else:
            above = parents.get(pid, self.shell)
        if above in self._of and above != self.shell:
            self._of[pid] = self._of[above]
        else:
            self._of[pid] = line if event.when >= line.started else None
        return self._of[pid]

    def forget(self, still_there: Callable[[int], bool]) -> None:
        """Forget processes that have ended; their numbers may be used again."""
        self._of = {pid: line for pid, line in self._of.items() if still_there(pid)}

    def began(self, line: Line) -> list[Event]:
        """Give the shell's beginning, put before a line, without the file that lines come from."""
        kept = (event for event in self.itself if event.kind != "f" or not event.stat)
        return [replace(event, when=line.started - 1) for event in kept]
