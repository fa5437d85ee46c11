"""The definition of currency (DESIGN §4), clause by clause, in the simplest code that says it.

This is the reference that the real implementation is compared with. It is quadratic where that
is simpler, and it shares no code with the package.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tests.histories.language import BYTES
from tests.oracle.world import (
    ABSENT,
    Generation,
    Ledger,
    Product,
    RecordedRun,
    Use,
    View,
    digest_of,
    listing_digest,
    part_digest,
)

RunState = Literal["current", "behind", "stale"]
NameState = Literal["current", "behind", "stale", "modified", "missing"]
Cause = Literal[
    "failed", "interrupted", "changed", "upstream", "redone", "edited", "contested", "pending"
]
Gap = Literal["unwatched-writer", "undecided", "applied-twice"]

RANK: Mapping[str, int] = {"current": 2, "behind": 1, "stale": 0}
COPY_SIZE = 1024


class Currency:
    """Every judgement about one ledger at one viewpoint.

    `reproducible` and `current` hold run ids; `undecided` the names of which the ledger can't
    say what lies there. `platform` also compares the tier of kernel and driver.
    """

    def __init__(self, ledger: Ledger, view: View, *, platform: bool = False) -> None:
        self.runs = ledger.runs
        self.streams = ledger.streams
        self.view = view
        self.platform = platform
        self.by_id = {run.id: run for run in self.runs}
        self.order = {run.id: index for index, run in enumerate(self.runs)}
        self._writers = self._index_writers()
        self._parts = self._index_parts()
        self._groups = self._index_groups()
        self._lying: dict[str, Generation | None] = {}
        self._own_gaps: dict[str, frozenset[Gap]] = {}
        self._rests_on: dict[str, list[str]] = {}
        self.reproducible: frozenset[str] = frozenset()
        self.undecided: frozenset[str] = frozenset()
        self._settle()
        self.current = self._least_fixpoint(self._is_current)

    # What lies where

    def names(self) -> list[str]:
        """Give every name that a recorded run wrote, streams left out."""
        return [name for name in self._writers if name not in self.streams]

    def lies(self, name: str) -> Generation | None:
        """Find the generation that lies at a name; None when it is missing."""
        if name not in self._lying:
            self._lying[name] = self._find_lying(name)
        return self._lying[name]

    def line(self, lying: Generation | None) -> list[Generation]:
        """Give a generation, the one its run had read there before rewriting it, and so on."""
        links: list[Generation] = []
        while lying is not None and lying not in links:
            links.append(lying)
            maker = self.by_id.get(lying.maker or "")
            if maker is None or self._appended(maker, lying.name):
                break
            read = [use for use in maker.uses if use.name == lying.name]
            lying = read[0].generation if read else None
        return links

    def has_word(self, name: str) -> bool:
        """Tell whether the viewpoint says what lies at a name."""
        return name in self.view

    def _find_lying(self, name: str) -> Generation | None:
        if name in self.view:
            content = self.view[name]
            if content is None:
                return None
            return self._by_bytes(name, digest_of(content))
        known = self._generations(name)
        last = self.last_made(name)
        valid = [
            one
            for one in known
            if one.maker in self.reproducible and last and self._step_of(one) == self._step_of(last)
        ]
        newest = next(iter(reversed(valid or known)), None)
        return None if newest is None or newest.digest == ABSENT else newest

    def last_made(self, name: str) -> Generation | None:
        """Find what the newest maker of a name put there."""
        made = [one for one in self._generations(name) if one.maker is not None]
        return made[-1] if made else None

    def _by_bytes(self, name: str, digest: str) -> Generation:
        for run in reversed(self._writers.get(name, [])):
            product = run.product(name)
            if product is not None and product.digest == digest:
                return Generation(name, digest, run.id)
        return Generation(name, digest, None)

    def _generations(self, name: str) -> list[Generation]:
        """Give all generations recorded at a name, oldest first; a source when first read."""
        found: list[Generation] = []
        for run in self.runs:
            for use in run.uses:
                if use.name == name and use.generation not in found:
                    found.append(use.generation)
            product = run.product(name)
            if product is not None:
                found.append(Generation(name, product.digest, run.id))
        return found

    def _undecided_names(self) -> frozenset[str]:
        undecided = set()
        for name in self.names():
            if name in self.view:
                continue
            line = self.line(self.lies(name))
            for one in self._generations(name):
                differs = one.digest not in {link.digest for link in line}
                if one.maker in self.reproducible and differs:
                    undecided.add(name)
        return frozenset(undecided)

    # Reproducible

    def _settle(self) -> None:
        """Find what lies and what is reproducible, each resting on the other, until both stand.

        They only depend on each other where the viewpoint has no word.
        """
        tried: list[frozenset[str]] = []
        while True:
            self._lying = {}
            lying = {name: self.lies(name) for name in self._writers}
            tried.append(self.reproducible)
            settled = self._least_fixpoint(self._is_reproducible)
            self.reproducible = settled
            self._lying = {}
            if settled in tried:
                break
        unsteady = {name for name in lying if lying[name] != self.lies(name)}
        self.undecided = self._undecided_names() | unsteady

    def _least_fixpoint(
        self, holds: Callable[[RecordedRun, frozenset[str]], bool]
    ) -> frozenset[str]:
        good: frozenset[str] = frozenset()
        while True:
            grown = good
            for run in self.runs:
                if run.id not in grown and holds(run, grown):
                    grown |= {run.id}
            if grown == good:
                return good
            good = grown

    def _is_reproducible(self, run: RecordedRun, good: frozenset[str]) -> bool:
        group = self._groups[run.id]
        return all(
            member.ended == "ok" and all(self._stands(member, use, good) for use in member.uses)
            for member in map(self.by_id.__getitem__, group)
        )

    def _stands(self, run: RecordedRun, use: Use, good: frozenset[str]) -> bool:
        if use.makers:
            return self._makers_stand(run, use, good)
        if not self._origin_stands(use, good):
            return False
        if self._source_unchanged(use) or self.is_consumed(run, use):
            return True
        return self._was_meant(run, self.lies(use.name))

    def _was_meant(self, run: RecordedRun, lying: Generation | None) -> bool:
        """Tell whether what came after what was read is a later step's of the same command."""
        maker = self.by_id.get(lying.maker or "") if lying is not None else None
        if maker is None or not run.within or maker.within != run.within:
            return False
        return self.order[maker.id] > self.order[run.id]

    def _makers_stand(self, run: RecordedRun, use: Use, good: frozenset[str]) -> bool:
        """Tell whether what was read still has makers that hold.

        A run that reads a stream it appends to doesn't rest on its own step's last line, or it
        could never be current again; the gap `applied-twice` says so.
        """
        outside = [maker for maker in use.makers if maker not in self._groups[run.id]]
        if use.stream_makers is not None:
            outside = [maker for maker in outside if self.by_id[maker].step != run.step]
        return all(maker in good or self._excuses(maker, use) & good for maker in outside)

    def _source_unchanged(self, use: Use) -> bool:
        return all(
            self._part_there(use, part) == digest
            for part, digest in use.touched.items()
            if self.platform or use.name != "platform"
        )

    def is_consumed(self, run: RecordedRun, use: Use) -> bool:
        """Tell whether a changed source is only the original of what was made of it in place."""
        if use.makers or self._source_unchanged(use):
            return False
        since = [w for w in self._writers.get(use.name, []) if self._not_before(w, run)]
        return bool(since) and use.generation in self.line(self.lies(use.name))

    def _not_before(self, writer: RecordedRun, run: RecordedRun) -> bool:
        return self.order[writer.id] >= self.order[run.id]

    def _part_there(self, use: Use, part: str) -> str:
        if part == "#listing":
            return listing_digest(self._names_there(), use.name)
        if use.name in self.view:
            return part_digest(self.view[use.name], part)
        lying = self.lies(use.name)
        if lying is None:
            return ABSENT
        return self._part_of(lying, part, use)

    def _part_of(self, generation: Generation, part: str, use: Use) -> str:
        """Give a part's digest; where the content isn't at hand the whole digest decides."""
        if generation.digest == use.generation.digest:
            return use.touched[part]
        known = self._parts.get((generation.name, generation.digest), {})
        return known.get(part, "unknown")

    def _names_there(self) -> Iterator[str]:
        for name in {*self.view, *self._writers}:
            if self.lies(name) is not None:
                yield name

    def _excuses(self, maker_id: str, use: Use) -> frozenset[str]:
        """Give the other runs done the same way that put there the content that was read."""
        maker = self.by_id[maker_id]
        product = maker.product(use.name)
        excuses = set()
        for run in self._writers[use.name]:
            other = run.product(use.name)
            if run is maker or other is None or not self.same_way(run, maker):
                continue
            if product is not None and self._same_content(product, other, use):
                excuses.add(run.id)
        return frozenset(excuses)

    def _same_content(self, product: Product, other: Product, use: Use) -> bool:
        if product.appended is not None:
            return product.appended == other.appended
        return product.digest == other.digest

    def same_way(self, run: RecordedRun, other: RecordedRun) -> bool:
        """Tell whether two runs are the same command on inputs that came from the same steps."""
        steps = [
            {use.name: frozenset(self.by_id[m].step for m in use.makers) for use in one.uses}
            for one in (run, other)
        ]
        shared = steps[0].keys() & steps[1].keys()
        return run.command == other.command and all(steps[0][n] == steps[1][n] for n in shared)

    def _origin_stands(self, use: Use, good: frozenset[str]) -> bool:
        origin = self.origin(use.name, use.generation.digest, use.size)
        return origin is None or bool(self._same_product(origin_maker(origin), origin.name) & good)

    def origin(self, name: str, digest: str, size: int) -> Generation | None:
        """Find the earliest generation of which a file without a producer is a copy."""
        if size < COPY_SIZE or name in self._writers:
            return None
        for run in self.runs:
            for product in run.products:
                if product.digest == digest:
                    return Generation(product.name, digest, run.id)
        return None

    # Current

    def _is_current(self, run: RecordedRun, good: frozenset[str]) -> bool:
        if run.id not in self.reproducible:
            return False
        for member in map(self.by_id.__getitem__, self._groups[run.id]):
            if self.is_pending(member):
                return False
            for use in member.uses:
                if not self._stands(member, use, good) or self.replaced(member, use):
                    return False
                if not self._equal_bytes_hold(member, use, good):
                    return False
        return True

    def _equal_bytes_hold(self, run: RecordedRun, use: Use, good: frozenset[str]) -> bool:
        """Tell whether the run that put the same bytes there anew is, or is stood in for, current.

        Else a redo of it gives other bytes, and what was read is replaced.
        """
        compared = self._compared(run, use)
        if compared is None or compared.maker is None or use.name in self.streams:
            return True
        if self._was_meant(run, compared):
            return True
        maker = self.by_id[compared.maker]
        if maker.id in self._groups[run.id]:
            return True
        return any(
            again.id in good and self.same_way(again, maker) and self._gave(again, use)
            for again in self._writers[use.name]
        )

    def _gave(self, run: RecordedRun, use: Use) -> bool:
        """Tell whether a run put at a name what was read there."""
        product = run.product(use.name)
        if product is None:
            return False
        return product.digest == use.generation.digest

    def replaced(self, run: RecordedRun, use: Use) -> Cause | None:
        """Say in which way a product that was read isn't any more what lies at its name."""
        compared = self._compared(run, use)
        if compared is None or self._was_meant(run, compared):
            return None
        if all(
            self._part_compared(compared, part, use) == digest
            for part, digest in use.touched.items()
        ):
            return None
        if compared.maker is None:
            return "edited"
        if use.name in self.streams or self._step_of(compared) == self._step_read(use):
            return "redone"
        return "contested"

    def _compared(self, run: RecordedRun, use: Use) -> Generation | None:
        """Find what a product that was read is compared with; None when with nothing.

        Where the name is missing it is what was last made there, so that deleting a product
        doesn't hide that it had been made anew in another way.
        """
        lying = self.lies(use.name)
        if lying is None and use.name not in self.streams:
            lying = self.last_made(use.name)
        line = self.line(lying)
        if not use.makers or lying is None or run.id in {link.maker for link in line}:
            return None
        if use.name in self.streams:
            return lying
        same_step = [link for link in line if self._step_of(link) == self._step_read(use)]
        return (same_step or [lying])[0]

    def _step_read(self, use: Use) -> str:
        return self.by_id[use.makers[0]].step

    def _part_compared(self, compared: Generation, part: str, use: Use) -> str:
        if compared == self.lies(use.name):
            return self._part_there(use, part)
        return self._part_of(compared, part, use)

    def _step_of(self, generation: Generation) -> str | None:
        return None if generation.maker is None else self.by_id[generation.maker].step

    def is_pending(self, run: RecordedRun) -> bool:
        """Tell whether it rewrote a name, and what it had rewritten was since made anew."""
        return any(self._is_pending_at(run, use) for use in run.uses)

    def _is_pending_at(self, run: RecordedRun, use: Use) -> bool:
        writers = self._writers.get(use.name, [])
        if run not in writers or not use.makers or use.name in self.streams:
            return False
        if run.id in {link.maker for link in self.line(self.lies(use.name))}:
            return False
        step = self._step_read(use)
        last_own = max(self.order[one.id] for one in writers if one.step == run.step)
        run_again = any(one.step == step and self.order[one.id] > last_own for one in writers)
        lying = self.lies(use.name)
        put_back = lying is not None and self._step_of(lying) == step != run.step
        return run_again or put_back

    def state(self, run_id: str) -> RunState:
        """Give the state of one run."""
        if run_id in self.current:
            return "current"
        return "behind" if run_id in self.reproducible else "stale"

    def causes(self, run_id: str) -> frozenset[Cause]:
        """Say why a run isn't current; empty when it is."""
        run = self.by_id[run_id]
        if run_id in self.current:
            return frozenset()
        found: set[Cause] = set()
        if run.ended != "ok":
            found.add(run.ended)
        if self.is_pending(run):
            found.add("pending")
        for use in run.uses:
            if not self._stands(run, use, self.current):
                found.add("upstream" if use.makers else "changed")
            replaced = self.replaced(run, use)
            if replaced is not None:
                found.add(replaced)
        return frozenset(found or {"upstream"})

    # Names

    def live_at(self, name: str) -> list[str]:
        """Give the runs that count for a name."""
        writers = self._writers.get(name, [])
        if self.lies(name) is None:
            makers = [run.id for run in writers[-1:]]
        else:
            makers = [one.maker for one in self.line(self.lies(name)) if one.maker is not None]
        pending = {
            run.step: run.id
            for run in writers
            for use in run.uses
            if use.name == name and self._is_pending_at(run, use)
        }
        return list(dict.fromkeys([*makers, *pending.values()]))

    def live(self) -> frozenset[str]:
        """Give all runs that count: those of names, and the last of a step that writes none."""
        found = {run_id for name in self.names() for run_id in self.live_at(name)}
        last = {run.step: run for run in self.runs}
        for run in last.values():
            if all(product.name in self.streams for product in run.products):
                found.add(run.id)
        return frozenset(found)

    def name_state(self, name: str) -> NameState:
        """Give the lowest state of the live runs of a name, or why it has none."""
        lying = self.lies(name)
        if lying is None:
            return "missing"
        if lying.maker is None:
            return "modified"
        states = [self.state_at(run_id, name) for run_id in self.live_at(name)]
        return min(states, key=RANK.__getitem__)

    def state_at(self, run_id: str, name: str) -> RunState:
        """Give the state of a live run, or of one that stands in for what it put at a name."""
        states = [self.state(one) for one in self._same_product(run_id, name)]
        return max(states, key=RANK.__getitem__)

    def _same_product(self, run_id: str, name: str) -> frozenset[str]:
        maker = self.by_id[run_id]
        product = maker.product(name)
        same = {run_id}
        for run in self._writers[name]:
            other = run.product(name)
            if product is None or other is None or other.digest != product.digest:
                continue
            if self.same_way(run, maker):
                same.add(run.id)
        return frozenset(same)

    def states(self) -> dict[str, NameState]:
        """Give the state of every product, and of every copy that was made by hand."""
        states = {name: self.name_state(name) for name in self.names()}
        for name, content in self.view.items():
            if isinstance(content, str):
                origin = self.origin(name, digest_of(content), len(content))
                if origin is not None:
                    states[name] = self.state_at(origin_maker(origin), origin.name)
        return states

    # Gaps

    def own_gaps(self, run: RecordedRun) -> frozenset[Gap]:
        """Give the blocking gaps that arise at a run itself."""
        found: set[Gap] = set()
        for use in run.uses:
            if use.name in self.undecided:
                found.add("undecided")
            if self._is_unwatched(run, use):
                found.add("unwatched-writer")
            rewritten = run.product(use.name) is not None
            if rewritten and run.step in {self.by_id[maker].step for maker in use.makers}:
                found.add("applied-twice")
        return frozenset(found)

    def _is_unwatched(self, run: RecordedRun, use: Use) -> bool:
        """Tell whether a run read what no recorded run had put at a name that one had written.

        An original put back, which the same step had read before anything wrote there, is none.
        """
        if use.generation.maker is not None:
            return False
        writers = self._writers.get(use.name, [])
        if all(self._not_before(writer, run) for writer in writers):
            return False
        return not any(
            other.generation == use.generation
            and reader.step == run.step
            and self._not_before(writers[0], reader)
            for reader in self.runs
            for other in reader.uses
        )

    def gaps_of(self, run_id: str) -> frozenset[Gap]:
        """Give a run's blocking gaps and those of all that it rests on."""
        if not self._own_gaps:
            self._own_gaps = {run.id: self.own_gaps(run) for run in self.runs}
            self._rests_on = {run.id: list(self._supports(run)) for run in self.runs}
        found: set[Gap] = set()
        for one in _reached(self._rests_on, [run_id]):
            found |= self._own_gaps[one]
        return frozenset(found)

    def _supports(self, run: RecordedRun) -> Iterator[str]:
        """Give the makers of what a run read, their stand-ins, and who made it anew since.

        A run that is current because equal bytes lie there rests on their maker too.
        """
        for use in run.uses:
            compared = self._compared(run, use)
            if compared is not None and compared.maker and not self.replaced(run, use):
                yield compared.maker
            for maker in use.makers:
                yield maker
                if maker not in self.current:
                    yield from self._excuses(maker, use) & self.reproducible

    def gaps(self) -> dict[str, frozenset[Gap]]:
        """Give the blocking gaps of each name that carries any."""
        carried: dict[str, frozenset[Gap]] = {}
        for name in self.names():
            found: set[Gap] = {"undecided"} if name in self.undecided else set()
            for run_id in self.live_at(name):
                found |= self.gaps_of(run_id)
                if run_id not in self.current:
                    for other in self._same_product(run_id, name) & self.reproducible:
                        found |= self.gaps_of(other)
            if found:
                carried[name] = frozenset(found)
        return carried

    def consumed_inputs(self) -> dict[str, frozenset[str]]:
        """Give, for each live run with the noted gap `consumed-input`, the names."""
        noted = {}
        for run_id in self.live():
            run = self.by_id[run_id]
            names = {use.name for use in run.uses if self.is_consumed(run, use)}
            if names:
                noted[run_id] = frozenset(names)
        return noted

    # Indexes of the ledger

    def _index_writers(self) -> dict[str, list[RecordedRun]]:
        writers: dict[str, list[RecordedRun]] = {}
        for run in self.runs:
            for product in run.products:
                writers.setdefault(product.name, []).append(run)
        return writers

    def _index_parts(self) -> dict[tuple[str, str], dict[str, str]]:
        parts: dict[tuple[str, str], dict[str, str]] = {}
        for run in self.runs:
            for use in run.uses:
                parts.setdefault((use.name, use.generation.digest), {}).update(use.touched)
            for product in run.products:
                parts.setdefault((product.name, product.digest), {}).update(product.parts)
        for (_, digest), known in parts.items():
            known[BYTES] = digest
        return parts

    def _index_groups(self) -> dict[str, frozenset[str]]:
        """Give each run's cycle: those that rest on it and that it rests on, itself included."""
        order = self.order
        causes = {run.id: [m for use in run.uses for m in use.makers] for run in self.runs}
        if all(order[m] < order[run_id] for run_id, makers in causes.items() for m in makers):
            return {run_id: frozenset({run_id}) for run_id in causes}
        below = {run_id: _reached(causes, causes[run_id]) for run_id in causes}
        return {
            run_id: frozenset({run_id} | {m for m in below[run_id] if run_id in below[m]})
            for run_id in causes
        }

    def _appended(self, run: RecordedRun, name: str) -> bool:
        product = run.product(name)
        return product is not None and product.appended is not None


@dataclass(frozen=True)
class Answer:
    """What `status` says of a viewpoint, or `impact` of going from one to another."""

    hit: frozenset[str]
    hit_runs: frozenset[str]
    current: frozenset[str]
    behind: frozenset[str]
    stale: frozenset[str]
    modified: frozenset[str]
    missing: frozenset[str]
    gap: frozenset[str]
    already_stale: frozenset[str]

    @property
    def not_current(self) -> frozenset[str]:
        """Give every name that is in another state than current."""
        return self.hit | self.behind | self.stale | self.modified | self.missing

    @property
    def flagged(self) -> frozenset[str]:
        """Give every name that isn't said to be current, or carries a blocking gap."""
        return self.not_current | self.gap


def status(ledger: Ledger, view: View, *, platform: bool = False) -> Answer:
    """Judge one viewpoint."""
    return impact(ledger, view, view, platform=platform)


def impact(ledger: Ledger, before: View, after: View, *, platform: bool = False) -> Answer:
    """Say what falls when the viewpoint goes from `before` to `after`.

    `behind` and `stale` are what is so afterwards and didn't fall; `already_stale` what was
    lower before, doesn't fall, and is reached by plain reachability.
    """
    old = Currency(ledger, before, platform=platform)
    new = Currency(ledger, after, platform=platform)
    old_states, new_states = old.states(), new.states()
    hit = {name for name, state in new_states.items() if _falls(old_states.get(name), state)}
    hit_runs = {run_id for run_id in new.live() if _falls(old.state(run_id), new.state(run_id))}
    reached = reachable(ledger, changed_names(before, after))
    lower_before = {name for name, state in old_states.items() if state in ("behind", "stale")}

    def names_in(state: NameState) -> frozenset[str]:
        return frozenset(n for n, s in new_states.items() if s == state and n not in hit)

    return Answer(
        hit=frozenset(hit),
        hit_runs=frozenset(hit_runs),
        current=names_in("current"),
        behind=names_in("behind"),
        stale=names_in("stale"),
        modified=names_in("modified"),
        missing=names_in("missing"),
        gap=frozenset(new.gaps()),
        already_stale=frozenset(
            name for name in lower_before - hit if reached & set(old.live_at(name))
        ),
    )


def changed_names(before: View, after: View) -> frozenset[str]:
    """Give the names of which two viewpoints say different things."""
    names = {*before, *after}
    return frozenset(
        name
        for name in names
        if (name in before) != (name in after)
        or digest_of(before.get(name)) != digest_of(after.get(name))
    )


def reachable(ledger: Ledger, names: Iterable[str]) -> frozenset[str]:
    """Give the runs that any of these names reaches through history, whatever lies now."""
    start = set(names)
    effects: dict[str, list[str]] = {run.id: [] for run in ledger.runs}
    for run in ledger.runs:
        for use in run.uses:
            for maker in use.makers:
                effects[maker].append(run.id)
    first = [run.id for run in ledger.runs for use in run.uses if use.name in start]
    return _reached(effects, first)


def origin_maker(origin: Generation) -> str:
    """Give the run that made the original of a copy."""
    if origin.maker is None:
        raise ValueError("only a recorded product has copies")
    return origin.maker


def _falls(before: str | None, after: str) -> bool:
    return before is not None and RANK.get(after, 3) < RANK.get(before, -1)


def _reached(edges: Mapping[str, Iterable[str]], start: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting.extend(edges[one])
    return frozenset(found)
