"""A lineage as one HTML file that works from disk, offline: the only door to pyvis.

pyvis gives the network (nodes, edges, options) and the copy of vis-network it brings; its own page
doesn't: that one links CDNs and puts titles in unescaped. Ours holds the data as JSON, a policy
that lets nothing be fetched, and scripts allowed by their hash alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources, util
from pathlib import Path
from typing import Any

from provgraph.errors import CannotAnswer
from provgraph.model.answers import GraphNode, Lineage
from provgraph.model.gaps import BLOCKING
from provgraph.render import plain
from provgraph.render.advice import advice_on
from provgraph.render.looks import EVIDENCE_LOOKS, KIND_LOOKS, OTHER_LOOK, STATE_LOOKS
from provgraph.render.placing import MOST_NODES, Placed, place
from provgraph.render.text_parts import gap_words, when

_LABEL = 22
_OPTIONS: dict[str, Any] = {
    "physics": {"enabled": False},
    "layout": {"improvedLayout": False, "randomSeed": 0},
    "interaction": {
        "hover": True,
        "dragNodes": True,
        "multiselect": False,
        "selectConnectedEdges": False,
        "tooltipDelay": 3600000,
    },
    "nodes": {"physics": False},
    "edges": {
        "arrows": {"to": {"enabled": True, "scaleFactor": 0.6}},
        "smooth": {"enabled": True, "type": "cubicBezier", "forceDirection": "horizontal",
                   "roundness": 0.5},
        "color": {"inherit": False},
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawn:
    """How much was drawn, and how many nodes were left out because they are too many to look at."""

    nodes: int
    edges: int
    cut: int


def write_html(lineage: Lineage, path: str | Path, *, title: str) -> Drawn:
    """Write the page whole or not at all; raises CannotAnswer where it can't be written."""
    page, drawn = html_page(lineage, title=title)
    write_whole(path, page)
    return drawn


def write_whole(path: str | Path, text: str | bytes) -> None:
    """Write a file whole or not at all; raises CannotAnswer where it can't be written."""
    target = Path(path)
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode("utf-8") if isinstance(text, str) else text)
        # mkstemp makes it readable by the owner only; give it what an ordinary file would get.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise CannotAnswer(
            f"{target} can't be written: {error.strerror or error}",
            hint="name a file in a folder that exists and that you may write to: -o graph.html",
        ) from error
    except BaseException:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise


def html_page(lineage: Lineage, *, title: str, most: int = MOST_NODES) -> tuple[str, Drawn]:
    """Give the page as text, for a file or a notebook's frame."""
    placed = place(lineage, most=most)
    data = _data(lineage, placed, title)
    library = _library()
    script = _asset("page.js")
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        f"form-action 'none'; script-src {hash_of(library)} {hash_of(script)}"
    )
    pieces = {
        "policy": policy,
        "title": _text(title),
        "style": _asset("page.css"),
        "data": _embedded(data),
        "library": library,
        "script": script,
    }
    # One pass, so that a name that looks like a placeholder stays a name.
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: pieces[match[1]], _asset("page.html"))
    return page, Drawn(len(placed.nodes), len(placed.edges), placed.cut_nodes)


def _asset(name: str) -> str:
    return resources.files("provgraph.render").joinpath("page", name).read_text(encoding="utf-8")


def _library() -> str:
    """Read the vis-network that pyvis brings, without running pyvis."""
    spec = util.find_spec("pyvis")
    folders = spec.submodule_search_locations if spec else None
    found = [
        path
        for folder in folders or ()
        for path in Path(folder).glob("lib/vis-9*/vis-network.min.js")
    ]
    if not found:
        raise CannotAnswer(
            "pyvis brings no vis-network to draw with", hint="pip install --force-reinstall pyvis"
        )
    text = max(found).read_text(encoding="utf-8")
    # Browsers read "\r\n" as "\n" before they hash a script; nothing may end the element early.
    return text.replace("\r\n", "\n").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def hash_of(script: str) -> str:
    """Name a script or style sheet that stands in a page, as its policy does."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _text(text: str) -> str:
    safe = plain.shown(text)
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _embedded(data: object) -> str:
    """Write JSON that can't end the element it stands in."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _data(lineage: Lineage, placed: Placed, title: str) -> dict[str, Any]:
    nodes, edges, options = _network(lineage, placed)
    return {
        "title": plain.shown(title),
        "question": plain.shown(lineage.question),
        "seen": " · ".join(
            plain.shown(part)
            for part in (lineage.viewpoint, f"as of {when(lineage.as_of)}")
            if part
        ),
        "words": [plain.shown(words) for words in lineage.words],
        "nodes": nodes,
        "edges": edges,
        "options": options,
        "kinds": _kinds(placed),
        "states": {
            state: {"light": look[0], "dark": look[1], "dashes": look[2], "words": look[3]}
            for state, look in STATE_LOOKS.items()
        },
        "evidence": {
            evidence: {"dashes": look[0], "words": look[1]}
            for evidence, look in EVIDENCE_LOOKS.items()
        },
        "gaps": [
            {
                "blocking": gap.grade == BLOCKING,
                "words": plain.shown(gap_words(gap)),
                "advice": advice_on(gap),
            }
            for gap in lineage.gaps
        ],
        "cut": {"nodes": placed.cut_nodes, "edges": placed.cut_edges},
    }


def _kinds(placed: Placed) -> dict[str, Any]:
    counts = Counter(node.kind for node in placed.nodes)
    order = {kind: number for number, kind in enumerate(KIND_LOOKS)}
    looks = {}
    for kind in sorted(counts, key=lambda kind: (order.get(kind, len(order)), kind)):
        path, light, dark = KIND_LOOKS.get(kind, OTHER_LOOK)
        look = {"path": path, "light": light, "dark": dark, "count": counts[kind]}
        looks[kind] = look | {"words": plain.shown(kind)}
    return looks


def _network(lineage: Lineage, placed: Placed) -> tuple[list[Any], list[Any], Any]:
    """Build the network with pyvis; its ids are numbers, so nothing from outside is a key."""
    from pyvis.network import Network

    network = Network(directed=True, cdn_resources="in_line")
    network.set_options(json.dumps(_OPTIONS))
    number = {node.id: position for position, node in enumerate(placed.nodes)}
    focus = set(lineage.focus)
    for node in placed.nodes:
        x, y = placed.positions[node.id]
        network.add_node(
            number[node.id],
            label=label_of(node) or " ",
            shape="custom",
            x=x,
            y=y,
            kind=node.kind,
            state=node.state,
            focus=node.id in focus,
            name=plain.shown(node.name),
            details=_details(node),
        )
    for edge, route in zip(placed.edges, placed.routes, strict=True):
        network.add_edge(
            number[edge.cause],
            number[edge.effect],
            type=edge.type,
            evidence=edge.evidence,
            route=route,
            role=plain.shown(edge.role),
            touched=[plain.shown(part) for part in sorted(edge.touched) if part[:1] != "#"],
        )
    nodes, edges, _, _, _, options = network.get_network_data()
    return nodes, edges, json.loads(options)


def label_of(node: GraphNode) -> str:
    """Shorten a node's name for the picture: a run's at its end, a path in its middle."""
    name = plain.shown(node.name)
    if node.kind == "Run":
        first, _, rest = name.partition(" ")
        if rest and first.rsplit("/", 1)[-1].startswith(("python", "bash", "sh")):
            name = rest
        return plain.clip(name, _LABEL)
    return plain.shorten(name, _LABEL)


def _details(node: GraphNode) -> list[list[str]]:
    rows = [("kind", node.kind), ("state", node.state), ("digest", node.digest), ("id", node.id)]
    rows += [(key, _value(value)) for key, value in node.props.items()]
    return [[plain.shown(str(key)), plain.shown(value)] for key, value in rows if value != ""]


def _value(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)
