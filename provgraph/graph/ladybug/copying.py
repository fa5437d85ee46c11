"""The throw-away copy: the published graph as a database of the library, bulk-loaded from Parquet.

It lies in the cache folder under a name that says of which state it is. It is made whole in a
folder of its own and then renamed, under a lock, so that processes at once and one that is killed
do no harm.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from provgraph.errors import StoreError
from provgraph.graph.arrow import ParquetTable
from provgraph.graph.details import ABOUT, NOTE
from provgraph.graph.interface import DEPENDS_ON
from provgraph.graph.ladybug.asking import load
from provgraph.graph.published import (
    DETAILS,
    INTEGER,
    NODES,
    NUMBER,
    RELATIONSHIPS,
    TEXT,
    TEXTS,
    TRUTH,
    Column,
    Node,
    Published,
    columns_of,
)
from provgraph.model.kinds import ARTEFACTS, RUN

TYPES = {TEXT: "STRING", TEXTS: "STRING[]", INTEGER: "INT64", NUMBER: "DOUBLE", TRUTH: "BOOLEAN"}
ENDS = (Column("from"), Column("to"))
PREFIX = "cypher-"
MAKING = "making-cypher-"
DATABASE = "graph.lbug"
SHORTEST_LIMIT = 30  # the library's own; longer paths are cut without a word
EVERY = 5_000

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that is there: its database, its labels and types, and how long a path may be."""

    database: Path
    labels: tuple[str, ...]
    longest: int


def find_copy(cache: Path, state: str) -> Copy | None:
    """Give the copy of a state, if it is there."""
    folder = cache / f"{PREFIX}{state}"
    try:
        told = json.loads((folder / "about.json").read_bytes())
        return Copy(folder / DATABASE, tuple(told["labels"]), int(told["longest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def drop_copy(cache: Path, state: str) -> None:
    """Throw a copy away."""
    shutil.rmtree(cache / f"{PREFIX}{state}", ignore_errors=True)


def make_copy(
    cache: Path,
    state: str,
    graph: Published,
    *,
    say: Callable[[str], None],
    progress: Progress | None = None,
) -> Copy:
    """Copy the graph, unless another process has done so meanwhile; `say` gets what it cost."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _lock(cache):
            found = find_copy(cache, state)
            if found is not None:
                return found
            _remove(cache, MAKING)
            began = time.monotonic()
            with tempfile.TemporaryDirectory(
                prefix=MAKING, dir=cache, ignore_cleanup_errors=True
            ) as made:
                nodes, edges = _fill(Path(made), graph, progress)
                _remove(cache, PREFIX)
                os.replace(made, cache / f"{PREFIX}{state}")
                Path(made).mkdir()  # for the clean-up, on Pythons that complain
            seconds = time.monotonic() - began
    except OSError as error:
        raise StoreError(
            f"the graph could not be copied into {cache}: {error.strerror or error}",
            hint="is there room? XDG_CACHE_HOME names another place",
        ) from error
    say(f"copied {nodes:,} nodes and {edges:,} edges in {seconds:.1f} s")
    found = find_copy(cache, state)
    if found is None:
        raise StoreError(
            f"the copy of the graph in {cache} was gone as soon as it was made",
            hint="does something empty that folder? Ask again.",
        )
    return found


def quoted(name: str) -> str:
    """Write a name as Cypher takes any name."""
    return "`" + name.replace("`", "``") + "`"


def _fill(folder: Path, graph: Published, progress: Progress | None) -> tuple[int, int]:
    both: set[str] = set()
    while True:
        spool = folder / "spool"
        spool.mkdir()
        filling = _Filling(spool, both)
        if filling.write(graph, progress):
            break
        both = filling.both
        shutil.rmtree(spool)
    load(folder / DATABASE, filling.statements())
    shutil.rmtree(spool)
    about = {"labels": filling.labels(), "longest": max(SHORTEST_LIMIT, filling.vertices)}
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
    return filling.nodes, filling.edges


class _Filling:
    """One try to write a graph's tables; `both` are kinds that bear the name of another label."""

    def __init__(self, folder: Path, both: set[str]) -> None:
        self.both = set(both)
        self.nodes = self.edges = self.vertices = 0
        self._folder = folder
        self._tables: dict[str, tuple[str, tuple[Column, ...], ParquetTable]] = {}
        self._links: dict[tuple[str, str, str], ParquetTable] = {}
        self._taken = {kind.lower() for kind in RELATIONSHIPS}

    def write(self, graph: Published, progress: Progress | None) -> bool:
        """Write Parquet files; False where a kind has the name of another label: try again."""
        with ExitStack() as stack:
            for label in NODES:
                self._node_table(label, stack)
            for node in graph.nodes():
                if "made" in node.props and self._clashes(node):
                    return False
                _, columns, table = self._node_table(node.label, stack)
                told = node.props.get
                table.add([told(column.name) for column in columns])
                self.nodes += 1
                self.vertices += "project" in node.props
                if progress is not None and self.nodes % EVERY == 0:
                    progress(self.nodes, None)
            for one in graph.relationships():
                key = (one.type, one.start_label, one.end_label)
                link = self._links.get(key)
                if link is None:
                    columns = (*ENDS, *RELATIONSHIPS[one.type])
                    place = self._folder / f"edges-{len(self._links)}.parquet"
                    link = stack.enter_context(ParquetTable(place, columns, extra="cypher"))
                    self._links[key] = link
                said = one.props.get
                told_of = [said(column.name) for column in RELATIONSHIPS[one.type]]
                link.add([one.start, one.end, *told_of])
                self.edges += 1
                if progress is not None and self.edges % EVERY == 0:
                    progress(self.nodes + self.edges, None)
        return True

    def labels(self) -> list[str]:
        """Give the labels and types that can be asked for."""
        return [*(name for name, _, _ in self._tables.values()), *RELATIONSHIPS]

    def statements(self) -> Iterator[str]:
        """Give what makes the tables and fills them."""
        for name, columns, table in self._tables.values():
            told = ", ".join(f"{quoted(c.name)} {TYPES[c.type]}" for c in columns)
            yield f"CREATE NODE TABLE {quoted(name)}({told}, PRIMARY KEY(`id`))"
            if table.rows:
                yield f"COPY {quoted(name)} FROM {_text(table.path)}"
        for kind, columns in RELATIONSHIPS.items():
            pairs = [(a, b) for a, b in self._pairs(kind)]
            ends = [f"FROM {quoted(a)} TO {quoted(b)}" for a, b in pairs]
            told_of = [f"{quoted(c.name)} {TYPES[c.type]}" for c in columns]
            yield f"CREATE REL TABLE {quoted(kind)}({', '.join([*ends, *told_of])})"
        for (kind, start, end), table in self._links.items():
            first, second = self._tables[start][0], self._tables[end][0]
            options = f"(from={_text(first)}, to={_text(second)})"
            yield f"COPY {quoted(kind)} FROM {_text(table.path)} {options}"

    def _pairs(self, kind: str) -> list[tuple[str, str]]:
        """Give the labels that a type leads between: those it does, and one pair that it may."""
        usual = {
            DEPENDS_ON: (ARTEFACTS[0], RUN),
            ABOUT: (NOTE, RUN),
            **{detail: (RUN, label) for detail, label in DETAILS.items()},
        }.get(kind, (RUN, ARTEFACTS[0]))
        found = [(start, end) for one, start, end in self._links if one == kind]
        return [
            (self._tables[start][0], self._tables[end][0])
            for start, end in dict.fromkeys([usual, *found])
        ]

    def _clashes(self, node: Node) -> bool:
        clash = node.label in NODES and node.label not in ARTEFACTS and node.label not in self.both
        if clash:
            self.both.add(node.label)
        return clash

    def _node_table(
        self, label: str, stack: ExitStack
    ) -> tuple[str, tuple[Column, ...], ParquetTable]:
        found = self._tables.get(label)
        if found is None:
            columns = columns_of(label, artefact=label in self.both)
            place = self._folder / f"nodes-{len(self._tables)}.parquet"
            table = stack.enter_context(ParquetTable(place, columns, extra="cypher"))
            # The library's names are one list for labels and types, and don't heed case.
            name = label
            while name.lower() in self._taken:
                name += "_"
            self._taken.add(name.lower())
            found = self._tables[label] = (name, columns, table)
        return found


def _text(value: object) -> str:
    text = os.fspath(value) if isinstance(value, Path) else str(value)
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@contextlib.contextmanager
def _lock(cache: Path) -> Iterator[None]:
    with (cache / "cypher.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove(cache: Path, prefix: str) -> None:
    for path in cache.glob(f"{prefix}*"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
