"""Who started whom in a watched command: its programs, from their start to their end, as a tree.

A *program* is what one exec put into a process; a fork that goes on without one is still the
program that forked. What a process does between a fork and its exec (a shell's redirections) is
of the program that it becomes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NOBODY = -1


@dataclass(frozen=True, slots=True)
class Given:
    """A descriptor that a program was started with: a path, or the kernel's name of a pipe.

    `mode` is that of open(2): 0 reads, 1 writes, 2 both. `stat` is None for what is no file.
    """

    descriptor: int
    mode: int
    what: bytes
    stat: tuple[int, int, int, int, int] | None = None


@dataclass(slots=True)
class Program:
    """One program of a watched command. Times are ns since 1970; `parent` is an index, or nobody.

    `forker` is the process that it was started by, `pid` the one that it is.
    `status` is what it exited with, None where a signal ended it or nobody saw its end. `shares`
    names memory, queues and named pipes that it opened.
    """

    number: int
    parent: int
    pid: int
    since: int
    argv: tuple[str, ...]
    cwd: str
    forker: int = 0
    until: int | None = None
    status: int | None = None
    replaced: bool = False
    given: list[Given] = field(default_factory=list)
    shares: set[str] = field(default_factory=set)

    def standing(self, descriptor: int) -> bytes:
        """Give what a descriptor was at the start, empty for a closed one."""
        return next((one.what for one in self.given if one.descriptor == descriptor), b"")


@dataclass(frozen=True, slots=True)
class Family:
    """The programs of a command in the order of their starts; the first is the command itself.

    `why` says why who did what can't be told, where it can't.
    """

    programs: Sequence[Program] = ()
    phases: Mapping[int, Sequence[tuple[int, int]]] = field(default_factory=dict)
    why: str = ""

    def at(self, pid: int, when: int) -> int:
        """Give the program that a process ran at a time; nobody where that wasn't seen.

        Before the first that was seen of it, it was about to become that.
        """
        phases = self.phases.get(pid, ())
        if not phases:
            return NOBODY
        place = bisect_right(phases, when, key=lambda one: one[0]) - 1
        return phases[max(place, 0)][1]

    def below(self, number: int) -> set[int]:
        """Give a program and all that it started, or that those started."""
        found = {number}
        for program in self.programs:  # in the order of their starts: parents first
            if program.parent in found:
                found.add(program.number)
        return found


NO_FAMILY = Family(why="only a part of its programs was seen")
