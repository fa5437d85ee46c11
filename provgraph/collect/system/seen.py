"""What the runs of a command took of the system, as parts of environments.

The system is an environment of its own, beside those of Python: its parts are packages, links
that choose between them, settings, and variables that native code read. A folder of R libraries
or of node modules is one, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provgraph.collect.cache import user_cache
from provgraph.collect.environment import (
    SESSION,
    container,
    environment_name,
    fits,
    platform_values,
    read_variable,
    readable,
)
from provgraph.collect.system.debian import Debian
from provgraph.collect.system.owners import DEB, NODE, Owners, Resolved, library_of
from provgraph.collect.system.places import is_system, is_untold
from provgraph.collect.trace import ALL, READS, Access, Touch, Trace
from provgraph.model.digests import identity, keyed_digest, value_digest
from provgraph.model.parts import EVERY, SEEN, TIER

if TYPE_CHECKING:
    from provgraph.collect.content import Contents
    from provgraph.collect.watching import Site

SYSTEM = "/"  # the prefix of the environment that is the system
_R = ("R", "Rscript")


@dataclass(frozen=True)
class Taken:
    """An environment as a run took it: see `EnvironmentSeen`. `platform` is the tier apart."""

    name: str
    title: str
    document: dict[str, Any]
    touched: dict[str, str]
    platform: dict[str, str] = field(default_factory=dict)


class System:
    """Resolves what a command's programs touched, once for all its steps."""

    def __init__(
        self,
        *,
        root: Path,
        key: bytes,
        debian: Debian,
        digest: Callable[[str], str | None],
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self._root = root
        self._key = key
        self._debian = debian
        self._digest = digest
        self._environ = os.environ if environ is None else environ
        self._resolved: dict[tuple[str, bool], Resolved] = {}
        self.contents: set[bytes] = set()

    def take(self, trace: Trace) -> Trace:
        """Find the owners of all that was touched.

        What nobody owns is an input of the run that it is given back in, and in `contents`; what is
        owned is none.
        """
        with_r = any(_is_r(one) for one in trace.touches)
        folded = list(self._folded(trace.accesses, with_r=with_r))
        touches = [*trace.touches, *(touch for _, touch in folded)]
        owners = Owners(self._debian, self._digest, with_r=with_r)
        files = [one for one in touches if one.sort == "file"]
        self._resolved = owners.resolve((os.fsdecode(one.what), one.found) for one in files)
        self._debian.keep()
        more = []
        for touch in files:
            for path in self._of(touch).contents:
                name = os.fsencode(path)
                self.contents.add(name)
                more.append(Access("read", name, touch.when, touch.pid))
        gone = {
            id(access)
            for access, touch in folded
            if self._of(touch).parts and touch.what not in self.contents
        }
        accesses = [one for one in trace.accesses if id(one) not in gone]
        return replace(
            trace,
            touches=tuple(touches),
            accesses=tuple(sorted([*accesses, *more], key=lambda one: one.when)),
        )

    def _folded(
        self, accesses: Iterable[Access], *, with_r: bool
    ) -> Iterator[tuple[Access, Touch]]:
        """Give what was read of packages that lie in the project, or in a person's home."""
        for one in accesses:
            if one.action not in ("read", "absent") or is_system(os.fsdecode(one.path)):
                continue
            of_node = b"/node_modules/" in one.path
            if of_node or (with_r and one.action in READS and library_of(os.fsdecode(one.path))):
                yield one, Touch("file", one.path, one.when, one.pid, one.action != "absent")

    def _of(self, touch: Touch) -> Resolved:
        return self._resolved.get((os.fsdecode(touch.what), touch.found), Resolved())

    def environments(self, touches: Sequence[Touch], *, seen: bool = True) -> list[Taken]:
        """Say what these touches rest on; `seen`: natively, so that nothing is missing."""
        parts: dict[str, dict[str, str]] = {}
        for touch in touches:
            if touch.sort == "file":
                for part in self._of(touch).parts:
                    parts.setdefault(part.folder, {})[part.name] = part.digest
        found = [self._packages(folder, parts[folder]) for folder in sorted(parts) if folder]
        variables = self._variables(touches)
        if seen:
            found.insert(0, self._system(parts.get("", {}) | variables))
        return found

    def names(self, touches: Sequence[Touch]) -> tuple[str, ...]:
        """Give the variables of which it is told that native code read them."""
        read = {os.fsdecode(one.what) for one in touches if one.sort == "variable"}
        kept = (name for name in read if not (is_untold(name) or fits(name, SESSION)))
        return tuple(sorted(kept))

    def _variables(self, touches: Sequence[Touch]) -> dict[str, str]:
        names = self.names(touches)
        found = {
            f"${name}": read_variable(self._environ.get(name), self._key)
            for name in names
            if name != ALL.decode()
        }
        if ALL.decode() in names:
            found[EVERY] = self._every()
        return found

    def _every(self) -> str:
        lines = sorted(
            f"{name}={value}" for name, value in self._environ.items() if not fits(name, SESSION)
        )
        return keyed_digest(self._key, os.fsencode("\0".join(lines)))

    def _system(self, touched: Mapping[str, str]) -> Taken:
        values = platform_values()
        architecture = self._debian.architecture or os.uname().machine
        document: dict[str, Any] = {
            "schema": "provgraph/system/1",
            "architecture": architecture,
            "platform": values,
            "container": container(self._environ),
        }
        if self._debian.there:
            document["debian"] = self._debian.listing()
        tier = {name: value_digest(text) for name, text in values.items()}
        tier |= {part: digest for part, digest in touched.items() if of_platform(part)}
        rest = {part: digest for part, digest in touched.items() if not of_platform(part)}
        return Taken(
            name=system_name(key=self._key, root=self._root),
            title=f"the system's packages ({values['os']})",
            document=document,
            touched={SEEN: value_digest(architecture), **dict(sorted(rest.items()))},
            platform=dict(sorted(tier.items())),
        )

    def _packages(self, folder: str, touched: Mapping[str, str]) -> Taken:
        kind = "Node modules" if next(iter(touched)).startswith(NODE) else "R libraries"
        return Taken(
            name=environment_name(folder, key=self._key, root=self._root),
            title=f"{kind} in {readable(folder, self._root)}",
            document={"schema": "provgraph/packages/1", "kind": kind.split(maxsplit=1)[0].lower()},
            touched=dict(sorted(touched.items())),
        )


def of_platform(part: str) -> bool:
    """Tell whether a part of the system comes with the release of the operating system."""
    package, _, _architecture = part.removeprefix(DEB).partition(":")
    return part.startswith(DEB) and DEB + package in TIER


def system_name(*, key: bytes, root: Path, host: str | None = None) -> str:
    """Name the system of a machine without giving its name away."""
    return environment_name(SYSTEM, key=key, root=root, host=host)


def _is_r(touch: Touch) -> bool:
    name = os.path.basename(os.fsdecode(touch.what))
    return touch.sort == "file" and (name in _R or name.startswith("libR.so"))


def system_of(site: Site, contents: Contents) -> System:
    """Set up what finds owners on this machine, for the runs of a project."""

    def digest(path: str) -> str | None:
        found = contents.digest(path)
        return None if found is None else found[0]

    return System(root=site.root, key=site.ledger.key, debian=Debian(cache=memory()), digest=digest)


def memory(environ: Mapping[str, str] | None = None) -> Path:
    """Give the file in which it is kept whose files are, for all projects on this machine."""
    return user_cache(environ) / f"system-{identity('host', os.uname().nodename, size=4)}.json"
