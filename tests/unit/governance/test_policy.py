"""Which exception holds, and for how long."""

from __future__ import annotations

from datetime import date

import pytest

from provgraph.governance.policy import Acceptance, Policy
from provgraph.model.answers import GapNote
from provgraph.model.gaps import ACCEPTED, NOTED, words_of

DAY = date(2030, 1, 31)


def gap(subject: str, reason: str = "network") -> GapNote:
    return GapNote(NOTED, reason, subject, words_of(reason, subject))


@pytest.mark.parametrize(
    ("host", "subject", "covered"),
    [
        ("data.example.org", "data.example.org:443", True),
        ("data.example.org", "data.example.org:*", True),
        ("Data.Example.org.", "data.example.org:443", True),
        ("data.example.org:443", "data.example.org:443", True),
        ("data.example.org:443", "data.example.org:80", False),
        ("data.example.org:443", "data.example.org:*", False),
        ("data.example.org:*", "data.example.org:80", True),
        ("*.example.org", "a.b.example.org:443", True),
        ("*.example.org", "example.org:443", False),
        ("*.example.org", "evilexample.org:443", False),
        ("*.example.org", "data.example.org.evil.net:443", False),
        ("data.example.org", "dataXexample.org:443", False),
        ("10.*", "10.1.2.3:443", True),
        ("2001:db8::7", "[2001:db8::7]:443", True),
        ("[2001:db8::7]:443", "[2001:db8::7]:443", True),
        ("[2001:db8::*]:443", "[2001:db8::7]:80", False),
        ("*", "218 more hosts", True),
        ("*.example.org", "218 more hosts", False),
        ("*.py", "fetch.py", True),  # a record from before hosts were named
    ],
)
def test_a_host_is_covered_by_its_name(host: str, subject: str, covered: bool) -> None:
    assert Acceptance(host, "why", DAY).covers(subject) is covered


def test_an_acceptance_holds_through_its_day() -> None:
    policy = Policy(hosts=(Acceptance("*.example.org", "a mirror", DAY),))
    before = gap("data.example.org:443")
    accepted = policy.accept(before, DAY)
    assert (accepted.grade, accepted.reason, accepted.subject) == (ACCEPTED, *PLACE)
    assert accepted.words == f"{before.words}; accepted until 2030-01-31: a mirror"
    late = policy.accept(before, date(2030, 2, 1))
    assert late.grade == NOTED
    assert late.words == f"{before.words}; the exception «a mirror» ran out on 2030-01-31"


PLACE = ("network", "data.example.org:443")


def test_of_several_that_fit_one_that_holds_counts() -> None:
    policy = Policy(
        hosts=(
            Acceptance("*", "everything", date(2029, 1, 1)),
            Acceptance("*.org", "those", date(2028, 1, 1)),
            Acceptance("data.*", "data", DAY),
        )
    )
    valid, expired = policy.excuse_host(PLACE[1], DAY)
    assert valid is not None
    assert (valid.reason, expired) == ("data", None)
    valid, expired = policy.excuse_host("other.org:1", DAY)
    assert valid is None
    assert expired is not None
    assert expired.reason == "everything"


def test_only_the_network_is_accepted_by_hosts() -> None:
    policy = Policy(hosts=(Acceptance("*", "everything", DAY),))
    other = gap("psql", "handed-over")
    assert policy.accept(other, DAY) is other


def test_a_record_from_before_hosts_were_named_is_said_as_it_was() -> None:
    assert gap("fetch.py").words == (
        "fetch.py went over the network; what came from there isn't known"
    )
    assert gap("218 more hosts").words == (
        "what came from 218 more hosts over the network isn't known"
    )
