"""Structure as text: what is weak, slow, done twice or idle."""

from __future__ import annotations

from provgraph.model.answers import Chain, Point, Repeat, Structure
from provgraph.render.terminal import Page, count_of, seconds_words
from provgraph.render.text_parts import write_as_of, write_gaps

# A chain longer than this is given by its beginning.
MOST_STEPS = 8


def write_structure(page: Page, structure: Structure) -> None:
    """Write each finding, the gravest first; of one that there is none, a line says so."""
    totals = structure.totals
    results, runs = count_of(totals["results"], "live result"), count_of(totals["runs"], "run")
    page.prose(f"{results} of {runs}", tone="heading")
    points = [(page.say(point.name), point_words(point)) for point in structure.single_points]
    _write(page, "Single points of failure", points, none="none")
    _write_path(page, structure)
    again = [(page.say(repeat.step), repeat_words(repeat)) for repeat in structure.redundant]
    _write(page, "Done again with the same inputs", again, none="nothing")
    orphans = [(page.say(orphan.name), page.say(orphan.kind)) for orphan in structure.orphans]
    _write(page, "Orphans, on which nothing live rests", orphans, none="none")
    chains = [
        (page.say(c.name), f"{count_of(c.runs, 'run')}: {page.say(chain_words(c))}")
        for c in structure.longest
    ]
    _write(page, "Longest chains", chains, none="none of several runs")
    write_gaps(page, structure.gaps, effect="a part of the graph")
    write_as_of(page, structure.as_of, structure.viewpoint)


def _write(page: Page, title: str, entries: list[tuple[str, str]], *, none: str) -> None:
    if not entries:
        page.gap()
        page.prose(f"{title}: {none}", tone="dim")
        return
    page.heading(title, len(entries))
    limit = page.style.limit or len(entries)
    for name, words in entries[:limit]:
        page.prose(f"{name}: {words}", indent=2, first=page.bullet + " ")
    page.more(len(entries) - limit)


def _write_path(page: Page, structure: Structure) -> None:
    legs = structure.critical_path
    if not legs:
        page.gap()
        page.prose("Critical path: no time is recorded", tone="dim")
        return
    page.heading(f"Critical path: {seconds_words(structure.seconds)} as recorded")
    limit = page.style.limit or len(legs)
    slowest = set(sorted(legs, key=lambda leg: -leg.seconds)[:limit])
    for leg in legs:
        if leg in slowest:
            name = page.short(leg.step, page.width - 14)
            page.line(f"{seconds_words(leg.seconds):>10}  {name}", indent=2)
    page.more(len(legs) - len(slowest), "quicker runs")


def point_words(point: Point) -> str:
    """Say what rests on a single point."""
    said = f"every path to {count_of(point.holds, 'live result')} goes through it"
    if point.published:
        said += f", {point.published:,} of them published"
    return said + ("; the graph falls apart without it" if point.apart else "")


def repeat_words(repeat: Repeat) -> str:
    """Say how often something was done, and what that took."""
    times = f"{len(repeat.runs):,} times with the same inputs"
    return f"{times}; all but one took {seconds_words(repeat.seconds)}"


def chain_words(chain: Chain) -> str:
    """Say a chain's steps, or where it begins."""
    return " → ".join(chain.steps[:MOST_STEPS]) + (" → …" if len(chain.steps) > MOST_STEPS else "")
