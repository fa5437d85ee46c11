"""Salted documents for what may have to be forgotten, one category a document.

The salt is a keyed hash of the content under the project key: equal content gives one document,
and whoever hasn't the key can't find the content by trying values against the document's name.
"""

from __future__ import annotations

import json
from typing import Any

from provgraph.errors import RecordDamaged
from provgraph.model.digests import keyed_digest
from provgraph.model.records import json_number

SCHEMA = "provgraph/private/1"


def document_bytes(key: bytes, category: str, fields: dict[str, Any], *, again: int = 0) -> bytes:
    """Write a private document; `again` gives equal content another salt, after an erasure."""
    canonical = _canonical([category, json_safe(fields), again])
    salt = keyed_digest(key, b"provgraph private salt\n" + canonical).rpartition(":")[2]
    document = {
        "schema": SCHEMA,
        "salt": salt,
        "category": category,
        "fields": json_safe(fields),
    }
    return _canonical(document) + b"\n"


def read_document(data: bytes) -> tuple[str, dict[str, Any]]:
    """Give (category, fields) of a private document; raises `RecordDamaged`."""
    try:
        document = json.loads(data)
        category, fields = document["category"], document["fields"]
    except (ValueError, KeyError, TypeError) as error:
        raise RecordDamaged(f"a private object doesn't parse: {error}") from error
    if not isinstance(category, str) or not isinstance(fields, dict):
        raise RecordDamaged("a private object has no category or no fields")
    return category, fields


def json_safe(value: Any) -> Any:
    """Turn what a caller may pass into plain JSON values that every reader takes alike."""
    if isinstance(value, dict):
        return {str(key): json_safe(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_safe(item) for item in value]
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        return json_number(value)
    raise TypeError(f"a private field can't hold a {type(value).__name__}")


def _canonical(value: Any) -> bytes:
    # ASCII, so that bytes that aren't UTF-8 (surrogates, in Python) survive as \\udcXX.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
