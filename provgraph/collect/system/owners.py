"""Tell by what a run rests on a file that a package owns: the package, in its version.

A file that nobody owns, or that isn't what its package installed, counts by its content.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from provgraph.collect.system.debian import Debian, Owned, bytes_of
from provgraph.collect.system.places import SETTINGS, is_left_out, is_system
from provgraph.model.digests import ABSENT, identity, value_digest

DEB = "deb:"
ALTERNATIVE = "alternative:"
FILE = "file:"
NODE = "node:"
R = "r:"
LOCK = ".lock"  # of modules that are told apart by links, which version leads where
_MODULES = "/node_modules/"
_LINKS = "/etc/alternatives/"
_MOST_LINKS = 40
_WHILE = 600  # s that an R library may take to install


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an environment: of the system, or of the packages in a folder."""

    folder: str
    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a touched file stands for; `contents` are the paths that count by what they hold."""

    parts: tuple[Part, ...] = ()
    contents: tuple[str, ...] = ()


NOTHING = Resolved()


class Owners:
    """Finds owners. `digest` gives a file's content as it is written down, OSError where it can't.

    `with_r`: an R was at work, so that files may be of its libraries.
    """

    def __init__(
        self, debian: Debian, digest: Callable[[str], str | None], *, with_r: bool = False
    ) -> None:
        self._debian = debian
        self._digest = digest
        self._with_r = with_r

    def resolve(self, paths: Iterable[tuple[str, bool]]) -> dict[tuple[str, bool], Resolved]:
        """Resolve (path, whether it was there) for all paths; those that mean nothing have none."""
        wanted = list(dict.fromkeys(paths))
        ways = {path: _ways(path) for path, there in wanted if there and is_system(path)}
        asked = [way for several in ways.values() for way in several if is_system(way)]
        owned = self._debian.owners(asked) if asked else {}
        found: dict[tuple[str, bool], Resolved] = {}
        for path, there in wanted:
            packages = [name for way in ways.get(path, ()) for name in _packages(owned, way)]
            if packages and there:
                altered = (owned[way].altered for way in ways[path][-1:] if way in owned)
                found[path, there] = self._of_packages(
                    ways[path], packages, altered=any(altered), owned=ways[path][-1] in owned
                )
            elif _MODULES in path:
                found[path, there] = _of_module(path, there=there)
            elif not there:
                found[path, there] = NOTHING
            elif self._with_r and (library := library_of(path)):
                found[path, there] = _of_library(path, library)
            elif is_system(path):
                found[path, there] = self._of_nobody(ways[path])
            else:
                found[path, there] = NOTHING
        return found

    def _of_packages(
        self, ways: Sequence[str], packages: Sequence[str], *, altered: bool, owned: bool
    ) -> Resolved:
        end = ways[-1]
        if is_left_out(ways[0]) or is_left_out(end):
            return NOTHING
        parts = [*self._links(ways)]
        if not end.startswith(SETTINGS):
            for package in dict.fromkeys(packages):
                version = self._debian.version(package) or "unknown"
                parts.append(Part("", DEB + package, value_digest(version)))
        if not owned:
            return Resolved(tuple(parts), tuple(dict.fromkeys((ways[0], end))))
        if altered or end.startswith(SETTINGS):
            parts.append(Part("", FILE + end, self._content(end)))
        return Resolved(tuple(parts))

    def _of_nobody(self, ways: Sequence[str]) -> Resolved:
        end = ways[-1]
        if is_left_out(ways[0]) or is_left_out(end) or not os.path.isfile(end):
            return NOTHING
        if "-packages/" in end:  # Python's, which says itself what it has imported
            return NOTHING
        return Resolved((*self._links(ways),), tuple(dict.fromkeys((ways[0], end))))

    def _links(self, ways: Sequence[str]) -> Iterable[Part]:
        for way in ways[:-1]:
            if way.startswith(_LINKS):
                name = way[len(_LINKS) :]
                yield Part("", ALTERNATIVE + name, alternative(name))

    def _content(self, path: str) -> str:
        try:
            return self._digest(path) or ABSENT
        except OSError:
            return "unknown"


def _packages(owned: Mapping[str, Owned], way: str) -> Sequence[str]:
    found = owned.get(way)
    return found.packages if found is not None else ()


def _ways(path: str) -> list[str]:
    """Give the links that a path goes through, folders resolved, and the file at their end."""
    found = [_real(path)]
    for _ in range(_MOST_LINKS):
        try:
            target = os.readlink(found[-1])
        except OSError:
            break
        found.append(_real(os.path.join(os.path.dirname(found[-1]), target)))
    return found


def _real(path: str) -> str:
    head, tail = os.path.split(path)
    return os.path.join(_folder(head), tail)


@lru_cache(maxsize=4096)
def _folder(path: str) -> str:
    return os.path.realpath(path)


def alternative(name: str) -> str:
    """Give where one of Debian's alternatives leads now."""
    try:
        return value_digest(os.readlink(_LINKS + name))
    except OSError:
        return ABSENT


# -- Node ----------------------------------------------------------------------------------------


def _of_module(path: str, *, there: bool) -> Resolved:
    """Resolve a file of a module. One with another time than its package's was altered."""
    folder, name = module_of(path)
    if not name:
        return NOTHING
    digest = module_version(folder, name)
    if not there:
        return Resolved((Part(folder, NODE + name, ABSENT),)) if digest == ABSENT else NOTHING
    if digest == ABSENT:
        return Resolved((), (path,)) if os.path.isfile(path) else NOTHING
    parts = [Part(folder, NODE + name, digest)]
    top = folder.partition("/.pnpm/")[0]
    if top != folder:
        parts.append(Part(top, NODE + LOCK, module_version(top, LOCK)))
    try:
        same = int(os.stat(path).st_mtime) == int(os.stat(_json(folder, name)).st_mtime)
    except OSError:
        same = True
    return Resolved(tuple(parts), () if same else (path,))


def module_of(path: str) -> tuple[str, str]:
    """Give the folder of modules that a file lies in, and the module's name."""
    above, _, below = path.rpartition(_MODULES)
    words = below.split("/")
    many = 2 if words[0].startswith("@") else 1
    if words[0].startswith(".") or len(words) < many:
        return "", ""
    name = "/".join(words[:many])
    return f"{above}/node_modules", re.sub(r"\.(?:js|json|node|mjs|cjs)\Z", "", name)


def module_version(folder: str, name: str) -> str:
    """Give a module's version as a digest; with more where that doesn't say what was installed."""
    if name == LOCK:
        for place in (".pnpm/lock.yaml", ".modules.yaml", ".package-lock.json"):
            if data := bytes_of(os.path.join(folder, place)):
                return value_digest(identity("lock", data.hex(), size=8))
        return ABSENT
    data = bytes_of(_json(folder, name))
    if not data:
        return ABSENT
    try:
        version = str(json.loads(data).get("version", ""))
    except (ValueError, AttributeError):
        version = ""
    entry = _locks(folder, _changed(os.path.join(folder, ".package-lock.json"))).get(name, "")
    if version and entry.startswith(("http:", "https:")):
        return value_digest(version)
    return value_digest(f"{version} (record {identity('record', data.hex(), entry, size=6)})")


def _json(folder: str, name: str) -> str:
    return os.path.join(folder, name, "package.json")


@lru_cache(maxsize=64)
def _locks(folder: str, _changed: int) -> dict[str, str]:
    """Give where npm says that the modules of a folder came from."""
    try:
        rows = json.loads(bytes_of(os.path.join(folder, ".package-lock.json")))["packages"]
        return {
            place.removeprefix("node_modules/"): str(row.get("resolved", ""))
            for place, row in rows.items()
        }
    except (ValueError, KeyError, AttributeError, TypeError):
        return {}


# -- R -------------------------------------------------------------------------------------------


def _of_library(path: str, library: str) -> Resolved:
    folder, name = os.path.split(library)
    parts = (Part(folder, R + name, library_version(folder, name)),)
    try:
        late = os.stat(path).st_ctime - os.stat(os.path.join(library, "Meta/package.rds")).st_ctime
    except OSError:
        late = 0
    return Resolved(parts, (path,) if late > _WHILE else ())


def library_of(path: str) -> str:
    """Give the installed R library that a file is of; empty where it is of none."""
    return _library(os.path.dirname(path))


@lru_cache(maxsize=8192)
def _library(folder: str) -> str:
    if os.path.exists(os.path.join(folder, "Meta/package.rds")):
        return folder
    above = os.path.dirname(folder)
    return _library(above) if above not in ("", "/", folder) else ""


def library_version(folder: str, name: str) -> str:
    """Give an R library's version as a digest; with more where that doesn't say what it is."""
    data = bytes_of(os.path.join(folder, name, "DESCRIPTION"))
    fields = dict(re.findall(r"^(\w+):[ \t]*(.*)$", data.decode("utf-8", "replace"), re.MULTILINE))
    version = fields.get("Version", "")
    if not version:
        return ABSENT
    published = fields.get("Repository") or fields.get("Priority") in ("base", "recommended")
    if published and "RemoteSha" not in fields:
        return value_digest(version)
    return value_digest(f"{version} (record {identity('record', data.hex(), size=6)})")


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
