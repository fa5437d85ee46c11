"""What a code host can put beside lines of a diff: marks, each with a level, words and a place.

One mark a finding that fails the gate, one a change that affects something else, one a gap, one a
further failure: worst first. Marks of one check are told apart by `key`, which is the same for the
same thing in the next check, whatever lines, runs and commits have moved.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from provgraph.model import checks
from provgraph.model.answers import GapNote
from provgraph.model.checks import Changed, Check, Failure, Finding, Lines
from provgraph.model.gaps import BLOCKING
from provgraph.model.names import is_uri, path_of
from provgraph.render.advice import advice_on
from provgraph.render.check_words import (
    NOTED,
    RULES,
    how_of,
    other_failures,
    reason_of,
    some,
    split_changes,
    subject_of,
)
from provgraph.render.plain import clip, shorten, shown, shown_command
from provgraph.render.terminal import count_of
from provgraph.render.text_parts import gap_words

ERROR, WARNING, NOTE = "error", "warning", "note"
MOST = 25_000  # findings looked at, the worst; no host takes more marks
NAME, WORDS = 200, 1_000  # characters of a name and of a sentence
# Where a host wants a place and there is none: the file that is in every project.
NOWHERE = "provgraph.toml"


@dataclass(frozen=True, slots=True)
class Place:
    """A file as the host knows it, and lines of it, from 1; `first` is 0 where none are known."""

    path: str
    first: int = 0
    last: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing to show. Texts are safe to print; `about` and `cause` are names as recorded."""

    level: str
    rule: str
    title: str
    words: tuple[str, ...]
    places: tuple[Place, ...]
    key: str
    about: str = ""
    cause: str = ""


def marks(check: Check) -> Iterator[Mark]:
    """Give the marks of a check, worst first."""
    findings = list(islice(check.affected, MOST))
    affecting, _, _ = split_changes(check)
    by_cause = _by_cause(affecting)
    rest: dict[int, list[Finding]] = {}
    failing_of: Counter[int] = Counter()
    unexplained: list[Finding] = []
    for one in findings:
        causes = by_cause.get(one.cause, [])
        if one.fails:
            failing_of.update(map(id, causes[:1]))
            yield _failing(check, one, causes)
        elif causes:
            rest.setdefault(id(causes[0]), []).append(one)
        else:
            unexplained.append(one)
    yield from _other_failures(check, findings, by_cause)
    for change in affecting:
        of_it = rest.get(id(change), [])
        # What has marks of its own already needs no second one.
        if of_it or not 0 < failing_of[id(change)] >= change.hits:
            yield _affecting(check, change, of_it)
    for one in unexplained:
        yield _unexplained(check, one)
    for gap in check.gaps:
        if gap.grade != BLOCKING:
            yield _gap(check, gap, NOTE, by_cause)


def _other_failures(
    check: Check, findings: Sequence[Finding], by_cause: dict[str, list[Changed]]
) -> Iterator[Mark]:
    """Give what fails the gate and is no hit: limits, and gaps; then gaps that don't fail it."""
    hard = {gap.subject for gap in check.gaps if gap.grade == BLOCKING}
    whole = len(findings) == len(check.affected)
    said = {rule for one in findings for rule in one.fails} if whole else set()
    for failure in other_failures(check, findings):
        if not failure.subject and failure.rule in said:
            continue  # «and more of the same rule»: each has its mark already
        if not (failure.rule == checks.GAP and failure.subject in hard):
            yield _failure(check, failure, by_cause)
    failing = {failure.subject for failure in check.failures if failure.rule == checks.GAP}
    for gap in check.gaps:
        if gap.grade == BLOCKING:
            yield _gap(check, gap, ERROR if gap.subject in failing else WARNING, by_cause)


def _by_cause(changes: Iterable[Changed]) -> dict[str, list[Changed]]:
    """Find changes by the name that decided: a file's, or a package of a file that pins many."""
    found: dict[str, list[Changed]] = {}
    for change in changes:
        names = [change.name, *(f"env:{part}" for part in change.parts if change.how == "package")]
        for name in [*names, *([change.was] if change.how == "renamed" else [])]:
            found.setdefault(name, []).append(change)
    return found


def _failing(check: Check, one: Finding, causes: Sequence[Changed]) -> Mark:
    name = _name(one.hit.name)
    words = [f"{name} is {shown(one.hit.state)} after this change: {_words(reason_of(one))}"]
    words += [f"Ranked by: {_words(one.rank)}"] if one.rank else []
    words += [f"Renew it with: {_command(one.renew)}"] if one.renew else []
    words += [f"Owners: {_words(', '.join(one.owners))}"] if one.owners else []
    return Mark(
        level=ERROR,
        rule=one.fails[0],
        title=f"{RULES.get(one.fails[0], (one.fails[0], ''))[0]}: {name}",
        words=tuple(words),
        places=_places(check, causes),
        key=_key("finding", one.fails[0], one.cause, one.hit.name),
        about=one.hit.name,
        cause=one.cause,
    )


def _affecting(check: Check, change: Changed, rest: Sequence[Finding]) -> Mark:
    subject = _name(subject_of(change))
    many = max(change.hits, len(rest))
    words = [
        f"{subject} ({shown(how_of(change))}) affects {count_of(many, 'name')}"
        if many
        else f"{subject} ({shown(how_of(change))}) affects what was recorded"
    ]
    if rest:
        words[0] += ": " + some([_name(one.hit.name) for one in rest])
    words += [_words(change.words)] if change.words else []
    renew = list(dict.fromkeys(_command(one.renew) for one in rest[:3] if one.renew))
    words += [f"Renew with: {command}" for command in renew]
    words += [f"Owners: {_words(', '.join(change.owners))}"] if change.owners else []
    return Mark(
        level=WARNING,
        rule=checks.ANY,
        title=f"A change of {subject} affects {count_of(many, 'name') if many else 'others'}",
        words=tuple(words),
        places=_places(check, [change]),
        key=_key("change", change.how, change.name, *change.parts),
        about=rest[0].hit.name if rest else "",
        cause=change.name,
    )


def _unexplained(check: Check, one: Finding) -> Mark:
    name = _name(one.hit.name)
    return Mark(
        level=WARNING,
        rule=checks.ANY,
        title=f"{name} is {shown(one.hit.state)} after this change",
        words=(_words(reason_of(one)) or name,),
        places=_places(check, []),
        key=_key("finding", checks.ANY, one.cause, one.hit.name),
        about=one.hit.name,
        cause=one.cause,
    )


def _failure(check: Check, failure: Failure, by_cause: Mapping[str, list[Changed]]) -> Mark:
    title = RULES.get(failure.rule, (failure.rule, ""))[0]
    return Mark(
        level=ERROR,
        rule=failure.rule,
        title=f"{title}: {_name(failure.subject)}" if failure.subject else title,
        words=(_words(failure.words),),
        places=_places(check, by_cause.get(failure.subject, [])),
        key=_key("failure", failure.rule, failure.subject),
        about=failure.subject,
    )


def _gap(check: Check, gap: GapNote, level: str, by_cause: Mapping[str, list[Changed]]) -> Mark:
    rule = checks.GAP if gap.grade == BLOCKING else NOTED
    words = [_words(gap_words(gap))]
    words += [f"To close it: {advice}"] if (advice := advice_on(gap)) else []
    could = "could hide an effect" if gap.grade == BLOCKING else f"is {gap.grade}"
    return Mark(
        level=level,
        rule=rule,
        title=f"{shown(gap.reason)} {could}: {_name(gap.subject)}",
        words=tuple(words),
        places=_places(check, by_cause.get(gap.subject, [])),
        key=_key("gap", gap.reason, gap.subject),
        about=gap.subject,
    )


def _places(check: Check, changes: Iterable[Changed]) -> tuple[Place, ...]:
    """Say where changes are in the head; what is only in the base has a file and no lines."""
    found: dict[Place, None] = {}
    for change in changes:
        here = [line for line in change.lines if line.side == "head"]
        for line in here:
            found[_place(check, line)] = None
        if not here and not is_uri(change.name):
            found[Place(_path(check, change.name))] = None
    return tuple(found) or (Place(_path(check, NOWHERE)),)


def _place(check: Check, line: Lines) -> Place:
    first = max(1, line.first)
    return Place(_path(check, line.path), first, max(first, line.last))


def _path(check: Check, name: str) -> str:
    return check.prefix + path_of(name)


def _name(name: str) -> str:
    return shorten(shown(name), NAME)


def _words(words: str) -> str:
    return clip(shown(words), WORDS)


def _command(command: str) -> str:
    """Show a command that can be pasted; a very long one is looked up instead."""
    said = shown_command(command)
    return said if len(said) <= WORDS else "provgraph check --limit 0 shows the command"


def _key(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()
