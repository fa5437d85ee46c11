"""Fixtures: a Neo4j for each test process, and servers of a test's own to be stopped and killed."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.neo4j.server import Neo4j, NoNeo4j, Server, a_neo4j
from tests.support.required import missing

PrivateNeo4j = Callable[..., Server]


@pytest.fixture(scope="session")
def _neo4j_of_process() -> Iterator[Neo4j]:
    with ExitStack() as stack:
        try:
            found = stack.enter_context(a_neo4j())
        except NoNeo4j as error:
            missing("neo4j", str(error))
        refuse_foreign(found)
        yield found


@pytest.fixture
def neo4j(_neo4j_of_process: Neo4j, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4j]:
    """Give an empty server, to one test at a time."""
    base = tmp_path_factory.getbasetemp().parent
    with (base / f"{_neo4j_of_process.url.rpartition(':')[2]}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the one of NEO4J_URL
        wipe(_neo4j_of_process)
        yield _neo4j_of_process


@pytest.fixture
def private_neo4j(tmp_path: Path) -> Iterator[PrivateNeo4j]:
    """Start servers of the test's own, from Maven artefacts."""
    servers: list[Server] = []

    def start(**options: str) -> Server:
        try:
            server = Server(tmp_path / f"neo4j-{len(servers)}", **options)
            server.start()
        except NoNeo4j as error:
            missing("neo4j", str(error))
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.kill()


def refuse_foreign(server: Neo4j) -> None:
    """Don't let tests empty a database that holds somebody's things."""
    with driver_of(server) as driver:
        records, _, _ = driver.execute_query(
            "OPTIONAL MATCH (l:LedgerLayout) WITH count(l) AS ours"
            " RETURN ours, COUNT { MATCH () } AS nodes"
        )
    if records[0]["nodes"] and not records[0]["ours"]:
        pytest.fail(f"{server.url} holds data that isn't provgraph's; tests would delete it")


def wipe(server: Neo4j) -> None:
    """Empty a server; constraints and indexes stay."""
    with driver_of(server) as driver, driver.session() as session:
        session.run(
            "MATCH (n) WHERE NOT n:LedgerLayout"
            " CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
        ).consume()


def driver_of(server: Neo4j):  # type: ignore[no-untyped-def]
    """Open the plain driver."""
    from neo4j import GraphDatabase

    auth = (server.user, server.password) if server.user else None
    return GraphDatabase.driver(server.url, auth=auth, notifications_min_severity="OFF")
