"""Bulk lines: what is taken, what is refused and how it is named; schema and code agree."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provgraph.errors import ImportLineError
from provgraph.graph import LocalGraph
from provgraph.graph.lines import TYPES
from provgraph.interchange import jsonl
from provgraph.interchange.jsonl import BadLine, ImportSummary, existing_in, read_lines, validate
from tests.contract.stores.making import add, load, node, product, run

SCHEMA = json.loads(Path("schemas/graph-line.json").read_text(encoding="utf-8"))
NODE = '{"node":{"kind":"Dataset","name":"x"},"ref":"1"}'
RUN = '{"node":{"kind":"Run","name":"r"},"ref":"r"}'


def nested(depth: int) -> str:
    return (
        '{"node":{"kind":"Dataset","name":"x","props":' + '{"a":' * depth + "1" + "}" * depth + "}}"
    )


def check(*lines: str | bytes, skip_bad: bool = False) -> tuple[ImportSummary, list[bytes]]:
    spool = io.BytesIO()
    raw = [line.encode() if isinstance(line, str) else line for line in lines]
    summary = validate((line + b"\n" for line in raw), spool.write, skip_bad=skip_bad)
    return summary, spool.getvalue().splitlines()


def edge(kind: str, start: str, end: str, props: str = "") -> str:
    more = f',"props":{props}' if props else ""
    return f'{{"edge":{{"type":"{kind}","from":"{start}","to":"{end}"{more}}}}}'


def test_sound_lines_are_written_in_canonical_form() -> None:
    summary, lines = check(
        "\ufeff" + edge("USES", "run", "x"),
        "",
        "   ",
        ' { "ref" : "x", "node" : {"name":"d/ü.csv", "kind":"Dataset", "digest":"b3:1"} } ',
        '{"node":{"kind":"Run","name":"r","props":{"a":[1,{"b":9007199254740993}],"c":null}},"ref":"run"}',
        edge("PRODUCES", "run", "y", '{"role":"model"}'),
        '{"node":{"kind":"Result","name":"y"},"ref":"y"}',
        '{"node":{"kind":"Result","name":"alone"}}',
    )
    assert lines == [
        '{"node":{"kind":"Dataset","name":"d/ü.csv","digest":"b3:1"},"ref":"0"}'.encode(),
        b'{"node":{"kind":"Run","name":"r","props":{"a":[1,{"b":"9007199254740993"}],"c":null}},"ref":"1"}',
        b'{"node":{"kind":"Result","name":"y"},"ref":"2"}',
        b'{"node":{"kind":"Result","name":"alone"},"ref":"3"}',
        b'{"edge":{"type":"USES","from":"1","to":"0"}}',
        b'{"edge":{"type":"PRODUCES","from":"1","to":"2","props":{"role":"model"}}}',
    ]
    assert summary == ImportSummary(nodes=4, edges=2, bad=(), left_out=0, lines=8)


def test_canonical_lines_are_their_own_canonical_form() -> None:
    _, lines = check(NODE, RUN, edge("USES", "r", "1"), edge("DEPENDS_ON", "r", "1", '{"how":"h"}'))
    assert check(*lines)[1] == lines


def test_equal_nodes_are_one() -> None:
    summary, lines = check(
        NODE,
        '{"node":{"kind":"Dataset","name":"x"},"ref":"2"}',
        '{"node":{"kind":"Model","name":"x"},"ref":"3"}',
        '{"node":{"kind":"Run","name":"x"},"ref":"4"}',
        '{"node":{"kind":"Dataset","name":"x","digest":"d"},"ref":"5"}',
        edge("USES", "4", "3"),
    )
    assert summary.nodes == 3
    assert [json.loads(line).get("ref") for line in lines] == ["0", "0", "1", "2", None]
    assert json.loads(lines[-1])["edge"]["to"] == "0"


def test_a_cycle_of_dependencies_is_fine() -> None:
    other = NODE.replace('"x"', '"y"').replace('"1"', '"2"')
    assert (
        check(NODE, other, edge("DEPENDS_ON", "1", "2"), edge("DEPENDS_ON", "2", "1"))[0].edges == 2
    )


REFUSED_BY_SCHEMA = {
    "not an object": "[]",
    "neither": "{}",
    "neither, too": '{"nodes":{}}',
    "one key `edge`": '{"edge":{"type":"USES","from":"r","to":"1"},"ref":"1"}',
    "keys `node` and `ref`": '{"node":{"kind":"Dataset","name":"x"},"id":"1"}',
    "`node` is not an object": '{"node":"x"}',
    "`edge` is not an object": '{"edge":[]}',
    "unknown key in `node`": '{"node":{"kind":"Dataset","name":"x","extra":1}}',
    "unknown key in `edge`": '{"edge":{"type":"USES","from":"r","to":"1","x":1}}',
    "`kind`": '{"node":{"name":"x"}}',
    "`kind` is a word": '{"node":{"kind":"a`b","name":"x"}}',
    "`kind` is a word of": '{"node":{"kind":7,"name":"x"}}',
    "`name`": '{"node":{"kind":"Dataset"}}',
    "`name` is": '{"node":{"kind":"Dataset","name":""}}',
    "`name` is a": '{"node":{"kind":"Dataset","name":["x"]}}',
    "`digest`": '{"node":{"kind":"Dataset","name":"x","digest":""}}',
    "`digest` is": '{"node":{"kind":"Dataset","name":"x","digest":null}}',
    "`ref`": '{"node":{"kind":"Dataset","name":"x"},"ref":1}',
    "`ref` is": '{"node":{"kind":"Dataset","name":"x"},"ref":""}',
    "`props`": '{"node":{"kind":"Dataset","name":"x","props":[1]}}',
    "`props` is": '{"edge":{"type":"USES","from":"r","to":"1","props":null}}',
    "`type`": '{"edge":{"type":"WROTE","from":"r","to":"1"}}',
    "`type` is": '{"edge":{"from":"r","to":"1"}}',
    "`from` and `to`": '{"edge":{"type":"USES","from":7,"to":"1"}}',
    "`from` and `to` are": '{"edge":{"type":"USES","from":"r"}}',
}

REFUSED_BY_CODE = {
    "not JSON": "{",
    "not JSON: ": "hello",
    "more than one value": NODE + NODE,
    "NaN is not JSON": '{"node":{"kind":"Dataset","name":"x","props":{"v":NaN}}}',
    "-Infinity is not JSON": '{"node":{"kind":"Dataset","name":"x","props":{"v":-Infinity}}}',
    "too large": '{"node":{"kind":"Dataset","name":"x","props":{"v":1e999}}}',
    "not usable": '{"node":{"kind":"Dataset","name":"x","props":{"v":' + "9" * 5000 + "}}}",
    "nested deeper": nested(100),
    "nested too deeply": nested(100_000),
    "surrogate": '{"node":{"kind":"Dataset","name":"\\ud800"}}',
    "half a surrogate": '{"edge":{"type":"USES","from":"r","to":"1","props":{"a":"\\ud800"}}}',
    "without NUL": '{"node":{"kind":"Dataset","name":"a\\u0000b"}}',
    "not UTF-8 at byte 11": b'{"node":{"\xff\xfe',
    "was given before": NODE,
    'no node has the ref or id "9"': edge("USES", "r", "9"),
    'no node has the ref or id "gen:': edge("DEPENDS_ON", "1", "gen:" + "0" * 32),
    'no node has the ref or id "\\\\udc80': edge("USES", "r", "\\udc80"),
    "to itself": edge("DEPENDS_ON", "1", "1"),
    "USES edge begins at a Run": edge("USES", "1", "r"),
    "PRODUCES edge begins at a Run": edge("PRODUCES", "1", "r"),
    "ends at an artefact": edge("PRODUCES", "r", "r2"),
    "`evidence` is one of": edge("USES", "r", "1", '{"evidence":"guessed"}'),
    "`role` is a text": edge("USES", "r", "1", '{"role":1}'),
    "`touched` maps": edge("USES", "r", "1", '{"touched":{"a":1}}'),
}


@pytest.mark.parametrize(("reason", "line"), (REFUSED_BY_SCHEMA | REFUSED_BY_CODE).items())
def test_a_bad_line_is_named_with_its_number(reason: str, line: str | bytes) -> None:
    second_run = '{"node":{"kind":"Run","name":"r2"},"ref":"r2"}'
    lines = [NODE, RUN, second_run, line, edge("USES", "r", "1")]
    words = reason.partition(",")[0]
    with pytest.raises(ImportLineError, match="line 4: ") as caught:
        check(*lines)
    assert words in caught.value.message
    assert caught.value.line == 4
    assert "--skip-bad" in caught.value.hint
    summary, kept = check(*lines, skip_bad=True)
    assert (summary.nodes, summary.edges, summary.left_out) == (3, 1, 1)
    assert summary.bad == (BadLine(4, caught.value.message.removeprefix("line 4: ")),)
    assert kept == check(NODE, RUN, second_run, lines[-1])[1]


def test_schema_and_code_refuse_the_same() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for reason, line in REFUSED_BY_SCHEMA.items():
        assert not validator.is_valid(json.loads(line)), reason
    for line in (NODE, RUN, edge("USES", "r", "1"), edge("DEPENDS_ON", "a", "b", '{"x":[1]}')):
        assert validator.is_valid(json.loads(line)), line


def test_schema_and_code_name_the_same_keys() -> None:
    shapes = {shape["title"]: shape["properties"] for shape in SCHEMA["oneOf"]}
    node_, edge_ = shapes["Node"]["node"], shapes["Edge"]["edge"]
    assert set(node_["properties"]) == jsonl.NODE_KEYS
    assert set(edge_["properties"]) == jsonl.EDGE_KEYS
    assert tuple(edge_["properties"]["type"]["enum"]) == TYPES
    assert node_["properties"]["kind"]["pattern"] == f"^{jsonl.KIND.pattern}$"


def test_a_line_that_is_far_too_long_is_not_read_into_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 1000)
    file = io.BytesIO(NODE.encode() + b"\n" + b"x" * 5000 + b"\n" + RUN.encode() + b"\n")
    lines = list(read_lines(file))
    assert [len(line) for line in lines] == [len(NODE) + 1, 1001, len(RUN) + 1]
    summary = validate(lines, lambda _: None, skip_bad=True)
    assert [bad.number for bad in summary.bad] == [2]
    assert "longer than" in summary.bad[0].reason


def test_bad_lines_are_counted_beyond_those_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MOST_LISTED", 3)
    summary, lines = check(*["{"] * 50, skip_bad=True)
    assert (summary.left_out, lines) == (50, [])
    assert [bad.number for bad in summary.bad] == [1, 2, 3]


def test_progress_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "EVERY", 2)
    told: list[tuple[int, int]] = []
    line = b'{"node":{"kind":"Dataset","name":"x"}}\n'
    validate([line] * 5, lambda _: None, progress=lambda *now: told.append(now))
    assert told == [(2, 2 * len(line)), (4, 4 * len(line)), (5, 5 * len(line))]


def test_nothing_at_all_is_an_empty_import() -> None:
    assert check() == (ImportSummary(nodes=0, edges=0, bad=(), left_out=0, lines=0), [])


@pytest.mark.parametrize("cut", [-1, None])
def test_an_end_may_be_what_a_store_holds(cut: int | None) -> None:
    store = LocalGraph(":memory:")
    add(store, run(1, "a", [], [product("y", "1")]))
    load(store, "i", node("Run", "old", "1"))
    (y,) = store.at_names(["y"])
    exists = existing_in(store)
    old = store.by_id("run:")
    ids = [y.id, "01R0001", store.vertices(old)[0].id]
    assert set(exists([*ids, "01R", "gen:", "zz"])) == set(ids)
    lines: list[Any] = [
        edge("PRODUCES", "01R0001", "1"),
        edge("DEPENDS_ON", "1", y.id[:cut]),
        edge("PRODUCES", ids[2], "1"),
        NODE,
    ]
    read: Callable[[], ImportSummary] = lambda: validate(  # noqa: E731
        (line.encode() for line in lines), lambda _: None, exists=exists
    )
    if cut is None:
        assert read().edges == 3
    else:
        with pytest.raises(ImportLineError, match="line 2: no node has"):
            read()
    store.close()
