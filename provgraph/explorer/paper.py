"""A view's picture to take along: SVG that needs nothing else, and Mermaid.

Both hold what the page draws, with its question, when it was answered and what isn't known: they
travel without the page.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from provgraph.explorer.picture import UNSEEN, Card, Line, Picture
from provgraph.render.drawing import ARROWS, mermaid_text, xml_text
from provgraph.render.looks import EVIDENCE_LOOKS, KIND_LOOKS, OTHER_LOOK, STATE_LOOKS

MARGIN = 24
HEAD = 24
INK, FAINT, EDGE = "#1f2328", "#57606a", "#8c959f"
# So many characters fit on a card, and in a line of the head for each pixel.
NAME, ABOUT = 26, 34
UNSEEN_DASHES = [6, 6]
WIDE = 7


def as_svg(picture: Picture, *, title: str, words: Sequence[str]) -> str:
    """Give the picture as SVG: no script, no style sheet, no font file."""
    width = max(picture.width + 2 * MARGIN, 480)
    head = [line for text in (title, *words) for line in textwrap.wrap(text, width // WIDE) or [""]]
    top = MARGIN + HEAD * len(head)
    height = top + picture.height + 2 * MARGIN
    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="12" '
            f'role="img">'
        ),
        f"<title>{xml_text(title)}</title>",
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto">'
            f'<path d="M0 0L8 4L0 8Z" fill="{EDGE}"/></marker></defs>'
        ),
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for place, line in enumerate(head):
        look = f'font-size="15" fill="{INK}"' if place == 0 else f'fill="{FAINT}"'
        at = MARGIN + HEAD * place + 14
        out.append(f'<text x="{MARGIN}" y="{at}" {look}>{xml_text(line)}</text>')
    out.append(f'<g transform="translate({MARGIN} {top})">')
    cards = {card.key: card for card in picture.cards}
    out += [_line(line, cards, picture) for line in picture.lines]
    for card in picture.cards:
        out += _card(card, picture)
    return "\n".join([*out, "</g>", "</svg>"]) + "\n"


def _line(line: Line, cards: dict[str, Card], picture: Picture) -> str:
    cause, effect = cards[line.cause], cards[line.effect]
    half = picture.card_height // 2
    x, y, to_x, to_y = cause.x + picture.card_width, cause.y + half, effect.x, effect.y + half
    bend = max(28, (to_x - x) // 2) if to_x > x else 60
    looks = {**EVIDENCE_LOOKS, UNSEEN: (UNSEEN_DASHES, "")}
    dashes = " ".join(map(str, looks.get(line.evidence, ([], ""))[0]))
    return (
        f'<path d="M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}" fill="none" '
        f'stroke="{EDGE}" stroke-width="1.5"'
        + (f' stroke-dasharray="{dashes}"' if dashes else "")
        + ' marker-end="url(#tip)"/>'
    )


def _card(card: Card, picture: Picture) -> list[str]:
    shape, colour, _ = KIND_LOOKS.get(card.kind, OTHER_LOOK)
    wide, high = picture.card_width, picture.card_height
    box = f'width="{wide}" height="{high}" rx="8" fill="#ffffff"'
    ring, dashes = EDGE, ""
    if card.unseen:
        dashes = f' stroke-dasharray="{" ".join(map(str, UNSEEN_DASHES))}"'
    elif card.state in STATE_LOOKS:
        ring, _, dashed, _ = STATE_LOOKS[card.state]
        dashes = f' stroke-dasharray="{" ".join(map(str, dashed))}"' if dashed else ""
    out = [f'<g transform="translate({card.x} {card.y})"><title>{xml_text(card.name)}</title>']
    if card.count > 1:
        out.append(f'<rect x="5" y="5" {box} stroke="{EDGE}"/>')
    fill = box.replace("#ffffff", "#ddf4ff") if card.focus else box
    out.append(f'<rect {fill} stroke="{ring}" stroke-width="2"{dashes}/>')
    out.append(
        f'<path transform="translate(20 22) scale(.8)" d="{shape}" fill="#ffffff" '
        f'stroke="{colour}" stroke-width="2"/>'
    )
    name = card.name if len(card.name) <= NAME else f"…{card.name[1 - NAME :]}"
    out.append(f'<text x="38" y="26" font-weight="600" fill="{INK}">{xml_text(name)}</text>')
    said = " · ".join(filter(None, (card.state, card.pinned, card.about)))[:ABOUT]
    out.append(f'<text x="38" y="45" font-size="11" fill="{FAINT}">{xml_text(said)}</text>')
    chips = ", ".join(chip.name for chip in card.chips)
    if chips:
        shown = chips if len(chips) <= ABOUT else f"{chips[: ABOUT - 1]}…"
        out.append(f'<text x="10" y="70" font-size="11" fill="{FAINT}">{xml_text(shown)}</text>')
    return [*out, "</g>"]


def as_mermaid(picture: Picture, *, title: str, words: Sequence[str]) -> str:
    """Give the picture as a Mermaid flowchart."""
    number = {card.key: place for place, card in enumerate(picture.cards)}
    lines = ["flowchart LR", f'  title["{mermaid_text(title)}"]:::title']
    for card in picture.cards:
        left, right = ("([", "])") if card.kind == "Run" else ("[", "]")
        said = " · ".join(filter(None, (card.name, card.about if card.unseen else card.state)))
        lines.append(f'  n{number[card.key]}{left}"{mermaid_text(said)}"{right}')
    arrows = {**ARROWS, UNSEEN: "-.->"}
    lines += [
        f"  n{number[line.cause]} {arrows.get(line.evidence, '-->')} n{number[line.effect]}"
        for line in picture.lines
    ]
    for state, (colour, *_) in STATE_LOOKS.items():
        those = [f"n{number[card.key]}" for card in picture.cards if card.state == state]
        if those:
            lines += [f"  classDef {state} stroke:{colour},stroke-width:3px"]
            lines += [f"  class {','.join(those)} {state}"]
    unknown = [f"n{number[card.key]}" for card in picture.cards if card.unseen]
    if unknown:
        dashes = " ".join(map(str, UNSEEN_DASHES))
        lines += [f"  classDef unseen stroke-dasharray:{dashes}"]
        lines += [f"  class {','.join(unknown)} unseen"]
    asked = [f"n{number[card.key]}" for card in picture.cards if card.focus]
    if asked:
        lines += ["  classDef asked fill:#ddf4ff", f"  class {','.join(asked)} asked"]
    lines.append("  classDef title fill:none,stroke:none")
    lines += [f'  said{n}["{mermaid_text(text)}"]:::title' for n, text in enumerate(words)]
    return "\n".join(lines) + "\n"
