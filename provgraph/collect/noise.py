"""What is noise: tables of paths that are no data, and of programs and modules that matter."""

from __future__ import annotations

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property

from provgraph.model.kinds import matches

# Globs over names in the project, and over absolute paths (those that begin with `/` or `~`).
DEFAULT_NOISE: tuple[str, ...] = (
    ".git",
    ".git/**",
    "**/__pycache__",
    "**/__pycache__/**",
    "**/*.pyc",
    "**/.venv/**",
    "**/venv/**",
    "**/site-packages/**",
    "**/dist-packages/**",
    "**/node_modules/**",
    "**/*.egg-info/**",
    "**/*.dist-info/**",
    "**/.ipynb_checkpoints",
    "**/.ipynb_checkpoints/**",
    "**/.pytest_cache/**",
    "**/.mypy_cache/**",
    "**/.ruff_cache/**",
    "**/.hypothesis/**",
    "**/.tox/**",
    "**/.nox/**",
    "**/.snakemake/**",
    ".provgraph",
    ".provgraph/**",
    # Editors' swap, backup and lock files.
    "**/.*.swp",
    "**/.*.swo",
    "**/*~",
    "**/.#*",
    "**/.nfs*",
    "**/.DS_Store",
    # SQLite's journals belong to the database beside them.
    "**/*-journal",
    "**/*-wal",
    "**/*-shm",
    "/proc/**",
    "/sys/**",
    "/dev/**",
    "/run/**",
    "/etc/**",
    "/usr/**",
    "/lib/**",
    "/lib64/**",
    "/bin/**",
    "/sbin/**",
    "/var/lib/**",
    "/var/cache/**",
    "~/.cache/provgraph/**",
    "~/.cache/matplotlib/**",
    "~/.cache/fontconfig/**",
    "~/.cache/pip/**",
    "~/.cache/uv/**",
    "~/.ipython/**",
    "~/.jupyter/**",
    "~/.local/lib/**",
    "~/.local/share/jupyter/**",
    "~/.*_history",
    "~/.*_history-*.tmp",
    "~/.lesshst",
    "~/.viminfo*",
    "~/.zcompdump*",
)

# Directories whose files are never data, for the tracer: it skips them before they cost anything.
SYSTEM_PLACES: tuple[str, ...] = (
    *("/proc/", "/sys/", "/dev/", "/run/", "/etc/", "/usr/", "/lib/", "/lib64/", "/lib32/"),
    *("/bin/", "/sbin/", "/var/lib/", "/var/cache/", "/System/", "/Library/"),
)

# Programs that tell about the machine or the session, and read no data that a result rests on.
HARMLESS: frozenset[str] = frozenset(
    (
        "arch basename clear date dirname dmidecode domainname echo expr false fc-list fc-match "
        "file getconf getent groups hostname hostnamectl id ifconfig ip ldconfig locale localectl "
        "logname lsb_release lscpu lsmod lspci mkdir nproc nvidia-smi printf ps pwd reset rocm-smi "
        "seq sleep stty sw_vers sync sysctl system_profiler test true tput tty uname uptime users "
        "vm_stat which who whoami yes"
    ).split()
)

# git's commands that read the repository's state, not files' content.
HARMLESS_GIT: frozenset[str] = frozenset(
    "branch config describe log ls-files remote rev-list rev-parse status symbolic-ref tag".split()
)

# Programs that start another in their place or as their child, and read nothing themselves.
LAUNCHERS: frozenset[str] = frozenset(
    (
        "chrt env ionice nice nohup numactl setsid stdbuf taskset time timeout uv pixi mpirun "
        "mpiexec torchrun"
    ).split()
)

# Programs that start what is out of date: another time they may start less.
BUILDERS: frozenset[str] = frozenset(
    (
        "make gmake bmake ninja snakemake cmake scons just task doit dvc waf meson nextflow luigi "
        "invoke inv redo tup bazel"
    ).split()
)

# Programs by which a person changes files by hand, in a shell that is watched: what they write is
# an edit, no product.
BY_HAND: frozenset[str] = frozenset(
    (
        "atom code codium ed emacs emacsclient gedit gvim helix hx joe kak kate kwrite mcedit "
        "micro nano ne nvim pico sensible-editor subl vi view vim vimdiff visudo "
        "git gh glab hg jj svn git-lfs git-annex tig lazygit"
    ).split()
)

# Programs that carry out a file of the project that is named on their command line.
INTERPRETERS: frozenset[str] = frozenset(
    (
        "R Rscript ash awk bash bun csh dash deno dotnet gawk gnuplot java julia ksh lua luajit "
        "matlab node octave perl php pwsh python python2 python3 ruby scala sh stata tclsh "
        "wolframscript zsh"
    ).split()
)

# Programs that have others do their work: on another machine, in a container, in a queue, later.
HANDING_OVER: frozenset[str] = frozenset(
    (
        "ssh sftp mosh rsh docker podman nerdctl kubectl oc sbatch srun salloc qsub bsub flux at "
        "condor_submit batch crontab systemd-run machinectl nsenter tmux screen emacsclient ray "
        "dask psql mysql mariadb redis-cli mongosh"
    ).split()
)

# Unix sockets of servers that hold data or start programs, as ends of their paths.
SERVERS: tuple[str, ...] = (
    *("/docker.sock", "/podman.sock", "/containerd.sock", "/mysqld.sock", "/mysql.sock"),
    *("/.s.PGSQL.5432", "/redis.sock", "/munge.socket.2", "/snapd.socket"),
)

# Ports that carry no data. Nothing is sent to 0: resolvers find out which way leads to a host.
# 53 is asked what names lead to; whom they lead to is seen when it is talked to.
IDLE_PORTS: tuple[int, ...] = (0, 53)

# Unix sockets of the session and the system, which no result rests on, as beginnings of paths.
SESSION_SOCKETS: tuple[str, ...] = (
    *("/dev/log", "/run/systemd/", "/run/nscd/", "/var/run/nscd/", "/run/dbus/", "/var/run/dbus/"),
    *("/tmp/.X11-unix/", "/run/user/", "/tmp/ssh-", "/run/udev/"),  # noqa: S108 - known names
)

# Modules known to open files in native code, unseen by Python's audit hooks.
NATIVE_READERS: frozenset[str] = frozenset(
    (
        "_dbm _gdbm adios2 apsw av c3d cairosvg catboost cfgrib cgal cudf cupy cv2 cyvcf2 "
        "dask_cudf datatable decord deltalake duckdb eccodes faiss fasttext fiona fitz gdal "
        "graph_tool h5py healpy htslib igraph itk jpype kenlm lance lancedb leveldb "
        "lightgbm lmdb lxml MDAnalysis MeCab mujoco netCDF4 networkit nvidia_dali onnx "
        "onnxruntime open3d openbabel OpenEXR openslide openvino osgeo plyvel polars "
        "pyarrow pybedtools pyhdf pylibtiff pymupdf pyogrio pyorc pyreadstat pysam "
        "pysqlite3 python_calamine pyvips rasterio rdkit rocksdb ROOT rpy2 safetensors "
        "sentencepiece SimpleITK soundfile sox sqlcipher3 tables tensorflow tensorstore "
        "tflite_runtime tiledb tokenizers torch torchaudio torchcodec torchvision vaex vtk "
        "vtkmodules wand xgboost"
    ).split()
)


_MOST_KNOWN = 200_000  # names of which it is remembered

# Our own files, which lie in a watched Python as hooks; which version, its environment says.
_OURS = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "")


@dataclass(frozen=True)
class Noise:
    """What doesn't count, as a question: the defaults, and a project's own additions.

    `kept` are paths that count nevertheless: nobody else tells what they hold.
    """

    root: str
    additions: Sequence[str] = ()
    kept: AbstractSet[bytes] = frozenset()
    home: str = os.path.expanduser("~")

    @cached_property
    def _globs(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        inside: list[str] = []
        outside: list[str] = []
        for glob in (*DEFAULT_NOISE, *self.additions):
            if glob.startswith("~/"):
                outside.append(self.home.rstrip("/") + glob[1:])
            elif glob.startswith("/"):
                outside.append(glob)
            else:
                inside.append(glob)
                if glob.startswith("**/"):
                    outside.append("/" + glob)
        return tuple(inside), tuple(outside)

    @cached_property
    def _known(self) -> dict[str, bool]:
        return {}

    def in_project(self, name: str) -> bool:
        """Tell whether a name in the project is noise."""
        known = self._known.get(name)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[name] = any(matches(glob, name) for glob in self._globs[0])
        return known

    def elsewhere(self, path: str) -> bool:
        """Tell whether an absolute path outside the project is noise."""
        return path.startswith(_OURS) or any(matches(glob, path) for glob in self._globs[1])
