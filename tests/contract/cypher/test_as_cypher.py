"""Values written into a statement come back as they are, on a server and without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provgraph.explorer.as_cypher import literal
from provgraph.graph.cypher import CypherEngine
from provgraph.graph.ladybug import LocalCypher
from provgraph.graph.neo4j import Connection
from provgraph.graph.neo4j.querying import Neo4jCypher
from tests.contract.cypher.test_local_cypher import chain
from tests.support.neo4j.server import Neo4j
from tests.unit.explorer.conftest import CYPHER, KEYS, MARKUP

TEXTS = [
    *(text for text in (*MARKUP, *KEYS, *CYPHER) if "\x00" not in text),
    "", "'", "\\", "\\\\", "\\'", "\\u0027", "\\\\u0027", "\\U0001f600", "\\uuu0027", "\\n",
    "a\nb\rc\td", "\u2028", "naïve/ünï.csv", "🙂", "`x`", '"', "$name", "// no comment", "/* x */",
]  # fmt: skip


@pytest.fixture(params=["neo4j", "local"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CypherEngine]:
    if request.param == "local":
        yield LocalCypher(tmp_path / "cache", "state", lambda: chain(1))
        return
    server: Neo4j = request.getfixturevalue("neo4j")
    connection = Connection(server.url)
    connection.prepare()
    yield Neo4jCypher(connection)
    connection.close()


def test_texts_come_back(engine: CypherEngine) -> None:
    def ask(said: str) -> object:
        return next(iter(engine.run(f"RETURN {said} AS x")[1]))[0]

    assert {text: ask(literal(text)) for text in TEXTS} == {text: text for text in TEXTS}
    assert ask(literal(["a'b", "c"])) == ["a'b", "c"]
    assert [ask(literal(value)) for value in (True, False, None, 7, 1.5)] == [
        True, False, None, 7, 1.5,
    ]  # fmt: skip
