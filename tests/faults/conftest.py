"""What the tests of faults share: the injector, and a process that carries commands out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.injector import build
from tests.faults.world import Asking, World
from tests.support.required import missing


@pytest.fixture(scope="session")
def injector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the library that lets file operations fail."""
    made = build(tmp_path_factory.mktemp("injector"))
    if made is None:
        missing("native", "there is no C compiler to build the fault injector with")
    return made


@pytest.fixture(scope="session")
def asking() -> Iterator[Asking]:
    """Give a process that carries provgraph commands out."""
    there = Asking()
    yield there
    there.close()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory, asking: Asking) -> World:
    """Make the project that `world` gives."""
    return World(tmp_path_factory.mktemp("world") / "world", asking)


@pytest.fixture
def world(made_once: World) -> World:
    """Give a project with one recorded run, and an input that has changed since."""
    made_once.restore()
    return made_once
