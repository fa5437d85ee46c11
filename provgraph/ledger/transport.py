"""Push and pull: the union of two ledgers, over git or a folder, checked on arrival.

What is erased on either side is not sent and goes on the side that receives; the project key and
spools never travel. Members are content-addressed, so whatever was cut short goes on where it
stopped. A transport is a `Remote`; this module decides which one, and what to send.
"""

from __future__ import annotations

import itertools
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from provgraph.errors import TransportError
from provgraph.ledger.layout import ERASED, OBJECTS, PRIVATE, RECORDS, member, parse_member
from provgraph.ledger.ledger import Ledger

Progress = Callable[[int, int | None], None]
BATCH = 256
_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
RACES = 30  # pushes that lost against another one before we give up


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a push or pull did, in members: records, objects, private objects.

    `erased` counts what tombstones removed on the receiving side; `notes` are sentences for the
    user: damaged members left out, history that the other side keeps.
    """

    sent: int = 0
    received: int = 0
    erased: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What goes to a remote: members as files, in an order that leaves it whole when cut short.

    `drop` are members there that were erased.
    """

    send: tuple[tuple[str, Path], ...]
    drop: tuple[str, ...]


class Remote(ABC):
    """The other ledger. Its faults are `TransportError`s."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of what was opened."""
        return

    @abstractmethod
    def sizes(self) -> dict[str, int]:
        """List the members there, with sizes in bytes; {} where there is no ledger yet."""

    @abstractmethod
    def fetch(self, paths: Sequence[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Bring members, each as chunks to be used up before the next."""

    @abstractmethod
    def deliver(self, delivery: Delivery, step: Callable[[], None]) -> list[str] | None:
        """Take a delivery, calling `step` a member; gives notes, or None when another push won.

        It was planned against the last `sizes()`.
        """


def push(ledger: Ledger, where: str | Remote, progress: Progress | None = None) -> Exchange:
    """Send what the other ledger lacks; two pushes at once lose nothing.

    Raises `TransportError`.
    """
    import random

    with _opened(ledger, where, pushing=True) as remote:
        for attempt in range(RACES):
            delivery, notes = _plan(ledger, remote)
            if not delivery.send and not delivery.drop:
                return Exchange(notes=tuple(notes))
            sent = sum(not path.startswith(ERASED) for path, _ in delivery.send)
            answer = remote.deliver(delivery, _counter(progress, len(delivery.send)))
            if answer is not None:
                notes += answer
                return Exchange(sent=sent, erased=len(delivery.drop), notes=tuple(notes))
            time.sleep(random.uniform(0, min(2.0, 0.05 * 2**attempt)))  # noqa: S311 - no secret
    raise TransportError(
        f"others push to {without_credentials(str(where))} all the time; nothing was lost,"
        " and nothing was sent",
        hint="push again",
    )


def pull(ledger: Ledger, where: str | Remote, progress: Progress | None = None) -> Exchange:
    """Receive what this ledger lacks, each member checked by its hash. Raises `TransportError`."""
    shown = without_credentials(str(where))
    with _opened(ledger, where, pushing=False) as remote:
        here, there = ledger.members.sizes(), remote.sizes()
        if not there:
            raise TransportError(
                f"there is no ledger at {shown} yet", hint=f"push one: provgraph push {shown}"
            )
        wanted = [path for path, size in there.items() if here.get(path) != size]
        step = _counter(progress, len(wanted))
        tombs = _tombs_behind(remote, [path for path in wanted if path.startswith(ERASED)])
        first = [path for path in tombs if path in there and path not in here]
        received, removed, bad = _receive(ledger, remote, first, step)
        gone = ledger.members.names(ERASED)
        rest = [
            path
            for path in sorted(wanted, key=_order)
            if path not in first and not path.startswith(ERASED) and not _is_gone(path, gone)
        ]
        more = _receive(ledger, remote, rest, step)
    bad += more[2]
    return Exchange(
        received=received + more[0], erased=removed + more[1], notes=tuple(_bad_notes(bad, shown))
    )


def _opened(ledger: Ledger, where: str | Remote, *, pushing: bool) -> Remote:
    return where if isinstance(where, Remote) else remote_at(ledger, where, pushing=pushing)


def remote_at(ledger: Ledger, where: str, *, pushing: bool) -> Remote:
    """Decide by looking what `where` is: a git remote's name, a git repository, or a folder.

    Raises `TransportError` for a name that is none of them.
    """
    # Here, because both are answers to this module's contract and import it.
    from provgraph.ledger import folder_transport, git_transport, gitcommand

    if not where or where.startswith("-"):
        raise TransportError(f"{where!r} is no place to exchange with", hint=_PLACES)
    url = gitcommand.url_of_remote(ledger.place, where, pushing=pushing)
    if url is None and gitcommand.is_git_url(where):
        url = gitcommand.absolute(where, Path.cwd())
    if url is not None:
        return git_transport.GitRemote(ledger.place, url)
    if "://" not in where and "/" not in where and not Path(where).exists():
        names = gitcommand.remote_names(ledger.place)
        known = f"git remotes here: {', '.join(names)}; " if names else ""
        raise TransportError(
            f"there is no git remote and no folder called {where!r}", hint=known + _PLACES
        )
    return folder_transport.folder_at(where)


_PLACES = "give a git remote's name, a git URL, a folder, or a URL such as s3://bucket/ledger"


def without_credentials(text: str) -> str:
    """Give a URL, or a text with URLs, as it may be shown."""
    return _CREDENTIALS.sub("", text)


def _plan(ledger: Ledger, remote: Remote) -> tuple[Delivery, list[str]]:
    there, here = remote.sizes(), ledger.members.sizes()
    gone = {path.rpartition("/")[2] for path in (*there, *here) if path.startswith(ERASED)}
    tombs = {
        member(RECORDS, (ledger.place / path).read_text("ascii", "replace").strip())
        for path in here
        if path.startswith(ERASED)
    }
    send: list[tuple[str, Path]] = []
    bad: list[str] = []
    for path in sorted(here, key=lambda path: (path not in tombs, _order(path))):
        if there.get(path) == here[path] or _is_gone(path, gone):
            continue
        if path.startswith(ERASED) and path in there:
            continue  # erased twice: either marker will do
        if not path.startswith(ERASED) and not ledger.members.is_whole(path):
            bad.append(path)
            continue
        send.append((path, ledger.place / path))
    notes = [f"{len(bad)} damaged here, not sent: {_few(bad)}"] if bad else []
    return Delivery(tuple(send), tuple(path for path in there if _is_gone(path, gone))), notes


def _tombs_behind(remote: Remote, markers: Sequence[str]) -> list[str]:
    """Give the records that markers name: they come first, so nothing erased comes at all."""
    found: dict[str, None] = {}
    for _, chunks in remote.fetch(markers):
        path = member(RECORDS, b"".join(chunks)[:200].decode("ascii", "replace").strip())
        if parse_member(path):
            found[path] = None
    return list(found)


def _receive(
    ledger: Ledger, remote: Remote, paths: Sequence[str], step: Callable[[], None]
) -> tuple[int, int, list[str]]:
    kept, removed = 0, 0
    bad: list[str] = []
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        received = ledger.receive(remote.fetch(batch))
        kept, removed = kept + received.kept, removed + received.removed
        bad += received.damaged
        for _ in batch:
            step()
    return kept, removed, bad


def _order(path: str) -> tuple[int, str]:
    """Sort records after what they name, and marks of erasure before all."""
    kind = path.partition("/")[0]
    return (ERASED, OBJECTS, PRIVATE, RECORDS).index(kind), path


def _is_gone(path: str, gone: set[str]) -> bool:
    kind, name = parse_member(path) or ("", "")
    return kind in (OBJECTS, PRIVATE) and name in gone


def _bad_notes(bad: Sequence[str], where: str) -> list[str]:
    if not bad:
        return []
    cure = "remove them there, then push from a whole ledger"
    return [f"{len(bad)} damaged at {where} and left out ({cure}): {_few(bad)}"]


def _few(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")


def _counter(progress: Progress | None, total: int) -> Callable[[], None]:
    done = itertools.count(1)

    def step() -> None:
        if progress is not None:
            progress(next(done), total)

    return step
