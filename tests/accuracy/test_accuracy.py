"""The corpus as a test: no changed output may be missed, and edits that change nothing hit nothing.

The quick pipelines are gone through whole; of the slow ones a few edits each. `make accuracy` does
everything, and holds it against a peer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.accuracy.language import NO_OPS, Edit, Pipeline
from tests.accuracy.measuring import Bench, Case
from tests.accuracy.pipelines import PIPELINES

# Of a slow pipeline every fifth edit is done.
SHARE = 5
# No-op edits that hit all the same, for the reader may tell the difference, for all that provgraph
# knows: data read whole, C and shell read as bytes, YAML read by Hydra, a notebook that is copied.
SEEN = {
    ("compiled", "comment"), ("compiled", "format"), ("hydra", "comment"), ("hydra", "format"),
    ("notebook", "comment"), ("notebook", "format"), ("notebook", "docstring"),
    ("tables", "format"), ("environment", "format"), ("history", "format"),
}  # fmt: skip


def sample(pipeline: Pipeline) -> list[Edit]:
    return list(pipeline.edits[::SHARE] if pipeline.slow else pipeline.edits)


@pytest.fixture(scope="module", params=PIPELINES)
def cases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    pipeline = PIPELINES[request.param]
    bench = Bench(pipeline, Path(tmp_path_factory.mktemp("accuracy")))
    bench.record()
    return list(bench.cases(sample(pipeline)))


def told(cases: list[Case]) -> Iterator[str]:
    for case in cases:
        yield f"{case.edit.sort}, {case.edit.label}: {sorted(case.missed)} changed unsaid"


def test_nothing_that_changes_is_missed(cases: list[Case]) -> None:
    missed = [case for case in cases if case.missed]
    assert not missed, "\n".join(told(missed))
    # The edits do something, or this would hold of anything.
    assert any(case.changed for case in cases)


def test_no_gap_blocks(cases: list[Case]) -> None:
    assert [case.edit.label for case in cases if case.blocked] == []


def test_what_changes_nothing_hits_nothing(cases: list[Case]) -> None:
    hit = [
        (case.edit.sort, case.edit.label)
        for case in cases
        if case.edit.sort in NO_OPS
        and not case.changed
        and (case.status or case.check)
        and (case.pipeline, case.edit.sort) not in SEEN
    ]
    assert hit == []


def test_every_pipeline_has_edits_of_many_sorts() -> None:
    for pipeline in PIPELINES.values():
        assert len(pipeline.edits) >= 20
        assert len({edit.sort for edit in pipeline.edits}) >= 8
