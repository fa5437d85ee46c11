"""A redo as text: what is to be done or was, what is left and how to decide it, what is spared."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from provgraph.model.answers import Redo, RedoStep, Spared
from provgraph.render.terminal import Page, count_of, seconds_words
from provgraph.render.text_parts import write_as_of, write_gaps


def write_redo(page: Page, redo: Redo) -> None:
    """Write a plan, or what came of it."""
    if redo.dry_run:
        _write_plan(page, [step for step in redo.plan if step.action not in _STOPS], redo)
        _write_left(page, [step for step in redo.plan if step.action in _STOPS], "Left as it is")
    else:
        _write_done(page, redo)
        _write_left(page, redo.left, "Not up to date")
    _write_spared(page, redo.spared)
    write_gaps(page, redo.gaps, effect="that something isn't current")
    write_as_of(page, redo.as_of, redo.viewpoint)


_STOPS = ("ask", "impossible")
_LEAD = {
    "run": "{0}",
    "restore": "put {0} back as it was read",
    "remove": "remove {0}, which wasn't there",
    "ask": "decide about {0}",
    "impossible": "{0} can't be done again",
}


def _write_plan(page: Page, steps: Sequence[RedoStep], redo: Redo) -> None:
    runs = [step for step in steps if step.action == "run"]
    if not runs:
        page.prose("Nothing to do: no run would be done again.", tone="current")
        return
    known = [step.seconds for step in runs if step.seconds is not None]
    size = f"{count_of(len(runs), 'run')}, about {seconds_words(sum(known))} as recorded"
    longest = redo.totals["critical_seconds"]
    if len(runs) > 1 and longest < 0.9 * sum(known):
        size += f" (with --jobs at least {seconds_words(longest)})"
    page.heading(f"To be done: {size}")
    limit = page.style.limit or len(steps)
    for step in steps[:limit]:
        _write_step(page, step)
    page.more(len(steps) - limit, "steps")


def _write_step(page: Page, step: RedoStep) -> None:
    reason = page.say(step.reason)
    if step.action != "run":
        words = _LEAD[step.action].replace("{0}", page.say(step.subject))
        page.prose(f"{words}: {reason}" if reason else words, indent=2, first=page.bullet + " ")
        return
    if reason:
        page.prose(f"# {reason}", indent=4, tone="dim")
    if not step.sure:
        page.prose("# only if what comes before it turns out otherwise", indent=4, tone="dim")
    remark = "" if step.seconds is None else seconds_words(step.seconds)
    page.command(step.command, remark=remark)
    for warning in step.warnings:
        page.prose(page.say(warning), indent=6, first="! ", tone="behind")


def _write_done(page: Page, redo: Redo) -> None:
    carried = [step for step in redo.done if step.action in _LEAD]
    if not carried:
        if redo.left:
            page.prose("Nothing was done.")
        else:
            page.prose("Nothing to do: everything is current.", tone="current")
        return
    runs = [step for step in carried if step.action == "run"]
    page.heading(f"Done: {count_of(len(runs), 'run')} in {seconds_words(redo.totals['took'])}")
    limit = page.style.limit or len(carried)
    for step in carried[-limit:]:
        words = _LEAD[step.action].replace("{0}", page.say(step.subject))
        tone = "current" if step.outcome == "done" else "blocking"
        said = step.outcome if step.exit in (None, 0) else f"{step.outcome}, {_ended(step.exit)}"
        took = "" if step.took is None else f" in {seconds_words(step.took)}"
        page.prose(f"{words}: {said}{took}", indent=2, tone=tone)
    page.more(len(carried) - limit, "steps before")
    if not redo.left and not redo.totals["failed"]:
        page.prose("Everything asked for is up to date.", tone="current")


def _ended(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit {status}"


def _write_left(page: Page, steps: Sequence[RedoStep], title: str) -> None:
    if not steps:
        return
    page.heading(title, len(steps))
    limit = page.style.limit or len(steps)
    for step in steps[:limit]:
        words = _LEAD.get(step.action, "{0}").replace("{0}", page.say(step.subject))
        mark = {"ask": "? ", "impossible": "! "}.get(step.action, page.bullet + " ")
        reason = f": {page.say(step.reason)}" if step.reason else ""
        tone = "blocking" if step.action == "impossible" else ""
        page.prose(words + reason, indent=2, first=mark, tone=tone)
        for choice in step.choices:
            page.command(f"provgraph redo {choice}")
    page.more(len(steps) - limit)


def _write_spared(page: Page, spared: Sequence[Spared]) -> None:
    if not spared:
        return
    known = [one.seconds for one in spared if one.seconds is not None]
    page.heading(f"Spared: {count_of(len(spared), 'run')}, {seconds_words(sum(known))} as recorded")
    ordered = sorted(spared, key=lambda one: one.reason)
    groups = [(why, list(group)) for why, group in groupby(ordered, key=lambda one: one.reason)]
    groups.sort(key=lambda pair: len(pair[1]))
    limit = page.style.limit or len(groups)
    for why, group in groups[:limit]:
        names = ", ".join(dict.fromkeys(page.say(one.step) for one in group[:5]))
        more = f" and {len(group) - 5} more" if len(group) > 5 else ""
        page.prose(f"{names}{more}: {page.say(why)}", indent=2, first=page.bullet + " ", tone="dim")
    page.more(len(groups) - limit)
