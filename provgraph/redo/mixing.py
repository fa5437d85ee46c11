"""What can be switched between two runs: files, keys of configs, variables, arguments."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provgraph.collect.keys import split_key
from provgraph.collect.parts import parse
from provgraph.errors import UsageError

FILE, KEY, VARIABLE, ARGUMENTS = "file", "key", "variable", "arguments"
_MIXED = (".json", ".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Factor:
    """One difference that can be switched alone. `name` is a file's, a variable's or a run's id."""

    kind: str
    name: str
    key: str = ""
    label: str = ""


def keys_apart(name: str, keys: Sequence[str], one: bytes | None, two: bytes | None) -> bool:
    """Tell whether these keys of a config can be switched one by one."""
    if len(keys) < 2 or one is None or two is None or not name.endswith(_MIXED):
        return False
    try:
        documents = [parse(name, one), parse(name, two)]
        everything = mixed(name, one, two, keys)
    except (ValueError, UsageError):
        return False
    return all(isinstance(document, Mapping) for document in documents) and bool(everything)


def mixed(name: str, one: bytes, two: bytes, keys: Collection[str]) -> bytes:
    """Give a config's earlier content with these keys as the later one has them."""
    document, later = copy.deepcopy(parse(name, one)), parse(name, two)
    for key in keys:
        _set(document, later, split_key(key))
    if name.endswith(".json"):
        return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"
    import yaml

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text.encode()


def _set(document: Any, later: Any, segments: Sequence[str]) -> None:
    *above, last = segments
    for segment in above:
        if not isinstance(document, dict) or not isinstance(later, Mapping):
            raise UsageError(f"{'.'.join(segments)}: not a key of mappings")
        document = document.setdefault(segment, {})
        later = later.get(segment, {})
    if not isinstance(document, dict) or not isinstance(later, Mapping):
        raise UsageError(f"{'.'.join(segments)}: not a key of mappings")
    if last in later:
        document[last] = copy.deepcopy(later[last])
    else:
        document.pop(last, None)


def place(path: str, data: bytes | None, *, moment: int, executable: bool = False) -> None:
    """Let a file have this content, or not be there; one that has it already is left alone.

    It gets `moment` (s since 1970) as its time, another for each content: Python takes compiled
    code to be that of a source with the same size that was written in the same second.
    """
    try:
        with open(path, "rb") as file:
            here: bytes | None = file.read()
    except OSError:
        here = None
    if here == data:
        return
    if data is None:
        os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.utime(path, (moment, moment))
    if executable:
        there = Path(path)
        there.chmod(there.stat().st_mode | 0o111)
