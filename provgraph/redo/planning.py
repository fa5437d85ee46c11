"""Look at what isn't current and plan: orders, each with its recipe, reason and warnings."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from provgraph.analysis.gaps import gap_notes, live_runs
from provgraph.analysis.plan import (
    ASK,
    CONTESTED,
    EDITED,
    IMPOSSIBLE,
    REMOVE,
    RESTORE,
    RUN,
    Command,
    Order,
    Schedule,
    Terms,
    schedule,
)
from provgraph.analysis.redoing import spared, stranded, upstream_of
from provgraph.analysis.standing import standings
from provgraph.errors import SelectorError, UsageError
from provgraph.graph.interface import Generation, RunRow
from provgraph.model.answers import GapNote, RedoStep, Spared
from provgraph.model.records import RunRecord
from provgraph.redo.originals import Originals, kept_of
from provgraph.redo.recipe import Recipe, Recipes
from provgraph.redo.surroundings import differences

if TYPE_CHECKING:
    from provgraph.analysis.asking import Questions
    from provgraph.collect.configuration import Configuration
    from provgraph.collect.content import Contents
    from provgraph.collect.secrets import Redactor
    from provgraph.graphs import Graphs
    from provgraph.ledger.ledger import Ledger

NOT_RECORDED_HERE = "it was imported, or its record isn't here: nothing says how it was run"


class Site(Protocol):
    """What redoing needs of a project."""

    root: Path
    id: str
    configuration: Configuration

    @property
    def ledger(self) -> Ledger:
        """The ledger, which the runs are recorded in."""

    @property
    def graphs(self) -> Graphs:
        """The graph, and what records name."""

    @property
    def redactor(self) -> Redactor:
        """What puts fingerprints in the place of secrets."""

    @property
    def cache_path(self) -> Path:
        """Where the lock lies that one redo at a time holds."""

    def questions(self) -> Questions:
        """Look at the ledger and the files anew."""

    def contents(self) -> Contents:
        """Read and hash files."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asks for: `overwrite` names, `take` steps, `secrets` to put into commands."""

    targets: tuple[str, ...] = ()
    overwrite: tuple[str, ...] = ()
    take: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    jobs: int = 1
    keep_going: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be renewed: names with all they rest on, and steps that write nothing."""

    names: frozenset[str] | None = None
    silent: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule with its steps in words, one for each order, and the questions it came from."""

    questions: Questions
    schedule: Schedule
    steps: tuple[RedoStep, ...]
    names: frozenset[str] | None
    silent: frozenset[int] | None
    rows: Mapping[int, RunRow] = field(default_factory=dict)

    def runs(self) -> list[int]:
        """Give the runs to repeat, in order."""
        return [o.run for o in self.schedule.orders if o.action == RUN and o.run is not None]

    def puts(self, run: int) -> list[tuple[Order, RedoStep]]:
        """Give what is put back or removed before a run."""
        return [
            (order, step)
            for order, step in zip(self.schedule.orders, self.steps, strict=False)
            if order.run == run and order.action in (RESTORE, REMOVE)
        ]

    def step(self, run: int) -> RedoStep:
        """Give a run in words."""
        for order, step in zip(self.schedule.orders, self.steps, strict=False):
            if order.run == run and order.action == RUN:
                return step
        raise KeyError(run)


class Bench:
    """Looks at a project again and again; what was decided is kept between looks."""

    def __init__(
        self, site: Site, wishes: Wishes, *, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.site = site
        self.environ = environ
        self._wishes = wishes
        self._scope: Scope | None = None
        self._allowed: set[str] | None = None
        self._taken: set[str] = set()
        self._recipes: dict[str, Recipe] = {}
        self._warnings: dict[str, tuple[str, ...]] = {}
        # What went wrong with commands in this redo: their reasons.
        self.wrong: dict[Command, str] = {}

    # -- what is at hand ----------------------------------------------------------------------

    @cached_property
    def maker(self) -> Recipes:
        """Makes recipes."""
        ledger = self.site.ledger
        return Recipes(
            self.site.root,
            ledger.key,
            is_erased=lambda name: bool(name) and ledger.is_erased(name),
            environ=self.environ,
            secrets=self._wishes.secrets,
        )

    @cached_property
    def originals(self) -> Originals:
        """Finds content that lies there no more."""
        from provgraph.collect.noise import Noise
        from provgraph.collect.strays import Strays

        site = self.site
        noise = Noise(os.fspath(site.root), site.configuration.noise_table)
        strays = Strays(site.root, site.contents(), noise.in_project)
        uses = [
            (use.name, use.kept)
            for _, record in site.ledger.read_many(sorted(site.ledger.names()))
            if isinstance(record, RunRecord)
            for use in record.uses
            if use.kept is not None
        ]
        return Originals(
            site.root,
            keyed=site.contents().keyed,
            kept=lambda name: kept_of(name, uses, site.graphs.object),
            stray=strays.named,
        )

    def record(self, run: str) -> tuple[RunRecord, Mapping[str, Mapping[str, Any]]] | None:
        """Give a run's record and its private fields."""
        found = self.site.graphs.store.record_of(run)
        if found is None or not isinstance(found[1], RunRecord):
            return None
        return found[1], self.site.graphs.private_fields(found[1])

    def recipe(self, run: str) -> Recipe:
        """Give a run's recipe."""
        if run not in self._recipes:
            found = self.record(run)
            made = Recipe(problem=NOT_RECORDED_HERE) if found is None else self.maker.recipe(*found)
            self._recipes[run] = made
        return self._recipes[run]

    def warnings(self, run: str) -> tuple[str, ...]:
        """Say what is different here from where a run was made."""
        if run not in self._warnings:
            found = self.record(run)
            self._warnings[run] = (
                ()
                if found is None
                else differences(
                    found[0],
                    self.recipe(run),
                    found[1],
                    root=self.site.root,
                    key=self.site.ledger.key,
                    environ=self.environ,
                )
            )
        return self._warnings[run]

    # -- what was decided ---------------------------------------------------------------------

    def allow(self, name: str) -> None:
        """Let an edit by hand be overwritten."""
        assert self._allowed is not None
        self._allowed.add(name)

    def take(self, step: str) -> None:
        """Let a step, by its key, win where it contests a name."""
        self._taken.add(step)

    # -- looking ------------------------------------------------------------------------------

    def look(self, *, meanwhile: Collection[str] = ()) -> Plan:
        """Judge and plan anew; `meanwhile` are names that running runs are writing."""
        questions = self.site.questions()
        if self._scope is None or self._allowed is None:
            self._scope = self._resolve(questions)
            self._allowed = set(self._names(questions, self._wishes.overwrite, "--overwrite"))
            self._taken |= self._steps(questions, self._wishes.take)
        judgement = questions.now
        names, silent = None, None
        if self._scope.names is not None:
            names = frozenset(upstream_of(judgement, self._scope.names))
            steps = self._scope.silent or frozenset()
            silent = frozenset(run.key for run in judgement.facts.silent if run.step in steps)
        terms = Terms(
            overwrite=self._allowed | set(meanwhile),
            take=self._taken,
            problem=self._problem,
            kept=lambda g: self.originals.find(g.name, g.digest, g.size) is not None,
        )
        made = schedule(judgement, names, silent=silent, terms=terms)
        keys = [order.run for order in made.orders if order.run is not None]
        rows = {row.key: row for row in judgement.facts.store.runs(keys)}
        plan = Plan(questions, made, (), names, silent, rows)
        return replace(plan, steps=tuple(_Words(self, plan).steps()))

    def spared(self, plan: Plan) -> tuple[Spared, ...]:
        """Give the steps that needn't be run, as the plan sees it."""
        title = plan.questions.wording.title
        return spared(plan.questions.now, plan.names, plan.silent, title)

    def gaps(self, plan: Plan) -> tuple[GapNote, ...]:
        """Give what isn't known."""
        questions = plan.questions
        found = gap_notes(questions.now, runs=live_runs(questions.now), said=questions.wording.gap)
        return (*questions.left_out, *found)

    def _problem(self, row: RunRow, command: Command) -> str:
        return self.wrong.get(command, "") or self.recipe(row.id).problem

    # -- what was asked for -------------------------------------------------------------------

    def _resolve(self, questions: Questions) -> Scope:
        if not self._wishes.targets:
            return Scope()
        names: set[str] = set()
        silent: set[str] = set()
        for selector in self._wishes.targets:
            runs = self._runs_of(questions, selector)
            found = set() if runs else set(self._names(questions, [selector], "redo"))
            for row in runs:
                keys = [made.generation for made in questions.facts.store.produced_by([row.key])]
                questions.facts.ensure(keys)
                several = [questions.facts.generation(key) for key in keys]
                found |= {g.name for g in several if g is not None}
                silent |= {row.step}
            if not found and not runs:
                raise UsageError(
                    f"no recorded run makes {selector}",
                    hint=f"name a result or a step; provgraph impact {shlex.quote(selector)} lists "
                    "what rests on it",
                )
            names |= found
        return Scope(frozenset(names), frozenset(silent))

    def _runs_of(self, questions: Questions, selector: str) -> list[RunRow]:
        """Give the runs that a selector means: one by its id, or all of a step by its name."""
        store = questions.facts.store
        if selector.startswith("run:"):
            run = questions.resolver.run(selector)
            return [row for row in store.runs(store.by_id(run)) if row.id == run]
        try:
            if self._names(questions, [selector], "redo"):
                return []
        except SelectorError:
            if not store.list_runs(step=selector, limit=1):
                raise
        return [row for row in store.list_runs(step=selector) if row.project == self.site.id]

    def _names(
        self, questions: Questions, selectors: Collection[str], option: str
    ) -> Collection[str]:
        """Give the names that runs make among what selectors mean."""
        facts = questions.facts
        out: dict[str, None] = {}
        for selector in selectors:
            target = questions.resolver.target(selector)
            names = [name for name, _ in target.names]
            contents = [facts.generation(key) for key in target.contents]
            names += [g.name for g in contents if g is not None]
            made = [name for name in names if facts.produced((facts.project, name))]
            if not made and option.startswith("--"):
                raise UsageError(f"{option} {selector}: no recorded run makes it")
            out |= dict.fromkeys(made)
        return out

    def _steps(self, questions: Questions, taken: Collection[str]) -> set[str]:
        """Give the keys of steps named on the command line."""
        store = questions.facts.store
        out: set[str] = set()
        for text in taken:
            found = {row.step for row in store.list_runs(step=text)}
            if not found:
                raise UsageError(
                    f"--take {text}: there is no such step", hint="provgraph log lists steps"
                )
            out |= found
        return out


class _Words:
    """Puts a schedule in words."""

    def __init__(self, bench: Bench, plan: Plan) -> None:
        self._bench = bench
        self._plan = plan
        self._title: Callable[[str], str] = plan.questions.wording.title

    def steps(self) -> list[RedoStep]:
        """Give a step for each order, then what no run can renew."""
        plan = self._plan
        places = {
            order.run: place
            for place, order in enumerate(plan.schedule.orders, start=1)
            if order.action == RUN
        }
        out = []
        for order in plan.schedule.orders:
            row = plan.rows.get(order.run) if order.run is not None else None
            if order.action == RUN and row is not None:
                after = plan.schedule.after.get(row.key, frozenset())
                out.append(self._run(row, order, tuple(sorted(places[key] for key in after))))
            elif order.action in (RESTORE, REMOVE) and order.generation is not None:
                out.append(self._put(order, order.generation, row))
            else:
                out.append(self._stop(order, row))
        now = plan.questions.now
        for name, cause in stranded(now, plan.names):
            reason = f"it was copied by hand from {self._title(cause)}; copy it again"
            out.append(RedoStep(ASK, self._title(name), reason=reason))
        return out

    def _run(self, row: RunRow, order: Order, after: tuple[int, ...]) -> RedoStep:
        recipe = self._bench.recipe(row.id)
        directory = os.path.relpath(recipe.cwd, self._bench.site.root)
        made = sorted(self._plan.schedule.made.get(row.key, ()))
        named = [self._title(name) for name in made] or [row.label]
        why = [self._reasons[name] for name in named if name in self._reasons]
        return RedoStep(
            RUN,
            row.label or row.id,
            command=recipe.shown,
            directory=directory,
            seconds=row.seconds,
            reason=order.reason or (why[0] if why else ""),
            run=row.id,
            sure=bool(order.reason) or row.key in self._plan.schedule.sure,
            after=after,
            warnings=self._bench.warnings(row.id),
        )

    @cached_property
    def _reasons(self) -> dict[str, str]:
        found = standings(self._plan.questions.now, self._plan.questions.wording)
        several = (*found.stale, *found.behind, *found.modified, *found.missing)
        return {standing.name: standing.words for standing in several}

    def _put(self, order: Order, g: Generation, row: RunRow | None) -> RedoStep:
        reason = order.reason
        if order.action == RESTORE:
            found = self._bench.originals.find(g.name, g.digest, g.size)
            reason += f" (from {found.where})" if found is not None else ""
        run = row.id if row is not None else ""
        return RedoStep(order.action, self._title(g.name), reason=reason, run=run)

    def _stop(self, order: Order, row: RunRow | None) -> RedoStep:
        name = self._title(order.generation.name) if order.generation is not None else ""
        label = (row.label or row.id) if row is not None else ""
        choices: tuple[str, ...] = ()
        if order.action == ASK and order.generation is not None and order.reason == EDITED:
            choices = (f"--overwrite {shlex.quote(name)}",)
        elif order.action == ASK and order.reason == CONTESTED and order.run is not None:
            steps = self._plan.schedule.asked.get((order.run, order.generation.name), ())  # type: ignore[union-attr]
            choices = tuple(f"--take {shlex.quote(self.called(step))}" for step in steps)
        reason = order.reason
        if order.action == IMPOSSIBLE and name and label:
            reason = f"{label}: {reason}"
        return RedoStep(
            order.action,
            name or label,
            reason=reason,
            run=row.id if row is not None else "",
            command=self._bench.recipe(row.id).shown if row is not None else "",
            choices=choices,
        )

    def called(self, step: str) -> str:
        """Give what a step is called; its key where another is called so, too."""
        store = self._plan.questions.facts.store
        rows = [row for row in store.list_runs(step=step) if row.step == step]
        if not rows or not rows[0].label:
            return step
        label = rows[0].label
        return label if {row.step for row in store.list_runs(step=label)} == {step} else step
