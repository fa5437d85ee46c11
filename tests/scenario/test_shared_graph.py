"""A team's Neo4j: the same answers as locally, two clones that exchange through it, its absence."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.shell import Project
from tests.scenario.trunk import SUMMARY, out
from tests.support.neo4j.fixtures import driver_of
from tests.support.neo4j.server import Neo4j

AWAY = "bolt://127.0.0.1:1"

# Every command that answers from the graph, on the trunk story after an edit.
QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("impact", "data/v3"),
    ("impact", "params/v2.yaml", "--all"),
    ("impact", "words.py", "--depth", "1"),
    ("impact", "env:python"),
    ("impact", "hardware:cpu"),
    ("impact", "data/v1", "--explain", "out/summary.csv"),
    ("status",),
    ("status", "--platform"),
    ("why", "out/summary.csv"),
    ("why", "out/v2/model.pkl", "--because", "params/v2.yaml"),
    ("lineage", "out/v3/metrics.json"),
    ("lineage", "data/v1", "--direction", "down", "--depth", "2"),
    ("log", "--limit", "0"),
    ("log", "--step", "train.py"),
    ("log", "--touching", "params/v1.yaml"),
    ("log", "--making", "Result"),
    ("show", "out/v1/model.pkl"),
    ("show", "params/v2.yaml"),
)


def sharing(project: Project, server: Neo4j) -> Project:
    return project.with_env(**server.environment)


def count(server: Neo4j, statement: str, **parameters: Any) -> Any:
    with driver_of(server) as driver:
        records, _, _ = driver.execute_query(statement, parameters)
    return records[0][0]


@pytest.fixture
def edited(story: Project) -> Project:
    """Give the story with a run of its own, a note, a pin, and an edit."""
    story.write("params/v2.yaml", "scale: 2\ndepth: 8\n")
    story.script("train.py", "out/v2/table.txt", "params/v2.yaml", "out/v2/model.pkl")
    story.provgraph("note", "out/v1/model.pkl", "the baseline of the paper")
    story.provgraph("pin", "out/v3/figure.svg", "--as", "published")
    story.write("params/v3.yaml", "scale: 9\ndepth: 1\n")
    return story


def test_every_question_is_answered_as_locally(edited: Project, neo4j: Neo4j) -> None:
    shared = sharing(edited, neo4j)
    for words in QUESTIONS:
        assert shared.ask(*words) == edited.ask(*words), words
    first, second = (run["id"] for run in edited.runs("--step", "train.py")[:2])
    assert shared.ask("diff", first, second) == edited.ask("diff", first, second)
    assert shared.ask("show", first) == edited.ask("show", first)
    for words in (("impact", "data/v3"), ("status",), ("why", "out/summary.csv")):
        assert shared.provgraph(*words).text == edited.provgraph(*words).text


def test_the_page_drawn_from_it_is_the_same(edited: Project, neo4j: Neo4j) -> None:
    edited.provgraph("render", "data/v3", "--output", "local.html")
    sharing(edited, neo4j).provgraph("render", "data/v3", "--output", "shared.html")
    assert edited.read("local.html") == edited.read("shared.html")


def test_two_clones_meet_at_the_server(story: Project, neo4j: Neo4j, tmp_path: Path) -> None:
    bob = story.copy_to(tmp_path / "bob")
    shutil.rmtree(bob.ledger)
    assert bob.runs() == []

    story.provgraph("push", neo4j.url, env=neo4j.environment)
    said = bob.provgraph("pull", neo4j.url, env=neo4j.environment)
    assert "received" in said.text
    assert bob.fallen() == {}
    bob.provgraph("ledger", "verify")
    assert {p.name for p in bob.records()} == {p.name for p in story.records()}

    bob.provgraph("pull", neo4j.url, env=neo4j.environment)
    bob.script("summary.py", "out/v1/metrics.json", "one.csv")
    bob.provgraph("push", neo4j.url, env=neo4j.environment)
    assert "one.csv" in sharing(story, neo4j).hit("data/v1")
    assert "one.csv" not in story.hit("data/v1")
    shown = sharing(story, neo4j).ask("show", "one.csv")
    assert "summary.py" in str(shown)
    assert "already in step" not in story.provgraph("pull", neo4j.url, env=neo4j.environment).text
    assert "one.csv" in story.hit("data/v1")


def test_what_is_recorded_elsewhere_is_shown_whole(
    story: Project, neo4j: Neo4j, tmp_path: Path
) -> None:
    """Commands and documents that this clone never pulled come from the server."""
    bob = story.copy_to(tmp_path / "bob")
    bob.script("summary.py", "out/v1/metrics.json", "one.csv")
    newest = bob.runs()[0]["id"]
    local = bob.ask("show", f"run:{newest}")
    bob.provgraph("push", neo4j.url, env=neo4j.environment)

    shown = sharing(story, neo4j).ask("show", f"run:{newest}")
    del local["produces"], shown["produces"]  # what lies in this tree is another matter
    assert shown == local


def test_without_the_server_runs_are_recorded_and_questions_say_so(story: Project) -> None:
    lost = story.with_env(PROVGRAPH_GRAPH=AWAY)
    lost.script("summary.py", "out/v1/metrics.json", "one.csv")

    answer = lost.ask("impact", "data/v3")
    assert {hit["name"] for hit in answer["affected"]} == out("v3") | {SUMMARY}
    (gap,) = (gap for gap in answer["gaps"] if gap["reason"] == "graph-away")
    assert gap["grade"] == "blocking"
    assert AWAY in gap["words"]
    assert "can't be reached" in lost.provgraph("impact", "data/v1").text
    assert "one.csv" in lost.hit("data/v1")
    said = lost.provgraph("push", AWAY, code=3)
    assert "can't be reached" in said.told


def test_the_graph_is_chosen_in_the_file(story: Project, neo4j: Neo4j) -> None:
    toml = story.read("provgraph.toml")
    story.write("provgraph.toml", re.sub(r"(?m)^\[graph\]$", f'[graph]\nurl = "{neo4j.url}"', toml))
    credentials = {k: v for k, v in neo4j.environment.items() if k != "PROVGRAPH_GRAPH"}
    assert neo4j.url in story.provgraph("graph", "status", env=credentials).text
    local = story.provgraph("graph", "status", env={"PROVGRAPH_GRAPH": "local"})
    assert "graph.sqlite" in local.text.replace("\n", "")


@pytest.mark.parametrize(
    "url",
    ["bolt://ada:secret@127.0.0.1:7687", "http://127.0.0.1", "bolt://", "neo4j+x://h", "s3://b/x"],
)
def test_a_url_that_cannot_stand_in_the_file(story: Project, url: str) -> None:
    toml = story.read("provgraph.toml")
    story.write("provgraph.toml", re.sub(r"(?m)^\[graph\]$", f'[graph]\nurl = "{url}"', toml))
    said = story.provgraph("status", code=2)
    assert "graph.url" in said.told
    assert "secret" not in said.told


def test_an_erasure_reaches_the_server_and_the_other_clone(
    story: Project, neo4j: Neo4j, tmp_path: Path
) -> None:
    run = story.runs()[0]["id"]
    story.provgraph("note", f"run:{run}", "a name that must go")
    story.provgraph("push", neo4j.url, env=neo4j.environment)
    bob = story.copy_to(tmp_path / "bob")
    bob.provgraph("pull", neo4j.url, env=neo4j.environment)
    assert count(neo4j, "MATCH (n:Note) RETURN count(n)") == 1
    assert count(neo4j, "MATCH (r:Run {id: $run})-[:RAN]->() RETURN count(*)", run=run) == 1

    story.provgraph("ledger", "erase", f"run:{run}", "--reason", "asked to", "--yes")
    story.provgraph("push", neo4j.url, env=neo4j.environment)
    assert count(neo4j, "MATCH (n:Note) RETURN count(n)") == 0
    assert count(neo4j, "MATCH (r:Run {id: $run})-[:RAN]->() RETURN count(*)", run=run) == 0
    assert "a name that must go" not in str(sharing(story, neo4j).ask("show", f"run:{run}"))

    bob.provgraph("push", neo4j.url, env=neo4j.environment)
    assert count(neo4j, "MATCH (n:Note) RETURN count(n)") == 0
    erased = "MATCH (m:LedgerMember {kind: 'private'}) RETURN count(m)"
    assert count(neo4j, erased) == len(list((story.ledger / "private").rglob("*/*")))
    bob.provgraph("pull", neo4j.url, env=neo4j.environment)
    assert "a name that must go" not in str(bob.ask("show", f"run:{run}"))
    bob.provgraph("ledger", "verify")


def test_rebuilding_is_refused_to_a_clone_that_lacks_something(
    story: Project, neo4j: Neo4j, tmp_path: Path
) -> None:
    bob = story.copy_to(tmp_path / "bob")
    bob.script("summary.py", "out/v1/metrics.json", "one.csv")
    bob.provgraph("push", neo4j.url, env=neo4j.environment)
    shared = sharing(story, neo4j)
    before = shared.ask("impact", "data/v1")
    nodes = count(neo4j, "MATCH (v:Vertex) RETURN count(v)")

    said = shared.provgraph("graph", "rebuild", code=3)
    assert "1 record" in said.told
    assert "provgraph pull" in said.told
    assert count(neo4j, "MATCH (v:Vertex) RETURN count(v)") == nodes

    story.provgraph("pull", neo4j.url, env=neo4j.environment)
    shared.provgraph("graph", "rebuild")
    assert shared.ask("impact", "data/v1") == before
    assert count(neo4j, "MATCH (v:Vertex) RETURN count(v)") == nodes


def test_a_rebuild_that_was_cut_short_is_a_gap_to_others(
    story: Project, neo4j: Neo4j, tmp_path: Path
) -> None:
    bob = story.copy_to(tmp_path / "bob")
    bob.script("summary.py", "out/v1/metrics.json", "one.csv")
    bob.provgraph("push", neo4j.url, env=neo4j.environment)
    with driver_of(neo4j) as driver:  # as far as a rebuild comes that is killed
        driver.execute_query("MATCH (m:LedgerMember {kind: 'records'}) SET m.projected = false")
        driver.execute_query("MATCH (v:Vertex) DETACH DELETE v")
    shared = sharing(story, neo4j)
    gaps = {reason for reason, _ in shared.blocking("impact", "data/v3")}
    assert gaps == {"unprojected"}
    sharing(bob, neo4j).ask("status")
    assert not shared.blocking("impact", "data/v3")


def test_a_graph_changed_by_hand_is_made_anew(story: Project, neo4j: Neo4j) -> None:
    shared = sharing(story, neo4j)
    before = shared.ask("impact", "data/v3")
    with driver_of(neo4j) as driver:
        driver.execute_query("MATCH (a:Artefact {name: 'out/v3/model.pkl'}) DETACH DELETE a")
        driver.execute_query("MATCH (r:Run) SET r.status = 'failed'")
        driver.execute_query("DROP CONSTRAINT provgraph_vertex_key")
    assert shared.provgraph("doctor", code=1).text.count("WRONG") == 1
    shared.provgraph("graph", "rebuild")
    assert shared.ask("impact", "data/v3") == before
    shared.provgraph("doctor")


def test_many_projects_share_one_database(
    story: Project, neo4j: Neo4j, env: Any, tmp_path: Path
) -> None:
    from tests.scenario.shell import begin
    from tests.scenario.trunk import told

    other = told(begin(tmp_path / "other", env))
    sharing(other, neo4j).ask("status")
    shared = sharing(story, neo4j)
    for words in QUESTIONS[:8]:
        assert shared.ask(*words) == story.ask(*words), words
    sharing(other, neo4j).provgraph("graph", "rebuild")
    assert shared.ask("impact", "data/v3") == story.ask("impact", "data/v3")
    said = other.provgraph("pull", neo4j.url, env=neo4j.environment)
    assert "already in step" in said.text


def test_a_damaged_record_here_is_a_gap_there(story: Project, neo4j: Neo4j) -> None:
    path = story.records()[0]
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-2])
    shared = sharing(story, neo4j)
    assert ("damaged-record", path.stem[:12]) in shared.blocking("status")
    assert ("damaged-record", path.stem[:12]) in shared.blocking("status")


def test_an_import_is_shared_with_its_lines(story: Project, neo4j: Neo4j, tmp_path: Path) -> None:
    lines = story.write(
        "graph.jsonl",
        b'{"node": {"kind": "Dataset", "name": "s3://bucket/`raw` \\"x\\"'
        b' }) DETACH DELETE n //"}, "ref": "1"}\n'
        b'{"node": {"kind": "Run", "name": "fetch"}, "ref": "2"}\n'
        b'{"node": {"kind": "DETACH", "name": "odd"}, "ref": "3"}\n'
        b'{"edge": {"type": "USES", "from": "2", "to": "1"}}\n'
        b'{"edge": {"type": "PRODUCES", "from": "2", "to": "3"}}\n',
    )
    shared = sharing(story, neo4j)
    shared.provgraph("import", "jsonl", str(lines))
    assert "odd" in shared.hit('s3://bucket/`raw` "x" }) DETACH DELETE n //')
    assert count(neo4j, "MATCH (r:Run) RETURN count(r)") == len(story.runs())

    bob = story.copy_to(tmp_path / "bob")
    shutil.rmtree(bob.ledger)
    bob.provgraph("pull", neo4j.url, env=neo4j.environment)
    assert "odd" in bob.hit('s3://bucket/`raw` "x" }) DETACH DELETE n //')
