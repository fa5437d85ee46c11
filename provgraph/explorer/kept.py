"""A kept file: the explorer's page with a piece of the graph in it, one file that asks nobody.

The page is the same; where it would ask the server, it asks what it holds. A policy in the file
lets nothing be fetched, and only this one script and this one style sheet run, by their hashes.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any
from urllib.parse import quote

from provgraph.explorer.around import about, ask_of
from provgraph.explorer.interface import Subject
from provgraph.explorer.narrowing import moment_of
from provgraph.explorer.plainly import shown_view, text
from provgraph.explorer.views import Answered, gap_view
from provgraph.model.answers import GraphEdge, GraphNode, Lineage, Mark, to_json
from provgraph.model.kinds import RUN
from provgraph.render.html import hash_of
from provgraph.render.looks import looks
from provgraph.render.terminal import count_of
from provgraph.render.text_parts import when

MOST_KEPT = 200_000
# Of so many nodes everything is kept that a drawer shows, of more only what a table has.
MOST_SHOWN = 300
MOST_MARKED = 5_000
MOST_PLAIN = 300
GENERATION = "gen:"
SHORTEST = 10
# In the order in which they are joined: a module comes after those that it takes from.
SCRIPTS = (
    "place", "refused", "dom", "looks", "kept/graph", "kept/around", "kept/answers", "narrow",
    "bar", "picture", "drawer", "table", "view", "home", "main",
)  # fmt: skip
# What stands in a file for the module that asks the server.
INSTEAD = {"api": "answers"}

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\.{1,2}/(?:kept/)?(\w+)\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (const|class) (\w+)", re.MULTILINE)


def kept_page(
    subject: Subject,
    lineage: Lineage,
    *,
    title: str,
    selector: str | None,
    views: Sequence[tuple[Mapping[str, str], Answered]] = (),
) -> str:
    """Give the file as text; `views` are answers to keep, with what was asked for each."""
    script, style = _joined(), _file("app.css")
    policy = (
        f"default-src 'none'; script-src {hash_of(script)}; style-src {hash_of(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    data = json.dumps(_data(subject, lineage, title, selector, views), separators=(",", ":"))
    packed = gzip.compress(data.encode("utf-8", "replace"), compresslevel=9, mtime=0)
    icon = "data:image/svg+xml," + quote(_file("icon.svg"))
    pieces = {
        '<html lang="en">': '<html lang="en" data-kept>',
        '<meta charset="utf-8">': (
            '<meta charset="utf-8">\n'
            f'<meta http-equiv="content-security-policy" content="{html.escape(policy)}">\n'
            '<meta name="referrer" content="no-referrer">'
        ),
        "<title>provgraph</title>": f"<title>{text(title)} · provgraph</title>",
        '<link rel="stylesheet" href="/app.css">': f"<style>{style}</style>",
        '<script type="module" src="/main.js"></script>\n': "",
        '"/icon.svg"': f'"{icon}"',
        'class="brand" href="/"': 'class="brand" href="#"',
        "</body>": (
            f'<script type="application/gzip" id="kept">{base64.b64encode(packed).decode()}'
            f"</script>\n<script>{script}</script>\n</body>"
        ),
        _WITHOUT: _plain(lineage, title),
    }
    pattern = re.compile("|".join(map(re.escape, pieces)))
    return pattern.sub(lambda found: pieces[found[0]], _file("index.html"))


_WITHOUT = (
    '<p>This page needs JavaScript. <a href="/plain">The same answers as plain tables</a> '
    "don't.</p>"
)


def _file(name: str) -> str:
    return resources.files("provgraph.explorer").joinpath("page", name).read_text(encoding="utf-8")


def _joined() -> str:
    """Make one script of the page's modules: each a function that gives what it exports."""
    out = ['"use strict";\n(() => {\nconst modules = Object.create(null);\n']
    for path in SCRIPTS:
        name = path.rpartition("/")[2]
        body = _IMPORT.sub(_taken, _file(f"{path}.js"))
        exported = [found[2] for found in _EXPORT.finditer(body)]
        body = _EXPORT.sub(r"\1 \2", body)
        if re.search(r"^(import|export) |</script|<!--", body, re.MULTILINE):
            raise AssertionError(f"{path}.js can't be joined")
        given = ", ".join(exported)
        out.append(f"modules.{name} = (() => {{\n{body}\nreturn {{ {given} }};\n}})();\n")
    return "".join([*out, "})();\n"])


def _taken(found: re.Match[str]) -> str:
    names = re.sub(r"\b(\w+) as (\w+)\b", r"\1: \2", found[1])
    return f"const {{{names}}} = modules.{INSTEAD.get(found[2], found[2])};\n"


# -- what it holds -----------------------------------------------------------------------------


def _data(
    subject: Subject,
    lineage: Lineage,
    title: str,
    selector: str | None,
    views: Sequence[tuple[Mapping[str, str], Answered]],
) -> dict[str, Any]:
    marks: Mapping[str, Mark] = {}
    if len(lineage.nodes) <= MOST_MARKED:
        marks = subject.marks([node.id for node in lineage.nodes])
    # Causes before effects as far as their times tell: what is near in the graph is near here.
    nodes = sorted(lineage.nodes, key=lambda node: (node.depth, node.name, node.id))
    short = _shortened(nodes)
    columns = _Columns()
    place = {node.id: number for number, node in enumerate(nodes)}
    size = f"{count_of(len(nodes), 'node')}, {count_of(len(lineage.edges), 'edge')}"
    focus = [short[key] for key in lineage.focus if key in short]
    start: Mapping[str, str] | None = {"q": "focus", "of": focus[0]} if len(focus) == 1 else None
    if views:
        start = dict(views[0][0])
    shows = {}
    if len(nodes) <= MOST_SHOWN:
        for node in nodes:
            view = shown_view(subject.show(ask_of(node)))
            shows[short[node.id]] = _own(view, short) | {"selector": subject.told_by(ask_of(node))}
    question = lineage.question[:1].upper() + lineage.question[1:]
    return {
        "title": title,
        "as_of": when(lineage.as_of),
        "viewpoint": lineage.viewpoint,
        "question": lineage.question,
        "headline": f"{question}: {size}",
        "command": f"provgraph lineage {selector}" if selector else "provgraph log",
        "start": start,
        "totals": to_json(lineage.totals),
        "gaps": [gap_view(gap) for gap in lineage.gaps],
        "looks": looks(),
        "views": [
            {"asked": dict(asked), "view": _whole(answered, asked)} for asked, answered in views
        ],
        "shows": shows,
        "nodes": _node_columns(nodes, short, marks, columns),
        "edges": _edge_columns(lineage.edges, place, columns),
        "words": columns.words,
    }


class _Columns:
    """Columns of texts of which there are few, as numbers."""

    def __init__(self) -> None:
        self.words: dict[str, list[str]] = {}
        self._numbers: dict[str, dict[str, int]] = {}

    def numbers(self, column: str, values: Iterable[str]) -> list[int]:
        """Give each value its number in the column's words."""
        numbers = self._numbers.setdefault(column, {"": 0})
        out = [numbers.setdefault(value, len(numbers)) for value in values]
        self.words[column] = list(numbers)
        return out


def _node_columns(
    nodes: Sequence[GraphNode],
    short: Mapping[str, str],
    marks: Mapping[str, Mark],
    columns: _Columns,
) -> dict[str, list[Any]]:
    blank = Mark()
    each = [marks.get(node.id, blank) for node in nodes]
    steps = [
        mark.step or (n.name if n.kind == RUN else "") for n, mark in zip(nodes, each, strict=True)
    ]
    said = {
        "kind": [node.kind for node in nodes],
        "state": [node.state for node in nodes],
        "status": [str(node.props.get("status") or "") for node in nodes],
        "step": steps,
        "pinned": [mark.pinned for mark in each],
        "agent": [mark.agent for mark in each],
        "tracing": [mark.tracing for mark in each],
        "project": [mark.project for mark in each],
        "unseen": ["\n".join(mark.unseen) for mark in each],
    }
    times: list[int | None] = []
    before = 0
    for node, mark in zip(nodes, each, strict=True):
        moment = moment_of(mark.time or node.props.get("started"))
        times.append(None if moment is None else round(moment) - before)
        before = before if moment is None else round(moment)
    return {
        "id": [short[node.id] for node in nodes],
        "name": [node.name for node in nodes],
        "about": [about(node) for node in nodes],
        "time": times,
        **{column: columns.numbers(column, values) for column, values in said.items()},
    }


def _edge_columns(
    edges: Iterable[GraphEdge], place: Mapping[str, int], columns: _Columns
) -> dict[str, list[int]]:
    """Give edges by effects: each effect's number less the one before, how far its cause is."""
    inside = [e for e in edges if e.cause in place and e.effect in place]
    inside.sort(key=lambda e: (place[e.effect], place[e.cause], e.type, e.role, e.evidence))
    effects = [place[e.effect] for e in inside]
    return {
        "effect": [one - two for one, two in zip(effects, [0, *effects], strict=False)],
        "cause": [place[e.effect] - place[e.cause] for e in inside],
        "type": columns.numbers("type", (e.type for e in inside)),
        "role": columns.numbers("role", (e.role for e in inside)),
        "evidence": columns.numbers("evidence", (e.evidence for e in inside)),
    }


def _shortened(nodes: Sequence[GraphNode]) -> dict[str, str]:
    """Cut ids of versions to what still tells them apart: digests are most of such a file."""
    long = [node.id for node in nodes if node.id.startswith(GENERATION)]
    length = len(GENERATION) + SHORTEST
    while len({key[:length] for key in long}) < len(long):
        length += 2
    return {
        node.id: node.id[:length] if node.id.startswith(GENERATION) else ask_of(node)
        for node in nodes
    }


def _own(value: Any, short: Mapping[str, str]) -> Any:
    """Put the file's own ids in place of whole ones."""
    if isinstance(value, str):
        return short.get(value, value)
    if isinstance(value, (list, tuple)):
        return [_own(item, short) for item in value]
    if isinstance(value, dict):
        return {key: _own(item, short) for key, item in value.items()}
    return value


def _whole(answered: Answered, asked: Mapping[str, str]) -> dict[str, Any]:
    """Give a view with all rows of its table."""
    view = answered.view(str(asked.get("q", "")), asked)
    return view | {"table": answered.table.whole(), "cypher": "", "formats": ["csv"]}


def _plain(lineage: Lineage, title: str) -> str:
    """Give what a browser without scripts shows: the beginning of it all, as a table."""
    rows = "".join(
        f"<tr><td>{text(node.name)}</td><td>{text(node.kind)}</td><td>{text(node.state)}</td>"
        f"<td>{text(about(node))}</td></tr>"
        for node in lineage.nodes[:MOST_PLAIN]
    )
    rest = len(lineage.nodes) - MOST_PLAIN
    more = (
        f"<p>and {count_of(rest, 'more node')}: with JavaScript they can be searched.</p>"
        if rest > 0
        else ""
    )
    return (
        f"<h1>{text(title)}: {text(lineage.question)}</h1><p>As of {text(when(lineage.as_of))}</p>"
        f"<table>{rows}</table>{more}"
    )
