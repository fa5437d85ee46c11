"""The composition root and the library's front door: one object that wires the stages together."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provgraph.errors import (
    LedgerError,
    NotInProject,
    ProvgraphError,
    RecordFromFuture,
    SelectorError,
    UsageError,
)

if TYPE_CHECKING:
    from provgraph.analysis.asking import Questions
    from provgraph.analysis.viewpoint import Viewpoint
    from provgraph.collect.configuration import Configuration
    from provgraph.collect.content import Contents, StatCache
    from provgraph.collect.strays import Strays
    from provgraph.graph.interface import GraphStatus, GraphStore, RunRow
    from provgraph.ledger.ledger import Ledger
    from provgraph.model.answers import (
        GapNote,
        Impact,
        Lineage,
        Log,
        Report,
        RunDiff,
        Shown,
        Status,
    )
    from provgraph.model.records import RunRecord

CONFIGURATION = "provgraph.toml"
Progress = Callable[[int, int | None], None]


class Project:
    """A project: a root directory, an id, a configuration, a ledger and a graph.

    Selectors are strings as the CLI takes them. Every question syncs the graph with the ledger
    first, so it sees a run that has just ended.
    """

    def __init__(self, root: Path, configuration: Configuration) -> None:
        self.root = root
        self.configuration = configuration
        self.id = configuration.project.id
        self._left_out: list[GapNote] = []

    # -- where things are ---------------------------------------------------------------------

    @classmethod
    def find(cls, start: str | Path | None = None) -> Project:
        """Open the project at or above a directory (default: the current one).

        Raises `NotInProject`, `ConfigError`.
        """
        from provgraph.collect.configuration import read_configuration

        try:
            here = Path(start or os.getcwd()).absolute()
        except FileNotFoundError:
            raise NotInProject(
                "the current directory is gone", hint="change to a directory that is there"
            ) from None
        if not here.is_dir():
            raise UsageError(f"{here} is not a directory", hint="give the directory of a project")
        for directory in (here, *here.parents):
            if (directory / CONFIGURATION).is_file():
                return cls(directory.resolve(), read_configuration(directory / CONFIGURATION))
        raise NotInProject(
            f"there is no {CONFIGURATION} in {here} or above it",
            hint="`provgraph init` makes a project here",
        )

    @classmethod
    def init(cls, root: str | Path | None = None) -> tuple[Project, list[str]]:
        """Make a project (twice is once); gives it and what was written, in words."""
        from provgraph.collect.configuration import create_configuration
        from provgraph.ledger.ledger import Ledger

        place = Path(root or os.getcwd()).absolute()
        made = create_configuration(place)
        project = cls.find(place)
        words = [f"wrote {made}"] if made is not None else []
        there = Ledger.locate(project.root)
        if not there.exists():
            words.append(f"made the ledger in {there}")
        assert project.ledger is not None
        return project, words

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger: the truth."""
        from provgraph.ledger.ledger import Ledger

        return Ledger.open(Ledger.locate(self.root), self.id)

    @property
    def ledger_path(self) -> Path:
        """Where the ledger lies."""
        from provgraph.ledger.ledger import Ledger

        return Ledger.locate(self.root)

    @cached_property
    def cache_path(self) -> Path:
        """Where what may be deleted lies: the graph's index and the stat cache of this host."""
        from provgraph.model.digests import identity

        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        return Path(base) / "provgraph" / identity("cache", str(self.ledger_path), size=8)

    @property
    def tracing(self) -> str:
        """How commands are watched here, in words."""
        from provgraph.collect.tracing.preload.build import library

        native = library()
        if native.path is not None:
            from provgraph.collect.tracing.preload.strace import words

            more = (
                "strace for what it can't be loaded into"
                if words(os.environ)
                else ("what it can't be loaded into is a gap: strace isn't there, or may not trace")
            )
            return f"native library and Python audit hooks; {more}"
        return (
            f"Python audit hooks alone: programs that aren't Python are recorded as gaps, since "
            f"{native.why}"
        )

    @cached_property
    def store(self) -> GraphStore:
        """The graph: a view of the ledger, made again where it can't be used."""
        from provgraph.graph.local import LocalGraph, NeedsRebuild, remove_index

        path = self.cache_path / "graph.sqlite"
        try:
            return LocalGraph(path, project=self.id)
        except NeedsRebuild:
            remove_index(path)
            return LocalGraph(path, project=self.id)

    # -- keeping the graph in step --------------------------------------------------------------

    def sync(self, *, progress: Progress | None = None) -> None:
        """Turn dead spools into records and project what the graph doesn't know yet."""
        from provgraph.collect.recovery import recover

        running, unrecorded = recover(self)
        self._project_new(progress=progress)
        for run in running:
            self._leave_out("running", run)
        for run in unrecorded:
            self._leave_out("unprojected", f"run {run}")

    def _project_new(self, *, progress: Progress | None = None) -> None:
        """Project the records that the graph doesn't know yet."""
        from provgraph.model.records import ImportRecord

        self._left_out = []
        names, known = self.ledger.names(), self.store.known()
        if not known <= names:
            # Another ledger's graph: one that lay at this path before, or was restored over.
            self.store.clear()
            known = set()
        new = sorted(names - known)
        batch: list[tuple[str, Any, Mapping[str, Mapping[str, Any]]]] = []
        for place, (name, record) in enumerate(self.ledger.read_many(new)):
            if isinstance(record, LedgerError):
                reason = (
                    "future-record" if isinstance(record, RecordFromFuture) else "damaged-record"
                )
                self._leave_out(reason, name[:12])
            elif isinstance(record, ImportRecord):
                try:
                    lines = _lines(self.ledger.stream_object(record.object))
                    self.store.add_import(name, record, lines)
                except LedgerError:
                    self._leave_out("unprojected", f"import {name[:12]}")
            else:
                batch.append((name, record, self.ledger.private_fields(record)))
            if progress is not None and place % 100 == 0:
                progress(place, len(new))
        if batch:
            self.store.add(batch)

    def _leave_out(self, reason: str, subject: str) -> None:
        """Note, for every answer, something that isn't in the graph."""
        from provgraph.analysis.gaps import note

        self._left_out.append(note(reason, subject))

    def rebuild(self, *, progress: Progress | None = None) -> GraphStatus:
        """Make the graph anew from the ledger."""
        self.store.clear()
        self.sync(progress=progress)
        return self.store.status()

    def graph_status(self) -> GraphStatus:
        """Say what the graph holds, without bringing it up to date."""
        return self.store.status()

    # -- watching -------------------------------------------------------------------------------

    def run(
        self,
        command: Sequence[str],
        *,
        name: str | None = None,
        uses: Sequence[str] = (),
        produces: Sequence[str] = (),
        params: Mapping[str, str] | None = None,
        note: str | None = None,
        say: Callable[[str], None] | None = None,
    ) -> int:
        """Run a command and watch it; gives its own status (negative: the signal that ended it)."""
        from provgraph.collect.watching import Said, watch

        said = Said(
            name=name,
            uses=tuple(uses),
            produces=tuple(produces),
            params=dict(params or {}),
            note=note,
        )
        return watch(self, command, said, say=say)

    # -- questions ------------------------------------------------------------------------------

    def questions(self, viewpoint: Viewpoint | None = None, *, platform: bool = False) -> Questions:
        """Bring the graph up to date and set up what it takes to answer."""
        from provgraph.analysis.asking import Questions
        from provgraph.analysis.facts import Facts
        from provgraph.analysis.impact import Wording
        from provgraph.analysis.selectors import Resolver
        from provgraph.model.kinds import kind_of

        self.sync()
        facts = Facts.load(self.store, self.id, platform=platform)
        titles = self.store.titles()
        pins = self.store.pins()
        table = self.configuration.kind_table
        wording = Wording(
            kind=lambda name, produced: kind_of(name, produced=produced, table=table),
            title=lambda name: titles.get(name, name),
            pinned=lambda g: pins.get((g.name, g.digest), "") if g is not None else "",
            moved=lambda g: self._strays.named(g.digest, g.size),
        )
        return Questions(
            facts=facts,
            present=viewpoint or self.working_tree(titles),
            wording=wording,
            resolver=Resolver(facts, wording.kind, wording.title, self._path_name),
            as_of=self._as_of(),
            command=self._command_of,
            left_out=tuple(self._left_out),
        )

    def working_tree(self, titles: Mapping[str, str] | None = None) -> Viewpoint:
        """See the files as they are now."""
        from provgraph.collect.worktree import WorkingTree

        return WorkingTree(self.root, self.contents(), titles=titles or self.store.titles())

    def impact(
        self,
        selectors: Sequence[str],
        *,
        all: bool = False,
        depth: int | None = None,
        platform: bool = False,
    ) -> Impact:
        """Say what a change of these would affect, why, and what is not known."""
        if not selectors:
            raise UsageError("impact of what?", hint="provgraph impact SELECTOR…")
        platform = platform or any(s.startswith("hardware:") for s in selectors)
        return self.questions(platform=platform).impact(selectors, all=all, depth=depth)

    def explain(self, selectors: Sequence[str], effect: str, *, all: bool = False) -> Lineage:
        """Give every path by which a change of these reaches `effect`, as a small graph."""
        return self.questions().explain(selectors, effect, all=all)

    def lineage(self, selector: str, *, direction: str = "up", depth: int | None = None) -> Lineage:
        """Give what a thing came from (`up`), what came from it (`down`), or `both`."""
        return self.questions().lineage(selector, direction=direction, depth=depth)

    def why(self, effect: str, *, because: str | None = None) -> Lineage:
        """Say why a thing is as it is: the decisive paths from its sources, or from `because`."""
        return self.questions().why(effect, because=because)

    def status(self, *, platform: bool = False) -> Status:
        """Compare the working tree with what was recorded."""
        return self.questions(platform=platform).status()

    def diff(self, before: str, after: str) -> RunDiff:
        """Say what differs between two runs: code, parameters, data, packages, then metrics."""
        from provgraph.analysis.rundiff import Side, differences
        from provgraph.model.answers import RunDiff

        questions = self.questions()
        sides: list[Side] = []
        gaps: list[GapNote] = list(self._left_out)
        for selector in (before, after):
            record = self._run_record(questions.resolver.run(selector))[1]
            private = self.ledger.private_fields(record)
            sides.append(
                Side(
                    record=record,
                    params=private.get("params", {}),
                    environment=self._document(record.environment),
                    hardware=self._document(record.hardware),
                )
            )
        found, same = differences(*sides)
        title = questions.wording.title
        from dataclasses import replace

        return RunDiff(
            as_of=questions.as_of,
            before=sides[0].record.run,
            after=sides[1].record.run,
            differences=tuple(replace(d, name=title(d.name)) for d in found),
            same=same,
            gaps=tuple(gaps),
        )

    def log(
        self,
        *,
        step: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        touching: str | None = None,
        limit: int | None = 20,
    ) -> Log:
        """List runs, newest first."""
        from provgraph.analysis.showing import run_line
        from provgraph.model.answers import Log

        questions = self.questions()
        rows = self.store.list_runs(
            step=step,
            status=status,
            since=since,
            until=until,
        )
        rows = [row for row in rows if row.project == self.id]
        if touching is not None:
            rows = self._touching(questions, touching, rows)
        shown = rows if limit is None or limit <= 0 else rows[:limit]
        lines = []
        for row in shown:
            found = self.store.record_of(row.id)
            record: Any = found[1] if found is not None else None
            private = self.ledger.private_fields(record) if record is not None else {}
            lines.append(run_line(questions, row, record, private))
        return Log(
            as_of=questions.as_of,
            runs=tuple(lines),
            gaps=tuple(self._left_out),
            totals={"runs": len(rows), "shown": len(lines)},
        )

    def show(self, selector: str) -> Shown:
        """Give everything recorded about one run or artefact."""
        from provgraph.analysis.showing import show_artefact, show_run

        questions = self.questions()
        run: str | None = None
        keys: list[int] = []
        if selector.startswith("run:"):
            run = questions.resolver.run(selector)
        else:
            try:
                keys = questions.resolver.vertices(selector)
            except SelectorError:
                with suppress(SelectorError):
                    run = questions.resolver.run(selector)
                if run is None:
                    raise
            if len(keys) > 1:
                names = [row.name for row in self.store.vertices(keys[:5])]
                raise SelectorError(
                    f"{selector} is {len(keys)} things; show takes one",
                    hint="name one of them",
                    nearest=names,
                )
            rows = self.store.runs(keys)
            if rows:
                run = rows[0].id
        if run is None:
            return show_artefact(questions, keys[0])
        name, record = self._run_record(run)
        row = next(r for r in self.store.runs(self.store.by_id(run)) if r.id == run)
        return show_run(questions, row, name, record, self.ledger.private_fields(record))

    # -- said by people -------------------------------------------------------------------------

    def note(self, selector: str, text: str) -> str:
        """Say why something was done; gives the record's name."""
        from provgraph.collect.redact import redact_text
        from provgraph.ledger.ledger import utc_now
        from provgraph.model.records import NoteRecord

        questions = self.questions()
        subject = self._subject(questions, selector)
        private = self.ledger.put_private("note", {"text": redact_text(text, self.ledger.key)})
        return self.ledger.append(
            NoteRecord(project=self.id, at=utc_now(), private={"note": private}, subject=subject)
        )

    def pin(self, selector: str, *, as_: str = "pinned") -> str:
        """Hold on to a result (`published`, `pinned`; `none` lets go); gives the record's name."""
        from provgraph.ledger.ledger import utc_now
        from provgraph.model.records import PinRecord

        if as_ not in ("published", "pinned", "none"):
            raise UsageError(f"a result can't be pinned as {as_}", hint="published, pinned or none")
        questions = self.questions()
        keys = questions.resolver.vertices(selector)
        generations = self.store.generations(keys)
        if len(generations) != 1:
            raise SelectorError(
                f"{selector} is {len(keys)} things; pin one result", hint="name one"
            )
        g = generations[0]
        here = questions.now.lying((g.project, g.name))
        if here.edited:
            raise SelectorError(
                f"{g.name} was edited by hand, so what lies there isn't recorded",
                hint="run the step that makes it under `provgraph run` first",
            )
        chosen = here.generation or g
        return self.ledger.append(
            PinRecord(
                project=self.id, at=utc_now(), name=chosen.name, digest=chosen.digest, as_=as_
            )
        )

    # -- handing the graph to people ------------------------------------------------------------

    def graph(
        self, selector: str | None = None, *, direction: str = "both", depth: int | None = None
    ) -> Any:
        """Hand the graph around a selector (or all of it) out as a `networkx.MultiDiGraph`.

        Nodes are ids with `kind`, `name`, `digest`, `state`; an edge goes from cause to effect
        and has its type as key.
        """
        from provgraph.interchange.networkx import as_networkx

        return as_networkx(self._drawn(selector, direction, depth))

    def render(
        self,
        selector: str | None,
        output: str | Path,
        *,
        direction: str = "both",
        depth: int | None = None,
    ) -> Lineage:
        """Write one HTML file that shows the graph around a selector; gives what was drawn."""
        from provgraph.render.html import write_html

        drawn = self._drawn(selector, direction, depth, affected=True)
        write_html(drawn, output, title=selector or self.root.name)
        return drawn

    def _drawn(
        self, selector: str | None, direction: str, depth: int | None, *, affected: bool = False
    ) -> Lineage:
        questions = self.questions()
        if selector is None:
            return questions.whole()
        return questions.lineage(selector, direction=direction, depth=depth, affected=affected)

    def import_jsonl(
        self,
        lines: Iterable[bytes],
        *,
        skip_bad: bool = False,
        label: str = "",
        progress: Progress | None = None,
    ) -> tuple[int, int, list[tuple[int, str]]]:
        """Bulk-load graph lines; gives nodes, edges, and the bad lines left out with reasons."""
        from provgraph.interchange.importing import import_lines

        self.sync()
        return import_lines(
            self.ledger, self.store, lines, skip_bad=skip_bad, label=label, progress=progress
        )

    # -- the ledger's care ----------------------------------------------------------------------

    def names(self, prefix: str, *, limit: int = 50) -> list[str]:
        """Give recorded names that begin so, from the graph as it is (for shell completion)."""
        return [name for name in self.store.all_names() if name.startswith(prefix)][:limit]

    def verify(self, *, artifacts: bool = False, progress: Progress | None = None) -> Report:
        """Check the ledger's bytes, objects and seals; `artifacts`: the files on disk, too."""
        from provgraph.governance import audit

        if progress is not None:
            progress(0, len(self.ledger.names()))
        return audit.verify(self.ledger, self._artifacts() if artifacts else None)

    def seal(self) -> Report:
        """Record the Merkle root of the records known; `facts` has `root` and `count`."""
        from provgraph.governance import audit

        return audit.seal(self.ledger)

    def erase(self, selector: str, *, categories: Sequence[str] = (), reason: str = "") -> Report:
        """Erase private objects of a run or note (none named: all of them), leaving tombstones."""
        from provgraph.governance import audit

        questions = self.questions()
        subject = self._subject(questions, selector)
        subjects = {subject}
        for vertex in self.store.vertices(self.store.by_id(subject)):
            subjects.add(vertex.name)
        records = [
            record
            for _, record in self.ledger.read_many(sorted(self.ledger.names()))
            if not isinstance(record, LedgerError) and audit.about(record, subjects)
        ]
        return audit.erase(self.ledger, records, categories=categories, reason=reason)

    def key(self, *, install: bytes | None = None) -> Report:
        """Say where the project key is; `facts` has `path`, `id`, `hex`. `install` takes one."""
        from provgraph.governance import audit

        return audit.key(self.ledger, install)

    def push(self, where: str | None = None, *, progress: Progress | None = None) -> Report:
        """Send what the other side lacks: a git remote's name, a URL or a folder."""
        from provgraph.governance import audit

        self.sync()
        return audit.exchange(self.ledger, "push", where, root=self.root, progress=progress)

    def pull(self, where: str | None = None, *, progress: Progress | None = None) -> Report:
        """Fetch what this side lacks."""
        from provgraph.governance import audit

        report = audit.exchange(self.ledger, "pull", where, root=self.root, progress=progress)
        self.sync()
        return report

    def _artifacts(self) -> dict[str, str]:
        """Say of each recorded name in the project whether what lies there was recorded."""
        from provgraph.model.names import is_uri

        judgement = self.questions().now
        out: dict[str, str] = {}
        for project, name in judgement.facts.at:
            if project != self.id or is_uri(name):
                continue
            here = judgement.lying((project, name))
            if here.absent:
                if judgement.facts.produced((project, name)):
                    out[name] = "missing"
            elif not judgement.facts.is_stream((project, name)):
                out[name] = "edited" if here.edited else "as recorded"
        return out

    # -- inside ---------------------------------------------------------------------------------

    def contents(
        self, published: Callable[[str], bool] = lambda _name: True, *, cached: bool = True
    ) -> Contents:
        """Read and hash files, remembering what was hashed; `published`: names that git tracks."""
        from provgraph.collect.content import Contents
        from provgraph.collect.noise import Noise

        noise = Noise(os.fspath(self.root), self.configuration.noise_table)
        return Contents(
            self.root,
            self.ledger.key,
            self._stat_cache if cached else None,
            self.configuration.size_limit,
            published=published,
            noise=noise.in_project,
            table=self.configuration.kind_table,
        )

    @cached_property
    def _strays(self) -> Strays:
        from provgraph.collect.noise import Noise
        from provgraph.collect.strays import Strays

        noise = Noise(os.fspath(self.root), self.configuration.noise_table)
        return Strays(self.root, self.contents(), noise.in_project)

    @cached_property
    def _stat_cache(self) -> StatCache:
        from provgraph.collect.content import StatCache

        return StatCache(self.cache_path / "stat.sqlite")

    def close(self) -> None:
        """Let go of the files of the graph and the cache; they are opened again when needed."""
        for opened in ("store", "_stat_cache"):
            there = self.__dict__.pop(opened, None)
            if there is not None:
                there.close()

    def lookup(self) -> GraphStore:
        """Give the graph in step with the ledger, for the recorder."""
        self._project_new()
        return self.store

    def _path_name(self, text: str) -> tuple[str, bool] | None:
        """Turn a path as typed, relative to the current directory, into a name of this project."""
        from provgraph.model.names import name_of

        if "\0" in text:
            return None
        path = Path(os.path.abspath(text))
        base = path.parent.resolve() / path.name if path.name else path
        for candidate in (base, self.root / text):
            try:
                relative = Path(os.path.abspath(candidate)).relative_to(self.root)
            except ValueError:
                continue
            exists = os.path.lexists(candidate)
            if exists or candidate is not base or text.startswith((".", "/")):
                return name_of(os.fsencode(str(relative))), exists
        return None

    def _as_of(self) -> str:
        status = self.store.status()
        newest = self.store.list_runs(limit=1)
        started = newest[0].started[:19].replace("T", " ") if newest else ""
        when = f", newest run of {started} UTC" if started else ""
        return f"{status.records:,} record{'' if status.records == 1 else 's'}{when}"

    def _command_of(self, run: str) -> str:
        found = self.store.record_of(run)
        if found is None:
            return ""
        private = self.ledger.private_fields(found[1]).get("command", {})
        argv = private.get("argv")
        if not isinstance(argv, list):
            return ""
        if private.get("inside"):
            return shlex.join(map(str, argv))
        record: Any = found[1]
        named = f"--name {shlex.quote(record.step.label)} " if record.step.named else ""
        return f"provgraph run {named}-- {shlex.join(map(str, argv))}"

    def _run_record(self, run: str) -> tuple[str, RunRecord]:
        from provgraph.model.records import RunRecord

        found = self.store.record_of(run)
        if found is None or not isinstance(found[1], RunRecord):
            raise ProvgraphError(
                f"run {run} was imported; there is no record of it to show",
                hint="`provgraph lineage` shows what is known of it",
            )
        return found[0], found[1]

    def _document(self, digest: str | None) -> Mapping[str, Any]:
        import json

        if digest is None:
            return {}
        with suppress(LedgerError, ValueError):
            document = json.loads(self.ledger.get_object(digest))
            if isinstance(document, dict):
                return document
        return {}

    def _subject(self, questions: Questions, selector: str) -> str:
        from provgraph.analysis.showing import run_id

        with suppress(SelectorError):
            keys = questions.resolver.vertices(selector)
            if len(keys) == 1:
                runs = self.store.runs(keys)
                return run_id(runs[0].id) if runs else self.store.vertices(keys)[0].id
            raise UsageError(
                f"{selector} is {len(keys)} things; a note is about one", hint="name one"
            )
        return run_id(questions.resolver.run(selector))

    def _touching(self, questions: Questions, selector: str, rows: list[RunRow]) -> list[RunRow]:
        target = questions.resolver.target(selector)
        keys = [g.key for n, _ in target.names for g in questions.facts.at.get((self.id, n), ())]
        keys += [*target.contents, *target.keys]
        runs = {use.run for use in self.store.uses_of(keys)}
        runs |= {g.maker for g in self.store.generations(keys) if g.maker is not None}
        return [row for row in rows if row.key in runs or row.key in target.keys]


def _lines(chunks: Iterable[bytes]) -> Iterable[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest
