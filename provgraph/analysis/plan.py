"""The redo plan: what to run again, in which order, and what has to be asked first (DESIGN §4).

Only the first order is certain: redone content may turn out equal, so a plan is made anew after
each run. A command is run again as it was run last. Hand edits are never overwritten unasked, and
a name that two steps contest is asked about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from provgraph.analysis.facts import STREAM, Facts, Name
from provgraph.analysis.judgement import Judgement
from provgraph.analysis.lying import Lying
from provgraph.graph.interface import Generation, GraphStore, RunRow, UseRow
from provgraph.model.answers import CURRENT, MISSING, MODIFIED, PlanStep
from provgraph.model.digests import ABSENT
from provgraph.model.names import is_uri

RUN = "run"
RESTORE = "restore"
REMOVE = "remove"
ASK = "ask"
IMPOSSIBLE = "impossible"

# Why a command isn't simply run again; asks first, then what can't be done at all.
EDITED = "it was edited by hand, and redoing would overwrite that"
CONTESTED = "another step took it over; which of them should make it?"
APPLIED_TWICE = "its step already rewrote it; doing so again would apply it twice"
NO_LONGER_MADE = "its step no longer makes it"
LOST = "what it read there was overwritten, and is nowhere at hand"
LOOP = "its step feeds itself through others; how often to go round isn't recorded"
LEFT_OVER = "a run that ended badly left it, and one that ends well doesn't; remove it"
WAITS = "what it rests on can't be redone before"

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do. `run` is the run to repeat, `generation` the content it is about."""

    action: str
    run: int | None = None
    generation: Generation | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a plan is made: what a person allowed, and what can be done from here.

    `overwrite` are names whose edits by hand may go, `take` the steps that win where a name is
    contested. `problem` says why a run's command can't be carried out, "" where it can; `kept`
    tells whether a source's content is at hand, to be put back.
    """

    overwrite: Collection[str] = ()
    take: Collection[str] = ()
    problem: Callable[[RunRow, Command], str] = lambda _row, _command: ""
    kept: Callable[[Generation], bool] = lambda _: True


@dataclass(frozen=True, slots=True)
class Schedule:
    """Orders, and what it takes to carry them out: each by the run that is to be repeated.

    `after` are the runs of the plan that go first; `sure` those that are needed whatever the
    others' outcome; `asked` tells of each stop that can be decided between which steps.
    """

    orders: tuple[Order, ...]
    commands: Mapping[int, Command] = field(default_factory=dict)
    after: Mapping[int, frozenset[int]] = field(default_factory=dict)
    sure: frozenset[int] = frozenset()
    read: Mapping[int, frozenset[str]] = field(default_factory=dict)
    made: Mapping[int, frozenset[str]] = field(default_factory=dict)
    asked: Mapping[tuple[int, str], tuple[str, ...]] = field(default_factory=dict)


def orders(judgement: Judgement, names: Collection[str] | None = None) -> tuple[Order, ...]:
    """Plan what renews everything live that isn't current (or only what `names` need)."""
    return _Planner(judgement, names, silent=None, terms=Terms()).plan()


def schedule(
    judgement: Judgement,
    names: Collection[str] | None = None,
    *,
    silent: Collection[int] | None = None,
    terms: Terms | None = None,
) -> Schedule:
    """Plan the same on terms; `silent` are runs that write nothing, beside `names`."""
    planner = _Planner(judgement, names, silent=silent, terms=terms or Terms())
    return planner.scheduled(planner.plan())


class _Rows:
    """Runs by key, looked up when they are asked for: a graph can hold a million others."""

    def __init__(self, store: GraphStore) -> None:
        self._store = store
        self._known: dict[int, RunRow | None] = {}

    def load(self, keys: Iterable[int]) -> None:
        """Look several up at once."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._known]
        self._known.update(dict.fromkeys(missing))
        self._known.update({row.key: row for row in self._store.runs(missing)})

    def get(self, key: int) -> RunRow | None:
        """Give a run; None for a key that is no run's."""
        if key not in self._known:
            self.load([key])
        return self._known[key]

    def of_step(self, row: RunRow) -> list[RunRow]:
        """Give every run of a run's step, oldest first."""
        found = {r.key: r for r in self._store.list_runs(step=row.step) if r.step == row.step}
        return sorted((found | {row.key: row}).values(), key=lambda one: one.order)


class _Planner:
    """Collects the runs to repeat, by command, and what stops them."""

    def __init__(
        self,
        judgement: Judgement,
        names: Collection[str] | None,
        *,
        silent: Collection[int] | None,
        terms: Terms,
    ) -> None:
        self.judgement = judgement
        self.facts = judgement.facts
        self.names = names
        self.silent = silent
        self.terms = terms
        self.rows = _Rows(self.facts.store)
        self._commands: dict[int, Command] = {}
        self._newest: dict[Command, RunRow] = {}
        self._inputs: dict[int, list[tuple[UseRow, Generation]]] = {}
        self._products: dict[int, dict[Name, Generation]] = {}
        self.wanted: dict[Command, RunRow] = {}
        self.why: dict[Command, str] = {}
        self.puts: dict[Command, dict[str, Order]] = {}
        self.stops: dict[tuple[Command, str], Order] = {}
        self._after: dict[int, set[int]] = {}
        self.leftovers: dict[Name, Order] = {}
        self.sure: set[Command] = set()
        self.asked: dict[tuple[int, str], tuple[str, ...]] = {}

    def plan(self) -> tuple[Order, ...]:
        """Collect, in rounds: what only a stopped command needs isn't run either."""
        stopped: set[Command] | None = None
        while stopped != self._stopped():
            stopped = self._stopped()
            self.wanted, self.puts, self.why = {}, {}, {}
            self._start()
            done = set(stopped)
            while left := [one for one in self.wanted if one not in done]:
                for command in left:
                    done.add(command)
                    self._prepare(command, self.wanted[command])
            self._refuse_loops()
            self._let_wait()
        out = [*self.stops.values(), *self.leftovers.values()]
        free = {c: row for c, row in self.wanted.items() if c not in self._stopped()}
        for row in self._ordered(list(free.values())):
            command = self._command(row)
            out.extend(self.puts.get(command, {}).values())
            out.append(Order(RUN, run=row.key, reason=self.why.get(command, "")))
        return tuple(out)

    def scheduled(self, several: tuple[Order, ...]) -> Schedule:
        """Say of the runs in a plan what goes before what, and what each reads and makes."""
        keys = [order.run for order in several if order.action == RUN and order.run is not None]
        rows = [row for row in map(self.rows.get, keys) if row is not None]
        return Schedule(
            orders=several,
            commands={
                order.run: self._command(row)
                for order in several
                if order.run is not None and (row := self.rows.get(order.run)) is not None
            },
            after={row.key: frozenset(self._after[row.key]) for row in rows},
            sure=frozenset(row.key for row in rows if self._command(row) in self.sure),
            read={row.key: frozenset(g.name for _, g in self._read(row)) for row in rows},
            made={row.key: frozenset(name for _, name in self._made(row)) for row in rows},
            asked=self.asked,
        )

    def _stopped(self) -> set[Command]:
        return {command for command, _ in self.stops}

    def _stop(
        self,
        row: RunRow,
        g: Generation | None,
        action: str,
        reason: str,
        *,
        between: tuple[str | None, ...] = (),
    ) -> None:
        place = (self._command(row), g.name if g is not None else "")
        self.stops.setdefault(place, Order(action, run=row.key, generation=g, reason=reason))
        if between:
            steps = tuple(step for step in between if step is not None)
            self.asked.setdefault((row.key, place[1]), steps)

    # -- what is to be renewed ----------------------------------------------------------------

    def _start(self) -> None:
        judgement, facts = self.judgement, self.facts
        live = {
            name: judgement.live_runs(name)
            for name in facts.at
            if name[0] == facts.project
            and (self.names is None or name[1] in self.names)
            and not facts.is_stream(name)
            and (made := facts.produced(name))
            and not made[-1].imported
        }
        self.rows.load(run for several in live.values() for run in several)
        for name, several in live.items():
            state = judgement.name_state(name)
            pending = judgement.pending.get(name, ())
            for row in filter(None, map(self.rows.get, several)):
                if row.key in pending:
                    self._want(self._newest_at(row.step, name), name, sure=True)
                elif judgement.state_of(row.key) != CURRENT:
                    self._want(row, name, sure=row.key in judgement.causes)
            if state == MISSING and not is_uri(name[1]):
                self._want(self._last_maker(name), name, "its product is missing", sure=True)
            elif state == MODIFIED:
                self._want(self._last_maker(name), name, sure=True)
        for silent in facts.silent:
            asked = self.names is None if self.silent is None else silent.key in self.silent
            if asked and judgement.state_of(silent.key) != CURRENT:
                self._want(silent, None, sure=silent.key in judgement.causes)

    def _want(
        self, row: RunRow | None, name: Name | None, why: str = "", *, sure: bool = False
    ) -> None:
        """Take up a run's command, as it was last carried out, for the sake of one product."""
        if row is None:
            return
        command = self._command(row)
        newest = self._newest[command]
        if sure:
            self.sure.add(command)
        if name is not None and name not in self._made(newest):
            made = self._made(row).get(name)
            if row.status == "ok" or newest.status != "ok":
                self._stop(row, made, IMPOSSIBLE, NO_LONGER_MADE)
            elif newest.order > row.order:
                if not is_uri(name[1]) and not self._nothing(self.judgement.lying(name)):
                    self.leftovers[name] = Order(ASK, row.key, made, LEFT_OVER)
                return
        self.wanted[command] = newest
        if why:
            self.why.setdefault(command, why)

    def _command(self, row: RunRow) -> Command:
        """Give what tells commands apart: the step, and a named step's arguments and parameters."""
        if row.key not in self._commands:
            for other in self.rows.of_step(row):
                command = self._command_of(other)
                self._commands[other.key] = command
                # One that ended badly says less of what the command reads and makes.
                known = self._newest.get(command)
                if known is None or other.status == "ok" or known.status != "ok":
                    self._newest[command] = other
        return self._commands[row.key]

    def _command_of(self, row: RunRow) -> Command:
        params: Mapping[str, str] = {}
        found = self.facts.store.record_of(row.id)
        if found is not None:
            params = getattr(found[1], "params", {})
        return (row.step, *(f"{key}={params[key]}" for key in sorted(params)))

    # -- what must be so before a run ---------------------------------------------------------

    def _prepare(self, command: Command, row: RunRow) -> None:
        """See to it that each input is as it was read, and that no hand's work is lost."""
        problem = self.terms.problem(row, command)
        if problem:
            self._stop(row, None, IMPOSSIBLE, problem)
            return
        for use, g in self._read(row):
            name = (g.project, g.name)
            if g.imported or g.project != self.facts.project or self.facts.is_stream(name):
                continue
            if g.maker is not None:
                self._prepare_product(row, g)
            else:
                self._prepare_source(command, row, use, g)
        for name, g in self._made(row).items():
            if not self.facts.is_stream(name):
                self._look_before_writing(row, name, g)

    def _prepare_product(self, row: RunRow, g: Generation) -> None:
        name = (g.project, g.name)
        here = self.judgement.lying(name)
        lies = here.generation if not here.absent else None
        if g.step == row.step and name in self._made(row):
            first = self._steps_of(row, g)
            if self._nothing(here) or lies is None or lies.step in (None, row.step):
                self._stop(row, g, ASK, APPLIED_TWICE)
            elif lies.step not in first:
                for step in first:
                    self._want(self._newest_at(step, name), name)
        elif self._nothing(here):
            self._want(self._newest_at(g.step, name), name, "its product is read by a run to redo")
        elif lies is None or lies.maker is None:
            edited = lies is None or not self._is_original(name, lies)
            if edited and g.name not in self.terms.overwrite:
                self._stop(row, g, ASK, EDITED)
            else:
                self._want(self._newest_at(g.step, name), name)
        elif lies.step != g.step:
            line = self.facts.line(lies)
            link = next((x for x in line if x.maker is not None and x.step == g.step), None)
            below = {x.step for x in self.facts.line(g)}
            if link is not None and link.maker is not None:
                self._want(self.rows.get(link.maker), name, "its product was rewritten in place")
            elif lies.step in below or g.step in self.terms.take:
                self._want(self._newest_at(g.step, name), name)
            elif lies.step not in self.terms.take:
                self._stop(row, g, ASK, CONTESTED, between=(g.step, lies.step))

    def _prepare_source(self, command: Command, row: RunRow, use: UseRow, g: Generation) -> None:
        name = (g.project, g.name)
        here = self.judgement.lying(name)
        if not self._is_consumed(use, g, here) and not self._is_lost_original(name, g, here):
            if here.absent and g.digest != ABSENT:
                self.why.setdefault(command, f"{g.name}, which it read, is gone")
            return
        action = REMOVE if g.digest == ABSENT else RESTORE
        if action == RESTORE and not self.terms.kept(g):
            self._stop(row, g, IMPOSSIBLE, LOST)
            return
        reason = "the step reads it as it was before it was rewritten"
        self.puts.setdefault(command, {})[g.name] = Order(action, row.key, g, reason)

    def _is_consumed(self, use: UseRow, g: Generation, here: Lying) -> bool:
        """Tell whether a source that differs now is the original of what lies there."""
        lies = here.generation
        if lies is None or lies.key == g.key or not use.touched or lies.digest == g.digest:
            return False
        return any(link.key == g.key for link in self.facts.line(lies)[1:])

    def _is_lost_original(self, name: Name, g: Generation, here: Lying) -> bool:
        """Tell whether a source was rewritten in place and what was made of it deleted."""
        made = self.facts.produced(name)
        if not self._nothing(here) or not made:
            return False
        return any(link.key == g.key for link in self.facts.line(made[-1]))

    def _look_before_writing(self, row: RunRow, name: Name, g: Generation) -> None:
        here = self.judgement.lying(name)
        if g.name in self.terms.overwrite and here.edited:
            return
        if here.edited:
            self._stop(row, g, ASK, EDITED)
            return
        lies = here.generation
        if self._nothing(here):
            made = self.facts.produced(name)
            lies = made[-1] if made else None
        if lies is None:
            return
        if lies.maker is None:
            if not self._is_original(name, lies) and g.name not in self.terms.overwrite:
                self._stop(row, g, ASK, EDITED)
            return
        makers = {link.step for link in self.facts.line(lies)}
        rewritten = {
            link.step
            for _, read in self._read(row)
            if (read.project, read.name) == name
            for link in self.facts.line(read)
        }
        in_line = row.step in makers or lies.step in rewritten
        runs = map(self.rows.get, self.judgement.live_runs(name))
        live = {run.step for run in runs if run is not None}
        if not in_line and row.step not in live and row.step not in self.terms.take:
            self._stop(row, g, ASK, CONTESTED, between=(row.step, lies.step))

    def _is_original(self, name: Name, lies: Generation) -> bool:
        """Tell whether bytes that no run wrote are those that a run found and rewrote."""
        return any(g.before == lies.key for g in self.facts.produced(name))

    def _nothing(self, here: Lying) -> bool:
        return (
            here.absent
            or (here.generation is not None and here.generation.digest == ABSENT)
            or (here.generation is None and not here.word)
        )

    # -- what stops others --------------------------------------------------------------------

    def _refuse_loops(self) -> None:
        """Leave out steps that feed each other: how often to go round isn't ours to say."""
        by_step = {
            row.step: {g.step for _, g in self._read(row) if g.step is not None}
            for row in self.wanted.values()
        }
        for row in self.wanted.values():
            below: set[str] = set()
            waiting = [row.step]
            while waiting:
                fresh = by_step.get(waiting.pop(), set()) - below
                below |= fresh
                waiting.extend(fresh)
            if row.step in below and row.step not in by_step[row.step]:
                self._stop(row, None, IMPOSSIBLE, LOOP)

    def _let_wait(self) -> None:
        """Leave out what rests on something that is left out."""
        while True:
            stopped = self._stopped()
            before = len(self.stops)
            for command, row in self.wanted.items():
                if command in stopped:
                    continue
                for _, g in self._read(row):
                    maker = self.rows.get(g.maker) if g.maker is not None else None
                    if maker is not None and self._command(maker) in stopped:
                        self._stop(row, g, IMPOSSIBLE, WAITS)
            if len(self.stops) == before:
                return

    # -- order --------------------------------------------------------------------------------

    def _ordered(self, rows: list[RunRow]) -> list[RunRow]:
        """Put makers first, then readers before those who rewrite what they read."""
        rows = sorted(rows, key=lambda row: row.order)
        self._after = self._before_each(rows)
        place = {row.key: at for at, row in enumerate(rows)}
        waits = {row.key: len(self._after[row.key]) for row in rows}
        followers: dict[int, list[int]] = defaultdict(list)
        for key, several in self._after.items():
            for other in several:
                followers[other].append(key)
        ready = [place[key] for key, count in waits.items() if not count]
        heapify(ready)
        oldest = iter(rows)
        done: dict[int, None] = {}
        while len(done) < len(rows):
            # Where each waits for another, the oldest begins.
            row = rows[heappop(ready)] if ready else next(r for r in oldest if r.key not in done)
            if row.key in done:
                continue
            done[row.key] = None
            for key in followers[row.key]:
                waits[key] -= 1
                if not waits[key]:
                    heappush(ready, place[key])
        return [rows[place[key]] for key in done]

    def _before_each(self, rows: Sequence[RunRow]) -> dict[int, set[int]]:
        """Map each run to those that go before it: by step, by name, by who reads what it rewrites.

        Indexed, for a plan of a thousand runs would take a million comparisons.
        """
        by_step: dict[str, list[RunRow]] = defaultdict(list)
        makers: dict[Name, list[RunRow]] = defaultdict(list)
        readers: dict[Name, list[tuple[RunRow, Generation]]] = defaultdict(list)
        for row in rows:
            by_step[row.step].append(row)
            for name in self._made(row):
                makers[name].append(row)
            for _, g in self._read(row):
                readers[g.project, g.name].append((row, g))
        out: dict[int, set[int]] = {}
        for then in rows:
            before: set[int] = set()
            for _, g in self._read(then):
                name = (g.project, g.name)
                steps = self._steps_of(then, g)
                before.update(row.key for step in steps for row in by_step.get(step, ()))
                if g.maker is None and name in makers:
                    here = self.judgement.lying(name)
                    if self._nothing(here) and not self._is_lost_original(name, g, here):
                        before.update(row.key for row in makers[name])
                if name in self._made(then):
                    before.update(
                        row.key
                        for row, other in readers[name]
                        if self._steps_of(row, other) == steps and name not in self._made(row)
                    )
            out[then.key] = before - {then.key}
        return out

    def _steps_of(self, row: RunRow, g: Generation) -> frozenset[str]:
        """Give the step that made what a run read; for its own product, who made it before."""
        if g.step is None:
            return frozenset()
        if g.step != row.step or (g.project, g.name) not in self._made(row):
            return frozenset({g.step})
        line = [link.step for link in self.facts.line(g)]
        others = [step for step in line if step is not None and step != row.step]
        return frozenset(others[:1])

    # -- look-ups -----------------------------------------------------------------------------

    def _read(self, row: RunRow) -> list[tuple[UseRow, Generation]]:
        if row.key not in self._inputs:
            uses = [u for u in self.facts.store.uses_by([row.key]) if self.facts.counts(u)]
            uses = [u for u in uses if u.role != STREAM]
            self.facts.ensure(u.generation for u in uses)
            self._inputs[row.key] = [
                (u, g) for u in uses if (g := self.facts.generation(u.generation)) is not None
            ]
        return self._inputs[row.key]

    def _made(self, row: RunRow) -> dict[Name, Generation]:
        if row.key not in self._products:
            keys = [made.generation for made in self.facts.store.produced_by([row.key])]
            self.facts.ensure(keys)
            self._products[row.key] = {
                (g.project, g.name): g
                for key in keys
                if (g := self.facts.generation(key)) is not None
            }
        return self._products[row.key]

    def _last_maker(self, name: Name) -> RunRow | None:
        maker = self.facts.produced(name)[-1].maker
        return self.rows.get(maker) if maker is not None else None

    def _newest_at(self, step: str | None, name: Name) -> RunRow | None:
        made = [g for g in self.facts.produced(name) if g.step == step]
        return self.rows.get(made[-1].maker) if made and made[-1].maker is not None else None


def in_words(
    facts: Facts,
    several: Sequence[Order],
    *,
    command: Callable[[str], str],
    title: Callable[[str], str],
) -> tuple[PlanStep, ...]:
    """Put orders in words; `command` gives a run's command line by its id."""
    rows = {row.key: row for row in facts.store.runs(list(_runs(several)))}
    out = []
    for order in several:
        run = rows.get(order.run) if order.run is not None else None
        name = title(order.generation.name) if order.generation is not None else ""
        if order.action == RUN and run is not None:
            out.append(PlanStep(RUN, run.label, command(run.id), run.seconds, order.reason))
        else:
            subject = name or (run.label if run is not None else "")
            out.append(PlanStep(order.action, subject, "", None, order.reason))
    return tuple(out)


def _runs(several: Iterable[Order]) -> Iterable[int]:
    return (order.run for order in several if order.run is not None)
