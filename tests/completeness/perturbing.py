"""The truth about a script, made by doing it: each source is changed, and all is run anew."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.completeness.scripts import Script
from tests.faults.world import Asking
from tests.scenario.shell import PROVGRAPH, Project, begin

NAME = "all.sh"
PATIENCE = 60
CHANGES = ("cow\nant\n", "bee\ncat\ndog\nelk\nfox\n")


@dataclass
class Judged:
    """What came of a script: pairs of a source and a product by how they were told, and troubles.

    `missed` are pairs whose bytes changed, that weren't hit, and no blocking gap was said; `extra`
    were hit though no change that was tried changed a byte.
    """

    true: int = 0
    hit: int = 0
    extra: int = 0
    blocked: int = 0
    steps: int = 0
    coarse: bool = False
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def made_by(one: Script, place: Path, env: Mapping[str, str]) -> dict[str, bytes]:
    """Run a script without provgraph in a new folder; gives the products by name."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, text in one.sources.items():
        (place / name).write_text(text)
    (place / NAME).write_text(one.text)
    subprocess.run(
        ["sh", NAME], cwd=place, env=dict(env), check=True, timeout=PATIENCE,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    names = (path.name for path in place.iterdir())
    return {n: (place / n).read_bytes() for n in names if n not in one.sources and n != NAME}


def truth(
    one: Script, place: Path, env: Mapping[str, str], changes: Sequence[str]
) -> dict[str, set[str]]:
    """Give the products of a script that any of the changes of each source changes."""
    first = made_by(one, place, env)
    out: dict[str, set[str]] = {}
    for name, text in one.sources.items():
        changed = out[name] = set()
        for other in changes:
            if other != text:
                now = made_by(Script(one.text, {**one.sources, name: other}), place, env)
                changed |= {made for made in first if now.get(made) != first[made]}
    return out


def judged(one: Script, place: Path, env: Mapping[str, str], asking: Asking) -> Judged:
    """Compare what provgraph says of a script with the truth."""
    out = Judged()
    true = truth(one, place / "plain", env, CHANGES)
    emptied = truth(one, place / "plain", env, ("",))
    shutil.rmtree(place / "watched", ignore_errors=True)
    project = begin(place / "watched", env)
    for name, text in one.sources.items():
        project.write(name, text)
    project.write(NAME, one.text.encode())
    _watched(project, out)
    orders = [["impact", name, "--format", "json"] for name in one.sources]
    *answers, status, log = asking(
        project,
        *orders,
        ["status", "--format", "json"],
        ["log", "--limit", "0", "--format", "json"],
    )
    if any(code or err for code, _, err in (*answers, status, log)):
        out.wrong.append(f"not usable: {answers} {status}")
        return out
    out.steps = len(json.loads(log[1])["runs"])
    out.coarse = any(gap["reason"] == "one-step" for gap in json.loads(status[1])["gaps"])
    after = json.loads(status[1])
    for state in ("stale", "behind", "modified", "missing"):
        out.wrong += [f"{state} right after the run: {one['words']}" for one in after[state]][:2]
    for name, answer in zip(one.sources, answers, strict=True):
        said = json.loads(answer[1])
        hits = {one["name"] for one in (*said["affected"], *said["already_stale"])}
        hits -= {NAME, *one.sources}
        blind = any(gap["grade"] == "blocking" for gap in said["gaps"])
        missed = true[name] - hits
        out.true += len(true[name])
        out.hit += len(true[name] & hits)
        out.extra += len(hits - true[name])
        if missed and blind:
            out.blocked += len(missed)
        elif missed:
            out.missed.append(f"{name} changes {sorted(missed)}, hit are {sorted(hits)}")
    for name, text in one.sources.items():
        project.write(name, b"")
        (status,) = asking(project, ["status", "--format", "json"])
        project.write(name, text)
        fallen = json.loads(status[1])
        missed = emptied[name] - {one["name"] for one in fallen["stale"]}
        if missed and not fallen["totals"]["blocking_gaps"]:
            out.missed.append(f"emptied, {name} changes {sorted(missed)}, too")
    return out


def _watched(project: Project, out: Judged) -> None:
    said = project.call(*PROVGRAPH, "run", "--", "sh", NAME)
    if said.code:
        out.wrong.append(f"it ended with {said.code}")
    if b"provgraph:" in said.err:
        out.wrong.append(said.told)
