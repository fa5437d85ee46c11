"""A real explorer of a project on disk: started by the command line, opened in a real browser."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.scenario.shell import PROVGRAPH

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

DESKTOP, PHONE = (1280, 800), (390, 844)
PATIENCE = 60_000  # ms: a database that has just started answers its first question slowly
# What is seen of a picture: each card with its words and where it is, each line.
SEEN = """() => ({
  cards: [...document.querySelectorAll(".card")]
    .map((card) => [card.innerText, card.style.left, card.style.top, card.className])
    .map((card) => card.join(" | ")).sort(),
  lines: [...document.querySelectorAll("path.line")]
    .map((line) => [line.getAttribute("d"), line.getAttribute("class")].join(" | ")).sort(),
})"""


@dataclass
class Explorer:
    """A running explorer."""

    address: str
    process: subprocess.Popen[str]

    @property
    def site(self) -> str:
        return self.address.partition("/enter")[0]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


@contextmanager
def explorer(root: Path, env: Mapping[str, str], *words: str) -> Iterator[Explorer]:
    """Start one at a free port, and end it as Ctrl-C does."""
    with subprocess.Popen(
        [*PROVGRAPH, "explore", "--no-open", *words],
        cwd=root,
        env=dict(env),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://\S+", said)
        assert found, said + process.stderr.read()
        running = Explorer(found[0], process)
        try:
            yield running
        finally:
            running.end()


@contextmanager
def opened(
    browser: Browser,
    running: Explorer,
    query: str = "",
    *,
    size: tuple[int, int] = DESKTOP,
    scheme: Any = "light",
    errors: bool = False,
    **more: Any,
) -> Iterator[Page]:
    """Open a place of it; what the page complains of, or asks of others, fails (but `errors`)."""
    address = running.address + (f"&{query}" if query else "")
    with _watched(browser, address, size, color_scheme=scheme, **more) as (page, said, asked):
        yield page
        own = (running.site, f"blob:{running.site}")
        assert [url for url in asked if not url.startswith(own)] == []
        assert errors or not said, said


def settled(page: Page) -> None:
    """Wait until what was asked for is shown."""
    search = json.dumps(page.evaluate("location.search"))
    page.wait_for_selector(f"main[data-at={search}]", timeout=60_000)
    page.wait_for_timeout(50)


@contextmanager
def read(browser: Browser, path: Path, *, place: str = "", **more: Any) -> Iterator[Page]:
    """Open a kept file from disk; whatever it asks for or complains of fails."""
    with _watched(browser, f"{path.as_uri()}{place}", DESKTOP, **more) as (page, said, asked):
        yield page
        files = [url for url in asked if not url.startswith(("data:", "blob:"))]
        assert {url.partition("#")[0] for url in files} == {path.as_uri()}
        assert not said, said


@contextmanager
def _watched(
    browser: Browser, address: str, size: tuple[int, int], **more: Any
) -> Iterator[tuple[Page, list[str], list[str]]]:
    """Open an address; gives the page, what it complains of, and what it asks for."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, **more)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: said.append(f"error: {error}"))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    if more.get("java_script_enabled", True):
        page.wait_for_selector("html[data-ready]")
    yield page, said, asked
    context.close()
