"""Turn a record's bytes into a record, or into the error that says what is wrong with it."""

from __future__ import annotations

import errno
import json
from pathlib import Path

from provgraph.errors import Erased, LedgerError, ObjectMissing, RecordDamaged, RecordFromFuture
from provgraph.ledger.upcast import upcast
from provgraph.model.records import EraseRecord, Recorded
from provgraph.model.wire import read_plainly

_PRESENT = b'{"schema":"provgraph/record/1",'
# What validation finds wrong with a record of this schema that a newer provgraph added to.
_NEWER = {"unexpected_keyword_argument", "union_tag_invalid", "literal_error"}
_AT_FAULT = "whatever wrote it is at fault; `provgraph verify` lists all such records"


def parse(name: str, data: bytes) -> Recorded:
    """Read bytes that match their name; raises `RecordDamaged`, `RecordFromFuture`."""
    return read_plainly(data) or parse_validated(name, data)


def parse_validated(name: str, data: bytes) -> Recorded:
    """Do what `parse` does, by pydantic: quicker where there are thousands."""
    from pydantic import ValidationError

    from provgraph.model.validation import RECORD

    try:
        if data.startswith(_PRESENT):
            return RECORD.validate_json(data)
        return RECORD.validate_python(upcast(json.loads(data)))
    except ValidationError as error:
        if {item["type"] for item in error.errors()} <= _NEWER:
            raise RecordFromFuture(
                f"record {name} holds fields this provgraph doesn't know",
                hint="upgrade provgraph: pip install -U provgraph",
            ) from error
        first = error.errors()[0]
        where = ".".join(str(item) for item in first["loc"])
        raise RecordDamaged(
            f"record {name} is whole but no valid record: {where}: {first['msg']}", hint=_AT_FAULT
        ) from error
    except (RecordDamaged, RecordFromFuture) as error:
        raise type(error)(f"record {name}: {error.message}", hint=error.hint) from error
    except (ValueError, RecursionError) as error:
        raise RecordDamaged(
            f"record {name} is whole but doesn't parse: {error}", hint=_AT_FAULT
        ) from error


def check(data: bytes) -> None:
    """Raise ValueError, which says why, for bytes that could not be read back as a record."""
    if read_plainly(data) is None:
        from provgraph.model.validation import RECORD

        RECORD.validate_json(data)


def tombstone_in(name: str, data: bytes) -> EraseRecord | None:
    """Give the tombstone that a record's bytes hold, if they hold one."""
    if b'"type":"erase"' not in data:
        return None
    try:
        record = parse(name, data)
    except LedgerError:
        return None
    return record if isinstance(record, EraseRecord) else None


def unreadable(what: str, error: OSError) -> LedgerError:
    """Say that the system wouldn't let something be read."""
    denied = error.errno in (errno.EACCES, errno.EPERM)
    return LedgerError(
        f"can't read {what}: {error.strerror or error}",
        hint="check its owner and permissions" if denied else "check that disk (dmesg)",
    )


def missing(what: str) -> ObjectMissing:
    """Say that a record or an object isn't here."""
    return ObjectMissing(
        f"{what} isn't in the ledger", hint="provgraph pull may bring it from another one"
    )


def damaged(what: str, path: Path) -> RecordDamaged:
    """Say that bytes don't match their name."""
    return RecordDamaged(
        f"{what} is damaged: its bytes don't match its name",
        hint=f"move {path} away, then provgraph pull brings a whole copy where there is one",
    )


def erased(name: str) -> Erased:
    """Say that an object is gone on purpose."""
    return Erased(f"object b3:{name} was erased on purpose", hint="`provgraph verify` lists them")
