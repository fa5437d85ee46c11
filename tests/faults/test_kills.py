"""Runs killed at random instants: forty here, a thousand in `make faults`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.kills import Hunt
from tests.faults.world import Asking


@pytest.mark.parametrize("part", range(4))
def test_a_killed_run_is_recovered_with_what_it_had_done(
    part: int, tmp_path: Path, asking: Asking
) -> None:
    # A long path has its socket elsewhere, which mustn't be left there.
    hunt = Hunt(tmp_path / ("long" * 25 if part % 2 else "short"), asking)
    killed = [hunt.kill(seed) for seed in range(part * 10, part * 10 + 10)]
    assert [one for one in killed if one.wrong] == []
    assert sum(one.dead for one in killed) > 0
