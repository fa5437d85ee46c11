"""What a graph database shows of a run beside its edges: who, which command, numbers, gaps.

Pure: a record and its private fields in, small nodes out. What comes from a private object names
it (`holder`), so that the node goes when the object is erased.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from provgraph.graph.projection import Private, SaidFact, gaps_of, readable
from provgraph.model.gaps import grade_of
from provgraph.model.records import Metric, RunRecord

AGENT = "Agent"
COMMAND = "Command"
PARAMETER = "Parameter"
METRIC = "Metric"
NOTE = "Note"
GAP = "Gap"

BY = "BY"
RAN = "RAN"
HAS_PARAMETER = "HAS_PARAMETER"
HAS_METRIC = "HAS_METRIC"
HAS_GAP = "HAS_GAP"
ABOUT = "ABOUT"

CONFIGURED = ("input", "config")  # in these roles a key that was read is a parameter


class Detail(NamedTuple):
    """A node beside the graph's vertices: `type` is the relationship that leads from its run."""

    type: str
    label: str
    id: str
    props: Mapping[str, Any]
    holder: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """What one run's record says beside its edges; `commit` and the like are None where unknown."""

    commit: str | None
    branch: str | None
    dirty: bool | None
    nodes: tuple[Detail, ...]


def details_of(record: RunRecord, private: Private) -> Details:
    """Give a run's details; what is erased or not here is left out."""
    git = record.git
    found = (
        *_agent(record, private),
        *_command(record, private),
        *_parameters(record, private),
        *(_metric(record.run, metric) for metric in record.metrics),
        *(_gap(record.run, reason, subject) for reason, subject in gaps_of(record)),
    )
    return Details(
        commit=git.commit if git is not None else None,
        branch=git.branch if git is not None else None,
        dirty=git.dirty if git is not None else None,
        nodes=tuple({detail.id: detail for detail in found}.values()),
    )


def note_node(note: SaidFact) -> Detail:
    """Give a note as a node; `props` say when it was said, and what."""
    identifier = f"note:{note.object.removeprefix('b3:')}:{note.subject}:{note.at}"
    return Detail(ABOUT, NOTE, identifier, {"text": note.text, "at": note.at}, note.object)


def number_of(value: object) -> float | None:
    """Read a number that can be compared and plotted; None for words, NaN and infinities."""
    if isinstance(value, bool):
        return float(value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def command_text(private: Private) -> str:
    """Give the command as one would type it; "" where it isn't known."""
    argv = private.get("command", {}).get("argv")
    return readable(shlex.join(map(str, argv))) if isinstance(argv, list) else ""


def _agent(record: RunRecord, private: Private) -> Iterator[Detail]:
    fields, holder = private.get("agent", {}), record.private.get("agent", "")
    if fields and holder:
        props = {key: readable(fields[key]) for key in ("user", "host") if fields.get(key)}
        yield Detail(BY, AGENT, f"agent:{holder.removeprefix('b3:')}", props, holder)


def _command(record: RunRecord, private: Private) -> Iterator[Detail]:
    text, holder = command_text(private), record.private.get("command", "")
    if text and holder:
        identifier = f"cmd:{holder.removeprefix('b3:')}"
        yield Detail(RAN, COMMAND, identifier, {"text": text}, holder)


def _parameters(record: RunRecord, private: Private) -> Iterator[Detail]:
    """Give what was set for the run, and the config keys it read whose values stand in clear."""
    holder = record.private.get("params", "")
    for name, value in private.get("params", {}).items() if holder else ():
        yield _parameter(record.run, readable(name), readable(value), holder)
    for use in record.uses:
        if use.role not in CONFIGURED:
            continue
        for part, digest in use.touched.items():
            if digest.startswith("v:") and not part.startswith("#"):
                yield _parameter(record.run, f"{use.name}#{part}", digest[2:], "")


def _parameter(run: str, name: str, value: str, holder: str) -> Detail:
    props = {"name": name, "value": value, "number": number_of(value)}
    return Detail(HAS_PARAMETER, PARAMETER, f"par:{run}:{name}", props, holder)


def _metric(run: str, metric: Metric) -> Detail:
    props = {
        "name": metric.name,
        "value": str(metric.value),
        "number": None if isinstance(metric.value, str) else number_of(metric.value),
        "source": metric.source,
    }
    return Detail(HAS_METRIC, METRIC, f"met:{run}:{metric.name}:{metric.source or ''}", props)


def _gap(run: str, reason: str, subject: str) -> Detail:
    props = {"reason": reason, "subject": subject, "grade": grade_of(reason)}
    return Detail(HAS_GAP, GAP, f"gap:{run}:{reason}:{subject}", props)
