"""Two runs side by side: what differs, what can be why their metrics do, what isn't known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from provgraph.analysis.asking import Questions
from provgraph.analysis.gaps import note
from provgraph.analysis.rundiff import METRICS, Side, differences
from provgraph.analysis.suspects import suspects
from provgraph.errors import ProvgraphError
from provgraph.model.answers import GapNote, Reach, RunDiff


def compare(questions: Questions, one: Side, two: Side, *, load: Callable[[str], Side]) -> RunDiff:
    """Compare two runs; `load` gives others by their ids, and raises where there is no record."""
    title = questions.wording.title
    seen: dict[str, Side] = {one.record.run: one, two.record.run: two}
    lost: dict[str, None] = {}

    def known(run: str) -> Side | None:
        if run not in seen and run not in lost:
            try:
                seen[run] = load(run)
            except ProvgraphError:
                lost[run] = None
        return seen.get(run)

    found, same = differences(one, two)
    metrics = tuple(d.name for d in found if d.section == METRICS)
    reach: tuple[Reach, ...] = ()
    gaps: list[GapNote] = list(questions.left_out)
    if metrics:
        able, unable = suspects(one, two, known)
        reach = (
            Reach(
                metrics,
                tuple(replace(s, name=title(s.name)) for s in able),
                tuple(replace(c, name=title(c.name)) for c in unable),
            ),
        )
        gaps += _unseen(questions, seen, lost)
    return RunDiff(
        as_of=questions.as_of,
        before=one.record.run,
        after=two.record.run,
        differences=tuple(replace(d, name=title(d.name)) for d in found),
        same=same,
        gaps=tuple(gaps),
        reach=reach,
    )


def _unseen(questions: Questions, seen: dict[str, Side], lost: dict[str, None]) -> list[GapNote]:
    """Say what the runs on the way may have touched unseen: a suspect could hide there."""
    out: dict[tuple[str, str], GapNote] = {}
    for side in seen.values():
        for gap in side.record.gaps:
            out.setdefault(
                (gap.reason, gap.subject), questions.wording.gap(gap.reason, gap.subject)
            )
    return [*out.values(), *(note("unprojected", f"run {run}") for run in lost)]
