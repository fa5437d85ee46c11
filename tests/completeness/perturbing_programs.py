"""The truth about a real program, made by altering each file that it could have read, in turn."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.completeness.programs import Program
from tests.faults.world import Asking
from tests.scenario.shell import PROVGRAPH, Project, begin

PATIENCE = "20"  # seconds: an altered program may wait for itself for ever
LINE = b"zebra,8,a\n"
# What programs keep for themselves, or write anew each time with the time in it.
LEFT_OUT = re.compile(r"(^|/)(__pycache__|cache|\.git|\.provgraph)(/|$)|^provgraph\.toml$")
_LOOKED = re.compile(rb'"((?:[^"\\]|\\.)+)"[^"]* = -1 ENOENT')

Files = dict[str, bytes]


@dataclass
class Found:
    """What came of a program, in pairs of a file and a product that its alteration changes.

    `extra` are inputs that were recorded and change nothing when they are altered.
    """

    true: int = 0
    hit: int = 0
    blocked: int = 0
    extra: set[str] = field(default_factory=set)
    inputs: int = 0
    complete: bool = True
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def files_of(place: Path) -> Files:
    """Read all files of a folder, by name; a link to one is none."""
    out = {}
    for path in sorted(place.rglob("*")):
        name = str(path.relative_to(place))
        if path.is_file() and not path.is_symlink() and not LEFT_OUT.search(name):
            out[name] = path.read_bytes()
    return out


def laid_out(one: Program, place: Path, env: Mapping[str, str]) -> Files:
    """Put a program's files into a new folder, and give them."""
    shutil.rmtree(place, ignore_errors=True)
    for name, text in one.files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if one.setup:
        _shell(one.setup, place, env, check=True)
    return files_of(place)


def _shell(command: str, place: Path, env: Mapping[str, str], *, check: bool) -> None:
    subprocess.run(
        ["timeout", "--signal=KILL", PATIENCE, "bash", "-c", command], cwd=place, env=dict(env),
        check=check, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def made_by(
    one: Program, given: Files, place: Path, env: Mapping[str, str], *, check: bool = False
) -> Files:
    """Run a program without provgraph on some files; gives what it made or changed."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, data in given.items():
        _put(place / name, data)
    _shell(one.command, place, env, check=check)
    return {name: data for name, data in files_of(place).items() if given.get(name) != data}


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def looked_for(one: Program, given: Files, place: Path, env: Mapping[str, str]) -> set[str]:
    """Give the names of its folder that a program looked for in vain, as strace saw them."""
    if shutil.which("strace") is None:
        return set()
    shutil.rmtree(place, ignore_errors=True)
    for name, data in given.items():
        _put(place / name, data)
    log = place.with_suffix(".log")
    _shell(f"strace -f -qq -e trace=file -o {log} {one.command}", place, env, check=False)
    found = set()
    for match in _LOOKED.finditer(log.read_bytes()):
        path = os.path.normpath(os.path.join(os.fsencode(place), match[1]))
        name = os.path.relpath(os.fsdecode(path), place)
        if not name.startswith("..") and name != "." and not LEFT_OUT.search(name):
            found.add(name)
    return found


def alterations(
    one: Program, name: str, given: Files, place: Path, env: Mapping[str, str]
) -> Iterator[bytes]:
    """Give contents that a file may have instead."""
    data = given.get(name)
    if data is None:
        yield LINE
        return
    if name in one.altered:
        shutil.rmtree(place, ignore_errors=True)
        for each, held in given.items():
            _put(place / each, held)
        _shell(one.altered[name], place, env, check=True)
        yield (place / name).read_bytes()
    else:
        yield from {LINE + data, data + LINE, data[: len(data) // 2]} - {data}


def judged(one: Program, world: Path, env: Mapping[str, str], asking: Asking) -> Found:
    """Alter each file that a program has or looked for; compare what changes with what is said."""
    out = Found()
    shutil.rmtree(world, ignore_errors=True)
    plain = world / "plain"
    given = laid_out(one, plain, env)
    first = made_by(one, given, plain, env, check=True)
    again = made_by(one, given, plain, env, check=True)
    steady = {name for name in first if again.get(name) == first[name]}
    if not one.outputs <= steady:
        out.wrong.append(f"not made, or not the same twice: {sorted(one.outputs - steady)}")
        return out

    project = begin(world / "watched", env)
    for name, data in given.items():
        _put(project.root / name, data)
    said = project.call(*PROVGRAPH, "run", "--", *one.command.split())
    if said.code or b"provgraph:" in said.err:
        out.wrong.append(f"ended with {said.code}: {said.told}")
    read = _labels(one, project, asking, out)

    changing: set[str] = set()
    absent = looked_for(one, given, plain, env) | one.absent
    folders = {str(folder) for made in first for folder in Path(made).parents}
    for name in [*given, *sorted(absent - given.keys() - first.keys() - folders)]:
        for data in alterations(one, name, given, plain, env):
            now = made_by(one, {**given, name: data}, plain, env)
            changed = {made for made in steady if now.get(made) != first[made]}
            fresh = now.keys() - first.keys() - {name}
            if changed or fresh:
                changing.add(name)
                _compare(project, asking, name, data, given.get(name), changed, fresh, out)
    out.extra = (read & given.keys()) - changing
    return out


def _compare(
    project: Project, asking: Asking, name: str, data: bytes, before: bytes | None,
    changed: set[str], fresh: set[str], out: Found,
) -> None:  # fmt: skip
    _put(project.root / name, data)
    (answer,) = asking(project, ["status", "--format", "json"])
    if before is None:
        (project.root / name).unlink()
    else:
        (project.root / name).write_bytes(before)
    status = json.loads(answer[1])
    fallen = {row["name"] for state in ("stale", "behind") for row in status[state]}
    wanted = changed or fresh  # what would be made besides isn't recorded: something must fall
    missed = (changed - fallen) if changed else (set() if fallen else fresh)
    out.true += len(wanted)
    out.hit += len(wanted) - len(missed)
    if missed and status["totals"]["blocking_gaps"]:
        out.blocked += len(missed)
    elif missed:
        out.missed.append(f"{name} as {data[:30]!r} changes {sorted(missed)}, not {sorted(fallen)}")


def _runs(project: Project, asking: Asking) -> list[dict[str, Any]]:
    (log,) = asking(project, ["log", "--limit", "0", "--format", "json"])
    shown = asking(
        project,
        *(["show", f"run:{run['id']}", "--format", "json"] for run in json.loads(log[1])["runs"]),
    )
    return [json.loads(answer[1]) for answer in shown]


def _labels(one: Program, project: Project, asking: Asking, out: Found) -> set[str]:
    """Compare what was recorded with the labels; gives the inputs recorded."""
    runs = _runs(project, asking)
    made = {line["name"] for run in runs for line in run["produces"]}
    uses = [line for run in runs for line in run["uses"]]
    read = {line["name"] for line in uses if line["digest"] != "absent"} - made
    out.complete = all(run["node"]["tracing"]["complete"] for run in runs)
    out.inputs = len(read & (one.files.keys() | one.inputs))
    if not one.inputs <= read:
        out.wrong.append(f"read, but not recorded: {sorted(one.inputs - read)}")
    if not one.outputs <= made:
        out.wrong.append(f"made, but not recorded: {sorted(one.outputs - made)}")
    return read
