"""The questions: each takes selectors and gives an answer value, from facts and a viewpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from provgraph.analysis import impact as impacts
from provgraph.analysis.change import Target
from provgraph.analysis.change import between as change_between
from provgraph.analysis.drawing import BOTH, DOWN, UP, around, between, count_paths, piece
from provgraph.analysis.facts import Facts
from provgraph.analysis.gaps import gap_notes, live_runs, note
from provgraph.analysis.impact import Wording
from provgraph.analysis.judgement import Judgement, judge
from provgraph.analysis.paths import label, sentence
from provgraph.analysis.plan import in_words, orders
from provgraph.analysis.selectors import Resolver
from provgraph.analysis.standing import standings
from provgraph.analysis.viewpoint import Viewpoint
from provgraph.errors import SelectorError
from provgraph.model.answers import (
    ChangedName,
    GapNote,
    Impact,
    Lineage,
    PlanStep,
    Status,
)
from provgraph.model.kinds import RUN

# The order in which reasons are read: by the role in which a run used its source.
WEIGHT = {"program": 1, "module": 2, "environment": 3, "platform": 4}
# `why` says this many of its reasons in words; the rest is in the drawn graph.
MOST_SENTENCES = 10
# A drawn piece of graph larger than this is cut, nearest the focus first, and says so.
MOST_DRAWN = 5_000


@dataclass
class Questions:
    """What it takes to answer: facts, where one looks from, words, and how names resolve.

    `left_out` are gaps that hold for every answer (records that couldn't be read).
    """

    facts: Facts
    present: Viewpoint
    wording: Wording
    resolver: Resolver
    as_of: str
    command: Callable[[str], str]
    left_out: tuple[GapNote, ...] = ()

    @cached_property
    def now(self) -> Judgement:
        """Judge the present."""
        return judge(self.facts, self.present)

    # -- what does this change affect ---------------------------------------------------------

    def impact(
        self,
        selectors: Sequence[str],
        *,
        all: bool,
        depth: int | None,
        supposed: Sequence[Target] = (),
    ) -> Impact:
        """Say what a change affects (`Project.impact`); `supposed` are changes to given ones."""
        targets = [self.resolver.target(selector) for selector in selectors]
        targets += supposed
        change = change_between(self.facts, self.present, targets)
        before = self.now if change.before is self.present else None
        fall = impacts.compare(self.facts, change, targets, before=before)
        fall.fell += fall.unseen
        if all:
            fall.fell = impacts.reachable(self.facts, targets, self.now)
        found = impacts.hits(fall, self.wording)
        gaps = [*self.left_out, *impacts.gaps(fall, self.wording, targets)]
        if depth is not None:
            kept = tuple(hit for hit in found if hit.depth <= depth)
            if len(kept) < len(found):
                gaps.append(
                    note(
                        "cut",
                        f"{len(found) - len(kept)} results further than {depth} steps are left out",
                    )
                )
            found = kept
        plan: tuple[PlanStep, ...] = ()
        if fall.fell and not all and len(fall.fell) <= impacts.LONG:
            names = {fell.name for fell in fall.fell}
            plan = self.plan_of(fall.after, names)
        return Impact(
            as_of=self.as_of,
            viewpoint=self.present.label,
            change=tuple(self._with_new_name(said) for said in change.said),
            affected=found,
            already_stale=impacts.already(fall, self.wording),
            gaps=tuple(gaps),
            plan=plan,
            totals=dict(impacts.totals(fall, found, self.wording))
            | {"blocking_gaps": _blocking(gaps)},
            asked=" ".join([*selectors, *(target.selector for target in supposed)]),
        )

    def explain(self, selectors: Sequence[str], effect: str, *, all: bool = False) -> Lineage:
        """Draw every path by which a change reaches something: standing ones, or `all`."""
        targets = [self.resolver.target(selector) for selector in selectors]
        causes = self._starts(targets)
        effects = self.resolver.vertices(effect)
        vertices = between(self.facts, causes, effects)
        if not all:
            stale = self.now.stale
            standing = {k: d for k, d in vertices.items() if k not in stale or k in causes}
            vertices = standing if standing.keys() & set(effects) else vertices
        asked = ", ".join(selectors)
        if not vertices:
            return self._lineage(
                f"why {asked} reaches {effect}",
                {},
                [],
                words=(f"nothing recorded leads from {asked} to {effect}",),
            )
        drawn = self._lineage(
            f"every path from {asked} to {effect}",
            vertices,
            effects,
            words=self._sentences(causes, effects),
        )
        starts = {row.id for row in self.facts.store.vertices(causes)}
        inside = starts & {node.id for node in drawn.nodes}
        paths = count_paths(drawn.edges, inside, drawn.focus)
        return drawn if paths is None else replace(drawn, totals={"paths": paths, **drawn.totals})

    # -- where did it come from ---------------------------------------------------------------

    def lineage(
        self,
        selector: str,
        *,
        direction: str,
        depth: int | None,
        affected: bool = False,
        most: int = MOST_DRAWN,
    ) -> Lineage:
        """Draw what a thing came from, or what came from it; `affected` marks a change's hits."""
        if direction not in (UP, DOWN, BOTH):
            raise SelectorError(f"no such direction: {direction}", hint="give up, down or both")
        focus = self.resolver.vertices(selector)
        vertices, left_out = around(self.facts, focus, direction=direction, depth=depth, most=most)
        gaps = (note("cut", f"{left_out} nodes further away are left out"),) if left_out else ()
        drawn = self._lineage(f"lineage of {selector}", vertices, focus, gaps=gaps)
        if not affected or direction == UP:
            return drawn
        target = self.resolver.target(selector)
        change = change_between(self.facts, self.present, [target])
        before = self.now if change.before is self.present else judge(self.facts, change.before)
        after = judge(self.facts, change.after, suppose=change.suppose)
        fell = [key for key in vertices if key in after.lower and key not in before.lower]
        ids = {row.id for row in self.facts.store.vertices(fell)}
        marked = tuple(
            replace(node, state="affected")
            if node.id in ids and node.id not in drawn.focus
            else node
            for node in drawn.nodes
        )
        return replace(drawn, nodes=marked, question=f"what a change of {selector} affects")

    def why(self, effect: str, *, because: str | None) -> Lineage:
        """Say why a thing is as it is."""
        focus = self.resolver.vertices(effect)
        if because is not None:
            causes = self._starts([self.resolver.target(because)])
            vertices = between(self.facts, causes, focus)
            if not vertices:
                words: tuple[str, ...] = (f"nothing recorded leads from {because} to {effect}",)
                return self._lineage(f"why {effect}, because {because}", {}, focus, words=words)
            return self._lineage(
                f"why {effect}, because {because}",
                vertices,
                focus,
                words=self._sentences(causes, focus),
            )
        vertices, left_out = around(self.facts, focus, direction=UP, depth=None, most=MOST_DRAWN)
        gaps = (note("cut", f"{left_out} nodes further away are left out"),) if left_out else ()
        sources = [key for key in vertices if self._is_source(key)]
        return self._lineage(
            f"why {effect}", vertices, focus, gaps=gaps, words=self._sentences(sources, focus)
        )

    def whole(self, *, most: int = MOST_DRAWN) -> Lineage:
        """Draw everything recorded, up to a size."""
        store = self.facts.store
        everything = dict.fromkeys([*self.facts.generations, *(r.key for r in store.list_runs())])
        # What was imported, or is another project's, comes after what was recorded here.
        everything |= dict.fromkeys(g.key for g in store.at_names(store.all_names()))
        vertices = dict.fromkeys(islice(everything, most), 0)
        cut = len(everything) > most
        gaps = (note("cut", f"only {most} nodes are shown"),) if cut else ()
        return self._lineage("everything recorded", vertices, [], gaps=gaps)

    def told_by(self, selector: str) -> str:
        """Give the selector that a person would use for what this one means.

        That is a name where the name alone means it, else its id; of several things what was given.
        """
        keys = self.resolver.vertices(selector)
        if len(keys) != 1:
            return selector
        store = self.facts.store
        runs = store.runs(keys)
        if runs:
            return runs[0].id if runs[0].id.startswith("run:") else f"run:{runs[0].id}"
        vertex = store.vertices(keys)[0]
        try:
            alone = self.resolver.vertices(vertex.name) == keys
        except SelectorError:
            alone = False
        return vertex.name if alone else vertex.id

    def piece_of(self, question: str, vertices: Mapping[int, int], focus: Sequence[int]) -> Lineage:
        """Draw these vertices, each with its depth."""
        return self._lineage(question, vertices, focus)

    # -- what is out of date ------------------------------------------------------------------

    def status(self) -> Status:
        """Compare what was recorded with the present."""
        found = standings(self.now, self.wording)
        live = live_runs(self.now)
        gaps = (*self.left_out, *gap_notes(self.now, runs=live, said=self.wording.gap))
        counts = {
            "current": len(found.current),
            "behind": len(found.behind),
            "stale": len(found.stale),
            "modified": len(found.modified),
            "missing": len(found.missing),
            "blocking_gaps": _blocking(gaps),
        }
        return Status(
            as_of=self.as_of,
            viewpoint=self.present.label,
            stale=found.stale,
            behind=found.behind,
            modified=found.modified,
            missing=found.missing,
            current=found.current,
            gaps=gaps,
            plan=self.plan_of(self.now, None),
            totals=counts,
        )

    # -- inside -------------------------------------------------------------------------------

    def _with_new_name(self, said: ChangedName) -> ChangedName:
        """Say of a deleted source where its content lies now."""
        several = self.facts.at.get((self.facts.project, said.name))
        if said.how != "deleted" or not several or not self.present.is_absent(said.name):
            return said
        moved = self.wording.moved(several[-1])
        return replace(said, how=f"renamed to {moved}") if moved else said

    def plan_of(self, judgement: Judgement, names: set[str] | None) -> tuple[PlanStep, ...]:
        several = orders(judgement, names)
        return in_words(self.facts, several, command=self.command, title=self.wording.title)

    def _starts(self, targets: Sequence[Target]) -> list[int]:
        out: list[int] = []
        for target in targets:
            out += [*target.keys, *target.contents]
            for name, parts in target.names:
                keys = self.facts.keys_at((self.facts.project, name))
                if parts:
                    seen = self.facts.parts_seen
                    keys = [k for k in keys if {p for p, _ in seen.get(k, ())} & set(parts)]
                out += keys
        return out

    def _is_source(self, key: int) -> bool:
        g = self.facts.generations.get(key)
        return g is not None and g.maker is None and g.digest != "absent"

    def _sentences(self, causes: Sequence[int], effects: Sequence[int]) -> tuple[str, ...]:
        """Say the shortest path from each cause to the effect: data first, the machine last."""
        reach = self.facts.store.reach(list(effects), backwards=True)
        toward = self.facts.nearer(reach, effects, backwards=True)
        wanted = set(causes)
        found = sorted(zip(reach.depth, reach.key, strict=True), key=lambda pair: int(pair[0]))
        steps = {int(key): int(depth) for depth, key in found if int(key) in wanted}
        near = sorted(self.facts.ranked(steps), key=steps.__getitem__)
        roles = {
            (use.generation, use.run): use.role
            for use in self.facts.store.uses_by(sorted({toward[key] for key in near}))
            if self.facts.counts(use)
        }
        order = sorted(
            (key for key in near if self.facts.platform or self._on_path(key, toward, roles)),
            key=lambda key: WEIGHT.get(roles.get((key, toward[key]), ""), 0),
        )
        trails = []
        for key in order[:MOST_SENTENCES]:
            path = [key]
            while path[-1] in toward and path[-1] not in effects:
                path.append(toward[path[-1]])
            trails.append(path)
        labels = label(self.facts.store, {k for path in trails for k in path}, self.wording.title)
        said = [
            sentence(path, labels, role=roles.get((path[0], path[1]), "") if path[1:] else "")
            for path in trails
        ]
        more = len(order) - len(said)
        return (*said, f"… and {more} more sources") if more > 0 else tuple(said)

    def _on_path(self, key: int, toward: dict[int, int], roles: dict[tuple[int, int], str]) -> bool:
        """Tell whether a source is used in a way that counts (the machine's tier doesn't)."""
        g = self.facts.generations.get(key)
        machine = g is not None and g.name.startswith(("env:", "hardware:"))
        return not machine or (key, toward[key]) in roles

    def _lineage(
        self,
        question: str,
        vertices: Mapping[int, int],
        focus: Sequence[int],
        *,
        gaps: Sequence[GapNote] = (),
        words: tuple[str, ...] = (),
    ) -> Lineage:
        states = {key: self._shown_state(key) for key in vertices}
        drawn = piece(self.facts, vertices, focus, wording=self.wording, states=states)
        runs = [key for key in vertices if key not in self.facts.generations]
        every = (*self.left_out, *gaps, *gap_notes(self.now, runs=runs, said=self.wording.gap))
        kinds = Counter(node.kind for node in drawn.nodes)
        return Lineage(
            as_of=self.as_of,
            viewpoint=self.present.label,
            question=question,
            nodes=drawn.nodes,
            edges=drawn.edges,
            focus=drawn.focus,
            gaps=every,
            words=words,
            totals={"nodes": len(drawn.nodes), "edges": len(drawn.edges), "runs": kinds[RUN]},
        )

    def _shown_state(self, key: int) -> str:
        """Give a vertex the state people know: its name's where it lies there, else its own."""
        g = self.facts.generations.get(key)
        if g is None:
            return self.now.state_of(key)
        name = (g.project, g.name)
        here = self.now.lying(name).generation
        if here is not None and here.key == key:
            return self.now.name_state(name) or (
                "" if key not in self.now.lower else self.now.state_of(key)
            )
        return self.now.state_of(key) if g.maker is not None else ""


def _blocking(gaps: Sequence[GapNote]) -> int:
    return sum(gap.grade == "blocking" for gap in gaps)
