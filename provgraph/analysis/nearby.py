"""What lies around a thing: its causes and effects a hop or two away, counted, hubs told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from provgraph.analysis.asking import Questions
from provgraph.graph.interface import EdgeRow
from provgraph.model.answers import GraphNode, Lineage
from provgraph.model.kinds import AGENT, CONFIG, ENVIRONMENT, HARDWARE, SCRIPT

# What many runs share; a page shows it as a mark on the run rather than as a node with a line.
HUBS = frozenset({AGENT, CONFIG, ENVIRONMENT, HARDWARE, SCRIPT})
# A second hop is taken where the first gave at most so many vertices.
FEW = 40
# Causes and effects are counted where at most so many vertices are shown.
MOST_COUNTED = 2_000


def near(questions: Questions, selector: str, *, also: Sequence[str] = ()) -> Lineage:
    """Give what lies within two edges of a thing (one, where that is much), and of `also` (ids).

    What the shown runs ran, were set by and ran under is there too. `depth` is in edges, negative
    for causes. A node's `props` hold how many `causes` and `effects` it has.
    """
    store = questions.facts.store
    focus = questions.resolver.vertices(selector)
    depth: dict[int, int] = dict.fromkeys(focus, 0)
    for sign in (-1, 1):
        first = _step(questions, focus, sign, depth)
        if len(first) <= FEW:
            _step(questions, first, 2 * sign, depth)
    for text in also:
        for key in store.by_id(text) or store.by_id(text.removeprefix("run:")):
            if key in depth:
                for sign in (-1, 1):
                    if depth[key] * sign >= 0:
                        _step(questions, [key], depth[key] + sign, depth)
    hubs = {key: far for key, far in depth.items() if far and _is_hub(questions, key)}
    for key in hubs:
        del depth[key]
    shown = [row.key for row in store.runs(list(depth))] if len(depth) <= MOST_COUNTED else []
    hubs |= _hubs(questions, shown, depth)
    answer = questions.piece_of(f"around {selector}", depth | hubs, focus)
    ids = {row.key: row.id for row in store.vertices(list(depth))}
    counts = _counts(questions, list(depth), ids) if len(depth) <= MOST_COUNTED else {}
    nodes = tuple(_counted(node, counts.get(node.id)) for node in answer.nodes)
    return replace(answer, nodes=nodes)


def _step(questions: Questions, start: Iterable[int], to: int, depth: dict[int, int]) -> list[int]:
    """Add what lies one edge further; gives what was new."""
    keys = list(start)
    backwards = to < 0
    rows = _edges(questions, keys, backwards=backwards)
    found = dict.fromkeys(row.cause if backwards else row.effect for row in rows)
    new = [key for key in found if key not in depth]
    depth.update(dict.fromkeys(new, to))
    return new


def _edges(questions: Questions, keys: Sequence[int], *, backwards: bool) -> list[EdgeRow]:
    """Give the edges into (or out of) these vertices, inferred ones too."""
    facts = questions.facts
    rows = facts.store.causes_of(keys) if backwards else facts.store.effects_of(keys)
    inside = set(keys)
    inferred = [
        EdgeRow(cause=edge.cause, effect=edge.effect, type="DEPENDS_ON")
        for edge in (*facts.unwatched, *facts.copies)
        if (edge.effect if backwards else edge.cause) in inside
    ]
    return [*rows, *inferred]


def _is_hub(questions: Questions, key: int) -> bool:
    """Tell whether a vertex is a source of a kind that many runs share."""
    g = questions.facts.looked_up(key)
    if g is None or g.maker is not None:
        return False
    return (g.kind or questions.wording.kind(g.name, False)) in HUBS


def _hubs(questions: Questions, runs: Sequence[int], depth: dict[int, int]) -> dict[int, int]:
    """Give what these runs ran, were set by and ran under, as far as it isn't shown already."""
    facts = questions.facts
    uses = facts.store.uses_by(runs)
    missing = sorted({use.generation for use in uses} - depth.keys())
    facts.ensure(missing)
    out: dict[int, int] = {}
    for use in uses:
        g = None if use.generation in depth else facts.looked_up(use.generation)
        if g is not None and g.digest != "absent" and _is_hub(questions, use.generation):
            out.setdefault(use.generation, -abs(depth[use.run]) - 1)
    return out


def _counts(
    questions: Questions, keys: Sequence[int], ids: dict[int, str]
) -> dict[str, tuple[int, int]]:
    causes = Counter(row.effect for row in set(_edges(questions, keys, backwards=True)))
    effects = Counter(row.cause for row in set(_edges(questions, keys, backwards=False)))
    return {ids[key]: (causes[key], effects[key]) for key in keys if key in ids}


def _counted(node: GraphNode, counts: tuple[int, int] | None) -> GraphNode:
    if counts is None:
        return node
    return replace(node, props={**node.props, "causes": counts[0], "effects": counts[1]})
