"""Exchange with a folder: a directory that this machine sees, or an object store by fsspec.

It is laid out as a ledger is. In a directory a member appears whole or not at all. Stores where
that can't be had are guarded by size when pushing again, and by hash when pulling.
"""

from __future__ import annotations

import contextlib
import itertools
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from provgraph.errors import LedgerError, ProvgraphError, TransportError, WriteFailed
from provgraph.ledger.files import Draft, Modes, publish_all, write_durably
from provgraph.ledger.layout import FORMAT, check_format, parse_member
from provgraph.ledger.members import CHUNK, Members
from provgraph.ledger.transport import BATCH, Delivery, Remote, without_credentials

SMALL = 256 * 1024  # bytes; smaller members are sent and brought many at a time


def folder_at(where: str) -> Remote:
    """Open a folder by path, `file://` URL, or any other URL that fsspec knows."""
    if where.startswith("file://"):
        return Directory(Path(unquote(urlsplit(where).path)), where)
    if "://" in where:
        return ObjectStore(where)
    return Directory(Path(where).expanduser(), where)


class Directory(Remote):
    """A directory, perhaps a shared one: what is made in it takes its permissions."""

    def __init__(self, top: Path, where: str) -> None:
        self._top, self._where = top.absolute(), where
        self._members = Members(self._top)

    def sizes(self) -> dict[str, int]:
        """List the members there; {} where there is no directory or an empty one."""
        try:
            if not self._top.exists():
                return {}
            check_format((self._top / "FORMAT").read_bytes(), self._where)
            return self._members.sizes()
        except FileNotFoundError:
            if any(self._top.iterdir()):
                raise _no_ledger(self._where) from None
            return {}
        except OSError as error:
            raise _failed(self._where, error) from error
        except LedgerError as error:
            raise TransportError(error.message, hint=error.hint) from error

    def fetch(self, paths: Sequence[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Read members."""
        for path in paths:
            yield path, self._chunks(path)

    def deliver(self, delivery: Delivery, step: Callable[[], None]) -> list[str]:
        """Copy members as drafts, synced a batch at a time; then remove what was erased."""
        if not self._top.parent.is_dir():
            raise TransportError(
                f"{self._top.parent} is not a directory",
                hint="check that the disk is mounted, or make the directory",
            )
        try:
            self._top.mkdir(exist_ok=True)
            modes = _modes_like(self._top)
            if not (self._top / "FORMAT").exists():
                write_durably(self._top / "FORMAT", FORMAT, modes)
            for start in range(0, len(delivery.send), BATCH):
                batch = delivery.send[start : start + BATCH]
                publish_all(
                    (_copied(file, self._top / path, modes), self._top / path)
                    for path, file in batch
                )
                for _ in batch:
                    step()
            for path in delivery.drop:
                kind, name = parse_member(path) or ("", "")
                self._members.remove(kind, name)
        except OSError as error:
            raise _failed(self._where, error) from error
        except WriteFailed as error:
            message = error.message.replace("nothing was recorded", "what was sent before is whole")
            raise TransportError(message, hint=error.hint) from error
        return []

    def _chunks(self, path: str) -> Iterator[bytes]:
        try:
            with (self._top / path).open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise _failed(self._where, error) from error


class ObjectStore(Remote):
    """Whatever else fsspec reaches: s3, gs, abfs, sftp, …"""

    def __init__(self, where: str) -> None:
        self._where = without_credentials(where)
        self._sizes: dict[str, int] = {}
        with self._asking():
            import fsspec.core

            try:
                filesystem, top = fsspec.core.url_to_fs(where)
            except ImportError as error:
                raise TransportError(
                    f"can't reach {self._where}: {error}", hint=str(error)
                ) from error
            except ValueError as error:
                raise TransportError(
                    f"can't reach {self._where}: {error}",
                    hint="give a git remote's name, a git URL, a folder, or a URL fsspec knows",
                ) from error
            self._fs: Any = filesystem
            self._top = str(top).rstrip("/")

    def sizes(self) -> dict[str, int]:
        """List the members there; {} where there is nothing yet."""
        with self._asking():
            self._fs.invalidate_cache()
            try:
                found = self._fs.find(self._top, detail=True)
            except FileNotFoundError:
                found = {}
            files = {
                name[len(self._top) :].lstrip("/"): int(about.get("size") or 0)
                for name, about in found.items()
            }
            if "FORMAT" in files:
                check_format(self._fs.cat_file(self._at("FORMAT")), self._where)
            elif files:
                raise _no_ledger(self._where)
        self._sizes = {path: size for path, size in files.items() if parse_member(path)}
        return dict(self._sizes)

    def fetch(self, paths: Sequence[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Bring small members in one go, large ones in chunks."""
        small = [path for path in paths if self._sizes.get(path, SMALL) < SMALL]
        with self._asking():
            brought = self._fs.cat([self._at(path) for path in small]) if small else {}
        by_path = {path: _value(brought, self._at(path)) for path in small}
        for path in paths:
            yield path, [by_path[path]] if path in by_path else self._chunks(path)

    def deliver(self, delivery: Delivery, step: Callable[[], None]) -> list[str]:
        """Write members kind by kind, so that records come after what they name."""
        with self._asking():
            if not self._fs.exists(self._at("FORMAT")):
                self._pipe({self._at("FORMAT"): FORMAT})
            for start in range(0, len(delivery.send), BATCH):
                batch = delivery.send[start : start + BATCH]
                for _, group in itertools.groupby(batch, key=_kind_of):
                    self._write(list(group), step)
            for path in delivery.drop:
                with contextlib.suppress(FileNotFoundError):
                    self._fs.rm_file(self._at(path))
        return []

    def _write(self, items: Sequence[tuple[str, Path]], step: Callable[[], None]) -> None:
        small: dict[str, bytes] = {}
        for path, file in items:
            if file.stat().st_size < SMALL:
                small[self._at(path)] = file.read_bytes()
            else:
                self._fs.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)
                self._fs.put_file(str(file), self._at(path))
            step()
        if small:
            self._pipe(small)

    def _pipe(self, items: dict[str, bytes]) -> None:
        try:
            self._fs.pipe(items)
        except FileNotFoundError:  # a store with real directories
            for directory in {path.rpartition("/")[0] for path in items}:
                self._fs.makedirs(directory, exist_ok=True)
            self._fs.pipe(items)

    def _chunks(self, path: str) -> Iterator[bytes]:
        with self._asking(), self._fs.open(self._at(path), "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk

    def _at(self, path: str) -> str:
        return f"{self._top}/{path}"

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn a backend's errors, which are of every kind, into a transport's."""
        try:
            yield
        except TransportError:
            raise
        except ProvgraphError as error:
            raise TransportError(error.message, hint=error.hint) from error
        except Exception as error:
            raise _failed(self._where, error) from error


def _copied(file: Path, target: Path, modes: Modes) -> Draft:
    draft = Draft(target.parent, modes)
    try:
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                draft.write(chunk)
    except BaseException:
        draft.discard()
        raise
    return draft


def _modes_like(top: Path) -> Modes:
    mode = stat.S_IMODE(top.stat().st_mode)
    return Modes(mode, mode & 0o444, mode, mode & 0o444, forced=True)


def _kind_of(item: tuple[str, Path]) -> str:
    return item[0].partition("/")[0]


def _value(found: dict[str, bytes], path: str) -> bytes:
    """Look a path up as the store spells it (some drop a leading slash)."""
    return found[path] if path in found else found[path.lstrip("/")]


def _no_ledger(where: str) -> TransportError:
    return TransportError(
        f"{where} holds files but no ledger",
        hint="give a folder of its own, which may be new or empty",
    )


def _failed(where: str, error: Exception) -> TransportError:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return TransportError(
        f"the exchange with {where} failed: {without_credentials(why)}",
        hint="check access and network, then do it again: it goes on where it stopped",
    )
