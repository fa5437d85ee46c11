"""The two viewpoints of a merge check: what git says lies there, else what was recorded.

Git knows tracked files only. A name that it doesn't know has, on both sides, the content in the
working tree if one is compared and no run makes it; else what was recorded stands on both sides,
so that only what git changed can make a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from provgraph.analysis.viewpoint import Verdict, Viewpoint, Wanted
from provgraph.collect.changes.installed import Installed
from provgraph.collect.changes.listings import Listings
from provgraph.model.digests import ABSENT
from provgraph.model.names import is_uri
from provgraph.model.parts import EXISTS, IMPORTS, LISTING

# A viewpoint, and the names on which its word counts.
Witness = tuple[Viewpoint, Callable[[str], bool]]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of names in another way than by the files themselves.

    `absent` are names with nothing there. `pointed` maps names to the plain digest of what a
    pointer stands for there (None: content that isn't at hand), `elsewhere` those of the other
    side. `forms` gives every way in which a plain digest may have been recorded.
    """

    absent: frozenset[str] = frozenset()
    pointed: Mapping[str, str | None] = field(default_factory=dict)
    elsewhere: Mapping[str, str | None] = field(default_factory=dict)
    forms: Callable[[str], tuple[str, ...]] = lambda digest: (digest,)


class Side:
    """One side of the comparison: `after` is True for the head.

    The first of `witnesses` whose word counts on a name has it. `listings` and `installed` know
    both sides.
    """

    def __init__(
        self,
        label: str,
        witnesses: Sequence[Witness],
        known: Known,
        *,
        listings: Listings,
        installed: Installed,
        after: bool,
    ) -> None:
        self.label = label
        self._witnesses = witnesses
        self._known = known
        self._listings = listings
        self._installed = installed
        self._after = after
        self._speaking: dict[str, Viewpoint | None] = {}

    def has_word(self, name: str) -> bool:
        """Know what git tracks or tracked, what pointers stand for, and URIs as recorded."""
        known = self._known
        if is_uri(name) or name in known.absent or name in known.pointed:
            return True
        return self._listings.is_folder(name) or self._witness(name) is not None

    def is_absent(self, name: str) -> bool:
        """Know what the other side has and this one hasn't."""
        if is_uri(name) or name in self._known.pointed:
            return False
        if name in self._known.absent:
            return True
        if self._listings.lists(name, after=self._after):
            return False
        witness = self._witness(name)
        if witness is None:
            return self._listings.is_folder(name)
        return witness.is_absent(name)

    def whole(self, name: str, candidates: Collection[str]) -> str | None:
        """Give which of these digests lies there."""
        if name in self._known.pointed:
            found = self._known.pointed[name]
            forms = self._known.forms(found) if found is not None else ()
            return next((one for one in forms if one in candidates), None)
        witness = None if self._is_otherwise(name) else self._witness(name)
        return witness.whole(name, candidates) if witness is not None else None

    def is_sure(self, name: str, candidates: Collection[str]) -> bool:
        """Tell whether a None of `whole` means that none of them lies there."""
        if name in self._known.pointed:
            return self._after or self._known.pointed[name] is not None
        witness = None if self._is_otherwise(name) else self._witness(name)
        return witness is not None and witness.is_sure(name, candidates)

    def compare(self, name: str, part: str, digest: str, *, whole: str | None = None) -> Verdict:
        """Compare a part as recorded with what lies there on this side."""
        if is_uri(name):
            machine = name.startswith("env:")
            return _verdict(not machine or self._installed.stands(part, digest, after=self._after))
        if name in self._known.absent:
            return _verdict(digest == ABSENT)
        if name in self._known.pointed:
            return self._compare_pointed(name, part, digest, whole)
        if self._listings.is_folder(name):
            return self._compare_folder(name, part, digest)
        witness = self._witness(name)
        if witness is None:
            return Verdict.UNKNOWN
        return witness.compare(name, part, digest, whole=whole)

    def prepare(self, wanted: Wanted) -> None:
        """Let each witness look at its names in bulk."""
        shares: list[dict[str, Collection[tuple[str, str]]]] = [{} for _ in self._witnesses]
        for name, pairs in wanted.items():
            if is_uri(name) or self._is_otherwise(name) or name in self._known.pointed:
                continue
            witness = self._witness(name)
            for (view, _), share in zip(self._witnesses, shares, strict=True):
                if view is witness:
                    share[name] = pairs
                    break
        for (view, _), share in zip(self._witnesses, shares, strict=True):
            if share:
                view.prepare(share)

    # -- inside -------------------------------------------------------------------------------

    def _is_otherwise(self, name: str) -> bool:
        folder = self._listings.lists(name, after=self._after)
        return is_uri(name) or name in self._known.absent or folder

    def _witness(self, name: str) -> Viewpoint | None:
        if name not in self._speaking:
            self._speaking[name] = next(
                (view for view, counts in self._witnesses if counts(name) and view.has_word(name)),
                None,
            )
        return self._speaking[name]

    def _compare_folder(self, name: str, part: str, digest: str) -> Verdict:
        there = self._listings.lists(name, after=self._after)
        if digest == ABSENT:
            return _verdict(self.is_absent(name))
        if part == EXISTS:
            return _verdict(not self.is_absent(name))
        witness = self._witness(name)
        if part.startswith(IMPORTS):
            if witness is not None and witness.compare(name, part, digest) is Verdict.SAME:
                return Verdict.SAME
            return _verdict(self._listings.imports(name, part, digest, after=self._after))
        if part == LISTING:
            if witness is not None and witness.compare(name, part, digest) is Verdict.SAME:
                return Verdict.SAME
            return _verdict(self._listings.stands(name, digest, after=self._after))
        # What was a file on the one side is a folder on the other.
        if there or witness is None:
            return Verdict.DIFFERENT
        return witness.compare(name, part, digest)

    def _compare_pointed(self, name: str, part: str, digest: str, whole: str | None) -> Verdict:
        if digest == ABSENT:
            return Verdict.DIFFERENT
        if part == EXISTS:
            return Verdict.SAME
        found = self._known.pointed[name]
        if found is not None:
            forms = self._known.forms(found)
            return _verdict(whole in forms or digest in forms)
        # Content that isn't at hand: before the change it is what was recorded, unless that is
        # what the change brings; after it, something else.
        brought = self._known.elsewhere.get(name)
        forms = self._known.forms(brought) if brought is not None else ()
        return _verdict(not self._after and whole not in forms and digest not in forms)


def _verdict(same: bool) -> Verdict:
    return Verdict.SAME if same else Verdict.DIFFERENT
