"""A file operation fails: a sample of `make faults`, which lets every one fail in every way.

The sample takes other operations for each way to fail, so that over the ways most are met.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import Bench, sample
from tests.faults.stories import STORIES, Story
from tests.faults.world import Asking

SHARE = 4  # about so many cases of each story are carried out


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_whatever_fails_nothing_is_lost_nor_falsely_said(
    story: type[Story], tmp_path: Path, injector: Path, asking: Asking
) -> None:
    bench = Bench(story(), tmp_path / "bench", injector, asking)
    every = list(bench.cases(bench.count()))
    cases = sample(every, len(every) // SHARE)
    assert cases
    results = [bench.carry_out(case) for case in cases]
    assert [result for result in results if result.wrong] == []
    assert any(result.first for result in results)
