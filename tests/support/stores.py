"""Empty graph stores to test with, by name."""

from provgraph.graph.neo4j import Connection, Neo4jGraph
from tests.support.neo4j.fixtures import wipe
from tests.support.neo4j.server import Neo4j


def empty_neo4j(server: Neo4j) -> Neo4jGraph:
    """Empty a server and give the store over it; so it holds one store at a time."""
    wipe(server)
    return Neo4jGraph(Connection(server.url), folder="tests")
