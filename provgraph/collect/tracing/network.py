"""Name the hosts that a run talked to: what came from them is in no record.

A host goes by the name that the run looked it up by; where several names led to one address, all of
them count, since nobody saw which was meant. Without a name it goes by its address.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from provgraph.collect.noise import IDLE_PORTS
from provgraph.collect.tracing.audit.log import ProcessLog
from provgraph.collect.tracing.preload.ring import ANY, UNKNOWN

_MOST_HOSTS = 32  # named for a run; beyond, they are counted
_MOST_PORTS = 3  # of a host
_LONGEST = 253  # letters of a name in the domain name system
_MAPPED = bytes(10) + b"\xff\xff"  # an address of IPv4, written as one of IPv6
_UNSAFE = re.compile(rb"[^a-z0-9._-]")


@dataclass
class Traffic:
    """Who was met over the network.

    `hosts` maps an address to ports, each with whether it is the machine itself; `names` an
    address to the names that led there; `listening` are the (address, port) of the run's own
    servers.
    """

    hosts: dict[str, dict[int, bool]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    listening: set[tuple[str, int]] = field(default_factory=set)

    def met(self, address: str, port: int, here: bool = False) -> None:
        """Take note that a run talked to an address; `here`: it is the machine's own."""
        ports = self.hosts.setdefault(plain(address), {})
        ports[port] = ports.get(port, True) and here

    def looked_up(self, name: bytes, addresses: Iterable[bytes]) -> None:
        """Take note that a name led to addresses."""
        shown = host_name(name)
        for address in addresses if shown else ():
            self.names[plain(address.decode("ascii", "replace"))].add(shown)

    def strangers(self) -> Iterator[tuple[str, int]]:
        """Give the hosts outside, by name, with ports: neither this machine's nor the run's own."""
        for address, ports in self.hosts.items():
            if is_loopback(address):
                continue
            shown = sorted(self.names.get(address, ())) or [_shown(address)]
            for port, here in ports.items():
                if port in IDLE_PORTS or (here and self._is_ours(address, port)):
                    continue
                yield from ((name, port) for name in shown)

    def _is_ours(self, address: str, port: int) -> bool:
        """Tell whether a port of this machine is one that the run itself serves."""
        places = {address, "0.0.0.0", "::"}  # noqa: S104 - what they bound to
        return port == ANY or any((place, port) in self.listening for place in places)


def gaps_of(seen: Traffic, logs: Sequence[ProcessLog]) -> Iterator[tuple[str, str]]:
    """Give a gap for each host that a run talked to, `host:port`; over a bound they are counted.

    `logs` are what the audit hooks of its Pythons saw besides.
    """
    for log in logs:
        for name, addresses in log.lookups:
            seen.looked_up(name, addresses)
        for address, port in log.contacts:
            if port not in seen.hosts.get(plain(address), ()):
                seen.met(address, port)
    ports: dict[str, list[int]] = {}
    for host, port in seen.strangers():
        known = ports.setdefault(host, [])
        if port not in known:
            known.append(port)
    for host in list(ports)[:_MOST_HOSTS]:
        several = ports[host]
        if ANY in several or len(several) > _MOST_PORTS:
            yield "network", f"{host}:*"
        else:
            yield from (("network", f"{host}:{port}") for port in several)
    if len(ports) > _MOST_HOSTS:
        yield "network", f"{len(ports) - _MOST_HOSTS} more hosts"


def host_name(name: bytes) -> str:
    """Spell a name as it may be written down; "" for an address, and for what can't be a name.

    What stands before an `@` isn't kept: it is whom somebody wanted to be there, and a password.
    """
    text = name
    if not text.isascii():
        with contextlib.suppress(UnicodeError):  # what looks like an `@` becomes one
            text = unicodedata.normalize("NFKC", text.decode()).encode()
    text = text.rpartition(b"@")[2].rstrip(b".").lower()
    if not text.isascii():
        with contextlib.suppress(UnicodeError):
            text = text.decode().encode("idna")
    if not text or len(text) > _LONGEST or _packed(text.decode("ascii", "replace")):
        return ""
    return _UNSAFE.sub(lambda one: b"%%%02x" % one[0][0], text).decode("ascii")


def plain(address: str) -> str:
    """Spell an address in its one canonical way; one that can't be read stays as it is."""
    data = _packed(address)
    if not data:
        return address
    return socket.inet_ntop(socket.AF_INET if len(data) == 4 else socket.AF_INET6, data)


def is_loopback(address: str) -> bool:
    """Tell whether an address leads back to the machine whatever its network is."""
    data = _packed(address)
    if len(data) == 4:
        return data[0] == 127 or not any(data)
    if data:
        return not any(data[:15]) and data[15] in (0, 1)
    return address == "" or f".{address.lower().rstrip('.')}".endswith(".localhost")


def _packed(address: str) -> bytes:
    """Give an address as 4 or 16 bytes; none where it isn't one. A zone (`%eth0`) says nothing."""
    address = address.partition("%")[0]
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            data = socket.inet_pton(family, address)
        except (OSError, ValueError):
            continue
        return data[12:] if data.startswith(_MAPPED) else data
    return b""


def _shown(address: str) -> str:
    """Spell an address, or a name in its place, as the host of a gap."""
    if _packed(address):
        return f"[{address}]" if ":" in address else address
    name = host_name(os.fsencode(address)) if address != UNKNOWN else ""
    return name or "an unknown address"
