"""Answer watched processes: what a file holds that they are about to change, how words are shown.

A question is a path; or NUL and a letter, for words (each ended by NUL) that may hold secrets: `A`
for a whole command line, `S` for a short one, `V` for a name and its value.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from provgraph.collect.secrets import Redactor
from provgraph.collect.tracing.aside import make_aside
from provgraph.model.digests import keyed_digest

TOO_LARGE = "too-large"
UNREADABLE = "unreadable"
NOT_NEEDED = "skip"
_SHORT = 2000  # bytes of a command line in the native library's records
_LONGEST = 100  # bytes of a Unix socket's path; the system's limit is 104 or 108

Digest = Callable[[bytes], "tuple[str, int] | None"]


class Answers:
    """A Unix socket in a private directory, answered by threads of ours while the command runs."""

    def __init__(
        self,
        spool: Path,
        digest: Digest,
        *,
        limit: int,
        skip: Callable[[bytes], bool],
        redactor: Redactor,
    ) -> None:
        self._redactor = redactor
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
        except OSError:
            self.close()
            raise
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def listen(self) -> None:
        """Let ask who will be answered later; before, nobody waits for us in vain."""
        try:
            self._socket.listen(128)
        except OSError:
            self.close()
            raise

    def __enter__(self) -> None:
        self.listen()
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
            asked = b"".join(iter(lambda: line.recv(65536), b""))
            said = self.words(asked) if asked[:1] == b"\0" else self.content(asked).encode()
            line.sendall(said)

    def words(self, request: bytes) -> bytes:
        """Give words as they may be written down; nothing where that fails."""
        try:
            words = [os.fsdecode(word) for word in request[2:].split(b"\0")]
            if request[1:2] == b"V":
                return os.fsencode(self._redactor.value(words[0], "\0".join(words[1:])))
            shown = [os.fsencode(word) for word in self._redactor.arguments(words[:-1])]
            return self._shortened(shown) if request[1:2] == b"S" else b"\0".join([*shown, b""])
        except Exception:  # noqa: BLE001 - whatever fails here, the program must not wait for it
            return b""

    def _shortened(self, words: list[bytes]) -> bytes:
        """Join words as far as there is room; the rest as one word: it tells commands apart."""
        said = b""
        for place, word in enumerate(words):
            if len(said) + len(word) + 1 > _SHORT:
                rest = keyed_digest(self._redactor.key, b"\0".join(words[place:]))
                return said + b"..." + rest[-16:].encode() + b"\0"
            said += word + b"\0"
        return said

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
