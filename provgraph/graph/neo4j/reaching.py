"""Reach over Neo4j: the server walks and counts steps; who led where is asked only when needed.

From a few vertices one statement walks whatever the depth, each vertex once. From many it would
walk once for each, so a wide frontier takes a step at a time until it is narrow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import overload

from provgraph.graph.interface import GraphStore, Reach
from provgraph.graph.neo4j.lookups import Base, plain

FEW = 4  # vertices from which the server walks at once

Next = Callable[[Sequence[int]], Mapping[int, Sequence[int]]]


class Reaching(Base, GraphStore):
    """The reach part of the contract."""

    wide = 0  # each look-up goes over the network

    def reach(self, seeds: Sequence[int], *, backwards: bool = False) -> Reach:
        onward, back = ("causes", "effects") if backwards else ("effects", "causes")
        frontier = plain(seeds)
        begun = frozenset(frontier)
        keys, depths = list[int](), list[int]()
        seen = set(begun)
        level = 0
        while len(frontier) > FEW:
            level += 1
            following = self._next(onward, frontier)
            frontier = plain(e for ends in following.values() for e in ends if e not in seen)
            seen.update(frontier)
            keys += frontier
            depths += [level] * len(frontier)
        for steps, ends in sorted(self._rows(f"look-up/reached-{onward}", keys=frontier)):
            new = ends if seen.isdisjoint(ends) else [end for end in ends if end not in seen]
            keys += new
            depths += [level + steps] * len(new)
        nearer = Nearer(keys, depths, begun, lambda wanted: self._next(back, wanted))
        return Reach(key=keys, cause=nearer, depth=depths)

    def _next(self, way: str, keys: Sequence[int]) -> dict[int, Sequence[int]]:
        return dict(self._rows(f"look-up/next-{way}", keys=keys))


class Nearer(Sequence[int]):
    """From where each vertex was first reached: a neighbour one step nearer, asked for once."""

    def __init__(
        self, keys: Sequence[int], depths: Sequence[int], begun: Iterable[int], back: Next
    ) -> None:
        self._keys = keys
        self._depths = depths
        self._begun = begun
        self._back = back
        self._found: list[int] | None = None

    def _all(self) -> list[int]:
        if self._found is None:
            neighbours = self._back(self._keys)
            depths = dict.fromkeys(self._begun, 0) | dict(
                zip(self._keys, self._depths, strict=True)
            )
            self._found = [
                min(n for n in neighbours[key] if depths.get(n, -1) == depths[key] - 1)
                for key in self._keys
            ]
        return self._found

    def __len__(self) -> int:
        """Count the vertices."""
        return len(self._keys)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> list[int]: ...
    def __getitem__(self, index: int | slice) -> int | list[int]:
        """Give the nearer neighbour of a vertex, by its place."""
        return self._all()[index]

    def __iter__(self) -> Iterator[int]:
        """Give them in the order of the vertices."""
        return iter(self._all())
