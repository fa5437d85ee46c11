"""Several stages in one environment: two distributions of our own, variables, a pinned list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.accuracy import language as a

SITE = "../site"


def distribution(name: str, version: str, body: str) -> Callable[[Path], None]:
    """Install a distribution of one module, in place of another version of it."""

    def apply(root: Path) -> None:
        site = root / SITE
        for old in site.glob(f"{name}-*.dist-info"):
            for file in old.iterdir():
                file.unlink()
            old.rmdir()
        a.put(site / f"{name}.py", body)
        info = site / f"{name}-{version}.dist-info"
        a.put(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        a.put(info / "RECORD", f"{name}.py,,\n{name}-{version}.dist-info/METADATA,,\n")

    return apply


FILES = {
    "scale.py": """
        import os

        import scaling

        value = int(open("data/value.txt").read())
        open("out/scaled.txt", "w").write(str(scaling.scaled(value) * int(os.environ.get("TIMES", "1"))))
        """,
    "shift.py": """
        import shifting

        value = int(open("out/scaled.txt").read())
        open("out/shifted.txt", "w").write(str(shifting.shifted(value)))
        """,
    "plain.py": "open('out/plain.txt', 'w').write(open('data/value.txt').read().strip() + '!')\n",
    "requirements.txt": "scaling==1.0\nshifting==1.0\ntqdm==4.1\n",
    "data/value.txt": "5\n",
    "out/.keep": "",
    ".gitignore": "out/*\n!out/.keep\n__pycache__/\n",
}


def begin(root: Path) -> None:
    distribution("scaling", "1.0", "def scaled(value):\n    return value * 2\n")(root)
    distribution("shifting", "1.0", "def shifted(value):\n    return value + 1\n")(root)
    distribution("idle", "1.0", "")(root)


NEW_SCALING = distribution("scaling", "2.0", "def scaled(value):\n    return value * 3\n")
NEW_SHIFTING = distribution("shifting", "2.0", "def shifted(value):\n    return value + 2\n")
EDITS = (
    a.Edit(a.IMPORTED, "by the first stage", NEW_SCALING, installed=True),
    a.Edit(a.IMPORTED, "by the second stage", NEW_SHIFTING, installed=True),
    a.Edit(a.IMPORTED, "both", a.both(NEW_SCALING, NEW_SHIFTING), installed=True),
    a.Edit(a.LOCK, "of the first, done", a.both(NEW_SCALING, a.change("requirements.txt", "scaling==1.0", "scaling==2.0"))),
    a.Edit(a.LOCK, "of the second, done", a.both(NEW_SHIFTING, a.change("requirements.txt", "shifting==1.0", "shifting==2.0"))),
    a.Edit(a.LOCK, "of nobody's", a.change("requirements.txt", "tqdm==4.1", "tqdm==4.2")),
    a.Edit(a.LOCK, "a comment", a.change("requirements.txt", "tqdm==4.1", "tqdm==4.1  # bar")),
    a.Edit(a.LOCK, "order", a.write("requirements.txt", "tqdm==4.1\nshifting==1.0\nscaling==1.0\n")),
    a.Edit(a.LOCK, "one more", a.write("requirements.txt", "scaling==1.0\nshifting==1.0\ntqdm==4.1\nrich==1\n")),
    a.Edit(a.NOT_IMPORTED, "an installed package", distribution("idle", "2.0", "X = 1\n")),
    a.Edit(a.VARIABLE, "that is read", a.nothing, {"TIMES": "3"}, asks="env:$TIMES"),
    a.Edit(a.VARIABLE, "that isn't", a.nothing, {"OTHER": "3"}),
    a.Edit(a.DATA, "the value", a.write("data/value.txt", "6\n")),
    a.Edit(a.RESAVE, "the value", a.touch("data/value.txt")),
    a.Edit(a.FORMAT, "of the value", a.write("data/value.txt", "5\n\n")),
    a.Edit(a.SCRIPT, "the first", a.change("scale.py", "scaled(value) *", "scaled(value) * 2 *")),
    a.Edit(a.SCRIPT, "the last", a.change("plain.py", "'!'", "'?'")),
    a.Edit(a.COMMENT, "in the first", a.change("scale.py", "import os", "import os  # x")),
    a.Edit(a.DELETION, "the value", a.delete("data/value.txt")),
    a.Edit(a.APPEARS, "a module of the same name", a.write("scaling.py", "def scaled(value):\n    return 0\n")),
    a.Edit(a.APPEARS, "a module nobody asks for", a.write("idle2.py", "")),
    a.Edit(a.RENAME, "the value", a.rename("data/value.txt", "data/v.txt")),
)  # fmt: skip

PIPELINE = a.Pipeline(
    name="environment",
    files=FILES,
    begin=begin,
    stages=(("{python}", "scale.py"), ("{python}", "shift.py"), ("{python}", "plain.py")),
    outputs=("out/scaled.txt", "out/shifted.txt", "out/plain.txt"),
    edits=EDITS,
    environ={"PYTHONPATH": "{root}/../site"},
)
