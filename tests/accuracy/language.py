"""What a pipeline of the corpus is made of: files, stages, outputs, and labelled edits."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

PYTHON = sys.executable

# The sorts of edits, as the report names them.
READ_KEY, UNREAD_KEY = "key that is read", "key that is not read"
KEY_ADDED, KEY_REMOVED = "key added", "key removed"
COMMENT, FORMAT, DOCSTRING = "comment", "format", "docstring"
USED, UNUSED = "function that runs", "function that doesn't"
COLUMN_USED, COLUMN_UNUSED = "column that is read", "column that is not read"
MEMBER_USED, MEMBER_UNUSED = "member that is read", "member that is not read"
IMPORTED, NOT_IMPORTED = "package that is imported", "package that isn't"
LOCK, RENAME, REORDER, RESAVE = "lock-file bump", "rename", "reorder", "equal re-save"
DELETION, VARIABLE, APPEARS = "deletion", "environment variable", "file looked for appears"
SCRIPT, DATA = "script", "data"
# Edits of these sorts change nothing, whatever the program.
NO_OPS = (COMMENT, FORMAT, DOCSTRING, RESAVE)


@dataclass(frozen=True)
class Edit:
    """One edit. `asks` is what `provgraph impact` is asked where nothing can tell of the change.

    `installed`: it is made to the machine, which `status` compares and `check` leaves alone.
    """

    sort: str
    label: str
    apply: Callable[[Path], None]
    environ: Mapping[str, str] = field(default_factory=dict)
    asks: str = ""
    installed: bool = False


@dataclass(frozen=True)
class Pipeline:
    """A project. `begin` makes what no text can (tables, repositories), before the first run.

    `stages` are commands; `{python}` in them is the interpreter. `outputs` are compared by bytes.
    `tell` records more than one run of each stage (None: each once, in order). `options` go to
    `provgraph run`. `slow` pipelines are left out of the quick sample.
    """

    name: str
    files: Mapping[str, str]
    stages: Sequence[Sequence[str]]
    outputs: Sequence[str]
    edits: Sequence[Edit]
    begin: Callable[[Path], None] = lambda _root: None
    tell: Callable[[Path, Callable[[Sequence[str]], None]], None] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[str] = ()
    slow: bool = False

    def lay(self, root: Path) -> None:
        """Write the files."""
        for name, text in self.files.items():
            put(root / name, text)
        self.begin(root)

    def command(self, stage: Sequence[str]) -> list[str]:
        return [PYTHON if word == "{python}" else word for word in stage]


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip("\n"))


def change(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace a text that is there just once."""

    def apply(root: Path) -> None:
        text = (root / name).read_text()
        assert text.count(old) == 1, (name, old, text.count(old))
        (root / name).write_text(text.replace(old, new))

    return apply


def write(name: str, text: str) -> Callable[[Path], None]:
    return lambda root: put(root / name, text)


def delete(name: str) -> Callable[[Path], None]:
    return lambda root: (root / name).unlink()


def rename(old: str, new: str) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        (root / new).parent.mkdir(parents=True, exist_ok=True)
        os.rename(root / old, root / new)

    return apply


def touch(name: str) -> Callable[[Path], None]:
    """Write a file again with the bytes that it has."""

    def apply(root: Path) -> None:
        data = (root / name).read_bytes()
        (root / name).unlink()
        (root / name).write_bytes(data)

    return apply


def both(*several: Callable[[Path], None]) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        for one in several:
            one(root)

    return apply


def nothing(_root: Path) -> None:
    """Leave the files alone: the edit is elsewhere."""
