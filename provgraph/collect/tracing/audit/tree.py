"""Read what the processes of a command left in its spool, and judge who is missing from them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provgraph.collect.noise import NATIVE_READERS
from provgraph.collect.trace import Access, Process, Trace
from provgraph.collect.tracing import programs
from provgraph.collect.tracing.audit.answers import NOT_NEEDED
from provgraph.collect.tracing.audit.distributions import distributions
from provgraph.collect.tracing.audit.loads import Load, Opening
from provgraph.collect.tracing.audit.log import ProcessLog, Spawn, are_lost, read_logs, wanted_logs
from provgraph.collect.tracing.audit.observing import read_as_whole
from provgraph.collect.tracing.network import Traffic, gaps_of
from provgraph.model.digests import EMPTY

MODULE = "<module>"  # what Python calls the code of a module's body
COMMAND = "command.json"  # written by collect/run.py: what was started, and as which process


@dataclass(frozen=True)
class Sight:
    """What another tracer saw of the same command, beside the hooks.

    `since` maps a process to the times at which a program of it reported in there. `unproven` are
    programs that were started and didn't. `begun`: the command itself was seen. `loads` are the
    openings that surely belong to loads of columns.
    """

    since: Mapping[int, Sequence[int]] = field(default_factory=dict)
    unproven: Sequence[Spawn] = ()
    processes: Sequence[Process] = ()
    accesses: Sequence[Access] = ()
    gaps: Sequence[tuple[str, str]] = ()
    begun: bool = False
    loads: Mapping[Opening, Load] = field(default_factory=dict)

    def covers(self, log: ProcessLog) -> bool:
        """Tell whether a process that started Python is seen as a whole."""
        return any(when <= log.began for when in self.since.get(log.pid, ()))


def read_trace(spool: Path, method: str) -> Trace:
    """Give what was seen of the command whose processes logged into this spool."""
    wanted = wanted_logs(spool)
    logs, command = read_logs(spool), command_of(spool)
    lost = [("log-cut", label_of(command.argv))] if are_lost(wanted, logs) else []
    talked = gaps_of(Traffic(), logs)
    return trace_of(logs, command, method, Sight(gaps=[*lost, *talked]))


def trace_of(logs: list[ProcessLog], command: Command, method: str, sight: Sight) -> Trace:
    """Put together what the hooks saw, and what else is known."""
    tree = _Tree(logs, command, sight)
    seen = [*sight.accesses, *(access for log in logs for access in log.accesses)]
    seen += [*_loaded(logs, sight), *read_as_whole(logs)]
    accesses = sorted((_tidy(access) for access in seen), key=lambda one: one.when)
    cut = [("log-cut", label_of(log.argv)) for log in logs if log.cut]
    said = _said(logs)
    return Trace(
        method=method,
        processes=(*tree.processes, *sight.processes),
        accesses=tuple(_with_programs(accesses, logs)),
        gaps=tuple(
            dict.fromkeys(
                [*tree.gaps, *cut, *(gap for log in logs for gap in log.gaps), *sight.gaps]
            )
        ),
        said=tuple((words[0], words[1], words[2]) for _, _, words in said),
        said_by=tuple((when, pid) for when, pid, _ in said),
        options=tuple(option for log in logs for option in log.options),
        calls=_calls(logs, cut=bool(cut or sight.unproven)),
        calls_lost=_calls_lost(logs, cut=bool(cut or sight.unproven)),
    )


def _loaded(logs: Sequence[ProcessLog], sight: Sight) -> Iterator[Access]:
    """Give the files that tables were loaded from, as the hooks tell: whole where in doubt."""
    known = set(sight.loads.values())
    for log in logs:
        yield from (opening.of(sight.loads.get(opening)) for opening in log.openings)
        yield from (load.file.of(None) for load in log.loads if load not in known)


def _calls(logs: Sequence[ProcessLog], *, cut: bool) -> dict[bytes, frozenset[str]]:
    """Give the functions that ran, of the sources of which that is known for every process."""
    if cut or any(log.calls_lost for log in logs):
        return {}
    ran: dict[bytes, set[str]] = {}
    unknown: set[bytes] = set()
    for log in logs:
        told = {os.path.realpath(os.fsencode(f)): names for f, names in (log.calls or {}).items()}
        for file, names in told.items():
            ran.setdefault(file, set()).update(names)
        for access in log.accesses:
            if access.action in ("module", "program"):
                file = os.path.realpath(access.path)
                if MODULE not in told.get(file, ()):
                    unknown.add(file)
    return {
        file: frozenset(name.partition(".<")[0] for name in names)
        for file, names in ran.items()
        if file not in unknown
    }


def _calls_lost(logs: Sequence[ProcessLog], *, cut: bool) -> str:
    """Say why every function counts although it was asked which of them run."""
    if all(log.calls is None for log in logs):
        return ""
    if cut:
        return "a part of the trace is missing"
    return next((log.calls_lost for log in logs if log.calls_lost), "")


def _said(logs: Sequence[ProcessLog]) -> list[tuple[int, int, tuple[str, ...]]]:
    """Give what the processes declared, in order of time: when, which process, what."""
    told = ((when, log.pid, words) for log in logs for when, words in log.said)
    return sorted((one for one in told if len(one[2]) == 3), key=lambda one: one[0])


@dataclass
class Command:
    """What was started, and as which process."""

    pid: int = 0
    argv: tuple[str, ...] = ()
    path: str = ""
    cwd: str = ""


def command_of(spool: Path) -> Command:
    """Read what was started."""
    try:
        told = json.loads((spool / COMMAND).read_bytes())
        return Command(int(told["pid"]), tuple(told["argv"]), told["path"], told["cwd"])
    except (OSError, ValueError, KeyError, TypeError):
        return Command()


@dataclass
class _Tree:
    """Who was started, who reported, and so who nothing watched."""

    logs: list[ProcessLog]
    command: Command
    sight: Sight
    processes: list[Process] = field(default_factory=list)
    gaps: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._free = [log for log in self.logs if log.how == "start"]
        self._by_pid: dict[int, ProcessLog] = {}
        self._covered: set[int] = set()
        if self.command.pid and not self.sight.begun:
            self._top()
        for log in self.logs:
            self._by_pid[log.pid] = log
            if self.sight.covers(log) or (log.how == "fork" and log.parent in self._covered):
                self._covered.add(log.pid)
            self._reported(log)
            for spawn in log.spawns if log.pid not in self._covered else ():
                if spawn.path and os.path.exists(spawn.path):  # else nothing ran
                    self._spawned(spawn)
        for spawn in self.sight.unproven:
            self._spawned(spawn)

    def _top(self) -> None:
        first = Spawn(
            0, "exec", self.command.path, self.command.cwd, self.command.argv, self.command.pid
        )
        if first.path and os.path.exists(first.path):
            self._spawned(first)

    def _reported(self, log: ProcessLog) -> None:
        modules = dict(log.loaded or ())
        if log.loaded is None:
            modules = dict.fromkeys(log.imported, "")
        path = log.path
        parent = self._by_pid.get(log.parent) if log.how == "fork" else None
        if parent is not None:  # what the parent had loaded, the child of a fork has too
            modules = {**dict.fromkeys(parent.imported, ""), **modules}
            path = path or parent.path
            log.imported = [*parent.imported, *log.imported]
            log.path = path
        natives = sorted({*log.natives, *(NATIVE_READERS & {n.partition(".")[0] for n in modules})})
        if log.loaded is not None:
            natives = sorted({*log.natives, *(NATIVE_READERS & modules.keys())})
        label = label_of(log.argv)
        self.processes.append(
            Process(
                pid=log.pid,
                parent=log.parent,
                argv=log.argv,
                report=True,
                python=log.python,
                distributions=distributions(modules, path),
                natives=tuple(natives),
                environ=tuple(sorted(set(log.environ))),
                imported=tuple(dict.fromkeys(n for n in log.imported if "." not in n)),
                places=_places(log, path),
                ended=log.ended or log.how == "fork",
            )
        )
        if log.pid not in self._covered:
            self.gaps += [("native-reader", f"{label} ({name})") for name in natives]

    def _spawned(self, spawn: Spawn) -> None:
        """Find who a spawned program became; a gap where nobody knows what it read."""
        options = programs.python_options(spawn.path, spawn.argv)
        if options is not None:
            if not self._claim(spawn, like=spawn.argv):
                shut = programs.isolated(options)
                self._missing(spawn, "isolated" if shut else "no-report")
        elif programs.is_launcher(spawn.path):
            if not self._claim(spawn, like=None):
                self._missing(spawn, "not-python")
        elif not programs.is_harmless(spawn.path, spawn.argv):
            self._missing(spawn, "not-python")

    def _claim(self, spawn: Spawn, *, like: Sequence[str] | None) -> bool:
        """Take the report that a spawn led to: as this process (exec) or as its child."""
        for log in self._free:
            own = log.pid == spawn.pid if spawn.how == "exec" else log.parent == spawn.pid
            if like is None:
                own = own or (spawn.how == "exec" and log.parent == spawn.pid)
                own = own or bool(log.argv[1:] and log.argv[1:] == spawn.argv[-len(log.argv[1:]) :])
            if own and log.began >= spawn.when and (like is None or _same(like, log.argv)):
                self._free.remove(log)
                return True
        return False

    def _missing(self, spawn: Spawn, why: str) -> None:
        self.processes.append(
            Process(
                pid=spawn.pid if spawn.how == "exec" else 0,
                parent=0 if spawn.how == "exec" else spawn.pid,
                argv=spawn.argv,
                report=False,
                why=why,
            )
        )
        reason = "isolated-python" if why == "isolated" else "untraced"
        self.gaps.append((reason, label_of(spawn.argv) or os.path.basename(spawn.path)))


def _places(log: ProcessLog, path: Sequence[str]) -> tuple[str, ...]:
    """Give where a process looked for modules: where its script lies, or where it was started."""
    scripts = [os.fsdecode(one.path) for one in log.accesses if one.action == "program"]
    first = os.path.dirname(os.path.realpath(scripts[0])) if scripts else log.cwd
    return tuple(dict.fromkeys(place for place in (first, *path) if place))


def _same(spawned: Sequence[str], reported: Sequence[str]) -> bool:
    """Tell whether a process that reported is the one spawned: a script gets its interpreter."""
    tail = list(spawned[1:])
    return not tail or list(reported[-len(tail) :]) == tail


_WITH_VALUE = re.compile("[cmWX]")


def label_of(argv: Sequence[str]) -> str:
    """Name a process by its program alone: arguments may hold secrets."""
    words = [os.path.basename(word) for word in argv[:1]]
    if words and words[0].startswith(("python", "pypy")):
        options = iter(argv[1:])
        for word in options:
            if not word.startswith("-"):
                return os.path.basename(word)
            if word == "-":
                return f"{words[0]} -"
            if word == "--check-hash-based-pycs":
                next(options, "")
            # Letters stand together (`-Bc code`); these four take what follows them, or the next.
            found = None if word.startswith("--") else _WITH_VALUE.search(word)
            if found is None:
                continue
            value = word[found.end() :] or next(options, "")
            if found[0] == "c":
                return f"{words[0]} -c"
            if found[0] == "m":
                return f"{words[0]} -m {value}"
    return words[0] if words else ""


def _tidy(access: Access) -> Access:
    """Spell an access's paths out, and its earlier content where that is plain."""
    before = access.before
    if before == NOT_NEEDED:
        before = None
    elif before is None and access.size == 0 and access.action in ("write", "update", "append"):
        before = EMPTY
    return Access(
        action=access.action,
        path=_normal(access.path),
        when=access.when,
        pid=access.pid,
        other=None if access.other is None else _normal(access.other),
        before=before,
        size=access.size,
        stat=access.stat,
        keys=access.keys,
    )


def _normal(path: bytes) -> bytes:
    """Resolve `.` and `..`, the latter as the system does: through links."""
    if b"/../" in path or path.endswith(b"/.."):
        head, tail = os.path.split(path)
        if tail in (b"..", b"."):
            return os.path.realpath(path)
        path = os.path.join(os.path.realpath(head), tail)
    path = os.path.normpath(path)
    return path[1:] if path.startswith(b"//") else path


def _with_programs(accesses: list[Access], logs: list[ProcessLog]) -> list[Access]:
    """Mark what `python -m name` ran as a program."""
    wanted: dict[int, tuple[bytes, ...]] = {}
    for log in logs:
        if log.module:
            base = b"/" + os.fsencode(log.module.replace(".", "/"))
            wanted[log.pid] = (base + b".py", base + b"/__main__.py")
    if not wanted:
        return accesses
    return [
        Access("program", one.path, one.when, one.pid, stat=one.stat, size=one.size)
        if one.action == "module" and one.path.endswith(wanted.get(one.pid, (b"\0",)))
        else one
        for one in accesses
    ]
