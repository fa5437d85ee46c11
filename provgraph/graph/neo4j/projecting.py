"""Put records into Neo4j: what is held is read, joined with what they say, and written back.

One transaction writes at a time (`write/lock`), so joining is done here, by the rules of
`graph/projection.py`, and any order of arrival gives the same graph.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from provgraph.errors import StoreError
from provgraph.graph.details import (
    AGENT,
    COMMAND,
    GAP,
    METRIC,
    PARAMETER,
    Details,
    details_of,
    note_node,
)
from provgraph.graph.keys import class_of, key_of
from provgraph.graph.neo4j.connection import Work, collected
from provgraph.graph.neo4j.vertices import (
    Kinds,
    Stored,
    absent,
    artefact_row,
    generation_of,
    run_row,
)
from provgraph.graph.projection import (
    STREAM,
    Facts,
    GenerationFact,
    Private,
    RunFact,
    SaidFact,
    as_text,
    facts_of,
    joined,
)
from provgraph.ledger.layout import RECORDS, member
from provgraph.ledger.reading import parse
from provgraph.model.digests import identity
from provgraph.model.kinds import RUN
from provgraph.model.records import Recorded, RunRecord

DETAILS = {
    AGENT: "write/agents",
    COMMAND: "write/commands",
    PARAMETER: "write/parameters",
    METRIC: "write/metrics",
    GAP: "write/gaps",
}


class Entry(NamedTuple):
    """A record on its way in; `body` are its bytes as the ledger stores them."""

    name: str
    record: Recorded
    private: Private
    body: bytes


class Told(NamedTuple):
    """What a record says, with what it is said in."""

    entry: Entry
    facts: Facts
    details: Details | None

    @property
    def run(self) -> RunFact:
        """Give the run that a run's record tells of."""
        assert self.facts.run is not None
        return self.facts.run


class Projector:
    """Puts a batch of records into the graph, inside one write transaction."""

    def __init__(self, folder: str, kinds: Kinds) -> None:
        self._folder = folder
        self._kinds = kinds

    def add(self, work: Work, entries: Sequence[Entry]) -> int:
        """Project what isn't yet; gives how many were new."""
        work("write/lock")
        ids = {member_id(self._folder, RECORDS, entry.name): entry for entry in entries}
        known = {row[0] for row in work("look-up/known-among", ids=list(ids))}
        new = {entry.name: entry for entry in ids.values() if entry.name not in known}
        told = [_told(entry) for entry in new.values()]
        gone = self._erase(work, told)
        self._put_bodies(work, told)
        settled = self._settled(work, told)
        touched = self._put_vertices(work, told, settled)
        self._put_edges(work, told)
        touched |= self._put_sayings(work, told, gone)
        self._derive(work, told, touched)
        return len(new)

    # -- vertices ----------------------------------------------------------------------------

    def _put_vertices(
        self, work: Work, told: Sequence[Told], settled: Mapping[str, GenerationFact]
    ) -> set[int]:
        facts = [one.facts for one in told]
        runs, read = _newest_runs(told), _first_readings(told)
        said: dict[str, GenerationFact] = {}
        for generation in (g for fact in facts for g in fact.generations):
            before = said.get(generation.id)
            said[generation.id] = generation if before is None else joined(before, generation)
        mentioned = set(_runs_in(facts))
        held = states(work, [*said, *mentioned])
        self._put_runs(work, runs, mentioned, held)
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        classes: set[int] = set()
        keys: set[int] = set()
        was: dict[str, list[int]] = defaultdict(list)
        for identifier, new in said.items():
            stored, newest, fact = held.get(identifier), settled.get(identifier), new
            if stored is not None and stored.known:
                fact = joined(generation_of(stored), fact)
                classes.add(stored.told.get("_class") or 0)
            if newest is not None:
                fact = fact._replace(stands_in=newest.stands_in, before=newest.before)
            row = artefact_row(fact, stored, read.get(identifier), self._kinds)
            rows[row["told"]["kind"]].append(row)
            keys.add(row["key"])
            if fact.stands_in:
                classes.add(class_of(fact.stands_in))
            if stored is not None and stored.told.get("kind") not in (None, row["told"]["kind"]):
                was[stored.told["kind"]].append(row["key"])
        put_artefacts(work, rows, was, self._kinds)
        work("write/shared", classes=sorted(classes - {0}))
        return keys

    def _put_runs(
        self,
        work: Work,
        runs: Mapping[str, Told],
        mentioned: set[str],
        held: Mapping[str, Stored],
    ) -> None:
        rows = []
        for identifier, one in runs.items():
            run, record = one.run, one.entry.record
            if held.get(identifier, absent).version < run.version:
                assert isinstance(record, RunRecord)
                rows.append(run_row(run, one.details, record.ended))
        rows += [
            {"key": key_of(run), "told": {"id": run, "kind": RUN, "_known": 0}}
            for run in sorted(mentioned)
            if run not in runs and run not in held
        ]
        work("write/runs", rows=rows)

    def _settled(self, work: Work, told: Sequence[Told]) -> dict[str, GenerationFact]:
        """Let the newest of several records of one run say how its products stand in for others."""
        runs = sorted({one.facts.run.id for one in told if one.facts.run is not None})
        newest: dict[str, tuple[str, GenerationFact]] = {}
        for run, name, body in work("look-up/bodies-of-runs", runs=runs):
            facts = facts_of(name, parse(name, zlib.decompress(body)), {})
            assert facts.run is not None
            for generation in facts.generations:
                if generation.maker != run or not generation.stands_in:
                    continue
                before = newest.get(generation.id)
                if before is None or before[0] < facts.run.version:
                    newest[generation.id] = (facts.run.version, generation)
        return {identifier: fact for identifier, (_, fact) in newest.items()}

    # -- relationships -----------------------------------------------------------------------

    def _put_edges(self, work: Work, told: Sequence[Told]) -> None:
        facts = [one.facts for one in told]
        uses = [
            use_row(key_of(use.run), key_of(use.generation), use.role, use.evidence, use.touched)
            for fact in facts
            for use in fact.uses
        ]
        produces = _produce_rows(facts)
        streams = [
            [key_of(one.run), key_of(one.writer), one.name, one.evidence]
            for fact in facts
            for one in fact.streams
        ]
        work("write/produces", rows=produces)
        work("write/streams", rows=streams)
        writers = {row[1] for row in streams} | {row[0] for row in produces}
        uses += [
            use_row(reader, made, STREAM, evidence, {})
            for reader, made, evidence in collected(work("look-up/streamed", runs=sorted(writers)))
        ]
        work("write/uses", rows=uses)

    # -- what was said -----------------------------------------------------------------------

    def _erase(self, work: Work, told: Sequence[Told]) -> set[str]:
        """Take away what these records erase; gives the names that lost a title."""
        objects = {thing: one.entry.record.project for one in told for thing in one.facts.erased}
        if not objects:
            return set()
        return set(work("write/erase", rows=[list(pair) for pair in objects.items()])[0][0])

    def _put_sayings(self, work: Work, told: Sequence[Told], gone: set[str]) -> set[int]:
        """Put what was said; gives the artefacts whose titles or pins may have changed."""
        named = {
            holder
            for one in told
            for holder in (
                *(s.object for s in one.facts.titles),
                *one.entry.record.private.values(),
            )
        }
        erased = {row[0] for row in work("look-up/erased", objects=sorted(named))}
        titles, notes, names = [], [], set(gone)
        pins: dict[str, dict[str, Any]] = {}
        for one in told:
            project = one.entry.record.project
            for title in one.facts.titles:
                if title.object not in erased:
                    titles.append(_title_row(project, title))
                    names.add(title.subject)
            for pin in one.facts.pins:
                identifier = f"{project} {pin.digest} {pin.name}"
                before = pins.get(identifier)
                if before is None or before["version"] < pin.version:
                    told_of = {"project": project, "name": pin.name, "digest": pin.digest}
                    pins[identifier] = {**told_of, "said": pin.as_, "version": pin.version}
                names.add(pin.name)
            notes += [
                note_row(project, note) for note in one.facts.notes if note.object not in erased
            ]
        work("write/titles", rows=titles)
        work("write/pins", rows=[{"id": i, "told": told_of} for i, told_of in pins.items()])
        work("write/notes", rows=notes)
        self._put_details(work, told, erased)
        subjects = {note["told"]["_subject"] for note in notes}
        about = {(subject, key_of(subject.removeprefix("run:"))) for subject in subjects}
        about |= {(subject, key_of(subject)) for subject in subjects}
        for vertex in {v for one in told for v in _vertices_in(one.facts)}:
            about |= {(vertex, key_of(vertex)), (f"run:{vertex}", key_of(vertex))}
        work("write/about", rows=[list(pair) for pair in sorted(about)])
        return set(work("look-up/at-names", names=sorted(names), project=None)[0][0])

    def _put_details(self, work: Work, told: Sequence[Told], erased: set[str]) -> None:
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in told:
            if one.facts.run is None or one.details is None:
                continue
            for detail in one.details.nodes:
                if detail.holder in erased:
                    continue
                told_of = {**detail.props, "kind": detail.label, "_object": detail.holder or None}
                rows[DETAILS[detail.label]].append(
                    {"run": key_of(one.run.id), "id": detail.id, "told": told_of}
                )
        for statement, several in rows.items():
            work(statement, rows=several)

    # -- the rest ----------------------------------------------------------------------------

    def _derive(self, work: Work, told: Sequence[Told], touched: set[int]) -> None:
        runs = [key_of(one.facts.run.id) for one in told if one.facts.run is not None]
        made = {row[0] for row in work("look-up/products-of-runs", runs=runs)}
        work("write/derived", keys=sorted(touched | made))

    def _put_bodies(self, work: Work, told: Sequence[Told]) -> None:
        rows = []
        for one in told:
            run = one.facts.run
            version = {} if run is None else {"run": run.id, "version": run.version}
            rows.append(record_row(self._folder, one.entry.name, one.entry.body, version))
        work("write/records", rows=rows)


def member_id(folder: str, kind: str, name: str) -> str:
    """Name a member of a ledger in the database: whose ledger, and its path there."""
    return f"{folder}/{member(kind, name)}"


def record_row(folder: str, name: str, body: bytes, more: Mapping[str, Any]) -> dict[str, Any]:
    """Give the row that keeps a record's body and says that it is projected."""
    path = member(RECORDS, name)
    return {
        "id": f"{folder}/{path}",
        "told": {
            "folder": folder,
            "kind": RECORDS,
            "path": path,
            "name": name,
            "size": len(body),
            "body": zlib.compress(body, 1),
            "projected": True,
            **more,
        },
    }


def states(work: Work, identifiers: Iterable[str]) -> dict[str, Stored]:
    """Give what is held of vertices, by id. Raises `StoreError` where two ids share a key."""
    keys = {key_of(identifier): identifier for identifier in identifiers}
    found: dict[str, Stored] = {}
    for key, identifier, known, is_run, told in collected(work("look-up/states", keys=list(keys))):
        if identifier != keys[key]:
            raise StoreError(
                f"{keys[key]} and {identifier} have the same key {key}",
                hint="this should never happen; please report it",
            )
        found[identifier] = Stored(known, is_run, told)
    return found


def put_artefacts(
    work: Work,
    rows: Mapping[str, list[dict[str, Any]]],
    was: Mapping[str, list[int]],
    kinds: Kinds,
) -> None:
    """Write artefacts kind by kind; `was` are those that had another kind."""
    for kind, keys in was.items():
        if kind in kinds.labels:
            work("write/unlabel", keys=keys, label=kind)
    for kind, several in rows.items():
        labels = ["Artefact", kind] if kind in kinds.labels else ["Artefact"]
        work("write/artefacts", rows=several, labels=labels)


def use_row(
    run: int, artefact: int, role: str, evidence: str, touched: Mapping[str, str]
) -> list[Any]:
    """Give a USES relationship as `write/uses` takes it."""
    if not touched:
        return [run, artefact, role, evidence, None, None]
    shown = sorted(f"{part}={digest}" for part, digest in touched.items())
    return [run, artefact, role, evidence, as_text(touched), shown]


def note_row(project: str, note: SaidFact) -> dict[str, Any]:
    """Give a note as `write/notes` takes it."""
    made = note_node(note)
    told = {"kind": made.label, "project": project, "_subject": note.subject}
    return {"id": made.id, "told": {**made.props, **told, "_object": note.object}}


def _told(entry: Entry) -> Told:
    facts = facts_of(entry.name, entry.record, entry.private)
    details = None
    if isinstance(entry.record, RunRecord):
        details = details_of(entry.record, entry.private)
    return Told(entry, facts, details)


def _title_row(project: str, title: SaidFact) -> dict[str, Any]:
    told = {"subject": title.subject, "text": title.text, "at": title.at}
    return {
        "id": identity("title", project, title.subject, title.at, title.text, title.object),
        "told": {**told, "project": project, "_object": title.object},
    }


def _newest_runs(told: Iterable[Told]) -> dict[str, Told]:
    found: dict[str, Told] = {}
    for one in told:
        if one.facts.run is None:
            continue
        before = found.get(one.run.id)
        if before is None or before.run.version < one.run.version:
            found[one.run.id] = one
    return found


def _first_readings(told: Iterable[Told]) -> dict[str, tuple[int, str]]:
    read: dict[str, tuple[int, str]] = {}
    for one in told:
        for use in one.facts.uses:
            moment = (one.run.started, one.run.started_text)
            if use.generation not in read or moment < read[use.generation]:
                read[use.generation] = moment
    return read


def _produce_rows(facts: Iterable[Facts]) -> list[list[Any]]:
    """Give PRODUCES relationships, each once: what is stated outweighs what readers claim."""
    found: dict[tuple[int, int], list[Any]] = {}
    for edge in (edge for fact in facts for edge in fact.produces):
        ends = (key_of(edge.run), key_of(edge.generation))
        row, before = [*ends, edge.role, edge.evidence, edge.stated], found.get(ends)
        if before is None or (not row[4], row[2:4]) < (not before[4], before[2:4]):
            found[ends] = row
    return list(found.values())


def _runs_in(facts: Iterable[Facts]) -> Iterator[str]:
    for fact in facts:
        if fact.run is not None:
            yield fact.run.id
        for edge in fact.produces:
            yield edge.run
        for stream in fact.streams:
            yield stream.writer


def _vertices_in(facts: Facts) -> Iterator[str]:
    yield from _runs_in([facts])
    for generation in facts.generations:
        yield generation.id
