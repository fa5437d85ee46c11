"""Write a watched command down: one record, or one for each step of it and one that groups them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from provgraph.collect.account import Finished
from provgraph.collect.assemble import Observed, assemble, record_of
from provgraph.collect.family import Program
from provgraph.collect.noise import Noise
from provgraph.collect.outside import Outside
from provgraph.collect.places import Places
from provgraph.collect.steps import Handed, OneStepError, Share, handed_to, shares_of
from provgraph.collect.trace import LONGEST, Option, Trace
from provgraph.collect.tracing.programs import is_launcher
from provgraph.collect.watching import Site, make_full_tracer, new_run_id, step_of, tilde
from provgraph.model.digests import content_digest, keyed_digest
from provgraph.model.filesets import fold
from provgraph.model.gaps import BLOCKING, grade_of
from provgraph.model.records import Gap, Git, Metric, RunRecord, Step, Use

if TYPE_CHECKING:
    from provgraph.collect.assemble import Lookup
    from provgraph.collect.content import Contents
    from provgraph.collect.gitstate import GitState
    from provgraph.collect.nested import Enclosing
    from provgraph.collect.secrets import Redactor
    from provgraph.collect.system.seen import System
    from provgraph.ledger.spool import Spool

AUDIT = "audit"  # the tracer that sees Python alone
_SHELLS = ("sh", "bash", "dash", "zsh", "ksh", "ash")
Makers = Mapping[str, tuple[str, str]]
_FAULTS = (LookupError, AttributeError, TypeError, AssertionError, RecursionError)


def described(
    site: Site,
    spool: Spool,
    finished: Finished,
    trace: Trace,
    git: GitState,
    above: Enclosing | None = None,
) -> tuple[list[RunRecord], tuple[str, ...]]:
    """Make a run's records, its steps' first, and put what they name into the ledger.

    `above` is the run that this one is a step of: what it handed down counts. Gives complaints
    for the person, too.
    """
    writer = _Writer(site, spool, finished, git)
    handed = _handed(site, writer.places(), above, spool.document["started_ns"])
    if handed is not None:
        # The command's own doing: it was started for what they had read.
        down = (replace(one, pid=finished.pid) for one in handed.accesses)
        took = (one._replace(pid=finished.pid) for one in handed.touches)
        trace = replace(
            trace,
            accesses=(*down, *trace.accesses),
            processes=(*trace.processes, *handed.processes),
            touches=(*trace.touches, *took),
        )
    trace = writer.take(trace)
    records, complaints = _described(writer, writer.places(), trace)
    if handed is not None:
        assert above is not None
        records[-1] = replace(records[-1], within=above.run)
    return records, complaints


def folded(site: Site, records: Sequence[RunRecord]) -> list[RunRecord]:
    """Fold records of many files, and put the manifests into the ledger: before them, that is."""
    out = []
    for record in records:
        small, manifests = fold(record, above=site.configuration.trace.fold_above)
        for data in manifests.values():
            site.ledger.put_object(data)
        out.append(small)
    return out


def _handed(site: Site, places: Places, above: Enclosing | None, began: int) -> Handed | None:
    if above is None or not above.small():
        return None
    try:
        trace = make_full_tracer(site).glimpse(above.events)
        return handed_to(trace, places, os.getpid(), began)
    except Exception:  # noqa: BLE001 - it is being written; the outer run then records this one
        return None


def _described(
    writer: _Writer, places: Places, trace: Trace
) -> tuple[list[RunRecord], tuple[str, ...]]:
    try:
        if writer.document["uses"] or writer.document["produces"]:
            raise OneStepError("what was said of it was said of it as a whole")
        if writer.document.get("inside"):
            raise OneStepError("")
        return writer.steps(trace, shares_of(trace, places, writer.finished.streams), places)
    except OneStepError as why:
        record, complaints = writer.whole(trace, str(why))
        return [record], complaints
    except _FAULTS as error:
        # It would come again with each try, and the run never get its record.
        record, complaints = writer.whole(trace, "by a fault in provgraph")
        told = f"{type(error).__name__}: {error}"
        fault = f"a fault in provgraph: its steps couldn't be told apart ({told}); please report it"
        return [record], (*complaints, fault)


class _Writer:
    """Makes the records of one command."""

    def __init__(self, site: Site, spool: Spool, finished: Finished, git: GitState) -> None:
        self.site = site
        self.run = spool.run_id
        self.document = spool.document
        self.finished = finished
        self.git = git
        self.key = site.ledger.key
        self.top = os.path.join(os.path.realpath(os.fsencode(site.root)), b"")
        self.noise = Noise(os.fspath(site.root), site.configuration.noise_table)
        self.outside = Outside(key=self.key, host=self.document["host"])
        self.contents = site.contents(
            lambda name: name in git.tracked,
            lambda name: name in git.tracked and name not in git.changed,
        )
        self.lookup = _Forms(site, self.contents)
        self.system: System | None = None

    def places(self) -> Places:
        """Name places as this writer does."""
        streams = self.site.configuration.stream_table
        return Places(self.top, self.noise, self.outside, streams)

    def take(self, trace: Trace) -> Trace:
        """Find out to whom what was touched of the system belongs; what is nobody's is an input."""
        from provgraph.collect.system.seen import system_of

        system = system_of(self.site, self.contents)
        try:
            trace = system.take(trace)
        except _FAULTS:  # it would come again with each try, and the run never get its record
            gap = ("unversioned", self.document["step"]["label"])
            return replace(trace, gaps=(*trace.gaps, gap))
        self.system = system
        self.noise = replace(self.noise, kept=frozenset(system.contents))
        return trace

    def whole(self, trace: Trace, why: str) -> tuple[RunRecord, tuple[str, ...]]:
        """Write the command down as one run; `why` says why it isn't several."""
        document = _with_said(self.document, trace.said, self.site.redactor)
        document = _with_options(document, trace.options)
        step = Step(**document["step"])
        gaps = [Gap(reason="one-step", subject=f"{step.label} ({why})")] if why else []
        return self._record(
            trace, self.finished, document, step, run=self.run, lookup=self.lookup, gaps=gaps
        )

    def steps(
        self, trace: Trace, shares: Sequence[Share], places: Places
    ) -> tuple[list[RunRecord], tuple[str, ...]]:
        """Write each step down as a run of its own, and the command as one that groups them."""
        records: dict[int, RunRecord] = {}
        complaints: list[str] = []
        keys = {self.document["step"]["key"]: 1}  # what the command does itself is another step
        for share in shares:
            if share.recorded:
                continue
            step, argv, cwd = self._step(share, keys)
            makers = {
                name: (records[number].run, records[number].step.key)
                for path, number in share.makers.items()
                if (name := places.name(path)) is not None
            }
            document = _with_said(
                {**self.document, "metrics": {}}, share.trace.said, self.site.redactor
            )
            document = _with_options(document, share.trace.options)
            again = {"argv": document["argv"], "cwd": tilde(document["cwd"])}
            if document.get("again"):
                again["again"] = document["again"]
            if self.document["step"]["named"]:
                again["name"] = self.document["step"]["key"]
            document |= {"argv": argv, "cwd": cwd, "again": None, "note": None, "whole": again}
            record, said = self._record(
                share.trace,
                self._ended(share),
                document,
                step,
                run=new_run_id(),
                lookup=_Here(self.lookup, makers),
                others=share.others,
            )
            records[share.number] = replace(
                record, within=self.run, cpu_seconds=None, peak_memory=None
            )
            complaints += said
        nothing = replace(trace, accesses=(), processes=(), said=(), said_by=(), options=())
        taken = {option for share in shares for option in share.trace.options}
        left = [option for option in trace.options if option not in taken]
        document = _with_options(self.document, left)
        record, said = self._record(
            nothing,
            replace(self.finished, streams=()),
            document,
            Step(**document["step"]),
            run=self.run,
            lookup=self.lookup,
            surroundings=False,
        )
        tracing = replace(record.tracing, processes=len(trace.processes))
        nested = {one.run for one in trace.nested}
        record = replace(record, steps=len(records) + len(nested), tracing=tracing)
        return [*records.values(), record], (*dict.fromkeys([*complaints, *said]),)

    def _step(self, share: Share, keys: dict[str, int]) -> tuple[Step, list[str], str]:
        """Give a step's identity, words and directory: those of the programs that begin it."""
        cwd = share.tops[0].cwd or self.document["cwd"]
        argv: list[str] = []
        for top in sorted(share.tops, key=lambda one: one.since):
            argv += [*(["|"] if argv else []), *top.argv, *_redirections(top, self.top)]
        argv = list(self.site.redactor.arguments(argv or ["?"]))
        key, label, _ = step_of(self.site, argv, None, cwd)
        outer = self.document["step"]
        if outer["named"]:
            key = f"{outer['key']}/{key}"
        times = keys[key] = keys.get(key, 0) + 1
        if times > 1:
            key += f"#{times}"
        labels = dict.fromkeys(_label_of(self.site, one) for one in _telling(share))
        return Step(key=key, label=" | ".join(labels) or label), argv, cwd

    def _ended(self, share: Share) -> Finished:
        whole = self.finished
        fine = whole.status == "ok" or share.status == 0
        return replace(
            whole,
            status="ok" if fine else whole.status,
            exit=share.status if not fine or share.status is not None else whole.exit,
            signal=None,
            started_ns=share.started,
            ended_ns=share.ended,
            seconds=(share.ended - share.started) / 1e9,
            streams=(),
        )

    def _record(
        self,
        trace: Trace,
        finished: Finished,
        document: Mapping[str, Any],
        step: Step,
        *,
        run: str,
        lookup: _Forms | _Here,
        gaps: Sequence[Gap] = (),
        others: Sequence[Any] = (),
        surroundings: bool = True,
    ) -> tuple[RunRecord, tuple[str, ...]]:
        site, key, git, ledger = self.site, self.key, self.git, self.site.ledger
        observed = assemble(
            trace,
            finished,
            root=site.root,
            contents=self.contents,
            lookup=lookup,
            outside=self.outside,
            step=step.key,
            noise=self.noise,
            streams=site.configuration.stream_table,
            declared_uses=document["uses"],
            declared_produces=document["produces"],
            keep=self._keep,
            product_parts=self.contents.product_parts,
            others=others,
        )
        if lookup.failed:
            gaps = [*gaps, Gap(reason="unresolved-inputs", subject=step.label)]
        private: dict[str, str] = {}

        def say_privately(category: str, fields: dict[str, Any]) -> None:
            if fields:
                private[category] = ledger.put_private(category, fields)

        titles: dict[str, str] = {}
        uses: list[Use] = []
        environment: str | None = None
        hardware: str | None = None
        variables: dict[str, str | None] = {}
        if surroundings:
            environment, variables = _environments(site, trace, uses, titles)
            system, more = _system(site, self.system, trace, uses, titles)
            environment, variables = environment or system, {**more, **variables}
            hardware = _hardware(site, key, trace, uses, titles)
        params = {
            name: keyed_digest(key, str(v).encode()) for name, v in document["params"].items()
        }
        if step.named:
            argv = "\0".join(document["argv"])
            params["argv"] = keyed_digest(key, argv.encode("utf-8", "replace"))
        command = {"argv": document["argv"], "cwd": tilde(document["cwd"])}
        if document.get("inside"):
            command["inside"] = True  # the program records itself: `provgraph run` isn't before it
        for name in ("again", "whole"):
            if document.get(name):
                command[name] = document[name]
        say_privately("command", command)
        say_privately("agent", {"user": document["user"], "host": document["host"]})
        say_privately("params", {**document["params"], **document.get("options", {})})
        say_privately("note", {"text": document["note"]} if document["note"] else {})
        say_privately("remote", dict(git.remotes))
        paths = {name: site.redactor.text(tilde(path)) for name, path in observed.paths.items()}
        say_privately("paths", paths)
        say_privately("titles", titles)
        say_privately(
            "variables", {name: value for name, value in variables.items() if value is not None}
        )
        metrics = [*_metrics(site, self.contents, observed)]
        metrics += [Metric(name=name, value=value) for name, value in document["metrics"].items()]
        metrics = [
            replace(one, name=site.redactor.text(one.name))
            for one in metrics
            if not (isinstance(one.value, int) and site.redactor.is_secret_name(one.name))
        ]
        record: RunRecord = record_of(
            replace(observed, gaps=_shown(observed.gaps, site.redactor)),
            finished,
            project=site.id,
            run=run,
            step=step,
            uses=uses,
            params=params,
            environment=environment,
            hardware=hardware,
            git=Git(commit=git.commit, branch=git.branch, dirty=bool(git.dirty))
            if git.commit
            else None,
            gaps=_shown(gaps, site.redactor),
            metrics=metrics,
            private=private,
        )
        return record, observed.complaints

    def _keep(self, name: str, path: bytes) -> str | None:
        if name in self.git.tracked and name not in self.git.changed:
            return None  # git keeps it
        return self.site.ledger.put_object(self.contents.keep(path))


def _shown(gaps: Sequence[Gap], redactor: Redactor) -> tuple[Gap, ...]:
    """Give gaps as they may be written down: a subject may hold a file's name, or a program's."""
    return tuple(replace(one, subject=redactor.text(one.subject)) for one in gaps)


def _telling(share: Share) -> list[Program]:
    """Give the programs that a step is called after: those that began it.

    A shell that was told what to do, and a program that only starts another one, give their place
    to what they started.
    """
    tops = sorted(share.tops, key=lambda one: one.since)
    while len(tops) == 1 and _only_starts(tops[0]):
        below = [one for one in share.programs if one.parent == tops[0].number]
        if not below:
            break
        tops = below
    return tops


def _only_starts(program: Program) -> bool:
    words = program.argv
    name = os.path.basename(words[0]) if words else ""
    if name in _SHELLS:
        return len(words) > 1 and words[1].startswith("-") and "c" in words[1]
    return is_launcher(name) or any(os.path.basename(one) == "provgraph" for one in words[:3])


def _label_of(site: Site, program: Program) -> str:
    return step_of(site, list(program.argv) or ["?"], None, program.cwd or os.getcwd())[1]


def _redirections(program: Program, top: bytes) -> Iterator[str]:
    """Give the files of the project that its standard descriptors were, as a shell would."""
    for one in program.given:
        if one.descriptor <= 2 and one.stat is not None and one.what.startswith(top):
            sign = "<" if one.mode == 0 else ">"
            yield f"{one.descriptor if one.descriptor == 2 else ''}{sign}"
            yield os.fsdecode(one.what[len(top) :])


class _Here:
    """The graph as a step of a run sees it: what earlier steps made is theirs."""

    def __init__(self, graph: _Forms, makers: Makers) -> None:
        self._graph = graph
        self._makers = makers

    @property
    def failed(self) -> bool:
        """Whether the graph couldn't be asked."""
        return self._graph.failed

    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        """Find makers: steps of this run, else those that the graph knows."""
        here = {pair: self._makers[pair[0]] for pair in wanted if pair[0] in self._makers}
        others = [pair for pair in wanted if pair not in here]
        return {**(self._graph.lying(others) if others else {}), **here}

    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        """Find the last writers of each step."""
        return self._graph.writers(names)


def _with_said(
    document: dict[str, Any], said: Sequence[tuple[str, str, str]], redactor: Redactor
) -> dict[str, Any]:
    """Add what the program declared through the library to what was said of the run at its start.

    A parameter that was given several values, by several blocks, has all of them.
    """
    if not said:
        return document
    told: dict[str, Any] = {**document, "metrics": dict(document["metrics"])}
    params = {name: {value} for name, value in document["params"].items()}
    notes = [document["note"]] if document["note"] else []
    for kind, name, value in said:
        if kind in ("uses", "produces"):
            told[kind] = [*told[kind], name]
        elif kind == "param":
            params.setdefault(redactor.text(name), set()).add(redactor.value(name, value))
        elif kind == "metric":
            told["metrics"][name] = json.loads(value)
        elif kind == "note":
            notes.append(redactor.text(name))
    told["params"] = {name: ", ".join(sorted(values)) for name, values in params.items()}
    told["note"] = "\n".join(notes) or None
    return told


def _with_options(document: dict[str, Any], options: Sequence[Option]) -> dict[str, Any]:
    """Add the options that programs parsed, by the names under which they are shown.

    They follow from arguments, code, configs and variables, which are recorded. So they don't tell
    how a run was done, as parameters do that a person gave, and are no part of `params`. One that
    has several values, of several parsers, has all of them.
    """
    values: dict[str, set[str]] = {}
    for option in options:
        values.setdefault(option.name, set()).add(_held(option.value))
    told = {name: ", ".join(sorted(several)) for name, several in values.items()}
    given = document["params"]
    shown = {
        f"--{name}" if name in given else name: value
        for name, value in sorted(told.items())
        if given.get(name) != value
    }
    return {**document, "options": shown}


def _held(value: str) -> str:
    """Give a value, or its digest where it is as long as a file."""
    return value if len(value) <= LONGEST else content_digest(value.encode("utf-8", "replace"))


def _environments(
    site: Site, trace: Trace, uses: list[Use], titles: dict[str, str]
) -> tuple[str | None, dict[str, str | None]]:
    """Describe the environments of the run's Python processes; gives the first one's object."""
    from provgraph.collect.environment import describe_environment, document_bytes
    from provgraph.collect.trace import Process
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
        seen = describe_environment(merged, redactor=site.redactor, root=site.root, allowed=allowed)
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


def _system(
    site: Site, system: System | None, trace: Trace, uses: list[Use], titles: dict[str, str]
) -> tuple[str | None, dict[str, str | None]]:
    """Describe what was taken of the system; gives the object, and the variables as shown."""
    from provgraph.collect.environment import document_bytes, shown_variables
    from provgraph.model.records import Use

    first: str | None = None
    native = trace.method != AUDIT
    for seen in system.environments(trace.touches, seen=native) if system is not None else ():
        data = document_bytes(seen.document)
        whole = site.ledger.put_object(data)
        first = first or whole
        titles[seen.name] = seen.title
        for role, touched in (("environment", seen.touched), ("platform", seen.platform)):
            if touched:
                digest = content_digest(data)
                uses.append(
                    Use(name=seen.name, digest=digest, role=role, touched=touched, kept=whole)
                )
    if system is None:
        return None, {}
    allowed = (*_allowed(), *site.configuration.environment.allow)
    return first, shown_variables(system.names(trace.touches), allowed, site.redactor)


def _allowed() -> Sequence[str]:
    from provgraph.collect.environment import ALLOWED

    return ALLOWED


def _hardware(site: Site, key: bytes, trace: Trace, uses: list[Use], titles: dict[str, str]) -> str:
    from provgraph.collect.environment import document_bytes
    from provgraph.collect.hardware import describe_hardware
    from provgraph.model.records import Use

    seen = describe_hardware(key=key, devices=_devices(trace))
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


def _devices(trace: Trace) -> dict[str, bool] | None:
    """Give the devices that were opened; None where some opening may not have been seen."""
    blind = trace.method == AUDIT or any(
        grade_of(reason) == BLOCKING or reason == "earlier-reads" for reason, _ in trace.gaps
    )
    if blind:
        return None
    found: dict[str, bool] = {}
    for touch in trace.touches:
        if touch.sort == "device":
            name = os.fsdecode(os.path.normpath(touch.what)).removeprefix("/dev/")
            found[name] = found.get(name, False) or touch.found
    return found


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
