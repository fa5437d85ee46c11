"""Answer watched processes that ask for a file's content to be hashed before they change it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from provgraph.collect.tracing.aside import make_aside

TOO_LARGE = "too-large"
UNREADABLE = "unreadable"
NOT_NEEDED = "skip"
_LONGEST = 100  # bytes of a Unix socket's path; the system's limit is 104 or 108

Digest = Callable[[bytes], "tuple[str, int] | None"]


class Answers:
    """A Unix socket in a private directory, answered by threads of ours while the command runs."""

    def __init__(
        self, spool: Path, digest: Digest, *, limit: int, skip: Callable[[bytes], bool]
    ) -> None:
        self._digest = digest
        self._limit = limit
        self._skip = skip
        self._directory: str | None = None
        path = os.fspath(spool / "ask")
        if len(os.fsencode(path)) > _LONGEST:
            self._directory = make_aside(spool)
            path = os.path.join(self._directory, "ask")
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.bind(path)
            self._socket.listen(128)
        except OSError:
            self.close()
            raise
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering; who asks from now on is told so at once."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with contextlib.suppress(OSError):
            os.unlink(self.path)
        if self._directory is not None:
            with contextlib.suppress(OSError):
                os.rmdir(self._directory)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            line.settimeout(60)
            path = b""
            while piece := line.recv(65536):
                path += piece
            line.sendall(self.content(path).encode())

    def content(self, path: bytes) -> str:
        """Say what a file holds, or why that can't be said."""
        try:
            if self._skip(path):
                return NOT_NEEDED
            if os.stat(path).st_size > self._limit:
                return TOO_LARGE
            found = self._digest(path)
        except Exception:  # noqa: BLE001 - whatever fails here, the program must not wait for it
            return UNREADABLE
        return UNREADABLE if found is None else found[0]
