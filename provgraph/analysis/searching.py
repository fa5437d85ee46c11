"""Find recorded things by a part of their name, as somebody types it."""

from __future__ import annotations

from provgraph.analysis.asking import Questions
from provgraph.analysis.showing import run_id
from provgraph.model.answers import Match
from provgraph.model.digests import generation_id
from provgraph.model.kinds import RUN

# So many candidates are ranked; what is nearest comes among the first found.
MOST_RANKED = 2_000


def search(questions: Questions, text: str, *, limit: int) -> list[Match]:
    """Give names that contain the text (a digest's or a run id's beginning, too), nearest first.

    Nearest is what equals the text, then what ends in it as a path, then a file name beginning so.
    """
    wanted = text.strip().lower()
    if not wanted:
        return []
    store = questions.facts.store
    ranked: list[tuple[int, int, str, str]] = []
    titles = dict(store.titles())
    for name in store.all_names():
        shown = titles.get(name, name)
        if wanted in (low := shown.lower()):
            ranked.append((_rank(low, wanted), len(shown), shown, name))
            if len(ranked) >= MOST_RANKED:
                break
    ranked.sort()
    out = [
        Match(
            ask=name,
            name=shown,
            kind=_kind(questions, name),
        )
        for _, _, shown, name in ranked[:limit]
    ]
    return _by_id(questions, text.strip(), limit) + out


def _kind(questions: Questions, name: str) -> str:
    made = questions.facts.produced((questions.facts.project, name))
    return questions.wording.kind(name, bool(made))


def _rank(name: str, wanted: str) -> int:
    if name == wanted:
        return 0
    if name.endswith("/" + wanted):
        return 1
    tail = name.rsplit("/", 1)[-1]
    return 2 if tail.startswith(wanted) else 3 if wanted in tail else 4


def _by_id(questions: Questions, text: str, limit: int) -> list[Match]:
    """Give the runs with this id or step, and the contents with this digest."""
    store, wording = questions.facts.store, questions.wording
    plain = text.removeprefix("run:")
    keys = [*store.by_id(plain), *store.by_id(f"run:{plain}")] if len(plain) >= 6 else []
    rows = {row.id: row for row in store.runs(keys[:limit])}
    if not rows:
        rows = {row.id: row for row in store.list_runs(step=text, limit=3)}
    out = [Match(run_id(row.id), row.label or row.id, RUN) for row in rows.values()]
    digest = text.removeprefix("b3:")
    if len(digest) >= 6 and all(c in "0123456789abcdef" for c in digest):
        for g in store.by_digest(digest)[:limit]:
            run = store.runs([g.maker]) if g.maker is not None else []
            key = generation_id(g.project, g.name, g.digest, run[0].id if run else None)
            kind = g.kind or wording.kind(g.name, g.maker is not None)
            out.append(Match(key, wording.title(g.name), kind))
    return out[:limit]
