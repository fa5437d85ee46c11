"""What is installed on this machine now, asked by the parts that were recorded."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property

from provgraph.collect.system.debian import Debian
from provgraph.collect.system.owners import (
    ALTERNATIVE,
    DEB,
    FILE,
    NODE,
    R,
    alternative,
    library_version,
    module_version,
)
from provgraph.model.digests import ABSENT, value_digest
from provgraph.model.parts import SEEN


class Present:
    """Answers for the system, and for folders of packages.

    `digest` gives a file's content as it is written down, OSError where it can't be read.
    """

    def __init__(
        self, digest: Callable[[str], str | None], *, debian: Debian | None = None
    ) -> None:
        self._digest = digest
        self._given = debian

    @cached_property
    def _debian(self) -> Debian:
        return self._given or Debian()

    def system_part(self, part: str) -> str | None:
        """Give a part of the system as it is now; None where that isn't known."""
        if part.startswith(DEB):
            if not self._debian.there:
                return None
            version = self._debian.version(part.removeprefix(DEB))
            return ABSENT if version is None else value_digest(version)
        if part.startswith(ALTERNATIVE):
            return alternative(part.removeprefix(ALTERNATIVE))
        if part.startswith(FILE):
            try:
                return self._digest(part.removeprefix(FILE)) or ABSENT
            except OSError:
                return None
        if part == SEEN:
            return value_digest(self._debian.architecture or os.uname().machine)
        return None

    def folder_part(self, folder: str, part: str) -> str | None:
        """Give a package of a folder as it is now; None where that isn't known."""
        if not self.keeps(folder):
            return None
        if part.startswith(NODE):
            return module_version(folder, part.removeprefix(NODE))
        if part.startswith(R):
            return library_version(folder, part.removeprefix(R))
        return None

    def keeps(self, folder: str) -> bool:
        """Tell whether a folder may have packages of its own."""
        return os.path.isdir(folder)
