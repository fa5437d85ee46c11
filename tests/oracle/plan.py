"""The redo plan of DESIGN §4: what to run again, in which order, and what has to be asked first.

The plan is judged anew after each run: carry out the first item, then ask again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from tests.oracle.currency import Currency
from tests.oracle.world import ABSENT, Generation, Ledger, RecordedRun, Use, View

Question = Literal["contested", "edited", "applied-twice"]
Obstacle = Literal["original-lost", "no-longer-made", "feedback-loop", "waits"]
Command = tuple[str, str]


@dataclass(frozen=True)
class Item:
    """A command to run again; `restore` maps names to the digest put there first, or `absent`."""

    run: str
    command: Command
    restore: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Ask:
    """A command that isn't run again unasked, and the name that stops it."""

    command: Command
    name: str
    question: Question


@dataclass(frozen=True)
class Impossible:
    """A command that can't bring its products up to date, and the name that stops it."""

    command: Command
    name: str
    obstacle: Obstacle


@dataclass(frozen=True)
class Plan:
    """Items in order, makers first, and what is left out."""

    items: tuple[Item, ...]
    asks: frozenset[Ask]
    impossible: frozenset[Impossible]

    @property
    def is_complete(self) -> bool:
        """Tell whether carrying it out brings everything up to date."""
        return not self.asks and not self.impossible


def plan(
    ledger: Ledger, view: View, is_kept: Callable[[str, str], bool] = lambda name, digest: True
) -> Plan:
    """Plan the redo; `is_kept` tells whether the bytes with a digest can be put back at a name."""
    return _Planner(Currency(ledger, view), is_kept).plan()


class _Planner:
    """Collects the commands of one plan, and what stops them."""

    def __init__(self, currency: Currency, is_kept: Callable[[str, str], bool]) -> None:
        self.currency = currency
        self.is_kept = is_kept
        self.newest = {run.command: run for run in currency.runs}
        self.wanted: dict[Command, RecordedRun] = {}
        self.restores: dict[Command, dict[str, str]] = {}
        self.asks: set[Ask] = set()
        self.impossible: set[Impossible] = set()

    def plan(self) -> Plan:
        """Collect what is to be run again with what it needs, and put it in order.

        What is needed only by a command that is left out isn't run either: hence the rounds.
        """
        blocked: set[Command] | None = None
        while blocked != self._blocked():
            blocked = self._blocked()
            self.wanted, self.restores = {}, {}
            self._start()
            done: set[Command] = set(blocked)
            while self.wanted.keys() - done:
                command = next(one for one in self.wanted if one not in done)
                done.add(command)
                self._prepare(self.wanted[command])
            self._refuse_loops()
            self._let_wait()
        runs = [run for command, run in self.wanted.items() if command not in self._blocked()]
        items = tuple(
            Item(run.id, run.command, tuple(sorted(self.restores.get(run.command, {}).items())))
            for run in self._ordered(runs)
        )
        return Plan(items, frozenset(self.asks), frozenset(self.impossible))

    def _blocked(self) -> set[Command]:
        return {one.command for one in self.asks} | {one.command for one in self.impossible}

    def _start(self) -> None:
        currency = self.currency
        for name in currency.names():
            for run_id in currency.live_at(name):
                run = currency.by_id[run_id]
                if currency.is_pending(run):
                    self._want(self._newest_of(run.step, name), name)
                elif currency.state_at(run_id, name) != "current":
                    self._want(run, name)
            if currency.name_state(name) == "missing":
                self._want(currency.by_id[currency.live_at(name)[0]], name)
            if currency.name_state(name) == "modified":
                self._want(self._writers(name)[-1], name)
        named = {run_id for name in currency.names() for run_id in currency.live_at(name)}
        for run_id in currency.live() - named - currency.current:
            self._want(currency.by_id[run_id], "")

    def _want(self, run: RecordedRun, name: str) -> None:
        """Take up a run's command, as it was last carried out, for the sake of one product."""
        newest = self.newest[run.command]
        if name and newest.product(name) is None:
            self.impossible.add(Impossible(run.command, name, "no-longer-made"))
        self.wanted[run.command] = newest

    def _prepare(self, run: RecordedRun) -> None:
        """See to it that each input is as it was read, and that no hand's work is lost."""
        for use in run.uses:
            if use.name in self.currency.streams:
                continue
            if use.makers:
                self._prepare_product(run, use)
            else:
                self._prepare_source(run, use)
        for product in run.products:
            if product.name not in self.currency.streams:
                self._look_before_writing(run, product.name)

    def _prepare_product(self, run: RecordedRun, use: Use) -> None:
        currency = self.currency
        maker = currency.by_id[use.makers[0]]
        lying = currency.lies(use.name)
        line = currency.line(lying)
        if maker.step == run.step and run.product(use.name) is not None:
            first = self._steps_of(run, use)
            if lying is None or self._step(lying) in (None, run.step):
                self.asks.add(Ask(run.command, use.name, "applied-twice"))
            elif self._step(lying) not in first:
                for step in first:
                    self._want(self._newest_of(step, use.name), use.name)
        elif lying is None:
            self._want(self._newest_of(maker.step, use.name), use.name)
        elif lying.maker is None:
            if not self._is_original(lying):
                self.asks.add(Ask(run.command, use.name, "edited"))
            else:
                self._want(self._newest_of(maker.step, use.name), use.name)
        elif currency.by_id[lying.maker].step != maker.step:
            links = [one for one in line if one.maker and self._step(one) == maker.step]
            below = {self._step(one) for one in currency.line(use.generation)}
            if links and links[0].maker is not None:
                self._want(currency.by_id[links[0].maker], use.name)
            elif self._step(lying) in below:
                self._want(self._newest_of(maker.step, use.name), use.name)
            else:
                self.asks.add(Ask(run.command, use.name, "contested"))

    def _prepare_source(self, run: RecordedRun, use: Use) -> None:
        currency = self.currency
        if not currency.is_consumed(run, use) and not self._is_lost_original(use):
            return
        digest = use.generation.digest
        if digest != ABSENT and not self.is_kept(use.name, digest):
            self.impossible.add(Impossible(run.command, use.name, "original-lost"))
        self.restores.setdefault(run.command, {})[use.name] = digest

    def _is_lost_original(self, use: Use) -> bool:
        """Tell whether a source was rewritten in place and what was made of it deleted."""
        currency = self.currency
        if currency.lies(use.name) is not None or not self._writers(use.name):
            return False
        return use.generation in currency.line(currency.last_made(use.name))

    def _look_before_writing(self, run: RecordedRun, name: str) -> None:
        lying = self.currency.lies(name) or self.currency.last_made(name)
        if lying is None:
            return
        if lying.maker is None:
            if not self._is_original(lying):
                self.asks.add(Ask(run.command, name, "edited"))
            return
        makers = {self._step(link) for link in self.currency.line(lying)}
        found = [use.generation for use in run.uses if use.name == name]
        rewritten = {self._step(link) for one in found for link in self.currency.line(one)}
        in_line = run.step in makers or self._step(lying) in rewritten
        if not in_line and run.id not in self.currency.live_at(name):
            self.asks.add(Ask(run.command, name, "contested"))

    def _is_original(self, lying: Generation) -> bool:
        """Tell whether bytes that no run wrote are those that the first writer found there."""
        first = self._writers(lying.name)[0]
        return any(use.generation == lying for use in first.uses)

    def _refuse_loops(self) -> None:
        """Leave out steps that feed each other: how often to go round isn't ours to say."""
        by_step = {
            step: {self.currency.by_id[m].step for u in run.uses for m in u.makers}
            for (step, _), run in self.wanted.items()
        }
        for command, run in self.wanted.items():
            below: set[str] = set()
            waiting = [run.step]
            while waiting:
                fresh = by_step.get(waiting.pop(), set()) - below
                below |= fresh
                waiting.extend(fresh)
            if run.step in below and run.step not in by_step[run.step]:
                self.impossible.add(Impossible(command, "", "feedback-loop"))

    def _let_wait(self) -> None:
        """Leave out what rests on something that is left out."""
        while True:
            blocked = self._blocked()
            before = len(self.impossible)
            for command, run in self.wanted.items():
                for use in run.uses:
                    for maker in use.makers:
                        cause = self.currency.by_id[maker].command
                        if cause in blocked and command not in blocked:
                            self.impossible.add(Impossible(command, use.name, "waits"))
            if len(self.impossible) == before:
                return

    def _ordered(self, runs: list[RecordedRun]) -> list[RecordedRun]:
        """Put makers first, then readers before those who rewrite what they read."""
        waiting = sorted(runs, key=lambda run: self.currency.order[run.id])
        ordered: list[RecordedRun] = []
        while waiting:
            free = [
                run
                for run in waiting
                if not any(self._goes_before(other, run) for other in waiting if other is not run)
            ]
            chosen = (free or waiting)[0]
            ordered.append(chosen)
            waiting.remove(chosen)
        return ordered

    def _goes_before(self, first: RecordedRun, then: RecordedRun) -> bool:
        for use in then.uses:
            if first.step in self._steps_of(then, use):
                return True
            missing = self.currency.lies(use.name) is None and first.product(use.name) is not None
            if missing and not use.makers and not self._is_lost_original(use):
                return True
        return any(
            read.name == rewritten.name
            and self._steps_of(first, read) == self._steps_of(then, rewritten)
            and then.product(rewritten.name) is not None
            and first.product(read.name) is None
            for read in first.uses
            for rewritten in then.uses
        )

    def _steps_of(self, run: RecordedRun, use: Use) -> frozenset[str]:
        """Give the steps that made what a run read; for its own product, who made it before."""
        steps = frozenset(self.currency.by_id[maker].step for maker in use.makers)
        if run.step not in steps or run.product(use.name) is None:
            return steps
        line = [self._step(link) for link in self.currency.line(use.generation)]
        others = [step for step in line if step is not None and step != run.step]
        return frozenset(others[:1])

    def _writers(self, name: str) -> list[RecordedRun]:
        return [run for run in self.currency.runs if run.product(name) is not None]

    def _newest_of(self, step: str, name: str) -> RecordedRun:
        return [run for run in self._writers(name) if run.step == step][-1]

    def _step(self, generation: Generation) -> str | None:
        return self.currency.by_id[generation.maker].step if generation.maker else None
