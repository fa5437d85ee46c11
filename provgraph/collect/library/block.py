"""A run made inside this Python process, from the `with` that begins it to its record.

Blocks that are open at the same time are one run: which of them a file was opened for can't be
told. In a process that `provgraph run` watches they are part of its run.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from provgraph.collect.library.params import forget_reads, read_so_far
from provgraph.collect.library.telling import is_watched, tell, tell_key
from provgraph.collect.trace import LONGEST
from provgraph.errors import LedgerError

if TYPE_CHECKING:
    from typing import Self

    from provgraph.collect.account import Finished
    from provgraph.collect.tracing.audit.within import Within
    from provgraph.collect.watching import Site
    from provgraph.ledger.spool import Spool

_OFF = ("off", "0", "no", "false")
_said: set[str] = set()


class Run:
    """A block of code recorded as a run of the step `name`.

    What the process does meanwhile is observed; `uses` and the like add what can't be seen. An
    exception makes the run a failed one, and goes on unchanged. Where nothing can be recorded,
    that is said once on standard error, and the block runs all the same.
    """

    def __init__(
        self,
        name: str,
        params: Mapping[str, Any] | None = None,
        *,
        find: Callable[[], Site],
    ) -> None:
        self.name = name
        self._params = params
        self._find = find
        self._block: _Block | None = None
        self._thread = 0

    # -- what can be said ----------------------------------------------------------------------

    def uses(self, *paths: str | os.PathLike[str]) -> None:
        """Say that it reads these files, or all below these directories."""
        for path in paths:
            tell("uses", os.path.abspath(os.fspath(path)))

    def produces(self, *paths: str | os.PathLike[str]) -> None:
        """Say that it writes these files, or all below these directories."""
        for path in paths:
            tell("produces", os.path.abspath(os.fspath(path)))

    def metric(self, name: str, value: float) -> None:
        """Record a number; given again, the last one counts."""
        item = getattr(value, "item", None)  # numpy's and torch's numbers
        plain = item() if callable(item) else value
        with harmless():
            tell("metric", name, json.dumps(_number(plain)))

    def note(self, text: str) -> None:
        """Say why it is run."""
        tell("note", text)

    # -- the block -----------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._thread = threading.get_ident()
        with harmless():
            self._block = _enter(self.name, self._find)
        with harmless():
            for name, value in (self._params or {}).items():
                tell("param", str(name), as_text(value))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        block, self._block = self._block, None
        if block is not None and block.pid == os.getpid():
            with harmless():
                block.leave(status_of(error), owner=self._thread == block.thread)


class _Block:
    """A run of this process while it is open: its spool, the watch, and who is in it."""

    def __init__(self, site: Site, name: str) -> None:
        from provgraph.collect.watching import Said, document_of, new_run_id
        from provgraph.ledger.spool import Spool

        self.pid = os.getpid()
        self.thread = threading.get_ident()
        self.inside = 1
        self._name = name
        self._site = site
        self._status: Literal["ok", "failed", "interrupted"] = "ok"
        argv = _command()
        document = document_of(site, argv, Said(name=name))
        self._spool: Spool = Spool.begin(site.ledger, new_run_id(), {**document, "inside": True})
        try:
            self._watch: Within = self._begin(name, document["argv"])
        except BaseException:
            self._spool.finish()
            raise

    def _begin(self, name: str, argv: list[str]) -> Within:
        from provgraph.collect.account import tell_command, tell_pid
        from provgraph.collect.tracing.audit.within import Within, aside
        from provgraph.collect.watching import make_tracer

        self._started = time.time_ns()
        self._clock = time.monotonic()
        self._cpu = cpu_seconds()
        with aside():  # nothing is started: there is no path
            tell_command(self._spool.events, argv, "", os.getcwd(), self._started)
            tell_pid(self._spool.events, self.pid)
        self._tracer = make_tracer(self._site, cached=False)
        watch = Within(self._tracer, self._spool.events, name)
        try:
            watch.start()
            if not is_watched():
                raise OSError("something in this program refuses audit hooks")
        except BaseException:
            with contextlib.suppress(Exception):
                watch.stop()
            raise
        for path, stat, key in read_so_far():
            tell_key(path, stat, key)
        return watch

    def leave(self, status: Literal["ok", "failed", "interrupted"], *, owner: bool) -> None:
        """End one of the `with`s; the last one records."""
        global _open  # noqa: PLW0603 - a process has one
        with _lock:
            self.inside -= 1
            # A failure inside another block of this thread is the outer block's to judge.
            if status != "ok" and (not owner or self.inside == 0):
                self._status = status
            if self.inside:
                return
            try:
                finished = self._finished()
                self._watch.stop()
            finally:
                _open = None
                forget_reads()
        try:
            self._record(finished)
        except Exception as error:
            raise LedgerError(
                f"recording {self._name} failed: {error}",
                hint="the first provgraph command after this program tries again",
            ) from error

    def _record(self, finished: Finished) -> None:
        from provgraph.collect.account import tell_end
        from provgraph.collect.gitstate import git_state
        from provgraph.collect.watching import record_run

        site = self._site
        tell_end(self._spool.events, finished)
        trace = self._tracer.collect(self._spool.events)
        try:
            git = git_state(site.root, site.redactor)
            for line in record_run(site, self._spool, finished, trace, git):
                say(line)
        finally:
            site.close()

    def _finished(self) -> Finished:
        from provgraph.collect.account import Finished

        return Finished(
            status=self._status,
            exit=None,
            signal=None,
            started_ns=self._started,
            ended_ns=max(time.time_ns(), self._started),
            seconds=time.monotonic() - self._clock,
            cpu_seconds=cpu_seconds() - self._cpu,
            peak_memory=peak_memory(),
            pid=self.pid,
        )


_lock = threading.RLock()
_open: _Block | None = None


def _enter(name: str, find: Callable[[], Site]) -> _Block | None:
    """Open a block, or join one; None where the run is another process's, or is not recorded."""
    global _open  # noqa: PLW0603 - a process has one
    if is_off():
        return None
    with _lock:
        if _open is not None:
            _open.inside += 1
            return _open
        if is_watched():
            return None
        _open = _Block(find(), name)
        return _open


def is_off() -> bool:
    """Tell whether nothing is to be recorded."""
    return os.environ.get("PROVGRAPH", "").lower() in _OFF


def _in_child() -> None:
    """Forget, in the child of a fork, what is its parent's: it is watched as its child."""
    global _lock, _open
    _lock, _open = threading.RLock(), None


os.register_at_fork(after_in_child=_in_child)


def as_text(value: Any) -> str:
    """Write a parameter's value as it is recorded: text as it is, all else as JSON."""
    if not isinstance(value, str):
        value = json.dumps(value, default=_plain, sort_keys=True, ensure_ascii=False)
    if len(value) > LONGEST:
        from provgraph.model.digests import content_digest

        return content_digest(value.encode("utf-8", "surrogatepass"))
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    item = getattr(value, "item", None)
    return item() if callable(item) and not isinstance(value, type) else str(value)


def _number(value: Any) -> Any:
    from provgraph.model.records import json_number

    if isinstance(value, bool) or not isinstance(value, (int, float)):
        value = float(value)
    return json_number(value)


def status_of(error: BaseException | None) -> Literal["ok", "failed", "interrupted"]:
    """Judge how code ended by what it raised."""
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "ok"
    stopped = isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError"
    return "interrupted" if stopped else "failed"


def _command() -> list[str]:
    """Give how this program was started; nothing where its code was typed in."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if not isinstance(file, str) or not os.path.isfile(file):
        return []
    return list(sys.orig_argv)


def peak_memory() -> int:
    """Give the most memory that this process had, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def cpu_seconds() -> float:
    """Give the processor time of this process and its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextlib.contextmanager
def harmless() -> Any:
    """Turn what fails in provgraph into a line on standard error."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a failure of ours never breaks the program
        if os.environ.get("PROVGRAPH_DEBUG", "") not in ("", "0"):
            import traceback

            traceback.print_exc()
        hint = getattr(error, "hint", "")
        say(f"{error}; this run isn't recorded" + (f" ({hint})" if hint else ""))


def say(line: str) -> None:
    """Write a line to standard error, each once."""
    if line in _said:
        return
    _said.add(line)
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sys.stderr.write(f"provgraph: {line}\n")
        sys.stderr.flush()
