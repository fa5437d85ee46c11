"""Cypher without a server: a throw-away copy of the graph, asked in a child process."""

from provgraph.graph.ladybug.local_cypher import LocalCypher

__all__ = ["LocalCypher"]
