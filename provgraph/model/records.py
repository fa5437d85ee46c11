"""Records: one fact a document, as the ledger keeps them for ever (schema version 1).

A record's name is the hash of its bytes as stored. What may have to be forgotten is not in the
record but in a salted private object that it names. Fields are added with a default or the
schema's number goes up; a stored record is never rewritten.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from provgraph.model.digests import identity

SCHEMA = 1
SAFE_INTEGER = 2**53

Evidence = Literal["observed", "declared", "inferred"]
Status = Literal["ok", "failed", "interrupted"]
Number = int | float | str


class Value(BaseModel):
    """Base of everything in a record: frozen, and nothing unknown slips in."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Step(Value):
    """What makes two runs the same thing done again.

    `key` is the run's `--name`, or `s:…` hashed from program and redacted arguments; `label` is
    what people read.
    """

    key: str
    label: str
    named: bool = False


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
    touched: dict[str, str] = Field(default_factory=dict)
    size: int | None = None
    writers: tuple[str, ...] = ()
    kind: str | None = None
    kept: str | None = None


class Product(Value):
    """Run → what it wrote. `parts` are digests of config keys where the content was at hand."""

    name: str
    digest: str
    role: str = "output"
    mode: Literal["write", "append"] = "write"
    evidence: Evidence = "observed"
    size: int | None = None
    parts: dict[str, str] = Field(default_factory=dict)
    kind: str | None = None


class Metric(Value):
    """A number found in a product, or given by the run. NaN, ±inf and big integers are strings."""

    name: str
    value: Number
    source: str | None = None

    @field_validator("value", mode="before")
    @classmethod
    def _json_safe(cls, value: object) -> object:
        return json_number(value)


class Gap(Value):
    """Something that was not seen. `reason` is from a closed set (`model/gaps.py`)."""

    reason: str
    subject: str = ""


class Tracing(Value):
    """How a run was watched, and whether everything it touched was seen."""

    method: str
    complete: bool
    processes: int = 0


class Git(Value):
    """The commit that was checked out; `dirty` when tracked files differed from it."""

    commit: str | None = None
    branch: str | None = None
    dirty: bool = False


class Recorded(Value):
    """What every record has. `at` is RFC 3339 in UTC; `private` maps a category to an object."""

    schema_: Literal["provgraph/record/1"] = Field(
        default="provgraph/record/1", alias="schema", serialization_alias="schema"
    )
    project: str
    at: str
    private: dict[str, str] = Field(default_factory=dict)


class RunRecord(Recorded):
    """One execution.

    `run` is a ULID. `started`/`ended` are RFC 3339 in UTC, the clock of the host that ran it;
    `seconds`, `cpu_seconds` in s; `peak_memory` in bytes. Private categories: `command` (argv,
    cwd), `agent` (user, host), `note`, `remote`, `paths` (outside handle → path), `params`.
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
    params: dict[str, str] = Field(default_factory=dict)
    uses: tuple[Use, ...] = ()
    produces: tuple[Product, ...] = ()
    removed: tuple[str, ...] = ()
    environment: str | None = None
    hardware: str | None = None
    git: Git | None = None
    tracing: Tracing
    gaps: tuple[Gap, ...] = ()
    metrics: tuple[Metric, ...] = ()

    def way(self) -> str:
        """Hash the way this run was done: step, arguments, parameters, inputs' steps.

        Two runs with one way are stand-ins for each other (DESIGN §4, «done the same way»).
        Arguments are part of the key of an unnamed step; of a named one they are in `params`
        under `argv`.
        """
        params = [f"{key}={self.params[key]}" for key in sorted(self.params)]
        inputs = sorted(
            {
                f"{use.name}<{use.maker_step}"
                for use in self.uses
                if use.maker_step is not None and use.role != "stream"
            }
        )
        return identity("way", self.project, self.step.key, *params, "|", *inputs)


class NoteRecord(Recorded):
    """Why something was done: said of a run or an artefact. The text is private (`note`)."""

    type: Literal["note"] = "note"
    subject: str


class PinRecord(Recorded):
    """A result held on to. `as_` is `published`, `pinned`, or `none` to let go."""

    type: Literal["pin"] = "pin"
    name: str
    digest: str
    as_: str = Field(default="pinned", alias="as", serialization_alias="as")


class SealRecord(Recorded):
    """The Merkle root over the sorted names of the records known (`count` of them).

    `names` is the object that lists them, one a line, so that a broken seal can say what is gone.
    """

    type: Literal["seal"] = "seal"
    root: str
    count: int
    names: str | None = None


class EraseRecord(Recorded):
    """A tombstone: these private objects were erased on purpose."""

    type: Literal["erase"] = "erase"
    objects: tuple[str, ...]
    reason: str = ""


class ImportRecord(Recorded):
    """A bulk import: its lines are one content-addressed object."""

    type: Literal["import"] = "import"
    object: str
    format: str
    nodes: int
    edges: int
    label: str = ""


Record = Annotated[
    RunRecord | NoteRecord | PinRecord | SealRecord | EraseRecord | ImportRecord,
    Field(discriminator="type"),
]

RECORD: TypeAdapter[
    RunRecord | NoteRecord | PinRecord | SealRecord | EraseRecord | ImportRecord
] = TypeAdapter(Record)


def to_bytes(record: Recorded) -> bytes:
    """Serialise a record as the ledger stores it: UTF-8 JSON, defaults left out, one newline."""
    import json

    document = record.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    document = {
        "schema": record.schema_,
        "type": record.type,  # type: ignore[attr-defined]
        **document,
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def json_number(value: object) -> object:
    """Write NaN, infinities and integers past 2⁵³ as strings, so every JSON reader agrees."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, int) and abs(value) > SAFE_INTEGER:
        return str(value)
    return value


def document_of(record: Recorded) -> dict[str, Any]:
    """Give a record as plain JSON values."""
    return record.model_dump(mode="json", by_alias=True)
