"""The ledger as the truth: shared, sealed, erased, damaged, its views thrown away."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3

from tests.scenario.shell import Project
from tests.scenario.trunk import ALL, SUMMARY, out, prepare, train

# A clock that is an hour slow, for the processes of one clone.
SLOW = """
import time

_now = time.time_ns
time.time_ns = lambda: _now() - 3_600_000_000_000
time.time = lambda: time.time_ns() / 1e9
"""

QUESTIONS = (
    ["status"],
    ["impact", "data/v3"],
    ["why", SUMMARY],
    ["log"],
)


def answers(project: Project) -> list[Any]:
    return [project.ask(*words) for words in QUESTIONS]


def two_clones(project: Project) -> tuple[Project, Project]:
    """Give a bare remote's two clones of a small project; alice's has a run of each step."""
    root = project.root.parent
    project.git("init", "--quiet", "--bare", "--initial-branch=main", str(root / "remote.git"))
    project.write("cfg.txt", "1")
    project.write("prep.py", "open('clean.txt', 'w').write(open('cfg.txt').read() * 3)\n")
    project.write("fit.py", "open('model.txt', 'w').write(open('clean.txt').read() + '!')\n")
    project.write(".gitignore", "clean.txt\nmodel.txt\n")
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "one")
    project.git("remote", "add", "origin", str(root / "remote.git"))
    project.git("push", "--quiet", "--set-upstream", "origin", "main")
    project.git("clone", "--quiet", str(root / "remote.git"), str(root / "bob"))
    (root / "slow").mkdir()
    (root / "slow" / "sitecustomize.py").write_text(SLOW)
    bob = replace(project, root=root / "bob").with_env(
        PYTHONPATH=str(root / "slow"), XDG_CACHE_HOME=str(root / "bob's cache")
    )
    project.script("prep.py")
    project.script("fit.py")
    return project, bob


@pytest.mark.parametrize("where", ["origin", "folder"])
def test_two_clones_share_what_they_recorded(project: Project, where: str) -> None:
    alice, bob = two_clones(project)
    (alice.root.parent / "shared").mkdir()
    place = [] if where == "origin" else [str(alice.root.parent / "shared")]
    assert "sent" in alice.provgraph("push", *place).text
    bob.provgraph("pull", *place)
    assert {run["step"] for run in bob.runs()} == {"prep.py", "fit.py"}
    assert bob.status()["missing"] == {"clean.txt", "model.txt"}
    # Nothing of it lies here, and yet nobody may think that nothing rests on it.
    answer = bob.ask("impact", "cfg.txt")
    assert {one["name"] for one in answer["affected"]} == {"clean.txt", "model.txt"}
    assert "Nothing recorded" not in bob.provgraph("impact", "cfg.txt").text

    bob.write("cfg.txt", "2")
    bob.script("prep.py")
    bob.script("fit.py")
    assert bob.fallen() == {}
    bob.provgraph("push", *place)
    alice.provgraph("pull", *place)
    again = alice.ask("pull", *place)

    assert again["facts"]["received"] == 0
    assert {run["id"] for run in alice.runs()} == {run["id"] for run in bob.runs()}
    assert len(alice.runs()) == 4
    # Each tree is judged by the bytes that lie there, whatever the clocks say.
    assert alice.fallen() == {}
    assert bob.fallen() == {}
    alice.write("cfg.txt", "2")
    assert alice.fallen()["stale"] >= {"clean.txt"}


def test_nowhere_to_push_to(project: Project, tmp_path: Path) -> None:
    said = project.provgraph("push", code=3)
    assert "origin" in said.told
    said = project.provgraph("pull", str(tmp_path / "nothing"), code=3)
    assert "push" in said.told
    (tmp_path / "file").write_text("")
    project.provgraph("push", str(tmp_path / "file"), code=3)


def test_sealed_and_verified(story: Project) -> None:
    root = story.ask("ledger", "seal")["facts"]["root"]
    assert story.ask("ledger", "verify")["ok"]
    assert len(root) >= 64

    assert story.ask("ledger", "verify", "--artifacts")["ok"]
    story.write("out/v1/table.txt", "by hand\n")
    (story.root / "out/v2/model.pkl").unlink()
    report = story.ask("ledger", "verify", "--artifacts", code=1)
    assert report["facts"]["artifacts"]["out/v1/table.txt"] == "edited"
    assert report["facts"]["artifacts"]["out/v2/model.pkl"] == "missing"

    # Any record that was sealed; the seal itself has nothing here that would miss it.
    maker_of(story, "out/v1/table.txt").unlink()
    said = story.provgraph("ledger", "verify", code=1)
    assert "BROKEN" in said.text


def test_what_is_erased_is_gone_and_said_to_be(project: Project) -> None:
    alice, bob = two_clones(project)
    alice.run(
        "python", "-c", "print('a secret word')", options=["--name", "secret", "--note", "of Eve"]
    )
    alice.provgraph("push")
    bob.provgraph("pull")
    run = "run:" + alice.runs("--step", "secret")[0]["id"]
    assert "a secret word" in bob.provgraph("show", run).text

    alice.provgraph("ledger", "erase", run, code=2)  # not without --yes
    alice.provgraph("ledger", "erase", run, "--yes", "--reason", "asked to")

    shown = alice.provgraph("show", run).text
    assert "erased" in shown
    assert "secret word" not in shown
    assert "of Eve" not in alice.provgraph("log", "--format", "json").text
    assert "erased" in alice.provgraph("ledger", "verify").text
    found = alice.call("grep", "-r", "-l", "secret word", str(alice.ledger), cache(alice))
    assert found.out == b""

    alice.provgraph("push")
    bob.provgraph("pull")
    assert "secret word" not in bob.provgraph("show", run).text
    assert bob.ask("ledger", "verify")["ok"]
    found = bob.call("grep", "-r", "-l", "secret word", str(bob.ledger), cache(bob))
    assert found.out == b""
    alice.provgraph("ledger", "erase", run, "--yes", code=2)  # there is nothing left


def cache(project: Project) -> str:
    return project.env["XDG_CACHE_HOME"]


def maker_of(project: Project, name: str) -> Path:
    """Give the file of the record that says who made something."""
    return next(
        path
        for path in project.records()
        if any(
            product["name"] == name for product in json.loads(path.read_bytes()).get("produces", ())
        )
    )


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh-graph", "known-graph"])
def test_a_damaged_record_is_named_and_the_rest_answers(story: Project, fresh: bool) -> None:
    if not fresh:
        story.status()
    path = maker_of(story, "out/v2/table.txt")
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    said = story.provgraph("ledger", "verify", code=1)
    assert path.stem[:12] in said.text
    story.provgraph("graph", "rebuild", code=None)
    answer = story.ask("impact", "data/v3")
    assert {hit["name"] for hit in answer["affected"]} == out("v3") | {SUMMARY}
    assert ("damaged-record", path.stem[:12]) in story.blocking("impact", "data/v3")
    assert path.stem[:12] in story.provgraph("status").text
    story.script("summary.py", "out/v1/metrics.json", "one.csv")


def test_a_record_of_a_newer_provgraph(story: Project) -> None:
    path = maker_of(story, "out/v2/table.txt")
    newer = json.loads(path.read_bytes()) | {"schema": "provgraph/record/99"}
    data = json.dumps(newer, separators=(",", ":")).encode()
    name = blake3(data).hexdigest()
    place = story.ledger / "records" / name[:2] / f"{name}.json"
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(data)

    assert ("future-record", name[:12]) in story.blocking("status")
    assert set(story.ask("status")["current"]) == ALL
    story.provgraph("ledger", "verify", code=None)


def test_the_cache_may_be_deleted_and_the_graph_made_anew(story: Project, tmp_path: Path) -> None:
    story.write("params/v2.yaml", "scale: 2\ndepth: 8\n")
    train(story, "v2")
    story = story.with_env(XDG_CACHE_HOME=str(tmp_path / "cache"))
    before = answers(story)

    story.provgraph("graph", "rebuild")
    assert answers(story) == before

    shutil.rmtree(tmp_path / "cache")
    assert answers(story) == before

    for file in (tmp_path / "cache").rglob("*.sqlite"):
        file.write_bytes(b"no database at all" * 100)
    for file in (tmp_path / "cache").rglob("*.sqlite-*"):
        file.unlink()
    assert answers(story) == before


def test_an_answer_right_after_a_run_knows_it(story: Project) -> None:
    count = story.ask("log")["totals"]["runs"]
    prepare(story, "v1")

    assert story.ask("log")["totals"]["runs"] == count + 1
    assert story.fallen() == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[project]\nid = 7\n", ["line 2", "project.id"]),
        ('[project]\nid = "abcdefgh12"\n\n[nosie]\npaths = []\n', ["line 4", "nosie", "noise"]),
        ('[project]\nid = "abcdefgh12"\n[kinds]\n"a" = "Datasett"\n', ["line 4", "Datasett"]),
        ('[project]\nid = "abcdefgh12\n', ["line 2"]),
        ("", ["project"]),
    ],
)
def test_a_malformed_configuration(story: Project, text: str, words: list[str]) -> None:
    story.write("provgraph.toml", text)

    said = story.provgraph("status", code=2)

    assert said.out == b""
    assert all(word in said.told for word in ["provgraph.toml", *words])


def test_without_git(tmp_path: Path, env: Mapping[str, str]) -> None:
    project = Project(tmp_path / "plain", env)
    project.root.mkdir()
    project.provgraph("init")
    assert "changed" in project.provgraph("init").told  # twice is once
    project.write("in.txt", "1")
    project.write("fit.py", "open('fit.txt', 'w').write(open('in.txt').read())\n")
    project.script("fit.py")

    assert project.ledger == project.root / ".provgraph"
    assert project.hit("in.txt") == {"fit.txt"}
    shutil.move(project.root, tmp_path / "moved")
    moved = replace(project, root=tmp_path / "moved")
    assert moved.hit("in.txt") == {"fit.txt"}
    assert moved.status()["current"] == {"fit.txt"}


def test_worktrees_share_one_ledger(story: Project, tmp_path: Path) -> None:
    story.git("add", ".")
    story.git("commit", "--quiet", "--allow-empty", "--message", "more")
    story.git("worktree", "add", "--quiet", str(tmp_path / "tree"), "-b", "side")
    side = replace(story, root=tmp_path / "tree")

    if not (side.root / "provgraph.toml").exists():
        shutil.copy(story.root / "provgraph.toml", side.root)
    assert side.ledger == story.ledger
    assert len(side.runs()) == 10
    assert side.status()["missing"] == ALL


def test_a_graph_of_another_ledger_is_made_anew(story: Project) -> None:
    """A folder removed and made again at the same place has the old one's cache."""
    recorded = len(story.runs())
    story.call("rm", "-rf", ".git/provgraph", ".provgraph")

    assert recorded
    assert story.runs() == []


def test_two_projects_in_one_repository_answer_for_themselves(story: Project) -> None:
    """They share a ledger, and may have files of the same name with the same content."""
    before = story.status()
    twin = Project(story.root / "twin", story.env)
    twin.write("params.txt", "1\n")
    twin.provgraph("init")
    twin.write("look.py", "open('seen.txt', 'w').write(open('params.txt').read())\n")
    twin.script("look.py")
    story.write("params.txt", "1\n")

    assert twin.status()["current"] == {"seen.txt"}
    assert story.status() == before
    assert twin.hit("params.txt") == {"seen.txt"}
    assert [run["step"] for run in twin.runs()] == ["look.py"]
    assert "look.py" not in [run["step"] for run in story.runs()]
