"""Many clones that push to one Neo4j at once: records a second, transactions tried again, lost.

    python -m benchmarks.neo4j_pushers [--clones 20] [--runs 50]

Each clone has runs of its own, each with a private note, and records that all have; the peer is
one clone that pushes as many alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.lineage import PROJECT, machine, table
from benchmarks.neo4j_load import wipe
from provgraph.graph.neo4j import Connection, Neo4jGraph
from provgraph.ledger.ledger import Ledger
from provgraph.model.records import NoteRecord, Product, RunRecord, Step, Tracing, Use
from tests.support.neo4j.server import Neo4j, a_neo4j

PUSH = """
import json, sys
from pathlib import Path
from provgraph.graph.neo4j import Connection, Neo4jGraph, connection
from provgraph.graph.neo4j.remote import Neo4jRemote
from provgraph.ledger.ledger import Ledger
from provgraph.ledger.transport import push
tried = wanted = 0
work, writing = connection.Work.__init__, Connection.writing
def trying(self, transaction):
    global tried
    tried += 1
    work(self, transaction)
def counting(self, what, /, *args, **kwargs):
    global tried, wanted
    before, wanted = tried, wanted + 1
    return writing(self, what, *args, **kwargs)
connection.Work.__init__, Connection.writing = trying, counting
ledger = Ledger.open(Path(sys.argv[1]), sys.argv[3])
graph = Neo4jGraph(Connection(sys.argv[2]), folder=sys.argv[3], project=sys.argv[3])
remote = Neo4jRemote(graph, ledger, pushing=True)
remote.sizes()
reads, tried, wanted = tried, 0, 0
sys.stdin.read(1)
push(ledger, remote)
print(json.dumps([tried - 1, wanted]))  # one of them reads the sizes
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clones", type=int, default=20)
    parser.add_argument("--runs", type=int, default=50)
    asked = parser.parse_args()
    print(machine("neo4j", "neo4j-rust-ext"), "\n")
    rows: list[Sequence[object]] = [("who", "records", "s", "records/s", "tried again", "lost")]
    with a_neo4j(optimised=True) as server, tempfile.TemporaryDirectory() as folder:
        several = [filled(Path(folder) / f"{n}", n, asked.runs) for n in range(asked.clones)]
        alone = filled(Path(folder) / "alone", asked.clones, asked.clones * asked.runs)
        pushed(server, several)  # the server compiles what it does often
        rows.append((f"{asked.clones} at once", *pushed(server, several)))
        rows.append(("one alone", *pushed(server, [alone])))
    table(rows)


def filled(place: Path, clone: int, runs: int) -> Ledger:
    """Make a clone's ledger."""
    place.mkdir()
    ledger = Ledger.open(place, PROJECT)
    with ledger.together():
        notes = [ledger.put_private("note", {"text": f"{clone} {n}"}) for n in range(runs)]
    for number, note in enumerate(notes):
        ledger.append(record(clone, number))
        ledger.append(
            NoteRecord(
                project=PROJECT,
                at=f"2026-01-01T00:00:00.{number:06}Z",
                subject=f"01C{clone:04}N{number:06}",
                private={"note": note},
            )
        )
    ledger.append(record(9999, 0))
    return ledger


def record(clone: int, number: int) -> RunRecord:
    at = f"2026-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z"
    return RunRecord(
        project=PROJECT,
        at=at,
        run=f"01C{clone:04}N{number:06}",
        step=Step(key=f"step {number % 9}", label=f"step {number % 9}"),
        status="ok",
        started=at,
        ended=at,
        uses=tuple(
            Use(name=name, digest="b3:1", touched={"#bytes": "b3:1"})
            for name in ("data/shared.csv", f"data/{number}.csv", "train.py", "params.yaml")
        ),
        produces=(Product(name=f"out/{clone}/{number}", digest=f"b3:{number}"),),
        tracing=Tracing(method="bench", complete=True),
    )


def pushed(server: Neo4j, ledgers: Sequence[Ledger]) -> tuple[object, ...]:
    """Let ledgers be pushed at once into an empty graph; gives a row's figures."""
    wipe(server)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PUSH, str(ledger.place), server.url, PROJECT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for ledger in ledgers
    ]
    time.sleep(2 + len(ledgers) / 2)  # until all stand at the line
    began = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b".")
        process.stdin.flush()
    said = [json.loads(process.communicate()[0]) for process in processes]
    seconds = time.perf_counter() - began
    names = set().union(*(ledger.names() for ledger in ledgers))
    graph = Neo4jGraph(Connection(server.url), folder=PROJECT, project=PROJECT)
    lost = len(names - graph.known())
    graph.close()
    again = sum(tried - wanted for tried, wanted in said)
    return len(names), seconds, round(len(names) / seconds), again, lost


if __name__ == "__main__":
    main()
