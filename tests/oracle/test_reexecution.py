"""The definition against the truth: run everything again, and compare with what was said.

PROVGRAPH_FUZZ says how many random worlds are tried, PROVGRAPH_FUZZ_START the first seed.
"""

import os

from tests.histories.language import AtRefOp
from tests.oracle.currency import Currency, status
from tests.oracle.plan import plan
from tests.oracle.reexecution import (
    RandomWorld,
    carry_out,
    differing,
    outputs,
    random_world,
    reexecute,
)
from tests.oracle.world import World, digest_of

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


def test_nothing_is_flagged_after_a_run_in_order() -> None:
    compared = 0
    for seed in SEEDS:
        history = random_world(seed)
        world = history.play(1 + len(history.pipeline))
        failed = any(run.ended != "ok" for run in world.all_runs)
        contested = any(
            not writer.rewrites(name) and name in other.names_written
            for writer in history.steps
            for other in history.steps
            for name in writer.names_written
            if other is not writer
        )
        if failed or contested or world.streams or history.overwrites_sources:
            continue
        compared += 1
        assert status(world.ledger(), world.view()).flagged == frozenset(), history.operations
    assert compared > COUNT / 10, "hardly a world is plain"


def test_fresh_clone_says_what_a_full_redo_gives() -> None:
    silent = {}
    compared = 0
    for seed in SEEDS:
        history = random_world(seed)
        world = history.play()
        if not is_plain(history, world):
            continue
        wanted = reexecute(world, history.pipeline)
        world.apply(AtRefOp())
        currency = Currency(world.ledger(), world.view())
        said = status(world.ledger(), world.view())
        for name in frozenset(currency.names()) - said.flagged:
            compared += 1
            lying = currency.lies(name)
            if lying is None or lying.digest != digest_of(wanted.get(name)):
                silent[seed, name] = history.operations
    assert compared > COUNT / 10, "hardly a name is current"
    assert silent == {}


def is_plain(history: RandomWorld, world: World) -> bool:
    """Tell whether no hand touched a product and no failure was the last word on arguments.

    In the others a ref, which has none of the products, can't say what the person means.
    """
    touched = world.by_hand & world.written
    edited_again = any(text.startswith("! raw") for text in history.operations[1:])
    if any(not name.startswith("raw") for name in touched) or (touched and edited_again):
        return False
    if world.streams or history.overwrites_sources:
        return False
    failed = [run for run in world.all_runs if run.args and run.ended != "ok"]
    return not failed and history.checkpoints[-1] == len(history.operations)


def test_tangled_worlds_have_a_status_and_a_plan() -> None:
    for seed in SEEDS:
        world = random_world(seed, orderly=False).play()
        said = status(world.ledger(), world.view())
        todo = plan(world.ledger(), world.view())
        products = {product.name for run in world.ledger().runs for product in run.products}
        assert said.flagged <= products - world.streams
        assert {item.run for item in todo.items} <= {run.id for run in world.ledger().runs}
