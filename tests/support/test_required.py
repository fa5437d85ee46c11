"""PROVGRAPH_REQUIRE turns the skips of the services that it names into failures."""

from __future__ import annotations

import pytest

from tests.support.required import missing


@pytest.mark.parametrize("names", ["neo4j", "browser neo4j", "browser,neo4j", "browser, neo4j"])
def test_a_required_service_fails(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    monkeypatch.setenv("PROVGRAPH_REQUIRE", names)
    with pytest.raises(pytest.fail.Exception, match="names neo4j, but there is none"):
        missing("neo4j", "there is none")


@pytest.mark.parametrize("names", ["", "browser", "neo4j-enterprise"])
def test_any_other_is_skipped_with_the_reason(monkeypatch: pytest.MonkeyPatch, names: str) -> None:
    monkeypatch.setenv("PROVGRAPH_REQUIRE", names)
    with pytest.raises(pytest.skip.Exception, match="there is none"):
        missing("neo4j", "there is none")
