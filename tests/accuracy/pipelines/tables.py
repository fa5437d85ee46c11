"""Parquet read by pandas and Arrow, with projection: a table for training, one for a report."""

from __future__ import annotations

from pathlib import Path

from tests.accuracy import language as a

FILES = {
    "mean.py": """
        import pandas as pd

        table = pd.read_parquet("data/a.parquet", columns=["x", "weight"])
        value = (table["x"] * table["weight"]).sum() / table["weight"].sum()
        open("out/mean.txt", "w").write(f"{value:.4f}")
        """,
    "groups.py": """
        from pathlib import Path

        import pyarrow.parquet as pq

        names = []
        for path in sorted(Path("data/parts").glob("*.parquet")):
            names += pq.read_table(path, columns=["name"])["name"].to_pylist()
        open("out/names.txt", "w").write(",".join(sorted(set(names))))
        """,
    "whole.py": """
        import pandas as pd

        table = pd.read_parquet("data/a.parquet")
        open("out/whole.txt", "w").write(f"{len(table.columns)} {table.select_dtypes('number').sum().sum():.4f}")
        """,
    "data/readme.txt": "about the data\n",
    "out/.keep": "",
    ".gitignore": "out/*\n!out/.keep\n__pycache__/\n",
}


def frame() -> dict[str, list[object]]:
    return {
        "x": [1.0, 2.0, 3.0],
        "weight": [1.0, 1.0, 2.0],
        "name": ["a", "b", "a"],
        "y": [5, 6, 7],
    }


def save(path: Path, columns: dict[str, list[object]], **how: object) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, **how)


def begin(root: Path) -> None:
    save(root / "data/a.parquet", frame())
    save(root / "data/parts/1.parquet", frame())
    save(root / "data/parts/2.parquet", {**frame(), "name": ["c", "c", "d"]})


def with_column(file: str, **columns: list[object] | None):  # type: ignore[no-untyped-def]
    """Save a table again with some columns changed, or (None) left out."""

    def apply(root: Path) -> None:
        import pyarrow.parquet as pq

        found = pq.read_table(root / file).to_pydict() | columns
        save(root / file, {name: values for name, values in found.items() if values is not None})

    return apply


def reordered(root: Path) -> None:
    found = frame()
    save(root / "data/a.parquet", {name: found[name] for name in ("y", "name", "weight", "x")})


def rows_reversed(root: Path) -> None:
    save(root / "data/a.parquet", {name: values[::-1] for name, values in frame().items()})


def saved_otherwise(root: Path) -> None:
    save(root / "data/a.parquet", frame(), compression="gzip")


A, ONE = "data/a.parquet", "data/parts/1.parquet"
EDITS = (
    a.Edit(a.COLUMN_USED, "x", with_column(A, x=[1.0, 2.0, 4.0])),
    a.Edit(a.COLUMN_USED, "weight", with_column(A, weight=[2.0, 1.0, 2.0])),
    a.Edit(a.COLUMN_USED, "name, in a part", with_column(ONE, name=["a", "z", "a"])),
    a.Edit(a.COLUMN_UNUSED, "y", with_column(A, y=[5, 6, 8])),
    a.Edit(a.COLUMN_UNUSED, "name", with_column(A, name=["a", "b", "c"])),
    a.Edit(a.COLUMN_UNUSED, "x, in a part", with_column(ONE, x=[9.0, 9.0, 9.0])),
    a.Edit(a.KEY_ADDED, "a column", with_column(A, more=[1, 2, 3])),
    a.Edit(a.KEY_ADDED, "a column in a part", with_column(ONE, more=[1, 2, 3])),
    a.Edit(a.KEY_REMOVED, "a column that is not read", with_column(A, y=None)),
    a.Edit(a.KEY_REMOVED, "a column that is read", with_column(A, weight=None)),
    a.Edit(a.REORDER, "columns", reordered),
    a.Edit(a.REORDER, "rows", rows_reversed),
    a.Edit(a.RESAVE, "the same bytes", a.touch(A)),
    a.Edit(a.FORMAT, "another compression", saved_otherwise),
    a.Edit(a.MEMBER_USED, "a part more", lambda root: save(root / "data/parts/3.parquet", {**frame(), "name": ["q"] * 3})),
    a.Edit(a.MEMBER_UNUSED, "a file beside", a.write("data/parts/notes.txt", "x")),
    a.Edit(a.DELETION, "a part", a.delete("data/parts/2.parquet")),
    a.Edit(a.DELETION, "of nobody's", a.delete("data/readme.txt")),
    a.Edit(a.RENAME, "a part", a.rename("data/parts/2.parquet", "data/parts/two.parquet")),
    a.Edit(a.RENAME, "the table", a.rename(A, "data/b.parquet")),
    a.Edit(a.COMMENT, "in a script", a.change("mean.py", "import pandas as pd", "import pandas as pd  # x")),
    a.Edit(a.SCRIPT, "the format", a.change("mean.py", ".4f", ".2f")),
    a.Edit(a.DATA, "rows more", lambda root: save(root / A, {k: v * 2 for k, v in frame().items()})),
)  # fmt: skip

PIPELINE = a.Pipeline(
    name="tables",
    files=FILES,
    begin=begin,
    stages=(("{python}", "mean.py"), ("{python}", "groups.py"), ("{python}", "whole.py")),
    outputs=("out/mean.txt", "out/names.txt", "out/whole.txt"),
    edits=EDITS,
    slow=True,
)
