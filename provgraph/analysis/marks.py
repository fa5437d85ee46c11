"""What a drawn thing is sorted and narrowed by besides its kind and state: step, time, tracing.

Of an artefact these are those of the run that wrote it; a source nobody wrote has the time at
which it was first read, as far as that is known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from provgraph.analysis.asking import Questions
from provgraph.graph.interface import RunRow
from provgraph.model.answers import Mark
from provgraph.model.gaps import is_unseen


def marks(questions: Questions, ids: Sequence[str]) -> dict[str, Mark]:
    """Give the mark of each node by its id; ids that mean nothing are left out."""
    facts = questions.facts
    of = {key: text for text, key in facts.store.keys_of(ids).items()}
    runs = {row.key: row for row in facts.store.runs(list(of))}
    rest = [key for key in of if key not in runs]
    facts.ensure(rest)
    generations = {key: g for key in rest if (g := facts.looked_up(key)) is not None}
    makers = sorted({g.maker for g in generations.values() if g.maker is not None} - runs.keys())
    every = runs | {row.key: row for row in facts.store.runs(makers)}
    unseen: dict[int, list[str]] = defaultdict(list)
    for key, reason, subject in facts.store.run_gaps(sorted(runs)):
        gap = questions.wording.gap(reason, subject)
        if is_unseen(reason) and gap.words not in unseen[key]:
            unseen[key].append(gap.words)
    out: dict[str, Mark] = {}
    for key, text in of.items():
        if key in runs:
            out[text] = replace(_of_run(runs[key]), unseen=tuple(unseen.get(key, ())))
        elif (g := generations.get(key)) is not None:
            maker = every.get(g.maker) if g.maker is not None else None
            told = _of_run(maker) if maker else Mark(time=_moment(g.first_read), project=g.project)
            pinned = questions.wording.pinned(g)
            out[text] = replace(told, pinned=pinned) if pinned else told
    return out


def _of_run(row: RunRow) -> Mark:
    return Mark(
        step=row.label,
        time=row.started,
        tracing=row.tracing,
        project=row.project,
        run=row.id,
    )


def _moment(nanoseconds: int | None) -> str:
    if not nanoseconds:
        return ""
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
