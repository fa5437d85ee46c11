"""`provgraph.params`: a config as a mapping that tells which of its keys are read.

A run then rests on those keys alone, not on the whole file. What can't be told by key counts as
more: a mapping that is gone through, as a whole and in its order; a list, as one value; a file
whose keys two parsers may see differently, as the whole file.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from typing import Any

from provgraph.collect.keys import join_key
from provgraph.collect.library.telling import tell_key
from provgraph.collect.parts import Unparsable, parse
from provgraph.errors import UsageError
from provgraph.model.parts import BYTES, ORDER

_SUFFIXES = (".json", ".yaml", ".yml", ".toml", ".ini", ".cfg")


class ParamsPath(str):
    """A path by whose opening alone nothing of the file is used yet; the hook knows the name."""

    __slots__ = ()


class _File:
    """A loaded file. `sure`: its keys are what every parser sees. `read`: keys read so far."""

    def __init__(self, path: bytes, stat: tuple[int, int, int, int, int], *, sure: bool) -> None:
        self.path = path
        self.stat = stat
        self.sure = sure
        self.read: dict[str, None] = {}

    def touch(self, key: str) -> None:
        """Note and tell that a key was read."""
        key = key if self.sure else BYTES
        self.read[key] = None
        tell_key(self.path, self.stat, key)


# Keys read by this process so far; a block that begins later rests on them, too.
_loaded: dict[bytes, _File] = {}


def read_so_far() -> list[tuple[bytes, tuple[int, int, int, int, int], str]]:
    """Give what was read of each config since it was last loaded or last `forget_reads`."""
    return [(f.path, f.stat, key) for f in list(_loaded.values()) for key in list(f.read)]


def forget_reads() -> None:
    """Begin anew: what was read has been told to a run of this process."""
    for file in list(_loaded.values()):
        file.read = {}


class Params(Mapping[str, Any]):
    """A mapping of a config, or one inside it. It can't be changed.

    Reading a key tells of that key; mappings inside are such mappings, too; lists are copies.
    Going through a mapping, its length, comparing and copying it read all of it.
    """

    __slots__ = ("_at", "_file", "_odd", "_values")

    def __init__(self, file: _File, at: tuple[str, ...], values: Mapping[Any, Any]) -> None:
        self._file = file
        self._at = at
        self._values = values
        # Keys that aren't text could be written like others that are.
        self._odd = any(not isinstance(key, str) for key in values)
        file.touch(join_key(at) + ".")

    def __getitem__(self, key: Any) -> Any:
        if self._odd or not isinstance(key, str) or key.isdigit():  # a list has items 0, 1, … too
            self._touch_all(order=False)
            return self._value(key)
        place = join_key((*self._at, key))
        if key not in self._values:
            self._file.touch(place)
            self._file.touch(join_key(self._at) + ".")  # looked for in a mapping that was there
            raise KeyError(key)
        if not isinstance(self._values[key], Mapping):
            self._file.touch(place)
            if _has_order(self._values[key]):
                self._file.touch(ORDER)
        return self._value(key)

    def __iter__(self) -> Iterator[str]:
        self._touch_all(order=True)
        return iter(self._values)

    def __len__(self) -> int:
        self._touch_all(order=False)
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        self._touch_all(order=False)
        if isinstance(other, Params):
            other._touch_all(order=False)
            other = other._values
        return bool(self._values == other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Name the mapping, without its values: showing it in a log uses nothing."""
        at = f"#{join_key(self._at)}" if self._at else ""
        return f"<params {os.fsdecode(self._file.path)}{at}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (self.to_dict(),))

    def to_dict(self) -> dict[str, Any]:
        """Give it all as plain values; the run then rests on all of it."""
        self._touch_all(order=True)
        return copy.deepcopy(dict(self._values))

    def _value(self, key: Any) -> Any:
        value = self._values[key]
        if isinstance(value, Mapping):
            return Params(self._file, (*self._at, str(key)), value)
        return copy.deepcopy(value) if isinstance(value, (list, set)) else value

    def _touch_all(self, *, order: bool) -> None:
        self._file.touch(join_key(self._at) if self._at else BYTES)
        if order and _has_order(self._values):
            self._file.touch(ORDER)


def load(path: str | os.PathLike[str]) -> Params:
    """Load a config and give it as a mapping that tells which keys are read.

    Raises OSError as `open` does, UsageError where it holds no mapping in a format known.
    """
    name = os.fspath(path)
    full = os.path.abspath(name)
    if not full.lower().endswith(_SUFFIXES):
        raise UsageError(
            f"{name}: not a config that has keys",
            hint=f"params reads {', '.join(_SUFFIXES)}; open anything else as ever",
        )
    try:
        with open(ParamsPath(full), "rb") as file:
            seen = os.fstat(file.fileno())
            data = file.read()
    except OSError:
        with open(name, "rb"):  # as the program would: that it isn't there is seen, and raised
            pass
        raise
    stat = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    loaded = _File(os.fsencode(full), stat, sure=len(data) == seen.st_size)
    document: Any
    try:
        document = parse(full, data)
    except Unparsable:
        loaded.sure = False
        loaded.touch(BYTES)
        document = _parse_loosely(name, data)
    if document is None:
        document = {}
    if not isinstance(document, Mapping):
        loaded.touch(BYTES)
        raise UsageError(f"{name}: holds a {type(document).__name__}, not keys with values")
    _loaded[loaded.path] = loaded
    return Params(loaded, (), document)


def _parse_loosely(name: str, data: bytes) -> Any:
    """Read what has parts that aren't sure, such as a key given twice, as its usual parser does."""
    try:
        if name.lower().endswith(".json"):
            import json

            return json.loads(data)
        if name.lower().endswith((".yaml", ".yml")):
            import yaml

            return yaml.safe_load(data)
        if name.lower().endswith(".toml"):
            import tomllib

            return tomllib.loads(data.decode())
        return _ini(data)
    # What the YAML library raises on odd input (KeyError, TypeError, …) is not listed anywhere.
    except Exception as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{name}: can't be read: {said}") from error


def _ini(data: bytes) -> dict[str, dict[str, str]]:
    import configparser

    parser = configparser.RawConfigParser(allow_no_value=True, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(data.decode())
    return {name: dict(parser[name]) for name in (*parser.sections(), parser.default_section)}


def _has_order(value: Any) -> bool:
    """Tell whether a value holds mappings whose keys could stand in another order."""
    if isinstance(value, Mapping):
        return len(value) > 1 or any(_has_order(item) for item in value.values())
    return isinstance(value, list) and any(_has_order(item) for item in value)
