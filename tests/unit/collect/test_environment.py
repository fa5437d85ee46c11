"""Environments: what is installed where, told without running anything."""

import json
import os
import platform
import sys
from pathlib import Path

import pytest

from provgraph.collect import environment
from provgraph.collect.environment import (
    Environments,
    describe_environment,
    distributions_of,
    document_bytes,
    environment_name,
    installed,
    prefixes,
    site_folders,
)
from provgraph.collect.secrets import Redactor
from provgraph.collect.trace import Process
from provgraph.model.digests import ABSENT, content_digest

KEY = b"k" * 32
VERSION = platform.python_version()
MINOR = ".".join(VERSION.split(".")[:2])


def process(
    prefix: Path, *, imported: dict[str, str] | None = None, read: tuple[str, ...] = ()
) -> Process:
    return Process(
        pid=1,
        parent=0,
        argv=("python",),
        report=True,
        python=(VERSION, str(prefix), str(prefix / "bin" / "python")),
        distributions=imported or {},
        environ=read,
    )


def install(site: Path, name: str, version: str, files: tuple[str, ...] = (), **more: str) -> Path:
    folder = site / f"{name}-{version}.dist-info"
    folder.mkdir(parents=True)
    for file in files:
        (site / file).parent.mkdir(parents=True, exist_ok=True)
        (site / file).touch()
    (folder / "RECORD").write_text("".join(f"{file},sha256=x,0\n" for file in files))
    for file, text in more.items():
        (folder / file.replace("__", ".")).write_text(text)
    return folder


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment in the project, made by hand: nothing in it can be run."""
    place = tmp_path / "project" / ".venv"
    site = place / "lib" / f"python{MINOR}" / "site-packages"
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "python").symlink_to(sys.executable)
    (place / "pyvenv.cfg").write_text(f"home = /nowhere/bin\nversion = {MINOR}.0\n")
    install(site, "numpy", "2.1.0", ("numpy/__init__.py", "numpy/linalg.py"))
    install(site, "PyYAML", "6.0.2", ("yaml/__init__.py", "_yaml/__init__.py"))
    install(site, "scikit_learn", "1.5.0", ("sklearn/__init__.py",))
    install(site, "six", "1.17.0", ("six.py",), top_level__txt="six\n")
    install(site, "google_cloud_storage", "2.0", ("google/cloud/storage/__init__.py",))
    install(site, "google_auth", "3.0", ("google/auth/__init__.py",))
    return place


@pytest.fixture
def site(venv: Path) -> Path:
    return venv / "lib" / f"python{MINOR}" / "site-packages"


def test_an_environment_in_the_project_has_a_name_every_clone_shares(venv: Path) -> None:
    root = venv.parent
    assert environment_name(str(venv), key=KEY, root=root) == "env:.venv"
    assert environment_name(str(venv), key=KEY, root=root, host="x") == "env:.venv"


def test_one_elsewhere_is_named_by_host_and_place(tmp_path: Path) -> None:
    names = {
        environment_name(prefix, key=key, root=tmp_path, host=host)
        for prefix in ("/usr", "/opt/x")
        for host in ("a", "b")
        for key in (KEY, b"o" * 32)
    }
    assert len(names) == 8
    assert all(len(name) == len("env:") + 12 for name in names)


def test_what_is_installed_is_told_by_folder_names(venv: Path) -> None:
    assert installed(str(venv), VERSION, {}) == {
        "google-auth": "3.0",
        "google-cloud-storage": "2.0",
        "numpy": "2.1.0",
        "pyyaml": "6.0.2",
        "scikit-learn": "1.5.0",
        "six": "1.17.0",
    }


def test_old_metadata_and_leftovers(venv: Path, site: Path) -> None:
    (site / "PyGObject-3.42.2.egg-info").write_text("Version: 3.42.2\n")
    (site / "old_thing-1.2-py3.11.egg-info").mkdir()
    (site / "bare.egg-info").mkdir()
    (site / "bare.egg-info" / "PKG-INFO").write_text("Name: bare\nVersion: 0.3\n")
    (site / "~umpy-1.0.dist-info").mkdir()
    (site / "nothing.dist-info").mkdir()
    found = installed(str(venv), VERSION, {})
    assert (found["pygobject"], found["old-thing"], found["bare"]) == ("3.42.2", "1.2", "0.3")
    assert not {"~umpy", "umpy", "nothing", ""} & found.keys()


def test_where_the_version_does_not_say_what_was_installed_the_origin_does(
    venv: Path, site: Path, tmp_path: Path
) -> None:
    git = {"url": "https://u:p@h/r", "vcs_info": {"vcs": "git", "commit_id": "a" * 40}}
    install(site, "from_git", "1.0", direct_url__json=json.dumps(git))
    editable = {"url": f"file://{tmp_path}/src%20x", "dir_info": {"editable": True}}
    install(site, "mine", "0.1", direct_url__json=json.dumps(editable))
    local = install(site, "local", "1.0", ("local.py",), direct_url__json='{"url": "file:///x"}')
    install(site, "odd", "1.0", direct_url__json="[broken")
    found = installed(str(venv), VERSION, {})
    assert found["from-git"] == "1.0 (git aaaaaaaaaaaa)"
    assert found["mine"] == "0.1 (editable)"
    before = found["local"]
    (local / "RECORD").write_text("local.py,sha256=other,0\n")
    os.utime(site, ns=(1, 1))  # an installer writes into the folder
    assert installed(str(venv), VERSION, {})["local"] != before
    source = tmp_path / "src x" / "mine" / "__init__.py"
    assert distributions_of({"mine": str(source)}, [str(site)]) == {"mine": "0.1 (editable)"}


def test_modules_belong_to_distributions(site: Path) -> None:
    files = {
        "numpy": "numpy/__init__.py",
        "numpy.linalg": "numpy/linalg.py",
        "yaml": "yaml/__init__.py",
        "sklearn": "sklearn/__init__.py",
        "six": "six.py",
        "google.auth": "google/auth/__init__.py",
        "unowned": "unowned.py",
    }
    modules: dict[str, str | None] = {name: str(site / file) for name, file in files.items()}
    modules |= {"sys": None, "os": os.__file__, "google": None}
    assert distributions_of(modules, [str(site)]) == {
        "numpy": "2.1.0",
        "pyyaml": "6.0.2",
        "scikit-learn": "1.5.0",
        "six": "1.17.0",
        "google-auth": "3.0",
    }


def test_real_modules_belong_to_real_distributions() -> None:
    import numpy as np
    import yaml

    folders = site_folders(sys.prefix, VERSION)
    modules = {"numpy": np.__file__, "yaml": yaml.__file__}
    expected = {"numpy": np.__version__, "pyyaml": yaml.__version__}
    assert distributions_of(modules, folders) == expected
    assert distributions_of(modules, (sys.prefix, *folders)) == expected


def test_path_files_lead_to_more_folders(venv: Path, site: Path, tmp_path: Path) -> None:
    (tmp_path / "develop" / "dev_tool.egg-info").mkdir(parents=True)
    (tmp_path / "develop" / "dev_tool.egg-info" / "PKG-INFO").write_text("Version: 9\n")
    (site / "x.pth").write_text(f"import sys\n# no\n{tmp_path / 'develop'}\n/nowhere\nnul\0\n")
    assert installed(str(venv), VERSION, {})["dev-tool"] == "9"
    listed = installed(str(venv), VERSION, {"PYTHONPATH": str(tmp_path / "develop")})
    assert listed["dev-tool"] == "9"


def test_an_environment_is_described(venv: Path) -> None:
    environ = {
        "SEED": "7",
        "LANG": "C",
        "OMP_NUM_THREADS": "2",
        "HF_TOKEN": "hf_secret",
        "TERM": "x",
    }
    seen = describe_environment(
        process(
            venv,
            imported={"Scikit_Learn": "1.5.0", "elsewhere": "1"},
            read=("SEED", "UNSET", "HF_TOKEN", "TERM", "SSH_TTY"),
        ),
        redactor=Redactor(KEY),
        root=venv.parent,
        environ=environ,
    )
    assert seen.name == "env:.venv"
    assert seen.title == f"Python {VERSION} in .venv"
    assert {part for part in seen.touched if not part.startswith("$")} == {"python", "scikit-learn"}
    assert seen.touched["python"] == f"v:{VERSION}"
    assert seen.touched["scikit-learn"] == "v:1.5.0"
    assert seen.touched["$UNSET"] == ABSENT
    assert seen.touched["$SEED"].startswith("k:")
    assert "$TERM" not in seen.touched
    assert seen.variables == {
        "SEED": None,
        "UNSET": None,
        "HF_TOKEN": None,
        "LANG": "C",
        "OMP_NUM_THREADS": "2",
    }
    assert seen.unlisted == ("elsewhere",)
    assert set(seen.platform) == {"os", "libc", "kernel"}
    assert seen.document["distributions"]["numpy"] == "2.1.0"
    assert "hf_secret" not in repr(seen)


def test_equal_environments_have_one_document(venv: Path) -> None:
    documents = {
        document_bytes(
            describe_environment(
                one, redactor=Redactor(KEY), root=venv.parent, environ=environ
            ).document
        )
        for one, environ in (
            (process(venv), {}),
            (process(venv, imported={"numpy": "2.1.0"}, read=("A",)), {"A": "1", "LANG": "C"}),
        )
    }
    assert len(documents) == 1


def test_allowed_values_are_redacted_all_the_same(venv: Path) -> None:
    seen = describe_environment(
        process(venv), redactor=Redactor(KEY), root=venv.parent,
        environ={"EXP_URL": "https://u:pw12345@h/", "EXP_TOKEN": "abc"}, allowed=("EXP_*",),
    )  # fmt: skip
    assert "pw12345" not in repr(seen.variables)
    assert str(seen.variables["EXP_TOKEN"]).startswith("[redacted:")


def test_present_parts_follow_what_is_installed(venv: Path, site: Path) -> None:
    root = venv.parent
    before = describe_environment(
        process(venv), redactor=Redactor(KEY), root=root, environ={"A": "1"}
    )
    now = Environments(root, KEY, environ={"A": "1"})
    assert now.present_part("env:.venv", "numpy") == "v:2.1.0"
    assert now.present_part("env:.venv", "python") == f"v:{VERSION}"
    assert now.present_part("env:.venv", "pandas") == ABSENT
    assert now.present_part("env:.venv", "$B") is None  # the asking shell isn't the run's
    assert now.present_part("env:.venv", "kernel") == before.platform["kernel"]
    assert now.present_whole("env:.venv") == content_digest(document_bytes(before.document))
    (site / "numpy-2.1.0.dist-info").rename(site / "numpy-2.2.0.dist-info")
    assert now.present_part("env:.venv", "numpy") == "v:2.1.0", "one question, one state"
    later = Environments(root, KEY, environ={})
    assert later.present_part("env:.venv", "numpy") == "v:2.2.0"
    assert later.present_whole("env:.venv") != now.present_whole("env:.venv")


def test_an_environment_elsewhere_is_known_by_its_title(venv: Path, tmp_path: Path) -> None:
    root = tmp_path / "other"
    seen = describe_environment(process(venv), redactor=Redactor(KEY), root=root, host="a")
    known = prefixes({seen.name: seen.title, "run:1": "Python 3 in /x"}, root)
    assert known == {seen.name: str(venv)}
    assert Environments(root, KEY, host="a", known=known).has(seen.name)
    assert not Environments(root, KEY, host="a").has(seen.name)
    assert not Environments(root, KEY, host="b", known=known).has(seen.name)


@pytest.mark.parametrize(
    "name", ["env:.venv", "env:", "env:../..", "env:/usr", "env:%00", "env:0123456789ab"]
)
def test_what_is_not_here_has_no_parts(tmp_path: Path, name: str) -> None:
    now = Environments(tmp_path, KEY)
    assert not now.has(name)
    assert now.present_part(name, "numpy") is None
    assert now.present_whole(name) is None


def test_the_own_environment_needs_no_record(tmp_path: Path) -> None:
    name = environment_name(sys.prefix, key=KEY, root=tmp_path)
    now = Environments(tmp_path, KEY)
    assert now.present_part(name, "python") == f"v:{VERSION}"
    assert now.present_part(name, "pytest") == f"v:{pytest.__version__}"


def test_the_version_is_the_interpreters_own_not_what_the_environment_was_made_with(
    tmp_path: Path,
) -> None:
    base = tmp_path / "base"
    (base / "bin").mkdir(parents=True)
    (base / "bin" / "python3.9").write_bytes(b"\x7fELF\0" + b"3.9.18\0(%.80s)\0")
    (base / "bin" / "python").symlink_to("python3.9")
    assert Environments(tmp_path, KEY).present_part("env:base", "python") == "v:3.9.18"
    header = base / "include" / "python3.9" / "patchlevel.h"
    header.parent.mkdir(parents=True)
    header.write_text('#define PY_VERSION     "3.9.20"\n')
    assert Environments(tmp_path, KEY).present_part("env:base", "python") == "v:3.9.20"


def test_containers_are_hinted_at() -> None:
    found = environment.container({"APPTAINER_CONTAINER": "/x/y.sif"})
    assert found.get("kind") in ("apptainer", "docker", "podman")
