"""The ledger: the append-only truth, its seals, running runs, and the way to other ledgers.

Each name is imported when it is first used: a watched run needs the ledger, not its seals and
transports.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provgraph.ledger.ledger import Ledger, utc_now
    from provgraph.ledger.place import locate
    from provgraph.ledger.sealing import SealCheck, Verification, seal, verify
    from provgraph.ledger.spool import Spool, claim, dead_spools, spools
    from provgraph.ledger.transport import Exchange, pull, push

__all__ = [
    "Exchange",
    "Ledger",
    "SealCheck",
    "Spool",
    "Verification",
    "claim",
    "dead_spools",
    "locate",
    "pull",
    "push",
    "seal",
    "spools",
    "utc_now",
    "verify",
]

_HOMES = {
    "ledger": ("Ledger", "utc_now"),
    "place": ("locate",),
    "sealing": ("SealCheck", "Verification", "seal", "verify"),
    "spool": ("Spool", "claim", "dead_spools", "spools"),
    "transport": ("Exchange", "pull", "push"),
}


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"provgraph.ledger.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
