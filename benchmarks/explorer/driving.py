"""Measuring in a page: what a script in it saw by its own clock, painted and all."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

# A frame is painted after its callbacks and before the next message: what was changed is in it.
PAINTED = """
window.painted = () => new Promise((done) => requestAnimationFrame(() => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => done();
  port2.postMessage(0);
}));
window.seen = (test) => new Promise((done) => {
  const look = () => (test() ? done() : undefined);
  const watching = new MutationObserver(() => { if (test()) { watching.disconnect(); done(); } });
  watching.observe(document, { subtree: true, childList: true, attributes: true });
  look();
});
"""
READY = (
    PAINTED
    + """
window.seen(() => document.documentElement && document.documentElement.dataset.ready)
  .then(window.painted).then(() => { window.usable = performance.now(); });
"""
)
ASK = """async (search) => {
  const began = performance.now();
  history.pushState(null, "", search);
  dispatchEvent(new Event("place"));
  await window.seen(() => document.getElementById("main").dataset.at === location.search);
  await window.painted();
  return performance.now() - began;
}"""
TYPE = """async (text) => {
  const field = document.querySelector("#bar input");
  const times = [];
  field.focus();
  for (let end = 1; end <= text.length; end += 1) {
    document.querySelector(".found")?.remove();
    const began = performance.now();
    field.value = text.slice(0, end);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await window.seen(() => document.querySelector(".found li"));
    await window.painted();
    times.push(performance.now() - began);
  }
  return times;
}"""
# A hand that drags for a second, then turns the wheel for one.
MOVE = """async () => {
  const pan = (step) => { %s };
  const zoom = (step) => { %s };
  const frames = [];
  let last = performance.now();
  for (let step = 0; step < 120; step += 1) {
    if (step < 60) pan(step);
    else zoom(step);
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    if (step %% 60 > 2) frames.push(now - last);
    last = now;
  }
  return frames;
}"""
PAN = """
document.querySelector(".scroll").scrollBy(
  { left: step % 20 < 10 ? 40 : -40, top: step % 10 < 5 ? 30 : -30, behavior: "instant" });
"""
ZOOM = """
document.querySelector(".scroll").dispatchEvent(new WheelEvent("wheel",
  { ctrlKey: true, deltaY: step % 20 < 10 ? 1 : -1, cancelable: true, bubbles: true }));
"""


def p95(times: Sequence[float]) -> float:
    """Give the time that 95 of 100 stay below."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, math.ceil(0.95 * len(ordered)) - 1)]


def usable(page: Page, address: str, *, patience: float = 120) -> float:
    """Open an address; gives the ms until it can be used, by the page's own clock."""
    page.goto(address)
    page.wait_for_function("() => window.usable", timeout=patience * 1000)
    found: float = page.evaluate("window.usable")
    return found


def frames(page: Page, pan: str = PAN, zoom: str = ZOOM) -> list[float]:
    """Pan and zoom what is shown; gives each frame's ms."""
    found: list[float] = page.evaluate(MOVE % (pan, zoom))
    return found


def median(times: Sequence[float]) -> float:
    return statistics.median(times)


def answer(page: Page, path: str) -> Any:
    """Ask the server as the page does."""
    return page.evaluate("path => fetch(path).then((response) => response.json())", path)
