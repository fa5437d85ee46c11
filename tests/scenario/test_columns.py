"""Tables read by column: which loads rest on their columns alone, and what edits then affect."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.scenario.shell import Project, begin

ARROW = {"#layout", "#metadata", "#types"}
PANDAS = {"#layout", "#pandas", "#types"}
POLARS = {"#layout", "#types"}
WHOLE = {"#bytes"}


def columns(**changes: Any) -> dict[str, Any]:
    found = {"x": [1.0, 2.0, None], "name": ["a", "b", "a"], "y": [5, 6, 7]} | changes
    return {name: values for name, values in found.items() if values is not None}


def save(path: Path, table: Mapping[str, Any] | pa.Table, **how: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **how)


def touched(project: Project, run: str | None = None) -> dict[str, set[str]]:
    shown = project.ask("show", run or project.runs()[0]["id"])
    return {
        use["name"].removeprefix("data/").removesuffix(".parquet"): set(use["touched"])
        for use in shown["uses"]
        if use["name"].endswith(".parquet")
    }


def watched(project: Project, text: str, *names: str) -> dict[str, set[str]]:
    """Run a script on tables of these names, and give what it touched of each."""
    for name in names:
        save(project.root / f"data/{name}.parquet", columns())
    project.write("main.py", text)
    project.script("main.py")
    return touched(project)


# -- which loads count by column -------------------------------------------------------------------


def test_loads_that_name_their_columns_rest_on_them(project: Project) -> None:
    frame = pd.DataFrame(columns(), index=pd.Index(["p", "q", "r"], name="id"))
    (project.root / "data").mkdir()
    frame.to_parquet(project.root / "data/pandas.parquet")
    save(project.root / "data/real.parquet", columns())
    os.symlink("real.parquet", project.root / "data/link.parquet")
    project.write(
        "child.py",
        """
        import pyarrow.parquet as pq
        pq.read_table("data/child.parquet", columns=["name"])
        """,
    )
    found = watched(
        project,
        """
        import subprocess
        import sys
        from concurrent.futures import ThreadPoolExecutor
        from pathlib import Path

        import pandas as pd
        import polars as pl
        import pyarrow.parquet as pq

        pl.read_parquet("data/polars.parquet", columns=["y", "x"])
        pq.read_table("data/arrow.parquet", columns=["x"])
        pq.read_table(source=Path("data/path.parquet"), columns=["name"], use_threads=False)
        pd.read_parquet("data/pandas.parquet", columns=["y", "x"])
        pd.read_parquet(Path("data/link.parquet"), columns=["x"], engine="pyarrow")
        pq.read_table("data/twice.parquet", columns=["x"], memory_map=True)
        pd.read_parquet("data/twice.parquet", columns=["y"])
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda n: pq.read_table(f"data/{n}.parquet", columns=["x"]), "ab"))
        subprocess.run([sys.executable, "child.py"], check=True)
        """,
        *("polars", "arrow", "path", "twice", "a", "b", "child"),
    )
    assert found == {
        "polars": {"x", "y"} | POLARS,
        "arrow": {"x"} | ARROW,
        "path": {"name"} | ARROW,
        "pandas": {"x", "y", "id"} | PANDAS,
        "link": {"x"} | PANDAS,
        "real": {"x"} | PANDAS,
        "twice": {"x", "y"} | ARROW | PANDAS,
        "a": {"x"} | ARROW,
        "b": {"x"} | ARROW,
        "child": {"name"} | ARROW,
    }


OLDER = {
    "__init__.py": "from older.pandas.io.parquet import read_parquet",
    "io/__init__.py": "",
    "io/common.py": "def get_handle(path, mode):\n    return open(path, mode)\n",
    "io/parquet.py": """
        import pyarrow.parquet
        from older.pandas.io.common import get_handle

        def _get_path_or_handle(path):
            return get_handle(path, "rb")

        class PyArrowImpl:
            def read(self, path, columns):
                handle = _get_path_or_handle(path)
                try:
                    return pyarrow.parquet.read_table(
                        handle, columns=columns, filesystem=None, filters=None,
                        use_pandas_metadata=True,
                    ).to_pylist()
                finally:
                    handle.close()

        def read_parquet(path, columns=None):
            return PyArrowImpl().read(path, columns)
        """,
}


def test_pandas_that_opens_the_file_itself(project: Project) -> None:
    """As it did before 3.1: there is one pandas here, so the older one's way is laid beside it."""
    for name, text in OLDER.items():
        project.write(f"older/pandas/{name}", text)
    found = watched(
        project,
        """
        from older import pandas

        pandas.read_parquet("data/a.parquet", ["x"])
        pandas.read_parquet("data/a.parquet", ["y"])
        pandas.read_parquet("data/whole.parquet")
        pandas.read_parquet("data/seen.parquet", ["x"])
        open("data/seen.parquet", "rb").read(4)
        try:
            pandas.read_parquet("data/failed.parquet", ["nowhere"])
        except Exception:
            pass
        """,
        *("a", "whole", "seen", "failed"),
    )
    columns = {"x", "y"} | PANDAS
    assert found == {"a": columns, "whole": WHOLE, "seen": WHOLE, "failed": WHOLE}


DOUBTFUL = {
    "no columns": 'pq.read_table("{}")',
    "ParquetFile": 'pq.ParquetFile("{}").read(columns=["x"])',
    "metadata too": 'pq.read_metadata("{}"); pq.read_table("{}", columns=["x"])',
    "schema too": 'pq.read_table("{}", columns=["x"]); pq.read_schema("{}")',
    "filters": 'pq.read_table("{}", columns=["x"], filters=[("y", ">", 5)])',
    "filters of pandas": 'pd.read_parquet("{}", columns=["x"], filters=[("y", ">", 5)])',
    "a dataset": 'ds.dataset("{}").to_table(columns=["x"])',
    "a schema": 'pq.read_table("{}", columns=["x"], schema=pa.schema([("x", pa.float32())]))',
    "a lazy scan": 'pl.scan_parquet("{}").select("x").collect()',
    "numbers": 'pl.read_parquet("{}", columns=[0])',
    "a pattern": 'pl.read_parquet("{}", columns=["^x$"])',
    "polars by Arrow": 'pl.read_parquet("{}", use_pyarrow=True)',
    "an open file": 'pq.read_table(open("{}", "rb"), columns=["x"])',
    "an open file of pandas": 'pd.read_parquet(open("{}", "rb"), columns=["x"])',
    "a native file": 'pq.read_table(pa.memory_map("{}"), columns=["x"])',
    "bytes too": 'pq.read_table("{}", columns=["x"]); open("{}", "rb").read()',
    "an expression": 'pq.read_table("{}", columns={"x": ds.field("y")})',
    "none": 'pq.read_table("{}", columns=[])',
    "a URI": 'pq.read_table(Path("{}").absolute().as_uri(), columns=["x"])',
    "a list of files": 'pq.read_table(["{}"], columns=["x"])',
    "a failed load": 'fails(pq.read_table, "{}", columns=["x", "nowhere"])',
    "a failed load of pandas": 'fails(pd.read_parquet, "{}", columns=["x"], dtype_backend="no")',
    "beside a thread": 'beside(pl.read_parquet, "{}", columns=["x"])',
    "a thread meanwhile": 'meanwhile("{}")',
    "another program": 'pq.read_table("{}", columns=["x"]); run(["cat", "{}"], stdout=-3)',
    "an unwatched stand-in": 'pq.read_table.__wrapped__("{}", columns=["x"])',
}


def test_all_other_readers_rest_on_the_whole(project: Project) -> None:
    lines = [line.replace("{}", f"data/{n}.parquet") for n, line in enumerate(DOUBTFUL.values())]
    head = """
        import threading
        from pathlib import Path
        from subprocess import run

        import pandas as pd
        import polars as pl
        import pyarrow as pa
        import pyarrow.dataset as ds
        import pyarrow.parquet as pq

        def fails(load, *args, **options):
            try:
                load(*args, **options)
            except Exception:
                return
            raise AssertionError("it was to fail")

        def beside(load, *args, **options):
            ready = threading.Event()
            thread = threading.Thread(target=ready.wait)
            thread.start()
            load(*args, **options)
            ready.set()
            thread.join()

        def meanwhile(path):
            thread = threading.Thread(target=lambda: pq.ParquetFile(path).read())
            pq.read_table(path, columns=["x"])
            thread.start()
            while thread.is_alive():
                pq.read_table(path, columns=["x"])

        """
    text = dedent(head) + "\n".join(lines) + "\n"
    found = watched(project, text, *map(str, range(len(DOUBTFUL))))
    failed_early = {"a failed load of pandas": set[str]()}  # before the file is opened
    said = {case: found.get(str(n), set()) for n, case in enumerate(DOUBTFUL)}
    assert said == dict.fromkeys(DOUBTFUL, WHOLE) | failed_early


def test_names_that_are_more_than_a_column_rest_on_the_whole(project: Project) -> None:
    (project.root / "data").mkdir()
    save(project.root / "data/dots.parquet", {"a.b": [1], "a": [{"b": 2}], "#": [1]})
    save(
        project.root / "data/map.parquet", {"m": pa.array([[("k", 1)]], pa.map_("string", "int8"))}
    )
    found = watched(
        project,
        """
        import pyarrow.parquet as pq
        pq.read_table("data/dots.parquet", columns=["a.b"])
        pq.read_table("data/map.parquet", columns=["m"])
        pq.read_table("data/fine.parquet", columns=["x"])
        """,
        "fine",
    )
    assert found == {"dots": WHOLE, "map": WHOLE, "fine": {"x"} | ARROW}


def test_a_table_that_changes_meanwhile_rests_on_the_whole(project: Project) -> None:
    (project.root / "data").mkdir()
    found = watched(
        project,
        """
        import os
        import pyarrow as pa
        import pyarrow.parquet as pq
        table = pq.read_table("data/rewritten.parquet", columns=["x"])
        pq.write_table(table, "data/rewritten.parquet")
        pq.write_table(table, "data/own.parquet")
        pq.read_table("data/own.parquet", columns=["x"])
        pq.read_table("data/moved.parquet", columns=["x"])
        os.rename("data/moved.parquet", "data/elsewhere.parquet")
        """,
        *("rewritten", "moved"),
    )
    looked_for = {"own": WHOLE}
    assert found == {"rewritten": WHOLE, "moved": WHOLE} | looked_for


def test_a_killed_load_rests_on_the_whole(project: Project) -> None:
    """The stand-in never tells of it: what it had got by then, nobody knows."""
    save(project.root / "data/t.parquet", columns())
    project.write(
        "main.py",
        """
        import os
        import pyarrow as pa
        import pyarrow.parquet as pq

        read = pq.ParquetDataset.read

        def read_and_die(*args, **options):
            read(*args, **options)
            os.kill(os.getpid(), 9)

        pq.ParquetDataset.read = read_and_die
        pq.read_table("data/t.parquet", columns=["x"])
        """,
    )
    project.call("python", "-m", "provgraph", "run", "--", "python", "main.py")
    assert touched(project) == {"t": WHOLE}


# -- what edits affect -----------------------------------------------------------------------------

READERS = {
    "arrow": ("pyarrow.parquet", "read_table"),
    "pandas": ("pandas", "read_parquet"),
    "polars": ("polars", "read_parquet"),
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    project = begin(tmp_path_factory.mktemp("columns") / "project", env)
    save(project.root / "data/t.parquet", columns())
    project.write(".gitignore", "*.txt\n")
    for name, (module, function) in READERS.items():
        load = f'{function}("data/t.parquet", columns=["x", "name"])'
        project.write(f"by_{name}.py", f"import {module} as reader\nprint(reader.{load})\n")
        said = project.shell(f"provgraph run -- python by_{name}.py > {name}.txt")
        assert (said.code, said.told) == (0, "")
    project.git("add", "-A")
    project.git("commit", "--quiet", "-m", "one")
    return project


def retyped(path: Path) -> None:
    save(
        path, pa.table(columns()).cast(pa.schema({"x": "float32", "name": "string", "y": "int64"}))
    )


def noted(path: Path) -> None:
    save(path, pa.table(columns()).replace_schema_metadata({"by": "hand"}))


def named_twice(path: Path) -> None:
    table = pa.table(columns())
    save(path, table.append_column("y", table["y"]))


def indexed(path: Path) -> None:
    pd.DataFrame(columns(), index=[3, 2, 1]).to_parquet(path)


ALL = set(READERS)
EDITS: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "another column": (lambda path: save(path, columns(y=[5, 6, 8])), set()),
    "a column more": (lambda path: save(path, columns(z=[True, None, False])), set()),
    "a column less": (lambda path: save(path, columns(y=None)), set()),
    "another compression": (lambda path: save(path, columns(), compression="gzip"), set()),
    "no dictionaries": (lambda path: save(path, columns(), use_dictionary=False), set()),
    "another order of columns": (lambda path: save(path, dict(reversed(columns().items()))), set()),
    "a value": (lambda path: save(path, columns(x=[1.0, 2.5, None])), ALL),
    "a null": (lambda path: save(path, columns(name=["a", None, "a"])), ALL),
    "the order of rows": (lambda path: save(path, pa.table(columns())[::-1]), ALL),
    "a row more": (lambda path: save(path, {k: [*v, v[0]] for k, v in columns().items()}), ALL),
    "a column that was read is gone": (lambda path: save(path, columns(name=None)), ALL),
    "another type": (retyped, ALL),
    "other row groups": (lambda path: save(path, columns(), row_group_size=2), ALL),
    "metadata": (noted, {"arrow"}),
    "an odd type elsewhere": (lambda path: save(path, columns(z=[{"a": 1}] * 3)), ALL),
    "a name given twice": (named_twice, ALL),
    "an index of pandas": (indexed, ALL),
    "no table any more": (lambda path: path.write_bytes(b"PAR1 but not really PAR1"), ALL),
    "half of one": (lambda path: path.write_bytes(path.read_bytes()[:-20] + b"PAR1"), ALL),
    "gone": (lambda path: path.unlink(), ALL),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_counts_where_it_can_be_seen(read: Project, tmp_path: Path, edit: str) -> None:
    project = read.copy_to(tmp_path / "copy")
    apply, affected = EDITS[edit]
    apply(project.root / "data/t.parquet")
    expected = {f"{name}.txt" for name in affected}
    assert project.fallen() == ({"stale": expected} if expected else {})


def test_a_column_can_be_asked_about(read: Project, tmp_path: Path) -> None:
    project = read.copy_to(tmp_path / "copy")
    every = {f"{name}.txt" for name in ALL}
    assert project.hit("data/t.parquet#x") == every
    assert project.hit("data/t.parquet#y") == set()
    assert project.hit("data/t.parquet#metadata") == {"arrow.txt"}
    said = project.provgraph("impact", "data/t.parquet#name").text
    assert "t.parquet (name)" in said
    save(project.root / "new.parquet", columns(x=[9.0, 9.0, 9.0]))
    assert project.hit("--if", "data/t.parquet=new.parquet") == every
    save(project.root / "new.parquet", columns(y=[9, 9, 9]))
    assert project.hit("--if", "data/t.parquet=new.parquet") == set()


def test_the_check_names_columns(read: Project, tmp_path: Path) -> None:
    project = read.copy_to(tmp_path / "copy")

    def checked() -> tuple[str, list[str], str]:
        answer = project.provgraph("check", "--base", "HEAD", "--format", "json", code=None).json
        [change] = answer["changes"]
        return change["effect"], change["parts"], change["words"]

    save(project.root / "data/t.parquet", columns(y=None, z=[1, 2, 3]))
    effect, parts, words = checked()
    assert (effect, set(parts)) == ("spared", {"y", "z"})
    assert words.endswith("; columns: added z, removed y")
    assert "none of what was read differs: name, x (3 runs)" in words
    save(project.root / "data/t.parquet", columns(x=[0.0, 2.0, None]))
    effect, parts, words = checked()
    assert (effect, parts) == ("affects", ["x"])
    assert "read it (x); columns: changed x" in words
    noted(project.root / "data/t.parquet")
    assert checked() == (
        "affects", [], "by_arrow.py read it (its metadata); no column differs, but its metadata",
    )  # fmt: skip
    save(project.root / "data/t.parquet", columns(), compression="zstd")
    assert checked()[0] == "spared"
    project.git("commit", "--quiet", "-am", "two")  # blobs of git are cut as files are
    project.git("commit", "--quiet", "--amend", "-m", "two")
    answer = project.provgraph("check", "--base", "HEAD~1", "--head", "HEAD", "--format", "json")
    assert answer.json["affected"] == []


def test_columns_that_cannot_be_told_apart_block(read: Project, tmp_path: Path) -> None:
    """Where pyarrow is missing, nobody says that a changed table is as it was."""
    project = read.copy_to(tmp_path / "copy")
    project.write("missing/pyarrow.py", "raise ImportError('no pyarrow here')\n")
    missing = project.with_env(PYTHONPATH=str(project.root / "missing"))
    assert missing.blocking("status") == set()
    save(project.root / "data/t.parquet", columns(x=[0.0, 2.0, None]))
    assert missing.blocking("status") == {("unreadable", "data/t.parquet")}
    said = missing.provgraph("check", "--base", "HEAD", code=1)
    assert "provgraph[parquet]" in said.text
    assert missing.provgraph("impact", "--if", "data/t.parquet=data/t.parquet", code=None).code in (
        0,
        3,
    )
    project.provgraph("check", "--base", "HEAD", code=None)


def test_a_reader_without_provgraphs_pyarrow_rests_on_the_whole(
    project: Project, tmp_path: Path
) -> None:
    """It may lie in another environment than the one that records."""
    save(project.root / "data/t.parquet", columns())
    project.write("missing/pyarrow.py", "raise ImportError('no pyarrow here')\n")
    project.write(
        "main.py",
        """
        import sys
        sys.path.remove(sys.argv[1])
        import pyarrow.parquet as pq
        pq.read_table("data/t.parquet", columns=["x"])
        """,
    )
    place = str(project.root / "missing")
    project.with_env(PYTHONPATH=place).script("main.py", place)
    assert touched(project) == {"t": WHOLE}


def test_after_tables_were_loaded_all_else_is_still_seen(project: Project) -> None:
    """What the hook does for tables shares a namespace with the rest of it."""
    save(project.root / "data/t.parquet", columns())
    project.write("notes.txt", "before")
    project.write(
        "main.py",
        """
        import subprocess
        import sys
        import pyarrow.parquet as pq
        pq.read_table("data/t.parquet", columns=["x"])
        with open("notes.txt", "r+") as file:
            file.write("after!")
        subprocess.run([sys.executable, "child.py", "--password", "hunter2secret"])
        """,
    )
    project.write("child.py", "open('child.txt', 'w')\n")
    project.script("main.py")
    assert {"notes.txt", "child.txt"} <= project.status()["current"]


# -- the program ---------------------------------------------------------------------------------


def test_the_program_behaves_as_without(project: Project) -> None:
    save(project.root / "data/t.parquet", columns())
    project.write(
        "main.py",
        """
        import inspect
        import pickle
        import sys
        import traceback
        import types
        import warnings

        before = list(sys.meta_path)
        import pandas as pd
        import polars as pl
        import pyarrow.parquet as pq

        print(sys.meta_path == before, [n for n in sys.modules if "provgraph" in n])
        for load in (pq.read_table, pl.read_parquet, pd.read_parquet):
            print(load.__module__, load.__qualname__, type(load) is types.FunctionType)
            print(inspect.signature(load), inspect.getsource(load)[:40], load.__doc__[:20])
            print(pickle.loads(pickle.dumps(load)) is load)
            try:
                load("data/t.parquet", columns=["nowhere"])
            except Exception as error:
                lines = traceback.format_exc().splitlines()
                print([line for line in lines if "File" in line and "polars" not in line])
        spec = pq.core.__spec__
        print(vars(spec.loader).keys(), pq.core.__loader__ is spec.loader)
        print(pq.read_table is pq.core.read_table, pl.read_parquet is pl.io.parquet.read_parquet)
        warnings.simplefilter("always")
        print(pd.read_parquet("data/t.parquet", engine="auto", columns=["x"]))
        """,
    )
    plain = project.call("python", "main.py")
    said = project.run("python", "main.py")
    assert (said.code, said.out, said.err) == (plain.code, plain.out, plain.err)
    assert plain.code == 0, plain.told
