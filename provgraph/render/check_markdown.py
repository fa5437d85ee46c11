"""The merge check as a pull request's comment: verdict, a table worst first, the rest folded.

The first line is the same in every comment, so that a bot finds its own and writes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from provgraph.model.answers import Already, GapNote, PlanStep
from provgraph.model.checks import Changed, Check, Failure, Finding
from provgraph.model.gaps import ACCEPTED, BLOCKING
from provgraph.render.advice import advice_on
from provgraph.render.check_words import (
    counts,
    how_of,
    other_failures,
    reason_of,
    split_changes,
    subject_of,
)
from provgraph.render.interface import Style
from provgraph.render.markdown import CodeSection, Section, code, fenced, fill, owner, prose
from provgraph.render.plain import shown_command
from provgraph.render.terminal import count_of, seconds_words
from provgraph.render.text_parts import gap_words, when

MARKER = "<!-- provgraph check -->"
MOST = 65_536  # characters that GitHub takes; GitLab takes more
_COMMAND = 1_500  # characters of a command that is shown whole
_LISTED = 25_000  # entries of a list that are looked at; no comment has room for more
_FOOT = 1_000

T = TypeVar("T")


def as_markdown(check: Check, style: Style) -> str:
    """Write the comment; the style's `limit` is how many findings aren't folded."""
    head = _head(check)
    foot = (
        f"\n<sub>{code(check.base, 80)} → {code(check.head, 80)} · "
        f"as of {prose(when(check.as_of), 80)}</sub>\n"
    )
    sections = list(_sections(check, style.limit or len(check.affected)))
    return head + "".join(fill(sections, MOST - len(head) - len(foot) - _FOOT)) + foot


def _head(check: Check) -> str:
    mark = "✅" if check.passed else "❌"
    size = " · ".join(text for text, _ in counts(check))
    owners = {owner: None for one in check.affected[:_LISTED] if one.fails for owner in one.owners}
    asked = "".join(f" {owner(name)}" for name in islice(owners, 20))
    return f"{MARKER}\n### {mark} {prose(check.verdict, 600)}\n\n{size}\n" + (
        f"\nOwners of what fails:{asked}\n" if asked else ""
    )


def _sections(check: Check, limit: int) -> Iterator[Section]:
    affected = check.affected[: min(limit, _LISTED)]
    hidden = len(check.affected) - len(affected)
    failures = list(other_failures(check, affected))
    if failures:
        before = "\n**Why it fails**\n\n"
        # The worst few findings get their room first; a table of everything would leave none.
        yield _section(1 if hidden else 0, before, failures, _failure, noun="reason")
    if affected:
        weight = 0 if hidden else 1
        yield _section(weight, "\n" + _TABLE, affected, _finding, noun="finding")
    if hidden > 0:
        rest = _later(check.affected, len(affected))
        title = f"{hidden:,} more affected"
        yield _folded(6, title, rest, _finding, noun="finding", count=hidden, table=_TABLE)
    affecting, spared, unread = split_changes(check)
    if affecting:
        title = f"{count_of(len(affecting), 'change')} with an effect"
        yield _folded(4, title, affecting, _change, noun="change", table=_CHANGES)
    harmless = [*spared, *unread]
    if harmless:
        title = f"{count_of(len(harmless), 'change')} without effect, and why"
        yield _folded(8, title, harmless, _change, noun="change", table=_CHANGES)
    yield from _gaps(check.gaps)
    if check.already_stale:
        title = f"{len(check.already_stale):,} already out of date before"
        yield _folded(7, title, check.already_stale, _already, noun="name")
    if check.expired:
        before = "\n**Exceptions that have run out**\n\n"
        yield _section(0, before, check.expired, _line, noun="exception")
    if check.excused:
        title = f"{len(check.excused):,} excused"
        yield _folded(5, title, check.excused, _line, noun="exception")
    if check.plan:
        yield _plan(check.plan)


_TABLE = "| affected | why | renew |\n|---|---|---|\n"
_CHANGES = "| change | how | why |\n|---|---|---|\n"


def _section(
    weight: int,
    before: str,
    entries: Sequence[T],
    row: Callable[[T], str],
    *,
    noun: str,
) -> Section:
    return Section(weight, before, map(row, entries), len(entries), noun=noun)


def _folded(
    weight: int,
    title: str,
    entries: Iterable[T],
    row: Callable[[T], str],
    *,
    noun: str,
    count: int = 0,
    table: str = "",
) -> Section:
    size = count or len(list(entries := list(entries)))
    before = f"\n<details><summary>{title}</summary>\n\n{table}"
    return Section(weight, before, map(row, entries), size, "\n</details>\n", noun=noun)


def _later(entries: Sequence[T], first: int) -> Iterator[T]:
    """Give the entries from a place on, built as they are asked for."""
    return (entries[place] for place in range(first, len(entries)))


def _failure(failure: Failure) -> str:
    return f"- {prose(failure.words)} ({code(failure.rule)})\n"


def _line(words: str) -> str:
    return f"- {prose(words)}\n"


def _finding(one: Finding) -> str:
    hit = one.hit
    badges = ["**fails**"] if one.fails else []
    badges += [prose(hit.state), *([f"**{prose(hit.pinned)}**"] if hit.pinned else [])]
    badges += [prose(hit.kind.lower())] if hit.kind != "Result" else []
    why = prose(reason_of(one))
    why += f"<br><sub>here because: {prose(one.rank, 200)}</sub>" if one.rank else ""
    why += f"<br>excused: {prose(one.excused, 200)}" if one.excused else ""
    if one.owners:
        why += "<br>owned by " + " ".join(map(owner, one.owners[:5]))
    renew = code(shown_command(one.renew), 200) if one.renew else ""
    return f"| {code(hit.name)}<br>{' · '.join(badges)} | {why} | {renew} |\n"


def _change(change: Changed) -> str:
    words = prose(change.words)
    if change.owners:
        words += "<br>owned by " + " ".join(map(owner, change.owners[:5]))
    hits = f"<br>decides {change.hits:,}" if change.hits else ""
    return f"| {code(subject_of(change))} | {prose(how_of(change), 200)}{hits} | {words} |\n"


def _already(item: Already) -> str:
    return f"- {code(item.name)}: {prose(item.state)}\n"


def _gaps(gaps: Sequence[GapNote]) -> Iterator[Section]:
    hard = [gap for gap in gaps if gap.grade == BLOCKING]
    soft = [gap for gap in gaps if gap.grade not in (BLOCKING, ACCEPTED)]
    accepted = [gap for gap in gaps if gap.grade == ACCEPTED]
    if hard:
        before = f"\n**{count_of(len(hard), 'gap')} could hide more**\n\n"
        if len(hard) <= 5:
            yield _section(2, before, hard, _gap, noun="gap")
        else:
            yield _section(2, before, hard[:3], _gap, noun="gap")
            yield _folded(5, f"{len(hard) - 3:,} more gaps", hard[3:], _gap, noun="gap")
    if soft:
        yield _folded(9, f"{len(soft):,} noted", soft, _gap, noun="gap")
    if accepted:
        yield _folded(9, f"{len(accepted):,} accepted", accepted, _gap, noun="gap")


def _gap(gap: GapNote) -> str:
    advice = advice_on(gap)
    return f"- {prose(gap_words(gap))}{f' → {prose(advice)}' if advice else ''}\n"


def _plan(plan: Sequence[PlanStep]) -> Section:
    runs = [step for step in plan if step.action == "run"]
    known = [step.seconds for step in runs if step.seconds is not None]
    size = [count_of(len(runs), "run")] if runs else []
    if known:
        about = "about" if len(known) == len(runs) else "at least"
        size.append(f"{about} {seconds_words(sum(known))} as recorded")
    rows = [_step(step) for step in plan[:_LISTED]]
    opened, fence = fenced(rows, "sh")
    title = "To renew it" + (f": {', '.join(size)}" if size else "")
    before = f"\n<details><summary>{title}</summary>\n\n{opened}\n"
    return CodeSection(3, before, rows, len(plan), "\n</details>\n", noun="step", fence=fence)


def _step(step: PlanStep) -> str:
    """Write a step as a line to paste, or as a comment where there is none."""
    subject, reason = shown_command(_clean(step.subject)), _clean(step.reason)
    said = shown_command(step.command)
    if len(said) > _COMMAND:
        said = f"# {subject}: its command is too long for a comment"
    if step.action == "run" and said:
        return (f"# {reason}\n" if reason else "") + said + "\n"
    lead = {
        "restore": "put back as it was read:",
        "remove": "remove, for it wasn't there:",
        "ask": "decide about",
        "impossible": "can't be redone:",
    }.get(step.action, f"{step.action}")
    return (
        f"# {lead} {subject}" + (f" ({reason})" if reason else "") + "\n" + (said and said + "\n")
    )


def _clean(text: str) -> str:
    from provgraph.render.plain import shorten, shown

    return shorten(shown(text), 300)
