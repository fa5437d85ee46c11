"""Modules are traced back to the installed distributions that own them."""

from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.collect.tracing.audit.distributions import distributions


def install(site: Path, label: str, version: str, files: str, top: str = "") -> None:
    place = site / f"{label.replace('-', '_')}-{version}.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {label}\nVersion: {version}\n\n")
    if files:
        (place / "RECORD").write_text("".join(f"{name},sha256=x,1\n" for name in files.split()))
    if top:
        (place / "top_level.txt").write_text(top)
    for name in files.split():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).touch()


@pytest.fixture
def site(tmp_path: Path) -> Path:
    install(tmp_path, "scikit-learn", "1.4", "sklearn/__init__.py", top="sklearn\n")
    install(tmp_path, "PyYAML", "6.0", "yaml/__init__.py _yaml.cpython-311.so")
    install(tmp_path, "numpy", "2.0", "numpy/__init__.py")
    install(tmp_path, "six", "1.1", "six.py")
    install(tmp_path, "google-auth", "1", "google/auth/__init__.py")
    install(tmp_path, "google-api", "2", "google/api/__init__.py")
    install(tmp_path, "Unused", "1", "unused/__init__.py")
    return tmp_path


@pytest.mark.parametrize(
    ("module", "owner"),
    [
        ("sklearn", {"scikit-learn": "1.4"}),
        ("yaml", {"PyYAML": "6.0"}),
        ("_yaml", {"PyYAML": "6.0"}),
        ("numpy", {"numpy": "2.0"}),
        ("six", {"six": "1.1"}),
        ("google", {"google-auth": "1", "google-api": "2"}),
        ("google.auth", {"google-auth": "1"}),
        ("json", {}),
        ("num", {}),
    ],
)
def test_a_module_has_its_owner(site: Path, module: str, owner: dict[str, str]) -> None:
    assert distributions({module: ""}, [str(site), "/no/such", ""]) == owner


def test_a_module_of_the_projects_own_hides_an_installed_one(site: Path) -> None:
    assert distributions({"numpy": "/project/numpy.py"}, [str(site)]) == {}


def test_metadata_that_lists_no_files_is_matched_by_name(tmp_path: Path) -> None:
    (tmp_path / "Old_Thing-0.3-py3.11.egg-info").write_text("Name: Old-Thing\nVersion: 0.3\n")
    (tmp_path / "old_thing.py").touch()
    assert distributions({"old_thing": ""}, [str(tmp_path)]) == {"Old-Thing": "0.3"}
