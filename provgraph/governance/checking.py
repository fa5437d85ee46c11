"""What the difference between two states of a project fells, judged by a policy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from provgraph.analysis import impact as impacts
from provgraph.analysis.asking import Questions
from provgraph.analysis.change import Between, Target
from provgraph.analysis.impact import LONG, Fall, Fell, Outline
from provgraph.analysis.judgement import judge
from provgraph.governance.effects import Comparing, Effects, Roots
from provgraph.governance.findings import Findings, lost_hit
from provgraph.governance.gate import Gate
from provgraph.governance.policy import Policy
from provgraph.model.answers import MISSING, MODIFIED, RANK, STALE, GapNote, PlanStep
from provgraph.model.checks import (
    AFFECTS,
    SPARED,
    UNREAD,
    Check,
)
from provgraph.model.gaps import BLOCKING, NOTED

UNDECIDED = "undecided"


def check(questions: Questions, states: Comparing, policy: Policy, today: date) -> Check:
    """Judge both states, and say what falls from the one to the other and whether that passes."""
    facts = questions.facts
    names: dict[str, set[str]] = defaultdict(set)
    for draft in states.drafts:
        for name, parts in draft.reads.items():
            names[name].update(parts or ("",))
    target = Target(
        "", tuple((name, () if "" in parts else tuple(parts)) for name, parts in names.items())
    )
    change = Between(states.before, states.after, (), ())
    before = judge(facts, states.before)
    fall = impacts.compare(facts, change, [target], before=before)
    fall.fell += fall.unseen
    lost = [lost_hit(questions, fell) for fell in _lost(fall, names)]
    roots = Roots(fall.after, states.drafts)
    changes = Effects(questions, states, fall, roots, lost).told()
    found = impacts.hits(fall, questions.wording)
    outlines = _outlines(fall, questions)
    gaps = (*questions.left_out, *_gaps(fall, questions)) if states.drafts else ()
    plan = _plan(questions, fall)
    gate = Gate(policy, today)
    findings = Findings(questions, fall, found, lost, roots, gate)
    for fell, outline in outlines:
        gate.hit(outline, roots.of(fell.decided))
    for hit in lost:
        gate.hit(Outline(hit.name, hit.kind, hit.state, 0, hit.pinned), hit.name)
    gate.gaps(gaps)
    gate.limits(len(outlines) + len(lost), plan)
    states_ = Counter(outline.state for _, outline in outlines)
    pins = Counter(outline.pinned for _, outline in outlines)
    pins.update(hit.pinned for hit in lost)
    effects = Counter(one.effect for one in changes)
    totals = {
        "changes": len(changes),
        "affecting": effects[AFFECTS],
        "spared": effects[SPARED],
        "unread": effects[UNREAD],
        "affected": len(outlines) + len(lost),
        "stale": states_[STALE],
        "behind": states_["behind"],
        "missing": sum(hit.state == MISSING for hit in lost),
        "published": pins["published"],
        "pinned": pins.total() - pins[""],
        "already_stale": len(fall.already),
        "blocking_gaps": sum(gap.grade == BLOCKING for gap in gaps),
    }
    return Check(
        as_of=questions.as_of,
        base=states.base,
        head=states.head,
        passed=not gate.failures,
        verdict=_verdict(totals),
        failures=tuple(gate.failures),
        changes=changes,
        affected=findings if len(findings) > LONG else tuple(findings),
        already_stale=impacts.already(fall, questions.wording),
        gaps=tuple(gaps),
        plan=plan,
        excused=tuple(dict.fromkeys(gate.excused)),
        expired=tuple(dict.fromkeys(gate.expired)),
        totals=totals,
    )


def _lost(fall: Fall, changed: Mapping[str, object]) -> list[Fell]:
    """Find results that were current and that the change itself replaces by hand, or deletes."""
    facts = fall.after.facts
    out = []
    for name in changed:
        place = (facts.project, name)
        if not facts.produced(place):
            continue
        old, new = fall.before.name_state(place), fall.after.name_state(place)
        if old in RANK and new in (MODIFIED, MISSING):
            here = fall.before.lying(place).generation
            key = here.key if here is not None else facts.at[place][-1].key
            out.append(Fell(name, key, key, new))
    return out


def _gaps(fall: Fall, questions: Questions) -> list[GapNote]:
    """Say what could hide a hit.

    Which of several valid contents lies at a name can't, where that is as open on both sides: what
    stands on either of them stands on the other, too.
    """
    facts = fall.after.facts
    open_on_both = {
        questions.wording.title(trouble.subject)
        for trouble in fall.after.troubles
        if trouble.reason == UNDECIDED
        and (before := fall.before.lying((facts.project, trouble.subject))).undecided
        and before.generation == fall.after.lying((facts.project, trouble.subject)).generation
    }
    return [
        replace(gap, grade=NOTED)
        if gap.reason == UNDECIDED and gap.subject in open_on_both
        else gap
        for gap in impacts.gaps(fall, questions.wording)
    ]


def _verdict(totals: Mapping[str, int]) -> str:
    """Say in one line what the check found."""
    affected, blocking = totals["affected"], totals["blocking_gaps"]
    if not totals["changes"]:
        return "Nothing differs."
    if affected:
        said = (
            "1 thing that was current is affected"
            if affected == 1
            else (f"{affected:,} things that were current are affected")
        )
        held = totals["pinned"]
        if not held:
            said += ", none of them pinned" if affected > 1 else ""
        elif affected == 1:
            said += ", and it is published" if totals["published"] else ", and it is pinned"
        else:
            said += f", {held:,} of them pinned or published"
    elif blocking:
        said = "Nothing known is affected"
    else:
        said = "Nothing that was current is affected"
    if blocking:
        things = "1 gap" if blocking == 1 else f"{blocking:,} gaps"
        said += f"; {things} could hide {'more' if affected else 'an effect'}"
    return said + "."


def _outlines(fall: Fall, questions: Questions) -> list[tuple[Fell, Outline]]:
    """Give each hit without its reason, beside what fell."""
    return list(
        zip(fall.fell, impacts.outline_of(fall.after, fall.fell, questions.wording), strict=True)
    )


def _plan(questions: Questions, fall: Fall) -> tuple[PlanStep, ...]:
    if not fall.fell or len(fall.fell) > LONG:
        return ()
    return questions.plan_of(fall.after, {fell.name for fell in fall.fell})
