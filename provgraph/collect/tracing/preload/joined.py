"""Join what the native library, strace and the audit hooks saw into one trace.

Where both look at a process, the hooks speak for Python, whose files they tell apart by what they
are opened for; the library, told so, keeps to what other code in the process does.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

from provgraph.collect.nested import told
from provgraph.collect.noise import HANDING_OVER, IDLE_PORTS, SERVERS, SESSION_SOCKETS
from provgraph.collect.system.places import is_system
from provgraph.collect.trace import Access, Action, Process, Touch, Trace
from provgraph.collect.tracing import network, programs
from provgraph.collect.tracing.audit.loads import Opening, proven
from provgraph.collect.tracing.audit.log import ProcessLog, Spawn, are_lost, read_logs, wanted_logs
from provgraph.collect.tracing.audit.tree import Command, Sight, command_of, label_of, trace_of
from provgraph.collect.tracing.preload import ring
from provgraph.collect.tracing.preload.kinship import family_of
from provgraph.collect.tracing.preload.ring import Event, port_of
from provgraph.collect.tracing.preload.strace import TOP, Traced, read_log
from provgraph.collect.tracing.preload.touched import BYTECODE, of_strace, touches

_ACTIONS: dict[str, Action] = {
    "r": "read",
    "w": "write",
    "u": "update",
    "a": "append",
    "x": "absent",
    "e": "exists",
    "l": "list",
    "d": "remove",
    "n": "rename",
}
_PATIENCE = 0.3  # s for processes that are about to end
_LAST_WORDS = 5.0  # s for strace, which is still there, to write down what it saw
_HELPERS = ("multiprocessing.resource_tracker", "multiprocessing.forkserver")
_WITHOUT_HOOKS = re.compile("-[A-Za-z]*[IES]")
_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*[a-z]*\Z")


def read_trace(spool: Path, method: str, *, ended: bool = True) -> Trace:
    """Give what both saw of the command whose processes logged into this spool.

    `ended`: the command has, so that whatever still runs is one that outlived it.
    """
    command = command_of(spool)
    going_on: list[int] = []
    events, _, _ = ring.read(spool)
    until = time.monotonic() + _PATIENCE
    while ended and (going_on := _going_on(spool, events, command)) and time.monotonic() < until:
        time.sleep(0.01)  # helpers end when they notice that the command has
    events, lost, config = ring.read(spool)
    part = Part(command, events, config, lost=lost, ended=ended, going_on=tuple(going_on))
    return read_part(spool, method, part)


@dataclass(frozen=True)
class Part:
    """What the library saw of a command, or of one of several that are watched together.

    `lost`: events of it may be missing. `going_on` are its processes that outlived it. `pids` are
    all of them, None where nothing else was watched, and none began before `since`.
    """

    command: Command
    events: list[Event]
    config: Sequence[bytes]
    lost: bool = False
    ended: bool = True
    going_on: Sequence[int] = ()
    pids: AbstractSet[int] | None = None
    since: int = 0


def read_part(spool: Path, method: str, part: Part) -> Trace:
    """Give what library, strace and hooks saw of a command."""
    command, events = part.command, part.events
    traced = _traced(spool, events, command)
    until = time.monotonic() + _LAST_WORDS
    while (
        part.ended and not all(log.complete for log in traced.values()) and time.monotonic() < until
    ):
        time.sleep(0.05)
        traced = _traced(spool, events, command)
    wanted = wanted_logs(spool)
    every = read_logs(spool)
    logs = [
        log
        for log in every
        if part.pids is None or (log.pid in part.pids and log.began >= part.since)
    ]
    seen = _Native(logs, command, events, part.config, traced)
    gaps = [*seen.gaps(), *network.gaps_of(seen.traffic(), logs)]
    if part.lost or are_lost(wanted, every):
        gaps.append(("log-cut", label_of(command.argv)))
    for pid in part.going_on:
        last = seen.by_pid.get(pid, [None])[-1]
        if last is None:
            gaps.append(("log-cut", label_of(command.argv)))  # it forked, and goes on
        elif not (last.harmless or last.helper):
            gaps.append(("log-cut", last.label))
    sight = Sight(
        since={pid: [one.since for one in several] for pid, several in seen.by_pid.items()},
        unproven=seen.unproven(),
        processes=seen.processes(),
        accesses=list(seen.accesses()),
        gaps=gaps,
        begun=command.pid in seen.by_pid
        or any(
            log.complete
            for when, log in traced.items()
            if when == 0 or any(e.when == when and e.pid == command.pid for e in events)
        ),
        loads=seen.loads,
    )
    trace = trace_of(logs, command, method, sight)
    return replace(
        trace, family=family_of(events), nested=told(spool), touches=tuple(seen.touches(trace))
    )


def _traced(spool: Path, events: Sequence[Event], command: Command) -> dict[int, Traced]:
    """Read what strace saw, by the time of the event that announced it; 0 for the command."""
    found = {}
    if (spool / TOP).exists():
        found[0] = read_log(os.fspath(spool / TOP), os.fsencode(command.cwd))
    for event in events:
        if event.kind in ("E", "S") and event.before:
            log, _, cwd = event.before.partition(b"\n")
            found[event.when] = read_log(os.fsdecode(log), cwd)
    return found


@dataclass
class _Program:
    """A program that the library was loaded into, from its start to the next in its process."""

    pid: int
    parent: int
    since: int
    executable: str
    argv: tuple[str, ...]
    cwd: str
    hooked: int = 0  # when the audit hooks began in it
    claimed: bool = False
    gaps: list[tuple[str, str]] = field(default_factory=list)

    @property
    def label(self) -> str:
        return label_of(self.argv) or os.path.basename(self.executable)

    @property
    def harmless(self) -> bool:
        return programs.is_harmless(self.executable, self.argv)

    @property
    def helper(self) -> bool:
        """Whether it only serves the processes that were, and ends when it notices their end."""
        return any(word in " ".join(self.argv) for word in _HELPERS)

    @property
    def python(self) -> bool:
        return _PYTHON.match(os.path.basename(self.executable)) is not None


class _Native:
    """The library's events, by the program that they are of."""

    def __init__(
        self,
        logs: Sequence[ProcessLog],
        command: Command,
        events: list[Event],
        config: Sequence[bytes],
        traced: Mapping[int, Traced],
    ) -> None:
        self.events = events
        self.command = command
        self._root = config[0]
        self._left_out = (config[1], *config[config.index(b"", 6) + 1 :])
        self._traced = traced
        self._hooked = {log.pid: log.began for log in logs if log.how == "start"}
        self.programs: list[_Program] = []
        self.by_pid: dict[int, list[_Program]] = {}
        for event in events:
            if event.kind == "p":
                one = _Program(
                    event.pid,
                    event.number,
                    event.when,
                    os.fsdecode(event.path),
                    _words(event.other),
                    os.fsdecode(event.before),
                )
                self.programs.append(one)
                self.by_pid.setdefault(event.pid, []).append(one)
        for log in logs:
            program = self.program(log.pid, log.began) if log.how == "start" else None
            if program is not None:
                program.hooked = program.hooked or log.began
        self._execs: dict[int, list[int]] = {}
        for event in events:
            if event.kind == "E":
                self._execs.setdefault(event.pid, []).append(event.when)
        self._skipped = tuple(dict.fromkeys(self._prefixes(logs)))
        self._openings = _openings(events)
        told = [one for log in logs for one in log.openings]
        loads = [load for log in logs for load in log.loads]
        self.loads = proven(loads, [*self._openings.values(), *told]) if loads else {}

    def program(self, pid: int, when: int) -> _Program | None:
        """Give the program that a process ran at a time; None for one that only forked."""
        found = None
        for one in self.by_pid.get(pid, ()):
            if one.since <= when:
                found = one
        return found

    def processes(self) -> list[Process]:
        """Give the processes that no hook reports."""
        return [
            Process(one.pid, one.parent, one.argv, report=True)
            for one in self.programs
            if not one.hooked
        ]

    # -- who is missing ----------------------------------------------------------------------

    def unproven(self) -> list[Spawn]:
        """Give the programs that were started and didn't say that the library was loaded."""
        found = []
        if self.by_pid.get(self.command.pid):
            self.by_pid[self.command.pid][0].claimed = True
        for event in self.events:
            if event.kind not in ("E", "S"):
                continue
            pid = event.pid if event.kind == "E" else event.child
            argv = _words(event.other)
            log = self._traced.get(event.when) if event.before else None
            if not (log.complete if log else self._reported(event, pid, argv)):
                path = os.fsdecode(event.path)
                found.append(Spawn(event.when, "exec", path, "", argv, pid))
        found += self._isolated()
        return found

    def _reported(self, event: Event, pid: int, argv: tuple[str, ...]) -> bool:
        """Tell whether the program that an event announces reported in."""
        if pid:
            later = (when for when in self._execs.get(pid, ()) if when > event.when)
            until = next(later, None)
            fits = [
                one
                for one in self.by_pid.get(pid, ())
                if one.since >= event.when and (until is None or one.since <= until)
            ]
        else:  # nobody could note its number: a shell of popen's, or its parent was killed
            fits = [
                one
                for one in self.programs
                if one.parent == event.pid and one.since >= event.when and one.argv == argv
            ]
        for one in fits:
            if not one.claimed:
                one.claimed = True
                return True
        return False

    def _isolated(self) -> list[Spawn]:
        """Give the Pythons without hooks: what they read is known, what they imported isn't."""
        return [
            Spawn(one.since, "exec", one.executable, one.cwd, one.argv, one.pid)
            for one in self.programs
            if one.python
            and not one.hooked
            and not one.harmless
            and not self._killed_while_starting(one)
        ]

    def _killed_while_starting(self, python: _Program) -> bool:
        """Tell whether a Python ended before it came to code of anybody's.

        A pool's workers that nothing was left for are: they are terminated, and had only read
        parts of Python. Who told it to do without the hooks, may have run something instead.
        """
        if any(_WITHOUT_HOOKS.match(word) for word in python.argv[1:]):
            return False
        own = [
            event
            for event in self.events
            if event.pid == python.pid and self.program(event.pid, event.when) is python
        ]
        return all(
            event.kind in "pfkL$o"  # that it began, and with what
            or (event.kind in "rlx" and self._is_python(event.path))
            for event in own
        )

    # -- what was done -----------------------------------------------------------------------

    def accesses(self) -> Iterator[Access]:
        """Give what was done to files by code that no hook speaks for."""
        for event in self.events:
            program = self.program(event.pid, event.when)
            if event.kind == "t":
                for directory, _, _ in os.walk(event.path):
                    yield Access("list", directory, event.when, event.pid)
            if event.kind not in _ACTIONS or self._is_python(event.path):
                continue
            opening = self._openings.get(id(event))
            if opening in self.loads:
                yield opening.of(self.loads[opening])
            elif program is None or not self._aside(program, event):
                yield self._access(event)

        for log in self._traced.values():
            for access in log.accesses:
                hooked = self._hooked.get(access.pid, access.when)
                if hooked >= access.when and not self._is_system(access.path):
                    yield access

    def _aside(self, program: _Program, event: Event) -> bool:
        """Tell what a program looks at for itself: no data that a result rests on."""
        if event.when < program.hooked:  # Python reads its own parts; beside them, a library loaded
            return event.kind != "r" or not event.path.startswith(self._root)
        if not program.harmless:
            return False
        git = os.path.basename(program.executable) == "git"
        return git or not event.path.startswith(self._root)

    def _access(self, event: Event) -> Access:
        path = event.path
        compiled = BYTECODE.match(path)
        if compiled:  # what a Python without hooks reads instead of its source
            path = compiled[1] + compiled[2] + b".py"
        return Access(
            action=_ACTIONS[event.kind],
            path=path,
            when=event.when,
            pid=event.pid,
            other=event.other or None,
            before=os.fsdecode(event.before) or None,
            size=event.stat[2] if event.stat else None,
            stat=None if compiled else event.stat,
            opened=event.kind != "x" or event.number > 0,
        )

    def _is_python(self, path: bytes) -> bool:
        return path.startswith(self._skipped) and b"/../" not in path

    def _is_pythons(self, path: bytes) -> bool:
        """Tell the interpreter's own files from others that lie beside its program."""
        beside = path.rpartition(b"/")[0].endswith(b"/bin")
        return self._is_python(path) and not (
            beside and not _PYTHON.match(os.fsdecode(os.path.basename(path)))
        )

    def _is_system(self, path: bytes) -> bool:
        """Tell what the library leaves out by itself, and strace doesn't."""
        if path.startswith(self._root) and b"/../" not in path:
            return path.startswith(self._left_out[0])
        return self._is_python(path) or path.startswith(tuple(filter(None, self._left_out)))

    def _prefixes(self, logs: Sequence[ProcessLog]) -> Iterator[bytes]:
        """Give the places of the Pythons: their own files are no data."""
        places = {place for log in logs for place in (log.python[1], log.base) if place}
        places |= {
            os.path.dirname(os.path.dirname(one.executable)) for one in self.programs if one.python
        }
        for place in places - {"/", "/usr", ""}:
            for part in ("bin/", "include/", "lib/python", "lib/libpython", "pyvenv.cfg"):
                yield os.fsencode(os.path.join(place, part))

    def touches(self, trace: Trace) -> Iterator[Touch]:
        """Give what programs took of the system, and of the machine."""
        for touch in touches(self.events, self.by_pid):
            if touch.sort != "file" or not self._is_pythons(touch.what):
                yield touch
        starts = {event.when: event for event in self.events}
        for when, log in self._traced.items():
            event = starts.get(when)
            pid = (event.child or event.pid) if event is not None else self.command.pid
            yield from of_strace(log.accesses, pid, when)
        for access in trace.accesses:  # by a path that led there in the end
            path = access.path
            ours = path.startswith(self._root) or self._is_pythons(path)
            if access.action == "read" and is_system(os.fsdecode(path)) and not ours:
                yield Touch("file", path, access.when, access.pid)

    # -- what can't be followed --------------------------------------------------------------

    def gaps(self) -> Iterator[tuple[str, str]]:
        """Give what the library saw coming, and can't see."""
        yield from self._handed_over()
        for event in self.events:
            program = self.program(event.pid, event.when)
            if program is not None and program.harmless:
                continue
            label = program.label if program is not None else label_of(self.command.argv)
            if event.kind == "c":
                hooked = program is not None and program.hooked > 0
                where = (event.number, os.fsdecode(event.path), port_of(event)[0])
                yield from _served(*where, label, hooked=hooked)
            elif event.kind == "g":
                yield "native-reader", f"{label} ({os.path.basename(os.fsdecode(event.path))})"
            elif event.kind == "s":
                yield "io-uring" if event.path == b"io-uring" else "untraced", label

    def _handed_over(self) -> Iterator[tuple[str, str]]:
        for one in self.programs:
            name = os.path.basename(one.executable)
            if name in HANDING_OVER or one.label in HANDING_OVER:
                yield "handed-over", one.label
        starts = {event.when: label_of(_words(event.other)) for event in self.events}
        for when, log in self._traced.items():
            label = starts.get(when) or label_of(self.command.argv)
            if log.uring:
                yield "io-uring", label
            for where in log.connections:
                yield from _served(*where, label, hooked=False)

    def traffic(self) -> network.Traffic:
        """Give what went over the network, as far as it was seen."""
        seen = network.Traffic()
        for event in self.events:
            program = self.program(event.pid, event.when)
            if event.kind == "h":
                seen.looked_up(event.path, event.other.split())
            elif event.kind == "i":
                seen.listening.add((network.plain(os.fsdecode(event.path)), int(event.other)))
            elif program is not None and program.harmless:
                continue
            elif event.kind == "c" and event.number != socket.AF_UNIX:
                seen.met(os.fsdecode(event.path), *port_of(event))
            elif event.kind == "j":
                seen.met(os.fsdecode(event.path), ring.ANY, here=port_of(event)[1])
        for log in self._traced.values():
            for family, address, port in log.connections:
                if family != socket.AF_UNIX:
                    seen.met(address, port)
        return seen


def _openings(events: Sequence[Event]) -> dict[int, Opening]:
    """Give the events that are openings while tables were loaded: they have a thread."""
    return {
        id(event): Opening(event.pid, event.number, event.when, event.path, event.stat)
        for event in events
        if event.kind == "r" and event.number and event.stat is not None
    }


def _served(
    family: int, address: str, port: int, label: str, *, hooked: bool
) -> Iterator[tuple[str, str]]:
    """Say what a connection to another process of this machine may hide.

    In Python, whose processes talk among themselves, only a server that is known counts.
    """
    if family == socket.AF_UNIX:
        if address.endswith(SERVERS) or not (hooked or address.startswith(SESSION_SOCKETS)):
            yield "handed-over", f"{label} ({os.path.basename(address)})"
    elif network.is_loopback(address) and port not in IDLE_PORTS and not hooked:
        yield "handed-over", f"{label} (a server on this machine)"


def _words(data: bytes) -> tuple[str, ...]:
    return tuple(os.fsdecode(word) for word in data.split(b"\0")[:-1])


def _going_on(spool: Path, events: Sequence[Event], command: Command) -> list[int]:
    """Give the processes that are still there: those known, and what they may have forked."""
    known = {event.pid for event in events}
    with contextlib.suppress(OSError):
        there = (int(name) for name in os.listdir("/proc") if name.isdecimal())
        known |= {pid for pid in there if pid > command.pid}
    return [pid for pid in sorted(known) if still_runs(pid, spool)]


def still_runs(pid: int, spool: Path) -> bool:
    """Tell whether a process outlived the command: what it does later isn't here."""
    try:
        with open(f"/proc/{pid}/maps", "rb") as file:
            return os.fsencode(spool / "ring.0") in file.read()
    except OSError:
        return False
