"""The ledger: the append-only truth, its seals, running runs, and the way to other ledgers."""

from provgraph.ledger.ledger import Ledger, utc_now
from provgraph.ledger.place import locate
from provgraph.ledger.seal import SealCheck, Verification, seal, verify
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
