"""What requirements and lock files ask for, and what that means for recorded versions."""

from __future__ import annotations

import pytest

from provgraph.collect.changes.installed import Installed, PackageChange, package_changes
from provgraph.collect.changes.packages import (
    Ask,
    PackageFile,
    Unreadable,
    is_package_file,
    read_packages,
)
from provgraph.model.digests import ABSENT

PINNED = Ask(versions=frozenset({"1.26.4"}))

UV = """
version = 1
requires-python = ">=3.11"

[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "index" }
sdist = { url = "x", hash = "sha256:aa" }
wheels = [{ url = "y", hash = "sha256:bb" }]

[[package]]
name = "mine"
version = "0.1"
source = { editable = "." }

[[package]]
name = "forked"
version = "2.0"
source = { git = "https://example.org/forked?rev=1#1234" }
"""
POETRY = """
[[package]]
name = "NumPy"
version = "1.26.4"
files = [{file = "a.whl", hash = "sha256:bb"}]

[package.source]
type = "git"
url = "https://example.org/numpy"
resolved_reference = "1234"
"""
PDM = """
[[package]]
name = "numpy"
version = "1.26.4"
revision = "1234"
git = "https://example.org/numpy"
files = [{file = "a.whl", hash = "sha256:bb"}]
"""
PYLOCK = """
lock-version = "1.0"
[[packages]]
name = "numpy"
version = "1.26.4"
[[packages.wheels]]
name = "a.whl"
hashes = {sha256 = "bb"}
"""
PIXI = """
version: 6
packages:
- conda: https://example.org/linux-64/numpy-1.26.4-py311h64a7726_0.conda
  sha256: aa
- pypi: https://example.org/polars-1.0.0-cp38.whl
  name: polars
  version: 1.0.0
  sha256: bb
"""
CONDA_LOCK = """
package:
- name: numpy
  version: 1.26.4
  manager: conda
  hash: {sha256: aa}
"""
CONDA = """
dependencies:
  - python=3.11
  - conda-forge::numpy==1.26.4
  - scipy >=1.10,<2
  - pandas=2.1.0=py311_0
  - pip
  - pip:
      - polars==1.0.0
"""
PYPROJECT = """
[project]
requires-python = ">=3.10"
dependencies = ["numpy==1.26.4", "pandas>=2; python_version > '3.9'", "scipy[extra]>=1"]
[project.optional-dependencies]
more = ["polars"]
[dependency-groups]
dev = ["pytest>=8", {include-group = "other"}]
[tool.poetry.dependencies]
torch = "2.1.0"
jax = "^0.4"
"""
REQUIREMENTS = """\
# a comment
numpy==1.26.4 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
pandas >= 2.0  # for reading
-r more.txt
--index-url somewhere
-e git+https://example.org/x.git#egg=forked
local @ file:///wheels/local.whl
./here
"""
PIPFILE = '{"default": {"numpy": {"version": "==1.26.4", "hashes": ["sha256:aa"]}}, "develop": {}}'


@pytest.mark.parametrize(
    ("name", "text", "whole"),
    [
        ("uv.lock", UV, True), ("poetry.lock", POETRY, True), ("pdm.lock", PDM, True),
        ("pylock.toml", PYLOCK, True), ("pixi.lock", PIXI, True), ("Pipfile.lock", PIPFILE, True),
        ("x.conda-lock.yml", CONDA_LOCK, True), ("environment.yml", CONDA, False),
        ("pyproject.toml", PYPROJECT, False), ("requirements.txt", REQUIREMENTS, False),
        ("deep/requirements/dev.txt", REQUIREMENTS, False),
    ],
)  # fmt: skip
def test_every_format_gives_what_it_pins(name: str, text: str, whole: bool) -> None:
    assert is_package_file(name)
    found = read_packages(name, text.encode())
    assert found.whole is whole
    assert found.packages["numpy"].versions == {"1.26.4"}


def test_what_formats_say_besides_versions() -> None:
    uv = read_packages("uv.lock", UV.encode()).packages
    assert uv["numpy"].files == {"sha256:aa", "sha256:bb"}
    assert uv["mine"].origin == ""
    assert "1234" in uv["forked"].origin
    for name, text in (("poetry.lock", POETRY), ("pdm.lock", PDM)):
        found = read_packages(name, text.encode()).packages["numpy"]
        assert "1234" in found.origin
        assert found.files == {"sha256:bb"}
    asked = read_packages("requirements.txt", REQUIREMENTS.encode()).packages
    assert asked["pandas"].limits == {">=2.0"}
    assert asked["numpy"].files == {"sha256:aa", "sha256:bb"}
    assert "example.org" in asked["forked"].origin
    assert asked["local"].origin == "file:///wheels/local.whl"
    assert len(asked) == 6  # and another file's lines, and a folder, that have no names here
    project = read_packages("pyproject.toml", PYPROJECT.encode()).packages
    assert project["python"].limits == {">=3.10"}
    assert project["pandas"].limits == {">=2"}
    assert "python_version" in project["pandas"].origin
    assert project["scipy"].origin == "[extra]"
    assert project["torch"].versions == {"2.1.0"}
    assert project["jax"].origin == "^0.4"
    conda = read_packages("environment.yml", CONDA.encode()).packages
    assert conda["python"].limits == {"==3.11.*"}
    assert conda["scipy"].limits == {">=1.10,<2"}
    assert conda["pandas"].versions == {"2.1.0"}
    assert conda["polars"].versions == {"1.0.0"}
    assert read_packages(".python-version", b"3.11.7\n").packages["python"].versions == {"3.11.7"}
    assert read_packages(".python-version", b"3.11\n").packages["python"].limits == {"==3.11.*"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("uv.lock", b"not toml ["), ("uv.lock", b"\xff"), ("poetry.lock", b"package = 3"),
        ("Pipfile.lock", b"[]"), ("environment.yml", b"a: [b"), ("pixi.lock", b"- 1"),
        ("requirements.txt", b"numpy = 3 = 4"), ("pixi.lock", b"packages: [{x: 1}]"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(name: str, data: bytes) -> None:
    with pytest.raises(Unreadable):
        read_packages(name, data)


def test_other_files_are_no_lists_of_packages() -> None:
    for name in ("notes.txt", "data/environment.csv", "package.json", "lock", "x/uv.lock.bak"):
        assert not is_package_file(name)


def of(before: Ask | None, after: Ask | None, **others: Ask) -> tuple[Installed, PackageChange]:
    change = PackageChange("a.txt", "numpy", before, after)
    other = {name: PackageFile({"numpy": ask}) for name, ask in others.items()}
    return Installed([change], other), change


NEWER = Ask(versions=frozenset({"2.1"}))
WIDE, NARROW = Ask(limits=frozenset({">=1.20"})), Ask(limits=frozenset({">=2"}))
UNSURE = Ask(limits=frozenset({"what?"}))
FORK = Ask(versions=frozenset({"1.26.4"}), origin="a fork")
WHEEL = Ask(versions=frozenset({"1.26.4"}), files=frozenset({"aa"}))
REBUILT = Ask(versions=frozenset({"1.26.4"}), files=frozenset({"bb"}))
MORE = Ask(versions=frozenset({"1.26.4"}), files=frozenset({"aa", "bb"}))


@pytest.mark.parametrize(
    ("before", "after", "recorded", "falls"),
    [
        (PINNED, NEWER, "v:1.26.4", True),
        (PINNED, NEWER, "v:2.1", False),  # redone under the new one already
        (PINNED, NEWER, "v:2.1.0", False),
        (PINNED, NEWER, "v:1.25", True),  # neither: it isn't what there will be
        (PINNED, None, "v:1.26.4", True),
        (None, PINNED, "v:1.26.4", False),
        (None, PINNED, ABSENT, True),
        (PINNED, None, ABSENT, False),
        (None, WIDE, "v:1.26.4", False),
        (WIDE, NARROW, "v:1.26.4", True),
        (WIDE, NARROW, "v:2.2", False),
        (WIDE, UNSURE, "v:1.26.4", True),
        (PINNED, FORK, "v:1.26.4", True),
        (WHEEL, MORE, "v:1.26.4", False),
        (WHEEL, REBUILT, "v:1.26.4", True),
        (PINNED, Ask(versions=frozenset({"1.26.4", "2.1"})), "v:1.26.4", False),
    ],
)
def test_a_recorded_version_against_what_is_asked(
    before: Ask | None, after: Ask | None, recorded: str, falls: bool
) -> None:
    installed, change = of(before, after)
    assert installed.verdict(change, recorded)[0] is falls
    assert installed.verdict(change, recorded)[1]
    assert installed.stands("numpy", recorded, after=True) is not falls
    assert installed.stands("pandas", recorded, after=True)
    assert installed.stands("$HOME", recorded, after=True)


def test_before_the_change_only_what_it_brings_does_not_stand() -> None:
    installed, _ = of(PINNED, NEWER)
    assert installed.stands("numpy", "v:1.26.4", after=False)
    assert installed.stands("numpy", "v:1.25", after=False)
    assert not installed.stands("numpy", "v:2.1", after=False)


def test_a_file_that_did_not_govern_a_version_does_not_fell_it() -> None:
    installed, change = of(NEWER, Ask(versions=frozenset({"2.2"})), other=PINNED)
    falls, words = installed.verdict(change, "v:1.26.4")
    assert not falls
    assert words == "other pins numpy 1.26.4, as recorded"
    installed, change = of(PINNED, NEWER, other=PINNED)  # either may have: it falls
    assert installed.verdict(change, "v:1.26.4")[0]


def test_a_file_that_cannot_be_read_fells_every_package() -> None:
    installed = Installed(package_changes("uv.lock", None, None, "no TOML"))
    assert not installed.stands("numpy", "v:1", after=True)
    assert not installed.stands("python", "v:3.11", after=True)
    assert installed.stands("numpy", "v:1", after=False)
    assert installed.stands("$HOME", "k:1", after=True)


def test_changes_are_told_package_by_package() -> None:
    old = PackageFile({"numpy": PINNED, "pandas": WIDE, "same": WIDE}, whole=True)
    new = PackageFile({"numpy": NEWER, "polars": WIDE, "same": WIDE}, whole=True)
    found = package_changes("uv.lock", old, new)
    assert [(one.package, one.before, one.after) for one in found] == [
        ("numpy", PINNED, NEWER),
        ("pandas", WIDE, None),
        ("polars", None, WIDE),
    ]
    assert [one.package for one in package_changes("uv.lock", None, new)] == [
        "numpy",
        "polars",
        "same",
    ]
