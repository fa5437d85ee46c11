"""What is different here from where a run was made: interpreter, packages, variables."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from provgraph.collect.environment import (
    PLATFORM,
    PYTHON,
    Environments,
    environment_name,
    prefixes,
    read_variable,
)
from provgraph.collect.system.owners import FILE
from provgraph.collect.system.present import Present
from provgraph.collect.tracing.programs import find
from provgraph.model.digests import ABSENT, comparable
from provgraph.model.parts import EVERY, SEEN
from provgraph.model.records import RunRecord
from provgraph.redo.recipe import Recipe


def here_now(
    root: Path, key: bytes, environ: Mapping[str, str], titles: Mapping[str, Any]
) -> Environments:
    """Set up what tells which packages that aren't Python's are on this machine."""
    told = {name: str(title) for name, title in titles.items()}
    return Environments(
        root, key, known=prefixes(told, root), environ=environ, system=Present(lambda _path: None)
    )


_PYTHON = re.compile(r"(?:python|pypy)[0-9.]*\Z")
MOST = 5


def differences(
    record: RunRecord,
    recipe: Recipe,
    private: Mapping[str, Mapping[str, Any]],
    *,
    root: Path,
    key: bytes,
    environ: Mapping[str, str],
) -> tuple[str, ...]:
    """Say what a run would find otherwise than it did, as far as it looked at it."""
    touched: dict[str, str] = {}
    names: list[str] = []
    others: dict[str, dict[str, str]] = {}
    for use in record.uses:
        if use.role == "environment" and use.name.startswith("env:"):
            packages = {part for part in use.touched if ":" in part or part == SEEN}
            if packages:  # they aren't Python's: these lie where they did
                others[use.name] = {
                    part: use.touched[part] for part in packages if not part.startswith(FILE)
                }
            else:
                names.append(use.name)
            rest = {part: digest for part, digest in use.touched.items() if part not in packages}
            touched = {**rest, **touched}
    variables = private.get("variables", {})
    said = list(_variables(touched, variables, key, environ))
    known = here_now(root, key, environ, private.get("titles", {}))
    for name, parts in others.items():
        said += _packages(parts, name, known)
    prefix = _prefix(recipe, environ)
    if prefix is not None and names:
        titles = private.get("titles", {})
        here = environment_name(prefix, key=key, root=root)
        if here not in names:
            there = str(titles.get(names[0], names[0]))
            said.insert(0, f"it ran under {there}; here it would run under {prefix}")
        known = Environments(root, key, known={here: prefix}, environ=environ)
        said += _packages(touched, here, known)
    return tuple(said)


def _variables(
    touched: Mapping[str, str], values: Mapping[str, Any], key: bytes, environ: Mapping[str, str]
) -> Iterator[str]:
    for part, digest in touched.items():
        if not part.startswith("$") or part == EVERY:
            continue
        name = part[1:]
        now = read_variable(environ.get(name), key)
        if now == digest or not comparable(now, digest):
            continue
        then = f"{values[name]}" if name in values else "another value"
        if digest == ABSENT:
            yield f"${name}, which it read, wasn't set then and is set here"
        elif now == ABSENT:
            yield f"${name}, which it read, isn't set here (it was {then})"
        else:
            yield f"${name}, which it read, has another value here (it was {then})"


def _packages(touched: Mapping[str, str], here: str, known: Environments) -> Iterator[str]:
    wrong = []
    for name, digest in sorted(touched.items(), key=lambda item: (item[0] != PYTHON, item[0])):
        now = None if name.startswith(("$", "#")) else known.present_part(here, name)
        if now is None or now == digest or name in PLATFORM:
            continue
        then, called = digest.removeprefix("v:"), "Python" if name == PYTHON else name
        if now == ABSENT:
            wrong.append(f"{called} isn't installed here (it was {then})")
        else:
            wrong.append(f"{called} was {then} and is {now.removeprefix('v:')} here")
    yield from wrong[:MOST]
    if len(wrong) > MOST:
        yield f"{len(wrong) - MOST} more packages differ"


def _prefix(recipe: Recipe, environ: Mapping[str, str]) -> str | None:
    """Give the prefix of the interpreter that a command would start; None where it isn't Python."""
    if not recipe.argv or not _PYTHON.match(os.path.basename(recipe.argv[0])):
        return None
    path = find(recipe.argv[0], environ, recipe.cwd)
    if not path:
        return None
    for place in (path, os.path.realpath(path)):
        prefix = os.path.dirname(os.path.dirname(os.path.abspath(place)))
        if os.path.exists(os.path.join(prefix, "pyvenv.cfg")):
            return prefix
    return os.path.dirname(os.path.dirname(os.path.realpath(path)))
