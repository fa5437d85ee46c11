"""The picture of a piece of graph: hubs become chips, alike siblings stacks, the rest cards."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from provgraph.analysis.nearby import HUBS
from provgraph.analysis.showing import run_id
from provgraph.explorer.narrowing import Row, values_of
from provgraph.explorer.picture import (
    ALIKE,
    MOST_CARDS,
    Card,
    Chip,
    Line,
    Picture,
    arranged,
    natural,
    unseen,
)
from provgraph.model.answers import GraphEdge, GraphNode, Lineage
from provgraph.model.digests import identity
from provgraph.model.kinds import CONFIG, ENVIRONMENT, HARDWARE, RUN, SCRIPT
from provgraph.render.terminal import count_of, seconds_words
from provgraph.render.text_parts import when

# The order of chips: what is changed most often first.
CHIPS = {CONFIG: 0, SCRIPT: 1, ENVIRONMENT: 2, HARDWARE: 3}


def picture_of(
    lineage: Lineage,
    *,
    folds: Mapping[str, str] | None = None,
    later: Collection[str] = (),
    words: Mapping[str, str] | None = None,
    rows: Mapping[str, Row] | None = None,
) -> Picture:
    """Draw a lineage by the depth of its nodes.

    `folds` map each node to the card it is on, where that is known; `later` are ids of nodes that
    came when the others were there already (they move nothing); `words` say why a node is there;
    `rows` are the nodes' rows in the answer's table, for what a card can be narrowed by.
    """
    nodes = {node.id: node for node in lineage.nodes}
    edges = [edge for edge in lineage.edges if edge.cause in nodes and edge.effect in nodes]
    group = folds_of(lineage) if folds is None else folds
    chips = _chips(nodes, edges, nodes.keys() - group.keys())
    shown = {key: nodes[key] for key in group}
    members: dict[str, list[GraphNode]] = defaultdict(list)
    for key, node in shown.items():
        members[group[key]].append(node)
    lines = _lines(edges, group)
    columns: dict[int, list[Card]] = defaultdict(list)
    added: dict[int, list[Card]] = defaultdict(list)
    focus = set(lineage.focus)
    column = columns_of([node for key, node in shown.items() if key not in later], edges)
    for key, several in members.items():
        card = _stack(key, several) if key.startswith("stack:") else _card(several[0], chips, words)
        inside = [rows[node.id] for node in several if node.id in rows] if rows else []
        asked = any(node.id in focus for node in several)
        pinned = inside[0].get("pinned", "") if len(several) == len(inside) == 1 else ""
        card = replace(card, focus=asked, values=values_of(inside), pinned=pinned)
        to = added if all(node.id in later for node in several) else columns
        place = column.get(several[0].id, several[0].depth)
        to[place].append(card)
        said = inside[0].get("_unseen") if len(several) == len(inside) == 1 else ()
        if said:
            beside, line = unseen(card, said)
            to[place - 1].append(beside)
            lines.append(line)
    return arranged(columns, lines, later=added, things=len(shown))


def columns_of(nodes: Sequence[GraphNode], edges: Sequence[GraphEdge]) -> dict[str, int]:
    """Give each node its column: causes left of effects, as near to the focus as that allows.

    On a cycle (imports only) there is no such order; its nodes stay where their depth puts them.
    """
    depth = {node.id: node.depth for node in nodes}
    out = dict(depth)
    for side in (1, -1):
        beyond: dict[str, list[str]] = defaultdict(list)
        waits: Counter[str] = Counter()
        for edge in edges:
            near, far = (edge.cause, edge.effect) if side > 0 else (edge.effect, edge.cause)
            if depth.get(near, -side) * side >= 0 and depth.get(far, 0) * side > 0:
                beyond[near].append(far)
                waits[far] += 1
        ready = [key for key, far in depth.items() if far * side >= 0 and not waits[key]]
        while ready:
            key = ready.pop()
            for far in beyond[key]:
                out[far] = side * max(side * out[far], side * out[key] + 1)
                waits[far] -= 1
                if not waits[far]:
                    ready.append(far)
    return out


def folds_of(lineage: Lineage, unfolded: Collection[str] = ()) -> dict[str, str]:
    """Map each node that isn't a chip to the card it is on: itself, or a stack.

    `unfolded` are stacks shown as their members.
    """
    marks = hubs_of(lineage)
    shown = [node for node in lineage.nodes if node.id not in marks]
    group = grouped(shown, lineage.edges, lineage.focus, unfolded, alike=ALIKE)
    if len(set(group.values())) > MOST_CARDS:
        group = _by_column(shown, lineage.focus, unfolded)
    return group


def stacks_of(folds: Mapping[str, str]) -> dict[str, str]:
    """Give the stack in which each folded node is."""
    return {key: stack for key, stack in folds.items() if stack.startswith("stack:")}


def grouped(
    nodes: Iterable[GraphNode],
    edges: Sequence[GraphEdge],
    focus: Collection[str],
    unfolded: Collection[str],
    *,
    alike: int,
) -> dict[str, str]:
    """Map each node to the card it is on: itself, or a stack of alike siblings.

    Alike are nodes of one column and kind (runs: of one step) that hang on the same others in the
    direction of the focus.
    """
    every = {node.id: node for node in nodes}
    inward: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        cause, effect = every.get(edge.cause), every.get(edge.effect)
        if cause is None or effect is None:
            continue
        far, close = (cause, effect) if abs(cause.depth) > abs(effect.depth) else (effect, cause)
        inward[far.id].add(close.id)
    sets: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for node in sorted(every.values(), key=lambda node: abs(node.depth)):
        step = node.name if node.kind == RUN else ""
        sets[node.depth, node.kind, step, frozenset(inward[node.id])].append(node.id)
    out = {key: key for key in every}
    for several in sets.values():
        # The things asked about are folded among themselves only where they are many.
        if len(several) >= alike and not (len(several) < 2 * alike and set(several) & set(focus)):
            stack = f"stack:{identity('stack', *sorted(several), size=8)}"
            if stack not in unfolded:
                out.update(dict.fromkeys(several, stack))
    return _by_folded(out, every, inward, focus, unfolded, alike)


def _by_folded(
    group: dict[str, str],
    every: Mapping[str, GraphNode],
    inward: Mapping[str, set[str]],
    focus: Collection[str],
    unfolded: Collection[str],
    alike: int,
) -> dict[str, str]:
    """Fold what hangs on stacks too: forty runs in a stack wrote forty alike tables."""
    sets: dict[tuple[object, ...], list[str]] = defaultdict(list)
    for key, node in every.items():
        onto = frozenset(group[other] for other in inward.get(key, ()))
        if group[key] == key and key not in focus and any(k.startswith("stack:") for k in onto):
            step = node.name if node.kind == RUN else ""
            sets[node.depth, node.kind, step, onto].append(key)
    for several in sets.values():
        if len(several) >= alike:
            stack = f"stack:{identity('stack', *sorted(several), size=8)}"
            if stack not in unfolded:
                group.update(dict.fromkeys(several, stack))
    return group


def _by_column(
    nodes: Iterable[GraphNode], focus: Collection[str], unfolded: Collection[str]
) -> dict[str, str]:
    """Fold everything of one column, kind and state into one card: too many to look at."""
    sets: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    out: dict[str, str] = {}
    for node in nodes:
        out[node.id] = node.id
        if node.id not in focus or len(focus) > MOST_CARDS:
            sets[node.depth, node.kind, node.state].append(node.id)
    for several in sets.values():
        stack = f"stack:{identity('stack', *sorted(several), size=8)}"
        if len(several) >= ALIKE and stack not in unfolded:
            out.update(dict.fromkeys(several, stack))
    return out


def hubs_of(lineage: Lineage) -> set[str]:
    """Give what is shown as a mark on its runs: sources of a kind that many runs share.

    What is asked about, and what a path begins with, stays a card.
    """
    made = {edge.effect for edge in lineage.edges}
    return {
        node.id
        for node in lineage.nodes
        if node.kind in HUBS and node.depth and node.id not in made and node.id not in lineage.focus
    }


def _chips(
    nodes: Mapping[str, GraphNode], edges: Sequence[GraphEdge], hubs: Collection[str]
) -> dict[str, dict[str, GraphNode]]:
    """Give the hubs of each run."""
    chips: dict[str, dict[str, GraphNode]] = defaultdict(dict)
    for edge in edges:
        if edge.cause in hubs:
            chips[edge.effect][edge.cause] = nodes[edge.cause]
    return chips


def _card(
    node: GraphNode,
    chips: Mapping[str, Mapping[str, GraphNode]],
    words: Mapping[str, str] | None,
) -> Card:
    props = node.props
    marks = sorted(
        chips.get(node.id, {}).values(),
        key=lambda hub: (CHIPS.get(hub.kind, len(CHIPS)), natural(hub.name)),
    )
    return Card(
        key=node.id,
        name=node.name,
        kind=node.kind,
        state=node.state,
        about=about(node),
        words=(words or {}).get(node.id, ""),
        ask=ask_of(node),
        causes=props.get("causes"),
        effects=props.get("effects"),
        chips=tuple(Chip(ask_of(hub), hub.name, hub.kind, hub.state) for hub in marks),
    )


def ask_of(node: GraphNode) -> str:
    """Give the selector that means this node alone."""
    return run_id(node.id) if node.kind == RUN else node.id


def about(node: GraphNode) -> str:
    """Say when a run was and how it ended; of an artefact the beginning of its digest."""
    if node.digest == "absent":
        return "looked for, not there"
    if node.kind != RUN:
        return node.digest.removeprefix("b3:")[:8] if node.digest.startswith("b3:") else ""
    props = node.props
    said = [when(str(props.get("started") or ""))]
    if isinstance(props.get("seconds"), (int, float)) and props.get("started"):
        said.append(seconds_words(props["seconds"]))
    if props.get("status") not in (None, "", "ok"):
        said.insert(0, str(props["status"]))
    return " · ".join(filter(None, said))


def _stack(key: str, several: Sequence[GraphNode]) -> Card:
    kind = several[0].kind
    steps = {node.name for node in several}
    failed = sum(node.props.get("status") in ("failed", "interrupted") for node in several)
    name = count_of(len(several), kind.lower() or "node")
    one = f" of {next(iter(steps))}" if kind == RUN and len(steps) == 1 else ""
    states = Counter(node.state for node in several if node.state)
    return Card(
        key=key,
        name=f"{name}{one}",
        kind=kind,
        state=next(iter(states)) if len(states) == 1 else "",
        about=f"{failed:,} failed" if failed else "",
        count=len(several),
        states=dict(states),
    )


def _lines(edges: Sequence[GraphEdge], group: Mapping[str, str]) -> list[Line]:
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], GraphEdge] = {}
    for edge in edges:
        cause, effect = group.get(edge.cause), group.get(edge.effect)
        if cause is not None and effect is not None and cause != effect:
            counts[cause, effect] += 1
            kept = first.setdefault((cause, effect), edge)
            if edge.evidence == "observed" != kept.evidence:
                first[cause, effect] = edge
    return [
        Line(cause, effect, first[cause, effect].evidence, first[cause, effect].role, count)
        for (cause, effect), count in counts.items()
    ]
