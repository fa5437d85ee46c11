"""What a real program really changes, provgraph says: a few here, all by `make completeness`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.completeness.__main__ import environment
from tests.completeness.perturbing_programs import judged
from tests.completeness.programs import PROGRAMS
from tests.faults.world import Asking
from tests.support.required import missing

QUICK = (
    "shell-branches", "rename-over", "append-and-tee", "make-and-c", "c-static", "python-plain",
    "python-package-by-name",
)  # fmt: skip


@pytest.mark.parametrize("name", QUICK)
def test_what_a_program_changes_falls(name: str, tmp_path: Path, asking: Asking) -> None:
    one = next(program for program in PROGRAMS if program.name == name)
    if one.lacks():
        missing("native", f"{one.lacks()} isn't installed")

    found = judged(one, tmp_path / "world", environment(tmp_path), asking)

    assert not found.missed
    assert not found.wrong
    assert found.complete
    assert found.hit == found.true
