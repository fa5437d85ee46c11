"""A bulk import's lines in their canonical form, and the graph's identities for what they name.

`interchange/jsonl.py` writes this form, a subset of `schemas/graph-line.json`: nodes come first,
then edges; a ref is the ordinal of its node; a line that repeats a ref tells more of that node;
an end that isn't a ref is the id of a vertex that came in another way.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from provgraph.graph.interface import DEPENDS_ON, PRODUCES, USES
from provgraph.model.digests import generation_id, identity
from provgraph.model.kinds import RUN

TYPES = (USES, PRODUCES, DEPENDS_ON)
_CODES = {name: code for code, name in enumerate(TYPES)}
BATCH = 1 << 20  # bytes parsed at once


class NodeLine(NamedTuple):
    """A node: `id` is its vertex's."""

    ref: str
    id: str
    is_run: bool
    kind: str
    name: str
    digest: str
    props: Mapping[str, Any]


class EdgeLine(NamedTuple):
    """An edge: `code` indexes TYPES; ends as written, `attributes` as `edge_attributes` gives."""

    code: int
    start: str
    end: str
    attributes: tuple[str, str, str]


def vertex_id(project: str, *, kind: str, name: str, digest: str) -> str:
    """Name an imported node: equal to a recorded source with this digest; a run by its name."""
    if kind == RUN:
        return "run:" + identity("imported-run", project, name, digest)
    return generation_id(project, name, digest, None)


def is_run_id(identifier: str) -> bool:
    """Tell a run's id from a generation's."""
    return not identifier.startswith("gen:")


def edge_attributes(code: int, props: Mapping[str, Any]) -> tuple[str, str, str]:
    """Read (role or how, evidence, touched as JSON) from an edge's props, as defaults have it."""
    if not props:
        return _DEFAULTS[code]
    role, evidence, _ = _DEFAULTS[code]
    touched = props.get("touched") if code == 0 else None
    return (
        str(props.get("how" if code == 2 else "role") or role),
        str(props.get("evidence") or evidence),
        _text(touched) if isinstance(touched, Mapping) and touched else "",
    )


_DEFAULTS = (
    ("input", "declared", ""),
    ("output", "declared", ""),
    ("import", "declared", ""),
)


def _text(touched: Mapping[str, Any]) -> str:
    whole = {str(part): str(digest) for part, digest in touched.items()}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"))


def read_lines(project: str, lines: Iterable[bytes]) -> Iterator[NodeLine | EdgeLine]:
    """Parse canonical lines, many at a time. Raises `ValueError` or `KeyError` for others."""
    for item in _parsed(lines):
        edge = item.get("edge")
        if edge is not None:
            code = _CODES[edge["type"]]
            props = edge.get("props")
            yield EdgeLine(
                code,
                edge["from"],
                edge["to"],
                edge_attributes(code, props) if props else _DEFAULTS[code],
            )
            continue
        node = item["node"]
        kind, name, digest = node["kind"], node["name"], node.get("digest", "")
        yield NodeLine(
            item["ref"],
            vertex_id(project, kind=kind, name=name, digest=digest),
            kind == RUN,
            kind,
            name,
            digest,
            node.get("props") or {},
        )


def _parsed(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size > BATCH:
            yield from json.loads(b"[" + b",".join(batch) + b"]")
            batch, size = [], 0
    yield from json.loads(b"[" + b",".join(batch) + b"]")
