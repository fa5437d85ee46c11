"""What pydantic makes of the records: their validator and JSON Schema. Loading this takes 0.1 s."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from provgraph.model.records import (
    EraseRecord,
    ImportRecord,
    NoteRecord,
    PinRecord,
    RunRecord,
    SealRecord,
)

Record = Annotated[
    RunRecord | NoteRecord | PinRecord | SealRecord | EraseRecord | ImportRecord,
    Field(discriminator="type"),
]

RECORD: TypeAdapter[
    RunRecord | NoteRecord | PinRecord | SealRecord | EraseRecord | ImportRecord
] = TypeAdapter(Record)
