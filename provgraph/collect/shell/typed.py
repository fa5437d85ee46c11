"""What a typed line comes to: the command that stands for it, its trace, what the shell learnt.

A line that is one program stands for itself, as behind `provgraph run --`. Any other is what the
shell carried out, and its programs are steps of it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from provgraph.collect.family import NOBODY, Family, Program
from provgraph.collect.keeping import makes
from provgraph.collect.noise import BY_HAND, INTERPRETERS
from provgraph.collect.places import Places
from provgraph.collect.shell.lines import Line, Lines
from provgraph.collect.steps import left_with
from provgraph.collect.trace import READS, Access, Trace
from provgraph.collect.tracing.audit.tree import Command
from provgraph.collect.tracing.preload.joined import Part, read_part, still_runs
from provgraph.collect.tracing.preload.kinship import family_of
from provgraph.collect.tracing.preload.ring import Event
from provgraph.model.kinds import SCRIPT, kind_of
from provgraph.model.names import name_of

_FILES = frozenset("rwuaxeldnt")
_OWN_DOING = frozenset("rwuadntc")  # by which a shell is part of what its line did

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ASSIGNED = re.compile(r"\bfor\s+(\w+)|(?<![\w$])(\w+)\+?=|\bread\s+(?:-\S+\s+)*(\w+)")
_PIPELINE = re.compile(r"[^|;&]+(?:\|[^|;&]+)+")
# What a shell does itself and learns nothing by.
_BUILTINS = frozenset(
    "cd pushd popd dirs echo printf pwd true false : wait fg bg jobs kill disown history fc type "
    "hash times ulimit umask clear".split()
)
_BETWEEN = re.compile(r"[|&;\n]+")
_STATEFUL = re.compile(r"[`(){}]|\[\[|(?:^|[\s;&|])\w+(?:\[[^]]*\])?\+?=")
_SPECIAL = re.compile(r"\$[0-9?!@*#$-]|\$\{[0-9?!@*#$-]")


@dataclass(frozen=True)
class Typed:
    """A line as a command. `alone`: it is one program, started as it stands.

    `status` is what it exited with, None where it was killed, or goes on. `streams` are files that
    its standard descriptors were. `counts`: it is worth a record.
    """

    command: Command
    trace: Trace
    alone: bool
    counts: bool
    streams: tuple[tuple[int, str, str], ...] = ()
    status: int | None = None


def read(
    line: Line, lines: Lines, spool: Path, places: Places, *, shell: str, config: Sequence[bytes]
) -> Typed | None:
    """Read what a line did; None where it started nothing and did nothing itself."""
    own = {event.path for event in lines.itself if event.kind == "f" and event.stat}
    several = [e for e in line.events if e.kind != "f" or not e.stat or e.path not in own]
    events, left_out = _without_ours(several)
    if not events:
        return None
    command = _alone(events, lines)
    alone = command is not None
    if command is not None:
        events = _from_its_start(events, command.pid, lines.shell)
    else:
        events = [*lines.began(line), *events]
        words = (shell, "-c", line.text) if line.text else ()
        command = Command(lines.shell, words, shell, line.cwd)
    part = Part(
        command,
        sorted(events, key=lambda one: one.when),
        config,
        going_on=[pid for pid in sorted(line.pids) if still_runs(pid, spool)],
        pids=line.pids - left_out,
        since=line.started,
    )
    trace = read_part(spool, "preload", part)
    counts = _counts(trace, places)
    root = next((one for one in trace.family.programs if one.pid == command.pid), None)
    return Typed(
        command,
        trace,
        alone,
        counts,
        streams=tuple(_streams(root, trace)) if alone and root is not None else (),
        status=_status(line, trace.family, root if alone else None),
    )


def _status(line: Line, family: Family, root: Program | None) -> int | None:
    """Give how a line ended: what the shell said, else its own program, else its last one."""
    if root is not None and root.until is not None:
        return root.status
    if line.status is not None:
        return line.status
    ended = [one for one in family.programs if one.pid in line.pids]
    if not ended or any(one.until is None for one in ended):
        return None
    return max(ended, key=lambda one: one.until or 0).status


def learnt(line: Line, typed: Typed, places: Places) -> tuple[Access, ...]:
    """Give what the shell has learnt from files by a line.

    Nothing by programs alone: how they ended, a person sees, and not the next line.
    """
    if _only_programs(line, typed.trace.family):
        return ()
    if typed.alone:  # it may have decided by how that ended
        return tuple(one for one in typed.trace.accesses if one.action in READS)
    return left_with(typed.trace, places)


def _only_programs(line: Line, family: Family) -> bool:
    """Tell whether a line surely changed nothing in the shell: programs, one after another."""
    if not line.text or _STATEFUL.search(line.text):
        return False
    started = {os.path.basename(one.argv[0]) for one in family.programs if one.argv}
    words = [part.split()[:1] for part in _BETWEEN.split(line.text)]
    first = [os.path.basename(word) for several in words for word in several]
    if _PIPELINE.fullmatch(line.text):
        first = first[-1:]  # the others are processes of their own, in any shell
    return (started | _BUILTINS).issuperset(first)


def names_in(text: str) -> list[str]:
    """Give the words of a line that a shell may know more of than the line says."""
    assigned = {word for match in _ASSIGNED.finditer(text) for word in match.groups() if word}
    found = dict.fromkeys(_NAME.findall(text))
    return [word for word in found if word not in assigned]


def is_special(text: str) -> bool:
    """Tell whether a line asks for what only its own shell knows: `$?`, `$1`."""
    return _SPECIAL.search(text) is not None


# -- which events count ---------------------------------------------------------------------------


def _without_ours(events: Sequence[Event]) -> tuple[list[Event], set[int]]:
    """Leave out provgraph, which records itself, and what is edited or checked out by hand.

    Gives the processes left out, too.
    """
    family = family_of(events)
    ours: set[int] = set()
    by_hand: set[int] = set()
    for one in family.programs:
        if one.number in ours:
            continue
        if _is_provgraph(one):
            ours |= family.below(one.number)
        elif os.path.basename(one.argv[0] if one.argv else "") in BY_HAND:
            by_hand.add(one.number)
    if not ours and not by_hand:
        return list(events), set()
    kept = []
    for event in events:
        number = family.at(event.pid, event.when)
        if number in ours or (number in by_hand and event.kind in _FILES):
            continue
        kept.append(event)
    left = {event.pid for event in kept}
    return kept, {event.pid for event in events} - left


def _is_provgraph(program: Program) -> bool:
    words = [os.path.basename(word) for word in program.argv[:3]]
    return "provgraph" in words[:2] or words[1:] == ["-m", "provgraph"]


def _from_its_start(events: Sequence[Event], pid: int, shell: int) -> list[Event]:
    """Leave out how a program came to be started, as nobody sees it of a command behind `run`."""
    began = any(one.kind == "p" and one.pid == pid for one in events)
    first = next(one for one in events if one.kind == "E" and one.pid == pid)
    return [
        one
        for one in events
        if one.pid != shell
        and not (one.kind == "k" and one.pid == pid)
        and not (one is first and began)
    ]


def _alone(events: Sequence[Event], lines: Lines) -> Command | None:
    """Give the one program that a line is; None where the shell did more than start it."""
    shell = lines.shell
    pipes = {e.path for e in lines.itself if e.kind == "f" and e.path.startswith(b"pipe:")}
    children = {e.pid for e in events if e.kind in "kp" and e.number == shell}
    if len(children) != 1 or any(e.pid == shell and e.kind in _OWN_DOING for e in events):
        return None
    (child,) = children
    handed = {e.path for e in events if e.pid == child and e.kind == "f"}
    if any(path.startswith(b"pipe:") and path not in pipes for path in handed):
        return None  # the shell reads what it says, or tells it something
    for event in events:
        if event.kind == "k" and event.number == child:
            return None
        if event.pid != child:
            continue
        if event.kind == "E":
            argv = tuple(os.fsdecode(word) for word in event.other.split(b"\0")[:-1])
            cwd = next(
                (os.fsdecode(e.before) for e in events if e.pid == child and e.kind == "p"), ""
            )
            return Command(child, argv, os.fsdecode(event.path), cwd) if argv else None
        if event.kind in _OWN_DOING and (event.kind not in "wau" or event.path not in handed):
            return None  # a part of the shell, which went on by itself before
    return None


# -- what makes a line worth a record --------------------------------------------------------------


def _counts(trace: Trace, places: Places) -> bool:
    """Tell whether something of the project was made or removed, or code of it ran."""
    if makes(trace, places) or any(_runs_script(one, places) for one in trace.family.programs):
        return True
    code = (one.path for one in trace.accesses if one.action in ("program", "module"))
    return any(
        places.inside(path) and places.name(path) is not None for path in map(places.real, code)
    )


def _runs_script(program: Program, places: Places) -> bool:
    words = program.argv
    if not words or os.path.basename(words[0]).lstrip("-") not in INTERPRETERS:
        return False
    for word in words[1:]:
        path = os.fsencode(os.path.realpath(os.path.join(program.cwd, word)))
        if places.inside(path) and os.path.isfile(path):
            return kind_of(name_of(path[len(places.top) :]), produced=False) == SCRIPT
    return False


def _streams(root: Program, trace: Trace) -> Iterator[tuple[int, str, str]]:
    """Give the redirections of a program as a shell would write them."""
    appended = {a.path for a in trace.accesses if a.action == "append" and a.pid == root.pid}
    for one in root.given:
        if one.descriptor <= 2 and one.stat is not None:
            sign = "<" if one.mode == os.O_RDONLY else ">>" if one.what in appended else ">"
            yield one.descriptor, sign, os.fsdecode(one.what)


def labels_of(family: Family, line: Line, label: Callable[[Program], str]) -> str:
    """Name a line by the programs that the shell started."""
    tops = [one for one in family.programs if one.parent in (0, NOBODY) and one.pid in line.pids]
    tops.sort(key=lambda one: one.pid)  # in the order in which the shell forked
    names = list(dict.fromkeys(label(one) for one in tops))
    between = " | " if _PIPELINE.fullmatch(line.text) else ", "
    return between.join(names[:4]) + (", …" if len(names) > 4 else "")
