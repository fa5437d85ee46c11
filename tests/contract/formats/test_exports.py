"""One suite over each format that hands the graph to other tools: what is read back is equal."""

import csv
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import networkx as nx
import pyarrow.parquet as pq
import pytest

from provgraph.errors import CannotAnswer, UsageError
from provgraph.graph import LocalGraph
from provgraph.graph.published import Published
from provgraph.interchange import exporting
from provgraph.interchange.exporting import LAYOUTS, export, target_of
from provgraph.interchange.graphml import UNFIT
from tests.contract.formats.hostile import NASTY, as_values, known, published
from tests.support.neo4j.server import CACHE, VERSION, NoNeo4j, Server, prepare
from tests.support.required import missing


@pytest.fixture
def graph() -> Published:
    return published(LocalGraph(":memory:"))


def written(graph: Published, format: str, folder: Path) -> Path:
    target = target_of(format, folder / "made")
    export(graph, format, target)
    return target


def fit(value: Any) -> Any:
    """Put a value as XML holds it."""
    if isinstance(value, str):
        return UNFIT.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    if isinstance(value, list):
        return fit(json.dumps(value, ensure_ascii=False))
    return {name: fit(one) for name, one in value.items()} if isinstance(value, dict) else value


def test_networkx_reads_node_link(graph: Published, tmp_path: Path) -> None:
    data = json.loads(written(graph, "node-link", tmp_path).read_text())
    read = nx.node_link_graph(data, edges="edges")
    nodes, links = as_values(graph)
    assert {name: (told.pop("label"), told) for name, told in read.nodes(data=True)} == {
        name: (label, _without_id(told)) for name, (label, told) in nodes.items()
    }
    found = [(told.pop("label"), start, end, told) for start, end, told in read.edges(data=True)]
    assert sorted(found, key=repr) == links


def _without_id(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "id"}


def test_networkx_reads_graphml(graph: Published, tmp_path: Path) -> None:
    read = nx.read_graphml(written(graph, "graphml", tmp_path), force_multigraph=True)
    nodes, links = as_values(graph)
    assert {name: (told.pop("label"), told) for name, told in read.nodes(data=True)} == {
        fit(name): (label, fit(_without_id(told))) for name, (label, told) in nodes.items()
    }
    found = [(told.pop("label"), start, end, told) for start, end, told in read.edges(data=True)]
    assert sorted(_without_ids(found), key=repr) == sorted(map(_fit_link, links), key=repr)


def _without_ids(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(kind, start, end, _without_id(told)) for kind, start, end, told in found]


def _fit_link(one: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(map(fit, one))


def test_pyarrow_reads_parquet(graph: Published, tmp_path: Path) -> None:
    folder = written(graph, "parquet", tmp_path)
    nodes, links = as_values(graph)
    rows = pq.read_table(folder / "nodes.parquet").to_pylist()
    assert {row["id"]: (row.pop("label"), known(row)) for row in rows} == nodes
    edges = pq.read_table(folder / "edges.parquet").to_pylist()
    found = [(row.pop("relationship"), row.pop("src"), row.pop("dst"), known(row)) for row in edges]
    assert sorted(found, key=repr) == links


def test_a_csv_reader_reads_csv(graph: Published, tmp_path: Path) -> None:
    folder = written(graph, "csv", tmp_path)
    nodes, links = as_values(graph)
    with (folder / "nodes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["id:ID"]: row[":LABEL"] for row in rows} == {n: nodes[n][0] for n in nodes}
    names = {row["id:ID"]: row["name"] for row in rows}
    assert names == {n: told.get("name", "") for n, (_, told) in nodes.items()}
    with (folder / "edges.csv").open(newline="", encoding="utf-8") as file:
        edges = list(csv.DictReader(file))
    assert sorted((row[":TYPE"], row[":START_ID"], row[":END_ID"]) for row in edges) == sorted(
        one[:3] for one in links
    )


def test_the_graph_around_something_has_what_is_said_of_it_and_no_loose_ends(
    graph: Published,
) -> None:
    nodes, _ = as_values(graph)
    run = min(name for name, (label, _) in nodes.items() if label == "Run")
    part = published(LocalGraph(":memory:"), frozenset({run}))
    found, links = as_values(part)
    assert {label for label, _ in found.values()} == {
        *("Run", "Agent", "Command", "Parameter", "Metric", "Gap", "Note")
    }
    assert {one[1] for one in links} | {one[2] for one in links} == set(found)


@pytest.mark.parametrize("format", LAYOUTS)
def test_what_is_there_is_replaced_only_when_told(
    format: str, graph: Published, tmp_path: Path
) -> None:
    target = written(graph, format, tmp_path)
    before = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    with pytest.raises(UsageError, match="there already") as refused:
        target_of(format, target)
    assert "--force" in refused.value.hint
    export(graph, format, target_of(format, target, force=True))
    after = {path for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    assert after == set(before)


@pytest.mark.parametrize("format", LAYOUTS)
def test_a_write_that_fails_leaves_nothing(
    format: str, graph: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting, "_sync", full)
    with pytest.raises(CannotAnswer, match="No space left"):
        export(graph, format, target_of(format, tmp_path / "made"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("format", "name", "words"),
    [
        ("yaml", "made", "can't be exported as yaml"),
        ("csv", "file", "is a file"),
        ("graphml", "folder", "is a folder"),
        ("graphml", "nowhere/made", "no folder"),
    ],
)
def test_a_target_that_does_not_fit_is_refused(
    format: str, name: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match=words):
        target_of(format, tmp_path / name)


@pytest.mark.neo4j
def test_neo4j_admin_imports_csv(graph: Published, tmp_path: Path) -> None:
    folder = written(graph, "csv", tmp_path)
    try:
        prepare()
    except NoNeo4j as error:
        missing("neo4j", str(error))
    home = tmp_path / "home"
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "neo4j.conf").touch()
    words = LAYOUTS["csv"].advice.format(folder).split()[1:]
    done = subprocess.run(
        ["java", "-Xmx1g", "-cp", f"{CACHE}/neo4j-{VERSION}/*", "org.neo4j.cli.AdminTool", *words],
        env={"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf"), "PATH": "/usr/bin:/bin"},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    nodes, links = as_values(graph)
    import neo4j as driver

    with Server(home) as server, driver.GraphDatabase.driver(server.url) as asked:
        found = asked.execute_query("MATCH (n) RETURN n, labels(n) AS labels").records
        assert {row["n"]["id"]: (row["labels"], dict(row["n"])) for row in found} == {
            name: ([label], _sent(told)) for name, (label, told) in nodes.items()
        }
        found = asked.execute_query("MATCH (a)-[r]->(b) RETURN type(r), a.id, b.id, r").records
        read = [(*row.values()[:3], dict(row["r"])) for row in found]
        sent = [(*one[:3], _sent(one[3])) for one in links]
        assert sorted(read, key=repr) == sorted(sent, key=repr)


def _sent(told: dict[str, Any]) -> dict[str, Any]:
    """Put properties as the importer takes them: the unit separator parts lists."""

    def clean(value: Any) -> Any:
        if isinstance(value, list):
            return [re.sub("\x1f", "\ufffd", one) for one in value]
        return value

    return {name: clean(value) for name, value in sorted(told.items())}


def test_the_nasty_names_are_in_the_graph(graph: Published) -> None:
    nodes, _ = as_values(graph)
    assert {told.get("name") for _, told in nodes.values()} >= {f"out/{name}" for name in NASTY}
