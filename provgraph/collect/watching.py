"""Watch one command from start to record; and turn what a dead watcher left into a record.

Everything that can fail before the command starts fails as `NotWatched`, so the caller can run it
all the same. Nothing raised afterwards reaches the caller: the command's own status does.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from provgraph.errors import NotWatched, ProvgraphError, RunFailed

if TYPE_CHECKING:
    from provgraph.collect.assemble import Lookup, Observed
    from provgraph.collect.configuration import Configuration
    from provgraph.collect.content import Contents
    from provgraph.collect.gitstate import GitState
    from provgraph.collect.run import Finished
    from provgraph.collect.trace import Trace
    from provgraph.collect.tracing import AuditTracer, PreloadTracer
    from provgraph.ledger.ledger import Ledger
    from provgraph.ledger.spool import Spool
    from provgraph.model.records import RunRecord, Use

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

    def close(self) -> None:
        """Let go of the files of the graph and the cache; they are opened again when needed."""

    def lookup(self) -> Lookup:
        """Give the graph, in step with the ledger; raises `ProvgraphError` where it can't be."""

    def contents(self, published: Callable[[str], bool] = ..., *, cached: bool = ...) -> Contents:
        """Read and hash files; `published` tells which names git tracks."""


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
        spool = Spool.begin(site.ledger, run, document)
        tracer = make_full_tracer(site, calls=said.calls)
    except Exception as error:  # capture never harms the run it watches
        raise _not_watched(error) from error
    meanwhile = _Meanwhile(site)
    try:
        finished = run_command(
            command,
            tracer=tracer,
            spool=spool.events,
            cwd=Path(os.getcwd()),
            environ=os.environ,
            on_spawn=meanwhile.begin,
        )
    except RunFailed:
        with contextlib.suppress(ProvgraphError):
            spool.finish()
        raise
    except Exception as error:
        if meanwhile.began:
            raise
        raise _not_watched(error) from error
    status = finished.exit if finished.exit is not None else -(finished.signal or 0)
    if tracer.why and sys.platform == "linux":
        tell(f"code that isn't Python went unseen: {tracer.why}; see: provgraph doctor")
    try:
        complaints = record_run(
            site, spool, finished, tracer.collect(spool.events), meanwhile.git()
        )
        for line in complaints:
            tell(line)
    except KeyboardInterrupt:
        tell("stopped while recording; the next provgraph command records this run")
    except Exception as error:  # noqa: BLE001 - capture never harms the run it watches
        if os.environ.get("PROVGRAPH_DEBUG"):
            import traceback

            traceback.print_exc()
        tell(f"the command ran, but recording it failed: {error}")
        hint = getattr(error, "hint", "")
        tell((f"{hint}; " if hint else "") + "the next provgraph command tries again")
    finally:
        meanwhile.close()
    return status


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

            self._watch = GitWatch(self._site.root, self._site.ledger.key)
            _load_what_recording_needs()

    def git(self) -> GitState:
        """Give what git said."""
        from provgraph.collect.gitstate import git_state

        if self._thread is not None:
            self._thread.join()
        if self._watch is None:
            return git_state(self._site.root, self._site.ledger.key)
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

    contents = site.contents(cached=cached)
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
    )


def document_of(site: Site, command: Sequence[str], said: Said) -> dict[str, Any]:
    """Say of a run, at its start, what its record needs if we die: secrets redacted already."""
    from provgraph.collect import redact
    from provgraph.collect.environment import this_host

    key = site.ledger.key
    cwd = os.getcwd()
    argv = list(redact.redact_arguments(list(command), key))
    step, label, named = step_of(site, command, said.name, cwd)
    return {
        "step": {"key": step, "label": label, "named": named},
        "argv": argv,
        "cwd": cwd,
        "uses": [os.path.abspath(path) for path in said.uses],
        "produces": [os.path.abspath(path) for path in said.produces],
        "params": redact.redact_mapping(
            {_shown(k): _shown(str(v)) for k, v in said.params.items()}, key
        ),
        "note": redact.redact_text(_shown(said.note), key) if said.note else None,
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
        return _home(full) if inside.split(os.sep, 1)[0] == os.pardir else inside

    told = {
        "params": sorted(_shown(key) for key in said.params),
        "uses": [placed(path) for path in said.uses],
        "produces": [placed(path) for path in said.produces],
        "streams": [[number, sign, placed(path)] for number, sign, path in _meant(root)],
        "calls": said.calls,
    }
    return {"root": _home(root), **{key: value for key, value in told.items() if value}}


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
    from provgraph.collect import redact
    from provgraph.model.digests import step_key

    if name:
        return _shown(name), _shown(name), True
    argv = list(redact.redact_arguments(list(command), site.ledger.key))
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
    site: Site, spool: Spool, finished: Finished, trace: Trace, git: GitState
) -> tuple[str, ...]:
    """Make a run's record and keep it durably; gives complaints for the person."""
    with site.ledger.together():
        record, complaints = _described(site, spool, finished, trace, git)
        spool.keep(site.ledger, record)
    spool.conclude(site.ledger, record)
    return complaints


def _described(
    site: Site, spool: Spool, finished: Finished, trace: Trace, git: GitState
) -> tuple[RunRecord, tuple[str, ...]]:
    """Make a run's record, and put what it names into the ledger."""
    from provgraph.collect.assemble import assemble, record_of
    from provgraph.collect.noise import Noise
    from provgraph.collect.outside import Outside
    from provgraph.model.digests import keyed_digest
    from provgraph.model.records import Gap, Git, Metric, Step

    ledger = site.ledger
    key = ledger.key
    document = _with_said(spool.document, trace.said, key)
    contents = site.contents(lambda name: name in git.tracked)
    gaps: list[Gap] = []
    lookup = _Forms(site, contents)

    def keep(name: str, path: bytes) -> str | None:
        if name in git.tracked and name not in git.changed:
            return None  # git keeps it
        return ledger.put_object(contents.keep(path))

    step = Step(**document["step"])
    observed = assemble(
        trace,
        finished,
        root=site.root,
        contents=contents,
        lookup=lookup,
        outside=Outside(key=key, host=document["host"]),
        step=step.key,
        noise=Noise(os.fspath(site.root), site.configuration.noise_table),
        streams=site.configuration.stream_table,
        declared_uses=document["uses"],
        declared_produces=document["produces"],
        keep=keep,
        product_parts=contents.product_parts,
    )
    if lookup.failed:
        gaps.append(Gap(reason="unresolved-inputs", subject=step.label))
    private: dict[str, str] = {}

    def say_privately(category: str, fields: dict[str, Any]) -> None:
        if fields:
            private[category] = ledger.put_private(category, fields)

    titles: dict[str, str] = {}
    uses: list[Use] = []
    environment, variables = _environments(site, trace, key, uses, titles)
    hardware = _hardware(site, key, uses, titles)
    params = {name: keyed_digest(key, str(v).encode()) for name, v in document["params"].items()}
    if step.named:
        params["argv"] = keyed_digest(key, "\0".join(document["argv"]).encode("utf-8", "replace"))
    command = {"argv": document["argv"], "cwd": _home(document["cwd"])}
    if document.get("inside"):
        command["inside"] = True  # the program records itself; `provgraph run` isn't put before it
    if document.get("again"):
        command["again"] = document["again"]
    say_privately("command", command)
    say_privately("agent", {"user": document["user"], "host": document["host"]})
    say_privately("params", dict(document["params"]))
    say_privately("note", {"text": document["note"]} if document["note"] else {})
    say_privately("remote", dict(git.remotes))
    say_privately("paths", {name: _home(path) for name, path in observed.paths.items()})
    say_privately("titles", titles)
    say_privately(
        "variables", {name: value for name, value in variables.items() if value is not None}
    )
    metrics = [*_metrics(site, contents, observed)]
    metrics += [Metric(name=name, value=value) for name, value in document["metrics"].items()]
    record: RunRecord = record_of(
        observed,
        finished,
        project=site.id,
        run=spool.run_id,
        step=step,
        uses=uses,
        params=params,
        environment=environment,
        hardware=hardware,
        git=Git(commit=git.commit, branch=git.branch, dirty=bool(git.dirty))
        if git.commit
        else None,
        gaps=gaps,
        metrics=metrics,
        private=private,
    )
    return record, observed.complaints


def _with_said(
    document: dict[str, Any], said: Sequence[tuple[str, str, str]], key: bytes
) -> dict[str, Any]:
    """Add what the program declared through the library to what was said of the run at its start.

    A parameter that was given several values, by several blocks, has all of them.
    """
    from provgraph.collect import redact

    if not said:
        return document
    told: dict[str, Any] = {**document, "metrics": dict(document["metrics"])}
    params = {name: {value} for name, value in document["params"].items()}
    notes = [document["note"]] if document["note"] else []
    for kind, name, value in said:
        if kind in ("uses", "produces"):
            told[kind] = [*told[kind], name]
        elif kind == "param":
            value = redact.redact_mapping({name: value}, key)[name]  # noqa: PLW2901 - the same, safe
            params.setdefault(name, set()).add(value)
        elif kind == "metric":
            told["metrics"][name] = json.loads(value)
        elif kind == "note":
            notes.append(redact.redact_text(name, key))
    told["params"] = {name: ", ".join(sorted(values)) for name, values in params.items()}
    told["note"] = "\n".join(notes) or None
    return told


def _environments(
    site: Site, trace: Trace, key: bytes, uses: list[Use], titles: dict[str, str]
) -> tuple[str | None, dict[str, str | None]]:
    """Describe the environments of the run's Python processes; gives the first one's object."""
    from provgraph.collect.environment import describe_environment, document_bytes
    from provgraph.collect.trace import Process
    from provgraph.model.digests import content_digest
    from provgraph.model.records import Use

    by_prefix: dict[tuple[str, str, str], list[Process]] = {}
    for process in trace.processes:
        if process.report and process.python is not None:
            by_prefix.setdefault(process.python, []).append(process)
    first: str | None = None
    variables: dict[str, str | None] = {}
    allowed = (*_allowed(), *site.configuration.environment.allow)
    for python, several in by_prefix.items():
        merged = Process(
            pid=several[0].pid,
            parent=several[0].parent,
            argv=several[0].argv,
            report=True,
            python=python,
            distributions={k: v for one in several for k, v in one.distributions.items()},
            environ=tuple(sorted({name for one in several for name in one.environ})),
        )
        seen = describe_environment(merged, key=key, root=site.root, allowed=allowed)
        data = document_bytes(seen.document)
        whole = site.ledger.put_object(data)
        first = first or whole
        titles[seen.name] = seen.title
        variables |= seen.variables
        digest = content_digest(data)
        uses.append(
            Use(name=seen.name, digest=digest, role="environment", touched=seen.touched, kept=whole)
        )
        uses.append(
            Use(name=seen.name, digest=digest, role="platform", touched=seen.platform, kept=whole)
        )
    return first, variables


def _allowed() -> Sequence[str]:
    from provgraph.collect.environment import ALLOWED

    return ALLOWED


def _hardware(site: Site, key: bytes, uses: list[Use], titles: dict[str, str]) -> str:
    from provgraph.collect.environment import document_bytes
    from provgraph.collect.hardware import describe_hardware
    from provgraph.model.digests import content_digest
    from provgraph.model.records import Use

    seen = describe_hardware(key=key)
    data = document_bytes(seen.document)
    whole = site.ledger.put_object(data)
    titles[seen.name] = seen.title
    uses.append(
        Use(
            name=seen.name,
            digest=content_digest(data),
            role="platform",
            touched=seen.touched,
            kept=whole,
        )
    )
    return whole


# A product larger than this isn't searched for metrics.
_METRICS_SIZE = 1 << 20


def _metrics(site: Site, contents: Contents, observed: Observed) -> Iterator[Any]:
    from provgraph.collect.metrics import find_metrics
    from provgraph.model.names import is_uri, path_of

    for product in observed.produces:
        if is_uri(product.name) or (product.size or 0) > _METRICS_SIZE:
            continue
        if not product.name.endswith((".json", ".csv", ".tsv", ".yaml", ".yml")):
            continue
        with contextlib.suppress(OSError, ValueError):
            data = contents.read(os.path.join(site.root, path_of(product.name)))
            yield from find_metrics(product.name, data, source=product.name)


def _home(path: str) -> str:
    home = os.path.expanduser("~")
    return "~" + path[len(home) :] if path == home or path.startswith(home + "/") else path


class _Forms:
    """The graph, opened when something is asked, in every form in which a content may be recorded.

    One that can't be asked knows nothing, and `failed` says so: capture never waits for a
    database, nor fails with one.
    """

    def __init__(self, site: Site, contents: Contents) -> None:
        self._site = site
        self._contents = contents
        self.failed = False

    @cached_property
    def _lookup(self) -> Lookup:
        return self._site.lookup()

    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        """Find makers by the digest given, else by its keyed form."""
        found = self._ask(lambda lookup: lookup.lying(wanted))
        left = [pair for pair in wanted if pair not in found and pair[1].startswith("b3:")]
        keyed = {(name, self._contents.keyed(digest)): (name, digest) for name, digest in left}
        others = self._ask(lambda lookup: lookup.lying(list(keyed))) if keyed else {}
        return found | {keyed[pair]: maker for pair, maker in others.items()}

    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        """Find the last writers of each step."""
        return self._ask(lambda lookup: lookup.writers(names))

    def _ask(self, question: Callable[[Lookup], Mapping[Any, Any]]) -> dict[Any, Any]:
        if not self.failed:
            try:
                return dict(question(self._lookup))
            except Exception:  # noqa: BLE001 - whatever a database can raise
                self.failed = True
        return {}
