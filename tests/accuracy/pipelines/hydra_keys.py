"""The Hydra tree with provgraph's callback, and a value that the command line replaces."""

from __future__ import annotations

from dataclasses import replace

from tests.accuracy import language as a
from tests.accuracy.pipelines import hydra_tree

CALLBACK = """
        hydra:
          callbacks:
            provgraph:
              _target_: provgraph.hydra.Keys
        """
CONFIG = "conf/config.yaml"
SMALL = "conf/model/small.yaml"

FILES = {**hydra_tree.FILES, CONFIG: hydra_tree.FILES[CONFIG].rstrip() + CALLBACK}
# A whole config that is written anew keeps the callback.
EDITS = (
    *(edit for edit in hydra_tree.EDITS if (edit.sort, edit.label) != (a.REORDER, "self first")),
    a.Edit(a.UNREAD_KEY, "replaced", a.change(SMALL, "depth: 2", "depth: 3")),
    a.Edit(a.READ_KEY, "a package", a.write(SMALL, "# @package other\nwidth: 4\ndepth: 2\nunused: 0\n")),
    a.Edit(a.READ_KEY, "as a text", a.change(SMALL, "width: 4", "width: '4'")),
    a.Edit(a.COMMENT, "in the main config", a.change(CONFIG, "unread: 1", "unread: 1  # not read")),
)  # fmt: skip

STAGE, *REST = hydra_tree.PIPELINE.stages
PIPELINE = replace(
    hydra_tree.PIPELINE,
    name="hydra-keys",
    files=FILES,
    stages=((*STAGE, "model.depth=2"), *REST),
    edits=EDITS,
)
