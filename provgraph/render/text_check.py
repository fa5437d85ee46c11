"""The merge check as text: the verdict, what is affected and why, what isn't, what to run."""

from __future__ import annotations

from collections.abc import Sequence

from provgraph.model.checks import Changed, Check, Finding
from provgraph.render import plain
from provgraph.render.check_words import (
    counts,
    how_of,
    other_failures,
    reason_of,
    split_changes,
    subject_of,
)
from provgraph.render.terminal import Page, Span, count_of
from provgraph.render.text_parts import (
    blocking,
    write_already,
    write_as_of,
    write_gaps,
    write_plan,
)

NAME = 16  # cells that a name keeps beside what is said of it


def write_check(page: Page, check: Check) -> None:
    """Write the verdict, the worst findings, the changes, what isn't known, the plan."""
    mark = ("✓" if check.passed else "✗") if page.style.unicode else ("+" if check.passed else "!")
    tone = "current" if check.passed else "blocking"
    page.prose(page.say(check.verdict), first=mark + " ", tone=tone, most=6)
    page.items([(text, tone) for text, tone in counts(check)], indent=2)
    limit = page.style.limit or len(check.affected)
    shown = check.affected[:limit]
    _write_failures(page, check, shown)
    _write_findings(page, shown, len(check.affected) - limit)
    affecting, spared, unread = split_changes(check)
    _write_changes(page, affecting, title="Changes that affect it")
    _write_harmless(page, [*spared, *unread])
    hard = bool(blocking(check.gaps))
    write_gaps(page, check.gaps, effect="a further effect" if check.affected and hard else "one")
    write_already(page, check.already_stale)
    _write_lines(page, "Excused", check.excused)
    _write_lines(page, "Exceptions that have run out", check.expired, tone="blocking")
    write_plan(page, check.plan, title="To renew what it affects")
    write_as_of(page, check.as_of, f"Compared {check.base} {page.arrow} {check.head}")


def _write_failures(page: Page, check: Check, shown: Sequence[Finding]) -> None:
    """Say why the gate fails, where the findings below don't say it themselves."""
    rest = list(other_failures(check, shown))
    if not rest:
        return
    page.heading("Why it fails", len(check.failures))
    limit = page.style.limit or len(rest)
    for failure in rest[:limit]:
        page.prose(
            page.say(f"{failure.words} ({failure.rule})"),
            indent=2,
            first="! ",
            tone="blocking",
            most=4,
        )
    page.more(len(rest) - limit)


def _write_findings(page: Page, shown: Sequence[Finding], hidden: int) -> None:
    if not shown:
        return
    page.heading("Affected, worst first")
    room = page.width - 4
    chosen = [(one, page.say(one.hit.name), _badges(page, one)) for one in shown]
    # Names that leave no room for what stands beside them get a line of their own.
    fits = [plain.width_of(name) + _width(spans) <= room for _, name, spans in chosen]
    column = max([plain.width_of(c[1]) for c, fit in zip(chosen, fits, strict=True) if fit] or [0])
    column = min(column, room - max(_width(spans) for _, _, spans in chosen))
    for (one, name, spans), fit in zip(chosen, fits, strict=True):
        if fit:
            page.line((plain.pad(name, column), "bold"), "  ", *spans, indent=2)
        else:
            page.line((plain.shorten(name, page.width - 2, dots=page.dots), "bold"), indent=2)
            page.line(*spans, indent=6)
        _write_reason(page, one)
    page.more(hidden)


def _write_reason(page: Page, one: Finding) -> None:
    if reason := reason_of(one):
        page.prose(page.say(reason), indent=6, tone="dim", most=3)
    if one.rank:
        page.prose(page.say(f"here because: {one.rank}"), indent=6, tone="dim", most=2)
    if one.excused:
        page.prose(page.say(f"excused: {one.excused}"), indent=6, tone="dim", most=2)
    if one.owners:
        page.prose(page.say(f"owned by {', '.join(one.owners)}"), indent=6, tone="dim", most=2)
    if one.renew:
        page.command(one.renew, indent=6)


def _badges(page: Page, one: Finding) -> list[Span]:
    spans: list[Span] = [("fails" + page.dot, "blocking")] if one.fails else []
    spans += [(page.say(one.hit.state), one.hit.state)]
    if one.hit.kind != "Result" and not page.narrow:
        spans += [(page.dot + page.say(one.hit.kind).lower(), "dim")]
    if one.hit.pinned:
        spans += [(page.dot, "dim"), (page.say(one.hit.pinned), "pinned")]
    return spans


def _width(spans: Sequence[Span]) -> int:
    return sum(plain.width_of(text) for text, _ in spans)


def _write_changes(page: Page, changes: Sequence[Changed], *, title: str) -> None:
    if not changes:
        return
    page.heading(title, len(changes))
    limit = page.style.limit or len(changes)
    for change in changes[:limit]:
        hits = f"{page.dot}decides {change.hits:,}" if change.hits else ""
        tag = page.say(how_of(change)) + hits
        room = page.width - 2 - plain.width_of(page.dot + tag)
        if room >= NAME:
            name = page.short(subject_of(change), room)
            page.line((name, "bold"), (page.dot + tag, "dim"), indent=2)
        else:
            page.line((page.short(subject_of(change), page.width - 2), "bold"), indent=2)
            page.prose(tag, indent=6, tone="dim", most=2)
        if change.words:
            page.prose(page.say(change.words), indent=6, tone="dim", most=3)
        if change.owners:
            said = page.say(f"owned by {', '.join(change.owners)}")
            page.prose(said, indent=6, tone="dim", most=2)
    page.more(len(changes) - limit)


def _write_harmless(page: Page, changes: Sequence[Changed]) -> None:
    """Write changes without effect with their proof: in full only where everything is wanted."""
    if not changes:
        return
    if page.style.limit:
        page.gap()
        verb = "has" if len(changes) == 1 else "have"
        page.prose(f"{count_of(len(changes), 'change')} {verb} no effect (--limit 0 shows why)")
        return
    _write_changes(page, changes, title="Changes without effect")


def _write_lines(page: Page, title: str, lines: Sequence[str], tone: str = "") -> None:
    if not lines:
        return
    page.heading(title, len(lines))
    limit = page.style.limit or len(lines)
    for line in lines[:limit]:
        page.prose(page.say(line), indent=2, first=page.bullet + " ", tone=tone, most=4)
    page.more(len(lines) - limit)
