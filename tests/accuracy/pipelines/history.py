"""Forty commits of history: edits, reverts, renames, steps redone and steps left behind."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.accuracy import language as a

FILES = {
    "a.txt": "1\n",
    "b.txt": "2\n",
    "unused.txt": "0\n",
    "first.py": "open('out/first.txt', 'w').write(open('a.txt').read().strip() + '1')\n",
    "second.py": "open('out/second.txt', 'w').write(open('b.txt').read().strip() + '2')\n",
    "join.py": """
        from pathlib import Path

        import joining

        both = [Path(f"out/{name}.txt").read_text() for name in ("first", "second")]
        Path("out/joined.txt").write_text(joining.joined(both))
        """,
    "joining.py": "def joined(words):\n    return '-'.join(words)\n",
    "out/.keep": "",
    ".gitignore": "out/*\n!out/.keep\n__pycache__/\n",
}
STAGES = (("{python}", "first.py"), ("{python}", "second.py"), ("{python}", "join.py"))


def tell(root: Path, watch: Callable[[Sequence[str]], None]) -> None:
    """Go through forty commits; after some of them some steps are run, at last all of them."""

    def commit(number: int) -> None:
        who = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-C", str(root))
        subprocess.run([*who, "add", "-A"], check=True)
        message = f"commit {number}"
        subprocess.run([*who, "commit", "--quiet", "--allow-empty", "-m", message], check=True)

    for stage in STAGES:
        watch(stage)
    for number in range(40):
        sort = number % 8
        if sort in (0, 3):
            (root / "a.txt").write_text(f"{number % 5}\n")
        elif sort == 1:
            (root / "b.txt").write_text(f"{number % 3}\n")
        elif sort == 2:  # a revert
            (root / "a.txt").write_text("1\n")
        elif sort == 4:
            joiner = "+" if number % 16 == 4 else "-"
            (root / "joining.py").write_text(
                f"def joined(words):\n    return {joiner!r}.join(words)\n"
            )
        elif sort == 5:
            (root / "unused.txt").write_text(f"{number}\n")
        elif sort == 6:
            old, new = ("extra.txt", "more.txt") if number % 16 == 14 else ("more.txt", "extra.txt")
            (root / old).unlink(missing_ok=True)
            (root / new).write_text("x\n")
        commit(number)
        if number % 4 == 0:
            watch(STAGES[number % 3])
    (root / "a.txt").write_text("1\n")
    (root / "b.txt").write_text("2\n")
    (root / "joining.py").write_text("def joined(words):\n    return '-'.join(words)\n")
    commit(40)
    for stage in STAGES:
        watch(stage)


EDITS = (
    a.Edit(a.DATA, "a, as it once was", a.write("a.txt", "3\n")),
    a.Edit(a.DATA, "a, as it never was", a.write("a.txt", "77\n")),
    a.Edit(a.DATA, "b, as it once was", a.write("b.txt", "0\n")),
    a.Edit(a.DATA, "both", a.both(a.write("a.txt", "4\n"), a.write("b.txt", "1\n"))),
    a.Edit(a.DATA, "of nobody's", a.write("unused.txt", "1\n")),
    a.Edit(a.USED, "as it once was", a.change("joining.py", "'-'", "'+'")),
    a.Edit(a.USED, "as it never was", a.change("joining.py", "'-'", "'/'")),
    a.Edit(a.UNUSED, "a new one", a.write("joining.py", "def joined(words):\n    return '-'.join(words)\n\n\ndef other():\n    return 1\n")),
    a.Edit(a.COMMENT, "in the module", a.change("joining.py", "return '-'", "return '-'  # x\n    return '-'")),
    a.Edit(a.COMMENT, "in a script", a.change("join.py", "import joining", "import joining  # x")),
    a.Edit(a.DOCSTRING, "of the module", a.write("joining.py", '"""Joins."""\n\n\ndef joined(words):\n    return \'-\'.join(words)\n')),
    a.Edit(a.FORMAT, "of the module", a.write("joining.py", "def joined(words):\n    return ('-'.join(words))\n")),
    a.Edit(a.SCRIPT, "the first", a.change("first.py", "'1'", "'9'")),
    a.Edit(a.SCRIPT, "the second", a.change("second.py", "'2'", "'9'")),
    a.Edit(a.SCRIPT, "the last", a.change("join.py", '"first", "second"', '"second", "first"')),
    a.Edit(a.RENAME, "an input", a.rename("a.txt", "aa.txt")),
    a.Edit(a.RENAME, "of nobody's", a.rename("unused.txt", "idle.txt")),
    a.Edit(a.DELETION, "an input", a.delete("b.txt")),
    a.Edit(a.DELETION, "of nobody's", a.delete("unused.txt")),
    a.Edit(a.RESAVE, "an input", a.touch("a.txt")),
    a.Edit(a.FORMAT, "space at the end of an input", a.write("a.txt", "1\n\n")),
    a.Edit(a.APPEARS, "a package before the module", a.write("joining/__init__.py", "def joined(words):\n    return 'x'\n")),
    a.Edit(a.APPEARS, "of nobody's", a.write("c.txt", "1\n")),
)  # fmt: skip

PIPELINE = a.Pipeline(
    name="history",
    files=FILES,
    stages=STAGES,
    tell=tell,
    outputs=("out/first.txt", "out/second.txt", "out/joined.txt"),
    edits=EDITS,
)
