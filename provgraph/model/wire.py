"""Read the JSON of a record as this version writes it, without loading pydantic.

What isn't exactly so (an older or a newer version's record, a damaged one) gives None: then
`model/validation.py` decides, and says what is wrong. So this may refuse what that would take, but
takes nothing that it would refuse; a test holds the two together.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, Literal, NoReturn

from provgraph.model.records import (
    EraseRecord,
    ImportRecord,
    NoteRecord,
    PinRecord,
    Recorded,
    RunRecord,
    SealRecord,
    wire_name,
)

_TYPES: dict[str, Any] = {
    "run": RunRecord,
    "note": NoteRecord,
    "pin": PinRecord,
    "seal": SealRecord,
    "erase": EraseRecord,
    "import": ImportRecord,
}
Reader = Callable[[Any], Any]


def read_plainly(data: bytes) -> Recorded | None:
    """Read a record; None where another reader has to say what it is."""
    if b"\\ud" in data or b"\\uD" in data:
        return None  # half a character: no JSON reader but Python's takes it
    try:
        document = json.loads(data.decode("utf-8"), parse_constant=_odd)
        record: Recorded = _reader(_TYPES[document["type"]])(document)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return record


def read_run(data: bytes) -> RunRecord:
    """Read a run that was read and written before, by this version; raises ValueError."""
    run: RunRecord = _reader(RunRecord)(json.loads(data))
    return run


def _odd(value: object) -> NoReturn:
    raise ValueError(value)


@lru_cache(maxsize=128)
def _reader(hint: Any) -> Reader:
    """Give what reads a value of a type, or raises ValueError."""
    if is_dataclass(hint):
        return _object(typing.cast("type", hint))
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        return _tuple(_reader(arguments[0]))
    if origin is Literal:
        return lambda value: value if value in arguments else _odd(value)
    if origin in (types.UnionType, typing.Union):
        return _union(arguments)
    if hint == dict[str, str]:
        return _texts
    if hint is float:
        return lambda value: float(value) if type(value) in (int, float) else _odd(value)
    return lambda value: value if type(value) is hint else _odd(value)


def _object(cls: type) -> Reader:
    hints = typing.get_type_hints(cls)
    known = {wire_name(one.name): (one.name, _reader(hints[one.name])) for one in fields(cls)}

    def read(value: Any) -> Any:
        if type(value) is not dict:
            _odd(value)
        given = {}
        for key, held in value.items():
            name, reader = known[key]
            given[name] = reader(held)
        return cls(**given)

    return read


def _tuple(reader: Reader) -> Reader:
    def read(value: Any) -> Any:
        return tuple(map(reader, value)) if type(value) is list else _odd(value)

    return read


def _union(arguments: tuple[Any, ...]) -> Reader:
    """Read a number, or what may be null."""
    if types.NoneType not in arguments:
        return lambda value: value if type(value) in arguments else _odd(value)
    (some,) = (_reader(one) for one in arguments if one is not types.NoneType)
    return lambda value: None if value is None else some(value)


def _texts(value: Any) -> Any:
    if type(value) is not dict or any(type(text) is not str for text in value.values()):
        _odd(value)
    return value
