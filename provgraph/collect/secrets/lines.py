"""Redact JSON lines on their way in: graphs of other systems, a million lines at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from provgraph.collect.secrets.redactor import Redactor

_TOGETHER = 256  # lines that are looked at in one go: few hold anything


def redacted_lines(redactor: Redactor, lines: Iterable[bytes]) -> Iterator[bytes]:
    """Give lines with secrets redacted; those without are passed on as they are."""
    left = iter(lines)
    while several := list(islice(left, _TOGETHER)):
        text = b"".join(several)
        if redactor.data(text) == text:
            yield from several
        else:
            for line in several:
                yield line if redactor.data(line) == line else _redacted(redactor, line)


def _redacted(redactor: Redactor, line: bytes) -> bytes:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return redactor.data(line)  # no JSON: it will be refused, and its words are shown
    end = b"\n" if line.endswith(b"\n") else b""
    return json.dumps(_cleaned(redactor, document), ensure_ascii=False).encode() + end


def _cleaned(redactor: Redactor, value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {redactor.text(key): _cleaned(redactor, item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(redactor, item, name) for item in value]
    return redactor.value(name, value) if isinstance(value, str) else value
