"""What a question looks up doesn't change what the next one answers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provgraph.project import Project


def chain(length: int) -> Iterator[bytes]:
    yield b'{"node":{"kind":"Dataset","name":"d0.csv"},"ref":"d0"}'
    for number in range(length):
        run, made = f"r{number}", f"d{number + 1}"
        for kind, name, ref in (("Run", run, run), ("Dataset", f"{made}.csv", made)):
            yield json.dumps({"node": {"kind": kind, "name": name}, "ref": ref}).encode()
        for kind, to in (("USES", f"d{number}"), ("PRODUCES", made)):
            yield json.dumps({"edge": {"type": kind, "from": run, "to": to}}).encode()


def test_imported_hits_stay_hits_after_they_were_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", os.fspath(tmp_path / "config"))
    root = tmp_path / "project"
    root.mkdir()
    project, _ = Project.init(root)
    project.import_jsonl(chain(5))
    questions = project.questions()
    before = questions.impact(["d0.csv"], all=False, depth=None)
    everything = questions.impact(["d0.csv"], all=True, depth=None)
    questions.lineage("d2.csv", direction="both", depth=None)
    assert questions.impact(["d0.csv"], all=False, depth=None) == before
    assert questions.impact(["d0.csv"], all=True, depth=None) == everything
    assert before.totals["affected"] == 5
    project.close()
