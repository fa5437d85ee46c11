"""Carry a redo plan out: one look, some runs, another look, until nothing is left that can be done.

Judging anew after each run is what ends a redo early: recomputed content that is equal makes what
rests on it current. Whatever happens to this process, the ledger says what was done; the next redo
looks at that and goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from provgraph.analysis.plan import ASK, REMOVE, RUN, Command
from provgraph.analysis.redoing import CAME_OUT_EQUAL
from provgraph.errors import CannotAnswer, ProvgraphError, UsageError
from provgraph.model.answers import CURRENT, Redo, RedoStep, Spared
from provgraph.redo.job import Job, in_words
from provgraph.redo.planning import Bench, Plan, Site, Wishes

if TYPE_CHECKING:
    from types import FrameType

MOST_TIMES = 3  # a step that rewrites in place may have to go more than once
PAUSE = 0.3  # seconds between two looks at whether another's run has ended
UNSETTLED = "it was done again, and its products are still not up to date"

Say = Callable[[str], None]
# Given a question, gives the option chosen of its `choices`, or None.
Decide = Callable[[RedoStep], str | None]


def redo(
    site: Site,
    wishes: Wishes,
    *,
    dry_run: bool = False,
    say: Say = lambda _: None,
    decide: Decide | None = None,
) -> Redo:
    """Plan a redo, and carry it out unless it is a dry run."""
    bench = Bench(site, wishes)
    if dry_run:
        plan = bench.look()
        return _answer(bench, plan, plan, [], bench.spared(plan), wishes, dry_run=True)
    if os.environ.get("PROVGRAPH", "").lower() in ("off", "0", "no", "false"):
        raise UsageError(
            "PROVGRAPH=off: runs aren't recorded, so nothing can be brought up to date",
            hint="unset PROVGRAPH",
        )
    with _alone(site):
        return _Carrying(bench, wishes, say, decide).carried_out()


class Interrupted(BaseException):
    """A signal that ends a redo; its number."""


@dataclass(slots=True)
class _Running:
    command: Command
    step: RedoStep
    job: Job
    run: int
    read: frozenset[str]
    made: frozenset[str]


class _Carrying:
    """One redo on its way."""

    def __init__(self, bench: Bench, wishes: Wishes, say: Say, decide: Decide | None) -> None:
        self._bench = bench
        self._wishes = wishes
        self._say = say
        self._decide = decide
        self._ended: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._running: list[_Running] = []
        self._done: list[RedoStep] = []
        self._times: dict[Command, list[int]] = {}
        self._declined: set[tuple[str, str]] = set()
        self._stopping = False
        self._seen: dict[str, RedoStep] = {}

    def carried_out(self) -> Redo:
        """Go on until nothing runs and nothing more can be started."""
        first = plan = self._begin()
        try:
            with stoppable():
                while True:
                    if not self._stopping:
                        self._start_some(plan)
                    if self._running:
                        self._finish(self._ended.get())
                    elif self._stopping or not self._decided(plan):
                        break
                    plan = self._look()
        except (KeyboardInterrupt, Interrupted) as stopped:
            number = stopped.args[0] if isinstance(stopped, Interrupted) else signal.SIGINT
            self._wind_up(int(number))
            plan = self._bench.look()
        return _answer(
            self._bench, first, plan, self._done, self._spared(first, plan), self._wishes
        )

    # -- looking ------------------------------------------------------------------------------

    def _begin(self) -> Plan:
        """Take the first look; wait for runs of its steps that are under way already."""
        told: set[str] = set()
        while True:
            plan = self._bench.look()
            # What it is writing just now looks like an edit by hand: stops count, too.
            steps = {row.step for row in plan.rows.values()}
            alive = {run for run, step in _alive(self._bench.site) if step in steps}
            if not alive:
                break
            for run in sorted(alive - told):
                self._say(f"waiting for run {run}, which began before and is still running")
            told |= alive
            while alive & {run for run, _ in _alive(self._bench.site)}:
                time.sleep(PAUSE)
        for step in plan.steps:
            if step.action == RUN:
                self._seen[step.run] = step
        return plan

    def _look(self) -> Plan:
        """Plan anew; a command that went in vain isn't tried for ever."""
        while True:
            meanwhile = {name for one in self._running for name in one.made}
            plan = self._bench.look(meanwhile=meanwhile)
            going = {one.command for one in self._running}
            vain = {
                command
                for run in plan.runs()
                if (command := plan.schedule.commands[run]) not in going
                and not self._may_go(command)
            }
            if not vain:
                return plan
            for command in vain:
                self._bench.wrong[command] = UNSETTLED
            self._stopping = self._stopping or not self._wishes.keep_going

    def _may_go(self, command: Command) -> bool:
        """Tell whether it is the first time, or others went since: then something is new to it."""
        times = self._times.get(command, [])
        return not times or (len(times) < MOST_TIMES and times[-1] < len(self._done))

    # -- running ------------------------------------------------------------------------------

    def _start_some(self, plan: Plan) -> None:
        runs = plan.runs()
        planned = set(runs)
        going = {one.command for one in self._running}
        left = [run for run in runs if plan.schedule.commands[run] not in going]
        for run in left:
            if len(self._running) >= self._wishes.jobs:
                return
            free = not (plan.schedule.after.get(run, frozenset()) & planned)
            if free and not self._conflicts(plan, run):
                self._start(plan, run)
                if self._stopping:
                    return
        if left and not self._running:  # an order that goes in a circle is broken as it stands
            self._start(plan, left[0])

    def _conflicts(self, plan: Plan, run: int) -> bool:
        """Tell whether a run touches what a running one writes, or writes what it touches."""
        read = plan.schedule.read.get(run, frozenset())
        made = plan.schedule.made.get(run, frozenset())
        recipe = self._bench.recipe(plan.step(run).run)
        return any(
            _meet(made, one.made | one.read)
            or _meet(one.made, read)
            or recipe.same_command(one.job.recipe)  # another step of it: the command does both
            for one in self._running
        )

    def _start(self, plan: Plan, run: int) -> None:
        step, command = plan.step(run), plan.schedule.commands[run]
        place = len(self._done) + len(self._running) + 1
        expected = place + len(plan.runs()) - 1 - len(self._running)
        about = f" (took {step.seconds:.1f} s)" if step.seconds is not None else ""
        self._seen[step.run] = step
        try:
            for order, put in plan.puts(run):
                self._put(order.action, order.generation, put)
            self._say(f"[{place}/{max(place, expected)}] {step.command}{about}")
            for warning in step.warnings:
                self._say(f"  {step.subject}: {warning}")
            job = Job(
                self._bench.recipe(step.run),
                root=self._bench.site.root,
                environ=self._bench.environ,
                ended=self._ended,
                mark=step.subject if self._wishes.jobs > 1 else "",
            )
        except (OSError, ProvgraphError) as error:
            self._failed(command, step, str(error), None, 0.0)
            return
        read = plan.schedule.read.get(run, frozenset())
        made = plan.schedule.made.get(run, frozenset())
        self._running.append(_Running(command, step, job, run, read, made))

    def _put(self, action: str, g: Any, step: RedoStep) -> None:
        originals = self._bench.originals
        if action == REMOVE:
            originals.remove(g.name)
            self._say(f"removed {step.subject}, which wasn't there when it was read")
        else:
            where = originals.put_back(g.name, g.digest, g.size)
            self._say(f"put {step.subject} back as it was read (from {where})")
        self._done.append(replace(step, outcome="done"))

    def _finish(self, job: Job) -> None:
        one = next(each for each in self._running if each.job is job)
        self._running.remove(one)
        status = job.exit if job.exit is not None else 0
        if status != 0:
            self._failed(one.command, one.step, in_words(status), status, job.took)
            return
        self._done.append(replace(one.step, outcome="done", exit=0, took=job.took))
        self._times.setdefault(one.command, []).append(len(self._done))
        self._say(f"{one.step.subject}: done in {job.took:.1f} s")

    def _failed(
        self, command: Command, step: RedoStep, words: str, status: int | None, took: float
    ) -> None:
        by_person = status in (-signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGINT)
        outcome = "interrupted" if by_person else "failed"
        self._done.append(replace(step, outcome=outcome, exit=status, took=took))
        self._bench.wrong[command] = f"it {'was interrupted' if by_person else 'failed'} ({words})"
        self._say(f"{step.subject}: {outcome} ({words})")
        if not self._wishes.keep_going and not self._stopping:
            self._stopping = True
            if self._running:
                self._say("waiting for what still runs; --keep-going would go on with the others")

    def _wind_up(self, number: int) -> None:
        """Let running commands end, and record them, before we do."""
        self._stopping = True
        with stoppable():
            from_terminal = number == signal.SIGINT and _in_foreground()
            while self._running:
                if not from_terminal:
                    for one in self._running:
                        one.job.send(number)
                try:
                    while self._running:
                        self._finish(self._ended.get())
                except (KeyboardInterrupt, Interrupted) as again:
                    # Once more: it is meant. A terminal has told the commands already.
                    number = again.args[0] if isinstance(again, Interrupted) else signal.SIGTERM
                    from_terminal = False
        self._say("stopped; provgraph redo goes on from here")
        self._done.append(
            RedoStep("stop", "", reason="stopped by a signal", outcome="interrupted", exit=-number)
        )

    # -- asking -------------------------------------------------------------------------------

    def _decided(self, plan: Plan) -> bool:
        """Ask what can only be decided by a person; tells whether something was."""
        if self._decide is None:
            return False
        for order, step in zip(plan.schedule.orders, plan.steps, strict=False):
            place = (step.action, step.subject)
            if step.action != ASK or not step.choices or place in self._declined:
                continue
            chosen = self._decide(step)
            if chosen is None or chosen not in step.choices or order.generation is None:
                self._declined.add(place)
                continue
            if chosen.startswith("--overwrite"):
                self._bench.allow(order.generation.name)
            else:
                asked = plan.schedule.asked[order.run or 0, order.generation.name]
                self._bench.take(asked[step.choices.index(chosen)])
            return True
        return False

    # -- what came of it ----------------------------------------------------------------------

    def _spared(self, first: Plan, last: Plan) -> tuple[Spared, ...]:
        """Give what needn't be run: current from the start, or since what it reads came out so."""
        ran = {step.run for step in self._done}
        saved = [
            Spared(step.subject, step.run, step.seconds, CAME_OUT_EQUAL)
            for run, step in self._seen.items()
            if run not in ran and self._is_current(last, run)
        ]
        known = {one.run for one in saved} | ran
        return (*saved, *(one for one in self._bench.spared(first) if one.run not in known))

    def _is_current(self, plan: Plan, run: str) -> bool:
        facts = plan.questions.facts
        rows = [row for row in facts.store.runs(facts.store.by_id(run)) if row.id == run]
        return bool(rows) and plan.questions.now.state_of(rows[0].key) == CURRENT


def _answer(
    bench: Bench,
    first: Plan,
    last: Plan,
    done: list[RedoStep],
    spared: tuple[Spared, ...],
    wishes: Wishes,
    *,
    dry_run: bool = False,
) -> Redo:
    runs = [step for step in first.steps if step.action == RUN]
    known = [step.seconds for step in runs if step.seconds is not None]
    carried = [step for step in done if step.action == RUN]
    left = () if dry_run else last.steps
    return Redo(
        as_of=last.questions.as_of,
        viewpoint=last.questions.present.label,
        targets=wishes.targets,
        dry_run=dry_run,
        plan=first.steps,
        done=tuple(done),
        left=left,
        spared=spared,
        gaps=bench.gaps(last),
        totals={
            "runs": len(runs),
            "seconds": sum(known),
            "critical_seconds": _critical(first.steps),
            "stopped": len(first.steps if dry_run else left) - (len(runs) if dry_run else 0),
            "done": sum(step.outcome == "done" for step in carried),
            "failed": sum(step.outcome != "done" for step in carried),
            "interrupted": any(step.outcome == "interrupted" for step in done),
            "took": sum(step.took or 0.0 for step in carried),
        },
    )


def _critical(steps: tuple[RedoStep, ...]) -> float:
    """Give the recorded time of the longest chain of runs that wait for each other."""
    longest: dict[int, float] = {}
    for place, step in enumerate(steps, start=1):
        before = max((longest.get(other, 0.0) for other in step.after), default=0.0)
        longest[place] = before + (step.seconds or 0.0 if step.action == RUN else 0.0)
    return max(longest.values(), default=0.0)


def _meet(made: frozenset[str], others: frozenset[str]) -> bool:
    """Tell whether names that are written meet others: the same, or a directory listed above."""
    if made & others:
        return True
    above = {name[:cut] for name in made for cut in range(len(name)) if name[cut] == "/"}
    return bool(above & others)


def _alive(site: Site) -> Iterator[tuple[str, str]]:
    """Give (run, step key) of runs of this project that are under way on this host."""
    from provgraph.collect.recovery import is_running
    from provgraph.ledger.spool import spools

    for spool in spools(site.ledger):
        if is_running(spool):
            yield spool.run_id, str(spool.document.get("step", {}).get("key", ""))


@contextlib.contextmanager
def _alone(site: Site) -> Iterator[None]:
    """Hold the lock that one redo of a project has at a time, on this host."""
    site.cache_path.mkdir(parents=True, exist_ok=True)
    with open(site.cache_path / "redo.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotAnswer(
                "another redo of this project is under way", hint="wait for it, or stop it first"
            ) from error
        yield


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turn what asks us to end into an exception, so that running commands are seen to."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise Interrupted(number)

    before = {}
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_foreground() -> bool:
    """Tell whether what is typed at the terminal went to the commands, too."""
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            return os.tcgetpgrp(descriptor) == os.getpgrp()
    return False
