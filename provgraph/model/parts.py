"""Parts: what of an input a run touched, as keys of a map part → digest.

Special parts begin with `#`; every other string is a config key (`model.depth`), a package, a
device attribute, a column or a function, by the kind of the node that has it.
"""

from __future__ import annotations

from collections.abc import Mapping

BYTES = "#bytes"
SYNTAX = "#syntax"
LISTING = "#listing"
ORDER = "#order"
EXISTS = "#exists"

# What being there is recorded as: the digest of the part, and of a whole that nobody read.
THERE = "v:there"

Touched = Mapping[str, str]
