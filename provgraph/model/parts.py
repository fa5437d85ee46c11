"""Parts: what of an input a run touched, as keys of a map part → digest.

Special parts begin with `#`; every other string is a config key (`model.depth`), a package, a
device attribute, a column or a function, by the kind of the node that has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

BYTES = "#bytes"
SYNTAX = "#syntax"
BODY = "#body"
LISTING = "#listing"
ORDER = "#order"
EXISTS = "#exists"
# Followed by names of modules: which file in this directory each of them would be imported from.
IMPORTS = "#imports:"

# Followed by a digest of a source: whether this notebook has a code cell of that text.
CELL = "#cell:"

# What being there is recorded as: the digest of the part, and of a whole that nobody read.
THERE = "v:there"

Touched = Mapping[str, str]


def imports_part(modules: Iterable[str]) -> str:
    """Name the part of a directory that an import of these modules depends on."""
    return IMPORTS + ",".join(sorted(set(modules)))


def imported_by(part: str) -> tuple[str, ...]:
    """Give the modules that `imports_part` was made of."""
    return tuple(part.removeprefix(IMPORTS).split(","))
