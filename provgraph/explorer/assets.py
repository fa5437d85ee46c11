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
            out[item.name] = _asset(body, kind)
    out["index.html"] = _asset(_preloading(out), TYPES["html"])
    return out


def _asset(body: bytes, kind: str) -> Asset:
    return Asset(body, kind, hashlib.sha256(body).hexdigest()[:16])


def _preloading(files: dict[str, Asset]) -> bytes:
    """Name every module in the page, or a browser only asks for one when it has read another."""
    modules = sorted(name for name in files if name.endswith(".js"))
    links = "".join(f'<link rel="modulepreload" href="/{name}">\n' for name in modules)
    return files["index.html"].body.replace(b"</head>", links.encode() + b"</head>", 1)
