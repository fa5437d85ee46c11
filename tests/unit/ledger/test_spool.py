from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from provgraph.errors import UsageError
from provgraph.ledger import Ledger, Spool, claim, dead_spools, spools
from provgraph.ledger.owner import owner_in, state_of, this_process
from tests.unit.ledger.making import a_run

ROOT = Path(__file__).parents[3]
RUN = "01J" + "0" * 23


def test_a_live_spool_is_left_alone_and_gone_when_finished(ledger: Ledger) -> None:
    spool = Spool.begin(ledger, RUN, {"argv": ["train", "\udcff"]})
    (spool.events / "1.log").write_bytes(b"event")
    (seen,) = spools(ledger)
    assert (seen.state, seen.run_id, seen.document) == ("live", RUN, {"argv": ["train", "\udcff"]})
    assert list(dead_spools(ledger)) == []
    spool.finish()
    spool.finish()
    assert list((ledger.place / "spool").iterdir()) == []


@pytest.mark.parametrize("run_id", ["", "..", "a/b", ".x", "a~b", "x" * 65])
def test_a_run_id_never_becomes_a_path(ledger: Ledger, run_id: str) -> None:
    with pytest.raises(UsageError):
        Spool.begin(ledger, run_id, {})


def test_one_run_spools_once(ledger: Ledger) -> None:
    Spool.begin(ledger, RUN, {})
    with pytest.raises(UsageError, match="already"):
        Spool.begin(ledger, RUN, {})
    assert [path.name for path in (ledger.place / "spool").iterdir()] == [RUN]


CHILD = """
import os, signal, sys
from pathlib import Path
from provgraph.ledger import *
from tests.unit.ledger.making import *
ledger = a_ledger(Path(sys.argv[1]))
spool = Spool.begin(ledger, sys.argv[2], {"argv": ["train"]})
(spool.events / "1.log").write_bytes(b"seen")
"""


def dies(ledger: Ledger, last_words: str = "os.kill(os.getpid(), signal.SIGKILL)") -> None:
    command = [sys.executable, "-c", CHILD + last_words, str(ledger.place), RUN]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr


def test_a_killed_run_is_found_with_what_it_had_seen(ledger: Ledger) -> None:
    dies(ledger)
    (spool,) = dead_spools(ledger)
    assert spool.document == {"argv": ["train"]}
    assert (spool.events / "1.log").read_bytes() == b"seen"
    taken = claim(spool)
    assert taken is not None
    assert claim(spool) is None
    assert list(dead_spools(ledger)) == []
    assert (taken.events / "1.log").read_bytes() == b"seen"
    name = taken.conclude(ledger, replace(a_run(), status="interrupted"))
    assert ledger.names() == {name}
    assert list(spools(ledger)) == []


def test_of_many_that_recover_at_once_one_does(ledger: Ledger) -> None:
    dies(ledger)
    script = (
        "import sys, time; from pathlib import Path; from provgraph.ledger import *\n"
        "from tests.unit.ledger.making import *\n"
        "ledger = a_ledger(Path(sys.argv[1])); found = list(dead_spools(ledger))\n"
        "time.sleep(max(0, float(sys.argv[2]) - time.time()))\n"
        "print(sum(claim(spool) is not None for spool in found)); sys.stdout.flush(); input()"
    )
    start = str(time.time() + 2)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(ledger.place), start],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    said = []
    for process in processes:
        assert process.stdout is not None
        said.append(process.stdout.readline().strip())
    assert sorted(said) == ["0", "0", "0", "1"]
    (spool,) = spools(ledger)
    assert spool.state == "live"  # while the taker lives
    for process in processes:
        process.communicate("\n")
    (spool,) = dead_spools(ledger)  # a taker that died is recovered from, too
    assert claim(spool) is not None


def test_a_run_killed_while_it_recorded_is_one_record(ledger: Ledger) -> None:
    dies(
        ledger,
        "import provgraph.ledger.spool as module\n"
        "module.Spool.finish = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
        "spool = module.Spool(spool.directory, spool.run_id, 'live', spool.owner, {})\n"
        "spool.conclude(ledger, a_run(3))\n",
    )
    (spool,) = dead_spools(ledger)
    taken = claim(spool)
    assert taken is not None
    (record,) = taken.concluded(ledger)
    assert record == a_run(3)
    taken.conclude(ledger, record)
    assert len(ledger.names()) == 1


def test_a_run_of_several_records_is_all_of_them(ledger: Ledger) -> None:
    dies(
        ledger,
        "import provgraph.ledger.ledger as module\n"
        "append = module.Ledger.append\n"
        "def once(self, record):\n"
        "    append(self, record)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "module.Ledger.append = once\n"
        "spool.conclude(ledger, a_run(3), a_run(4), a_run(5))\n",
    )
    (spool,) = dead_spools(ledger)
    taken = claim(spool)
    assert taken is not None
    assert taken.concluded(ledger) == [a_run(3), a_run(4), a_run(5)]
    assert len(ledger.names()) == 1
    taken.conclude(ledger, *taken.concluded(ledger))
    assert len(ledger.names()) == 3
    assert list(spools(ledger)) == []


def test_records_whose_objects_were_lost_are_not_believed(ledger: Ledger) -> None:
    dies(
        ledger,
        "private = {'agent': ledger.put_private('agent', {'user': 'eva'})}\n"
        "spool.keep(ledger, a_run(3, private=private))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    (spool,) = dead_spools(ledger)
    (record,) = spool.concluded(ledger)
    private = record.private["agent"]
    ledger.members.path_of("private", private[3:]).unlink()
    assert spool.concluded(ledger) == []
    ledger.put_private("agent", {"user": "eva"})
    ledger.erase([private], "forgotten")
    assert spool.concluded(ledger) == [record]


def rewritten(spool: Spool, change: Callable[[dict[str, Any]], None]) -> None:
    file = spool.directory / "run.json"
    content = json.loads(file.read_bytes())
    change(content["owner"])
    file.chmod(0o600)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "live"),
        ({"start": "1"}, "dead"),  # the pid was given to another process
        ({"pid": 2**22 + 1}, "dead"),
        ({"pid": 2**70}, "dead"),
        ({"boot": "an earlier one"}, "dead"),
        ({"boot": "another", "host": "elsewhere"}, "foreign"),
        ({"boot": "another", "machine": "a twin of that name"}, "foreign"),
        ({"host": "renamed since"}, "live"),
        ({"namespace": "pid:[1]", "start": "1"}, "foreign"),  # a container's
    ],
)
def test_whose_spool_it_is_decides(ledger: Ledger, fields: dict[str, Any], state: str) -> None:
    spool = Spool.begin(ledger, RUN, {})
    rewritten(spool, lambda owner: owner.update(fields))
    (seen,) = spools(ledger)
    assert seen.state == state


@pytest.mark.parametrize(
    "content", [None, b"", b'{"owner"', b"[]", b'{"owner": {}, "document": {}}', b"\xff" * 20]
)
def test_a_half_written_spool_breaks_nothing(ledger: Ledger, content: bytes | None) -> None:
    directory = ledger.place / "spool" / RUN
    directory.mkdir()
    if content is not None:
        (directory / "run.json").write_bytes(content)
    (ledger.place / "spool" / "a file").write_text("?")
    (ledger.place / "spool" / ".new-x").mkdir()
    (ledger.place / "spool" / ".gone-x").mkdir()
    assert [spool.state for spool in spools(ledger)] == ["unreadable"]
    assert list(dead_spools(ledger)) == []
    assert directory.is_dir()
    assert (ledger.place / "spool" / ".new-x").is_dir()
    assert not (ledger.place / "spool" / ".gone-x").exists()


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = this_process(child.pid)
    assert state_of(owner) == "live"
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert state_of(owner) == "dead"
    child.wait()
    assert state_of(owner) == "dead"


def test_an_owner_comes_back_from_its_document() -> None:
    assert owner_in(json.loads(json.dumps(this_process().document()))) == this_process()
