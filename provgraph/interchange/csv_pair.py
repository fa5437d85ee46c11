"""The graph as two CSV files, laid out for `neo4j-admin database import full`.

Texts are quoted, so that an empty text is not nothing; a quote in one is doubled; lists and labels
are parted by the unit separator, U+001F, which hardly any name holds (there it becomes U+FFFD).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from provgraph.graph.published import (
    IDENTITY,
    INTEGER,
    NODES,
    NUMBER,
    RELATIONSHIPS,
    TEXT,
    TEXTS,
    TRUTH,
    Column,
    Node,
    Relationship,
)

TYPES = {TEXT: "", TEXTS: ":string[]", INTEGER: ":long", NUMBER: ":double", TRUTH: ":boolean"}
PARTED = "\x1f"
NODE_COLUMNS = tuple(
    dict.fromkeys((*IDENTITY, *(c for columns in NODES.values() for c in columns)))
)
EDGE_COLUMNS = tuple(dict.fromkeys(c for columns in RELATIONSHIPS.values() for c in columns))
NODE_HEADER = (
    "id:ID",
    *(column.name + TYPES[column.type] for column in NODE_COLUMNS[1:]),
    ":LABEL",
)
EDGE_HEADER = (
    ":START_ID",
    ":END_ID",
    ":TYPE",
    *(column.name + TYPES[column.type] for column in EDGE_COLUMNS),
)


def write_csv(
    nodes: Iterable[Node], relationships: Iterable[Relationship], node_path: Path, edge_path: Path
) -> None:
    """Write the pair."""
    with node_path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(",".join(NODE_HEADER) + "\n")
        for node in nodes:
            row = [*_fields(NODE_COLUMNS, node.props), _text(node.label)]
            file.write(",".join(row) + "\n")
    with edge_path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(",".join(EDGE_HEADER) + "\n")
        for one in relationships:
            ends = [_text(one.start), _text(one.end), one.type]
            file.write(",".join([*ends, *_fields(EDGE_COLUMNS, one.props)]) + "\n")


def _fields(columns: Sequence[Column], props: Mapping[str, Any]) -> list[str]:
    return [_field(props.get(column.name)) for column in columns]


def _field(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return '"' + PARTED.join(_inside(text).replace(PARTED, "\ufffd") for text in value) + '"'
    return str(value)


def _text(text: str) -> str:
    return f'"{_inside(text)}"'


def _inside(text: str) -> str:
    return text.replace('"', '""').replace("\0", "\ufffd")
