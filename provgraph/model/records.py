"""Records: one fact a document, as the ledger keeps them for ever (schema version 1).

A record's name is the hash of its bytes as stored. What may have to be forgotten is not in the
record but in a salted private object that it names. Fields are added with a default or the
schema's number goes up; a stored record is never rewritten.

These are plain dataclasses, for every watched run makes some and mustn't wait for pydantic to
load. What they hold is checked at the border, `model/wire.py`.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, dataclass, field, fields
from functools import lru_cache
from typing import Any, ClassVar, Literal

from provgraph.model.digests import identity

SCHEMA = 1
SAFE_INTEGER = 2**53

Evidence = Literal["observed", "declared", "inferred"]
Status = Literal["ok", "failed", "interrupted"]
Number = int | float | str

_WIRE = {"schema_": "schema", "as_": "as"}


def wire_name(name: str) -> str:
    """Give a field's name in JSON."""
    return _WIRE.get(name, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Base of everything in a record: frozen, and nothing unknown slips in."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {
        "extra": "forbid",
        "alias_generator": wire_name,
        "populate_by_name": True,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Value):
    """What makes two runs the same thing done again.

    `key` is the run's `--name`, or `s:…` hashed from program and redacted arguments; `label` is
    what people read.
    """

    key: str
    label: str
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Use(Value):
    """Run → what it read, looked for, or ran under.

    `digest` is the whole content as read (`absent` when it wasn't there), `maker` the run whose
    recorded product it was, `maker_step` that run's step. `writers` are, for a stream, the last
    run before this one of each other step that had written there. `objects` holds content kept in
    the ledger (part name → object digest), so that old versions can be shown.
    """

    name: str
    digest: str
    maker: str | None = None
    maker_step: str | None = None
    role: str = "input"
    evidence: Evidence = "observed"
    touched: dict[str, str] = field(default_factory=dict)
    size: int | None = None
    writers: tuple[str, ...] = ()
    kind: str | None = None
    kept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Value):
    """Run → what it wrote. `parts` are digests of config keys where the content was at hand."""

    name: str
    digest: str
    role: str = "output"
    mode: Literal["write", "append"] = "write"
    evidence: Evidence = "observed"
    size: int | None = None
    parts: dict[str, str] = field(default_factory=dict)
    kind: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSet(Value):
    """Run → many files below one directory that it read, or wrote, all in the same way.

    `manifest` is the object that lists them (`model/filesets.py`), `count` how many there are,
    `size` their bytes together. Of those read, `touched` is what was touched of each (`each`
    stands for its digest), and `maker` the run that made them all, as of a `Use`.
    """

    root: str
    manifest: str
    count: int
    evidence: Evidence = "observed"
    touched: dict[str, str] = field(default_factory=dict)
    maker: str | None = None
    maker_step: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Value):
    """A number found in a product, or given by the run. NaN, ±inf and big integers are strings."""

    name: str
    value: Number
    source: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", json_number(self.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Value):
    """Something that was not seen. `reason` is from a closed set (`model/gaps.py`)."""

    reason: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing(Value):
    """How a run was watched, and whether everything it touched was seen."""

    method: str
    complete: bool
    processes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Git(Value):
    """The commit that was checked out; `dirty` when tracked files differed from it."""

    commit: str | None = None
    branch: str | None = None
    dirty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(Value):
    """What every record has. `at` is RFC 3339 in UTC; `private` maps a category to an object."""

    schema_: Literal["provgraph/record/1"] = "provgraph/record/1"
    project: str
    at: str
    private: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord(Recorded):
    """One execution.

    `run` is a ULID. `started`/`ended` are RFC 3339 in UTC, the clock of the host that ran it;
    `seconds`, `cpu_seconds` in s; `peak_memory` in bytes. Private categories: `command` (argv,
    cwd, what else a redo needs), `agent` (user, host), `note`, `remote`, `paths` (outside handle →
    path), `params`.

    A run whose steps could be told apart holds nothing itself: `steps` says how many runs name it
    in `within`, and those hold what each step used and made.

    `read_sets` and `made_sets` are uses and products, many at once. Where other runs made what is
    in them, `done` is the `way`: it names each of those files, and they are in the manifests.
    """

    type: Literal["run"] = "run"
    run: str
    step: Step
    status: Status
    exit: int | None = None
    started: str
    ended: str
    seconds: float = 0.0
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    params: dict[str, str] = field(default_factory=dict)
    uses: tuple[Use, ...] = ()
    produces: tuple[Product, ...] = ()
    removed: tuple[str, ...] = ()
    environment: str | None = None
    hardware: str | None = None
    git: Git | None = None
    tracing: Tracing
    gaps: tuple[Gap, ...] = ()
    metrics: tuple[Metric, ...] = ()
    within: str | None = None
    steps: int = 0
    read_sets: tuple[FileSet, ...] = ()
    made_sets: tuple[FileSet, ...] = ()
    done: str | None = None

    def way(self) -> str:
        """Hash the way this run was done: step, arguments, parameters, inputs' steps.

        Two runs with one way are stand-ins for each other (DESIGN §4, «done the same way»).
        Arguments are part of the key of an unnamed step; of a named one they are in `params`
        under `argv`.
        """
        if self.done is not None:
            return self.done
        params = [f"{key}={self.params[key]}" for key in sorted(self.params)]
        inputs = sorted(
            {
                f"{use.name}<{use.maker_step}"
                for use in self.uses
                if use.maker_step is not None and use.role != "stream"
            }
        )
        return identity("way", self.project, self.step.key, *params, "|", *inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRecord(Recorded):
    """Why something was done: said of a run or an artefact. The text is private (`note`)."""

    type: Literal["note"] = "note"
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRecord(Recorded):
    """A result held on to. `as_` is `published`, `pinned`, or `none` to let go."""

    type: Literal["pin"] = "pin"
    name: str
    digest: str
    as_: str = "pinned"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealRecord(Recorded):
    """The Merkle root over the sorted names of the records known (`count` of them).

    `names` is the object that lists them, one a line, so that a broken seal can say what is gone.
    """

    type: Literal["seal"] = "seal"
    root: str
    count: int
    names: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseRecord(Recorded):
    """A tombstone: these private objects were erased on purpose."""

    type: Literal["erase"] = "erase"
    objects: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord(Recorded):
    """A bulk import: its lines are one content-addressed object."""

    type: Literal["import"] = "import"
    object: str
    format: str
    nodes: int
    edges: int
    label: str = ""


def to_bytes(record: Recorded) -> bytes:
    """Serialise a record as the ledger stores it: UTF-8 JSON, defaults left out, one newline."""
    document = {
        "schema": record.schema_,
        "type": record.type,  # type: ignore[attr-defined]
        **_plain(record, defaults=False),
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def document_of(value: Value) -> dict[str, Any]:
    """Give a record, or something in one, as plain JSON values."""
    document: dict[str, Any] = _plain(value, defaults=True)
    return document


def _plain(value: Any, *, defaults: bool) -> Any:
    if isinstance(value, tuple):
        return [_plain(item, defaults=defaults) for item in value]
    if not isinstance(value, Value):
        return value
    document = {}
    cls: Any = type(value)
    for name, wire, usual in _defaults(cls):
        held = getattr(value, name)
        if defaults or held != usual:
            document[wire] = _plain(held, defaults=defaults)
    return document


@lru_cache(maxsize=32)
def _defaults(cls: Any) -> tuple[tuple[str, str, Any], ...]:
    """Give name, name in JSON and default of each field (`MISSING` where it is required)."""
    return tuple(
        (one.name, wire_name(one.name), one.default if one.default_factory is MISSING else {})
        for one in fields(cls)
    )


def json_number(value: object) -> object:
    """Write NaN, infinities and integers past 2⁵³ as strings, so every JSON reader agrees."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, int) and abs(value) > SAFE_INTEGER:
        return str(value)
    return value
