"""Keys: the way to a value in a config, and the name of a column, written as one text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from provgraph.errors import UsageError

_BARE = re.compile(
    r"""[^\s."'#\\\x00-\x1f\x7f](?:[^."\\\x00-\x1f\x7f]*[^\s."\\\x00-\x1f\x7f])?\Z"""
)


_DECODER = json.JSONDecoder()


def join_key(segments: Sequence[str]) -> str:
    """Write the way to a value as one key: dots between, JSON quotes round what needs them."""
    return ".".join(
        segment if _BARE.match(segment) else json.dumps(segment, ensure_ascii=False)
        for segment in segments
    )


def split_key(key: str) -> tuple[str, ...]:
    """Read a key back into its segments; UsageError when it isn't well written."""
    segments: list[str] = []
    position = 0
    while True:
        if key.startswith('"', position):
            try:
                segment, position = _DECODER.raw_decode(key, position)
            except (ValueError, RecursionError) as error:
                raise _bad_key(key) from error
        else:
            end = key.find(".", position)
            end = len(key) if end < 0 else end
            segment, position = key[position:end], end
            if not segment or '"' in segment:
                raise _bad_key(key)
        segments.append(segment)
        if position == len(key):
            return tuple(segments)
        if key[position] != ".":
            raise _bad_key(key)
        position += 1


def _bad_key(key: str) -> UsageError:
    return UsageError(
        f"«{key}» is not a key",
        hint='write segments with dots between, and quote what has dots: model."a.b".depth',
    )
