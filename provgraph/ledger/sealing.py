"""Prove that nothing was dropped or changed: seals over the records, and their verification.

The Merkle tree is that of RFC 6962 §2.1 (a lone node at the end of a level moves up unchanged)
over the sorted record names, with the tags `merkle-leaf`, `merkle-node` and `merkle-empty` of
`identity`, 32 bytes each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from provgraph.errors import LedgerError, RecordFromFuture
from provgraph.ledger.layout import OBJECTS, PRIVATE, hex_of, is_hex_name, member
from provgraph.ledger.ledger import Ledger, utc_now
from provgraph.model.digests import identity
from provgraph.model.records import EraseRecord, ImportRecord, Recorded, RunRecord, SealRecord


@dataclass(frozen=True, slots=True)
class SealCheck:
    """A seal looked at again. `missing` are sealed records that are gone or damaged.

    `unknown`: the list of what was sealed isn't here, and what is here has another root, which
    later records alone would explain.
    """

    record: str
    at: str
    count: int
    state: Literal["ok", "broken", "unknown"]
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found. Record names are hex; object names `b3:…`, or paths for damaged ones.

    `missing` pairs a record with an object that it names and that is neither here nor erased.
    `erased` are objects erased on purpose; `lingering` those whose file is here all the same.
    """

    records: int
    objects: int
    private: int
    damaged: tuple[tuple[str, str], ...]
    future: tuple[str, ...]
    damaged_objects: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]
    erased: tuple[str, ...]
    lingering: tuple[str, ...]
    seals: tuple[SealCheck, ...]

    @property
    def whole(self) -> bool:
        """Tell whether nothing is damaged, missing, lingering or gone from under a seal.

        Records of a newer provgraph and seals that can't be checked don't count against it.
        """
        broken = any(seal.state == "broken" for seal in self.seals)
        return not (
            self.damaged or self.damaged_objects or self.missing or self.lingering or broken
        )


def merkle_root(names: Iterable[str]) -> str:
    """Give the Merkle root over record names, in sorted order, as 64 hex digits."""
    level = [identity("merkle-leaf", name, size=32) for name in sorted(names)]
    if not level:
        return identity("merkle-empty", size=32)
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [identity("merkle-node", left, right, size=32) for left, right in pairs]
        level = above + level[len(above) * 2 :]
    return level[0]


def seal(ledger: Ledger, *, at: str | None = None) -> SealRecord:
    """Seal the records known now: append their Merkle root, with the list kept as an object.

    Sign or keep the root elsewhere: against it a ledger can't be shortened or changed unnoticed.
    """
    names = sorted(ledger.names())
    listed = ledger.put_object("".join(f"{name}\n" for name in names).encode())
    record = SealRecord(
        project=ledger.project_id,
        at=at or utc_now(),
        root=merkle_root(names),
        count=len(names),
        names=listed,
    )
    ledger.append(record)
    return record


def verify(ledger: Ledger) -> Verification:
    """Check all bytes, all objects that records name, and all seals; nothing is written."""
    damaged: list[tuple[str, str]] = []
    future: list[str] = []
    named: list[tuple[str, str]] = []
    seals: list[tuple[str, SealRecord]] = []
    erased = ledger.members.names("erased")
    names = ledger.names()
    good = set(names)
    for name, record in ledger.read_many(sorted(names)):
        if isinstance(record, RecordFromFuture):
            future.append(name)
        elif isinstance(record, LedgerError):
            damaged.append((name, record.message))
            good.discard(name)
        else:
            named.extend((name, digest) for digest in objects_of(record))
            if isinstance(record, SealRecord):
                seals.append((name, record))
            elif isinstance(record, EraseRecord):
                erased |= {hex_of(digest) for digest in record.objects if _is_object(digest)}
    objects, private = ledger.members.names(OBJECTS), ledger.members.names(PRIVATE)
    here = objects | private
    known = here | erased
    paths = [member(OBJECTS, name) for name in sorted(objects)]
    paths += [member(PRIVATE, name) for name in sorted(private)]
    return Verification(
        records=len(names),
        objects=len(objects),
        private=len(private),
        damaged=tuple(damaged),
        future=tuple(future),
        damaged_objects=tuple(path for path in paths if not ledger.members.is_whole(path)),
        missing=tuple(
            (name, digest)
            for name, digest in named
            if not _is_object(digest) or hex_of(digest) not in known
        ),
        erased=tuple(f"b3:{name}" for name in sorted(erased)),
        lingering=tuple(f"b3:{name}" for name in sorted(erased & here)),
        seals=tuple(_check(ledger, name, record, good) for name, record in seals),
    )


def objects_of(record: Recorded) -> Iterator[str]:
    """Give the objects, private ones included, that a record names."""
    yield from record.private.values()
    if isinstance(record, RunRecord):
        yield from (use.kept for use in record.uses if use.kept is not None)
        yield from (one.manifest for one in (*record.read_sets, *record.made_sets))
        described = (record.environment, record.hardware)
        yield from (digest for digest in described if digest and _is_object(digest))
    elif isinstance(record, ImportRecord):
        yield record.object
    elif isinstance(record, SealRecord) and record.names is not None:
        yield record.names


def _is_object(digest: str) -> bool:
    return digest.startswith("b3:") and is_hex_name(digest[3:])


def _check(ledger: Ledger, name: str, record: SealRecord, good: set[str]) -> SealCheck:
    listed: list[str] | None = None
    if record.names is not None:
        try:
            listed = ledger.get_object(record.names).decode("ascii", "replace").split()
        except LedgerError:
            listed = None
    if listed is not None:
        missing = tuple(sorted(set(listed) - good))
        sound = len(listed) == record.count and merkle_root(listed) == record.root
        state: Literal["ok", "broken", "unknown"] = "ok" if sound and not missing else "broken"
        return SealCheck(name, record.at, record.count, state, missing)
    rest = good - {name}
    if merkle_root(rest) == record.root:
        state = "ok"
    else:
        state = "broken" if len(rest) < record.count else "unknown"
    return SealCheck(name, record.at, record.count, state)
