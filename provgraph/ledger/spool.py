"""Where a running run keeps what it has seen, and how a dead one's is found and taken over.

    spool/<run id>/run.json      whose it is, and what the run said of itself when it began
    spool/<run id>/events/       the tracer's files
    spool/<run id>/record.json   the finished records, a line each, just before they are appended
    spool/<run id>~<taker>/      a dead one taken over by a process that turns it into a record

Names that begin with a dot are being made or removed and don't count.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from provgraph.errors import LedgerError, UsageError
from provgraph.ledger.files import (
    LEFT_OVER_AFTER,
    drafting,
    make_directory,
    write_failed,
)
from provgraph.ledger.ledger import Ledger
from provgraph.ledger.owner import Owner, is_there, owner_in, state_of, this_process
from provgraph.ledger.reading import parse, unreadable
from provgraph.ledger.sealing import objects_of
from provgraph.model.digests import content_digest, identity
from provgraph.model.records import Recorded, to_bytes

_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}")
_TAKEN = re.compile(
    r"([0-9A-Za-z][0-9A-Za-z_-]{0,63})~([0-9a-f]{16})-([0-9a-f]{16})-([0-9]{1,10})-([0-9]{0,20})"
)


@dataclass(frozen=True, slots=True)
class Spool:
    """A running or dead run's directory. `document` is what it said of itself when it began.

    `state` is `unreadable` where nothing tells whose it is: it is left alone.
    """

    directory: Path
    run_id: str
    state: Literal["live", "dead", "foreign", "unreadable"]
    owner: Owner | None
    document: dict[str, Any]

    @property
    def events(self) -> Path:
        """Where the tracer puts its files."""
        return self.directory / "events"

    @classmethod
    def begin(
        cls, ledger: Ledger, run_id: str, document: dict[str, Any], *, pid: int | None = None
    ) -> Spool:
        """Begin a run's spool, owned by this process (or `pid`); it appears whole or not at all.

        Raises `UsageError` for a run id that is no file name or already spools, `WriteFailed`.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise UsageError(f"{run_id!r} can't be a run's id", hint="run ids are ULIDs")
        owner, modes = this_process(pid), ledger.members.modes
        top = ledger.place / "spool"
        directory, making = top / run_id, top / f".new-{run_id}-{os.urandom(4).hex()}"
        text = json.dumps({"owner": owner.document(), "run": run_id, "document": document})
        try:
            # What a running run leaves must outlive its process. If the machine goes down, what
            # its tracer wrote goes, too: only half a file must never lie there.
            make_directory(making / "events", modes, secret=True, durable=False)
            with drafting(making, modes, secret=True) as draft:
                draft.write(text.encode("ascii"))
                draft.sync()
                draft.rename(making / "run.json")
            os.rename(making, directory)
        except OSError as error:
            shutil.rmtree(making, ignore_errors=True)
            if directory.exists():
                raise UsageError(
                    f"run {run_id} is spooling already", hint="give the run another id"
                ) from None
            raise write_failed(error, directory) from error
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise
        return cls(directory, run_id, "live", owner, document)

    def keep(self, ledger: Ledger, *records: Recorded) -> None:
        """Keep the finished records, durably; inside `together` with what they name."""
        data = b"".join(map(to_bytes, records))
        ledger.members.write(self.directory / "record.json", data, secret=True)

    @property
    def dead_writers(self) -> set[int]:
        """Give the numbers of the processes that had it, as far as nobody has them by now."""
        taken = _TAKEN.fullmatch(self.directory.name)
        numbers = {int(taken[4])} if taken else set[int]()
        numbers |= {self.owner.pid} if self.owner else set()
        return {number for number in numbers if not is_there(number)}

    def conclude(self, ledger: Ledger, *records: Recorded) -> str:
        """Append the run's records and remove the spool; gives the last one's name.

        The records are kept in the spool first. So whoever finds the spool after a crash in here
        appends the same bytes, and one run never becomes two records.
        """
        if self.concluded(ledger) != list(records):
            self.keep(ledger, *records)
        name = ""
        for record in records:
            name = ledger.append(record)
        self.finish()
        return name

    def concluded(self, ledger: Ledger) -> list[Recorded]:
        """Give the records that `conclude` was appending when its process died.

        Nothing where a file that they name isn't there: they were kept together with it, and the
        disk failed or the machine went down amid that, so none of them was appended. Raises
        `LedgerError` where they can't be read: made anew, they would be others.
        """
        path = self.directory / "record.json"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unreadable(f"{path}", error) from error
        try:
            found = [
                parse(content_digest(line)[3:], line) for line in data.splitlines(keepends=True)
            ]
        except LedgerError:
            return []
        named = {digest for record in found for digest in objects_of(record)}
        return found if all(ledger.holds(one) or ledger.is_erased(one) for one in named) else []

    def finish(self) -> None:
        """Remove the spool: its record is durable, or there is nothing to record."""
        going = self.directory.with_name(f".gone-{self.run_id}-{os.urandom(4).hex()}")
        try:
            os.rename(self.directory, going)
        except FileNotFoundError:
            return
        except OSError as error:
            raise write_failed(error, self.directory) from error
        shutil.rmtree(going, ignore_errors=True)


def spools(ledger: Ledger) -> Iterator[Spool]:
    """Give every spool with its state, in order of run id; and sweep what is half removed."""
    top = ledger.place / "spool"
    try:
        entries = sorted(os.listdir(top))
    except OSError:
        return
    for entry in entries:
        directory = top / entry
        if entry.startswith("."):
            _sweep(directory)
            continue
        taken = _TAKEN.fullmatch(entry)
        if (taken or _RUN_ID.fullmatch(entry)) and directory.is_dir():
            run_id = taken[1] if taken else entry
            yield _read(directory, run_id, taken)


def dead_spools(ledger: Ledger) -> Iterator[Spool]:
    """Give the spools whose process, or whose taker, died on this host."""
    return (spool for spool in spools(ledger) if spool.state == "dead")


def claim(spool: Spool) -> Spool | None:
    """Take a dead spool over; of several that try at once one gets it, the others None."""
    me = this_process()
    start = me.start if me.start.isdigit() else ""
    target = spool.directory.with_name(
        f"{spool.run_id}~{_short(me.boot)}-{_short(me.namespace)}-{me.pid}-{start}"
    )
    if spool.directory == target:
        return spool
    try:
        os.rename(spool.directory, target)
    except OSError:
        return None
    return replace(spool, directory=target, state="live")


def release(spool: Spool) -> None:
    """Give a spool back that was taken over and can't be recorded now: whoever asks next tries."""
    with contextlib.suppress(OSError):
        os.rename(spool.directory, spool.directory.with_name(spool.run_id))


def _read(directory: Path, run_id: str, taken: re.Match[str] | None) -> Spool:
    try:
        content = json.loads((directory / "run.json").read_bytes())
        owner, document = owner_in(content["owner"]), content["document"]
        document = dict(document)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Spool(directory, run_id, "unreadable", None, {})
    state = state_of(owner)
    if state == "dead" and taken:
        # Only a process of this host could take it: it is dead if that was in an earlier boot.
        me = this_process()
        if taken[2] == _short(me.boot):
            namespace = me.namespace if taken[3] == _short(me.namespace) else "another"
            taker = replace(me, namespace=namespace, pid=int(taken[4]), start=taken[5])
            state = state_of(taker)
    return Spool(directory, run_id, state, owner, document)


def _short(text: str) -> str:
    return identity("spool-taker", text, size=8)


def _sweep(directory: Path) -> None:
    with contextlib.suppress(OSError):
        age = time.time() - directory.stat().st_mtime
        if directory.name.startswith(".gone-") or age > LEFT_OVER_AFTER:
            shutil.rmtree(directory, ignore_errors=True)
