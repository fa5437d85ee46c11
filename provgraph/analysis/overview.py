"""Everything recorded, counted: what a page shows before any question is asked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from provgraph.analysis.asking import Questions
from provgraph.graph.interface import RunMark
from provgraph.model.answers import Lane, Overview, Standing
from provgraph.model.kinds import KINDS, RUN

SPANS = 24
# Steps with a row of their own; the others share one.
MOST_LANES = 12
OTHERS = "other steps"


def overview(questions: Questions) -> Overview:
    """Count runs by step and time, names by kind, and judge what is pinned."""
    facts, store = questions.facts, questions.facts.store
    runs = [row for row in store.run_marks() if row.project == facts.project]
    imported = len(store.by_kind(RUN)) - len(runs)
    dated = [(row, at) for row in runs if (at := _time(row.started)) is not None]
    spans = _spans([at for _, at in dated])
    kinds: Counter[str] = Counter()
    for name in facts.at:
        kinds[questions.wording.kind(name[1], bool(facts.produced(name)))] += 1
    for kind in KINDS:
        if kind != RUN:
            several = store.by_kind(kind)
            kinds[kind] += sum(key not in facts.generations for key in several)
    return Overview(
        as_of=questions.as_of,
        spans=tuple(at.isoformat().replace("+00:00", "Z") for at in spans),
        lanes=_lanes([(row, at, row.label or row.step) for row, at in dated], spans),
        made=_lanes(_made(questions, dated), spans),
        undated=len(runs) - len(dated) + max(0, imported),
        kinds={kind: count for kind, count in kinds.items() if count},
        pinned=_pinned(questions),
        totals={"runs": max(len(runs), len(runs) + imported), "steps": len({r.step for r in runs})},
    )


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _spans(times: Sequence[datetime]) -> list[datetime]:
    if not times:
        return []
    first, last = min(times), max(times)
    length = max((last - first) / SPANS, timedelta(seconds=1))
    return [first + length * place for place in range(SPANS + 1)]


def _made(
    questions: Questions, dated: Sequence[tuple[RunMark, datetime]]
) -> list[tuple[RunMark, datetime, str]]:
    """Give each thing that a run made, by its kind."""
    facts = questions.facts
    made: dict[int, list[str]] = defaultdict(list)
    for g in facts.generations.values():
        if g.maker is not None:
            made[g.maker].append(g.kind or questions.wording.kind(g.name, True))
    return [(row, at, kind) for row, at in dated for kind in made.get(row.key, ())]


def _lanes(
    dated: Sequence[tuple[RunMark, datetime, str]], spans: Sequence[datetime]
) -> tuple[Lane, ...]:
    """Count by label and time: `dated` are a run, when it was, and in which lane it counts."""
    if not dated:
        return ()
    sizes = Counter(label for _, _, label in dated)
    named = {label for label, _ in sizes.most_common(MOST_LANES)}
    runs: dict[str, list[int]] = defaultdict(lambda: [0] * SPANS)
    failed: dict[str, list[int]] = defaultdict(lambda: [0] * SPANS)
    length = spans[1] - spans[0]
    for row, at, label in dated:
        lane = label if label in named else OTHERS
        place = min(SPANS - 1, int((at - spans[0]) / length))
        runs[lane][place] += 1
        failed[lane][place] += row.status != "ok"
    order = sorted(runs, key=lambda lane: (lane not in named, -sum(runs[lane]), lane))
    return tuple(Lane(lane, tuple(runs[lane]), tuple(failed[lane])) for lane in order)


def _pinned(questions: Questions) -> tuple[Standing, ...]:
    """Give what is pinned with its state; one whose content lies there no more says so."""
    facts, wording = questions.facts, questions.wording
    out = []
    for (name, digest), how in sorted(facts.store.pins().items()):
        place = (facts.project, name)
        if how == "none" or place not in facts.at:
            continue
        here = questions.now.lying(place).generation
        lies = here is not None and here.digest == digest
        state = questions.now.name_state(place) or "source"
        out.append(
            Standing(
                name=wording.title(name),
                kind=wording.kind(name, bool(facts.produced(place))),
                reason=state if lies else "replaced",
                words="" if lies else "another content lies there now",
                pinned=how,
            )
        )
    order = {"published": 0}
    return tuple(sorted(out, key=lambda item: (order.get(item.pinned, 1), item.name)))
