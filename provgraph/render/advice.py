"""What to do about each gap, and what each state means: one line a reason."""

from __future__ import annotations

from provgraph.model.answers import GapNote
from provgraph.model.gaps import ACCEPTED

# reason (model/gaps.py) → what closes the gap
ADVICE: dict[str, str] = {
    "untraced": "say what it reads: provgraph run --uses PATH … -- COMMAND",
    "native-reader": "say what it reads: provgraph run --uses PATH … -- COMMAND",
    "isolated-python": "run it without -I, -E and -S, or say what it reads with --uses",
    "handed-over": "say what was read and written: provgraph run --uses PATH --produces PATH …",
    "network": "keep a copy in the project, or accept the host: [network] in provgraph.toml",
    "io-uring": "say what it reads: provgraph run --uses PATH … -- COMMAND",
    "unwatched-writer": "run the step that writes it again, under provgraph run",
    "undecided": "put the content you mean in the working tree, or redo the step that makes it",
    "applied-twice": "restore its input, then run the step once",
    "unreadable": "make it readable, then ask again; a table's columns need provgraph[parquet]",
    "changed-while-read": "run the step again while nothing else writes there",
    "too-large-to-hash": "keep the input apart from the output, then run the step again",
    "log-cut": "run the step again and let it end",
    "graph-away": "start it or check the network; `provgraph doctor` tries it",
    "unprojected": "provgraph graph rebuild",
    "damaged-record": "provgraph verify; a copy may be had with provgraph pull",
    "future-record": "install the provgraph that wrote it, or a newer one",
    "unresolved-inputs": "pull the records of the runs before it: provgraph pull",
    "unlisted-files": "provgraph pull may bring the list; else run the step again",
    "capture-failed": "run the step again",
}


def advice_on(gap: GapNote) -> str:
    """Say what closes a gap; nothing of one that may stay open."""
    return "" if gap.grade == ACCEPTED else ADVICE.get(gap.reason, "")


# state → (what a list of such names is headed with, what it means and what to do)
STATES: dict[str, tuple[str, str]] = {
    "stale": ("Stale", "what they were made from has changed; provgraph why NAME shows the path"),
    "behind": (
        "Behind",
        "they could be made as they are, but something they read was redone since",
    ),
    "modified": (
        "Modified by hand",
        "no recorded run put these bytes there; nothing overwrites them",
    ),
    "missing": ("Missing", "recorded, but no longer there"),
    "current": ("Current", ""),
}
