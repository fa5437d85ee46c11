"""The lines of a watched shell, and their records.

A line whose programs go on (`&`, Ctrl-Z) is recorded when they have ended. In the spool,
`shell/lines` says which lines there were and which are recorded: what a killed watcher leaves is
recorded line by line as well.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from provgraph.collect import keeping
from provgraph.collect.account import Finished
from provgraph.collect.nested import SHELL
from provgraph.collect.places import Places
from provgraph.collect.run import status_of
from provgraph.collect.shell import typed
from provgraph.collect.shell.lines import Line, Lines
from provgraph.collect.tracing.preload import ring
from provgraph.collect.tracing.preload.joined import still_runs
from provgraph.collect.watching import Said, Say, Site, again, new_run_id, places_of, step_of, tilde
from provgraph.errors import ProvgraphError
from provgraph.ledger.spool import Spool, spools

_LINES = "lines"
_HISTORY = re.compile(r"\s*(\d+)[* ] (.*)", re.DOTALL)


def recover_shell(site: Site, spool: Spool, pid: int) -> None:
    """Record the lines that a watcher which died left in its spool."""
    Book(site, spool, pid, lambda _: None).recover()


def waits(spool: Spool) -> bool:
    """Tell whether programs of a shell's lines go on, as far as it said so."""
    marks = _marks_of(spool.events)
    done = {mark["done"] for mark in marks if "done" in mark}
    return any(mark["waits"] not in done for mark in marks if "waits" in mark)


def _marks_of(events: Path) -> list[dict[str, Any]]:
    marks: list[dict[str, Any]] = []
    with contextlib.suppress(OSError):
        for text in (events / SHELL / _LINES).read_text("ascii").splitlines():
            with contextlib.suppress(ValueError):
                marks.append(json.loads(text))
    return marks


class Book:
    """The lines of a shell: which are done, which wait for their programs; and their records."""

    def __init__(self, site: Site, spool: Spool, pid: int, say: Say) -> None:
        self._site = site
        self._spool = spool
        self._events = Path(os.path.realpath(spool.events))
        self._say = say
        self._lines = Lines(pid)
        self._ring = ring.Following(self._events)
        self._marks = self._events / SHELL / _LINES
        self._waiting: list[Line] = []
        self._unrecorded: list[Line] = []
        self._kept: dict[tuple[bytes, str], Any] = {}
        self._kept_by: dict[int, Any] = {}
        self._last: tuple[str, tuple[object, ...]] = ("", ())
        self._until = 0
        self._later: list[ring.Event] = []
        self._lost = False
        self._config = ring.read_config(self._events)

    def _places(self) -> Places:
        return places_of(self._site, self._spool.document["host"])

    @property
    def waiting(self) -> bool:
        """Tell whether a line's programs go on."""
        return bool(self._waiting)

    def recover(self) -> None:
        """Record what a watcher that died had not yet recorded."""
        done, turns = self._told()
        for turn in turns:
            self._take(until=turn["ended"])
            line = self._lines.turn(turn["started"], turn["ended"])
            line.status = turn["status"]
            line.kept, line.kept_by = tuple(self._kept.values()), tuple(self._kept_by.values())
            self._until = line.ended
            if line.number in done:
                self._learn(line, self._read(line))
            else:
                self._waiting.append(line)
        self.close()

    def _told(self) -> tuple[set[int], list[dict[str, Any]]]:
        """Give the lines that have their record, and when each line was."""
        marks = _marks_of(self._events)
        done = {mark["done"] for mark in marks if "done" in mark}
        for spool in spools(self._site.ledger):  # it died between a record and its mark
            of, number = spool.document.get("line") or (None, 0)
            if of == self._spool.run_id and spool.concluded(self._site.ledger):
                done.add(number)
        return done, [mark for mark in marks if "line" in mark]

    # -- what the shell tells ------------------------------------------------------------------

    def turn(
        self, status: str, began: str, cwd: str, text: str, *, ask: Callable[[list[str]], bool]
    ) -> None:
        """End a line, and record it unless its programs go on."""
        ended = time.time_ns()
        self.look()
        line = self._lines.turn(_nanoseconds(began) or self._until, ended)
        self._until = ended
        line.status, line.cwd = int(status), cwd
        line.text = self._text(text, line)
        line.secret = line.text[:1].isspace()
        self._mark(line=line.number, started=line.started, ended=ended, status=line.status)
        self._done(line, ask)
        self._lines.forget(self._is_there)

    def look(self) -> None:
        """Record the lines whose programs have ended meanwhile."""
        self._take()
        for line in list(self._waiting):
            if not self._goes_on(line):
                self._waiting.remove(line)
                self._record(line)

    def close(self) -> None:
        """Record what is left; the spool stays where that fails, for a later command."""
        self._take()
        line = self._lines.turn(self._until, time.time_ns())
        self._mark(line=line.number, started=line.started, ended=line.ended, status=None)
        line.kept, line.kept_by = tuple(self._kept.values()), tuple(self._kept_by.values())
        left, self._unrecorded = [*self._waiting, *self._unrecorded, line], []
        failures = [error for one in left if (error := self._tried(one)) is not None]
        if failures:
            raise failures[0]
        self._spool.finish()

    def _tried(self, line: Line) -> Exception | None:
        try:
            self._record(line)
        except Exception as error:  # noqa: BLE001 - the next line isn't its fault
            return error
        return None

    def _text(self, text: str, line: Line) -> str:
        """Give what was typed.

        bash tells the last line of its history. It leaves out what only repeats that, and, where
        it is told so, what begins with a space: the former does the same once more.
        """
        if self._spool.document["shell"] == "zsh":
            return text
        found = _HISTORY.match(text)
        before = {event.path for event in self._lines.itself if event.kind == "f"}
        doings = line.doings(self._lines.shell, before)
        last, self._last = self._last, (found[1] if found else "", doings)
        if found is None or (last[0] == found[1] and last[1] != doings):
            return ""
        return found[2].strip()

    def _done(self, line: Line, ask: Callable[[list[str]], bool]) -> None:
        line.kept = tuple(self._kept.values())
        line.kept_by = tuple(self._kept_by.values())
        if line.text and not line.secret and not typed.is_special(line.text):
            names = typed.names_in(line.text)
            line.whole = not self._has_steps(line) or not ask(names)
        if self._goes_on(line):
            self._waiting.append(line)
            self._mark(waits=line.number)
            self._learn(line, self._read(line))
        else:
            self._record(line)

    def _has_steps(self, line: Line) -> bool:
        """Tell whether what was typed matters: a single program says itself what it is."""
        found = self._read(line)
        return found is not None and found.counts and not found.alone

    def _take(self, until: int | None = None) -> None:
        events, lost = self._ring.more()
        self._lost |= lost
        events = [*self._later, *events]
        self._later = [] if until is None else [one for one in events if one.when > until]
        self._lines.take(one for one in events if until is None or one.when <= until)

    def _goes_on(self, line: Line) -> bool:
        """Tell whether the shell still has programs of a line, behind or stopped."""
        return any(_parent_of(pid) == self._lines.shell for pid in line.pids)

    def _is_there(self, pid: int) -> bool:
        return os.path.exists(f"/proc/{pid}") and still_runs(pid, self._events)

    # -- records -------------------------------------------------------------------------------

    def _read(self, line: Line) -> typed.Typed | None:
        found = typed.read(
            line,
            self._lines,
            self._events,
            self._places(),
            shell=self._spool.document["shell"],
            config=self._config,
        )
        if found is not None and self._lost:
            gap = ("log-cut", self._spool.document["shell"])
            found = replace(found, trace=replace(found.trace, gaps=(*found.trace.gaps, gap)))
        return found

    def _learn(self, line: Line, found: typed.Typed | None) -> None:
        """Remember what the shell itself knows from now on, of which contents."""
        if found is None:
            return
        places = self._places()
        kept = keeping.kept(typed.learnt(line, found, places), places, self._site.contents().digest)
        for access in kept:
            self._kept[access.path, access.action] = access
        if kept:
            for process in found.trace.processes:
                if process.pid in line.pids:
                    self._kept_by[process.pid] = replace(process, environ=())

    def _record(self, line: Line) -> None:
        try:
            found = self._read(line)
            if found is not None and found.counts:
                self._write(line, found)
        except Exception:
            self._unrecorded.append(line)
            raise
        self._learn(line, found)
        self._mark(done=line.number)
        self._sweep(line)

    def _write(self, line: Line, found: typed.Typed) -> None:
        from provgraph.collect.describing import described, folded
        from provgraph.collect.gitstate import git_state

        site = self._site
        pid = found.command.pid
        trace = keeping.put_before(
            line.kept, found.trace, self._places(), pid=pid, began=line.started
        )
        trace = replace(trace, processes=(*trace.processes, *line.kept_by))
        spool = Spool.begin(site.ledger, new_run_id(), self._document(line, found))
        try:
            with site.ledger.together():
                git = git_state(site.root, site.redactor)
                records, complaints = described(site, spool, _finished(line, found), trace, git)
                records[-1] = replace(records[-1], cpu_seconds=None, peak_memory=None)
                records = folded(site, records)
                spool.keep(site.ledger, *records)
            self._mark(done=line.number)
            spool.conclude(site.ledger, *records)
        except BaseException:
            if not spool.concluded(site.ledger):
                with contextlib.suppress(ProvgraphError):
                    spool.finish()
            raise
        finally:
            site.close()
        for complaint in complaints:
            self._say(complaint)

    def _document(self, line: Line, found: typed.Typed) -> dict[str, Any]:
        site = self._site
        cwd = found.command.cwd or line.cwd
        shell = self._spool.document["shell"]
        tops = typed.labels_of(
            found.trace.family,
            line,
            lambda one: step_of(site, list(one.argv) or ["?"], None, one.cwd or cwd)[1],
        )
        words = list(found.command.argv) if found.alone or not line.secret else []
        words = words or [shell, tops]
        key, label, _ = step_of(site, words, None, cwd)
        argv = list(site.redactor.arguments(words))
        told = again(site, Said())
        told.pop("streams", None)
        streams = [[number, sign, _placed(site, path)] for number, sign, path in found.streams]
        if not found.alone and not line.whole:
            argv = []  # only that shell knows what it means
        return {
            **self._spool.document,
            "shell": None,
            "line": [self._spool.run_id, line.number],
            "step": {
                "key": key,
                "label": label if found.alone else (tops or label),
                "named": False,
            },
            "argv": argv,
            "cwd": cwd,
            "started_ns": line.started,
            "again": {**told, **({"streams": streams} if streams else {})},
        }

    def _mark(self, **words: Any) -> None:
        with open(self._marks, "a", encoding="ascii") as file:
            file.write(json.dumps(words) + "\n")

    def _sweep(self, line: Line) -> None:
        """Remove what was read: a shell is open for days."""
        for pid in line.pids:
            for path in self._events.glob(f"{pid}-*.lo[gs]*"):
                with contextlib.suppress(OSError):
                    path.unlink()
        line.events.clear()


def _finished(line: Line, found: typed.Typed) -> Finished:
    status = found.status
    ended = max([line.started, line.ended, *(one.when for one in found.trace.accesses)])
    return Finished(
        status="interrupted" if status is None else status_of(status),
        exit=status,
        signal=None,
        started_ns=line.started,
        ended_ns=ended,
        seconds=(ended - line.started) / 1e9,
        cpu_seconds=0.0,
        peak_memory=0,
        pid=found.command.pid,
    )


def _placed(site: Site, path: str) -> str:
    inside = os.path.relpath(path, os.path.realpath(site.root))
    return tilde(path) if inside.split(os.sep, 1)[0] == os.pardir else inside


def _nanoseconds(text: str) -> int:
    """Read a time as a shell says it: microseconds, or seconds with a fraction; 0 for neither."""
    whole, point, fraction = text.replace(",", ".").partition(".")
    if not whole.isdecimal():
        return 0
    return int(whole + (fraction + "0" * 9)[:9]) if point else int(whole) * 1000


def _parent_of(pid: int) -> int:
    """Give who a process answers to; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in "ZX" else int(fields[1])
