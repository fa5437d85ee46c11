"""Analysts' own Cypher on a Neo4j: planned first, refused where it would write, then streamed.

The server judges a statement, not a parser of ours: its plan says what would be done.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from provgraph.errors import StatementError, StoreError, UsageError
from provgraph.graph.cypher import Rows, caret
from provgraph.graph.neo4j.connection import Connection

if TYPE_CHECKING:
    from neo4j import Session
    from neo4j.exceptions import Neo4jError

READING = "r"  # the type of query that the server gives one that changes nothing
OWN_LABELS = ("Vertex", "Artefact")
# Procedures that only look at the graph. Others may read files, call URLs or run more Cypher.
HARMLESS = (
    *("db.labels", "db.relationshipTypes", "db.propertyKeys", "db.schema.", "db.info"),
    *("db.index.fulltext.query", "db.index.vector.query", "dbms.components"),
    *("apoc.path.", "apoc.algo.", "apoc.neighbors.", "apoc.meta.", "apoc.coll."),
)
PLACE = re.compile(r" *\(line (\d+), column (\d+) \(offset: \d+\)\).*", re.DOTALL)
EXPLAIN = "EXPLAIN\n"  # on a line of its own, so that columns are the asker's


class Neo4jCypher:
    """Answers `CypherEngine`'s questions on a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def run(
        self,
        statement: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
        timeout: float = 60.0,
    ) -> tuple[list[str], Rows]:
        """Ask, as the contract says; nothing runs before the server has planned it."""
        answers = self._answers(statement, dict(parameters or {}), limit, timeout)
        columns: list[str] = next(answers)
        return columns, answers

    def check(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Have a statement planned. Raises `UsageError` where it can't be, or would write."""
        with self._connection.translated(), self._connection.session(write=False) as session:
            self._check(session, statement, dict(parameters or {}), 60.0)

    def _answers(
        self, statement: str, parameters: dict[str, Any], limit: int | None, timeout: float
    ) -> Iterator[Any]:
        """Give the columns, then the rows."""
        with self._connection.translated(), self._connection.session(write=False) as session:
            try:
                self._check(session, statement, parameters, timeout)
                result = session.run(self._query(statement, timeout), parameters)
                yield list(result.keys())
                for record in islice(result, limit):
                    yield [plain(value) for value in record]
            except self._faults as error:
                self._explain(error, statement, timeout)
                raise
            except BaseException:  # Ctrl-C, or whoever asked has seen enough
                _hang_up(session)
                raise

    def _check(
        self, session: Session, statement: str, parameters: dict[str, Any], timeout: float
    ) -> None:
        try:
            planned = session.run(self._query(EXPLAIN + statement, timeout), parameters).consume()
        except self._faults as error:
            self._explain(error, statement, timeout)
            raise
        steps = list(_steps(planned.plan))
        for operator, details in steps:
            if operator == "LoadCSV":
                raise _refused("LOAD CSV would read a file or a URL")
            if operator.startswith("Terminate"):
                raise _refused("it would end other people's transactions")
            if operator == "ProcedureCall" and not details.startswith(HARMLESS):
                raise _refused(f"the procedure {details.partition('(')[0]} does more than look")
        if planned.query_type != READING:
            what = "change the database's layout" if planned.query_type == "s" else "write"
            raise _refused(f"it would {what}")

    @property
    def _faults(self) -> type[Neo4jError]:
        from neo4j.exceptions import Neo4jError

        return Neo4jError

    def _query(self, text: str, timeout: float) -> Any:
        from neo4j import Query

        return Query(text, timeout=timeout)

    def _explain(self, error: Neo4jError, statement: str, timeout: float) -> None:
        """Raise our own sentence for what is wrong with a statement or took too much."""
        code, said = str(error.code), str(error.message)
        if "TransactionTimedOut" in code or "TransactionMarkedAsFailed" in code:
            raise StoreError(
                f"the question was ended after {timeout:g} s",
                hint="give it longer with --timeout, or begin at fewer nodes; of paths, ask only"
                " for RETURN DISTINCT their ends",
            ) from error
        if "OutOfMemory" in code:
            raise StoreError(
                "the server has not enough memory for this question",
                hint="ask for less, or for fewer things at once",
            ) from error
        if not code.startswith(("Neo.ClientError.Statement.", "Neo.ClientError.Procedure.")):
            return
        found = PLACE.search(said)
        message = said[: found.start()] if found else said.partition("\n")[0]
        if "exactly one statement" in said:
            raise UsageError("one statement at a time", hint="ask them one after the other")
        if not found:
            raise StatementError(f"the statement can't be run: {message}") from error
        # Everything is planned first, so the line is counted from that of EXPLAIN.
        line, column = int(found[1]) - 1, int(found[2])
        if line < 1:
            line, column = 1, 1
        raise StatementError(
            f"the statement can't be run: {message} at line {line}, column {column}",
            excerpt=caret(statement, line, column),
        ) from error


def _hang_up(session: Session) -> None:
    """Cut the connection, at which the server ends what it does; closing would wait for it."""
    connection = getattr(session, "_connection", None)  # the driver has no public word for this
    if connection is not None:
        connection.kill()


def plain(value: Any) -> Any:
    """Turn a value of the driver into what JSON has; a node has `_label`, a relationship `_type`.

    Properties that are provgraph's own begin with `_` and stay behind.
    """
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "srid"):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if hasattr(value, "relationships"):
        return {
            "nodes": [plain(one) for one in value.nodes],
            "relationships": [plain(one) for one in value.relationships],
        }
    if hasattr(value, "labels"):
        labels = sorted(set(value.labels).difference(OWN_LABELS))
        return {"_label": labels[0] if labels else "", **_properties(value)}
    if hasattr(value, "start_node"):
        return {"_type": value.type, **_properties(value)}
    if hasattr(value, "iso_format"):
        return value.iso_format()
    return str(value)


def _properties(entity: Any) -> dict[str, Any]:
    return {name: plain(one) for name, one in entity.items() if not name.startswith("_")}


def _steps(plan: Any) -> Iterator[tuple[str, str]]:
    """Give each operator of a plan, without the database's name, and its details."""
    waiting = [plan] if plan else []
    while waiting:
        step = waiting.pop()
        details = step.get("args", {}).get("Details") or ""
        yield step["operatorType"].partition("@")[0], str(details)
        waiting.extend(step.get("children", ()))


def _refused(why: str) -> UsageError:
    return UsageError(
        f"the statement is refused: {why}; questions only read",
        hint="what provgraph records comes into the graph from the ledger",
    )
