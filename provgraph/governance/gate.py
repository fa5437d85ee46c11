"""The gate of a merge check: which hits and gaps fail it, which are excepted, which limits hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from provgraph.analysis.impact import Outline
from provgraph.governance.policy import Policy, ran_out
from provgraph.model.answers import MISSING, MODIFIED, GapNote, PlanStep
from provgraph.model.checks import (
    ANY,
    GAP,
    PINNED,
    PUBLISHED,
    RESULT,
    TOO_LONG,
    TOO_MANY,
    Failure,
)
from provgraph.model.gaps import BLOCKING, NETWORK
from provgraph.model.kinds import RESULT as RESULT_KIND

# Of one rule this many failures are said one by one.
MOST_FAILURES = 20


class Gate:
    """Collects what fails, what is excused and what would have been."""

    def __init__(self, policy: Policy, today: date) -> None:
        self.policy = policy
        self._today = today
        self.failures: list[Failure] = []
        self.excused: list[str] = []
        self.expired: list[str] = []
        self._counts: Counter[str] = Counter()
        self._excused = 0

    def judged(self, outline: Outline, cause: str) -> tuple[tuple[str, ...], str]:
        """Give the rules that a hit fails, and the reason of an exception that covers them."""
        rules = [rule for rule in self._rules(outline) if rule in self.policy.fail_on]
        failing, reasons = [], []
        for rule in rules or [ANY]:
            valid, _ = self.policy.excuse(rule, (outline.name, cause), self._today)
            if valid is not None:
                reasons.append(valid.reason)
            elif rule in rules:
                failing.append(rule)
        return tuple(failing), reasons[0] if reasons else ""

    def _rules(self, outline: Outline) -> Iterator[str]:
        if outline.pinned == "published":
            yield PUBLISHED
        elif outline.pinned:
            yield PINNED
        if outline.kind == RESULT_KIND:
            yield RESULT
        yield ANY

    def hit(self, outline: Outline, cause: str) -> None:
        """Take note of one hit."""
        failing, excuse = self.judged(outline, cause)
        places = (outline.name, cause)
        if excuse:
            self._excused += 1
            self._say_excused(outline.name, excuse)
        for rule in failing:
            _, expired = self.policy.excuse(rule, places, self._today)
            if expired is not None:
                self.expired.append(f"{outline.name}: {ran_out(expired)}")
        for rule in failing[:1]:
            self._counts[rule] += 1
            self._fail(rule, outline.name, _fail_words(rule, outline, cause))

    def gaps(self, gaps: Sequence[GapNote]) -> None:
        """Take note of the gaps that block, and of the hosts that are accepted."""
        for gap in gaps:
            if gap.reason == NETWORK:
                host, late = self.policy.excuse_host(gap.subject, self._today)
                if host is not None:
                    self._say_excused(gap.subject, host.reason)
                elif late is not None:
                    self.expired.append(f"{gap.subject}: {ran_out(late)}")
                continue
            if gap.grade != BLOCKING or GAP not in self.policy.fail_on:
                continue
            valid, expired = self.policy.excuse(GAP, (gap.subject,), self._today)
            if valid is not None:
                self._say_excused(gap.subject, valid.reason)
                continue
            if expired is not None:
                self.expired.append(f"{gap.subject}: {ran_out(expired)}")
            self._counts[GAP] += 1
            self._fail(GAP, gap.subject, gap.words)

    def limits(self, affected: int, plan: Sequence[PlanStep]) -> None:
        """Hold the count of hits and the time of their renewal against the limits."""
        counted = affected - self._excused
        if self.policy.max_affected is not None and counted > self.policy.max_affected:
            words = f"{counted:,} are affected, more than the {self.policy.max_affected:,} allowed"
            self._fail(TOO_MANY, "", words)
        hours = sum(step.seconds or 0.0 for step in plan) / 3600
        if self.policy.max_hours is not None and hours > self.policy.max_hours:
            words = (
                f"renewing takes {hours:.1f} hours, more than the {self.policy.max_hours:g} allowed"
            )
            self._fail(TOO_LONG, "", words)

    def count(self, rule: str) -> int:
        """Say how often a rule failed."""
        return self._counts[rule]

    def _fail(self, rule: str, subject: str, words: str) -> None:
        if self._counts[rule] == MOST_FAILURES + 1:
            self.failures.append(Failure(rule, "", "… and more of the same rule"))
        elif self._counts[rule] <= MOST_FAILURES:
            self.failures.append(Failure(rule, subject, words))

    def _say_excused(self, subject: str, reason: str) -> None:
        if len(self.excused) < MOST_FAILURES:
            self.excused.append(f"{subject}: {reason}")


def _fail_words(rule: str, outline: Outline, cause: str) -> str:
    by = f", because of {cause}" if cause and cause != outline.name else ""
    what = {PUBLISHED: "is published and ", PINNED: f"is pinned as {outline.pinned} and "}
    said = {MISSING: "would be missing", MODIFIED: "would no longer be what was recorded"}
    falls = said.get(outline.state, f"would be {outline.state}")
    return f"{outline.name} {what.get(rule, '')}{falls}{by}"
