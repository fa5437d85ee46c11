"""Find where a file that is gone may have been moved to: by size first, then by content."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from provgraph.collect.content import Contents
from provgraph.model.names import name_of

# A tree larger than this isn't searched: an answer shouldn't wait for a nicety.
MOST_FILES = 50_000


class Strays:
    """The files of a project by size, looked at once and only when asked."""

    def __init__(self, root: Path, contents: Contents, noise: Callable[[str], bool]) -> None:
        self._root = root
        self._contents = contents
        self._noise = noise
        self._by_size: dict[int, list[str]] | None = None

    def named(self, digest: str, size: int | None) -> str:
        """Give the name of a file with this content; "" where none is found."""
        if not size or not digest.startswith("b3:"):
            return ""
        paths = self._files().get(size, [])[:100]
        for path, found in self._contents.plain(paths).items():
            if isinstance(found, tuple) and found[0] == digest:
                return name_of(os.fsencode(os.path.relpath(path, self._root)))
        return ""

    def _files(self) -> dict[int, list[str]]:
        if self._by_size is None:
            self._by_size = self._walk()
        return self._by_size

    def _walk(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        waiting = [os.fspath(self._root)]
        seen = 0
        while waiting and seen < MOST_FILES:
            try:
                entries = list(os.scandir(waiting.pop()))
            except OSError:
                continue
            for entry in entries:
                seen += 1
                if self._noise(name_of(os.fsencode(os.path.relpath(entry.path, self._root)))):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    found[entry.stat().st_size].append(entry.path)
        return found
