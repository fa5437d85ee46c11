"""Tell which installed distributions a process imported, from module names and its `sys.path`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

# Put there by a .pth file at every start, whether the program uses their distribution or not.
_UNASKED = ("_distutils_hack", "_virtualenv", "__editable__", "distutils-precedence", "a1_coverage")

_SUFFIX = re.compile(r"\.(?:dist-info|egg-info)\Z")


def distributions(modules: Mapping[str, str], path: Sequence[str]) -> dict[str, str]:
    """Give name → version of the distributions that own these modules (name → file, or "").

    A name shared by several distributions (a namespace) counts for each of them.
    """
    found: dict[str, str] = {}
    for directory in dict.fromkeys(entry for entry in path if entry):
        try:
            entries = os.listdir(directory)
        except OSError:
            continue
        places = [entry for entry in entries if _SUFFIX.search(entry)]
        if not places:
            continue
        stems = {entry.partition(".")[0] for entry in entries}
        here = {
            name.replace(".", "/")
            for name, file in modules.items()
            if name.partition(".")[0] in stems
            and not name.startswith(_UNASKED)
            and (not file or file.startswith(directory))
        }
        if not here:
            continue
        known = {_normal(name) for name in here}
        for entry in places:
            place = Path(directory, entry)
            stem = _SUFFIX.sub("", entry).partition("-")[0]
            if (_normal(stem) in known and _bare(place)) or _owned(place, here):
                name, version = _identity(place, entry)
                found[name] = version
    return found


def _owned(place: Path, names: Iterable[str]) -> set[str]:
    """Give those of the names that a distribution's own lists claim."""
    names = set(names)
    found: set[str] = set()
    for listing in ("top_level.txt", "RECORD", "installed-files.txt", "SOURCES.txt"):
        try:
            data = (place / listing).read_bytes()
        except OSError:
            continue
        if listing == "top_level.txt":
            found |= names & set(data.decode("utf-8", "replace").split())
        else:
            text = b"\n" + data.replace(b"../", b"")
            for name in names - found:
                raw = b"\n" + os.fsencode(name)
                if raw + b"/" in text or raw + b".py" in text or _extension(raw, text):
                    found.add(name)
        if found or listing == "RECORD":
            break
    return found


def _extension(raw: bytes, text: bytes) -> bool:
    return re.search(re.escape(raw) + rb"\.[^/\n]*so,", text) is not None


def _bare(place: Path) -> bool:
    """Tell metadata that lists no files (Debian's single-file egg-info, editable installs)."""
    return place.is_file() or not (place / "RECORD").exists()


def _identity(place: Path, entry: str) -> tuple[str, str]:
    label, _, version = _SUFFIX.sub("", entry).partition("-")
    version = re.sub(r"-py\d.*", "", version)
    for file in (place / "METADATA", place / "PKG-INFO", place):
        try:
            head = file.read_text("utf-8", "replace").split("\n\n", 1)[0]
        except OSError:
            continue
        fields = {
            line.partition(": ")[0].lower(): line.partition(": ")[2]
            for line in head.splitlines()
            if ": " in line
        }
        return fields.get("name", label), fields.get("version", version)
    return label, version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
