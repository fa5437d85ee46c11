"""One suite over every format and answer, and what JSON, CSV and the schemas promise."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from provgraph.errors import UsageError
from provgraph.model.answers import Log, to_json
from provgraph.model.validation import RECORD
from provgraph.render import FORMATS, Style, render
from provgraph.render.as_csv import COLUMNS, cell
from provgraph.render.schemas import ANSWERS, documents, main
from tests.unit.render import samples

ROOT = Path(__file__).parents[3]
SAMPLES = samples.answers()
SCHEMAS = {cls: json.loads(documents()[f"{name}.json"]) for name, cls in ANSWERS.items()}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_writes_every_answer(format: str, name: str) -> None:
    text = render(SAMPLES[name], format=format)
    assert text.endswith("\n")
    assert text == render(SAMPLES[name], format=format)
    text.encode("utf-8")
    assert not {c for c in text if ord(c) < 32 and c not in "\r\n"}
    assert "\u202e" not in text
    assert "\x9b" not in text


@pytest.mark.parametrize("format", ["json", "csv"])
@pytest.mark.parametrize("name", SAMPLES)
def test_data_does_not_depend_on_the_terminal(format: str, name: str) -> None:
    style = Style(width=20, colour=True, unicode=False, limit=1)
    assert render(SAMPLES[name], format=format, style=style) == render(SAMPLES[name], format=format)


def test_an_unknown_format_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        render(samples.impact(), format="yaml")
    assert "text, json, csv" in caught.value.hint


@pytest.mark.parametrize("name", SAMPLES)
def test_json_is_the_answer_and_fits_its_schema(name: str) -> None:
    answer = SAMPLES[name]
    document = json.loads(render(answer, format="json"))
    assert document == json.loads(json.dumps(to_json(answer)))
    assert next(iter(document)) == "schema"
    jsonschema.Draft202012Validator(SCHEMAS[type(answer)]).validate(document)


def test_json_has_an_entry_a_line() -> None:
    lines = render(samples.impact(), format="json").splitlines()
    assert sum(line.startswith('  {"id": ') for line in lines) == 5


def test_json_numbers_that_are_none_become_strings() -> None:
    metrics = {"loss": float("nan"), "best": float("-inf"), "seed": 2**60, "ok": True, "n": 3}
    answer = replace(samples.log(), runs=(replace(samples.log().runs[0], metrics=metrics),))
    document = json.loads(render(answer, format="json"), parse_constant=pytest.fail)
    assert document["runs"][0]["metrics"] == {
        "loss": "nan",
        "best": "-inf",
        "seed": str(2**60),
        "ok": True,
        "n": 3,
    }


def test_a_lone_surrogate_survives_json() -> None:
    answer = replace(samples.shown(), notes=("a\udcffb",))
    text = render(answer, format="json")
    assert json.loads(text.encode("utf-8"))["notes"] == ["a\udcffb"]


@pytest.mark.parametrize("name", SAMPLES)
def test_csv_is_one_rectangular_table(name: str) -> None:
    answer = SAMPLES[name]
    text = render(answer, format="csv")
    assert text.count("\r\n") == text.count("\n")
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert tuple(rows[0][: len(COLUMNS[type(answer)])]) == COLUMNS[type(answer)]
    assert {len(row) for row in rows} == {len(rows[0])}


def test_csv_keeps_every_hit_and_gap() -> None:
    answer = samples.impact_mixed()
    rows = list(csv.DictReader(io.StringIO(render(answer, format="csv"), newline="")))
    assert [row["name"] for row in rows if row["row"] == "affected"] == [
        hit.name for hit in answer.affected
    ]
    assert [row["kind"] for row in rows if row["row"] == "gap"] == [g.reason for g in answer.gaps]


def test_csv_gives_each_metric_a_column() -> None:
    rows = list(csv.DictReader(io.StringIO(render(samples.log(), format="csv"), newline="")))
    assert rows[0]["metric:accuracy"] == "0.9783132530120482"
    assert rows[1]["metric:accuracy"] == ""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\\tx"),
        ("plain", "plain"),
        (-3, "-3"),
        (0.5, "0.5"),
        (None, ""),
        (float("nan"), "nan"),
        ("a\\b", "a\\b"),
    ],
)
def test_cells_are_no_formulas(value: object, expected: str) -> None:
    assert cell(value) == expected


@pytest.mark.parametrize("name", documents())
def test_schemas_are_written_from_the_classes(name: str) -> None:
    stored = (ROOT / "schemas" / name).read_text(encoding="utf-8")
    assert stored == documents()[name], "python -m provgraph.render.schemas --write schemas"
    jsonschema.Draft202012Validator.check_schema(json.loads(stored))


def test_schemas_can_be_written_again(tmp_path: Path) -> None:
    assert main(["--write", str(tmp_path / "new")]) == 0
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(documents())


def test_a_schema_refuses_what_it_does_not_know() -> None:
    schema = jsonschema.Draft202012Validator(SCHEMAS[Log])
    document = to_json(samples.log())
    assert schema.is_valid(document)
    assert not schema.is_valid(document | {"extra": 1})
    assert not schema.is_valid({key: value for key, value in document.items() if key != "runs"})


def test_the_record_schema_takes_what_the_ledger_writes() -> None:
    schema = jsonschema.Draft202012Validator(json.loads(documents()["record.json"]))
    pin = {
        "schema": "provgraph/record/1",
        "type": "pin",
        "project": "p",
        "at": "2026-10-31T14:02:11Z",
        "name": "figure.png",
        "digest": "b3:00",
        "as": "published",
    }
    RECORD.validate_python(pin)
    schema.validate(pin)
    assert not schema.is_valid(pin | {"type": "other"})
