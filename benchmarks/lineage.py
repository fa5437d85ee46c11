"""A synthetic lineage in layers, and what the graph benchmarks share: medians, tables, the machine.

Each layer's runs read products of the layers before, mostly of the one before and mostly of their
own neighbourhood, as pipelines do; each run writes one or two. The first layer's are sources.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np

LAYERS = 200
PROJECT = "bench"


@dataclass(frozen=True)
class Lineage:
    """Runs use and produce data sets, all counted from 0: columns (run, data set)."""

    runs: int
    datasets: int
    uses: Any
    produces: Any

    @property
    def nodes(self) -> int:
        return self.runs + self.datasets

    @property
    def edges(self) -> int:
        return len(self.uses) + len(self.produces)

    def lines(self) -> Iterator[bytes]:
        """Give it as lines of `provgraph import jsonl`."""
        for number in range(self.datasets):
            yield b'{"node":{"kind":"Dataset","name":"data/%d.csv"},"ref":"d%d"}\n' % (
                number,
                number,
            )
        for number in range(self.runs):
            yield b'{"node":{"kind":"Run","name":"run %d"},"ref":"r%d"}\n' % (number, number)
        for kind, pairs in ((b"PRODUCES", self.produces), (b"USES", self.uses)):
            for run, dataset in pairs.tolist():
                yield b'{"edge":{"type":"%s","from":"r%d","to":"d%d"}}\n' % (kind, run, dataset)


def lineage(nodes: int, *, seed: int = 1, reads: float = 4) -> Lineage:
    """Make a lineage of about so many nodes and, with 4 `reads`, 2.7 times as many edges."""
    chance = np.random.default_rng(seed)
    width = max(10, nodes * 2 // (5 * LAYERS))  # runs a layer; 1.5 data sets each
    runs = width * LAYERS
    per_layer = width * 3 // 2
    datasets = per_layer * (LAYERS + 1)
    first = np.arange(runs)
    second = first[(first % width) % 2 == 0]
    made = np.concatenate(
        [
            np.stack([first, per_layer * (1 + first // width) + first % width], axis=1),
            np.stack(
                [second, per_layer * (1 + second // width) + width + (second % width) // 2], axis=1
            ),
        ]
    )
    count = 1 + chance.poisson(reads, runs)
    reader = np.repeat(first, count)
    back = np.where(chance.random(len(reader)) < 0.9, 0, chance.integers(0, 10, len(reader)))
    layer = np.maximum(0, reader // width - back)
    place = (reader % width) * per_layer // width + chance.integers(-40, 41, len(reader))
    used = np.stack([reader, per_layer * layer + np.clip(place, 0, per_layer - 1)], axis=1)
    return Lineage(
        runs, datasets, np.unique(used, axis=0), made[np.lexsort((made[:, 1], made[:, 0]))]
    )


def timed(call: Callable[[], Any], repeat: int = 5) -> tuple[float, Any]:
    """Give the median of several calls in seconds, and the last answer."""
    times: list[float] = []
    answer: Any = None
    for _ in range(repeat):
        began = time.perf_counter()
        answer = call()
        times.append(time.perf_counter() - began)
    return statistics.median(times), answer


def machine(*packages: str) -> str:
    """Say where this was measured, and with what."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(line.partition(":")[2].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        pass
    import sqlite3

    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    versions = " · ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{model}, {os.cpu_count()} CPUs, load {load}, {platform.system()} {platform.release()}\n"
        f"Python {platform.python_version()} · SQLite {sqlite3.sqlite_version} · {versions}"
    )


def table(rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their head, in columns as wide as they need."""
    texts = [
        [f"{cell:,.4g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for place, row in enumerate(texts):
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
        if place == 0:
            print("  ".join("-" * width for width in widths))
    print()
