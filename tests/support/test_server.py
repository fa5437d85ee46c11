"""The Neo4j that the tests start: it answers, asks for its password, keeps data, leaves nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from neo4j.exceptions import AuthError

from tests.support.neo4j.fixtures import PrivateNeo4j, driver_of, refuse_foreign, wipe
from tests.support.neo4j.server import Neo4j, NoNeo4j, a_neo4j, prepare
from tests.support.required import missing

ROOT = Path(__file__).parents[2]
STARTS_ONE = """
import time
from pathlib import Path
from tests.support.neo4j.server import Server

server = Server(Path("data"))
server.start()
print(server.url, flush=True)
time.sleep(600)
"""


def asked(server: Neo4j, statement: str) -> list[object]:
    with driver_of(server) as driver:
        return [row[0] for row in driver.execute_query(statement)[0]]


def listens(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as caller:
        return caller.connect_ex((str(parts.hostname), int(parts.port or 0))) == 0


def test_answers(neo4j_server: Neo4j) -> None:
    assert asked(neo4j_server, "RETURN 1") == [1]


def test_who_asks_for_a_server_is_marked(
    neo4j_server: Neo4j, request: pytest.FixtureRequest
) -> None:
    assert request.node.get_closest_marker("neo4j")


def test_asks_for_its_password_also_after_a_restart(private_neo4j: PrivateNeo4j) -> None:
    server = private_neo4j(password="a long secret")
    server.stop()
    server.start()
    assert asked(server.access, "RETURN 1") == [1]
    with pytest.raises(AuthError):
        asked(Neo4j(server.url, "neo4j", "another one"), "RETURN 1")
    with pytest.raises(AuthError):
        asked(Neo4j(server.url), "RETURN 1")


def test_keeps_port_and_data_when_killed(private_neo4j: PrivateNeo4j) -> None:
    server = private_neo4j()
    asked(server.access, "CREATE (:Kept {name: 'this'})")
    url = server.url
    server.kill()
    assert not listens(url)
    server.start()
    assert server.url == url
    assert asked(server.access, "MATCH (n:Kept) RETURN n.name") == ["this"]


def test_foreign_data_is_not_emptied(private_neo4j: PrivateNeo4j) -> None:
    server = private_neo4j().access
    refuse_foreign(server)
    asked(server, "CREATE (:Somebodys)")
    with pytest.raises(pytest.fail.Exception, match="isn't provgraph's"):
        refuse_foreign(server)
    asked(server, "CREATE (:LedgerLayout)")
    refuse_foreign(server)
    wipe(server)
    assert asked(server, "MATCH (n) RETURN labels(n)") == [["LedgerLayout"]]


@pytest.mark.neo4j
def test_ends_when_who_started_it_is_killed(tmp_path: Path) -> None:
    try:
        prepare()
    except NoNeo4j as error:
        missing("neo4j", str(error))
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        assert listens(url)
        starter.kill()
    end = time.monotonic() + 30
    while listens(url):
        assert time.monotonic() < end, f"{url} still listens"
        time.sleep(0.1)


def test_a_server_that_is_named_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEO4J_URL", "bolt://db.example.org:7687")
    monkeypatch.delenv("NEO4J_USERNAME", raising=False)
    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    monkeypatch.setenv("NEO4J_DATABASE", "tests")
    with a_neo4j() as server:
        assert server == Neo4j("bolt://db.example.org:7687", "neo4j", "secret", "tests")


def test_none_anywhere_gives_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NEO4J_URL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoNeo4j, match="no NEO4J_URL, no Docker, and no `java`"), a_neo4j():
        pass
