"""Statements before they run: what is refused, what is walked breadth first, columns' names."""

import pytest

from provgraph.errors import UsageError
from provgraph.graph.ladybug.statement import (
    breadth_first,
    check_reading,
    column_names,
    inlined,
    literal,
)

REACH = "MATCH (a {{id: $id}})-[:USES|DEPENDS_ON*{}]->(b) RETURN {}"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("", "no statement"),
        ("// nothing", "no statement"),
        ("CREATE (n:Run)", "doesn't begin with CREATE"),
        ("copy (MATCH (n) RETURN n) TO '/tmp/x'", "doesn't begin with copy"),
        ("LOAD FROM '/etc/passwd' RETURN *", "doesn't begin with LOAD"),
        ("MATCH (n) SET n.x = 1", "SET at line 1, column 11"),
        ("MATCH (n)\n  DETACH DELETE n", "DETACH at line 2, column 3"),
        ("MATCH (n) /* RETURN */ delete n", "DELETE at line 1"),
        ("MERGE (n:Run {id: 'x'})", "doesn't begin with MERGE"),
        ("RETURN 1; MATCH (n) RETURN n", "one statement at a time"),
        ("RETURN 1 UNION LOAD CSV FROM 'x' AS y RETURN y", "LOAD at line 1"),
        ("MATCH (n) REMOVE n.x", "REMOVE"),
    ],
)
def test_what_would_write_is_refused_and_the_place_shown(statement: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("(", r"\(")) as refused:
        check_reading(statement)
    assert refused.value.hint


@pytest.mark.parametrize(
    "statement",
    [
        "MATCH (n) WHERE n.name = 'CREATE; SET' RETURN n.set, n.`DELETE`",
        "// CREATE\nMATCH (n:Load) RETURN n /* SET */;",
        "MATCH (n {set: 1}) RETURN $create AS drop",
        'RETURN "it\'s; DELETE"',
        "with 1 AS x return x",
    ],
)
def test_names_and_texts_that_read_like_writing_are_no_writing(statement: str) -> None:
    check_reading(statement)


@pytest.mark.parametrize("bounds", ["", "1..", ".."])
@pytest.mark.parametrize(
    "projection", ["DISTINCT b.id", "count(DISTINCT b)", "a.id, collect(DISTINCT b.id) AS all"]
)
def test_where_only_ends_can_be_seen_it_is_breadth_first(bounds: str, projection: str) -> None:
    assert "* SHORTEST " in breadth_first(REACH.format(bounds, projection))


@pytest.mark.parametrize(
    "statement",
    [
        REACH.format("..5", "DISTINCT b.id"),
        "MATCH (a)<-[:USES|DEPENDS_ON*]-(b) WITH DISTINCT b MATCH (b)-->(c) RETURN count(*)",
        "MATCH (b) WHERE EXISTS { MATCH (b)-[:USES*]->(a {id: 'x'}) } RETURN b.id",
        "MATCH (a)-[*]->(b) WHERE b.name STARTS WITH 'x' RETURN DISTINCT b",
        "match (a)-[:X*]->(b) return distinct b",
    ],
)
def test_so_are_these(statement: str) -> None:
    assert " SHORTEST " in breadth_first(statement)


@pytest.mark.parametrize(
    "statement",
    [
        REACH.format("", "b.id"),
        REACH.format("", "count(*)"),
        REACH.format("", "count(DISTINCT b), count(*)"),
        REACH.format("2..", "DISTINCT b.id"),
        REACH.format("3", "DISTINCT b.id"),
        "MATCH p = (a)-[:USES*]->(b) RETURN DISTINCT length(p)",
        "MATCH (a)-[r:USES*]->(b) RETURN DISTINCT r",
        "MATCH (a)-[:USES* SHORTEST 1..3]->(b) RETURN DISTINCT b",
        "MATCH (a) RETURN COUNT { MATCH (a)-[:USES*]->(b) } AS n",
        "RETURN DISTINCT 2 * 3, 'MATCH (a)-[:X*]->(b)'",
    ],
)
def test_where_more_can_be_seen_nothing_is_changed(statement: str) -> None:
    assert breadth_first(statement) == statement


def test_columns_are_named_as_written() -> None:
    statement = "MATCH (n) RETURN DISTINCT n.id, count( * ) AS `how many`, f(a, [b, c]) ORDER BY x"
    assert column_names(statement) == ["n.id", "how many", "f(a, [b, c])"]
    assert column_names("MATCH (n) RETURN *") is None


def test_parameters_in_conditions_on_lists_are_written_out() -> None:
    statement = "MATCH (u) WHERE any(p IN u.l WHERE p = ($a + 'x')) AND u.n = $a RETURN '$a'"
    assert inlined(statement, {"a": "it's"}) == statement.replace("($a", "('it\\'s'")


def test_values_are_written_so_that_they_stay_values() -> None:
    assert literal(["a'b\\", 1, 2.5, True, None]) == "['a\\'b\\\\', 1, 2.5, true, NULL]"
