"""Answers: the frozen values that questions return and renderers take.

Their JSON form (`to_json`) is the public output of `--format json`; schemas are in `schemas/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any

CURRENT = "current"
BEHIND = "behind"
STALE = "stale"
MODIFIED = "modified"
MISSING = "missing"

# Lowest last.
RANK = {CURRENT: 0, BEHIND: 1, STALE: 2}


@dataclass(frozen=True, slots=True)
class GapNote:
    """Something the answer doesn't know; `words` says it to people."""

    grade: str
    reason: str
    subject: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """One edge of a reason. `edge` is USES, PRODUCES or DEPENDS_ON; ends are readable names."""

    cause: str
    effect: str
    edge: str
    evidence: str
    role: str = ""
    touched: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChangedName:
    """What is asked about. `how`: any change, edited, deleted, added, renamed to …."""

    name: str
    kind: str
    parts: tuple[str, ...] = ()
    how: str = "any change"


@dataclass(frozen=True, slots=True)
class Hit:
    """A name (or a run that writes nothing) that falls, with its decisive path, cause first.

    `depth` counts steps from the change, 1 for what reads it directly. `state` is what it falls
    to, `pinned` its pin (`published`, …) or "", `step` the last run on the path.
    """

    id: str
    name: str
    kind: str
    state: str
    depth: int
    why: tuple[Link, ...]
    words: str
    pinned: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Already:
    """A name that was stale, behind or missing before the change, and that the change reaches."""

    name: str
    kind: str
    state: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One thing to do, in order. `action` is `run`, `restore`, `remove`, `ask` or `impossible`."""

    action: str
    subject: str
    command: str = ""
    seconds: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Impact:
    """The answer to «what does this change affect».

    `asked` are the selectors as typed. `affected` is in order of importance: published, pinned,
    then nearest the change.
    """

    schema = "provgraph/impact/1"
    as_of: str
    viewpoint: str
    change: tuple[ChangedName, ...]
    affected: Sequence[Hit]
    already_stale: tuple[Already, ...]
    gaps: tuple[GapNote, ...]
    plan: tuple[PlanStep, ...]
    totals: Mapping[str, int]
    asked: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A name that isn't current, and why. `reason` is from the set in `analysis/judgement.py`."""

    name: str
    kind: str
    reason: str
    words: str
    why: tuple[Link, ...] = ()
    pinned: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """The working tree against what was recorded."""

    schema = "provgraph/status/1"
    as_of: str
    viewpoint: str
    stale: tuple[Standing, ...]
    behind: tuple[Standing, ...]
    modified: tuple[Standing, ...]
    missing: tuple[Standing, ...]
    current: tuple[str, ...]
    gaps: tuple[GapNote, ...]
    plan: tuple[PlanStep, ...]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RedoStep:
    """One thing to do again, or done. `action` and `subject` as in `PlanStep`.

    `run` is the recorded run that is repeated, in `directory`; `sure` tells that it is needed
    whatever comes of those before it, and `after` which places of the list (from 1) go first.
    `warnings` say what is different here from then, `choices` what decides an `ask`. `outcome` is
    `done`, `failed` or `interrupted` once it was carried out, with its `exit` status (negative: a
    signal) and the seconds it `took`.
    """

    action: str
    subject: str
    command: str = ""
    directory: str = ""
    seconds: float | None = None
    reason: str = ""
    run: str = ""
    sure: bool = True
    after: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    outcome: str = ""
    exit: int | None = None
    took: float | None = None


@dataclass(frozen=True, slots=True)
class Spared:
    """A step that needn't be run again, and why not; `seconds` is what it took."""

    step: str
    run: str
    seconds: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Redo:
    """What is to be done again, in order, and what came of it.

    `plan` is what was planned at first, `done` what was carried out (nothing in a dry run), `left`
    what couldn't be, or failed. `seconds` of `totals` are those recorded, `critical_seconds` those
    of the longest chain of runs that wait for each other.
    """

    schema = "provgraph/redo/1"
    as_of: str
    viewpoint: str
    targets: tuple[str, ...]
    dry_run: bool
    plan: tuple[RedoStep, ...]
    done: tuple[RedoStep, ...]
    left: tuple[RedoStep, ...]
    spared: tuple[Spared, ...]
    gaps: tuple[GapNote, ...]
    totals: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """One redo of a bisection: what was taken from the later run, and what the metric was then.

    `like` is `before`, `after` or `neither`, or `failed` where a command failed.
    """

    taken: tuple[str, ...]
    value: str
    like: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Bisection:
    """The differences that decide a metric. `fixed` says what couldn't be switched, and why.

    `deciding` is the smallest set found that gives the later run's value; nothing where `words`
    say why none was.
    """

    schema = "provgraph/bisect/1"
    as_of: str
    metric: str
    before: str
    after: str
    values: tuple[str, str]
    tolerance: float
    candidates: tuple[str, ...]
    fixed: tuple[str, ...]
    deciding: tuple[str, ...]
    words: str
    trials: tuple[Trial, ...]
    dry_run: bool
    totals: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node of a drawn or exported piece of graph. `state` is "" where nobody asked."""

    id: str
    kind: str
    name: str
    digest: str = ""
    state: str = ""
    depth: int = 0
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """An edge of a drawn or exported piece of graph: effect → cause, by ids."""

    type: str
    cause: str
    effect: str
    role: str = ""
    evidence: str = "observed"
    touched: Mapping[str, str] = field(default_factory=dict)
    props: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lineage:
    """A piece of the graph around a question: `--explain`, `lineage`, `why`, `render`."""

    schema = "provgraph/lineage/1"
    as_of: str
    viewpoint: str
    question: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    focus: tuple[str, ...]
    gaps: tuple[GapNote, ...]
    words: tuple[str, ...]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a `log`. `started` is RFC 3339, `seconds` the wall-clock time.

    `within` is the id of the run that this one is a step of, `steps` how many name this one so.
    """

    id: str
    step: str
    status: str
    started: str
    seconds: float
    tracing: str
    note: str = ""
    agent: str = ""
    products: int = 0
    metrics: Mapping[str, Any] = field(default_factory=dict)
    within: str = ""
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Log:
    """Runs, newest first."""

    schema = "provgraph/log/1"
    as_of: str
    runs: tuple[RunLine, ...]
    gaps: tuple[GapNote, ...]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class UsedLine:
    """An input or product of a shown node."""

    id: str
    name: str
    kind: str
    digest: str
    role: str
    evidence: str
    touched: Mapping[str, str] = field(default_factory=dict)
    state: str = ""
    maker: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything recorded about one node. For an artefact, `uses` are causes, `used_by` readers."""

    schema = "provgraph/show/1"
    as_of: str
    node: Mapping[str, Any]
    uses: tuple[UsedLine, ...]
    produces: tuple[UsedLine, ...]
    used_by: tuple[UsedLine, ...]
    notes: tuple[str, ...]
    gaps: tuple[GapNote, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which two runs differ. `section` is code, parameters, data, packages, …"""

    section: str
    name: str
    before: str
    after: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A difference that can have reached a run's outcome.

    `enters` are the steps that touched it, `through` the steps from the nearest of these to the
    run. `section` is as in `Difference`, or `variables` (of the environment), or `chance`: a step
    whose outcome differs though nothing that it touched does. `platform`: only the machine's.
    """

    section: str
    name: str
    before: str
    after: str
    detail: str
    enters: tuple[str, ...]
    through: tuple[str, ...]
    platform: bool = False


@dataclass(frozen=True, slots=True)
class Cleared:
    """A difference that can't have reached a run's outcome, as far as was seen, and why not."""

    section: str
    name: str
    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What can have reached these metrics, all of one run: the smallest set of suspects."""

    metrics: tuple[str, ...]
    suspects: tuple[Suspect, ...]
    cleared: tuple[Cleared, ...]


@dataclass(frozen=True, slots=True)
class RunDiff:
    """What differs between two runs, in the order people look: causes first, then metrics.

    `reach` says for the metrics that differ which differences, upstream ones too, can be why.
    """

    schema = "provgraph/diff/1"
    as_of: str
    before: str
    after: str
    differences: tuple[Difference, ...]
    same: Mapping[str, int]
    gaps: tuple[GapNote, ...]
    reach: tuple[Reach, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A thing that every path from data to `holds` of the live results goes through.

    `published` counts those of them that are pinned as published; `apart` whether the graph falls
    apart without it. `id` is a selector, here and in the answers below.
    """

    id: str
    name: str
    kind: str
    holds: int
    published: int
    apart: bool


@dataclass(frozen=True, slots=True)
class Leg:
    """A run on the critical path, with its recorded time."""

    id: str
    step: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Repeat:
    """Runs that did the same thing with the same inputs; `seconds` is what all but one took."""

    step: str
    runs: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Orphan:
    """A recorded thing that nothing live rests on, and that isn't live itself."""

    id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Chain:
    """One of the longest chains of runs, from its first cause to the result it ends in."""

    id: str
    name: str
    runs: int
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """Where the graph is weak, slow or idle. `seconds` is the time of the critical path."""

    schema = "provgraph/structure/1"
    as_of: str
    viewpoint: str
    single_points: tuple[Point, ...]
    critical_path: tuple[Leg, ...]
    seconds: float
    redundant: tuple[Repeat, ...]
    orphans: tuple[Orphan, ...]
    longest: tuple[Chain, ...]
    gaps: tuple[GapNote, ...]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of an overview: for each span of time how many runs, and how many ended badly."""

    label: str
    runs: tuple[int, ...]
    failed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything recorded, counted: runs by step and time, names by kind, and what is pinned.

    `spans` are the times (RFC 3339) at which the spans begin, and at which the last one ends.
    `made` counts what runs made, by its kind.
    """

    as_of: str
    spans: tuple[str, ...]
    lanes: tuple[Lane, ...]
    made: tuple[Lane, ...]
    undated: int
    kinds: Mapping[str, int]
    pinned: tuple[Standing, ...]
    totals: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """What a node is narrowed by besides its kind and state: of an artefact, its maker's.

    `time` is RFC 3339 or "", `project` an id, `run` the id of the run that the rest tells of.
    `unseen` says of a run, and of it alone, what it may have touched that no record names.
    """

    step: str = ""
    time: str = ""
    tracing: str = ""
    project: str = ""
    agent: str = ""
    pinned: str = ""
    run: str = ""
    unseen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of one recorded version, secrets redacted; `where` says where they were found."""

    name: str
    data: bytes
    where: str


@dataclass(frozen=True, slots=True)
class Match:
    """A recorded thing that a search found; `ask` is the selector that means it alone."""

    ask: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Report:
    """What an action did or a check found: `words` a line each, the same as values in `facts`."""

    schema = "provgraph/report/1"
    about: str
    ok: bool
    words: tuple[str, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)


def to_json(answer: object) -> Any:
    """Give an answer as plain JSON values, `schema` first, in the order of its fields."""
    kind: Any = type(answer)
    if kind in _PLAIN:
        return answer
    names = _names_of(kind)
    if names is not None:
        head = {"schema": answer.schema} if hasattr(answer, "schema") else {}
        return head | {name: to_json(getattr(answer, name)) for name in names}
    if isinstance(answer, Mapping):
        return {str(key): to_json(value) for key, value in answer.items()}
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        return [to_json(item) for item in answer]
    return answer


# Most of a large answer: to ask what else these might be took most of the time.
_PLAIN = frozenset({str, int, float, bool, type(None)})


@cache
def _names_of(kind: Any) -> tuple[str, ...] | None:
    """Give the names of a data class's fields; None for another class."""
    return tuple(f.name for f in fields(kind)) if is_dataclass(kind) else None
