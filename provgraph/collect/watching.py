"""Watch one command from start to record; and turn what a dead watcher left into a record.

Everything that can fail before the command starts fails as `NotWatched`, so the caller can run it
all the same. Nothing raised afterwards reaches the caller: the command's own status does.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from provgraph.collect.nested import Enclosing, Nested, enclosing
from provgraph.errors import NotWatched, ProvgraphError, RunFailed

if TYPE_CHECKING:
    from provgraph.collect.account import Finished
    from provgraph.collect.assemble import Lookup
    from provgraph.collect.configuration import Configuration
    from provgraph.collect.content import Contents
    from provgraph.collect.gitstate import GitState
    from provgraph.collect.places import Places
    from provgraph.collect.secrets import Redactor
    from provgraph.collect.trace import Trace
    from provgraph.collect.tracing import AuditTracer, PreloadTracer
    from provgraph.ledger.ledger import Ledger
    from provgraph.ledger.spool import Spool

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PYTHON = re.compile(r"python[0-9.]*(?:\.exe)?$")
Say = Callable[[str], None]


class Site(Protocol):
    """What watching needs of a project."""

    root: Path
    id: str
    configuration: Configuration

    @property
    def ledger(self) -> Ledger:
        """The ledger to record in."""

    @property
    def redactor(self) -> Redactor:
        """What puts fingerprints in the place of secrets, by the project's key and rules."""

    def close(self) -> None:
        """Let go of the files of the graph and the cache; they are opened again when needed."""

    def lookup(self) -> Lookup:
        """Give the graph, in step with the ledger; raises `ProvgraphError` where it can't be."""

    def contents(
        self,
        published: Callable[[str], bool] = ...,
        committed: Callable[[str], bool] = ...,
        *,
        cached: bool = ...,
    ) -> Contents:
        """Read and hash files; which names git tracks, and which it has as they are."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a person said of a run. Paths are as typed, relative to the current directory."""

    name: str | None = None
    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None
    calls: bool = False
    metrics: Mapping[str, Any] = field(default_factory=dict)


def new_run_id() -> str:
    """Make a ULID: 48 bits of time in ms, 80 random ones, in Crockford's base 32."""
    number = (time.time_ns() // 1_000_000 << 80) | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def watch(site: Site, command: Sequence[str], said: Said, *, say: Say | None = None) -> int:
    """Run a command and record it; gives its status, or minus the signal that ended it.

    Raises `NotWatched` when watching can't begin (nothing ran), `RunFailed` when the command
    can't be started (nothing ran).
    """
    from provgraph.collect.run import run_command
    from provgraph.ledger.spool import Spool

    tell = say or (lambda _: None)
    try:
        run = new_run_id()
        document = document_of(site, command, said)
        tracer = make_full_tracer(site, calls=said.calls)
        spool = Spool.begin(site.ledger, run, document)
    except Exception as error:  # capture never harms the run it watches
        raise _not_watched(error) from error
    meanwhile = _Meanwhile(site)
    above = enclosing(site.ledger.place)
    try:
        finished = run_command(
            command,
            tracer=tracer,
            spool=spool.events,
            cwd=Path(os.getcwd()),
            environ=os.environ,
            on_spawn=meanwhile.begin,
            shown=document["argv"],
        )
    except RunFailed:
        _drop(spool)
        raise
    except Exception as error:
        if meanwhile.began:
            raise
        _drop(spool)
        raise _not_watched(error) from error
    status = finished.exit if finished.exit is not None else -(finished.signal or 0)
    if tracer.why and sys.platform == "linux":
        tell(f"code that isn't Python went unseen: {tracer.why}; see: provgraph doctor")
    try:
        trace = tracer.collect(spool.events)
        complaints = record_run(site, spool, finished, trace, meanwhile.git(), above)
        for line in complaints:
            tell(line)
    except KeyboardInterrupt:
        tell("stopped while recording; the next provgraph command records this run")
    except Exception as error:  # noqa: BLE001 - capture never harms the run it watches
        if os.environ.get("PROVGRAPH_DEBUG"):
            import traceback

            traceback.print_exc()
        words = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else f"{error}"
        tell(f"the command ran, but recording it failed: {words}")
        hint = getattr(error, "hint", "").removesuffix(", then do it again")
        tell((f"{hint}; " if hint else "") + "the next provgraph command tries again")
    finally:
        meanwhile.close()
    return status


def _drop(spool: Spool) -> None:
    """Leave nothing of a run that didn't begin."""
    from provgraph.collect.tracing.aside import remove_asides

    remove_asides(spool.events)
    with contextlib.suppress(ProvgraphError):
        spool.finish()


def _not_watched(error: Exception) -> NotWatched:
    return NotWatched(f"this run can't be watched: {error}", hint=getattr(error, "hint", ""))


class _Meanwhile:
    """What can be done while the command runs: ask git, load what recording needs."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._watch: Any = None
        self._thread: threading.Thread | None = None
        self.began = False

    def begin(self, _pid: int) -> None:
        """Start, once the command runs."""
        self.began = True
        self._thread = threading.Thread(target=self._work, name="provgraph-meanwhile", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        with contextlib.suppress(Exception):
            from provgraph.collect.gitstate import GitWatch

            self._watch = GitWatch(self._site.root, self._site.redactor)
            _load_what_recording_needs()

    def git(self) -> GitState:
        """Give what git said."""
        from provgraph.collect.gitstate import git_state

        if self._thread is not None:
            self._thread.join()
        if self._watch is None:
            return git_state(self._site.root, self._site.redactor)
        state: GitState = self._watch.state()
        return state

    def close(self) -> None:
        """Stop asking."""
        if self._watch is not None:
            self._watch.close()


def _load_what_recording_needs() -> None:
    from provgraph.collect import assemble, content, environment, hardware

    hardware.hardware_values()
    _ = (assemble, content, environment)


def make_full_tracer(site: Site, *, calls: bool = False) -> PreloadTracer:
    """Set up what watches a whole command: the native library, where there is one, and hooks.

    `calls`: the hooks tell which functions of the project run.
    """
    from provgraph.collect.tracing import PreloadTracer
    from provgraph.collect.tracing.preload.build import library

    return PreloadTracer(make_tracer(site, calls=calls), library())


def make_tracer(site: Site, *, cached: bool = True, calls: bool = False) -> AuditTracer:
    """Set up the audit hooks; `cached`: hashes may be remembered in the stat cache."""
    from provgraph.collect.noise import Noise
    from provgraph.collect.tracing import AuditTracer
    from provgraph.model.kinds import is_stream
    from provgraph.model.names import name_of

    # What git has isn't known yet: what holds secrets is taken for not committed.
    contents = site.contents(committed=lambda _name: False, cached=cached)
    noise = Noise(os.fspath(site.root), site.configuration.noise_table)
    streams = site.configuration.stream_table
    top = os.path.join(os.fsencode(os.path.realpath(site.root)), b"")

    def skip(path: bytes) -> bool:
        if not path.startswith(top):
            return True
        name = name_of(path[len(top) :])
        return noise.in_project(name) or is_stream(name, streams)

    ours = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")
    return AuditTracer(
        site.root,
        contents.digest,
        limit=site.configuration.size_limit,
        skip=skip,
        # Installed as a checkout, provgraph would look like data; its version is known anyway.
        ignored=() if os.fsencode(ours).startswith(top) else (ours,),
        calls=calls,
        observed=_observed(site),
        redactor=site.redactor,
    )


def _observed(site: Site) -> list[str]:
    """Give the configs, as they are now, of which the keys that are read are to be told."""
    root = os.path.realpath(site.root)
    found: set[str] = set()
    for glob in site.configuration.config.globs:
        found.update(os.fspath(path) for path in Path(root).glob(glob) if path.is_file())
    return sorted(path for path in found if path.endswith((".json", ".yaml", ".yml", ".toml")))


def places_of(site: Site, host: str) -> Places:
    """Name places as a record made on `host` does; anew each time, for links may have changed."""
    from provgraph.collect.noise import Noise
    from provgraph.collect.outside import Outside
    from provgraph.collect.places import Places

    return Places(
        os.path.join(os.path.realpath(os.fsencode(site.root)), b""),
        Noise(os.fspath(site.root), site.configuration.noise_table),
        Outside(key=site.ledger.key, host=host),
        site.configuration.stream_table,
    )


def document_of(site: Site, command: Sequence[str], said: Said) -> dict[str, Any]:
    """Say of a run, at its start, what its record needs if we die: secrets redacted already."""
    from provgraph.collect.environment import this_host

    safe = site.redactor
    cwd = os.getcwd()
    step, label, named = step_of(site, command, said.name, cwd)
    return {
        "step": {"key": step, "label": label, "named": named},
        "argv": list(safe.arguments(list(command))),
        "cwd": cwd,
        "uses": [os.path.abspath(path) for path in said.uses],
        "produces": [os.path.abspath(path) for path in said.produces],
        "params": safe.mapping({_shown(k): _shown(str(v)) for k, v in said.params.items()}),
        "note": safe.text(_shown(said.note)) if said.note else None,
        "metrics": dict(said.metrics),
        "user": _user(),
        "host": this_host(),
        "started_ns": time.time_ns(),
        "again": again(site, said),
    }


def again(site: Site, said: Said) -> dict[str, Any]:
    """Say what else it takes to run a command once more, as it was run: see `redo/recipe.py`.

    `root` is the project's, so that another clone finds its way; `params` are the names of those
    that were given, for the program may declare more; `streams` is what a shell redirected. Paths
    in the project are relative to it.
    """
    root = os.path.realpath(site.root)

    def placed(path: str) -> str:
        full = os.path.abspath(path)
        inside = os.path.relpath(full, root)
        return tilde(full) if inside.split(os.sep, 1)[0] == os.pardir else inside

    told = {
        "params": sorted(site.redactor.text(_shown(key)) for key in said.params),
        "uses": [placed(path) for path in said.uses],
        "produces": [placed(path) for path in said.produces],
        "streams": [[number, sign, placed(path)] for number, sign, path in _meant(root)],
        "calls": said.calls,
    }
    return {"root": tilde(root), **{key: value for key, value in told.items() if value}}


def _meant(root: str) -> list[tuple[int, str, str]]:
    """Give the redirections of this command, without those of the session around it.

    A batch system, a CI runner or nohup sends output and errors to files of its own, outside the
    project; a redo must not write there once more.
    """
    from provgraph.collect.run import redirections

    found = redirections()
    outside = [
        one
        for one in found
        if one[0] and not os.path.realpath(one[2]).startswith(os.path.join(root, ""))
    ]
    return [one for one in found if len(outside) < 2 or one not in outside]


def step_of(
    site: Site, command: Sequence[str], name: str | None, cwd: str
) -> tuple[str, str, bool]:
    """Give a command's step: (key, label, whether it was named).

    Unnamed, it is the program and its arguments, wherever the interpreter and the project lie on
    this machine, and the directory in the project that it runs in.
    """
    from provgraph.model.digests import step_key

    if name:
        shown = site.redactor.text(_shown(name))
        return shown, shown, True
    argv = list(site.redactor.arguments(list(command)))
    top = os.path.join(os.path.realpath(site.root), "")
    argv = [word.replace(top, "") for word in argv]
    program = os.path.basename(argv[0])
    if _PYTHON.match(program):
        program = "python"
    here = os.path.relpath(os.path.realpath(cwd), os.path.realpath(site.root))
    return (
        step_key(site.id, f"{here}\0{program}", tuple(argv[1:])),
        _shown(_label(program, argv[1:])),
        False,
    )


def _shown(text: str) -> str:
    """Write bytes that aren't UTF-8 as names do, `%E9`: a record holds text only."""
    return "".join(f"%{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)


def _label(program: str, arguments: Sequence[str]) -> str:
    """Say a step shortly: a script by its name, another program by its own."""
    if program != "python":
        return program
    words = iter(arguments)
    for word in words:
        if word == "-m":
            return f"python -m {next(words, '')}".strip()
        if word == "-c":
            return "python -c"
        if word in ("-W", "-X"):
            next(words, None)
        elif not word.startswith("-"):
            return os.path.basename(word)
    return program


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def record_run(
    site: Site,
    spool: Spool,
    finished: Finished,
    trace: Trace,
    git: GitState,
    above: Enclosing | None = None,
) -> tuple[str, ...]:
    """Make a run's records and keep them durably; gives complaints for the person.

    `above` is the run that watches this process: it hears that this one recorded itself.
    """
    from provgraph.collect.describing import described, folded

    with site.ledger.together():
        records, complaints = described(site, spool, finished, trace, git, above)
        records = folded(site, records)
        spool.keep(site.ledger, *records)
    spool.conclude(site.ledger, *records)
    if above is not None and records[-1].within == above.run:
        above.tell(Nested(spool.run_id, os.getpid(), spool.document["started_ns"]))
    return complaints


def tilde(path: str) -> str:
    """Write the user's home directory as `~`."""
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if path == home or path.startswith(home + "/") else path
