"""What a redo of some names has to look at, and which steps it spares, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from provgraph.analysis.facts import PLATFORM, STREAM, Facts, Name
from provgraph.analysis.judgement import Judgement
from provgraph.graph.interface import Generation, RunRow, UseRow
from provgraph.model.answers import BEHIND, CURRENT, STALE, Spared
from provgraph.model.digests import ABSENT
from provgraph.model.parts import BESIDE, BODY, BYTES, EXISTS, LISTING, SYNTAX, THERE

AS_READ = "all it read is as it was"
CAME_OUT_EQUAL = "what it reads came out as it was"
MOST_PARTS = 3


def upstream_of(judgement: Judgement, names: Collection[str]) -> set[str]:
    """Give these names and every product that they rest on, by the runs that are live now."""
    facts = judgement.facts
    out: set[str] = set()
    waiting = {(facts.project, name) for name in names}
    while waiting:
        out |= {name for _, name in waiting}
        runs = {run for name in waiting for run in _makers(judgement, name)}
        found: set[Name] = set()
        uses = facts.store.uses_by(sorted(runs)) if runs else []
        facts.ensure(use.generation for use in uses)
        for use in uses:
            g = facts.generation(use.generation)
            if g is not None and g.project == facts.project and use.role != STREAM:
                found.add((g.project, g.name))
                found |= _copied_from(facts, g)
        waiting = {name for name in found if name[1] not in out and facts.produced(name)}
    return out


def _makers(judgement: Judgement, name: Name) -> Iterator[int]:
    yield from judgement.live_runs(name)
    made = judgement.facts.produced(name)
    if made and made[-1].maker is not None:
        yield made[-1].maker


def _copied_from(facts: Facts, g: Generation) -> set[Name]:
    causes = [edge.cause for edge in facts.copies if edge.effect == g.key]
    return {(c.project, c.name) for key in causes if (c := facts.generation(key)) is not None}


def stranded(judgement: Judgement, names: Collection[str] | None) -> list[tuple[str, str]]:
    """Give copies made by hand whose original fell, each with that: no run can renew them."""
    facts = judgement.facts
    out = []
    for edge in facts.copies:
        g, cause = facts.generation(edge.effect), facts.generation(edge.cause)
        if g is None or cause is None or (names is not None and g.name not in names):
            continue
        here = judgement.lying((g.project, g.name)).generation
        state = judgement.name_state((g.project, g.name))
        if here is not None and here.key == g.key and state in (BEHIND, STALE):
            out.append((g.name, cause.name))
    return out


def spared(
    judgement: Judgement,
    names: Collection[str] | None,
    silent: Collection[int] | None,
    title: Callable[[str], str],
) -> tuple[Spared, ...]:
    """Give the live runs that are current, of `names` and `silent` or of all, and why they are."""
    facts = judgement.facts
    keys: dict[int, None] = {}
    for project, name in facts.at:
        if project == facts.project and (names is None or name in names):
            keys |= dict.fromkeys(judgement.live_runs((project, name)))
    everything = names is None if silent is None else False
    keys |= {run.key: None for run in facts.silent if everything or run.key in (silent or ())}
    current = [key for key in keys if judgement.state_of(key) == CURRENT]
    rows = facts.store.runs(current)
    uses: dict[int, list[UseRow]] = {}
    for use in facts.store.uses_by([row.key for row in rows]) if rows else ():
        uses.setdefault(use.run, []).append(use)
    facts.ensure(use.generation for several in uses.values() for use in several)
    return tuple(
        Spared(row.label or row.id, row.id, row.seconds, _why(judgement, uses, row, title))
        for row in sorted(rows, key=lambda row: row.order)
    )


def _why(
    judgement: Judgement,
    uses: dict[int, list[UseRow]],
    row: RunRow,
    title: Callable[[str], str],
) -> str:
    """Say what has changed of a current run's inputs, and that it had not read that of them."""
    said = []
    for use in uses.get(row.key, ()):
        g = judgement.facts.generation(use.generation)
        if g is None or use.role in (PLATFORM, STREAM) or not _is_other(judgement, use, g):
            continue
        said.append(f"of {title(g.name)}, which has changed, {_read(use)}")
    more = f", and {len(said) - 2} more" if len(said) > 2 else ""
    return "; ".join(said[:2]) + more if said else AS_READ


def _is_other(judgement: Judgement, use: UseRow, g: Generation) -> bool:
    """Tell whether another content lies there now than was read, as far as that can be known."""
    if g.project != judgement.facts.project or g.digest == ABSENT or BYTES in use.touched:
        return False
    if (
        EXISTS in use.touched
        or LISTING in use.touched
        or g.digest == THERE
        or g.name.startswith(("env:", "hardware:"))
    ):
        return False
    viewpoint = judgement.viewpoint
    if not viewpoint.has_word(g.name) or viewpoint.is_absent(g.name):
        return False
    return viewpoint.whole(g.name, {g.digest}) is None and viewpoint.is_sure(g.name, {g.digest})


def _read(use: UseRow) -> str:
    parts = [part for part in use.touched if part not in BESIDE] or [BODY]
    if parts == [SYNTAX]:
        return "the code is the same: it differs in comments or layout alone"
    shown = ", ".join(sorted(parts)[:MOST_PARTS])
    more = f" and {len(parts) - MOST_PARTS} more" if len(parts) > MOST_PARTS else ""
    return f"it read {shown}{more} alone, and that is as it was"
