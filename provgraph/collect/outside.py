"""Names of files outside the project, which don't give their paths away."""

from __future__ import annotations

from dataclasses import dataclass

from provgraph.model.digests import keyed_digest


@dataclass(frozen=True)
class Outside:
    """How files outside the project are named: by a keyed hash of host and path."""

    key: bytes
    host: str

    def name(self, path: bytes) -> str:
        """Give the opaque name of an absolute path."""
        return outside_name(self.key, self.host, path)


def outside_name(key: bytes, host: str, path: bytes) -> str:
    """Name a file outside the project without giving its path away."""
    digest = keyed_digest(key, host.encode("utf-8", "surrogateescape") + b"\0" + path)
    return "outside:" + digest.rpartition(":")[2]
