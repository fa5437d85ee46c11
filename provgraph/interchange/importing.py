"""Bulk imports into the ledger: every line checked first, then one object and one record."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from provgraph.errors import ImportLineError, WriteFailed
from provgraph.graph.interface import GraphStore
from provgraph.interchange.jsonl import existing_in, validate
from provgraph.ledger.ledger import Ledger, utc_now
from provgraph.model.records import ImportRecord

CHUNK = 1 << 20


def import_lines(
    ledger: Ledger,
    store: GraphStore,
    lines: Iterable[bytes],
    *,
    skip_bad: bool = False,
    label: str = "",
    progress: Callable[[int, int | None], None] | None = None,
) -> tuple[int, int, list[tuple[int, str]]]:
    """Import graph lines: all of them, or (`skip_bad`) all that are sound; or nothing.

    Gives nodes, edges and the lines left out with their reasons.
    """
    with _spool() as spool:

        def told(count: int, _size: int) -> None:
            if progress is not None:
                progress(count, None)

        summary = validate(
            lines, spool.write, skip_bad=skip_bad, progress=told, exists=existing_in(store)
        )
        bad = [(line.number, line.reason) for line in summary.bad]
        if summary.nodes + summary.edges == 0:
            if bad:
                return 0, 0, bad
            raise ImportLineError(
                "there is nothing to import", line=0, hint="give lines as JSON, one a line"
            )
        spool.seek(0)
        digest = ledger.put_stream(_chunks(spool))
        record = ImportRecord(
            project=ledger.project_id,
            at=utc_now(),
            object=digest,
            format="jsonl/1",
            nodes=summary.nodes,
            edges=summary.edges,
            label=label,
        )
        ledger.append(record)
    return summary.nodes, summary.edges, bad


def _spool() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(prefix="provgraph-import-")
    except OSError as error:
        raise WriteFailed(
            f"no temporary file could be made: {error.strerror}",
            hint="is the disk full? TMPDIR names another place",
        ) from error


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
