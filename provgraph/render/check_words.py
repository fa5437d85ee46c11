"""What every form of the merge check's answer says alike: a change, its lines, the counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from provgraph.model import checks
from provgraph.model.answers import RANK
from provgraph.model.checks import Changed, Check, Failure, Finding
from provgraph.render.terminal import count_of
from provgraph.render.text_parts import state_rank

# rule → (its name, what it means)
RULES: dict[str, tuple[str, str]] = {
    checks.PUBLISHED: (
        "A published result stops being current",
        "A result that is pinned as published rests on something this change alters.",
    ),
    checks.PINNED: (
        "A pinned result stops being current",
        "A result that somebody pinned rests on something this change alters.",
    ),
    checks.RESULT: (
        "A result stops being current",
        "A result rests on something this change alters; renew it, or say why it may stay.",
    ),
    checks.ANY: (
        "A change affects what was recorded",
        "Something that was current before this change isn't current with it.",
    ),
    checks.GAP: (
        "Something unknown could hide an effect",
        "What a run read or wrote isn't known well enough to say that nothing is affected.",
    ),
    checks.TOO_MANY: (
        "More is affected than the limit allows",
        "The limit in provgraph.toml on how much one change may affect is passed.",
    ),
    checks.TOO_LONG: (
        "Renewing takes longer than the limit allows",
        "The limit in provgraph.toml on the recorded time of what has to run again is passed.",
    ),
    checks.EXPIRED: (
        "An exception has run out",
        "An exception in provgraph.toml would have applied, but its date has passed.",
    ),
}
NOTED = "noted-gap"  # a gap that can't hide an effect of this change; never fails the gate
_HOW = {
    "modified": "edited",
    "mode": "mode changed",
    "link": "link changed",
    "submodule": "submodule moved",
    "pointer": "what it points to changed",
    "package": "version changed",
}


def subject_of(change: Changed) -> str:
    """Name what changed: `params.yaml#trees, seed`, `numpy`, `old.csv → new.csv`."""
    parts = [part for part in change.parts if not part.startswith("#")]
    if change.how == "package" and parts:
        return f"{some(parts)} in {change.name}"
    if change.how == "renamed" and change.was:
        return f"{change.was} → {change.name}"
    return change.name + (f"#{some(parts)}" if parts else "")


def how_of(change: Changed) -> str:
    """Say how it changed: `edited`, `1.26.4 → 2.1.0`."""
    how = _HOW.get(change.how, change.how)
    if change.how in ("package", "submodule", "pointer") and (change.was or change.now):
        return f"{change.was or 'absent'} → {change.now or 'absent'}"
    return how


def some(words: Sequence[str], most: int = 3) -> str:
    """List the first few: `a, b, c and 4 more`."""
    rest = len(words) - most
    return ", ".join(words[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def counts(check: Check) -> list[tuple[str, str]]:
    """Count what changed and what falls, each with its tone: `3 changes`, `1 published`."""
    totals = check.totals
    said = [
        (count_of(totals.get("changes", len(check.changes)), "change"), ""),
        (f"{totals.get('affected', len(check.affected)):,} affected", ""),
    ]
    states = [state for state in RANK if totals.get(state)] + ["missing"]
    for name in sorted(set(states), key=state_rank):
        said += [(f"{totals[name]:,} {name}", name)] if totals.get(name) else []
    for pin in ("published", "pinned"):
        said += [(f"{totals[pin]:,} {pin}", "pinned")] if totals.get(pin) else []
    return said


def split_changes(check: Check) -> tuple[list[Changed], list[Changed], list[Changed]]:
    """Give the changes that affect something, those that don't though read, those never read."""
    by: Mapping[str, list[Changed]] = {checks.AFFECTS: [], checks.SPARED: [], checks.UNREAD: []}
    for change in check.changes:
        # An effect that this version doesn't know is taken for the worst.
        by.get(change.effect, by[checks.AFFECTS]).append(change)
    return by[checks.AFFECTS], by[checks.SPARED], by[checks.UNREAD]


def reason_of(finding: Finding) -> str:
    """Give the reason of a hit without the name it begins with."""
    return finding.hit.words.removeprefix(f"{finding.hit.name}: ")


def other_failures(check: Check, seen: Sequence[Finding]) -> Iterator[Failure]:
    """Give the failures that no finding among these stands for."""
    covered = {(rule, finding.hit.name) for finding in seen for rule in finding.fails}
    for failure in check.failures:
        if (failure.rule, failure.subject) not in covered:
            yield failure
