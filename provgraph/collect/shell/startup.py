"""What a watched shell reads at its start: the person's own files, then two hooks of ours."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from provgraph.errors import UsageError

SHELLS = ("bash", "zsh")
_FILES = Path(__file__).parent / "startup"


def shell_of(wanted: str | None, environ: Mapping[str, str]) -> str:
    """Give the program to start: the shell asked for, else the person's own, else bash."""
    if wanted is not None:
        if os.path.basename(wanted) not in SHELLS:
            raise UsageError(f"{wanted} can't be watched line by line", hint=f"one of {SHELLS}")
        return wanted
    theirs = environ.get("SHELL", "")
    return theirs if os.path.basename(theirs) in SHELLS else "bash"


def lay(place: Path, shell: str, *, watcher: int, environ: Mapping[str, str]) -> list[str]:
    """Lay the files and the two pipes by which the shell and we talk; gives the command.

    `told` is what the shell says, `answer` what it hears. Raises OSError.
    """
    place.mkdir(mode=0o700)
    for name in ("told", "answer"):
        os.mkfifo(place / name, 0o600)
    words = {
        "HERE": shlex.quote(os.fspath(place)),
        "WATCHER": str(watcher),
        "HAD": "yes" if "ZDOTDIR" in environ else '""',
        "ZDOTDIR": shlex.quote(environ.get("ZDOTDIR", "")),
    }
    zsh = os.path.basename(shell) == "zsh"
    for name, target in (("zshenv", ".zshenv"), ("zshrc", ".zshrc")) if zsh else (("bashrc",) * 2,):
        text = (_FILES / name).read_text("utf-8")
        for word, value in words.items():
            text = text.replace(f"@{word}@", value)
        (place / target).write_text(text, "utf-8")
    if zsh:
        return [shell, "-i"]
    plain = [] if sys.stdin is not None and sys.stdin.isatty() else ["--noediting"]
    return [shell, "--rcfile", os.fspath(place / "bashrc"), *plain, "-i"]
