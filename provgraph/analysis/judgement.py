"""The one definition that answers every question: what stands from a viewpoint (DESIGN §4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provgraph.analysis.facts import PLATFORM, STREAM, Facts, Name
from provgraph.analysis.falling import Fallen, fall
from provgraph.analysis.lying import Lying, lying
from provgraph.analysis.viewpoint import Verdict, Viewpoint
from provgraph.graph.interface import Generation, RunRow, TouchRow, UseRow
from provgraph.graph.projection import nanoseconds
from provgraph.model.answers import BEHIND, CURRENT, MISSING, MODIFIED, RANK, STALE
from provgraph.model.digests import ABSENT
from provgraph.model.names import is_uri
from provgraph.model.parts import BYTES, LISTING

# Why a run is a seed of what falls; the closed set behind every cause in words.
CHANGED = "changed"  # a source it read is different now
DELETED = "deleted"  # a source it read is gone
ADDED = "added"  # something it looked for is there now
OVERWRITTEN = "overwritten"  # a source it read was overwritten by a run that hadn't read it
FAILED = "failed"
INTERRUPTED = "interrupted"
REDONE = "redone"  # the step whose product it read was run again, with another outcome
EDITED = "edited"  # the product it read was edited by hand
CONTESTED = "contested"  # another step took the name over
PENDING = "pending"  # what it rewrote in place was made anew, and it hasn't run since
ASKED = "asked"  # the question supposes it


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a vertex falls by itself, not through another: a reason, and the generation and parts."""

    reason: str
    generation: int | None = None
    parts: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A gap as judging finds it: a reason, its subject, and the vertices it sits on."""

    reason: str
    subject: str
    origins: tuple[int, ...] = ()


@dataclass
class Judgement:
    """What stands, seen from one viewpoint."""

    facts: Facts
    viewpoint: Viewpoint
    stale: Fallen = field(default_factory=Fallen)
    lower: Fallen = field(default_factory=Fallen)
    causes: dict[int, Cause] = field(default_factory=dict)
    pending: dict[Name, list[int]] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)
    lies: dict[Name, Lying] = field(default_factory=dict)
    resting: dict[int, dict[int, Cause]] = field(default_factory=dict)

    def state_of(self, key: int) -> str:
        """Give a vertex its state: current, behind or stale."""
        if key in self.stale:
            return STALE
        return BEHIND if key in self.lower else CURRENT

    def lying(self, name: Name) -> Lying:
        """Find what lies at a name, once."""
        if name not in self.lies:
            self.lies[name] = lying(self.facts, self.viewpoint, name, self._reproducible)
        return self.lies[name]

    def _reproducible(self, generation: Generation) -> bool:
        return generation.maker is not None and generation.maker not in self.stale

    def live_runs(self, name: Name) -> list[int]:
        """Give the runs whose state is the name's: maker (or stand-in), line, pending ones."""
        here = self.lying(name)
        if here.absent or here.generation is None:
            made = self.facts.produced(name)
            return [made[-1].maker] if made and here.absent and made[-1].maker is not None else []
        line = [g for g in self.facts.line(here.generation) if g.maker is not None]
        return [
            run for g in line for run in [self._holder(g)] if run is not None
        ] + self.pending.get(name, [])

    def _holder(self, generation: Generation) -> int | None:
        """Give the maker, or the stand-in with the best state."""
        cls = self.facts.classes.get(generation.key)
        if cls is None:
            return generation.maker
        makers = [g.maker for g in self.facts.members[cls] if g.maker is not None]
        return min(
            [generation.maker, *makers],
            key=lambda run: RANK[self.state_of(run)] if run is not None else len(RANK),
        )

    def name_state(self, name: Name) -> str | None:
        """Give a name its state; None for a source, which has none."""
        here = self.lying(name)
        made = self.facts.produced(name)
        if not made:
            held = here.generation
            copied = held is not None and held.key in self.facts.copied
            # A copy made by hand rests on what it was copied from.
            return self.state_of(held.key) if held is not None and copied else None
        if here.absent:
            return MISSING
        if here.generation is None or here.generation.maker is None:
            return MODIFIED
        states = [self.state_of(run) for run in self.live_runs(name)]
        return max(states, key=lambda state: RANK[state], default=CURRENT)


def judge(facts: Facts, viewpoint: Viewpoint, *, suppose: Iterable[int] = ()) -> Judgement:
    """Judge everything recorded from a viewpoint; `suppose` are vertices taken as fallen.

    Two rounds only differ where the viewpoint has no word for a name with several makers: then
    what lies there depends on what is reproducible. Rounds go on until nothing more falls; a
    run that fell stays fallen.
    """
    judgement = Judgement(facts=facts, viewpoint=viewpoint)
    touches = facts.touches
    _prepare(facts, viewpoint, touches)
    for key in suppose:
        judgement.causes[key] = Cause(ASKED)
    for run in facts.store.unsound_runs():
        judgement.causes[run.key] = Cause(FAILED if run.status == "failed" else INTERRUPTED)
    judgement.stale = fall(facts, judgement.causes)
    consumed: set[int] = set()
    unknown: set[int] = set()
    while True:
        consumed.clear()
        unknown.clear()
        judgement.lies.clear()
        seeds = _unstanding(judgement, touches, consumed, unknown)
        fresh = {run: cause for run, cause in seeds.items() if run not in judgement.causes}
        judgement.causes.update(fresh)
        down = [run for run in fresh if run not in judgement.stale]
        if not down:
            break
        # From the ground up, so that causes and depths are those of the shortest reason.
        judgement.stale = fall(facts, judgement.causes)
    judgement.lies.clear()
    _judge_currency(judgement)
    _find_troubles(judgement, consumed, unknown)
    return judgement


def _prepare(facts: Facts, viewpoint: Viewpoint, touches: list[TouchRow]) -> None:
    """Let the viewpoint look at all that will be asked in one go."""
    wanted: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for project, name in facts.at:
        if project == facts.project:
            wanted[name].update((BYTES, g.digest) for g in facts.at[project, name])
    for touch in touches:
        g = facts.generation(touch.generation)
        if g is not None and g.project == facts.project:
            wanted[g.name].add((touch.part, touch.digest))
    viewpoint.prepare(wanted)


def _unstanding(
    judgement: Judgement, touches: list[TouchRow], consumed: set[int], unknown: set[int]
) -> dict[int, Cause]:
    """Find the runs with a source that doesn't stand, each with its first such cause."""
    facts = judgement.facts
    bad: dict[int, dict[tuple[str, str], str]] = defaultdict(dict)
    for touch in touches:
        if touch.role == PLATFORM and not facts.platform:
            continue
        source = facts.generation(touch.generation)
        if source is None or source.imported:
            continue
        reason = _why_not(judgement, source, touch, consumed, unknown)
        if reason is not None:
            bad[source.key][touch.part, touch.digest] = reason
    seeds: dict[int, Cause] = {}
    readers = facts.readers(list(bad))
    over = {}
    for key, parts in bad.items():
        source = facts.generation(key)
        if source is not None and OVERWRITTEN in parts.values():
            over[key] = judgement.lying((source.project, source.name)).generation
    meant = _meant(facts, over, readers)
    for key, uses in readers.items():
        for use in uses:
            if (use.run, key) in meant:
                consumed.add(key)
                continue
            hit = [
                (part, bad[key][part, d])
                for part, d in use.touched.items()
                if (part, d) in bad[key]
            ]
            cause = Cause(hit[0][1], key, tuple(part for part, _ in hit), use.role) if hit else None
            if cause and (use.run not in seeds or _weight(cause) < _weight(seeds[use.run])):
                seeds[use.run] = cause
    return seeds


def _meant(
    facts: Facts, over: Mapping[int, Generation | None], readers: Mapping[int, Sequence[UseRow]]
) -> set[tuple[int, int]]:
    """Find who read, as a step of a command, what a later step of that command wrote over.

    `over` maps contents to those that came after them. The command has the one read before the
    other is made, each time. Gives pairs of a run and a content.
    """
    makers = {key: g.maker for key, g in over.items() if g is not None and g.maker is not None}
    if not makers:
        return set()
    runs = {use.run for key in makers for use in readers.get(key, ())}
    rows = {row.key: row for row in facts.store.runs(sorted(runs | set(makers.values())))}
    return {
        (use.run, key)
        for key, maker in makers.items()
        for use in readers.get(key, ())
        if maker in rows and use.run in rows and _came_after(rows[maker], rows[use.run])
    }


def _came_after(step: RunRow, other: RunRow) -> bool:
    """Tell whether a step of a command may have made something after another one had begun."""
    if not step.within or step.within != other.within:
        return False
    return step.order[0] > nanoseconds(other.started)


def _weight(cause: Cause) -> tuple[int, bool]:
    """Order causes as people read them: data, then code, then the environment; listings last."""
    order = ("input", "stream", "program", "module", "path", "environment", PLATFORM)
    return order.index(cause.role) if cause.role in order else 0, LISTING in cause.parts


def _why_not(
    judgement: Judgement, source: Generation, touch: TouchRow, consumed: set[int], unknown: set[int]
) -> str | None:
    """Say why a touched part of a source doesn't stand; None where it does."""
    facts, viewpoint = judgement.facts, judgement.viewpoint
    name: Name = (source.project, source.name)
    if source.project == facts.project and viewpoint.has_word(source.name):
        verdict = viewpoint.compare(source.name, touch.part, touch.digest, whole=source.digest)
        if verdict is Verdict.SAME:
            return None
        if verdict is Verdict.UNREADABLE:
            judgement.unreadable.add(source.key)
            return None
        if verdict is Verdict.UNKNOWN:
            if not touch.part.startswith("$"):  # nobody can know a variable before the run
                unknown.add(source.key)
            return None
        here = judgement.lying(name)
        if facts.produced(name) and source in facts.line(here.generation):
            consumed.add(source.key)
            return None
        if touch.digest == ABSENT:
            return OVERWRITTEN if here.generation and here.generation.maker is not None else ADDED
        if here.absent:
            return DELETED
        made = here.generation is not None and here.generation.maker is not None
        return OVERWRITTEN if made else CHANGED
    return _why_not_unseen(judgement, source, touch, consumed, unknown)


def _why_not_unseen(
    judgement: Judgement, source: Generation, touch: TouchRow, consumed: set[int], unknown: set[int]
) -> str | None:
    """Say the same where the viewpoint has no word: by what was recorded there last."""
    facts = judgement.facts
    name: Name = (source.project, source.name)
    if is_uri(source.name):
        if touch.digest != source.digest or source.name.startswith("outside:"):
            unknown.add(source.key)
        return None
    here = judgement.lying(name)
    if here.generation is None or here.generation.digest == source.digest:
        return None
    if source in facts.line(here.generation):
        consumed.add(source.key)
        return None
    if here.generation.maker is None:
        return None if _same_part(judgement, here.generation, touch) else CHANGED
    return OVERWRITTEN


def _same_part(judgement: Judgement, other: Generation, touch: TouchRow) -> bool:
    """Tell whether another generation of a source was seen with the same part."""
    return (touch.part, touch.digest) in judgement.facts.parts_seen.get(other.key, ())


def _judge_currency(judgement: Judgement) -> None:
    """Find what is reproducible but not current."""
    facts = judgement.facts
    found = _Replaced()
    _find_replaced(judgement, found)
    seeds = found.seeds
    for name, runs in _pending(judgement).items():
        judgement.pending[name] = runs
        for run in runs:
            seeds.setdefault(run, Cause(PENDING))
    for key, readers in found.resting.items():
        if key in judgement.stale:
            for run, cause in readers.items():
                seeds.setdefault(run, cause)
    judgement.resting = dict(found.resting)
    fresh = {key: cause for key, cause in seeds.items() if key not in judgement.stale}
    for key, cause in fresh.items():
        judgement.causes.setdefault(key, cause)
    judgement.lower = fall(facts, fresh, base=judgement.stale, also=found.resting)


@dataclass
class _Replaced:
    """Runs that read what isn't there any more, and those that read what another run made again.

    `resting` maps what lies there now to the runs that had read equal content made otherwise:
    they are current as long as it is, for a redo of it may give something else.
    """

    seeds: dict[int, Cause] = field(default_factory=dict)
    resting: dict[int, dict[int, Cause]] = field(default_factory=lambda: defaultdict(dict))


def _find_replaced(judgement: Judgement, found: _Replaced) -> None:
    """Compare each product that was read with what lies at its name, in the parts touched."""
    facts = judgement.facts
    suspects, lines = _not_as_made(judgement)
    makers = {x.maker for g, link, _ in suspects.values() for x in (g, link) if x is not None}
    rows = facts.store.runs([maker for maker in makers if maker is not None])
    ways = {row.key: row.way for row in rows}
    every = facts.readers(list(suspects))
    meant = _meant(facts, {key: link for key, (_, link, _) in suspects.items()}, every)
    for key, uses in every.items():
        g, link, name = suspects[key]
        if g.maker is None:
            continue
        otherwise = (
            link is not None
            and link.maker is not None
            and not facts.is_stream(name)
            and ways.get(link.maker) != ways.get(g.maker)
        )
        for use in uses:
            if use.role == STREAM or use.run in lines[name] or not use.touched:
                continue
            if (use.run, key) in meant:
                continue
            parts = _differing(judgement, use, g, link, name)
            cause = Cause(_manner(g, link), key, parts, use.role)
            if parts:
                found.seeds.setdefault(use.run, cause)
            elif otherwise and link is not None:
                found.resting[link.key].setdefault(use.run, cause)
    for edge in facts.copies:
        if edge.cause in suspects:
            g, link, name = suspects[edge.cause]
            if link is None or link.digest != g.digest:
                found.seeds[edge.effect] = Cause(_manner(g, link), edge.cause, (BYTES,))


Suspect = tuple[Generation, Generation | None, Name]


def _not_as_made(judgement: Judgement) -> tuple[dict[int, Suspect], dict[Name, set[int]]]:
    """Find generations that aren't what lies at their names, each with what it is compared with.

    Also the runs in the line of what lies at each name. Where a name is missing it is compared
    with what was made there last, so that deleting a product doesn't hide that it had been made
    anew with another content.
    """
    facts = judgement.facts
    suspects: dict[int, Suspect] = {}
    lines: dict[Name, set[int]] = {}
    copied = {edge.cause for edge in facts.copies}
    for name, several in facts.at.items():
        made = [g for g in several if g.maker is not None]
        compared = made or [g for g in several if g.key in copied]
        here = judgement.lying(name) if compared else None
        if here is None or (here.absent and not made):
            continue
        lies = made[-1] if here.absent else here.generation
        line = [link for link in facts.line(lies) if link.maker is not None]
        lines[name] = {link.maker for link in line if link.maker is not None}
        newest = {link.step: link for link in reversed(line)}
        for g in compared:
            link = lies if facts.is_stream(name) else newest.get(g.step, lies)
            if link is None or (link.key != g.key and not _one_class(facts, link, g)):
                suspects[g.key] = (g, link, name)
    return suspects, lines


def _one_class(facts: Facts, one: Generation, other: Generation) -> bool:
    cls = facts.classes.get(one.key)
    return cls is not None and cls == facts.classes.get(other.key)


def _manner(read: Generation, link: Generation | None) -> str:
    if link is None or link.maker is None:
        return EDITED
    return REDONE if link.step == read.step else CONTESTED


def _differing(
    judgement: Judgement, use: UseRow, read: Generation, link: Generation | None, name: Name
) -> tuple[str, ...]:
    """Give the touched parts in which what lies at a name differs from what was read."""
    here = judgement.lying(name)
    lies_itself = link is None or (here.generation is not None and link.key == here.generation.key)
    if link is not None and link.digest == read.digest:
        return ()
    out = []
    for part, digest in use.touched.items():
        if lies_itself and here.word and not here.absent:
            verdict = judgement.viewpoint.compare(name[1], part, digest, whole=read.digest)
            same = verdict is not Verdict.DIFFERENT
            if verdict in (Verdict.UNKNOWN, Verdict.UNREADABLE):
                judgement.troubles.append(Trouble("unreadable", name[1], (use.run,)))
        else:
            same = link is not None and link.parts.get(part) == digest
        if not same:
            out.append(part)
    return tuple(out)


def _pending(judgement: Judgement) -> dict[Name, list[int]]:
    """Find runs that rewrote a name in place and must do so again.

    What such a run had read there was made again since by its step, or lies there again (put
    back, or made again unseen), and the run isn't part of how what lies there came about.
    """
    facts = judgement.facts
    out: dict[Name, list[int]] = {}
    for name, several in facts.at.items():
        made = [g for g in several if g.maker is not None]
        in_place = [g for g in made if g.before is not None]
        if not in_place or facts.is_stream(name):
            continue
        here = judgement.lying(name).generation
        line = {link.key for link in facts.line(here)}
        last = {g.step: g.order for g in made}
        for step in {g.step for g in in_place}:
            due = [
                g
                for g in in_place
                if g.step == step
                and g.key not in line
                and (read := facts.generation(g.before or 0)) is not None
                and read.maker is not None
                and read.step != step
                and (
                    last[read.step] > last[step]
                    or (here is not None and here.maker is not None and here.step == read.step)
                )
            ]
            if due and due[-1].maker is not None:
                out.setdefault(name, []).append(due[-1].maker)
    return out


def _find_troubles(judgement: Judgement, consumed: set[int], unknown: set[int]) -> None:
    """Collect the gaps that judging itself can see."""
    facts = judgement.facts
    for edge in facts.unwatched:
        source = facts.generation(edge.effect)
        if source is not None:
            judgement.troubles.append(Trouble("unwatched-writer", source.name, edge.readers))
    for name, several in facts.at.items():
        made = [g for g in several if g.maker is not None]
        if not made:
            continue
        here = judgement.lying(name)
        if here.undecided:
            judgement.troubles.append(Trouble("undecided", name[1], tuple(g.key for g in made)))
        twice = [
            g.maker
            for g in made
            if g.before is not None
            and not g.append
            and g.maker is not None
            and (before := facts.generation(g.before)) is not None
            and before.maker is not None
            and before.step == g.step
        ]
        if twice:
            judgement.troubles.append(Trouble("applied-twice", name[1], tuple(twice)))
    for reason, keys in (
        ("consumed-input", consumed),
        ("unreadable", judgement.unreadable),
        ("unknown-content", unknown - judgement.unreadable),
    ):
        sources = ((key, facts.generation(key)) for key in sorted(keys))
        judgement.troubles += [
            Trouble(reason, source.name, (key,)) for key, source in sources if source is not None
        ]
