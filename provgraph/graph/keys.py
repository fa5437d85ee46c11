"""Keys made from ids: no counter is shared between those who write, and every store ranks alike."""

from __future__ import annotations

from provgraph.model.digests import identities

_KEY = identities("vertex-key")
_CLASS = identities("class-key")


def key_of(identifier: str) -> int:
    """Give the key of a vertex: 63 bits of a hash of its id.

    Among a million vertices two would share one with a chance of 1 in 18 million; the store
    compares ids before it writes, so that this would be an error, never a wrong edge.
    """
    return int(_KEY(identifier)[:16], 16) >> 1


def class_of(stands_in: str) -> int:
    """Give the key of a class of stand-ins from its identity."""
    return int(_CLASS(stands_in)[:16], 16) >> 1
