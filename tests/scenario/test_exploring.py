"""The explorer as a person starts it, spoken to over a real socket; and the graph's structure."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import networkx as nx

from tests.scenario.shell import PROVGRAPH, Project

SVG = "{http://www.w3.org/2000/svg}"


class Door(NamedTuple):
    """Where an explorer is, and what opens it."""

    port: int
    query: str
    process: subprocess.Popen[str]

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read()
        finally:
            connection.close()

    def enter(self) -> str:
        """Give the cookie that the key is exchanged for."""
        status, headers, _ = self.get(f"/enter?{self.query}")
        assert status == 200
        return headers["set-cookie"].partition(";")[0]


@contextmanager
def exploring(project: Project, *words: str) -> Iterator[Door]:
    with subprocess.Popen(
        [*PROVGRAPH, "explore", "--no-open", *words],
        cwd=project.root,
        env=dict(project.env),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found
        parts = urlsplit(found[0])
        assert parts.hostname == "127.0.0.1"
        assert parts.port
        try:
            yield Door(parts.port, parts.query, process)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def test_the_key_becomes_a_strict_cookie(told_once: Project) -> None:
    with exploring(told_once, "out/v3/table.txt") as door:
        assert door.get("/")[0] == 403
        assert door.get("/enter?token=x")[0] == 403
        status, headers, body = door.get(f"/enter?{door.query}")
        assert status == 200
        assert "q=focus&amp;of=.%2Fout%2Fv3%2Ftable.txt" in body.decode()
        assert {"HttpOnly", "SameSite=strict"} <= set(headers["set-cookie"].split("; "))
        cookie = door.enter()
        status, headers, body = door.get("/", cookie=cookie)
        assert status == 200
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "server" not in headers
        assert door.get("/api/state", cookie=cookie, host="evil.example")[0] == 421
    assert door.process.returncode == 0


def test_it_answers_as_the_command_line_does(story: Project) -> None:
    answer = story.ask("impact", "data/v3")
    with exploring(story) as door:
        cookie = door.enter()
        _, headers, body = door.get("/api/view?q=impact&of=data/v3", cookie=cookie)
        view = json.loads(body)
        assert view["totals"] == answer["totals"]
        assert view["gaps"] == []
        names = {row["name"] for row in view["table"]["rows"]}
        assert names == {hit["name"] for hit in answer["affected"]}
        tag = {"if-none-match": headers["etag"], "cookie": cookie}
        assert door.get("/api/view?q=impact&of=data/v3", **tag)[0] == 304
        csv = door.get("/api/export?as=csv&q=impact&of=data/v3", cookie=cookie)[2]
        assert csv == story.provgraph("impact", "data/v3", "--format", "csv").out
        # What is recorded meanwhile is seen.
        story.write("more.py", "open('more.txt', 'w').write('1')")
        story.script("more.py")
        runs = json.loads(door.get("/api/view?q=log", cookie=cookie)[2])["table"]["rows"]
        assert runs[0]["name"] == "more.py"


def test_requests_that_no_browser_sends(told_once: Project) -> None:
    with exploring(told_once) as door:
        cookie = door.enter()
        host = f"127.0.0.1:{door.port}"
        own = f"Host: {host}\r\nCookie: {cookie}\r\n"
        lengths = "Content-Length: 5\r\nContent-Length: 6\r\n"
        both = "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"
        for head, statuses in (
            (f"GET /api/home HTTP/1.1\r\nHost: {host}\r\nHost: evil\r\n\r\n", "400"),
            (f"GET /api/home HTTP/1.1\r\n{own}{lengths}\r\n", "400"),
            (f"POST /api/note HTTP/1.1\r\n{own}{both}\r\n0\r\n\r\n", "400 411"),
            (f"GET http://evil.example/ HTTP/1.1\r\nHost: {host}\r\n\r\n", "400 403 404 421"),
            (f"GET /../../etc/passwd HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n", "404"),
            ("GET / HTTP/1.1\r\n\r\n", "400"),
            ("GET / HTTP/1.0\r\n\r\n", "421"),
            ("GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
            ("GET / HTTP/1.1\r\nHost: " + "a" * 40_000 + "\r\n\r\n", "400 421 431"),
            ("\x16\x03\x01 no http at all\r\n\r\n", "400"),
        ):  # fmt: skip
            with socket.create_connection(("127.0.0.1", door.port), timeout=30) as wire:
                wire.sendall(head.encode("latin-1"))
                said = wire.recv(4096).decode("latin-1")
            assert said.split(" ")[1] in statuses.split(), (head, said)
            assert "root:" not in said


def test_a_port_that_is_taken(told_once: Project) -> None:
    with exploring(told_once) as door:
        said = told_once.provgraph("explore", "--no-open", "--port", str(door.port), code=3)
        assert f"127.0.0.1:{door.port}" in said.told
        with exploring(told_once) as other:
            assert other.port != door.port


def test_a_selector_that_names_nothing(told_once: Project) -> None:
    said = told_once.provgraph("explore", "--no-open", "out/v3/tabel.txt", code=2)
    assert "out/v3/table.txt" in said.told


def test_structure_of_a_pipeline(story: Project) -> None:
    found = story.ask("structure")
    assert [leg["step"] for leg in found["critical_path"]] == [
        "prepare.py",
        "train.py",
        "evaluate.py",
        "summary.py",
    ]
    assert found["longest"][0]["name"] == "out/summary.csv"
    assert found["redundant"] == []
    assert found["orphans"] == []
    # Done again with the same inputs, the same content comes out: one of both was enough.
    story.script("summary.py", *(f"out/{v}/metrics.json" for v in ("v1", "v2", "v3")),
                 "out/summary.csv")  # fmt: skip
    again = story.ask("structure")["redundant"]
    assert [(repeat["step"], len(repeat["runs"])) for repeat in again] == [("summary.py", 2)]
    shown = story.provgraph("show", again[0]["runs"][0]).text
    assert "summary.py" in shown


def affected(project: Project, *words: str) -> set[str]:
    return {hit["name"] for hit in project.ask("impact", *words)["affected"]}


def test_each_view_as_cypher(story: Project) -> None:
    runs = [f"run:{run['id']}" for run in story.runs()]
    views = {
        "q=impact&of=data/v3": affected(story, "data/v3"),
        "q=impact&of=params/v1.yaml%23lr": affected(story, "params/v1.yaml"),
        "q=impact&of=env:python": set(),
        "q=focus&of=out/v3/table.txt": set(),
        f"q=focus&of={runs[0]}": set(),
        "q=why&of=out/summary.csv": {"data/v1/a.txt", "data/v3/b.txt"},
        "q=explain&of=data/v3&to=out/v3/metrics.json": {"out/v3/table.txt", "out/v3/model.pkl"},
        f"q=diff&before={runs[0]}&after={runs[1]}": set(),
        "q=status": set(),
        "q=log": set(),
        "q=structure": set(),
    }  # fmt: skip
    with exploring(story) as door:
        cookie = door.enter()
        for query, names in views.items():
            view = json.loads(door.get(f"/api/view?{query}", cookie=cookie)[2])
            said = story.provgraph(
                "query", "--format", "json", view["cypher"], env={"PROVGRAPH_GRAPH": "local"}
            )
            rows = [json.loads(line) for line in said.text.splitlines()]
            assert names <= {row.get("name") for row in rows}, (query, view["cypher"])
            assert rows or query in ("q=status", "q=impact&of=env:python"), view["cypher"]


def test_all_paths_are_counted(story: Project) -> None:
    totals = story.ask("impact", "data/v3", "--explain", "out/v3/metrics.json")["totals"]
    assert totals["paths"] > 1
    with exploring(story) as door:
        cookie = door.enter()
        found = door.get("/api/view?q=explain&of=data/v3&to=out/v3/metrics.json", cookie=cookie)
        assert f"{totals['paths']} paths" in json.loads(found[2])["headline"]


def test_a_view_is_taken_along(story: Project) -> None:
    with exploring(story) as door:
        cookie = door.enter()
        asked = "q=impact&of=data/v3"
        view = json.loads(door.get(f"/api/view?{asked}", cookie=cookie)[2])
        assert view["formats"] == ["page", "svg", "mermaid", "csv", "json", "graphml"]
        files = {
            kind: door.get(f"/api/export?{asked}&as={kind}", cookie=cookie)
            for kind in view["formats"]
        }
        assert {status for status, _, _ in files.values()} == {200}
        for kind, (_, headers, body) in files.items():
            assert "attachment" in headers["content-disposition"], kind
            if kind not in ("csv", "json", "page"):
                assert b"out/v3/metrics.json" in body, kind
        assert json.loads(files["json"][2]) == story.ask("impact", "data/v3")
        drawing = ET.fromstring(files["svg"][2])
        assert len(drawing.findall(f".//{SVG}rect")) > len(view["picture"]["cards"])
        graph = nx.parse_graphml(files["graphml"][2].decode())
        names = {data.get("name") for _, data in graph.nodes(data=True)}
        assert affected(story, "data/v3") <= names
        table = json.loads(door.get("/api/view?q=status", cookie=cookie)[2])
        assert table["formats"] == ["csv", "json"]
        for query in ("q=status&as=svg", "q=status&as=graphml", "q=status&as=exe"):
            assert door.get(f"/api/export?{query}", cookie=cookie)[0] in (400, 422)


def test_contents_are_shown_as_they_were(project: Project) -> None:
    secret = "AKIA" + "Q7Z2M5N3B6C4D7F2"
    old = f"# key = '{secret}'\nopen('out.txt', 'w').write(open('in.csv').read())\n"
    project.write("copy.py", old)
    project.write("in.csv", "a,b\n1,2\n")
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "one")
    project.script("copy.py")
    project.write("copy.py", old.replace("# key", "# another key"))
    project.write("in.csv", "a,b\n3,4\n")
    project.write("secret.txt", "not recorded")
    with exploring(project) as door:
        cookie = door.enter()

        def glance(of: str) -> dict[str, Any]:
            found = door.get(f"/api/preview?of={of}", cookie=cookie)
            return dict(json.loads(found[2]))

        read = next(run for run in project.runs())
        shown = json.loads(door.get(f"/api/show?of=run:{read['id']}", cookie=cookie)[2])
        ids = {line["name"]: line["id"] for _, lines in shown["lists"] for line in lines}
        script = glance(ids["copy.py"])
        assert script["lines"][1] == old.splitlines()[1]
        assert "another" not in script["lines"][0]
        assert secret not in str(script)
        table = glance(ids["in.csv"])
        assert (table["columns"], table["rows"]) == (["a", "b"], [["1", "2"]])
        assert table["where"].startswith("git")
        assert glance(ids["out.txt"])["where"] == "the working tree"
        project.write("out.txt", "edited by hand, and recorded by nobody")
        assert glance(ids["out.txt"])["type"] == "none"
        assert door.get("/api/preview?of=secret.txt", cookie=cookie)[0] == 404
        assert door.get(f"/api/image?of={ids['in.csv']}", cookie=cookie)[0] == 422
