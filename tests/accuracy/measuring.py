"""Record a pipeline, do each edit to it, and hold what provgraph said against what happened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from provgraph.model.answers import RANK
from provgraph.model.gaps import BLOCKING
from provgraph.project import Project
from tests.accuracy.language import Edit, Pipeline

PATIENCE = 300
GIT = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org")


@dataclass(frozen=True)
class Case:
    """One edit, what it changed, and what was said of it. All are names of outputs.

    `status` and `check` are what each command said would no longer be current; `blocked` tells
    whether either also said that something could hide more.
    """

    pipeline: str
    edit: Edit
    changed: frozenset[str]
    status: frozenset[str]
    check: frozenset[str]
    blocked: bool
    narrowed: tuple[int, int] = (0, 0)

    @property
    def missed(self) -> frozenset[str]:
        return self.changed - (self.status & self.check)


class Bench:
    """A pipeline in a place of its own; every edit is done there, to a fresh copy."""

    def __init__(self, pipeline: Pipeline, place: Path) -> None:
        self.pipeline = pipeline
        self.place = place / pipeline.name
        self.root = self.place / "work" / "project"
        self.kept = self.place / "kept"
        self.home = self.place / "home"

    @cached_property
    def environ(self) -> Mapping[str, str]:
        self.home.mkdir(parents=True, exist_ok=True)
        named = {key: value.format(root=self.root) for key, value in self.pipeline.environ.items()}
        return {
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            **named,
        }

    def record(self) -> None:
        """Lay the project, commit it, and run each stage watched."""
        self.root.mkdir(parents=True)
        self._run([*GIT, "init", "--quiet", "--initial-branch=main"])
        Project.init(self.root)
        self.pipeline.lay(self.root)
        self.commit("one")
        if self.pipeline.tell is not None:
            self.pipeline.tell(self.root, self.watch)
        else:
            for stage in self.pipeline.stages:
                self.watch(stage)
        shutil.copytree(self.root.parent, self.kept, symlinks=True)

    def watch(self, stage: Sequence[str]) -> None:
        words = (sys.executable, "-m", "provgraph", "run", *self.pipeline.options, "--")
        self._run([*words, *self.pipeline.command(stage)])

    def commit(self, message: str) -> None:
        self._run([*GIT, "add", "-A"])
        self._run([*GIT, "commit", "--quiet", "--allow-empty", "-m", message])

    def cases(self, edits: Sequence[Edit] | None = None) -> Iterator[Case]:
        for edit in self.pipeline.edits if edits is None else edits:
            yield self.case(edit)

    def case(self, edit: Edit) -> Case:
        """Do one edit: first ask, then run everything again and compare bytes."""
        shutil.rmtree(self.root.parent)
        shutil.copytree(self.kept, self.root.parent, symlinks=True)
        edit.apply(self.root)
        status, check, blocked = self._asked(edit)
        before = {name: _content(self.kept / "project" / name) for name in self.pipeline.outputs}
        for name in self.pipeline.outputs:
            (self.root / name).unlink(missing_ok=True)
        for stage in self.pipeline.stages:
            self._run(self.pipeline.command(stage), environ=edit.environ, may_fail=True)
        after = {name: _content(self.root / name) for name in self.pipeline.outputs}
        changed = frozenset(name for name in before if before[name] != after[name])
        assert all(data is not None for data in before.values()), "an output was never made"
        return Case(self.pipeline.name, edit, changed, status, check, blocked)

    def _asked(self, edit: Edit) -> tuple[frozenset[str], frozenset[str], bool]:
        outputs = set(self.pipeline.outputs)
        kept = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environ)
        try:
            project = Project.find(self.root)
            try:
                if edit.asks:
                    answer = project.impact([edit.asks])
                    hit = frozenset(one.name for one in answer.affected) & outputs
                    return hit, hit, any(gap.grade == BLOCKING for gap in answer.gaps)
                status = project.status()
                fallen = (*status.stale, *status.behind, *status.missing)
                check = project.check(base="HEAD")
                blocked = any(gap.grade == BLOCKING for gap in (*status.gaps, *check.gaps))
                said = frozenset(one.name for one in fallen) & outputs
                found = frozenset(one.hit.name for one in check.affected if one.hit.state in RANK)
                return said, said if edit.installed else found & outputs, blocked
            finally:
                project.close()
        finally:
            os.environ.clear()
            os.environ.update(kept)

    def narrowed(self) -> tuple[int, int]:
        """Count what recorded runs touched of files in parts, and all that they touched."""
        project = Project.find(self.kept / "project")
        project.sync()
        parts = whole = 0
        for generation in project.store.recorded_generations():
            for use in project.store.uses_of([generation.key]):
                if use.role in ("environment", "platform", "path") or not use.touched:
                    continue
                whole += 1
                parts += "#bytes" not in use.touched
        project.close()
        return parts, whole

    def _run(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str] | None = None,
        may_fail: bool = False,
    ) -> None:
        done = subprocess.run(
            command,
            cwd=self.root,
            env={**self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert may_fail or done.returncode == 0, (command, done.stdout, done.stderr)


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
