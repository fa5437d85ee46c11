"""The pure viewpoints: the ledger alone, and a change laid over another."""

from collections.abc import Collection

import pytest

from provgraph.analysis.viewpoint import (
    ANY_OTHER,
    GONE,
    Changed,
    Content,
    LedgerAlone,
    Verdict,
    Viewpoint,
    Wanted,
    other_parts,
)
from provgraph.model.digests import ABSENT

SAME, DIFFERENT, UNKNOWN = Verdict.SAME, Verdict.DIFFERENT, Verdict.UNKNOWN


class Fixed:
    """A viewpoint with given contents: name → part → digest; no parts: absent."""

    label = "fixed"

    def __init__(self, names: dict[str, dict[str, str]]) -> None:
        self.names = names
        self.prepared: list[str] = []

    def has_word(self, name: str) -> bool:
        return name in self.names

    def is_absent(self, name: str) -> bool:
        return self.names.get(name) == {}

    def whole(self, name: str, candidates: Collection[str]) -> str | None:
        digest = self.names.get(name, {}).get("#bytes")
        return digest if digest in candidates else None

    def is_sure(self, name: str, candidates: Collection[str]) -> bool:
        return name in self.names

    def compare(self, name: str, part: str, digest: str, *, whole: str | None = None) -> Verdict:
        if name not in self.names:
            return UNKNOWN
        return SAME if self.names[name].get(part, ABSENT) == digest else DIFFERENT

    def prepare(self, wanted: Wanted) -> None:
        self.prepared += wanted


BASE = Fixed({"cfg": {"#bytes": "b3:1", "lr": "b3:l", "m.d": "b3:d"}, "gone": {}})


def test_the_contract_is_met() -> None:
    for view in (LedgerAlone(), Changed(BASE, {}), BASE):
        assert isinstance(view, Viewpoint)


def test_the_ledger_alone_has_no_words() -> None:
    view = LedgerAlone()
    assert not view.has_word("a")
    assert not view.is_absent("a")
    assert view.whole("a", ["b3:1"]) is None
    assert not view.is_sure("a", [])
    assert view.compare("a", "#bytes", "b3:1") is UNKNOWN
    view.prepare({"a": [("#bytes", "b3:1")]})
    assert view.label == "ledger"


def test_an_overlay_leaves_the_rest_alone() -> None:
    view = Changed(BASE, {"x": ANY_OTHER})
    assert view.compare("cfg", "lr", "b3:l") is SAME
    assert view.whole("cfg", ["b3:1"]) == "b3:1"
    assert view.is_absent("gone")
    assert not view.has_word("y")
    assert view.label == "fixed, changed"


@pytest.mark.parametrize("digest", ["b3:1", "v:2", "k:00:1", ABSENT])
def test_unseen_bytes_differ_from_everything(digest: str) -> None:
    view = Changed(BASE, {"cfg": ANY_OTHER, "new": ANY_OTHER})
    for name in ("cfg", "new"):
        assert view.has_word(name)
        assert not view.is_absent(name)
        assert view.compare(name, "lr", digest, whole="b3:1") is DIFFERENT
        assert view.whole(name, [digest]) is None
        assert view.is_sure(name, [digest])


def test_what_is_gone_is_absent() -> None:
    view = Changed(BASE, {"cfg": GONE})
    assert view.is_absent("cfg")
    assert view.compare("cfg", "lr", "b3:l", whole="b3:1") is DIFFERENT
    assert view.compare("cfg", "lr", ABSENT) is SAME
    assert view.whole("cfg", [ABSENT]) == ABSENT


def test_only_the_given_parts_differ() -> None:
    view = Changed(BASE, {"cfg": other_parts("m")})
    assert view.compare("cfg", "m.d", "b3:d") is DIFFERENT
    assert view.compare("cfg", "#bytes", "b3:1") is DIFFERENT
    assert view.compare("cfg", "lr", "b3:l", whole="b3:1") is SAME
    assert view.compare("cfg", "lr", "b3:other") is DIFFERENT
    assert view.whole("cfg", ["b3:1"]) is None
    inner = Changed(BASE, {"cfg": other_parts("m.d.e")})
    assert inner.compare("cfg", "m.d", "b3:d") is DIFFERENT
    assert Changed(BASE, {"cfg": other_parts("m.dd")}).compare("cfg", "m.d", "b3:d") is SAME


def test_changed_bytes_may_change_every_part() -> None:
    view = Changed(BASE, {"cfg": other_parts("#bytes")})
    assert view.compare("cfg", "lr", "b3:l") is DIFFERENT


def test_other_parts_of_what_the_base_does_not_know_stay_unknown() -> None:
    view = Changed(LedgerAlone(), {"env:x": other_parts("numpy")})
    assert view.compare("env:x", "numpy", "v:1") is DIFFERENT
    assert view.compare("env:x", "scipy", "v:1") is UNKNOWN


def test_given_content_is_compared_by_its_parts() -> None:
    view = Changed(BASE, {"cfg": Content(whole="b3:2", parts={"lr": "b3:l", "#order": "b3:o"})})
    assert view.whole("cfg", ["b3:1", "b3:2"]) == "b3:2"
    assert view.compare("cfg", "#bytes", "b3:2") is SAME
    assert view.compare("cfg", "lr", "b3:l", whole="b3:1") is SAME
    assert view.compare("cfg", "x", ABSENT, whole="b3:1") is SAME
    assert view.compare("cfg", "#syntax", "ast3.11:1", whole="b3:1") is DIFFERENT
    assert view.compare("cfg", "#syntax", "ast3.11:1", whole="b3:2") is SAME
    assert view.compare("cfg", "lr", "k:00:1") is UNKNOWN
    assert not view.is_sure("cfg", ["k:00:1"])


def test_only_what_the_base_is_asked_for_is_prepared() -> None:
    base = Fixed({})
    Changed(base, {"a": ANY_OTHER, "b": other_parts("x")}).prepare({"a": [], "b": [], "c": []})
    assert base.prepared == ["b", "c"]
