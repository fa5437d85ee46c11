from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.ledger import Ledger
from tests.unit.ledger.making import a_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return a_ledger(tmp_path / "ledger")
