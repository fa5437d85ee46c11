"""Whether a shared graph is well: its version, its constraints, its clock, what both sides hold."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from provgraph.graph.neo4j.statements import statements
from provgraph.graph.neo4j.store import Neo4jGraph

SKEW = 5.0  # s between two clocks that is no cause for worry


class Finding(NamedTuple):
    """One thing looked at: whether it is well, what was found, what to do if it isn't."""

    about: str
    ok: bool
    found: str
    hint: str = ""


def look(graph: Neo4jGraph, records: AbstractSet[str]) -> Iterator[Finding]:
    """Look at a shared graph; `records` are the names of the records that this ledger has."""
    connection = graph.connection
    version, edition = connection.version()
    logged_in = "" if connection.user is None else f", as {connection.user}"
    yield Finding("server", True, f"Neo4j {version} {edition} at {connection.place}{logged_in}")
    yield _constraints(graph)
    before = time.time()
    row = connection.read("look-up/health", folder=graph.folder)[0]
    yield _clock(row[0] / 1000 - (before + time.time()) / 2)
    yield _records(graph, records, projected=row[2])


def _constraints(graph: Neo4jGraph) -> Finding:
    wanted = {
        name
        for one in statements("schema/constraints")
        for name in re.findall(r"CREATE (?:CONSTRAINT|INDEX) (\w+)", one)
    }
    there = {row[0] for row in graph.connection.read("look-up/constraints")}
    lacking = sorted(wanted - there)
    if lacking:
        few = ", ".join(lacking[:3]) + (", …" if len(lacking) > 3 else "")
        return Finding(
            "schema",
            False,
            f"{len(lacking)} of {len(wanted)} constraints and indexes are missing: {few}",
            "provgraph graph rebuild makes them again",
        )
    return Finding("schema", True, f"all {len(wanted)} constraints and indexes are there")


def _clock(skew: float) -> Finding:
    if abs(skew) <= SKEW:
        return Finding("clock", True, "the server's agrees with this machine's")
    way = "ahead of" if skew > 0 else "behind"
    return Finding(
        "clock",
        False,
        f"the server's is {abs(skew):,.0f} s {way} this machine's",
        "set both by NTP: which run was last is told by clocks",
    )


def _records(graph: Neo4jGraph, here: AbstractSet[str], *, projected: int) -> Finding:
    there = graph.record_names()
    found = f"{len(here):,} here, {len(there):,} there"
    differences = []
    if len(here - there):
        differences.append(f"{len(here - there):,} not sent yet")
    if len(there - here):
        differences.append(f"{len(there - here):,} that this clone lacks")
    if len(there) > projected:
        differences.append(f"{len(there) - projected:,} not in the graph")
    # None of this is wrong: the next question sends, and the graph may know more than a clone.
    return Finding("records", True, ", ".join([found, *differences]))
