"""The page as a file: what is in it, what isn't, and how it is written."""

import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import CannotAnswer
from provgraph.model.answers import GraphNode
from provgraph.render.html import Drawn, html_page, label_of, write_html
from tests.unit.render import samples


def embedded(page: str) -> Any:
    match = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert match
    return json.loads(match[1])


def test_the_page_holds_the_graph_once_and_is_the_same_every_time() -> None:
    page, drawn = html_page(samples.lineage(), title="t")
    assert drawn == Drawn(nodes=18, edges=23, cut=0)
    data = embedded(page)
    assert {node["name"] for node in data["nodes"]} == {n.name for n in samples.lineage().nodes}
    assert len(data["edges"]) == 23
    assert html_page(samples.lineage(), title="t")[0] == page


class Tags(HTMLParser):
    """Every start tag with its attributes, as a browser reads the page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_nothing_is_linked() -> None:
    page, _ = html_page(samples.lineage(), title="t")
    for tag, attributes in Tags(page).found:
        assert tag not in ("link", "img", "iframe", "base", "object", "form")
        assert not {"src", "href", "srcset", "style", "action"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    style = page[page.index("<style>") : page.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    for word in ("cdnjs.cloudflare", "jsdelivr", "unpkg", "bootstrap"):
        assert word not in page


def test_hostile_names_stay_data() -> None:
    names = (*samples.HOSTILE, "{{library}}", "{{script}}", "]]>", "<!--", "\ud800")
    nodes = tuple(GraphNode(f"n{n}", name, name, name, name) for n, name in enumerate(names))
    lineage = replace(samples.lineage(), nodes=nodes, edges=(), focus=(), question=names[0])
    page, _ = html_page(lineage, title=samples.HOSTILE[7])
    tags = [tag for tag, _ in Tags(page).found]
    assert tags == [tag for tag, _ in Tags(html_page(samples.lineage(), title="t")[0]).found]
    assert len(embedded(page)["nodes"]) == len(names)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", page[: page.index('id="data"')])


def test_gaps_and_the_cut_are_on_the_page() -> None:
    lineage = replace(samples.wide_lineage(), gaps=(samples.NATIVE, samples.CONSUMED))
    page, drawn = html_page(lineage, title="t")
    data = embedded(page)
    assert drawn.cut == 301
    assert data["cut"] == {"nodes": 301, "edges": 301}
    assert [gap["blocking"] for gap in data["gaps"]] == [True, False]
    assert data["gaps"][0]["advice"]


@pytest.mark.parametrize(
    ("node", "label"),
    [
        (
            GraphNode("r", "Run", "python prepare.py data/v3 params/v3.yaml"),
            "prepare.py data/v3 pa…",
        ),
        (GraphNode("a", "Result", "out/a/very/deep/folder/figure.png"), "out/a/v…der/figure.png"),
        (GraphNode("b", "Result", ""), ""),
    ],
)
def test_labels(node: GraphNode, label: str) -> None:
    assert label_of(node) == label


def test_written_whole_with_ordinary_rights(tmp_path: Path) -> None:
    target = tmp_path / "graph.html"
    target.write_text("old")
    write_html(samples.lineage(), target, title="t")
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.html"]
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize("where", ["missing/graph.html", "file/graph.html", "folder"])
def test_where_it_can_not_be_written_nothing_is_left(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(CannotAnswer, match="can't be written") as caught:
        write_html(samples.lineage(), tmp_path / where, title="t")
    assert caught.value.hint
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
