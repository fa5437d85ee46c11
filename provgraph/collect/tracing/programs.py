"""What kind of program a command starts: Python (watched or shut off), a launcher, or another."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence

from provgraph.collect.noise import HARMLESS, HARMLESS_GIT, LAUNCHERS

_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*[a-z]*\Z")
_SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash"}
# What makes a shell's command line more than one program with its arguments.
_SHELL_SYNTAX = re.compile(r"[|&;<>()$`*?\[\]#~=%{}\n\\!]")
# Options of Python that take an argument of their own.
_WITH_ARGUMENT = {"-W", "-X", "--check-hash-based-pycs"}


def find(name: str, environ: Mapping[str, str], cwd: str) -> str:
    """Find a program as execvp does: "" where there is none."""
    if "/" in name:
        path = os.path.join(cwd, name)
        return path if os.path.exists(path) else ""
    if not name:
        return ""
    found = ""
    for entry in environ.get("PATH", os.defpath).split(":"):
        path = os.path.join(cwd, entry or ".", name)
        if os.path.isfile(path):
            if os.access(path, os.X_OK):
                return path
            found = found or path  # it is there, but can't be executed
    return found


def shebang(path: str) -> list[str]:
    """Give a script's interpreter and its argument; nothing for other programs."""
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except OSError:
        return []
    if not head.startswith(b"#!"):
        return []
    first, _, rest = head[2:].partition(b"\n")
    words = os.fsdecode(first).strip().split(None, 1)
    # pip's way round long or spaced interpreter paths: a shell script that is Python too.
    trick = re.match(rb"'''exec' (\"[^\"\n]+\"|[^\s\"]+)", rest)
    if words and os.path.basename(words[0]) in _SHELLS and trick:
        return [os.fsdecode(trick[1]).strip('"')]
    if words and os.path.basename(words[0]) == "env" and len(words) > 1:
        inner = shlex.split(words[1])
        return inner[1:] if inner[:1] == ["-S"] else inner
    return words


def python_options(path: str, argv: Sequence[str]) -> list[str] | None:
    """Give the options that Python is started with; None where it isn't Python that is started."""
    real = os.path.realpath(path)
    if _PYTHON.match(os.path.basename(path)) or _PYTHON.match(os.path.basename(real)):
        options = []
        words = iter(argv[1:])
        for word in words:
            if not word.startswith("-") or word in ("-", "--"):
                break
            options.append(word)
            if word in _WITH_ARGUMENT:
                next(words, None)
            elif not word.startswith("--") and ("c" in word[1:] or "m" in word[1:]):
                break
        return options
    words_of_script = shebang(path)
    if words_of_script and _PYTHON.match(os.path.basename(words_of_script[0])):
        return " ".join(words_of_script[1:]).split()
    return None


def isolated(options: Sequence[str]) -> bool:
    """Tell whether Python's options shut tracing out: -I, -E (no PYTHONPATH) or -S (no site)."""
    for option in options:
        if option.startswith("--"):
            continue
        for letter in option[1:]:
            if letter in "IES":
                return True
            if letter in "cmWX":
                break
    return False


def is_launcher(path: str) -> bool:
    """Tell whether a program only starts another one."""
    return os.path.basename(path) in LAUNCHERS


def is_harmless(path: str, argv: Sequence[str]) -> bool:
    """Tell whether a program reads no data that a result could rest on."""
    name = os.path.basename(path)
    arguments = list(argv[1:])
    if name in HARMLESS or arguments in (["--version"], ["-V"], ["-version"]):
        return True
    if name == "git":
        words = [word for word in arguments if not word.startswith("-")]
        return bool(words) and words[0] in HARMLESS_GIT
    if name in _SHELLS and len(arguments) == 2 and arguments[0] == "-c":
        line = arguments[1]
        if _SHELL_SYNTAX.search(line):
            return False
        try:
            words = shlex.split(line)
        except ValueError:
            return False
        return bool(words) and words[0] not in _SHELLS and is_harmless(words[0], words)
    return False
