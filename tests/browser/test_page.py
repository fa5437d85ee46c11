"""The page in a real browser, from disk, offline: what a person sees and can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from provgraph.model.answers import Lineage
from provgraph.render.html import write_html
from tests.unit.render import samples

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

TITLE = "What out/v3/figure.png rests on"
DESKTOP, PHONE = (1280, 800), (390, 844)


@contextmanager
def opened(
    browser: Browser,
    folder: Path,
    lineage: Lineage,
    *,
    title: str = TITLE,
    size: tuple[int, int] = DESKTOP,
    scheme: Any = "light",
) -> Iterator[Page]:
    """Open a drawing from disk without a network; whatever it asks for or complains of fails."""
    path = folder / "graph.html"
    write_html(lineage, path, title=title)
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, offline=True
    )
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    page.goto(path.as_uri())
    page.wait_for_function("window.provgraph && window.provgraph.nodes() > 0")
    page.wait_for_timeout(200)
    yield page
    assert asked == [path.as_uri()]
    assert said == []
    context.close()


def at(page: Page, number: int) -> tuple[float, float]:
    """Where a node lies in the window."""
    place = page.evaluate(f"window.provgraph.place({number})")
    box = page.locator("#graph").bounding_box()
    assert box
    return box["x"] + place["x"], box["y"] + place["y"]


def test_everything_is_drawn_and_listed(browser: Browser, tmp_path: Path, shots: Path) -> None:
    lineage = samples.lineage(states=True)
    with opened(browser, tmp_path, lineage) as page:
        assert page.evaluate("[provgraph.nodes(), provgraph.edges()]") == [18, 23]
        assert page.locator("#nodes button").count() == 18
        assert page.title() == TITLE
        assert page.locator("h1").inner_text() == TITLE
        assert "working tree" in page.locator("#seen").inner_text()
        legend = page.locator("#legend div").inner_text()
        for word in ("Run", "Script", "Dataset", "Config", "Result", "stale", "asked about"):
            assert word in legend
        for number in range(18):
            x, y = at(page, number)
            assert 0 < x < 940
            assert 60 < y < 720
        page.screenshot(path=shots / "lineage-desktop-light.png")


def test_a_click_shows_details_and_lights_the_way(
    browser: Browser, tmp_path: Path, shots: Path
) -> None:
    with opened(browser, tmp_path, samples.lineage(states=True)) as page:
        number = [node.id for node in samples.lineage().nodes].index("model")
        page.mouse.click(*at(page, number))
        page.wait_for_timeout(300)
        details = page.locator("#details").inner_text()
        assert "out/v3/model.pkl" in details
        assert "b3:2c624232cc221afc" in details
        assert "python train.py" in details
        assert "python evaluate.py" in details
        assert page.locator('#nodes button[aria-current="true"]').count() == 1
        page.screenshot(path=shots / "lineage-selected.png")
        page.locator("#details .link").first.click()
        assert "01JBX4Q6T2" in page.locator("#details").inner_text()
        page.keyboard.press("Escape")
        assert page.locator("#details").inner_text().startswith("Choose a node")


def test_the_keyboard_reaches_every_node(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, samples.lineage(states=True)) as page:
        page.locator("#search").focus()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#nodes') !== null")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.locator("#details h2").inner_text() == "data/v3/biscoe.csv"
        label = page.locator("#nodes button").first.get_attribute("aria-label")
        assert label == "Result, out/v3/figure.png, stale, asked about"


def test_search(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, tmp_path, samples.lineage(states=True)) as page:
        page.fill("#search", "data/v3/")
        assert page.locator("#count").inner_text() == "3 of 18 nodes"
        page.fill("#search", "MODIFIED")
        assert page.locator("#nodes button").count() == 1
        page.keyboard.press("Enter")
        assert page.locator("#details h2").inner_text() == "data/v3/biscoe.csv"
        page.fill("#search", "nothing like it")
        assert page.locator("#nodes button").count() == 0


def test_hostile_names_are_text(browser: Browser, tmp_path: Path, shots: Path) -> None:
    with opened(browser, tmp_path, samples.hostile_lineage(), title=samples.HOSTILE[0]) as page:
        page.locator("#nodes button").first.wait_for()
        for button in page.locator("#nodes button").all():
            button.click()
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 3
        listed = page.locator("#nodes bdi").all_inner_texts()
        assert samples.HOSTILE[7] in listed
        assert r"two\nlines.csv" in listed
        assert r"user\u202egpj.exe" in listed
        assert "كتاب/بيانات.csv" in listed
        assert page.locator("h1").inner_text() == samples.HOSTILE[0]
        page.screenshot(path=shots / "hostile.png")


def test_the_policy_stops_what_would_be_fetched_or_run(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "graph.html"
    write_html(samples.lineage(), path, title=TITLE)
    page = browser.new_context().new_page()
    page.goto(path.as_uri())
    refused = page.evaluate(
        """async () => {
            const seen = [];
            addEventListener("securitypolicyviolation", (e) => seen.push(e.effectiveDirective));
            const script = document.createElement("script");
            script.textContent = "window.hacked = 4";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = "file:///nowhere.png";
            document.body.append(image);
            await fetch("http://127.0.0.1:9/").catch(() => {});
            await new Promise((done) => setTimeout(done, 300));
            return [seen.sort(), window.hacked === undefined];
        }"""
    )
    assert refused == [["connect-src", "img-src", "script-src-elem"], True]
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_fits_the_window(
    browser: Browser, tmp_path: Path, shots: Path, size: tuple[int, int], scheme: str
) -> None:
    lineage = replace(samples.lineage(states=True), gaps=(samples.NATIVE, samples.CONSUMED))
    with opened(browser, tmp_path, lineage, size=size, scheme=scheme) as page:
        name = "desktop" if size == DESKTOP else "phone"
        page.screenshot(path=shots / f"gaps-{name}-{scheme}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert page.evaluate("provgraph.scale()") >= 0.5
        x, y = at(page, 0)
        box = page.locator("#graph").bounding_box()
        assert box
        assert box["width"] > 300
        assert box["height"] > 300
        assert 0 < x < size[0]
        assert box["y"] < y < box["y"] + box["height"]
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(20, 23, 28)") == (scheme == "dark")
        page.locator("#nodes button").first.click()
        page.locator("#nodes button").first.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        page.screenshot(path=shots / f"gaps-{name}-{scheme}-selected.png")


def test_too_large_says_so_and_does_not_hang(browser: Browser, tmp_path: Path, shots: Path) -> None:
    with opened(browser, tmp_path, samples.wide_lineage(), scheme="dark") as page:
        assert page.evaluate("provgraph.nodes()") == 300
        assert "301 nodes and 301 edges aren't drawn" in page.locator("#cut").inner_text()
        page.screenshot(path=shots / "wide.png")
        page.locator("#fit").click()
        page.wait_for_timeout(400)
        page.screenshot(path=shots / "wide-fit.png")
        assert all(0 < at(page, number)[0] < 940 for number in range(300))
        page.locator("#nodes button").nth(250).click()
        assert page.locator("#details h2").inner_text().startswith("python sweep.py")
