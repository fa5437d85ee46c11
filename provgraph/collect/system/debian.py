"""Ask Debian's own database which package a file belongs to, and in which version it is installed.

Nothing is started: dpkg's lists are searched for just the files that are asked about, and what was
found is remembered until something is installed or removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from provgraph.model.digests import identity

ADMIN = "/var/lib/dpkg"
_MOST = 50_000  # files of which it is remembered whose they are
_SLACK = 2_000_000_000  # ns by which a file may be younger than the list it is named in
# Before they became links into /usr, these held files of their own, and lists still name them so.
_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")
_FIELD = re.compile(rb"^(Package|Status|Architecture|Version): *(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Owned:
    """Whose a file is; `altered`: it isn't what was installed, or nobody can tell."""

    packages: tuple[str, ...] = ()
    altered: bool = False


class Debian:
    """Debian's packages on this machine, as dpkg noted them. Empty where there is no dpkg.

    A package goes by its name, one for another architecture than the machine's with that behind a
    colon, as dpkg prints it. `cache` is a file in which answers are kept; it may be deleted.
    """

    def __init__(
        self, environ: Mapping[str, str] | None = None, *, cache: Path | None = None
    ) -> None:
        environ = os.environ if environ is None else environ
        self._admin = environ.get("DPKG_ADMINDIR") or ADMIN
        self._cache = cache
        self._new = False

    # -- what is installed -------------------------------------------------------------------

    def version(self, package: str) -> str | None:
        """Give a package's version; None where it isn't installed."""
        return self._versions.get(package)

    @property
    def there(self) -> bool:
        """Whether this machine has such a database."""
        return bool(self._stamp)

    def listing(self) -> str:
        """Name all that is installed, in its versions."""
        kept = self._kept.get("listing")
        if not isinstance(kept, str):
            rows = sorted(self._versions.items())
            kept = self._kept["listing"] = identity("debian", *(f"{a}={b}" for a, b in rows))
            self._new = True
        return kept

    @cached_property
    def _versions(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for stanza in self._read("status").split(b"\n\n"):
            fields = {name: value.strip() for name, value in _FIELD.findall(stanza)}
            if not fields.get(b"Status", b"").endswith(b" installed"):
                continue
            name = self._name(
                fields.get(b"Package", b"").decode("utf-8", "replace"),
                fields.get(b"Architecture", b"").decode("utf-8", "replace"),
            )
            found[name] = fields.get(b"Version", b"").decode("utf-8", "replace")
        return found

    @cached_property
    def architecture(self) -> str:
        """The machine's own architecture, in Debian's words."""
        first = self._read("arch").decode("utf-8", "replace").split()
        if first:
            return first[0]
        match = re.search(
            rb"^Package: dpkg\n(?:.+\n)*?Architecture: *(\S+)", self._read("status"), re.MULTILINE
        )
        return match[1].decode("utf-8", "replace") if match else ""

    def _name(self, package: str, architecture: str) -> str:
        own = architecture in ("", "all", self.architecture)
        return package if own else f"{package}:{architecture}"

    # -- whose a file is ---------------------------------------------------------------------

    def owners(self, paths: Iterable[str]) -> dict[str, Owned]:
        """Tell whose these files are (links resolved); those of no package are left out."""
        wanted = dict.fromkeys(paths)
        if not self.there:
            return {}
        known: dict[str, list[str]] = self._kept["owners"]
        missing = [path for path in wanted if path not in known]
        if missing:
            found = self._search(missing)
            known.update((path, found.get(path, [])) for path in missing)
            self._new = True
        return {
            path: Owned(tuple(packages), self._altered(path, packages))
            for path in wanted
            if (packages := known[path])
        }

    def _search(self, paths: Sequence[str]) -> dict[str, list[str]]:
        """Search all lists at once; where a package diverts a file, others' lies elsewhere."""
        asked: dict[bytes, list[tuple[str, bytes, bytes]]] = {}  # path, of whom alone, whose not
        moved = self._diversions()
        for path in paths:
            for spelled in map(os.fsencode, _spellings(path)):
                only = next((by for given, _, by in moved if given == spelled), b"")
                asked.setdefault(spelled, []).append((path, only, b""))
                for given, to, by in moved:
                    if to == spelled:
                        asked.setdefault(given, []).append((path, b"", by))
        wanted = set(asked)
        found: dict[str, list[str]] = {}
        for entry in self._lists():
            hits = wanted.intersection(self._read("info", entry).split(b"\n"))
            name, _, architecture = entry.removesuffix(".list").partition(":")
            for hit in hits:
                for path, only, but in asked[hit]:
                    if only not in (b"", name.encode()) or but == name.encode():
                        continue
                    found.setdefault(path, []).append(self._name(name, architecture))
        return found

    def _diversions(self) -> list[tuple[bytes, bytes, bytes]]:
        lines = self._read("diversions").split(b"\n")
        return [(lines[at], lines[at + 1], lines[at + 2]) for at in range(0, len(lines) - 2, 3)]

    def _lists(self) -> list[str]:
        try:
            entries = os.listdir(os.path.join(self._admin, "info"))
        except OSError:
            return []
        return sorted(entry for entry in entries if entry.endswith(".list"))

    # -- whether a file is as it was installed -----------------------------------------------

    def _altered(self, path: str, packages: Sequence[str]) -> bool:
        """Tell whether a file was put there after its package was, and isn't the package's."""
        try:
            seen = os.stat(path)
        except OSError:
            return False
        files = [file for one in packages for file in self._files_of(one)]
        if not self._late(seen, files):
            return False
        stamp = f"{path}|{seen.st_ino}|{seen.st_size}|{seen.st_mtime_ns}|{seen.st_ctime_ns}"
        checked: dict[str, bool] = self._kept["altered"]
        if stamp not in checked:
            checked[stamp] = not any(self._sums_up(path, file) for file in files)
            self._new = True
        return checked[stamp]

    def _late(self, seen: os.stat_result, files: Sequence[str]) -> bool:
        """Tell whether a file may have changed since; dpkg writes a list when all lies there."""
        times = []
        for file in files:
            with contextlib.suppress(OSError):
                times.append(os.stat(f"{file}.list").st_ctime_ns)
        return not times or seen.st_ctime_ns > max(times) + _SLACK

    def _sums_up(self, path: str, file: str) -> bool:
        data = bytes_of(f"{file}.md5sums")
        for spelling in _spellings(path):
            match = re.search(
                rb"^([0-9a-f]{32})  %b$" % re.escape(os.fsencode(spelling.lstrip("/"))),
                data,
                re.MULTILINE,
            )
            if match:
                try:
                    with open(path, "rb") as opened:
                        found = hashlib.file_digest(
                            opened, lambda: hashlib.md5(usedforsecurity=False)
                        )
                except OSError:
                    return False
                return found.hexdigest().encode() == match[1]
        return False

    def _files_of(self, package: str) -> list[str]:
        name, _, architecture = package.partition(":")
        place = os.path.join(self._admin, "info", name)
        several = [f"{place}:{architecture or self.architecture}", place]
        return [one for one in several if os.path.exists(f"{one}.list")]

    # -- what is remembered ------------------------------------------------------------------

    @cached_property
    def _stamp(self) -> str:
        """Tell one state of the database from the next; empty where there is none."""
        told = [self._admin]
        for name in ("status", "info", "diversions"):
            try:
                seen = os.stat(os.path.join(self._admin, name))
            except OSError:
                if name == "status":
                    return ""
                continue
            told += [name, *map(str, (seen.st_ino, seen.st_size, seen.st_mtime_ns))]
        return identity("dpkg", *told)

    @cached_property
    def _kept(self) -> dict[str, Any]:
        empty: dict[str, Any] = {"stamp": self._stamp, "owners": {}, "altered": {}}
        if self._cache is None:
            return empty
        try:
            kept = json.loads(self._cache.read_bytes())
            fine = kept["stamp"] == self._stamp and isinstance(kept["altered"], dict)
            found: dict[str, Any] = kept if fine and isinstance(kept["owners"], dict) else empty
        except (OSError, ValueError, KeyError, TypeError):
            return empty
        return found

    def keep(self) -> None:
        """Write down what was found out, for the next one who asks."""
        if self._cache is None or "_kept" not in self.__dict__ or not self._new:
            return
        for name in ("owners", "altered"):
            if len(self._kept[name]) > _MOST:
                self._kept[name].clear()
        with contextlib.suppress(OSError):
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._cache.parent, prefix=".system-")
            with open(handle, "wb") as file:
                file.write(json.dumps(self._kept).encode())
            os.replace(name, self._cache)
        self._new = False

    def _read(self, *names: str) -> bytes:
        return bytes_of(os.path.join(self._admin, *names))


def _spellings(path: str) -> list[str]:
    """Give the names under which a list may have a file of the merged /usr."""
    found = [path]
    first, _, rest = path.lstrip("/").partition("/")
    if first == "usr" and rest.partition("/")[0] in _MERGED:
        found.append(f"/{rest}")
    elif first in _MERGED:
        found.append(f"/usr{path}")
    return found


def bytes_of(path: str) -> bytes:
    """Give what a file holds; nothing where it can't be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""
