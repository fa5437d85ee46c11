"""Write files so that what is acknowledged is on the disk, whole, under its final name.

A draft is a temporary file beside its target: written, fsynced, renamed, and its directory
fsynced. After a failed fsync the kernel may drop the dirty pages and report success the next time,
so a failure is never retried: draft and target go, and `WriteFailed` says that nothing counts.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from provgraph.errors import WriteFailed

TEMPORARY = ".tmp-"
LEFT_OVER_AFTER = 3600.0  # seconds; a draft older than that has no writer any more

_SHARED = re.compile(
    r"^\s*sharedrepository\s*=\s*(?!umask|false|no\b|0\s*$)\S", re.IGNORECASE | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Modes:
    """Permissions of what is written; `forced` sets them against the umask."""

    directory: int
    file: int
    secret_directory: int
    secret_file: int
    forced: bool = False


OWN = Modes(0o777, 0o444, 0o700, 0o400)
SHARED = Modes(0o2770, 0o440, 0o2770, 0o440, forced=True)


def modes_in(git_directory: Path) -> Modes:
    """Choose permissions as git does: a `core.sharedRepository` is shared with its group."""
    if not (git_directory / "HEAD").is_file():
        return OWN
    try:
        config = (git_directory / "config").read_text("utf-8", "replace")
    except OSError:
        return OWN
    return SHARED if _SHARED.search(config) else OWN


def write_failed(error: OSError, path: Path) -> WriteFailed:
    """Put an operating system's error in words, with what to do next."""
    hints = {
        errno.ENOSPC: "free some space on that disk, then do it again",
        errno.EDQUOT: "the disk quota is used up: free some space, then do it again",
        errno.EFBIG: "a file size limit is set (ulimit -f): raise it, then do it again",
        errno.EROFS: "the file system is mounted read-only: mount it writable",
        errno.EACCES: "ask the directory's owner for write permission (or: chmod u+w)",
        errno.EPERM: "ask the directory's owner for write permission (or: chmod u+w)",
        errno.EIO: "the disk reports an error: check it (dmesg) before anything else",
    }
    hint = hints.get(error.errno or 0, "check the directory, then do it again")
    why = error.strerror or str(error)
    return WriteFailed(f"can't write {path}: {why}; nothing was recorded", hint=hint)


class Draft:
    """A file being written beside where it will lie; nothing counts before `publish`."""

    def __init__(self, directory: Path, modes: Modes, *, secret: bool = False) -> None:
        self._modes, self._secret = modes, secret
        make_directory(directory, modes, secret=secret)
        self.path = directory / f"{TEMPORARY}{os.getpid()}-{os.urandom(6).hex()}"
        self._fd = -1
        mode = modes.secret_file if secret else modes.file
        try:
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            if modes.forced:
                os.fchmod(self._fd, mode)
        except OSError as error:
            self.discard()
            raise write_failed(error, directory) from error

    def write(self, data: bytes) -> None:
        """Append bytes to the draft."""
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            self.discard()
            raise write_failed(error, self.path.parent) from error

    def sync(self) -> None:
        """Bring the draft's bytes to the disk."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            self.discard()
            raise write_failed(error, self.path.parent) from error

    def rename(self, target: Path) -> None:
        """Give the synced draft its name; durable only after the directory's fsync."""
        try:
            make_directory(target.parent, self._modes, secret=self._secret)
            self._close()
            os.rename(self.path, target)
        except OSError as error:
            self.discard()
            raise write_failed(error, target) from error
        except WriteFailed:
            self.discard()
            raise

    def publish(self, target: Path) -> None:
        """Sync, rename, sync the directory: when this returns, the file is there for good."""
        self.sync()
        self.rename(target)
        sync_directory(target.parent, written=[target])

    def discard(self) -> None:
        """Leave nothing behind."""
        with contextlib.suppress(OSError):
            self._close()
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _close(self) -> None:
        handle, self._fd = self._fd, -1  # whatever close says, the descriptor is gone
        if handle >= 0:
            os.close(handle)


def publish_all(drafts: Iterable[tuple[Draft, Path]], *, again: Collection[Path] = ()) -> None:
    """Publish many drafts with one fsync a directory; fsyncs run side by side.

    `again` are files that are there already and only have to be durable, too.
    """
    pairs: list[tuple[Draft, Path]] = []
    try:
        pairs.extend(drafts)  # lazily: making one may fail, and those before it must go
        syncs = [draft.sync for draft, _ in pairs]
        _side_by_side([*syncs, *(partial(_sync_file, path) for path in set(again))])
        for draft, target in pairs:
            draft.rename(target)
        written: dict[Path, list[Path]] = {path.parent: [] for path in again}
        for _, target in pairs:
            written.setdefault(target.parent, []).append(target)
        _side_by_side([partial(sync_directory, at, written=new) for at, new in written.items()])
    except BaseException:
        for draft, _ in pairs:
            draft.discard()
        raise


def _side_by_side(syncs: Sequence[Callable[[], None]]) -> None:
    """Wait for several fsyncs at once: a disk does many in little more than the time of one."""
    left, errors = list(syncs), list[BaseException]()

    def work() -> None:
        with contextlib.suppress(IndexError):
            while not errors:
                sync = left.pop()
                try:
                    sync()
                except BaseException as error:  # noqa: BLE001 - raised again below
                    errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(min(8, len(left)) - 1)]
    for thread in threads:
        thread.start()
    work()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def write_durably(path: Path, data: bytes, modes: Modes, *, secret: bool = False) -> None:
    """Write a whole file durably under its final name, in place of what was there."""
    with drafting(path.parent, modes, secret=secret) as draft:
        draft.write(data)
        draft.publish(path)


@contextlib.contextmanager
def drafting(directory: Path, modes: Modes, *, secret: bool = False) -> Iterator[Draft]:
    """Open a draft that is gone afterwards unless it was published, Ctrl-C included."""
    draft = Draft(directory, modes, secret=secret)
    try:
        yield draft
    finally:
        draft.discard()


def make_directory(path: Path, modes: Modes, *, secret: bool = False, durable: bool = True) -> None:
    """Make a directory and those above it; nothing happens where it exists."""
    if path.is_dir():
        return
    mode = modes.secret_directory if secret else modes.directory
    try:
        if not path.parent.is_dir():
            make_directory(path.parent, modes, secret=secret, durable=durable)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode)
            if modes.forced:
                path.chmod(mode)
    except OSError as error:
        raise write_failed(error, path) from error
    if durable:
        sync_directory(path.parent)


def sync_directory(path: Path, *, written: Iterable[Path] = ()) -> None:
    """Bring a directory's entries to the disk; on failure the files just `written` go again."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        except OSError as error:
            # Some network file systems can't sync a directory at all: that is not an I/O error.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(fd)
    except OSError as error:
        for target in written:
            with contextlib.suppress(OSError):
                target.unlink()
        raise write_failed(error, path) from error


def sync_again(path: Path) -> None:
    """Make durable a file that another process may just have renamed and not yet synced."""
    _sync_file(path)
    sync_directory(path.parent)


def _sync_file(path: Path) -> None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise write_failed(error, path) from error


def sweep(
    directory: Path, *, older_than: float = LEFT_OVER_AFTER, dead: Collection[int] = ()
) -> int:
    """Remove drafts that killed writers left at or below a directory; gives how many.

    `dead` are numbers of processes known to be: their drafts needn't be old. Should one be
    another's, of another machine, its write fails and isn't acknowledged.
    """
    swept, now = 0, time.time()
    theirs = tuple(f"{TEMPORARY}{number}-" for number in dead)
    for parent, _, files in os.walk(directory):
        for file in files:
            path = Path(parent, file)
            with contextlib.suppress(OSError):
                if not file.startswith(TEMPORARY):
                    continue
                if file.startswith(theirs) or now - path.stat().st_mtime > older_than:
                    path.unlink()
                    swept += 1
    return swept
