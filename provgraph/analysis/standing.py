"""`status`: every name's state from a viewpoint, each with its cause in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provgraph.analysis.facts import Name
from provgraph.analysis.impact import Wording
from provgraph.analysis.judgement import (
    ADDED,
    ASKED,
    CHANGED,
    CONTESTED,
    DELETED,
    EDITED,
    FAILED,
    INTERRUPTED,
    OVERWRITTEN,
    PENDING,
    REDONE,
    Cause,
    Judgement,
)
from provgraph.analysis.paths import Labels, full_trail, label, links, sentence
from provgraph.model.answers import BEHIND, CURRENT, MISSING, MODIFIED, RANK, STALE, Standing
from provgraph.model.kinds import RUN
from provgraph.model.names import is_uri
from provgraph.model.parts import BESIDE, LISTING, SAID

# reason → what is said of the thing the cause names ({what} is its name and parts)
WORDS: Mapping[str, str] = {
    CHANGED: "{what} has changed since",
    DELETED: "{what} is gone",
    ADDED: "{what} wasn't there and is now",
    OVERWRITTEN: "{what} was overwritten since by a run that hadn't read it",
    FAILED: "{run} failed",
    INTERRUPTED: "{run} was interrupted",
    REDONE: "{what} was made again since, with another content",
    EDITED: "{what} was edited by hand since",
    CONTESTED: "{what} was overwritten since by another step",
    PENDING: "what {run} rewrites in place was made again, and it hasn't run since",
    ASKED: "it is supposed to change",
}


@dataclass(frozen=True, slots=True)
class Standings:
    """Names (and runs that write nothing) by state."""

    stale: tuple[Standing, ...]
    behind: tuple[Standing, ...]
    modified: tuple[Standing, ...]
    missing: tuple[Standing, ...]
    current: tuple[str, ...]


def standings(judgement: Judgement, wording: Wording) -> Standings:
    """Sort everything live by its state, with the cause of each that isn't current."""
    facts = judgement.facts
    by_state: dict[str, list[tuple[str, int, int | None]]] = {
        state: [] for state in (STALE, BEHIND, MODIFIED, MISSING, CURRENT)
    }
    for name in facts.at:
        made = facts.produced(name)
        if facts.is_stream(name) or name[0] != facts.project or (made and made[-1].imported):
            continue  # of imported names nothing says that they lie here
        state = judgement.name_state(name)
        if state is None or (state == MISSING and is_uri(name[1])):
            continue  # a scratch file outside the project that is gone is nobody's concern
        shown, decided = _decided(judgement, name, state)
        by_state[state].append((name[1], shown, decided))
    for run in facts.silent:
        state = judgement.state_of(run.key)
        by_state[state].append((run.label or run.id, run.key, run.key))
    return Standings(
        stale=_say(judgement, by_state[STALE], wording),
        behind=_say(judgement, by_state[BEHIND], wording),
        modified=_plain(
            judgement,
            by_state[MODIFIED],
            wording,
            "edited by hand, or by a run that wasn't watched",
        ),
        missing=_plain(judgement, by_state[MISSING], wording, "not there any more"),
        current=tuple(sorted(wording.title(name) for name, _, _ in by_state[CURRENT])),
    )


def _decided(judgement: Judgement, name: Name, state: str) -> tuple[int, int | None]:
    facts = judgement.facts
    here = judgement.lying(name).generation
    shown = here.key if here is not None else facts.at[name][-1].key
    if state not in RANK:
        return shown, None
    lowest = [run for run in judgement.live_runs(name) if judgement.state_of(run) == state]
    if here is not None and here.maker not in lowest and here.key not in judgement.lower and lowest:
        return shown, lowest[0]
    if here is not None and here.key in judgement.lower:
        return shown, here.key
    return shown, (lowest[0] if lowest else None)


def _say(
    judgement: Judgement, rows: list[tuple[str, int, int | None]], wording: Wording
) -> tuple[Standing, ...]:
    facts = judgement.facts
    trails = []
    for _, _, decided in rows:
        fallen = judgement.stale if decided in judgement.stale else judgement.lower
        trails.append(full_trail(judgement, fallen, decided) if decided is not None else [])
    labels = label(facts.store, {key for path in trails for key in path}, wording.title)
    out = []
    for (name, shown, _), path in zip(rows, trails, strict=True):
        seed = next((key for key in path if key in judgement.causes), None)
        cause = judgement.causes[seed] if seed is not None else Cause(CHANGED)
        gone = facts.generations.get(cause.generation or 0) if cause.reason == DELETED else None
        moved = wording.moved(gone) if gone is not None else ""
        out.append(
            Standing(
                name=wording.title(name),
                kind=RUN if shown in labels.runs else wording.kind(name, True),
                reason=cause.reason,
                words=_words(path, seed, cause, labels, wording.title(name), moved),
                why=links(path, labels, cause.parts),
                pinned=wording.pinned(facts.generations.get(shown)),
            )
        )
    return tuple(sorted(out, key=lambda s: (not s.pinned, s.name)))


def _words(
    path: list[int], seed: int | None, cause: Cause, labels: Labels, name: str, moved: str
) -> str:
    what = labels[cause.generation] if cause.generation is not None else ""
    named = [part for part in cause.parts if not part.startswith("#")]
    if named:
        what += f" ({', '.join(named[:3])}{', …' if len(named) > 3 else ''})"
    elif LISTING in cause.parts:
        what = f"the list of files in {what}"
    elif beside := [SAID[part] for part in SAID if part in BESIDE and part in cause.parts]:
        what += f" ({beside[0]})"
    said = WORDS[cause.reason].format(what=what, run=labels[seed] if seed is not None else "")
    if moved:
        said = f"{what} was renamed to {moved}"
    if len(path) < 2:
        return said
    told = sentence(path, labels, role=cause.role).removeprefix(name + ": ")
    return f"{said}: {told}"


def _plain(
    judgement: Judgement, rows: list[tuple[str, int, int | None]], wording: Wording, words: str
) -> tuple[Standing, ...]:
    facts = judgement.facts
    makers = {
        name: maker
        for name, _, _ in rows
        if (made := facts.produced((facts.project, name))) and (maker := made[-1].maker) is not None
    }
    labels = label(facts.store, list(makers.values()), wording.title)
    out = []
    for name, shown, _ in sorted(rows):
        maker = makers.get(name)
        by = f"; last written by {labels[maker]}" if maker is not None else ""
        out.append(
            Standing(
                name=wording.title(name),
                kind=wording.kind(name, True),
                reason="modified" if words.startswith("edited") else "missing",
                words=words + by,
                pinned=wording.pinned(facts.generations.get(shown)),
            )
        )
    return tuple(out)
