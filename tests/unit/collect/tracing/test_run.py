"""What a run leaves in its spool is enough to know of it later."""

from __future__ import annotations

from pathlib import Path

from provgraph.collect.account import (
    Finished,
    Told,
    tell_command,
    tell_end,
    tell_pid,
    told_command,
    told_end,
)
from provgraph.collect.trace import Access
from provgraph.collect.tracing.audit.tree import Command, command_of


def test_what_was_started_is_told_to_whoever_finds_the_spool(tmp_path: Path) -> None:
    streams = (
        Access("read", b"/in\xff", 7, 12, size=3, stat=(1, 2, 3, 4, 5)),
        Access("append", b"/out", 7, 12, size=0),
    )
    tell_command(tmp_path, ["cat", "x\udcff"], "/bin/cat", "/p", 7, streams)
    assert (before := told_command(tmp_path)) is not None
    assert before.pid == 0
    tell_pid(tmp_path, 12)
    assert told_command(tmp_path) == Told(12, ("cat", "x\udcff"), 7, streams)
    assert command_of(tmp_path) == Command(12, ("cat", "x\udcff"), "/bin/cat", "/p")


def test_how_it_ended_is_told_only_once_it_has(tmp_path: Path) -> None:
    streams = (Access("append", b"/out", 7, 12, size=0),)
    tell_command(tmp_path, ["cat"], "/bin/cat", "/p", 7, streams)
    tell_pid(tmp_path, 12)
    told = told_command(tmp_path)
    assert told is not None
    assert told_end(tmp_path, told) is None
    finished = Finished("failed", None, 11, 7, 10**19, 1.5, 0.25, 1 << 30, 12, streams)
    tell_end(tmp_path, finished)
    assert told_end(tmp_path, told) == finished


def test_nothing_is_told_of_what_was_not_started(tmp_path: Path) -> None:
    assert told_command(tmp_path) is None
    (tmp_path / "command.json").write_text('{"pid": 12, "argv"')
    assert told_command(tmp_path) is None
