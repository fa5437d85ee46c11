"""Cypher without a server: questions to a copy of the graph that is made when it is stale."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from provgraph.errors import CannotAnswer, StoreError
from provgraph.graph.ladybug.asking import Child, Refused, Unusable, explained
from provgraph.graph.ladybug.copying import Copy, Progress, drop_copy, find_copy, make_copy
from provgraph.graph.ladybug.statement import (
    breadth_first,
    check_reading,
    column_names,
    inlined,
)
from provgraph.graph.published import Published
from provgraph.model.digests import identity

LAYOUT = "1"  # counts up when the copy's tables change

Rows = Generator[list[Any], None, None]
Messages = Generator[dict[str, Any], None, None]


class LocalCypher:
    """Answers Cypher from a copy in `cache`.

    `state` names the state of the graph, `graph` gives it; `say` is told what a copy cost.
    """

    def __init__(
        self,
        cache: Path,
        state: str,
        graph: Callable[[], Published],
        *,
        say: Callable[[str], None] = lambda _: None,
        progress: Progress | None = None,
    ) -> None:
        self._cache = cache
        self._state = identity("cypher-copy", LAYOUT, _library(), state)
        self._graph = graph
        self._say = say
        self._progress = progress

    def run(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
        timeout: float = 60.0,
    ) -> tuple[list[str], Rows]:
        """Ask; gives the columns, and the rows as they come: closing them ends the question.

        `timeout` is in s. Nodes are maps with `_label`, relationships with `_type`, paths have
        `nodes` and `relationships`. Raises `UsageError` for a statement that can't be run or would
        write, `StoreError` where the library fails.
        """
        check_reading(statement)
        copy = self.copy()
        try:
            return self._run(copy, statement, parameters or {}, limit, timeout)
        except Unusable:
            drop_copy(self._cache, self._state)
        return self._run(self.copy(), statement, parameters or {}, limit, timeout)

    def copy(self) -> Copy:
        """Give the copy of the present graph, making it where it isn't there."""
        found = find_copy(self._cache, self._state)
        if found is not None:
            return found
        return make_copy(
            self._cache, self._state, self._graph(), say=self._say, progress=self._progress
        )

    def _run(
        self,
        copy: Copy,
        statement: str,
        parameters: Mapping[str, Any],
        limit: int | None,
        timeout: float,
    ) -> tuple[list[str], Rows]:
        sent = inlined(breadth_first(statement), parameters)
        child = Child(
            {
                "database": str(copy.database),
                "settings": [f"CALL var_length_extend_max_depth={copy.longest}"],
                "statement": sent,
                "parameters": dict(parameters),
                "limit": limit,
                "milliseconds": max(1, int(timeout * 1000)),
            }
        )
        answers = self._answers(child, copy, timeout)
        try:
            columns = _named(statement, next(answers)["columns"])
        except BaseException:
            answers.close()
            raise
        return columns, _rows(answers)

    def _answers(self, child: Child, copy: Copy, timeout: float) -> Messages:
        try:
            yield from child.messages(timeout)
        except Refused as error:
            if error.said.startswith("Interrupted"):
                raise _too_long(timeout) from None
            raise explained(error, copy.labels) from None
        except TimeoutError:
            raise _too_long(timeout) from None
        except Unusable:
            raise
        except StoreError:
            drop_copy(self._cache, self._state)  # it may be why
            raise
        finally:
            child.end()


def _rows(answers: Messages) -> Rows:
    try:
        for message in answers:
            yield from message.get("rows", ())
    finally:
        answers.close()


def _named(statement: str, columns: list[str]) -> list[str]:
    """Name columns as they were written, where the library has names of its own."""
    written = column_names(statement)
    return written if written is not None and len(written) == len(columns) else columns


def _too_long(timeout: float) -> StoreError:
    return StoreError(
        f"the question was ended after {timeout:g} s",
        hint="give it longer with --timeout, or begin at fewer nodes; of paths, ask only for"
        " RETURN DISTINCT their ends",
    )


def _library() -> str:
    """Name the library and its version. Raises `CannotAnswer` where it isn't installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        if importlib.util.find_spec("ladybug") is not None:
            return version("ladybug")
    except (PackageNotFoundError, ValueError):
        pass
    raise CannotAnswer(
        "Cypher without a server needs the package ladybug, which isn't installed",
        hint="pip install 'provgraph[cypher]', or name a Neo4j in PROVGRAPH_GRAPH",
    )
