from __future__ import annotations

import json
import math
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.model.digests import content_digest
from provgraph.model.records import (
    EraseRecord,
    Gap,
    Git,
    ImportRecord,
    Metric,
    NoteRecord,
    PinRecord,
    Product,
    Recorded,
    RunRecord,
    SealRecord,
    Step,
    Tracing,
    Use,
    document_of,
    json_number,
    to_bytes,
)
from provgraph.model.validation import RECORD
from provgraph.model.wire import read_plainly, read_run

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MAPS = st.dictionaries(TEXT, TEXT, max_size=3)
SIZES = st.none() | st.integers(min_value=0, max_value=2**53)
NUMBERS = st.integers() | st.floats() | TEXT
SECONDS = st.floats(min_value=0, max_value=1e9)
EVIDENCE = st.sampled_from(["observed", "declared", "inferred"])


def tuples(of: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=3).map(tuple)


USES = st.builds(
    Use, name=TEXT, digest=TEXT, maker=st.none() | TEXT, maker_step=st.none() | TEXT, role=TEXT,
    evidence=EVIDENCE, touched=MAPS, size=SIZES, writers=tuples(TEXT), kind=st.none() | TEXT,
    kept=st.none() | TEXT,
)  # fmt: skip
PRODUCTS = st.builds(
    Product, name=TEXT, digest=TEXT, role=TEXT, mode=st.sampled_from(["write", "append"]),
    evidence=EVIDENCE, size=SIZES, parts=MAPS, kind=st.none() | TEXT,
)  # fmt: skip
COMMON: dict[str, st.SearchStrategy[Any]] = {"project": TEXT, "at": TEXT, "private": MAPS}
RUNS = st.builds(
    RunRecord, **COMMON, run=TEXT,
    step=st.builds(Step, key=TEXT, label=TEXT, named=st.booleans()),
    status=st.sampled_from(["ok", "failed", "interrupted"]),
    exit=st.none() | st.integers(-64, 255), started=TEXT, ended=TEXT, seconds=SECONDS,
    cpu_seconds=st.none() | SECONDS, peak_memory=SIZES, params=MAPS, uses=tuples(USES),
    produces=tuples(PRODUCTS), removed=tuples(TEXT), environment=st.none() | TEXT,
    hardware=st.none() | TEXT,
    git=st.none() | st.builds(Git, commit=st.none() | TEXT, dirty=st.booleans()),
    tracing=st.builds(Tracing, method=TEXT, complete=st.booleans(), processes=st.integers(0, 99)),
    gaps=tuples(st.builds(Gap, reason=TEXT, subject=TEXT)),
    metrics=tuples(st.builds(Metric, name=TEXT, value=NUMBERS, source=st.none() | TEXT)),
)  # fmt: skip
RECORDS = st.one_of(
    RUNS,
    st.builds(NoteRecord, **COMMON, subject=TEXT),
    st.builds(PinRecord, **COMMON, name=TEXT, digest=TEXT, as_=TEXT),
    st.builds(SealRecord, **COMMON, root=TEXT, count=st.integers(0, 99), names=st.none() | TEXT),
    st.builds(EraseRecord, **COMMON, objects=tuples(TEXT), reason=TEXT),
    st.builds(
        ImportRecord, **COMMON, object=TEXT, format=TEXT, nodes=st.integers(0, 9),
        edges=st.integers(0, 9), label=TEXT,
    ),
)  # fmt: skip


@given(RECORDS)
def test_a_record_comes_back_as_it_was_written(record: Recorded) -> None:
    data = to_bytes(record)
    again = RECORD.validate_json(data)
    assert again == record
    assert read_plainly(data) == record
    assert not isinstance(record, RunRecord) or read_run(data) == record
    assert to_bytes(again) == data
    assert data.endswith(b"\n")
    assert data.startswith(b'{"schema":"provgraph/record/1","type":"')
    json.loads(data, parse_constant=lambda text: pytest.fail(f"{text} isn't JSON"))


def a_run(**fields: Any) -> RunRecord:
    given: dict[str, Any] = {
        "project": "p", "at": "2026-01-02T03:04:05Z", "run": "01J",
        "step": Step(key="train", label="train.py"), "status": "ok",
        "started": "2026-01-02T03:04:00Z", "ended": "2026-01-02T03:04:05Z",
        "tracing": Tracing(method="hooks", complete=True),
    }  # fmt: skip
    return RunRecord(**(given | fields))


def test_the_bytes_of_a_record_stay_what_they_were() -> None:
    record = a_run(uses=(Use(name="é\n", digest="absent", touched={"#bytes": "absent"}),), exit=0)
    assert to_bytes(record).decode() == (
        '{"schema":"provgraph/record/1","type":"run","project":"p","at":"2026-01-02T03:04:05Z'
        '","run":"01J","step":{"key":"train","label":"train.py"},"status":"ok","exit":0,"star'
        'ted":"2026-01-02T03:04:00Z","ended":"2026-01-02T03:04:05Z","uses":[{"name":"é\\n","di'
        'gest":"absent","touched":{"#bytes":"absent"}}],"tracing":{"method":"hooks","complete'
        '":true}}\n'
    )
    assert content_digest(to_bytes(record)) == (
        "b3:79385ffaa28a44f8266f9aeaf4917c80802faf2fe51b81dd6329def566c52080"
    )


def test_the_way_of_a_run_stays_what_it_was() -> None:
    read = Use(name="a.csv", digest="b3:1", maker="01H", maker_step="prepare")
    assert a_run().way() == "05ebd3362f843f79c006931065ec558c"
    assert a_run(uses=(read,), params={"lr": "v:1"}).way() == "d3139bab1683f4ca81739d6c5608bc5a"


def test_what_makes_a_way_and_what_does_not() -> None:
    made = Use(name="a.csv", digest="b3:1", maker="01H", maker_step="prepare")
    way = a_run(uses=(made,)).way()
    assert way == a_run(uses=(replace(made, digest="b3:2", maker="01X"),)).way()
    assert way == a_run(uses=(made, Use(name="source.csv", digest="b3:9"))).way()
    assert way != a_run(uses=(replace(made, maker_step="other"),)).way()
    assert way != a_run(uses=(made,), params={"lr": "v:1"}).way()
    assert way != a_run(uses=(made,), step=Step(key="fit", label="train.py")).way()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (2**53, 2**53),
        (2**53 + 1, str(2**53 + 1)),
        (-(2**70), str(-(2**70))),
        (0.1, 0.1),
        (True, 1),
        ("0.1", "0.1"),
    ],
)
def test_numbers_that_json_readers_disagree_on_are_strings(value: object, written: object) -> None:
    assert json_number(value) == written
    assert type(json_number(value)) is type(written)


def test_nothing_unknown_slips_in_and_nothing_is_changed_later() -> None:
    with pytest.raises(TypeError):
        Use(name="x", digest="absent", colour="red")  # type: ignore[call-arg]
    use = Use(name="x", digest="absent")
    with pytest.raises(FrozenInstanceError):
        use.name = "y"  # type: ignore[misc]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)


@given(RECORDS, st.data())
def test_what_is_read_plainly_is_valid(record: Recorded, data: st.DataObject) -> None:
    document = json.loads(to_bytes(record)) | {"metrics": [{"name": "m", "value": 1}]}
    holders = [document, *(one for one in document.values() if isinstance(one, dict))]
    holders += [one for many in document.values() if isinstance(many, list) for one in many]
    holder = data.draw(st.sampled_from([one for one in holders if isinstance(one, dict) and one]))
    key = data.draw(st.sampled_from([*holder, "type", "colour", "size", "exit"]))
    holder[key] = data.draw(JSON)
    written = json.dumps(document).encode()
    plainly = read_plainly(written)
    if plainly is not None:
        assert RECORD.validate_json(written) == plainly


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "{}", '{"type":[]}', '{"type":"run"}', '{"type":"other"}', "\xff",
        "[" * 9999,
        '{"type":"note","project":"p","at":"x","subject":"\\ud800"}',
        '{"type":"note","project":"p","at":"x","subject":"x","colour":"red"}',
        '{"schema":"provgraph/record/2","type":"note","project":"p","at":"x","subject":"x"}',
        '{"type":"seal","project":"p","at":"x","root":"x","count":NaN}',
        '{"type":"seal","project":"p","at":"x","root":"x","count":true}',
    ],
)  # fmt: skip
def test_what_is_not_exactly_a_record_is_left_to_pydantic(text: str) -> None:
    assert read_plainly(text.encode("latin-1")) is None


def test_a_document_holds_every_field_under_its_name_in_json() -> None:
    pin = PinRecord(project="p", at="x", name="n", digest="b3:1")
    assert document_of(pin) == {
        "schema": "provgraph/record/1", "project": "p", "at": "x", "private": {}, "type": "pin",
        "name": "n", "digest": "b3:1", "as": "pinned",
    }  # fmt: skip
    assert document_of(a_run(gaps=(Gap(reason="r"),)))["gaps"] == [{"reason": "r", "subject": ""}]
