"""What a project lets a merge check pass: which hits fail it, who owns what, what is excepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from provgraph.model.checks import GAP, PINNED, PUBLISHED
from provgraph.model.kinds import matches


@dataclass(frozen=True, slots=True)
class Allowance:
    """One `[[check.allow]]`: until a day, hits, causes or gaps of these names don't fail a check.

    `what` is a glob over names; `rule` the one rule that it excepts from, "" for each.
    """

    what: str
    reason: str
    until: date
    rule: str = ""

    def covers(self, rule: str, names: Sequence[str]) -> bool:
        """Tell whether it excepts these names from a rule."""
        return self.rule in ("", rule) and any(matches(self.what, name) for name in names)


@dataclass(frozen=True, slots=True)
class Policy:
    """`[check]`: the rules that fail (`model/checks.py`), limits, owners and exceptions."""

    base: str = ""
    fail_on: tuple[str, ...] = (PUBLISHED, PINNED, GAP)
    max_affected: int | None = None
    max_hours: float | None = None
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allow: tuple[Allowance, ...] = ()

    def owners_of(self, name: str) -> tuple[str, ...]:
        """Give who owns a name; of several globs that fit, the last one says."""
        found: tuple[str, ...] = ()
        for glob, owners in self.owners.items():
            if matches(glob, name):
                found = tuple(owners)
        return found

    def excuse(
        self, rule: str, names: Sequence[str], today: date
    ) -> tuple[Allowance | None, Allowance | None]:
        """Give the exception that applies, or else one that would have and has run out."""
        fitting = [one for one in self.allow if one.covers(rule, names)]
        valid = [one for one in fitting if one.until >= today]
        if valid:
            return valid[0], None
        return None, max(fitting, key=lambda one: one.until, default=None)
