"""The sections that several answers share: gaps, the plan, as of when."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from provgraph.model.answers import MISSING, RANK, Already, GapNote, PlanStep
from provgraph.model.gaps import ACCEPTED, BLOCKING, words_of
from provgraph.render.advice import ADVICE
from provgraph.render.terminal import Page, Span, count_of, seconds_words

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?")
_PINS = {"published": 0, "": 2}
_KIND_ORDER = {"Result": 0, "Run": 2}


def when(text: str) -> str:
    """Shorten an RFC 3339 time to minutes; other text stays as it is."""
    return _TIME.sub(lambda m: f"{m[1]} {m[2]}" + (" UTC" if m[3] == "Z" else m[3] or ""), text)


def state_rank(state: str) -> int:
    """Order states, the lowest first."""
    return -RANK.get(state, 3)


def pin_rank(pinned: str) -> int:
    """Order pins: published, then other pins, then none."""
    return _PINS.get(pinned, 1)


def kind_rank(kind: str) -> int:
    """Order kinds: results first, runs last."""
    return _KIND_ORDER.get(kind, 1)


def count_kinds(kinds: Iterable[str]) -> list[str]:
    """Count things by kind, results first: `4 results`, `1 run`."""
    counts = Counter(kinds)
    order = sorted(counts, key=lambda kind: (kind_rank(kind), kind))
    return [count_of(counts[kind], kind.lower() if kind else "name") for kind in order]


def blocking(gaps: Sequence[GapNote]) -> list[GapNote]:
    """Give the gaps that could hide an effect."""
    return [gap for gap in gaps if gap.grade == BLOCKING]


def gap_words(gap: GapNote) -> str:
    """Say a gap in words."""
    return gap.words or words_of(gap.reason, gap.subject)


def write_gaps(page: Page, gaps: Sequence[GapNote], *, effect: str = "an effect") -> None:
    """Write what isn't known: blocking gaps with what closes them, then noted and accepted ones."""
    hard = blocking(gaps)
    if hard:
        page.heading(f"Could hide {effect}", len(hard))
        _write_blocking(page, hard)
    soft = [gap for gap in gaps if gap.grade not in (BLOCKING, ACCEPTED)]
    accepted = [gap for gap in gaps if gap.grade == ACCEPTED]
    for title, several in (("Noted", soft), ("Accepted", accepted)):
        if several:
            page.heading(title, len(several))
        limit = page.style.limit or len(several)
        for gap in several[:limit]:
            page.prose(page.say(gap_words(gap)), indent=2, first=page.bullet + " ")
        page.more(len(several) - limit)


def _write_blocking(page: Page, gaps: Sequence[GapNote]) -> None:
    limit = page.style.limit or len(gaps)
    first = {gap.reason: -position for position, gap in reversed(list(enumerate(gaps)))}
    ordered = sorted(gaps, key=lambda gap: -first[gap.reason])
    left = limit
    for reason, group in groupby(ordered, key=lambda gap: gap.reason):
        members = list(group)
        # Each reason is named at least once, however many there are of another.
        taken = members[: max(1, left)]
        left -= len(taken)
        for gap in taken:
            page.prose(page.say(gap_words(gap)), indent=2, first="! ", tone="blocking")
        page.more(len(members) - len(taken), f"({page.say(reason)})", indent=4)
        if reason in ADVICE:
            page.prose(page.own(ADVICE[reason]), indent=4, first=page.arrow + " ", tone="dim")


def write_already(page: Page, already: Sequence[Already]) -> None:
    """Write what wasn't current before the change, and is reached by it."""
    if not already:
        return
    gone = any(item.state == MISSING for item in already)
    states = "stale, behind or missing" if gone else "stale or behind"
    page.heading(f"Already {states}, and reached by this change", len(already))
    entries = sorted(already, key=lambda item: (state_rank(item.state), item.name))
    limit = page.style.limit or len(entries)
    room = page.width - 12
    rows: list[list[Span]] = [
        [(page.short(item.name, room), ""), (page.say(item.state), item.state)]
        for item in entries[:limit]
    ]
    page.table(rows)
    page.more(len(entries) - limit)


def write_plan(
    page: Page, plan: Sequence[PlanStep], *, title: str = "To bring them up to date"
) -> None:
    """Write what to do, in order, as commands to paste."""
    if not plan:
        return
    runs = [step for step in plan if step.action == "run"]
    known = [step.seconds for step in runs if step.seconds is not None]
    size = [count_of(len(runs), "run")] if runs else []
    if known:
        about = "about " if len(known) == len(runs) else "at least "
        size.append(f"{about}{seconds_words(sum(known))} as recorded")
    page.heading(title + (f": {', '.join(size)}" if size else ""))
    limit = page.style.limit or len(plan)
    for step in plan[:limit]:
        _write_step(page, step)
    page.more(len(plan) - limit, "steps")


def _write_step(page: Page, step: PlanStep) -> None:
    reason = page.say(step.reason)
    if step.action == "run" and step.command:
        if reason:
            page.prose(f"# {reason}", indent=4, tone="dim")
        remark = "" if step.seconds is None else seconds_words(step.seconds)
        page.command(step.command, remark=remark)
        return
    lead = {
        "run": "run {0}",
        "restore": "put {0} back as it was read",
        "remove": "remove {0}, which wasn't there",
        "ask": "decide about {0}",
        "impossible": "{0} can't be redone",
    }.get(step.action, step.action + " {0}")
    words = lead.replace("{0}", page.say(step.subject)) + (f": {reason}" if reason else "")
    mark = {"ask": "?", "impossible": "!"}.get(step.action, page.bullet)
    tone = "blocking" if step.action == "impossible" else ""
    page.prose(words, indent=2, first=mark + " ", tone=tone)
    if step.command:
        page.command(step.command)


def write_as_of(page: Page, as_of: str, viewpoint: str = "") -> None:
    """End an answer by saying what it rests on."""
    seen = page.dot.join(page.say(part) for part in (viewpoint, f"as of {when(as_of)}") if part)
    page.gap()
    page.prose(seen[:1].upper() + seen[1:], tone="dim")


def step_words(step: Mapping[str, Any]) -> str:
    """Say a step of a run by its name, and the beginning of the selector that shows it."""
    return f"{step['step']} ({str(step['id'])[:14]})"
