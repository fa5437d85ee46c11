"""The ledger: immutable records and objects named by their bytes, written without a lock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from provgraph.errors import LedgerError, ObjectMissing, WriteFailed
from provgraph.ledger.erasure import Erasures
from provgraph.ledger.files import Draft, make_directory, publish_all, sweep, write_durably
from provgraph.ledger.key import make_key, read_key
from provgraph.ledger.layout import (
    ERASED,
    FORMAT,
    OBJECTS,
    PRIVATE,
    RECORDS,
    check_format,
    hex_of,
    is_hex_name,
    parse_member,
)
from provgraph.ledger.members import Members
from provgraph.ledger.place import OUTSIDE_GIT, locate
from provgraph.ledger.private import document_bytes, read_document
from provgraph.ledger.reading import (
    check,
    erased,
    missing,
    parse,
    parse_validated,
    tombstone_in,
    unreadable,
)
from provgraph.model.digests import content_digest, hasher
from provgraph.model.records import EraseRecord, Recorded, to_bytes

# Records from which on pydantic reads quicker than it loads.
MANY = 1_000


class Ledger:
    """An append-only store in one directory, for many processes, machines and file systems.

    The name of a record is 64 hex digits, of an object or private object `b3:` and 64 hex digits.
    Reading checks bytes against names. Writing raises `WriteFailed`, and then nothing counts.
    """

    def __init__(self, place: Path, project_id: str) -> None:
        self.place = place
        self.project_id = project_id
        self.members = Members(place)
        self.erasures = Erasures(self.members)
        self._key: bytes | None = None
        self._privates: dict[str, dict[str, Any]] = {}

    locate = staticmethod(locate)

    @classmethod
    def open(cls, place: Path, project_id: str) -> Ledger:
        """Open the ledger at a place, and lay it out where there is none.

        Raises `RecordFromFuture` for a newer layout, `WriteFailed`.
        """
        ledger = cls(Path(place), project_id)
        try:
            check_format((ledger.place / "FORMAT").read_bytes(), str(ledger.place))
        except FileNotFoundError:
            ledger._lay_out()
        except OSError as error:
            raise unreadable(f"the ledger at {ledger.place}", error) from error
        ledger.erasures.finish()
        return ledger

    @property
    def key(self) -> bytes:
        """The project key, 32 bytes that never leave this ledger."""
        if self._key is None:
            self._key = read_key(self.place / "key", self.members.modes)
        return self._key

    # Records

    def append(self, record: Recorded) -> str:
        """Keep a record; when this returns its name, it is on the disk. Twice is once."""
        data = to_bytes(record)
        name = content_digest(data)[3:]
        try:
            check(data)
        except ValueError as error:
            raise WriteFailed(
                f"the record can't be read back, so it isn't written: {error}",
                hint="this is a bug in what made the record; please report it",
            ) from error
        if isinstance(record, EraseRecord):
            self.erasures.begin(name, data)
            self.members.put(RECORDS, name, data)
            self.erasures.carry_out(name, record)
        else:
            self.members.put(RECORDS, name, data)
        return name

    def names(self) -> set[str]:
        """List the names of all records."""
        return self.members.names(RECORDS)

    def mark(self) -> object:
        """Give what differs once a record came or went; None where that can't be told yet."""
        return self.members.mark(RECORDS)

    def read(self, name: str) -> Recorded:
        """Read a record, upcast where it is old.

        Raises `ObjectMissing`, `RecordDamaged`, `RecordFromFuture`.
        """
        return parse(name, self.record_bytes(name))

    def read_many(self, names: Iterable[str]) -> Iterator[tuple[str, Recorded | LedgerError]]:
        """Read records in the order given; one that can't be read comes as its error."""
        names = list(names)
        read = parse if len(names) < MANY else parse_validated
        for name in names:
            try:
                yield name, read(name, self.record_bytes(name))
            except LedgerError as error:
                yield name, error

    def record_bytes(self, name: str) -> bytes:
        """Give a record's bytes as stored, checked against its name."""
        if not is_hex_name(name):
            raise ObjectMissing(f"{name!r} is not the name of a record", hint="see `provgraph log`")
        return self.members.record_bytes(name)

    # Objects

    def put_object(self, data: bytes) -> str:
        """Keep content; gives its name. What was erased stays erased."""
        digest = content_digest(data)
        if not self.is_erased(digest):
            self.members.put(OBJECTS, digest[3:], data)
        return digest

    def put_stream(self, chunks: Iterable[bytes]) -> str:
        """Keep content too large for memory: `iter(lambda: file.read(1 << 20), b"")`."""
        name = self.members.put_stream(OBJECTS, chunks)
        if self.erasures.is_marked(name):
            self.members.remove(OBJECTS, name)
        return f"b3:{name}"

    def get_object(self, digest: str) -> bytes:
        """Give an object's bytes, checked; raises `ObjectMissing`, `Erased`, `RecordDamaged`."""
        return b"".join(self.stream_object(digest))

    def stream_object(self, digest: str) -> Iterator[bytes]:
        """Give an object in chunks; `RecordDamaged` comes after the last where bytes are wrong."""
        return self._chunks(OBJECTS, hex_of(digest))

    def has_object(self, digest: str) -> bool:
        """Tell whether an object is here (its bytes are not looked at)."""
        return self.members.holds(OBJECTS, hex_of(digest)) and not self.is_erased(digest)

    def together(self) -> AbstractContextManager[None]:
        """Make what is put inside durable at once, at the end: quicker than one by one.

        A record must not be appended inside: what it names has to be durable before it.
        """
        return self.members.together()

    # What may have to be forgotten

    def put_private(self, category: str, fields: dict[str, Any]) -> str:
        """Keep fields in a salted object that can be erased; equal content gives equal names.

        After an erasure equal content is a new fact: it gets another salt, and so another name.
        """
        again = 0
        while True:
            data = document_bytes(self.key, category, fields, again=again)
            digest = content_digest(data)
            if not self.is_erased(digest):
                self.members.put(PRIVATE, digest[3:], data)
                return digest
            again += 1

    def get_private(self, name: str) -> dict[str, Any]:
        """Give the fields; raises `Erased`, `ObjectMissing`, `RecordDamaged`."""
        return read_document(b"".join(self._chunks(PRIVATE, hex_of(name))))[1]

    def private_fields(self, record: Recorded) -> dict[str, dict[str, Any]]:
        """Give a record's private fields by category; `{}` for what is erased or not here."""
        fields: dict[str, dict[str, Any]] = {}
        for category, name in record.private.items():
            fields[category] = {}
            with contextlib.suppress(LedgerError):
                if not self.is_erased(name):
                    fields[category] = dict(self._private(hex_of(name)))
        return fields

    def erase(self, object_names: Iterable[str], reason: str, *, at: str | None = None) -> str:
        """Erase private or other objects for good, here and wherever this ledger is pulled.

        The tombstone is durable before anything goes; gives its name. `at` is RFC 3339 (default:
        now). Raises `ObjectMissing` for a name that is neither here nor erased.
        """
        names = tuple(sorted(set(object_names)))
        for name in names:
            if not self.holds(name) and not self.is_erased(name):
                raise missing(f"object {name}")
        sweep(self.place / PRIVATE)
        return self.append(
            EraseRecord(project=self.project_id, at=at or utc_now(), objects=names, reason=reason)
        )

    def holds(self, name: str) -> bool:
        """Tell whether an object, private or not, is here (its bytes are not looked at)."""
        return any(self.members.holds(kind, hex_of(name)) for kind in (PRIVATE, OBJECTS))

    def is_erased(self, name: str) -> bool:
        """Tell whether an object was erased."""
        return self.erasures.is_marked(hex_of(name))

    # For transports

    def receive(self, items: Iterable[tuple[str, Iterable[bytes]]]) -> Received:
        """Keep members (path, chunks) from elsewhere, each checked by its hash before it counts.

        A tombstone takes effect at once; what is erased here is not kept. Give it a few hundred
        at a time: they are held as drafts and synced together.
        """
        drafts: list[tuple[Draft, Path]] = []
        tombs: list[tuple[str, EraseRecord]] = []
        bad: list[str] = []
        try:
            for path, chunks in items:
                kind, name = parse_member(path) or ("", "")
                if kind not in (RECORDS, OBJECTS, PRIVATE):
                    continue
                if kind != RECORDS and self.erasures.is_marked(name):
                    continue
                target = self.members.path_of(kind, name)
                draft = Draft(target.parent, self.members.modes, secret=kind == PRIVATE)
                drafts.append((draft, target))
                running, record = hasher(), bytearray()
                for chunk in chunks:
                    running.update(chunk)
                    draft.write(chunk)
                    if kind == RECORDS:
                        record += chunk
                if running.hexdigest() != name:
                    bad.append(path)
                    drafts.pop()[0].discard()
                elif tomb := tombstone_in(name, bytes(record)):
                    self.erasures.begin(name, bytes(record))
                    tombs.append((name, tomb))
        except BaseException:
            for draft, _ in drafts:
                draft.discard()
            raise
        publish_all(drafts)
        removed = sum(self.erasures.carry_out(name, tomb) for name, tomb in tombs)
        return Received(len(drafts), removed, tuple(bad))

    # Inside

    def _lay_out(self) -> None:
        modes = self.members.modes
        make_directory(self.place, modes)
        for kind in (RECORDS, OBJECTS, ERASED):
            make_directory(self.place / kind, modes)
        for kind in (PRIVATE, "spool"):
            make_directory(self.place / kind, modes, secret=True)
        if self.place.name == OUTSIDE_GIT:
            write_durably(self.place / ".gitignore", b"*\n", modes)
        if not (self.place / "key").exists():
            make_key(self.place / "key", modes)
        write_durably(self.place / "FORMAT", FORMAT, modes)

    def _private(self, name: str) -> dict[str, Any]:
        # Many records name the same few: user and host, remote, arguments.
        if name not in self._privates:
            data = b"".join(self.members.chunks(PRIVATE, name))
            if len(self._privates) >= 1024:
                self._privates.clear()
            self._privates[name] = read_document(data)[1]
        return self._privates[name]

    def _chunks(self, kind: str, name: str) -> Iterator[bytes]:
        if self.erasures.is_marked(name):
            raise erased(name)
        try:
            yield from self.members.chunks(kind, name)
        except ObjectMissing:
            if self.erasures.is_named(name):
                raise erased(name) from None
            raise


@dataclass(frozen=True, slots=True)
class Received:
    """What became of members from elsewhere: kept, removed by tombstones, left out as damaged."""

    kept: int
    removed: int
    damaged: tuple[str, ...]


def utc_now() -> str:
    """Give this moment as records hold it: RFC 3339 in UTC, to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
