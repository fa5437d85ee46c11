"""Answers as JSON: one object, each entry of its lists on a line of its own.

The form is the same on a terminal and in a pipe, fit for `diff` and `grep`. It says what `to_json`
says, with NaN, infinities and integers past 2⁵³ as strings; values are handed to the C encoder as
they are, since a large answer has millions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any

from provgraph.model.records import json_number
from provgraph.render.interface import Style

# Raw C1 controls, direction overrides, line separators and surrogates are legal in JSON and
# harmful on a terminal; they only occur inside strings, where an escape says the same.
_UNSAFE = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def as_json(answer: object, _style: Style) -> str:
    """Write an answer as JSON; the style doesn't matter."""
    entries = [f" {_dump(key)}: {_value(value)}" for key, value in _plain(answer).items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def line_of(row: Mapping[str, Any]) -> str:
    """Write a map on one line."""
    return _dump(_safe(row))


def _value(value: Any) -> str:
    if isinstance(value, Sequence) and value and is_dataclass(value[0]):
        return "[\n" + ",\n".join("  " + _dump(item) for item in value) + "\n ]"
    return _dump(value)


def _dump(value: Any) -> str:
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, check_circular=False, default=_plain
    )
    return text if text.isascii() and "\x7f" not in text else _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"


@lru_cache(maxsize=64)
def _shape(cls: Any) -> tuple[dict[str, str], tuple[tuple[str, bool], ...]]:
    """Give the head of a class's object, and its fields with whether they may hold odd numbers."""
    head = {"schema": cls.schema} if hasattr(cls, "schema") else {}
    return head, tuple(
        (item.name, "Mapping" in str(item.type) or "float" in str(item.type))
        for item in fields(cls)
    )


def _plain(value: Any) -> Any:
    """Open one dataclass; what is inside is opened when the encoder gets there."""
    if is_dataclass(value):
        cls: Any = type(value)
        head, names = _shape(cls)
        body = {
            name: _safe(getattr(value, name)) if is_open else getattr(value, name)
            for name, is_open in names
        }
        return head | body if head else body
    return _safe(value)


def _safe(value: Any) -> Any:
    """Make a mapping or list of any values fit for JSON."""
    if isinstance(value, Mapping):
        return {str(key): _safe(item) for key, item in value.items()}
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, float)):
        return json_number(value)
    if isinstance(value, Sequence):
        return [_safe(item) for item in value]
    return value if is_dataclass(value) else str(value)
