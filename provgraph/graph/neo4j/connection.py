"""The connection to a Neo4j: the official driver, its faults as `StoreError`s, its first use.

Routing, retries, bookmarks and TLS are the driver's own. Every transaction is a managed one, so a
cluster that changes its leader, or a deadlock, is tried again by the driver.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from provgraph.errors import StoreAway, StoreError
from provgraph.graph.neo4j.place import Credentials, Place, credentials_for, how_to_log_in, place_of
from provgraph.graph.neo4j.statements import statement, statements

if TYPE_CHECKING:
    from neo4j import Driver, ManagedTransaction, Query, Session

OLDEST = (5, 26)  # the long-term version that the tests run against
LAYOUT = 1  # of what provgraph keeps in the database
PATIENCE = 10.0  # s for a connection to come about
RETRYING = 30.0  # s that the driver tries a transaction again

# What somebody else made between the server's look and its own making.
MADE_MEANWHILE = (
    "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists",
    "Neo.ClientError.Schema.ConstraintAlreadyExists",
    "Neo.ClientError.Schema.IndexAlreadyExists",
)

P = ParamSpec("P")
T = TypeVar("T")


class Connection:
    """One driver for one place; `beside` lets it settle in a database that holds other things.

    Raises `StoreAway` where no server answers, `StoreError` where one does and can't be used.
    """

    def __init__(
        self, url: str, *, beside: bool = False, credentials: Credentials | None = None
    ) -> None:
        self.place: Place = place_of(url)
        self._beside = beside
        self._ready = False
        self._lock = threading.Lock()
        try:
            import neo4j
        except ImportError as error:
            raise StoreError(
                f"the graph is to be in {self.place}, but the Neo4j driver isn't installed",
                hint="pip install 'provgraph[neo4j]'",
            ) from error
        self._neo4j = neo4j
        # What it tries again, or gives up, we say in our own words, or not at all.
        logging.getLogger("neo4j").addHandler(logging.NullHandler())
        self._credentials = credentials or credentials_for(self.place)
        auth = None
        if self._credentials is not None:
            auth = neo4j.basic_auth(self._credentials.user, self._credentials.password)
        with self.translated():
            self.driver: Driver = neo4j.GraphDatabase.driver(
                self.place.server,
                auth=auth,
                user_agent="provgraph",
                connection_timeout=PATIENCE,
                connection_acquisition_timeout=6 * PATIENCE,
                max_transaction_retry_time=RETRYING,
                notifications_min_severity="OFF",
                telemetry_disabled=True,
            )
            self._bookmarks = neo4j.GraphDatabase.bookmark_manager()

    @property
    def user(self) -> str | None:
        """Who asks; None: nobody in particular."""
        return self._credentials.user if self._credentials is not None else None

    # -- asking ------------------------------------------------------------------------------

    def read(self, name: str, /, **parameters: Any) -> list[list[Any]]:
        """Send a statement of `cypher/` that reads; gives rows as lists."""
        return self.reading(lambda work: work(name, **parameters))

    def one(self, name: str, /, **parameters: Any) -> Any:
        """Send a statement that reads; gives the first column of the first row, or None."""
        rows = self.read(name, **parameters)
        return rows[0][0] if rows else None

    def reading(
        self, work: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do several reads in one transaction."""
        self.prepare()
        with self.translated(), self.session(write=False) as session:
            return session.execute_read(lambda tx: work(Work(tx), *args, **kwargs))

    def writing(
        self, work: Callable[Concatenate[Work, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do what reads and writes in one transaction: all or nothing, again if it has to be.

        `work` may be called several times, so it must not change anything else.
        """
        self.prepare()
        with self.translated(), self.session(write=True) as session:
            return session.execute_write(lambda tx: work(Work(tx), *args, **kwargs))

    def batches(self, name: str, /, **parameters: Any) -> None:
        """Send a statement that commits by itself, `IN TRANSACTIONS`."""
        self.prepare()
        with self.translated(), self.session(write=True) as session:
            session.run(_query(statement(name)), parameters).consume()

    @contextmanager
    def session(self, *, write: bool) -> Iterator[Session]:
        """Open a session that sees what was written here before, on whichever member it is."""
        mode = self._neo4j.WRITE_ACCESS if write else self._neo4j.READ_ACCESS
        session = self.driver.session(
            database=self.place.database,
            default_access_mode=mode,
            bookmark_manager=self._bookmarks,
            fetch_size=10_000,
        )
        try:
            yield session
        finally:
            session.close()

    def close(self) -> None:
        """Let go of the server; twice is once."""
        self.driver.close()

    def __del__(self) -> None:
        """Close what was forgotten: the driver complains of it."""
        driver = getattr(self, "driver", None)
        if driver is not None:
            with suppress(Exception):
                driver.close()

    # -- first use ---------------------------------------------------------------------------

    def prepare(self) -> None:
        """Before anything else: look at the server and lay out what isn't there, once."""
        if self._ready:
            return
        with self._lock:
            if not self._ready:
                self._settle()
                self._ready = True

    def version(self) -> tuple[str, str]:
        """Give (version, edition) as the server says them."""
        with self.translated(), self.session(write=False) as session:
            row = session.run(_query(statement("look-up/version"))).single(strict=True)
            return str(row["version"]), str(row["edition"])

    def lay_out(self) -> None:
        """Make the constraints and indexes that aren't there; twice is once.

        Several who come first at once get into each other's way, so these are managed, too.
        """
        with self.translated(), self.session(write=True) as session:
            for one in statements("schema/constraints"):
                try:
                    session.execute_write(_run, one)
                except self._neo4j.exceptions.ClientError as error:
                    if error.code not in MADE_MEANWHILE:
                        raise
            session.run(_query("CALL db.awaitIndexes(60)")).consume()
            session.execute_write(lambda tx: Work(tx)("write/layout", layout=LAYOUT))

    def _settle(self) -> None:
        version, _ = self.version()
        if not _is_new_enough(version):
            raise StoreError(
                f"{self.place} is Neo4j {version}; provgraph needs"
                f" {OLDEST[0]}.{OLDEST[1]} or newer",
                hint="upgrade the server: 5.26 is the long-term version",
            )
        with self.translated(), self.session(write=False) as session:
            found = session.run(_query(statement("look-up/layout"))).single(strict=True)
            layout, nodes = found["layout"], found["nodes"]
        if layout is not None and layout > LAYOUT:
            raise StoreError(
                f"the graph in {self.place} was laid out by a newer provgraph (layout {layout})",
                hint="upgrade provgraph",
            )
        if layout == LAYOUT:
            return
        if layout is None and nodes and not self._beside:
            raise StoreError(
                f"the database at {self.place} holds {nodes:,} nodes that aren't provgraph's",
                hint="give provgraph a database of its own, or let it settle beside them, once: "
                f"provgraph push --beside {self.place}",
            )
        self.lay_out()

    # -- faults ------------------------------------------------------------------------------

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the driver's faults into ours, each with what to do next."""
        exceptions = self._neo4j.exceptions
        try:
            yield
        except exceptions.AuthError as error:
            said = "refused the user or the password" if self._credentials else "wants a password"
            raise StoreError(
                f"{self.place} {said} ({_code(error)})", hint=how_to_log_in(self.place)
            ) from error
        except exceptions.ConstraintError as error:
            raise StoreError(
                f"the graph in {self.place} was changed by hand: {_first_line(error)}",
                hint="`provgraph graph rebuild` makes it anew from the ledger",
            ) from error
        except (exceptions.ServiceUnavailable, exceptions.SessionExpired) as error:
            raise StoreAway(
                f"{self.place} can't be reached: {_first_line(error)}",
                hint="is it running, and the URL right? `provgraph doctor` tries it",
                place=str(self.place),
            ) from error
        except exceptions.Neo4jError as error:
            if error.code == "Neo.ClientError.Database.DatabaseNotFound":
                raise StoreError(
                    f"{self.place.server} has no database {self.place.database!r}",
                    hint="leave the database out of the URL for the server's default one",
                ) from error
            if _is_away(error):
                raise StoreAway(
                    f"{self.place} is not ready: {_first_line(error)}", place=str(self.place)
                ) from error
            raise StoreError(
                f"{self.place} can't do that: {_first_line(error)} ({_code(error)})"
            ) from error
        except exceptions.DriverError as error:
            if _is_away(error):
                raise StoreAway(
                    f"{self.place} can't be reached: {_first_line(error)}", place=str(self.place)
                ) from error
            raise StoreError(f"{self.place} can't be asked: {_first_line(error)}") from error
        except OSError as error:  # before the driver has a connection of its own
            raise StoreAway(
                f"{self.place} can't be reached: {error}", place=str(self.place)
            ) from error


class Work:
    """What may be asked inside one transaction: statements of `cypher/`, by name."""

    def __init__(self, transaction: ManagedTransaction) -> None:
        self._transaction = transaction

    def __call__(self, name: str, /, **parameters: Any) -> list[list[Any]]:
        """Send a statement; gives its rows as lists."""
        return self._transaction.run(statement(name), parameters).values()


def collected(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Give the one list of a statement that collects its rows (75,000: 0.15 s in place of 2)."""
    found: list[list[Any]] = rows[0][0] if rows else []
    return found


def _run(transaction: ManagedTransaction, text: str) -> None:
    transaction.run(text).consume()


def _query(text: str) -> Query:
    from neo4j import Query

    # A constant of the package, or made of such: the driver asks for literals.
    return Query(text)


def _is_new_enough(version: str) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST


def _is_away(error: Exception) -> bool:
    retryable = getattr(error, "is_retryable", None)
    return bool(retryable and retryable())


def _code(error: Exception) -> str:
    return str(getattr(error, "code", None) or type(error).__name__)


def _first_line(error: Exception) -> str:
    # Only what a server said has a code; other errors' `message` is a preview in driver 5.
    said = str(getattr(error, "message", "") if getattr(error, "code", None) else error).strip()
    return said.partition("\n")[0].rstrip(": ")
