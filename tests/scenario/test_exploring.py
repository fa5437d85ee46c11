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
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.scenario.shell import PROVGRAPH, Project


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
        csv = door.get("/api/csv?q=impact&of=data/v3", cookie=cookie)[2]
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
