"""Tombstones at work: which objects are erased, and an erasure carried through to its end.

A marker `erased/ab/<name>` holds the name of the record that erased an object, so that nobody has
to read all records to know. An erasure that is begun is kept as `erased/.pending-<record>` until
it is done; a process killed half-way leaves it to the next one that opens the ledger.
"""

from __future__ import annotations

import contextlib
import os

from provgraph.errors import LedgerError, ObjectMissing, WriteFailed
from provgraph.ledger.exchange import forget_exchange
from provgraph.ledger.files import write_durably
from provgraph.ledger.layout import ERASED, OBJECTS, PRIVATE, RECORDS, hex_of
from provgraph.ledger.members import Members
from provgraph.ledger.reading import tombstone_in
from provgraph.model.digests import content_digest
from provgraph.model.records import EraseRecord

_PENDING = ".pending-"


class Erasures:
    """The erased objects of a ledger. Names are 64 hex digits here."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._searched: set[str] = set()  # records searched for tombstones
        self._found: set[str] = set()  # what the tombstones found there name

    def is_marked(self, name: str) -> bool:
        """Tell whether an object is marked as erased."""
        return self._members.holds(ERASED, name)

    def is_named(self, name: str) -> bool:
        """Tell whether any record erases an object: slow, for ledgers copied by other tools."""
        for record in self._members.names(RECORDS) - self._searched:
            with contextlib.suppress(LedgerError):
                tomb = tombstone_in(record, self._members.record_bytes(record))
                self._found.update(_hex_names(tomb) if tomb else ())
            self._searched.add(record)
        return name in self._found

    def begin(self, name: str, data: bytes) -> None:
        """Note that an erasure is about to be recorded."""
        path = self._members.place / ERASED / (_PENDING + name)
        write_durably(path, data, self._members.modes)

    def carry_out(self, name: str, record: EraseRecord) -> int:
        """Mark and remove what a recorded tombstone names; gives how many files went."""
        members, removed = self._members, 0
        for erased in _hex_names(record):
            if not self.is_marked(erased):
                marker = members.path_of(ERASED, erased)
                write_durably(marker, name.encode() + b"\n", members.modes)
            removed += members.remove(PRIVATE, erased) + members.remove(OBJECTS, erased)
        forget_exchange(members.place)  # the git transport's cache may hold what was erased
        with contextlib.suppress(OSError):
            (members.place / ERASED / (_PENDING + name)).unlink()
        return removed

    def finish(self) -> None:
        """Carry out the erasures that a killed process began; what can't be written stays."""
        with contextlib.suppress(OSError, WriteFailed):
            for entry in os.listdir(self._members.place / ERASED):
                if entry.startswith(_PENDING):
                    name = entry.removeprefix(_PENDING)
                    data = (self._members.place / ERASED / entry).read_bytes()
                    tomb = tombstone_in(name, data) if content_digest(data)[3:] == name else None
                    if tomb is not None:
                        self._members.put(RECORDS, name, data)
                        self.carry_out(name, tomb)


def _hex_names(record: EraseRecord) -> list[str]:
    names = []
    for digest in record.objects:
        with contextlib.suppress(ObjectMissing):
            names.append(hex_of(digest))
    return names
