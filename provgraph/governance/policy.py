"""What a project lets pass: which hits fail a merge check, who owns what, what is excepted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol, TypeVar

from provgraph.model.answers import GapNote
from provgraph.model.checks import GAP, PINNED, PUBLISHED
from provgraph.model.gaps import ACCEPTED, NETWORK, host_of
from provgraph.model.kinds import matches


class _Exception(Protocol):
    """What lets something pass until a day, that day included, and why."""

    @property
    def reason(self) -> str: ...
    @property
    def until(self) -> date: ...


_E = TypeVar("_E", bound=_Exception)


def which_holds(fitting: Iterable[_E], today: date) -> tuple[_E | None, _E | None]:
    """Give, of the exceptions that fit, one that applies, or else the last that has run out."""
    several = list(fitting)
    valid = [one for one in several if one.until >= today]
    if valid:
        return valid[0], None
    return None, max(several, key=lambda one: one.until, default=None)


def ran_out(one: _Exception) -> str:
    """Say that an exception no longer applies."""
    return f"the exception «{one.reason}» ran out on {one.until}"


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
class Acceptance:
    """One `[[network.accept]]`: until a day, what comes from these hosts may stay unknown.

    `host` is a name or an address, with `*` for any letters, and perhaps `:port`.
    """

    host: str
    reason: str
    until: date

    def covers(self, subject: str) -> bool:
        """Tell whether it accepts the host that a gap names; what names none, only `*` does."""
        parts = (re.escape(part) for part in self.host.lower().rstrip(".").split("*"))
        glob = re.compile(".*".join(parts), re.DOTALL)
        return any(glob.fullmatch(text) for text in (subject, host_of(subject)) if text)


@dataclass(frozen=True, slots=True)
class Policy:
    """`[check]`: the rules that fail (`model/checks.py`), limits, owners and exceptions.

    `hosts` are those of `[[network.accept]]`.
    """

    base: str = ""
    fail_on: tuple[str, ...] = (PUBLISHED, PINNED, GAP)
    max_affected: int | None = None
    max_hours: float | None = None
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allow: tuple[Allowance, ...] = ()
    hosts: tuple[Acceptance, ...] = ()

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
        return which_holds((one for one in self.allow if one.covers(rule, names)), today)

    def excuse_host(self, subject: str, today: date) -> tuple[Acceptance | None, Acceptance | None]:
        """Give the same for the host of a gap `network`."""
        return which_holds((one for one in self.hosts if one.covers(subject)), today)

    def accept(self, gap: GapNote, today: date) -> GapNote:
        """Say of a gap `network` that its host is accepted, or was: it stays in the answer."""
        if gap.reason != NETWORK:
            return gap
        valid, expired = self.excuse_host(gap.subject, today)
        if valid is not None:
            words = f"{gap.words}; accepted until {valid.until}: {valid.reason}"
            return replace(gap, grade=ACCEPTED, words=words)
        return gap if expired is None else replace(gap, words=f"{gap.words}; {ran_out(expired)}")
