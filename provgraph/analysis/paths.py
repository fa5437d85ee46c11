"""Decisive paths: from a vertex that fell back to what made it fall, as links and as a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from provgraph.analysis.falling import Fallen
from provgraph.analysis.judgement import Judgement
from provgraph.graph.interface import DEPENDS_ON, PRODUCES, USES, GraphStore
from provgraph.model.answers import Link
from provgraph.model.parts import SAID

# What people are told of a long path: its ends.
LONGEST_SENTENCE = 3


@dataclass(frozen=True, slots=True)
class Labels:
    """What to call vertices: artefacts by name (or title), runs by their step's label."""

    text: Mapping[int, str]
    runs: frozenset[int]

    def __getitem__(self, key: int) -> str:
        return self.text.get(key, f"#{key}")


def label(store: GraphStore, keys: Iterable[int], title: Callable[[str], str]) -> Labels:
    """Look up in bulk what to call these vertices."""
    wanted = list(dict.fromkeys(keys))
    text: dict[int, str] = {}
    runs = store.runs(wanted)
    for run in runs:
        text[run.key] = run.label or run.id
    known = frozenset(text)
    for vertex in store.vertices([key for key in wanted if key not in text]):
        text[vertex.key] = title(vertex.name) or vertex.id
    return Labels(text=text, runs=known)


def trail(fallen: Fallen, key: int, *, base: Fallen | None = None) -> list[int]:
    """Give the vertices from the seed to `key`, cause first."""
    out = [key]
    seen = {key}
    while True:
        cause = fallen.cause.get(out[-1])
        if cause is None or cause in seen or (base is not None and cause in base):
            break
        seen.add(cause)
        out.append(cause)
    out.reverse()
    return out


def full_trail(judgement: Judgement, fallen: Fallen, key: int) -> list[int]:
    """Give the trail with, in front, the generation that the seed's own cause names."""
    out = trail(fallen, key)
    cause = judgement.causes.get(out[0])
    if cause is not None and cause.generation is not None:
        out.insert(0, cause.generation)
    return out


def links(path: Sequence[int], labels: Labels, parts: Sequence[str] = ()) -> tuple[Link, ...]:
    """Turn a trail into links, cause first; `parts` are those touched on the first one."""
    out = []
    for place, (cause, effect) in enumerate(pairwise(path)):
        if effect in labels.runs:
            edge = USES if cause not in labels.runs else DEPENDS_ON
        else:
            edge = PRODUCES if cause in labels.runs else DEPENDS_ON
        touched = dict.fromkeys(parts, "") if place == 0 else {}
        evidence = "inferred" if edge == DEPENDS_ON else "observed"
        out.append(
            Link(
                cause=labels[cause],
                effect=labels[effect],
                edge=edge,
                evidence=evidence,
                touched=touched,
            )
        )
    return tuple(out)


def steps_of(path: Sequence[int], labels: Labels) -> int:
    """Count the steps of a trail: runs, and links between artefacts."""
    runs = sum(key in labels.runs for key in path)
    direct = sum(a not in labels.runs and b not in labels.runs for a, b in pairwise(path))
    return runs + direct


# How a run came by what it used, by the role of the use: (first in a sentence, later in it).
VERBS: Mapping[str, tuple[str, str]] = {
    "program": ("ran", "running"),
    "module": ("imported", "importing"),
    "path": ("looked for modules in", "looking for modules in"),
    "environment": ("ran under", "running under"),
    "platform": ("ran on", "running on"),
}
READ = ("read", "reading")


def sentence(path: Sequence[int], labels: Labels, parts: Sequence[str] = (), role: str = "") -> str:
    """Say a trail in words, effect first: «figure.png: evaluate read model.pkl, which …».

    `parts` and `role` are those of the first use, at the end of the sentence.
    """
    if len(path) < 2:
        return labels[path[0]] if path else ""
    backwards = list(reversed(path))
    first = backwards[0]
    head = f"{labels[first]}: " if first not in labels.runs else ""
    rest = backwards[1:] if head else backwards
    out: list[str] = []
    position = 0
    while position < len(rest):
        vertex = rest[position]
        if vertex in labels.runs:
            read = rest[position + 1] if position + 1 < len(rest) else None
            if read is None:
                out.append(
                    f"{labels[vertex]} wrote it" if not out else f"which {labels[vertex]} wrote"
                )
            else:
                last = position + 2 >= len(rest)
                what = labels[read] + (_parts_words(parts) if last else "")
                did, doing = VERBS.get(role, READ) if last else READ
                out.append(
                    f"{labels[vertex]} {did} {what}"
                    if not out
                    else f"which {labels[vertex]} wrote after {doing} {what}"
                )
            position += 2
        else:
            out.append(
                f"it rests on {labels[vertex]}" if not out else f"which rests on {labels[vertex]}"
            )
            position += 1
    if len(out) > 2 * LONGEST_SENTENCE:
        left_out = len(out) - 2 * LONGEST_SENTENCE + 1
        out = [
            *out[:LONGEST_SENTENCE],
            f"… ({left_out} more steps) …",
            *out[-LONGEST_SENTENCE + 1 :],
        ]
    return head + ", ".join(out)


def _parts_words(parts: Sequence[str]) -> str:
    named = [part for part in parts if not part.startswith("#")]
    if not named:
        said = next((SAID[part] for part in SAID if part in parts), "")
        return f" ({said})" if said else ""
    more = f" and {len(named) - 3} more" if len(named) > 3 else ""
    return f" ({', '.join(named[:3])}{more})"
