"""Lineage, why and explain as text: sentences, then trees from the focus to causes and effects."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from provgraph.model.answers import GraphEdge, GraphNode, Lineage
from provgraph.model.digests import ABSENT
from provgraph.model.parts import BYTES
from provgraph.render import plain
from provgraph.render.terminal import Page, Span
from provgraph.render.text_parts import kind_rank, state_rank, write_as_of, write_gaps

# (edge, role) → what the effect did with the cause; (edge, "") for any other role
_UP: dict[tuple[str, str], str] = {
    ("USES", ""): "read",
    ("USES", "script"): "ran",
    ("USES", "program"): "ran",
    ("USES", "module"): "imported",
    ("USES", "path"): "looked for modules in",
    ("USES", "code"): "ran",
    ("USES", "import"): "imported",
    ("USES", "environment"): "ran in",
    ("USES", "hardware"): "ran on",
    ("USES", "agent"): "by",
    ("USES", "stream"): "read of",
    ("USES", "listing"): "listed",
    ("USES", "lookup"): "looked for",
    ("PRODUCES", ""): "made by",
    ("DEPENDS_ON", ""): "from",
    ("DEPENDS_ON", "copy"): "copy of",
}
_DOWN: dict[tuple[str, str], str] = {
    ("USES", ""): "read by",
    ("USES", "script"): "run by",
    ("USES", "program"): "run by",
    ("USES", "module"): "imported by",
    ("USES", "path"): "searched for modules by",
    ("USES", "code"): "run by",
    ("USES", "import"): "imported by",
    ("USES", "environment"): "under",
    ("USES", "hardware"): "under",
    ("USES", "agent"): "did",
    ("USES", "lookup"): "looked for by",
    ("USES", "listing"): "listed by",
    ("PRODUCES", ""): "made",
    ("DEPENDS_ON", ""): "led to",
    ("DEPENDS_ON", "copy"): "copied to",
}


@dataclass(slots=True)
class _Tree:
    """The graph seen in one direction, and what of it has been written."""

    page: Page
    nodes: Mapping[str, GraphNode]
    next: Mapping[str, list[GraphEdge]]
    up: bool
    keep: frozenset[str]
    written: set[str] = field(default_factory=set)
    later: deque[str] = field(default_factory=deque)

    def end(self, edge: GraphEdge) -> str:
        return edge.cause if self.up else edge.effect


def write_lineage(page: Page, lineage: Lineage) -> None:
    """Write the sentences, one tree for each focus and direction, and what isn't known."""
    nodes = {node.id: node for node in lineage.nodes}
    if lineage.question:
        page.prose(page.say(lineage.question), tone="heading")
    for words in lineage.words:
        page.prose(page.say(words))
    up, down = _neighbours(lineage, up=True), _neighbours(lineage, up=False)
    focus = [key for key in lineage.focus if key in nodes] or _ends(lineage)
    keep = _nearest(page, focus, up, down)
    written: set[str] = set()
    for key in focus:
        if key in written:
            continue
        trees = [
            _Tree(page, nodes, edges, is_up, keep)
            for edges, is_up in ((up, True), (down, False))
            if edges.get(key)
        ]
        both = len(trees) == 2
        for tree in trees or [_Tree(page, nodes, {}, True, keep)]:
            if both:
                page.heading("Comes from" if tree.up else "Leads to")
            else:
                page.gap()
            _write_tree(tree, key)
            written |= tree.written
    hidden = len(nodes) - len(keep)
    if hidden > 0:
        page.gap()
        page.more(hidden, "nodes", indent=0)
    write_gaps(page, lineage.gaps)
    write_as_of(page, lineage.as_of, lineage.viewpoint)


def _neighbours(lineage: Lineage, *, up: bool) -> dict[str, list[GraphEdge]]:
    nodes = {node.id: node for node in lineage.nodes}
    found: dict[str, list[GraphEdge]] = defaultdict(list)
    for edge in lineage.edges:
        if edge.cause in nodes and edge.effect in nodes:
            found[edge.effect if up else edge.cause].append(edge)

    def order(edge: GraphEdge) -> tuple[object, ...]:
        node = nodes[edge.cause if up else edge.effect]
        plumbing = node.kind in ("Environment", "Hardware", "Agent")
        rank = (state_rank(node.state) if node.state else 0, kind_rank(node.kind))
        return (plumbing, node.kind == "Script", *rank, node.name, node.id, edge.type, edge.role)

    return {key: sorted(edges, key=order) for key, edges in found.items()}


def _ends(lineage: Lineage) -> list[str]:
    causes = {edge.cause for edge in lineage.edges}
    return [node.id for node in lineage.nodes if node.id not in causes] or [
        node.id for node in lineage.nodes[:1]
    ]


def _nearest(
    page: Page,
    focus: list[str],
    up: Mapping[str, list[GraphEdge]],
    down: Mapping[str, list[GraphEdge]],
) -> frozenset[str]:
    """Choose the nodes to write: all, or the nearest to the focus."""
    most = page.style.limit * 6 or None
    seen = dict.fromkeys(focus)
    queue = deque(focus)
    while queue and (most is None or len(seen) < most):
        key = queue.popleft()
        ends = [e.cause for e in up.get(key, ())] + [e.effect for e in down.get(key, ())]
        for end in ends:
            if end not in seen and (most is None or len(seen) < most):
                seen[end] = None
                queue.append(end)
    return frozenset(seen)


def _write_tree(tree: _Tree, root: str) -> None:
    tree.page.line(*_label(tree, tree.nodes[root], tree.page.width))
    tree.written.add(root)
    _write_branches(tree, root, "")
    while tree.later:
        key = tree.later.popleft()
        tree.page.gap()
        dots = f"{tree.page.dots} "
        label = _label(tree, tree.nodes[key], tree.page.width - 2 - len(dots))
        tree.page.line((dots, "dim"), *label)
        _write_branches(tree, key, "")


def _write_branches(tree: _Tree, key: str, stem: str) -> None:
    page = tree.page
    branches = tree.next.get(key, [])
    chosen = [edge for edge in branches if tree.end(edge) in tree.keep]
    hidden = len(branches) - len(chosen)
    tee, last, down = ("├─ ", "└─ ", "│  ") if page.style.unicode else ("|- ", "`- ", "|  ")
    if page.narrow:
        tee, last, down = tee[:1] + " ", last[:1] + " ", down[:2]
    # Room for a name must stay: deeper branches go on at the margin.
    deep = len(stem) + len(tee) > page.width * 2 // 5
    for position, edge in enumerate(chosen):
        end = position == len(chosen) - 1 and not hidden
        node = tree.nodes[tree.end(edge)]
        lead = stem + (last if end else tee)
        below = [e for e in tree.next.get(node.id, []) if tree.end(e) != key]
        seen = node.id in tree.written
        note = ""
        if seen and below:
            note = " (above)"
        elif deep and below:
            note = " (goes on below)"
        verb = _verb(edge, up=tree.up)
        room = page.width - plain.width_of(lead) - len(verb) - 1 - len(note)
        spans = _label(tree, node, room, edge)
        page.line((lead, "dim"), (verb + " ", "dim"), *spans, (note, "dim"))
        if seen:
            continue
        tree.written.add(node.id)
        if deep and below:
            tree.later.append(node.id)
        else:
            _write_branches(tree, node.id, stem + (" " * len(down) if end else down))
    if hidden:
        page.line((stem + last + f"{page.dots} {hidden:,} more", "dim"))


def _verb(edge: GraphEdge, *, up: bool) -> str:
    table = _UP if up else _DOWN
    if BYTES in edge.touched and edge.touched[BYTES] == ABSENT:
        return table["USES", "lookup"]
    role = str(edge.props.get("how", "")) or edge.role
    return table.get((edge.type, role)) or table.get((edge.type, ""), "to" if up else "of")


def _label(
    tree: _Tree, node: GraphNode, room: int, edge: GraphEdge | None = None
) -> tuple[Span, ...]:
    """Write a node in the room there is: its name, parts touched, state, kind."""
    page = tree.page
    tags: list[Span] = []
    if edge is not None:
        if parts := _parts(page, edge):
            tags.append((f" ({parts})", "dim"))
        if edge.evidence and edge.evidence != "observed":
            tags.append((f" [{page.say(edge.evidence)}]", "dim"))
    if node.state:
        tags += [(page.dot + page.say(node.state), node.state)]
    if edge is None or node.kind not in ("Run", "Result", "Script"):
        tags.append((page.dot + page.say(node.kind), "dim"))
    name = page.say(node.name)
    # The name comes first: tags that leave it no room are dropped, the least telling one first.
    while tags and plain.width_of(name) + sum(plain.width_of(t) for t, _ in tags) > room:
        wanted = min(plain.width_of(name), max(20, room // 2))
        if wanted + sum(plain.width_of(t) for t, _ in tags) <= room:
            break
        tags.pop()
    width = max(8, room - sum(plain.width_of(text) for text, _ in tags))
    cut = plain.clip if node.kind == "Run" else plain.shorten
    tone = "bold" if edge is None else ("command" if node.kind == "Run" else "")
    return ((cut(name, width, dots=page.dots), tone), *tags)


def _parts(page: Page, edge: GraphEdge) -> str:
    parts = sorted(part for part in edge.touched if not part.startswith("#"))
    if not parts:
        return ""
    more = f" +{len(parts) - 3}" if len(parts) > 3 else ""
    return ", ".join(page.say(part) for part in parts[:3]) + more
