"""The merge check from end to end: what git says differs, what reads it, and the judgement."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from provgraph.analysis.asking import Questions
from provgraph.collect.changes.comparing import Comparison, Recorded, compare_states
from provgraph.collect.changes.differing import cannot_be_cut, differing_columns, differing_parts
from provgraph.collect.changes.gitdiff import (
    ADDED,
    DELETED,
    LINK,
    MODE,
    RENAMED,
    SUBMODULE,
    FileChange,
    Span,
    changed_lines,
    span_of,
)
from provgraph.collect.changes.installed import PackageChange
from provgraph.collect.configuration import FILE as CONFIGURATION
from provgraph.collect.content import Contents, StatCache
from provgraph.collect.gitstate import find_repository
from provgraph.collect.worktree import WorkingTree
from provgraph.errors import CannotAnswer
from provgraph.governance.checking import check
from provgraph.governance.effects import Comparing, Draft
from provgraph.governance.policy import Policy
from provgraph.ledger.ledger import Ledger
from provgraph.model.checks import AFFECTS, Changed, Check, Lines
from provgraph.model.kinds import ENVIRONMENT
from provgraph.model.names import path_of
from provgraph.model.parts import IMPORTS, LISTING, imported_by
from provgraph.model.records import RunRecord

# Of so many changed files the changed lines are looked up.
MOST_LOCATED = 500
RULING = ("check", "network")  # sections of the settings that say what passes
# So many records are read to find out whose ledger it is that has none of this project.
MOST_READ = 100
POINTER = "pointer"
PACKAGE = "package"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a check takes place: the project's root, its ledger, and what reads its files."""

    root: Path
    contents: Contents
    cache: StatCache
    disk: WorkingTree
    ledger: Ledger


def check_merge(
    questions: Questions,
    place: Place,
    policy: Policy,
    *,
    base: str | None,
    head: str | None,
    today: date,
) -> Check:
    """Say what the change from where head left `base` to `head` affects; None: working tree.

    Raises CannotAnswer where nothing was recorded, or git can't compare; UsageError for refs.
    """
    span = span_of(place.root, base=base or policy.base or None, head=head)
    _expect_records(questions, place.ledger)
    facts = questions.facts
    recorded = Recorded(
        names=frozenset(name for p, name in (*facts.at, *facts.seen) if p == facts.project),
        made=frozenset(name for p, name in facts.at if facts.produced((p, name))),
    )
    states = compare_states(place.root, span, place.contents, place.cache, recorded, place.disk)
    try:
        drafts = tuple(_Drafting(questions, states, recorded, policy).drafts())
        comparing = Comparing(states.before, states.after, drafts, _base_words(span), _head(span))
        answer = check(questions, comparing, policy, today)
        rules = _changed_rules(states)
        if rules:  # said at once: nobody should loosen the gate in passing
            said = f"{CONFIGURATION}: the change alters what passes here ({', '.join(rules)})"
            answer = replace(answer, excused=(said, *answer.excused))
        return _located(place.root, span, answer)
    finally:
        states.close()


def _expect_records(questions: Questions, ledger: Ledger) -> None:
    facts = questions.facts
    if facts.at or facts.silent:
        return
    some = ledger.read_many(sorted(ledger.names())[:MOST_READ])
    projects = {record.project for _, record in some if isinstance(record, RunRecord)}
    if others := sorted(projects - {facts.project}):
        raise CannotAnswer(
            f"the ledger here holds runs of another project ({others[0]}), and none of"
            f" this one ({facts.project})",
            hint="was `id` in provgraph.toml changed? `git log provgraph.toml` shows it",
        )
    raise CannotAnswer(
        "nothing has been recorded here, so what a change affects isn't known",
        hint="`provgraph pull` fetches what others recorded; `provgraph run -- COMMAND` records",
    )


def _base_words(span: Span) -> str:
    return f"{span.asked} ({span.base[:12]})" if span.asked != span.base else span.base[:12]


def _head(span: Span) -> str:
    return span.head[:12] if span.head else "working tree"


class _Drafting:
    """Turns what git says into changes of what was recorded."""

    def __init__(
        self, questions: Questions, states: Comparison, recorded: Recorded, policy: Policy
    ) -> None:
        self._questions = questions
        self._states = states
        self._recorded = recorded
        self._policy = policy
        self._aliases = states.aliases(recorded.names)
        self._pointed: dict[str, list[str]] = defaultdict(list)
        for name, file in states.pointed.items():
            self._pointed[file].append(name)

    def drafts(self) -> Iterator[Draft]:
        """Give a draft for each changed file and each changed package."""
        asked = defaultdict(list)
        for change in self._states.packages:
            asked[change.file].append(change)
        for file in self._states.files:
            draft = self._of_file(file)
            if file.name in asked and not draft.reads:
                continue
            if _is_package_file(file) and not draft.reads:
                draft = replace(draft, unread="it asks for the same packages as before")
            yield draft
        for package in self._states.packages:
            yield self._of_package(package)

    def _of_file(self, file: FileChange) -> Draft:
        names = [file.name, *([file.was] if file.how == RENAMED else [])]
        every = [alias for name in names for alias in (name, *self._aliases.get(name, ()))]
        reads: dict[str, tuple[str, ...]] = {
            name: () for name in every if name in self._recorded.names
        }
        reads |= dict.fromkeys(self._pointed.get(file.name, ()), ())
        if file.how == LINK:
            reads |= dict.fromkeys(self._led_through(file.name), ())
        if file.how in (ADDED, DELETED, RENAMED, LINK, SUBMODULE):
            for name in names:
                reads |= {f: (LISTING,) for f in self._folders(name) if f not in reads}
                for folder, parts in self._lookups(name):
                    reads[folder] = (*reads.get(folder, ()), *parts)
        parts, note = self._parts(file) if reads else ((), "")
        how = POINTER if self._pointed.get(file.name) and file.how != SUBMODULE else file.how
        if file.how == MODE:
            note = "; ".join(filter(None, (f"its mode went from {' to '.join(file.modes)}", note)))
        return Draft(
            Changed(
                name=file.name,
                kind=self._questions.wording.kind(file.name, file.name in self._recorded.made),
                how=how,
                parts=parts,
                was=file.was,
                owners=self._policy.owners_of(file.name),
            ),
            reads,
            note="; ".join(filter(None, (note, self._states.notes.get(file.name, "")))),
        )

    def _led_through(self, link: str) -> list[str]:
        below = f"{link}/"
        return [name for name in self._recorded.names if name.startswith(below)]

    def _folders(self, name: str) -> Iterator[str]:
        """Give the recorded folders in whose list a name, or a folder above it, is new or gone."""
        at = name
        while at:
            folder, entry = posixpath.split(at)
            place = folder or os.curdir
            for one in (place, *self._aliases.get(place, ())):
                if one in self._recorded.names and entry in self._states.listings.changed(one):
                    yield one
            at = folder

    def _lookups(self, name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Give the recorded folders in which a file of this name would be found as a module."""
        facts = self._questions.facts
        folder, file = posixpath.split(name)
        module = file.partition(".")[0]
        if module == "__init__":
            folder, module = posixpath.split(folder)
        place = folder or os.curdir
        for one in (place, *self._aliases.get(place, ())):
            keys = facts.keys_at((facts.project, one))
            seen = {part for key in keys for part, _ in facts.parts_seen.get(key, ())}
            asked = [p for p in seen if p.startswith(IMPORTS) and module in imported_by(p)]
            if asked:
                yield one, tuple(asked)

    def _parts(self, file: FileChange) -> tuple[tuple[str, ...], str]:
        old, new = self._states.contents(file)
        path = path_of(file.name)
        broken = "it can't be read for its keys, so it counts as a whole"
        note = broken if cannot_be_cut(path, old) or cannot_be_cut(path, new) else ""
        columns, said = differing_columns(old, new)
        return columns or differing_parts(path, old, new), note or said

    def _of_package(self, change: PackageChange) -> Draft:
        facts = self._questions.facts
        installed = self._states.installed
        reads: dict[str, tuple[str, ...]] = {}
        for (project, name), several in facts.at.items():
            if project != facts.project or not name.startswith("env:"):
                continue
            seen = {part for g in several for part, _ in facts.parts_seen.get(g.key, ())}
            if change.problem:
                reads[name] = tuple(sorted(p for p in seen if installed.of(p)))
            elif change.package in seen:
                reads[name] = (change.package,)
        before = change.before.versions if change.before else frozenset()
        after = change.after.versions if change.after else frozenset()
        return Draft(
            Changed(
                name=change.file,
                kind=ENVIRONMENT,
                how=PACKAGE,
                parts=(change.package,) if change.package else (),
                was=", ".join(sorted(before)),
                now=", ".join(sorted(after)),
                owners=self._policy.owners_of(change.file),
            ),
            {name: parts for name, parts in reads.items() if parts},
            proof=lambda _name, _part, digest: installed.verdict(change, digest)[1],
            unread="no recorded run has imported it",
            note=self._states.notes.get(change.file, ""),
        )


def _is_package_file(file: FileChange) -> bool:
    from provgraph.collect.changes.packages import is_package_file

    return is_package_file(file.name)


def _changed_rules(states: Comparison) -> list[str]:
    """Give what of `[check]` and `[network]` the change itself alters."""
    for file in states.files:
        if file.name == CONFIGURATION:
            old, new = (data or b"" for data in states.contents(file))
            parts = differing_parts(file.name, old or b"\n", new or b"\n")
            ways = [part.split(".") for part in parts]
            return list(dict.fromkeys(".".join(way[:2]) for way in ways if way[0] in RULING))
    return []


def _prefix(root: Path) -> str:
    """Give the project's folder within its repository."""
    repository = find_repository(root.resolve())
    inside = os.path.relpath(root.resolve(), repository.top) if repository else os.curdir
    return "" if inside == os.curdir else f"{inside}/"


def _located(root: Path, span: Span, answer: Check) -> Check:
    """Say of the changes that affect something on which lines they are."""
    names = dict.fromkeys(one.name for one in answer.changes if one.effect == AFFECTS)
    wanted = list(names)[:MOST_LOCATED]
    found = changed_lines(root, span, wanted) if wanted else {}
    return replace(
        answer,
        prefix=_prefix(root),
        changes=tuple(
            replace(one, lines=_lines_of(root, one, found.get(one.name, ())))
            if one.effect == AFFECTS
            else one
            for one in answer.changes
        ),
    )


def _lines_of(root: Path, change: Changed, lines: Sequence[Lines]) -> tuple[Lines, ...]:
    """Keep, of a file of packages, the lines that name the one that changed."""
    if change.how != PACKAGE or not change.parts:
        return tuple(lines)
    try:
        text = (root / path_of(change.name)).read_text("utf-8", "replace").splitlines()
    except OSError:
        return tuple(lines)
    wanted = change.parts[0].replace("-", "")
    own = [
        Lines(change.name, number, number)
        for place in lines
        if place.side == "head"
        for number in range(place.first, min(place.last, len(text)) + 1)
        if wanted in text[number - 1].lower().replace("-", "").replace("_", "").replace(".", "")
    ]
    return tuple(own or lines)
