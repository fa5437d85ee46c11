"""A bulk import's lines in their canonical form, and the graph's identities for what they name.

`interchange/jsonl.py` writes this form, a subset of `schemas/graph-line.json`: nodes come first,
then edges; a ref is the ordinal of its node; a line that repeats a ref tells more of that node;
an end that isn't a ref is the id of a vertex that came in another way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from provgraph.graph.interface import DEPENDS_ON, PRODUCES, USES
from provgraph.model.digests import identities
from provgraph.model.kinds import RUN

TYPES = (USES, PRODUCES, DEPENDS_ON)
CODES = {name: code for code, name in enumerate(TYPES)}
BATCH = 1 << 20  # bytes parsed at once

# An edge that says nothing but its ends, as nearly all do: ten times quicker than JSON.
PLAIN_EDGE = re.compile(
    rb'^\{"edge":\{"type":"(USES|PRODUCES|DEPENDS_ON)","from":"(\d+)","to":"(\d+)"\}\}$',
    re.MULTILINE,
)
PLAIN_CODES = {name.encode(): code for name, code in CODES.items()}


class NodeLine(NamedTuple):
    """A node: `id` is its vertex's."""

    ref: int
    id: str
    is_run: bool
    kind: str
    name: str
    digest: str
    props: Mapping[str, Any]


class EdgeLine(NamedTuple):
    """An edge: `code` indexes TYPES; an end is a ref or an id; `attributes`: role, evidence, …"""

    code: int
    start: int | str
    end: int | str
    attributes: tuple[str, str, str]


PlainEdges = list[tuple[bytes, bytes, bytes]]
"""Edges without props: (a key of PLAIN_CODES, ref, ref)."""

DEFAULTS = (
    ("input", "declared", ""),
    ("output", "declared", ""),
    ("import", "declared", ""),
)


def vertex_ids(project: str) -> tuple[Callable[[str, str], str], Callable[[str, str], str]]:
    """Give what names a project's imported runs and its artefacts, by (name, digest).

    An artefact's id is that of the source with this digest, so that it meets a recorded one.
    """
    run, artefact = identities("imported-run", project), identities("generation", project)
    return (lambda name, digest: "run:" + run(name, digest)), (
        lambda name, digest: "gen:" + artefact(name, digest, "")
    )


def is_run_id(identifier: str) -> bool:
    """Tell a run's id from a generation's."""
    return not identifier.startswith("gen:")


def is_ref(end: str) -> bool:
    """Tell an ordinal from an id; a run's id may be all digits, but is longer."""
    return len(end) < 20 and end.isascii() and end.isdigit()


def edge_attributes(code: int, props: Mapping[str, Any]) -> tuple[str, str, str]:
    """Read (role or how, evidence, touched as JSON) from an edge's props, as defaults have it."""
    role, evidence, _ = DEFAULTS[code]
    touched = props.get("touched") if code == 0 else None
    return (
        str(props.get("how" if code == 2 else "role") or role),
        str(props.get("evidence") or evidence),
        _text(touched) if isinstance(touched, Mapping) and touched else "",
    )


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Join props; where both have a key the greater text counts, whichever came first."""
    whole = {**one, **other}
    for key in one.keys() & other.keys():
        whole[key] = max(one[key], other[key], key=lambda value: json.dumps(value, sort_keys=True))
    return dict(sorted(whole.items()))


def _text(touched: Mapping[str, Any]) -> str:
    whole = {str(part): str(digest) for part, digest in touched.items()}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"))


def read_lines(
    project: str, lines: Iterable[bytes]
) -> Iterator[PlainEdges | list[NodeLine | EdgeLine]]:
    """Parse canonical lines, many at a time. Raises `ValueError` or `KeyError` for others."""
    run_id, artefact_id = vertex_ids(project)
    for batch in _batches(lines):
        if batch[0].startswith(b'{"edge"'):
            plain = PLAIN_EDGE.findall(b"".join(batch))
            if len(plain) == len(batch):
                yield plain
                continue
        yield [
            _edge(item["edge"]) if "edge" in item else _node(item, run_id, artefact_id)
            for item in json.loads(b"[" + b",".join(batch) + b"]")
        ]


def _edge(edge: dict[str, Any]) -> EdgeLine:
    code, props, start, end = CODES[edge["type"]], edge.get("props"), edge["from"], edge["to"]
    return EdgeLine(
        code,
        int(start) if is_ref(start) else start,
        int(end) if is_ref(end) else end,
        edge_attributes(code, props) if props else DEFAULTS[code],
    )


def _node(
    item: dict[str, Any],
    run_id: Callable[[str, str], str],
    artefact_id: Callable[[str, str], str],
) -> NodeLine:
    node = item["node"]
    kind, name, digest = node["kind"], node["name"], node.get("digest", "")
    is_run = kind == RUN
    identifier = (run_id if is_run else artefact_id)(name, digest)
    return NodeLine(
        int(item["ref"]), identifier, is_run, kind, name, digest, node.get("props") or {}
    )


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if size > BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def split_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut what comes in chunks into lines, without their ends."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest
