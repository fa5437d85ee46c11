"""Names: project-relative POSIX paths, percent-encoded where bytes aren't UTF-8, or URIs.

`%` itself is always encoded, so a name stands for one sequence of bytes only.
"""

from __future__ import annotations

import os
import re

_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:")
_ENCODED = re.compile(rb"%([0-9A-F]{2})")


def name_of(path: bytes | str) -> str:
    """Turn a project-relative path as the system gives it into a name."""
    raw = os.fsencode(path).replace(b"%", b"%25")
    text = raw.decode("utf-8", "surrogateescape")
    name = "".join(f"%{ord(c) - 0xDC00:02X}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)
    # A file called `env:x` is a path, not a URI: its colon is encoded.
    return name.replace(":", "%3A", 1) if _SCHEME.match(name) else name


def path_of(name: str) -> str:
    """Turn a path-like name back into the relative path the system knows."""
    raw = name.encode("utf-8", "surrogateescape")
    raw = _ENCODED.sub(lambda match: bytes([int(match.group(1), 16)]), raw)
    return os.fsdecode(raw)


def is_uri(name: str) -> bool:
    """Tell a URI (`env:…`, `outside:…`, `s3://…`) from a project-relative path."""
    return bool(_SCHEME.match(name))


def under(name: str, directory: str) -> bool:
    """Tell whether a name lies below a directory; everything lies below `.`."""
    return directory in ("", ".") or name.startswith(directory.rstrip("/") + "/")
