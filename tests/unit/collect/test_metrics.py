"""Metrics: the numbers people look for, and not the data."""

import json

import pytest

from provgraph.collect.metrics import find_metrics


def found(path: str, text: str) -> dict[str, object]:
    metrics = find_metrics(path, text.encode(), source=path)
    assert all(metric.source == path for metric in metrics)
    return {metric.name: metric.value for metric in metrics}


def test_json_numbers_by_dotted_name() -> None:
    text = '{"auc": 0.93, "test": {"f1": 1, "a.b": 2}, "ok": true, "name": "x", "none": null}'
    assert found("m.json", text) == {"auc": 0.93, "test.f1": 1, 'test."a.b"': 2}


def test_yaml_numbers() -> None:
    assert found("m.yaml", "auc: .5\ndeep: {n: 3}\n") == {"auc": 0.5, "deep.n": 3}


def test_odd_numbers_are_kept_as_text() -> None:
    text = f'{{"a": NaN, "b": -Infinity, "c": {2**60}, "d": {2**53}}}'
    assert found("m.json", text) == {"a": "nan", "b": "-inf", "c": str(2**60), "d": 2**53}
    assert found("t.csv", "k,v\nx,nan\ny,inf\nz,1e999\n") == {
        "x.v": "nan",
        "y.v": "inf",
        "z.v": "inf",
    }


def test_a_list_of_rows_is_results_a_list_of_numbers_is_data() -> None:
    assert found("m.json", '{"folds": [{"auc": 1}, {"auc": 2}], "loss": [1, 2, 3]}') == {
        "folds.0.auc": 1,
        "folds.1.auc": 2,
    }
    assert found("m.json", "[1, 2]") == {}
    assert found("m.json", "7") == {}


def test_tables() -> None:
    assert found("t.csv", "auc,f1\n0.9,0.8\n") == {"auc": 0.9, "f1": 0.8}
    assert found("t.csv", "model,auc,n\nrf,0.9,10\nsvm,0.8,\n") == {
        "rf.auc": 0.9,
        "rf.n": 10,
        "svm.auc": 0.8,
    }
    assert found("t.csv", "version,auc\n1,0.9\n2,0.8\n") == {"1.auc": 0.9, "2.auc": 0.8}
    assert found("t.tsv", "metric\tvalue\nauc\t.5\n") == {"auc.value": 0.5}
    assert found("t.csv", "\ufeffa\r\n1\r\n") == {"a": 1}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("t.csv", "a,b\n1,2\n1,3\n"),
        ("t.csv", "1,2\n3,4\n"),
        ("t.csv", "a,b\n1\n"),
        ("t.csv", "a,b\n"),
        ("t.csv", "a,b\n" + "".join(f"x{n},{n}\n" for n in range(100))),
        ("m.json", json.dumps({f"k{n}": n for n in range(201)})),
        ("m.json", '{"a": ' + "1" * 5000 + "}"),
        ("m.json", '{"a": 1, "a": 2}'),
        ("m.json", "{"),
        ("m.json", "[" * 100_000),
        ("m.txt", '{"a": 1}'),
        ("m.json", '{"a": 1, "pad": "' + "x" * 300_000 + '"}'),
    ],
)
def test_what_is_no_summary_gives_none(path: str, text: str) -> None:
    assert found(path, text) == {}


def test_bytes_that_are_no_text_give_none() -> None:
    assert find_metrics("m.csv", b"\xff\xfe\x00") == ()
    assert find_metrics("m.csv", b'"\0') == ()
