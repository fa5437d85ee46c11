"""Runs and artefacts as they stand in Neo4j: rows that are written, and facts read back.

Properties that start with `_` are this store's own; the others are what analysts see.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from provgraph.graph.details import Details
from provgraph.graph.keys import class_of, key_of
from provgraph.graph.lines import NodeLine
from provgraph.graph.projection import GenerationFact, RunFact, as_text, nanoseconds
from provgraph.model.kinds import RUN

RECORDED, IMPORTED = (
    1,
    2,
)  # what `_known` says: a record tells of it, only an import does; 0: neither


@dataclass(frozen=True, slots=True)
class Kinds:
    """How artefacts get their kinds, and which kinds may be labels: a closed set, never input."""

    of: Callable[[str, bool], str]
    labels: frozenset[str]


class Stored(NamedTuple):
    """What is held of a vertex."""

    known: int
    is_run: bool
    told: Mapping[str, Any]

    @property
    def version(self) -> str:
        """Give the version of the record that a run has its columns from."""
        return str(self.told.get("_version") or "")


absent = Stored(0, False, {})


def run_row(run: RunFact, details: Details | None, ended_text: str) -> dict[str, Any]:
    """Give a run as `write/runs` takes it."""
    told = {
        "id": run.id,
        "kind": RUN,
        "project": run.project,
        "name": run.label,
        "step": run.step,
        "status": run.status,
        "started": run.started_text,
        "ended": ended_text,
        "seconds": run.seconds,
        "tracing": run.tracing,
        "complete": run.complete,
        "_known": RECORDED,
        "_way": run.way,
        "_within": run.within,
        "_started": run.started,
        "_ended": run.ended,
        "_version": run.version,
    }
    if details is not None:
        told |= {"commit": details.commit, "branch": details.branch, "dirty": details.dirty}
    return {"key": key_of(run.id), "told": told}


def artefact_row(
    fact: GenerationFact,
    stored: Stored | None,
    read: tuple[int, str] | None,
    kinds: Kinds,
) -> dict[str, Any]:
    """Give an artefact as `write/artefacts` takes it; `read` is its first reading: ns and text."""
    held: Mapping[str, Any] = stored.told if stored is not None else {}
    before = held.get("_first_read")
    first = read if read is not None and (before is None or read[0] < before) else None
    made = fact.maker is not None or held.get("_attributed") is not None
    key = key_of(fact.id)
    told = {
        "id": fact.id,
        "kind": fact.kind or kinds.of(fact.name, made),
        "project": fact.project,
        "name": fact.name,
        "digest": fact.digest or None,
        "size": fact.size,
        "made": made,
        "_known": RECORDED,
        "_tail": fact.name.rpartition("/")[2],
        "_explicit": fact.kind or None,
        "_maker": None if fact.maker is None else key_of(fact.maker),
        "_maker_id": fact.maker,
        "_maker_step": fact.maker_step,
        "_append": fact.append or None,
        "_parts": as_text(fact.parts) or None,
        "_before": None if fact.before is None else key_of(fact.before),
        "_before_id": fact.before,
        "_stands_in": fact.stands_in or None,
        "_class": class_of(fact.stands_in) if fact.stands_in else None,
    }
    if first is not None:
        told |= {"_first_read": first[0], "_first_read_text": first[1]}
    return {"key": key, "told": told}


def generation_of(stored: Stored) -> GenerationFact:
    """Read back what records have said of an artefact so far."""
    told = stored.told
    return GenerationFact(
        id=told["id"],
        project=told["project"],
        name=told["name"],
        digest=told.get("digest") or "",
        maker=told.get("_maker_id"),
        maker_step=told.get("_maker_step"),
        size=told.get("size"),
        kind=told.get("_explicit") or "",
        append=bool(told.get("_append")),
        parts=maps(told.get("_parts") or ""),
        before=told.get("_before_id"),
        stands_in=told.get("_stands_in") or "",
    )


@lru_cache(maxsize=65536)
def maps(text: str | None) -> Mapping[str, str]:
    """Read a map of texts as `projection.as_text` wrote it; None and "" are an empty one."""
    return MappingProxyType(json.loads(text) if text else {})


def imported_run(project: str, node: NodeLine, props: Mapping[str, Any]) -> dict[str, Any]:
    """Give a run that an import tells of."""
    step, seconds, status = props.get("step"), props.get("seconds"), props.get("status")
    started, ended = str(props.get("started") or ""), str(props.get("ended") or "")
    return {
        "id": node.id,
        "kind": RUN,
        "project": project,
        "name": node.name,
        "step": step if isinstance(step, str) and step else None,
        "status": status if status in ("failed", "interrupted") else "ok",
        "started": started,
        "ended": ended or started,
        "seconds": float(seconds) if isinstance(seconds, int | float) else 0.0,
        "tracing": "import",
        "complete": True,
        "props": json.dumps(props) if props else None,
        "_known": IMPORTED,
        "_way": "",
        "_within": "",
        "_digest": node.digest or None,
        "_started": nanoseconds(started),
        "_ended": nanoseconds(ended or started),
        "_version": "",
    }


def imported_artefact(
    project: str, node: NodeLine, props: Mapping[str, Any], known: int
) -> dict[str, Any]:
    """Give an artefact that an import tells of."""
    told = {
        "id": node.id,
        "kind": node.kind,
        "project": project,
        "name": node.name,
        "digest": node.digest or None,
        "props": json.dumps(props) if props else None,
        "_known": known,
        "_tail": node.name.rpartition("/")[2],
        "_explicit": node.kind,
    }
    if known == IMPORTED:
        told |= {"title": node.name, "made": False}
    return told
