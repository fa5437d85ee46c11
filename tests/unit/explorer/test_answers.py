"""What the server answers: from one look, with its name; again only when something changed."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provgraph.analysis.impact import Hits
from provgraph.errors import CannotAnswer, UsageError
from provgraph.explorer.assets import assets
from provgraph.explorer.server.app import Desk, app_of
from provgraph.explorer.server.guard import Keys, Site, is_loopback
from provgraph.explorer.server.serving import serve
from provgraph.project import Project
from tests.fakes.client import Client


def chain(length: int, width: int = 1) -> Iterator[bytes]:
    """Give `width` chains of data sets and runs, all from one data set."""
    yield b'{"node":{"kind":"Dataset","name":"source.csv"},"ref":"s"}'
    for strand in range(width):
        before = "s"
        for number in range(length):
            run, made = f"r{strand}.{number}", f"d{strand}.{number}"
            nodes = (
                ("Run", f"step {strand}.{number}", run),
                ("Dataset", f"{strand}/{number}.csv", made),
            )
            for kind, name, ref in nodes:
                yield json.dumps({"node": {"kind": kind, "name": name}, "ref": ref}).encode()
            for kind, to in (("USES", before), ("PRODUCES", made)):
                yield json.dumps({"edge": {"type": kind, "from": run, "to": to}}).encode()
            before = made


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", os.fspath(tmp_path / "config"))
    root = tmp_path / "project"
    root.mkdir()
    made, _ = Project.init(root)
    made.asked_from = made.root
    yield made
    made.close()


@pytest.fixture
def client(project: Project) -> Iterator[Client]:
    site, keys, desk = Site.at("127.0.0.1", 7411), Keys(), Desk(project)
    yield Client(app_of(desk, site, keys), site, keys)
    desk.close()


def test_an_answer_does_not_depend_on_those_before(project: Project) -> None:
    project.import_jsonl(chain(30, width=10))
    project.hold(for_seconds=1000)
    before = project.impact(["source.csv"]).totals
    for name in ("3/5.csv", "source.csv", "9/29.csv"):
        project.near(name)
        project.why(name)
    project.structure()
    assert project.impact(["source.csv"]).totals == before == {**before, "affected": 300}


def test_an_outline_is_the_hits_without_reasons(project: Project) -> None:
    project.import_jsonl(chain(30, width=10))
    affected = project.impact(["source.csv"]).affected
    assert isinstance(affected, Hits)
    told = [(hit.name, hit.kind, hit.state, hit.depth, hit.pinned) for hit in affected]
    assert [tuple(line) for line in affected.outline()] == told


def test_a_look_has_a_name_that_changes_with_what_is_recorded(
    client: Client, project: Project
) -> None:
    first = client.get("/api/state")
    tag = first.headers["etag"]
    assert client.get("/api/state", {"if-none-match": tag}).status == 304
    assert client.get("/api/view?q=status", {"if-none-match": tag}).status == 304
    project.import_jsonl(chain(2))
    again = client.get("/api/state", {"if-none-match": tag})
    assert again.status == 200
    assert again.headers["etag"] != tag
    assert client.get("/api/home").json["run_count"] == 2


def test_numbers_are_those_of_the_question(client: Client, project: Project) -> None:
    project.import_jsonl(chain(3, width=4))
    view = client.get("/api/view?q=impact&of=source.csv").json
    answer = project.impact(["source.csv"])
    assert view["totals"] == dict(answer.totals)
    assert view["headline"] == "12 datasets are affected by a change of source.csv"
    assert view["command"] == "provgraph impact source.csv"
    csv = client.get("/api/export?as=csv&q=impact&of=source.csv")
    assert len(io.StringIO(csv.text).readlines()) == 13
    assert "attachment" in csv.headers["content-disposition"]


def test_a_note_is_kept(client: Client, project: Project) -> None:
    project.import_jsonl(chain(2))
    assert client.post("/api/note", {"of": "0/1.csv", "text": "<b>seen</b>"}).status == 201
    assert project.show("0/1.csv").notes == ("<b>seen</b>",)
    assert client.get("/api/show?of=0/1.csv").json["notes"] == ["<b>seen</b>"]


def test_an_imported_run_is_shown(client: Client, project: Project) -> None:
    project.import_jsonl(chain(2))
    run = client.get("/api/view?q=log").json["table"]["rows"][0]["ask"]
    shown = client.get(f"/api/show?of={run}").json
    assert [title for title, _ in shown["lists"]] == ["Read", "Wrote"]
    assert shown["selector"] == run


def test_a_hub_asked_about_stays_in_the_middle(project: Project) -> None:
    told = [
        {"node": {"kind": "Config", "name": "params.yaml"}, "ref": "c"},
        {"node": {"kind": "Run", "name": "fit"}, "ref": "r"},
        {"edge": {"type": "USES", "from": "r", "to": "c"}},
    ]
    project.import_jsonl(json.dumps(line).encode() for line in told)
    found = project.near("params.yaml")
    assert {node.name: node.depth for node in found.nodes} == {"params.yaml": 0, "fit": 1}


def test_structure(project: Project) -> None:
    project.import_jsonl(chain(3, width=2))
    found = project.structure()
    # Everything rests on the source; within a strand each step holds only its own end.
    assert [(point.name, point.holds) for point in found.single_points] == [("source.csv", 2)]
    assert [(chain.name, chain.runs) for chain in found.longest] == [("0/2.csv", 3), ("1/2.csv", 3)]
    assert found.totals["orphans"] == 0


def test_files_of_the_page_are_kept_by_the_browser(client: Client) -> None:
    assert {"index.html", "app.css", "main.js", "icon.svg"} <= assets().keys()
    for name, asset in assets().items():
        answer = client.get(f"/{name}")
        assert (answer.status, answer.body) == (200, asset.body)
        assert client.get(f"/{name}", {"if-none-match": answer.headers["etag"]}).status == 304


def test_the_page_is_small_and_has_nothing_inline() -> None:
    import gzip

    files = b"".join(asset.body for asset in assets().values())
    assert len(gzip.compress(files)) < 60_000
    page = assets()["index.html"].body.decode()
    assert " style=" not in page
    assert " on" not in page.replace(" one", "").split("<body>")[0]
    for name, asset in assets().items():
        if name.endswith(".js"):
            text = asset.body.decode()
            for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "document.write"):
                assert word not in text


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "*"])
def test_a_wildcard_is_refused(project: Project, host: str) -> None:
    with pytest.raises(UsageError, match="one address"):
        serve(project, host=host, open_browser=False, say=print)


def test_an_address_of_elsewhere_can_not_be_listened_at(project: Project) -> None:
    with pytest.raises(CannotAnswer, match="can't listen"):
        serve(project, host="192.0.2.1", port=7411, open_browser=False, say=print)


def test_what_is_loopback() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "10.0.0.1", "::", "localhost.evil.example", "")))
    assert Site.at("::1", 80).hosts >= {"[::1]:80", "127.0.0.1:80", "localhost"}
    assert Site.at("192.0.2.7", 7411).hosts == {"192.0.2.7:7411"}
