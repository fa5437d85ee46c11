"""Pieces of the graph around a question: lineage, why, every path between two things."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from provgraph.analysis.facts import Facts
from provgraph.analysis.impact import Wording
from provgraph.analysis.judgement import Judgement
from provgraph.graph.interface import DEPENDS_ON, PRODUCES, USES, EdgeRow
from provgraph.model.answers import GraphEdge, GraphNode
from provgraph.model.kinds import RUN

UP = "up"
DOWN = "down"
BOTH = "both"


@dataclass(frozen=True, slots=True)
class Piece:
    """Nodes and edges to draw. `depth` is in edges from the focus: negative upstream."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    focus: tuple[str, ...]
    left_out: int = 0


def around(
    facts: Facts,
    focus: Sequence[int],
    *,
    direction: str,
    depth: int | None,
    most: int | None = None,
) -> tuple[dict[int, int], int]:
    """Give vertices around the focus with their depth, and how many were left out by `most`.

    `depth` counts steps as people do: a run and what it wrote are one.
    """
    out: dict[int, int] = dict.fromkeys(focus, 0)
    left_out = 0
    limit = None if depth is None else 2 * depth
    for backwards in (True, False):
        if direction == (DOWN if backwards else UP):
            continue
        for key, (far, _) in walk(facts, focus, backwards=backwards).items():
            if limit is not None and far > limit:
                left_out += 1
                continue
            if most is not None and len(out) >= most:
                left_out += 1
                continue
            out.setdefault(key, -far if backwards else far)
    return out, left_out


def between(facts: Facts, causes: Collection[int], effects: Collection[int]) -> dict[int, int]:
    """Give every vertex on a path from one of `causes` to one of `effects`, with its depth."""
    depth = {key: far for key, (far, _) in walk(facts, causes).items()}
    depth |= dict.fromkeys(causes, 0)
    upstream = set(walk(facts, effects, backwards=True)) | set(effects)
    found = {key: far for key, far in depth.items() if key in upstream}
    return found if found.keys() & set(effects) else {}


def count_paths(
    edges: Sequence[GraphEdge], causes: Collection[str], effects: Collection[str]
) -> int | None:
    """Count the different paths from causes to effects; None where there are cycles (imports).

    Parallel edges between two nodes are one way. The number may be large: 2^40 in forty diamonds.
    """
    ways: dict[str, set[str]] = defaultdict(set)
    waits: Counter[str] = Counter()
    for cause, effect in {(edge.cause, edge.effect) for edge in edges}:
        ways[cause].add(effect)
        waits[effect] += 1
    counts: dict[str, int] = dict.fromkeys(causes, 1)
    nodes = {*ways, *waits, *causes}
    ready = [node for node in nodes if not waits[node]]
    for node in ready:
        for effect in ways.get(node, ()):
            counts[effect] = counts.get(effect, 0) + counts.get(node, 0)
            waits[effect] -= 1
            if not waits[effect]:
                ready.append(effect)
    if len(ready) < len(nodes):
        return None
    return sum(counts.get(effect, 0) for effect in effects)


def walk(
    facts: Facts, starts: Collection[int], *, backwards: bool = False
) -> dict[int, tuple[int, int]]:
    """Give what is reached, by inferred edges too: vertex → (edges from the start, came from).

    The starts themselves aren't in it.
    """
    across: dict[int, list[int]] = defaultdict(list)
    for edge in (*facts.unwatched, *facts.copies):
        here, there = (edge.effect, edge.cause) if backwards else (edge.cause, edge.effect)
        across[here].append(there)
    out: dict[int, tuple[int, int]] = {}
    begun = set(starts)
    frontier, base = list(starts), 0
    while frontier:
        reach = facts.store.reach(frontier, backwards=backwards)
        columns = (_plain(column) for column in (reach.key, reach.depth, reach.cause))
        new = {k: (base + d, c) for k, d, c in zip(*columns, strict=True) if k not in out}
        out |= new
        sources = [*frontier, *new]
        frontier = []
        for key in sources if across else ():
            for other in across.get(key, ()):
                if other not in out and other not in begun:
                    out[other] = (1 + (out[key][0] if key in out else 0), key)
                    frontier.append(other)
        base = min((out[key][0] for key in frontier), default=0)
    return out


def _plain(column: Sequence[int]) -> list[int]:
    """Give a column as a list: what a store keeps in arrays has numbers of their own kind."""
    found: list[int] = column.tolist() if hasattr(column, "tolist") else list(column)
    return found


def piece(
    facts: Facts,
    vertices: Mapping[int, int],
    focus: Iterable[int],
    *,
    wording: Wording,
    judgement: Judgement | None = None,
    states: Mapping[int, str] | None = None,
) -> Piece:
    """Turn vertices into nodes and the edges among them."""
    keys = list(vertices)
    rows = {row.key: row for row in facts.store.vertices(keys)}
    runs = {row.key: row for row in facts.store.runs(keys)}
    facts.ensure(key for key in keys if key not in runs)
    nodes = []
    for key in keys:
        row = rows.get(key)
        if row is None:
            continue
        if states is not None:
            state = states.get(key, "")
        else:
            state = judgement.state_of(key) if judgement is not None else ""
        if key in runs:
            run = runs[key]
            name, kind = run.label or run.id, RUN
            props = {
                **row.props,
                "status": run.status,
                "started": run.started,
                "seconds": run.seconds,
            }
        else:
            g = facts.looked_up(key)
            name = wording.title(row.name)
            kind = row.kind or wording.kind(row.name, g is not None and g.maker is not None)
            props = dict(row.props)
        nodes.append(
            GraphNode(
                id=row.id,
                kind=kind,
                name=name,
                digest=row.digest,
                state=state,
                depth=vertices[key],
                props=props,
            )
        )
    ids = {key: row.id for key, row in rows.items()}
    edges = [*_used(facts, list(runs), ids), *_others(facts, keys, ids), *_inferred(facts, ids)]
    nodes.sort(key=lambda node: (abs(node.depth or 0), node.kind, node.name, node.id))
    edges.sort(key=lambda edge: (edge.cause, edge.effect, edge.type, edge.role, edge.evidence))
    return Piece(
        nodes=tuple(nodes), edges=tuple(edges), focus=tuple(ids[key] for key in focus if key in ids)
    )


def _used(facts: Facts, runs: Sequence[int], ids: Mapping[int, str]) -> list[GraphEdge]:
    return [
        GraphEdge(
            USES,
            cause=ids[use.generation],
            effect=ids[use.run],
            role=use.role,
            evidence=use.evidence,
            touched=dict(use.touched),
        )
        for use in facts.store.uses_by(runs)
        if use.generation in ids and use.run in ids
    ]


def _others(facts: Facts, keys: Sequence[int], ids: Mapping[int, str]) -> list[GraphEdge]:
    rows: list[EdgeRow] = facts.store.effects_of(keys)
    depends = {(d.cause, d.effect): d for d in facts.store.depends(keys)}
    out = []
    for row in rows:
        if row.type == USES or row.cause not in ids or row.effect not in ids:
            continue
        how = depends.get((row.cause, row.effect)) if row.type == DEPENDS_ON else None
        out.append(
            GraphEdge(
                row.type if row.type in (PRODUCES, DEPENDS_ON) else DEPENDS_ON,
                cause=ids[row.cause],
                effect=ids[row.effect],
                role=how.how if how is not None else "",
                evidence=how.evidence if how is not None else "observed",
            )
        )
    return out


def _inferred(facts: Facts, ids: Mapping[int, str]) -> list[GraphEdge]:
    return [
        GraphEdge(
            DEPENDS_ON, cause=ids[e.cause], effect=ids[e.effect], role=e.rule, evidence="inferred"
        )
        for e in (*facts.unwatched, *facts.copies)
        if e.cause in ids and e.effect in ids
    ]
