"""The redo plan: what to run, in which order, so that everything live is current again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from provgraph.analysis.facts import STREAM, Facts
from provgraph.analysis.judgement import CONTESTED, DELETED, Judgement
from provgraph.analysis.viewpoint import Verdict
from provgraph.graph.interface import Generation, UseRow
from provgraph.model.answers import CURRENT, MISSING, MODIFIED, PlanStep
from provgraph.model.digests import ABSENT

RUN = "run"
RESTORE = "restore"
REMOVE = "remove"
ASK = "ask"
IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do. `run` is the run to repeat; `generation` the content to put back first."""

    action: str
    run: int | None = None
    generation: Generation | None = None
    reason: str = ""


@dataclass
class _Draft:
    judgement: Judgement
    runs: dict[int, str] = field(default_factory=dict)
    puts: dict[int, list[Order]] = field(default_factory=dict)
    asks: list[Order] = field(default_factory=list)
    inputs: dict[int, list[tuple[UseRow, Generation]]] = field(default_factory=dict)


def orders(judgement: Judgement, names: Collection[str] | None = None) -> tuple[Order, ...]:
    """Plan what renews everything live that isn't current (or only what `names` need).

    Only the first order is certain: redone content may turn out equal, so a plan is made anew
    after each run. Hand edits and contested names are asked about, never overwritten.
    """
    facts = judgement.facts
    draft = _Draft(judgement)
    wanted = dict(_wanted(judgement, names))
    while wanted:
        run, reason = wanted.popitem()
        if run in draft.runs:
            continue
        draft.runs[run] = reason
        for maker, why in _inputs_first(draft, run):
            if maker not in draft.runs:
                wanted.setdefault(maker, why)
    if names is None:
        for name in facts.at:
            if name[0] == facts.project and judgement.name_state(name) == MODIFIED:
                g = facts.produced(name)[-1]
                draft.asks.append(Order(ASK, generation=g, reason="edited by hand; redoing would overwrite it"))
    return (*draft.asks, *_in_order(draft))


def _wanted(judgement: Judgement, names: Collection[str] | None) -> list[tuple[int, str]]:
    facts = judgement.facts
    out: list[tuple[int, str]] = []
    for name in facts.at:
        if facts.is_stream(name) or name[0] != facts.project:
            continue
        if names is not None and name[1] not in names:
            continue
        state = judgement.name_state(name)
        if state in (None, CURRENT):
            continue
        if state == MODIFIED:
            continue
        if state == MISSING:
            out += [(run, "its product is missing") for run in judgement.live_runs(name)]
            continue
        for run in judgement.live_runs(name):
            if judgement.state_of(run) != CURRENT:
                out.append((run, ""))
    for run_row in facts.store.silent_runs():
        if names is None and judgement.state_of(run_row.key) != CURRENT:
            out.append((run_row.key, ""))
    return out


def _inputs_first(draft: _Draft, run: int) -> list[tuple[int, str]]:
    """Give the makers whose products must be put as the run read them; note restores."""
    judgement, facts = draft.judgement, draft.judgement.facts
    uses = [u for u in facts.store.uses_by([run]) if facts.counts(u) and u.role != STREAM]
    facts.ensure(u.generation for u in uses)
    draft.inputs[run] = [(u, g) for u in uses if (g := facts.generation(u.generation)) is not None]
    makers: list[tuple[int, str]] = []
    for use, g in draft.inputs[run]:
        if g.imported or g.project != facts.project:
            continue
        name = (g.project, g.name)
        here = judgement.lying(name)
        if g.maker is None:
            _put_back(draft, run, use, g)
            continue
        if facts.is_stream(name):
            continue
        maker = _renewer(judgement, g)
        if judgement.state_of(g.maker) != CURRENT:
            makers.append((maker, "what it makes is read by a run to redo"))
        elif here.absent or (here.generation is None and here.word) or not _as_read(judgement, use, g):
            link = here.generation
            if link is not None and link.maker is not None and link.step == g.step:
                continue  # the newest outcome of the same step is what a redo should read
            if link is not None and link.maker is not None and link.step != g.step:
                in_line = any(x.key == g.key for x in facts.line(link))
                if not in_line and link.maker not in draft.runs:
                    draft.asks.append(Order(ASK, run=run, generation=g, reason=CONTESTED))
            makers.append((maker, "what it made is missing or was rewritten"))
    return makers


def _renewer(judgement: Judgement, g: Generation) -> int:
    """Give the newest run of the step that made a generation, at that name."""
    made = [x for x in judgement.facts.produced((g.project, g.name)) if x.step == g.step]
    newest = made[-1].maker if made else g.maker
    assert newest is not None
    return newest


def _as_read(judgement: Judgement, use: UseRow, g: Generation) -> bool:
    here = judgement.lying((g.project, g.name))
    if here.generation is not None and here.generation.digest == g.digest:
        return True
    if not here.word:
        return here.generation is not None
    return all(
        judgement.viewpoint.compare(g.name, part, digest, whole=g.digest) is not Verdict.DIFFERENT
        for part, digest in use.touched.items()
    )


def _put_back(draft: _Draft, run: int, use: UseRow, g: Generation) -> None:
    """Note what must be restored, removed, or can't be had, before a run reads a source again."""
    judgement = draft.judgement
    here = judgement.lying((g.project, g.name))
    facts = judgement.facts
    if g.key not in {x.key for x in facts.line(here.generation)[1:]}:
        cause = judgement.causes.get(run)
        if cause is not None and cause.reason == DELETED and cause.generation == g.key:
            draft.puts.setdefault(run, []).append(
                Order(IMPOSSIBLE, run=run, generation=g, reason="it is gone, and was never a product")
            )
        return
    action = REMOVE if g.digest == ABSENT else RESTORE
    draft.puts.setdefault(run, []).append(
        Order(action, run=run, generation=g, reason="the step reads it as it was before rewriting it")
    )


def _in_order(draft: _Draft) -> tuple[Order, ...]:
    """Sort makers first; a reader of a name before the run that rewrites it in place."""
    facts = draft.judgement.facts
    rows = {row.key: row for row in facts.store.runs(list(draft.runs))}
    made = {edge.effect: edge.cause for edge in facts.store.produced_by(list(rows))}
    facts.ensure(made)
    writes: dict[int, dict[str, Generation]] = {run: {} for run in rows}
    for key, run in made.items():
        g = facts.generation(key)
        if g is not None:
            writes[run][g.name] = g
    after: dict[int, set[int]] = {run: set() for run in rows}
    for run in rows:
        for _, g in draft.inputs.get(run, ()):
            for other in rows:
                if other == run or g.name not in writes[other]:
                    continue
                theirs = writes[other][g.name]
                if g.maker is not None and theirs.step == g.step:
                    after[run].add(other)
                elif theirs.before == g.key and run != other:
                    after[other].add(run)
    out: list[Order] = []
    left = sorted(rows, key=lambda run: rows[run].order)
    while left:
        ready = next((run for run in left if not after[run] & set(left) - {run}), left[0])
        left.remove(ready)
        puts = draft.puts.get(ready, [])
        blocked = [order for order in puts if order.action == IMPOSSIBLE]
        out.extend(blocked or puts)
        if not blocked:
            out.append(Order(RUN, run=ready, reason=draft.runs[ready]))
    return tuple(out)


def in_words(
    facts: Facts,
    several: Collection[Order],
    *,
    command: Callable[[str], str],
    title: Callable[[str], str],
) -> tuple[PlanStep, ...]:
    """Put orders in words; `command` gives a run's command line by its id."""
    rows = {row.key: row for row in facts.store.runs([o.run for o in several if o.run is not None])}
    out = []
    for order in several:
        run = rows.get(order.run) if order.run is not None else None
        name = title(order.generation.name) if order.generation is not None else ""
        if order.action == RUN and run is not None:
            out.append(PlanStep(RUN, run.label, command(run.id), run.seconds, order.reason))
        else:
            out.append(PlanStep(order.action, name, "", None, order.reason))
    return tuple(out)
