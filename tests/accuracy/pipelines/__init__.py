"""The pipelines of the accuracy corpus, by name."""

from __future__ import annotations

from tests.accuracy.language import Pipeline
from tests.accuracy.pipelines import (
    compiled,
    copies,
    environment,
    history,
    hydra_keys,
    hydra_tree,
    learning,
    notebook,
    tables,
)

PIPELINES: dict[str, Pipeline] = {
    one.name: one
    for one in (
        learning.PIPELINE,
        tables.PIPELINE,
        hydra_tree.PIPELINE,
        hydra_keys.PIPELINE,
        compiled.PIPELINE,
        notebook.PIPELINE,
        copies.PIPELINE,
        environment.PIPELINE,
        history.PIPELINE,
    )
}
