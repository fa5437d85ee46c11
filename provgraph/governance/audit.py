"""Reports on the ledger's care: is it whole, are files what was recorded, seal, erase, exchange."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from provgraph.errors import LedgerError, UsageError
from provgraph.ledger.ledger import Ledger
from provgraph.ledger.sealing import Verification
from provgraph.ledger.sealing import seal as make_seal
from provgraph.ledger.sealing import verify as check
from provgraph.ledger.transport import Exchange, Remote, pull, push
from provgraph.model.answers import Report
from provgraph.model.digests import key_id
from provgraph.model.records import NoteRecord, PinRecord, Recorded, RunRecord

Progress = Callable[[int, int | None], None]
KEY_BYTES = 32


def verify(ledger: Ledger, artifacts: Mapping[str, str] | None) -> Report:
    """Check bytes, objects and seals; `artifacts` maps live names to what lies there.

    The values are `as recorded`, `edited`, `missing`.
    """
    found = check(ledger)
    ok = found.whole
    words = [
        f"{found.records:,} records, {found.objects:,} objects, {found.private:,} private objects",
        *_faults(found),
    ]
    facts: dict[str, object] = {
        "records": found.records,
        "objects": found.objects,
        "private": found.private,
        "damaged": [name for name, _ in found.damaged],
        "damaged_objects": list(found.damaged_objects),
        "missing": [list(pair) for pair in found.missing],
        "erased": len(found.erased),
        "future": list(found.future),
        "seals": {seal.record: seal.state for seal in found.seals},
    }
    if artifacts is not None:
        wrong = {name: how for name, how in sorted(artifacts.items()) if how != "as recorded"}
        words.append(f"{len(artifacts) - len(wrong):,} of {len(artifacts):,} files are as recorded")
        words += [f"  {how}: {name}" for name, how in wrong.items()]
        facts["artifacts"] = dict(artifacts)
        ok = ok and not wrong
    words.append("the ledger is whole" if found.whole else "the ledger is NOT whole")
    return Report("verify", ok, tuple(words), facts)


def _faults(found: Verification) -> Iterable[str]:
    for name, why in found.damaged:
        yield f"damaged record {name[:12]}: {why}"
    for name in found.damaged_objects:
        yield f"damaged object {name}"
    for record, name in found.missing:
        yield f"missing: object {name[:15]} of record {record[:12]}"
    for name in found.lingering:
        yield f"erased, but its file is still here: {name[:15]}"
    if found.erased:
        yield f"{len(found.erased)} private objects erased on purpose"
    for name in found.future:
        yield f"record {name[:12]} was written by a newer provgraph and can't be read here"
    for seal in found.seals:
        if seal.state == "ok":
            yield f"seal of {seal.at[:19]} over {seal.count:,} records holds"
        elif seal.state == "broken":
            gone = ", ".join(name[:12] for name in seal.missing[:5])
            lost = f"{len(seal.missing)} sealed records are gone or damaged ({gone})"
            yield f"seal of {seal.at[:19]} is BROKEN: {lost}"
        else:
            yield f"seal of {seal.at[:19]} can't be checked: the list of what it sealed isn't here"


def seal(ledger: Ledger) -> Report:
    """Record the Merkle root over the records known."""
    record = make_seal(ledger)
    name = ledger.append(record)
    return Report(
        "seal",
        True,
        (f"sealed {record.count:,} records", record.root),
        {"root": record.root, "count": record.count, "record": name},
    )


def erase(
    ledger: Ledger, records: Sequence[Recorded], *, categories: Sequence[str], reason: str
) -> Report:
    """Erase private objects of these records (no category named: all of them)."""
    wanted = {str(category) for category in categories}
    names = {
        name: category
        for record in records
        for category, name in record.private.items()
        if not wanted or category in wanted
    }
    names = {name: category for name, category in names.items() if not ledger.is_erased(name)}
    if not names:
        said = " or ".join(sorted(wanted)) if wanted else "nothing private"
        raise UsageError(
            f"there is {'no ' + said if wanted else said} left to erase there",
            hint="`provgraph show` says what a run keeps",
        )
    tomb = ledger.erase(names, reason)
    kinds = ", ".join(sorted(set(names.values())))
    return Report(
        "erase",
        True,
        (
            f"erased {len(names)} private objects ({kinds}) for ever; tombstone {tomb[:12]}",
            "copies elsewhere go when they pull this ledger: `provgraph push` tells them",
        ),
        {"objects": sorted(names), "tombstone": tomb, "categories": sorted(set(names.values()))},
    )


def key(ledger: Ledger, install: bytes | None) -> Report:
    """Say where the project key is, or take another one over."""
    path = ledger.place / "key"
    if install is not None:
        text = install.strip().decode("ascii", "replace")
        try:
            raw = bytes.fromhex(text)
        except ValueError:
            raw = b""
        if len(raw) != KEY_BYTES:
            raise UsageError(
                "that is no project key", hint="a key is 64 hex digits, as `key --show` writes it"
            )
        if raw != ledger.key:
            _replace(path, text)
            ledger = Ledger.open(ledger.place, ledger.project_id)
    words = (
        f"key {key_id(ledger.key)} in {path}",
        "digests made with different keys are never compared",
    )
    return Report(
        "key", True, words, {"path": str(path), "id": key_id(ledger.key), "hex": ledger.key.hex()}
    )


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".key-{os.getpid()}")
    try:
        with open(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise LedgerError(
            f"the key could not be written: {error.strerror}", hint=str(path)
        ) from error


def exchange(
    ledger: Ledger, way: str, where: str | Remote | None, *, root: Path, progress: Progress | None
) -> Report:
    """Push or pull; without a place, with the git remote of this branch, else `origin`."""
    other = where or default_remote(root)
    done: Exchange = (push if way == "push" else pull)(ledger, other, progress)
    place = str(other)
    count = done.sent if way == "push" else done.received
    verb = "sent" if way == "push" else "received"
    words = [
        f"{verb} {count:,} items {'to' if way == 'push' else 'from'} {place}"
        if count
        else "already in step"
    ]
    if done.erased:
        words.append(f"{done.erased} erased objects removed")
    return Report(
        way,
        True,
        (*words, *done.notes),
        {"where": place, "sent": done.sent, "received": done.received, "erased": done.erased},
    )


def default_remote(root: Path) -> str:
    """Give the git remote of the branch checked out, else `origin`."""
    try:
        branch = subprocess.run(
            ["git", "-C", str(root), "symbolic-ref", "--short", "-q", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        ).stdout.strip()
        said = subprocess.run(
            ["git", "-C", str(root), "config", "--get", f"branch.{branch}.remote"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "origin"
    return said if said and said != "." else "origin"


def about(record: Recorded, subjects: set[str]) -> bool:
    """Tell whether a record is, or is said of, one of these subjects (run ids, vertex ids)."""
    if isinstance(record, RunRecord):
        return record.run in subjects or f"run:{record.run}" in subjects
    if isinstance(record, NoteRecord):
        return record.subject in subjects
    return isinstance(record, PinRecord) and record.name in subjects
