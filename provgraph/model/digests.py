"""Every hash provgraph uses: its name, its one home, its type tag.

| written as | what | preimage |
|---|---|---|
| `b3:<64 hex>` | content of a file or object | the bytes (BLAKE3, as `b3sum` prints) |
| `k:<key id>:<32 hex>` | what git doesn't publish | keyed BLAKE3: a value, or `b3:…` as text |
| `v:<text>` | a short public value (a version) | the text itself |
| `absent` | looked for, not there | – |
| `s:<key id>:<hex>` | a digest in this host's cache, mixed with a keyed pad | – |
| other | identities (`identity`) | type tag, then length-prefixed fields |
"""

from __future__ import annotations

from collections.abc import Callable

from blake3 import blake3

Hasher = blake3

ABSENT = "absent"
EMPTY = "b3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


def content_digest(data: bytes) -> str:
    """Name content by its bytes: `b3:` and 64 hex digits."""
    return "b3:" + blake3(data).hexdigest()


def value_digest(text: str) -> str:
    """Name a short public value, such as a version, by itself."""
    return "v:" + text


def keyed_digest(key: bytes, data: bytes) -> str:
    """Name a value that must not be guessed from its digest; `key`: the project key, 32 bytes."""
    return f"k:{key_id(key)}:{blake3(data, key=key).hexdigest(16)}"


def keyed_pad(key: bytes, size: int, *fields: str) -> bytes:
    """Give bytes that only a key holder can make: what is mixed with them gives nothing away."""
    return blake3(b"".join(map(_measured, ("pad", *fields))), key=key).digest(size)


def key_id(key: bytes) -> str:
    """Tell keys apart without giving them away: 8 hex digits."""
    return identity("key", key.hex(), size=4)


def comparable(one: str, other: str) -> bool:
    """Tell whether inequality of two digests means a difference (same scheme, same key)."""
    return _scheme(one) == _scheme(other) or ABSENT in (one, other)


def _scheme(digest: str) -> str:
    head, _, rest = digest.partition(":")
    return f"k:{rest.partition(':')[0]}" if head == "k" else head


def hasher(*, threads: bool = False) -> Hasher:
    """Give a hasher for content in pieces; `threads` where the pieces are large."""
    return blake3(max_threads=blake3.AUTO) if threads else blake3()


def identity(tag: str, *fields: str, size: int = 16) -> str:
    """Hash fields under a type tag, each with its length, so no two lists share a preimage.

    `size` is in bytes; the result has twice as many hex digits.
    """
    return blake3(b"".join(map(_measured, ("provgraph", tag, *fields)))).hexdigest(size)


def identities(tag: str, *head: str) -> Callable[..., str]:
    """Give `identity` with its first fields fixed: quicker where a million are made."""
    fixed = b"".join(_measured(field) for field in ("provgraph", tag, *head))

    def name(*fields: str) -> str:
        return blake3(fixed + b"".join(map(_measured, fields))).hexdigest(16)

    return name


def _measured(field: str) -> bytes:
    data = field.encode("utf-8", "surrogateescape")
    return len(data).to_bytes(8, "big") + data


def generation_id(project: str, name: str, digest: str, run: str | None) -> str:
    """Name a generation: content put at a name by a run, or by nobody we saw."""
    return "gen:" + identity("generation", project, name, digest, run or "")


def step_key(project: str, program: str, arguments: tuple[str, ...]) -> str:
    """Name an unnamed step by its program and (redacted) arguments."""
    return "s:" + identity("step", project, program, *arguments)
