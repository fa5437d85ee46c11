"""Describe the interpreter a process ran under: versions, packages, platform, variables read.

Nothing is imported or started: versions come from the names of `*.dist-info` and `*.egg-info`
folders, as the interpreter's own import system would find them.

Longer than most modules: finding site folders, listing what is installed, and telling which
distribution a module belongs to share one reading of the same folders.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from provgraph.collect.secrets import Redactor
from provgraph.collect.trace import Process
from provgraph.model.digests import ABSENT, content_digest, identity, keyed_digest, value_digest
from provgraph.model.names import name_of, path_of

PYTHON = "python"
PLATFORM = ("os", "libc", "kernel")

# Variables whose value is no secret and says how numbers come about.
ALLOWED: tuple[str, ...] = (
    *"LANG LANGUAGE LC_* TZ PYTHONHASHSEED PYTHONUTF8 PYTHONOPTIMIZE PYTHONIOENCODING".split(),
    *"PYTHONDONTWRITEBYTECODE PYTHONWARNINGS SOURCE_DATE_EPOCH".split(),
    *"OMP_* MKL_* OPENBLAS_* BLIS_* VECLIB_* NUMEXPR_* GOTO_NUM_THREADS KMP_* LOKY_*".split(),
    *"CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER CUDA_LAUNCH_BLOCKING CUBLAS_WORKSPACE_CONFIG".split(),
    *"NVIDIA_VISIBLE_DEVICES NVIDIA_TF32_OVERRIDE ROCR_VISIBLE_DEVICES HIP_VISIBLE_DEVICES".split(),
    *"TF_DETERMINISTIC_OPS TF_ENABLE_ONEDNN_OPTS XLA_FLAGS".split(),
    *"JAX_ENABLE_X64 JAX_PLATFORMS TORCH_ALLOW_TF32_CUBLAS_OVERRIDE".split(),
    *"POLARS_MAX_THREADS RAYON_NUM_THREADS ARROW_NUM_THREADS TOKENIZERS_PARALLELISM".split(),
    *"WORLD_SIZE RANK LOCAL_RANK MPLBACKEND".split(),
)
# Variables that differ from one terminal, login or job to the next and mean the same in each: a
# run that read one isn't done otherwise for it.
SESSION: tuple[str, ...] = (
    *"TERM TERM_* COLORTERM COLUMNS LINES LS_COLORS CLICOLOR* NO_COLOR FORCE_COLOR PAGER".split(),
    *"LESS LESSOPEN LESSCLOSE EDITOR VISUAL SHELL SHLVL PS1 PS2 PROMPT_COMMAND HIST* _".split(),
    *"PWD OLDPWD PATH MANPATH INFOPATH LOGNAME MAIL HOSTNAME DISPLAY WAYLAND_DISPLAY".split(),
    *"XAUTHORITY XDG_SESSION_* XDG_RUNTIME_DIR XDG_SEAT XDG_VTNR DBUS_* SSH_* GPG_*".split(),
    *"TMUX TMUX_* STY WINDOWID VTE_VERSION VSCODE_* INSIDE_EMACS ITERM_* KONSOLE_*".split(),
    *"VIRTUAL_ENV VIRTUAL_ENV_PROMPT CONDA_PROMPT_MODIFIER CONDA_SHLVL PROVGRAPH*".split(),
    *"PYTEST_CURRENT_TEST PYTEST_XDIST_* JPY_* *_JOB_ID *_RUN_ID INVOCATION_ID".split(),
)

# What environments are called that lie in a folder of their own.
_TITLES = r"(?:Python \S+|R libraries|Node modules) in (.+)\Z"
_SPECIAL = re.compile(r"[*?[]")


@dataclass(frozen=True, slots=True)
class EnvironmentSeen:
    """An environment as a run had it.

    `document` is the same for every run under an unchanged environment. `touched` are the parts
    this run rests on: `python`, imported distributions, `$NAME` of variables read. `platform` is
    the tier of its own. `variables` are the names read, with redacted values of allowed ones.
    `unlisted` are distributions imported from where no site folder lists them.
    """

    name: str
    title: str
    document: dict[str, Any]
    touched: dict[str, str]
    platform: dict[str, str]
    prefix: str
    variables: dict[str, str | None] = field(default_factory=dict)
    unlisted: tuple[str, ...] = ()


def describe_environment(
    process: Process,
    *,
    redactor: Redactor,
    root: Path,
    host: str | None = None,
    environ: Mapping[str, str] | None = None,
    allowed: Sequence[str] = ALLOWED,
) -> EnvironmentSeen:
    """Describe the environment of a Python process (of provgraph's own interpreter for others).

    `environ` is the environment as the process was given it, `allowed` the globs of variables
    whose values may be written down.
    """
    environ = os.environ if environ is None else environ
    key = redactor.key
    version, prefix, executable = process.python or (_own_version(), sys.prefix, sys.executable)
    listed = installed(prefix, version, environ)
    document: dict[str, Any] = {
        "schema": "provgraph/environment/1",
        "python": {"version": version, "implementation": _implementation(prefix, executable)},
        "distributions": dict(sorted(listed.items())),
        "platform": platform_values(),
        "container": container(environ),
    }
    touched = {PYTHON: value_digest(version)}
    imported = {normalised(name) for name in process.distributions}
    touched |= {name: value_digest(listed[name]) for name in sorted(imported & listed.keys())}
    read = sorted({name for name in process.environ if not fits(name, SESSION)})
    touched |= {f"${name}": read_variable(environ.get(name), key) for name in read}
    values = [name for name in environ if fits(name, allowed)]
    shown = shown_variables(values, allowed, redactor, environ)
    return EnvironmentSeen(
        name=environment_name(prefix, key=key, root=root, host=host),
        title=f"Python {version} in {readable(prefix, root)}",
        document=document,
        touched=touched,
        platform={name: value_digest(text) for name, text in document["platform"].items()},
        prefix=prefix,
        variables={name: shown.get(name) for name in sorted({*read, *values})},
        unlisted=tuple(sorted(imported - listed.keys())),
    )


def shown_variables(
    names: Iterable[str],
    allowed: Sequence[str],
    redactor: Redactor,
    environ: Mapping[str, str] | None = None,
) -> dict[str, str | None]:
    """Give variables with their values, redacted, where those may be written down; else None."""
    environ = os.environ if environ is None else environ
    values = {name: environ[name] for name in names if name in environ and fits(name, allowed)}
    return {**dict.fromkeys(names), **redactor.mapping(values)}


def document_bytes(document: Mapping[str, Any]) -> bytes:
    """Write a description as it is content-addressed: equal ones give equal bytes."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass") + b"\n"


def environment_name(prefix: str, *, key: bytes, root: Path, host: str | None = None) -> str:
    """Name an environment: by its place in the project, else by host and place, keyed."""
    inside = os.path.relpath(prefix, root)
    if inside.split(os.sep, 1)[0] != os.pardir and not os.path.isabs(inside):
        return f"env:{name_of(inside)}"
    return "env:" + _keyed(key, host or this_host(), prefix)


def prefixes(titles: Mapping[str, str], root: Path) -> dict[str, str]:
    """Read from recorded titles (`Python 3.11.7 in ~/x`) where environments lie."""
    found: dict[str, str] = {}
    for name, title in titles.items():
        match = re.match(_TITLES, title, re.DOTALL)
        if match and name.startswith("env:"):
            found[name] = os.path.join(root, os.path.expanduser(match[1]))
    return found


def this_host() -> str:
    """Give the name of this machine."""
    return os.uname().nodename


class Packages(Protocol):
    """What is asked about packages that aren't Python's: see `collect/system/present.py`."""

    def system_part(self, part: str) -> str | None:
        """Give a part of the system as it is now; None where that isn't known."""
        ...

    def folder_part(self, folder: str, part: str) -> str | None:
        """Give a package of a folder as it is now; None where that isn't known."""
        ...

    def keeps(self, folder: str) -> bool:
        """Tell whether a folder has packages of its own."""
        ...


class Environments:
    """The environments of this machine, asked by name what lies there now.

    `known` maps names to prefixes as recorded (they are private); the prefixes of provgraph itself
    and of the activated environment are tried without being recorded. `system` answers for what
    isn't Python's.
    """

    def __init__(
        self,
        root: Path,
        key: bytes,
        *,
        host: str | None = None,
        known: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        system: Packages | None = None,
    ) -> None:
        self._root = root
        self._key = key
        self._host = host or this_host()
        self._environ = os.environ if environ is None else environ
        self._known = dict(known or {})
        self._system = system
        here = [sys.prefix, sys.base_prefix, "/usr"]
        here += [self._environ.get(name, "") for name in ("VIRTUAL_ENV", "CONDA_PREFIX")]
        for prefix in filter(None, here):
            self._known.setdefault(self._name(prefix), prefix)
        self._seen: dict[str, _Present | None] = {}

    def has(self, name: str) -> bool:
        """Tell whether this environment is of this machine and still there."""
        if self._present(name) is not None or self._is_system(name):
            return True
        folder = self._folder(name)
        return folder is not None and self._system is not None and self._system.keeps(folder)

    def present_part(self, name: str, part: str) -> str | None:
        """Give the digest of a part as it is now; None where that can't be known from here."""
        if part.startswith("$"):
            # The asking shell's variables aren't those that a redo would be given.
            return None
        if self._system is not None and self._is_system(name):
            if part in PLATFORM:
                return value_digest(platform_values()[part])
            return self._system.system_part(part)
        if self._system is not None and ":" in part:
            folder = self._folder(name)
            return None if folder is None else self._system.folder_part(folder, part)
        present = self._present(name)
        if present is None:
            return None
        if part == PYTHON:
            return value_digest(present.version) if present.version else None
        if part in PLATFORM:
            return value_digest(platform_values()[part])
        if part.startswith("#"):
            return None
        version = present.distributions.get(part)
        return ABSENT if version is None else value_digest(version)

    def present_whole(self, name: str) -> str | None:
        """Give the digest of the description as it would be written now."""
        present = self._present(name)
        if present is None or not present.version:
            return None
        document = {
            "schema": "provgraph/environment/1",
            "python": {
                "version": present.version,
                "implementation": _implementation(
                    present.prefix, _executable(present.prefix) or ""
                ),
            },
            "distributions": present.distributions,
            "platform": platform_values(),
            "container": container(self._environ),
        }
        return content_digest(document_bytes(document))

    def _name(self, prefix: str) -> str:
        return environment_name(prefix, key=self._key, root=self._root, host=self._host)

    def _present(self, name: str) -> _Present | None:
        if name not in self._seen:
            prefix = self._folder(name)
            self._seen[name] = _look(prefix, self._environ) if prefix else None
        return self._seen[name]

    def _is_system(self, name: str) -> bool:
        return self._system is not None and name == self._name("/")

    def _folder(self, name: str) -> str | None:
        """Give where an environment of this machine lies."""
        prefix = self._known.get(name)
        # A recorded prefix may be another machine's: only the name says whose it is.
        if prefix is None or self._name(prefix) != name:
            prefix = self._inside(name)
        return prefix

    def _inside(self, name: str) -> str | None:
        relative = path_of(name.removeprefix("env:"))
        if os.path.isabs(relative) or os.pardir in relative.split("/") or "\0" in relative:
            return None
        return os.path.join(self._root, relative)


@dataclass(frozen=True, slots=True)
class _Present:
    prefix: str
    version: str
    distributions: dict[str, str]


def _look(prefix: str, environ: Mapping[str, str]) -> _Present | None:
    minor = _minor_version(prefix)
    if minor is None:
        return None
    version = _full_version(prefix, minor)
    return _Present(prefix, version or "", installed(prefix, version or minor, environ))


# -- the platform --------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _platform() -> tuple[str, str, str]:
    system = os.uname()
    release = ""
    for place in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            text = Path(place).read_text("utf-8", "replace")
        except OSError:
            continue
        found = dict(re.findall(r'^(\w+)="?(.*?)"?$', text, re.MULTILINE))
        release = found.get("PRETTY_NAME") or f"{found.get('ID', '')} {found.get('VERSION_ID', '')}"
        break
    if not release:
        import platform

        release = " ".join(filter(None, ("macOS", platform.mac_ver()[0]))).strip()
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError, AttributeError):
        libc = ""
    return release, libc or "unknown", f"{system.sysname} {system.release} {system.machine}"


def platform_values() -> dict[str, str]:
    """Give OS release, C library and kernel."""
    return dict(zip(PLATFORM, _platform(), strict=True))


def container(environ: Mapping[str, str]) -> dict[str, str]:
    """Say what kind of container this is, where it is one that says so."""
    found: dict[str, str] = {}
    try:
        text = Path("/run/.containerenv").read_text("utf-8", "replace")
        found = {"kind": "podman"}
        found |= {
            name: value
            for name, value in re.findall(r'^(image|imageid)="(.*)"$', text, re.MULTILINE)
            if value
        }
    except OSError:
        if os.path.exists("/.dockerenv"):
            found = {"kind": "docker"}
        elif environ.get("APPTAINER_CONTAINER") or environ.get("SINGULARITY_CONTAINER"):
            found = {"kind": "apptainer"}
            image = environ.get("APPTAINER_CONTAINER") or environ.get("SINGULARITY_CONTAINER", "")
            found["image"] = os.path.basename(image)
        elif environ.get("KUBERNETES_SERVICE_HOST"):
            found = {"kind": "kubernetes"}
        elif environ.get("container"):
            found = {"kind": environ["container"]}
    return found


# -- what is installed ---------------------------------------------------------------------------


def normalised(name: str) -> str:
    """Write a distribution's name as PEP 503 says."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed(
    prefix: str, version: str, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Give what is installed under a prefix: normalised name → version, the first found counts.

    Where a version doesn't say what was installed, its origin is added: `1.0 (git 1a2b3c4d5e6f)`.
    """
    found: dict[str, str] = {}
    for folder in site_folders(prefix, version, environ):
        for row in _site(folder).distributions.values():
            found.setdefault(row.name, row.version)
    return dict(sorted(found.items()))


def site_folders(
    prefix: str, version: str, environ: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Give the folders from which an interpreter under a prefix imports installed packages."""
    environ = os.environ if environ is None else environ
    minor = ".".join(version.split(".")[:2])
    config = _venv_config(prefix)
    prefixes = [prefix]
    if config and config.get("include-system-site-packages", "").lower() == "true":
        prefixes.append(os.path.dirname(config.get("home", "")))
    candidates = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if not config or len(prefixes) > 1:
        home = environ.get("HOME", "")
        base = environ.get("PYTHONUSERBASE") or (os.path.join(home, ".local") if home else "")
        if base and not environ.get("PYTHONNOUSERSITE"):
            candidates.append(os.path.join(base, "lib", f"python{minor}", "site-packages"))
    for place in prefixes:
        candidates += [
            os.path.join(place, library, f"python{minor}", "site-packages")
            for library in ("lib", "lib64")
        ]
        if place == "/usr":  # Debian
            candidates += [
                f"/usr/local/lib/python{minor}/dist-packages",
                "/usr/lib/python3/dist-packages",
            ]
        candidates.append(os.path.join(place, "lib", f"pypy{minor}", "site-packages"))
    found: dict[str, None] = {}
    real: set[str] = set()
    for candidate in candidates:
        if os.path.isdir(candidate) and (resolved := os.path.realpath(candidate)) not in real:
            real.add(resolved)
            found[candidate] = None
            found |= dict.fromkeys(_site(candidate).more)
    return tuple(found)


def distributions_of(modules: Mapping[str, str | None], folders: Sequence[str]) -> dict[str, str]:
    """Tell to which installed distributions imported modules (name → file) belong.

    `folders` are `site_folders(…)`. Gives normalised name → version. Top-level modules are
    enough, but of a namespace package, which belongs to several, the modules below it are needed.
    """
    found: dict[str, str] = {}
    tops = [(os.path.join(os.path.realpath(folder), ""), folder) for folder in folders]
    tops += [(os.path.join(folder, ""), folder) for folder in folders]
    wanted: dict[str, dict[str, list[str]]] = {}
    editable = [row for folder in folders for row in _site(folder).editables]
    for file in filter(None, modules.values()):
        place = _below(file, tops)
        if place is None and "-packages" in file:  # reached through a link
            place = _below(os.path.realpath(file), tops)
        if place:
            folder, inside = place
            first = inside.split("/", 1)[0]
            wanted.setdefault(folder, {}).setdefault(first, []).append(inside)
        else:
            for row in editable:
                if file.startswith(row.editable):
                    found.setdefault(row.name, row.version)
    for folder, groups in wanted.items():
        for row in _site(folder).owners(groups):
            found.setdefault(row.name, row.version)
    return found


def _below(file: str, tops: Iterable[tuple[str, str]]) -> tuple[str, str] | None:
    """Tell in which of the folders a file lies, and where in it."""
    holding = [(top, folder) for top, folder in tops if file.startswith(top)]
    if not holding:
        return None
    # One folder can hold another: with PYTHONPATH=., the project holds its own `.venv`.
    top, folder = max(holding, key=lambda one: len(one[0]))
    return folder, file[len(top) :]


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution.

    `folder` is its `*.dist-info` or `*.egg-info`; `editable` the folder that its code is in, with
    a slash at the end, where that is elsewhere.
    """

    name: str
    version: str
    folder: str
    editable: str = ""


class _Site:
    """One site folder, as it was when first read."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.distributions: dict[str, Distribution] = {}
        self.more: list[str] = []
        self._tops: dict[str, frozenset[str]] = {}
        self._records: dict[str, bytes] = {}
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError:
            names = []
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                row = _distribution(folder, name)
                if row:
                    self.distributions.setdefault(row.name, row)
            elif name.endswith(".pth"):
                self.more += _pth_folders(folder, name)
        self.editables = [row for row in self.distributions.values() if row.editable]

    def owners(self, groups: Mapping[str, Sequence[str]]) -> Iterator[Distribution]:
        """Tell which distributions own files of this folder, grouped by their first segment."""
        left: dict[str, list[str]] = {}
        for first, files in groups.items():
            row = self.distributions.get(normalised(first.split(".", 1)[0]))
            ask = [files[0]] if not self._shared(first, files) else list(files)
            if row:
                missed = [file for file in ask if not self._records_file(row, file)]
                if len(missed) < len(ask):
                    yield row
                ask = missed
            if ask:
                left[first] = ask
        if left:
            yield from self._search(left)

    def _search(self, left: Mapping[str, Sequence[str]]) -> Iterator[Distribution]:
        for row in self.distributions.values():
            tops = self._listed(row)
            for first, files in left.items():
                if tops and first.split(".", 1)[0] not in tops:
                    continue
                record = self._record(row)
                if (not record and tops) or any(self._records_file(row, file) for file in files):
                    yield row
                    break

    def _shared(self, first: str, files: Sequence[str]) -> bool:
        """Tell whether a package is a namespace: no `__init__`, or one that only says so."""
        if "/" not in files[0]:
            return False
        try:
            data = Path(self.folder, first, "__init__.py").read_bytes()
        except OSError:
            return True
        return len(data) < 1000 and (b"pkgutil" in data or b"pkg_resources" in data)

    def _records_file(self, row: Distribution, file: str) -> bool:
        record = self._record(row)
        line = file.encode("utf-8", "surrogateescape") + b","
        return record.startswith(line) or b"\n" + line in record

    def _record(self, row: Distribution) -> bytes:
        if row.folder not in self._records:
            self._records[row.folder] = _bytes_of(row.folder, "RECORD")
        return self._records[row.folder]

    def _listed(self, row: Distribution) -> frozenset[str]:
        if row.folder not in self._tops:
            text = _bytes_of(row.folder, "top_level.txt").decode("utf-8", "replace")
            self._tops[row.folder] = frozenset(text.split())
        return self._tops[row.folder]


@lru_cache(maxsize=64)
def _site_as_of(folder: str, _modified: int, _inode: int) -> _Site:
    return _Site(folder)


def _site(folder: str) -> _Site:
    try:
        seen = os.stat(folder)
    except OSError:
        return _site_as_of(folder, 0, 0)
    return _site_as_of(folder, seen.st_mtime_ns, seen.st_ino)


def _distribution(folder: str, entry: str) -> Distribution | None:
    place = os.path.join(folder, entry)
    stem, _, suffix = entry.rpartition(".")
    name, _, version = stem.partition("-")
    if suffix == "egg-info":
        version = re.sub(r"-py\d[\d.]*(?:-.*)?\Z", "", version)
    if not version or re.match(r"py\d", version):
        metadata = _bytes_of(place, "METADATA") or _bytes_of(place, "PKG-INFO")
        match = re.search(rb"^Version:\s*(\S+)", metadata, re.MULTILINE)
        version = match[1].decode("utf-8", "replace") if match else ""
    if not name or not version or name.startswith("~"):  # pip's left-overs
        return None
    origin, editable = "", ""
    if suffix == "dist-info" and (direct := _bytes_of(place, "direct_url.json")):
        origin, editable = _origin(direct, place)
    text = f"{version} ({origin})" if origin else version
    return Distribution(normalised(name), text, place, editable)


def _origin(direct: bytes, place: str) -> tuple[str, str]:
    """Say where a distribution came from, where its version doesn't say what it is (PEP 610)."""
    try:
        document = json.loads(direct)
        url = str(document.get("url", ""))
        if "vcs_info" in document:
            commit = str(document["vcs_info"].get("commit_id", ""))
            return f"{document['vcs_info'].get('vcs', 'vcs')} {commit[:12]}", ""
        if document.get("dir_info", {}).get("editable"):
            from urllib.parse import unquote, urlsplit

            return "editable", os.path.join(unquote(urlsplit(url).path), "")
    except (ValueError, AttributeError, TypeError, KeyError):
        pass
    record = _bytes_of(place, "RECORD")
    return f"record {identity('record', record.hex(), size=6)}", ""


def _pth_folders(folder: str, name: str) -> list[str]:
    text = _bytes_of(folder, name)[:65536].decode("utf-8", "replace")
    lines = (line.strip() for line in text.splitlines())
    found = [
        os.path.join(folder, line)
        for line in lines
        if line and not line.startswith(("#", "import ", "import\t"))
    ]
    return [path for path in found if "\0" not in path and os.path.isdir(path)][:20]


def _bytes_of(folder: str, name: str) -> bytes:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except OSError:
        # An `*.egg-info` may be the metadata file itself.
        if name == "PKG-INFO" and os.path.isfile(folder):
            return Path(folder).read_bytes()
        return b""


# -- which Python --------------------------------------------------------------------------------


def _own_version() -> str:
    import platform

    return platform.python_version()


def _implementation(prefix: str, executable: str) -> str:
    pypy = "pypy" in os.path.basename(executable) or "pypy" in os.path.basename(prefix)
    config = _venv_config(prefix) or {}
    pypy = pypy or config.get("implementation", "").lower() == "pypy"
    return "PyPy" if pypy or "pypy" in config.get("home", "") else "CPython"


def _venv_config(prefix: str) -> dict[str, str] | None:
    text = _bytes_of(prefix, "pyvenv.cfg").decode("utf-8", "replace")
    if not text:
        return None
    rows = (line.partition("=") for line in text.splitlines())
    return {name.strip().lower(): value.strip() for name, _, value in rows}


def _executable(prefix: str) -> str | None:
    for name in ("python", "python3", "pypy3"):
        candidate = os.path.join(prefix, "bin", name)
        if os.path.exists(candidate):
            return os.path.realpath(candidate)
    return None


def _minor_version(prefix: str) -> str | None:
    """Tell which Python lies under a prefix, as `3.11`; None where none does."""
    executable = _executable(prefix)
    if executable is None:
        return None
    match = re.search(r"(?:python|pypy)(\d\.\d+)", os.path.basename(executable))
    if match:
        return match[1]
    config = _venv_config(prefix) or {}
    stated = config.get("version", config.get("version_info", ""))
    if stated:
        return ".".join(stated.split(".")[:2])
    if executable == os.path.realpath(sys.executable):
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    return None


def _full_version(prefix: str, minor: str) -> str | None:
    """Tell the version of the interpreter that is there now; pyvenv.cfg says what once was."""
    executable = _executable(prefix)
    if executable is None:
        return None
    if executable == os.path.realpath(sys.executable):
        return _own_version()
    base = os.path.dirname(os.path.dirname(executable))
    header = _bytes_of(os.path.join(base, "include", f"python{minor}"), "patchlevel.h")
    match = re.search(rb'#define\s+PY_VERSION\s+"([^"]+)"', header)
    if match:
        return match[1].decode("ascii", "replace")
    return _version_in(executable, minor)


@lru_cache(maxsize=16)
def _version_in(executable: str, minor: str) -> str | None:
    """Find the version that an interpreter's binary carries as a text."""
    try:
        if os.stat(executable).st_size > 64 << 20:
            return None
        data = Path(executable).read_bytes()
    except OSError:
        return None
    pattern = rb"\0(" + re.escape(minor.encode()) + rb"\.\d+(?:(?:a|b|rc)\d+)?\+?)\0"
    found = set(re.findall(pattern, data))
    return found.pop().decode() if len(found) == 1 else None


# -- small things --------------------------------------------------------------------------------


def read_variable(value: str | None, key: bytes) -> str:
    """Give the digest of a variable as it is read; `absent` where it isn't set."""
    return ABSENT if value is None else keyed_digest(key, os.fsencode(value))


def fits(name: str, globs: Iterable[str]) -> bool:
    """Tell whether a variable's name is among these globs."""
    # Most globs part from a name before their first special character: fnmatch compiles what it
    # is asked, and that takes longer than all these comparisons.
    return any(
        name.startswith(_SPECIAL.split(glob, maxsplit=1)[0]) and fnmatchcase(name, glob)
        for glob in globs
    )


def _keyed(key: bytes, *fields: str) -> str:
    data = "\0".join(fields).encode("utf-8", "surrogateescape")
    return keyed_digest(key, data).rpartition(":")[2][:12]


def readable(prefix: str, root: Path) -> str:
    """Write a place as people read it: from the project, or with the home abbreviated."""
    inside = os.path.relpath(prefix, root)
    if not inside.startswith(os.pardir):
        return inside
    home = os.path.expanduser("~")
    below = prefix.startswith(os.path.join(home, "")) and home != "/"
    return "~" + prefix[len(home.rstrip("/")) :] if below else prefix
