"""The merge check as SARIF 2.1.0 (OASIS), for code hosts and editors that show it beside lines.

Within what GitHub takes: 25,000 results, 10 MB; what is left out, the least important, is said in
a notification and in the last result.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import quote

from provgraph.model.checks import Check
from provgraph.render.check_marks import ERROR, NOTE, NOWHERE, WARNING, Mark, Place, marks
from provgraph.render.check_words import NOTED, RULES
from provgraph.render.interface import Style
from provgraph.render.plain import clip, shown

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MOST_RESULTS = 25_000
MOST_BYTES = 10_000_000
MOST_PLACES = 10
LEFT_OUT = "left-out"
_RULES = [
    *((rule, title, meaning, ERROR) for rule, (title, meaning) in RULES.items()),
    (NOTED, "Something isn't known", "It can't hide an effect of this change.", NOTE),
    (LEFT_OUT, "Not everything is here", "The host's limits leave no room for all.", WARNING),
]
_INDEX = {rule: index for index, (rule, *_) in enumerate(_RULES)}
_ROOM = 40_000  # bytes kept for what stands around the results


def as_sarif(check: Check, _style: Style) -> str:
    """Write one run with a result for each mark."""
    results, left_out = _fitting(marks(check), MOST_RESULTS, MOST_BYTES - _ROOM)
    told: list[dict[str, Any]] = []
    if left_out:
        words = f"{left_out:,} results of less importance are left out: provgraph check shows all"
        results.append(_dump(_left_out(check, words)))
        told.append({"level": WARNING, "message": {"text": words}})
    head = {
        "tool": {"driver": _driver()},
        "automationDetails": {"id": "provgraph/check/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": told}],
        "properties": {
            "verdict": clip(shown(check.verdict), 2_000),
            "passed": check.passed,
            "base": clip(shown(check.base), 300),
            "head": clip(shown(check.head), 300),
            "asOf": check.as_of,
        },
    }
    body = ",\n".join(results)
    return (
        f'{{"$schema": "{SCHEMA}", "version": "2.1.0", "runs": [\n'
        f'{_dump(head)[:-1]}, "results": [\n{body}\n]}}\n]}}\n'
    )


def _fitting(found: Iterable[Mark], most: int, size: int) -> tuple[list[str], int]:
    """Give the first results that fit, one being kept free, and how many don't."""
    results: list[str] = []
    left_out = 0
    for mark in found:
        text = "" if left_out else _dump(_result(mark))
        if left_out or len(results) == most - 1 or len(text) + 2 > size:
            left_out += 1
            continue
        size -= len(text) + 2
        results.append(text)
    return results, left_out


def _result(mark: Mark) -> dict[str, Any]:
    rule = mark.rule if mark.rule in _INDEX else "affected"
    return {
        "ruleId": rule,
        "ruleIndex": _INDEX[rule],
        "level": mark.level,
        "message": {"text": _message("\n".join(mark.words))},
        "locations": [_location(place) for place in mark.places[:MOST_PLACES]],
        # GitHub knows an alert again by the first, others by the second.
        "partialFingerprints": {
            "primaryLocationLineHash": f"{mark.key[:16]}:1",
            "provgraphMark/v1": mark.key,
        },
        "properties": {
            "about": clip(shown(mark.about), 300),
            "cause": clip(shown(mark.cause), 300),
        },
    }


def _left_out(check: Check, words: str) -> dict[str, Any]:
    place = Place(check.prefix + NOWHERE)
    return _result(Mark(WARNING, LEFT_OUT, words, (words,), (place,), "0" * 64))


def _location(place: Place) -> dict[str, Any]:
    region = {"startLine": place.first, "endLine": place.last} if place.first else {"startLine": 1}
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(os.fsencode(place.path)), "uriBaseId": "%SRCROOT%"},
            "region": region,
        }
    }


def _message(text: str) -> str:
    """Escape what would be a link (3.11.6) or a placeholder (3.11.5) in a message."""
    text = text.replace("[", "\\[").replace("]", "\\]")
    return text.replace("{", "{{").replace("}", "}}")


def _driver() -> dict[str, Any]:
    try:
        number = version("provgraph")
    except PackageNotFoundError:
        number = "0"
    return {
        "name": "provgraph",
        "version": number,
        "rules": [
            {
                "id": rule,
                "name": "".join(word.capitalize() for word in rule.split("-")),
                "shortDescription": {"text": title},
                "fullDescription": {"text": meaning},
                "help": {"text": f"{meaning} `provgraph check --help` says how to set the gate."},
                "defaultConfiguration": {"level": level},
            }
            for rule, title, meaning, level in _RULES
        ],
    }


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)
