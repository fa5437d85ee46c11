"""What a random script really changes, provgraph says: a few seeds here, any number by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.completeness.__main__ import environment
from tests.completeness.perturbing import judged
from tests.completeness.scripts import script
from tests.faults.world import Asking


@pytest.fixture(scope="module")
def asking() -> Iterator[Asking]:
    one = Asking()
    yield one
    one.close()


@pytest.mark.parametrize("seed", range(24))
def test_what_a_script_changes_is_hit(seed: int, tmp_path: Path, asking: Asking) -> None:
    one = script(seed)

    found = judged(one, tmp_path / "world", environment(tmp_path), asking)

    assert not found.missed, one.text
    assert not found.wrong, one.text
    assert found.true
