"""Progress on standard error: rate and time left, for a person who has waited for two seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

PATIENCE = 2.0
INTERVAL = 0.2


class Progress:
    """Called with (done, total or None); draws one line, and takes it away when it ends.

    Where the total isn't known, the share of `size` bytes read (see `reading`) stands in.
    `clock` counts seconds.
    """

    def __init__(
        self,
        unit: str,
        *,
        size: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        terminal: bool | None = None,
    ) -> None:
        self._unit = unit
        self._size = size
        self._read = 0
        self._clock = clock
        self._terminal = sys.stderr.isatty() if terminal is None else terminal
        self._started = clock()
        self._drawn = self._started - INTERVAL
        self._shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._shown:
            self._draw("")

    def __call__(self, done: int, total: int | None = None) -> None:
        """Say how far it is; cheap enough to be called for every line."""
        if not self._terminal:
            return
        now = self._clock()
        if now - self._started < PATIENCE or now - self._drawn < INTERVAL:
            return
        self._drawn = now
        self._shown = True
        self._draw(words_of(done, self._share(done, total), now - self._started, self._unit))

    def reading(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Pass lines on and count their bytes."""
        for line in lines:
            self._read += len(line)
            yield line

    def _share(self, done: int, total: int | None) -> float | None:
        if total:
            return done / total
        return self._read / self._size if self._size else None

    def _draw(self, text: str) -> None:
        sys.stderr.write("\r" + text + ("\x1b[K" if self._terminal else ""))
        sys.stderr.flush()


def words_of(done: int, share: float | None, seconds: float, unit: str) -> str:
    """Say progress: `120,000 lines, 61,200 a second, 48%, 4 s left`."""
    words = f"{done:,} {unit}, {done / seconds:,.0f} a second"
    if share:
        left = seconds / share - seconds
        words += f", {min(share, 1):.0%}, {max(left, 0):,.0f} s left"
    return words
