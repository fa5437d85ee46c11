"""Talking to the child process: its crash, its hanging and its end are sentences, not ours."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from provgraph.errors import StatementError, StoreError, UsageError

CHILD = Path(__file__).with_name("child.py")
PIECE = 1 << 16
GRACE = 2.0  # s that the library gets to end a query by itself


class Unusable(StoreError):
    """The copy can't be opened: make it anew."""


class Refused(StoreError):
    """The library refused a statement; `said` is what it said."""

    def __init__(self, said: str) -> None:
        super().__init__(said.splitlines()[0] if said else "the statement was refused")
        self.said = said


def load(database: Path, statements: Iterable[str]) -> None:
    """Make a database by these statements; raises `StoreError`."""
    child = Child({"database": os.fspath(database), "load": list(statements)})
    try:
        for _ in child.messages(None):
            pass
    finally:
        child.end()


class Child:
    """One child process with one request."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        # Its complaints go to a file: a pipe that nobody reads would stop it.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        try:
            self._process = subprocess.Popen(
                # -P: whatever lies in the current directory is not imported.
                [sys.executable, "-P", os.fspath(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # how it ended is told by `messages`
                self._process.stdin.write(json.dumps(request).encode() + b"\n")
                self._process.stdin.flush()
        except OSError as error:
            self._errors.close()
            raise StoreError(
                f"the process that answers Cypher can't be started: {error}"
            ) from error

    def messages(self, seconds: float | None) -> Generator[dict[str, Any], None, None]:
        """Give what it says until it has said all; `seconds` is how long it may be silent."""
        for line in self._lines(None if seconds is None else seconds + GRACE):
            message = json.loads(line)
            if "error" in message:
                raise Refused(message["error"])
            if "unusable" in message:
                raise Unusable(message["unusable"])
            yield message
            if "end" in message:
                return
        raise self._crashed()

    def end(self) -> None:
        """End it, whatever it does."""
        process = self._process
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, self._errors):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _lines(self, seconds: float | None) -> Iterator[bytes]:
        assert self._process.stdout is not None
        source, rest = self._process.stdout.fileno(), b""
        while True:
            until = None if seconds is None else time.monotonic() + seconds
            while b"\n" not in rest:
                left = None if until is None else max(0.0, until - time.monotonic())
                if not select.select([source], [], [], left)[0]:
                    raise TimeoutError
                piece = os.read(source, PIECE)
                if not piece:
                    return
                rest += piece
            line, _, rest = rest.partition(b"\n")
            yield line

    def _crashed(self) -> StoreError:
        code = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        how = f"exit status {code}"
        if code < 0:
            with contextlib.suppress(ValueError):
                how = signal.Signals(-code).name
        if code == -signal.SIGKILL:
            how += ", perhaps for want of memory"
        why = f": {said[-1]}" if said else ""
        return StoreError(
            f"the library that answers Cypher here crashed ({how}){why}",
            hint="nothing is lost but its copy of the graph; ask for less, or ask a Neo4j",
        )


def explained(error: Refused, labels: Sequence[str]) -> StoreError | UsageError:
    """Put the library's words on a statement into ours, with the place where it has one."""
    said = error.said
    head, _, rest = said.partition(": ")
    message, _, _ = rest.partition("\n")
    if head == said:
        head, message = "", said.partition("\n")[0]
    if "Buffer manager" in head or "bad_alloc" in said:
        return StoreError(
            f"there isn't enough memory for this: {message}", hint="ask for less, or ask a Neo4j"
        )
    hint = "Cypher here lacks some of what Neo4j has; `provgraph query --list` has what both take"
    if found := re.search(r"Table (.+) does not exist", message):
        message = f"there is no label or type {found[1]}"
        hint = f"there are {', '.join(labels)}"
    elif found := re.search(r" *\(line: (\d+), offset: (\d+)\)", rest):
        place = f"line {found[1]}, column {int(found[2]) + 1}"
        message = " ".join(rest[: found.start()].split())
        message = re.sub(r": expected rule \w+", "", message)
        return StatementError(
            f"the statement can't be run: {message} at {place}",
            excerpt=rest[found.end() :].strip("\n").splitlines(),
        )
    elif "read-only" in message:
        message, hint = "this would write, and the graph here is only read", "ask without writing"
    return UsageError(f"the statement can't be run: {message}", hint=hint)
