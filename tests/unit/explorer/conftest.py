"""A real project with names that were chosen to do harm, and a client of its explorer."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from provgraph.explorer.server.app import Desk, app_of
from provgraph.explorer.server.guard import Keys, Site
from provgraph.project import Project
from tests.fakes.client import Client

PORT = 7411

MARKUP = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1>',
    "' onmouseover='window.hacked=1",
    "</title><script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "<!--<script>",
    "javascript:window.hacked=1",
    "data:text/html,<script>window.hacked=1</script>",
    "{{constructor.constructor('window.hacked=1')()}}",
    "${window.hacked=1}",
    "<a href='javascript:window.hacked=1'>x</a>",
    "<style>*{display:none}</style>",
    "<iframe src=//127.0.0.1:9>",
    "<base href=//127.0.0.1:9/>",
    "&lt;script&gt;",
    "a\u202egpj.exe",
    "]]><script>",
)
KEYS = ("__proto__", "constructor", "prototype", "hasOwnProperty", "toString", "valueOf")
CYPHER = (
    "x' OR 1=1 --",
    "x'}) DETACH DELETE n //",
    "`Run`) DETACH DELETE (n",
    'x") RETURN 1 UNION MATCH (n) DETACH DELETE n //',
    "\\u0027}) MATCH (n) DELETE n //",
    "'; DROP TABLE run; --",
    "x' UNION SELECT body FROM record --",
    "$name",
    "{name}",
    "%' OR '%'='",
    "x\x00y",
    "LOAD CSV FROM 'file:///etc/passwd' AS x",
    "CALL dbms.shutdown()",
)


def lines() -> Iterator[bytes]:
    """Give a graph in which every name, id and property is one of the above."""
    hostile = [text.replace("\x00", "") for text in (*MARKUP, *KEYS, *CYPHER)]
    for number, name in enumerate(hostile):
        props = {"note": name, name: "value"}
        node = {"kind": "Dataset", "name": f"data/{number}/{name}", "props": props}
        yield json.dumps({"node": node, "ref": f"d{number}"}).encode()
        run = {"kind": "Run", "name": name, "props": {"started": name}}
        yield json.dumps({"node": run, "ref": f"r{number}"}).encode()
    for number in range(len(hostile)):
        for kind, to in (("USES", f"d{number}"), ("PRODUCES", f"d{(number + 1) % len(hostile)}")):
            edge = {"type": kind, "from": f"r{number}", "to": to}
            yield json.dumps({"edge": edge}).encode()


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Give a project that holds them."""
    root = tmp_path_factory.mktemp("hostile") / "project"
    root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", os.fspath(root.parent / "cache"))
        patch.setenv("XDG_CONFIG_HOME", os.fspath(root.parent / "config"))
        project, _ = Project.init(root)
        project.asked_from = project.root
        project.import_jsonl(lines())
        (root / "secret.txt").write_text("not to be served")
        (root.parent / "outside.txt").write_text("not to be served either")
        yield project
        project.close()


@pytest.fixture(scope="session")
def client(hostile: Project) -> Iterator[Client]:
    """Give a client of its explorer."""
    site, keys = Site.at("127.0.0.1", PORT), Keys()
    root = os.fspath(hostile.root)
    desk = Desk(hostile, hide=lambda words: words.replace(root, "."))
    yield Client(app_of(desk, site, keys), site, keys)
    desk.close()
