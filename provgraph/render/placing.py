"""Where the nodes of a drawing go: cut to the question, in columns, causes left of effects.

Layers by longest path, with way-points where an edge crosses a column (Sugiyama, Tagawa & Toda
1981), order within a column by barycentres. The way-points of one cause are shared, so that what
everything rests on (an environment, a helper module) gives one line with branches. The same graph
always gives the same picture, and the browser has nothing to compute.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from provgraph.model.answers import GraphEdge, GraphNode, Lineage

MOST_NODES = 300
_COLUMN = 190
_ROW = 92
_LANE = 34
_MOST_IN_COLUMN = 20
_SWEEPS = 12
# Way-points beyond this many a node make the picture larger, not clearer.
_MOST_LANES = 2

_NUMBER = re.compile(r"(\d+)")

# A vertex to place: a node's id, or a way-point (cause's id, column).
_Lane = tuple[str, int]
_Vertex = str | _Lane


@dataclass(frozen=True, slots=True)
class Placed:
    """What is drawn: nodes with their positions, edges among them, how much was left out.

    `routes` gives, for each edge, the points it passes on its way from cause to effect.
    """

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    positions: Mapping[str, tuple[int, int]]
    routes: tuple[tuple[tuple[int, int], ...], ...]
    cut_nodes: int
    cut_edges: int


def place(lineage: Lineage, *, most: int = MOST_NODES) -> Placed:
    """Choose what is drawn of a lineage, and where."""
    nodes = {node.id: node for node in lineage.nodes}
    edges = [edge for edge in lineage.edges if edge.cause in nodes and edge.effect in nodes]
    kept = _nearest(lineage, nodes, edges, most)
    drawn = tuple(node for node in nodes.values() if node.id in kept)
    lines = tuple(edge for edge in edges if edge.cause in kept and edge.effect in kept)
    positions, lanes = _positions(drawn, lines)
    routes = tuple(_route(edge, positions, lanes) for edge in lines)
    return Placed(drawn, lines, positions, routes, len(nodes) - len(drawn), len(edges) - len(lines))


def _nearest(
    lineage: Lineage, nodes: Mapping[str, GraphNode], edges: Sequence[GraphEdge], most: int
) -> frozenset[str]:
    """Choose the nodes nearest to the focus; at one distance, those with a state come first."""
    if len(nodes) <= most:
        return frozenset(nodes)
    near: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        near[edge.cause].append(edge.effect)
        near[edge.effect].append(edge.cause)
    by_depth = sorted(
        nodes.values(), key=lambda node: (abs(node.depth), not node.state, natural(node.name))
    )
    start = [key for key in lineage.focus if key in nodes] or [by_depth[0].id]
    distance = dict.fromkeys(start, 0)
    queue = deque(start)
    while queue:
        key = queue.popleft()
        for other in near[key]:
            if other not in distance:
                distance[other] = distance[key] + 1
                queue.append(other)
    far = len(nodes)
    order = sorted(
        nodes.values(),
        key=lambda node: (
            distance.get(node.id, far),
            not node.state,
            natural(node.name),
            node.id,
        ),
    )
    return frozenset(node.id for node in order[:most])


def natural(name: str) -> list[tuple[int, int, str]]:
    """Order names as people count: `seed 9` before `seed 10`."""
    return [
        (1, int(piece), "") if piece.isdecimal() else (0, 0, piece) for piece in _NUMBER.split(name)
    ]


_Points = dict[str, tuple[int, int]]


def _positions(
    nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]
) -> tuple[_Points, dict[_Lane, tuple[int, int]]]:
    keys = [node.id for node in sorted(nodes, key=lambda n: (n.kind, natural(n.name), n.id))]
    forward = _without_cycles(keys, edges)
    layer = _layers(keys, forward)
    by_layer: dict[int, list[_Vertex]] = defaultdict(list)
    for key in keys:
        by_layer[layer[key]].append(key)
    columns = [by_layer[number] for number in sorted(by_layer)]
    near: dict[_Vertex, list[_Vertex]] = {key: list(forward[key]) for key in keys}
    _order(columns, near)
    columns = [
        column[start : start + _MOST_IN_COLUMN]
        for column in columns
        for start in range(0, len(column), _MOST_IN_COLUMN)
    ]
    _order(columns, _with_lanes(columns, near))
    positions: _Points = {}
    lanes: dict[_Lane, tuple[int, int]] = {}
    for number, column in enumerate(columns):
        heights = [_ROW if isinstance(vertex, str) else _LANE for vertex in column]
        y = -sum(heights) / 2
        for vertex, height in zip(column, heights, strict=True):
            point = (number * _COLUMN, round(y + height / 2))
            if isinstance(vertex, str):
                positions[vertex] = point
            else:
                lanes[vertex] = point
            y += height
    return positions, lanes


def _with_lanes(
    columns: list[list[_Vertex]], near: Mapping[_Vertex, list[_Vertex]]
) -> dict[_Vertex, list[_Vertex]]:
    """Add way-points to the columns, and give the neighbours with edges led over them."""
    at = {vertex: number for number, column in enumerate(columns) for vertex in column}
    last = {
        cause: max((at[effect] for effect in effects), default=0) for cause, effects in near.items()
    }
    wanted = sum(max(0, last[cause] - at[cause] - 1) for cause in near)
    if wanted > _MOST_LANES * len(at):
        return dict(near)
    led: dict[_Vertex, list[_Vertex]] = {vertex: [] for vertex in at}
    for cause, effects in near.items():
        assert isinstance(cause, str)
        before: _Vertex = cause
        here = at[cause]
        for number in range(here + 1, last[cause] + 1):
            led[before] += [effect for effect in effects if at[effect] == number]
            if number < last[cause]:
                lane = (cause, number)
                columns[number].append(lane)
                led[before].append(lane)
                led[lane] = []
                before = lane
    return led


def _route(
    edge: GraphEdge, positions: _Points, lanes: Mapping[_Lane, tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    first = positions[edge.cause][0] // _COLUMN + 1
    last = positions[edge.effect][0] // _COLUMN
    points = [lanes.get((edge.cause, number)) for number in range(first, last)]
    return tuple(point for point in points if point is not None)


def _without_cycles(keys: Iterable[str], edges: Sequence[GraphEdge]) -> dict[str, list[str]]:
    """Give cause → effects with the edges that close a cycle turned away."""
    after: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        if edge.cause != edge.effect and edge.effect not in after[edge.cause]:
            after[edge.cause].append(edge.effect)
    done: dict[str, bool] = {}
    forward: dict[str, list[str]] = {key: [] for key in keys}
    for root in forward:
        if root in done:
            continue
        done[root] = False
        stack = [(root, iter(after[root]))]
        while stack:
            key, rest = stack[-1]
            for other in rest:
                if done.get(other) is False:
                    continue
                forward[key].append(other)
                if other not in done:
                    done[other] = False
                    stack.append((other, iter(after[other])))
                    break
            else:
                done[key] = True
                stack.pop()
    return forward


def _layers(keys: Sequence[str], forward: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Put each node one layer right of its last cause, and first causes close to their effects."""
    causes = dict.fromkeys(keys, 0)
    for effects in forward.values():
        for effect in effects:
            causes[effect] += 1
    first = [key for key in keys if not causes[key]]
    layer = dict.fromkeys(keys, 0)
    queue = deque(first)
    while queue:
        key = queue.popleft()
        for effect in forward[key]:
            layer[effect] = max(layer[effect], layer[key] + 1)
            causes[effect] -= 1
            if not causes[effect]:
                queue.append(effect)
    for key in first:
        if forward[key]:
            layer[key] = min(layer[effect] for effect in forward[key]) - 1
    return layer


def _order(columns: list[list[_Vertex]], near: Mapping[_Vertex, Sequence[_Vertex]]) -> None:
    """Order each column so that edges cross little: sweeps by barycentre, there and back."""
    back: dict[_Vertex, list[_Vertex]] = defaultdict(list)
    for cause, effects in near.items():
        for effect in effects:
            back[effect].append(cause)
    rank: dict[_Vertex, float] = {}
    for column in columns:
        rank |= _ranks(column)
    for sweep in range(_SWEEPS):
        rightward = sweep % 2 == 0
        ends: Mapping[_Vertex, Sequence[_Vertex]] = back if rightward else near
        for column in columns if rightward else reversed(columns):
            centre = {}
            for vertex in column:
                found = [rank[end] for end in ends.get(vertex, ())]
                centre[vertex] = sum(found) / len(found) if found else rank[vertex]
            column.sort(key=lambda vertex: centre[vertex])
            rank |= _ranks(column)


def _ranks(column: Sequence[_Vertex]) -> dict[_Vertex, float]:
    return {vertex: number - (len(column) - 1) / 2 for number, vertex in enumerate(column)}
