"""What lies where in a ledger: the paths of its members, the same in a directory, folder or ref.

| member | what | named by |
|---|---|---|
| `records/ab/<64 hex>.json` | a record | BLAKE3 of its bytes |
| `objects/ab/<64 hex>` | content that records name (`b3:…`) | BLAKE3 of its bytes |
| `private/ab/<64 hex>` | salted, may be erased | BLAKE3 of its bytes |
| `erased/ab/<64 hex>` | says that an object was erased, by which record | the object's name |

A ledger has besides, never sent anywhere: `key` (the project key), `spool/` (running runs),
`exchange.git/` (a cache of the git transport), and `FORMAT`.
"""

from __future__ import annotations

import re

from provgraph.errors import ObjectMissing, RecordFromFuture

FORMAT = b"provgraph/ledger/1\n"
RECORDS, OBJECTS, PRIVATE, ERASED = "records", "objects", "private", "erased"
KINDS = (RECORDS, OBJECTS, PRIVATE, ERASED)

_HEX = re.compile(r"[0-9a-f]{64}")
_MEMBER = re.compile(
    r"(?:(records)/([0-9a-f]{2})/(\2[0-9a-f]{62})\.json"
    r"|(objects|private|erased)/([0-9a-f]{2})/(\5[0-9a-f]{62}))"
)


def is_hex_name(text: str) -> bool:
    """Tell whether a text is 64 lower-case hex digits, and so safe in a path."""
    return _HEX.fullmatch(text) is not None


def member(kind: str, hex_name: str) -> str:
    """Give the path of a member below the ledger."""
    return f"{kind}/{hex_name[:2]}/{hex_name}" + (".json" if kind == RECORDS else "")


def parse_member(path: str) -> tuple[str, str] | None:
    """Give (kind, hex name) of a member's path; None for whatever is not one."""
    found = _MEMBER.fullmatch(path)
    if found is None:
        return None
    return (found[1] or found[4]), (found[3] or found[6])


def hex_of(digest: str) -> str:
    """Give the hex digits of an object's name `b3:…`; raises `ObjectMissing` for any other text."""
    head, _, digits = digest.partition(":")
    if head != "b3" or not is_hex_name(digits):
        raise ObjectMissing(
            f"{digest!r} is not the name of an object",
            hint="names of objects are «b3:» and 64 hex digits; `provgraph show RUN` lists them",
        )
    return digits


def check_format(data: bytes, place: str) -> None:
    """Refuse a ledger laid out by a newer provgraph, or something that isn't one."""
    if data.strip() != FORMAT.strip():
        raise RecordFromFuture(
            f"this provgraph doesn't know the format of the ledger at {place}:"
            f" {data[:40].decode('utf-8', 'replace').strip()!r}",
            hint="upgrade provgraph: pip install -U provgraph",
        )
