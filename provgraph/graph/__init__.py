"""Graph stores: the contract, and the answers to it."""

from provgraph.graph.interface import GraphStore
from provgraph.graph.local import LocalGraph, NeedsRebuild, remove_index

__all__ = ["GraphStore", "LocalGraph", "NeedsRebuild", "remove_index"]
