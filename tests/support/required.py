"""PROVGRAPH_REQUIRE names the services whose absence fails a test instead of skipping it."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(service: str, reason: str) -> NoReturn:
    """Skip with the reason, or fail where the service is required."""
    if service in os.environ.get("PROVGRAPH_REQUIRE", "").replace(",", " ").split():
        pytest.fail(f"PROVGRAPH_REQUIRE names {service}, but {reason}")
    pytest.skip(reason)
