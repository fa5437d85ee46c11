"""Run records into a fresh index, and what every question reads first.

    python -m benchmarks.records_speed [--runs 10000] [--inputs 20] [--repeat 5]

Records are read from their bytes as the ledger keeps them: parsing is measured by itself.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.lineage import PROJECT, machine, table, timed
from provgraph.graph import LocalGraph
from provgraph.model.digests import content_digest
from provgraph.model.records import (
    Product,
    Recorded,
    RunRecord,
    Step,
    Tracing,
    Use,
    to_bytes,
)
from provgraph.model.validation import RECORD

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def records(count: int, inputs: int) -> list[tuple[str, bytes]]:
    """Make runs of 40 steps: scripts and settings that change now and then, earlier products."""
    chance = random.Random(1)
    made: list[tuple[str, bytes]] = []
    products: list[tuple[str, str, str, str]] = []
    for number in range(count):
        step = f"step-{number % 40}"
        uses = []
        for place in range(inputs):
            if products and chance.random() < 0.2:
                name, digest, maker, maker_step = chance.choice(products[-500:])
            else:
                age = number // (200 + 50 * place)
                name, digest = f"src/part{place}/module.py", content_digest(b"%d.%d" % (place, age))
                maker = maker_step = ""
            uses.append(
                Use(
                    name=name,
                    digest=digest,
                    maker=maker or None,
                    maker_step=maker_step or None,
                    touched={"#bytes": digest},
                    size=1000,
                )
            )
        written = [
            Product(
                name=f"out/{step}/{kind}.csv",
                digest=content_digest(b"%d%s" % (number, kind.encode())),
                size=2000,
            )
            for kind in ("table", "figure", "metrics")
        ]
        at = (FIRST + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
        run = f"01J{number:023}"
        record = RunRecord(
            project=PROJECT,
            at=at,
            run=run,
            step=Step(key=step, label=f"python {step}.py"),
            status="ok",
            started=at,
            ended=at,
            uses=tuple(uses),
            produces=tuple(written),
            tracing=Tracing(method="audit", complete=True),
        )
        data = to_bytes(record)
        made.append((content_digest(data), data))
        products += [(p.name, p.digest, run, step) for p in written]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--inputs", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    print(machine("pydantic", "blake3"), "\n")
    source = records(asked.runs, asked.inputs)
    size = sum(len(data) for _, data in source) / 1e6
    print(f"{asked.runs:,} run records, {asked.inputs} inputs and 3 products each, {size:.0f} MB\n")

    def parse() -> list[tuple[str, Recorded, dict[str, dict[str, str]]]]:
        return [(name, RECORD.validate_json(data), {}) for name, data in source]

    parsing, parsed = timed(parse, asked.repeat)
    with tempfile.TemporaryDirectory() as folder:
        projecting = []
        for number in range(asked.repeat):
            with closing(LocalGraph(Path(folder) / f"{number}.db")) as store:
                began = time.perf_counter()
                store.add(parsed)
                projecting.append(time.perf_counter() - began)
        store = LocalGraph(Path(folder) / "0.db")
        projected = sorted(projecting)[len(projecting) // 2]
        again, _ = timed(lambda: store.add(parsed), asked.repeat)
        rows: list[tuple[object, ...]] = [
            (f"median of {asked.repeat}", "s", "count"),
            ("parse the records", parsing, len(parsed)),
            ("project them into a fresh index", projected, len(parsed)),
            ("both", parsing + projected, ""),
            ("project them again: nothing new", again, 0),
        ]
        for name in ("known", "recorded_generations", "touched_sources", "shared_classes"):
            seconds, answer = timed(getattr(store, name), asked.repeat)
            rows.append((f"{name}()", seconds, len(answer)))
        keys = [g.key for g in store.recorded_generations()]
        seconds, answer = timed(lambda: store.uses_of(keys), asked.repeat)
        rows.append(("uses_of(all generations)", seconds, len(answer)))
        seconds, answer = timed(lambda: store.effects_of(keys), asked.repeat)
        rows.append(("effects_of(all generations)", seconds, len(answer)))
        table(rows)
        print(f"index: {(Path(folder) / '0.db').stat().st_size / 1e6:,.0f} MB")
        store.close()


if __name__ == "__main__":
    main()
