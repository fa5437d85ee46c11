"""Asking in Cypher, on a server and without one: equal answers, clear words for what goes wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from provgraph.graph.library import questions
from tests.scenario.shell import Project, begin
from tests.support.neo4j.fixtures import PrivateNeo4j
from tests.support.neo4j.server import Neo4j

pytest.importorskip("ladybug", reason="requirements/dev.txt has it")

LOCAL = {"PROVGRAPH_GRAPH": "local"}
ENDLESS = (
    "UNWIND range(1,4000) AS a UNWIND range(1,4000) AS b UNWIND range(1,40000) AS c RETURN sum(a)"
)
STEP = """\
import json, sys
source, target, lr = sys.argv[1:]
rows = open(source).read().split()
json.dump({"rows": len(rows), "accuracy": float(lr) * len(rows)}, open(target, "w"))
"""


@pytest.fixture(scope="module")
def told_once(tmp_path_factory: pytest.TempPathFactory, env: Mapping[str, str]) -> Project:
    """Two runs of one step on one file, a third on another; a note, a pin and a failed run."""
    project = begin(tmp_path_factory.mktemp("asked") / "project", env)
    project.write("step.py", STEP)
    project.write("data/a.txt", "one two three")
    project.write("data/b.txt", "one two")
    for number, (source, lr) in enumerate((("a", "0.1"), ("a", "0.2"), ("b", "0.2"))):
        words = ("python", "step.py", f"data/{source}.txt", f"out/{number}.json", lr)
        project.write("out/keep", "")
        project.provgraph("run", "--name", "fit", "--param", f"lr={lr}", "--", *words)
    project.provgraph("run", "--name", "bad", "--", "python", "-c", "raise SystemExit(1)", code=1)
    project.provgraph("note", "out/2.json", "for the paper")
    project.provgraph("pin", "out/2.json", "--as", "published")
    return project


@pytest.fixture
def asked(told_once: Project) -> Project:
    return told_once


@pytest.fixture(params=["neo4j", "local"])
def place(request: pytest.FixtureRequest) -> Mapping[str, str]:
    if request.param == "local":
        return LOCAL
    server: Neo4j = request.getfixturevalue("neo4j")
    return at(server)


def at(server: Neo4j) -> dict[str, str]:
    found = {"PROVGRAPH_GRAPH": server.url}
    if server.user:
        found |= {"NEO4J_USERNAME": server.user, "NEO4J_PASSWORD": server.password}
    return found


def rows(project: Project, place: Mapping[str, str], *words: str) -> list[dict[str, Any]]:
    said = project.provgraph("query", "--format", "json", *words, env=place)
    return [json.loads(line) for line in said.text.splitlines()]


def column(found: list[dict[str, Any]], *names: str) -> list[Any]:
    return [row[names[0]] if len(names) == 1 else tuple(row[n] for n in names) for row in found]


def file(name: str, /, **params: str) -> list[str]:
    return ["--file", name, *(f"--param={key}={value}" for key, value in params.items())]


EXPECTED: dict[str, tuple[list[str], Callable[[list[dict[str, Any]]], Any], Any]] = {
    "affected-by": (
        file("affected-by", name="data/a.txt"),
        lambda found: column(found, "name"),
        ["out/0.json", "out/1.json"],
    ),
    "contributing-versions": (
        file("contributing-versions", name="out/2.json"),
        lambda found: column(found, "name"),
        ["data/b.txt"],
    ),
    "metric-over-time": (
        file("metric-over-time", metric="rows"),
        lambda found: column(found, "value"),
        [3.0, 3.0, 2.0],
    ),
    "parameter-and-metric": (
        file("parameter-and-metric", parameter="lr", metric="rows"),
        lambda found: column(found, "value", "metric"),
        [("0.1", 3.0), ("0.2", 3.0), ("0.2", 2.0)],
    ),
    "most-used": (
        file("most-used", kind="Dataset"),
        lambda found: column(found, "name", "runs"),
        [("data/a.txt", 2), ("data/b.txt", 1)],
    ),
    "newest-runs": (
        file("newest-runs"),
        lambda found: column(found, "step", "status"),
        [("bad", "failed"), ("fit", "ok"), ("fit", "ok"), ("fit", "ok")],
    ),
    "unsound-runs": (
        file("unsound-runs"),
        lambda found: column(found, "step", "status", "products"),
        [("bad", "failed", 0)],
    ),
    "published-results": (
        file("published-results"),
        lambda found: column(found, "name", "pinned", "step"),
        [("out/2.json", "published", "fit")],
    ),
    "who-when-why": (
        file("who-when-why", name="out/2.json"),
        lambda found: column(found, "name", "status", "note"),
        [("out/2.json", "ok", "for the paper")],
    ),
    "life-of-experiment": (
        file("life-of-experiment", name="fit"),
        lambda found: [row["value"] for row in found if row["what"] == "Parameter"],
        ["0.1", "0.2", "0.2"],
    ),
    "passed-through": (
        file("passed-through", kind="Script"),
        lambda found: column(found, "name", "results"),
        [(".", 3), ("step.py", 3)],
    ),
    "between": (
        file("between", cause="data/a.txt", effect="out/1.json"),
        lambda found: column(found, "kind", "name"),
        [("Run", "fit")],
    ),
    "bottlenecks": (
        file("bottlenecks", step="fit"),
        lambda found: column(found, "step", "results"),
        [("fit", 1)] * 3,
    ),
    "orphans": (file("orphans"), lambda found: column(found, "name"), []),
    "results-without-inputs": (
        file("results-without-inputs"),
        lambda found: column(found, "name"),
        [],
    ),
    "resting-on-package": (
        file("resting-on-package", package="no-such-package"),
        lambda found: column(found, "name"),
        [],
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_question_of_the_library(name: str, asked: Project, place: Mapping[str, str]) -> None:
    words, look, expected = EXPECTED[name]

    assert look(rows(asked, place, *words)) == expected


def test_what_a_newer_version_replaced_is_an_orphan(
    project: Project, place: Mapping[str, str]
) -> None:
    project.write("a.txt", "1")
    project.run("python", "-c", "open('b.txt', 'w').write(open('a.txt').read())")
    (old,) = column(rows(project, place, "MATCH (x:Result) RETURN x.id AS id"), "id")
    project.write("a.txt", "2")
    project.run("python", "-c", "open('b.txt', 'w').write(open('a.txt').read())")

    assert column(rows(project, place, *file("orphans")), "name", "id") == [("b.txt", old)]

    project.run("python", "-c", "print(open('b.txt').read())")
    sides = column(rows(project, place, *file("around", id=old)), "side", "type", "kind")
    assert sides == [("cause", "DEPENDS_ON", "Run")]


def test_portable_questions_are_answered_alike(asked: Project, neo4j: Neo4j) -> None:
    runs = column(rows(asked, LOCAL, *file("newest-runs")), "run")
    given = {
        "name": "data/a.txt",
        "package": "python",
        "attribute": "os",
        "parameter": "lr",
        "metric": "accuracy",
        "first": runs[1],
        "second": runs[3],
        "id": f"run:{runs[1]}",
        "cause": "data/a.txt",
        "effect": "out/0.json",
    }
    for entry in questions():
        if entry.portable:
            wanted = [
                one.name for one in entry.parameters if one.required or one.name == "attribute"
            ]
            words = file(entry.name, **{name: given[name] for name in wanted})
            told = [
                sorted(json.dumps(row, sort_keys=True) for row in rows(asked, where, *words))
                for where in (at(neo4j), LOCAL)
            ]
            assert told[0] == told[1], entry.name


def test_what_needs_a_server_says_so(asked: Project, neo4j: Neo4j) -> None:
    said = asked.provgraph("query", *file("longest-chains"), env=LOCAL, code=3)
    assert "needs Neo4j because" in said.told

    found = rows(asked, at(neo4j), *file("longest-chains"))
    assert column(found, "name", "steps") == [(f"out/{n}.json", 2) for n in range(3)]
    found = rows(asked, at(neo4j), *file("repeated-inputs", step="fit"))
    assert column(found, "runs", "products") == [(2, 2)]


def test_a_syntax_error_shows_its_place(asked: Project, place: Mapping[str, str]) -> None:
    said = asked.provgraph("query", "MATCH (n RETURN n", env=place, code=2)

    assert "line 1, column 10" in said.told
    assert "^" in said.told


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE (n:Run {id: 'x'}) RETURN n.id",
        "MATCH (n) DETACH DELETE n",
        "MATCH (n:Run) SET n.name = 'x' RETURN n.id",
        "CALL db.clearQueryCaches()",
        "LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line",
        "DROP INDEX provgraph_run_name",
        "RETURN 1; MATCH (n) DETACH DELETE n",
    ],
)
def test_a_write_is_refused(statement: str, asked: Project, place: Mapping[str, str]) -> None:
    before = rows(asked, place, "MATCH (r:Run) RETURN r.id, r.name ORDER BY r.id")

    asked.provgraph("query", statement, env=place, code=2)

    assert rows(asked, place, "MATCH (r:Run) RETURN r.id, r.name ORDER BY r.id") == before


def test_hostile_values_are_only_values(asked: Project, place: Mapping[str, str]) -> None:
    value = "`x`'\"}) DETACH DELETE (n) // \\"
    found = rows(asked, place, "RETURN $v AS `a``b`", f"--param=v={value}")

    assert list(found[0].values()) == [value]


def test_a_question_that_runs_away_is_ended(asked: Project, place: Mapping[str, str]) -> None:
    said = asked.provgraph("query", ENDLESS, "--timeout", "0.5", env=place, code=3)

    assert "ended after 0.5 s" in said.told


def test_ctrl_c_ends_the_question_on_the_server(asked: Project, neo4j: Neo4j) -> None:
    running = subprocess.Popen(
        ["provgraph", "query", ENDLESS],
        cwd=asked.root,
        env=asked.environ(at(neo4j)),
        stderr=subprocess.PIPE,
    )
    listing = "SHOW TRANSACTIONS YIELD currentQuery AS q RETURN q"
    while not any("4000" in row["q"] for row in rows(asked, at(neo4j), listing)):
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=20)

    assert running.returncode == 130
    assert told == b""
    until = time.monotonic() + 10
    while any("4000" in row["q"] for row in rows(asked, at(neo4j), listing)):
        assert time.monotonic() < until


def test_a_million_rows_into_head(asked: Project, place: Mapping[str, str]) -> None:
    script = "provgraph query 'UNWIND range(1, 1000000) AS a RETURN a' --format csv | head -n 2"
    said = asked.call("sh", "-c", script, env=place)

    assert said.text.split() == ["a", "1"]
    assert said.told == ""


def test_a_table_says_when_it_is_cut(asked: Project, place: Mapping[str, str]) -> None:
    said = asked.provgraph("query", "UNWIND range(1, 500) AS a RETURN a", env=place)
    assert len(said.text.splitlines()) == 101
    assert "--limit 0" in said.told

    said = asked.provgraph("query", "MATCH (r:Run) WHERE r.name = 'no' RETURN r.id", env=place)
    assert (said.text, said.told) == ("", "provgraph: no rows\n")


def test_a_server_that_is_away_leaves_the_local_graph(asked: Project) -> None:
    away = {"PROVGRAPH_GRAPH": "bolt://127.0.0.1:9"}
    said = asked.provgraph("query", "MATCH (r:Run) RETURN count(*) AS runs", env=away)

    assert said.text.split() == ["runs", "4"]
    assert "127.0.0.1:9 can't be reached" in said.told


def test_a_wrong_password_says_what_to_do(asked: Project, private_neo4j: PrivateNeo4j) -> None:
    server = private_neo4j(password="right-password")
    place = {"PROVGRAPH_GRAPH": server.url, "NEO4J_PASSWORD": "wrong-password"}
    said = asked.provgraph("query", "RETURN 1", env=place, code=3)

    assert "refused the user or the password" in said.told
    assert "NEO4J_PASSWORD" in said.told


def test_a_missing_extra_is_named(asked: Project) -> None:
    asked.write(
        "blocking/sitecustomize.py",
        """\
        from importlib.machinery import PathFinder

        found = PathFinder.find_spec

        def find_spec(name, path=None, target=None):
            return None if name == "ladybug" else found(name, path, target)

        PathFinder.find_spec = find_spec
        """,
    )
    env = LOCAL | {"PYTHONPATH": str(asked.root / "blocking")}
    said = asked.provgraph("query", "RETURN 1", env=env, code=3)

    assert "provgraph[cypher]" in said.told


def test_the_library_is_listed(asked: Project) -> None:
    said = asked.provgraph("query", "--list")
    assert all(entry.name in said.text for entry in questions())

    listed = rows(asked, LOCAL, "--list")
    assert {row["name"] for row in listed} == {entry.name for entry in questions()}
