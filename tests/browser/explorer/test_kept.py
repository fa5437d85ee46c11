"""A kept file: opened from disk it asks nobody, and shows what the explorer shows."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.explorer.serving import (
    DESKTOP,
    PHONE,
    SEEN,
    Explorer,
    explorer,
    opened,
    read,
    settled,
)
from tests.browser.explorer.test_states import axe
from tests.scenario.shell import Project, begin
from tests.unit.explorer.conftest import KEYS, MARKUP, lines

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

MOST = 4_000_000


def kept(project: Project, path: Path, *words: str) -> Path:
    project.provgraph("render", *words, "--style", "explorer", "-o", os.fspath(path))
    return path


def go(page: Page, place: str) -> None:
    """Go to a place of a kept file by its address."""
    page.evaluate("place => { location.hash = place }", place)
    page.wait_for_selector(f"main[data-at={json.dumps(page.evaluate('location.hash'))}]")


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    """Give a graph with stacks, hubs, diamonds, versions of one name, and a cycle."""
    chance = random.Random(7)
    project = begin(tmp_path_factory.mktemp("wide") / "project", env)
    nodes = [("Config", "params.yaml"), ("Environment", "env:one"), ("Script", "fit.py")]
    nodes += [("Dataset", f"data/{n}.csv") for n in range(12)]
    nodes += [("Run", f"fit {n // 30}") for n in range(60)]
    nodes += [("Result", f"out/{n}.csv") for n in range(60)] + [("Run", "sum"), ("Result", "sum")]
    told = [
        {"node": {"kind": kind, "name": name, "props": {"digest": ""}}, "ref": str(ref)}
        for ref, (kind, name) in enumerate(nodes)
    ]
    links = []
    for run in range(60):
        links += [("USES", 15 + run, hub) for hub in range(3)]
        links += [
            ("USES", 15 + run, 3 + n) for n in chance.sample(range(12), chance.choice((1, 2)))
        ]
        links.append(("PRODUCES", 15 + run, 75 + run))
        if run % 2:
            links.append(("USES", 135, 75 + run))
    links += [("PRODUCES", 135, 136), ("DEPENDS_ON", 3, 136), ("DEPENDS_ON", 4, 5)]
    told += [{"edge": {"type": kind, "from": str(a), "to": str(b)}} for kind, a, b in links]
    project.write("graph.jsonl", "\n".join(map(json.dumps, told)))
    project.provgraph("import", "jsonl", "graph.jsonl")
    return project


@pytest.mark.parametrize("which", ["story", "wide"])
def test_pictures_are_those_of_the_server(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path, which: str
) -> None:
    project: Project = request.getfixturevalue(which)
    path = kept(project, tmp_path / "report.html")
    assert "unsafe" not in path.read_text("utf-8").partition("<style>")[0]
    with (
        explorer(project.root, project.env) as running,
        opened(browser, running) as there,
        read(browser, path, place="#q=status") as here,
    ):
        asks = here.locator("tbody tr a").evaluate_all("all => all.map(a => a.hash.slice(1))")
        assert len(asks) > 40
        unlike = {}
        for place in random.Random(3).sample(asks, 30):
            go(here, place)
            there.goto(f"{running.site}/?{place}")
            there.wait_for_selector("html[data-ready]")
            if here.locator(".more").count():
                for page in (here, there):
                    page.locator(".more").first.evaluate("one => one.click()")
                    page.wait_for_function("() => location.href.includes('open=')")
                settled(there)
                here.wait_for_timeout(50)
            seen = [page.evaluate(SEEN) for page in (here, there)]
            if seen[0] != seen[1]:
                unlike[place] = {
                    key: [sorted(set(one[key]) - set(two[key])) for one, two in (seen, seen[::-1])]
                    for key in seen[0]
                }
        assert unlike == {}


def test_it_is_searched_narrowed_and_linked_to(
    browser: Browser, story: Project, tmp_path: Path, shots: Path
) -> None:
    path = kept(story, tmp_path / "report.html")
    with read(browser, path) as page:
        assert page.locator("h1").inner_text().startswith("Everything recorded")
        page.keyboard.press("/")
        page.keyboard.type("metrics")
        page.locator(".found [role=option]").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.locator(".card.focus").wait_for()
        page.locator(".card.focus .main").click()
        page.locator("#drawer h2").wait_for()
        address = page.url
        go(page, "q=status")
        page.locator(".narrow summary").click()
        page.locator(".facet", has_text="Config").click()
        page.locator(".table .count", has_text="of").wait_for()
        assert page.locator("tbody tr").count() == 3
        page.locator("#find").fill("v2")
        page.locator(".table .count", has_text="1 of").wait_for()
        go(page, "q=impact&of=data/v3")
        assert "provgraph impact data/v3" in page.locator(".refused").inner_text()
        page.screenshot(path=shots / "kept-refused.png")
    with read(browser, path, place="#" + address.partition("#")[2]) as page:
        page.locator("#drawer h2", has_text="metrics.json").wait_for()
        assert page.locator("#drawer form, #drawer textarea").count() == 0
        page.screenshot(path=shots / "kept.png")


def test_an_answer_is_kept_with_its_numbers(
    browser: Browser, exploring: Explorer, story: Project, tmp_path: Path
) -> None:
    with opened(browser, exploring, "q=impact&of=data/v3") as page:
        settled(page)
        there = page.evaluate(SEEN), page.locator("h1").inner_text()
        page.locator(".menu summary").click()
        with page.expect_download() as saved:
            page.locator("[data-format=page]").click()
        path = tmp_path / saved.value.suggested_filename
        saved.value.save_as(path)
    with read(browser, path) as page:
        assert (page.evaluate(SEEN), page.locator("h1").inner_text()) == there
        page.get_by_role("button", name="Table", exact=True).click()
        page.locator("tbody tr").first.wait_for()
        names = page.locator("tbody tr th").all_inner_texts()
        answer = story.ask("impact", "data/v3")
        listed = [*answer["affected"], *answer["already_stale"]]
        assert sorted(names) == sorted(item["name"] for item in listed)
        page.locator("tbody tr a").first.click()
        page.locator(".card.focus").wait_for()


def test_pictures_are_saved(browser: Browser, exploring: Explorer, tmp_path: Path) -> None:
    with opened(browser, exploring, "q=impact&of=data/v3") as page:
        settled(page)
        for kind, start in (("png", b"\x89PNG"), ("svg", b"<svg"), ("csv", b"row,name,")):
            if not page.locator(".menu").evaluate("menu => menu.open"):
                page.locator(".menu summary").click()
            with page.expect_download() as saved:
                page.locator(f"[data-format={kind}]").click()
            path = tmp_path / saved.value.suggested_filename
            saved.value.save_as(path)
            assert path.read_bytes().startswith(start), kind
            assert path.stat().st_size > (5_000 if kind == "png" else 100)


def test_names_that_do_harm_stay_text_in_a_file(
    browser: Browser, tmp_path: Path, env: Mapping[str, str]
) -> None:
    project = begin(tmp_path / "hostile", env)
    project.write("graph.jsonl", b"\n".join(lines()))
    project.provgraph("import", "jsonl", os.fspath(project.root / "graph.jsonl"))
    path = kept(project, tmp_path / "report.html")
    with read(browser, path, place="#__proto__=1&constructor=2&q=status") as page:
        asks = page.locator("tbody tr a").evaluate_all("all => all.map(a => a.hash.slice(1))")
        assert len(asks) > len(MARKUP) + len(KEYS)
        for place in asks[:40]:
            go(page, place)
            assert page.evaluate("[window.hacked, ({}).polluted]") == [None, None]
            assert page.locator("main script, main iframe, main base, #drawer img").count() == 0
    with read(browser, path, java_script_enabled=False) as page:
        assert page.locator("noscript, tbody tr").count() > 20


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_everybody_can_read_it(
    browser: Browser, story: Project, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = kept(story, tmp_path / "report.html", "out/v3/metrics.json")
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    page.goto(path.as_uri())
    page.locator(".card.focus").wait_for()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    page.evaluate(axe())
    found: Any = page.evaluate("tags => axe.run({runOnly: tags})", tags)
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found["violations"]] == []
    context.close()


def test_a_hundred_thousand_nodes_in_a_file(
    browser: Browser, large: Project, tmp_path: Path
) -> None:
    path = kept(large, tmp_path / "report.html")
    assert path.stat().st_size <= MOST
    with read(browser, path) as page:
        assert page.locator("h1").inner_text().startswith("Everything recorded: 100,")
        page.keyboard.press("/")
        page.keyboard.type("data/5000")
        page.locator(".found bdi").first.wait_for()
        assert page.locator(".found bdi").first.inner_text() == "data/5000.csv"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.locator(".card.focus").wait_for()
        go(page, "q=status")
        assert "100," in page.locator(".table .count").inner_text()
