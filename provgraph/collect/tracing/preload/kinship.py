"""Read from the library's events who started whom."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from provgraph.collect.family import NOBODY, Family, Given, Program
from provgraph.collect.noise import IDLE_PORTS, SESSION_SOCKETS
from provgraph.collect.tracing.aside import ASIDE
from provgraph.collect.tracing.preload.ring import Event, port_of

_MOST = 20_000  # programs; beyond, numbers of processes may have come round
_SOCKET = b"socket:"
_ASKING = re.compile(rf"(?:/spool/\w{{26}}/events|{ASIDE})/ask\Z")


@dataclass(slots=True)
class _Phase:
    """What a process is, from a fork or an exec on. A fork belongs to a program: see `owner`."""

    since: int
    above: _Phase | None
    program: Program | None = None
    becomes: _Phase | None = None
    busy: bool = False  # it started others

    def owner(self) -> Program | None:
        """Give the program whose doing it is."""
        one: _Phase | None = self
        while one is not None:
            if one.program is not None:
                return one.program
            one = one.becomes or one.above
        return None


@dataclass
class _Reader:
    programs: list[Program] = field(default_factory=list)
    now: dict[int, _Phase] = field(default_factory=dict)
    phases: dict[int, list[_Phase]] = field(default_factory=dict)
    parents: list[_Phase | None] = field(default_factory=list)
    words: dict[int, tuple[str, ...]] = field(default_factory=dict)
    why: str = ""

    def take(self, event: Event) -> None:
        """Take the next event, in order of time."""
        kind, pid = event.kind, event.pid
        if kind == "k":
            above = self._above(event.number)
            self._begin(pid, _Phase(event.when, above))
        elif kind == "E":
            self.words[pid] = _words(event.other)
        elif kind == "S" and event.child:
            self.words[event.child] = _words(event.other)
        elif kind == "p":
            self._program(event)
        elif kind == "f" and (program := self._program_of(pid)) is not None:
            program.given.append(Given(event.number >> 2, event.number & 3, event.path, event.stat))
            outside = {given.what for given in self.programs[0].given}
            if event.path.startswith(_SOCKET) and event.path not in outside:
                self.why = self.why or "its programs talk through sockets"
        elif kind == "q":
            self._ended(event)
        elif kind == "m" and (phase := self.now.get(pid)) is not None:
            owner = phase.owner()
            if owner is not None:
                owner.shares.add(os.fsdecode(event.path))
        elif kind == "c" and _telling(event):
            self.why = self.why or "its programs talk through sockets"

    def _program_of(self, pid: int) -> Program | None:
        phase = self.now.get(pid)
        return None if phase is None else phase.program

    def _above(self, pid: int) -> _Phase | None:
        above = self.now.get(pid)
        if above is not None:
            above.busy = True
        else:
            self.why = self.why or "a process was left to itself"
        return above

    def _begin(self, pid: int, phase: _Phase) -> None:
        self.now[pid] = phase
        self.phases.setdefault(pid, []).append(phase)

    def _program(self, event: Event) -> None:
        pid = event.pid
        before = self.now.get(pid)
        if before is not None and before.program is not None and before.program.until is not None:
            before = None  # the number of a process that has ended, once more
        above: _Phase | None
        if before is None:
            above = self._above(event.number) if self.programs else None
        elif before.program is not None:  # one program put another in its place
            above = before
            before.program.until, before.program.replaced = event.when, True
        else:
            above = before if before.busy else before.above
        program = Program(
            number=len(self.programs),
            parent=NOBODY,
            pid=pid,
            since=event.when,
            argv=self.words.pop(pid, ()) or _words(event.other),
            cwd=os.fsdecode(event.before),
            forker=event.number,
        )
        phase = _Phase(event.when, above, program)
        if before is not None and before.program is None and not before.busy:
            before.becomes = phase
        self.programs.append(program)
        self.parents.append(above)
        self._begin(pid, phase)

    def _ended(self, event: Event) -> None:
        program = self._program_of(event.pid)
        if program is not None:
            program.status, program.until = event.number & 0xFF, event.when

    def family(self) -> Family:
        """Give what was read."""
        for program, above in zip(self.programs, self.parents, strict=True):
            owner = above.owner() if above is not None else None
            if owner is not None:
                program.parent = owner.number
            elif program.number:
                self.why = self.why or "a process was left to itself"
        if len(self.programs) > _MOST:
            self.why = "it started too many programs"
        phases = {
            pid: [
                (one.since, owner.number if (owner := one.owner()) is not None else NOBODY)
                for one in several
            ]
            for pid, several in self.phases.items()
        }
        return Family(self.programs, phases, self.why)


def family_of(events: Sequence[Event]) -> Family:
    """Give the programs that the library saw; `events` are in order of time."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.family()


def _telling(event: Event) -> bool:
    """Tell whether a connection may carry data between programs.

    Not one to the session, to a run within this, or to who tells what names lead to.
    """
    address = os.fsdecode(event.path)
    asking = address.startswith(SESSION_SOCKETS) or _ASKING.search(address)
    return not asking and port_of(event)[0] not in IDLE_PORTS


def _words(data: bytes) -> tuple[str, ...]:
    return tuple(os.fsdecode(word) for word in data.split(b"\0")[:-1])
