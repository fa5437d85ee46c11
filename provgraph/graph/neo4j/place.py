"""Where a Neo4j is and who asks: its URL taken apart, and credentials that no file holds.

`neo4j+s://ada@db.example.org:7687/provenance` names a scheme, a user, a server and a database.
Passwords come from NEO4J_PASSWORD or the keyring, never from a URL, for URLs are committed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from provgraph.errors import StoreError, UsageError

SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
PORT = 7687
SERVICE = "provgraph"  # under this name the keyring keeps passwords


def is_neo4j_url(text: str) -> bool:
    """Tell whether a text is the URL of a Neo4j."""
    return text.partition("://")[0] in SCHEMES and "://" in text


@dataclass(frozen=True, slots=True)
class Place:
    """A server as the driver takes it, a database (None: the server's default) and a user."""

    server: str
    database: str | None = None
    user: str | None = None

    def __str__(self) -> str:
        """Give the place as it may be shown."""
        return self.server + (f"/{self.database}" if self.database else "")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user and a password; `repr` keeps the password to itself."""

    user: str
    password: str

    def __repr__(self) -> str:
        """Say for whom they are."""
        return f"Credentials(user={self.user!r})"


def place_of(url: str) -> Place:
    """Take a URL apart. Raises `UsageError`, also for one that holds a password."""
    hint = "a Neo4j is named like neo4j+s://host:7687/database, or bolt://127.0.0.1:7687"
    if not is_neo4j_url(url):
        raise UsageError(f"{url!r} is not the URL of a Neo4j", hint=hint)
    try:
        parts = urlsplit(url)
        port = parts.port or PORT
    except ValueError as error:
        raise UsageError(f"the URL of the Neo4j can't be read: {error}", hint=hint) from None
    if parts.password is not None:
        raise UsageError(
            "the URL of the Neo4j holds a password, which would end up in files and histories",
            hint="take it out of the URL; set NEO4J_PASSWORD, or keep it in the keyring",
        )
    if not parts.hostname:
        raise UsageError(f"{url!r} names no host", hint=hint)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    query = f"?{parts.query}" if parts.query else ""  # routing context, the driver's business
    return Place(
        server=f"{parts.scheme}://{host}:{port}{query}",
        database=unquote(parts.path.strip("/")) or None,
        user=unquote(parts.username) if parts.username else None,
    )


def credentials_for(
    place: Place, environment: Mapping[str, str] = os.environ
) -> Credentials | None:
    """Find who asks: NEO4J_USERNAME and NEO4J_PASSWORD, then the keyring; None where neither says.

    The keyring is asked where the package `keyring` is installed; its service is
    `provgraph <server>`, as `keyring set` takes it.
    """
    user = place.user or environment.get("NEO4J_USERNAME") or "neo4j"
    password = environment.get("NEO4J_PASSWORD")
    if password:
        return Credentials(user, password)
    try:
        import keyring
        import keyring.errors
    except ImportError:
        return None
    try:
        kept = keyring.get_password(f"{SERVICE} {place.server}", user)
    except keyring.errors.NoKeyringError:
        return None
    except keyring.errors.KeyringError as error:
        raise StoreError(
            f"the keyring didn't give the password for {place}: {error}",
            hint="unlock it, or set NEO4J_PASSWORD",
        ) from error
    return Credentials(user, kept) if kept else None


def how_to_log_in(place: Place) -> str:
    """Say how credentials are given."""
    user = place.user or "neo4j"
    return (
        f"set NEO4J_USERNAME (now {user!r}, unless set) and NEO4J_PASSWORD, or keep the password "
        f"with: keyring set '{SERVICE} {place.server}' {user}"
    )
