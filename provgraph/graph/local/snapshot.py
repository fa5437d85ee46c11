"""Adjacency as arrays, in a file beside the index.

The file holds, after one line of JSON, four blocks of 32-bit integers: where each vertex's effects
begin and the effects, where its causes begin and the causes. It is a snapshot: `epoch` says of
which filling of the index, `seq` up to which row of `fresh`; later edges are joined to it.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int32]

FORMAT = 1


class Snapshot:
    """The arrays in memory: mapped from a file, or made; and scipy's view of them once asked."""

    def __init__(self, head: dict[str, int], blocks: Sequence[Any]) -> None:
        self.epoch, self.seq = head["epoch"], head["seq"]
        self.vertices, self.edges = head["vertices"], head["edges"]
        self.blocks = tuple(blocks)  # forward starts, forward ends, backward starts, backward ends
        self.matrices: dict[bool, tuple[Ints, Ints, Any]] = {}

    @classmethod
    def mapped(cls, path: Path) -> Snapshot | None:
        """Map the file; None where there is none that can be used."""
        try:
            with path.open("rb") as file:
                head = json.loads(file.readline())
                begin = head["begin"]
                if head["format"] != FORMAT or head["order"] != sys.byteorder:
                    return None
                whole = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            counts = (head["vertices"] + 1, head["edges"]) * 2
            if len(whole) != begin + 4 * sum(counts):
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        blocks = []
        for count in counts:
            blocks.append(whole[begin : begin + 4 * count].cast("i"))
            begin += 4 * count
        return cls(head, blocks)

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all; without a place for it, it is made again."""
        head = {
            "format": FORMAT,
            "order": sys.byteorder,
            "begin": 4096,
            "epoch": self.epoch,
            "seq": self.seq,
            "vertices": self.vertices,
            "edges": self.edges,
        }
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        with suppress(OSError):
            try:
                with temporary.open("wb") as file:
                    file.write(json.dumps(head).encode().ljust(4095) + b"\n")
                    for block in self.blocks:
                        file.write(memoryview(block).cast("B"))
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)


def compressed(near: Ints, far: Ints, vertices: int) -> tuple[Ints, Ints]:
    """Give (where each vertex's neighbours begin, the neighbours)."""
    import numpy as np

    order = np.argsort(near, kind="stable")
    starts = np.zeros(vertices + 1, dtype=np.int32)
    np.cumsum(np.bincount(near, minlength=vertices), out=starts[1:])
    return starts, far[order]


def joined(snapshot: Snapshot, rows: list[tuple[int, int]], vertices: int, seq: int) -> Snapshot:
    """Add edges to a snapshot."""
    import numpy as np

    pairs = np.array(rows, dtype=np.int32).reshape(-1, 2)
    head = {
        "epoch": snapshot.epoch,
        "seq": seq,
        "vertices": vertices,
        "edges": snapshot.edges + len(pairs),
    }
    blocks: list[Ints] = []
    for place, (near, far) in enumerate(((0, 1), (1, 0))):
        pairs = pairs[np.argsort(pairs[:, near], kind="stable")]
        old_starts = np.asarray(snapshot.blocks[2 * place])
        padded = np.full(vertices + 1, old_starts[-1], dtype=np.int32)
        padded[: len(old_starts)] = old_starts
        added = np.bincount(pairs[:, near], minlength=vertices)
        starts = padded.copy()
        starts[1:] += np.cumsum(added).astype(np.int32)
        ends = np.insert(
            np.asarray(snapshot.blocks[2 * place + 1]), padded[pairs[:, near] + 1], pairs[:, far]
        )
        blocks += [starts, ends]
    return Snapshot(head, blocks)
