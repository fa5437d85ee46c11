"""What the tests of the command line share: a fake project, and asking it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from provgraph.cli import launch
from provgraph.cli.entry import main
from tests.fakes.project import FakeProject

ROOT = Path(__file__).parents[3]
MOVED_BY = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PROVGRAPH", "PROVGRAPH_DEBUG")
PROGRAM = """
import sys
from provgraph.cli import launch
from provgraph.cli.entry import main
from tests.fakes.project import FakeProject
projects = FakeProject.fresh()
sys.exit(main(projects=projects))
"""


class Said(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Ask = Callable[..., Said]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in MOVED_BY:
        # Set and removed, so that what a command sets is taken back, too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def fake() -> type[FakeProject]:
    return FakeProject.fresh()


@pytest.fixture
def ask(
    fake: type[FakeProject],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Ask:
    """Ask the command line within this process."""

    def refuse(command: Sequence[str]) -> None:
        raise AssertionError(f"this would have become {list(command)}")

    # In this process, becoming another program would end the tests.
    monkeypatch.setattr(launch, "replace_by", refuse)

    def asked(*words: str) -> Said:
        code = main(words, projects=fake)
        out, err = capsys.readouterr()
        return Said(int(code), out, err)

    return asked


def start(
    words: Sequence[str], *, program: str = PROGRAM, **options: Any
) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own, on a fake project."""
    environment = {k: v for k, v in os.environ.items() if k not in MOVED_BY}
    environment |= options.pop("env", {})
    environment["PYTHONPATH"] = str(ROOT)
    for stream in ("stdout", "stderr"):
        options.setdefault(stream, subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-c", program, *words], env=environment, **options)


def apart(*words: str, **options: Any) -> Said:
    """Ask in a process of its own, and wait for it; a negative code is a signal."""
    process = start(words, **options)
    out, err = process.communicate(timeout=60)
    return Said(process.returncode, (out or b"").decode(), (err or b"").decode())
