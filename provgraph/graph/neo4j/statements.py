"""The statements that this store sends: one a file below `cypher/`, without their heads."""

from __future__ import annotations

from functools import lru_cache

from provgraph.errors import StoreError
from provgraph.resources import resource_folder


@lru_cache(maxsize=256)
def statement(name: str) -> str:
    """Give the statement of `look-up/runs` and the like; the head's comments stay behind."""
    (only,) = statements(name)
    return only


@lru_cache(maxsize=256)
def statements(name: str) -> tuple[str, ...]:
    """Give the statements of a file that holds several, as a schema does, each ended by `;`."""
    path = resource_folder("cypher") / f"{name}.cypher"
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise StoreError(
            f"{path} can't be read: {error.strerror}", hint="install provgraph again"
        ) from error
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    return tuple(part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" ;\n"))
