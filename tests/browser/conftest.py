"""A real Chromium, driven by Playwright from PyPI; no browser is downloaded.

Tests skip where there is none, unless PROVGRAPH_REQUIRE names `browser`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.chromium import QUIET, program
from tests.support.required import missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Start Chromium once."""
    found = program()
    if not found:
        missing(
            "browser", "there is no Chromium: apt-get install chromium, or set PROVGRAPH_CHROMIUM"
        )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("browser", "playwright isn't installed: pip install playwright")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: PROVGRAPH_SHOTS, else a temporary folder."""
    chosen = os.environ.get("PROVGRAPH_SHOTS")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
