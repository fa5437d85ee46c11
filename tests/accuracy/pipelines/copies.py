"""Several stages with copies, a rename over the target, and parameters read key by key."""

from __future__ import annotations

from tests.accuracy import language as a

FILES = {
    "params.json": """
        {"clean": {"drop": "x", "limit": 3}, "fit": {"rate": 2, "seed": 1}, "notes": "none"}
        """,
    "raw/one.txt": "1\n2\n3\nx\n",
    "raw/two.txt": "4\n5\nx\n",
    "raw/notes.md": "nothing reads this\n",
    "clean.py": '''
        """Drop what is marked, and put the table in place when it is whole."""

        import os
        from pathlib import Path

        import provgraph
        from lib import text

        params = provgraph.params("params.json")
        drop = params["clean"]["drop"]
        lines = []
        for name in ("one", "two"):
            lines += text.kept(Path(f"raw/{name}.txt").read_text().split(), drop)
        Path("out/table.tmp").write_text("\\n".join(lines[: params["clean"]["limit"]]))
        os.replace("out/table.tmp", "out/table.txt")
        ''',
    "fit.py": '''
        """Fit."""

        from pathlib import Path

        import provgraph
        from lib import sums

        rate = provgraph.params("params.json")["fit"]["rate"]
        offset = int(Path("offset.txt").read_text()) if Path("offset.txt").exists() else 0
        total = sums.total(Path("out/table.txt").read_text().split())
        Path("out/model.txt").write_text(f"{total * rate + offset}\\n")
        ''',
    "report.py": """
        import shutil
        from pathlib import Path

        shutil.copy("out/model.txt", "out/final.txt")
        Path("out/length.txt").write_text(str(len(Path("out/table.txt").read_text())))
        """,
    "lib/__init__.py": "",
    "lib/text.py": '''
        """Texts."""


        def kept(words, drop):
            """Leave out what is to be dropped."""
            return [word for word in words if word != drop]


        def unused(words):
            return list(words)
        ''',
    "lib/sums.py": "def total(words):\n    return sum(int(word) for word in words)\n",
    "lib/other.py": "VALUE = 1\n",
    "out/.keep": "",
    ".gitignore": "out/*\n!out/.keep\n__pycache__/\n",
}

EDITS = (
    a.Edit(a.READ_KEY, "the marker", a.change("params.json", '"drop": "x"', '"drop": "3"')),
    a.Edit(a.READ_KEY, "the rate", a.change("params.json", '"rate": 2', '"rate": 3')),
    a.Edit(a.READ_KEY, "the limit", a.change("params.json", '"limit": 3', '"limit": 4')),
    a.Edit(a.UNREAD_KEY, "the seed", a.change("params.json", '"seed": 1', '"seed": 2')),
    a.Edit(a.UNREAD_KEY, "notes", a.change("params.json", '"none"', '"some"')),
    a.Edit(a.KEY_ADDED, "beside", a.change("params.json", '"seed": 1', '"seed": 1, "more": 2')),
    a.Edit(a.KEY_REMOVED, "unread", a.change("params.json", ', "seed": 1', "")),
    a.Edit(a.KEY_REMOVED, "read", a.change("params.json", '"rate": 2, ', "")),
    a.Edit(
        a.REORDER,
        "keys",
        a.change("params.json", '"rate": 2, "seed": 1', '"seed": 1, "rate": 2'),
    ),
    a.Edit(a.FORMAT, "of the config", a.change("params.json", '{"clean"', '{\n "clean"')),
    a.Edit(a.FORMAT, "of a source", a.change("lib/sums.py", "sum(int(word)", "sum( int(word)")),
    a.Edit(a.COMMENT, "in a script", a.change("fit.py", "import provgraph", "import provgraph  # x")),
    a.Edit(a.COMMENT, "in a module", a.change("lib/other.py", "1", "1  # one")),
    a.Edit(a.DOCSTRING, "of a module", a.change("lib/text.py", "Texts.", "Words.")),
    a.Edit(a.DOCSTRING, "of a function", a.change("lib/text.py", "Leave out", "Drop")),
    a.Edit(a.USED, "kept", a.change("lib/text.py", "word != drop", "word != drop and word != '2'")),
    a.Edit(a.UNUSED, "unused", a.change("lib/text.py", "return list(words)", "return words")),
    a.Edit(a.USED, "total", a.change("lib/sums.py", "int(word) for", "int(word) + 1 for")),
    a.Edit(a.NOT_IMPORTED, "a module nobody imports", a.change("lib/other.py", "1", "2")),
    a.Edit(a.MEMBER_USED, "one.txt", a.write("raw/one.txt", "7\n2\n3\nx\n")),
    a.Edit(a.MEMBER_USED, "past the limit", a.write("raw/two.txt", "9\n5\nx\n")),
    a.Edit(a.MEMBER_UNUSED, "notes.md", a.write("raw/notes.md", "still nothing\n")),
    a.Edit(a.MEMBER_UNUSED, "a new one", a.write("raw/three.txt", "9\n")),
    a.Edit(a.RENAME, "an input", a.rename("raw/one.txt", "raw/first.txt")),
    a.Edit(a.RENAME, "a module", a.rename("lib/sums.py", "lib/adding.py")),
    a.Edit(a.RENAME, "of nobody's", a.rename("raw/notes.md", "raw/readme.md")),
    a.Edit(a.RESAVE, "an input", a.touch("raw/one.txt")),
    a.Edit(a.RESAVE, "the config", a.touch("params.json")),
    a.Edit(a.DELETION, "an input", a.delete("raw/two.txt")),
    a.Edit(a.DELETION, "of nobody's", a.delete("raw/notes.md")),
    a.Edit(a.APPEARS, "an offset", a.write("offset.txt", "10")),
    a.Edit(a.APPEARS, "a module of the same name", a.write("shutil.py", "def copy(a, b):\n    open(b, 'w').write('x')\n")),
    a.Edit(a.SCRIPT, "the last", a.change("report.py", "len(Path", "2 * len(Path")),
)  # fmt: skip

PIPELINE = a.Pipeline(
    name="copies",
    files=FILES,
    stages=(("{python}", "clean.py"), ("{python}", "fit.py"), ("{python}", "report.py")),
    outputs=("out/table.txt", "out/model.txt", "out/final.txt", "out/length.txt"),
    edits=EDITS,
    options=("--trace-calls",),
)
