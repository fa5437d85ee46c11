"""The page's own files: a closed set, read once, with their types; no path is ever looked up."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file of the page. `tag` names its content."""

    body: bytes
    type: str
    tag: str


@cache
def assets() -> dict[str, Asset]:
    """Give every file of the page by its name."""
    out = {}
    for item in resources.files("provgraph.explorer").joinpath("page").iterdir():
        kind = TYPES.get(item.name.rpartition(".")[2])
        if kind is not None:
            body = item.read_bytes()
            out[item.name] = Asset(body, kind, hashlib.sha256(body).hexdigest()[:16])
    return out
