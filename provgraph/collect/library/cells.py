"""`%load_ext provgraph`: each cell of a live notebook that makes something is recorded as a run.

The kernel is watched all the time. What a cell makes rests on all that the kernel has read so far,
and on every cell that was executed: any of its objects may come from there.
"""

from __future__ import annotations

import atexit
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provgraph.collect.library.block import (
    cpu_seconds,
    harmless,
    is_off,
    peak_memory,
    say,
    status_of,
)
from provgraph.collect.library.telling import is_watched

if TYPE_CHECKING:
    from provgraph.collect.account import Finished
    from provgraph.collect.places import Places
    from provgraph.collect.trace import Access, Trace
    from provgraph.collect.watching import Site
    from provgraph.model.records import RunRecord, Use

_KERNEL = ("python", "-m", "ipykernel_launcher")
_ASKED = 200  # notebooks in a directory that are looked into
_loaded: Cells | None = None


def load(shell: Any, find: Callable[[], Site]) -> None:
    """Begin to record the cells of an IPython shell; says why where that can't be."""
    global _loaded  # noqa: PLW0603 - a process has one
    with harmless():
        if _loaded is not None or is_off():
            return
        if is_watched():
            say("this kernel is watched as a whole by provgraph run; its cells are part of that")
            return
        cells = Cells(shell, find())
        cells.begin()
        _loaded = cells


def unload() -> None:
    """Stop recording cells."""
    global _loaded
    with harmless():
        cells, _loaded = _loaded, None
        if cells is not None:
            cells.end()


class Cells:
    """The cells of one kernel."""

    def __init__(self, shell: Any, site: Site) -> None:
        self._shell = shell
        self._site = site
        self._pid = os.getpid()
        self._late = getattr(shell, "execution_count", 2) > 1
        self._depth = 0
        self._began = time.time_ns()
        self._ran: dict[str, str] = {}  # parts of the notebook, and their sources
        self._kept: dict[tuple[bytes, str], Access] = {}
        self._own: dict[str, str] = {}
        self._notebook: str | None = None

    def begin(self) -> None:
        """Begin to watch."""
        self._watch_on()
        if not is_watched():
            self._watch.stop()
            self._spool.finish()
            raise OSError("something in this program refuses audit hooks")
        self._shell.events.register("pre_run_cell", self._before)
        self._shell.events.register("post_run_cell", self._after)
        atexit.register(unload)

    def end(self) -> None:
        """Stop watching; what was read since the last record made nothing."""
        for event, function in (("pre_run_cell", self._before), ("post_run_cell", self._after)):
            with suppress(ValueError):
                self._shell.events.unregister(event, function)
        atexit.unregister(unload)
        if os.getpid() == self._pid:
            self._watch.stop()
            self._spool.finish()

    # -- IPython's events ----------------------------------------------------------------------

    def _before(self, _info: Any = None) -> None:
        self._depth += 1
        if self._depth == 1:
            self._began = time.time_ns()

    def _after(self, result: Any) -> None:
        self._depth = max(0, self._depth - 1)
        if self._depth == 0 and os.getpid() == self._pid:
            with harmless():
                self._done(result)

    def _done(self, result: Any) -> None:
        from provgraph.collect import keeping
        from provgraph.collect.parts import cell_part
        from provgraph.collect.tracing.audit.within import aside
        from provgraph.collect.watching import places_of

        with aside():
            source = str(getattr(result.info, "raw_cell", "") or "")
            if source.strip():
                self._ran[cell_part(source)] = source
            trace = self._tracer.collect(self._spool.events)
            places = places_of(self._site, self._spool.document["host"])
            if not keeping.makes(trace, places):
                return
            finished = self._finished(result)
            self._watch.stop()
            try:
                self._record(result.info, finished, places)
            finally:
                self._site.close()
                self._watch_on()

    # -- the watch -----------------------------------------------------------------------------

    def _watch_on(self) -> None:
        from provgraph.collect.account import tell_command, tell_pid
        from provgraph.collect.tracing.audit.within import Within, aside
        from provgraph.collect.watching import Said, document_of, make_tracer, new_run_id
        from provgraph.ledger.spool import Spool

        with aside():
            site = self._site
            document = document_of(site, _KERNEL, Said(name="a cell"))
            document |= {"inside": True, "cell": True, "argv": list(self._argv())}
            self._spool = Spool.begin(site.ledger, new_run_id(), document)
            # Nothing is started: there is no path.
            tell_command(self._spool.events, self._argv(), "", os.getcwd(), time.time_ns())
            tell_pid(self._spool.events, self._pid)
            self._tracer = make_tracer(site, cached=False)
            self._watch = Within(self._tracer, self._spool.events, "a cell")
            self._cpu = cpu_seconds()
            try:
                self._watch.start()
            except BaseException:
                with suppress(Exception):
                    self._watch.stop()
                self._spool.finish()
                raise

    def _argv(self) -> tuple[str, ...]:
        """Give what a redo is told: nothing can be started that would execute one cell."""
        return _KERNEL if getattr(self._shell, "kernel", None) is not None else ()

    # -- the record ----------------------------------------------------------------------------

    def _finished(self, result: Any) -> Finished:
        from provgraph.collect.account import Finished

        error = getattr(result, "error_in_exec", None) or getattr(result, "error_before_exec", None)
        ended = max(time.time_ns(), self._began)
        return Finished(
            status=status_of(error),
            exit=None,
            signal=None,
            started_ns=self._began,
            ended_ns=ended,
            seconds=(ended - self._began) / 1e9,
            cpu_seconds=cpu_seconds() - self._cpu,
            peak_memory=peak_memory(),
            pid=self._pid,
        )

    def _record(self, info: Any, finished: Finished, places: Places) -> None:
        from provgraph.collect import keeping
        from provgraph.collect.describing import described, folded
        from provgraph.collect.gitstate import git_state

        site = self._site
        seen = self._tracer.collect(self._spool.events)
        notebook = self._find_notebook()
        name = self._step_of(info, notebook)
        self._spool.document["step"] = {"key": name, "label": name, "named": True}
        trace = keeping.put_before(
            self._kept.values(), seen, places, pid=self._pid, began=self._began
        )
        use = self._use_of(notebook, places)
        gaps = [gap for gap in seen.gaps if gap[0] not in ("earlier-reads", "unsaved-code")]
        gaps += [("earlier-reads", name)] if self._late else []
        gaps += [("unsaved-code", name)] if use is None else []
        trace = replace(trace, gaps=tuple(gaps))
        try:
            git = git_state(site.root, site.redactor)
            with site.ledger.together():
                records, complaints = described(site, self._spool, finished, trace, git)
                records[-1] = _with_use(records[-1], use)
                self._own |= {one.name: one.digest for one in records[-1].produces}
                records = folded(site, records)
                self._spool.keep(site.ledger, *records)
            self._spool.conclude(site.ledger, *records)
        finally:
            self._keep(seen, places)
        for line in complaints:
            say(line)

    def _keep(self, trace: Trace, places: Places) -> None:
        """Remember what was read; what this kernel made itself rests on what is kept already."""
        from provgraph.collect import keeping
        from provgraph.collect.trace import READS

        read = [one for one in trace.accesses if one.action in READS]
        for access in keeping.kept(read, places, self._site.contents().digest):
            if self._own.get(places.name(places.real(access.path)) or "") != access.before:
                self._kept[access.path, access.action] = access

    # -- the notebook --------------------------------------------------------------------------

    def _find_notebook(self) -> str | None:
        """Give the file that holds the cells: told by who started the kernel, else searched."""
        told = [os.environ.get("JPY_SESSION_NAME"), self._space().get("__vsc_ipynb_file__")]
        for path in told:
            if isinstance(path, str) and path.endswith(".ipynb") and os.path.isfile(path):
                return os.path.realpath(path)
        if self._notebook is None and self._argv():
            found = [one for one in sorted(Path().glob("*.ipynb"))[:_ASKED] if self._holds(one)]
            self._notebook = os.path.realpath(found[0]) if len(found) == 1 else None
        return self._notebook

    def _space(self) -> dict[str, Any]:
        space = getattr(self._shell, "user_ns", None)
        return space if isinstance(space, dict) else {}

    def _holds(self, path: Path) -> bool:
        from provgraph.collect.parts import cell_part, code_cells

        try:
            return self._ran.keys() <= set(map(cell_part, code_cells(path.read_bytes())))
        except OSError:
            return False

    def _step_of(self, info: Any, notebook: str | None) -> str:
        from provgraph.collect.parts import cell_part

        cell = getattr(info, "cell_id", None)
        if not cell or notebook is None:
            cell = cell_part(str(getattr(info, "raw_cell", ""))).rpartition(":")[2]
        if notebook is None:
            return f"{'notebook' if self._argv() else 'ipython'}[{cell}]"
        inside = os.path.relpath(notebook, os.path.realpath(self._site.root))
        outside = inside.split(os.sep, 1)[0] == os.pardir
        return f"{os.path.basename(notebook) if outside else inside}[{cell}]"

    def _use_of(self, notebook: str | None, places: Places) -> Use | None:
        """Give the cells executed so far, as parts of the notebook; unsaved ones aren't there."""
        from provgraph.model.parts import THERE
        from provgraph.model.records import Use

        if notebook is None:
            return None
        path = os.fsencode(notebook)
        name = places.name(path)
        if name is None or not places.inside(path):
            return None
        found = self._site.contents().digest(path)
        saved = found is not None and self._holds(Path(notebook))
        return Use(
            name=name,
            digest=found[0] if found is not None and saved else "unknown",
            role="program",
            touched=dict.fromkeys(self._ran, THERE),
            size=found[1] if found is not None and saved else None,
        )


def _with_use(record: RunRecord, use: Use | None) -> RunRecord:
    if use is None or any(one.name == use.name for one in record.uses):
        return record
    return replace(record, uses=(*record.uses, use))


if sys.platform != "win32":
    os.register_at_fork(after_in_child=lambda: globals().update(_loaded=None))
