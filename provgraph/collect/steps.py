"""Tell the steps of a run apart: which of its programs made something, and what each rests on.

A step is a program, or several, with what they made together. What joins programs into one: a
pipe between them, memory or named pipes that both opened, a file that went from one to the other
and is gone, two contents of one name in one hand, a circle of files. What a program had read is
also its children's from their start on: it chose their arguments. A child that made nothing was
asked something, by its status or its output: what it read is as if its parent had. That a child
which made something ended well is no news.

Where that can't be told, there is one step: the run.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from provgraph.collect.family import NOBODY, Given, Program
from provgraph.collect.noise import BUILDERS
from provgraph.collect.places import Places
from provgraph.collect.trace import READS, Access, Option, Process, Touch, Trace
from provgraph.model.gaps import BLOCKING, grade_of

_EVER = 1 << 62
_MOST_HANDED = 50_000  # inputs of steps that their parents had read, all in all
_LOOKS = frozenset({"absent", "exists", "list"})
_WRITES = frozenset({"write", "append", "update"})
_DIGESTS = ("b3:", "k:")
_PIPES = (b"pipe:", b"/memfd:")
_DEVICES = (b"/dev/null", b"/dev/tty", b"/dev/zero", b"/dev/full")
_DELETED = b" (deleted)"
# What compilers leave for builders: which headers a target includes, when it was built.
_PLAIN_BUILDERS = frozenset({"make", "gmake", "ninja", "samu"})
_LONGEST = 1 << 20  # bytes of a makefile that are searched
# Snakemake checks and hashes what its jobs took and gave. What a Snakefile decides by itself, by a
# file that a job made, or by what is there, is another matter.
_READS_ON = (b"checkpoint",)
_LOOKS_ON = (b"exists", b"isfile", b"isdir", b"getsize", b"getmtime", b"stat(")
_ALL_IN_ONE = "--force-use-threads"
_PART_OF_ONE = ("--target-jobs", "--mode")  # a job that Snakemake carries out in another Snakemake
_DUE = (b".d", b".dep", b".P", b"/.ninja_deps", b"/.ninja_log")
# Shells that open a redirection themselves, put it back, and start the program in between.
_OPENERS = frozenset({"sh", "dash"})


class OneStepError(Exception):
    """The steps can't be told apart; the message says why."""


@dataclass(frozen=True)
class Share:
    """One step of a run. `trace` is what it did, and what it rests on through its parents.

    `others` are changes that other steps made to files; `makers` maps the paths it read to the
    share, by number, whose product it found there. `programs` are its own, `tops` those that
    others started. Times are ns since 1970; `status` is what it exited with, where that is known.
    `recorded`: it is a run that recorded itself.
    """

    number: int
    trace: Trace
    others: tuple[Access, ...]
    makers: Mapping[bytes, int]
    programs: tuple[Program, ...]
    tops: tuple[Program, ...]
    started: int
    ended: int
    status: int | None
    recorded: bool = False


@dataclass(frozen=True)
class Handed:
    """What a program rests on through those that started it: what they had read, who they are."""

    accesses: tuple[Access, ...]
    processes: tuple[Process, ...]
    touches: tuple[Touch, ...] = ()


def handed_to(trace: Trace, places: Places, pid: int, when: int) -> Handed | None:
    """Give what a process of a command that still runs was handed; None where that can't be told.

    Nor can it where a file was handed on that the command itself made: what that rests on, its
    record says, and there is none yet.
    """
    if trace.family.why or any(grade_of(reason) == BLOCKING for reason, _ in trace.gaps):
        return None
    try:
        split = _Split(trace, places, ())
    except OneStepError:
        return None
    number = trace.family.at(pid, when)
    lines = _Lines(split)
    group = split.groups.of(number)
    if number == NOBODY or not trace.family.below(number).issuperset(lines.members[group]):
        return None
    handed = lines.handed(group)
    if any(split.writer(access) is not None for access in handed):
        return None
    above = lines.pids_above(group, split.programs[number].since) - {pid}
    return Handed(
        tuple(replace(access, when=min(access.when, when)) for access in handed),
        tuple(one for one in trace.processes if one.pid in above),
        tuple(one for one in trace.touches if one.pid in above),
    )


def left_with(trace: Trace, places: Places) -> tuple[Access, ...]:
    """Give what the command itself knows in the end of the files that were read.

    That is what it read, and what its programs told it by their output and their ends. Where that
    can't be told, it is everything.
    """
    everything = tuple(one for one in trace.accesses if one.action in READS)
    if trace.family.why:
        return everything
    try:
        split = _Split(trace, places, ())
    except OneStepError:
        return everything
    return tuple(_Lines(split).timeline(split.groups.of(0)))


def shares_of(trace: Trace, places: Places, streams: Sequence[Access]) -> list[Share]:
    """Give the steps of a run, makers before those that read what they made.

    `streams` are the files that a shell had redirected the whole command to and from. Raises
    `OneStepError`; the message is empty where there is only one.
    """
    if len(trace.family.programs) < 2:
        raise OneStepError("")
    split = _Split(trace, places, streams)
    if len(split.makers()) < split.least:
        raise OneStepError("")
    if trace.family.why:
        raise OneStepError(trace.family.why)
    if any(grade_of(reason) == BLOCKING for reason, _ in trace.gaps):
        raise OneStepError("a part of it went unseen")
    return split.shares()


@dataclass
class _Version:
    """A content of a file. `known`: its digest is, after the next one came.

    `gone`: that nothing is there, by the writer's doing; `known` is of what it removed.
    """

    writer: int | None
    readers: set[int] = field(default_factory=set)
    known: bool = False
    over: bool = False
    gone: bool = False


@dataclass
class _File:
    versions: list[_Version] = field(default_factory=lambda: [_Version(None)])
    touched: list[tuple[int, int]] = field(default_factory=list)  # (version, program), in order

    @property
    def last(self) -> _Version:
        return self.versions[-1]


class _Groups:
    """Programs that belong together: a union-find over their numbers."""

    def __init__(self, size: int) -> None:
        self._above = list(range(size))

    def of(self, one: int) -> int:
        while self._above[one] != one:
            self._above[one] = self._above[self._above[one]]
            one = self._above[one]
        return one

    def join(self, programs: Iterable[int]) -> bool:
        """Put programs into one group; tells whether that is news."""
        roots = {self.of(one) for one in programs}
        for root in roots:
            self._above[root] = min(roots)
        return len(roots) > 1


class _Split:
    """The accesses of a run by program, folded into files and their contents."""

    def __init__(self, trace: Trace, places: Places, streams: Sequence[Access]) -> None:
        self.trace = trace
        self.places = places
        self.programs = trace.family.programs
        self.groups = _Groups(len(self.programs))
        self._plain = self._plain_builders()
        self._jobs = self._snakemakes()
        self._hashing = self._that_leave_it_at(_READS_ON)
        self._looking = self._that_leave_it_at(_LOOKS_ON)
        self.outside = {one.what for one in self.programs[0].given}  # open before it began
        self.files: dict[bytes, _File] = {}
        self.reads: list[list[Access]] = [[] for _ in self.programs]
        self.own: list[list[Access]] = [[] for _ in self.programs]
        self.effects: set[int] = set()
        self.found: dict[tuple[bytes, int], int] = {}  # by path and reading: which content it was
        self.fed: set[int] = set()
        self.told: list[tuple[int, int]] = []
        self.nested: dict[int, set[int]] = {}  # who recorded themselves, with all below them
        for one in trace.nested:
            number = trace.family.at(one.pid, one.when)
            if number != NOBODY:
                self.nested[number] = trace.family.below(number)
                self.groups.join(self.nested[number])
        self._redirected(streams)
        self._take()
        self._judge_files()
        self._pipes()
        for when, pid in trace.said_by:
            self.effects.add(self._of(pid, when))

    def _of(self, pid: int, when: int) -> int:
        number = self.trace.family.at(pid, when)
        if number == NOBODY:
            if self.programs and pid == self.programs[0].pid:
                return 0
            raise OneStepError("what some of its processes did can't be told apart")
        return number

    # -- what happened to each file ------------------------------------------------------------

    def _plain_builders(self) -> set[int]:
        """Give the builders whose looking at files only says what is due.

        A makefile that asks for files by itself (`$(wildcard x)`) decides by them.
        """
        found = {one.number for one in self.programs if _words(one) & _PLAIN_BUILDERS}
        for access in self.trace.accesses if found else ():
            if access.action == "read" and not access.path.endswith(_DUE):
                number = self.trace.family.at(access.pid, access.when)
                if number in found and _asks_for_files(access.path):
                    found.discard(number)
        return found

    def _snakemakes(self) -> dict[int, set[int]]:
        """Give the Snakemakes that look after jobs, each with the programs of those."""
        return {
            one.number: self.trace.family.below(one.number) - {one.number}
            for one in self.programs
            if "snakemake" in _words(one)
            and not any(word.startswith((_ALL_IN_ONE, *_PART_OF_ONE)) for word in one.argv)
        }

    def _that_leave_it_at(self, words: Iterable[bytes]) -> set[int]:
        """Give the Snakemakes in whose files of before the first job none of the words is."""
        found = set(self._jobs)
        first = {
            number: min((self.programs[one].since for one in jobs), default=_EVER)
            for number, jobs in self._jobs.items()
        }
        for access in self.trace.accesses if found else ():
            if access.action in READS and self.places.inside(self.places.real(access.path)):
                number = self.trace.family.at(access.pid, access.when)
                if access.when < first.get(number, 0) and _has_any(access.path, words):
                    found.discard(number)
        return found

    def _only_checked(self, access: Access, program: int) -> bool:
        """Tell of an access of Snakemake's whether a job is why: is it there, what is its hash."""
        if access.action in ("exists", "absent"):
            return program in self._looking
        file = self.files.get(self.places.end_of_links(self.places.real(access.path)))
        return (
            program in self._hashing
            and access.action in ("read", "source")
            and file is not None
            and any(one in self._jobs[program] for _, one in file.touched)
        )

    def _redirected(self, streams: Sequence[Access]) -> None:
        """Take the command's own redirections as its doing, and leave the session's logs out."""
        kept = self.places.without_session_logs(streams)
        self._session = {one.path for one in streams if one not in kept}
        self._streams = list(kept)

    def _take(self) -> None:
        given = [
            Access("read", one.what, program.since, program.pid, stat=one.stat)
            for program in self.programs
            for one in program.given
            if one.stat is not None and one.mode != 1 and not one.what.endswith(_DELETED)
        ]
        several = [*self._streams, *self.trace.accesses, *given]
        everything = [
            (access, self._of(access.pid, access.when))
            for access in sorted(several, key=lambda one: one.when)
        ]
        opened = _Redirections(self, everything).opened()
        for access, by in everything:
            number = opened.get(id(access), by)
            if number not in self.nested:  # what another provgraph does for itself is no data
                self._access(access, number)
        for program in self.programs:
            for one in program.given:
                self._inherited(program, one)

    def _access(self, access: Access, program: int) -> None:
        if program in self._plain and _only_when(access):
            return
        if program in self._jobs and self._only_checked(access, program):
            return
        self.own[program].append(access)
        path = self.places.real(access.path)
        if access.action in READS:
            self.reads[program].append(access)
            for place in self.places.ways_to(access.path, path):
                self._read(place, program, access)
        elif access.action in _LOOKS:
            self.reads[program].append(access)
            if access.action == "absent":
                self._read(path, program, access)
        elif access.action in _WRITES:
            self._write(self.places.end_of_links(path), access, program)
        elif access.action == "remove":
            self._gone(path, access, program)
        elif access.action in ("rename", "copy") and access.other is not None:
            self._read(path, program, access)
            other = self.places.real(access.other)
            if access.action == "rename":
                self._moved(path, program)
                self._gone(path, access, program)
            self._next(other, access, program, known=False)

    def written(self, access: Access) -> Iterator[tuple[bytes, int]]:
        """Give the paths that an access came by, each with the program that had written it.

        A content from before the command has nobody's.
        """
        for path in self.places.ways_to(access.path, self.places.real(access.path)):
            number = self.found.get((path, id(access)))
            writer = None if number is None else self.files[path].versions[number].writer
            if writer is not None:
                yield path, writer

    def writer(self, access: Access) -> int | None:
        """Give the program that had written what was found there; None for one from before."""
        return next((writer for _, writer in self.written(access)), None)

    def file(self, path: bytes) -> _File:
        return self.files.setdefault(path, _File())

    def _read(self, path: bytes, program: int, access: Access) -> None:
        if self.places.name(path) is None:
            return
        file = self.file(path)
        self.found[path, id(access)] = len(file.versions) - 1
        file.last.readers.add(program)
        file.touched.append((len(file.versions) - 1, program))

    def _write(self, path: bytes, access: Access, program: int) -> None:
        if self.places.name(path) is None:
            return
        file = self.file(path)
        stream = self.places.stream(path)
        there = access.stat is not None or bool(access.size)
        if access.action != "write" and there and not stream:
            before = file.last.writer
            if before is not None and before != program and not _digest(access):
                self.groups.join((program, before))
            if before != program:
                seen = replace(access, action="read")
                self.reads[program].append(seen)
                self._read(path, program, seen)
        self._next(path, access, program, known=_digest(access))

    def _next(self, path: bytes, access: Access, program: int, *, known: bool) -> None:
        if self.places.name(path) is None:
            return
        file = self.file(path)
        last = file.last
        if last.gone and last.writer == program and last.readers <= {program}:
            # Removed to make room: `sed -i`, `mv` over it. What was there before is as known now
            # as if it had been written over.
            last.gone = last.over = False
            file.versions[-2].known |= last.known
            last.known = False
            return
        if last.writer == program and last.readers <= {program}:
            return  # its own, once more
        last.over, last.known = True, known or _digest(access)
        file.versions.append(_Version(program))
        file.touched.append((len(file.versions) - 1, program))

    def _gone(self, path: bytes, access: Access, program: int) -> None:
        if self.places.name(path) is None:
            return
        file = self.file(path)
        if len(file.versions) == 1 and access.action == "remove":
            self.effects.add(program)  # something from before the run
        file.last.over, file.last.known = True, _digest(access) and file.last.writer is None
        file.versions.append(_Version(program, known=_digest(access), over=True, gone=True))

    def _moved(self, path: bytes, program: int) -> None:
        """Join who renames a directory with those that had written below it."""
        below = path + b"/"
        for one, file in self.files.items():
            if one.startswith(below):
                writers = {version.writer for version in file.versions} - {None}
                self.groups.join([program, *(w for w in writers if w is not None)])
                self.effects.add(program)

    def _inherited(self, program: Program, given: Given) -> None:
        """Join a program that was handed a file to write to with the one that had opened it."""
        if given.stat is None or given.mode == 0 or given.what in self._session:
            return
        if given.what.endswith(_DELETED):
            if given.what not in self.outside:
                self.groups.join(self._line(program))
            return
        path = self.places.real(given.what)
        if self.places.name(path) is None:
            return
        file = self.files.get(path)
        writers = {v.writer for v in file.versions if v.writer is not None} if file else set()
        if program.number not in writers and program.number:
            self.groups.join([program.number, *(writers or {0})])

    def _line(self, program: Program) -> list[int]:
        return [program.number, max(program.parent, 0)]

    def _judge_files(self) -> None:
        """See whose product each content is, and join those who shared one that is lost."""
        for path, file in self.files.items():
            for version in file.versions:
                if version.writer is None or version.over:
                    continue
                if os.path.lexists(path):
                    self.effects.add(version.writer)
                elif version.readers - {version.writer}:
                    self.groups.join([version.writer, *version.readers])
            for version in file.versions:
                if version.writer is None or not version.over:
                    continue
                if not version.readers - {version.writer}:
                    continue  # nobody else saw it
                if version.known and os.path.lexists(path):
                    self.effects.add(version.writer)
                else:
                    self.groups.join([version.writer, *version.readers])

    # -- what else joins programs --------------------------------------------------------------

    def _pipes(self) -> None:
        holders: dict[bytes, dict[int, int]] = {}
        shares: dict[str, list[int]] = {}
        for program in self.programs:
            for given in program.given:
                pipe = given.what.startswith(_PIPES) or given.what.endswith(_DELETED)
                device = given.what.startswith(_DEVICES)
                if (pipe or given.stat is None) and not device and given.what not in self.outside:
                    held = holders.setdefault(given.what, {})
                    held[program.number] = held.get(program.number, 0) | (given.mode + 1)
            for name in program.shares:
                shares.setdefault(name, []).append(program.number)
        for several in shares.values():
            self.groups.join([*several, *(max(self.programs[one].parent, 0) for one in several)])
        for held in holders.values():
            self._pipe(held)

    def _pipe(self, held: Mapping[int, int]) -> None:
        """Let a pipe flow: between programs it joins them, to and from who made it it tells."""
        readers = {one for one, mode in held.items() if mode & 1}
        writers = {one for one, mode in held.items() if mode & 2}
        for one in readers & writers:
            self.groups.join(self._line(self.programs[one]))
        self.fed |= readers
        if readers and writers:
            self.groups.join(readers | writers)
            return
        for one in writers:
            maker = self._maker_of_pipe(one, held)
            self.told.append((one, maker))

    def _maker_of_pipe(self, one: int, held: Mapping[int, int]) -> int:
        """Give the nearest ancestor that hadn't been given the pipe: it made it."""
        above = self.programs[one].parent
        while above > 0 and above in held:
            above = self.programs[above].parent
        return max(above, 0)

    # -- groups --------------------------------------------------------------------------------

    def makers(self) -> set[int]:
        """Give the groups that made something."""
        return {self.groups.of(one) for one in self.effects}

    @property
    def least(self) -> int:
        """How many steps are worth telling apart.

        One that a builder started is: next time it may be another, and both have to be told from
        what the builder did itself. So is one that recorded itself.
        """
        builds = bool(_words(self.programs[0]) & BUILDERS or self.nested)
        return 1 if builds and self.groups.of(0) not in self.makers() else 2

    def shares(self) -> list[Share]:
        """Give the steps, makers first."""
        while True:
            lines = _Lines(self)
            if self.groups.of(0) not in self.makers() and lines.leftovers():
                self.effects.add(0)
                continue
            if not (
                self._join_drivers(lines)
                or self._join_rereaders(lines)
                or self._join_disordered(lines)
                or self._join_circles(lines)
            ):
                break
        if len(self.makers()) < self.least:
            raise OneStepError("its programs hang together")
        if sum(len(lines.handed(group)) for group in self.makers()) > _MOST_HANDED:
            raise OneStepError("what it read counts for too many of them")
        return _Cut(self, lines).shares()

    def _join_drivers(self, lines: _Lines) -> bool:
        """Join a step with what was started for it alone: a compiler's driver and its passes."""
        news = False
        for group in self.makers():
            if lines.recorded(group):
                continue
            above = lines.parents.get(group, set())
            for parent in above if len(above) == 1 else ():
                fruitful = {one for one in lines.children[parent] if lines.fruitful(one)}
                alone = fruitful == {group} and parent not in lines.makers
                if alone and 0 not in lines.members[parent]:
                    news |= self.groups.join((group, parent))
        return news

    def _join_rereaders(self, lines: _Lines) -> bool:
        """Join a step that has two contents of one name in its hands with the later one's maker."""
        news = False
        hands = lines.hands()
        for path, file in self.files.items():
            touched: dict[int, int] = {}
            for version, group in [  # by version: what it had of the name before
                *((version, self.groups.of(one)) for version, one in file.touched),
                *((version, group) for group, version in hands.get(path, ())),
            ]:
                writer = file.versions[version].writer
                first = touched.setdefault(group, version)
                if version != first and writer is not None and self.groups.of(writer) != group:
                    news |= self.groups.join((group, writer))
                touched[group] = min(first, version)
        return news

    def _join_disordered(self, lines: _Lines) -> bool:
        """Join two makers of one name of whom the earlier one ended later.

        What lies at a name is what its maker that ended last put there.
        """
        news = False
        for path, file in self.files.items():
            if len(file.versions) < 3 or self.places.stream(path):
                continue
            made = [v.writer for v in file.versions if v.writer is not None and not v.gone]
            groups = [one for w in made if (one := self.groups.of(w)) in lines.makers]
            for one, next_one in pairwise(groups):
                if one != next_one and lines.ended(one) >= lines.ended(next_one):
                    news |= self.groups.join((one, next_one))
        return news

    def _join_circles(self, lines: _Lines) -> bool:
        edges = lines.edges()
        circles = list(_circles(edges))
        for circle in circles:
            self.groups.join(circle)
        return bool(circles)


class _Redirections:
    """Files that a shell opened for one program: `sort in > out` is sort's doing, not the shell's.

    The shell holds such a file only while the program runs. What it might put in itself, after
    the program, rests on what it had read till then; where it read more before it put the
    descriptor back, the file stays its own doing.
    """

    def __init__(self, split: _Split, everything: Sequence[tuple[Access, int]]) -> None:
        self._split = split
        self._everything = everything
        self._programs = split.programs
        self._holders: dict[bytes, list[Program]] = {}
        self._started: dict[int, list[Program]] = {}
        for program in split.programs:
            self._started.setdefault(program.forker, []).append(program)
            for one in program.given:
                if one.stat is not None and one.mode != 0:
                    self._holders.setdefault(one.what, []).append(program)
        self._reads: dict[int, list[int]] = {}
        self._writes: dict[bytes, list[int]] = {}

    def opened(self) -> dict[int, int]:
        """Give, by access, which program a file was opened for."""
        if not any(map(_opens, self._programs)):
            return {}
        writes: list[tuple[Access, Program]] = []
        for access, number in self._everything:
            program = self._programs[number]
            if access.action in READS | _LOOKS:
                if self._split.places.name(self._split.places.real(access.path)) is not None:
                    self._reads.setdefault(program.number, []).append(access.when)
            elif access.action in _WRITES:
                self._writes.setdefault(access.path, []).append(access.when)
                if _opens(program):
                    writes.append((access, program))
        found = {}
        for access, shell in writes:
            whom = self._whom(access, shell)
            if whom is not None:
                found[id(access)] = whom
        return found

    def _whom(self, access: Access, shell: Program) -> int | None:
        path = self._split.places.end_of_links(self._split.places.real(access.path))
        later = self._writes[access.path]
        place = bisect_right(later, access.when)
        until = later[place] if place < len(later) else _EVER
        several = self._holders.get(path, [])
        holders = several[
            bisect_right(several, access.when, key=_since) : bisect_right(
                several, until, key=_since
            )
        ]
        if not holders:
            return None
        started = [p for p in holders if p.forker == access.pid and p.parent == shell.number]
        if not all(any(self._below(one.number, p.number) for one in started) for p in holders):
            return None
        first = started[0]
        end = self._put_back(started, path, shell)
        reads = self._reads.get(shell.number, [])
        place = bisect_right(reads, first.since)
        if place < len(reads) and reads[place] < end:
            return None
        self._split.groups.join(one.number for one in started)
        return first.number

    def _below(self, top: int, number: int) -> bool:
        while number > top:  # who starts another was there before it
            number = self._programs[number].parent
        return number == top

    def _put_back(self, programs: Sequence[Program], path: bytes, shell: Program) -> int:
        """Give a time at which the descriptor was surely what it had been before.

        `programs` had it, one after the other. Any other program that was started meanwhile may
        have told the shell something to put in.
        """
        first, last = programs[0], programs[-1]
        after = self._started[first.forker]
        place = bisect_right(after, last.since, key=_since)
        if place - bisect_right(after, first.since, key=_since) >= len(programs):
            return _EVER
        held = {one.descriptor for program in programs for one in program.given if one.what == path}
        if place < len(after) and all(
            after[place].standing(one) == shell.standing(one) for one in held
        ):
            return after[place].since
        return _EVER


def _since(program: Program) -> int:
    return program.since


def _opens(program: Program) -> bool:
    return bool(program.argv) and os.path.basename(program.argv[0]).lstrip("-") in _OPENERS


class _Lines:
    """What each group rests on: its own reads, its parents' before it, its children's answers."""

    def __init__(self, split: _Split) -> None:
        self.split = split
        of = split.groups.of
        self.members: dict[int, list[int]] = {}
        for program in split.programs:
            self.members.setdefault(of(program.number), []).append(program.number)
        self.parents = {
            group: {of(p) for one in members if (p := split.programs[one].parent) >= 0} - {group}
            for group, members in self.members.items()
        }
        for circle in _circles(
            {(parent, group) for group, parents in self.parents.items() for parent in parents}
        ):
            split.groups.join(circle)
        if any(of(group) != group for group in self.members):
            self.__init__(split)  # type: ignore[misc]
            return
        self.makers = split.makers()
        self.children: dict[int, set[int]] = {}
        for group, parents in self.parents.items():
            for parent in parents:
                self.children.setdefault(parent, set()).add(group)
        self._timelines: dict[int, list[Access]] = {}
        self._handed: dict[int, list[Access]] = {}
        self._fruitful: dict[int, bool] = {}
        self._recorded: dict[int, bool] = {}
        self.written = {
            path
            for path, file in split.files.items()
            if any(version.writer is not None for version in file.versions)
        }

    def fruitful(self, group: int) -> bool:
        """Tell whether a group or one below it made something."""
        if group not in self._fruitful:
            self._fruitful[group] = group in self.makers or any(
                self.fruitful(one) for one in self.children.get(group, ())
            )
        return self._fruitful[group]

    def timeline(self, group: int) -> list[Access]:
        """Give what a group read, with its children's answers, in order of time."""
        if group not in self._timelines:
            self._timelines[group] = []  # told in a circle: it has nothing more to say
            found = [
                access
                for one in self.members[group]
                for access in self.split.reads[one]
                if not self._to_change(one, access)
            ]
            for child in self.children.get(group, ()):
                found += self._answer(child)
            for writer, maker in self.split.told:
                source = self.split.groups.of(writer)
                if self.split.groups.of(maker) == group and source != group:
                    found += self.timeline(source)
            self._timelines[group] = _distinct(found)
        return self._timelines[group]

    def passed(self, path: bytes) -> bool:
        """Tell whether a file came and went with this command: nobody can compare it."""
        path = self.split.places.real(path)
        return path in self.written and not os.path.lexists(path)

    def _to_change(self, program: int, access: Access) -> bool:
        """Tell of a look whether it was at what the program then wrote or removed, of this run's.

        `rm`, `cp` and `mv` look first. Whether it was there is for this run's programs to say.
        """
        path = self.split.places.real(access.path)
        return (
            access.action in ("absent", "exists")
            and path in self.written
            and any(version.writer == program for version in self.split.files[path].versions)
        )

    def _answer(self, child: int) -> list[Access]:
        """Give what a child tells its parent by its end."""
        return [one for one in self._told_by(child) if not self._gone_with_it(one)]

    def _told_by(self, child: int) -> list[Access]:
        if not self.fruitful(child) or self._failed(child):
            return self.timeline(child)
        if child in self.makers:
            return []
        last = max(
            self.split.programs[self.members[one][0]].since
            for one in self.children.get(child, ())
            if self.fruitful(one)
        )
        return [one for one in self.timeline(child) if one.when > last]

    def _failed(self, group: int) -> bool:
        programs = (self.split.programs[one] for one in self.members[group])
        return any(one.status != 0 and not one.replaced for one in programs)

    def handed(self, group: int) -> list[Access]:
        """Give what those that started a group had read before."""
        if group not in self._handed:
            self._handed[group] = []
            found: list[Access] = []
            for one in self.members[group]:
                program = self.split.programs[one]
                if program.parent < 0:
                    continue
                above = self.split.groups.of(program.parent)
                if above == group:
                    continue
                fed = one in self.split.fed
                until = (program.until or _EVER) if fed else program.since
                found += [a for a in self.timeline(above) if a.when <= until]
                found += [a for a in self.handed(above) if a.when <= until]
            own = {id(a) for a in self.timeline(group)}
            self._handed[group] = [
                one for one in _distinct(found) if id(one) not in own and not self._moot(one)
            ]
        return self._handed[group]

    def _moot(self, access: Access) -> bool:
        """Tell of an access of a parent whether it says nothing that isn't known without it.

        It only looked whether something was there that this run makes, for one.
        """
        if access.action in ("absent", "exists"):
            return self.split.places.real(access.path) in self.written
        return self._gone_with_it(access)

    def _gone_with_it(self, access: Access) -> bool:
        """Tell whether a reader had written itself what it read, and has removed it.

        That rests on what else it had read.
        """
        split = self.split
        path = split.places.end_of_links(split.places.real(access.path))
        number = split.found.get((path, id(access)))
        if number is None:
            return False
        version = split.files[path].versions[number]
        reader = split.trace.family.at(access.pid, access.when)
        of = split.groups.of
        return (
            version.writer is not None
            and reader != NOBODY
            and of(version.writer) == of(reader)
            and (version.over or not os.path.lexists(path))
        )

    def since(self, group: int) -> int:
        """Give when the first program of a group was started, in ns."""
        return min(self.split.programs[one].since for one in self.members[group])

    def ended(self, group: int) -> int:
        """Give when the last program of a group had ended, or done its last, in ns."""
        programs = [self.split.programs[one] for one in self.members[group]]
        done = (access.when for one in self.members[group] for access in self.split.own[one])
        return max([self.since(group), *(p.until for p in programs if p.until is not None), *done])

    def pids(self, group: int, before: int | None = None) -> set[int]:
        """Give the processes of a group, and of those that answered it."""
        of = self.split.groups.of
        found = {
            pid
            for pid, phases in self.split.trace.family.phases.items()
            if any(number != NOBODY and of(number) == group for _, number in phases)
        }
        for child in self.children.get(group, ()):
            if not self.fruitful(child) and (before is None or self.since(child) < before):
                found |= self.pids(child, before)
        return found

    def pids_above(self, group: int, before: int) -> set[int]:
        """Give the processes of those that started a group, and of those that answered them."""
        found: set[int] = set()
        left = set(self.parents[group])
        seen = {group}
        while left:
            one = left.pop()
            if one not in seen:
                seen.add(one)
                found |= self.pids(one, before)
                left |= self.parents[one]
        return found

    def recorded(self, group: int) -> bool:
        """Tell whether a group is runs that recorded themselves, and nothing else."""
        if group not in self._recorded:
            self._recorded[group] = bool(self.split.nested) and self._is_recorded(group)
        return self._recorded[group]

    def _is_recorded(self, group: int) -> bool:
        nested: set[int] = set().union(*self.split.nested.values())
        if not nested.issuperset(self.members[group]):
            return False
        # What rests on a content that this run made is told by this run: who made it has no
        # record yet when the nested one is written.
        of = self.split.groups.of
        for one in self.members[group]:
            for access in self.split.reads[one]:
                writer = self.split.writer(access)
                if writer is not None and not nested.issuperset(self.members[of(writer)]):
                    return False
        return True

    def leftovers(self) -> bool:
        """Tell whether the command itself read something that no step of it rests on."""
        used = {id(a) for group in self.makers for a in self.handed(group)}
        top = self.split.groups.of(0)
        names = self.split.places
        return any(
            a.action in READS and id(a) not in used and names.name(names.real(a.path)) is not None
            for a in self.timeline(top)
        )

    def hands(self) -> dict[bytes, list[tuple[int, int]]]:
        """Give, by path, which content of it came to which group through its kin."""
        out: dict[bytes, list[tuple[int, int]]] = {}
        for group in self.makers:
            for access in (*self.handed(group), *self.timeline(group)):
                if access.action in READS or access.action == "absent":
                    path = self.split.places.real(access.path)
                    version = self.split.found.get((path, id(access)))
                    if version is not None:
                        out.setdefault(path, []).append((group, version))
        return out

    def edges(self) -> set[tuple[int, int]]:
        """Give which group rests on what another made: by itself, or through those around it."""
        of = self.split.groups.of
        out: set[tuple[int, int]] = set()
        for file in self.split.files.values():
            for version in file.versions:
                if version.writer is not None:
                    out |= {(of(version.writer), of(one)) for one in version.readers}
        for group in self.makers:
            # A child that made nothing has answered: what it read, the one that asked rests on.
            for access in (*self.handed(group), *self.timeline(group)):
                out |= {(of(writer), group) for _, writer in self.split.written(access)}
        return {(one, other) for one, other in out if one != other}


class _Cut:
    """The steps written down one by one."""

    def __init__(self, split: _Split, lines: _Lines) -> None:
        self.split = split
        self.lines = lines
        self.order = self._in_order()
        self.number = {group: place for place, group in enumerate(self.order)}
        self.changes: dict[bytes, list[tuple[int, Access]]] = {}
        for number, several in enumerate(split.own):
            for access in several:
                if access.action in _WRITES or access.action in ("remove", "rename", "copy"):
                    for path in self._paths(access):
                        self.changes.setdefault(path, []).append((split.groups.of(number), access))

    def _paths(self, access: Access) -> set[bytes]:
        places = self.split.places
        found = {places.real(access.path), places.end_of_links(places.real(access.path))}
        if access.other is not None:
            found.add(places.real(access.other))
        return found | {access.path}

    def shares(self) -> list[Share]:
        """Give the steps, makers first."""
        return [self._share(group) for group in self.order]

    def _group_of(self, option: Option) -> int | None:
        number = self.split.trace.family.at(option.pid, option.when)
        return None if number == NOBODY else self.split.groups.of(number)

    def _in_order(self) -> list[int]:
        edges = self.lines.edges()
        makers = self.lines.makers
        before = {
            group: {one for one, other in edges if other == group} & makers for group in makers
        }
        order: list[int] = []
        while len(order) < len(before):
            done = set(order)
            ready = (one for one, those in before.items() if one not in done and those <= done)
            order += sorted(ready, key=self.lines.since)
            if len(order) == len(done):
                raise OneStepError("its programs hang together")
        return order

    def _share(self, group: int) -> Share:
        split, members = self.split, self.lines.members[group]
        programs = [split.programs[one] for one in members]
        started = self.lines.since(group)
        own = [access for one in members for access in split.own[one]]
        answers = self.lines.timeline(group)
        accesses = sorted(
            {
                id(a): a
                for a in [*self.lines.handed(group), *answers, *own]
                if not (a.action == "exists" and self.lines.passed(a.path))
            }.values(),
            key=lambda one: one.when,
        )
        pids = self.lines.pids(group) | self.lines.pids_above(group, started)
        trace = split.trace
        said = [
            word
            for word, (when, pid) in zip(trace.said, trace.said_by, strict=True)
            if split.groups.of(trace.family.at(pid, when)) == group
        ]
        tops = [one for one in programs if one.parent < 0 or split.groups.of(one.parent) != group]
        makers = [one for one in programs if one.number in split.effects] or programs
        return Share(
            number=self.number[group],
            trace=replace(
                trace,
                processes=tuple(one for one in trace.processes if one.pid in pids),
                touches=tuple(one for one in trace.touches if one.pid in pids),
                accesses=tuple(accesses),
                said=tuple(said),
                options=tuple(one for one in trace.options if self._group_of(one) == group),
            ),
            others=self._others(group, accesses),
            makers=self._makers(group, accesses),
            programs=tuple(programs),
            tops=tuple(tops),
            started=started,
            ended=self.lines.ended(group),
            status=max((one.status for one in makers if one.status is not None), default=None),
            recorded=self.lines.recorded(group),
        )

    def _others(self, group: int, accesses: Sequence[Access]) -> tuple[Access, ...]:
        """Give what other steps did to the files that this one touched."""
        paths = {path for access in accesses for path in self._paths(access)}
        found = {
            id(access): access
            for path in paths
            for other, access in self.changes.get(path, ())
            if other != group
        }
        return tuple(found.values())

    def _makers(self, group: int, accesses: Sequence[Access]) -> dict[bytes, int]:
        """Give whose product lay at each path that was read, the first time it was."""
        out: dict[bytes, int | None] = {}
        places, of = self.split.places, self.split.groups.of
        for access in accesses:
            writers = dict(self.split.written(access))
            for path in places.ways_to(access.path, places.real(access.path)):
                if (path, id(access)) not in self.split.found or path in out:
                    continue
                maker = of(writers[path]) if path in writers else None
                known = maker is not None and not self.lines.recorded(maker)  # else the graph does
                out[path] = self.number.get(maker) if maker is not None and known else None
        return {
            path: number
            for path, number in out.items()
            if number is not None and number != self.number[group]
        }


def _words(program: Program) -> set[str]:
    return {os.path.basename(word) for word in program.argv[:2]}


def _asks_for_files(path: bytes) -> bool:
    return _has_any(path, (b"wildcard",))


def _has_any(path: bytes, words: Iterable[bytes]) -> bool:
    """Tell whether a file may have one of several words in it."""
    try:
        with open(path, "rb") as file:
            text = file.read(_LONGEST + 1)
    except OSError:
        return True
    return len(text) > _LONGEST or any(word in text for word in words)


def _only_when(access: Access) -> bool:
    """Tell of a builder's access whether it only says when a step is due, not what it does.

    What a target is made from, its step reads itself. A file that it tried to open would have
    been read: `-include local.mk`.
    """
    return (access.action in ("absent", "exists") and not access.opened) or (
        access.action == "read" and access.path.endswith(_DUE)
    )


def _digest(access: Access) -> bool:
    return access.before is not None and access.before.startswith(_DIGESTS)


def _distinct(accesses: Iterable[Access]) -> list[Access]:
    """Give accesses in order of time, of those that are alike the first."""
    seen: set[tuple[object, ...]] = set()
    out = []
    for one in sorted(accesses, key=lambda a: a.when):
        key = (one.action, one.path, one.stat, one.keys)
        if key not in seen:
            seen.add(key)
            out.append(one)
    return out


def _circles(edges: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Give the sets of nodes that reach one another (Tarjan 1972), those of one node left out."""
    after: dict[int, list[int]] = {}
    for one, other in edges:
        after.setdefault(one, []).append(other)
        after.setdefault(other, [])
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on: set[int] = set()
    for root, first in after.items():
        if root in index:
            continue
        work = [(root, iter(first))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on.add(root)
        while work:
            node, others = work[-1]
            for other in others:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on.add(other)
                    work.append((other, iter(after[other])))
                    break
                if other in on:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    circle: list[int] = []
                    while not circle or circle[-1] != node:
                        circle.append(stack.pop())
                        on.discard(circle[-1])
                    if len(circle) > 1:
                        yield circle
