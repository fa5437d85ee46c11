"""What differs between two runs, as sections in the order the answer has them."""

from __future__ import annotations

from itertools import groupby

from provgraph.model.answers import Difference, Reach, RunDiff
from provgraph.render import plain
from provgraph.render.terminal import Page, Span
from provgraph.render.text_parts import write_as_of, write_gaps


def write_diff(page: Page, diff: RunDiff) -> None:
    """Write the two runs, each section of differences, and what is the same."""
    page.prose(f"{page.say(diff.before)} {page.arrow} {page.say(diff.after)}", tone="heading")
    if not diff.differences:
        page.prose("Nothing recorded differs between these runs.")
    for section, group in groupby(diff.differences, key=lambda item: item.section):
        _write_section(page, section, list(group))
    for reach in diff.reach:
        _write_reach(page, reach)
    if diff.same:
        said = ", ".join(
            f"{count:,} {page.say(name)}" for name, count in diff.same.items() if count
        )
        page.gap()
        page.prose(f"The same: {said or 'nothing'}", tone="dim")
    write_gaps(page, diff.gaps, effect="a difference")
    write_as_of(page, diff.as_of)


def _write_section(page: Page, section: str, items: list[Difference]) -> None:
    page.heading(page.say(section).capitalize(), len(items))
    limit = page.style.limit or len(items)
    rows: list[list[Span]] = []
    for item in items[:limit]:
        before, after = page.say(item.before) or "-", page.say(item.after) or "-"
        rows.append(
            [
                (page.say(item.name), ""),
                (before, "stale"),
                (page.arrow, "dim"),
                (after, "current"),
                (page.say(item.detail), "bold" if section == "metrics" else "dim"),
            ]
        )
    if _width(rows) + 2 <= page.width:
        page.table(rows)
    else:
        _write_stacked(page, rows)
    page.more(len(items) - limit)


def _write_reach(page: Page, reach: Reach) -> None:
    """Write what can be why metrics differ, then what can't."""
    names = ", ".join(map(page.say, reach.metrics[:3]))
    more = f" and {len(reach.metrics) - 3} more" if len(reach.metrics) > 3 else ""
    page.heading(f"What can be why {names}{more} differ", len(reach.suspects))
    limit = page.style.limit or max(len(reach.suspects), len(reach.cleared))
    for one in reach.suspects[:limit]:
        change = f": {page.say(one.before)} {page.arrow} {page.say(one.after)}"
        detail = f" ({page.say(one.detail)})" if one.detail else ""
        by = f", by {', '.join(map(page.say, one.enters))}"
        if one.section == "chance":
            change, by = "", ""
        page.prose(f"{page.say(one.name)}{change}{detail}{by}", indent=2, first=page.bullet + " ")
    page.more(len(reach.suspects) - limit)
    if reach.cleared:
        page.heading("What can't", len(reach.cleared))
        for other in reach.cleared[:limit]:
            words = f"{page.say(other.name)}: {page.say(other.why)}"
            page.prose(words, indent=2, first=page.bullet + " ", tone="dim")
        page.more(len(reach.cleared) - limit)


def _width(rows: list[list[Span]]) -> int:
    return sum(max(plain.width_of(row[i][0]) for row in rows) + 2 for i in range(5))


def _write_stacked(page: Page, rows: list[list[Span]]) -> None:
    for name, before, arrow, after, remark in rows:
        page.line(plain.shorten(name[0], page.width - 2, dots=page.dots), indent=2)
        change = f"{before[0]} {arrow[0]} {after[0]}" + (f"  {remark[0]}" if remark[0] else "")
        page.prose(change, indent=4, tone="dim")
