"""Cypher without a server: what it answers, and what becomes of crashes, writes and impatience."""

import importlib.util
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import CannotAnswer, StoreError, UsageError
from provgraph.graph import LocalGraph
from provgraph.graph.ladybug import LocalCypher, asking, copying
from provgraph.graph.published import RELATIONSHIPS, Published
from tests.contract.formats.hostile import as_values, over, published
from tests.contract.stores import making

NewCypher = Callable[..., LocalCypher]
LONG = "MATCH (a), (b), (c), (d), (e), (f), (g), (h) RETURN count(*)"


@pytest.fixture
def nasty() -> Published:
    return published(LocalGraph(":memory:"))


@pytest.fixture
def new_cypher(tmp_path: Path) -> NewCypher:
    def new(graph: Published, **more: Any) -> LocalCypher:
        return LocalCypher(tmp_path / "cache", "state", lambda: graph, **more)

    return new


def imported(*lines: dict[str, Any]) -> Published:
    store = LocalGraph(":memory:")
    making.load(store, "import", *lines)
    return over(store, lambda: iter(()))


def chain(length: int) -> Published:
    nodes = [making.node("Dataset", f"d{n}", f"d{n}") for n in range(length + 1)]
    edges = [making.edge("DEPENDS_ON", f"d{n + 1}", f"d{n}") for n in range(length)]
    return imported(*nodes, *edges)


def ask(cypher: LocalCypher, statement: str, **parameters: Any) -> list[list[Any]]:
    return list(cypher.run(statement, parameters)[1])


def test_it_holds_what_is_published(nasty: Published, new_cypher: NewCypher) -> None:
    nodes, links = as_values(nasty)
    cypher = new_cypher(nasty)
    rows = [row[0] for row in ask(cypher, "MATCH (n) RETURN n")]
    found = {f"{row.pop('_label')} {row['id']}": row for row in rows}
    assert found == {f"{label} {name}": told for name, (label, told) in nodes.items()}
    read = []
    for row in ask(cypher, "MATCH (a)-[r]->(b) RETURN a.id, r, b.id"):
        kind = row[1].pop("_type")
        read.append((kind, row[0], row[2], dict(sorted(row[1].items()))))
    sent = [(kind, start, end, dict(sorted(told.items()))) for kind, start, end, told in links]
    assert sorted(read, key=repr) == sorted(sent, key=repr)


def test_every_label_and_type_can_be_asked_for_in_an_empty_graph(new_cypher: NewCypher) -> None:
    cypher = new_cypher(imported(making.node("Dataset", "d", "d")))
    for label in "Run Script Config Environment Hardware Result Agent Note Gap".split():
        assert ask(cypher, f"MATCH (n:{label}) RETURN n.id") == []
    for kind in RELATIONSHIPS:
        assert ask(cypher, f"MATCH ()-[r:{kind}]->() RETURN r") == []


def test_a_chain_of_a_thousand_comes_whole(new_cypher: NewCypher) -> None:
    cypher = new_cypher(chain(1000))
    reach = "MATCH (x:Dataset {name: $name})-[:USES|DEPENDS_ON*]->(y) RETURN "
    assert ask(cypher, reach + "count(DISTINCT y)", name="d1000") == [[1000]]
    assert len(ask(cypher, reach + "y.name", name="d1000")) == 1000
    longest = f"MATCH p = {reach[6:]} max(length(p))"
    assert ask(cypher, longest, name="d1000") == [[1000]]


def test_paths_that_meet_again_and_again_do_not_explode(new_cypher: NewCypher) -> None:
    nodes = [making.node("Dataset", f"{n}{side}", f"{n}{side}") for n in range(41) for side in "ab"]
    edges = [
        making.edge("DEPENDS_ON", f"{n + 1}{one}", f"{n}{other}")
        for n in range(40)
        for one in "ab"
        for other in "ab"
    ]
    cypher = new_cypher(imported(*nodes, *edges))
    asked = "MATCH (x {name: '40a'})-[:USES|DEPENDS_ON*]->(y) RETURN DISTINCT y.name"
    assert len(list(cypher.run(asked, timeout=20)[1])) == 80


def test_kinds_that_clash_keep_apart(new_cypher: NewCypher) -> None:
    graph = imported(
        making.node("USES", "one", "1"),
        making.node("dataset", "two", "2"),
        making.node("Metric", "three", "3"),
        making.edge("DEPENDS_ON", "1", "2"),
        making.edge("DEPENDS_ON", "2", "3"),
    )
    found = ask(new_cypher(graph), "MATCH (n) RETURN n.kind, n.name, n.made ORDER BY n.kind")
    assert found == [["Metric", "three", False], ["USES", "one", False], ["dataset", "two", False]]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("MATCH (n RETURN n", "line 1, column 10"),
        ("MATCH (n:Nope) RETURN n", "no label or type Nope"),
        ("MATCH (n) RETURN n.nope", "nope"),
        ("MATCH (n:Run) SET n.name = 'x'", "SET"),
        ("CREATE (n:Run {id: 'x'})", "CREATE"),
    ],
)
def test_what_cannot_be_run_is_said(
    statement: str, words: str, nasty: Published, new_cypher: NewCypher
) -> None:
    cypher = new_cypher(nasty)
    with pytest.raises(UsageError, match=words) as refused:
        ask(cypher, statement)
    assert refused.value.hint or refused.value.excerpt  # type: ignore[attr-defined]


def test_a_question_that_takes_too_long_is_ended(nasty: Published, new_cypher: NewCypher) -> None:
    cypher = new_cypher(nasty)
    cypher.copy()
    with pytest.raises(StoreError, match=r"ended after 0\.5 s"):
        cypher.run(LONG, timeout=0.5)


def test_letting_go_of_the_rows_ends_the_process(nasty: Published, new_cypher: NewCypher) -> None:
    columns, rows = new_cypher(nasty).run("UNWIND range(1, 1000000) AS x RETURN x")
    assert columns == ["x"]
    assert [next(rows), next(rows)] == [[1], [2]]
    assert children()
    rows.close()
    assert not children()


def test_a_limit_is_kept(nasty: Published, new_cypher: NewCypher) -> None:
    assert (
        len(list(new_cypher(nasty).run("UNWIND range(1, 9999) AS x RETURN x", limit=600)[1])) == 600
    )


def test_a_crash_is_a_sentence_and_the_next_question_is_answered(
    nasty: Published, new_cypher: NewCypher
) -> None:
    cypher = new_cypher(nasty)
    cypher.copy()
    threading.Timer(0.7, crash).start()
    with pytest.raises(StoreError, match=r"crashed \(SIGSEGV") as crashed:
        cypher.run(LONG, timeout=30)
    assert "Neo4j" in crashed.value.hint
    assert ask(cypher, "RETURN 1 AS x") == [[1]]


def test_a_damaged_copy_is_made_anew(nasty: Published, new_cypher: NewCypher) -> None:
    said: list[str] = []
    cypher = new_cypher(nasty, say=said.append)
    cypher.copy().database.write_bytes(b"not a database" * 1000)
    assert ask(cypher, "MATCH (r:Run) RETURN count(*)") == [[9]]
    assert len(said) == 2
    assert said[0].startswith("copied ")


def test_a_copy_serves_until_the_graph_changes(nasty: Published, tmp_path: Path) -> None:
    said: list[str] = []
    for state in ("one", "one", "two", "two"):
        assert ask(LocalCypher(tmp_path, state, lambda: nasty, say=said.append), "RETURN 1") == [
            [1]
        ]
    assert len(said) == 2
    assert len(list(tmp_path.glob("cypher-*/graph.lbug"))) == 1


def test_what_was_killed_while_copying_leaves_nothing(nasty: Published, tmp_path: Path) -> None:
    (tmp_path / f"{copying.MAKING}dead" / "spool").mkdir(parents=True)
    assert ask(LocalCypher(tmp_path, "state", lambda: nasty), "RETURN 1") == [[1]]
    assert not list(tmp_path.glob(f"{copying.MAKING}*"))


def test_several_at_once_make_one_copy(nasty: Published, tmp_path: Path) -> None:
    said: list[str] = []
    graphs = [published(LocalGraph(":memory:")) for _ in range(4)]
    found: list[Any] = []

    def one(graph: Published) -> None:
        cypher = LocalCypher(tmp_path, "state", lambda: graph, say=said.append)
        found.append(ask(cypher, "MATCH (r:Run) RETURN count(*)"))

    threads = [threading.Thread(target=one, args=(graph,)) for graph in graphs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[[9]]] * 4
    assert len(said) == 1


def test_without_the_library_it_says_what_to_install(
    nasty: Published, new_cypher: NewCypher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CannotAnswer, match="needs the package ladybug") as missing:
        new_cypher(nasty)
    assert "provgraph[cypher]" in missing.value.hint


def test_the_child_ends_with_whoever_asked() -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", str(asking.CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.wait(timeout=20)
    process.stdout.close()


def crash() -> None:
    for child in children():
        os.kill(child, signal.SIGSEGV)


def children() -> list[int]:
    """Give the processes that answer Cypher for this one."""
    found = list(_processes())
    return [
        child for child, parent, words in found if parent == os.getpid() and "child.py" in words
    ]


def _processes() -> Iterator[tuple[int, int, str]]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                yield int(folder.name), parent, (folder / "cmdline").read_text()
            except OSError:
                continue
