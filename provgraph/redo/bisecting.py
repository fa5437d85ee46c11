"""Find what decides a metric: redo both runs' pipeline in a copy, switching differences one by one.

The copy is a directory of its own with a project and a ledger of its own: nothing is written into
the asked project, neither files nor records. It holds what the runs read, as they read it.

Longer than most modules: setting the copy up and carrying it out share what each stage reads.
"""

from __future__ import annotations

import math
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provgraph.analysis.halving import expected, smallest
from provgraph.errors import CannotAnswer, UsageError
from provgraph.model.answers import Bisection, Reach, Trial
from provgraph.model.digests import ABSENT, content_digest
from provgraph.model.names import is_uri, path_of
from provgraph.model.parts import EXISTS, LISTING, THERE
from provgraph.model.records import RunRecord, Use
from provgraph.redo.carrying import Interrupted, stoppable
from provgraph.redo.job import Job, in_words
from provgraph.redo.mixing import (
    ARGUMENTS,
    FILE,
    KEY,
    VARIABLE,
    Factor,
    keys_apart,
    mixed,
    place,
)
from provgraph.redo.planning import Bench
from provgraph.redo.recipe import Recipe, Recipes

Say = Callable[[str], None]
_NOT_PLACED = ("environment", "platform", "stream", "path")
A_DAY = 24 * 60 * 60
USUAL_TOLERANCE = 1e-9  # of the larger value


@dataclass(frozen=True, slots=True)
class Asked:
    """Two runs and a metric; `pairs` are the runs by which differences reach them."""

    metric: str
    before: RunRecord
    after: RunRecord
    pairs: Sequence[tuple[str, str]]
    reach: Reach
    as_of: str
    tolerance: float | None = None


@dataclass(slots=True)
class _Stage:
    """A run to repeat, as it was on either side; `last` is what it read when it ran last here."""

    one: RunRecord
    two: RunRecord
    last: tuple[Any, ...] = ()


@dataclass(slots=True)
class _Files:
    """Content by name on either side (None: not there), for names that no stage makes."""

    one: dict[str, bytes | None] = field(default_factory=dict)
    two: dict[str, bytes | None] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)


def bisect(bench: Bench, asked: Asked, *, dry_run: bool = False, say: Say) -> Bisection:
    """Find the fewest differences that give the later run's value of a metric."""
    return _Bisecting(bench, asked, say).answer(dry_run=dry_run)


class _Bisecting:
    def __init__(self, bench: Bench, asked: Asked, say: Say) -> None:
        self._bench = bench
        self._asked = asked
        self._say = say
        self._values = (_metric(asked.before, asked.metric), _metric(asked.after, asked.metric))
        largest = max(abs(value) for value in self._values)
        usual = USUAL_TOLERANCE * largest if largest < float("inf") else 0.0
        self._tolerance = usual if asked.tolerance is None else asked.tolerance
        self._stages: list[_Stage] = []
        self._files = _Files()
        self._factors: list[Factor] = []
        self._fixed: list[str] = []
        self._trials: list[Trial] = []
        self._known: dict[frozenset[Factor], float | None] = {}
        self._copy = ""
        self._moment = int(time.time()) - A_DAY
        self._environ: dict[str, str] = {**bench.environ, "PROVGRAPH_GRAPH": ""}
        self._ended: queue.SimpleQueue[Job] = queue.SimpleQueue()

    def answer(self, *, dry_run: bool) -> Bisection:
        """Set up, look at both ends, and halve what is between them."""
        if _same(*self._values, self._tolerance):
            raise UsageError(f"{self._asked.metric} is the same in both runs, as far as asked")
        self._gather()
        self._find_factors()
        number = expected(len(self._factors))
        seconds = sum(stage.two.seconds for stage in self._stages)
        self._say(
            f"differences that can be switched: {len(self._factors)}; runs a redo: "
            f"{len(self._stages)}; redos: about {number} of up to {seconds:.1f} s each"
        )
        for words in self._fixed:
            self._say(f"taken as it is here: {words}")
        if dry_run or not self._factors:
            words = "" if dry_run else "nothing that differs can be switched here"
            return self._answered((), words, dry_run=dry_run)
        with self._in_copy(), stoppable():
            return self._halved()

    def _halved(self) -> Bisection:
        everything = tuple(self._factors)
        for factors, wanted, side in (((), 0, "before"), (everything, 1, "after")):
            value = self._value(factors)
            if value is None or not _same(value, self._values[wanted], self._tolerance):
                got = "a command failed" if value is None else f"it is {value:.6g} here"
                return self._answered(
                    (),
                    f"the {'earlier' if side == 'before' else 'later'} run's "
                    f"{self._values[wanted]:.6g} isn't reproduced by its inputs: {got}; something "
                    "that can't be switched decides (packages, the machine, chance), or that "
                    "wasn't seen",
                )

        def decides(several: tuple[Factor, ...]) -> bool:
            value = self._value(several)
            return value is not None and _same(value, self._values[1], self._tolerance)

        found = smallest(everything, decides)
        words = "decides" if len(found) == 1 else "decide together"
        return self._answered(found, f"{', '.join(one.label for one in found)} {words}")

    def _answered(self, found: Sequence[Factor], words: str, *, dry_run: bool = False) -> Bisection:
        return Bisection(
            as_of=self._asked.as_of,
            metric=self._asked.metric,
            before=self._asked.before.run,
            after=self._asked.after.run,
            values=(f"{self._values[0]:.6g}", f"{self._values[1]:.6g}"),
            tolerance=self._tolerance,
            candidates=tuple(one.label for one in self._factors),
            fixed=tuple(self._fixed),
            deciding=tuple(one.label for one in found),
            words=words,
            trials=tuple(self._trials),
            dry_run=dry_run,
            totals={
                "redos": len(self._trials),
                "expected": expected(len(self._factors)),
                "seconds": sum(trial.seconds for trial in self._trials),
                "seconds_each": sum(stage.two.seconds for stage in self._stages),
            },
        )

    # -- what is needed -----------------------------------------------------------------------

    def _gather(self) -> None:
        """Find the runs to repeat and the content they need; runs are added where it isn't here."""
        pairs = {two: one for one, two in self._asked.pairs}
        lost: list[str] = []
        while True:
            self._stages = sorted(
                (_Stage(self._record(one), self._record(two)) for two, one in pairs.items()),
                key=lambda stage: (stage.two.ended, stage.two.run),
            )
            self._files, lost = _Files(), []
            made = {p.name for s in self._stages for p in (*s.one.produces, *s.two.produces)}
            more: dict[str, str] = {}
            for stage in self._stages:
                for one, two in _inputs(stage):
                    use = two or one
                    assert use is not None
                    if use.maker is not None and use.name in made and use.maker in self._runs():
                        continue
                    if not self._find(one, two):
                        if use.maker is not None and use.maker not in pairs:
                            more[use.maker] = one.maker if one and one.maker else use.maker
                        else:
                            lost.append(use.name)
            if not more:
                break
            pairs |= more
        if lost:
            raise CannotAnswer(
                f"the content that was read of {', '.join(sorted(set(lost))[:3])} isn't at hand: "
                "neither in git, nor kept, nor in the tree",
                hint="put a copy of it anywhere in the project, or commit inputs before runs",
            )
        self._refuse_own_paths()
        self._refuse_outside()

    def _runs(self) -> set[str]:
        return {record.run for stage in self._stages for record in (stage.one, stage.two)}

    def _record(self, run: str) -> RunRecord:
        found = self._bench.record(run)
        if found is None:
            raise CannotAnswer(f"the record of run {run} isn't here", hint="provgraph pull")
        return found[0]

    def _find(self, one: Use | None, two: Use | None) -> bool:
        """Look an input up on both sides; where only parts count that agree, one side will do."""
        use = two or one
        assert use is not None
        name = use.name
        if LISTING in use.touched or EXISTS in use.touched:
            self._list(name)
            return True
        if use.digest == THERE:  # where modules were looked for; those found are inputs themselves
            return True
        sides = []
        for side in (one, two):
            known, data = self._content(side) if side is not None else (True, None)
            sides.append((known, data))
        if one is not None and two is not None and one.touched == two.touched:
            sides = [sides[0] if sides[0][0] else sides[1]] * 2
        if one is None or two is None:  # read by one of them: it is there for both, or for none
            sides = [sides[0] if two is None else sides[1]] * 2
        if not all(known for known, _ in sides):
            return False
        self._files.one[name], self._files.two[name] = sides[0][1], sides[1][1]
        return True

    def _content(self, use: Use) -> tuple[bool, bytes | None]:
        if use.digest == ABSENT:
            return True, None
        path = self._bench.site.root / path_of(use.name)
        contents = self._bench.site.contents()
        if path.is_file():
            data = path.read_bytes()
            plain = content_digest(data)
            if use.digest in (plain, contents.keyed(plain)):
                if os.access(path, os.X_OK):
                    self._files.executable.add(use.name)
                return True, data
        found = self._bench.originals.find(use.name, use.digest, use.size)
        if found is None:
            return False, None
        if found.executable:
            self._files.executable.add(use.name)
        return True, found.data

    def _list(self, name: str) -> None:
        """Let a directory that was listed hold what it holds now, for nobody kept its files."""
        path = self._bench.site.root / path_of(name)
        for entry in sorted(path.iterdir()) if path.is_dir() else ():
            inside = entry.name if name == "." else f"{name}/{entry.name}"
            if entry.is_file() and inside not in self._files.one:
                data = entry.read_bytes()
                self._files.one[inside] = self._files.two[inside] = data

    def _refuse_own_paths(self) -> None:
        """Don't run in a copy what would reach out of it into the project itself."""
        root = os.fsencode(os.path.realpath(self._bench.site.root))
        for name, data in (*self._files.one.items(), *self._files.two.items()):
            if data is not None and root + b"/" in data:
                raise CannotAnswer(
                    f"{name} names this project's own directory, so a copy would reach into it",
                    hint="write paths relative to the project",
                )

    def _refuse_outside(self) -> None:
        """Don't run what wrote files outside the project: no copy keeps those apart."""
        usual = [tempfile.gettempdir(), "/dev", "/proc", "/run"]
        usual += [os.path.expanduser(f"~/{name}") for name in (".cache", ".config", ".local")]
        usual += filter(None, [self._bench.environ.get("XDG_CACHE_HOME")])
        for stage in self._stages:
            for record in (stage.one, stage.two):
                found = self._bench.record(record.run)
                paths = found[1].get("paths", {}) if found is not None else {}
                for product in record.produces:
                    path = os.path.expanduser(str(paths.get(product.name, "")))
                    below = any(path.startswith(os.path.join(top, "")) for top in usual)
                    if path and not below and os.path.exists(path):
                        raise CannotAnswer(
                            f"{record.step.label} also writes {path}, outside the project, where a "
                            "copy can't keep it apart",
                            hint="move that file away, or let the step write into the project",
                        )

    # -- what can be switched -----------------------------------------------------------------

    def _find_factors(self) -> None:
        for suspect in self._asked.reach.suspects:
            label = suspect.name
            if suspect.section in ("code", "data") and label in self._files.one:
                one, two = self._files.one[label], self._files.two[label]
                keys = [key for key in suspect.detail.split(", ") if key]
                if one == two:
                    self._fixed.append(f"{label}: {suspect.detail or 'its content'}")
                elif keys_apart(label, keys, one, two):
                    self._factors += [Factor(KEY, label, key, f"{label}#{key}") for key in keys]
                else:
                    self._factors.append(Factor(FILE, label, "", label))
            elif suspect.section == "variables":
                if all(self._variable(suspect.name[1:])):
                    self._factors.append(Factor(VARIABLE, suspect.name[1:], "", label))
                else:
                    self._fixed.append(f"{label}, whose values weren't recorded")
            elif suspect.section in ("packages", "system", "hardware"):
                self._fixed.append(f"{label} ({suspect.before} then {suspect.after})")
            elif suspect.section == "chance":
                self._fixed.append(f"{label}: {suspect.detail}")
        for stage in self._stages:
            recipes = [self._recipe(record, self._bench.site.root) for record in _both(stage)]
            if recipes[0].argv != recipes[1].argv:
                run, label = stage.two.run, f"arguments of {stage.two.step.label}"
                self._factors.append(Factor(ARGUMENTS, run, "", label))

    def _variable(self, name: str) -> tuple[str | None, str | None]:
        found: list[str | None] = []
        for record in (self._asked.before, self._asked.after):
            recorded = self._bench.record(record.run)
            values = recorded[1].get("variables", {}) if recorded is not None else {}
            found.append(str(values[name]) if name in values else None)
        return found[0], found[1]

    # -- the copy -----------------------------------------------------------------------------

    @contextmanager
    def _in_copy(self) -> Iterator[None]:
        self._copy = os.path.realpath(tempfile.mkdtemp(prefix="provgraph-bisect-"))
        try:
            subprocess.run(
                [sys.executable, "-P", "-m", "provgraph", "init", self._copy],
                env=self._environ,
                check=True,
                capture_output=True,
            )
            yield
        except (KeyboardInterrupt, Interrupted):
            self._say("stopped; the copy is removed, and nothing in the project was changed")
            raise KeyboardInterrupt from None
        finally:
            shutil.rmtree(self._cache(), ignore_errors=True)
            shutil.rmtree(self._copy, ignore_errors=True)

    def _cache(self) -> Path:
        """Give where the copy's index lies, in the user's cache."""
        from provgraph.ledger.ledger import Ledger
        from provgraph.model.digests import identity

        there = identity("cache", str(Ledger.locate(Path(self._copy))), size=8)
        return self._bench.site.cache_path.parent / there

    def _recipe(self, record: RunRecord, root: Path) -> Recipe:
        found = self._bench.record(record.run)
        assert found is not None
        maker = Recipes(
            root,
            self._bench.site.ledger.key,
            is_erased=lambda name: bool(name) and self._bench.site.ledger.is_erased(name),
            environ=self._bench.environ,
        )
        made = maker.recipe(*found)
        # A file outside the project is no copy: nothing is written there.
        inside = os.path.join(os.path.realpath(root), "")
        kept = [one for one in made.streams if one[1] == "<" or one[2].startswith(inside)]
        return replace(made, streams=tuple(kept))

    def _value(self, factors: tuple[Factor, ...]) -> float | None:
        """Give the metric with these factors as in the later run; None where a command fails."""
        taken = frozenset(factors)
        if taken not in self._known:
            self._known[taken] = self._tried(taken)
        return self._known[taken]

    def _tried(self, taken: frozenset[Factor]) -> float | None:
        labels = tuple(one.label for one in self._factors if one in taken)
        self._say(
            f"redo {len(self._trials) + 1}: "
            + ("as in the earlier run" if not labels else f"with {', '.join(labels)}")
        )
        self._place(taken)
        seconds, failed = 0.0, ""
        environ = self._switched(taken)
        for stage in self._stages:
            reads = self._state(stage, taken)
            if reads == stage.last:
                continue
            stage.last = ()
            took, failed = self._run(stage, taken, environ)
            seconds += took
            if failed:
                break
            stage.last = self._state(stage, taken)
        value = None if failed else self._read_metric()
        like = "failed" if value is None else _like(value, self._values, self._tolerance)
        said = failed or (f"{value:.6g}" if value is not None else "no such metric came out")
        self._say(f"  {self._asked.metric}: {said} ({like})")
        self._trials.append(Trial(labels, said, like, seconds))
        return value

    def _place(self, taken: frozenset[Factor]) -> None:
        for name, one in self._files.one.items():
            two = self._files.two[name]
            keys = [f.key for f in taken if f.kind == KEY and f.name == name]
            data = two if Factor(FILE, name, "", name) in taken else one
            if keys and one is not None and two is not None:
                data = mixed(name, one, two, keys)
            path = os.path.join(self._copy, path_of(name))
            moment = self._moment + len(self._trials)
            place(path, data, moment=moment, executable=name in self._files.executable)
        for stage in self._stages:
            for product in (*stage.one.produces, *stage.two.produces):
                if not is_uri(product.name):
                    path = os.path.join(self._copy, path_of(product.name))
                    os.makedirs(os.path.dirname(path), exist_ok=True)

    def _switched(self, taken: frozenset[Factor]) -> dict[str, str]:
        environ = dict(self._environ)
        for factor in self._factors:
            if factor.kind == VARIABLE:
                one, two = self._variable(factor.name)
                environ[factor.name] = (two if factor in taken else one) or ""
        return environ

    def _state(self, stage: _Stage, taken: frozenset[Factor]) -> tuple[Any, ...]:
        """Say what a stage would read now: equal states needn't be run again."""
        out: list[Any] = [
            f for f in self._factors if f in taken and f.kind in (VARIABLE, ARGUMENTS)
        ]
        names = {use.name for pair in _inputs(stage) for use in pair if use is not None}
        names |= {p.name for p in (*stage.one.produces, *stage.two.produces)}
        for name in sorted(name for name in names if not is_uri(name)):
            path = Path(self._copy, path_of(name))
            out.append((name, content_digest(path.read_bytes()) if path.is_file() else ABSENT))
        return tuple(out)

    def _run(
        self, stage: _Stage, taken: frozenset[Factor], environ: Mapping[str, str]
    ) -> tuple[float, str]:
        later = any(f.kind == ARGUMENTS and f.name == stage.two.run and f in taken for f in taken)
        recipe = self._recipe(stage.two if later else stage.one, Path(self._copy))
        os.makedirs(recipe.cwd, exist_ok=True)
        self._lend(recipe)
        recipe = self._recipe(stage.two if later else stage.one, Path(self._copy))
        if recipe.problem:
            raise CannotAnswer(f"{stage.two.step.label} can't be run here: {recipe.problem}")
        job = Job(recipe, root=Path(self._copy), environ=environ, ended=self._ended)
        try:
            self._ended.get()
        except BaseException:
            job.send(signal.SIGTERM)
            self._ended.get()
            raise
        words = "" if job.exit == 0 else f"{stage.two.step.label}: {in_words(job.exit or 0)}"
        return job.took, words

    def _lend(self, recipe: Recipe) -> None:
        """Let a program that lies in the project, as an environment's Python, be found."""
        program = recipe.argv[0] if recipe.argv else ""
        if "/" not in program or os.path.isabs(program):
            return
        inside = os.path.relpath(os.path.join(recipe.cwd, program), self._copy)
        top = inside.split(os.sep, 1)[0]
        real, link = os.path.join(self._bench.site.root, top), os.path.join(self._copy, top)
        if os.path.isdir(real) and not os.path.lexists(link):
            os.symlink(real, link)

    def _read_metric(self) -> float | None:
        from provgraph.ledger.ledger import Ledger

        ledger = Ledger(Ledger.locate(Path(self._copy)), "")
        wanted = {self._asked.before.step.key, self._asked.after.step.key}
        runs = [
            record
            for _, record in ledger.read_many(sorted(ledger.names()))
            if isinstance(record, RunRecord) and record.step.label in self._labels(wanted)
        ]
        if not runs:
            return None
        try:
            return _metric(max(runs, key=lambda record: record.ended), self._asked.metric)
        except UsageError:
            return None

    def _labels(self, steps: set[str]) -> set[str]:
        both = (self._asked.before, self._asked.after)
        return {record.step.label for record in both if record.step.key in steps}


def _inputs(stage: _Stage) -> Iterator[tuple[Use | None, Use | None]]:
    """Give what either run read of each file of the project, side by side."""
    sides: list[dict[str, Use]] = []
    for record in (stage.one, stage.two):
        uses = [u for u in record.uses if u.role not in _NOT_PLACED]
        sides.append({use.name: use for use in uses if not is_uri(use.name)})
    for name in sorted({*sides[0], *sides[1]}):
        yield sides[0].get(name), sides[1].get(name)


def _both(stage: _Stage) -> tuple[RunRecord, RunRecord]:
    return stage.one, stage.two


def _metric(record: RunRecord, name: str) -> float:
    """Give a metric's value by its name, with or without the file it stands in."""
    found = {}
    for metric in record.metrics:
        full = f"{metric.source}: {metric.name}" if metric.source else metric.name
        if name in (full, metric.name):
            found[full] = metric.value
    if len(found) == 1:
        return float(next(iter(found.values())))
    names = [f"{m.source}: {m.name}" if m.source else m.name for m in record.metrics]
    if found:
        raise UsageError(f"{name} could be {' or '.join(found)}", hint="give it in full")
    raise UsageError(
        f"run {record.run} has no metric {name}", hint=f"it has {', '.join(names[:10]) or 'none'}"
    )


def _same(one: float, two: float, tolerance: float) -> bool:
    return one == two or abs(one - two) <= tolerance or (math.isnan(one) and math.isnan(two))


def _like(value: float, values: tuple[float, float], tolerance: float) -> str:
    if _same(value, values[1], tolerance):
        return "after"
    return "before" if _same(value, values[0], tolerance) else "neither"
