"""What a run leaves in its spool is enough to know of it later."""

from __future__ import annotations

import json
import os
from pathlib import Path

from provgraph.collect.run import _tell, told_streams
from provgraph.collect.trace import Access


def test_streams_are_told_to_whoever_finds_the_spool(tmp_path: Path) -> None:
    streams = (
        Access("read", b"/in\xff", 7, 12, size=3, stat=(1, 2, 3, 4, 5)),
        Access("append", b"/out", 7, 12, size=0),
    )
    _tell(tmp_path, 12, ["cat", "x"], "/bin/cat", Path("/p"), streams, 7)
    told = json.loads((tmp_path / "command.json").read_text())
    assert told_streams(told) == streams
    assert told["path"] == "/bin/cat"
    assert os.listdir(tmp_path) == ["command.json"]
