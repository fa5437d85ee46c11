"""Status as text, as `git status` reads: what isn't current, why, and what to type next."""

from __future__ import annotations

from collections.abc import Sequence

from provgraph.model.answers import Standing, Status
from provgraph.render import plain
from provgraph.render.advice import STATES
from provgraph.render.terminal import Page, count_of
from provgraph.render.text_parts import (
    blocking,
    pin_rank,
    when,
    write_gaps,
    write_plan,
)


def write_status(page: Page, status: Status) -> None:
    """Write the counts, then each list with causes and the next command."""
    lists: list[tuple[str, Sequence[Standing]]] = [
        ("stale", status.stale),
        ("behind", status.behind),
        ("modified", status.modified),
        ("missing", status.missing),
    ]
    viewpoint = page.say(status.viewpoint or "ledger alone")
    page.prose(f"On the {viewpoint}, as of {page.say(when(status.as_of))}")
    _write_counts(page, status, lists)
    for state, entries in lists:
        _write_list(page, state, entries)
    write_gaps(page, status.gaps, effect="that something isn't current")
    write_plan(page, status.plan)
    _write_end(page, status, [entry for _, entries in lists for entry in entries])


def _write_counts(
    page: Page, status: Status, lists: Sequence[tuple[str, Sequence[Standing]]]
) -> None:
    counted = [(f"{len(entries):,} {state}", state) for state, entries in lists if entries]
    counted.append((f"{len(status.current):,} current", "current" if status.current else "dim"))
    page.items(counted)


def _write_list(page: Page, state: str, entries: Sequence[Standing]) -> None:
    if not entries:
        return
    title, meaning = STATES[state]
    page.heading(f"{title}:")
    page.prose(f"({meaning})", indent=2, tone="dim")
    ordered = sorted(entries, key=lambda entry: (pin_rank(entry.pinned), entry.name))
    limit = page.style.limit or len(ordered)
    chosen = ordered[:limit]
    tags = [_tag(page, entry, state) for entry in chosen]
    room = page.width - 6 - max(map(plain.width_of, tags))
    names = [page.short(entry.name, max(16, room)) for entry in chosen]
    column = max(map(plain.width_of, names))
    for entry, name, tag in zip(chosen, names, tags, strict=True):
        tone = "pinned" if entry.pinned else "dim"
        page.line((plain.pad(name, column), state), ("  " + tag, tone), indent=4)
        if entry.words:
            page.prose(page.say(entry.words), indent=8, tone="dim", most=3)
    page.more(len(ordered) - limit, indent=4)


def _tag(page: Page, entry: Standing, state: str) -> str:
    said = [entry.reason if entry.reason != state and not page.narrow else "", entry.pinned]
    return page.dot.join(page.say(word) for word in said if word)


def _write_end(page: Page, status: Status, entries: Sequence[Standing]) -> None:
    if entries:
        return
    page.gap()
    hard = len(blocking(status.gaps))
    if hard:
        page.prose(
            f"Nothing known is out of date, but {count_of(hard, 'gap')} could hide something.",
            tone="blocking",
        )
    elif status.current:
        page.prose("Nothing to do: everything recorded is current.", tone="current")
    else:
        page.prose("Nothing is recorded yet: try provgraph run -- COMMAND")
