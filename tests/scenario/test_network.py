"""A step fetches its data from another machine: the answer names the host, until it is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.shell import PROVGRAPH, Project, Said, begin
from tests.support.elsewhere import prefix

HOSTS = "127.0.0.1 localhost\n198.51.100.7 data.example.org\n198.51.100.8 db.internal.example\n"
FETCH = """
    import urllib.request
    from pathlib import Path

    scale = int(Path("scale.txt").read_text())
    table = urllib.request.urlopen("http://data.example.org:8000/a.csv").read().decode()
    Path("out.csv").write_text(table * scale)
    """
PUSH = """
    import socket
    from pathlib import Path

    socket.create_connection(("db.internal.example", 8001)).close()
    Path("pushed.txt").write_text(Path("out.csv").read_text())
    """
HOST = ("network", "data.example.org:8000")


class Fetching:
    """A project with its commands in a network of their own."""

    def __init__(self, project: Project, hosts: Path) -> None:
        hosts.write_text(HOSTS)
        self.project = project
        self.prefix = prefix(str(hosts))
        self.settings = project.read("provgraph.toml")

    def call(self, *command: str) -> Said:
        said = self.project.call(*self.prefix, *command)
        assert said.code == 0, said.told
        return said

    def run(self, *command: str) -> Said:
        return self.call(*PROVGRAPH, "run", "--", *command)

    def accept(self, host: str, until: str, reason: str = "a mirror") -> None:
        entry = f'[[network.accept]]\nhost = "{host}"\nreason = "{reason}"\nuntil = {until}\n'
        self.project.write("provgraph.toml", f"{self.settings}\n{entry}")

    def gaps(self, *words: str) -> dict[tuple[str, str], dict[str, Any]]:
        answer = self.project.ask(*(words or ("status",)))
        return {(gap["reason"], gap["subject"]): gap for gap in answer["gaps"]}


@pytest.fixture
def fetching(tmp_path: Path, env: Mapping[str, str]) -> Fetching:
    project = begin(tmp_path / "project", env)
    project.write("fetch.py", FETCH)
    project.write("push.py", PUSH)
    project.write("scale.txt", "2")
    project.write(".gitignore", "out.csv\npushed.txt\n")
    project.git("add", ".")
    project.git("commit", "--quiet", "-m", "begin")
    return Fetching(project, tmp_path / "hosts")


def test_an_answer_names_the_host_and_what_is_known_stays_known(fetching: Fetching) -> None:
    fetching.run("python", "fetch.py")
    gap = fetching.gaps()[HOST]
    assert gap["grade"] == "noted"
    assert gap["words"] == ("what came from data.example.org:8000 over the network isn't known")
    assert fetching.project.hit("scale.txt") == {"out.csv"}
    assert HOST in fetching.gaps("show", "run:" + fetching.project.runs()[0]["id"])


def test_an_accepted_host_is_said_to_be_so(fetching: Fetching) -> None:
    fetching.run("python", "fetch.py")
    fetching.run("python", "push.py")
    fetching.accept("*.example.org", "2999-01-31")
    for words in (("status",), ("impact", "push.py"), ("lineage", "pushed.txt")):
        gaps = fetching.gaps(*words)
        assert gaps[HOST]["grade"] == "accepted", words
        assert gaps[HOST]["words"].endswith("isn't known; accepted until 2999-01-31: a mirror")
    assert fetching.gaps()["network", "db.internal.example:8001"]["grade"] == "noted"
    said = fetching.project.provgraph("status").text
    assert "Accepted (1)" in said
    assert "accepted until 2999-01-31: a mirror" in " ".join(said.split())


def test_a_merge_check_lists_what_was_accepted_and_what_has_run_out(fetching: Fetching) -> None:
    fetching.run("python", "fetch.py")
    fetching.run("python", "push.py")
    fetching.accept("data.example.org:8000", "2999-01-31")
    fetching.project.write("push.py", fetching.project.read("push.py") + "print()\n")
    answer = fetching.project.ask("check", "--base", "HEAD")
    assert answer["excused"] == [
        "provgraph.toml: the change alters what passes here (network.accept)",
        "data.example.org:8000: a mirror",
    ]
    assert answer["expired"] == []
    fetching.accept("*", "2001-01-31")
    answer = fetching.project.ask("check", "--base", "HEAD")
    assert answer["expired"] == [
        "data.example.org:8000: the exception «a mirror» ran out on 2001-01-31",
    ]
    gap = fetching.gaps()[HOST]
    assert gap["grade"] == "noted"
    assert gap["words"].endswith("; the exception «a mirror» ran out on 2001-01-31")


def test_an_acceptance_has_a_host_a_reason_and_one_day(fetching: Fetching) -> None:
    entry = '[[network.accept]]\nhost = "a.example"\nreason = "r"\nuntil = '
    for text, said in {
        f"{entry}2999-01-01\n{entry}2998-01-01\n": "«a.example» is allowed twice, until 2999-01-01",
        '[[network.accept]]\nhost = "https://a.example/x"\nreason = "r"\nuntil = 2999-01-01\n': (
            "names no host"
        ),
        '[[network.accept]]\nhost = "a.example"\nuntil = 2999-01-01\n': "reason: is missing",
        '[[network.accept]]\nhost = "a.example"\nreason = "r"\n': "until: is missing",
        f'{entry}2999-01-01\nrule = "affected"\n': "no such setting",
    }.items():
        fetching.project.write("provgraph.toml", f"{fetching.settings}\n{text}")
        told = fetching.project.provgraph("status", code=2).told
        assert said in " ".join(told.split()), told


def test_a_block_of_a_program_knows_names_by_its_hooks(fetching: Fetching) -> None:
    fetching.project.write(
        "block.py",
        """
        import socket
        from pathlib import Path

        import provgraph

        before = socket.getaddrinfo
        import _socket
        plain = _socket.getaddrinfo
        with provgraph.run("fetch"):
            socket.create_connection(("data.example.org", 8000)).close()
            Path("block.txt").write_text("1")
        assert socket.getaddrinfo is before and _socket.getaddrinfo is plain
        """,
    )
    fetching.call("python", "block.py")
    assert fetching.gaps()[HOST]["grade"] == "noted"


def test_a_step_among_others_and_a_child_name_their_hosts(fetching: Fetching) -> None:
    fetching.run("sh", "-c", "python fetch.py && python push.py")
    assert {HOST, ("network", "db.internal.example:8001")} <= fetching.gaps().keys()
