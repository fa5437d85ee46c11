"""Reach over Neo4j."""

from __future__ import annotations

from provgraph.graph.interface import GraphStore
from provgraph.graph.neo4j.lookups import Base


class Reaching(Base, GraphStore):
    """The reach part of the contract."""
