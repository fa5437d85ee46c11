"""Handing the graph to other tools: where a format's files go, and writing them whole or not."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from provgraph.errors import CannotAnswer, UsageError
from provgraph.graph.published import Node, Published, Relationship
from provgraph.model.answers import Report

T = TypeVar("T")
Progress = Callable[[int, int | None], None]
EVERY = 2_000  # nodes or relationships between two words on progress


@dataclass(frozen=True, slots=True)
class Layout:
    """What a format writes: one file, or several in a folder; `name` where none is given."""

    name: str
    files: tuple[str, ...] = ()
    advice: str = ""


LAYOUTS = {
    "graphml": Layout("graph.graphml"),
    "node-link": Layout("graph.json"),
    "csv": Layout(
        "graph-csv",
        ("nodes.csv", "edges.csv"),
        "neo4j-admin database import full neo4j --multiline-fields=true --array-delimiter=U+001F"
        " --nodes={0}/nodes.csv --relationships={0}/edges.csv",
    ),
    "parquet": Layout("graph-parquet", ("nodes.parquet", "edges.parquet")),
}


def target_of(format: str, output: str | Path | None, *, force: bool = False) -> Path:
    """Say where an export goes; raises `UsageError` where something lies there already."""
    layout = LAYOUTS.get(format)
    if layout is None:
        raise UsageError(
            f"the graph can't be exported as {format}", hint=f"one of {', '.join(LAYOUTS)}"
        )
    target = Path(output) if output is not None else Path(layout.name)
    if layout.files and target.exists() and not target.is_dir():
        raise UsageError(
            f"{target} is a file, but {format} is several files",
            hint="name a folder with -o",
        )
    if not layout.files and target.is_dir():
        raise UsageError(f"{target} is a folder", hint=f"name a file: -o {target}/{layout.name}")
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", hint="make it, or name another")
    there = [path for path in _paths(layout, target) if os.path.lexists(path)]
    if there and not force:
        raise UsageError(
            f"{there[0]} is there already", hint="name another with -o, or replace it with --force"
        )
    return target


def export(
    graph: Published, format: str, target: Path, *, progress: Progress | None = None
) -> Report:
    """Write a graph; all its files, or none. Raises `CannotAnswer` where they can't be written."""
    layout = LAYOUTS[format]
    counted = _Counted(graph, progress)
    try:
        if layout.files:
            target.mkdir(exist_ok=True)
        folder = target if layout.files else target.parent
        with tempfile.TemporaryDirectory(prefix=".provgraph-export-", dir=folder) as spool:
            made = [Path(spool) / path.name for path in _paths(layout, target)]
            _write(format, counted, made)
            for path, wanted in zip(made, _paths(layout, target), strict=True):
                _sync(path)
                path.replace(wanted)
    except OSError as error:
        if layout.files:
            with suppress(OSError):
                target.rmdir()  # only where it is empty: nothing was written
        raise CannotAnswer(
            f"{target} could not be written: {error.strerror or error}",
            hint="is there room, and may you write there? Nothing was left half-written.",
        ) from error
    words = [f"wrote {target}: {counted.nodes:,} nodes and {counted.relationships:,} relationships"]
    if graph.lost:
        words.append(
            f"{graph.lost:,} relationships were left out: no record here tells of one of their ends"
        )
    if layout.advice:
        words.append(layout.advice.format(target))
    facts = {
        "format": format,
        "files": [str(path) for path in _paths(layout, target)],
        "nodes": counted.nodes,
        "relationships": counted.relationships,
        "left_out": graph.lost,
    }
    return Report("graph export", ok=True, words=tuple(words), facts=facts)


class _Counted:
    """A graph whose nodes and relationships are counted as they pass."""

    def __init__(self, graph: Published, progress: Progress | None) -> None:
        self.graph = graph
        self.nodes = self.relationships = 0
        self._progress = progress

    def all_nodes(self) -> Iterator[Node]:
        for node in self._told(self.graph.nodes()):
            self.nodes += 1
            yield node

    def all_relationships(self) -> Iterator[Relationship]:
        for one in self._told(self.graph.relationships()):
            self.relationships += 1
            yield one

    def _told(self, rows: Iterable[T]) -> Iterator[T]:
        for row in rows:
            yield row
            done = self.nodes + self.relationships
            if self._progress is not None and done % EVERY == 0:
                self._progress(done, None)


def _write(format: str, graph: _Counted, made: list[Path]) -> None:
    nodes, relationships = graph.all_nodes(), graph.all_relationships()
    match format:
        case "graphml":
            from provgraph.interchange.graphml import write_graphml

            with made[0].open("w", encoding="utf-8", newline="\n") as file:
                write_graphml(nodes, relationships, file)
        case "node-link":
            from provgraph.interchange.node_link import write_node_link

            write_node_link(nodes, relationships, made[0])
        case "csv":
            from provgraph.interchange.csv_pair import write_csv

            write_csv(nodes, relationships, *made)
        case _:
            from provgraph.interchange.parquet_pair import write_parquet

            write_parquet(nodes, relationships, *made)


def _paths(layout: Layout, target: Path) -> list[Path]:
    return [target / name for name in layout.files] or [target]


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
