"""The merge check as a GitLab code-quality report: shown in a merge request, beside its lines."""

from __future__ import annotations

import json
from typing import Any

from provgraph.model import checks
from provgraph.model.checks import Check
from provgraph.render.check_marks import ERROR, WARNING, Mark, marks
from provgraph.render.interface import Style
from provgraph.render.plain import clip, is_safe, shown


def as_gitlab(check: Check, _style: Style) -> str:
    """Write one array of issues; each fingerprint occurs once and stays from check to check."""
    seen: set[str] = set()
    issues: list[str] = []
    for mark in marks(check):
        if mark.key not in seen:
            seen.add(mark.key)
            issues.append(json.dumps(_issue(mark), ensure_ascii=True))
    return "[\n" + ",\n".join(issues) + "\n]\n" if issues else "[]\n"


def _issue(mark: Mark) -> dict[str, Any]:
    place = mark.places[0]
    return {
        "description": clip(" — ".join(mark.words), 4_000),
        "check_name": f"provgraph/{mark.rule}",
        "fingerprint": mark.key,
        "severity": _severity(mark),
        "location": {
            "path": place.path if is_safe(place.path) else shown(place.path),
            "lines": {"begin": max(1, place.first)},
        },
    }


def _severity(mark: Mark) -> str:
    if mark.level == ERROR:
        return "blocker" if mark.rule == checks.PUBLISHED else "critical"
    return "major" if mark.level == WARNING else "info"
