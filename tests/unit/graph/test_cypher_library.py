"""The folder `cypher/`: what heads say is what statements take, and each file is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from provgraph.errors import UsageError
from provgraph.graph.library import Entry, entry_of, questions, read_entry
from provgraph.graph.questioning import parameters_of, question, read_params
from provgraph.resources import resource_folder

FOLDER = resource_folder("cypher")
FILES = sorted(FOLDER.rglob("*.cypher"))
SOURCE = Path(__file__).resolve().parents[3] / "provgraph"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_head_declares_what_the_statement_takes(path: Path) -> None:
    entry = read_entry(path)

    assert entry.answers.endswith(".")
    assert {one.name for one in entry.parameters} == set(parameters_of(entry.text))
    assert "Columns:" in entry.text


def test_each_statement_of_the_store_is_sent_by_some_module() -> None:
    source = "".join(path.read_text("utf-8") for path in SOURCE.rglob("*.py"))
    sent = [path.relative_to(FOLDER).with_suffix("") for path in FILES]

    unused = [
        name.as_posix()
        for name in sent
        if name.parts[0] != "read"
        and f'/{name.name}"' not in source
        and f"/{name.name.partition('-')[0]}-{{" not in source
    ]
    assert unused == []


@pytest.mark.parametrize("entry", questions(), ids=lambda entry: entry.name)
def test_a_question_says_where_it_runs_and_what_each_word_means(entry: Entry) -> None:
    assert entry.portable != bool(entry.needs and entry.because)
    assert all(one.meaning for one in entry.parameters)
    assert all(one.meaning for one in entry.columns)
    assert {one.type for one in entry.parameters} <= {"text", "number", "integer", "list of text"}


def test_parameters_are_found_outside_texts_names_and_comments() -> None:
    statement = "MATCH (n:`$a`) // $b\nWHERE n.x = '$c' /* $d */ AND n.y = $e AND n.z = $`f g`"

    assert parameters_of(statement) == ("e", "f g")


def test_a_value_is_what_the_head_says_else_json_where_it_is() -> None:
    entry = entry_of(
        "own", "// Own.\n// Parameters:\n//   v (text, required): a version\nRETURN $v"
    )
    typed = read_params(["v=2"])

    assert question(entry.text, typed, entry=entry).parameters == {"v": "2"}
    assert question("RETURN $v", typed).parameters == {"v": 2}
    assert question("RETURN $v", read_params(['v=`"x'])).parameters == {"v": '`"x'}


@pytest.mark.parametrize(
    ("given", "words"),
    [([], "needs $v"), (["v=1", "w=2"], "no parameter $w"), (["v"], "not a parameter")],
)
def test_parameters_that_do_not_fit_are_said_before_anything_runs(
    given: list[str], words: str
) -> None:
    with pytest.raises(UsageError) as raised:
        question("RETURN $v", read_params(given))
    assert words in raised.value.message
