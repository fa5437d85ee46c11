"""Small tracked files that stand for large ones: Git LFS pointers, `*.dvc`, `dvc.lock`.

What a pointer says is a hash of another kind than ours, so content is only known where some bytes
with that hash are at hand: in the tool's own cache, or in the working tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from provgraph.model.names import name_of, path_of

_LFS = re.compile(
    rb"\Aversion https://git-lfs\.github\.com/spec/.*?^oid sha256:([0-9a-f]{64})$",
    re.DOTALL | re.MULTILINE,
)
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Pointer:
    """What stands for the content of `name`: a hash, `md5` or `sha256`. "" is nothing usable.

    `folder` is True where the hash names a list of files below `name`.
    """

    name: str
    kind: str
    hash: str
    folder: bool = False


def is_pointer_file(name: str) -> bool:
    """Tell by its name whether a file is DVC's."""
    return name.endswith(".dvc") or PurePosixPath(name).name == "dvc.lock"


def lfs_pointer(name: str, data: bytes) -> Pointer | None:
    """Read a Git LFS pointer; None for anything else."""
    found = _LFS.match(data) if len(data) < 1024 else None
    return Pointer(name, "sha256", found[1].decode()) if found else None


def dvc_pointers(name: str, data: bytes) -> list[Pointer]:
    """Read what a `*.dvc` file or `dvc.lock` says of outputs; ValueError where it can't be read."""
    import yaml

    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        document = yaml.load(data, Loader=loader)  # noqa: S506 - a safe loader
        return list(_dvc_outs(PurePosixPath(name).parent, document))
    except (AttributeError, TypeError, KeyError) as error:
        raise ValueError(str(error)) from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def _dvc_outs(folder: PurePosixPath, document: Any) -> Iterator[Pointer]:
    base = folder / document.get("wdir", ".")
    several = list(document.get("outs") or ())
    for stage in (document.get("stages") or {}).values():
        several += stage.get("outs") or ()
    for out in several:
        path = os.path.normpath(base / out["path"])
        if path.startswith(("..", "/")):
            continue
        hash_ = str(out.get("md5", ""))
        is_folder = hash_.endswith(".dir")
        yield Pointer(name_of(path), "md5", hash_.removesuffix(".dir"), is_folder)


def members(root: Path, pointer: Pointer) -> dict[str, str] | None:
    """Give name → md5 of the files that a folder's pointer lists; None where no list is here."""
    listing = _in_dvc_cache(root, f"{pointer.hash}.dir")
    if listing is None:
        return None
    try:
        rows = json.loads(listing.read_bytes())
        folder = path_of(pointer.name)
        return {name_of(os.path.join(folder, row["relpath"])): row["md5"] for row in rows}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def content_of(root: Path, pointer: Pointer) -> Path | None:
    """Find bytes with the pointer's hash on this machine; None where there are none."""
    if not pointer.hash:
        return None
    if pointer.kind == "sha256":
        kept = _git_common(root) / "lfs/objects" / pointer.hash[:2] / pointer.hash[2:4]
        candidates = [kept / pointer.hash, root / path_of(pointer.name)]
    else:
        cached = _in_dvc_cache(root, pointer.hash)
        candidates = [*([cached] if cached else []), root / path_of(pointer.name)]
    for path in candidates:
        if path.is_file() and _hash_of(path, pointer.kind) == pointer.hash:
            return path
    return None


def _in_dvc_cache(root: Path, hash_: str) -> Path | None:
    for above in (root, *root.parents):
        if (above / ".dvc").is_dir():
            for cache in ("cache/files/md5", "cache"):
                path = above / ".dvc" / cache / hash_[:2] / hash_[2:]
                if path.is_file():
                    return path
            return None
    return None


def _git_common(root: Path) -> Path:
    from provgraph.collect.gitstate import find_repository

    repository = find_repository(root.resolve())
    return repository.common if repository is not None else root / ".git"


def _hash_of(path: Path, kind: str) -> str:
    hasher = hashlib.new(kind, usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
    except OSError:
        return ""
    return hasher.hexdigest()
