"""A shell that is watched: it tells when a line is done, and waits until that is recorded.

It tells by one named pipe, and hears by another.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from provgraph.collect.nested import SHELL
from provgraph.collect.run import run_command
from provgraph.collect.shell import startup
from provgraph.collect.shell.book import Book
from provgraph.collect.watching import (
    Said,
    Say,
    Site,
    document_of,
    make_full_tracer,
    new_run_id,
)
from provgraph.errors import CannotAnswer, ProvgraphError
from provgraph.ledger.spool import Spool

_POLL = 0.5  # s between two looks at lines whose programs go on
_FIELDS = 5


def watch_shell(site: Site, shell: str, *, say: Say) -> int:
    """Start a shell in this terminal and record its lines; gives its status, or minus the signal.

    Raises CannotAnswer where it can't be watched, RunFailed where there is no such shell.
    """
    tracer = make_full_tracer(site)
    if tracer.why:
        raise CannotAnswer(
            f"a shell can't be watched here: {tracer.why}",
            hint="put `provgraph run --` in front of commands; see also: provgraph doctor",
        )
    document = {**document_of(site, [shell], Said()), "shell": os.path.basename(shell)}
    spool = Spool.begin(site.ledger, new_run_id(), document)
    place = Path(os.path.realpath(spool.events)) / SHELL
    try:
        command = startup.lay(place, shell, watcher=os.getpid(), environ=os.environ)
        environ = dict(os.environ)
        if os.path.basename(shell) == "zsh":
            environ["ZDOTDIR"] = os.fspath(place)
        session = _Session(site, spool, say)
        finished = run_command(
            command,
            tracer=tracer,
            spool=spool.events,
            cwd=Path(os.getcwd()),
            environ=environ,
            on_spawn=session.begin,
        )
    except BaseException:
        with contextlib.suppress(ProvgraphError):
            spool.finish()
        raise
    session.end()
    return finished.exit if finished.exit is not None else -(finished.signal or 0)


class _Session:
    """Listens to the shell in a thread of its own; the main one hands signals on."""

    def __init__(self, site: Site, spool: Spool, say: Say) -> None:
        self._site = site
        self._spool = spool
        self._say = say
        self._thread: threading.Thread | None = None
        self._stop, self._stopping = os.pipe()

    def begin(self, pid: int) -> None:
        """Start to listen."""
        self._thread = threading.Thread(target=self._work, args=(pid,), name="provgraph-lines")
        self._thread.start()

    def end(self) -> None:
        """Record what is left, once the shell has ended."""
        os.close(self._stopping)
        if self._thread is not None:
            self._thread.join()

    def _work(self, pid: int) -> None:
        place = self._spool.events / SHELL
        told = os.open(place / "told", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        answer = os.open(place / "answer", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            with contextlib.suppress(Exception):
                _load_what_recording_needs()
            book = Book(self._site, self._spool, pid, self._say)
            self._listen(book, _Pipe(told, answer))
            book.close()
        except Exception as error:  # noqa: BLE001 - the shell goes on; the spool has what it did
            self._failed(error)
        finally:
            os.close(told)
            os.close(answer)

    def _listen(self, book: Book, pipe: _Pipe) -> None:
        while True:
            ready, _, _ = select.select(
                [pipe.told, self._stop], [], [], _POLL if book.waiting else None
            )
            if pipe.told in ready:
                for turn, *words in pipe.messages():
                    try:
                        book.turn(*words, ask=partial(pipe.ask, turn))
                    except Exception as error:  # noqa: BLE001 - said, and tried again at the end
                        self._failed(error)
                    pipe.say(turn)
            elif self._stop in ready:
                return
            else:
                try:
                    book.look()
                except Exception as error:  # noqa: BLE001 - as above
                    self._failed(error)

    def _failed(self, error: Exception) -> None:
        if os.environ.get("PROVGRAPH_DEBUG"):
            import traceback

            traceback.print_exception(error)
        self._say(f"the command ran, but recording it failed: {error}")


class _Pipe:
    """The two named pipes: fields ended by NUL one way, lines the other."""

    def __init__(self, told: int, answer: int) -> None:
        self.told = told
        self._answer = answer
        self._data = b""

    def _fields(self, count: int) -> list[str] | None:
        parts = self._data.split(b"\0", count)
        if len(parts) <= count:
            return None
        self._data = parts[count]
        return [os.fsdecode(part) for part in parts[:count]]

    def _more(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._data += os.read(self.told, 1 << 16)

    def messages(self) -> Iterator[list[str]]:
        """Give what the shell has said: turn, status, start, directory, line."""
        self._more()
        while (found := self._fields(_FIELDS)) is not None:
            yield found

    def say(self, text: str) -> None:
        """Answer; a shell that doesn't read any more is no matter."""
        with contextlib.suppress(OSError):
            os.write(self._answer, os.fsencode(text) + b"\n")

    def ask(self, turn: str, names: list[str]) -> bool:
        """Ask whether some of the names are the shell's own: functions, aliases, its variables."""
        self.say(f"{turn} {' '.join(names)}"[: select.PIPE_BUF - 1])
        until = time.monotonic() + 2
        while time.monotonic() < until:
            if select.select([self.told], [], [], 0.1)[0]:
                self._more()
                found = self._fields(1)
                if found is not None:
                    return bool(found[0].strip())
        return True


def _load_what_recording_needs() -> None:
    from provgraph.collect import assemble, content, describing, environment, gitstate, hardware

    hardware.hardware_values()
    _ = (assemble, content, describing, environment, gitstate)
