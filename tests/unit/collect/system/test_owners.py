"""What files that packages own stand for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from provgraph.collect.system import owners as whose
from provgraph.collect.system.debian import Debian
from provgraph.collect.system.owners import Owners, Part, Resolved, library_version, module_version
from provgraph.collect.system.places import is_left_out, is_untold
from provgraph.model.digests import ABSENT
from tests.support.dpkg import Dpkg


@pytest.fixture
def dpkg(tmp_path: Path) -> Dpkg:
    return Dpkg(tmp_path / "dpkg")


def resolved(dpkg: Dpkg, path: Path | str, *, with_r: bool = False, there: bool = True) -> Resolved:
    owners = Owners(Debian(dpkg.env), lambda _: "k:content", with_r=with_r)
    return owners.resolve([(str(path), there)])[str(path), there]


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that stands for the system, with settings and alternatives in it."""
    top = tmp_path / "top"
    (top / "etc" / "alternatives").mkdir(parents=True)
    (top / "usr").mkdir()
    monkeypatch.setattr(whose, "SETTINGS", f"{top}/etc/")
    monkeypatch.setattr(whose, "_LINKS", f"{top}/etc/alternatives/")
    monkeypatch.setattr(whose, "is_system", lambda path: path.startswith(f"{top}/"))
    return top


def test_a_link_that_chooses_between_packages_counts_with_the_chosen(dpkg: Dpkg, etc: Path) -> None:
    (etc / "usr" / "openblas.so").touch()
    (etc / "etc" / "alternatives" / "blas").symlink_to(etc / "usr" / "openblas.so")
    (etc / "usr" / "blas.so").symlink_to(etc / "etc" / "alternatives" / "blas")
    dpkg.install("libopenblas0", "0.3", [str(etc / "usr" / "openblas.so")])
    found = resolved(dpkg, etc / "usr" / "blas.so")
    assert found == Resolved(
        (
            Part("", "alternative:blas", f"v:{etc}/usr/openblas.so"),
            Part("", "deb:libopenblas0", "v:0.3"),
        )
    )


def test_settings_count_by_what_they_hold(dpkg: Dpkg, etc: Path) -> None:
    (etc / "etc" / "policy").write_text("x")
    dpkg.install("a", "1", [str(etc / "etc" / "policy")])
    part = Part("", f"file:{etc}/etc/policy", "k:content")
    assert resolved(dpkg, etc / "etc" / "policy") == Resolved((part,))


def test_what_nobody_owns_counts_by_what_it_holds(dpkg: Dpkg, etc: Path) -> None:
    (etc / "usr" / "own").write_text("x")
    (etc / "usr" / "link").symlink_to("own")
    assert resolved(dpkg, etc / "usr" / "own").contents == (f"{etc}/usr/own",)
    assert resolved(dpkg, etc / "usr" / "link").contents == (f"{etc}/usr/link", f"{etc}/usr/own")
    assert resolved(dpkg, etc / "usr") == Resolved()
    assert resolved(dpkg, etc / "usr" / "gone") == Resolved()


def module(folder: Path, name: str, **fields: object) -> Path:
    place = folder / name
    place.mkdir(parents=True)
    (place / "package.json").write_text(json.dumps({"name": name, **fields}))
    (place / "index.js").touch()
    for file in place.iterdir():
        os.utime(file, (5e8, 5e8))
    return place


def test_a_module_counts_by_its_version_where_a_registry_has_it(dpkg: Dpkg, tmp_path: Path) -> None:
    folder = tmp_path / "node_modules"
    pad = module(folder, "@me/pad", version="1.2.3")
    found = resolved(dpkg, pad / "index.js")
    assert [(one.folder, one.name) for one in found.parts] == [(str(folder), "node:@me/pad")]
    assert found.parts[0].digest.startswith("v:1.2.3 (record ")
    rows = {"node_modules/@me/pad": {"resolved": "https://registry.example/pad-1.2.3.tgz"}}
    (folder / ".package-lock.json").write_text(json.dumps({"packages": rows}))
    whose._locks.cache_clear()
    assert module_version(str(folder), "@me/pad") == "v:1.2.3"
    assert found.contents == ()
    os.utime(pad / "index.js", (9e8, 9e8))
    assert resolved(dpkg, pad / "index.js").contents == (f"{pad}/index.js",)


def test_a_module_that_was_looked_for_in_vain_counts(dpkg: Dpkg, tmp_path: Path) -> None:
    folder = tmp_path / "node_modules"
    found = resolved(dpkg, folder / "pad" / "package.json", there=False)
    assert found.parts == (Part(str(folder), "node:pad", ABSENT),)
    module(folder, "pad", version="1")
    assert resolved(dpkg, folder / "pad" / "other.json", there=False).parts == ()


def test_an_r_library_counts_by_its_version_where_a_repository_has_it(
    dpkg: Dpkg, tmp_path: Path
) -> None:
    library = tmp_path / "4.2" / "dplyr"
    (library / "Meta").mkdir(parents=True)
    (library / "Meta" / "package.rds").touch()
    (library / "R").mkdir()
    file = library / "R" / "dplyr.rdb"
    file.touch()
    (library / "DESCRIPTION").write_text("Package: dplyr\nVersion: 1.1.2\nRepository: CRAN\n")
    part = Part(str(library.parent), "r:dplyr", "v:1.1.2")
    assert resolved(dpkg, file, with_r=True) == Resolved((part,))
    assert resolved(dpkg, file) == Resolved()
    (library / "DESCRIPTION").write_text("Package: dplyr\nVersion: 1.1.2\nRemoteSha: 12ab\n")
    built = library_version(str(library.parent), "dplyr")
    assert built.startswith("v:1.1.2 (record ")
    (library / "DESCRIPTION").write_text("Package: dplyr\nVersion: 1.1.2\nRemoteSha: 34cd\n")
    assert library_version(str(library.parent), "dplyr") != built
    assert library_version(str(library.parent), "other") == ABSENT


@pytest.mark.parametrize(
    ("path", "out"),
    [
        ("/etc/passwd", True),
        ("/etc/passwords.csv", False),
        ("/etc/profile.d/x.sh", True),
        ("/usr/share/zoneinfo/UTC", False),
        ("/usr/lib/x86_64-linux-gnu/gconv/gconv-modules.cache", True),
        ("/usr/share/dict/words", False),
        ("/etc/ImageMagick-6/policy.xml", False),
    ],
)
def test_what_names_the_machine_is_left_out(path: str, out: bool) -> None:
    assert is_left_out(path) == out


def test_variables_by_which_things_are_found_are_untold() -> None:
    assert all(map(is_untold, ("HOME", "LD_LIBRARY_PATH", "XDG_DATA_DIRS", "TMPDIR")))
    assert not any(map(is_untold, ("OMP_NUM_THREADS", "LC_ALL", "TZ", "CUDA_VISIBLE_DEVICES", "*")))
