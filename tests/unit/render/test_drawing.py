"""SVG and Mermaid: everything is in them, names stay text, and what was cut is said."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from provgraph.errors import UsageError
from provgraph.model.answers import GapNote, GraphEdge, GraphNode
from provgraph.model.gaps import BLOCKING
from provgraph.render.drawing import (
    MERMAID_CHARACTERS,
    MERMAID_EDGES,
    as_mermaid,
    as_png,
    as_svg,
    style_of,
    write_drawing,
)
from provgraph.render.placing import MOST_NODES
from tests.unit.render import samples

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    *samples.HOSTILE,
    '"]; click n0 "javascript:x"',
    "`**b**`",
    "end",
    "%%{init}%%",
    "\uffff",
)


def hostile(name: str) -> GraphNode:
    return replace(samples.lineage().nodes[0], name=name)


def test_svg_has_each_node_and_edge_once() -> None:
    lineage = samples.lineage()
    root = ET.fromstring(as_svg(lineage, title="t"))
    names = [group.findtext(f"{SVG}title") for group in root.iter(f"{SVG}g")]
    assert sorted(map(str, names)) == sorted(node.name for node in lineage.nodes)
    assert len([p for p in root.iter(f"{SVG}path") if p.get("marker-end")]) == len(lineage.edges)


def test_mermaid_has_each_node_and_edge_once() -> None:
    text = as_mermaid(samples.lineage(), title="t")
    assert len(re.findall(r"^  n\d+[(\[]", text, re.MULTILINE)) == len(samples.lineage().nodes)
    arrows = re.findall(r"^  n\d+ (?:-->|-\.->) n\d+$", text, re.MULTILINE)
    assert len(arrows) == len(samples.lineage().edges)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    first, *others = samples.lineage().nodes
    lineage = replace(samples.lineage(), nodes=(replace(first, name=name), *others))
    root = ET.fromstring(as_svg(lineage, title=name))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "defs", "marker", "path", "rect", "text", "g", "circle",
    }  # fmt: skip
    for line in as_mermaid(lineage, title=name).splitlines()[1:]:
        label = re.fullmatch(r'  \w+(?:\(\[|\[)"([^"]*)"(?:\]\)|\])(?::::title)?', line)
        assert label or re.fullmatch(r"  (n\d+ \S+ n\d+|class(Def)? [\w,]+ [\w:#,-]+)", line), line
        if label:
            assert not re.search(r"[<>`&;%\"](?<!\d;)", label[1]), line


def test_what_is_cut_is_said() -> None:
    count = MOST_NODES + 7
    nodes = tuple(replace(hostile(f"f{at}"), id=f"i{at}", depth=at) for at in range(count))
    edges = tuple(GraphEdge("USES", f"i{at}", f"i{at + 1}") for at in range(count - 1))
    lineage = replace(samples.lineage(), nodes=nodes, edges=edges, focus=("i0",))
    assert "7 nodes further away not drawn" in as_svg(lineage, title="t")
    assert "7 nodes further away not drawn" in as_mermaid(lineage, title="t")


def test_gaps_travel_with_the_drawing() -> None:
    gap = GapNote(grade=BLOCKING, reason="unwatched-writer", subject="x", words="")
    lineage = replace(samples.lineage(), gaps=(gap, replace(gap, grade="noted")))
    assert "2 gaps, 1 blocking" in as_svg(lineage, title="t")
    assert "2 gaps, 1 blocking" in as_mermaid(lineage, title="t")


def test_what_the_answer_had_cut_is_said_too() -> None:
    gap = GapNote("noted", "cut", "", "9 nodes further away are left out")
    lineage = replace(samples.lineage(), gaps=(gap,))
    assert "9 nodes further away are left out" in as_svg(lineage, title="t")
    assert "9 nodes further away are left out" in as_mermaid(lineage, title="t")


def test_mermaid_is_cut_to_what_mermaid_draws() -> None:
    nodes = tuple(replace(hostile(f"{at}<&>" * 9), id=f"i{at}") for at in range(120))
    edges = tuple(GraphEdge("USES", f"i{a}", f"i{b}") for b in range(120) for a in range(b))
    lineage = replace(samples.lineage(), nodes=nodes, edges=edges, focus=("i0",))
    text = as_mermaid(lineage, title="t")
    assert 0 < text.count("-->") <= MERMAID_EDGES
    assert len(text) <= MERMAID_CHARACTERS
    assert "further away not drawn" in text


def test_another_style_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no style 'pdf'"):
        write_drawing(samples.lineage(), "x", style="pdf", title="t")


def test_png_is_the_svg_twice_as_large_with_its_words() -> None:
    pytest.importorskip("resvg_py")
    svg = as_svg(samples.lineage(), title="t")
    wide, high = map(int, re.findall(r'(?:width|height)="(\d+)"', svg)[:2])

    picture = as_png(svg)
    wordless = as_png(re.sub(r"<text.*?</text>", "", svg))

    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (2 * wide, 2 * high)
    assert len(picture) > 1.2 * len(wordless)


def test_png_says_what_is_missing() -> None:
    script = (
        "import sys; sys.modules['resvg_py'] = None\n"
        "from provgraph.render.drawing import as_png\n"
        "try:\n    as_png('<svg/>')\nexcept Exception as error:\n    print(error, error.hint)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "provgraph[png]" in said.stdout


@pytest.mark.parametrize(
    ("name", "style"),
    [("a.svg", "svg"), ("a.PNG", "png"), ("a.mmd", "mermaid"), ("a", "page"), (None, "page")],
)
def test_the_ending_of_a_file_says_what_is_drawn(name: str | None, style: str) -> None:
    assert style_of(name) == style
