"""The peers' pages: pyvis as it writes one, and vis-network with positions given for free."""

from __future__ import annotations

import json
from importlib import util
from pathlib import Path

from benchmarks.explorer.driving import PAINTED
from benchmarks.lineage import LAYERS, Lineage

PAN = """
window.network.moveTo({ offset: { x: step % 20 < 10 ? 40 : -40, y: 30 * (step % 3 - 1) } });
"""
ZOOM = """
window.network.moveTo({ scale: window.network.getScale() * (step % 20 < 10 ? 1.1 : 1 / 1.1) });
"""
READY = """
const drawn = () => window.painted().then(() => { window.usable = performance.now(); });
if (WAIT) window.network.once("stabilized", drawn); else window.network.once("afterDrawing", drawn);
"""


def vis_network(made: Lineage, path: Path) -> None:
    """Write a page of vis-network alone: positions given, physics off."""
    script = next(_folder().glob("lib/vis-9*/vis-network.min.js")).read_text("utf-8")
    nodes = [
        {
            "id": f"d{n}",
            "label": f"data/{n}.csv",
            "x": 300 * (n // _wide(made)),
            "y": 40 * (n % _wide(made)),
        }
        for n in range(made.datasets)
    ]
    runs = made.runs // LAYERS
    nodes += [
        {"id": f"r{n}", "label": f"run {n}", "x": 300 * (n // runs) + 150, "y": 60 * (n % runs)}
        for n in range(made.runs)
    ]
    data = json.dumps({"nodes": nodes, "edges": _edges(made)}).replace("</", "<\\/")
    path.write_text(
        "<!doctype html><meta charset=utf-8><div id=box style='width:1240px;height:760px'></div>"
        f"<script>{PAINTED}</script><script>{script}</script><script>const data = {data};"
        "window.network = new vis.Network(document.getElementById('box'), data,"
        " { physics: false, layout: { improvedLayout: false } });"
        f"{READY.replace('WAIT', 'false')}</script>",
        "utf-8",
    )


def pyvis(made: Lineage, path: Path) -> None:
    """Write the page that pyvis writes; only a line that says when it has settled is added."""
    from pyvis.network import Network

    network = Network(directed=True, cdn_resources="in_line", height="760px", width="1240px")
    network.add_nodes([f"d{n}" for n in range(made.datasets)])
    network.add_nodes([f"r{n}" for n in range(made.runs)])
    for edge in _edges(made):
        network.add_edge(edge["from"], edge["to"])
    page = network.generate_html().replace(
        "network = new vis.Network", "window.network = network = new vis.Network"
    )
    page = page.replace("<head>", f"<head><script>{PAINTED}</script>", 1)
    end = page.rindex("</body>")
    path.write_text(
        f"{page[:end]}<script>{READY.replace('WAIT', 'true')}</script>{page[end:]}", "utf-8"
    )


def _edges(made: Lineage) -> list[dict[str, str]]:
    used = [{"from": f"d{d}", "to": f"r{r}", "arrows": "to"} for r, d in made.uses.tolist()]
    return used + [
        {"from": f"r{r}", "to": f"d{d}", "arrows": "to"} for r, d in made.produces.tolist()
    ]


def _wide(made: Lineage) -> int:
    return made.datasets // (LAYERS + 1)


def _folder() -> Path:
    spec = util.find_spec("pyvis")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pyvis isn't installed")
    return Path(spec.submodule_search_locations[0])
