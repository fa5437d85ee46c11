"""The picture of an impact: what is asked about on the left, then hits by their number of steps.

A hit hangs on the hit (or the changed thing) before it on its decisive path. Where hits are too
many to look at, each column is summed up by kind and state; the numbers stay those of the answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from provgraph.analysis.impact import Hits, Outline
from provgraph.analysis.showing import run_id
from provgraph.explorer.narrowing import Row, values_of
from provgraph.explorer.picture import ALIKE, MOST_CARDS, Card, Line, Picture, arranged, unseen
from provgraph.model.answers import Hit, Impact
from provgraph.model.digests import identity
from provgraph.model.gaps import BLOCKING
from provgraph.model.kinds import RUN
from provgraph.render.terminal import count_of
from provgraph.render.text_parts import gap_words

# Up to so many hits are drawn with their paths.
MOST_HITS = 400
MOST_COLUMNS = 12
ASKED = "asked"


def spread(
    impact: Impact,
    *,
    unfolded: Collection[str] = (),
    rows: Mapping[str, Row] | None = None,
) -> Picture:
    """Draw an impact; `rows` are its table's, for what a card can be narrowed by."""
    if len(impact.affected) > MOST_HITS:
        return _summed(impact)
    return _paths(impact, unfolded, rows or {})


def outline_of(impact: Impact) -> Sequence[Outline]:
    """Give all hits of an impact without their reasons."""
    if isinstance(impact.affected, Hits):
        return impact.affected.outline()
    return [Outline(h.name, h.kind, h.state, h.depth, h.pinned) for h in impact.affected]


def _changed(impact: Impact, unfolded: Collection[str]) -> tuple[list[Card], dict[str, str]]:
    """Give the cards of what is asked about, and the card of each name."""
    changed = impact.change
    if len(changed) >= ALIKE and ASKED not in unfolded:
        kinds = {item.kind for item in changed}
        card = Card(
            key=ASKED,
            name=impact.asked or count_of(len(changed), "thing"),
            kind=next(iter(kinds)) if len(kinds) == 1 else "",
            about=count_of(len(changed), "thing") + " asked about",
            count=len(changed),
            focus=True,
        )
        return [card], dict.fromkeys((item.name for item in changed), ASKED)
    cards = {}
    for item in changed:
        parts = [part for part in item.parts if not part.startswith("#")]
        cards[item.name] = Card(
            key=f"asked:{item.name}",
            # Asked for by another name (`env:numpy`), a thing is shown under that one.
            name=impact.asked
            if len(changed) == 1 and impact.asked
            else item.name + (f"#{', '.join(parts[:3])}" if parts else ""),
            kind=item.kind,
            about=item.how,
            ask=item.name,
            focus=True,
        )
    return list(cards.values()), {name: card.key for name, card in cards.items()}


def _paths(impact: Impact, unfolded: Collection[str], rows: Mapping[str, Row]) -> Picture:
    asked, on = _changed(impact, unfolded)
    hits = list(impact.affected)
    first = asked[0].key if asked else ""
    by_name: dict[str, Hit] = {}
    for hit in hits:
        by_name.setdefault(hit.name, hit)
    parents = {hit.id or hit.name: _parent(hit, by_name, on, first) for hit in hits}
    group = _folded(hits, parents, unfolded)
    columns: dict[int, list[Card]] = defaultdict(list)
    columns[0] = asked
    members: dict[str, list[Hit]] = defaultdict(list)
    for hit in sorted(hits, key=lambda hit: hit.depth):
        members[group[hit.id or hit.name]].append(hit)
    lines: Counter[tuple[str, str]] = Counter()
    for key, several in members.items():
        for hit in several:
            parent = parents[hit.id or hit.name]
            cause = group.get(parent, parent)
            if cause != key:
                lines[cause, key] += 1
        card = _stack(key, several) if key.startswith("stack:") else _card(several[0], key)
        parent = parents[several[0].id or several[0].name]
        inside = (rows[key] for hit in several if (key := hit.id or hit.name) in rows)
        card = replace(card, via=group.get(parent, parent), values=values_of(inside))
        columns[several[0].depth].append(card)
    if sum(map(len, columns.values())) > MOST_CARDS:
        return _summed(impact)
    drawn = [Line(cause, effect, count=count) for (cause, effect), count in lines.items()]
    _with_unseen(impact, columns, drawn)
    return arranged(columns, drawn, things=len(hits) + len(impact.change))


def _parent(hit: Hit, by_name: dict[str, Hit], on: dict[str, str], first: str) -> str:
    for link in reversed(hit.why):
        if link.cause == hit.name:
            continue
        before = by_name.get(link.cause)
        if before is not None and before.depth < hit.depth:
            return before.id or before.name
        if link.cause in on:
            return on[link.cause]
    return first


def _folded(
    hits: Iterable[Hit], parents: dict[str, str], unfolded: Collection[str]
) -> dict[str, str]:
    group: dict[str, str] = {}
    by_depth: dict[int, list[Hit]] = defaultdict(list)
    for hit in hits:
        by_depth[hit.depth].append(hit)
    for depth in sorted(by_depth):
        sets: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for hit in by_depth[depth]:
            key = hit.id or hit.name
            group[key] = key
            parent = parents[key]
            alike = (group.get(parent, parent), hit.kind, hit.step, hit.state, hit.pinned)
            sets[alike].append(key)
        for several in sets.values():
            stack = f"stack:{identity('stack', *sorted(several), size=8)}"
            if len(several) >= ALIKE and stack not in unfolded:
                group.update(dict.fromkeys(several, stack))
    return group


def _card(hit: Hit, key: str) -> Card:
    return Card(
        key=key,
        name=hit.name,
        kind=hit.kind,
        state=hit.state,
        about=f"by {hit.step}" if hit.step and hit.step != hit.name else "",
        words=hit.words,
        ask=ask_of_hit(hit),
        pinned=hit.pinned,
    )


def ask_of_hit(hit: Hit) -> str:
    """Give the selector that means a hit alone."""
    return run_id(hit.id) if hit.kind == RUN and hit.id else hit.id or hit.name


def _stack(key: str, several: Sequence[Hit]) -> Card:
    first = several[0]
    return Card(
        key=key,
        name=count_of(len(several), first.kind.lower() or "thing"),
        kind=first.kind,
        state=first.state,
        about=f"by {first.step}" if first.step else "",
        words=first.words,
        pinned=first.pinned,
        count=len(several),
        states={first.state: len(several)},
    )


def _summed(impact: Impact) -> Picture:
    """Sum hits up: one card for each kind and state in a column, columns of equal spans."""
    every = outline_of(impact)
    deepest = max((hit.depth for hit in every), default=1)
    span = -(-deepest // MOST_COLUMNS)
    counts: Counter[tuple[int, str, str]] = Counter()
    for hit in every:
        counts[(hit.depth - 1) // span, hit.kind, hit.state] += 1
    asked, _ = _changed(impact, ())
    columns: dict[int, list[Card]] = defaultdict(list)
    columns[0] = asked
    lines: list[Line] = []
    before = [card.key for card in asked]
    for place in sorted({place for place, _, _ in counts}):
        here = []
        for (where, kind, state), count in sorted(counts.items()):
            if where != place:
                continue
            low, high = place * span + 1, min(deepest, (place + 1) * span)
            key = f"sum:{place}:{kind}:{state}"
            card = Card(
                key=key,
                name=count_of(count, kind.lower() or "thing"),
                kind=kind,
                state=state,
                about=count_of(low, "step") + " away" if low == high else f"{low} to {high} steps",
                count=count,
                states={state: count},
                values={"kind": (kind,), "state": (state,)},
            )
            columns[place + 1].append(card)
            here.append(key)
        lines += [Line(cause, effect) for cause in before[:1] for effect in here]
        before = here
    _with_unseen(impact, columns, lines)
    return arranged(columns, lines, things=len(every) + len(impact.change))


def _with_unseen(impact: Impact, columns: dict[int, list[Card]], lines: list[Line]) -> None:
    """Draw what could hide an effect as an effect of its own: who looks at cards sees it, too."""
    said = [gap_words(gap) for gap in impact.gaps if gap.grade == BLOCKING]
    if said and columns[0]:
        card, line = unseen(columns[0][0], said, name="Maybe more")
        columns[1].append(replace(card, ask="", values={}))
        lines.append(replace(line, cause=line.effect, effect=line.cause))
