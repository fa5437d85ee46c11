"""A picture: cards in columns, causes left of effects, and the lines between them.

Positions are given here, so that the same answer always looks the same and the browser computes
nothing. A column holds what is equally far from the question; rows follow what a card hangs on.
"""

from __future__ import annotations

import math
import re
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

WIDTH, HEIGHT = 208, 84
COLUMN, ROW = 248, 100
# So many alike siblings are folded into a stack.
ALIKE = 5
# A page with more cards than this is slow and can't be read; alike ones are folded further.
MOST_CARDS = 300

# The evidence of a line to what wasn't captured.
UNSEEN = "unseen"

_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Chip:
    """A mark on a card for what it shares with many: a script, a config, an environment."""

    ask: str
    name: str
    kind: str
    state: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A thing, or a stack of alike things (`count` > 1, with how many of each state).

    `ask` is the selector that means it; `via` the card on its decisive path; `words` say why it
    is here; `about` is its second line; `values` what it can be narrowed by. `unseen`: it stands
    for what wasn't captured. `x` and `y` are those of its upper left corner.
    """

    key: str
    name: str
    kind: str
    state: str = ""
    about: str = ""
    words: str = ""
    ask: str = ""
    via: str = ""
    focus: bool = False
    pinned: str = ""
    causes: int | None = None
    effects: int | None = None
    count: int = 1
    states: Mapping[str, int] = field(default_factory=dict)
    chips: tuple[Chip, ...] = ()
    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unseen: bool = False
    x: int = 0
    y: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line from a cause to an effect, by their cards; `count` edges are drawn as one."""

    cause: str
    effect: str
    evidence: str = "observed"
    role: str = ""
    count: int = 1


def unseen(by: Card, said: Sequence[str], *, name: str = "Not captured") -> tuple[Card, Line]:
    """Give a card for what `said` says wasn't captured, and its line to the card it is about."""
    card = Card(
        key=f"unseen:{by.key}",
        name=name,
        kind="",
        about=said[0] if len(said) == 1 else f"{len(said)} gaps",
        words="; ".join(said),
        ask=by.ask,
        values=by.values,
        unseen=True,
    )
    return card, Line(card.key, by.key, evidence=UNSEEN)


@dataclass(frozen=True, slots=True)
class Picture:
    """Cards and lines; `things` counts what the cards stand for."""

    cards: tuple[Card, ...]
    lines: tuple[Line, ...]
    things: int
    width: int = 0
    height: int = 0
    card_width: int = WIDTH
    card_height: int = HEIGHT


def arranged(
    columns: Mapping[int, Sequence[Card]],
    lines: Sequence[Line],
    *,
    later: Mapping[int, Sequence[Card]] | None = None,
    things: int,
) -> Picture:
    """Place cards: column 0 first, then outwards, each near what it hangs on in the column before.

    `later` are cards that came when the others were already there; those stay where they are.
    """
    rows: dict[str, float] = {}
    near = _neighbours(lines)
    order = sorted(columns, key=lambda column: (abs(column), column))
    for column in order:
        ordered = sorted(columns[column], key=lambda card: _place_key(card, near, rows))
        top = -(len(ordered) - 1) / 2
        for place, card in enumerate(ordered):
            rows[card.key] = top + place
    where = {card.key: column for column, cards in columns.items() for card in cards}
    every = [card for cards in columns.values() for card in cards]
    for column, cards in sorted((later or {}).items(), key=lambda item: abs(item[0])):
        taken = sorted(rows[key] for key, there in where.items() if there == column)
        for card in sorted(cards, key=lambda card: _place_key(card, near, rows)):
            wanted = _mean(card.key, near, rows, 0.0)
            rows[card.key] = _free(wanted, taken)
            insort(taken, rows[card.key])
            where[card.key] = column
            every.append(card)
    return _drawn(every, lines, rows, where, things)


def _drawn(
    cards: Sequence[Card],
    lines: Sequence[Line],
    rows: Mapping[str, float],
    where: Mapping[str, int],
    things: int,
) -> Picture:
    left = min(where.values(), default=0)
    top = min(rows.values(), default=0.0)
    placed = tuple(
        replace(
            card,
            x=(where[card.key] - left) * COLUMN,
            y=round((rows[card.key] - top) * ROW),
        )
        for card in cards
    )
    return Picture(
        cards=placed,
        lines=tuple(line for line in lines if line.cause in rows and line.effect in rows),
        things=things,
        width=max((card.x for card in placed), default=0) + WIDTH,
        height=max((card.y for card in placed), default=0) + HEIGHT,
    )


def _neighbours(lines: Iterable[Line]) -> dict[str, list[str]]:
    near: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        near[line.cause].append(line.effect)
        near[line.effect].append(line.cause)
    return near


def _mean(
    key: str, near: Mapping[str, Sequence[str]], rows: Mapping[str, float], default: float
) -> float:
    known = [rows[other] for other in near.get(key, ()) if other in rows]
    return sum(known) / len(known) if known else default


def _place_key(
    card: Card, near: Mapping[str, Sequence[str]], rows: Mapping[str, float]
) -> tuple[float, list[str | int]]:
    return _mean(card.key, near, rows, 1e9), list(natural(card.name))


def _free(wanted: float, taken: Sequence[float]) -> float:
    """Give the row nearest to the wanted one that no card overlaps; `taken` are in order."""
    found: list[float] = []
    above = -math.inf
    for below in [*taken, math.inf]:
        first, last = above + 1.0, below - 1.0
        # Rows are parts of one another's; what was added up from them is a hair off.
        if last - first >= -1e-6:
            found.append(max(first, min(wanted, last)))
        above = below
    return min(found, key=lambda row: (abs(row - wanted), row))


def natural(name: str) -> tuple[str | int, ...]:
    """Order names as people do: v2 before v10."""
    parts = _NUMBER.split(name)
    return tuple(int(p) if place % 2 and len(p) < 18 else p for place, p in enumerate(parts))
