"""A lineage as a drawing for documents: SVG, PNG, and Mermaid for pages that draw it themselves.

All are cut as the HTML page is, nearest to the question first, and say in the drawing itself how
much was left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from provgraph.errors import CannotAnswer, UsageError
from provgraph.model.answers import GraphNode, Lineage
from provgraph.model.gaps import BLOCKING
from provgraph.render import plain
from provgraph.render.html import label_of, write_html, write_whole
from provgraph.render.looks import EVIDENCE_LOOKS, KIND_LOOKS, OTHER_LOOK, STATE_LOOKS
from provgraph.render.placing import MOST_NODES, Placed, place
from provgraph.render.terminal import count_of
from provgraph.render.text_parts import gap_words, when

# Mermaid draws nothing where a diagram has more, unless the page's owner raised these.
MERMAID_EDGES, MERMAID_CHARACTERS = 500, 50_000
_MARGIN = 70
_INK, _FAINT, _EDGE = "#1f2328", "#57606a", "#8c959f"
_SPECIAL = re.compile(r"[^\w ./·:,@+=()\[\]-]")
_NO_XML = re.compile("[\ufffe\uffff]")
ARROWS = {"observed": "-->", "declared": "-.->", "inferred": "-.->"}


# Each style with the file it is written to where none is named.
STYLES = {
    "page": "graph.html",
    "explorer": "report.html",
    "svg": "graph.svg",
    "png": "graph.png",
    "mermaid": "graph.mmd",
}
_ENDINGS = {".svg": "svg", ".png": "png", ".mmd": "mermaid", ".mermaid": "mermaid"}
_SHARP = 2.0  # pixels for one of the drawing's, so that a document can be printed
# What "sans-serif" may be, by system; whoever draws has no font configuration to ask.
_SANS = (
    "Arial", "Helvetica", "DejaVu Sans", "Liberation Sans", "Noto Sans", "Open Sans", "Roboto",
    "Ubuntu", "Cantarell", "FreeSans", "Nimbus Sans", "Verdana", "Segoe UI",
)  # fmt: skip
_MOST_PIXELS = 16_000  # of a side: what programs that show pictures still take


def style_of(path: str | Path | None) -> str:
    """Give the style that a file's name asks for by its ending."""
    return _ENDINGS.get(Path(path).suffix.lower(), "page") if path is not None else "page"


def write_drawing(lineage: Lineage, path: str | Path, *, style: str, title: str) -> None:
    """Write a drawing whole or not at all; raises CannotAnswer where it can't be written."""
    if style == "page":
        write_html(lineage, path, title=title)
    elif style == "svg":
        write_whole(path, as_svg(lineage, title=title))
    elif style == "png":
        write_whole(path, as_png(as_svg(lineage, title=title)))
    elif style == "mermaid":
        write_whole(path, as_mermaid(lineage, title=title))
    else:
        raise UsageError(f"there is no style {style!r}", hint="use " + ", ".join(STYLES))


def as_mermaid(lineage: Lineage, *, title: str) -> str:
    """Give a Mermaid flowchart, cut until Mermaid's own limits allow it."""
    most = MOST_NODES
    while True:
        placed = place(lineage, most=most)
        text = _mermaid(lineage, placed, title)
        if most == 1:
            return text
        if len(placed.edges) <= MERMAID_EDGES and len(text) <= MERMAID_CHARACTERS:
            return text
        most //= 2


def _mermaid(lineage: Lineage, placed: Placed, title: str) -> str:
    number = {node.id: at for at, node in enumerate(placed.nodes)}
    lines = ["flowchart LR", f'  title["{mermaid_text(title)}"]:::title']
    for node in placed.nodes:
        left, right = ("([", "])") if node.kind == "Run" else ("[", "]")
        lines.append(f'  n{number[node.id]}{left}"{mermaid_text(_words(node))}"{right}')
    lines += [
        f"  n{number[edge.cause]} {ARROWS.get(edge.evidence, '-->')} n{number[edge.effect]}"
        for edge in placed.edges
    ]
    for state, (colour, *_) in STATE_LOOKS.items():
        those = [f"n{number[node.id]}" for node in placed.nodes if node.state == state]
        if those:
            lines += [f"  classDef {state} stroke:{colour},stroke-width:3px"]
            lines += [f"  class {','.join(those)} {state}"]
    focus = [f"n{number[key]}" for key in lineage.focus if key in number]
    if focus:
        lines += ["  classDef asked fill:#ddf4ff", f"  class {','.join(focus)} asked"]
    lines.append("  classDef title fill:none,stroke:none")
    lines.append(f'  seen["{mermaid_text(seen_words(lineage, placed))}"]:::title')
    return "\n".join(lines) + "\n"


def _words(node: GraphNode) -> str:
    """Give a node's label: its state stands beside its colour."""
    return " · ".join(filter(None, [label_of(node) or node.kind, node.state]))


def seen_words(lineage: Lineage, placed: Placed) -> str:
    """Say as of when a drawing holds and what it doesn't show: it travels without its terminal."""
    blocking = sum(gap.grade == BLOCKING for gap in lineage.gaps)
    gaps = count_of(len(lineage.gaps), "gap") + (f", {blocking:,} blocking" if blocking else "")
    said = [
        lineage.viewpoint,
        f"as of {when(lineage.as_of)}",
        gaps if lineage.gaps else "",
        f"{count_of(placed.cut_nodes, 'node')} further away not drawn" if placed.cut_nodes else "",
    ]
    # What the answer itself had cut isn't among the placed: both are said.
    said += [gap_words(gap) for gap in lineage.gaps if gap.reason == "cut"]
    return " · ".join(filter(None, said))


def mermaid_text(text: str) -> str:
    """Write text as Mermaid takes it between quotes: whatever it could read is a code."""
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", plain.shown(text))


def as_svg(lineage: Lineage, *, title: str) -> str:
    """Give an SVG picture that needs nothing else: no script, no style sheet, no font file."""
    placed = place(lineage)
    xs = [x for x, _ in placed.positions.values()] or [0]
    ys = [y for _, y in placed.positions.values()] or [0]
    ys += [y for route in placed.routes for _, y in route]
    left, top = min(xs) - _MARGIN, min(ys) - _MARGIN - 24
    width, height = max(max(xs) - left + _MARGIN, 360), max(ys) - top + _MARGIN
    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {width} {height}" '
            f'width="{width}" height="{height}" font-family="sans-serif" font-size="11" role="img">'
        ),
        f"<title>{xml_text(title)}</title>",
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto">'
            f'<path d="M0 0L8 4L0 8Z" fill="{_EDGE}"/></marker></defs>'
        ),
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="#ffffff"/>',
        (
            f'<text x="{left + 12}" y="{top + 22}" font-size="14" fill="{_INK}">'
            f"{xml_text(title)}</text>"
        ),
    ]
    seen = xml_text(seen_words(lineage, placed))
    out.append(f'<text x="{left + 12}" y="{top + 40}" fill="{_FAINT}">{seen}</text>')
    # Below the lines, so that it hides no arrow.
    for key in (key for key in lineage.focus if key in placed.positions):
        x, y = placed.positions[key]
        out.append(f'<circle cx="{x}" cy="{y}" r="22" fill="#ddf4ff"/>')
    for edge, route in zip(placed.edges, placed.routes, strict=True):
        dashes = " ".join(map(str, EVIDENCE_LOOKS.get(edge.evidence, ([], ""))[0]))
        points = [placed.positions[edge.cause], *route, placed.positions[edge.effect]]
        out.append(
            f'<path d="{_curve(points)}" fill="none" stroke="{_EDGE}" stroke-width="1.3"'
            + (f' stroke-dasharray="{dashes}"' if dashes else "")
            + ' marker-end="url(#tip)"/>'
        )
    for node in placed.nodes:
        out += _mark(node, placed.positions[node.id])
    return "\n".join([*out, "</svg>"]) + "\n"


def as_png(svg: str) -> bytes:
    """Give an SVG picture as PNG, two pixels for one, with the fonts of this machine.

    Raises `CannotAnswer` where nothing draws it, or where there is no font: a picture without its
    words would pass for one that has none.
    """
    try:
        from resvg_py import svg_to_bytes
    except ImportError as error:
        raise CannotAnswer(
            "nothing is installed that makes a PNG of a drawing",
            hint="pip install 'provgraph[png]', or write an SVG: -o graph.svg",
        ) from error
    paper = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20">%s</svg>'
    letter = '<text y="15" font-family="sans-serif">W</text>'
    blank = svg_to_bytes(svg_string=paper % "", skip_system_fonts=True)
    drawn = (
        f for f in _SANS if svg_to_bytes(svg_string=paper % letter, sans_serif_family=f) != blank
    )
    family = next(drawn, None)
    if family is None:
        raise CannotAnswer(
            "this machine has no font to write the drawing's words with",
            hint="install one (Debian: fonts-dejavu-core), or write an SVG: -o graph.svg",
        )
    sides = re.search(r'width="(\d+)" height="(\d+)"', svg)
    longest = max(map(int, sides.groups())) if sides else 1
    zoom = min(_SHARP, _MOST_PIXELS / longest)
    return bytes(svg_to_bytes(svg_string=svg, zoom=zoom, sans_serif_family=family))


def _curve(points: list[tuple[int, int]]) -> str:
    (x, y), *rest = points
    drawn = [f"M{x + 15} {y}"]
    x += 15
    for at, (to_x, to_y) in enumerate(rest):
        end = to_x - 17 if at == len(rest) - 1 else to_x
        bend = (end - x) // 2
        drawn.append(f"C{x + bend} {y} {end - bend} {to_y} {end} {to_y}")
        x, y = end, to_y
    return "".join(drawn)


def _mark(node: GraphNode, point: tuple[int, int]) -> list[str]:
    path, colour, _ = KIND_LOOKS.get(node.kind, OTHER_LOOK)
    out = [f'<g transform="translate({point[0]} {point[1]})"><title>{xml_text(node.name)}</title>']
    if node.state in STATE_LOOKS:
        ring, _, dashes, _ = STATE_LOOKS[node.state]
        dashed = f' stroke-dasharray="{" ".join(map(str, dashes))}"' if dashes else ""
        out.append(f'<circle r="17" fill="none" stroke="{ring}" stroke-width="2.5"{dashed}/>')
    out.append(f'<path d="{path}" fill="#ffffff" stroke="{colour}" stroke-width="2"/>')
    label = xml_text(label_of(node) or node.kind)
    out.append(f'<text y="31" text-anchor="middle" fill="{_INK}">{label}</text>')
    if node.state:
        state = xml_text(node.state)
        out.append(f'<text y="44" text-anchor="middle" fill="{_FAINT}">{state}</text>')
    return [*out, "</g>"]


def xml_text(text: str) -> str:
    """Write text as XML takes it, what hides or moves other text as escapes."""
    safe = _NO_XML.sub("\ufffd", plain.shown(text))
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
