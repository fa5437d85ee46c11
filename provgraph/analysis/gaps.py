"""What an answer doesn't know: troubles and runs' capture gaps, graded and said once each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from provgraph.analysis.change import Target
from provgraph.analysis.facts import PLATFORM, Facts
from provgraph.analysis.falling import integers
from provgraph.analysis.judgement import Judgement, Trouble
from provgraph.model.answers import MISSING, RANK, GapNote
from provgraph.model.gaps import BLOCKING, HIDES_PRODUCTS, grade_of, words_of
from provgraph.model.parts import NATIVE, SEEN

ENVIRONMENT = "environment"


def resting_on(
    facts: Facts, origins: Iterable[int], also: Mapping[int, Iterable[int]] | None = None
) -> set[int]:
    """Give every vertex reached from these by plain reachability, themselves included.

    `also` are more edges, cause → effects.
    """
    start = list(dict.fromkeys(origins))
    out = set(start)
    frontier = start
    extra: dict[int, list[int]] = defaultdict(list)
    for edge in (*facts.unwatched, *facts.copies):
        extra[edge.cause].append(edge.effect)
    for cause, effects in (also or {}).items():
        extra[cause].extend(effects)
    while frontier:
        reach = facts.store.reach(frontier)
        reached = integers(reach.key)
        out.update(reached)
        here = [*frontier, *reached] if extra else []
        frontier = [e for key in here for e in extra.get(key, ()) if e not in out]
        out.update(frontier)
    return out


def blocked_names(judgement: Judgement, trouble: Trouble) -> set[str]:
    """Give the names whose standing a blocking trouble puts in doubt."""
    facts = judgement.facts
    if grade_of(trouble.reason) != BLOCKING:
        return set()
    if not trouble.origins:
        return {trouble.subject}
    reached = resting_on(facts, trouble.origins, _supports(judgement))
    out = set()
    for name in facts.at:
        if not facts.produced(name) or facts.is_stream(name):
            continue
        if judgement.name_state(name) not in (*RANK, MISSING):
            continue
        here = judgement.lying(name).generation
        live = judgement.live_runs(name)
        if any(run in reached for run in live) or (here is not None and here.key in reached):
            out.add(name[1])
    return out


def _supports(judgement: Judgement) -> dict[int, list[int]]:
    """Give what else rests on what: on equal bytes lying there, on stand-ins of fallen makers."""
    facts = judgement.facts
    out: dict[int, list[int]] = defaultdict(list)
    for cause, runs in judgement.resting.items():
        out[cause].extend(runs)
    for members in facts.members.values() if facts.classes else ():
        fallen = [g.key for g in members if g.maker in judgement.lower]
        for g in members if fallen else ():
            if g.maker not in judgement.stale:
                out[g.key].extend(fallen)
    return out


def live_runs(judgement: Judgement) -> set[int]:
    """Give every live run: of names, and the last ones of steps that write nothing."""
    facts = judgement.facts
    out = {run.key for run in facts.silent}
    for name in facts.at:
        out.update(judgement.live_runs(name))
    return out


def gap_notes(
    judgement: Judgement,
    *,
    runs: Collection[int],
    fallen: Collection[int] = (),
    said: Callable[[str, str], GapNote],
    settled: Collection[str] = (),
) -> tuple[GapNote, ...]:
    """Grade and say what isn't known.

    `runs` are those whose capture gaps matter to the answer, `fallen` those that the answer lists
    anyway: of them only what may hide a product of theirs. `said` says a reason and its subject
    (`Wording.gap`). `settled` are the names that it lists,
    so that a trouble which only touches those can't hide anything more.
    """
    seen: dict[tuple[str, str], GapNote] = {}
    for _, reason, subject in judgement.facts.store.run_gaps(sorted(runs)):
        seen.setdefault((reason, subject), said(reason, subject))
    for _, reason, subject in judgement.facts.store.run_gaps(sorted(fallen)):
        if reason in HIDES_PRODUCTS:
            seen.setdefault((reason, subject), said(reason, subject))
    for trouble in judgement.troubles:
        place = (trouble.reason, trouble.subject)
        if place in seen:
            continue
        if grade_of(trouble.reason) == BLOCKING and trouble.origins:
            doubtful = blocked_names(judgement, trouble) - set(settled)
            if not doubtful:
                continue
        seen[place] = said(trouble.reason, trouble.subject)
    return tuple(sorted(seen.values(), key=lambda g: (g.grade != BLOCKING, g.reason, g.subject)))


def unseen_systems(
    judgement: Judgement, runs: Collection[int], targets: Iterable[Target]
) -> tuple[GapNote, ...]:
    """Say which runs may rest on parts of the system that are asked about, and nobody saw it.

    Their records are older, or were made without the native library. Of those that fell, or rest
    on what nobody watched at all, that needn't be said.
    """
    parts = [part for target in targets for _, several in target.names for part in several]
    if not any(part.startswith(NATIVE) for part in parts):
        return ()
    facts = judgement.facts
    uses = facts.store.uses_by(sorted(runs))
    seen = {use.run for use in uses if SEEN in use.touched}
    watched = {use.run for use in uses if use.role in (ENVIRONMENT, PLATFORM)}
    rows = facts.store.runs(sorted(watched - seen))
    return tuple(
        GapNote(BLOCKING, "unversioned", label, words_of("unversioned", label))
        for label in sorted({row.label or row.id for row in rows})
    )


def note(reason: str, subject: str) -> GapNote:
    """Make a graded gap with its words."""
    return GapNote(
        grade=grade_of(reason), reason=reason, subject=subject, words=words_of(reason, subject)
    )
