"""Thousands of files, told with a few: a set of them is one thing to keep, and files to ask about.

What a record says of files that are folded is said of each of them. So whatever is asked, the
answer is that of the same records unfolded: to the letter, in the first test here.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from provgraph.ledger.ledger import Ledger
from provgraph.model.filesets import fold
from provgraph.model.records import RunRecord
from tests.scenario.shell import Project

WRITE = """\
    import os
    os.makedirs("made", exist_ok=True)
    text = open("seed").read()
    for n in range(12):
        open(f"made/{n:02}", "w").write(f"{text} {n}")
    """
READ = """\
    import sys
    place, first, last, out = sys.argv[1:]
    names = [f"{place}/{n:02}" for n in range(int(first), int(last))]
    open(out, "w").write("".join(open(name).read() for name in names))
    """


@pytest.fixture
def many(project: Project) -> Project:
    """Give a project that folds more than four files, with twelve and two scripts."""
    toml = project.read("provgraph.toml").replace("# fold_above = 1000", "fold_above = 4")
    project.write("provgraph.toml", toml)
    assert "\nfold_above = 4" in toml
    for n in range(12):
        project.write(f"data/{n:02}", f"file {n}\n")
    project.write("seed", "seed")
    project.write("write.py", WRITE)
    project.write("read.py", READ)
    return project


def record_of(project: Project, product: str) -> dict[str, list[dict[str, object]]]:
    """Give the newest record of a run that made something, as it is on the disk."""
    found = [json.loads(path.read_bytes()) for path in project.records()]
    runs = [
        one
        for one in found
        if product
        in {*(p["name"] for p in one.get("produces", ())), *_roots(one.get("made_sets", ()))}
    ]
    newest: dict[str, list[dict[str, object]]] = max(runs, key=lambda one: str(one["at"]))
    return newest


def _roots(sets: Iterable[dict[str, str]]) -> set[str]:
    return {one["root"] for one in sets}


def in_ledger(project: Project) -> Ledger:
    id_ = re.search(r'^id = "(.*)"', project.read("provgraph.toml"), re.MULTILINE)
    assert id_ is not None
    return Ledger.open(project.ledger, id_[1])


# -- the same answers -------------------------------------------------------------------------


def folded_copy(story: Project, place: Path) -> Project:
    """Give a copy of a project whose ledger has the same records, with all folded that can be."""
    copy = story.copy_to(place)
    ledger = in_ledger(copy)
    folded = list(_folded(ledger))
    assert sum(len(one.read_sets) + len(one.made_sets) for one in folded) > 9
    for old in copy.records():
        old.unlink()
    for record in folded:
        ledger.append(record)
    return copy


def _folded(ledger: Ledger) -> Iterator[RunRecord]:
    for name in sorted(ledger.names()):
        record = ledger.read(name)
        assert isinstance(record, RunRecord)
        small, manifests = fold(record, above=0)
        for data in manifests.values():
            ledger.put_object(data)
        yield small


def test_whatever_is_asked_the_answer_is_that_of_records_unfolded(
    story: Project, tmp_path: Path
) -> None:
    folded = folded_copy(story, tmp_path / "folded")
    asked = [*_questions(story), *_questions(story, "--format", "json")]

    _compare(folded, story, asked)
    for one in (story, folded):
        one.write("data/v3/a.txt", "changed")
        (one.root / "data/v1/b.txt").unlink(missing_ok=True)
        (one.root / "data/v2/new.txt").write_text("new")
    _compare(folded, story, asked)
    for one in (story, folded):
        shutil.rmtree(one.root / "out/v2")
        one.write("out/v1/model.pkl", "by hand")
    _compare(folded, story, asked)


def _questions(story: Project, *form: str) -> list[tuple[str, ...]]:
    runs = [one["id"] for one in story.runs()]
    files = [path.relative_to(story.root).as_posix() for path in story.root.rglob("*.txt")]
    names = [*sorted(files)[:5], "data/v3", "out/v1/model.pkl", "words.py", "env:python"]
    return [
        ("status", *form),
        ("log", "--limit", "0", *form),
        ("redo", "--dry-run", *form),
        ("diff", runs[0], runs[-1], *form),
        *(("impact", name, *form) for name in names),
        *(("impact", name, "--all", *form) for name in names[-4:]),
        *(("why", name, *form) for name in names[-4:-2]),
        *(("lineage", name, *form) for name in names[-4:-2]),
        *(("show", run, *form) for run in runs[:2]),
    ]


def _compare(one: Project, other: Project, asked: list[tuple[str, ...]]) -> None:
    said, expected = _told(one, asked), _told(other, asked)
    for words in asked:
        assert said[words] == expected[words], words


def _told(project: Project, asked: list[tuple[str, ...]]) -> dict[tuple[str, ...], list[str]]:
    """Give what is said, line by line, without the project's place and its records' names."""
    found = {}
    for words in asked:
        said = project.provgraph(*words, code=None)
        text = (said.text + said.told).replace(str(project.root), "PLACE")
        text = re.sub(r'(record"?:? +"?)[0-9a-f]{64}', r"\1NAME", text)
        found[words] = [str(said.code), *text.splitlines()]
    return found


# -- what is kept -----------------------------------------------------------------------------


def test_many_files_are_one_vertex_and_one_manifest(many: Project) -> None:
    before = len(list((many.ledger / "objects").rglob("*")))
    many.script("read.py", "data", "0", "12", "out")

    record = record_of(many, "out")
    (one,) = record["read_sets"]
    assert (one["root"], one["count"]) == ("data", 12)
    assert not [use for use in record["uses"] if str(use["name"]).startswith("data/")]
    nodes = _exported(many, "nodes")
    assert [node["name"] for node in nodes if str(node.get("name")).startswith("data")] == ["data/"]
    assert len(list((many.ledger / "objects").rglob("*"))) > before
    many.script("read.py", "data", "0", "12", "out2")
    assert record_of(many, "out2")["read_sets"] == [one]
    assert many.provgraph("ledger", "verify").code == 0


def _exported(many: Project, what: str) -> list[dict[str, object]]:
    many.provgraph("graph", "export", "--format", "node-link", "--output", "g.json", "--force")
    found: list[dict[str, object]] = json.loads(many.read("g.json"))[what]
    return found


def test_below_the_threshold_nothing_is_folded(many: Project) -> None:
    many.script("read.py", "data", "0", "4", "out")
    assert "read_sets" not in record_of(many, "out")
    assert many.hit("data/03") == {"out"}


# -- members ----------------------------------------------------------------------------------


def test_an_edit_of_a_member_hits_who_read_it_and_names_it(many: Project) -> None:
    many.script("read.py", "data", "0", "8", "first")
    many.script("read.py", "data", "6", "12", "second")
    many.write("data/07", "edited")

    assert many.status()["stale"] == {"first", "second"}
    many.write("data/07", "file 7\n")
    assert many.fallen() == {}
    assert many.hit("data/07") == {"first", "second"}
    assert many.hit("data/05") == {"first"}
    assert many.hit("data/09") == {"second"}
    assert "data/09" in many.ask("impact", "data/09")["affected"][0]["words"]
    assert many.hit("data") == {"first", "second"}


def test_a_file_below_the_folder_that_was_not_read_hits_nothing(many: Project) -> None:
    many.script("read.py", "data", "0", "8", "out")
    many.write("data/11", "edited")
    many.write("data/99", "new")

    assert many.fallen() == {}
    assert many.hit("data/11") == many.hit("data/99") == set()


def test_a_file_more_in_a_folder_that_was_listed_is_a_change(many: Project) -> None:
    many.write("all.py", "import os\nfor n in os.listdir('data'): open('data/' + n).read()\n")
    many.write("all.py", many.read("all.py") + "open('out', 'w').write('x')\n")
    many.script("all.py")
    assert len(record_of(many, "out")["read_sets"]) == 1
    many.write("data/99", "new")
    assert many.fallen() == {"stale": {"out"}}
    (many.root / "data/99").unlink()
    assert many.fallen() == {}


def test_a_deleted_member_and_its_return(many: Project) -> None:
    many.script("read.py", "data", "0", "12", "out")
    (many.root / "data/03").unlink()

    assert many.status()["stale"] == {"out"}
    assert many.hit("data/03") == {"out"} or many.status()["stale"] == {"out"}
    many.write("data/03", "something else")
    assert many.status()["stale"] == {"out"}
    many.write("data/03", "file 3\n")
    assert many.fallen() == {}


# -- chains -----------------------------------------------------------------------------------


def test_files_that_a_run_wrote_keep_their_chain_though_only_some_are_read(many: Project) -> None:
    many.script("write.py")
    many.script("read.py", "made", "2", "9", "some")
    many.script("read.py", "made", "0", "12", "all")
    many.script("read.py", "made", "5", "6", "one")
    assert len(record_of(many, "made")["made_sets"]) == 1
    assert record_of(many, "some")["read_sets"][0]["count"] == 7

    assert many.hit("seed") >= {"some", "all", "one", "made/00"}
    assert many.hit("made/03") == {"some", "all"}
    assert many.hit("made/05") == {"some", "all", "one"}
    assert many.hit("made/10") == {"all"}
    many.write("seed", "another")
    stale = many.status()["stale"]
    assert stale == {"some", "all", "one", *(f"made/{n:02}" for n in range(12))}
    assert any(edge.get("how") == "overlap" for edge in _exported(many, "edges"))


def test_a_redo_ends_where_the_files_come_out_the_same(many: Project) -> None:
    many.script("write.py")
    many.script("read.py", "made", "0", "12", "out")
    many.write("write.py", WRITE.replace("text = open", "text = '' + open"))
    assert many.status()["stale"] == {"out", *(f"made/{n:02}" for n in range(12))}

    many.provgraph("redo")
    assert many.fallen() == {}
    assert sorted(run["step"] for run in many.runs()) == ["read.py", "write.py", "write.py"]


def test_a_deleted_product_of_a_set_is_made_again(many: Project) -> None:
    many.script("write.py")
    many.script("read.py", "made", "0", "12", "out")
    (many.root / "made/04").unlink()
    assert many.fallen() == {"missing": {"made/04"}}
    many.provgraph("redo")
    assert many.fallen() == {}
    assert many.read("made/04") == "seed 4"


def test_a_file_of_a_set_that_another_step_writes_over(many: Project) -> None:
    many.script("write.py")
    many.script("read.py", "made", "0", "12", "out")
    many.write("over.py", "open('made/04', 'w').write('other')\n")
    many.script("over.py")
    assert many.fallen()["behind"] == {"out"}


# -- the ledger elsewhere, older, and damaged ---------------------------------------------------


def test_another_clone_gets_the_manifests_and_the_same_answers(
    many: Project, tmp_path: Path
) -> None:
    many.script("write.py")
    many.script("read.py", "made", "2", "9", "some")
    clone = many.copy_to(tmp_path / "clone")
    shutil.rmtree(clone.root / ".git/provgraph")
    many.provgraph("push", str(tmp_path / "shared"))
    clone.provgraph("pull", str(tmp_path / "shared"))

    assert clone.hit("made/03") == many.hit("made/03") == {"some"}
    assert clone.provgraph("ledger", "verify").code == 0


def test_records_from_before_a_folder_had_so_many_go_on(many: Project) -> None:
    toml = many.read("provgraph.toml")
    many.write("provgraph.toml", toml.replace("fold_above = 4", "fold_above = 100"))
    many.script("write.py")
    many.script("read.py", "made", "0", "12", "out")
    many.write("provgraph.toml", toml)
    many.script("write.py")
    many.script("read.py", "made", "0", "12", "out")
    assert len(record_of(many, "out")["read_sets"]) == 1

    assert many.fallen() == {}
    assert many.hit("made/03") == {"out"}
    many.write("seed", "another")
    assert many.status()["stale"] == {"out", *(f"made/{n:02}" for n in range(12))}


def manifests(many: Project) -> list[str]:
    record = record_of(many, "out")
    return [str(one["manifest"]) for one in record["read_sets"]]


def test_a_missing_manifest_is_a_blocking_gap(many: Project) -> None:
    many.script("read.py", "data", "0", "12", "out")
    (name,) = manifests(many)
    assert many.blocking("impact", "data/03") == set()
    (many.ledger / "objects" / name[3:5] / name[3:]).unlink()

    assert many.blocking("impact", "data/03") == {("unlisted-files", "data/")}
    assert many.blocking("status") == {("unlisted-files", "data/")}
    assert many.provgraph("ledger", "verify", code=1).code == 1
    assert many.provgraph("impact", "data/03").text.count("erased, or isn't here") == 1


def test_an_erased_manifest_is_a_blocking_gap_and_stays_erased(
    many: Project, tmp_path: Path
) -> None:
    many.script("read.py", "data", "0", "12", "out")
    many.provgraph("push", str(tmp_path / "shared"))
    in_ledger(many).erase(manifests(many), "the names were names of people")

    assert many.blocking("impact", "data/03") == {("unlisted-files", "data/")}
    assert many.provgraph("ledger", "verify").code == 0
    many.provgraph("pull", str(tmp_path / "shared"))
    many.provgraph("push", str(tmp_path / "shared"))
    assert many.blocking("impact", "data/03") == {("unlisted-files", "data/")}
    # Read once more, they are a new fact, of which the list is the erased one.
    many.script("read.py", "data", "0", "12", "out")
    assert many.blocking("impact", "data/03") == {("unlisted-files", "data/")}
