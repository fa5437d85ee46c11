"""What the difference between two states of a project fells, judged by a policy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from provgraph.analysis import impact as impacts
from provgraph.analysis.asking import Questions
from provgraph.analysis.change import Between, Target
from provgraph.analysis.falling import Fallen
from provgraph.analysis.gaps import live_runs
from provgraph.analysis.impact import LONG, Fall, Fell, Outline
from provgraph.analysis.judgement import Judgement, judge
from provgraph.analysis.viewpoint import Verdict, Viewpoint
from provgraph.governance.policy import Policy
from provgraph.graph.interface import RunRow, UseRow
from provgraph.model.answers import MISSING, MODIFIED, RANK, STALE, GapNote, Hit, PlanStep
from provgraph.model.checks import (
    AFFECTS,
    ANY,
    GAP,
    PINNED,
    PUBLISHED,
    RESULT,
    SPARED,
    TOO_LONG,
    TOO_MANY,
    UNREAD,
    Changed,
    Check,
    Failure,
    Finding,
)
from provgraph.model.gaps import BLOCKING
from provgraph.model.kinds import RESULT as RESULT_KIND
from provgraph.model.parts import BYTES, EXISTS, LISTING, SYNTAX

# Of one rule this many failures are said one by one.
MOST_FAILURES = 20
EFFECTS = {AFFECTS: 0, SPARED: 1, UNREAD: 2}


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


def check(questions: Questions, states: Comparing, policy: Policy, today: date) -> Check:
    """Judge both states, and say what falls from the one to the other and whether that passes."""
    facts = questions.facts
    names: dict[str, set[str]] = defaultdict(set)
    for draft in states.drafts:
        for name, parts in draft.reads.items():
            names[name].update(parts or ("",))
    target = Target(
        "", tuple((name, () if "" in parts else tuple(parts)) for name, parts in names.items())
    )
    change = Between(states.before, states.after, (), ())
    before = judge(facts, states.before)
    fall = impacts.compare(facts, change, [target], before=before)
    fall.fell += fall.unseen
    lost = [_lost_hit(questions, fell) for fell in _lost(fall, names)]
    roots = _Roots(fall.after, states.drafts, facts.generations)
    changes = _Effects(questions, states, fall, roots, lost).told()
    found = impacts.hits(fall, questions.wording)
    outlines = _outlines(fall, questions)
    gaps = (*questions.left_out, *impacts.gaps(fall, questions.wording)) if states.drafts else ()
    plan = _plan(questions, fall)
    findings = _Findings(questions, fall, found, lost, roots, policy, today)
    gate = _Gate(policy, today)
    for fell, outline in outlines:
        gate.hit(outline, roots.of(fell.decided))
    for hit in lost:
        gate.hit(Outline(hit.name, hit.kind, hit.state, 0, hit.pinned), hit.name)
    gate.gaps(gaps)
    gate.limits(len(outlines) + len(lost), plan)
    states_ = Counter(outline.state for _, outline in outlines)
    pins = Counter(outline.pinned for _, outline in outlines)
    pins.update(hit.pinned for hit in lost)
    effects = Counter(one.effect for one in changes)
    totals = {
        "changes": len(changes),
        "affecting": effects[AFFECTS],
        "spared": effects[SPARED],
        "unread": effects[UNREAD],
        "affected": len(outlines) + len(lost),
        "stale": states_[STALE],
        "behind": states_["behind"],
        "missing": sum(hit.state == MISSING for hit in lost),
        "published": pins["published"],
        "pinned": pins.total() - pins[""],
        "already_stale": len(fall.already),
        "blocking_gaps": sum(gap.grade == BLOCKING for gap in gaps),
    }
    return Check(
        as_of=questions.as_of,
        base=states.base,
        head=states.head,
        passed=not gate.failures,
        verdict=_verdict(totals),
        failures=tuple(gate.failures),
        changes=changes,
        affected=findings if len(findings) > LONG else tuple(findings),
        already_stale=impacts.already(fall, questions.wording),
        gaps=tuple(gaps),
        plan=plan,
        excused=tuple(dict.fromkeys(gate.excused)),
        expired=tuple(dict.fromkeys(gate.expired)),
        totals=totals,
    )


def _lost(fall: Fall, changed: Mapping[str, object]) -> list[Fell]:
    """Find results that were current and that the change itself replaces by hand, or deletes."""
    facts = fall.after.facts
    out = []
    for name in changed:
        place = (facts.project, name)
        if not facts.produced(place):
            continue
        old, new = fall.before.name_state(place), fall.after.name_state(place)
        if old in RANK and new in (MODIFIED, MISSING):
            here = fall.before.lying(place).generation
            key = here.key if here is not None else facts.at[place][-1].key
            out.append(Fell(name, key, key, new))
    return out


class _Roots:
    """Finds which change decided a hit."""

    def __init__(
        self, after: Judgement, drafts: Sequence[Draft], generations: Mapping[int, object]
    ) -> None:
        self._after = after
        self._generations = generations
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


class _Effects:
    """Says of each change what it does: whom it fells, or why it spares those who read it."""

    def __init__(
        self,
        questions: Questions,
        states: Comparing,
        fall: Fall,
        roots: _Roots,
        lost: Sequence[Hit],
    ) -> None:
        self._questions = questions
        self._states = states
        self._fall = fall
        self._roots = roots
        self._lost = {hit.name for hit in lost}
        self._live = live_runs(fall.before) | live_runs(fall.after)

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
        return tuple(sorted(out, key=lambda c: (EFFECTS[c.effect], -c.hits, c.name, c.parts)))

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
        already: set[int] = set()
        for name, use in read:
            differing = self._differing(draft, name, use)
            label = rows[use.run].label or rows[use.run].id
            if differing and use.run in after.lower and use.run not in before.stale:
                felled.setdefault(label, differing)
            elif differing:
                already.add(use.run)
            else:
                for proof in self._proofs(draft, name, use):
                    spared[proof].add(use.run)
        if felled:
            return AFFECTS, _felled_words(felled, draft)
        words = [f"{proof} ({_runs(len(runs))})" for proof, runs in spared.items()]
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
            yield "only looked whether it is there"
        elif SYNTAX in touched:
            yield "the same code: only comments, formatting or docstrings differ"
        elif BYTES in touched:
            yield "the same bytes"
        elif LISTING in touched:
            yield "the same list of names"
        else:
            keys = [part for part in touched if not part.startswith("#")]
            yield f"none of what was read differs: {_some(keys)}"


def _felled_words(felled: Mapping[str, Sequence[str]], draft: Draft) -> str:
    labels = list(felled)
    named = sorted({p for several in felled.values() for p in several if p[0] not in "#$"})
    verb = {"Script": "ran", "Environment": "ran with"}.get(draft.changed.kind, "read")
    said = f" ({_some(named)})" if named and draft.changed.how != "package" else ""
    return f"{_some(labels)} {verb} it{said}"


def _some(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"


class _Findings(Sequence[Finding]):
    """Findings worst first, each built when it is read; what the change itself replaced leads."""

    def __init__(
        self,
        questions: Questions,
        fall: Fall,
        found: Sequence[Hit],
        lost: Sequence[Hit],
        roots: _Roots,
        policy: Policy,
        today: date,
    ) -> None:
        self._questions = questions
        self._fall = fall
        self._found = found
        self._lost = lost
        self._roots = roots
        self._gate = _Gate(policy, today)

    def __len__(self) -> int:
        return len(self._lost) + len(self._found)

    def __iter__(self) -> Iterator[Finding]:
        for start in range(0, len(self), LONG):
            yield from self._build(start, start + LONG)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self))
            return tuple(self._build(start, stop))[::step]
        if place < 0:
            place += len(self)
        return self._build(place, place + 1)[0]

    def _build(self, start: int, stop: int) -> list[Finding]:
        lost = self._lost[start:stop]
        first = max(0, start - len(self._lost))
        hits = self._found[first : max(first, stop - len(self._lost))]
        return [self._finding(hit, hit.name) for hit in lost] + [
            self._finding(hit, "") for hit in hits
        ]

    def _finding(self, hit: Hit, cause: str) -> Finding:
        cause = cause or self._cause_of(hit)
        outline = Outline(hit.name, hit.kind, hit.state, hit.depth, hit.pinned)
        fails, excused = self._gate.judged(outline, cause)
        return Finding(
            hit=hit,
            rank=_rank(hit),
            cause=cause,
            renew=self._renew(hit),
            fails=fails,
            excused=excused,
            owners=self._gate.policy.owners_of(hit.name),
        )

    def _cause_of(self, hit: Hit) -> str:
        for fell in self._fall_of(hit):
            return self._roots.of(fell.decided)
        return ""

    def _fall_of(self, hit: Hit) -> Sequence[Fell]:
        if not hasattr(self, "_by_title"):
            title = self._questions.wording.title
            self._by_title: dict[str, list[Fell]] = defaultdict(list)
            for fell in self._fall.fell:
                self._by_title[title(fell.name)].append(fell)
        return self._by_title.get(hit.name, ())

    def _renew(self, hit: Hit) -> str:
        facts = self._questions.facts
        rows = facts.store.runs(facts.store.by_id(hit.id)) if hit.id else ()
        if not rows:
            made = facts.store.generations(facts.store.by_id(hit.id)) if hit.id else ()
            makers = [g.maker for g in made if g.maker is not None]
            rows = facts.store.runs(makers)
        return self._questions.command(rows[0].id) if rows else ""


def _lost_hit(questions: Questions, fell: Fell) -> Hit:
    facts, wording = questions.facts, questions.wording
    g = facts.generations.get(fell.vertex)
    rows = facts.store.runs([g.maker]) if g is not None and g.maker is not None else ()
    maker = (rows[0].label or rows[0].id) if rows else ""
    name = wording.title(fell.name)
    did = "deleted" if fell.state == MISSING else "replaced by bytes that no recorded run made"
    return Hit(
        id=g.id if g is not None else "",
        name=name,
        kind=wording.kind(fell.name, True),
        state=fell.state,
        depth=1,
        why=(),
        words=f"{name}: what {maker} made is {did}",
        pinned=wording.pinned(g),
        step=maker,
    )


def _rank(hit: Hit) -> str:
    if hit.pinned == "published":
        return "published"
    if hit.pinned:
        return f"pinned as {hit.pinned}" if hit.pinned != "pinned" else "pinned"
    what = "a result" if hit.kind == RESULT_KIND else f"a {hit.kind.lower()}"
    return f"{what}, {hit.depth} step{'' if hit.depth == 1 else 's'} from the change"


class _Gate:
    """Collects what fails, what is excused and what would have been."""

    def __init__(self, policy: Policy, today: date) -> None:
        self.policy = policy
        self._today = today
        self.failures: list[Failure] = []
        self.excused: list[str] = []
        self.expired: list[str] = []
        self._counts: Counter[str] = Counter()
        self._excused = 0

    def judged(self, outline: Outline, cause: str) -> tuple[tuple[str, ...], str]:
        """Give the rules that a hit fails, and the reason of an exception that covers them."""
        rules = [rule for rule in self._rules(outline) if rule in self.policy.fail_on]
        failing, reasons = [], []
        for rule in rules or [ANY]:
            valid, _ = self.policy.excuse(rule, (outline.name, cause), self._today)
            if valid is not None:
                reasons.append(valid.reason)
            elif rule in rules:
                failing.append(rule)
        return tuple(failing), reasons[0] if reasons else ""

    def _rules(self, outline: Outline) -> Iterator[str]:
        if outline.pinned == "published":
            yield PUBLISHED
        elif outline.pinned:
            yield PINNED
        if outline.kind == RESULT_KIND:
            yield RESULT
        yield ANY

    def hit(self, outline: Outline, cause: str) -> None:
        """Take note of one hit."""
        failing, excuse = self.judged(outline, cause)
        places = (outline.name, cause)
        if excuse:
            self._excused += 1
            self._say_excused(outline.name, excuse)
        for rule in failing:
            _, expired = self.policy.excuse(rule, places, self._today)
            if expired is not None:
                self.expired.append(
                    f"{outline.name}: the exception «{expired.reason}» ran out on {expired.until}"
                )
        for rule in failing[:1]:
            self._counts[rule] += 1
            self._fail(rule, outline.name, _fail_words(rule, outline, cause))

    def gaps(self, gaps: Sequence[GapNote]) -> None:
        """Take note of the gaps that block."""
        for gap in gaps:
            if gap.grade != BLOCKING or GAP not in self.policy.fail_on:
                continue
            valid, expired = self.policy.excuse(GAP, (gap.subject,), self._today)
            if valid is not None:
                self._say_excused(gap.subject, valid.reason)
                continue
            if expired is not None:
                self.expired.append(
                    f"{gap.subject}: the exception «{expired.reason}» ran out on {expired.until}"
                )
            self._counts[GAP] += 1
            self._fail(GAP, gap.subject, gap.words)

    def limits(self, affected: int, plan: Sequence[PlanStep]) -> None:
        """Hold the count of hits and the time of their renewal against the limits."""
        counted = affected - self._excused
        if self.policy.max_affected is not None and counted > self.policy.max_affected:
            words = f"{counted:,} are affected, more than the {self.policy.max_affected:,} allowed"
            self._fail(TOO_MANY, "", words)
        hours = sum(step.seconds or 0.0 for step in plan) / 3600
        if self.policy.max_hours is not None and hours > self.policy.max_hours:
            words = (
                f"renewing takes {hours:.1f} hours, more than the {self.policy.max_hours:g} allowed"
            )
            self._fail(TOO_LONG, "", words)

    def count(self, rule: str) -> int:
        """Say how often a rule failed."""
        return self._counts[rule]

    def _fail(self, rule: str, subject: str, words: str) -> None:
        if self._counts[rule] == MOST_FAILURES + 1:
            self.failures.append(Failure(rule, "", "… and more of the same rule"))
        elif self._counts[rule] <= MOST_FAILURES:
            self.failures.append(Failure(rule, subject, words))

    def _say_excused(self, subject: str, reason: str) -> None:
        if len(self.excused) < MOST_FAILURES:
            self.excused.append(f"{subject}: {reason}")


def _fail_words(rule: str, outline: Outline, cause: str) -> str:
    by = f", because of {cause}" if cause and cause != outline.name else ""
    what = {PUBLISHED: "is published and ", PINNED: f"is pinned as {outline.pinned} and "}
    said = {MISSING: "would be missing", MODIFIED: "would no longer be what was recorded"}
    falls = said.get(outline.state, f"would be {outline.state}")
    return f"{outline.name} {what.get(rule, '')}{falls}{by}"


def _verdict(totals: Mapping[str, int]) -> str:
    """Say in one line what the check found."""
    affected, blocking = totals["affected"], totals["blocking_gaps"]
    if not totals["changes"]:
        return "Nothing differs."
    if affected:
        said = (
            "1 thing that was current is affected"
            if affected == 1
            else (f"{affected:,} things that were current are affected")
        )
        held = totals["pinned"]
        said += f", {held:,} of them pinned or published" if held else ", none of them pinned"
    elif blocking:
        said = "Nothing known is affected"
    else:
        said = "Nothing that was current is affected"
    if blocking:
        things = "1 gap" if blocking == 1 else f"{blocking:,} gaps"
        said += f"; {things} could hide {'more' if affected else 'an effect'}"
    return said + "."


def _outlines(fall: Fall, questions: Questions) -> list[tuple[Fell, Outline]]:
    """Give each hit without its reason, beside what fell."""
    return list(
        zip(fall.fell, impacts.outline_of(fall.after, fall.fell, questions.wording), strict=True)
    )


def _plan(questions: Questions, fall: Fall) -> tuple[PlanStep, ...]:
    if not fall.fell or len(fall.fell) > LONG:
        return ()
    return questions.plan_of(fall.after, {fell.name for fell in fall.fell})
