"""The five questions in a browser: the words and numbers that the command line gives."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.explorer.serving import PHONE, Explorer, explorer, opened, settled
from tests.scenario.shell import ROOT, Project, begin
from tests.support.neo4j.server import Neo4j

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser


def ask(page: Page, question: str, *things: str) -> None:
    """Ask by the question bar, as a person does."""
    page.get_by_role("button", name=question).click()
    fields = page.locator("#fields input")
    for number, thing in enumerate(things):
        fields.nth(number).fill(thing)
    if things:
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url("**/?q=*")
    settled(page)


def rows(page: Page) -> list[list[str]]:
    """Give the texts of the table's rows, page by page."""
    page.locator("tbody tr").first.wait_for()
    out = []
    while True:
        out += page.locator("tbody tr").evaluate_all(
            "all => all.map(row => [...row.children].map(cell => cell.innerText.trim()))"
        )
        later = page.get_by_role("button", name="Later", exact=True)
        if not later.count() or later.is_disabled():
            return out
        said = page.locator(".pager span").inner_text()
        first = int(said.split(" to ")[1].split(" of ")[0].replace(",", "")) + 1
        later.click()
        page.locator(".pager span", has_text=f"{first:,} to").wait_for()


def headline(said: str) -> str:
    """Give the first paragraph of an answer as text."""
    return " ".join(said.split("\n\n", maxsplit=1)[0].split("\n  ", maxsplit=1)[0].split())


def test_what_does_this_affect(
    browser: Browser, exploring: Explorer, story: Project, shots: Path
) -> None:
    answer = story.ask("impact", "data/v3")
    said = story.provgraph("impact", "data/v3").text
    with opened(browser, exploring) as page:
        ask(page, "What does this affect?", "data/v3")
        assert page.locator("h1").inner_text() == headline(said)
        assert page.locator(".actions code").inner_text() == "provgraph impact data/v3"
        cards = page.locator(".card:not(.focus)")
        assert cards.count() == answer["totals"]["affected"]
        by_name = {hit["name"]: hit for hit in answer["affected"]}
        for card in cards.all():
            card.locator(".main").hover()
            words = page.locator(".caption").inner_text()
            name = words.split(":")[0]
            assert words == by_name[name]["words"]
            assert "on" in (card.get_attribute("class") or "").split()
        assert page.locator(".pin").inner_text() == "★ published"
        page.screenshot(path=shots / "explorer-impact.png")
        plan = page.locator(".plan li code").all_inner_texts()
        assert plan == [step["command"] for step in answer["plan"]]
        page.keyboard.press("t")
        before = {item["name"] for item in answer["already_stale"]}
        assert {row[0] for row in rows(page)} == set(by_name) | before


def test_where_did_it_come_from(browser: Browser, exploring: Explorer, story: Project) -> None:
    answer = story.ask("why", "out/v3/figure.svg")
    with opened(browser, exploring) as page:
        ask(page, "Where did it come from?", "out/v3/figure.svg")
        totals = answer["totals"]
        size = f"{totals['nodes']} nodes, {totals['edges']} edges"
        assert size in page.locator("h1").inner_text()
        said = [li.strip() for li in page.locator(".said li").all_text_contents()]
        assert said == answer["words"]
        page.keyboard.press("t")
        assert sorted(row[0] for row in rows(page)) == sorted(n["name"] for n in answer["nodes"])


def test_why_does_a_reach_b(browser: Browser, exploring: Explorer, story: Project) -> None:
    answer = story.ask("impact", "params/v3.yaml", "--explain", "out/summary.csv")
    with opened(browser, exploring) as page:
        ask(page, "Why does A reach B?", "params/v3.yaml", "out/summary.csv")
        totals = answer["totals"]
        size = f"{totals['nodes']} nodes, {totals['edges']} edges"
        assert size in page.locator("h1").inner_text()
        names = page.locator(".card .main").evaluate_all("all => all.map(one => one.title)")
        assert "params/v3.yaml" in names
        assert "out/summary.csv" in names
        # Causes are left of effects, all along.
        lines = "all => all.map(one => one.getAttribute('d'))"
        for line in page.locator(".line").evaluate_all(lines):
            x1, x2 = float(line[1:].split()[0]), float(line.split()[-2])
            assert x1 < x2


def test_what_differs_between_two_runs(
    browser: Browser, exploring: Explorer, story: Project
) -> None:
    runs = [run["id"] for run in story.runs() if run["step"] == "train.py"][:2]
    answer = story.ask("diff", f"run:{runs[1]}", f"run:{runs[0]}")
    with opened(browser, exploring) as page:
        ask(page, "What differs between two runs?", f"run:{runs[1]}", f"run:{runs[0]}")
        count = len(answer["differences"])
        assert page.locator("h1").inner_text().startswith(f"{count} difference")
        shown = [(row[0], row[1], row[3], row[4]) for row in rows(page) if row[2] != "same"]
        told = [(d["section"], d["name"], d["before"], d["after"]) for d in answer["differences"]]
        assert shown == told


def test_what_is_stale_or_unrecorded(browser: Browser, exploring: Explorer, story: Project) -> None:
    answer = story.ask("status")
    with opened(browser, exploring) as page:
        ask(page, "What is stale or unrecorded?")
        shown = {(row[0], row[2].split()[-1]) for row in rows(page)}
        states = ("stale", "behind", "modified", "missing")
        told = {(item["name"], state) for state in states for item in answer[state]}
        assert shown == told | {(name, "current") for name in answer["current"]}
        assert any(state == "stale" for _, state in told)
        page.goto(exploring.site)
        settled(page)
        counts = page.locator(".count b").all_inner_texts()
        assert counts == [str(answer["totals"][state]) for state in (*states, "current")]


@pytest.fixture(scope="module")
def penguins(
    tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]
) -> Iterator[tuple[Project, Explorer]]:
    pytest.importorskip("sklearn", exc_type=ImportError)
    root = tmp_path_factory.mktemp("example") / "penguins"
    left_out = shutil.ignore_patterns("out", "__pycache__", "graph.html")
    shutil.copytree(ROOT / "examples" / "penguins", root, ignore=left_out)
    project = begin(root, env)
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "the example")
    assert project.shell("RUN='provgraph run --' sh pipeline.sh").code == 0
    with explorer(project.root, project.env) as running:
        yield project, running


@pytest.mark.example
def test_the_penguins(browser: Browser, penguins: tuple[Project, Explorer], shots: Path) -> None:
    project, running = penguins
    with opened(browser, running) as page:
        page.screenshot(path=shots / "explorer-home.png")
        ask(page, "What does this affect?", "data/v3")
        said = project.provgraph("impact", "data/v3").text
        assert page.locator("h1").inner_text() == headline(said)
        page.locator(".card:not(.focus) .main").last.hover()
        page.screenshot(path=shots / "explorer-penguins.png")
        ask(page, "Where did it come from?", "out/v3/figure.png")
        nodes = project.ask("why", "out/v3/figure.png")["totals"]["nodes"]
        assert f"{nodes} nodes" in page.locator("h1").inner_text()
        ask(page, "Why does A reach B?", "data/v3", "out/summary.csv")
        nodes = project.ask("impact", "data/v3", "--explain", "out/summary.csv")["totals"]["nodes"]
        assert f"{nodes} nodes" in page.locator("h1").inner_text()
        ask(page, "What differs between two runs?", "prepare.py", "train.py")
        differences = project.ask("diff", "prepare.py", "train.py")["differences"]
        assert page.locator("h1").inner_text().startswith(f"{len(differences)} differences")
        ask(page, "What is stale or unrecorded?")
        assert page.locator("h1").inner_text() == "Everything recorded is current: 13 names"
    with opened(browser, running, "q=focus&of=out/v3/figure.png") as page:
        page.locator(".card.focus .main").click()
        page.wait_for_function("() => document.querySelector('img.glance')?.naturalWidth > 0")
        page.screenshot(path=shots / "explorer-preview.png")
    with opened(browser, running, "q=focus&of=out/v3/table.csv") as page:
        page.locator(".card.focus .main").click()
        page.locator("#drawer .glance tbody tr").first.wait_for()
        page.screenshot(path=shots / "explorer-rows.png")
    with opened(browser, running, "q=focus&of=out/v3/table.csv", size=PHONE) as page:
        page.screenshot(path=shots / "explorer-phone.png")


def test_a_hundred_thousand_nodes(
    browser: Browser, exploring_large: Explorer, large: Project, shots: Path
) -> None:
    # All reasons of all hits as JSON would take longer than everything else here.
    said = large.provgraph("impact", "data/500.csv", "--limit", "1").text
    affected = int(said.split(" ")[0].replace(",", ""))
    assert affected > 50_000
    with opened(browser, exploring_large) as page:
        page.keyboard.press("/")
        page.keyboard.type("data/5000")
        # Shorter beginnings have lists of their own.
        page.locator(".found li:first-child", has_text="data/5000").wait_for()
        assert page.locator(".found bdi").first.inner_text() == "data/5000.csv"
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?q=focus*")
        settled(page)
        assert page.locator(".card.focus").count() == 1
        ask(page, "What does this affect?", "data/500.csv")
        page.locator(".picture").wait_for(timeout=60_000)
        assert page.locator("h1").inner_text().startswith(f"{affected:,} names")
        summed = page.locator(".card.stack .name").all_inner_texts()
        assert sum(int(n.split()[0].replace(",", "")) for n in summed) == affected
        page.screenshot(path=shots / "explorer-large.png")
        page.keyboard.press("t")
        assert f"{affected:,} rows" in page.locator(".table .count").inner_text()
        page.locator("#find").fill("data/6029")
        page.locator(".table .count", has_text=" of ").wait_for()
        page.locator("th button", has_text="Steps").click()
        page.locator("[aria-sort=ascending]").wait_for()
        steps = [int(row[3]) for row in rows(page)]
        assert steps == sorted(steps)
        ask(page, "Where did it come from?", "data/40000.csv")
        page.locator(".picture").wait_for(timeout=60_000)
        nodes = large.ask("why", "data/40000.csv")["totals"]["nodes"]
        assert f"{nodes:,} nodes" in page.locator("h1").inner_text()
        assert page.locator(".card").count() <= 300
        ask(page, "Why does A reach B?", "data/500.csv", "data/20000.csv")
        ask(page, "What is stale or unrecorded?")
        assert page.locator("h1").inner_text() == "Nothing is recorded with a state yet"


def test_on_a_shared_graph(browser: Browser, story: Project, neo4j: Neo4j) -> None:
    at = {"PROVGRAPH_GRAPH": neo4j.url}
    if neo4j.user:
        at |= {"NEO4J_USERNAME": neo4j.user, "NEO4J_PASSWORD": neo4j.password}
    answer = story.ask("impact", "data/v3")
    with (
        explorer(story.root, {**story.env, **at}) as running,
        opened(browser, running, "q=impact&of=data/v3") as page,
    ):
        settled(page)
        names = set(page.locator(".card:not(.focus) .name").all_inner_texts())
        assert names == {hit["name"] for hit in answer["affected"]}
        page.locator(".narrow summary").click()
        page.locator(".facet", has_text="evaluate.py").click()
        page.locator(".card.aside").first.wait_for()
        page.locator(".card:not(.aside, .focus) .main").first.click()
        page.locator("#drawer h2").wait_for()
        page.goto(f"{running.site}/?q=structure")
        page.locator("tbody tr").first.wait_for()


def test_what_was_made_is_counted_by_kind(
    browser: Browser, exploring: Explorer, story: Project
) -> None:
    with opened(browser, exploring) as page:
        page.get_by_role("button", name="What they made, by kind").click()
        lane = page.locator(".lanes tbody tr", has_text="Result")
        made = [int(text.strip("✕")) for text in lane.locator(".mark").all_inner_texts()]
        assert sum(made) == sum(run["products"] for run in story.runs())
        lane.locator("th a").click()
        settled(page)
        assert page.locator("h1").inner_text() == f"{len(story.runs('--making', 'Result'))} runs"
        page.go_back()
        page.locator(".lanes .mark").first.click()
        settled(page)
        assert "making=Result" in page.url
        assert "since=" in page.url
        assert page.locator("tbody tr").count() >= 1


def test_narrowing_dims_and_says_what(browser: Browser, exploring: Explorer, shots: Path) -> None:
    with opened(browser, exploring, "q=impact&of=data/v3") as page:
        settled(page)
        cards = page.locator(".card").count()
        page.locator(".narrow summary").click()
        page.locator(".facet", has_text="evaluate.py").click()
        page.locator(".card.aside").first.wait_for()
        left = set(page.locator(".card:not(.aside, .focus) .name").all_inner_texts())
        assert left == {"out/v3/metrics.json", "out/v3/figure.svg"}
        assert page.locator(".card.focus.aside").count() == 0
        said = page.locator(".aside-words").inner_text()
        assert f"step evaluate.py: 2 of {cards} cards dimmed, none taken away" in said
        page.screenshot(path=shots / "explorer-narrowed.png")
        page.get_by_role("button", name="Table", exact=True).click()
        page.locator(".table .count", has_text="2 of").wait_for()
        assert {row[0] for row in rows(page)} == left
        page.go_back()
        page.locator(".card.aside").first.wait_for()
        page.go_back()
        page.wait_for_function("() => !document.querySelector('.card.aside')")
        assert page.locator(".card").count() == cards
        # Nothing was made after the last of them: the slider's end alone dims nothing.
        last = page.get_by_label("Not after")
        last.press("Home")
        page.locator(".aside-words", has_text="time").wait_for()
        assert "till=" in page.url
        dimmed = set(page.locator(".card.aside .name").all_inner_texts())
        assert {"out/v3/metrics.json", "out/v3/model.pkl"} <= dimmed
        assert "out/v3/table.txt" not in dimmed
        page.get_by_role("button", name="All times").click()
        page.wait_for_function("() => !document.querySelector('.card.aside')")


def test_all_paths_from_a_hit(browser: Browser, exploring: Explorer, story: Project) -> None:
    with opened(browser, exploring, "q=impact&of=data/v3") as page:
        settled(page)
        page.locator(".card", has_text="out/v3/metrics.json").locator(".main").click()
        page.locator("#drawer a", has_text="All paths from data/v3").click()
        page.wait_for_url("**/?q=explain*")
        settled(page)
        totals = story.ask("impact", "data/v3", "--explain", "out/v3/metrics.json")["totals"]
        said = page.locator("h1").inner_text()
        assert f"{totals['paths']} paths, {totals['nodes']} nodes" in said


def test_details_show_contents_and_how_metrics_went(
    browser: Browser, exploring: Explorer, story: Project, shots: Path
) -> None:
    run = next(run for run in story.runs() if run["step"] == "evaluate.py")
    with opened(browser, exploring, f"q=focus&of=run:{run['id']}&node=run:{run['id']}") as page:
        page.locator(".sparkline").first.wait_for()
        assert "over 3 runs" in (page.locator(".sparkline").first.get_attribute("aria-label") or "")
        page.screenshot(path=shots / "explorer-sparkline.png")
    with opened(browser, exploring, "q=focus&of=out/v3/figure.svg") as page:
        page.locator(".card.focus .main").click()
        # The story's figure is no whole SVG.
        page.locator("#drawer", has_text="This image can't be drawn").wait_for()
    with opened(browser, exploring, "q=focus&of=train.py&node=train.py") as page:
        page.locator("pre.glance code").first.wait_for()
        text = page.locator("pre.glance").inner_text()
        assert text.split() == (story.root / "train.py").read_text().split()
