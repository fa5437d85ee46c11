"""What is kept of whom a run talked to: hosts, spelt safely, and no more than people read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.collect.tracing.audit.log import ProcessLog
from provgraph.collect.tracing.network import (
    Traffic,
    gaps_of,
    host_name,
    is_loopback,
    plain,
)
from provgraph.collect.tracing.preload.ring import ANY, UNKNOWN
from provgraph.model.gaps import host_of


def subjects(seen: Traffic, *logs: ProcessLog) -> list[str]:
    gaps = list(gaps_of(seen, logs))
    assert {reason for reason, _ in gaps} <= {"network"}
    return [subject for _, subject in gaps]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"Data.Example.ORG.", "data.example.org"),
        (b"user:secret@data.example.org", "data.example.org"),
        ("user:secret\uff20bücher.example".encode(), "xn--bcher-kva.example"),
        (b"a@b@data.example.org", "data.example.org"),
        (b"evil\x1b[2J\n.example", "evil%1b%5b2j%0a.example"),
        ("bücher.example".encode(), "xn--bcher-kva.example"),
        (b"data.example.org:80", "data.example.org%3a80"),
        (b"x" * 254, ""),
        (b"198.51.100.7", ""),
        (b"2001:DB8::7", ""),
        (b"fe80::1%eth0", ""),
        (b"user:secret@", ""),
        (b"", ""),
        (b"\xff\xfe", "%ff%fe"),
        ("✗.example".encode(), "xn--jci.example"),
    ],
)
def test_a_name_is_spelt_safely(name: bytes, shown: str) -> None:
    assert host_name(name) == shown


@given(st.binary(max_size=300))
def test_no_name_breaks_out_of_its_gap(name: bytes) -> None:
    seen = Traffic()
    seen.looked_up(name, [b"198.51.100.7"])
    seen.met("198.51.100.7", 80)
    for subject in subjects(seen):
        assert subject.isascii()
        assert subject.isprintable()
        assert not set(subject) & set(" @/")
        assert host_of(subject) is not None


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.9.1", "0.0.0.0", "::1", "::", "0:0:0:0:0:0:0:1"),
        *("::ffff:127.0.0.1", "0:0:0:0:0:ffff:7f00:1", "localhost", "a.LocalHost.", ""),
    ],
)
def test_what_leads_back_is_no_network(address: str) -> None:
    assert is_loopback(address)
    seen = Traffic()
    seen.met(address, 80)
    assert subjects(seen) == []


@pytest.mark.parametrize("address", ["128.0.0.1", "::2", "10.0.0.1", "localhost.example", UNKNOWN])
def test_what_leads_elsewhere_is(address: str) -> None:
    assert not is_loopback(address)


def test_an_address_has_one_spelling() -> None:
    assert plain("0:0:0:0:0:ffff:c633:6407") == plain("::ffff:198.51.100.7") == "198.51.100.7"
    assert plain("2001:DB8:0:0:0:0:0:7") == "2001:db8::7"
    assert plain("no address") == "no address"


def test_an_address_that_is_not_known_is_said() -> None:
    seen = Traffic()
    seen.met(UNKNOWN, 443)
    assert subjects(seen) == ["an unknown address:443"]


def test_ports_that_carry_nothing_are_left_out() -> None:
    seen = Traffic()
    seen.met("198.51.100.7", 0)  # how resolvers find out which way leads there
    seen.met("198.51.100.7", 53)
    assert subjects(seen) == []
    seen.met("198.51.100.7", ANY)
    assert subjects(seen) == ["198.51.100.7:*"]


def test_hosts_over_the_bound_are_counted() -> None:
    seen = Traffic()
    for number in range(250):
        seen.met(f"10.0.0.{number}", 443)
    said = subjects(seen)
    assert said[0] == "10.0.0.0:443"
    assert len(said) == 33
    assert said[-1] == "218 more hosts"


def test_what_the_hooks_saw_adds_to_what_the_library_did() -> None:
    seen = Traffic(listening={("0.0.0.0", 8000)})
    seen.met("198.51.100.1", 8000, here=True)
    log = ProcessLog(
        contacts=[("198.51.100.1", 8000), ("198.51.100.7", 443)],
        lookups=[(b"data.example.org", (b"198.51.100.7", b"2001:db8::7"))],
    )
    assert subjects(seen, log) == ["data.example.org:443"]


def test_a_port_of_the_runs_own_is_only_so_on_this_machine() -> None:
    seen = Traffic(listening={("198.51.100.1", 8000)})
    seen.met("198.51.100.1", 8000, here=True)
    assert subjects(seen) == []
    seen.met("198.51.100.1", 8000, here=False)
    assert subjects(seen) == ["198.51.100.1:8000"]
