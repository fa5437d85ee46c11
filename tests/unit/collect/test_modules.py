"""Which file in a directory a module is imported from: what Python itself would take."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from provgraph.collect.modules import imports_in
from provgraph.model.parts import imports_part

FILES = [f"{stem}{suffix}" for stem in ("one", "one/__init__") for suffix in (".py", ".pyc")]
FILES += [f"{stem}{s}" for stem in ("one", "one/__init__") for s in EXTENSION_SUFFIXES]


ASKED = """
import sys
from importlib.util import find_spec
sys.path.insert(0, sys.argv[1])
print(getattr(find_spec("one"), "origin", None))
"""


def found(place: Path) -> str:
    command = [sys.executable, "-I", "-c", ASKED, str(place)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("first", FILES)
def test_a_file_that_takes_over_changes_the_part(first: str, tmp_path: Path) -> None:
    part = imports_part(["one"])
    (tmp_path / "one").mkdir()
    (tmp_path / first).write_bytes(b"")

    for other in FILES:
        if other == first:
            continue
        before, digest = found(tmp_path), imports_in(str(tmp_path), part)
        (tmp_path / other).write_bytes(b"")
        assert (imports_in(str(tmp_path), part) != digest) == (found(tmp_path) != before), other
        (tmp_path / other).unlink()
