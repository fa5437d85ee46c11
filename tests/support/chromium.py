"""Where a Chromium is, and how one is started that asks nobody for anything."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def program() -> str:
    """Give the program's path, "" where there is none."""
    chosen = os.environ.get("PROVGRAPH_CHROMIUM")
    return chosen or next(filter(None, map(shutil.which, NAMES)), "")
