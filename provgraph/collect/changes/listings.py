"""What folders list on the two sides of a merge check.

A listing was recorded with everything in the folder, also what git doesn't track: only the digest
is known. So a recorded listing stands on a side if it is that of the tracked entries there, alone
or with what else is known to lie there; and, where it is neither side's, if git changed no entry.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from provgraph.collect.modules import imports_digest
from provgraph.model.digests import identity
from provgraph.model.names import path_of

Entries = dict[str, str]  # name in the folder → file, directory or other


class Listings:
    """Compares recorded listings; `others` are names that lie in the project untracked.

    `before` and `after` map tracked names to modes; `resolve` leads a name through the links of a
    side to where it really is. `noise` tells which names don't count.
    """

    def __init__(
        self,
        before: Mapping[str, str],
        after: Mapping[str, str],
        *,
        resolve: tuple[Callable[[str], str], Callable[[str], str]] = (str, str),
        others: Iterable[str] = (),
        noise: Callable[[str], bool] = lambda _name: False,
    ) -> None:
        self._sides = tuple(_tree(side, noise) for side in (before, after))
        self._resolve = resolve
        self._others = _tree(dict.fromkeys(others, "100644"), noise)
        self._candidates = cache(self._find_candidates)

    def is_folder(self, name: str) -> bool:
        """Tell whether git tracks something below a name, on either side."""
        return any(self._at(name, side) is not None for side in (False, True))

    def lists(self, name: str, *, after: bool) -> bool:
        """Tell whether git tracks something below a name on one side."""
        return self._at(name, after) is not None

    def stands(self, name: str, digest: str, *, after: bool) -> bool:
        """Tell whether a recorded listing is this side's."""
        if digest in self._candidates(name, after):
            return True
        if digest in self._candidates(name, not after):
            return False
        return not after or self.changed(name) == ()

    def imports(self, name: str, part: str, digest: str, *, after: bool) -> bool:
        """Tell whether what a folder has of modules that were looked for is this side's."""
        here, there = self._imports(name, part, after), self._imports(name, part, not after)
        if digest in here:
            return True
        if digest in there:
            return False
        return not after or here[0] == there[0]

    def _imports(self, name: str, part: str, after: bool) -> tuple[str, ...]:
        """Give the digests of what git tracks there, and of that with what else lies there."""
        place = self._resolve[after](name)
        tracked = self._sides[after]
        out = []
        for others in ({}, self._others):

            def entries(folder: str, others: Mapping[str, Entries] = others) -> Entries:
                return others.get(folder, {}) | tracked.get(folder, {})

            def below(module: str, entries: Callable[[str], Entries] = entries) -> Entries:
                return entries(posixpath.normpath(posixpath.join(place, module)))

            out.append(imports_digest(part, entries(place), below))
        return tuple(out)

    def changed(self, name: str) -> tuple[str, ...]:
        """Give the entries that are on one side only, or of another sort."""
        old, new = self._at(name, False) or {}, self._at(name, True) or {}
        several = sorted(one for one in old.keys() | new.keys() if old.get(one) != new.get(one))
        return tuple(several)

    def _at(self, name: str, after: bool) -> Entries | None:
        return self._sides[after].get(self._resolve[after](name))

    def _find_candidates(self, name: str, after: bool) -> frozenset[str]:
        tracked = self._at(name, after)
        if tracked is None:
            return frozenset()
        beside = self._others.get(self._resolve[after](name), {})
        return frozenset(map(_digest, (tracked, beside | tracked)))


def _tree(files: Mapping[str, str], noise: Callable[[str], bool]) -> dict[str, Entries]:
    out: dict[str, Entries] = {}
    for name, mode in files.items():
        if noise(name):
            continue
        sort, at = _SORTS.get(mode, "file"), name
        while True:
            folder, entry = posixpath.split(at)
            below = out.setdefault(folder or os.curdir, {})
            if entry in below and sort == "directory":
                break
            below[entry] = sort
            if not folder:
                break
            at, sort = folder, "directory"
    return out


# A tracked link counts as the file it usually leads to; where it doesn't, no candidate fits.
_SORTS = {"160000": "directory"}


def _digest(entries: Entries) -> str:
    """Name a listing as `parts.listing_digest` does."""
    fields: list[str] = []
    for entry in sorted(entries, key=path_of):
        fields += (path_of(entry), entries[entry])
    return "b3:" + identity("listing", *fields, size=32)
