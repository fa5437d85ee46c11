"""The graph in a Neo4j that a team shares."""

from provgraph.graph.neo4j.connection import Connection
from provgraph.graph.neo4j.place import is_neo4j_url
from provgraph.graph.neo4j.store import Neo4jGraph

__all__ = ["Connection", "Neo4jGraph", "is_neo4j_url"]
