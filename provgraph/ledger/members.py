"""The files of a ledger by kind and name, without what they mean: put, list, read checked."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from provgraph.errors import LedgerError, WriteFailed
from provgraph.ledger.files import (
    Draft,
    drafting,
    modes_in,
    publish_all,
    sync_again,
    sync_directory,
    write_durably,
)
from provgraph.ledger.layout import KINDS, PRIVATE, RECORDS, is_hex_name, member, parse_member
from provgraph.ledger.reading import damaged, missing, unreadable
from provgraph.model import digests

_TICK = 3_000_000_000  # ns; some file systems note times to two seconds

CHUNK = 1 << 20
MOST_HELD = 200  # files written together; each is open until then


class _Held:
    """What is to become durable together: new files, and those that were there."""

    def __init__(self) -> None:
        self.drafts: list[tuple[Draft, Path]] = []
        self.again: set[Path] = set()

    def publish(self) -> None:
        """Make durable what is held."""
        publish_all(self.drafts, again=self.again)
        self.drafts.clear()
        self.again.clear()


class Members:
    """The members below one directory. Names are 64 hex digits here."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.modes = modes_in(place.parent)
        self._batch = threading.local()

    def path_of(self, kind: str, name: str) -> Path:
        """Give the file of a member."""
        return self.place / member(kind, name)

    def holds(self, kind: str, name: str) -> bool:
        """Tell whether a member's file is there; its bytes are not looked at.

        A disk that can't say so raises `LedgerError`: to take that for "no" would lose something.
        """
        try:
            os.stat(f"{self.place}/{member(kind, name)}")
        except FileNotFoundError:
            return False
        except OSError as error:
            raise unreadable(f"{kind}/{name}", error) from error
        return True

    def put(self, kind: str, name: str, data: bytes) -> None:
        """Write a member durably. A damaged one is replaced, a whole one only synced."""
        path = self.path_of(kind, name)
        try:
            if path.stat().st_size == len(data) and path.read_bytes() == data:
                if self._held is None:
                    sync_again(path)
                else:
                    self._held.again.add(path)
                return
        except FileNotFoundError:
            pass
        except OSError as error:
            raise unreadable(str(path), error) from error
        self.write(path, data, secret=kind == PRIVATE)

    def write(self, path: Path, data: bytes, *, secret: bool = False) -> None:
        """Write a file durably, with the others where this thread writes several together."""
        if self._held is None:
            write_durably(path, data, self.modes, secret=secret)
            return
        if len(self._held.drafts) >= MOST_HELD:
            self._held.publish()
        draft = Draft(path.parent, self.modes, secret=secret)
        self._held.drafts.append((draft, path))
        draft.write(data)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Hold back what this thread puts inside; it is all durable afterwards, or none counts.

        A disk takes little longer for many files than for one. What is held back can't be read.
        """
        if self._held is not None:
            yield
            return
        held = self._batch.held = _Held()
        try:
            yield
            held.publish()
        finally:
            self._batch.held = None
            for draft, _ in held.drafts:
                draft.discard()

    @property
    def _held(self) -> _Held | None:
        held: _Held | None = getattr(self._batch, "held", None)
        return held

    def put_stream(self, kind: str, chunks: Iterable[bytes]) -> str:
        """Write a member that comes in chunks; gives its name."""
        hasher = digests.hasher()
        with drafting(self.place / kind, self.modes) as draft:
            for chunk in chunks:
                hasher.update(chunk)
                draft.write(chunk)
            name = hasher.hexdigest()
            draft.publish(self.path_of(kind, name))
        return name

    def remove(self, kind: str, name: str) -> bool:
        """Remove a member durably; tells whether it was there."""
        path = self.path_of(kind, name)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise WriteFailed(
                f"can't remove {path}: {error.strerror}; its tombstone stands",
                hint="make the directory writable and erase it again",
            ) from error
        sync_directory(path.parent)
        return True

    def names(self, kind: str) -> set[str]:
        """List the names of a kind."""
        return {name for name, _ in self._entries(kind)}

    def mark(self, kind: str) -> tuple[tuple[str, int], ...] | None:
        """Give what changes when a member of this kind comes or goes, without listing them.

        None where something came so lately that a clock's tick may hide what comes next.
        """
        top = self.place / kind
        try:
            folders = [top, *(top / prefix for prefix in sorted(os.listdir(top)))]
            found = tuple((folder.name, folder.stat().st_mtime_ns) for folder in folders)
        except OSError:
            return None
        return found if max(at for _, at in found) < time.time_ns() - _TICK else None

    def sizes(self) -> dict[str, int]:
        """List every member's path with its size in bytes."""
        found: dict[str, int] = {}
        for kind in KINDS:
            for name, entry in self._entries(kind):
                with contextlib.suppress(FileNotFoundError):
                    found[member(kind, name)] = entry.stat().st_size
        return found

    def chunks(self, kind: str, name: str) -> Iterator[bytes]:
        """Read a member in chunks; `RecordDamaged` comes after the last where bytes are wrong."""
        what = f"record {name}" if kind == RECORDS else f"object b3:{name}"
        hasher = digests.hasher()
        try:
            with self.path_of(kind, name).open("rb") as file:
                while chunk := file.read(CHUNK):
                    hasher.update(chunk)
                    yield chunk
        except FileNotFoundError:
            raise missing(what) from None
        except OSError as error:
            raise unreadable(what, error) from error
        if hasher.hexdigest() != name:
            raise damaged(what, self.path_of(kind, name))

    def record_bytes(self, name: str) -> bytes:
        """Read a record's bytes, checked."""
        try:
            # `open` and pathlib cost more than the read itself; a sync does this 10,000 times.
            fd = os.open(f"{self.place}/records/{name[:2]}/{name}.json", os.O_RDONLY | os.O_CLOEXEC)
            try:
                size = os.fstat(fd).st_size
                data = os.read(fd, size + 1)
                while len(data) < size and (more := os.read(fd, size - len(data))):
                    data += more
            finally:
                os.close(fd)
        except FileNotFoundError:
            raise missing(f"record {name}") from None
        except OSError as error:
            raise unreadable(f"record {name}", error) from error
        if digests.content_digest(data)[3:] != name:
            raise damaged(f"record {name}", self.path_of(RECORDS, name))
        return data

    def is_whole(self, path: str) -> bool:
        """Tell whether a member is there and its bytes match its name."""
        kind, name = parse_member(path) or ("", "")
        try:
            for _ in self.chunks(kind, name):
                pass
        except LedgerError:
            return False
        return True

    def _entries(self, kind: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
        top, end = self.place / kind, ".json" if kind == RECORDS else ""
        try:
            for prefix in os.listdir(top):
                if len(prefix) != 2:
                    continue
                with os.scandir(top / prefix) as entries:
                    for entry in entries:
                        name = entry.name.removesuffix(end)
                        if (
                            name + end == entry.name
                            and name.startswith(prefix)
                            and is_hex_name(name)
                        ):
                            yield name, entry
        except FileNotFoundError:
            return
        except OSError as error:
            raise unreadable(str(top), error) from error
