"""Watch a command by a library in each of its processes, and its Python by audit hooks as well."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from provgraph.collect.trace import Trace
from provgraph.collect.tracing.audit.tracer import AuditTracer
from provgraph.collect.tracing.preload import ring
from provgraph.collect.tracing.preload.build import Library

_FINE = 0  # the verdict of `native/programs.h` on a binary that the library fits


class PreloadTracer:
    """The native library in every dynamically linked process, audit hooks in those that are Python.

    Each process that the library was loaded into says so; a process that didn't is a gap. Where
    the library can't be used here, audit hooks are what is left, and `why` says the reason.
    """

    name = "preload"

    def __init__(self, audit: AuditTracer, library: Library) -> None:
        self._audit = audit
        self._library = library.path
        self._aside: str | None = None
        self.why = library.why

    def environment(self, base: Mapping[str, str], spool: Path, program: str) -> dict[str, str]:
        """Lay hook, library and ring into the spool, and put them into the environment."""
        traced = self._audit.environment(base, spool, program)
        if self._library is None:
            return traced
        try:
            library = self._lay(self._library, Path(os.path.realpath(spool)))
            fits = ctypes.CDLL(library).provgraph_inspect(os.fsencode(program)) == _FINE
        except (OSError, AttributeError) as error:
            self.why = f"the library can't be loaded: {error}"
            with contextlib.suppress(OSError):
                os.unlink(spool / "ring.0")
            return traced
        if fits:
            theirs = base.get("LD_PRELOAD")
            traced["LD_PRELOAD"] = library if theirs is None else f"{theirs}:{library}"
        return traced

    def _lay(self, original: Path, spool: Path) -> str:
        """Lay a copy of the library and the ring; gives the copy's path.

        A copy, because the loader takes a file that it knows by another name only once: a watched
        provgraph has its own.
        """
        place = os.fspath(spool)
        if any(letter in place for letter in " :\t\n") or _forbids_code(place):
            # LD_PRELOAD knows no quoting, and code is mapped from few places on some machines.
            self._aside = place = tempfile.mkdtemp(prefix="provgraph-", dir="/tmp")
            if _forbids_code(place):
                raise OSError("no place that code may be loaded from")
            os.symlink(spool / "ring.0", os.path.join(place, "ring.0"))
        library = os.path.join(place, "preload.so")
        shutil.copyfile(original, library)
        root, socket, top, _, *skipped = self._audit.config()
        ring.lay(spool, [root, top, socket, library, os.fspath(spool / "hook"), "", *skipped])
        return library

    @contextlib.contextmanager
    def attend(self, spool: Path) -> Iterator[None]:
        """Attend as the audit hooks' tracer does."""
        attending: AbstractContextManager[None] = self._audit.attend(spool)
        try:
            with attending:
                yield
        finally:
            if self._aside is not None:
                shutil.rmtree(self._aside, ignore_errors=True)

    def collect(self, spool: Path) -> Trace:
        """Read what both saw, and judge who of the tree nothing watched."""
        from provgraph.collect.tracing.preload.joined import read_trace

        if not (spool / "ring.0").exists():
            return self._audit.collect(spool)
        return read_trace(Path(os.path.realpath(spool)), self.name)


def _forbids_code(place: str) -> bool:
    return bool(os.statvfs(place).f_flag & os.ST_NOEXEC)
