"""Run a command in place: its streams, terminal, signals and status as if we weren't there."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, NoReturn

from provgraph.collect.account import Finished, tell_command, tell_end, tell_pid
from provgraph.collect.trace import Access
from provgraph.collect.tracing.interface import Start, Tracer
from provgraph.collect.tracing.programs import find
from provgraph.errors import Exit, RunFailed

# Handed on to the command when someone sends them to us. What the terminal sends (^C, ^\, a
# hang-up), the command gets from the terminal itself: it is in our process group.
_HANDED_ON = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
)
_BY_SOMEONE = 0  # si_code of kill(2) and below; what the kernel sends is above
# Python ignores these for itself; a command must find them as it would without us.
_RESTORED = tuple(
    getattr(signal, name) for name in ("SIGPIPE", "SIGXFSZ", "SIGXFZ") if hasattr(signal, name)
)
_STOPPED_BY_PERSON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGQUIT)


def run_command(
    command: Sequence[str],
    *,
    tracer: Tracer,
    spool: Path,
    cwd: Path,
    environ: Mapping[str, str],
    on_spawn: Callable[[int], None] | None = None,
    shown: Sequence[str] | None = None,
) -> Finished:
    """Run a command to its end and watch it; `cwd` is the current directory.

    `shown` is the command as it may be written down, without secrets. `on_spawn` is called with its
    process id, while it runs; what it raises is the caller's loss.
    Raises RunFailed (126, 127) when it can't be executed or found: nothing ran then.
    """
    path = find(command[0], environ, os.fspath(cwd))
    if not path:
        raise RunFailed(
            f"{command[0]}: no such command",
            exit_code=Exit.NOT_FOUND,
            hint="write what you would write without provgraph, after --",
        )
    if os.path.isdir(path) or not os.access(path, os.X_OK):
        raise RunFailed(f"{path}: can't be executed", exit_code=Exit.NOT_EXECUTABLE)
    start = tracer.prepare(environ, spool, os.path.join(cwd, path), command)
    attending = tracer.attend(spool)
    streams = open_streams(time.time_ns())
    try:
        tell_command(
            spool,
            shown or command,
            os.path.join(cwd, path),
            os.fspath(cwd),
            time.time_ns(),
            streams,
        )
    except OSError:
        with attending:
            pass
        raise
    with _signals() as mask:
        started = time.time_ns()
        clock = time.monotonic()
        try:
            pid = _spawn(start, mask)
        except OSError as error:
            with attending:
                pass
            missing = error.errno == errno.ENOENT
            raise RunFailed(
                f"{path}: {error.strerror}",
                exit_code=Exit.NOT_FOUND if missing else Exit.NOT_EXECUTABLE,
            ) from error
        with attending:
            tell_pid(spool, pid)
            if on_spawn is not None:
                with contextlib.suppress(Exception):
                    on_spawn(pid)
            status, usage = _wait(pid, mask)
        seconds = time.monotonic() - clock
    ended = max(time.time_ns(), started)
    code = os.waitstatus_to_exitcode(status)
    finished = Finished(
        status=status_of(code),
        exit=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        started_ns=started,
        ended_ns=ended,
        seconds=seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_memory=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        pid=pid,
        streams=tuple(replace(one, pid=pid) for one in streams),
    )
    tell_end(spool, finished)
    return finished


def leave(finished: Finished) -> NoReturn:
    """End this process as the command ended: with its status, or by the same signal."""
    sys.stdout.flush()
    sys.stderr.flush()
    if finished.signal is not None:
        die_by(finished.signal)
    sys.exit(finished.exit or 0)


def die_by(number: int) -> None:
    """End this process by a signal, without a core file; comes back where that can't be."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError, ValueError):
        signal.signal(number, signal.SIG_DFL)
    with contextlib.suppress(OSError, ValueError):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)
    sys.exit(128 + number)


def open_streams(when: int) -> tuple[Access, ...]:
    """Give the files that standard input, output and error are: the shell's redirections.

    They are accesses of a process that isn't there yet: number 0.
    """
    found: list[Access] = []
    for descriptor, path, flags, seen in _redirected():
        mode = flags & os.O_ACCMODE
        identity = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        if descriptor == 0:
            found.append(Access("read", path, when, 0, size=seen.st_size, stat=identity))
        elif mode != os.O_RDONLY:
            # The shell truncated it before we started: what it held, nobody can tell any more.
            kept = bool(flags & os.O_APPEND) and seen.st_size > 0
            action: Literal["append", "write"] = "append" if kept else "write"
            found.append(Access(action, path, when, 0, size=seen.st_size))
    return tuple(found)


def redirections() -> list[tuple[int, str, str]]:
    """Give (descriptor, `<`, `>` or `>>`, path) as a shell would have to write them once more."""
    found: list[tuple[int, str, str]] = []
    for descriptor, path, flags, _ in _redirected():
        if descriptor == 0:
            found.append((0, "<", os.fsdecode(path)))
        elif flags & os.O_ACCMODE != os.O_RDONLY:
            sign = ">>" if flags & os.O_APPEND else ">"
            found.append((descriptor, sign, os.fsdecode(path)))
    return found


def _redirected() -> Iterator[tuple[int, bytes, int, os.stat_result]]:
    """Give the standard descriptors that are files with a name: each with its flags and stat."""
    import fcntl
    import stat

    for descriptor in (0, 1, 2):
        try:
            seen = os.fstat(descriptor)
            flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
            if not stat.S_ISREG(seen.st_mode):
                continue
            path = _path_of(descriptor)
            there = os.stat(path)
        except OSError:
            continue
        if (there.st_dev, there.st_ino) == (seen.st_dev, seen.st_ino):
            yield descriptor, path, flags, seen


def _path_of(descriptor: int) -> bytes:
    if sys.platform == "darwin":
        import fcntl

        name: bytes = fcntl.fcntl(descriptor, fcntl.F_GETPATH, b"\0" * 1024)
        return name.rstrip(b"\0")
    return os.readlink(os.fsencode(f"/proc/self/fd/{descriptor}"))


def _spawn(start: Start, mask: set[int]) -> int:
    path, command, environ = start.program, start.argv, start.environ
    try:
        return os.posix_spawn(path, list(command), environ, setsigmask=mask, setsigdef=_restored())
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    # A script without an interpreter line: the shell's, as execvp has it.
    argv = ["/bin/sh", path, *command[1:]]
    return os.posix_spawn("/bin/sh", argv, environ, setsigmask=mask, setsigdef=_restored())


def _restored() -> list[int]:
    return [number for number in _RESTORED if signal.getsignal(number) == signal.SIG_IGN]


@contextlib.contextmanager
def _signals() -> Iterator[set[int]]:
    """Hold signals back, so that none is lost between starting the command and waiting for it.

    Gives the mask that the command is to start with: the one that was.
    """
    taken = [number for number in _HANDED_ON if signal.getsignal(number) != signal.SIG_IGN]
    child = signal.getsignal(signal.SIGCHLD)
    if child == signal.SIG_IGN:  # children would vanish with their status
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    mask = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])}
    signal.pthread_sigmask(signal.SIG_BLOCK, [*taken, signal.SIGCHLD])
    try:
        yield mask
    finally:
        # What came for the command when it had ended isn't for us either.
        if hasattr(signal, "sigtimedwait"):
            while signal.sigtimedwait([*taken, signal.SIGCHLD], 0):
                pass
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _wait(pid: int, mask: set[int]) -> tuple[int, resource.struct_rusage]:
    """Wait for the command, handing on what it doesn't get itself."""
    awaited = {
        number for number in signal.pthread_sigmask(signal.SIG_BLOCK, []) if int(number) not in mask
    } | {signal.SIGCHLD}
    while True:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage
        if sys.platform == "darwin":
            number: int = signal.sigwait(awaited)
            someone = number not in (signal.SIGINT, signal.SIGQUIT)
        else:
            told = signal.sigwaitinfo(awaited)
            number, someone = told.si_signo, told.si_code <= _BY_SOMEONE
        if number != signal.SIGCHLD and someone:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def status_of(code: int) -> Literal["ok", "failed", "interrupted"]:
    """Judge an exit status, or minus the signal that ended a command."""
    if code == 0:
        return "ok"
    stopped = -code if code < 0 else code - 128
    return "interrupted" if stopped in _STOPPED_BY_PERSON else "failed"
