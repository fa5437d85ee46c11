"""Every released record version opens for ever (`tests/stores/`)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from provgraph.errors import Erased, RecordDamaged, RecordFromFuture
from provgraph.ledger import verify
from provgraph.ledger.upcast import STEPS, upcast
from provgraph.model.digests import step_key
from provgraph.model.records import SCHEMA, NoteRecord, RunRecord, document_of
from tests.unit.ledger.making import a_ledger

STORES = Path(__file__).parents[2] / "stores"
VERSIONS = sorted(path.name for path in STORES.iterdir() if (path / "FORMAT").exists())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_each_version_reads_as_it_always_did(version: str, tmp_path: Path) -> None:
    shutil.copytree(STORES / version, tmp_path / version)
    ledger = a_ledger(tmp_path / version)
    expected = json.loads((STORES / f"{version}.expected.json").read_text())
    found = {name: document_of(ledger.read(name)) for name in ledger.names()}
    for name, document in expected.items():
        # Fields that came later have their defaults.
        assert found[name] == found[name] | document
    assert set(found) == set(expected)
    assert verify(ledger).whole
    shutil.rmtree(ledger.place / "spool", ignore_errors=True)
    assert files_in(ledger.place) == files_in(STORES / version)  # reading rewrote nothing


def files_in(place: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(place)): path.read_bytes()
        for path in place.rglob("*")
        if path.is_file()
    }


def test_there_is_a_store_of_every_version() -> None:
    assert [f"v{number}" for number in range(SCHEMA + 1)] == VERSIONS
    assert sorted(STEPS) == list(range(SCHEMA))


def test_the_private_objects_of_version_1_read_as_ever(tmp_path: Path) -> None:
    shutil.copytree(STORES / "v1", tmp_path / "v1")
    ledger = a_ledger(tmp_path / "v1")
    assert ledger.key == bytes.fromhex("5eed" * 16)
    (run,) = (r for _, r in ledger.read_many(ledger.names()) if isinstance(r, RunRecord))
    assert ledger.private_fields(run) == {
        "agent": {"user": "eva", "host": "lab-3"},
        "command": {"argv": ["python", "train.py", "\udcff"], "cwd": "."},
    }
    # Equal content has the name it had then: salts don't change.
    assert ledger.put_private("agent", {"host": "lab-3", "user": "eva"}) == run.private["agent"]
    (note,) = (r for _, r in ledger.read_many(ledger.names()) if isinstance(r, NoteRecord))
    with pytest.raises(Erased):
        ledger.get_private(note.private["note"])


def test_version_0_becomes_steps_and_prefixed_digests() -> None:
    new = upcast(
        {
            "schema": "provgraph/record/0",
            "id": "r",
            "project": "p",
            "program": "train.py",
            "args": ["-x"],
            "exit": 2,
            "begin": "b",
            "end": "e",
            "inputs": [{"path": "a", "digest": None}],
            "outputs": [{"path": "m", "digest": "0" * 64}],
        }
    )
    assert new["step"]["key"] == step_key("p", "train.py", ("-x",))
    assert new["status"] == "failed"
    assert new["uses"][0]["touched"] == {"#bytes": "absent"}
    assert new["produces"] == [{"name": "m", "digest": "b3:" + "0" * 64}]


@pytest.mark.parametrize("schema", [f"provgraph/record/{SCHEMA + 1}", "provgraph/record/999999"])
def test_a_newer_version_is_of_the_future(schema: str) -> None:
    with pytest.raises(RecordFromFuture):
        upcast({"schema": schema})


@pytest.mark.parametrize(
    "schema", [None, 1, "", "provgraph/record/", "provgraph/record/-1", "other/1"]
)
def test_anything_else_is_no_record(schema: object) -> None:
    with pytest.raises(RecordDamaged):
        upcast({"schema": schema})
