from __future__ import annotations

import itertools
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provgraph.collect.account import Finished
from provgraph.collect.trace import Trace
from provgraph.collect.tracing.preload.build import library
from tests.support.required import missing

CHECKOUT = Path(__file__).resolve().parents[3]
DRIVER = Path(__file__).with_name("driver.py")


@dataclass(frozen=True)
class Watched:
    """A command that was run watched: how it looked from outside, and what was seen of it."""

    project: Path
    status: int
    out: bytes
    err: bytes
    trace: Trace | None
    finished: Finished | None

    def seen(self, *actions: str) -> set[tuple[str, ...]]:
        """Give (action, name[, new name]) of the accesses in the project."""
        assert self.trace is not None, self.err
        found = set()
        for access in self.trace.accesses:
            if actions and access.action not in actions:
                continue
            names = [self.name(path) for path in (access.path, access.other) if path is not None]
            if not any(name.startswith("..") for name in names):
                found.add((access.action, *names))
        return found

    def before(self, action: str, name: str) -> str | None:
        assert self.trace is not None, self.err
        return next(
            access.before
            for access in self.trace.accesses
            if (access.action, self.name(access.path)) == (action, name)
        )

    @property
    def gaps(self) -> set[tuple[str, str]]:
        assert self.trace is not None, self.err
        return set(self.trace.gaps)

    def name(self, path: bytes) -> str:
        return os.path.relpath(os.fsdecode(path), self.project)


class Watch:
    """Runs commands in a scratch project, watched by one tracer, or bare."""

    def __init__(self, tracer: str, project: Path, scratch: Path) -> None:
        self.tracer = tracer
        self.project = project
        self.scratch = scratch
        self.turns = itertools.count()

    @property
    def sees_natively(self) -> bool:
        """Whether code that isn't Python is seen too."""
        return self.tracer != "audit"

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def command(self, *command: str | bytes) -> tuple[list[str | bytes], Path]:
        seen = self.scratch / f"seen{next(self.turns)}"
        return [sys.executable, str(DRIVER), self.tracer, str(seen), "--", *command], seen

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        if extra and "PYTHONPATH" in extra:
            environ["THEIR_PYTHONPATH"] = extra["PYTHONPATH"]
        return environ | dict(extra or {}) | {"PYTHONPATH": str(CHECKOUT)}

    def run(
        self, *command: str | bytes, env: Mapping[str, str] | None = None, **options: Any
    ) -> Watched:
        argv, seen = self.command(*command)
        done = subprocess.run(
            argv,
            cwd=self.project,
            env=self.environment(env),
            capture_output="stdout" not in options,
            check=False,
            timeout=60,
            **options,
        )
        return self.result(done.returncode, done.stdout, done.stderr, seen)

    def result(self, status: int, out: bytes, err: bytes, seen: Path) -> Watched:
        trace, finished = pickle.loads(seen.read_bytes()) if seen.exists() else (None, None)
        return Watched(self.project, status, out or b"", err or b"", trace, finished)

    def python(self, source: str | bytes, *arguments: str, **options: Any) -> Watched:
        self.write("main.py", source)
        return self.run(sys.executable, "main.py", *arguments, **options)

    def bare(
        self, *command: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        environ = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        return subprocess.run(
            command,
            cwd=self.project,
            env=environ | dict(env or {}),
            capture_output=True,
            check=False,
        )


@pytest.fixture(params=["audit", "preload"])
def watch(request: pytest.FixtureRequest, tmp_path: Path) -> Watch:
    if request.param != "audit" and (why := library().why):
        missing("native", f"there is no native library: {why}")
    project = tmp_path / "project"
    project.mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Watch(request.param, project, scratch)
