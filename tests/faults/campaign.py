"""Carry a story out once for each operation and each way to fail, and say what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.injector import FAULTS, GONE, NONE, Fault, Plan
from tests.faults.stories import Story
from tests.faults.world import Asking, World


@dataclass(frozen=True)
class Case:
    """Operation `at` of a story fails by `fault`."""

    story: str
    fault: Fault
    at: int


@dataclass
class Result:
    """What came of a case: the promise made, what failed first, and what is wrong."""

    case: Case
    kind: str
    first: str
    wrong: list[str]


@dataclass
class Bench:
    """A world that one story is told in again and again."""

    story: Story
    place: Path
    injector: Path
    asking: Asking
    world: World = field(init=False)

    def __post_init__(self) -> None:
        self.place.mkdir(parents=True)
        self.world = World(self.place / "world", self.asking)
        self.story.prepare(self.world)
        self.world.keep()
        self._plan = Plan(self.place / "plan", self.injector)

    def count(self) -> bytes:
        """Give the operations' kinds, and see that nothing is wrong where none fails."""
        result = self.carry_out(Case(self.story.name, NONE, 0))
        assert not result.wrong, result
        return self._plan.done().kinds

    def carry_out(self, case: Case) -> Result:
        """Carry a case out in the world as it was."""
        self.world.restore()
        env = self._plan.plan(
            case.fault,
            case.at,
            self.story.places(self.world),
            others=self.story.others,
            writes_only=self.story.others,
        )
        said = self.story.act(self.world, env)
        kind = self.story.kind(self.world, said)
        wrong = self.story.judge(self.world, said, lasting=case.fault.name == GONE)
        if wrong:
            wrong.append(f"said: {said.told!r}")
        return Result(case, kind, self._plan.done().first, wrong)

    def cases(self, kinds: bytes) -> Iterator[Case]:
        """Give every operation with every way to fail that it has."""
        for fault in FAULTS:
            for at, kind in enumerate(kinds, 1):
                if not fault.meets or kind & fault.meets:
                    yield Case(self.story.name, fault, at)


def sample(cases: Sequence[Case], every: int) -> list[Case]:
    """Take one of `every` cases: for each way to fail other operations, as far apart as can be."""
    shift = {fault.name: number * every // len(FAULTS) for number, fault in enumerate(FAULTS)}
    return [case for case in cases if (case.at + shift[case.fault.name]) % every == 0]


def tally(results: Sequence[Result]) -> Counter[str]:
    """Count what was promised; `untouched` where the operation wasn't met."""
    return Counter(result.kind if result.first else "not met" for result in results)
