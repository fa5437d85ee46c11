"""Viewpoints: what content each name has, seen from somewhere (DESIGN §4).

A viewpoint *has a word* for a name when it knows what lies there, nothing included. The working
tree and a git ref need files, so they are in `collect/`; here are the contract, the ledger alone,
and the overlay that a hypothetical change puts over any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, runtime_checkable

from provgraph.model.digests import ABSENT, EMPTY, comparable
from provgraph.model.parts import BYTES, EXISTS, ORDER, still_there

Wanted = Mapping[str, Collection[tuple[str, str]]]


class Verdict(Enum):
    """What comparing a recorded part with the present one gives."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"  # it lies there, and can't be read, or not in this part


@runtime_checkable
class Viewpoint(Protocol):
    """What the questions of DESIGN §4 ask. An answer doesn't change while the viewpoint lives."""

    @property
    def label(self) -> str:
        """Say where it looks from: `working tree`, `git:ab12cd3`, `ledger`."""

    def has_word(self, name: str) -> bool:
        """Tell whether it knows what lies at a name, nothing included."""

    def is_absent(self, name: str) -> bool:
        """Tell whether it knows that nothing lies there."""

    def whole(self, name: str, candidates: Collection[str]) -> str | None:
        """Give which of these recorded whole digests lies there; None where none is known to."""

    def is_sure(self, name: str, candidates: Collection[str]) -> bool:
        """Tell whether a None of `whole` means that none of them lies there.

        It doesn't where the content can't be read, or a candidate is keyed with another key.
        """

    def compare(self, name: str, part: str, digest: str, *, whole: str | None = None) -> Verdict:
        """Compare a part as recorded; `whole` is the whole digest recorded with it, if known."""

    def prepare(self, wanted: Wanted) -> None:
        """Take note of (part, digest) pairs about to be asked, so that it can look in bulk.

        Whole digests are given as (`#bytes`, digest). Asking without preparing is only slower.
        """


class LedgerAlone:
    """No words at all: the newest generations stand for what lies anywhere."""

    label = "ledger"

    def has_word(self, name: str) -> bool:  # noqa: ARG002 - the contract's argument
        """Know nothing."""
        return False

    is_absent = has_word

    def whole(self, name: str, candidates: Collection[str]) -> str | None:  # noqa: ARG002
        """Know nothing."""
        return None

    def is_sure(self, name: str, candidates: Collection[str]) -> bool:  # noqa: ARG002
        """Know nothing."""
        return False

    def compare(
        self,
        name: str,  # noqa: ARG002
        part: str,  # noqa: ARG002
        digest: str,  # noqa: ARG002
        *,
        whole: str | None = None,  # noqa: ARG002
    ) -> Verdict:
        """Know nothing."""
        return Verdict.UNKNOWN

    def prepare(self, wanted: Wanted) -> None:
        """Need nothing."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a hypothetical change puts at a name.

    `whole` is the digest of the new content, `absent` for none at all, or None for bytes nobody
    has seen. `parts` are digests of its parts where known; `only` the parts that change where the
    others stay as they are under the overlay (empty: everything may have changed). `judge`, where
    there is one, tells of (part, recorded digest, recorded whole) whether it stands; None: ask on.
    """

    whole: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset()
    judge: Callable[[str, str, str | None], bool | None] | None = None


ANY_OTHER = Content()
GONE = Content(whole=ABSENT)


def other_parts(*parts: str) -> Content:
    """Say that just these parts have some other content."""
    return Content(only=frozenset(parts))


class Changed:
    """Another viewpoint with hypothetical contents laid over it."""

    def __init__(self, base: Viewpoint, changes: Mapping[str, Content]) -> None:
        self._base = base
        self._changes = dict(changes)

    @property
    def label(self) -> str:
        """Say that it is another viewpoint, changed."""
        return f"{self._base.label}, changed"

    def has_word(self, name: str) -> bool:
        """Know the changed names, and what the base knows."""
        return name in self._changes or self._base.has_word(name)

    def is_absent(self, name: str) -> bool:
        """Know what was hypothetically deleted, and what the base knows."""
        change = self._changes.get(name)
        return change.whole == ABSENT if change else self._base.is_absent(name)

    def whole(self, name: str, candidates: Collection[str]) -> str | None:
        """Give the new content's digest if it is among the candidates."""
        change = self._changes.get(name)
        if change is None:
            return self._base.whole(name, candidates)
        return change.whole if change.whole in candidates else None

    def is_sure(self, name: str, candidates: Collection[str]) -> bool:
        """Be sure of unseen bytes: no recorded digest is theirs."""
        change = self._changes.get(name)
        if change is None:
            return self._base.is_sure(name, candidates)
        return change.whole is None or all(comparable(change.whole, one) for one in candidates)

    def compare(self, name: str, part: str, digest: str, *, whole: str | None = None) -> Verdict:
        """Compare with the new content; with unseen bytes everything that may differ does."""
        change = self._changes.get(name)
        if change is None:
            return self._base.compare(name, part, digest, whole=whole)
        if part == EXISTS and not change.only:
            stands = change.whole is None or still_there(digest, empty=change.whole == EMPTY)
            return Verdict.SAME if stands and change.whole != ABSENT else Verdict.DIFFERENT
        judged = change.judge(part, digest, whole) if change.judge is not None else None
        if judged is not None:
            return Verdict.SAME if judged else Verdict.DIFFERENT
        if change.only and BYTES not in change.only:
            if part in change.only or part == BYTES or _covers(part, change.only):
                return Verdict.DIFFERENT
            if part == ORDER and any(self._comes_or_goes(name, key) for key in change.only):
                return Verdict.DIFFERENT
            # The change leaves this part as it is below, whatever the whole was recorded as.
            return self._base.compare(name, part, digest, whole=whole)
        if change.whole is not None and change.whole == whole:
            return Verdict.SAME
        present = (
            change.whole if part == BYTES or change.whole == ABSENT else change.parts.get(part)
        )
        if present is None and ORDER in change.parts and not part.startswith("#"):
            present = ABSENT
        if present is None:
            return Verdict.DIFFERENT
        if present == digest:
            return Verdict.SAME
        return Verdict.DIFFERENT if comparable(present, digest) else Verdict.UNKNOWN

    def _comes_or_goes(self, name: str, key: str) -> bool:
        """Tell whether a change of a key surely puts it in or takes it out."""
        if key.startswith("#"):
            return False
        change = self._changes[name]
        gone = change.judge is not None and change.judge(key, ABSENT, None) is True
        return gone or self._base.compare(name, key, ABSENT) is Verdict.SAME

    def prepare(self, wanted: Wanted) -> None:
        """Have the base prepare what isn't wholly changed."""
        self._base.prepare(
            {
                name: pairs
                for name, pairs in wanted.items()
                if name not in self._changes or self._changes[name].only
            }
        )


def _covers(part: str, changed: frozenset[str]) -> bool:
    """Tell whether a key and a changed one lie one within the other (`model` and `model.depth`)."""
    return any(
        one.startswith(f"{part}.") or part.startswith(f"{one}.")
        for one in changed
        if not one.startswith("#") and not part.startswith("#")
    )
