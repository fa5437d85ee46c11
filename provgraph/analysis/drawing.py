"""Pieces of the graph around a question: lineage, why, every path between two things."""

from __future__ import annotations

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
    facts: Facts, focus: Sequence[int], *, direction: str, depth: int | None, most: int | None = None
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
        reach = facts.store.reach(focus, backwards=backwards)
        for key, far in zip(reach.key, reach.depth, strict=True):
            if limit is not None and far > limit:
                left_out += 1
                continue
            if most is not None and len(out) >= most:
                left_out += 1
                continue
            out.setdefault(int(key), -int(far) if backwards else int(far))
    return out, left_out


def between(facts: Facts, causes: Collection[int], effects: Collection[int]) -> dict[int, int]:
    """Give every vertex on a path from one of `causes` to one of `effects`, with its depth."""
    down = facts.store.reach(list(causes))
    up = facts.store.reach(list(effects), backwards=True)
    depth = {int(k): int(d) for k, d in zip(down.key, down.depth, strict=True)}
    depth |= dict.fromkeys(causes, 0)
    upstream = {int(k) for k in up.key} | set(effects)
    for edge in (*facts.unwatched, *facts.copies):
        if edge.cause in depth and edge.effect in upstream:
            depth.setdefault(edge.effect, depth[edge.cause] + 1)
    return {key: far for key, far in depth.items() if key in upstream}


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
            props = {**row.props, "status": run.status, "started": run.started, "seconds": run.seconds}
        else:
            g = facts.generations.get(key)
            name = wording.title(row.name)
            kind = row.kind or wording.kind(row.name, g is not None and g.maker is not None)
            props = dict(row.props)
        nodes.append(
            GraphNode(
                id=row.id, kind=kind, name=name, digest=row.digest, state=state,
                depth=vertices[key], props=props,
            )
        )
    ids = {key: row.id for key, row in rows.items()}
    edges = [*_used(facts, list(runs), ids), *_others(facts, keys, ids), *_inferred(facts, ids)]
    return Piece(
        nodes=tuple(nodes), edges=tuple(edges), focus=tuple(ids[key] for key in focus if key in ids)
    )


def _used(facts: Facts, runs: Sequence[int], ids: Mapping[int, str]) -> list[GraphEdge]:
    return [
        GraphEdge(
            USES, cause=ids[use.generation], effect=ids[use.run], role=use.role,
            evidence=use.evidence, touched=dict(use.touched),
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
                cause=ids[row.cause], effect=ids[row.effect],
                role=how.how if how is not None else "",
                evidence=how.evidence if how is not None else "observed",
            )
        )
    return out


def _inferred(facts: Facts, ids: Mapping[int, str]) -> list[GraphEdge]:
    return [
        GraphEdge(DEPENDS_ON, cause=ids[e.cause], effect=ids[e.effect], role=e.rule, evidence="inferred")
        for e in (*facts.unwatched, *facts.copies)
        if e.cause in ids and e.effect in ids
    ]
