"""`import jsonl`: what another system knows, in bulk, all or nothing."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.scenario.shell import Project


def node(ref: str, name: str, kind: str = "Dataset", **more: Any) -> str:
    return json.dumps({"node": {"kind": kind, "name": name, **more}, "ref": ref})


def edge(type_: str, start: str, end: str) -> str:
    return json.dumps({"edge": {"type": type_, "from": start, "to": end}})


def lines(*several: str) -> str:
    return "".join(f"{line}\n" for line in several)


PIPELINE = lines(
    node("1", "lab/raw.csv"),
    node("2", "prep", "Run"),
    node("3", "lab/clean.csv", "Result", digest="md5:0cc175b9c0f1b6a831c399e269772661"),
    node("4", "fit", "Run", props={"when": "2025"}),
    node("5", "lab/model.bin", "Result"),
    edge("USES", "2", "1"),
    edge("PRODUCES", "2", "3"),
    edge("USES", "4", "3"),
    edge("PRODUCES", "4", "5"),
)


def reached(project: Project, selector: str) -> set[str]:
    """Give what a change affects, and what it would if it weren't missing here."""
    answer = project.ask("impact", selector)
    return {one["name"] for one in [*answer["affected"], *answer["already_stale"]]}


def test_nodes_and_edges_and_what_a_change_affects(project: Project) -> None:
    project.write("graph.jsonl", PIPELINE)

    report = project.ask("import", "jsonl", "graph.jsonl", "--label", "the lab")

    assert (report["facts"]["nodes"], report["facts"]["edges"]) == (5, 4)
    assert reached(project, "lab/raw.csv") == {"lab/clean.csv", "lab/model.bin"}
    assert reached(project, "lab/clean.csv") == {"lab/model.bin"}
    found = {node["name"] for node in project.ask("lineage", "lab/model.bin")["nodes"]}
    assert found >= {"lab/raw.csv", "lab/clean.csv", "lab/model.bin"}
    project.provgraph("graph", "rebuild")
    assert reached(project, "lab/raw.csv") == {"lab/clean.csv", "lab/model.bin"}
    assert "run:run:" not in project.provgraph("show", "lab/clean.csv").text
    assert project.ask("log")["as_of"] == "1 record"


def test_from_standard_input(project: Project) -> None:
    said = project.provgraph("import", "jsonl", "-", stdin=PIPELINE.encode())

    assert "5 nodes and 4 edges" in said.text
    assert "lab/model.bin" in project.hit("lab/raw.csv")


def test_a_cycle_is_no_trouble(project: Project) -> None:
    cycle = [node(str(n), f"ring/{n}") for n in range(5)]
    cycle += [edge("DEPENDS_ON", str(n), str((n + 1) % 5)) for n in range(5)]
    cycle += [node("s", "source"), edge("DEPENDS_ON", "0", "s")]
    project.write("ring.jsonl", lines(*cycle))

    project.provgraph("import", "jsonl", "ring.jsonl")

    assert project.hit("source") == {f"ring/{n}" for n in range(5)}
    assert project.hit("ring/3") >= {f"ring/{n}" for n in range(5)} - {"ring/3"}
    project.provgraph("why", "ring/2")
    project.provgraph("render", "ring/2", "-o", "ring.html")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("{not json", "line 3"),
        ('{"node": {"kind": "Dataset"}, "ref": "9"}', "line 3"),
        ('{"edge": {"type": "USES", "from": "1", "to": "nowhere"}}', "nowhere"),
        ('{"edge": {"type": "EATS", "from": "1", "to": "1"}}', "line 3"),
        ('{"node": {"kind": "Dataset", "name": "x"}, "ref": "1"}', "line 3"),
        ("[]", "line 3"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_imported(
    project: Project, bad: str, words: str
) -> None:
    project.write(
        "bad.jsonl", lines(node("1", "a"), node("2", "b"), bad, edge("DEPENDS_ON", "2", "1"))
    )
    before = project.records()

    said = project.provgraph("import", "jsonl", "bad.jsonl", code=2)

    assert words in said.told
    assert "line 3" in said.told
    assert said.out == b""
    assert project.records() == before
    project.provgraph("impact", "a", code=2)

    kept = project.ask("import", "jsonl", "bad.jsonl", "--skip-bad")
    assert [one["line"] for one in kept["facts"]["left_out"]] == [3]
    assert project.hit("a") == {"b"}


def test_files_that_cannot_be_read(project: Project) -> None:
    said = project.provgraph("import", "jsonl", "nowhere.jsonl", code=None)
    assert said.code in (2, 3)
    assert "nowhere.jsonl" in said.told
    project.write("empty.jsonl", "")
    project.provgraph("import", "jsonl", "empty.jsonl", code=2)
    project.write("binary.jsonl", bytes(range(256)) * 10)
    assert "line 1" in project.provgraph("import", "jsonl", "binary.jsonl", code=2).told


def test_hostile_names_come_back_as_they_were(project: Project) -> None:
    names = [
        "<script>alert(1)</script>",
        "a\nb",
        'say "hi"',
        "ünï/çödé",
        "-rf",
        "%41",
        "a b",
        "x" * 4000,
    ]
    told = [node("0", "root")]
    for place, name in enumerate(names, start=1):
        told += [node(str(place), name, "Result"), edge("DEPENDS_ON", str(place), "0")]
    project.write("odd.jsonl", lines(*told))

    project.provgraph("import", "jsonl", "odd.jsonl")

    assert project.hit("root") == set(names)
    project.provgraph("render", "root", "-o", "odd.html")
    assert "<script>alert" not in project.read("odd.html")
    project.provgraph("impact", "root")
    project.provgraph("impact", "root", "--format", "csv")


def test_a_chain_of_a_thousand(project: Project) -> None:
    told = [node("0", "link/0")]
    for n in range(1, 1001):
        told += [node(str(n), f"link/{n}", "Result"), edge("DEPENDS_ON", str(n), str(n - 1))]
    project.write("chain.jsonl", lines(*told))
    project.provgraph("import", "jsonl", "chain.jsonl")

    # As JSON each hit brings its whole path.
    table = csv.DictReader(
        io.StringIO(project.provgraph("impact", "link/0", "--format", "csv").text)
    )

    hits = {row["name"]: int(row["depth"]) for row in table if row["row"] == "affected"}
    assert hits == {f"link/{n}": n for n in range(1, 1001)}
    project.provgraph("impact", "link/0", "--explain", "link/1000")
    cut = project.ask("impact", "link/0", "--depth", "40")
    assert len(cut["affected"]) == 40


def test_a_hub_of_ten_thousand(project: Project) -> None:
    told = [node("hub", "hub")]
    for n in range(10_000):
        told += [node(f"n{n}", f"spoke/{n}", "Result"), edge("DEPENDS_ON", f"n{n}", "hub")]
    project.write("hub.jsonl", lines(*told))
    project.provgraph("import", "jsonl", "hub.jsonl")

    answer = project.provgraph("impact", "hub", "--format", "json").json
    assert len(answer["affected"]) == answer["totals"]["affected"] == 10_000

    said = project.provgraph("render", "hub", "-o", "hub.html")
    assert "left out" in said.told or "cut" in said.told
    assert (project.root / "hub.html").stat().st_size < 20_000_000
    text = project.provgraph("impact", "hub").text
    assert len(text.splitlines()) < 60
