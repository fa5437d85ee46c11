"""One process that answers for all of the stories here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provgraph.collect.tracing.preload.build import library
from tests.faults.world import Asking
from tests.support.required import missing


@pytest.fixture(scope="session")
def asking() -> Iterator[Asking]:
    if library().path is None:
        missing("native", library().why)
    one = Asking()
    yield one
    one.close()
