"""A notebook, executed by nbconvert, that reads a table and writes a summary; a script after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.accuracy import language as a

CELLS = [
    ("markdown", "# A summary"),
    ("code", "import helper\nlimit = 3"),
    ("code", "values = [int(v) for v in open('data/values.txt').read().split()]"),
    ("code", "open('out/sum.txt', 'w').write(str(helper.total(values, limit)))"),
]


def notebook(cells: list[tuple[str, str]], **metadata: object) -> str:
    made = []
    for number, (sort, source) in enumerate(cells):
        cell: dict[str, object] = {
            "cell_type": sort,
            "id": f"c{number}",
            "metadata": {},
            "source": source,
        }
        made.append(cell | ({"execution_count": None, "outputs": []} if sort == "code" else {}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"cells": made, "metadata": {"kernelspec": kernel, **metadata}, "nbformat": 4, "nbformat_minor": 5},
        indent=1,
    )  # fmt: skip


FILES = {
    "sum.ipynb": notebook(CELLS),
    "helper.py": '''
        """Sums."""


        def total(values, limit):
            """Add up the first ones."""
            return sum(values[:limit])


        def other(values):
            return len(values)
        ''',
    "after.py": "open('out/after.txt', 'w').write(open('out/sum.txt').read() * 2)\n",
    "data/values.txt": "1 2 3 4\n",
    "data/unread.txt": "1\n",
    "out/.keep": "",
    ".gitignore": "out/*\n!out/.keep\n__pycache__/\n.ipynb_checkpoints/\n",
}


def cells(place: int, source: str, sort: str = "code") -> Callable[[Path], None]:
    """Put another source into one cell, or (past the end) a new one."""

    def apply(root: Path) -> None:
        changed = list(CELLS)
        changed[place : place + 1] = [(sort, source)]
        (root / "sum.ipynb").write_text(notebook(changed))

    return apply


def with_output(root: Path) -> None:
    made = json.loads(notebook(CELLS))
    made["cells"][1]["execution_count"] = 5
    made["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    (root / "sum.ipynb").write_text(json.dumps(made, indent=1))


def unindented(root: Path) -> None:
    path = root / "sum.ipynb"
    path.write_text(json.dumps(json.loads(path.read_text())))


def swapped(root: Path) -> None:
    (root / "sum.ipynb").write_text(notebook([CELLS[0], CELLS[2], CELLS[1], CELLS[3]]))


EDITS = (
    a.Edit(a.SCRIPT, "a code cell", cells(1, "import helper\nlimit = 2")),
    a.Edit(a.SCRIPT, "the last cell", cells(3, "open('out/sum.txt', 'w').write('7')")),
    a.Edit(a.SCRIPT, "a cell more", cells(4, "open('out/sum.txt', 'a').write('!')")),
    a.Edit(a.DOCSTRING, "the text of a cell", cells(0, "# Another summary", "markdown")),
    a.Edit(a.FORMAT, "outputs of a run", with_output),
    a.Edit(a.FORMAT, "indentation of the file", unindented),
    a.Edit(a.COMMENT, "in a code cell", cells(1, "import helper\nlimit = 3  # so many")),
    a.Edit(a.REORDER, "two cells", swapped),
    a.Edit(a.USED, "total", a.change("helper.py", "sum(values[:limit])", "max(values[:limit])")),
    a.Edit(a.UNUSED, "other", a.change("helper.py", "len(values)", "len(values) + 1")),
    a.Edit(a.DOCSTRING, "of a function", a.change("helper.py", "Add up the first ones.", "Add.")),
    a.Edit(a.COMMENT, "in a module", a.change("helper.py", "sum(values[:limit])", "sum(values[:limit])  # x")),
    a.Edit(a.DATA, "values", a.write("data/values.txt", "5 2 3 4\n")),
    a.Edit(a.DATA, "past the limit", a.write("data/values.txt", "1 2 3 5\n")),
    a.Edit(a.MEMBER_UNUSED, "unread", a.write("data/unread.txt", "2\n")),
    a.Edit(a.DELETION, "of nobody's", a.delete("data/unread.txt")),
    a.Edit(a.DELETION, "values", a.delete("data/values.txt")),
    a.Edit(a.RENAME, "the module", a.rename("helper.py", "helping.py")),
    a.Edit(a.RESAVE, "the notebook", a.touch("sum.ipynb")),
    a.Edit(a.SCRIPT, "the script after it", a.change("after.py", "* 2", "* 3")),
    a.Edit(a.COMMENT, "in the script after it", a.write("after.py", "# x\nopen('out/after.txt', 'w').write(open('out/sum.txt').read() * 2)\n")),
)  # fmt: skip

PIPELINE = a.Pipeline(
    name="notebook",
    files=FILES,
    stages=(
        ("{python}", "-m", "nbconvert", "--to", "notebook", "--execute", "sum.ipynb",
         "--output-dir", "out", "--output", "done.ipynb", "--log-level", "ERROR"),
        ("{python}", "after.py"),
    ),
    outputs=("out/sum.txt", "out/after.txt"),
    edits=EDITS,
    slow=True,
)  # fmt: skip
