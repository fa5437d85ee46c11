"""Watch the process that this runs in, for a while: the hook, switched on and off again.

An audit hook stays for the life of a process. So the hook's code is executed into one namespace
for good, anew for each watch, and is off while its table of handlers is empty.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

from provgraph.collect.tracing.audit.tracer import HOOK, AuditTracer

_FORKED_LARGE = 16 << 20  # bytes; more are hashed by threads, which a forked child doesn't have
_AT_ONCE = 50_000_000  # ns that a file system's clock may differ from the processor's
_PYTHONPATH = b"PYTHONPATH"
_HELPERS = (b"multiprocessing.resource_tracker",)

# The namespace of this process's audit hook, and the threads that it looks away from.
_hooked: dict[str, Any] = {}
_quiet: set[int] = set()


@cache
def _code() -> CodeType:
    path = HOOK / "watch.py"
    return compile(path.read_bytes(), os.fspath(path), "exec", dont_inherit=True)


@contextmanager
def aside() -> Iterator[None]:
    """Keep what this thread does out of what is seen: it works for provgraph."""
    me = threading.get_ident()
    if me in _quiet:
        yield
        return
    _quiet.add(me)
    try:
        yield
    finally:
        _quiet.discard(me)


class Within:
    """One watch over this process, and over those that it starts meanwhile.

    `subject` names the run in gaps. Not seen is what was read before; what tells of it (modules
    loaded, files open or mapped, children at work) is noted at the start.
    """

    def __init__(self, tracer: AuditTracer, spool: Path, subject: str) -> None:
        self._tracer = tracer
        self._spool = spool
        self._subject = subject
        self._pid = os.getpid()
        self._undo: list[tuple[Any, str, Any, Any]] = []
        self._serving = threading.Lock()
        self._served = False

    def start(self) -> None:
        """Begin to watch; raises OSError where the spool can't be written."""
        with aside():
            here = self._tracer.lay(self._spool, watcher=0, answering=False)
            first = not _hooked
            _hooked.update(__name__="_provgraph_watch", HERE=os.fspath(here), WITHIN=True)
            _hooked["HANDLERS"] = {}
            exec(_code(), _hooked)  # noqa: S102 - our own file
            if "_socket" in sys.modules:
                _hooked["execute"]("network.py")
            handlers, _hooked["HANDLERS"] = _hooked["HANDLERS"], {}
            spawned = _hooked["spawned"]

            def serve_and_tell(*args: Any) -> None:
                self._serve()
                spawned(*args)

            _hooked.update(
                QUIET=_quiet, ask=self._content, asked=self._words, spawned=serve_and_tell
            )
            _hooked["starting"] = self._serve
            _hooked["begin"]("block")
            _hooked["State"].alone = True
            _hooked["State"].starting = False
            self._note_what_was_before()
            self._wrap()
            if first:
                os.register_at_fork(before=_forking, after_in_child=_forked)
                sys.addaudithook(_hooked["hook"])
            _hooked["HANDLERS"] = handlers

    def stop(self) -> None:
        """End the watch, and leave the process as it was found."""
        with aside():
            _hooked["HANDLERS"] = {}
            _hooked["finish"]()
            _hooked["emit"] = lambda _record: None
            self._unwrap()
            state = _hooked["State"]
            with suppress(OSError):
                found = os.fstat(state.log)
                if (found.st_dev, found.st_ino) == state.identity:
                    os.close(state.log)
            state.log = -1
            self._tracer.attend(self._spool).__exit__(None, None, None)

    # -- answering -----------------------------------------------------------------------------

    def _content(self, path: str) -> bytes:
        """Hash a file that is about to be changed: here, in the thread that is about to."""
        with aside():
            try:
                if os.getpid() != self._pid and os.stat(path).st_size > _FORKED_LARGE:
                    return b"too-large"
                return self._tracer.content(os.fsencode(path)).encode()
            except Exception:  # noqa: BLE001 - nothing of ours is raised into the program
                return b"unreadable"

    def _words(self, request: bytes) -> bytes:
        """Say how words are written down that may hold secrets."""
        with aside():
            return self._tracer.words(request)

    def _serve(self) -> None:
        """Answer children that another program becomes; not before there are any.

        A thread of ours would make Python warn about every fork.
        """
        with self._serving:
            if not self._served and os.getpid() == self._pid:
                self._served = True
                self._tracer.attend(self._spool).__enter__()

    # -- what was before -----------------------------------------------------------------------

    def _note_what_was_before(self) -> None:
        self._gap("earlier-reads", self._subject)
        file = getattr(sys.modules.get("__main__"), "__file__", None)
        if not isinstance(file, str) or not os.path.isfile(file):
            self._gap("unsaved-code", self._subject)
        for child in _children():
            self._gap("untraced", f"{self._subject} (process {child}, started before it)")
        born = _born()
        for name, module in list(sys.modules.items()):
            with suppress(OSError, ValueError, AttributeError, TypeError):
                self._loaded(name, module, born)
        for path in dict.fromkeys([*_open_files(), *_mapped_files()]):
            with suppress(OSError, ValueError):
                found = os.stat(path)
                if _hooked["watched"](path) and found.st_mode & 0o170000 == 0o100000:
                    _hooked["INODES"].add(found.st_ino)
                    _hooked["log_access"]("read", path, found)

    def _gap(self, reason: str, subject: str) -> None:
        hook = _hooked
        hook["emit"](hook["fields"](b"G", reason, subject.replace("\0", "")) + hook["END"])

    def _loaded(self, name: str, module: Any, born: int) -> None:
        """Record a module that was imported earlier."""
        hook = _hooked
        top, dot, _ = name.partition(".")
        if not dot or top in hook["SPACES"]:
            hook["NAMES"].add(name)
            hook["emit"](hook["fields"](b"I", time.time_ns(), name) + hook["END"])
        values = object.__getattribute__(module, "__dict__")
        file = values.get("__file__")
        if type(file) is not str:
            return
        full = hook["source_of"](os.path.abspath(file))
        if not hook["watched"](full):
            return
        if not full.endswith(".py"):
            if full.endswith(".so"):
                hook["native"](name, full)
            return
        found = os.stat(full)
        modified = found.st_mtime_ns
        if modified > born + _AT_ONCE and not _compiled_from(values, found):
            modified = -1  # edited since it was loaded, for all we know
        seen = SimpleNamespace(
            st_dev=found.st_dev,
            st_ino=found.st_ino,
            st_size=found.st_size,
            st_mtime_ns=modified,
            st_ctime_ns=found.st_ctime_ns,
        )
        hook["INODES"].add(found.st_ino)
        hook["log_access"]("program" if name == "__main__" else "module", full, seen)

    # -- wrapping ------------------------------------------------------------------------------

    def _wrap(self) -> None:
        """Put the hook's stand-ins where they see what raises no audit event."""
        hook = _hooked
        for name in ("stat", "lstat", "readlink"):
            self._put(os, name, hook["Look"](getattr(os, name)))
        self._put(os, "access", hook["Access"](os.access))
        for name, place in (("execve", 2), ("posix_spawn", 2), ("posix_spawnp", 2)):
            if hasattr(os, name):
                start = hook["Start"](getattr(os, name), place, hook["mapped_environment"])
                self._put(os, name, start)
        self._put(os, "putenv", hook["Put"](os.putenv))
        self._put(os, "unsetenv", hook["Unset"](os.unsetenv))
        sockets: Any = sys.modules.get("_socket")
        if "Lookup" in hook and sockets is not None:
            self._put(sockets, "getaddrinfo", hook["Lookup"](sockets.getaddrinfo))
        hook["inject_into_subprocess"]()
        environ: Any = os.environ
        before = vars(environ).copy()
        hook["watch_names"]()
        for name in ("encodekey", "decodekey"):
            if vars(environ).get(name) is not before.get(name):
                self._undo.append((environ, name, before[name], vars(environ)[name]))
        theirs = os.environb.get(_PYTHONPATH)
        hook["posix"].putenv(_PYTHONPATH, hook["with_ours"](theirs))

    def _put(self, place: Any, name: str, stand_in: Any) -> None:
        self._undo.append((place, name, getattr(place, name), stand_in))
        setattr(place, name, stand_in)

    def _unwrap(self) -> None:
        for place, name, original, stand_in in reversed(self._undo):
            if getattr(place, name) is stand_in:  # else someone has wrapped it since
                setattr(place, name, original)
        for module, name in (("_posixsubprocess", "fork_exec"), ("subprocess", "_fork_exec")):
            there: Any = getattr(sys.modules.get(module), name, None)
            if isinstance(there, _hooked["Start"]):
                setattr(sys.modules[module], name, there.__wrapped__)
        posix = _hooked["posix"]
        theirs = os.environb.get(_PYTHONPATH)
        if theirs is None:
            posix.unsetenv(_PYTHONPATH)
        else:
            posix.putenv(_PYTHONPATH, theirs)


def _forking() -> None:
    if _hooked["HANDLERS"]:
        _hooked["forking"]()


def _forked() -> None:
    if _hooked["HANDLERS"]:
        _hooked["forked"]()


def _compiled_from(module: dict[str, Any], source: os.stat_result) -> bool:
    """Tell whether a module's bytecode was made from its source as it is now."""
    cached = module.get("__cached__")
    with suppress(OSError, TypeError):
        with open(cached, "rb") as file:  # type: ignore[arg-type]
            head = file.read(16)
        modified, size = (int.from_bytes(head[at : at + 4], "little") for at in (8, 12))
        whole = int(source.st_mtime) & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF
        return head[4:8] == b"\0\0\0\0" and (modified, size) == whole
    return False


def _born() -> int:
    """Tell when this process began, in ns since 1970; 0 where nobody knows."""
    with suppress(OSError, ValueError, IndexError, AttributeError):
        text = Path("/proc/self/stat").read_text("utf-8", "replace")
        ticks = int(text.rpartition(")")[2].split()[19])
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
        return time.time_ns() - int(age * 1e9)
    return 0


def _children() -> list[int]:
    """Give the processes that this one has started and that still run."""
    found: list[int] = []
    for task in _entries("/proc/self/task"):
        with suppress(OSError, ValueError):
            for pid in Path(f"/proc/self/task/{task}/children").read_text("ascii").split():
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
                if line and not any(helper in line for helper in _HELPERS):
                    found.append(int(pid))
    return found


def _open_files() -> list[str]:
    """Give the files that are open for reading."""
    import fcntl

    found: list[str] = []
    for entry in _entries("/proc/self/fd"):
        with suppress(OSError, ValueError):
            if fcntl.fcntl(int(entry), fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY:
                path = os.readlink(f"/proc/self/fd/{entry}")
                there, here = os.stat(path), os.fstat(int(entry))
                if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                    found.append(path)
    return found


def _mapped_files() -> list[str]:
    """Give the files that are mapped into memory as data."""
    found: dict[str, None] = {}
    with suppress(OSError):
        for line in os.fsdecode(Path("/proc/self/maps").read_bytes()).splitlines():
            fields = line.split(None, 5)
            if len(fields) == 6 and fields[5].startswith("/") and ".so" not in fields[5]:
                found[fields[5]] = None
    return list(found)


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
