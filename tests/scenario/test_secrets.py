"""Over a thousand secrets, planted wherever provgraph looks: none is in anything that it wrote."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest

from provgraph.collect.parts import code_parts, part_digest, product_parts
from provgraph.model.digests import content_digest
from tests.scenario.shell import PROVGRAPH, Project
from tests.scenario.shell import begin as provgraph_project
from tests.scenario.test_running import until
from tests.support.planted import STRUCTURED, Planted, Planter

CORE = 12  # characters from a secret's middle: one that was cut is found, too


class Garden:
    """Plants secrets, and looks for them in everything that was written."""

    def __init__(self) -> None:
        self._planter = Planter()
        self.planted: list[tuple[str, Planted]] = []

    def plant(self, place: str) -> list[str]:
        """Give the texts of one secret of each kind, to be put into a place."""
        several = [self._planter.one(kind) for kind in STRUCTURED]
        self.planted += [(place, one) for one in several]
        return [one.text for one in several]

    def found(self, files: Iterable[tuple[str, bytes]]) -> set[tuple[str, str, str]]:
        """Give (place, kind, where it was found) of the secrets that stand in contents."""
        wanted: dict[bytes, tuple[str, str]] = {}
        for place, one in self.planted:
            for form in _forms(one.secret):
                wanted[form] = (place, one.kind)
        keys = np.unique([_key(form) for form in wanted]).astype(np.uint64)
        by_key: dict[int, list[bytes]] = {}
        for form in wanted:
            by_key.setdefault(_key(form), []).append(form)
        out: set[tuple[str, str, str]] = set()
        for where, raw in files:
            data = raw.replace(b"\0", b"")
            for offset in range(min(8, len(data))):
                several = np.frombuffer(data, "<u8", (len(data) - offset) // 8, offset)
                for at in np.flatnonzero(np.isin(several, keys)).tolist():
                    start = at * 8 + offset
                    for form in by_key[_key(data[start : start + 8])]:
                        if data.startswith(form, start):
                            out.add((*wanted[form], where))
        return out


def _key(form: bytes) -> int:
    return int.from_bytes(form[:8], "little")


def _forms(secret: str) -> Iterator[bytes]:
    """Give how a secret may be written: as it is, percent-encoded, in base64 at each offset."""
    line = max(secret.splitlines(), key=len)
    core = line[len(line) // 2 - CORE // 2 :][:CORE]
    assert len(core) == CORE, secret
    yield core.encode()
    yield quote(core, safe="").encode()
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + core.encode())
        yield encoded[4 if offset else 0 : -4]
        yield base64.urlsafe_b64encode(b"x" * offset + core.encode())[4 if offset else 0 : -4]


def written(*places: Path) -> Iterator[tuple[str, bytes]]:
    """Give every file below some places, by its name."""
    for place in places:
        for directory, _, files in os.walk(place):
            for name in files:
                path = Path(directory, name)
                if path.is_file():
                    yield os.fspath(path), path.read_bytes()


def git_objects(repository: Path, env: Mapping[str, str]) -> tuple[str, bytes]:
    """Give everything that git holds, as it is when unpacked."""
    done = subprocess.run(
        ["git", "cat-file", "--batch-all-objects", "--batch"],
        cwd=repository,
        env=dict(env),
        capture_output=True,
        check=True,
    )
    return f"git in {repository}", done.stdout


INNER = """
import subprocess, sys

texts = open(0).read().split("\\0")
subprocess.run(["echo", *texts], stdout=subprocess.DEVNULL, check=True)
subprocess.run(["sh", "-c", ":\\n: " + "\\n: ".join(map(repr, texts))], check=False)
subprocess.run(["/bin/true", *(f"--anything={text}" for text in texts)], check=True)
open("inner.txt", "w").write("done")
"""
LIBRARY = """
import json, sys
import provgraph

params, notes, metrics = json.load(sys.stdin)
with provgraph.run("block", params={f"p{n}": text for n, text in enumerate(params)}) as run:
    for text in notes:
        run.note(text)
    for text in metrics:
        run.metric(text, 1)
    open("block.txt", "w").write("done")
"""
PARSER = """
import argparse, json, sys
parser = argparse.ArgumentParser()
texts = json.load(sys.stdin)
parser.set_defaults(**{f"o{n}": text for n, text in enumerate(texts)}, several=texts)
parser.parse_args()
open("parsed.txt", "w").write("1")
"""
WRITER = """
import json, sys

values, keys = json.load(sys.stdin)
json.dump({"values": values, **{key: 0.5 for key in keys}}, open("product.json", "w"))
open("product.yaml", "w").write(json.dumps({"nested": {"list": values}}))
open("settings.env", "w").write("\\n".join(values))
"""
SLEEPER = """
import os, subprocess, sys, time

inner = subprocess.Popen(["sleep", "60"])
subprocess.run(["/bin/true", *sys.argv[1:]], check=True)
open("pids", "w").write(f"{os.getpid()} {inner.pid}\\n")
time.sleep(60)
"""


@pytest.fixture
def garden() -> Garden:
    return Garden()


def test_a_thousand_planted_secrets_are_written_nowhere(
    tmp_path: Path, env: Mapping[str, str], garden: Garden
) -> None:
    home = tmp_path / "home"
    own = {
        **env,
        "HOME": os.fspath(home),
        "XDG_CACHE_HOME": os.fspath(home / "cache"),
        "TMPDIR": os.fspath(tmp_path / "tmp"),
    }
    for place in (home, tmp_path / "tmp", tmp_path / "out"):
        place.mkdir()
    (home / ".gitconfig").write_bytes(Path(env["HOME"], ".gitconfig").read_bytes())
    project = provgraph_project(tmp_path / "project", own)
    text = project.read("provgraph.toml")
    project.write("provgraph.toml", text.replace('# allow = ["EXPERIMENT_*"]', 'allow = ["EXP_*"]'))

    plant_runs(project, garden)
    plant_what_people_say(project, garden)
    spooled = plant_in_a_running_run(project, garden)
    outputs = write_every_export(project, tmp_path)

    assert len({one.secret for _, one in garden.planted}) >= 1000
    assert len(STRUCTURED) >= 50
    told = written(project.ledger, home, tmp_path / "tmp", tmp_path / "out")
    held = [git_objects(repo, own) for repo in (project.root, tmp_path / "remote.git")]
    found = garden.found([*told, *held, *outputs, *spooled])
    assert {(place, kind) for place, kind, _ in found} == set(), found
    everything_arrived(project, garden)


def plant_runs(project: Project, garden: Garden) -> None:
    """Run commands with secrets in arguments, parameters, variables, sources and products."""
    bare, assigned, code = (garden.plant(one) for one in ("bare", "assigned", "code"))
    project.run("/bin/true", *bare)
    project.run("/bin/true", *(f"--anything={text}" for text in assigned))
    project.run("python", "-c", "\n".join(f"x = {text!r}" for text in code))
    project.write("inner.py", INNER)
    project.script("inner.py", stdin="\0".join(garden.plant("inner")).encode())
    params = [f"p{n}={text}" for n, text in enumerate(garden.plant("param"))]
    options = [*(word for one in params for word in ("--param", one))]
    options += ["--note", "why:\n" + "\n".join(garden.plant("note option"))]
    options += ["--name", "named " + " and ".join(garden.plant("name"))]
    project.run("/bin/true", options=options)
    variables = {f"EXP_{n}": text for n, text in enumerate(garden.plant("variable"))}
    project.run(
        "python", "-c", "import os; [os.environ[f'EXP_{n}'] for n in range(5)]", env=variables
    )
    source, module = garden.plant("source"), garden.plant("module")
    project.write("helper.py", "\n".join(f"A{n} = {text!r}" for n, text in enumerate(module)))
    comments = "\n".join(f"# {line}" for text in source for line in text.splitlines())
    project.write("kept.py", f"import helper\n{comments}\nopen('kept.txt', 'w').write('1')\n")
    project.script("kept.py")
    project.write("writer.py", WRITER)
    values = json.dumps([garden.plant("product value"), garden.plant("product key")])
    project.script("writer.py", stdin=values.encode())
    project.write("parser.py", PARSER)
    project.script("parser.py", stdin=json.dumps(garden.plant("parsed option")).encode())
    project.write("block.py", LIBRARY)
    said = [garden.plant(one) for one in ("block param", "block note", "block metric")]
    told = json.dumps(said).encode()
    assert project.call("python", "block.py", stdin=told).code == 0
    project.script("block.py", stdin=told)


def plant_what_people_say(project: Project, garden: Garden) -> None:
    """Put secrets into notes, remotes, imports, pins and reasons."""
    project.provgraph("note", "kept.txt", "why:\n" + "\n".join(garden.plant("note")))
    for number, text in enumerate(garden.plant("remote")):
        url = f"https://ana:{quote(text, safe='')}@git.example/lab.git"
        project.git("config", f"remote.r{number}.url", url)
    project.run("/bin/true")
    props = {f"p{n}": text for n, text in enumerate(garden.plant("import"))}
    lines = [{"node": {"kind": "Dataset", "name": "lab/raw.csv", "props": props}, "ref": "1"}]
    lines += [
        {
            "node": {"kind": "Dataset", "name": f"lab/{n}.csv", "props": {"told": text}},
            "ref": f"n{n}",
        }
        for n, text in enumerate(garden.plant("import line"))
    ]
    project.provgraph(
        "import", "jsonl", "-", stdin="".join(json.dumps(one) + "\n" for one in lines).encode()
    )
    reason = "why:\n" + "\n".join(garden.plant("reason"))
    project.provgraph("ledger", "erase", "kept.txt", "--what", "note", "--yes", "--reason", reason)


def plant_in_a_running_run(project: Project, garden: Garden) -> list[tuple[str, bytes]]:
    """Kill a run with secrets in its arguments; gives what its spool held while it ran."""
    project.write("sleeper.py", SLEEPER)
    with subprocess.Popen(
        [*PROVGRAPH, "run", "--", "python", "sleeper.py", *garden.plant("running")],
        cwd=project.root,
        env=project.environ(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        until(lambda: (project.root / "pids").exists() and project.read("pids").endswith("\n"))
        spooled = [(f"running {where}", data) for where, data in written(project.ledger / "spool")]
        assert any(where.endswith(("ring.0", ".log")) for where, _ in spooled)
        run.kill()
        for pid in project.read("pids").split():
            os.kill(int(pid), signal.SIGKILL)
    spooled += [(f"dead {where}", data) for where, data in written(project.ledger / "spool")]
    assert any(line["status"] == "interrupted" for line in project.runs())
    return spooled


def write_every_export(project: Project, tmp_path: Path) -> list[tuple[str, bytes]]:
    """Push the ledger, and have everything written and said that hands the graph on."""
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "remote.git"], check=True)
    project.provgraph("push", os.fspath(tmp_path / "remote.git"))
    project.provgraph("push", os.fspath(tmp_path / "out" / "folder"))
    for form in ("graphml", "node-link", "csv"):
        project.provgraph(
            "graph", "export", "--format", form, "-o", os.fspath(tmp_path / "out" / form)
        )
    project.provgraph("render", "-o", os.fspath(tmp_path / "out" / "page.html"))
    said = []
    questions = [["log"], ["status"], ["structure"], ["impact", "kept.py"], ["lineage", "kept.txt"]]
    questions += [["show", f"run:{line['id']}"] for line in project.runs()]
    for turn, words in enumerate(questions):
        form = ("json", "text")[turn % 2]
        done = project.provgraph(*words, "--format", form, code=None)
        said.append((" ".join([*words, form]), done.out + done.err))
    return said


def everything_arrived(project: Project, garden: Garden) -> None:
    """See that what stands for the secrets is there: the places were reached."""
    held = b"".join(data for _, data in written(project.ledger))
    stand_ins = set(re.findall(rb"\[redacted:[a-z0-9-]+:[0-9a-f]{8}\]", held))
    assert len(stand_ins) > 0.7 * len(garden.planted)


def test_a_fingerprint_tells_an_unchanged_secret_from_a_changed_one(project: Project) -> None:
    project.write("train.py", "import sys\nopen('out.txt', 'w').write('1')\n")
    project.script("train.py", "--api-key", "first-secret", "--epochs", "3")
    project.script("train.py", "--api-key", "first-secret", "--epochs", "3")
    project.script("train.py", "--api-key", "other-secret", "--epochs", "3")

    last, second, first = project.runs()
    one, same, other = (project.ask("show", f"run:{run['id']}") for run in (first, second, last))
    argv = [answer["node"]["command"]["argv"] for answer in (one, same, other)]
    assert argv[0] == argv[1] != argv[2]
    assert [word for word in argv[0] if word not in argv[2]] == [argv[0][3]]
    for secret in ("first-secret", "other-secret"):
        assert secret not in repr([one, same, other])


def test_a_config_with_a_short_secret_is_compared_and_cant_be_guessed(project: Project) -> None:
    config = "db:\n  password: hunter22\nlr: 0.1\n"
    project.write("params.yaml", config)
    project.write(
        "dirty.py", "PASSWORD = 'hunter22'\nopen('a.json', 'w').write(open('params.yaml').read())\n"
    )
    project.write(
        "used.py", "import json\nopen('b.json', 'w').write(json.dumps({'token': 'hunter22'}))\n"
    )
    project.script("dirty.py")
    project.script("used.py")

    held = list(written(project.ledger, Path(project.env["XDG_CACHE_HOME"])))
    for name in ("params.yaml", "dirty.py", "b.json"):
        data = (project.root / name).read_bytes()
        plain = {content_digest(data), part_digest(name, data, "#syntax")}
        plain |= {*product_parts(name, data).values(), *code_parts(name, data).values()}
        for digest in plain:
            hex_ = digest.partition(":")[2].encode()
            assert [place for place, data in held if hex_ in data] == [], (name, digest)
    assert project.fallen() == {}

    project.write("params.yaml", config.replace("hunter22", "hunter23"))
    assert project.fallen() == {"stale": {"a.json"}}
    project.write("params.yaml", config)
    assert project.fallen() == {}
    project.git("add", ".")
    project.git("commit", "--quiet", "--message", "all of it")
    assert project.fallen() == {}


def test_a_projects_own_rules_count_where_nothing_else_would_ask(project: Project) -> None:
    text = project.read("provgraph.toml").replace("# patterns =", "patterns =")
    project.write("provgraph.toml", text.replace("# names =", "names ="))
    secret = "acme_" + "a1b2c3d4" * 4
    project.write("words.txt", secret)
    project.write("step.py", "import sys\nopen(sys.argv[1], 'w').write('1')\n")
    project.write(
        "driver.py",
        """
        import subprocess, sys

        words = ["--pin", "four-words", open("words.txt").read()]
        for out in ("one.txt", "two.txt"):
            subprocess.run([sys.executable, "step.py", out, *words], check=True)
        """,
    )
    project.script("driver.py")
    held = b"".join(data for _, data in written(project.ledger))
    assert b"[redacted:own:" in held
    assert secret.encode() not in held
    assert b"four-words" not in held


def test_the_search_finds_what_is_there(garden: Garden) -> None:
    texts = garden.plant("here")
    for dress in (str, quote, lambda text: base64.b64encode(text.encode()).decode()):
        found = garden.found([("file", dress("\n".join(texts)).encode())])
        assert {kind for _, kind, _ in found} == set(STRUCTURED)
    assert garden.found([("file", WRITER.encode())]) == set()
