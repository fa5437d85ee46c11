"""Find the native library, or build it where a C compiler is.

It is looked for beside this file (wheels and checkouts have it there) and in the user's cache,
under the name of its source: a library of another version is never taken.

    python -m provgraph.collect.tracing.preload.build [DIRECTORY]
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provgraph.collect.cache import user_cache

HERE = Path(__file__).parent
NATIVE = HERE / "native"
FLAGS = (
    *("-std=gnu11", "-O2", "-fPIC", "-shared", "-fvisibility=hidden"),
    *("-Wall", "-Wextra", "-Werror", "-Wl,-z,now"),
)
_MACHINES = ("x86_64", "aarch64")


@dataclass(frozen=True)
class Library:
    """The library's place, or None and why there is none."""

    path: Path | None
    why: str = ""


def library(environ: Mapping[str, str] = os.environ) -> Library:
    """Find the library, or build it; a build that failed is not tried again."""
    system = os.uname()
    if system.sysname != "Linux" or system.machine not in _MACHINES:
        return Library(
            None, f"the native library isn't made for {system.sysname} on {system.machine}"
        )
    name = file_name()
    for directory in (HERE, cache(environ)):
        if (directory / name).exists():
            return Library(directory / name)
    failed = cache(environ) / f"{name}.failed"
    try:
        return Library(None, failed.read_text("utf-8"))
    except OSError:
        made = build(cache(environ))
    if made.path is None and shutil.which("cc"):
        with contextlib.suppress(OSError):
            failed.write_text(made.why, "utf-8")
    return made


def file_name() -> str:
    """Name the library by its source, so that another version's is never loaded."""
    seen = hashlib.blake2b(digest_size=8)
    for path in sorted(NATIVE.iterdir()):
        seen.update(path.read_bytes())
    return f"preload-{seen.hexdigest()}-{os.uname().machine}.so"


def cache(environ: Mapping[str, str]) -> Path:
    """Give the directory of the user's cache that a library is built into."""
    return user_cache(environ) / "native"


def build(directory: Path) -> Library:
    """Compile the library into a directory."""
    if "glibc" not in platform.libc_ver()[0]:
        return Library(None, "the native library needs the GNU C library")
    compiler = next((found for one in ("cc", "gcc", "clang") if (found := shutil.which(one))), None)
    if compiler is None:
        return Library(
            None,
            "there is no C compiler for the native library (Debian: apt-get install gcc libc6-dev)",
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            made = Path(scratch, "preload.so")
            source = os.fspath(NATIVE / "preload.c")
            done = subprocess.run(
                [compiler, *FLAGS, "-o", os.fspath(made), source, "-ldl"],
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
                env={**os.environ, "LC_ALL": "C"},
            )
            if done.returncode:
                return Library(
                    None, f"{compiler} can't build the native library: {done.stderr.strip()[-400:]}"
                )
            made.replace(directory / file_name())
    except (OSError, subprocess.SubprocessError) as error:
        return Library(None, f"the native library can't be built: {error}")
    return Library(directory / file_name())


if __name__ == "__main__":
    result = build(Path(sys.argv[1]) if sys.argv[1:] else HERE)
    print(result.path or f"no native tracing: {result.why}")  # noqa: T201 - a command of its own
