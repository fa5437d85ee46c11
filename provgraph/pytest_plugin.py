"""`pytest --provgraph`: the session is watched and recorded, as behind `provgraph run --`.

pytest loads this file wherever provgraph is installed, so it imports nothing, and does nothing
unless it is asked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

_STARTED = "_PROVGRAPH_PYTEST"
_OFF = ("off", "0", "no", "false")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the setting that ask for it."""
    group = parser.getgroup("provgraph")
    group.addoption(
        "--provgraph",
        action="store_true",
        help="record what this session reads and writes, as `provgraph run -- pytest …` does",
    )
    parser.addini("provgraph", "as --provgraph; PROVGRAPH=off wins", type="bool", default=False)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Start the session anew, watched, before it has read or captured anything."""
    started = os.environ.pop(_STARTED, None)
    asked = early_config.known_args_namespace.provgraph or early_config.getini("provgraph")
    off = os.environ.get("PROVGRAPH", "").lower() in _OFF
    if asked and not (started or off or _is_watched() or "PYTEST_XDIST_WORKER" in os.environ):
        _start_anew()
    yield


def _is_watched() -> bool:
    projects: list[str] = []
    sys.audit("provgraph.watched", projects)
    return bool(projects)


def _start_anew() -> None:
    name = os.path.basename(sys.argv[0])
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    if name not in ("pytest", "py.test") and getattr(spec, "name", "") != "pytest.__main__":
        sys.stderr.write(
            "provgraph: this session was started by another program and isn't recorded; put"
            " `provgraph run --` in front of that\n"
        )
        return
    words = [word for word in sys.orig_argv[1:] if word != "--provgraph"]
    ours = [sys.executable, "-m", "provgraph", "run", "--", sys.executable]
    os.environ[_STARTED] = "1"
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [*ours, *words])  # noqa: S606 - no shell is wanted
