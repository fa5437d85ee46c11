"""Which recorded generation lies at a name, as a viewpoint sees it (DESIGN §3, §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from provgraph.analysis.facts import Facts, Name
from provgraph.analysis.viewpoint import Viewpoint
from provgraph.graph.interface import Generation
from provgraph.model.digests import ABSENT


@dataclass(frozen=True, slots=True)
class Lying:
    """What lies at a name: a recorded generation, nothing (`absent`), or nobody's bytes (neither).

    `word` tells whether the viewpoint itself said so; `undecided` that several valid contents
    compete for a name it has no word for.
    """

    generation: Generation | None
    absent: bool = False
    word: bool = True
    undecided: bool = False

    @property
    def edited(self) -> bool:
        """Tell whether the bytes there are nobody's that we know."""
        return self.generation is None and not self.absent


def lying(
    facts: Facts, viewpoint: Viewpoint, name: Name, reproducible: Callable[[Generation], bool]
) -> Lying:
    """Find what lies at a name: by its bytes, never by date, where the viewpoint has a word."""
    several = facts.at.get(name, [])
    if name[0] == facts.project and viewpoint.has_word(name[1]):
        if viewpoint.is_absent(name[1]):
            gone = next((g for g in several if g.maker is None and g.digest == ABSENT), None)
            return Lying(generation=gone, absent=True)
        candidates = {g.digest for g in several if g.digest != ABSENT}
        digest = viewpoint.whole(name[1], candidates)
        if digest is not None or viewpoint.is_sure(name[1], candidates):
            same = [g for g in several if g.digest == digest]
            made = [g for g in same if g.maker is not None]
            found = made or same
            return Lying(generation=found[-1] if found else None)
    made = [g for g in several if g.maker is not None]
    if not made:
        return Lying(generation=several[-1] if several else None, word=False)
    valid = [g for g in made if reproducible(g)]
    # Only the step that wrote there last: what another had made before doesn't come back.
    chosen = ([g for g in valid if g.step == made[-1].step] or made)[-1]
    line = {link.digest for link in facts.line(chosen)}
    undecided = any(g.digest not in line for g in valid)
    return Lying(generation=chosen, word=False, undecided=undecided)
