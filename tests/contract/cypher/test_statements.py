"""Each statement of `cypher/` is planned by a real server: it parses, and its look-ups seek."""

from pathlib import Path

import pytest

from provgraph.graph.library import read_entry
from provgraph.graph.neo4j import Connection
from provgraph.graph.neo4j.statements import statements
from provgraph.resources import resource_folder
from tests.support.neo4j.fixtures import driver_of
from tests.support.neo4j.server import Neo4j

FOLDER = resource_folder("cypher")
FILES = sorted(FOLDER.rglob("*.cypher"))
SCANS = ("AllNodesScan", "NodeByLabelScan", "DirectedRelationshipTypeScan")


def operators(plan: object) -> list[str]:
    assert isinstance(plan, dict)
    return [
        plan["operatorType"],
        *(o for child in plan.get("children", ()) for o in operators(child)),
    ]


@pytest.fixture
def laid_out(neo4j: Neo4j) -> Neo4j:
    connection = Connection(neo4j.url)
    connection.prepare()
    connection.close()
    return neo4j


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_statement_is_planned(path: Path, laid_out: Neo4j) -> None:
    name = path.relative_to(FOLDER).with_suffix("").as_posix()
    wanted = [one.name for one in read_entry(path).parameters]
    with driver_of(laid_out) as driver, driver.session() as session:
        for statement in statements(name):
            summary = session.run("EXPLAIN " + statement, dict.fromkeys(wanted)).consume()
            plan = summary.plan
            assert plan is not None
            if "USING INDEX" in statement:
                found = [operator.partition("@")[0] for operator in operators(plan)]
                assert not set(found) & set(SCANS), found
            if path.parent.name in ("look-up", "read"):
                assert summary.query_type in ("r", "s")
