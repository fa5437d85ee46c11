"""Small records for the stores' contract, and a store's whole graph as values without keys."""

import io
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from provgraph.graph.interface import GraphStore
from provgraph.interchange.jsonl import validate
from provgraph.model.digests import content_digest
from provgraph.model.records import (
    Gap,
    ImportRecord,
    Product,
    Recorded,
    RunRecord,
    Status,
    Step,
    Tracing,
    Use,
    to_bytes,
)

PROJECT = "p"
Entry = tuple[str, Recorded, Mapping[str, Mapping[str, Any]]]


def moment(second: int) -> str:
    return (datetime(2026, 1, 1) + timedelta(seconds=second)).isoformat() + "Z"  # noqa: DTZ001


def use(name: str, content: str, maker: str | None = None, **more: Any) -> Use:
    digest = content if content == "absent" else f"b3:{content}"
    more.setdefault("touched", {"#bytes": digest})
    return Use(name=name, digest=digest, maker=maker, **more)


def product(name: str, content: str, **more: Any) -> Product:
    return Product(name=name, digest=f"b3:{content}", **more)


def run(
    number: int,
    step: str,
    uses: Sequence[Use] = (),
    produces: Sequence[Product] = (),
    *,
    project: str = PROJECT,
    status: Status = "ok",
    gaps: Sequence[Gap] = (),
    complete: bool = True,
    identifier: str = "",
    at: int | None = None,
    private: Mapping[str, str] | None = None,
) -> RunRecord:
    return RunRecord(
        project=project,
        at=moment(10 * number + 5 if at is None else at),
        run=identifier or f"01R{number:04}",
        step=Step(key=step, label=f"do {step}"),
        status=status,
        started=moment(10 * number),
        ended=moment(10 * number + 4),
        seconds=4.0,
        uses=tuple(uses),
        produces=tuple(produces),
        gaps=tuple(gaps),
        tracing=Tracing(method="audit", complete=complete),
        private=dict(private or {}),
    )


def add(store: GraphStore, *records: Recorded) -> int:
    return store.add(entry(record) for record in records)


def entry(record: Recorded, private: Mapping[str, Mapping[str, Any]] | None = None) -> Entry:
    """Name a record as a ledger would: by what it says."""
    return (content_digest(to_bytes(record))[3:], record, private or {})


def node(kind: str, name: str, ref: str, **more: Any) -> dict[str, Any]:
    return {"node": {"kind": kind, "name": name, **more}, "ref": ref}


def edge(kind: str, start: str, end: str, **props: Any) -> dict[str, Any]:
    return {"edge": {"type": kind, "from": start, "to": end, **({"props": props} if props else {})}}


def canonical(lines: Iterable[Mapping[str, Any]], known: Collection[str] = ()) -> list[bytes]:
    spool = io.BytesIO()
    text = [json.dumps(line).encode() + b"\n" for line in lines]
    validate(text, spool.write, exists=lambda ids: set(known) & set(ids))
    return spool.getvalue().splitlines(keepends=True)


def load(
    store: GraphStore,
    name: str,
    *lines: Mapping[str, Any],
    known: Collection[str] = (),
    project: str = PROJECT,
) -> int:
    sound = canonical(lines, known)
    nodes = sum(b'{"node"' in line for line in sound)
    record = ImportRecord(
        project=project,
        at=moment(0),
        object=f"b3:{name}",
        format="jsonl",
        nodes=nodes,
        edges=len(sound) - nodes,
    )
    return store.add_import(name, record, sound)


def key_of(store: GraphStore, name: str, digest: str = "") -> int:
    """Give the key of the one generation at a name (with a digest)."""
    (found,) = (g for g in store.at_names([name]) if digest in ("", g.digest))
    return found.key


def run_key(store: GraphStore, identifier: str) -> int:
    (key,) = store.by_id(identifier)
    return key


def names_of(store: GraphStore, keys: Iterable[int]) -> set[str]:
    return {row.name or row.id for row in store.vertices(list(keys))}


def graph_of(store: GraphStore) -> dict[str, set[Any]]:
    """Give everything that the contract shows, with ids in place of keys."""
    generations = store.at_names(store.all_names())
    runs = store.list_runs()
    keys = [g.key for g in generations] + [r.key for r in runs]
    keys = list(dict.fromkeys([*keys, *ends_of(store, keys)]))
    ids = {row.key: row.id for row in store.vertices(keys)}
    classes: dict[int, set[str]] = {}
    for g in generations:
        classes.setdefault(g.cls, set()).add(g.id)
    return {
        "vertices": {
            (v.id, v.kind, v.name, v.digest, json.dumps(v.props, sort_keys=True))
            for v in store.vertices(keys)
        },
        "generations": {
            (
                *(g.id, g.project, g.name, g.digest, g.size, ids.get(g.maker or -1), g.step),
                *(g.order, ids.get(g.before or -1), g.first_read, g.append, g.imported, g.kind),
                *(frozenset(g.parts.items()), frozenset(classes[g.cls])),
            )
            for g in generations
        },
        "recorded": {g.id for g in store.recorded_generations()},
        "runs": {r._replace(key=0) for r in runs},
        "uses": {
            (ids[u.run], ids[u.generation], u.role, u.evidence, frozenset(u.touched.items()))
            for u in store.uses_by([r.key for r in runs])
        },
        "edges": {(ids[e.cause], ids[e.effect], e.type) for e in store.effects_of(keys)},
        "depends": {(ids[d.effect], ids[d.cause], d.how, d.evidence) for d in store.depends(keys)},
        "touches": {(ids[t.generation], *t[1:]) for t in store.touched_sources()},
        "unsound": {r.id for r in store.unsound_runs()},
        "silent": {r.id for r in store.silent_runs()},
        "gaps": {(ids[key], reason, subject) for key, reason, subject in store.run_gaps()},
        "shared": {
            frozenset(ids[k] for k in shared if shared[k] == cls)
            for shared in [store.shared_classes()]
            for cls in shared.values()
        },
        "titles": set(store.titles().items()),
        "pins": set(store.pins().items()),
        "known": store.known(),
        "counts": {(store.status().records, store.status().edges)},
    }


def ends_of(store: GraphStore, keys: Sequence[int]) -> list[int]:
    rows = [*store.effects_of(keys), *store.causes_of(keys)]
    return [end for row in rows for end in (row.cause, row.effect)]
