"""What each change does: whom it fells, or by which proof it spares those who read it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from provgraph.analysis.asking import Questions
from provgraph.analysis.falling import Fallen
from provgraph.analysis.gaps import live_runs
from provgraph.analysis.impact import Fall
from provgraph.analysis.judgement import Judgement
from provgraph.analysis.viewpoint import Verdict, Viewpoint
from provgraph.graph.interface import RunRow, UseRow
from provgraph.model.answers import Hit
from provgraph.model.checks import AFFECTS, SPARED, UNREAD, Changed
from provgraph.model.parts import (
    BESIDE,
    BODY,
    BYTES,
    CELL,
    EXISTS,
    IMPORTS,
    LISTING,
    SAID,
    SYNTAX,
)

_ORDER = {AFFECTS: 0, SPARED: 1, UNREAD: 2}


@dataclass(frozen=True, slots=True)
class Draft:
    """A change before it is known what it does.

    `reads` are the recorded names, each with the parts that this change is about (none: all), by
    which something can notice it. `proof` says for a name, a part and its digest as recorded why
    it stands, `unread` what it means that nobody has read it; `note` is said in any case.
    """

    changed: Changed
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proof: Callable[[str, str, str], str] = lambda _name, _part, _digest: ""
    unread: str = "no recorded run has read it or looked for it"
    note: str = ""


@dataclass
class Comparing:
    """What a check needs to know of the two states."""

    before: Viewpoint
    after: Viewpoint
    drafts: Sequence[Draft]
    base: str
    head: str


class Roots:
    """Finds which change decided a hit."""

    def __init__(self, after: Judgement, drafts: Sequence[Draft]) -> None:
        self._after = after
        self._known: dict[int, int | None] = {}
        self._by_place: dict[tuple[str, str], str] = {}
        for draft in drafts:
            for name, parts in draft.reads.items():
                for part in parts or ("",):
                    self._by_place.setdefault((name, part), draft.changed.name)

    def of(self, key: int) -> str:
        """Give the name of the change at the root of a vertex' fall; "" where there is none."""
        after = self._after
        fallen: Fallen = after.stale if key in after.stale else after.lower
        trail, at = [], key
        seen: set[int] = set()
        while at not in self._known and at not in seen:
            seen.add(at)
            trail.append(at)
            cause = fallen.cause.get(at)
            if cause is None:
                break
            at = cause
        root = self._known.get(at, at)
        self._known.update(dict.fromkeys(trail, root))
        return self._named(root) if root is not None else ""

    def _named(self, root: int) -> str:
        cause = self._after.causes.get(root)
        g = self._after.facts.looked_up(cause.generation or 0) if cause is not None else None
        if cause is None or g is None:
            return ""
        for part in (*cause.parts, ""):
            if (g.name, part) in self._by_place:
                return self._by_place[g.name, part]
        return g.name


class Effects:
    """Says of each change what it does: whom it fells, or why it spares those who read it."""

    def __init__(
        self,
        questions: Questions,
        states: Comparing,
        fall: Fall,
        roots: Roots,
        lost: Sequence[Hit],
    ) -> None:
        self._questions = questions
        self._states = states
        self._fall = fall
        self._roots = roots
        self._lost = {hit.name for hit in lost}
        self._left = live_runs(fall.after)
        self._live = live_runs(fall.before) | self._left

    def told(self) -> tuple[Changed, ...]:
        facts, drafts = self._questions.facts, self._states.drafts
        wanted = {name for draft in drafts for name in draft.reads}
        keys = {name: facts.keys_at((facts.project, name)) for name in wanted}
        uses = facts.readers([key for several in keys.values() for key in several])
        rows: dict[int, RunRow] = {}
        runs = {use.run for several in uses.values() for use in several}
        rows = {row.key: row for row in facts.store.runs(sorted(runs & self._live))}
        hits = Counter(self._roots.of(fell.decided) for fell in self._fall.fell)
        out = []
        for draft in drafts:
            read = [
                (name, use)
                for name in draft.reads
                for key in keys[name]
                for use in uses.get(key, ())
                if use.run in rows and self._is_about(use, draft.reads[name])
            ]
            effect, words = self._effect(draft, read, rows)
            words = "; ".join(filter(None, (words, draft.note)))
            count = hits[draft.changed.name] + (draft.changed.name in self._lost)
            out.append(replace(draft.changed, effect=effect, words=words, hits=count))
        return tuple(sorted(out, key=lambda c: (_ORDER[c.effect], -c.hits, c.name, c.parts)))

    def _is_about(self, use: UseRow, parts: tuple[str, ...]) -> bool:
        return not parts or bool(use.touched.keys() & set(parts))

    def _effect(
        self, draft: Draft, read: Sequence[tuple[str, UseRow]], rows: Mapping[int, RunRow]
    ) -> tuple[str, str]:
        before, after = self._fall.before, self._fall.after
        if draft.changed.name in self._lost:
            said = "deletes" if draft.changed.how == "deleted" else "puts other bytes in place of"
            return AFFECTS, f"it {said} what a recorded run made"
        felled: dict[str, list[str]] = {}
        spared: dict[str, set[int]] = defaultdict(set)
        redone: set[int] = set()
        already: set[int] = set()
        for name, use in read:
            differing = self._differing(draft, name, use)
            label = rows[use.run].label or rows[use.run].id
            if differing and use.run not in self._left:
                redone.add(use.run)
            elif differing and use.run in after.lower and use.run not in before.stale:
                felled.setdefault(label, differing)
            elif differing:
                already.add(use.run)
            else:
                for proof in self._proofs(draft, name, use):
                    spared[proof].add(use.run)
        if felled:
            return AFFECTS, _felled_words(felled, draft)
        words = [f"{proof} ({_runs(len(runs))})" for proof, runs in spared.items()]
        if redone:
            words.append(f"what read it has been redone since ({_runs(len(redone))})")
        if already:
            words.append(f"{_runs(len(already))} that read it had fallen before")
        if words:
            return SPARED, "; ".join(words)
        facts = self._questions.facts
        if any((facts.project, name) in facts.at for name in draft.reads):
            return UNREAD, "nothing that stands has read it"
        return UNREAD, draft.unread

    def _differing(self, draft: Draft, name: str, use: UseRow) -> list[str]:
        g = self._questions.facts.looked_up(use.generation)
        whole = g.digest if g is not None else None
        about = draft.reads[name]
        return [
            part
            for part, digest in use.touched.items()
            if (not about or part in about)
            and self._states.after.compare(name, part, digest, whole=whole) is Verdict.DIFFERENT
        ]

    def _proofs(self, draft: Draft, name: str, use: UseRow) -> Iterator[str]:
        about = draft.reads[name]
        touched = {p: d for p, d in use.touched.items() if not about or p in about}
        said = {draft.proof(name, part, digest) for part, digest in touched.items()} - {""}
        if said:
            yield from sorted(said)
        elif touched.keys() <= {EXISTS}:
            yield "only looked whether it is there, and empty"
        elif BODY in touched:
            yield "none of the functions that ran differs"
        elif SYNTAX in touched:
            yield "the same code: only comments, formatting or docstrings differ"
        elif BYTES in touched:
            yield "the same bytes"
        elif all(part.startswith(IMPORTS) for part in touched):
            yield "its modules are imported from where they were"
        elif all(part.startswith(CELL) for part in touched):
            yield "the cells that ran are as they were"
        elif LISTING in touched:
            yield "the same list of names"
        else:
            keys = [part for part in touched if not part.startswith("#")]
            yield f"none of what was read differs: {_some(keys)}"


def _felled_words(felled: Mapping[str, Sequence[str]], draft: Draft) -> str:
    labels = list(felled)
    differing = {p for several in felled.values() for p in several}
    named = sorted(p for p in differing if p[0] not in "#$") or [
        SAID[p] for p in SAID if p in differing and p in BESIDE
    ]
    verb = {"Script": "ran", "Environment": "ran with"}.get(draft.changed.kind, "read")
    said = f" ({_some(named)})" if named and draft.changed.how != "package" else ""
    return f"{_some(labels)} {verb} it{said}"


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"
