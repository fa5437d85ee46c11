"""How kinds and states look in a drawing: told apart without colour too."""

from __future__ import annotations

from typing import Any

from provgraph.model import kinds

# kind → (SVG path in a box of 24 around 0, fill on a light page, fill on a dark one)
KIND_LOOKS: dict[str, tuple[str, str, str]] = {
    kinds.RUN: ("M-11 0A11 11 0 1 0 11 0A11 11 0 1 0 -11 0Z", "#4a6fa5", "#7ea6e0"),
    kinds.AGENT: (
        "M-5 -6A5 5 0 1 0 5 -6A5 5 0 1 0 -5 -6ZM-11 12C-11 4 -6 1 0 1C6 1 11 4 11 12Z",
        "#6b7280", "#a7b0bd",
    ),
    kinds.SCRIPT: ("M-9 -12H3L9 -6V12H-9ZM3 -12V-6H9", "#7a5ea8", "#b39ddb"),
    kinds.DATASET: (
        "M-10 -8A10 4 0 0 1 10 -8V8A10 4 0 0 1 -10 8ZM-10 -8A10 4 0 0 0 10 -8",
        "#1f8a70", "#5cc7ab",
    ),
    kinds.CONFIG: ("M0 -12L12 0L0 12L-12 0Z", "#b7791f", "#e6b45c"),
    kinds.ENVIRONMENT: ("M-6 -11H6L12 0L6 11H-6L-12 0Z", "#64748b", "#94a8c2"),
    kinds.HARDWARE: (
        "M-8 -8H8V8H-8ZM-4 -8V-12M4 -8V-12M-4 8V12M4 8V12M-8 -4H-12M-8 4H-12M8 -4H12M8 4H12",
        "#5b6470", "#9aa5b4",
    ),
    kinds.RESULT: (
        "M0 -13L3.8 -4.6L13 -3.8L6 2.2L8.2 11.4L0 6.6L-8.2 11.4L-6 2.2L-13 -3.8L-3.8 -4.6Z",
        "#c2577a", "#ee8fae",
    ),
}  # fmt: skip
OTHER_LOOK = ("M0 -12L12 10H-12Z", "#4b5563", "#9ca3af")

# state → (colour on a light page, on a dark one, dashes of the ring, what it means)
STATE_LOOKS: dict[str, tuple[str, str, list[int], str]] = {
    "affected": ("#d4550c", "#ff9d57", [], "falls when what is asked about changes"),
    "stale": ("#c81e1e", "#ff7b72", [], "what it rests on has changed"),
    "behind": ("#9a6700", "#f0b429", [7, 4], "something it read was redone since"),
    "modified": ("#8250df", "#c4a5ff", [2, 4], "changed by hand"),
    "missing": ("#57606a", "#9ea7b3", [1, 5], "no longer there"),
    "current": ("#1a7f37", "#56d364", [], "as it would be made now"),
}
# evidence → dashes of the edge, what it means
EVIDENCE_LOOKS: dict[str, tuple[list[int], str]] = {
    "observed": ([], "seen happening"),
    "declared": ([9, 5], "said by a person or a tool"),
    "inferred": ([2, 5], "derived by a rule"),
}


def looks() -> dict[str, Any]:
    """Give all of it as JSON values, for a page that draws by itself."""
    return {
        "kinds": {
            kind: {"path": path, "light": light, "dark": dark}
            for kind, (path, light, dark) in {**KIND_LOOKS, "": OTHER_LOOK}.items()
        },
        "states": {
            state: {"light": light, "dark": dark, "dashes": dashes, "words": words}
            for state, (light, dark, dashes, words) in STATE_LOOKS.items()
        },
        "evidence": {name: words for name, (_, words) in EVIDENCE_LOOKS.items()},
    }
