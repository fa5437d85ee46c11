"""What if: given contents, deleted files, and what was known at an earlier time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.scenario.shell import Project, begin


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    """Give a project of two commits, with a run recorded after each; not to be changed."""
    project = begin(tmp_path_factory.mktemp("if") / "project", env)
    project.write("params.json", '{"lr": 0.1, "ep": 2}')
    project.write("data/a.csv", "1,2\n")
    project.write(
        "fit.py",
        """
        import provgraph
        import yaml

        lr = provgraph.params("params.json")["lr"]
        open("model.txt", "w").write(str(lr) + open("data/a.csv").read())
        """,
    )
    project.write(".gitignore", "*.txt\n__pycache__/\n")
    project.git("add", "-A")
    project.git("commit", "--quiet", "-m", "one")
    project.script("fit.py")
    project.write("score.py", "open('score.txt', 'w').write(open('model.txt').read())")
    project.git("add", "-A")
    project.git("commit", "--quiet", "-m", "two")
    project.script("score.py")
    return project


BOTH = {"model.txt", "score.txt"}


def version(project: Project) -> str:
    return project.call("python", "-c", "import yaml; print(yaml.__version__)").text.strip()


def test_a_given_value_affects_only_those_that_read_another(asked: Project) -> None:
    for supposed, affected in [
        ("params.json#lr=0.2", BOTH),
        ("params.json#lr=0.1", set()),
        ("params.json#lr=absent", BOTH),
        ("params.json#ep=9", set()),
        ("env:pyyaml=99.0", BOTH),
        (f"env:pyyaml={version(asked)}", set()),
        ("env:pyyaml=absent", BOTH),
        ("data/a.csv=absent", BOTH),
    ]:
        assert asked.hit("--if", supposed) == affected, supposed


def test_a_given_content_is_compared_part_by_part(asked: Project, tmp_path: Path) -> None:
    same, other = tmp_path / "same.json", tmp_path / "other.json"
    same.write_text('{"ep": 7,\n"lr": 0.1}')
    other.write_text('{"ep": 2, "lr": 0.3}')
    assert asked.hit("--if", f"params.json={same}") == set()
    assert asked.hit("--if", f"params.json={other}") == BOTH
    assert asked.hit("--if", "data/a.csv=data/a.csv") == set()
    assert asked.hit("--if", "data/a.csv=params.json", "--if", "params.json#ep=9") == BOTH
    answer = asked.ask("impact", "--if", f"params.json={other}")
    assert [one["how"] for one in answer["change"]] == ["content given"]
    text = asked.provgraph("impact", "--if", "params.json#lr=1").text
    assert "affected by a change to params.json#lr=1" in text


def test_what_could_no_longer_be_reproduced(asked: Project) -> None:
    answer = asked.ask("impact", "--if-deleted", "data")
    assert {hit["name"] for hit in answer["affected"]} == BOTH
    assert {one["how"] for one in answer["change"]} == {"deleted"}
    # A product can be made again: nothing is lost with it.
    assert asked.hit("--if-deleted", "model.txt") == set()


def test_what_was_known_then(asked: Project) -> None:
    first = asked.runs()[-1]
    assert asked.hit("data", "--as-of", "HEAD~1") == {"model.txt"}
    assert asked.hit("data", "--as-of", "HEAD") == BOTH
    assert asked.hit("data", "--as-of", first["id"]) == {"model.txt"}
    assert asked.hit("data", "--as-of", "2999-01-01") == BOTH
    answer = asked.ask("impact", "data", "--as-of", "HEAD~1")
    assert answer["as_of"].startswith("1 record, in the history of commit")
    said = asked.provgraph("impact", "data", "--as-of", "2001-01-01", code=3)
    assert "nothing had been recorded" in said.told
    assert "nowhere" in asked.provgraph("impact", "data", "--as-of", "nowhere", code=2).told


def test_what_cannot_be_supposed_is_said(asked: Project) -> None:
    for words, told in [
        (("--if", "params.json"), "supposes nothing"),
        (("--if", "params.json#lr=[1"), "is no value"),
        (("--if", "params.json=nowhere.json"), "can't be read"),
        (("--if", ".=params.json"), "can be the content of one"),
        (("--if", "run:1=2"), "nothing recorded"),
        (("--if-deleted", "params.json#lr"), "no file that could be deleted"),
        (("data", "--if", "a=b", "--explain", "model.txt"), "--explain"),
        ((), "impact of what?"),
    ]:
        assert told in asked.provgraph("impact", *words, code=2).told, words
