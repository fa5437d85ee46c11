"""Which openings of a table surely belong to a load of its columns."""

from __future__ import annotations

from pathlib import Path

from provgraph.collect.tracing.audit.loads import Load, Opening, proven
from provgraph.collect.tracing.audit.log import read_log

STAT = (1, 2, 3, 4, 5)
PID, THREAD, OTHER = 12, 12, 13


def opening(when: int, thread: int = THREAD, *, pid: int = PID, inode: int = 2) -> Opening:
    return Opening(pid, thread, when, b"/t.parquet", (1, inode, 3, 4, 5))


def load(reader: str = "arrow", since: int = 10, until: int = 20) -> Load:
    return Load(reader, ("x",), until, opening(since))


def test_openings_of_the_loading_thread_are_its_own() -> None:
    one = load()
    assert proven([one], [opening(12), opening(14)]) == {opening(12): one, opening(14): one}
    assert proven([one], [opening(10), opening(20)]) == {opening(10): one, opening(20): one}
    assert proven([one], [opening(9), opening(12), opening(21)]) == {opening(12): one}
    assert proven([one], []) == {}


def test_others_are_nobodys() -> None:
    one = load()
    others = [opening(12, OTHER), opening(12, pid=7), opening(12, inode=9)]
    assert proven([one], others) == {}
    assert proven([one], [*others, opening(13)]) == {opening(13): one}


def test_more_openings_than_a_load_makes_prove_nothing() -> None:
    assert proven([load()], [opening(12), opening(13), opening(14)]) == {}


def test_pandas_opens_once_where_it_does_so_itself() -> None:
    one = load("pandas by itself")
    assert proven([one], [opening(12)]) == {opening(12): one}
    assert proven([one], [opening(12), opening(13)]) == {}
    assert proven([load("somebody")], [opening(12)]) == {}


def test_where_other_threads_open_only_the_number_proves() -> None:
    one = load("polars")
    both = [opening(12, 31), opening(13, 32)]
    assert proven([one], both) == dict.fromkeys(both, one)
    assert proven([one], both[:1]) == {}
    assert proven([one], [*both, opening(14)]) == {}
    assert proven([one], [*both, opening(21)]) == dict.fromkeys(both, one)


def test_loads_one_after_the_other_have_each_their_own() -> None:
    first, second = load(), load(since=30, until=40)
    found = proven([first, second], [opening(12), opening(31), opening(25)])
    assert found == {opening(12): first, opening(31): second}


def test_a_read_is_of_the_columns_or_of_it_all() -> None:
    one = opening(12)
    assert (one.of(None).action, one.of(None).keys) == ("read", ())
    assert (one.of(load()).action, one.of(load()).keys[0]) == ("columns", "x")


START = b"P\x005\x0012\x001\x00start\x003.11.7\0/p\0/b\0/p/python\0/cwd\0=python\0=main.py\0\n\0"
TOLD = b"C\x0020\0arrow\x0010\x0012\0/t.parquet\x001\x002\x003\x004\x005\0=x\0=\n\0\n\0"
OPENED = b"O\x0012\x0013\0/t.parquet\x001\x002\x003\x004\x005\0\n\0"


def test_what_the_hook_wrote_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "12-5.log"
    path.write_bytes(START + TOLD + OPENED)
    log = read_log(path)
    assert log.loads == [Load("arrow", ("x", "\n"), 20, opening(10))]
    assert log.openings == [opening(12, OTHER)]
    assert not log.cut
    for size in range(1, len(TOLD) - 1):
        path.write_bytes(START + TOLD[:size])
        log = read_log(path)
        assert (log.loads, log.cut) == ([], True)
