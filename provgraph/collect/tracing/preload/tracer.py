"""Watch a command by a library in each of its processes, and its Python by audit hooks as well."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from provgraph.collect.trace import Trace
from provgraph.collect.tracing.aside import make_aside, remove_asides
from provgraph.collect.tracing.audit.tracer import AuditTracer
from provgraph.collect.tracing.interface import Start
from provgraph.collect.tracing.preload import ring
from provgraph.collect.tracing.preload.build import Library
from provgraph.collect.tracing.preload.strace import TOP, words

# Verdicts of `native/programs.h` on a binary.
_FINE = 0
_BY_STRACE = -1


class PreloadTracer:
    """The native library in every dynamically linked process, audit hooks in those that are Python.

    Each process that the library was loaded into says so; a process that didn't is a gap. Where
    the library can't be used here, audit hooks are what is left, and `why` says the reason.
    """

    name = "preload"

    def __init__(self, audit: AuditTracer, library: Library) -> None:
        self._audit = audit
        self._library = library.path
        self.why = library.why

    def prepare(
        self, base: Mapping[str, str], spool: Path, program: str, command: Sequence[str]
    ) -> Start:
        """Lay hook, library and ring into the spool, and put them into the environment."""
        start = self._audit.prepare(base, spool, program, command)
        if self._library is None:
            return start
        spool = Path(os.path.realpath(spool))
        strace = words(base)
        try:
            library = self._lay(self._library, spool, strace)
            argv = (ctypes.c_char_p * (len(command) + 1))(*map(os.fsencode, command), None)
            verdict = ctypes.CDLL(library).provgraph_inspect(os.fsencode(program), argv)
        except (OSError, AttributeError) as error:
            self.why = f"the native library can't be loaded: {error}"
            with contextlib.suppress(OSError):
                os.unlink(spool / "ring.0")
            return start
        if verdict == _FINE:
            theirs = base.get("LD_PRELOAD")
            preload = library if theirs is None else f"{theirs}:{library}"
            return replace(start, environ={**start.environ, "LD_PRELOAD": preload})
        if verdict == _BY_STRACE:
            log = os.fspath(spool / TOP)
            before = [log if word == "LOG" else word for word in strace]
            return replace(start, program=before[0], argv=(*before, *command))
        return start

    def _lay(self, original: Path, spool: Path, strace: Sequence[str]) -> str:
        """Lay a copy of the library and the ring; gives the copy's path.

        A copy, because the loader takes a file that it knows by another name only once: a watched
        provgraph has its own.
        """
        place = os.fspath(spool)
        if any(letter in place for letter in " :\t\n") or _forbids_code(place):
            # LD_PRELOAD knows no quoting, and code is mapped from few places on some machines.
            place = make_aside(spool)
            if _forbids_code(place):
                raise OSError("no place that code may be loaded from")
            os.symlink(spool / "ring.0", os.path.join(place, "ring.0"))
        library = os.path.join(place, "preload.so")
        shutil.copyfile(original, library)
        root, socket, top, _, every, *skipped = self._audit.config()
        hook = os.fspath(spool / "hook")
        ring.lay(spool, [root, top, socket, library, hook, every, *strace, "", *skipped])
        return library

    @contextlib.contextmanager
    def attend(self, spool: Path) -> Iterator[None]:
        """Attend as the audit hooks' tracer does."""
        attending: AbstractContextManager[None] = self._audit.attend(spool)
        try:
            with attending:
                yield
        finally:
            remove_asides(spool)

    def collect(self, spool: Path) -> Trace:
        """Read what both saw, and judge who of the tree nothing watched."""
        from provgraph.collect.tracing.preload.joined import read_trace

        if not (spool / "ring.0").exists():
            return self._audit.collect(spool)
        return read_trace(Path(os.path.realpath(spool)), self.name)

    def glimpse(self, spool: Path) -> Trace:
        """Read what both have seen so far of a command that still runs."""
        from provgraph.collect.tracing.preload.joined import read_trace

        return read_trace(Path(os.path.realpath(spool)), self.name, ended=False)


def _forbids_code(place: str) -> bool:
    return bool(os.statvfs(place).f_flag & os.ST_NOEXEC)
