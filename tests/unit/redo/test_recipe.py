"""How a recorded run is carried out here: places, secrets, records of before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from provgraph.collect.secrets import fingerprint
from provgraph.model.records import RunRecord, Step, Tracing, Use
from provgraph.redo.recipe import ERASED, IN_A_KERNEL, NOT_HERE, TYPED_IN, Recipe, Recipes

KEY = bytes(32)
PATH = {"PATH": "/usr/bin:/bin"}


def record(**more: Any) -> RunRecord:
    when = "2026-01-01T00:00:00.000000Z"
    usual = {"project": "p", "at": when, "run": "r", "status": "ok", "started": when, "ended": when}
    step, tracing = Step(key="s:1", label="sh"), Tracing(method="x", complete=True)
    return RunRecord(**{**usual, "step": step, "tracing": tracing, **more})


def made(
    root: Path, command: dict[str, Any], *, environ: dict[str, str] | None = None, **more: Any
) -> Recipe:
    private = {"command": command, "params": more.pop("params", {})}
    maker = Recipes(root, KEY, is_erased=lambda name: name == "gone", environ=environ or PATH)
    return maker.recipe(record(**more), private)


def test_paths_of_another_clone_are_those_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    again = {"root": "/then/p", "uses": ["a.csv", "/data/b"], "streams": [[1, ">", "o.txt"]]}
    command = {"argv": ["sh", "/then/p/x", "/then/pp"], "cwd": "/then/p/sub", "again": again}
    recipe = made(tmp_path, command)
    assert recipe.argv == ("sh", f"{tmp_path}/x", "/then/pp")
    assert recipe.cwd == f"{tmp_path}/sub"
    assert recipe.uses == (f"{tmp_path}/a.csv", "/data/b")
    assert recipe.streams == ((1, ">", f"{tmp_path}/o.txt"),)
    assert recipe.problem == ""


def test_records_without_what_a_redo_needs_are_taken_at_their_word(tmp_path: Path) -> None:
    uses = (Use(name="seen", digest="b3:1"), Use(name="said", digest="b3:2", evidence="declared"))
    command = {"argv": ["sh", "-c", "true"], "cwd": os.fspath(tmp_path)}
    recipe = made(tmp_path, command, uses=uses, params={"lr": "1"})
    assert (recipe.params, recipe.uses) == ({"lr": "1"}, (f"{tmp_path}/said",))


def test_a_secret_comes_back_only_where_its_fingerprint_agrees(tmp_path: Path) -> None:
    hidden = fingerprint("value", "s3cret", KEY)
    command = {"argv": ["sh", f"--key={hidden}"], "cwd": os.fspath(tmp_path)}
    assert "--arg" in made(tmp_path, command, environ={**PATH, "K": "another"}).problem
    recipe = made(tmp_path, command, environ={**PATH, "K": "s3cret"})
    assert recipe.argv == ("sh", "--key=s3cret")
    assert "s3cret" not in recipe.shown


def test_what_cant_be_started_says_why(tmp_path: Path) -> None:
    here = os.fspath(tmp_path)
    kernel = ["python", "-m", "ipykernel_launcher", "-f", "k.json"]
    assert made(tmp_path, {}).problem == NOT_HERE
    assert made(tmp_path, {}, private={"command": "gone"}).problem == ERASED
    assert made(tmp_path, {"argv": [], "cwd": here, "inside": True}).problem == TYPED_IN
    assert made(tmp_path, {"argv": kernel, "cwd": here, "inside": True}).problem == IN_A_KERNEL
    assert "isn't found" in made(tmp_path, {"argv": ["no-such"], "cwd": here}).problem
    assert "isn't here" in made(tmp_path, {"argv": ["sh"], "cwd": "/no/such"}).problem
