"""The peer: `dvc status` for the same stages, with the recorded files as deps and outs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from provgraph.model.names import is_uri
from provgraph.model.records import RunRecord
from provgraph.project import Project
from tests.accuracy.language import Edit
from tests.accuracy.measuring import PATIENCE, Bench


class Peer:
    """`dvc`, asked at each edit which stages are out of date; what rests on those is, too."""

    def __init__(self, bench: Bench, dvc: str) -> None:
        self._bench = bench
        self._dvc = dvc
        self._root = bench.place / "peer" / "project"
        self._kept = bench.place / "peer-kept"
        self._stages: dict[str, tuple[set[str], set[str]]] = {}

    def begin(self) -> None:
        """Declare the stages as they were seen, and have dvc take the files as they are."""
        bench = self._bench
        shutil.copytree(bench.kept, self._root.parent, symlinks=True)
        for number, stage in enumerate(bench.pipeline.stages):
            self._stages[f"stage{number}"] = self._seen(stage)
        text = {
            "stages": {
                name: {
                    "cmd": "true",
                    "deps": sorted(deps),
                    "outs": [{out: {"cache": False}} for out in sorted(outs)],
                }
                for name, (deps, outs) in self._stages.items()
            }
        }
        self._call("init", "--quiet")
        (self._root / "dvc.yaml").write_text(json.dumps(text))
        self._call("commit", "--force", "--quiet")
        shutil.copytree(self._root.parent, self._kept, symlinks=True)

    def _seen(self, stage: Sequence[str]) -> tuple[set[str], set[str]]:
        """Give the files that runs of a stage read, and those of the outputs that it wrote."""
        project = Project.find(self._bench.kept / "project")
        project.sync()
        wanted = self._bench.pipeline.command(stage)
        deps: set[str] = set()
        outs: set[str] = set()
        for _, record in project.ledger.read_many(project.ledger.names()):
            if not isinstance(record, RunRecord):
                continue
            command = project.ledger.private_fields(record)["command"]
            whole = command.get("whole", command)  # a step is of the stage whose command did it
            if whole["argv"] == wanted:
                deps |= {use.name for use in record.uses if not is_uri(use.name)}
                outs |= {one.name for one in record.produces}
        project.close()
        there = {name for name in deps if (self._root / name).is_file()}
        return there - outs, outs & set(self._bench.pipeline.outputs)

    def said(self, edit: Edit) -> frozenset[str]:
        """Give the outputs that dvc takes for out of date after an edit."""
        shutil.rmtree(self._root.parent)
        shutil.copytree(self._kept, self._root.parent, symlinks=True)
        edit.apply(self._root)
        changed = json.loads(self._call("status", "--json") or "{}")
        stale = {name.rpartition(":")[2] for name in changed}
        while True:
            lost = {out for name in stale for out in self._stages.get(name, ((), ()))[1]}
            more = {name for name, (deps, _) in self._stages.items() if deps & lost} - stale
            if not more:
                return frozenset(lost)
            stale |= more

    def _call(self, *words: str) -> str:
        environ: Mapping[str, str] = {
            **self._bench.environ,
            "DVC_NO_ANALYTICS": "1",
            "PATH": os.pathsep.join([str(Path(self._dvc).parent), os.defpath]),
        }
        done = subprocess.run(
            [self._dvc, *words],
            cwd=self._root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            text=True,
        )
        assert done.returncode == 0 or words[0] == "status", (words, done.stdout, done.stderr)
        return done.stdout
