"""Answers as JSON: one object, each entry of its lists on a line of its own.

The form is the same on a terminal and in a pipe, fit for `diff` and `grep`, and written by the C
encoder (indenting takes the slow one). NaN, infinities and integers past 2⁵³ are strings.
"""

from __future__ import annotations

import json
import re
from typing import Any

from provgraph.model.answers import to_json
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
    document = _safe(to_json(answer))
    entries = [f" {_dump(key)}: {_value(value)}" for key, value in document.items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join("  " + _dump(item) for item in value) + "\n ]"
    return _dump(value)


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _UNSAFE.sub(_escape, text) if not text.isascii() or "\x7f" in text else text


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1] if match[0] != "\x7f" else "\\u007f"


def _safe(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _safe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_safe(item) for item in value]
    return (
        json_number(value)
        if isinstance(value, (int, float)) and value is not True and value is not False
        else value
    )
