"""Which differences between two runs can have reached their metrics, and which can't, with why.

A difference reaches a run through what the run touched: a part of a file, a package it imported, a
variable it read, a parameter. A product that differs is followed to the runs that made it, and
their differences stand in its place. What came out equal ends the way: the differences before it
can't have got through there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from provgraph.analysis.rundiff import (
    CODE,
    DATA,
    NOT_THERE,
    PACKAGES,
    PARAMETERS,
    SYSTEM,
    Side,
    params_of,
    short,
)
from provgraph.model.answers import Cleared, Suspect
from provgraph.model.digests import comparable
from provgraph.model.parts import BESIDE, IMPORTS, SYNTAX
from provgraph.model.records import Use

CHANCE = "chance"
VARIABLES = "variables"
NOT_DETERMINISTIC = "nothing it read or was given differs, and its outcome does"
MADE_BY_ANOTHER = "made by another step"

Key = tuple[str, str, str, str]
Load = Callable[[str], Side | None]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A difference of one pair of runs: whether the runs touched it, and why not where not."""

    key: Key
    detail: str = ""
    why_not: str = ""
    platform: bool = False


@dataclass
class _Pair:
    """Two runs of which something reached the asked ones (`equal`: nothing did, by these)."""

    one: Side
    two: Side
    through: tuple[str, ...]
    equal: str = ""


@dataclass
class _Search:
    """Goes from pair to pair, nearest first: those that reach before those that came out equal."""

    load: Load
    suspects: dict[Key, Suspect] = field(default_factory=dict)
    cleared: dict[Key, Cleared] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)

    def run(self, one: Side, two: Side) -> None:
        """Follow every difference as far as it goes."""
        waiting = deque([_Pair(one, two, (one.record.step.label,))])
        later: deque[_Pair] = deque()
        seen: set[tuple[str, str]] = set()
        while waiting or later:
            pair = waiting.popleft() if waiting else later.popleft()
            place = (pair.one.record.run, pair.two.record.run)
            if place in seen:
                continue
            seen.add(place)
            if not pair.equal:
                self.pairs.append(place)
            ways = list(self._look(pair))
            waiting.extend(way for way in ways if not way.equal)
            later.extend(way for way in ways if way.equal)

    def _look(self, pair: _Pair) -> Iterator[_Pair]:
        """Note a pair's own differences; give the pairs that its inputs came from."""
        reached = False
        for use_one, use_two in _pairs(pair.one, pair.two):
            entry = _of_uses(use_one, use_two)
            above = self._above(pair, use_one, use_two)
            if entry is None or entry.why_not:
                if entry is not None:
                    self._note(pair, entry)
                if above is not None:
                    name = use_one.name if use_one is not None else ""
                    above.equal = pair.equal or f"what it read of {name} came out the same"
                    yield above
                continue
            reached = True
            if above is not None:
                above.equal = pair.equal
                yield above
            else:
                self._note(pair, entry)
        for entry in (*_of_params(pair), *_of_environment(pair)):
            reached = reached or not (entry.why_not or entry.platform)
            self._note(pair, entry)
        if not reached and not pair.equal:
            label = pair.one.record.step.label
            self._note(pair, _Entry((CHANCE, label, "", ""), NOT_DETERMINISTIC))

    def _above(self, pair: _Pair, one: Use | None, two: Use | None) -> _Pair | None:
        """Give the runs that made an input, where both sides' were made by the same step."""
        if one is None or two is None or one.maker is None or two.maker is None:
            return None
        if one.maker == two.maker or one.maker_step != two.maker_step:
            return None
        first, second = self.load(one.maker), self.load(two.maker)
        if first is None or second is None:
            return None
        return _Pair(first, second, (first.record.step.label, *pair.through))

    def _note(self, pair: _Pair, entry: _Entry) -> None:
        section, name, before, after = entry.key
        if entry.why_not or pair.equal:
            why = entry.why_not or f"{pair.through[1] if pair.through[1:] else ''}: {pair.equal}"
            if entry.key not in self.suspects:
                self.cleared.setdefault(entry.key, Cleared(section, name, before, after, why))
            return
        self.cleared.pop(entry.key, None)
        known = self.suspects.get(entry.key)
        enters = (*known.enters, pair.through[0]) if known else (pair.through[0],)
        self.suspects[entry.key] = Suspect(
            section=section,
            name=name,
            before=before,
            after=after,
            detail=known.detail if known else entry.detail,
            enters=tuple(dict.fromkeys(enters)),
            through=known.through if known else pair.through,
            platform=entry.platform,
        )


def pairs_between(one: Side, two: Side, load: Load) -> list[tuple[str, str]]:
    """Give the pairs of runs by which differences reach two runs, these two first."""
    search = _Search(load)
    search.run(one, two)
    return search.pairs


def suspects(one: Side, two: Side, load: Load) -> tuple[tuple[Suspect, ...], tuple[Cleared, ...]]:
    """Give what can have made two runs' outcomes differ, the nearest first, and what can't.

    `load` gives a recorded run by its id. What only the machine has (kernel, drivers) comes last.
    """
    search = _Search(load)
    search.run(one, two)
    ordered = sorted(search.suspects.values(), key=lambda s: (s.platform, len(s.through)))
    return tuple(ordered), tuple(search.cleared.values())


# -- what differs in one pair --------------------------------------------------------------------

_SECTION = {"program": CODE, "module": CODE, "path": CODE}


def _pairs(one: Side, two: Side) -> Iterator[tuple[Use | None, Use | None]]:
    sides = [
        {u.name: u for u in side.record.uses if u.role not in ("environment", "platform")}
        for side in (one, two)
    ]
    for name in sorted({*sides[0], *sides[1]}):
        yield sides[0].get(name), sides[1].get(name)


def _of_uses(one: Use | None, two: Use | None) -> _Entry | None:
    """Compare what two runs read of a name; None where that is the same, as is the whole."""
    use = one or two
    assert use is not None
    section = _SECTION.get(use.role, DATA)
    if one is None or two is None:
        before, after = ("", use.digest) if one is None else (use.digest, "")
        key = (section, use.name, _said(before), _said(after))
        return _Entry(key, "read by one of them only")
    key = (section, use.name, _said(one.digest), _said(two.digest))
    differing = [
        part
        for part in sorted({*one.touched, *two.touched})
        if one.touched.get(part) != two.touched.get(part)
    ]
    if differing or (one.digest != two.digest and not (one.touched and two.touched)):
        named = [part for part in differing if not part.startswith("#")]
        detail = ", ".join(named)
        if one.maker_step != two.maker_step:
            detail = MADE_BY_ANOTHER
        elif any(part.startswith(IMPORTS) for part in differing):
            detail = "which of its files modules are imported from"
        return _Entry(key, detail)
    if one.digest == two.digest:
        return None
    return _Entry(key, why_not=_same_parts(one))


def _same_parts(use: Use) -> str:
    parts = [part for part in use.touched if part not in BESIDE]
    if parts == [SYNTAX]:
        return "the code is the same: it differs in comments or layout alone"
    if not any(part for part in parts if not part.startswith("#")):
        return "what was read of it is the same"
    return f"both read {', '.join(sorted(parts)[:3])} of it alone, and that is the same"


def _of_params(pair: _Pair) -> Iterator[_Entry]:
    one, two = params_of(pair.one), params_of(pair.two)
    for name in sorted({*one, *two}):
        before, after = one.get(name, NOT_THERE), two.get(name, NOT_THERE)
        if before != after:
            said = "arguments" if name == "argv" else name
            yield _Entry((PARAMETERS, said, short(before), short(after)))
    first, second = pair.one.record.step, pair.two.record.step
    if first.key != second.key:
        yield _Entry((PARAMETERS, "command", first.label, second.label), "another step")


def _of_environment(pair: _Pair) -> Iterator[_Entry]:
    """Compare packages, variables and the machine, by what each run touched of them."""
    one, two = _touched(pair.one, "environment"), _touched(pair.two, "environment")
    for part in sorted({*one, *two}):
        before, after = one.get(part), two.get(part)
        if before == after:
            continue
        if part.startswith("$"):
            if before and after and not comparable(before, after):
                continue
            key = (VARIABLES, part, _said(before or ""), _said(after or ""))
            yield _Entry(key, "" if before and after else "read by one of them only")
        else:
            section = SYSTEM if part == "python" else PACKAGES
            key = (section, part, _said(before or ""), _said(after or ""))
            yield _Entry(key, "" if before and after else "imported by one of them only")
    listed = [side.environment.get("distributions") or {} for side in (pair.one, pair.two)]
    for name in sorted({*listed[0], *listed[1]} - {*one, *two}):
        before, after = (str(side.get(name, NOT_THERE)) for side in listed)
        if before != after:
            key = (PACKAGES, name, before, after)
            yield _Entry(key, why_not="neither run imported it")
    one, two = _touched(pair.one, "platform"), _touched(pair.two, "platform")
    for part in sorted({*one, *two}):
        if one.get(part) != two.get(part):
            key = (SYSTEM, part, _said(one.get(part, "")), _said(two.get(part, "")))
            yield _Entry(key, "the machine", platform=True)


def _touched(side: Side, role: str) -> dict[str, str]:
    uses = [use for use in side.record.uses if use.role == role]
    return {part: digest for use in uses for part, digest in use.touched.items()}


def _said(digest: str) -> str:
    return short(digest) if digest else NOT_THERE
