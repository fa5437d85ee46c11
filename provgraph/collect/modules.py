"""Where Python looks for modules: a file put in a directory earlier on its path takes over.

A run that imports `json` from the standard library, with the project's directory before it on
`sys.path`, depends on there being no `json.py`. So of each directory of the project that was
searched, the run touches the part `#imports:…`: which files the modules it asked for have there.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from importlib.machinery import EXTENSION_SUFFIXES
from sys import builtin_module_names

from provgraph.collect.trace import Trace
from provgraph.model.digests import identity
from provgraph.model.parts import imported_by

# In the order in which the import system prefers them, after a package.
_SUFFIXES = (*EXTENSION_SUFFIXES, ".py", ".pyc")
_INIT = "__init__"


def searched(trace: Trace, inside: Callable[[bytes], bool]) -> dict[bytes, set[str]]:
    """Map each directory of the project that was searched to the modules looked for there."""
    found: dict[bytes, set[str]] = defaultdict(set)
    wanted: set[str] = set()
    for process in trace.processes:
        wanted.update(process.imported)
        for place in process.places:
            directory = os.path.realpath(os.fsencode(place))
            if inside(directory):
                found[directory].update(process.imported)
    for access in trace.accesses:
        if access.action == "module" and inside(access.path):
            directory, name = _place_of(os.path.realpath(access.path))
            found[directory].add(name)
            if name in wanted:  # it was on the path, then
                found[directory].update(wanted)
    # What is built into the interpreter comes before every path.
    built_in = set(builtin_module_names)
    return {at: names - built_in for at, names in found.items() if names - built_in}


def _place_of(path: bytes) -> tuple[bytes, str]:
    """Give the directory in which a module's file or package lies, and the module's name."""
    directory, file = os.path.split(path)
    stem = os.fsdecode(file).partition(".")[0]
    if stem == _INIT:
        directory, package = os.path.split(directory)
        return directory, os.fsdecode(package)
    return directory, stem


def imports_digest(
    part: str, entries: Collection[str], below: Callable[[str], Iterable[str]]
) -> str:
    """Name which files the modules of a part are imported from, if from this directory.

    `entries` are the names in it, `below` gives those of a directory in it.
    """
    fields: list[str] = []
    for module in imported_by(part):
        file = _file_of(module, entries, below)
        if file:
            fields += (module, file)
    return "b3:" + identity("imports", *fields, size=32)


def _file_of(module: str, entries: Collection[str], below: Callable[[str], Iterable[str]]) -> str:
    if module in entries:
        there = set(below(module))
        for suffix in _SUFFIXES:
            if f"{_INIT}{suffix}" in there:
                return f"{module}/{_INIT}{suffix}"
    return next((module + suffix for suffix in _SUFFIXES if module + suffix in entries), "")


def imports_in(directory: str, part: str) -> str:
    """Name the same for a directory on disk; OSError where it can't be listed."""

    def below(name: str) -> list[str]:
        try:
            return os.listdir(os.path.join(directory, name))
        except OSError:
            return []

    return imports_digest(part, set(os.listdir(directory)), below)
