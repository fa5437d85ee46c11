"""What differs between two runs, causes first, then metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provgraph.model.answers import Difference
from provgraph.model.digests import ABSENT
from provgraph.model.records import RunRecord

CODE, PARAMETERS, DATA = "code", "parameters", "data"
PACKAGES, SYSTEM, HARDWARE, METRICS = "packages", "system", "hardware", "metrics"
SECTIONS = (CODE, PARAMETERS, DATA, PACKAGES, SYSTEM, HARDWARE, METRICS)
NOT_THERE = "–"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs: its record, with what the ledger keeps beside it."""

    record: RunRecord
    params: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    hardware: Mapping[str, Any] = field(default_factory=dict)


def differences(one: Side, two: Side) -> tuple[tuple[Difference, ...], Mapping[str, int]]:
    """Compare two runs; gives the differences and, by section, how many things are the same."""
    a, b = one.record, two.record
    pairs: dict[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
        CODE: (_uses(a, ("program", "module")), _uses(b, ("program", "module"))),
        PARAMETERS: (params_of(one), params_of(two)),
        DATA: (_uses(a, ("input", "listing", "stream")), _uses(b, ("input", "listing", "stream"))),
        PACKAGES: (
            _texts(one.environment.get("distributions")),
            _texts(two.environment.get("distributions")),
        ),
        SYSTEM: (_system(one.environment), _system(two.environment)),
        HARDWARE: (_texts(_flat(one.hardware)), _texts(_flat(two.hardware))),
        METRICS: (_metrics(a), _metrics(b)),
    }
    touched = _touched(a) & _touched(b)
    out: list[Difference] = []
    same: dict[str, int] = {}
    for section in SECTIONS:
        before, after = pairs[section]
        same[section] = 0
        for name in sorted({*before, *after}):
            old, new = before.get(name, NOT_THERE), after.get(name, NOT_THERE)
            if old == new:
                same[section] += 1
                continue
            detail = ""
            if section == PACKAGES and name not in touched:
                detail = "not imported by both"
            elif section == METRICS:
                detail = _delta(old, new)
            out.append(Difference(section, name, short(old), short(new), detail))
        if section == CODE and a.git and b.git and a.git.commit != b.git.commit:
            out.append(
                Difference(
                    CODE,
                    "commit",
                    (a.git.commit or NOT_THERE)[:12],
                    (b.git.commit or NOT_THERE)[:12],
                )
            )
    # Packages that a run really imported matter first.
    out.sort(
        key=lambda d: (SECTIONS.index(d.section), bool(d.detail) and d.section == PACKAGES, d.name)
    )
    return tuple(out), same


def _uses(record: RunRecord, roles: tuple[str, ...]) -> dict[str, str]:
    return {use.name: use.digest for use in record.uses if use.role in roles}


def _touched(record: RunRecord) -> set[str]:
    return {part for use in record.uses if use.role == "environment" for part in use.touched}


def params_of(side: Side) -> dict[str, str]:
    """Give a run's parameters: their values, or digests where those were erased."""
    values = {name: str(value) for name, value in side.params.items()}
    return {name: values.get(name, digest) for name, digest in side.record.params.items()} | values


def _metrics(record: RunRecord) -> dict[str, str]:
    return {
        (f"{metric.source}: " if metric.source else "") + metric.name: str(metric.value)
        for metric in record.metrics
    }


def _system(environment: Mapping[str, Any]) -> dict[str, str]:
    return _texts(
        {k: v for k, v in _flat(environment).items() if not k.startswith("distributions")}
    )


def _flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            out[prefix + key] = ", ".join(map(str, value))
        else:
            out[prefix + key] = value
    return out


def _texts(values: object) -> dict[str, str]:
    return {str(k): str(v) for k, v in values.items()} if isinstance(values, Mapping) else {}


def short(value: str) -> str:
    """Shorten a digest; a value stays as it is."""
    if value == ABSENT:
        return ABSENT
    if value.startswith("b3:"):
        return value[3:15]
    return value.removeprefix("v:")


def _delta(old: str, new: str) -> str:
    try:
        change = float(new) - float(old)
    except ValueError:
        return ""
    return f"{change:+.6g}"
