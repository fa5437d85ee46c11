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
# Of a table read by column: what a reader sees beside the columns (`collect/columns.py`).
LAYOUT = "#layout"
TYPES = "#types"
METADATA = "#metadata"
PANDAS = "#pandas"
# Of a config that Hydra composed: what it sees beside the keys (`collect/parts.py`).
HYDRA = "#hydra"
# Followed by names of modules: which file in this directory each of them would be imported from.
IMPORTS = "#imports:"

# Followed by a digest of a source: whether this notebook has a code cell of that text.
CELL = "#cell:"

# What of a file a part is, where its name tells nobody anything.
SAID: Mapping[str, str] = {
    EXISTS: "whether it is there, and empty",
    LISTING: "its list of files",
    LAYOUT: "its row groups",
    TYPES: "the types of its columns",
    METADATA: "its metadata",
    PANDAS: "what pandas noted in it",
    HYDRA: "what Hydra sees in it beside its keys",
}

# Of the environment that is a machine's system: a part that each run has whose native side was
# seen, and how the parts begin that only such runs have.
SEEN = "architecture"
NATIVE = ("deb:", "alternative:", "file:", "$")
# Those of the operating system's release and the machine, which the platform's tier has.
TIER = frozenset({"os", "libc", "kernel", "deb:libc6", "deb:libc-bin"})

# Of an environment: all variables, which a program took in without telling which it looks at.
EVERY = "$*"

# Parts that come with others, and are not said beside them.
BESIDE = frozenset({ORDER, HYDRA, BODY, LAYOUT, TYPES, METADATA, PANDAS})

# Those that a selector means by `x#bytes`.
SPECIAL = frozenset({BYTES, SYNTAX, LISTING, ORDER, HYDRA, LAYOUT, TYPES, METADATA, PANDAS})

# What being there is recorded as: the digest of the part, and of a whole that nobody read.
THERE = "v:there"
# What the part is recorded as where its size could be seen, too: `[ -s log ]`, `getsize`.
FILLED = "v:filled"
VOID = "v:empty"

Touched = Mapping[str, str]


def still_there(seen: str, *, empty: bool) -> bool:
    """Tell whether a file that is there answers a look as before; `seen` is the part's digest."""
    return seen in (THERE, VOID if empty else FILLED)


def imports_part(modules: Iterable[str]) -> str:
    """Name the part of a directory that an import of these modules depends on."""
    return IMPORTS + ",".join(sorted(set(modules)))


def imported_by(part: str) -> tuple[str, ...]:
    """Give the modules that `imports_part` was made of."""
    return tuple(part.removeprefix(IMPORTS).split(","))
