"""The git transport's own bare repository: one exchange at a time, forgotten after an erasure."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path


def forget_exchange(place: Path) -> None:
    """Remove the repository now, or, where an exchange is going on, at that one's end."""
    repository = place / "exchange.git"
    if not repository.is_dir():
        return
    with contextlib.suppress(OSError):
        _stale(place).touch()
    with _lock(place, wait=False) as locked:
        if locked:
            _forget_stale(place)


@contextlib.contextmanager
def exchange_repository(place: Path) -> Iterator[Path]:
    """Give the repository's path, which may not exist yet, to one exchange at a time."""
    running = place / "exchange.running"
    with _lock(place, wait=True) as locked:
        if locked and running.exists():
            # The last exchange was killed, and git may have left locks of its own in there.
            _stale(place).touch()
        _forget_stale(place)
        with contextlib.suppress(OSError):
            running.touch()
        try:
            yield place / "exchange.git"
        except Exception:
            running.unlink(missing_ok=True)
            raise
        else:
            running.unlink(missing_ok=True)
        finally:
            _forget_stale(place)


@contextlib.contextmanager
def _lock(place: Path, *, wait: bool) -> Iterator[bool | None]:
    """Lock exchanges out: True when they are, False when one goes on, None where nothing locks."""
    fd = -1
    locked: bool | None
    try:
        try:
            fd = os.open(place / "exchange.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError:
            locked = False
        except OSError:
            locked = None  # no locks on this file system: git's own refuse what would clash
        yield locked
    finally:
        if fd >= 0:
            os.close(fd)


def _stale(place: Path) -> Path:
    return place / "exchange.stale"


def _forget_stale(place: Path) -> None:
    if _stale(place).exists():
        shutil.rmtree(place / "exchange.git", ignore_errors=True)
        if not (place / "exchange.git").exists():
            _stale(place).unlink(missing_ok=True)
