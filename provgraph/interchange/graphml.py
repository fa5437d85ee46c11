r"""The graph as GraphML, streamed: for Gephi, yEd, Cytoscape, igraph and networkx.

GraphML knows no lists and XML no control characters: a list is a JSON text, a control character
its escape (`\u0001`). What is not known is left out. Edges go as in the property graph, and carry
`label`, their type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TextIO
from xml.sax.saxutils import quoteattr

from provgraph.graph.published import (
    INTEGER,
    NODES,
    NUMBER,
    RELATIONSHIPS,
    TEXT,
    TRUTH,
    Column,
    Node,
    Relationship,
)

TYPES = {INTEGER: "long", NUMBER: "double", TRUTH: "boolean"}
LABEL = Column("label")
NODE_KEYS = tuple(
    dict.fromkeys((LABEL, Column("kind"), *(c for columns in NODES.values() for c in columns)))
)
EDGE_KEYS = tuple(
    dict.fromkeys((LABEL, *(c for columns in RELATIONSHIPS.values() for c in columns)))
)
HEAD = """\
<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns
    http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""
# What XML 1.0 can't hold, and what would be read back as something else.
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
SPECIAL = re.compile("[&<>\r]")
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def write_graphml(
    nodes: Iterable[Node], relationships: Iterable[Relationship], file: TextIO
) -> None:
    """Write one GraphML file, opened as text."""
    file.write(HEAD)
    for prefix, domain, columns in (("n", "node", NODE_KEYS), ("e", "edge", EDGE_KEYS)):
        file.writelines(
            f'  <key id="{prefix}{place}" for="{domain}" attr.name="{column.name}"'
            f' attr.type="{TYPES.get(column.type, "string")}"/>\n'
            for place, column in enumerate(columns)
        )
    file.write('  <graph edgedefault="directed">\n')
    _write_all(file, nodes, relationships)
    file.write("  </graph>\n</graphml>\n")


def _write_all(file: TextIO, nodes: Iterable[Node], relationships: Iterable[Relationship]) -> None:
    for node in nodes:
        data = "".join(_data("n", NODE_KEYS, {**node.props, "label": node.label}))
        file.write(f"    <node id={_attribute(node.id)}>{data}</node>\n")
    for place, one in enumerate(relationships):
        data = "".join(_data("e", EDGE_KEYS, {**one.props, "label": one.type}))
        ends = f"source={_attribute(one.start)} target={_attribute(one.end)}"
        file.write(f'    <edge id="e{place}" {ends}>{data}</edge>\n')


def _data(prefix: str, columns: Iterable[Column], props: Mapping[str, Any]) -> Iterator[str]:
    for place, column in enumerate(columns):
        value = props.get(column.name)
        if value is not None:
            yield f'<data key="{prefix}{place}">{_value(column.type, value)}</data>'


def _value(kind: str, value: Any) -> str:
    if kind == TEXT:
        return _text(value)
    if kind == TRUTH:
        return "true" if value else "false"
    if kind in TYPES:
        return str(value)
    return _text(json.dumps(value, ensure_ascii=False))


def _text(text: str) -> str:
    return SPECIAL.sub(lambda found: ESCAPES[found[0]], _fit(text))


def _attribute(text: str) -> str:
    return quoteattr(_fit(text))


def _fit(text: str) -> str:
    return UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
