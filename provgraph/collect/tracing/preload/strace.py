"""Watch by `strace` what the library can't be loaded into: static programs, Go, other C libraries.

strace is put in front of such a program, as a process aside (`-DDD`), so that the program keeps its
number, parent, status and terminal; a filter in the kernel (`--seccomp-bpf`) stops it at the calls
named here alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provgraph.collect.trace import Access, Action
from provgraph.collect.tracing.preload.build import cache
from provgraph.collect.tracing.preload.ring import ANY, UNKNOWN
from provgraph.model.digests import identity

_CALLS = (
    "connect",
    *("open openat openat2 creat stat lstat newfstatat statx access faccessat faccessat2".split()),
    *("readlink readlinkat rename renameat renameat2 link linkat symlink symlinkat".split()),
    *("unlink unlinkat truncate getdents getdents64 execve execveat chdir fchdir".split()),
    *("fork vfork clone clone3 io_uring_setup chroot pivot_root setns unshare".split()),
)
TOP = "strace.top"  # the log of a run's first program
# A stat that equals none: what a file was at that moment, nobody looked.
_UNSEEN = (0, 0, 0, 0, 0)
_LINE = re.compile(rb"(\d+) +(\d+)\.(\d+) (.*)\Z", re.DOTALL)
_CALL = re.compile(rb"(\w+)\((.*?)\)? += (-?\d+|0x[0-9a-f]+|\?)(?:<([^>]*)>)?(?: (E\w+))?")
_TEXT = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"')
_PORT = re.compile(rb"htons\((\d+)\)")
_AT = re.compile(rb"(?:AT_FDCWD|\d+)<((?:\\x[0-9a-f]{2})*)(?:>|\()")


def words(environ: Mapping[str, str]) -> list[str]:
    """Give strace's command up to the program's own words (`LOG` for the log); empty without it."""
    program = shutil.which("strace", path=environ.get("PATH"))
    if program is None:
        return []
    program = os.path.abspath(program)
    command = [
        *(program, "-DDD", "-f", "--seccomp-bpf", "-q", "-y", "-ttt", "-xx", "-s", "0"),
        *("-e", "trace=" + ",".join(f"?{call}" for call in _CALLS)),
        *("-o", "LOG", "--"),
    ]
    return command if _works(command, environ) else []


def _works(command: list[str], environ: Mapping[str, str]) -> bool:
    """Try strace on itself; where it works, once for each start of the machine and rights."""
    mark = cache(environ) / f"strace-{_rights(command[0])}"
    if mark.exists():
        return True
    tried = ["/dev/null" if word == "LOG" else word for word in command]
    try:
        done = subprocess.run(
            [*tried, command[0], "--version"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    if done.returncode or done.stderr:
        return False
    with contextlib.suppress(OSError):
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    return True


def _rights(program: str) -> str:
    """Name what tracing depends on: the machine's start, strace, what this process may do."""
    seen = [program, str(os.getuid())]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/sys/kernel/yama/ptrace_scope"):
        try:
            seen.append(Path(path).read_text())
        except OSError:
            seen.append("")
    try:
        status = Path("/proc/self/status").read_text()
        seen += re.findall(r"^(?:CapEff|NoNewPrivs|Seccomp):.*$", status, re.MULTILINE)
        seen += [os.readlink("/proc/self/ns/pid"), str(os.stat(program).st_mtime_ns)]
    except OSError:
        pass
    return identity("strace", *seen, size=8)


@dataclass
class Traced:
    """What one strace saw: accesses, whether it is whole, and what it can't follow.

    `connections` are (family, address, port).
    """

    accesses: list[Access] = field(default_factory=list)
    complete: bool = False
    uring: bool = False
    connections: list[tuple[int, str, int]] = field(default_factory=list)


def read_log(path: str, cwd: bytes) -> Traced:
    """Read strace's log; `cwd` is where the program began."""
    reader = _Reader(cwd)
    try:
        with open(path, "rb") as file:
            for line in file:
                reader.take(line)
    except OSError:
        return Traced()
    reader.seen.complete = reader.began and not reader.alive and not reader.failed
    return reader.seen


class _Reader:
    """Lines in order, with calls that others interrupted put together again."""

    def __init__(self, cwd: bytes) -> None:
        self.seen = Traced()
        self.began = self.failed = False
        self.alive: set[int] = set()
        self._gone: set[int] = set()  # ended before the call that made them was seen to return
        self._cwd: dict[int, bytes] = {}
        self._moved = False
        self._leader = 0
        self._first = cwd
        self._open: dict[int, bytes] = {}

    def take(self, line: bytes) -> None:
        """Take a line; one that can't be read makes the log incomplete."""
        match = _LINE.match(line.rstrip(b"\n"))
        if match is None:
            self.failed = True
            return
        pid, rest = int(match[1]), match[4]
        when = int(match[2]) * 1_000_000_000 + int(match[3].ljust(9, b"0"))
        if rest.startswith(b"--- "):
            return  # a signal
        if rest.startswith(b"+++ "):
            self.alive.discard(pid)
            self._gone.add(pid)
            taken = re.search(rb"superseded by execve in pid (\d+)", rest)
            if taken:  # a thread called execve, and goes on under its process's number
                self.alive.add(pid)
                self.alive.discard(int(taken[1]))
            return
        self.alive.add(pid)
        if rest.endswith(b"<unfinished ...>"):
            self._open[pid] = rest.removesuffix(b"<unfinished ...>")
            return
        if rest.startswith(b"<... "):
            begun = self._open.pop(pid, None)
            if begun is None:
                self.failed = True
                return
            rest = begun.rstrip(b" ") + rest.partition(b" resumed>")[2]
        call = _CALL.match(rest)
        if call is None or call[3] == b"?":
            self.failed |= not rest.startswith(b"execve") and call is None
            return
        self._done(pid, when, call)

    def _done(self, pid: int, when: int, call: re.Match[bytes]) -> None:
        name, arguments, result, error = call[1].decode(), call[2], call[3], call[5]
        failed = result.startswith(b"-")
        if name == "connect":
            if not failed or error in (b"EINPROGRESS", b"EAGAIN"):
                self._connected(arguments)
        elif not failed:
            self._succeeded(pid, when, name, arguments, result)
        elif error in (b"ENOENT", b"ENOTDIR") and not name.startswith(("exec", "rename", "chdir")):
            self._path(pid, when, name, arguments, "absent")

    def _connected(self, arguments: bytes) -> None:
        texts = [os.fsdecode(_plain(one)) for one in _TEXT.findall(arguments)]
        if b"sa_family=AF_UNIX" in arguments:
            self.seen.connections += [(socket.AF_UNIX, one, 0) for one in texts[:1]]
        elif b"sa_family=AF_INET" in arguments:
            port = _PORT.search(arguments)
            where = (texts[-1] if texts else UNKNOWN, int(port[1]) if port else ANY)
            self.seen.connections.append((socket.AF_INET, *where))

    def _succeeded(self, pid: int, when: int, name: str, arguments: bytes, result: bytes) -> None:
        if name in ("fork", "vfork", "clone", "clone3"):
            child = int(result, 0)
            if child > 0:
                self._cwd.setdefault(child, self._here(pid))
                (self._gone.remove if child in self._gone else self.alive.add)(child)
        elif name in ("execve", "execveat"):
            self._leader = self._leader or pid
            self.began = True
            self._path(pid, when, name, arguments, "read", existing=True)
        elif name in ("chdir", "fchdir"):
            places = self._paths(pid, arguments) or [_plain(one) for one in _AT.findall(arguments)]
            self._cwd[pid] = places[0] if places else self._here(pid)
            self._moved = True
        elif name in ("chroot", "pivot_root", "setns", "unshare"):
            # Paths mean other files from here on.
            self.failed |= name != "unshare" or b"CLONE_NEWNS" in arguments
        elif name == "io_uring_setup":
            self.seen.uring = True
        elif name in ("open", "openat", "openat2", "creat"):
            self._opened(pid, when, name, arguments)
        else:
            self._changed(pid, when, name, arguments)

    def _changed(self, pid: int, when: int, name: str, arguments: bytes) -> None:
        """Take a call that renames, links, removes, lists, or only looks."""
        paths = self._paths(pid, arguments)
        if name.startswith("getdents"):
            self._add("list", _plain(_AT.findall(arguments)[0]), when, pid)
        elif name.startswith("rename") and len(paths) == 2:
            self._add("remove", paths[1], when - 1, pid)
            self._add("rename", paths[0], when, pid, other=paths[1])
        elif name.startswith("link") and len(paths) == 2:
            self._add("read", paths[0], when, pid)
            self._add("write", paths[1], when, pid)
        elif name.startswith("symlink") and paths:
            self._add("write", paths[-1], when, pid)
        elif name.startswith("unlink") and paths and b"AT_REMOVEDIR" not in arguments:
            self._add("remove", paths[0], when, pid, stat=_UNSEEN)
        elif name == "truncate" and paths:
            self._add("update", paths[0], when, pid, stat=_UNSEEN)
        elif paths and (b"S_IFREG" in arguments or "access" in name):
            self._add("exists", paths[0], when, pid)

    def _opened(self, pid: int, when: int, name: str, arguments: bytes) -> None:
        action: Action = "read"
        if name == "creat" or b"O_TRUNC" in arguments:
            action = "write"
        elif b"O_APPEND" in arguments:
            action = "append"
        elif b"O_WRONLY" in arguments or b"O_RDWR" in arguments:
            new = b"O_EXCL" in arguments
            action = "write" if new else "update"
        if b"O_DIRECTORY" in arguments or b"O_TMPFILE" in arguments or b"O_PATH" in arguments:
            return
        self._path(pid, when, name, arguments, action, existing=b"O_EXCL" not in arguments)

    def _path(
        self,
        pid: int,
        when: int,
        name: str,
        arguments: bytes,
        action: Action,
        *,
        existing: bool = False,
    ) -> None:
        paths = self._paths(pid, arguments)
        if not paths:
            self.failed = self.failed or name not in ("newfstatat", "statx")  # of a descriptor
            return
        stat = None
        if action == "read":
            if os.path.isdir(paths[0]):
                return
            stat = _stat_as_of(paths[0], when)
        elif existing:
            stat = _UNSEEN
        self._add(action, paths[0], when, pid, stat=stat)

    def _add(
        self,
        action: Action,
        path: bytes,
        when: int,
        pid: int,
        *,
        other: bytes | None = None,
        stat: tuple[int, int, int, int, int] | None = None,
    ) -> None:
        size = stat[2] if stat and stat is not _UNSEEN else None
        self.seen.accesses.append(Access(action, path, when, pid, other, stat=stat, size=size))

    def _here(self, pid: int) -> bytes:
        return self._cwd.get(pid, self._first)

    def _paths(self, pid: int, arguments: bytes) -> list[bytes]:
        """Give the paths among a call's arguments, each below the directory named before it."""
        found = []
        base = None
        for at, text in _arguments(arguments):
            if at is not None:
                base = at
            elif text:
                whole = text.startswith(b"/")
                found.append(text if whole else (base or self._start_of(pid)) + b"/" + text)
                base = None
        return found

    def _start_of(self, pid: int) -> bytes:
        """Give a process's directory; a doubt where its parent's call hasn't returned yet."""
        self.failed |= self._moved and pid not in self._cwd and pid != self._leader
        return self._here(pid)


def _arguments(data: bytes) -> Iterator[tuple[bytes | None, bytes]]:
    """Give directories (named by descriptors) and texts, in order."""
    for match in re.finditer(rb"%b|%b" % (_AT.pattern, _TEXT.pattern), data):
        if match[1] is not None:
            yield _plain(match[1]), b""
        else:
            yield None, _plain(match[2])


def _plain(text: bytes) -> bytes:
    return bytes.fromhex(text.decode().replace("\\x", ""))


def _stat_as_of(path: bytes, when: int) -> tuple[int, int, int, int, int] | None:
    """Give what a file was at a time, where nothing was written to it since."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    if max(found.st_mtime_ns, found.st_ctime_ns) > when:
        return _UNSEEN
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
