"""Every state of the page: empty, no match, waiting, gone, new, plain; by keys, for everyone."""

from __future__ import annotations

import os
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
from tests.scenario.shell import ROOT, Project, begin
from tests.support.required import missing
from tests.unit.explorer.conftest import KEYS, MARKUP, lines

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

PLACES = {
    "home": "",
    "home by kind": "lanes=kind",
    "focus": "q=focus&of=out/v3/table.txt",
    "impact": "q=impact&of=data/v3",
    "table": "q=impact&of=data/v3&show=table",
    "narrowed": "q=impact&of=data/v3&f.step=evaluate.py&till=4000000000",
    "why": "q=why&of=out/summary.csv",
    "diff": "q=diff&before=train.py&after=prepare.py",
    "status": "q=status",
    "runs": "q=log",
    "structure": "q=structure",
    "drawer": "q=focus&of=out/v3/table.txt&node=out/v3/model.pkl",
    "no match": "q=impact&of=out/v3/tabel.txt",
}


def test_an_empty_project(
    browser: Browser, tmp_path: Path, env: Mapping[str, str], shots: Path
) -> None:
    project = begin(tmp_path / "new", env)
    with explorer(project.root, project.env) as running, opened(browser, running) as page:
        assert page.locator("h1").inner_text() == "Nothing is recorded yet"
        assert len(page.locator("pre").inner_text().splitlines()) == 3
        page.screenshot(path=shots / "explorer-empty.png")
        project.write("make.py", "open('made.txt', 'w').write('1')")
        project.script("make.py")
        page.get_by_role("link", name="make.py").first.wait_for()
        assert page.locator("h1").inner_text() == "Everything recorded is current: 1 name"


def test_what_was_not_captured_is_a_dashed_card_with_the_reason(
    browser: Browser, tmp_path: Path, env: Mapping[str, str], shots: Path
) -> None:
    project = begin(tmp_path / "blind", env)
    for name in ("in.txt", "other.txt"):
        project.write(name, "1")
    project.run("python", "-I", "-c", "open('out.txt', 'w').write(open('in.txt').read())")
    project.run("cp", "other.txt", "copy.txt")
    kept = tmp_path / "report.html"
    project.provgraph("render", "--style", "explorer", "-o", str(kept))
    with (
        explorer(project.root, project.env) as running,
        opened(browser, running, "q=focus&of=out.txt") as page,
        read(browser, kept, place="#q=focus&of=out.txt") as offline,
    ):
        settled(page)
        assert page.evaluate(SEEN) == offline.evaluate(SEEN)
        card = page.locator(".card.unseen")
        assert "Not captured" in card.inner_text()
        card.locator(".main").focus()
        assert "started Python with -I" in page.locator(".caption").inner_text()
        assert card.evaluate("box => getComputedStyle(box).borderTopStyle") == "dashed"
        for style, sign in (("svg", "Not captured"), ("mermaid", "classDef unseen")):
            drawing = f"/api/export?as={style}&q=focus&of=out.txt"
            text = page.evaluate("path => fetch(path).then((one) => one.text())", drawing)
            assert sign in text
        card.locator(".main").click()
        page.locator("#drawer", has_text="started Python with -I").wait_for()
        page.screenshot(path=shots / "explorer-not-captured.png")
        page.goto(f"{running.site}/?q=impact&of=other.txt")
        settled(page)
        card = page.locator(".card.unseen", has_text="Maybe more")
        card.locator(".main").click()
        page.locator("#drawer li", has_text="started Python with -I").wait_for()
        page.screenshot(path=shots / "explorer-maybe-more.png")


def test_no_match_offers_the_nearest(browser: Browser, exploring: Explorer) -> None:
    with opened(browser, exploring, PLACES["no match"], errors=True) as page:
        refused = page.get_by_role("alert").filter(has_text="nothing recorded is called")
        refused.get_by_role("link", name="out/v3/table.txt").click()
        settled(page)
        assert "affected by a change of out/v3/table.txt" in page.locator("h1").inner_text()


def test_the_filter_says_what_it_hides(browser: Browser, exploring: Explorer) -> None:
    with opened(browser, exploring, "q=status&find=nothing+like+it") as page:
        page.locator("td.none").wait_for()
        assert "the filter hides 13 rows" in page.locator("td.none").inner_text()


def test_waiting_can_be_cancelled(browser: Browser, exploring: Explorer) -> None:
    with opened(browser, exploring, errors=True) as page:
        page.route("**/api/view*", lambda _route: None)
        page.get_by_role("button", name="What is stale or unrecorded?").click()
        page.get_by_role("button", name="Cancel").click()
        page.locator(".counts").wait_for()
        assert "q=" not in page.url


def test_the_last_view_stays_when_the_server_is_gone(
    browser: Browser, story: Project, shots: Path
) -> None:
    with (
        explorer(story.root, story.env) as running,
        opened(browser, running, PLACES["impact"], errors=True) as page,
    ):
        running.end()
        page.get_by_role("alert").filter(has_text="The server is gone").wait_for()
        assert "affected by a change of data/v3" in page.locator("h1").inner_text()
        page.screenshot(path=shots / "explorer-gone.png")


def test_a_note_and_a_pin_are_recorded(browser: Browser, story: Project, tmp_path: Path) -> None:
    copy = story.copy_to(tmp_path / "copy")
    with (
        explorer(copy.root, copy.env) as running,
        opened(browser, running, "q=focus&of=out/v2/figure.svg&node=out/v2/figure.svg") as page,
    ):
        drawer = page.locator("#drawer")
        drawer.get_by_label("A note").fill("<b>checked</b> by hand")
        drawer.get_by_role("button", name="Write the note").click()
        drawer.locator("blockquote").wait_for()
        assert drawer.locator("blockquote").inner_text() == "<b>checked</b> by hand"
        drawer.get_by_role("button", name="Mark as published").click()
        drawer.locator(".pin").wait_for()
    shown = copy.ask("show", "out/v2/figure.svg")
    assert shown["notes"] == ["<b>checked</b> by hand"]
    assert shown["node"]["pinned"] == "published"


def test_back_undoes_and_links_lead_to_the_same(browser: Browser, exploring: Explorer) -> None:
    with opened(browser, exploring, PLACES["focus"]) as page:
        card = page.locator(".card", has_text="prepare.py")
        focus = page.locator(".card.focus")
        before = page.evaluate(POSITIONS)
        page.locator(".card .more").first.click()
        page.locator("button", has_text="Undo").wait_for()
        settled(page)
        after = page.evaluate(POSITIONS)
        assert len(after) > len(before)
        # What was shown stays where it was, beside each other.
        mid = next(key for key in before if before[key][2])
        for key, (x, y, _) in before.items():
            assert (x - before[mid][0], y - before[mid][1]) == (
                after[key][0] - after[mid][0],
                after[key][1] - after[mid][1],
            )
        deep = page.url
        assert crumbs(page) == ["Home", "Around out/v3/table.txt", "1 opened"]
        page.locator(".crumbs a", has_text="Around").click()
        settled(page)
        assert page.evaluate(POSITIONS).keys() == before.keys()
        page.go_back()
        settled(page)
        assert page.evaluate(POSITIONS).keys() == after.keys()
        page.go_back()
        settled(page)
        assert page.evaluate(POSITIONS).keys() == before.keys()
        card.locator(".main").first.click()
        page.locator("#drawer h2").wait_for()
        assert crumbs(page) == ["Home", "Around out/v3/table.txt", "Details"]
        page.locator(".crumbs a", has_text="Around").click()
        page.locator("#drawer").wait_for(state="hidden")
        assert crumbs(page) == ["Home", "Around out/v3/table.txt"]
        assert card.count() == 1
        assert focus.count() == 1
        page.goto(deep)
        page.wait_for_selector("html[data-ready]")
        assert page.evaluate(POSITIONS).keys() == after.keys()


def crumbs(page: Page) -> list[str]:
    return page.locator(".crumbs li").all_inner_texts()


POSITIONS = """Object.fromEntries([...document.querySelectorAll('.card')].map(card =>
    [card.dataset.key, [card.offsetLeft, card.offsetTop, card.classList.contains('focus')]]))"""


def focused(page: Page) -> str:
    words: str = page.evaluate("document.activeElement.getAttribute('aria-label') || ''")
    return words


def test_the_whole_job_by_keyboard(browser: Browser, exploring: Explorer) -> None:
    with opened(browser, exploring) as page:
        page.keyboard.press("?")
        assert page.get_by_role("dialog").get_by_text("the question bar").is_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("/")
        page.keyboard.type("v3/table")
        page.locator(".found [role=option]", has_text="v3/table").first.wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=focus*")
        settled(page)
        page.locator("body").press("1")
        page.wait_for_url("**/?q=impact*")
        settled(page)
        page.locator(".scroll").focus()
        page.keyboard.press("Tab")
        assert "out/v3/table.txt" in focused(page)
        page.keyboard.press("ArrowRight")
        reached = focused(page)
        assert reached.startswith("Result, out/v3/")
        assert "out/v3/" in page.locator(".caption").inner_text()
        page.keyboard.press("Enter")
        page.locator("#drawer h2").wait_for()
        page.keyboard.press("Escape")
        page.locator("#drawer").wait_for(state="hidden")
        assert focused(page) == reached
        page.keyboard.press("f")
        page.wait_for_url("**/?q=focus*")
        settled(page)
        page.keyboard.press("t")
        assert page.locator("tbody tr").count() > 2
        page.keyboard.press("h")
        settled(page)
        assert page.locator(".counts").count() == 1


def test_a_list_that_changes_keeps_what_is_marked(browser: Browser, exploring: Explorer) -> None:
    with opened(browser, exploring) as page:
        page.keyboard.press("/")
        page.keyboard.type("v3/tabl")
        page.locator(".found [role=option]", has_text="v3/table").first.wait_for()
        page.keyboard.press("ArrowDown")
        with page.expect_response("**/api/search?text=v3%2Ftable"):
            page.keyboard.type("e")
        page.wait_for_timeout(50)
        (marked,) = page.locator(".found [aria-selected=true]").all()
        assert "v3/table" in marked.inner_text()
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=focus*table.txt*")


def test_without_scripts(browser: Browser, exploring: Explorer) -> None:
    with opened(browser, exploring, java_script_enabled=False) as page:
        page.get_by_role("link", name="The same answers as plain tables").click()
        page.get_by_role("link", name="What is stale or unrecorded").click()
        page.get_by_role("link", name="out/v1/table.txt").click()
        page.get_by_role("link", name="What does this affect").click()
        assert "affected by a change of" in page.locator("h1").inner_text()
        page.get_by_role("link", name="out/v1/model.pkl").click()
        page.get_by_role("link", name="Everything about it").click()
        assert page.locator("h1").inner_text() == "out/v1/model.pkl"
        page.get_by_label("Question").select_option("impact")
        page.get_by_label("A thing").fill("data/v3")
        page.get_by_role("button", name="Ask").click()
        assert "affected by a change of data/v3" in page.locator("h1").inner_text()
        assert page.locator("tbody tr, table tr").count() > 4


def axe() -> str:
    """Give axe-core's text; `npm ci` in tests/browser brings it."""
    path = ROOT / "tests" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.is_file():
        missing("browser", "axe-core isn't installed: npm ci --prefix tests/browser")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("place", PLACES)
def test_everybody_can_use_it(
    browser: Browser,
    exploring: Explorer,
    shots: Path,
    place: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    with opened(browser, exploring, PLACES[place], size=size, scheme=scheme, errors=True) as page:
        if place == "drawer":
            page.locator("#drawer h2").wait_for()
        name = f"explorer-{place}-{'desktop' if size == DESKTOP else 'phone'}-{scheme}.png"
        page.screenshot(path=shots / name.replace(" ", "-"))
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        page.evaluate(axe())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found: Any = page.evaluate("tags => axe.run({runOnly: tags})", tags)
        said = [
            (v["id"], v["impact"], [node["target"] for node in v["nodes"]][:3], v["help"])
            for v in found["violations"]
        ]
        assert said == []


def test_names_that_do_harm_stay_text(
    browser: Browser, tmp_path: Path, env: Mapping[str, str], shots: Path
) -> None:
    project = begin(tmp_path / "hostile", env)
    project.write("graph.jsonl", b"\n".join(lines()))
    project.provgraph("import", "jsonl", os.fspath(project.root / "graph.jsonl"))
    places = ["", "q=log", "q=structure", "__proto__=1&constructor=2&q=log"]
    for name in (*MARKUP[:4], *KEYS[:2]):
        of = f"data/{[*MARKUP, *KEYS].index(name)}/{name}"
        for question in ("focus", "impact", "why"):
            places.append(f"q={question}&{_query(of=of)}")
            places.append(f"q={question}&{_query(of=of, show='table', find=name, node=of)}")
    with (
        explorer(project.root, project.env) as running,
        opened(browser, running, errors=True) as page,
    ):
        for place in places:
            page.goto(f"{running.site}/?{place}")
            page.wait_for_selector("html[data-ready]")
            page.wait_for_timeout(30)
            assert page.evaluate("[window.hacked, ({}).polluted]") == [None, None]
            assert page.locator("main script, main iframe, main base, #drawer img").count() == 0
        page.screenshot(path=shots / "explorer-hostile.png")


def _query(**asked: str) -> str:
    from urllib.parse import urlencode

    return urlencode(asked)
