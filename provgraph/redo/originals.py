"""Find content that was read once and lies there no more, and put it back at its name.

Looked for are, in this order: what the ledger kept, the versions of the name in git (every branch,
the reflog, the index), and a file of the tree with the same bytes.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from provgraph.errors import CannotAnswer, LedgerError
from provgraph.model.digests import ABSENT, content_digest
from provgraph.model.names import path_of

MOST_VERSIONS = 2_000


@dataclass(frozen=True, slots=True)
class Original:
    """Content that was found; `where` says where, `executable` whether git has it so."""

    data: bytes
    where: str
    executable: bool = False


class Originals:
    """Finds content for a project at `root`.

    `kept` gives objects that the ledger kept of a name, `stray` the name of a file of the tree with
    a content, "" where there is none; `keyed` turns a plain digest into the project's keyed one.
    """

    def __init__(
        self,
        root: Path,
        *,
        keyed: Callable[[str], str],
        kept: Callable[[str], Iterable[bytes]],
        stray: Callable[[str, int | None], str],
    ) -> None:
        self._root = root
        self._keyed = keyed
        self._kept = kept
        self._stray = stray
        self._versions: dict[str, dict[str, tuple[str, bool]]] = {}
        self._found: dict[tuple[str, str], Original | None] = {}

    def find(self, name: str, digest: str, size: int | None = None) -> Original | None:
        """Give the content of a digest as it once lay at a name; None where it isn't at hand."""
        place = (name, digest)
        if place not in self._found:
            self._found[place] = next(self._candidates(name, digest, size), None)
        return self._found[place]

    def put_back(self, name: str, digest: str, size: int | None = None) -> str:
        """Put content back at its name, whole or not at all; gives where it came from."""
        found = self.find(name, digest, size)
        if found is None:
            raise CannotAnswer(f"the content of {name} that is needed isn't at hand any more")
        self.write(self._root / path_of(name), found)
        return found.where

    def write(self, path: Path, original: Original) -> None:
        """Write content to a path, replacing what is there in one go."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name[:200]}.redo-{os.getpid()}")
        try:
            mode = (path.stat().st_mode & 0o777) if path.exists() else None
            new.write_bytes(original.data)
            if mode is not None:
                new.chmod(mode)
            elif original.executable:
                new.chmod(new.stat().st_mode | 0o111)
            # Through a link, so that the link stays one.
            os.replace(new, os.path.realpath(path))
        finally:
            new.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove what wasn't there when it was read."""
        (self._root / path_of(name)).unlink(missing_ok=True)

    # -- where it may be ----------------------------------------------------------------------

    def _candidates(self, name: str, digest: str, size: int | None) -> Iterator[Original]:
        if digest == ABSENT:
            return
        for data in self._kept(name):
            if self._is(data, digest):
                yield Original(data, "the ledger")
        blob = self._of_git(name).get(digest)
        if blob is not None:
            content = self._git("cat-file", "blob", blob[0])
            if content is not None and self._is(content, digest):
                yield Original(content, f"git ({blob[0][:12]})", executable=blob[1])
        other = self._stray(digest, size)
        if other:
            path = self._root / path_of(other)
            try:
                data = path.read_bytes()
            except OSError:
                return
            if self._is(data, digest):
                yield Original(data, other, executable=os.access(path, os.X_OK))

    def _is(self, data: bytes, digest: str) -> bool:
        plain = content_digest(data)
        return digest == (self._keyed(plain) if digest.startswith("k:") else plain)

    def _of_git(self, name: str) -> Mapping[str, tuple[str, bool]]:
        """Map digests, plain and keyed, of what git has of a name to (blob, executable)."""
        if name not in self._versions:
            found: dict[str, tuple[str, bool]] = {}
            for blob, executable in self._blobs(name):
                data = self._git("cat-file", "blob", blob)
                if data is not None:
                    plain = content_digest(data)
                    found.setdefault(plain, (blob, executable))
                    found.setdefault(self._keyed(plain), (blob, executable))
            self._versions[name] = found
        return self._versions[name]

    def _blobs(self, name: str) -> Iterator[tuple[str, bool]]:
        path = f":(top,literal){self._below_top()}{path_of(name)}"
        seen: set[str] = set()
        staged = self._git("ls-files", "--stage", "-z", "--", path) or b""
        listed = [line.split()[:2] for line in staged.split(b"\0") if line]
        logged = self._git(
            "log", "--all", "--reflog", "--raw", "-z", "--no-abbrev", "--no-renames", "-m",
            "--format=", f"--max-count={MOST_VERSIONS}", "--", path,
        )  # fmt: skip
        for field in (logged or b"").split(b"\0"):
            if field.lstrip(b"\n").startswith(b":"):
                words = field.lstrip(b"\n:").split()
                listed += [[words[0], words[2]], [words[1], words[3]]]
        for mode, blob in listed:
            text = blob.decode("ascii", "replace")
            if mode in (b"100644", b"100755") and text not in seen and set(text) != {"0"}:
                seen.add(text)
                yield text, mode == b"100755"

    def _below_top(self) -> str:
        said = self._git("rev-parse", "--show-prefix")
        return os.fsdecode(said).rstrip("\n") if said else ""

    def _git(self, *words: str) -> bytes | None:
        from provgraph.collect.gitstate import quiet_git

        try:
            done = quiet_git(self._root, *words)
        except (OSError, subprocess.SubprocessError):
            return None
        return done


def kept_of(
    name: str, uses: Iterable[tuple[str, str | None]], get: Callable[[str], bytes]
) -> Iterator[bytes]:
    """Give what the ledger kept of a name: `uses` are (name, object) as recorded."""
    seen: set[str] = set()
    for used, kept in uses:
        if used == name and kept is not None and kept not in seen:
            seen.add(kept)
            try:
                yield get(kept)
            except LedgerError:
                continue
