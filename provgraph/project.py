"""The composition root and the library's front door: one object that wires the stages together."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provgraph.errors import (
    CannotAnswer,
    LedgerError,
    NotInProject,
    ProvgraphError,
    SelectorError,
    UsageError,
)

if TYPE_CHECKING:
    from provgraph.analysis.asking import Questions
    from provgraph.analysis.rundiff import Side
    from provgraph.analysis.searching import Names
    from provgraph.analysis.viewpoint import Viewpoint
    from provgraph.collect.configuration import Configuration
    from provgraph.collect.content import Contents, StatCache
    from provgraph.collect.secrets import Redactor
    from provgraph.collect.strays import Strays
    from provgraph.graph.answer import CypherAnswer
    from provgraph.graph.cypher import CypherEngine
    from provgraph.graph.interface import GraphStatus, GraphStore, RunRow
    from provgraph.graph.ladybug import LocalCypher
    from provgraph.graph.neo4j.health import Finding
    from provgraph.graph.published import Published
    from provgraph.graph.questioning import Question
    from provgraph.graph.unfolding import Unfolding
    from provgraph.graphs import Graphs
    from provgraph.ledger.ledger import Ledger
    from provgraph.model.answers import (
        Bisection,
        Content,
        Impact,
        Lineage,
        Log,
        Mark,
        Match,
        Overview,
        Redo,
        RedoStep,
        Report,
        RunDiff,
        Shown,
        Status,
        Structure,
    )
    from provgraph.model.checks import Check
    from provgraph.model.records import Recorded, RunRecord

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
        # Where paths as typed are relative to; None: the current directory.
        self.asked_from: Path | None = None
        self._held: _Held | None = None
        self._names: Names | None = None  # for searching, as long as the looks know of no others

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

    @property
    def title(self) -> str:
        """The project's name: its folder's."""
        return self.root.name

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger: the truth."""
        from provgraph.ledger.ledger import Ledger

        return Ledger.open(Ledger.locate(self.root), self.id)

    @cached_property
    def redactor(self) -> Redactor:
        """What puts fingerprints in the place of secrets, by the project's key and rules."""
        from provgraph.collect.secrets import Redactor

        return Redactor(self.ledger.key, self.configuration.secret_rules)

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
    def graphs(self) -> Graphs:
        """The graphs: the local index, and the shared one where there is one."""
        from provgraph.graphs import Graphs

        return Graphs(self.ledger, self.configuration, self.cache_path)

    @property
    def store(self) -> Unfolding:
        """The graph that answers questions, file by file: a view of the ledger."""
        return self.graphs.store

    @property
    def graph_url(self) -> str | None:
        """Where the Neo4j is that questions go to; None: to the local graph."""
        return self.graphs.url

    # -- keeping the graph in step --------------------------------------------------------------

    def sync(self, *, progress: Progress | None = None) -> None:
        """Turn dead spools into records and bring the graph that answers in step."""
        from provgraph.collect.recovery import recover

        running, unrecorded = recover(self)
        self.graphs.sync(progress=progress)
        for run in running:
            self.graphs.leave_out("running", run)
        for run in unrecorded:
            self.graphs.leave_out("unprojected", f"run {run}")

    def rebuild(self, *, progress: Progress | None = None) -> GraphStatus:
        """Make the graph anew from the ledger; a shared one only where this clone lacks nothing."""
        return self.graphs.rebuild(progress=progress)

    def graph_status(self) -> GraphStatus:
        """Say what the graph holds, without bringing it up to date."""
        return self.store.status()

    def graph_health(self) -> Sequence[Finding]:
        """Say whether the shared graph is well; nothing where there is to be none."""
        return self.graphs.health()

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
        calls: bool = False,
        say: Callable[[str], None] | None = None,
    ) -> int:
        """Run a command and watch it; gives its own status (negative: the signal that ended it).

        `calls`: see which Python functions run, so that others don't count.
        """
        from provgraph.collect.watching import Said, watch

        said = Said(
            name=name,
            uses=tuple(uses),
            produces=tuple(produces),
            params=dict(params or {}),
            note=note,
            calls=calls,
        )
        return watch(self, command, said, say=say)

    def shell(self, shell: str, *, say: Callable[[str], None]) -> int:
        """Start a shell whose command lines are recorded; gives its own status, as `run` does."""
        from provgraph.collect.shell.session import watch_shell

        return watch_shell(self, shell, say=say)

    def redo(
        self,
        targets: Sequence[str] = (),
        *,
        dry_run: bool = False,
        jobs: int = 1,
        keep_going: bool = False,
        overwrite: Sequence[str] = (),
        take: Sequence[str] = (),
        secrets: Sequence[str] = (),
        say: Callable[[str], None] = lambda _: None,
        decide: Callable[[RedoStep], str | None] | None = None,
    ) -> Redo:
        """Do again what isn't current, or only what these targets need; `dry_run` only plans.

        `overwrite` are names whose edits by hand may go, `take` steps that win where a name is
        contested, `secrets` values that were left out of recorded commands. `decide` is given a
        question with its `choices`, and gives one of them or None.
        """
        from provgraph.redo.carrying import redo
        from provgraph.redo.planning import Wishes

        self._held = None
        wishes = Wishes(
            targets=tuple(targets),
            overwrite=tuple(overwrite),
            take=tuple(take),
            secrets=tuple(secrets),
            jobs=jobs,
            keep_going=keep_going,
        )
        return redo(self, wishes, dry_run=dry_run, say=say, decide=decide)

    # -- questions ------------------------------------------------------------------------------

    def questions(self, viewpoint: Viewpoint | None = None, *, platform: bool = False) -> Questions:
        """Bring the graph up to date and set up what it takes to answer."""
        from datetime import UTC, datetime

        from provgraph.analysis.asking import Questions
        from provgraph.analysis.facts import Facts
        from provgraph.analysis.impact import Wording
        from provgraph.analysis.selectors import Resolver
        from provgraph.model.kinds import kind_of

        if self._held is not None and viewpoint is None and not platform:
            return self._held.questions
        self.sync()
        facts = Facts.load(self.store, self.id, platform=platform)
        titles = self.store.titles()
        pins = self.store.pins()
        table = self.configuration.kind_table
        policy, today = self.configuration.policy, datetime.now(UTC).date()
        wording = Wording(
            kind=lambda name, produced: kind_of(name, produced=produced, table=table),
            title=lambda name: titles.get(name, name),
            pinned=lambda g: pins.get((g.name, g.digest), "") if g is not None else "",
            moved=lambda g: self._strays.named(g.digest, g.size),
            accept=lambda gap: policy.accept(gap, today),
        )
        return Questions(
            facts=facts,
            present=viewpoint or self.working_tree(titles),
            wording=wording,
            resolver=Resolver(facts, wording.kind, wording.title, self._path_name),
            as_of=self._as_of(),
            command=self._command_of,
            left_out=tuple(self.graphs.left_out),
        )

    def hold(self, *, for_seconds: float) -> str:
        """Answer from one look at the ledger and the files until the next hold; names the look.

        A look is taken again after `for_seconds` (longer where looking takes long), or at once when
        something was recorded. Questions about the platform always look for themselves.
        """
        import time

        from provgraph.model.digests import identity

        held, began = self._held, time.monotonic()
        mark = self.ledger.mark()
        if held is not None and began < held.until:
            if mark is not None and mark == held.mark:
                return held.stamp
            if held.recorded == self.ledger.names():
                self._held = replace(held, mark=mark)
                return held.stamp
        self._held = None
        questions = self.questions()
        now = questions.now
        states = (f"{name}={now.name_state((p, name))}" for p, name in questions.facts.at)
        silent = (f"{run.id}={now.state_of(run.key)}" for run in questions.facts.silent)
        recorded = frozenset(self.ledger.names())
        stamp = identity("look", *sorted(recorded), *states, *silent, size=12)
        took = time.monotonic() - began
        until = time.monotonic() + max(for_seconds, 20 * took)
        # Only what is recorded has a name; but what others do on a shared graph isn't seen here.
        if held is None or held.recorded != recorded or self.graphs.shared is not None:
            self._names = None
        self._held = _Held(questions, recorded, mark, until, stamp)
        return stamp

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
        suppose: Sequence[str] = (),
        deleted: Sequence[str] = (),
        as_of: str | None = None,
        progress: Progress | None = None,
    ) -> Impact:
        """Say what a change of these would affect, why, and what is not known.

        `suppose` are changes to given contents (`env:numpy=2.1`), `deleted` names supposed to be
        gone, `as_of` a time in RFC 3339, a run or a commit: the past to ask.
        """
        from provgraph.analysis.selectors import of_platform
        from provgraph.collect.supposing import deleted as gone
        from provgraph.collect.supposing import supposed

        asked = (*selectors, *suppose, *deleted)
        if not asked:
            raise UsageError("impact of what?", hint="provgraph impact SELECTOR…")
        platform = platform or any(map(of_platform, asked))
        with ExitStack() as stack:
            if as_of is None:
                questions = self.questions(platform=platform)
            else:
                questions = self._past_questions(as_of, stack, platform, progress)
            several = [
                supposed(one, questions.resolver, self.contents(), where=self._typed_path)
                for one in suppose
            ]
            several += [gone(one, questions.resolver) for one in deleted]
            found = questions.impact(selectors, all=all, depth=depth, supposed=several)
            # A graph of the past is gone when the answer is given.
            return found if as_of is None else replace(found, affected=tuple(found.affected))

    def _past_questions(
        self, as_of: str, stack: ExitStack, platform: bool, progress: Progress | None
    ) -> Questions:
        """Set up questions about the past; the graph lives as long as `stack`."""
        from provgraph.analysis.facts import Facts
        from provgraph.analysis.viewpoint import LedgerAlone
        from provgraph.collect.past import after_run, at_commit, at_time, graph_of
        from provgraph.collect.worktree import GitRef

        now = self.questions(platform=platform)
        try:
            past = at_time(as_of) if as_of[:4].isdigit() and "-" in as_of[4:8] else None
        except ValueError:
            past = None
        past = past or at_commit(self.root, as_of)
        if past is None:
            past = after_run(self._run_record(now.resolver.run(as_of))[1])
        graph, count = stack.enter_context(graph_of(self.ledger, past, self.id, progress=progress))
        facts = Facts.load(graph, self.id, platform=platform)
        present: Viewpoint = LedgerAlone()
        if past.commit:
            present = GitRef(self.root, past.commit, self.contents(), self._stat_cache)
            stack.callback(present.close)
        return replace(
            now,
            facts=facts,
            present=present,
            resolver=replace(now.resolver, facts=facts),
            as_of=f"{count:,} record{'' if count == 1 else 's'}, {past.words}",
        )

    def _typed_path(self, text: str) -> Path:
        return Path(os.path.abspath(os.path.join(self.asked_from or "", text)))

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

    def check(
        self,
        *,
        base: str | None = None,
        head: str | None = None,
        progress: Progress | None = None,
    ) -> Check:
        """Say what the change since `base` affects, and whether it may be merged.

        Compared is `head` (None: the working tree) with where it left `base` (None: the base of
        `[check]`, else what CI says, else the main line). Raises CannotAnswer outside git, where
        nothing was recorded, and in a conflict; UsageError for a ref that isn't there.
        """
        from datetime import UTC, datetime

        from provgraph.collect.changes.check import Place, check_merge
        from provgraph.collect.worktree import WorkingTree

        self.sync(progress=progress)
        contents = self.contents()
        disk = WorkingTree(self.root, contents, titles=self.store.titles())
        return check_merge(
            self.questions(),
            Place(self.root, contents, self._stat_cache, disk, self.ledger),
            self.configuration.policy,
            base=base,
            head=head,
            today=datetime.now(UTC).date(),
        )

    def hook(self, action: str, names: Sequence[str]) -> Report:
        """Install or uninstall git hooks that check, or say their status."""
        from provgraph.collect import hooks

        if action == "status":
            return hooks.state(self.root)
        do = hooks.install if action == "install" else hooks.uninstall
        return do(self.root, names)

    def diff(self, before: str, after: str) -> RunDiff:
        """Say what differs between two runs: code, parameters, data, packages, then metrics.

        Of the metrics that differ it says which differences, upstream ones too, can be why.
        """
        from provgraph.analysis.comparing import compare

        questions = self.questions()
        runs = [questions.resolver.run(selector) for selector in (before, after)]
        return compare(questions, *map(self._side, runs), load=self._side)

    def bisect(
        self,
        metric: str,
        before: str,
        after: str,
        *,
        tolerance: float | None = None,
        dry_run: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> Bisection:
        """Find which differences between two runs decide a metric, by redoing them in a copy.

        `tolerance` is how far values may be apart and still count as equal.
        """
        from provgraph.analysis.suspects import pairs_between
        from provgraph.model.answers import Reach
        from provgraph.redo.bisecting import Asked, bisect
        from provgraph.redo.planning import Bench, Wishes

        compared = self.diff(before, after)
        sides = [self._side(run) for run in (compared.before, compared.after)]
        asked = Asked(
            metric=metric,
            before=sides[0].record,
            after=sides[1].record,
            pairs=pairs_between(sides[0], sides[1], self._side),
            reach=compared.reach[0] if compared.reach else Reach((), (), ()),
            as_of=compared.as_of,
            tolerance=tolerance,
        )
        return bisect(Bench(self, Wishes()), asked, dry_run=dry_run, say=say)

    def _side(self, run: str) -> Side:
        """Load a run with what the ledger keeps beside its record."""
        from provgraph.analysis.rundiff import Side

        record = self._run_record(run)[1]
        return Side(
            record=record,
            params=self.graphs.private_fields(record).get("params", {}),
            environment=self._document(record.environment),
            hardware=self._document(record.hardware),
        )

    def log(
        self,
        *,
        step: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        touching: str | None = None,
        making: str | None = None,
        limit: int | None = 20,
    ) -> Log:
        """List runs, newest first; `making` keeps those that made something of a kind."""
        from provgraph.analysis.showing import run_line
        from provgraph.model.answers import Log

        questions = self.questions()
        limit = limit if limit is not None and limit > 0 else None
        narrowed = any((step, status, since, until, touching, making))
        # The newest of very many are had without the others, once these are counted.
        count = None if limit is None or narrowed else self._own_runs()
        rows = self.store.list_runs(
            step=step,
            status=status,
            since=since,
            until=until,
            limit=None if count is None else limit,
        )
        rows = [row for row in rows if row.project == self.id]
        if touching is not None:
            rows = self._touching(questions, touching, rows)
        if making is not None:
            rows = self._making(questions, making, rows)
        shown = rows[:limit]
        lines = []
        for row in shown:
            found = self.store.record_of(row.id)
            record: Any = found[1] if found is not None else None
            private = self.graphs.private_fields(record) if record is not None else {}
            lines.append(run_line(questions, row, record, private))
        return Log(
            as_of=questions.as_of,
            runs=tuple(lines),
            gaps=tuple(self.graphs.left_out),
            totals={"runs": len(rows) if count is None else count, "shown": len(lines)},
        )

    def _own_runs(self) -> int | None:
        """Count the runs; None where some are another project's."""
        marks = self.store.run_marks()
        return len(marks) if all(mark.project == self.id for mark in marks) else None

    def show(self, selector: str) -> Shown:
        """Give everything recorded about one run or artefact."""
        from provgraph.analysis.showing import show_artefact, show_imported, show_run

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
        row = next(r for r in self.store.runs(self.store.by_id(run)) if r.id == run)
        if self.store.record_of(run) is None:
            return show_imported(questions, row)
        name, record = self._run_record(run)
        private = self.graphs.private_fields(record)
        return show_run(questions, row, name, record, private, self._steps_of(record))

    def content(self, selector: str, *, most: int) -> Content:
        """Give the bytes of a recorded version: from the tree, the ledger or git.

        Raises `CannotAnswer` where they aren't at hand, or are more than `most`.
        """
        from provgraph.redo.showing import content_of

        questions = self.questions()
        keys = questions.resolver.vertices(selector)
        found = self.store.generations(keys) if len(keys) == 1 else []
        if not found:
            raise CannotAnswer(f"{selector} isn't one version of a file")
        return content_of(self, found[0], most=most)

    def _steps_of(self, record: RunRecord) -> list[RunRow]:
        """Give the steps of a run, in the order of their starts."""
        if not record.steps:
            return []
        meanwhile = self.store.list_runs(since=record.started, until=record.ended)
        found = ((row, self.store.record_of(row.id)) for row in meanwhile)
        inside: list[RunRow] = []
        for row, recorded in found:
            step: Any = recorded[1] if recorded is not None else None
            if getattr(step, "within", None) == record.run:
                inside.append(row)
        return sorted(inside, key=lambda row: row.started)

    def near(self, selector: str, *, also: Sequence[str] = ()) -> Lineage:
        """Give what lies within two edges of a thing, counted, and of what is in `also` (ids)."""
        from provgraph.analysis.nearby import near

        return near(self.questions(), selector, also=also)

    def marks(self, ids: Sequence[str]) -> dict[str, Mark]:
        """Give what these nodes can be narrowed by: step, time, tracing, project, agent."""
        from provgraph.analysis.marks import marks

        found = marks(self.questions(), ids)
        agents: dict[str, str] = {}
        for run in dict.fromkeys(mark.run for mark in found.values() if mark.run):
            recorded = self.store.record_of(run)
            if recorded is not None:
                private = self.graphs.private_fields(recorded[1])
                agents[run] = str(private.get("agent", {}).get("user", ""))
        return {key: replace(mark, agent=agents.get(mark.run, "")) for key, mark in found.items()}

    def told_by(self, selector: str) -> str:
        """Give the selector that a person would use for what this one means."""
        return self.questions().told_by(selector)

    def structure(self) -> Structure:
        """Say where the graph is weak, slow or idle."""
        from provgraph.analysis.structure import structure

        return structure(self.questions())

    def overview(self) -> Overview:
        """Count everything recorded, by step, time and kind, and judge what is pinned."""
        from provgraph.analysis.overview import overview

        return overview(self.questions())

    def search(self, text: str, *, limit: int = 20) -> list[Match]:
        """Find recorded names and runs by a part of their name; the nearest first."""
        from provgraph.analysis.searching import Names, search

        questions = self.questions()
        if self._held is None or self._names is None:
            self._names = Names(self.store)
        return search(questions, self._names, text, limit=limit)

    def explore(
        self,
        selector: str | None = None,
        *,
        host: str = "127.0.0.1",
        port: int | None = None,
        open_browser: bool = True,
        say: Callable[[str], None],
    ) -> None:
        """Serve the explorer until interrupted, beginning at a selector."""
        try:
            from provgraph.explorer.server.serving import serve
        except ModuleNotFoundError as error:
            raise CannotAnswer(
                f"the explorer needs {error.name}, which isn't installed",
                hint="pip install 'provgraph[explore]'",
            ) from error

        asked = {} if selector is None else {"q": "focus", "of": self._named(selector)}
        self.asked_from = self.root
        serve(
            self,
            host=host,
            port=port,
            asked=asked,
            open_browser=open_browser,
            say=say,
            hide=lambda words: words.replace(f"{self.root}/", "").replace(str(self.root), "."),
        )

    def _named(self, selector: str) -> str:
        """Give a selector that means the same from anywhere; raises SelectorError."""
        self.questions().resolver.target(selector)
        place = self._path_name(selector)
        return f"./{place[0]}" if place is not None and place[1] else selector

    # -- said by people -------------------------------------------------------------------------

    def note(self, selector: str, text: str) -> str:
        """Say why something was done; gives the record's name."""
        from provgraph.ledger.ledger import utc_now
        from provgraph.model.records import NoteRecord

        questions = self.questions()
        subject = self._subject(questions, selector)
        private = self.ledger.put_private("note", {"text": self.redactor.text(text)})
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
        style: str = "page",
    ) -> Lineage:
        """Write one file that shows the graph around a selector; gives what was drawn.

        `style` is page (HTML), explorer (HTML to look around in), svg, png or mermaid.
        """
        from provgraph.render.drawing import write_drawing

        if style == "explorer":
            from provgraph.explorer.kept import MOST_KEPT, kept_page
            from provgraph.render.html import write_whole

            drawn = self._drawn(selector, direction, depth, affected=False, most=MOST_KEPT)
            write_whole(output, kept_page(self, drawn, title=self.title, selector=selector))
            return drawn
        drawn = self._drawn(selector, direction, depth, affected=True)
        write_drawing(drawn, output, style=style, title=selector or self.root.name)
        return drawn

    def _drawn(
        self, selector: str | None, direction: str, depth: int | None, **how: Any
    ) -> Lineage:
        questions = self.questions()
        if selector is None:
            how.pop("affected", None)
            return questions.whole(**how)
        return questions.lineage(selector, direction=direction, depth=depth, **how)

    def graphml(self, ids: Collection[str]) -> str:
        """Give these nodes and what is between them as GraphML."""
        import io

        from provgraph.interchange.graphml import write_graphml

        graph = self.published(only=ids)
        text = io.StringIO()
        write_graphml(graph.nodes(), graph.relationships(), text)
        return text.getvalue()

    def published(
        self,
        selectors: Sequence[str] = (),
        *,
        only: Collection[str] | None = None,
        **around: Any,
    ) -> Published:
        """Give the property graph that analysts and other tools see, whole or around selectors.

        `around` takes `direction` and `depth`, as `lineage` does; `only` are ids of nodes.
        """
        from provgraph.analysis.facts import Facts
        from provgraph.graph.published import InferredEdge, Published, Sources
        from provgraph.model.kinds import kind_of

        table = self.configuration.kind_table
        if selectors:
            questions = self.questions()
            drawn = [questions.lineage(selector, **around) for selector in selectors]
            only = frozenset(node.id for one in drawn for node in one.nodes)
        else:
            self.sync()

        def inferred() -> Iterator[InferredEdge]:
            facts = Facts.load(self.store, self.id)
            edges = [(e.effect, e.cause, e.rule) for e in (*facts.unwatched, *facts.copies)]
            for effect, cause, how in self.store.drawn(edges):
                yield InferredEdge(effect=effect, cause=cause, how=how)

        sources = Sources(
            kind=lambda name, made: kind_of(name, produced=made, table=table),
            records=self._published_records,
            inferred=inferred,
        )
        shown = None if only is None else self.store.drawn_ids(only)
        return Published(self.graphs.folded, sources, shown)

    def _published_records(
        self,
    ) -> Iterator[tuple[str, Recorded, Mapping[str, Mapping[str, Any]]]]:
        """Give the ledger's records, then those of runs that only a shared graph has."""
        from provgraph.model.records import RunRecord

        seen: set[str] = set()
        for name, record in self.ledger.read_many(sorted(self.ledger.names())):
            if not isinstance(record, LedgerError):
                if isinstance(record, RunRecord):
                    seen.add(record.run)
                yield name, record, self.graphs.private_fields(record)
        for run in self.store.list_runs() if self.graphs.shared is not None else ():
            found = None if run.id in seen else self.store.record_of(run.id)
            if found is not None:
                yield *found, self.graphs.private_fields(found[1])

    def local_cypher(
        self, *, say: Callable[[str], None] = lambda _: None, progress: Progress | None = None
    ) -> LocalCypher:
        """Answer Cypher here, from a copy of the graph; `say` is told what a new copy cost."""
        from provgraph.graph.ladybug import LocalCypher
        from provgraph.model.digests import identity

        self.sync()
        table = [f"{one.glob} {one.gives}" for one in self.configuration.kind_table]
        state = identity("graph-state", self.id, *table, "|", *sorted(self.store.known()))
        return LocalCypher(self.cache_path, state, self.published, say=say, progress=progress)

    def query(
        self,
        asked: str | Path,
        /,
        *,
        parameters: Mapping[str, Any] | None = None,
        limit: int | None = None,
        timeout: float = 60.0,
        **more: Any,
    ) -> CypherAnswer:
        """Ask in Cypher: a question of the library by its name, a file's path, or a statement.

        Parameters are given by name, or as a map: `query("affected-by", name="data/v3").frame()`.
        """
        from provgraph.graph.library import find_question
        from provgraph.graph.questioning import from_file, question

        given = {**(parameters or {}), **more}
        if isinstance(asked, Path) or find_question(asked) is not None:
            return self.ask_cypher(from_file(str(asked), given), limit=limit, timeout=timeout)
        return self.ask_cypher(question(asked, given), limit=limit, timeout=timeout)

    def ask_cypher(
        self,
        question: Question,
        *,
        limit: int | None = None,
        timeout: float = 60.0,
        say: Callable[[str], None] = lambda _: None,
        progress: Progress | None = None,
    ) -> CypherAnswer:
        """Ask the shared graph, else a copy of the local one; `say` is told what to know of it."""
        from provgraph.graph.answer import CypherAnswer
        from provgraph.graph.neo4j.querying import Neo4jCypher
        from provgraph.graph.questioning import check_place

        self.sync()
        for gap in self.graphs.left_out:
            say(gap.words)
        if roots := self.store.roots:
            some = ", ".join(roots[:3]) + (", …" if len(roots) > 3 else "")
            say(f"many files are one node here ({some}); impact, why and show tell of each of them")
        shared, engine, source = self.graphs.shared, None, "the local graph"
        if shared is not None:
            engine, source = Neo4jCypher(shared.connection), str(shared.connection.place)
        check_place(question, "Neo4j" if shared is not None else "")
        cypher: CypherEngine = engine or self.local_cypher(say=say, progress=progress)
        columns, rows = cypher.run(
            question.statement,
            question.parameters,
            limit=None if limit is None else limit + 1,
            timeout=timeout,
        )
        return CypherAnswer(columns, rows, source=source, limit=limit)

    def export(
        self,
        format: str,
        output: str | Path | None = None,
        *,
        selectors: Sequence[str] = (),
        direction: str = "both",
        depth: int | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Hand the graph to other tools: graphml, node-link, csv or parquet.

        `facts` has `files`, `nodes` and `relationships`. Nothing is replaced without `force`.
        """
        from provgraph.interchange.exporting import export, target_of

        target = target_of(format, output, force=force)
        graph = self.published(selectors, direction=direction, depth=depth)
        return export(graph, format, target, progress=progress)

    def import_jsonl(
        self,
        lines: Iterable[bytes],
        *,
        skip_bad: bool = False,
        label: str = "",
        progress: Progress | None = None,
    ) -> tuple[int, int, list[tuple[int, str]]]:
        """Bulk-load graph lines; gives nodes, edges, and the bad lines left out with reasons."""
        from provgraph.collect.secrets.lines import redacted_lines
        from provgraph.interchange.importing import import_lines

        self.sync()
        lines = redacted_lines(self.redactor, lines)
        label = self.redactor.text(label)
        done = import_lines(
            self.ledger, self.store, lines, skip_bad=skip_bad, label=label, progress=progress
        )
        self.sync()
        return done

    # -- the ledger's care ----------------------------------------------------------------------

    def names(self, prefix: str, *, limit: int = 50) -> list[str]:
        """Give recorded names that begin so, from the graph as it is (for shell completion)."""
        return [name for name in self.store.all_names() if name.startswith(prefix)][:limit]

    def verify(self, *, artifacts: bool = False, progress: Progress | None = None) -> Report:
        """Check the ledger's bytes, objects and seals; `artifacts`: the files on disk, too."""
        from provgraph.governance import audit
        from provgraph.ledger.files import sweep

        if progress is not None:
            progress(0, len(self.ledger.names()))
        sweep(self.ledger.place)
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
        records = []
        for _, record in self.ledger.read_many(sorted(self.ledger.names())):
            if not isinstance(record, LedgerError):
                records += [record] if audit.about(record, subjects) else []
            elif type(record) is LedgerError:
                raise record  # the disk wouldn't let it be read: it may be about this
        return audit.erase(
            self.ledger, records, categories=categories, reason=self.redactor.text(reason)
        )

    def key(self, *, install: bytes | None = None) -> Report:
        """Say where the project key is; `facts` has `path`, `id`, `hex`. `install` takes one."""
        from provgraph.governance import audit

        return audit.key(self.ledger, install)

    def push(
        self,
        where: str | None = None,
        *,
        beside: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        """Send what the other side lacks: a git remote's name, a URL or a folder, or a Neo4j.

        `beside` lets a Neo4j that holds other things hold this, too.
        """
        from provgraph.collect.recovery import recover

        recover(self)
        return self._exchange("push", where, beside=beside, progress=progress)

    def pull(self, where: str | None = None, *, progress: Progress | None = None) -> Report:
        """Fetch what this side lacks."""
        report = self._exchange("pull", where, progress=progress)
        self.sync()
        return report

    def _exchange(
        self,
        way: str,
        where: str | None,
        *,
        beside: bool = False,
        progress: Progress | None = None,
    ) -> Report:
        from provgraph.governance import audit
        from provgraph.graph.neo4j import is_neo4j_url

        if where is None or not is_neo4j_url(where):
            return audit.exchange(self.ledger, way, where, root=self.root, progress=progress)
        with closing(self.graphs.open(where, beside=beside)) as graph:
            remote = self.graphs.remote(graph, pushing=way == "push")
            report = audit.exchange(self.ledger, way, remote, root=self.root, progress=progress)
            if way == "push" and report.facts["sent"]:
                self.graphs.infer(graph)
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
        self,
        published: Callable[[str], bool] = lambda _name: True,
        committed: Callable[[str], bool] = lambda _name: True,
        *,
        cached: bool = True,
    ) -> Contents:
        """Read and hash files, remembering what was hashed.

        `published` are the names that git tracks, `committed` those that are as git has them.
        """
        from provgraph.collect.content import Contents
        from provgraph.collect.noise import Noise

        noise = Noise(os.fspath(self.root), self.configuration.noise_table)
        return Contents(
            self.root,
            self.ledger.key,
            self._stat_cache if cached else None,
            self.configuration.size_limit,
            published=published,
            committed=committed,
            redactor=self.redactor,
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
        for opened in ("graphs", "_stat_cache"):
            there = self.__dict__.pop(opened, None)
            if there is not None:
                there.close()

    def lookup(self) -> GraphStore:
        """Give the local graph in step with the ledger: the recorder waits for no server."""
        return self.graphs.lookup()

    def _path_name(self, text: str) -> tuple[str, bool] | None:
        """Turn a path as typed, relative to the current directory, into a name of this project."""
        from provgraph.model.names import name_of

        if "\0" in text:
            return None
        path = Path(os.path.abspath(os.path.join(self.asked_from or "", text)))
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
        private = self.graphs.private_fields(found[1]).get("command", {})
        record: Any = found[1]
        name = record.step.label if record.step.named else ""
        if private.get("whole"):  # a step of a run: the run's command renews it
            private = private["whole"]
            name = private.get("name", "")
        argv = private.get("argv")
        if not isinstance(argv, list) or not argv:
            return ""
        if private.get("inside"):
            return shlex.join(map(str, argv))
        named = f"--name {shlex.quote(name)} " if name else ""
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
            document = json.loads(self.graphs.object(digest))
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

    def _making(self, questions: Questions, kind: str, rows: list[RunRow]) -> list[RunRow]:
        """Keep the runs that made something of a kind."""
        wording = questions.wording
        makers = {
            g.maker
            for g in questions.facts.generations.values()
            if g.maker is not None and (g.kind or wording.kind(g.name, True)) == kind
        }
        return [row for row in rows if row.key in makers]

    def _touching(self, questions: Questions, selector: str, rows: list[RunRow]) -> list[RunRow]:
        target = questions.resolver.target(selector)
        keys = [g.key for n, _ in target.names for g in questions.facts.at.get((self.id, n), ())]
        keys += [*target.contents, *target.keys]
        runs = {use.run for use in self.store.uses_of(keys)}
        runs |= {g.maker for g in self.store.generations(keys) if g.maker is not None}
        return [row for row in rows if row.key in runs or row.key in target.keys]


@dataclass(frozen=True, slots=True)
class _Held:
    """One look: what answers from it, the records it knew, until when it holds, its name.

    `mark` is the ledger's at its beginning.
    """

    questions: Questions
    recorded: frozenset[str]
    mark: object
    until: float
    stamp: str
