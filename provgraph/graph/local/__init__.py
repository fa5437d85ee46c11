"""The local graph: one SQLite file, walked in plain Python or through cached arrays."""

from provgraph.graph.local.schema import NeedsRebuild, Unkept, remove_index
from provgraph.graph.local.store import LocalGraph

__all__ = ["LocalGraph", "NeedsRebuild", "Unkept", "remove_index"]
