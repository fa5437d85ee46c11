"""Where on this machine what may be deleted lies, for all projects of a person."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def user_cache(environ: Mapping[str, str] | None = None) -> Path:
    """Give the user's cache: `~/.cache/provgraph`, unless XDG_CACHE_HOME says otherwise."""
    base = (os.environ if environ is None else environ).get("XDG_CACHE_HOME", "")
    above = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return above / "provgraph"
