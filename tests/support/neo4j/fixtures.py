"""Fixtures: a Neo4j for each test process, and servers of a test's own to be stopped and killed."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from tests.support.neo4j.server import Neo4j, NoNeo4j, Server, a_neo4j
from tests.support.required import missing

if TYPE_CHECKING:
    from neo4j import Driver

FIXTURES = {"neo4j", "neo4j_server", "private_neo4j"}


class PrivateNeo4j(Protocol):
    """Starts a server of the test's own; with a password, one that asks for it."""

    def __call__(self, *, password: str = "") -> Server: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a Neo4j."""
    for item in items:
        if isinstance(item, pytest.Function) and FIXTURES.intersection(item.fixturenames):
            item.add_marker(pytest.mark.neo4j)


@pytest.fixture(scope="session")
def neo4j_server() -> Iterator[Neo4j]:
    """Give the server of this test process, with what earlier tests left in it."""
    with ExitStack() as stack:
        try:
            found = stack.enter_context(a_neo4j())
        except NoNeo4j as error:
            missing("neo4j", str(error))
        refuse_foreign(found)
        yield found


@pytest.fixture
def neo4j(neo4j_server: Neo4j, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neo4j]:
    """Give an empty server, to one test at a time."""
    base = tmp_path_factory.getbasetemp().parent
    with (base / f"{neo4j_server.url.rpartition(':')[2]}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the one of NEO4J_URL
        wipe(neo4j_server)
        yield neo4j_server


@pytest.fixture
def private_neo4j(tmp_path: Path) -> Iterator[PrivateNeo4j]:
    """Start servers of the test's own, from Maven artefacts."""
    with ExitStack() as servers:

        def start(*, password: str = "") -> Server:
            try:
                server = Server(
                    tmp_path / f"neo4j-{len(list(tmp_path.iterdir()))}", password=password
                )
                servers.callback(server.kill)
                server.start()
            except NoNeo4j as error:
                missing("neo4j", str(error))
            return server

        yield start


def refuse_foreign(server: Neo4j) -> None:
    """Don't let tests empty a database that holds somebody's things."""
    with driver_of(server) as driver:
        records, _, _ = driver.execute_query(
            "OPTIONAL MATCH (l:LedgerLayout) WITH count(l) AS ours"
            " RETURN ours, COUNT { MATCH () } AS nodes",
            database_=server.database or None,
        )
    if records[0]["nodes"] and not records[0]["ours"]:
        pytest.fail(f"{server.url} holds data that isn't provgraph's; tests would delete it")


def wipe(server: Neo4j) -> None:
    """Empty a server; constraints and indexes stay."""
    with driver_of(server) as driver, driver.session(database=server.database or None) as session:
        session.run(
            "MATCH (n) WHERE NOT n:LedgerLayout"
            " CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
        ).consume()


def driver_of(server: Neo4j) -> Driver:
    """Open the plain driver."""
    from neo4j import GraphDatabase

    auth = (server.user, server.password) if server.user else None
    return GraphDatabase.driver(server.url, auth=auth, notifications_min_severity="OFF")
