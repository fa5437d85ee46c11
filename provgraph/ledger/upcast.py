"""Read records of older schema versions: a table of steps, each from one version to the next.

A stored record is never rewritten; it is upcast each time it is read. Version 0 was never
released: it is there so that the table has been used before the first real change needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from provgraph.errors import RecordDamaged, RecordFromFuture
from provgraph.model.digests import step_key
from provgraph.model.records import SCHEMA

Document = dict[str, Any]

_VERSION = re.compile(r"provgraph/record/(0|[1-9][0-9]{0,8})")


def upcast(document: Document) -> Document:
    """Bring a document of any known version to the present one.

    Raises `RecordFromFuture` for a newer version, `RecordDamaged` for what is no record.
    """
    version = _version_of(document)
    if version > SCHEMA:
        raise RecordFromFuture(
            f"it has schema version {version}, this provgraph reads up to {SCHEMA}",
            hint="upgrade provgraph: pip install -U provgraph",
        )
    try:
        while version < SCHEMA:
            document = STEPS[version](document)
            version += 1
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RecordDamaged(f"it isn't a record of schema version {version}: {error!r}") from error
    return document


def _version_of(document: object) -> int:
    schema = document.get("schema") if isinstance(document, dict) else None
    found = _VERSION.fullmatch(schema) if isinstance(schema, str) else None
    if found is None:
        raise RecordDamaged(f"it names no record schema (schema: {schema!r})")
    return int(found[1])


def _from_0(old: Document) -> Document:
    """Upcast version 0: runs only, flat hex digests, program and args instead of a step.

    `inputs` and `outputs` were lists of {path, digest}, an input with digest null was looked for
    and absent, and the tracing wasn't noted: it counts as incomplete.
    """
    program, arguments = str(old["program"]), tuple(str(item) for item in old.get("args", ()))
    name = old.get("name")
    return {
        "schema": "provgraph/record/1",
        "type": "run",
        "project": old["project"],
        "at": old["end"],
        "run": old["id"],
        "step": {
            "key": name or step_key(old["project"], program, arguments),
            "label": name or " ".join((program, *arguments)),
            "named": bool(name),
        },
        "status": "ok" if old["exit"] == 0 else "failed",
        "exit": old["exit"],
        "started": old["begin"],
        "ended": old["end"],
        "uses": [_use_from_0(item) for item in old.get("inputs", ())],
        "produces": [
            {"name": item["path"], "digest": f"b3:{item['digest']}"}
            for item in old.get("outputs", ())
        ],
        "tracing": {"method": "unknown", "complete": False},
        "gaps": [{"reason": "untraced", "subject": old["id"]}],
    }


def _use_from_0(item: Document) -> Document:
    digest = "absent" if item["digest"] is None else f"b3:{item['digest']}"
    return {"name": item["path"], "digest": digest, "touched": {"#bytes": digest}}


# version → what brings a document of it to the next one
STEPS: dict[int, Callable[[Document], Document]] = {0: _from_0}
