"""Reach without a look-up a level: over SQLite while small, then over the arrays.

Small answers are walked in plain Python, over SQLite or over the mapped file (`snapshot.py`);
numpy and scipy are imported for large ones only (0.4 s). Edges that came after the snapshot are
in `fresh`, and are joined exactly.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from provgraph.errors import StoreError
from provgraph.graph.interface import GraphStore, Reach
from provgraph.graph.local.lookups import CAUSES, EFFECTS, Base, among
from provgraph.graph.local.snapshot import Snapshot, compressed, joined

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int32]

WORTHWHILE = 200_000  # edges; below, SQLite and plain Python are quicker than any import
SMALL = 2_000  # vertices reached over SQLite before the arrays are asked
PLAIN = 40_000  # vertices reached in plain Python before scipy is worth its import
PLAIN_WARM = 1_000  # the same once scipy is there
MOST_FRESH = 200_000  # edges joined to a snapshot before a new one is taken
EVERYTHING = (
    "SELECT generation, run FROM uses",
    "SELECT run, generation FROM produces",
    "SELECT cause, effect FROM depends",
)
SPARE = 1 << 16  # seeds that fit behind the arrays' edges without copying them


class Reaching(Base, GraphStore):
    """The reach part of the contract."""

    _snapshot: Snapshot | None
    _merged: Snapshot | None

    def _prepare_arrays(self) -> None:
        self._snapshot = self._merged = None

    def _release_arrays(self) -> None:
        self._snapshot = self._merged = None

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Write; what a failed transaction had added to the words is forgotten."""
        collecting = gc.isenabled()
        gc.disable()  # rows are made by the hundred thousand, in no cycles: it only costs time
        try:
            with self._db.writing():
                yield
        except BaseException:
            self._words.forget()
            raise
        finally:
            if collecting:
                gc.enable()

    def reach(self, seeds: Sequence[int], *, backwards: bool = False) -> Reach:
        start = list(dict.fromkeys(int(seed) for seed in seeds))
        if self._snapshot is None:
            large = self._meta()["edges"] > WORTHWHILE
            done = self._over_tables(start, backwards=backwards, most=SMALL if large else None)
            if done is not None:
                return done
        snapshot = self._arrays()
        warm = "scipy.sparse.csgraph" in sys.modules
        done = _plain(snapshot, start, PLAIN_WARM if warm else PLAIN, backwards=backwards)
        return done if done is not None else _with_scipy(snapshot, start, backwards=backwards)

    def _meta(self) -> dict[str, int]:
        return dict(self._db.rows("SELECT name, value FROM meta"))

    def _over_tables(self, start: list[int], *, backwards: bool, most: int | None) -> Reach | None:
        """Walk level by level over SQLite; None once more than `most` vertices are reached."""
        statement = CAUSES if backwards else EFFECTS
        seen, frontier, level = set(start), start, 0
        reach = Reach(key=list[int](), cause=list[int](), depth=list[int]())
        keys, causes, depths = (cast("list[int]", c) for c in (reach.key, reach.cause, reach.depth))
        while frontier:
            if most is not None and len(seen) > most:
                return None
            level += 1
            begin = len(keys)
            for cause, effect, _ in self._db.rows(statement, (among(frontier),) * 3):
                near, far = (effect, cause) if backwards else (cause, effect)
                if far not in seen:
                    seen.add(far)
                    keys.append(far)
                    causes.append(near)
            frontier = keys[begin:]
            depths.extend([level] * len(frontier))
        return reach

    # -- the arrays --------------------------------------------------------------------------

    def _arrays(self) -> Snapshot:
        """Give arrays that hold exactly what the index holds now."""
        found = self._current()
        if found is None:
            self._snapshot = self._build()
            found = self._current() or self._snapshot
        return found

    def _current(self) -> Snapshot | None:
        """Join the snapshot with what came after it; None where there is none that can be used."""
        with self._db.reading():
            meta = self._meta()
            last = int(self._db.one("SELECT ifnull(max(seq), 0) FROM fresh"))
            snapshot = self._usable(self._snapshot, meta)
            if snapshot is None and self._db.path is not None:
                snapshot = self._usable(Snapshot.mapped(_beside(self._db.path)), meta)
            if snapshot is None or last - snapshot.seq > MOST_FRESH:
                return None
            self._snapshot = snapshot
            vertices = meta["next_key"]
            if snapshot.vertices >= vertices and snapshot.seq >= last:
                return snapshot
            merged = self._usable(self._merged, meta)
            if merged is not None and merged.vertices >= vertices and merged.seq >= last:
                return merged
            rows = self._db.rows("SELECT cause, effect FROM fresh WHERE seq > ?", (snapshot.seq,))
        self._merged = joined(snapshot, rows, vertices, max(last, snapshot.seq))
        return self._merged

    def _usable(self, snapshot: Snapshot | None, meta: dict[str, int]) -> Snapshot | None:
        if snapshot is None or not meta["logging"] or snapshot.epoch != meta["epoch"]:
            return None
        return snapshot if snapshot.seq >= meta["pruned"] else None

    def _build(self) -> Snapshot:
        """Take a snapshot of all edges, keep it beside the index, and have later ones noted."""
        import numpy as np

        with suppress(StoreError), self._db.writing():  # an index that can't be written is read
            self._db.run("UPDATE meta SET value = 1 WHERE name = 'logging'")
        with self._db.reading():
            meta = self._meta()
            seq = int(self._db.one("SELECT max(seq) FROM sqlite_sequence") or 0)
            pairs = np.concatenate(
                [
                    np.array(self._db.rows(statement), dtype=np.int32).reshape(-1, 2)
                    for statement in EVERYTHING
                ]
            )
        top = meta["next_key"]
        head = {"epoch": meta["epoch"], "seq": seq, "vertices": top, "edges": len(pairs)}
        cause, effect = pairs[:, 0], pairs[:, 1]
        blocks = (*compressed(cause, effect, top), *compressed(effect, cause, top))
        snapshot = Snapshot(head, blocks)
        if self._db.path is not None:
            snapshot.save(_beside(self._db.path))
            with suppress(StoreError), self._db.writing():
                if self._meta()["epoch"] == snapshot.epoch:
                    self._db.run("DELETE FROM fresh WHERE seq <= ?", (seq,))
                    self._db.run("UPDATE meta SET value = ? WHERE name = 'pruned'", (seq,))
        return snapshot


def _beside(path: Path) -> Path:
    return path.with_name(path.name + "-arrays")


def _plain(snapshot: Snapshot, start: list[int], most: int, *, backwards: bool) -> Reach | None:
    """Walk the arrays without numpy; None once more than `most` vertices are reached."""
    starts, ends = (memoryview(block) for block in snapshot.blocks[2 if backwards else 0 :][:2])
    top = snapshot.vertices
    seen = set(start)
    keys: list[int] = []
    causes: list[int] = []
    depths: list[int] = []
    frontier, level = [key for key in start if 0 <= key < top], 0
    while frontier:
        level += 1
        begin = len(keys)
        for near in frontier:
            for far in ends[starts[near] : starts[near + 1]]:
                if far not in seen:
                    seen.add(far)
                    keys.append(far)
                    causes.append(near)
            if len(keys) > most:
                return None
        frontier = keys[begin:]
        depths.extend([level] * len(frontier))
    return Reach(key=keys, cause=causes, depth=depths)


def _with_scipy(snapshot: Snapshot, start: list[int], *, backwards: bool) -> Reach:
    """Search breadth first from one more vertex, put last, whose neighbours are the seeds."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import breadth_first_order

    top, edges = snapshot.vertices, snapshot.edges
    seeds = np.array([key for key in start if 0 <= key < top], dtype=np.int32)
    starts, ends, data = _matrix(snapshot, len(seeds), backwards=backwards)
    ends[edges : edges + len(seeds)] = seeds
    starts[top + 1] = edges + len(seeds)
    count = edges + len(seeds)
    graph = csr_matrix((data[:count], ends[:count], starts), shape=(top + 1, top + 1), copy=False)
    order, causes = breadth_first_order(graph, top, directed=True, return_predecessors=True)
    cause = causes[order[1:]]
    # Breadth first: a level's vertices lie together, and so do their causes in the level before.
    place = np.empty(top + 1, dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    cause_place = place[cause]
    depth = np.empty(len(order), dtype=np.int32)
    begin, end, level = 0, 1, 0
    while begin < end:
        depth[begin:end] = level
        begin, end = end, 1 + int(np.searchsorted(cause_place, end))
        level += 1
    far = slice(1 + len(seeds), None)
    return Reach(
        key=cast("Sequence[int]", order[far]),
        cause=cast("Sequence[int]", cause[len(seeds) :]),
        depth=cast("Sequence[int]", depth[far] - 1),
    )


def _matrix(snapshot: Snapshot, seeds: int, *, backwards: bool) -> tuple[Ints, Ints, Any]:
    """Give the arrays with room behind them for the seeds; made once a snapshot and direction."""
    import numpy as np

    found = snapshot.matrices.get(backwards)
    if found is None or len(found[1]) < snapshot.edges + seeds:
        block = 2 if backwards else 0
        starts = np.empty(snapshot.vertices + 2, dtype=np.int32)
        starts[:-1] = snapshot.blocks[block]
        ends = np.empty(snapshot.edges + max(seeds, SPARE), dtype=np.int32)
        ends[: snapshot.edges] = snapshot.blocks[block + 1]
        found = snapshot.matrices[backwards] = (starts, ends, np.ones(len(ends)))
    return found
