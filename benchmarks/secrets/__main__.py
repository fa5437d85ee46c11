"""How many secrets are found, and how much else is taken for one, beside `detect-secrets`.

    python -m benchmarks.secrets [--each 20] [--peer .venv-peer/bin/python] [--table]

Both read the same lines in the same run. For provgraph, a secret is found when nothing of it is
left, and whatever changes in a benign line is a false redaction; for the peer, which reports lines,
any report of a line with a secret counts as found. `--table` writes rows for the documentation.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sysconfig
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.lineage import machine, table
from benchmarks.secrets.corpus import BENIGN, Case, corpus
from provgraph.collect.secrets import Redactor

HERE = Path(__file__).parent
PEER = HERE.parents[1] / ".venv-peer" / "bin" / "python"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--each", type=int, default=20, help="lines of each kind")
    parser.add_argument("--peer", type=Path, default=PEER, help="a Python that has detect-secrets")
    parser.add_argument("--code", type=int, default=500, help="files of installed packages")
    parser.add_argument("--table", action="store_true", help="rows of Markdown")
    asked = parser.parse_args()
    cases = corpus(asked.each)
    began = time.perf_counter()
    ours = by_us(cases)
    seconds = time.perf_counter() - began
    theirs, told = by_peer(cases, asked.peer)
    rows: list[tuple[object, ...]] = [("", "lines", "provgraph", "detect-secrets")]
    groups = list(dict.fromkeys(case.group for case in cases))
    for group in groups:
        places = [at for at, case in enumerate(cases) if case.group == group]
        rows.append((_title(group), len(places), *_shares(places, ours, theirs)))
    kinds: dict[tuple[str, str], list[int]] = defaultdict(list)
    for at, case in enumerate(cases):
        kinds[case.group, case.kind].append(at)
    differ = [
        (f"{group}: {kind}", len(places), *_shares(places, ours, theirs))
        for (group, kind), places in kinds.items()
        if group != groups[0] or sum(ours[at] for at in places) < len(places)
    ]
    if asked.table:
        for row in (*rows[:1], ("---",) * 4, *rows[1:], *differ):
            print("|", " | ".join(map(str, row)), "|")
        return
    print(machine("blake3"), "\n")
    print(f"{len(cases):,} lines; {told}; provgraph took {seconds:.1f} s\n")
    table(rows)
    print("by kind: all but those found by shape without a miss\n")
    table([rows[0], *differ])
    in_code(asked.code, asked.peer)


def in_code(count: int, peer: Path) -> None:
    """Show how many lines of other people's code, tests left out, are taken for secrets."""
    place = Path(sysconfig.get_path("purelib"))
    paths = sorted(
        path for path in place.rglob("*.py") if "test" not in str(path.relative_to(place))
    )
    chosen = random.Random(9).sample(paths, min(count, len(paths)))
    redactor = Redactor(b"k" * 32)
    lines, mine = 0, 0
    for path in chosen:
        before = path.read_text("utf-8", "surrogateescape")
        lines += before.count("\n")
        changed = redactor.text(before).split("\n")
        mine += sum(one != other for one, other in zip(before.split("\n"), changed, strict=False))
    told = "no peer"
    if peer.exists():
        command = [peer, HERE / "peer.py", *map(str, chosen)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        theirs = sum(len(found) for found in json.loads(done.stdout)["found"].values())
        told = f"detect-secrets reports {theirs}"
    print(f"{len(chosen)} files of installed packages, {lines:,} lines:")
    print(f"provgraph changes {mine} lines, {told}")


def by_us(cases: Sequence[Case]) -> list[bool]:
    """Tell of each case whether a secret is gone, or a benign line changed."""
    redactor = Redactor(b"k" * 32)
    texts = [redactor.text(case.text) for case in cases]
    return [
        text != case.text if case.group == BENIGN else case.secret not in text
        for case, text in zip(cases, texts, strict=True)
    ]


def by_peer(cases: Sequence[Case], peer: Path) -> tuple[list[bool] | None, str]:
    """Tell of each case whether the peer reports one of its lines; None where there is no peer."""
    if not peer.exists():
        return None, f"no detect-secrets: {peer} isn't there (make bench installs it)"
    with tempfile.TemporaryDirectory() as folder:
        lines: dict[Path, list[str]] = defaultdict(list)
        spans: list[tuple[Path, int, int]] = []
        for case in cases:
            # Files as people have them: of one kind, and not mixed with another's.
            path = Path(folder) / f"{len(case.group)}-{case.kind.replace(' ', '-')}.{case.suffix}"
            first = len(lines[path]) + 1
            lines[path] += case.text.split("\n")
            spans.append((path, first, len(lines[path])))
        for path, several in lines.items():
            path.write_text("\n".join(several) + "\n")
        done = subprocess.run(
            [peer, HERE / "peer.py", *map(str, lines)], capture_output=True, text=True, check=True
        )
    said = json.loads(done.stdout)
    found = {Path(path): set(numbers) for path, numbers in said["found"].items()}
    hits = [any(first <= n <= last for n in found[path]) for path, first, last in spans]
    return hits, f"detect-secrets {said['version']} took {said['seconds']:.1f} s"


def _title(group: str) -> str:
    return "benign lines taken for secrets" if group == BENIGN else f"secrets known {group}: found"


def _shares(
    places: Sequence[int], ours: Sequence[bool], theirs: Sequence[bool] | None
) -> tuple[str, str]:
    mine = sum(ours[at] for at in places) / len(places)
    if theirs is None:
        return f"{mine:.1%}", "–"
    return f"{mine:.1%}", f"{sum(theirs[at] for at in places) / len(places):.1%}"


if __name__ == "__main__":
    main()
