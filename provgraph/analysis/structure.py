"""Where the graph is weak, slow or idle: single points of failure, the critical path, repeats.

Asked of the live part: what lies in the project now and everything that rests on (imported nodes
count as live). Single points are dominators (Lengauer & Tarjan 1979, as networkx computes them) of
live results, and articulation points of the graph without its directions (Hopcroft & Tarjan 1973).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from provgraph.analysis.asking import Questions
from provgraph.analysis.showing import run_id
from provgraph.graph.interface import RunRow
from provgraph.model.answers import Chain, Leg, Orphan, Point, Repeat, Structure
from provgraph.model.kinds import KINDS, RUN

if TYPE_CHECKING:
    import networkx as nx

# Chains that are given; they are ends of different results.
MOST_CHAINS = 3


def structure(questions: Questions) -> Structure:
    """Find what `Structure` says."""
    facts, store = questions.facts, questions.facts.store
    every = _everything(questions)
    edges = list(dict.fromkeys((row.cause, row.effect) for row in store.effects_of(sorted(every))))
    edges += [(edge.cause, edge.effect) for edge in (*facts.unwatched, *facts.copies)]
    results = _results(questions, every, edges)
    live = _upstream(results, edges)
    graph = _acyclic(live, edges)
    runs = {row.key: row for row in store.runs(sorted(live))}
    path, seconds = _critical(graph, runs)
    rows = {row.key: row for row in store.vertices(sorted(every))}
    points = _points(graph, results)
    chains = _chains(graph, runs, results)
    orphans = _orphans(questions, every - live, edges)
    repeats = _repeats(questions)

    def id_of(key: int) -> str:
        return run_id(runs[key].id) if key in runs else rows[key].id

    def name_of(key: int) -> str:
        return runs[key].label if key in runs else questions.wording.title(rows[key].name)

    def kind_of(key: int) -> str:
        if key in runs:
            return RUN
        row = rows[key]
        g = facts.generations.get(key)
        made = g is not None and g.maker is not None
        return row.kind or questions.wording.kind(row.name, made)

    return Structure(
        as_of=questions.as_of,
        viewpoint=questions.present.label,
        single_points=tuple(
            Point(id_of(key), name_of(key), kind_of(key), holds, published, apart)
            for key, holds, published, apart in points
        ),
        critical_path=tuple(Leg(id_of(k), runs[k].label, runs[k].seconds) for k in path),
        seconds=seconds,
        redundant=repeats,
        orphans=tuple(Orphan(id_of(key), name_of(key), kind_of(key)) for key in orphans),
        longest=tuple(
            Chain(id_of(end), name_of(end), len(steps), tuple(runs[key].label for key in steps))
            for end, steps in chains
        ),
        gaps=questions.left_out,
        totals={
            "live": len(live),
            "results": len(results),
            "runs": len(runs),
            "single_points": len(points),
            "redundant": sum(len(repeat.runs) - 1 for repeat in repeats),
            "orphans": len(orphans),
        },
    )


def _everything(questions: Questions) -> set[int]:
    facts, store = questions.facts, questions.facts.store
    every = set(facts.generations) | {key for kind in KINDS for key in store.by_kind(kind)}
    return every | {row.key for row in store.list_runs() if row.project == facts.project}


def _results(
    questions: Questions, every: set[int], edges: Sequence[tuple[int, int]]
) -> dict[int, str]:
    """Give live products nobody reads further on, or that are pinned, each with its pin."""
    facts = questions.facts
    read = {cause for cause, _ in edges}
    out: dict[int, str] = {}
    for name in facts.at:
        here = questions.now.lying(name).generation
        if here is None or here.maker is None or facts.is_stream(name):
            continue
        pin = questions.wording.pinned(here)
        if here.key not in read or pin:
            out[here.key] = pin
    out |= {row.key: "" for row in facts.silent}
    imported = every - facts.generations.keys()
    runs = {row.key for row in facts.store.runs(sorted(imported))}
    effects = {effect for _, effect in edges}
    out |= dict.fromkeys((k for k in imported - runs if k not in read and k in effects), "")
    return out


def _upstream(results: Iterable[int], edges: Sequence[tuple[int, int]]) -> set[int]:
    causes: dict[int, list[int]] = defaultdict(list)
    for cause, effect in edges:
        causes[effect].append(cause)
    live = set(results)
    frontier = list(live)
    while frontier:
        frontier = [c for key in frontier for c in causes.get(key, ()) if c not in live]
        frontier = list(dict.fromkeys(frontier))
        live.update(frontier)
    return live


def _acyclic(live: set[int], edges: Sequence[tuple[int, int]]) -> nx.DiGraph[int]:
    """Build the live graph; of a cycle (imports only) the edges that close it are left out."""
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(sorted(live))
    graph.add_edges_from((c, e) for c, e in edges if c in live and e in live and c != e)
    if nx.is_directed_acyclic_graph(graph):
        return graph
    parts = nx.condensation(graph)
    ordered = (
        k for part in nx.topological_sort(parts) for k in sorted(parts.nodes[part]["members"])
    )
    place = {key: number for number, key in enumerate(ordered)}
    kept: nx.DiGraph[int] = nx.DiGraph()
    kept.add_nodes_from(graph)
    kept.add_edges_from((c, e) for c, e in graph.edges if place[c] < place[e])
    return kept


def _critical(graph: nx.DiGraph[int], runs: Mapping[int, RunRow]) -> tuple[list[int], float]:
    """Give the runs of the path that takes longest, cause first, and their time."""
    best = _longest(graph, {key: row.seconds for key, row in runs.items()})
    end = max(best, key=lambda key: (best[key][0], -key), default=None)
    if end is None or best[end][0] <= 0:
        return [], 0.0
    path = [key for key in _back(best, end) if key in runs]
    return path, best[end][0]


def _longest(
    graph: nx.DiGraph[int], weight: Mapping[int, float]
) -> dict[int, tuple[float, int | None]]:
    """Give each node the weight of the heaviest path that ends there, and the node before it."""
    import networkx as nx

    best: dict[int, tuple[float, int | None]] = {}
    for key in nx.topological_sort(graph):
        before = max(graph.predecessors(key), key=lambda k: (best[k][0], -k), default=None)
        base = best[before][0] if before is not None else 0.0
        best[key] = (base + weight.get(key, 0.0), before)
    return best


def _back(best: Mapping[int, tuple[float, int | None]], end: int) -> list[int]:
    path: list[int] = []
    at: int | None = end
    while at is not None:
        path.append(at)
        at = best[at][1]
    return path[::-1]


def _chains(
    graph: nx.DiGraph[int], runs: Mapping[int, RunRow], results: Mapping[int, str]
) -> list[tuple[int, list[int]]]:
    best = _longest(graph, dict.fromkeys(runs, 1.0))
    ends = sorted(results, key=lambda key: (-best[key][0], key))[:MOST_CHAINS]
    return [
        (end, [key for key in _back(best, end) if key in runs]) for end in ends if best[end][0] > 1
    ]


def _points(graph: nx.DiGraph[int], results: Mapping[int, str]) -> list[tuple[int, int, int, bool]]:
    """Give (vertex, results it dominates, published ones, whether it holds the graph together)."""
    import networkx as nx

    root = -1
    rooted = graph.copy()
    rooted.add_edges_from((root, key) for key, degree in graph.in_degree if degree == 0)
    above = nx.immediate_dominators(rooted, root)
    holds: Counter[int] = Counter()
    published: Counter[int] = Counter()
    for key, pin in results.items():
        at = above.get(key, root)
        while at not in (root, None) and at != above.get(at):
            holds[at] += 1
            published[at] += pin == "published"
            at = above[at]
    apart = set(nx.articulation_points(graph.to_undirected(as_view=True)))
    # In a chain each link holds the one result at its end: that is what a chain is.
    telling = [key for key in holds if holds[key] > 1 or published[key]]
    order = sorted(telling, key=lambda k: (-published[k], -holds[k], k not in apart, k))
    return [(key, holds[key], published[key], key in apart) for key in order]


def _orphans(questions: Questions, rest: set[int], edges: Sequence[tuple[int, int]]) -> list[int]:
    """Give artefacts outside the live part that lie at their names, or were never in an edge."""
    facts = questions.facts
    runs = {row.key for row in facts.store.runs(sorted(rest))}
    ends = {key for edge in edges for key in edge}
    out = []
    for key in sorted(rest - runs):
        g = facts.generations.get(key)
        if g is None:
            if key not in ends:
                out.append(key)
            continue
        here = questions.now.lying((g.project, g.name)).generation
        lies = here is not None and here.key == key and g.digest != "absent"
        if lies and not facts.is_stream((g.project, g.name)):
            out.append(key)
    return out


def _repeats(questions: Questions) -> tuple[Repeat, ...]:
    """Find runs of a step done the same way with the same contents read, more than once."""
    facts, store = questions.facts, questions.facts.store
    rows = [
        r for r in store.list_runs() if r.project == facts.project and r.status == "ok" and r.way
    ]
    ways = Counter((row.step, row.way) for row in rows)
    rows = [row for row in rows if ways[row.step, row.way] > 1]
    if not rows:
        return ()
    used: dict[int, set[tuple[str, str]]] = defaultdict(set)
    uses = store.uses_by([row.key for row in rows])
    contents = {
        g.key: (g.name, g.digest) for g in store.generations(sorted({u.generation for u in uses}))
    }
    for use in uses:
        if use.role != "platform" and use.generation in contents:
            used[use.run].add(contents[use.generation])
    sets: dict[tuple[object, ...], list[RunRow]] = defaultdict(list)
    for row in rows:
        sets[row.step, row.way, frozenset(used[row.key])].append(row)
    out = []
    for several in sets.values():
        if len(several) > 1:
            ordered = sorted(several, key=lambda row: row.order)
            wasted = sum(row.seconds for row in ordered[1:])
            ids = tuple(run_id(row.id) for row in ordered)
            out.append(Repeat(ordered[0].label or ordered[0].step, ids, wasted))
    return tuple(sorted(out, key=lambda repeat: (-repeat.seconds, repeat.step)))
