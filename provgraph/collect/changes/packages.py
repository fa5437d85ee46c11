"""Which versions of packages a requirements or lock file asks for, package by package.

A lock pins versions; a requirement only limits them. Read are pip's requirements and constraints,
`pyproject.toml` (PEP 621, PEP 735, Poetry), `uv.lock`, `poetry.lock`, `pdm.lock`, `pylock.toml`,
`Pipfile.lock`, `pixi.lock`, conda's `environment.yml` and `conda-lock.yml`, `.python-version`.

Longer than most modules: eleven formats that each take a few lines.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

PYTHON = "python"


class Unreadable(ValueError):
    """This file can't be read as what its name says; any package may have changed."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a file asks of one package.

    `versions` are those it pins (several for several platforms), `limits` what it says besides
    (`>=1.20`), `origin` where the package is from where that isn't an index (a URL, a commit, a
    path), `files` the hashes of its files.
    """

    versions: frozenset[str] = frozenset()
    limits: frozenset[str] = frozenset()
    origin: str = ""
    files: frozenset[str] = frozenset()

    def joined(self, other: Ask) -> Ask:
        """Put together what two lines of a file say of one package."""
        return Ask(
            self.versions | other.versions,
            self.limits | other.limits,
            "; ".join(sorted({self.origin, other.origin} - {""})),
            self.files | other.files,
        )


@dataclass(frozen=True, slots=True)
class PackageFile:
    """What a file asks for, by normalised name. `whole`: what it doesn't list isn't installed."""

    packages: Mapping[str, Ask] = field(default_factory=dict)
    whole: bool = False


def is_package_file(name: str) -> bool:
    """Tell by its name whether a file says which packages there are to be."""
    return _reader(name) is not None


def read_packages(name: str, data: bytes) -> PackageFile:
    """Read a file; Unreadable where it can't be taken for what its name says."""
    reader = _reader(name)
    if reader is None:
        raise Unreadable(f"{name} is no list of packages")
    read, whole = reader
    found: dict[str, Ask] = {}
    try:
        for package, ask in read(data.decode("utf-8")):
            key = normalised(package)
            found[key] = found[key].joined(ask) if key in found else ask
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unreadable(str(error)) from error
    except Exception as error:
        # What the YAML library raises on odd input is not listed anywhere.
        raise Unreadable(str(error)) from error
    return PackageFile(found, whole)


def normalised(name: str) -> str:
    """Write a distribution's name in its one form (PyPA, «Name normalization»)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def satisfies(version: str, limits: frozenset[str]) -> bool | None:
    """Tell whether a version is within all limits; None where that can't be told."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        found = Version(version)
        return all(SpecifierSet(limit).contains(found, prereleases=True) for limit in limits)
    except (InvalidSpecifier, InvalidVersion):
        return None


def same_version(one: str, other: str) -> bool:
    """Tell whether two versions are one: `1.0` is `1.0.0`."""
    from packaging.version import InvalidVersion, Version

    try:
        return Version(one) == Version(other)
    except InvalidVersion:
        return one == other


Asks = Iterator[tuple[str, Ask]]


def _requirement(text: str, files: frozenset[str] = frozenset()) -> tuple[str, Ask]:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        read = Requirement(text)
    except InvalidRequirement as error:
        raise Unreadable(str(error)) from error
    # A marker or an extra that changes is a change of what is asked.
    extras = "".join(f"[{extra}]" for extra in sorted(read.extras))
    origin = " ".join(filter(None, (read.url, extras, str(read.marker or ""))))
    exact = {s.version for s in read.specifier if s.operator in ("==", "===")}
    if len(exact) == 1 and len(read.specifier) == 1 and "*" not in next(iter(exact)):
        return read.name, Ask(versions=frozenset(exact), origin=origin, files=files)
    limits = frozenset({str(read.specifier)}) if read.specifier else frozenset()
    return read.name, Ask(limits=limits, origin=origin, files=files)


def _requirements(text: str) -> Asks:
    joined = re.sub(r"\\\r?\n", " ", text)
    for raw in joined.splitlines():
        line = re.sub(r"(^|\s)#.*", "", raw).strip()
        if not line:
            continue
        if line.startswith("-"):
            option, _, value = re.sub(r"^(--?[\w-]+)[=\s]\s*", r"\1 ", line).partition(" ")
            if option in ("-e", "--editable") and "#egg" in value:
                yield value.partition("#egg=")[2].partition("&")[0], Ask(origin=value.strip())
            elif option in ("-r", "--requirement", "-c", "--constraint", "-e", "--editable"):
                # Another file's lines, or a package with no name here: a change of it is unnamed.
                yield f"({line})", Ask(origin=line)
            continue
        files = frozenset(re.findall(r"--hash[= ](\S+)", line))
        line = re.split(r"\s+--", line)[0].strip()
        if re.match(r"(\.{0,2}/|[a-z+]+://)", line):
            yield f"({line})", Ask(origin=line)
        else:
            yield _requirement(line, files)


def _pyproject(text: str) -> Asks:
    document = _toml(text)
    project = document.get("project", {})
    if limit := project.get("requires-python"):
        yield PYTHON, Ask(limits=frozenset({limit}))
    for line in project.get("dependencies", ()):
        yield _requirement(line)
    groups = [*project.get("optional-dependencies", {}).values()]
    groups += document.get("dependency-groups", {}).values()
    for group in groups:
        for line in group:
            if isinstance(line, str):
                yield _requirement(line)
    poetry = document.get("tool", {}).get("poetry", {})
    tables = [poetry.get("dependencies", {}), poetry.get("dev-dependencies", {})]
    tables += [group.get("dependencies", {}) for group in poetry.get("group", {}).values()]
    for table in tables:
        for name, said in table.items():
            limit = said if isinstance(said, str) else json.dumps(said, sort_keys=True, default=str)
            yield name, _poetry_ask(limit)


def _poetry_ask(limit: str) -> Ask:
    """Read Poetry's way of limiting: a bare version or `==` pins, the rest is its own language."""
    found = re.fullmatch(r"(?:==\s*)?([0-9][\w.+!-]*)", limit)
    if found:
        return Ask(versions=frozenset({found[1]}))
    python = re.fullmatch(r"(?:[<>!~=]=?\s*[\w.+!*-]+\s*,?\s*)+", limit)
    return Ask(limits=frozenset({limit})) if python else Ask(origin=limit)


def _toml_lock(text: str) -> Asks:
    """Read `uv.lock`, `poetry.lock`, `pdm.lock` and `pylock.toml`: tables of packages."""
    document = _toml(text)
    tables = document.get("package", document.get("packages", []))
    for table in tables:
        version = table.get("version")
        yield (
            table["name"],
            Ask(
                versions=frozenset({version}) if version else frozenset(),
                origin=_lock_origin(table),
                files=frozenset(_lock_files(table)),
            ),
        )


def _lock_origin(table: Mapping[str, Any]) -> str:
    source = table.get("source", {})
    if not isinstance(source, Mapping):
        return str(source)
    if "registry" in source or source.get("type") == "legacy":
        return ""
    vcs = {k: table[k] for k in ("git", "revision", "ref", "url", "path", "vcs") if k in table}
    said = {**source, **vcs}
    # The project itself is in its own lock; what it is changes with its files, not here.
    own = set(said) & {"editable", "virtual"}
    return "" if own or not said else json.dumps(said, sort_keys=True, default=str)


def _lock_files(table: Mapping[str, Any]) -> Iterator[str]:
    sdist = table.get("sdist")
    several = [*table.get("wheels", ()), *table.get("files", ())]
    for file in [*several, *([sdist] if isinstance(sdist, Mapping) else [])]:
        hashes = file.get("hashes", {})
        yield from (f"{name}:{value}" for name, value in hashes.items())
        if "hash" in file:
            yield file["hash"]


def _pipfile_lock(text: str) -> Asks:
    document = json.loads(text)
    for section in ("default", "develop"):
        for name, said in document.get(section, {}).items():
            version = said.get("version", "").removeprefix("==")
            origin = said.get("ref", "") or said.get("path", "") or said.get("git", "")
            yield (
                name,
                Ask(
                    versions=frozenset({version}) if version else frozenset(),
                    origin=origin,
                    files=frozenset(said.get("hashes", ())),
                ),
            )


def _conda_environment(text: str) -> Asks:
    for line in _yaml(text).get("dependencies") or ():
        if isinstance(line, Mapping):
            for below in line.get("pip", ()):
                yield from _requirements(below)
            continue
        spec = line.rpartition("::")[2].strip()
        found = re.fullmatch(r"([\w.-]+)\s*(?:(==?)\s*([\w.+!]+)(?:=([\w.*]+))?|(.+))?", spec)
        if not found:
            raise Unreadable(f"«{spec}» is no conda requirement")
        name, exact, version, build, limit = found.groups()
        if exact == "==" or (exact and build):
            yield name, Ask(versions=frozenset({version}), origin=build or "")
        elif exact:  # `=1.26` means 1.26 and every version below it
            yield name, Ask(limits=frozenset({f"=={version}.*"}))
        else:
            yield name, Ask(limits=frozenset({limit.strip()}) if limit else frozenset())


def _conda_lock(text: str) -> Asks:
    for table in _yaml(text).get("package") or ():
        hashes = table.get("hash") or {}
        files = frozenset(f"{name}:{value}" for name, value in hashes.items())
        yield table["name"], Ask(versions=frozenset({str(table["version"])}), files=files)


_CONDA_FILE = re.compile(r"/([^/]+)-([^-/]+)-([^-/]+?)(?:\.conda|\.tar\.bz2)$")


def _pixi_lock(text: str) -> Asks:
    for table in _yaml(text).get("packages") or ():
        files = frozenset({table["sha256"]} if "sha256" in table else ())
        name, version = table.get("name"), table.get("version")
        if name is None or version is None:
            found = _CONDA_FILE.search(table.get("conda", table.get("url", "")))
            if not found:
                raise Unreadable("a package has neither name nor version")
            name, version = found[1], found[2]
        yield name, Ask(versions=frozenset({str(version)}), files=files)


def _python_version(text: str) -> Asks:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in lines[:1]:
        full = re.fullmatch(r"(?:cpython[-@])?(\d+\.\d+\.\d+\S*)", line)
        part = re.fullmatch(r"(?:cpython[-@])?(\d+(?:\.\d+)?)", line)
        if full:
            yield PYTHON, Ask(versions=frozenset({full[1]}))
        elif part:
            yield PYTHON, Ask(limits=frozenset({f"=={part[1]}.*"}))
        else:
            yield PYTHON, Ask(origin=line)


def _toml(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)


def _yaml(text: str) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader, in C where there is one
    if not isinstance(document, dict):
        raise Unreadable("no mapping at the top")
    return document


_READERS: tuple[tuple[str, Callable[[str], Asks], bool], ...] = (
    ("requirements*.txt", _requirements, False),
    ("requirements*.in", _requirements, False),
    ("*requirements.txt", _requirements, False),
    ("constraints*.txt", _requirements, False),
    ("pyproject.toml", _pyproject, False),
    ("uv.lock", _toml_lock, True),
    ("poetry.lock", _toml_lock, True),
    ("pdm.lock", _toml_lock, True),
    ("pylock.toml", _toml_lock, True),
    ("pylock.*.toml", _toml_lock, True),
    ("Pipfile.lock", _pipfile_lock, True),
    ("pixi.lock", _pixi_lock, True),
    ("conda-lock.yml", _conda_lock, True),
    ("*.conda-lock.yml", _conda_lock, True),
    ("environment*.yml", _conda_environment, False),
    ("environment*.yaml", _conda_environment, False),
    (".python-version", _python_version, False),
)


def _reader(name: str) -> tuple[Callable[[str], Asks], bool] | None:
    path = PurePosixPath(name)
    for pattern, read, whole in _READERS:
        if fnmatchcase(path.name, pattern):
            return read, whole
    # A folder of them: requirements/dev.txt
    if path.suffix in (".txt", ".in") and path.parent.name == "requirements":
        return _requirements, False
    return None
