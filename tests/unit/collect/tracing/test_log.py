"""A log is read as far as it goes, whatever became of its writer."""

from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.collect.tracing.audit.log import are_lost, read_log, read_logs, wanted_logs

START = b"P\x005\x0012\x001\x00start\x003.11.7\0/p\0/b\0/p/python\0/cwd\0=python\0=main.py\0\n\0"
READ = b"A\x006\0read\0/cwd/x\0\0\x001\x002\x003\x004\x005\0\n\0"
END = b"X\x009\x000\0=json|/j.py\0=sys|\0\n\0"


def test_a_whole_log(tmp_path: Path) -> None:
    path = tmp_path / "12-5.log"
    path.write_bytes(START + READ + END)
    log = read_log(path)
    assert (log.pid, log.parent, log.argv) == (12, 1, ("python", "main.py"))
    assert log.accesses[0].stat == (1, 2, 3, 4, 5)
    assert log.loaded == {"json": "/j.py", "sys": ""}
    assert (log.ended, log.cut) == (True, False)


@pytest.mark.parametrize("size", range(1, len(READ) - 1))
def test_a_log_that_ends_anywhere(tmp_path: Path, size: int) -> None:
    path = tmp_path / "12-5.log"
    path.write_bytes(START + READ + READ[:size])
    log = read_log(path)
    assert len(log.accesses) == 1
    assert log.cut


@pytest.mark.parametrize("start", range(1, len(READ) - 3))
def test_a_log_with_a_hole(tmp_path: Path, start: int) -> None:
    path = tmp_path / "12-5.log"
    path.write_bytes(START + READ[start:] + READ + END)
    log = read_log(path)
    assert log.accesses[-1].path == b"/cwd/x"
    assert log.ended


def test_a_log_beside_which_a_loss_was_noted(tmp_path: Path) -> None:
    (tmp_path / "12-5.log").write_bytes(START + READ)
    (tmp_path / "12-5.lost").write_bytes(b"")
    assert read_log(tmp_path / "12-5.log").cut


def test_logs_come_in_the_order_in_which_processes_began(tmp_path: Path) -> None:
    (tmp_path / "12-5.log").write_bytes(START)
    (tmp_path / "11-4.log").write_bytes(START.replace(b"P\x005\x0012", b"P\x004\x0011"))
    (tmp_path / "13-6.log").write_bytes(b"")
    assert [log.pid for log in read_logs(tmp_path)] == [11, 12]


def lost(spool: Path) -> bool:
    return are_lost(wanted_logs(spool), read_logs(spool))


def test_a_process_whose_log_has_no_first_words_is_missed(tmp_path: Path) -> None:
    (tmp_path / "12-5.log").write_bytes(START)
    assert not lost(tmp_path)
    (tmp_path / "12-5.lost").write_bytes(b"")
    assert not lost(tmp_path)
    (tmp_path / "13-6.log").write_bytes(READ)
    assert lost(tmp_path)
    (tmp_path / "13-6.log").write_bytes(b"")
    assert lost(tmp_path)
    (tmp_path / "13-6.log").unlink()
    (tmp_path / "14-7.lost").write_bytes(b"")
    assert lost(tmp_path)


def test_a_process_that_begins_while_logs_are_read_is_not_missed(tmp_path: Path) -> None:
    (tmp_path / "12-5.log").write_bytes(START)
    wanted = wanted_logs(tmp_path)
    (tmp_path / "13-6.log").write_bytes(b"")
    assert not are_lost(wanted, read_logs(tmp_path))
