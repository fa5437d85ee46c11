"""What one record says of the graph, as plain rows that every store puts in the same way.

Facts of one vertex may come from several records, in any order. So each column has a rule that
doesn't care for order: the smallest of several explicit kinds, the largest size, the earliest
reading; a run recorded twice takes its columns from the newer record, and its edges from both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from provgraph.model.digests import generation_id, identity
from provgraph.model.filesets import INPUT, OUTPUT, set_id, shown_root
from provgraph.model.gaps import BLOCKING, grade_of
from provgraph.model.names import is_uri

if TYPE_CHECKING:
    from provgraph.model.records import FileSet, Product, Recorded, RunRecord

STREAM = "stream"

T = TypeVar("T", int, str)
Private = Mapping[str, Mapping[str, Any]]


class RunFact(NamedTuple):
    """A run as its record tells it. `started` and `ended` are in ns since 1970.

    `within` is the id of the run whose step it is; "" for one that is a command by itself.
    """

    id: str
    project: str
    step: str
    label: str
    way: str
    status: str
    started: int
    ended: int
    started_text: str
    seconds: float
    tracing: str
    complete: bool
    within: str
    version: str  # of two records of one run, the one with the greater version counts


class GenerationFact(NamedTuple):
    """What a record tells of a generation; `None` and "" where it says nothing.

    `stands_in` is equal for products that stand in for one another: the class's identity.
    `maker_step` is what a reader said of a maker; the maker's own record knows better. When it
    was first read is the least start of the runs that have a USES edge to it by their own record.
    """

    id: str
    project: str
    name: str
    digest: str
    maker: str | None
    maker_step: str | None = None
    size: int | None = None
    kind: str = ""
    append: bool = False
    parts: Mapping[str, str] = {}
    before: str | None = None
    stands_in: str = ""


class UseFact(NamedTuple):
    """A USES edge."""

    run: str
    generation: str
    role: str
    evidence: str
    touched: Mapping[str, str]


class ProduceFact(NamedTuple):
    """A PRODUCES edge; `stated` by the maker's own record, or only by a reader of its product."""

    run: str
    generation: str
    role: str
    evidence: str
    stated: bool


class StreamFact(NamedTuple):
    """A run read a stream that `writer` had written to: it used whatever that one put at `name`."""

    run: str
    writer: str
    name: str
    evidence: str


class SaidFact(NamedTuple):
    """A text from a private object: a title of a name, or a note on a subject."""

    subject: str
    text: str
    at: str
    object: str


class PinFact(NamedTuple):
    """A pin; of several on one (name, digest) the greatest version counts."""

    name: str
    digest: str
    as_: str
    version: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one record says; `erased` are private objects whose texts must go."""

    run: RunFact | None = None
    generations: tuple[GenerationFact, ...] = ()
    uses: tuple[UseFact, ...] = ()
    produces: tuple[ProduceFact, ...] = ()
    streams: tuple[StreamFact, ...] = ()
    gaps: tuple[tuple[str, str], ...] = ()
    titles: tuple[SaidFact, ...] = ()
    notes: tuple[SaidFact, ...] = ()
    pins: tuple[PinFact, ...] = ()
    erased: tuple[str, ...] = field(default=())


def facts_of(name: str, record: Recorded, private: Private) -> Facts:
    """Turn a record into rows. Imports have no rows of their own: their lines do."""
    from provgraph.model.records import EraseRecord, NoteRecord, PinRecord, RunRecord

    version = f"{record.at} {name}"
    titles = tuple(_titles(record, private))
    match record:
        case RunRecord():
            return _run_facts(version, record, titles, tuple(_notes(record.run, record, private)))
        case NoteRecord():
            notes = tuple(_notes(record.subject, record, private))
            return Facts(titles=titles, notes=notes)
        case PinRecord():
            pin = PinFact(record.name, record.digest, record.as_, version)
            return Facts(titles=titles, pins=(pin,))
        case EraseRecord():
            return Facts(erased=record.objects)
        case _:
            return Facts(titles=titles)


def joined(one: GenerationFact, other: GenerationFact) -> GenerationFact:
    """Join what two records tell of one generation; the order doesn't matter."""
    if one is other or one == other:
        return one
    return one._replace(
        maker_step=_least(one.maker_step, other.maker_step),
        size=_most(one.size, other.size),
        kind=_least(one.kind or None, other.kind or None) or "",
        append=one.append or other.append,
        parts=max(one.parts, other.parts, key=as_text),
        before=_most(one.before, other.before),
        stands_in=max(one.stands_in, other.stands_in),
    )


def as_text(mapping: Mapping[str, str]) -> str:
    """Write a map of strings so that equal maps are equal texts; "" for an empty one."""
    if not mapping:
        return ""
    quoted = encode_basestring_ascii
    if len(mapping) == 1:
        ((part, digest),) = mapping.items()
        return f"{{{quoted(part)}:{quoted(digest)}}}"
    return "{" + ",".join([f"{quoted(k)}:{quoted(mapping[k])}" for k in sorted(mapping)]) + "}"


def _least(one: T | None, other: T | None) -> T | None:
    return other if one is None else one if other is None else min(one, other)


def _most(one: T | None, other: T | None) -> T | None:
    return other if one is None else one if other is None else max(one, other)


@lru_cache(maxsize=65536)  # a source is read by many runs
def _used(
    project: str,
    name: str,
    digest: str,
    maker: str | None,
    maker_step: str | None,
    size: int | None,
    kind: str,
) -> GenerationFact:
    identifier = generation_id(project, name, digest, maker)
    return GenerationFact(identifier, project, name, digest, maker, maker_step, size, kind)


def _run_facts(
    version: str, record: RunRecord, titles: tuple[SaidFact, ...], notes: tuple[SaidFact, ...]
) -> Facts:
    started, ended, way = nanoseconds(record.started), nanoseconds(record.ended), record.way()
    run = RunFact(
        record.run,
        record.project,
        record.step.key,
        record.step.label,
        way,
        record.status,
        started,
        ended,
        record.started,
        record.seconds,
        record.tracing.method,
        record.tracing.complete,
        record.within or "",
        version,
    )
    generations: list[GenerationFact] = []
    uses: dict[tuple[str, str, str], Mapping[str, str]] = {}
    produces: list[ProduceFact] = []
    read: dict[str, str] = {}
    project = record.project
    for use in record.uses:
        fact = _used(
            project, use.name, use.digest, use.maker, use.maker_step, use.size, use.kind or ""
        )
        generations.append(fact)
        edge = (fact.id, use.role, use.evidence)
        touched = uses.get(edge)
        uses[edge] = use.touched if touched is None else {**use.touched, **touched}
        if use.role != STREAM:
            read.setdefault(use.name, fact.id)
        if use.maker is not None:
            produces.append(ProduceFact(use.maker, fact.id, "", use.evidence, stated=False))
    for one in record.read_sets:
        fact = _set(record, one, one.maker)
        generations.append(fact)
        uses[fact.id, INPUT, one.evidence] = one.touched
        if one.maker is not None:
            produces.append(ProduceFact(one.maker, fact.id, "", one.evidence, stated=False))
    for one in record.made_sets:
        fact = _set(record, one, record.run)
        stands_in = identity("class", project, fact.name, fact.digest, way)
        generations.append(fact._replace(stands_in=stands_in))
        produces.append(ProduceFact(record.run, fact.id, OUTPUT, one.evidence, stated=True))
    for product in record.produces:
        fact = _produced(record, product, way, read.get(product.name))
        generations.append(fact)
        produces.append(
            ProduceFact(record.run, fact.id, product.role, product.evidence, stated=True)
        )
    return Facts(
        run=run,
        generations=tuple(generations),
        uses=tuple(UseFact(record.run, *edge, touched) for edge, touched in uses.items()),
        produces=tuple(produces),
        streams=tuple(
            StreamFact(record.run, writer, use.name, use.evidence)
            for use in record.uses
            for writer in use.writers
        ),
        gaps=gaps_of(record),
        titles=titles,
        notes=notes,
    )


def _set(record: RunRecord, one: FileSet, maker: str | None) -> GenerationFact:
    """Give the one vertex that stands for a set of generations: all of one maker, or of none."""
    return GenerationFact(
        set_id(record.project, one.manifest, maker),
        record.project,
        shown_root(one.root),
        one.manifest,
        maker,
        one.maker_step,
        one.size,
    )


def _produced(record: RunRecord, product: Product, way: str, before: str | None) -> GenerationFact:
    append = product.mode == "append"
    return GenerationFact(
        generation_id(record.project, product.name, product.digest, record.run),
        record.project,
        product.name,
        product.digest,
        record.run,
        None,
        product.size,
        product.kind or "",
        append,
        product.parts,
        before,
        "" if append else identity("class", record.project, product.name, product.digest, way),
    )


def gaps_of(record: RunRecord) -> tuple[tuple[str, str], ...]:
    """Give what capture may have missed; incomplete for no stated reason means untraced."""
    gaps = [(gap.reason, gap.subject) for gap in record.gaps]
    if not record.tracing.complete and all(grade_of(reason) != BLOCKING for reason, _ in gaps):
        gaps.append(("untraced", record.step.label))
    return tuple(dict.fromkeys(gaps))


def _titles(record: Recorded, private: Private) -> Iterator[SaidFact]:
    for category in ("paths", "titles"):
        holder = record.private.get(category, "")
        for name, text in private.get(category, {}).items():
            full = name if is_uri(name) or category == "titles" else f"outside:{name}"
            yield SaidFact(full, readable(text), record.at, holder)


def _notes(subject: str, record: Recorded, private: Private) -> Iterator[SaidFact]:
    text = private.get("note", {}).get("text")
    if text:
        yield SaidFact(subject, readable(text), record.at, record.private.get("note", ""))


def readable(text: object) -> str:
    """Write bytes that aren't UTF-8, as in paths, so that they can be kept and shown."""
    return str(text).encode("utf-8", "backslashreplace").decode()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r"\.(\d+)")


def nanoseconds(text: str) -> int:
    """Read an RFC 3339 time (or a date) as ns since 1970; what is no time at all counts as 0."""
    if not text:
        return 0
    fraction = _FRACTION.search(text)
    whole = text.replace(fraction[0], "") if fraction else text
    try:
        moment = datetime.fromisoformat(whole)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(seconds=1) * 10**9 + (
        int(fraction[1][:9].ljust(9, "0")) if fraction else 0
    )
