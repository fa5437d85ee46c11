"""How quick the explorer is in a browser without a GPU, beside pyvis and vis-network.

    python -m benchmarks.explorer [--nodes 1000 10000 100000 1000000] [--repeat 5]

The server is warm, the page cold. Times are the page's own, to the end of the first frame with the
change in it. The peers draw the whole graph, as they do; vis-network is given positions, pyvis lays
out by itself.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from benchmarks.explorer import peers
from benchmarks.explorer.driving import ASK, READY, TYPE, answer, frames, median, p95, usable
from benchmarks.lineage import Lineage, lineage, machine, table
from provgraph.explorer.assets import assets
from provgraph.explorer.views import MOST_OPENED
from provgraph.project import Project
from tests.browser.explorer.serving import Explorer, explorer
from tests.support.chromium import QUIET, program

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MARKS = {60: (45, 75), 300: (240, 330)}
ASKED = 20
PATIENCE = 60.0
MOST_OF_PEERS = 10_000
AIMS = {
    "open to usable": {1_000: 400, 10_000: 500, 100_000: 1_000, 1_000_000: 4_000},
    "question, p95": {1_000: 200, 10_000: 200, 100_000: 200, 1_000_000: 300},
    "60 marks, p95": {1_000: 100, 10_000: 100, 100_000: 100, 1_000_000: 300},
    "300 marks, p95": {1_000: 200, 10_000: 200, 100_000: 200, 1_000_000: 300},
    "frame, p95": {1_000: 20, 10_000: 20, 100_000: 20, 1_000_000: 20},
    "keystroke, p95": {1_000: 30, 10_000: 30, 100_000: 30, 1_000_000: 50},
}


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    print(machine("starlette", "uvicorn", "playwright", "pyvis"))
    compressed = sum(len(gzip.compress(asset.body, 9)) for asset in assets().values())
    print(f"the page's own files: {compressed / 1000:.1f} kB compressed (aim 60)\n")
    rows: dict[str, dict[int, str]] = {name: {} for name in AIMS}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as scratch:
        browser = playwright.chromium.launch(executable_path=program(), args=QUIET)
        print(f"Chromium {browser.version}, no GPU, 1280 × 800, median of {asked.repeat}\n")
        for nodes in asked.nodes:
            made = lineage(nodes)
            root = Path(scratch) / f"of-{nodes}"
            root.mkdir()
            project, _ = Project.init(root)
            project.import_jsonl(made.lines())
            project.close()
            with explorer(root, os.environ) as running:
                found = measured(browser, running, made, asked.repeat)
            said = ", ".join(f"{name} {value:,.0f}" for name, value in found.items())
            print(f"{nodes:,} nodes, ms: {said}", file=sys.stderr, flush=True)
            for name, value in found.items():
                aim = AIMS[name].get(nodes)
                rows[name][nodes] = f"{value:,.0f}" + (f" ({aim:,})" if aim else "")
        head = ["ms (aim)", *(f"{nodes:,} nodes" for nodes in asked.nodes)]
        table(
            [
                head,
                *(
                    [name, *(cells.get(n, "-") for n in asked.nodes)]
                    for name, cells in rows.items()
                ),
            ]
        )
        in_a_file(browser, Path(scratch), asked.nodes, asked.repeat)
        beside(browser, Path(scratch), asked.nodes, asked.repeat)
        browser.close()


def measured(browser: Browser, running: Explorer, made: Lineage, repeat: int) -> dict[str, float]:
    """Measure one server's pages."""
    chance = random.Random(made.nodes)
    opened = [page_of(browser, running) for _ in range(repeat)]
    out = {"open to usable": median([time for _, time in opened])}
    page = opened[-1][0]
    moved: list[float] = []
    first: list[float] = []
    for marks, (least, most) in MARKS.items():
        places = searches(page, made, chance, least, most)
        times = []
        for begun, place in places:
            first.append(page.evaluate(ASK, f"/?{begun}"))
            times.append(page.evaluate(ASK, f"/?{place}") if place != begun else first[-1])
        if times:
            out["question, p95"] = p95(first)
            out[f"{marks} marks, p95"] = p95(times)
            moved += [time for _ in range(repeat) for time in frames(page)]
    if moved:
        out["frame, p95"] = p95(moved)
    words = [f"data/{chance.randrange(made.datasets)}" for _ in range(repeat)]
    out["keystroke, p95"] = p95([time for word in words for time in page.evaluate(TYPE, word)])
    for each, _ in opened:
        each.context.close()
    return out


def page_of(browser: Browser, running: Explorer) -> tuple[Page, float]:
    """Open the first page in a browser that has nothing of it yet."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(running.address)
    page.wait_for_selector("html[data-ready]", timeout=120_000)
    cookies = context.cookies()
    context.close()
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    kept: Any = [
        {key: cookie[key] for key in ("name", "value", "sameSite", "httpOnly")}
        | {"url": running.site}
        for cookie in cookies
    ]
    context.add_cookies(kept)
    page = context.new_page()
    page.add_init_script(READY)
    return page, usable(page, running.site)


def searches(
    page: Page, made: Lineage, chance: random.Random, least: int, most: int
) -> list[tuple[str, str]]:
    """Find questions whose picture, opened and unfolded as people do, has so many cards.

    Each with where it begins: before anything is unfolded. They are so many that no answer to one
    is kept for later.
    """
    found: list[tuple[str, str]] = []
    for number in range(10 * ASKED):
        of = f"data/{chance.randrange(made.datasets)}.csv"
        asked = {"q": ("why", "focus")[number % 2], "of": of}
        begun = urlencode(asked)
        found += [(begun, place) for place in grown(page, asked, least, most)]
        if len(found) >= ASKED:
            break
    # The server keeps its last answers: these push the ones to be asked out of it.
    for number in range(30):
        answer(page, f"/api/view?q=log&until=19{number + 10}")
    return found


def grown(page: Page, asked: dict[str, str], least: int, most: int) -> list[str]:
    """Unfold stacks and open cards until a picture has so many; nothing where it never has."""
    opened: list[str] = []
    unfolded: list[str] = []
    for _ in range(MOST_OPENED):
        more = {"open": ",".join(opened), "unfold": ",".join(unfolded)}
        place = urlencode(asked | {key: value for key, value in more.items() if value})
        view = answer(page, f"/api/view?{place}")
        cards = (view.get("picture") or {"cards": ()})["cards"]
        if least <= len(cards) <= most:
            return [place]
        room = most - len(cards)
        stacks = [card for card in cards if 1 < card["count"] <= room]
        alone = [card["ask"] for card in cards if card["ask"] and card["ask"] not in opened]
        if stacks:
            unfolded.append(max(stacks, key=lambda card: card["count"])["key"])
        elif asked["q"] == "focus" and alone and room > 0 and len(opened) < MOST_OPENED:
            opened += alone[: 1 + room // 20]
        else:
            break
    return []


def in_a_file(browser: Browser, scratch: Path, sizes: Sequence[int], repeat: int) -> None:
    """Measure a kept file of 100,000 nodes, or of the largest below."""
    nodes = max((size for size in sizes if size <= 100_000), default=0)
    if not nodes:
        return
    project = Project.find(scratch / f"of-{nodes}")
    path = scratch / "report.html"
    project.render(None, path, style="explorer")
    project.close()
    times = []
    asked: list[str] = []
    for _ in range(repeat):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.add_init_script(READY)
        page.on("request", lambda request: asked.append(request.url))
        times.append(usable(page, path.as_uri()))
        context.close()
    requests = sum(not url.startswith(("file:", "data:")) for url in asked)
    size = path.stat().st_size / 1e6
    print(
        f"a kept file of {nodes:,} nodes: {size:.2f} MB (aim 4), usable in "
        f"{median(times):,.0f} ms (aim 1,200), {requests} requests (aim 0)\n"
    )


def beside(browser: Browser, scratch: Path, sizes: Sequence[int], repeat: int) -> None:
    """Measure the peers on the same graphs."""
    rows = []
    for name, write in (
        ("vis-network, positions given", peers.vis_network),
        ("pyvis", peers.pyvis),
    ):
        for nodes in (size for size in sizes if size <= MOST_OF_PEERS):
            path = scratch / "peer.html"
            write(lineage(nodes), path)
            opened: list[float] = []
            moved: list[float] = []
            for _ in range(repeat if name != "pyvis" else 1):
                context = browser.new_context(viewport={"width": 1280, "height": 800})
                page = context.new_page()
                try:
                    opened.append(usable(page, path.as_uri(), patience=PATIENCE))
                    moved += frames(page, peers.PAN, peers.ZOOM)
                except Exception as error:  # noqa: BLE001 - a peer that doesn't end is a finding
                    print(f"{name}, {nodes:,} nodes: {type(error).__name__}", file=sys.stderr)
                context.close()
            ended = f"{median(opened):,.0f}" if opened else f"not in {PATIENCE:.0f} s"
            rows.append([name, f"{nodes:,}", ended, f"{p95(moved):,.0f}" if moved else ""])
    table([["peer, the whole graph", "nodes", "open, ms", "frame p95, ms"], *rows])


if __name__ == "__main__":
    main()
