"""A question's change: the names and parts it is about, and the two viewpoints it lies between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provgraph.analysis.facts import Facts, Name
from provgraph.analysis.lying import lying
from provgraph.analysis.viewpoint import ANY_OTHER, GONE, Changed, Content, Viewpoint, other_parts
from provgraph.graph.interface import Generation
from provgraph.model.answers import ChangedName
from provgraph.model.digests import ABSENT
from provgraph.model.kinds import DATASET
from provgraph.model.parts import THERE


@dataclass(frozen=True, slots=True)
class Target:
    """What a selector names: names of this project (each with parts, () for any), or vertices.

    `keys` are vertices taken as changed themselves (imported nodes, runs); `contents` are
    generations whose readers are asked for (`x@ab12`). `content` is what is supposed to lie at the
    names (None: anything else), `how` says that.
    """

    selector: str
    names: tuple[tuple[str, tuple[str, ...]], ...] = ()
    keys: tuple[int, ...] = ()
    contents: tuple[int, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    content: Content | None = None
    how: str = "any change"


@dataclass(frozen=True, slots=True)
class Between:
    """The change as two viewpoints, with the vertices supposed to fall, and how it is said."""

    before: Viewpoint
    after: Viewpoint
    suppose: tuple[int, ...]
    said: tuple[ChangedName, ...]


def between(facts: Facts, present: Viewpoint, targets: Sequence[Target]) -> Between:
    """Set up the change.

    A name edited since anything recorded read or wrote it is compared with how it was before
    the edit, so that asking after an edit and asking before one give the same hits. Every other
    name is supposed to become different, in the parts named or in all.
    """
    before: dict[str, Content] = {}
    after: dict[str, Content] = {}
    said: list[ChangedName] = []
    suppose: list[int] = []
    for target in targets:
        kinds = dict(target.kinds)
        for name, parts in target.names:
            kind = kinds.get(name, DATASET)
            how = target.how
            if target.content is not None:
                after[name] = target.content
                said.append(ChangedName(name=name, kind=kind, parts=parts, how=how))
                continue
            was = None if parts else _before_edit(facts, present, (facts.project, name))
            if was is not None:
                before[name] = was[0]
                how = was[1]
            elif name not in after:
                after[name] = other_parts(*parts) if parts else ANY_OTHER
            said.append(ChangedName(name=name, kind=kind, parts=parts, how=how))
        suppose.extend(target.keys)
        read = facts.store.uses_of(list(target.contents)) if target.contents else []
        suppose.extend(use.run for use in read if facts.counts(use))
        suppose.extend(_in_doubt(facts, [name for name, _ in target.names]))
        if not target.names:
            said.append(ChangedName(name=target.selector, kind=kinds.get("", ""), how="any change"))
    return Between(
        before=Changed(present, before) if before else present,
        after=Changed(present, after) if after else present,
        suppose=tuple(dict.fromkeys(suppose)),
        said=tuple(said),
    )


def _in_doubt(facts: Facts, names: Sequence[str]) -> list[int]:
    """Give the imported contents of names that somebody read without saying in which parts."""
    keys = [g.key for n in names for g in facts.at.get((facts.project, n), ()) if g.imported]
    read = facts.store.uses_of(keys) if keys else []
    return [use.generation for use in read if facts.counts(use) and not use.touched]


def _before_edit(facts: Facts, present: Viewpoint, name: Name) -> tuple[Content, str] | None:
    """Give how a name was before an edit by hand, and what the edit did; None: no edit."""
    several = facts.at.get(name)
    if not present.has_word(name[1]):
        return None
    if not several:  # only seen to be there
        gone = name in facts.seen and present.is_absent(name[1])
        return (Content(THERE, {}), "deleted") if gone else None
    here = lying(facts, present, name, lambda _: True)
    made = facts.produced(name)
    newest: Generation = (made or several)[-1]
    if newest.imported:
        return None
    if here.absent:
        gone = newest.digest != ABSENT and not made
        return (_as_recorded(facts, newest), "deleted") if gone else None
    if not here.edited:
        return None
    if newest.digest == ABSENT:
        return GONE, "added"
    return _as_recorded(facts, newest), "edited"


def _as_recorded(facts: Facts, generation: Generation) -> Content:
    parts = dict(facts.parts_seen.get(generation.key, ()))
    return Content(generation.digest, {**parts, **generation.parts})
