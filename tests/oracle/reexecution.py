"""Random pipelines, and what a full, ordered re-execution of them gives.

`random_world` is what the real implementation is to be compared on as well: the operations are
in the histories' language, so that any runner can carry them out.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tests.histories.language import parse_op
from tests.oracle.plan import Plan, plan
from tests.oracle.world import Tree, World, digest_of, streams_of

VALUES = 3
"""How many different contents a step can give for one name, so that equal bytes are frequent."""


@dataclass(frozen=True)
class Step:
    """One step of a pipeline, as the text after its name."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    appends: tuple[str, ...] = ()

    def operation(self, args: int, mark: str = "") -> str:
        """Write a run of it in the language."""
        command = f"{self.name}({args})" if args else self.name
        words = [mark] if mark else []
        words += [f"{command}:", *self.reads]
        words += [">", *self.writes] if self.writes else []
        words += [">>", *self.appends] if self.appends else []
        return " ".join(words)

    @property
    def names_read(self) -> frozenset[str]:
        """Give the names it reads, without keys."""
        return frozenset(read.partition(".")[0] for read in self.reads)

    @property
    def names_written(self) -> frozenset[str]:
        """Give the names it writes, without keys."""
        return frozenset(write.partition(".")[0] for write in self.writes)

    def rewrites(self, name: str) -> bool:
        """Tell whether it reads a name and then writes it."""
        return name in self.names_read & self.names_written


@dataclass(frozen=True)
class RandomWorld:
    """A history, and the order in which its pipeline's steps belong.

    `checkpoints` are the numbers of operations after which a full re-execution says what is right.
    """

    operations: tuple[str, ...]
    steps: tuple[Step, ...]
    checkpoints: tuple[int, ...]

    @property
    def pipeline(self) -> tuple[str, ...]:
        """Give the names of the steps, in order."""
        return tuple(step.name for step in self.steps)

    @property
    def overwrites_sources(self) -> bool:
        """Tell whether a step writes over what an earlier one found there, without reading it.

        The definition calls such a reader stale for good; a redo from the start would not.
        """
        return any(
            name in reader.names_read
            and name in writer.names_written
            and not writer.rewrites(name)
            and not any(name in earlier.names_written for earlier in self.steps[:index])
            for index, reader in enumerate(self.steps)
            for writer in self.steps[index:]
            for name in reader.names_read
        )

    def play(self, count: int | None = None) -> World:
        """Carry out the operations, or the first so many."""
        ops = tuple(parse_op(text) for text in self.operations)
        world = World(streams_of(ops), VALUES)
        for op in ops[:count]:
            world.apply(op)
        return world


def random_world(seed: int, *, orderly: bool = True) -> RandomWorld:
    """Make a history from a seed: a pipeline run once in order, then anything a person does.

    In an `orderly` one no step is done again out of its turn, so that a full re-execution in the
    pipeline's order is what the person means; in the others that has no answer, but every
    implementation of the definition must still say the same.
    """
    return _Author(random.Random(seed), orderly).write()


def reexecute(world: World, pipeline: Sequence[str]) -> Tree:
    """Run every step once, in order, from what hands put there, and give the tree.

    Each step runs with the arguments it was last recorded with.
    """
    fresh = World(world.streams, world.values)
    fresh.tree().update(
        {name: content for name, content in world.originals.items() if content is not None}
    )
    for step in pipeline:
        fresh.execute(replace(world.last_recorded[step], recorded=True, ended="ok"))
    return fresh.tree()


def carry_out(world: World, limit: int = 60) -> Plan:
    """Carry out the redo plan in this world, judged anew after each run; give the last plan."""
    for _ in range(limit):
        todo = plan(world.ledger(), world.view())
        if not todo.items:
            return todo
        item = todo.items[0]
        for name, digest in item.restore:
            world.restore(name, digest)
        world.execute(replace(world.commands[item.command], recorded=True, ended="ok"))
    raise RecursionError("the redo plan doesn't come to an end")


class _Author:
    """Writes one random history, playing it along to know what lies where."""

    def __init__(self, dice: random.Random, orderly: bool) -> None:
        self.dice = dice
        self.orderly = orderly
        self.sources = [f"raw{index}" for index in range(dice.randint(1, 2))]
        self.keys = ["a", "b"]
        self.steps: list[Step] = []
        self.args: dict[str, int] = {}
        self.operations: list[str] = []
        self.world = World()

    def write(self) -> RandomWorld:
        """Write the pipeline, run it, then do this and that."""
        self._invent_pipeline()
        streams = {name for step in self.steps for name in step.appends}
        self.world = World(streams, VALUES)
        first = [f"{name}={self.dice.randint(1, 2)}" for name in self.sources]
        first += [f"cfg.{key}={self.dice.randint(1, 2)}" for key in self.keys]
        self._do("! " + " ".join(first))
        for step in self.steps:
            self._do(step.operation(0, "x" if self.dice.random() < 0.05 else ""))
        checkpoints = [len(self.operations)]
        for _ in range(self.dice.randint(1, 7)):
            self._do_something()
            if self._is_settled():
                checkpoints.append(len(self.operations))
        points = tuple(dict.fromkeys(checkpoints))
        return RandomWorld(tuple(self.operations), tuple(self.steps), points)

    def _invent_pipeline(self) -> None:
        dice = self.dice
        made: list[str] = []
        readable = [*self.sources, "cfg", *(f"cfg.{key}" for key in self.keys), "opt"]
        for index in range(dice.randint(2, 6)):
            reads = dice.sample(readable, dice.randint(1, min(3, len(readable))))
            if made and dice.random() < 0.7:
                reads.append(dice.choice(made))
            writes = self._invent_writes(index, reads, made)
            appends = ("log",) if dice.random() < 0.15 else ()
            step = Step(f"s{index}", tuple(dict.fromkeys(reads)), writes, appends)
            self.steps.append(step)
            for write in writes:
                if write not in made:
                    made.append(write)
            if appends and "log" not in made:
                made.append("log")

    def _invent_writes(self, index: int, reads: list[str], made: list[str]) -> tuple[str, ...]:
        dice = self.dice
        kind = dice.random()
        plain = [name for name in made if "." not in name and name != "log"]
        if kind < 0.15 and plain:
            name = dice.choice(plain)
            reads.append(name)
            return (name,)
        if kind < 0.22:
            name = dice.choice([*self.sources, "opt"])
            reads.append(name)
            return (name, f"o{index}") if dice.random() < 0.5 else (name,)
        if kind < 0.30 and plain:
            return (dice.choice(plain),)
        if kind < 0.36:
            return ()
        if kind < 0.48:
            return (f"p{index}.k", f"p{index}.l")
        return (f"o{index}", f"q{index}") if dice.random() < 0.2 else (f"o{index}",)

    def _do(self, operation: str) -> None:
        self.world.apply(parse_op(operation))
        self.operations.append(operation)

    def _do_something(self) -> None:
        dice = self.dice
        kind = dice.random()
        if kind < 0.30:
            self._edit_a_source()
        elif kind < 0.40:
            self._touch_a_product()
        elif kind < 0.48:
            self._run_all()
        else:
            self._redo(dice.choice(self.steps))

    def _edit_a_source(self) -> None:
        dice = self.dice
        name = dice.choice([*self.sources, "cfg.a", "cfg.b", "cfg.a", "cfg.b", "opt"])
        if dice.random() < 0.12:
            if name not in self.world.written or not self._lies_by_hand(name):
                self._do(f"! {name}-")
        else:
            self._do(f"! {name}={dice.randint(1, 3)}")

    def _touch_a_product(self) -> None:
        dice = self.dice
        names = sorted(self.world.written - self.world.streams)
        if not names:
            return
        name = dice.choice(names)
        makers = [
            number
            for number, run in enumerate(self.world.all_runs, start=1)
            if run.product(name) is not None
            and not (self.orderly and run.args != str(self.args.get(run.step) or ""))
        ]
        kind = dice.random()
        if kind < 0.35:
            if makers and not self._lies_by_hand(name):
                self._do(f"! {name}-")
        elif kind < 0.6:
            self._do(f"! {name}=hand{dice.randint(1, 2)}")
        elif kind < 0.9 and makers and not self._is_mixed(name):
            self._do(f"! {name}=@{dice.choice(makers)}")

    def _lies_by_hand(self, name: str) -> bool:
        """Tell whether deleting a name would lose bytes that nobody recorded."""
        digest = digest_of(self.world.tree().get(name))
        products = [run.product(name) for run in self.world.all_runs]
        return all(product is None or product.digest != digest for product in products)

    def _is_mixed(self, name: str) -> bool:
        """Tell whether several steps write a name, so that old bytes would be out of turn."""
        return self.orderly and sum(name in step.names_written for step in self.steps) > 1

    def _run_all(self) -> None:
        start = self.dice.randrange(len(self.steps))
        for step in self.steps[start:]:
            if not self._is_in_turn(step):
                return
            self._do(step.operation(self.args.get(step.name, 0)))

    def _is_settled(self) -> bool:
        """Tell whether, of several writers of a name, none was left out that comes later."""
        for name in self.world.written - self.world.streams:
            writers = [step for step in self.steps if name in step.names_written]
            plain = [place for place, step in enumerate(writers) if not step.rewrites(name)]
            if plain:
                allowed = [step.name for step in writers[plain[-1] :]]
                if self.world.last_writer.get(name, allowed[0]) not in allowed:
                    return False
        return True

    def _redo(self, step: Step) -> None:
        dice = self.dice
        followers = self._followers(step) if self.orderly else []
        if not all(self._is_in_turn(one, after=step) for one in [step, *followers]):
            return
        kind = dice.random()
        if kind < 0.12:
            self.args[step.name] = dice.randint(0, 1)
        if step.name in self.args:
            kind = max(kind, 0.22)
        mark = "?" if 0.12 <= kind < 0.22 else "x" if 0.22 <= kind < 0.30 else ""
        self._do(step.operation(self.args.get(step.name, 0), mark))
        for follower in followers:
            self._do(follower.operation(self.args.get(follower.name, 0)))

    def _followers(self, step: Step) -> list[Step]:
        """Give the later steps that write, without reading it, a name that this one writes."""
        later = self.steps[self.steps.index(step) + 1 :]
        return [
            other
            for other in later
            if any(not other.rewrites(n) for n in other.names_written & step.names_written)
        ]

    def _is_in_turn(self, step: Step, after: Step | None = None) -> bool:
        """Tell whether what lies at each name it reads was written by whom its turn expects.

        It is asked for the moment `after` another step was run again.
        """
        if not self.orderly:
            return True
        earlier = self.steps[: self.steps.index(step)]
        later = self.steps[self.steps.index(step) + 1 :]
        if any(step.names_read & set(other.appends) for other in later):
            return False
        for name in step.names_read - self.world.streams:
            expected = [other.name for other in earlier if name in other.names_written]
            there = self.world.last_writer.get(name)
            if after not in (None, step) and name in after.names_written:
                there = after.name
            allowed = {None, expected[-1] if expected else None}
            if step.rewrites(name):
                allowed.add(step.name)
            if there not in allowed:
                return False
        return True


def differing(tree: Mapping[str, object], other: Mapping[str, object]) -> frozenset[str]:
    """Give the names at which two trees hold different contents."""
    return frozenset(name for name in {*tree, *other} if tree.get(name) != other.get(name))


def outputs(world: World) -> frozenset[str]:
    """Give the names that a run wrote, streams left out."""
    return frozenset(world.written - world.streams)
