"""One command being done again: a child that watches it just as `provgraph run` does."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from provgraph.redo.recipe import Recipe


class Job:
    """A child process; when it has ended it puts itself into `ended`.

    Its output goes to our standard error: standard output is for the answer. Where that is a
    file, or shared by several children (`marked`), it goes through us, line by line; else the
    child has the terminal to itself, as it had when it was first run.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        root: Path,
        environ: Mapping[str, str],
        ended: queue.SimpleQueue[Job],
        mark: str = "",
    ) -> None:
        self.recipe = recipe
        self.exit: int | None = None
        self.took = 0.0
        self._ended = ended
        self._mark = f"[{mark}] ".encode() if mark else b""
        self._began = time.monotonic()
        # -P: what lies in the directory must not stand in for modules of ours.
        ours = [sys.executable, "-P", "-m", "provgraph", "-C", os.fspath(root)]
        words = list(recipe.argv) if recipe.inside else [*ours, *recipe.words()]
        opened = _Streams(recipe, piped=bool(mark) or _is_file(2))
        try:
            self._process = subprocess.Popen(
                words,
                cwd=recipe.cwd,
                env=dict(environ),
                stdin=opened.given[0],
                stdout=opened.given[1],
                stderr=opened.given[2],
            )
        finally:
            opened.close()
        self._pumps = [
            threading.Thread(target=self._pump, args=(stream,), daemon=True)
            for stream in (self._process.stdout, self._process.stderr)
            if stream is not None
        ]
        for pump in self._pumps:
            pump.start()
        threading.Thread(target=self._wait, name="provgraph-redo", daemon=True).start()

    def send(self, number: int) -> None:
        """Hand a signal on."""
        with contextlib.suppress(OSError):
            self._process.send_signal(number)

    def _wait(self) -> None:
        self.exit = self._process.wait()
        self.took = time.monotonic() - self._began
        for pump in self._pumps:
            pump.join(timeout=5)  # a grandchild may keep the pipe open for ever
        self._ended.put(self)

    def _pump(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in iter(stream.readline, b""):
                end = b"" if line.endswith(b"\n") else b"\n"
                os.write(2, self._mark + line + (end if self._mark else b""))


class _Streams:
    """What the child's standard descriptors are: files as a shell had opened them, or ours."""

    def __init__(self, recipe: Recipe, *, piped: bool) -> None:
        alone = not piped and os.isatty(0)
        usual = subprocess.PIPE if piped else 2
        self.given: list[int | None] = [None if alone else subprocess.DEVNULL, usual, usual]
        self._opened: dict[str, int] = {}
        flags = {"<": os.O_RDONLY, ">": os.O_WRONLY | os.O_TRUNC, ">>": os.O_WRONLY | os.O_APPEND}
        try:
            for number, sign, path in recipe.streams:
                if path not in self._opened:  # `> log 2>&1` is one open file
                    made = 0 if sign == "<" else os.O_CREAT
                    if made:
                        os.makedirs(os.path.dirname(path), exist_ok=True)
                    self._opened[path] = os.open(path, flags[sign] | made | os.O_CLOEXEC, 0o666)
                self.given[number] = self._opened[path]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close ours of the files; the child has its own."""
        for descriptor in self._opened.values():
            os.close(descriptor)
        self._opened.clear()


def _is_file(descriptor: int) -> bool:
    """Tell whether a descriptor is a file: a child that had it would be seen to write there."""
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return True  # closed: whatever is opened next would be it


def in_words(status: int) -> str:
    """Say how a command ended."""
    if status < 0:
        try:
            return f"killed by {signal.Signals(-status).name}"
        except ValueError:
            return f"killed by signal {-status}"
    return f"exit {status}"
