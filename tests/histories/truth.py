"""Load the truth table: small histories with what every answer about them must say."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TABLE = Path(__file__).parent / "table"

NAMED_EXACTLY = ("hit", "stale", "behind", "current", "modified", "missing", "gap")
"""Expectations that are complete: these names and no others."""


@dataclass(frozen=True)
class History:
    """One history; an expectation that isn't in the table is None.

    `unlisted` (the table's `not`) must be in none of hit, stale and behind. `hit_runs` are the
    steps of the hits of kind Run, products or not. `already_stale` is what `impact` lists.
    """

    number: int
    variant: str
    group: str
    title: str
    operations: tuple[str, ...]
    ask: Literal["impact", "status"]
    expected: Mapping[str, frozenset[str]]
    unlisted: frozenset[str] = frozenset()
    hit_runs: frozenset[str] | None = None
    already_stale: frozenset[str] | None = None
    hit_count: int | None = None
    platform: bool = False
    note: str = field(default="", compare=False)

    @property
    def id(self) -> str:
        """Give the number as a test id."""
        return f"H{self.number:03}{self.variant}"


def load() -> tuple[History, ...]:
    """Read all histories, by number."""
    found = [
        _history(path.stem, entry)
        for path in sorted(TABLE.glob("*.toml"))
        for entry in tomllib.loads(path.read_text(encoding="utf-8"))["history"]
    ]
    return tuple(sorted(found, key=lambda history: (history.number, history.variant)))


def _history(group: str, entry: dict[str, Any]) -> History:
    history = History(
        number=entry.pop("number"),
        variant=entry.pop("variant", ""),
        group=group,
        title=entry.pop("title"),
        operations=tuple(entry.pop("operations")),
        ask=entry.pop("ask"),
        expected={key: frozenset(entry.pop(key)) for key in NAMED_EXACTLY if key in entry},
        unlisted=frozenset(entry.pop("not", ())),
        hit_runs=_names(entry.pop("hit_runs", None)),
        already_stale=_names(entry.pop("already_stale", None)),
        hit_count=entry.pop("hit_count", None),
        platform=entry.pop("platform", False),
        note=entry.pop("note", ""),
    )
    if entry:
        raise ValueError(f"{history.id}: unknown keys {sorted(entry)}")
    return history


def _names(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)
