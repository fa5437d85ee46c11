"""Go through the whole corpus and report: `make accuracy`, or

    python -m tests.accuracy [--write] [--dvc PROGRAM] [PIPELINE…]

Recall and precision are by outputs and their bytes: of those whose bytes an edit changed, how many
were said to be no longer current, and of those said how many changed. `--write` keeps the report in
docs/explanation/accuracy.md, `--dvc` holds `dvc status` against it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.accuracy.language import NO_OPS
from tests.accuracy.measuring import Bench, Case
from tests.accuracy.peer import Peer
from tests.accuracy.pipelines import PIPELINES

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "accuracy.md"
MARK = "<!-- measured below -->\n"


@dataclass
class Count:
    """Outputs, over some cases. `said` and `right` are those of provgraph, `peer…` of the peer."""

    cases: int = 0
    changed: int = 0
    said: int = 0
    right: int = 0
    peer_said: int = 0
    peer_right: int = 0

    def add(self, case: Case, peer: frozenset[str] | None) -> None:
        said = case.status | case.check
        self.cases += 1
        self.changed += len(case.changed)
        self.said += len(said)
        self.right += len(case.changed - case.missed)
        if peer is not None:
            self.peer_said += len(peer)
            self.peer_right += len(peer & case.changed)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.accuracy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="PIPELINE", help=", ".join(PIPELINES))
    parser.add_argument("--write", action="store_true", help="keep the report in the docs")
    parser.add_argument("--dvc", metavar="PROGRAM", help="the dvc to hold against it")
    asked = parser.parse_args()
    sorts: dict[str, Count] = defaultdict(Count)
    pipelines: dict[str, Count] = defaultdict(Count)
    every: list[Case] = []
    narrowed = touched = 0
    for name in asked.names or PIPELINES:
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            bench = Bench(PIPELINES[name], Path(place))
            bench.record()
            parts, whole = bench.narrowed()
            narrowed, touched = narrowed + parts, touched + whole
            peer = Peer(bench, asked.dvc) if asked.dvc else None
            if peer is not None:
                peer.begin()
            for edit in bench.pipeline.edits:
                # The peer can't be told of what lies outside of the files that it tracks.
                theirs = peer.said(edit) if peer and not (edit.installed or edit.asks) else None
                case = bench.case(edit)
                every.append(case)
                for table, key in ((sorts, edit.sort), (pipelines, name)):
                    table[key].add(case, theirs)
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    text = report(sorts, pipelines, every, narrowed, touched, peer=bool(asked.dvc))
    print(text)
    if asked.write:
        head = PAGE.read_text().partition(MARK)[0]
        PAGE.write_text(f"{head}{MARK}\n{text}")
    return any(case.missed for case in every)


def report(
    sorts: dict[str, Count],
    pipelines: dict[str, Count],
    every: Sequence[Case],
    narrowed: int,
    touched: int,
    *,
    peer: bool,
) -> str:
    total = Count()
    for one in pipelines.values():
        for field in vars(total):
            setattr(total, field, getattr(total, field) + getattr(one, field))
    no_ops = [case for case in every if case.edit.sort in NO_OPS and not case.changed]
    quiet = sum(not (case.status or case.check) for case in no_ops)
    precision = ratio(total.right, total.said)
    blocked = sum(case.blocked for case in every)
    lines = [
        f"{len(every)} edits of {len(pipelines)} pipelines.",
        f"Recall {ratio(total.right, total.changed)}, precision {precision}.",
        f"False hits: {total.said - total.right} of {total.said}.",
        f"No-op edits with no hit: {quiet} of {len(no_ops)}.",
        f"Edges narrowed below the whole: {narrowed} of {touched}.",
        f"Answers with a blocking gap: {blocked}.",
    ]
    if peer:
        false, theirs = total.said - total.right, total.peer_said - total.peer_right
        lines.append(
            f"`dvc status` on the same files, stage by stage: {theirs} false hits to our {false}"
            f" ({ratio(false, theirs)}), {total.peer_right} of {total.changed} changes found."
        )
    tables = [table("edit", sorts, peer=peer), table("pipeline", pipelines, peer=peer)]
    return "\n\n".join([" ".join(lines), *tables]) + "\n"


def table(what: str, counts: dict[str, Count], *, peer: bool) -> str:
    head = [what, "edits", "outputs changed", "recall", "precision", "false hits"]
    rows = [head + (["dvc: recall", "dvc: false hits"] if peer else [])]
    rows.append(["---"] * len(rows[0]))
    for key, one in counts.items():
        row = [key, one.cases, one.changed, ratio(one.right, one.changed)]
        row += [ratio(one.right, one.said), one.said - one.right]
        if peer:
            row += [ratio(one.peer_right, one.changed), one.peer_said - one.peer_right]
        rows.append([str(cell) for cell in row])
    return "\n".join(map(_line, rows))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def ratio(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"


if __name__ == "__main__":
    sys.exit(main())
