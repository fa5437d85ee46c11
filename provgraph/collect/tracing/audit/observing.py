"""Judge what was told of the keys that a program read: could anything have looked past that?

A dictionary that tells which keys are read tells of Python code that uses it. Code in C may look
right into it, and so may Python code by a few odd ways. So it is believed only of processes that
ran nothing but the standard library, the project's own code, read for those ways, and YAML.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence

from provgraph.collect.trace import Access
from provgraph.collect.tracing.audit.log import ProcessLog

# Of the standard library, what takes dictionaries in C or hands out what is in memory.
_LOOKS_PAST = frozenset(
    "ctypes _ctypes xml _elementtree pyexpat marshal gc code codeop pdb bdb".split()
)
_KNOWN = (sys.stdlib_module_names - _LOOKS_PAST) | {"yaml", "_yaml"}
# Asked for by the standard library, and never there.
_NEVER_THERE = frozenset({"org", "sitecustomize", "usercustomize"})
# Ways past a dictionary's own methods: another object's attributes, a class's, a call of `dict`'s.
_ODD_WAYS = re.compile(
    r"""__dict__|\b(?:exec|eval|compile|__import__|import_module|globals|locals)\b
    |\b(?:FunctionType|CodeType|metaclass|__prepare__)\b|\btype\s*\.\s*__new__
    |\bdict\s*\.(?!\s*fromkeys)|\bdict\s*\)\s*\.|\bgetattr\s*\(\s*dict\b|=\s*dict\s*$
    |\b(?:type|new_class)\s*\([^()]*,|\(\s*type\s*\)
    """,
    re.VERBOSE | re.MULTILINE,
)


def read_as_whole(logs: Sequence[ProcessLog]) -> Iterator[Access]:
    """Give the observed configs of which it isn't sure that the keys told were all."""
    roots = {log.pid: log for log in logs if log.how != "fork"}
    families: dict[int, list[ProcessLog]] = {}
    parents = {log.pid: log.parent for log in logs if log.how == "fork"}
    for log in logs:
        root = log.pid
        seen = set()
        while root in parents and root not in roots and root not in seen:
            seen.add(root)
            root = parents[root]
        families.setdefault(root, []).append(log)
    for family in families.values():
        observed = [config for log in family for config in log.observed]
        if observed and not _is_sure(family):
            yield from observed


def _is_sure(family: Sequence[ProcessLog]) -> bool:
    own = {name for log in family for name in _own_modules(log)}
    # What was imported before a fork its parent's end tells of.
    loaded = next((log.loaded for log in family if log.how == "start"), None)
    for log in family:
        if log.cut or log.how not in ("start", "fork"):
            return False
        for name in {one.partition(".")[0] for one in log.imported} - _KNOWN - own:
            if name not in _NEVER_THERE or loaded is None or (log.loaded or loaded).get(name):
                return False
    sources = {
        access.path
        for log in family
        for access in log.accesses
        if access.action in ("module", "program")
    }
    return bool(sources) and all(map(_is_plain, sources))


def _own_modules(log: ProcessLog) -> Iterator[str]:
    """Give the top-level modules whose sources are known, because they are the project's."""
    programs = [access.path for access in log.accesses if access.action == "program"]
    places = {os.path.join(os.fsencode(one), b"") for one in (log.cwd, *log.path) if one}
    places |= {os.path.join(os.path.dirname(path), b"") for path in programs}
    for access in log.accesses:
        if access.action == "module":
            for place in places:
                if access.path.startswith(place):
                    first = access.path[len(place) :].split(b"/", 1)[0]
                    yield os.fsdecode(first.removesuffix(b".py"))


def _is_plain(source: bytes) -> bool:
    try:
        with open(source, "rb") as file:
            return source.endswith(b".py") and not _ODD_WAYS.search(file.read().decode())
    except (OSError, UnicodeDecodeError):
        return False
