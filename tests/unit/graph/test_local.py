"""The SQLite index as a file: damage, versions, several processes, kill -9."""

import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest

from provgraph.errors import StoreError
from provgraph.graph import GraphStore, LocalGraph, NeedsRebuild, remove_index
from provgraph.graph.local import arrays
from provgraph.model.records import EraseRecord, RunRecord
from tests.contract.stores.making import (
    PROJECT,
    add,
    entry,
    graph_of,
    key_of,
    moment,
    product,
    run,
    use,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "graph.db"


def many(start: int, count: int) -> list[RunRecord]:
    return [
        run(i, f"s{i % 7}", [use(f"in{i % 50}", "1")], [product(f"out{i}", "2")])
        for i in range(start, start + count)
    ]


def python(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )


def test_what_was_added_is_there_when_opened_again(path: Path) -> None:
    store = LocalGraph(path)
    add(store, run(1, "a", [use("x", "1")], [product("y", "1")]))
    before = graph_of(store)
    store.close()
    again = LocalGraph(path)
    assert graph_of(again) == before
    again.close()


def looking_up_equal_bytes(path: Path, count: int) -> int:
    """Count the database's steps, in tens, for a run that reads as many files of equal bytes."""
    names = [f"f{number}" for number in range(count)]
    steps: list[int] = []
    with closing(LocalGraph(path)) as store:
        add(store, run(1, "a", [], [product(name, "1") for name in names]))
        store._db.raw.set_progress_handler(lambda: steps.append(1), 10)
        assert len(store.lying([(name, "b3:1") for name in names])) == count
    return len(steps)


def test_files_of_equal_bytes_are_not_compared_with_each_other(tmp_path: Path) -> None:
    few = looking_up_equal_bytes(tmp_path / "few.db", 200)
    assert looking_up_equal_bytes(tmp_path / "many.db", 400) < 3 * few


def test_the_file_is_for_its_owner_only(path: Path) -> None:
    LocalGraph(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "damage", [b"no database at all" * 100, b"SQLite format 3\0" + b"\1" * 5000]
)
def test_a_damaged_file_asks_for_a_rebuild(path: Path, damage: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    with pytest.raises(NeedsRebuild):
        LocalGraph(path)
    remove_index(path)
    LocalGraph(path).close()


def test_damage_found_while_reading_asks_for_a_rebuild(path: Path) -> None:
    store = LocalGraph(path)
    add(store, *many(0, 300))
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 8192))
    with pytest.raises(NeedsRebuild):
        graph_of(LocalGraph(path))


def test_an_index_of_another_version_asks_for_a_rebuild(path: Path) -> None:
    LocalGraph(path).close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA user_version = 999")
    raw.close()
    with pytest.raises(NeedsRebuild):
        LocalGraph(path)


def test_a_database_of_somebody_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("CREATE TABLE precious(x)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(NeedsRebuild):
        LocalGraph(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be made"):
        LocalGraph(tmp_path / "file" / "graph.db")


def test_two_processes_at_once_lose_nothing(path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from provgraph.graph import LocalGraph
        from tests.contract.stores.making import add
        from tests.unit.graph.test_local import many
        store = LocalGraph(Path(sys.argv[1]))
        for record in many(int(sys.argv[2]), 40):
            add(store, record)
    """
    children = [python(code, str(path), str(start)) for start in (0, 20, 40)]
    assert [child.wait() for child in children] == [0, 0, 0]
    for child in children:
        assert child.stdout is not None
        child.stdout.close()
    store, whole = LocalGraph(path), LocalGraph(":memory:")
    add(whole, *many(0, 80))
    left, right = graph_of(store), graph_of(whole)
    # `entry` names records by a hash that differs between processes; two may name one run.
    for part in ("known", "counts"):
        del left[part], right[part]
    assert left == right
    store.close()


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.3])
def test_kill_9_in_the_middle_of_writing_leaves_it_whole(path: Path, seconds: float) -> None:
    code = """
        import sys
        from pathlib import Path
        from provgraph.graph import LocalGraph
        from tests.contract.stores.making import entry
        from tests.unit.graph.test_local import many
        store = LocalGraph(Path(sys.argv[1]))
        store.add([entry(record) for record in many(0, 10)])
        def endless():
            print("adding", flush=True)
            for record in many(10, 100_000):
                yield entry(record)
        store.add(endless())
    """
    child = python(code, str(path))
    assert child.stdout is not None
    assert child.stdout.readline() == b"adding\n"
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    store, whole = LocalGraph(path), LocalGraph(":memory:")
    add(whole, *many(0, 10))
    left, right = graph_of(store), graph_of(whole)
    for part in ("known",):
        del left[part], right[part]
    assert left == right
    with closing(sqlite3.connect(path)) as raw, raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    store.close()


def test_erased_texts_leave_no_trace_in_the_files(path: Path) -> None:
    store = LocalGraph(path)
    record = run(1, "a", private={"note": "x"})
    store.add([entry(record, {"note": {"text": "a very private sentence"}})])
    store.add([entry(EraseRecord(project=PROJECT, at=moment(1), objects=("x",)))])
    found = [f.name for f in path.parent.iterdir() if b"a very private" in f.read_bytes()]
    assert found == []
    store.close()


class TestArrays:
    @pytest.fixture(autouse=True)
    def _always(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("WORTHWHILE", "SMALL", "PLAIN", "PLAIN_WARM"):
            monkeypatch.setattr(arrays, name, -1)

    def file(self, path: Path) -> Path:
        return path.with_name(path.name + "-arrays")

    def reached(self, store: LocalGraph) -> set[int]:
        return {int(key) for key in store.reach([key_of(store, "in1")]).key}

    def test_they_are_kept_and_taken_up_by_the_next_process(self, path: Path) -> None:
        store = LocalGraph(path)
        add(store, *many(0, 100))
        found = self.reached(store)
        made = self.file(path).stat()
        store.close()
        again = LocalGraph(path)
        assert self.reached(again) == found
        assert self.file(path).stat().st_mtime_ns == made.st_mtime_ns
        again.close()

    def test_another_processs_edges_are_joined(self, path: Path) -> None:
        one, other = LocalGraph(path), LocalGraph(path)
        add(one, *many(0, 100))
        before = self.reached(one)
        add(other, *many(100, 100))
        assert len(self.reached(one)) == len(self.reached(other)) == 2 * len(before)
        one.close()
        other.close()

    @pytest.mark.parametrize("damage", [b"", b"{}\n", b"[]\n", b'{"begin":1}\n', b"\xff" * 9000])
    def test_a_damaged_file_is_made_again(self, path: Path, damage: bytes) -> None:
        store = LocalGraph(path)
        add(store, *many(0, 100))
        found = self.reached(store)
        store.close()
        self.file(path).write_bytes(damage)
        again = LocalGraph(path)
        assert self.reached(again) == found
        assert len(self.file(path).read_bytes()) > 4096
        again.close()

    def test_arrays_of_an_index_made_anew_are_not_taken(self, path: Path) -> None:
        store = LocalGraph(path)
        add(store, *many(0, 100))
        self.reached(store)
        kept = self.file(path).read_bytes()
        store.close()
        remove_index(path)
        assert not self.file(path).exists()
        store = LocalGraph(path)
        add(store, *reversed(many(0, 60)))
        self.reached(store)
        store.close()
        self.file(path).write_bytes(kept)
        again = LocalGraph(path)
        slow = GraphStore.reach(again, [key_of(again, "in1")])
        assert self.reached(again) == set(slow.key)
        again.close()

    def test_too_many_later_edges_make_a_new_snapshot(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(arrays, "MOST_FRESH", 10)
        store = LocalGraph(path)
        add(store, *many(0, 60))
        self.reached(store)
        add(store, *many(60, 60))
        self.reached(store)
        with closing(sqlite3.connect(path)) as raw, raw:
            assert raw.execute("SELECT count(*) FROM fresh").fetchone() == (0,)
        raw.close()
        store.close()
