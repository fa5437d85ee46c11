"""The definition against the truth: run everything again, and compare with what was said.

PROVGRAPH_FUZZ says how many random worlds are tried, PROVGRAPH_FUZZ_START the first seed.
"""

import os

from tests.oracle.currency import status
from tests.oracle.reexecution import (
    carry_out,
    differing,
    outputs,
    random_world,
    reexecute,
)

START = int(os.environ.get("PROVGRAPH_FUZZ_START", "0"))
COUNT = int(os.environ.get("PROVGRAPH_FUZZ", "300"))
SEEDS = range(START, START + COUNT)


def test_no_changed_output_goes_unnamed() -> None:
    silent = {}
    changed = 0
    for seed in SEEDS:
        history = random_world(seed)
        for count in history.checkpoints:
            world = history.play(count)
            differs = differing(world.tree(), reexecute(world, history.pipeline)) & outputs(world)
            missed = differs - status(world.ledger(), world.view()).flagged
            changed += len(differs)
            if missed:
                silent[seed, count] = (missed, history.operations[:count])
    assert changed > COUNT, "the worlds hardly change"
    assert silent == {}


def test_plan_gives_what_a_full_redo_gives() -> None:
    wrong = {}
    compared = 0
    for seed in SEEDS:
        history = random_world(seed)
        world = history.play()
        settled = history.checkpoints[-1] == len(history.operations)
        if world.streams or history.overwrites_sources or not settled:
            continue
        if status(world.ledger(), world.view()).gap:
            continue
        wanted = reexecute(world, history.pipeline)
        if carry_out(world).is_complete:
            compared += 1
            differs = differing(world.tree(), wanted) & outputs(world)
            said = status(world.ledger(), world.view()).not_current
            if differs or said:
                wrong[seed] = (differs, said, history.operations)
    assert compared > COUNT / 10, "hardly a plan can be carried out"
    assert wrong == {}


def test_status_names_only_what_a_full_redo_made_current() -> None:
    for seed in SEEDS:
        history = random_world(seed)
        world = history.play(1 + len(history.pipeline))
        failed = any(run.failed for run in world.last_recorded.values())
        if not failed and not differing(world.tree(), reexecute(world, history.pipeline)):
            assert status(world.ledger(), world.view()).stale == frozenset(), seed
