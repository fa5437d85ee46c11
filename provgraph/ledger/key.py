"""The project key: 32 random bytes in a file of the ledger's own, made once, never sent."""

from __future__ import annotations

import os
from pathlib import Path

from provgraph.errors import LedgerError
from provgraph.ledger.files import Modes, drafting, sync_directory
from provgraph.ledger.layout import is_hex_name
from provgraph.ledger.reading import unreadable


def read_key(path: Path, modes: Modes) -> bytes:
    """Read the project key; one is made where there is none. Raises `LedgerError`."""
    try:
        text = path.read_bytes().strip()
    except FileNotFoundError:
        make_key(path, modes)
        text = path.read_bytes().strip()
    except OSError as error:
        raise unreadable(f"the project key {path}", error) from error
    if not is_hex_name(text.decode("latin-1")):
        raise LedgerError(
            f"the project key {path} is damaged",
            hint="restore it from a backup, or remove it: a new one is made, and values keyed"
            " under the old one compare as unknown",
        )
    return bytes.fromhex(text.decode("ascii"))


def make_key(path: Path, modes: Modes) -> None:
    """Make a key where there is none; of two processes doing so at once, one wins for both."""
    with drafting(path.parent, modes, secret=True) as draft:
        draft.write(os.urandom(32).hex().encode() + b"\n")
        draft.sync()
        draft.path.chmod(0o640 if modes.forced else 0o600)
        try:
            os.link(draft.path, path)
        except FileExistsError:
            return
        except OSError:
            # No hard links on this file system: a rename is the best there is.
            if not path.exists():
                draft.rename(path)
    sync_directory(path.parent)
