"""The merge check's answer: what changed between two states of a project, and what that fells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provgraph.model.answers import Already, GapNote, Hit, PlanStep

# What a change does to what was recorded.
AFFECTS = "affects"  # something that was current isn't any more
SPARED = "spared"  # recorded runs rest on it, and none of them falls: `words` has the proof
UNREAD = "unread"  # no recorded run has read it, looked for it or written it

# Why a gate fails; the closed set behind `fail_on`.
PUBLISHED = "published"  # a result pinned as published stops being current
PINNED = "pinned"  # a result pinned otherwise does
GAP = "blocking-gap"  # a blocking gap could hide a hit
ANY = "affected"  # anything at all is affected
RESULT = "result"  # a Result is affected, pinned or not
TOO_MANY = "too-many"  # more is affected than the limit allows
TOO_LONG = "too-long"  # renewing it takes longer than the limit allows
EXPIRED = "expired"  # an exception that would have applied has run out

RULES = (PUBLISHED, PINNED, RESULT, ANY, GAP)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a file that changed, from 1, both ends included. `side` is `head` or `base`."""

    path: str
    first: int
    last: int
    side: str = "head"


@dataclass(frozen=True, slots=True)
class Changed:
    """One thing that differs between base and head.

    `how` is modified, added, deleted, renamed, mode, link, submodule, pointer or package; `was`
    the name a renamed file had, or a package's version before, `now` its version after. `parts`
    are the keys, functions, cells or packages that differ (none: the whole, or not known).
    `effect` is affects, spared or unread; `words` say why. `hits` counts what it is the decisive
    cause of. `name` is a name of the project, for packages the file that pins them.
    """

    name: str
    kind: str
    how: str
    parts: tuple[str, ...] = ()
    effect: str = AFFECTS
    words: str = ""
    hits: int = 0
    was: str = ""
    now: str = ""
    owners: tuple[str, ...] = ()
    lines: tuple[Lines, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One hit of the check, with its place in the order of importance.

    `rank` says why it stands where it does («published», «a result, 2 steps from the change»).
    `cause` is the name of the change that decided, `renew` the command that would renew it.
    `fails` are the rules for which it fails the gate, `excused` the reason of the exception that
    lets it pass. `owners` are those of the hit's path.
    """

    hit: Hit
    rank: str
    cause: str = ""
    renew: str = ""
    fails: tuple[str, ...] = ()
    excused: str = ""
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """One reason why the gate fails: the rule, what it is about, and words."""

    rule: str
    subject: str
    words: str


@dataclass(frozen=True, slots=True)
class Check:
    """The answer to «may I merge this?».

    `changes` are in the order affects, spared, unread, each by name; `affected` worst first, and
    long ones are built as they are read. `excused` are exceptions that applied, `expired` ones
    that would have and have run out, in words. `totals` counts: changes, affecting, spared,
    unread, affected, stale, behind, missing, published, pinned, already_stale, blocking_gaps.
    `prefix` is the project's folder within its repository, with a slash at its end ("" at the top):
    code hosts name files from the repository's top.
    """

    schema = "provgraph/check/1"
    as_of: str
    base: str
    head: str
    passed: bool
    verdict: str
    failures: tuple[Failure, ...]
    changes: Sequence[Changed]
    affected: Sequence[Finding]
    already_stale: tuple[Already, ...]
    gaps: tuple[GapNote, ...]
    plan: tuple[PlanStep, ...]
    excused: tuple[str, ...]
    expired: tuple[str, ...]
    totals: Mapping[str, int]
    prefix: str = ""
