"""The project as it was known at a time, after a run, or at a commit: a graph of older records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from provgraph.collect.gitstate import ask_git
from provgraph.errors import CannotAnswer, LedgerError
from provgraph.graph.lines import split_lines
from provgraph.model.records import ImportRecord, Recorded, RunRecord

if TYPE_CHECKING:
    from provgraph.graph.interface import GraphStore
    from provgraph.ledger.ledger import Ledger

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Past:
    """Up to when records count: until a time, or for a commit those of its history.

    `commits` is empty where only the time counts.
    """

    until: datetime
    words: str
    commit: str = ""
    commits: frozenset[str] = frozenset()

    def counts(self, record: Recorded) -> bool:
        """Tell whether a record belongs to that past."""
        git = record.git if isinstance(record, RunRecord) else None
        if self.commits and git is not None and git.commit:
            return git.commit in self.commits
        return _when(record) <= self.until


def at_time(text: str) -> Past:
    """Give the past until a time, as RFC 3339 in UTC."""
    return Past(datetime.fromisoformat(text), f"until {text[:19].replace('T', ' ')} UTC")


def after_run(record: RunRecord) -> Past:
    """Give the past up to the end of a run, which itself belongs to it."""
    return Past(datetime.fromisoformat(record.ended), f"up to run {record.run}")


def at_commit(root: Path, ref: str) -> Past | None:
    """Give the past of a commit: what was recorded in its history. None: no such commit."""
    found = ask_git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
    )
    commit = found.out.decode("ascii", "replace").strip()
    if found.code or not commit:
        return None
    listed = ask_git(root, "rev-list", commit)
    dated = ask_git(root, "show", "--no-patch", "--format=%ct", commit)
    if listed.code or dated.code:
        raise CannotAnswer(f"git can't list the history of {ref}: {listed.problem}")
    until = datetime.fromtimestamp(int(dated.out.split()[-1]), UTC)
    commits = frozenset(listed.out.decode("ascii").split())
    return Past(until, f"in the history of commit {commit[:12]}", commit, commits)


@contextmanager
def graph_of(
    ledger: Ledger, past: Past, project: str, *, progress: Progress | None = None
) -> Iterator[tuple[GraphStore, int]]:
    """Make a graph of the records of that past, for as long as it is asked; gives their number."""
    from provgraph.graph.local import LocalGraph
    from provgraph.graph.unfolding import Unfolding

    names = sorted(ledger.names())
    batch: list[tuple[str, Any, Any]] = []
    imports: list[tuple[str, ImportRecord]] = []
    for place, (name, record) in enumerate(ledger.read_many(names)):
        if progress is not None and place % 100 == 0:
            progress(place, len(names))
        if isinstance(record, LedgerError) or not past.counts(record):
            continue
        if isinstance(record, ImportRecord):
            imports.append((name, record))
        else:
            batch.append((name, record, ledger.private_fields(record)))
    if not batch and not imports:
        raise CannotAnswer(
            f"nothing had been recorded {past.words}, so what a change would have affected isn't"
            " known",
            hint="`provgraph log` lists what was recorded, and when",
        )
    with (
        TemporaryDirectory(prefix="provgraph-") as folder,
        closing(LocalGraph(Path(folder, "graph.sqlite"), project=project)) as graph,
    ):
        for name, record in imports:
            graph.add_import(name, record, split_lines(ledger.stream_object(record.object)))
        if batch:
            graph.add(batch)
        yield Unfolding(graph, ledger.get_object, project=project), len(batch) + len(imports)


def _when(record: Recorded) -> datetime:
    for field in ("ended", "at", "started"):
        text = getattr(record, field, None)
        if text:
            found = datetime.fromisoformat(text)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
    return datetime.min.replace(tzinfo=UTC)
