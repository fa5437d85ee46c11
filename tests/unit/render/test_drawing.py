"""SVG and Mermaid: everything is in them, names stay text, and what was cut is said."""

from __future__ import annotations

import re
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
    as_svg,
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
