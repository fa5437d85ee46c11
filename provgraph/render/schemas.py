"""JSON Schemas (2020-12) of answers and records, written from their classes.

`python -m provgraph.render.schemas --write DIR` writes them; a test compares them with `schemas/`.
"""

from __future__ import annotations

import argparse
import json
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from provgraph.model import answers, checks
from provgraph.model.validation import RECORD

DRAFT = "https://json-schema.org/draft/2020-12/schema"
ANSWERS: dict[str, type] = {
    "impact": answers.Impact,
    "status": answers.Status,
    "redo": answers.Redo,
    "lineage": answers.Lineage,
    "log": answers.Log,
    "show": answers.Shown,
    "diff": answers.RunDiff,
    "bisect": answers.Bisection,
    "structure": answers.Structure,
    "report": answers.Report,
    "check": checks.Check,
}
_SIMPLE: dict[object, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    Any: {},
}


def schema_of(cls: type) -> dict[str, Any]:
    """Give the JSON Schema of an answer class as `to_json` writes it."""
    definitions: dict[str, Any] = {}
    body = _object(cls, definitions)
    return {
        "$schema": DRAFT,
        "title": cls.__name__,
        **body,
        "$defs": dict(sorted(definitions.items())),
    }


def _object(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    properties: dict[str, Any] = {}
    if hasattr(cls, "schema"):
        properties["schema"] = {"const": cls.schema}
    for item in fields(cls):
        properties[item.name] = _of(hints[item.name], definitions)
    body: dict[str, Any] = {"type": "object"}
    if cls.__doc__:
        body["description"] = " ".join(cls.__doc__.split())
    # Defaults are written out too, so every property is always there.
    return body | {
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if hint in _SIMPLE:
        return dict(_SIMPLE[hint])
    if is_dataclass(hint):
        name = typing.cast("type", hint).__name__
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object(hint, definitions)
        return {"$ref": f"#/$defs/{name}"}
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (tuple, Sequence):
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin is Mapping:
        values = _of(arguments[1], definitions)
        return {"type": "object", "additionalProperties": values or True}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_of(argument, definitions) for argument in arguments]}
    raise TypeError(f"no JSON Schema for {hint!r}")


def documents() -> dict[str, str]:
    """Give every schema file by name, as written to `schemas/`."""
    found = {f"{name}.json": schema_of(cls) for name, cls in ANSWERS.items()}
    record = RECORD.json_schema(by_alias=True, mode="validation")
    found["record.json"] = {"$schema": DRAFT, "title": "Record", **record}
    return {
        name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in found.items()
    }


def main(arguments: list[str] | None = None) -> int:
    """Write the schemas into a folder."""
    parser = argparse.ArgumentParser(prog="python -m provgraph.render.schemas", description=__doc__)
    parser.add_argument("--write", metavar="DIR", required=True, type=Path)
    folder: Path = parser.parse_args(arguments).write
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
