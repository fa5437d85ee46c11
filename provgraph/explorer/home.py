"""Home: what a page shows before any question. Not the graph."""

from __future__ import annotations

from typing import Any

from provgraph.explorer.interface import Subject
from provgraph.explorer.rows import table_of
from provgraph.explorer.views import ask, status_words
from provgraph.model.answers import to_json
from provgraph.render.advice import STATES

# So many entries of a list are shown; the list's own page has all.
SOME = 8
# Of a larger project the structure is only looked for when somebody asks: it takes seconds.
LARGE = 20_000


def home(subject: Subject) -> dict[str, Any]:
    """Give what is out of date, the newest runs, gaps, pins, and everything counted."""
    status = subject.status()
    shown = ask(subject, "status", {}).view("status", {})
    log = subject.log(limit=SOME)
    overview = subject.overview()
    return {
        "title": subject.title,
        "headline": status_words(status),
        "empty": not log.runs and not overview.kinds,
        "as_of": shown["as_of"],
        "viewpoint": status.viewpoint,
        "states": [
            {"state": state, "count": status.totals[state], "meaning": meaning}
            for state, (_, meaning) in STATES.items()
        ],
        "out_of_date": [
            {"name": item.name, "kind": item.kind, "state": state, "words": item.words}
            | {"pinned": item.pinned, "ask": item.name}
            for state in ("stale", "behind", "modified", "missing")
            for item in getattr(status, state)[:SOME]
        ],
        "runs": table_of(log).page()["rows"],
        "run_count": overview.totals["runs"],
        "gaps": shown["gaps"],
        "plan": shown["plan"],
        "pinned": [
            {"name": item.name, "kind": item.kind, "state": item.reason, "words": item.words}
            | {"pinned": item.pinned, "ask": item.name}
            for item in overview.pinned
        ],
        "large": sum(overview.kinds.values()) + overview.totals["runs"] > LARGE,
        "overview": to_json(overview),
    }
