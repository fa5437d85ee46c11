"""Impact as text: what is affected, why, what could hide more, what to run."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence

from provgraph.model.answers import RANK, ChangedName, Hit, Impact
from provgraph.model.names import is_uri
from provgraph.render import plain
from provgraph.render.terminal import Page, Span, count_of
from provgraph.render.text_parts import (
    blocking,
    count_kinds,
    kind_rank,
    pin_rank,
    state_rank,
    write_already,
    write_as_of,
    write_gaps,
    write_plan,
)

_HOW = {
    "any change": "a change of",
    "edited": "the edit of",
    "deleted": "the deletion of",
    "added": "the addition of",
    "content given": "a change to",
}


def write_impact(page: Page, impact: Impact) -> None:
    """Write the headline, the most important hits, gaps, what was stale already, the plan."""
    hard = blocking(impact.gaps)
    change = change_words(page, impact.change, impact.asked)
    # A long list is built as it is read, and comes in order of importance already.
    hits = ranked(impact.affected) if isinstance(impact.affected, tuple) else impact.affected
    if hits:
        _write_headline(page, impact, change, hidden=len(hard))
        _write_hits(page, hits)
    elif hard:
        things = "1 thing" if len(hard) == 1 else f"{len(hard):,} things"
        page.prose(
            f"Nothing known is affected by {change}, but {things} could hide an effect.",
            tone="blocking",
        )
    else:
        what = "Nothing that is current" if impact.already_stale else "Nothing recorded"
        page.prose(f"{what} is affected by {change}.", tone="heading")
    write_gaps(page, impact.gaps, effect="a further effect" if hits else "an effect")
    write_already(page, impact.already_stale)
    write_plan(page, impact.plan, title="After the change, to bring them up to date")
    write_as_of(page, impact.as_of, impact.viewpoint)


def ranked(hits: Sequence[Hit]) -> list[Hit]:
    """Order hits: pinned ones, then the nearest, then the worst state, then results."""
    return sorted(
        hits,
        key=lambda hit: (
            pin_rank(hit.pinned),
            hit.depth,
            state_rank(hit.state),
            kind_rank(hit.kind),
            hit.name,
            hit.id,
        ),
    )


def change_words(page: Page, change: Sequence[ChangedName], asked: str = "") -> str:
    """Say the change: `a change of data/v3 (3 files)`, `the edit of params.yaml#seed`."""
    if not change:
        return "nothing"
    hows = {item.how for item in change}
    only = next(iter(hows)) if len(hows) == 1 else ""
    how = _HOW.get(only, "a change of") if only else "changes of"
    if only.startswith("renamed to "):
        return f"{page.say(asked or change[0].name)} {page.say(only)}".replace(
            " renamed to ", " being renamed to ", 1
        )
    if asked:
        files = sum("." in posixpath.basename(item.name) for item in change)
        many = len(change) > 1 and files > 1 and not any(is_uri(item.name) for item in change)
        return f"{how} {page.say(asked)}" + (f" ({count_of(files, 'file')})" if many else "")
    names = [_with_parts(item) for item in change]
    if len(names) > 1 and (folder := _common_folder([item.name for item in change])):
        return f"{how} {page.say(folder)} ({count_of(len(names), 'file')})"
    said = [page.say(name) for name in names[:2]]
    if len(names) > 2:
        return f"{how} {said[0]} and {len(names) - 1:,} more"
    return f"{how} {' and '.join(said)}"


def _with_parts(item: ChangedName) -> str:
    parts = [part for part in item.parts if not part.startswith("#")]
    if not parts:
        return item.name
    return f"{item.name}#{', '.join(parts[:3])}" + (
        f" and {len(parts) - 3} more" * (len(parts) > 3)
    )


def _common_folder(names: Sequence[str]) -> str:
    if any(is_uri(name) for name in names):
        return ""
    return posixpath.commonpath([posixpath.dirname(name) for name in names])


def _write_headline(page: Page, impact: Impact, change: str, *, hidden: int) -> None:
    hits = impact.affected
    counted = isinstance(hits, tuple)
    kinds = count_kinds(hit.kind for hit in hits) if counted else []
    whole = kinds[0] if len(kinds) == 1 else count_of(len(hits), "name")
    verb = "is" if len(hits) == 1 else "are"
    page.prose(f"{whole} {verb} affected by {change}", tone="heading")
    states = Counter(
        [hit.state for hit in hits]
        if counted
        else {state: impact.totals.get(state, 0) for state in RANK if impact.totals.get(state)}
    )
    details = [(kind, "") for kind in kinds] if len(kinds) > 1 else []
    details += [
        (f"{states[state]:,} {page.say(state)}", state) for state in sorted(states, key=state_rank)
    ]
    pins = Counter(hit.pinned for hit in hits if hit.pinned) if counted else Counter()
    details += [(f"{pins[pin]:,} {page.say(pin)}", "pinned") for pin in sorted(pins, key=pin_rank)]
    page.items(details, indent=2)
    if hidden:
        things = count_of(hidden, "gap")
        page.prose(f"! {things} could hide more (below)", indent=2, tone="blocking")


def _write_hits(page: Page, hits: Sequence[Hit]) -> None:
    limit = page.style.limit or len(hits)
    page.gap()
    chosen = [(hit, page.say(hit.name), _badges(page, hit)) for hit in hits[:limit]]
    # Names that leave no room for what stands beside them get a line of their own.
    room = page.width - 4
    fits = [plain.width_of(name) + _width(spans) <= room for _, name, spans in chosen]
    column = max([plain.width_of(c[1]) for c, fit in zip(chosen, fits, strict=True) if fit] or [0])
    column = min(column, room - max(_width(spans) for _, _, spans in chosen))
    for (hit, name, spans), fit in zip(chosen, fits, strict=True):
        if fit:
            page.line((plain.pad(name, column), "bold"), "  ", *spans, indent=2)
        else:
            page.line((plain.shorten(name, page.width - 2, dots=page.dots), "bold"), indent=2)
            page.line(*spans, indent=6)
        if hit.words:
            words = hit.words.removeprefix(f"{hit.name}: ")
            page.prose(page.say(words), indent=6, tone="dim", most=3)
    page.more(len(hits) - limit)


def _width(spans: Sequence[Span]) -> int:
    return sum(plain.width_of(text) for text, _ in spans)


def _badges(page: Page, hit: Hit) -> list[Span]:
    spans: list[Span] = [(page.say(hit.state), hit.state)]
    if hit.kind != "Result" and not page.narrow:
        spans += [(page.dot + page.say(hit.kind).lower(), "dim")]
    if not page.narrow:
        spans += [(page.dot + count_of(hit.depth, "step"), "dim")]
    if hit.pinned:
        spans += [(page.dot, "dim"), (page.say(hit.pinned), "pinned")]
    return spans
