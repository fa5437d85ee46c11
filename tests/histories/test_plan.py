"""Carrying out the redo plan gives the tree that a full redo gives."""

import os
from dataclasses import replace

from provgraph.analysis.facts import Facts
from provgraph.analysis.judgement import judge
from provgraph.analysis.plan import Order, orders
from tests.histories.recorded import PROJECT, viewpoint
from tests.histories.test_currency import filled
from tests.oracle.currency import status
from tests.oracle.reexecution import differing, outputs, random_world, reexecute
from tests.oracle.world import World

START = int(os.environ.get("PROVGRAPH_FUZZ_START", "0"))
COUNT = int(os.environ.get("PROVGRAPH_FUZZ", "150"))
LONGEST = 60


def plan(world: World) -> tuple[tuple[Order, ...], dict[int, str]]:
    """Ask for the plan; gives it with the ids of the runs in it."""
    ledger = world.ledger()
    store = filled(ledger)
    facts = Facts.load(store, PROJECT)
    several = orders(judge(facts, viewpoint(ledger, world.view())))
    keys = [order.run for order in several if order.run is not None]
    ids = {row.key: row.id for row in store.runs(keys)}
    store.close()
    return several, ids


def carry_out(world: World) -> tuple[Order, ...]:
    """Do what the plan says first, ask again, and so on; gives the last plan."""
    for _ in range(LONGEST):
        several, ids = plan(world)
        todo = [order for order in several if order.action in ("run", "restore", "remove")]
        if not any(order.action == "run" for order in todo):
            return several
        for order in todo:
            if order.action == "run":
                assert order.run is not None
                run = next(r for r in world.ledger().runs if r.id == ids[order.run])
                world.execute(replace(world.commands[run.command], recorded=True, ended="ok"))
                break
            assert order.generation is not None
            digest = "absent" if order.action == "remove" else order.generation.digest
            world.restore(order.generation.name, digest)
    raise RecursionError("the plan doesn't come to an end")


def test_plan_gives_what_a_full_redo_gives() -> None:
    """Where what is recorded defines a full redo, and the plan has nothing to ask."""
    compared = 0
    wrong = {}
    for seed in range(START, START + COUNT):
        history = random_world(seed)
        world = history.play()
        settled = history.checkpoints[-1] == len(history.operations)
        if world.streams or not settled or status(world.ledger(), world.view()).gap:
            continue
        wanted = reexecute(world, history.pipeline)
        last = carry_out(world)
        if any(order.action in ("ask", "impossible") for order in last):
            continue
        compared += 1
        said = status(world.ledger(), world.view()).flagged
        differs = differing(world.tree(), wanted) & outputs(world)
        if differs or said:
            wrong[seed] = (differs, said, history.operations)
    assert compared > COUNT // 10
    assert wrong == {}
