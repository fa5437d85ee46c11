"""Write a ledger of the present record version, and what must be read from it; see README.md."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from provgraph.ledger import Ledger, seal
from provgraph.ledger.layout import RECORDS
from provgraph.model.digests import content_digest, value_digest
from provgraph.model.records import (
    SCHEMA,
    Gap,
    Git,
    ImportRecord,
    Metric,
    NoteRecord,
    PinRecord,
    Product,
    RunRecord,
    Step,
    Tracing,
    Use,
    document_of,
)

HERE = Path(__file__).parent
PROJECT = "5eed5eed5eed5eed5eed"
AT = "2026-01-02T03:04:05.678901Z"


def new_ledger(name: str) -> Ledger:
    place = HERE / name
    place.mkdir()
    (place / "key").write_text("5eed" * 16 + "\n")
    return Ledger.open(place, PROJECT)


def write_present() -> None:
    ledger = new_ledger(f"v{SCHEMA}")
    data, model = content_digest(b"species,mass\n"), content_digest(b"model")
    agent = ledger.put_private("agent", {"user": "eva", "host": "lab-3"})
    command = ledger.put_private("command", {"argv": ["python", "train.py", "\udcff"], "cwd": "."})
    run = RunRecord(
        project=PROJECT,
        at=AT,
        run="01J00000000000000000000001",
        step=Step(key="train", label="train", named=True),
        status="ok",
        exit=0,
        started="2026-01-02T03:04:00.000000Z",
        ended=AT,
        seconds=5.678901,
        cpu_seconds=4.5,
        peak_memory=123_456_789,
        params={"lr": value_digest("0.1")},
        uses=(
            Use(name="data/v3/dream.csv", digest=data, touched={"#bytes": data}, size=13),
            Use(name="local.yaml", digest="absent", touched={"#bytes": "absent"}),
            Use(name="env:pandas", digest=value_digest("2.2.0"), role="environment"),
            Use(
                name="train.py",
                digest=content_digest(b"print()\n"),
                role="script",
                kept=ledger.put_object(b"print()\n"),
            ),
        ),
        produces=(
            Product(name="model.pkl", digest=model, size=5),
            Product(name="odd %FF\n<b>.json", digest=content_digest(b"{}"), parts={"a": "k:1:2"}),
        ),
        removed=("old.pkl",),
        git=Git(commit="c" * 40, branch="main", dirty=True),
        tracing=Tracing(method="hooks", complete=False, processes=2),
        gaps=(Gap(reason="native-reader", subject="train.py"),),
        metrics=(
            Metric(name="auc", value=0.93, source="metrics.json"),
            Metric(name="loss", value=float("nan")),
            Metric(name="rows", value=2**60),
        ),
        private={"agent": agent, "command": command},
    )
    note = ledger.put_private("note", {"text": "tried a smaller rate"})
    lines = ledger.put_object(b'{"node":{"kind":"Dataset","name":"x"},"ref":"1"}\n')
    ledger.append(run)
    ledger.append(NoteRecord(project=PROJECT, at=AT, subject=run.run, private={"note": note}))
    ledger.append(PinRecord(project=PROJECT, at=AT, name="model.pkl", digest=model))
    ledger.append(
        ImportRecord(project=PROJECT, at=AT, object=lines, format="jsonl", nodes=1, edges=0)
    )
    ledger.erase([note], "asked to", at=AT)
    seal(ledger, at=AT)
    expect(ledger)


def write_0() -> None:
    ledger = new_ledger("v0")
    old = {
        "schema": "provgraph/record/0",
        "kind": "run",
        "id": "01H00000000000000000000001",
        "project": PROJECT,
        "program": "train.py",
        "args": ["--lr", "0.1"],
        "exit": 0,
        "begin": "2025-06-01T10:00:00Z",
        "end": "2025-06-01T10:01:00Z",
        "inputs": [
            {"path": "data/v3/dream.csv", "digest": content_digest(b"species,mass\n")[3:]},
            {"path": "local.yaml", "digest": None},
        ],
        "outputs": [{"path": "model.pkl", "digest": content_digest(b"model")[3:]}],
    }
    failed = old | {"id": "01H00000000000000000000002", "exit": 1, "name": "fit", "outputs": []}
    for document in (old, failed):
        put_raw(ledger, document)
    expect(ledger)


def put_raw(ledger: Ledger, document: dict[str, Any]) -> None:
    data = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    ledger.members.put(RECORDS, content_digest(data)[3:], data)


def expect(ledger: Ledger) -> None:
    expected = {name: document_of(ledger.read(name)) for name in sorted(ledger.names())}
    text = json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=True)
    ledger.place.with_name(f"{ledger.place.name}.expected.json").write_text(text + "\n")


if __name__ == "__main__":
    for name, write in (("v0", write_0), (f"v{SCHEMA}", write_present)):
        if (HERE / name).exists():
            sys.stderr.write(f"{name} is there and stays as it is\n")
        else:
            write()
