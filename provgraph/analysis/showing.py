"""Everything recorded about one run or one artefact, and lists of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from provgraph.analysis.asking import Questions
from provgraph.analysis.gaps import note
from provgraph.graph.interface import Generation, RunRow
from provgraph.model.answers import RunLine, Shown, UsedLine
from provgraph.model.digests import generation_id
from provgraph.model.kinds import RUN
from provgraph.model.records import Product, RunRecord, Use, document_of


def show_run(
    questions: Questions,
    row: RunRow,
    name: str,
    record: RunRecord,
    private: Mapping[str, Any],
    steps: Sequence[RunRow] = (),
) -> Shown:
    """Show a run as recorded, and which runs are its steps.

    `private` are its private fields by category, where not erased.
    """
    wording = questions.wording
    node: dict[str, Any] = {
        "id": f"run:{record.run}",
        "kind": RUN,
        "name": record.step.label,
        "step": record.step.label,
        "state": questions.now.state_of(row.key),
        "status": record.status,
        "exit": record.exit,
        "started": record.started,
        "ended": record.ended,
        "seconds": record.seconds,
        "cpu_seconds": record.cpu_seconds,
        "peak_memory": record.peak_memory,
        "git": document_of(record.git) if record.git is not None else None,
        "tracing": document_of(record.tracing),
        "params": dict(private.get("params", {})),
        "command": dict(private.get("command", {})),
        "agent": dict(private.get("agent", {})),
        "metrics": [document_of(metric) for metric in record.metrics],
        "removed": list(record.removed),
        "record": name,
    }
    if record.within is not None:
        node["within"] = run_id(record.within)
    if record.steps:
        node["steps"] = [{"id": run_id(step.id), "step": step.label} for step in steps]
    gaps = [wording.gap(gap.reason, gap.subject) for gap in record.gaps]
    erased = [key for key in record.private if not private.get(key)]
    gaps += [note("erased", f"{category} of this run") for category in erased]
    makers = {use.maker for use in record.uses if use.maker is not None}
    labels = _labels(questions, makers)
    return Shown(
        as_of=questions.as_of,
        node=node,
        uses=tuple(_used(questions, record, use, labels) for use in record.uses),
        produces=tuple(_made(questions, record, product) for product in record.produces),
        used_by=(),
        notes=_notes(questions, f"run:{record.run}", record.run, private),
        gaps=tuple(gaps),
    )


def show_artefact(questions: Questions, key: int) -> Shown:
    """Show an artefact: what it is, its causes, who read it, what else lay at its name."""
    facts, wording = questions.facts, questions.wording
    store = facts.store
    vertex = store.vertices([key])[0]
    found = store.generations([key])
    g: Generation | None = found[0] if found else None
    name = (g.project, g.name) if g is not None else (facts.project, vertex.name)
    recorded = name in facts.at
    node: dict[str, Any] = {
        "id": vertex.id,
        "kind": vertex.kind or wording.kind(vertex.name, bool(facts.produced(name))),
        "name": wording.title(vertex.name),
        "digest": vertex.digest,
        "size": g.size if g is not None else None,
        "state": (questions.now.name_state(name) or "source") if recorded else "",
        "pinned": wording.pinned(g),
        "generations": len(facts.at.get(name, ())),
        **dict(vertex.props),
    }
    if g is not None and g.maker is not None:
        makers = store.runs([g.maker])
        if makers:
            node |= {"made_by": run_id(makers[0].id), "step": makers[0].label}
    here = questions.now.lying(name) if recorded else None
    if here is not None and g is not None:
        lies = here.generation is not None and here.generation.key == g.key
        node["lies"] = "missing" if here.absent else "here" if lies else "other content is here now"
    causes = [edge.cause for edge in store.causes_of([key])]
    readers = store.uses_of([key])
    rows = {row.key: row for row in store.runs([use.run for use in readers])}
    return Shown(
        as_of=questions.as_of,
        node=node,
        uses=tuple(_vertex_line(questions, cause) for cause in causes),
        produces=(),
        used_by=tuple(
            UsedLine(
                id=run_id(rows[use.run].id),
                name=rows[use.run].label,
                kind=RUN,
                digest="",
                role=use.role,
                evidence=use.evidence,
                touched=dict(use.touched),
                state=questions.now.state_of(use.run),
            )
            for use in readers
            if use.run in rows
        ),
        notes=tuple(text for _, text in (*store.notes(vertex.id), *store.notes(vertex.name))),
        gaps=(),
    )


def show_imported(questions: Questions, row: RunRow) -> Shown:
    """Show a run that another system told of: what came with it, its causes and effects."""
    store = questions.facts.store
    vertex = store.vertices([row.key])[0]
    node: dict[str, Any] = {
        "id": run_id(row.id),
        "kind": RUN,
        "name": row.label or row.id,
        "state": questions.now.state_of(row.key),
        **dict(vertex.props),
    }
    used = {use.generation: use for use in store.uses_by([row.key])}
    causes = dict.fromkeys(edge.cause for edge in store.causes_of([row.key]))
    effects = dict.fromkeys(edge.effect for edge in store.effects_of([row.key]))
    lines = {key: _vertex_line(questions, key) for key in (*causes, *effects)}
    return Shown(
        as_of=questions.as_of,
        node=node,
        uses=tuple(
            replace(lines[key], role=used[key].role, evidence=used[key].evidence)
            if key in used
            else lines[key]
            for key in causes
        ),
        produces=tuple(replace(lines[key], evidence="declared") for key in effects),
        used_by=(),
        notes=_notes(questions, run_id(row.id), row.id, {}),
        gaps=(),
    )


def run_line(
    questions: Questions, row: RunRow, record: RunRecord | None, private: Mapping[str, Any]
) -> RunLine:
    """Say a run in one line of a log."""
    notes = _notes(questions, run_id(row.id), row.id, private)
    metrics = {} if record is None else {metric.name: metric.value for metric in record.metrics}
    return RunLine(
        id=row.id,
        step=row.label or row.step,
        status=row.status,
        started=row.started,
        seconds=row.seconds,
        tracing=row.tracing,
        note=notes[-1] if notes else "",
        agent=str(private.get("agent", {}).get("user", "")),
        products=len(record.produces) if record is not None else 0,
        metrics=metrics,
        within=(record.within or "") if record is not None else "",
        steps=record.steps if record is not None else 0,
    )


def _notes(
    questions: Questions, vertex: str, run: str, private: Mapping[str, Any]
) -> tuple[str, ...]:
    own = private.get("note", {}).get("text")
    store = questions.facts.store
    said = [text for _, text in (*store.notes(vertex), *store.notes(run))]
    return tuple(dict.fromkeys([*([own] if own else []), *said]))


def _labels(questions: Questions, runs: set[str]) -> dict[str, str]:
    store = questions.facts.store
    keys = [key for run in runs for key in store.by_id(f"run:{run}") or store.by_id(run)]
    return {row.id: row.label for row in store.runs(keys)}


def _used(questions: Questions, record: RunRecord, use: Use, labels: Mapping[str, str]) -> UsedLine:
    wording, facts = questions.wording, questions.facts
    name = (record.project, use.name)
    return UsedLine(
        id=generation_id(record.project, use.name, use.digest, use.maker),
        name=wording.title(use.name),
        kind=use.kind or wording.kind(use.name, bool(facts.produced(name))),
        digest=use.digest,
        role=use.role,
        evidence=use.evidence,
        touched=dict(use.touched),
        state=(questions.now.name_state(name) or "") if name in facts.at else "",
        maker=labels.get(use.maker or "", use.maker or ""),
    )


def _made(questions: Questions, record: RunRecord, product: Product) -> UsedLine:
    wording, facts = questions.wording, questions.facts
    name = (record.project, product.name)
    return UsedLine(
        id=generation_id(record.project, product.name, product.digest, record.run),
        name=wording.title(product.name),
        kind=product.kind or wording.kind(product.name, True),
        digest=product.digest,
        role=product.role,
        evidence=product.evidence,
        touched={},
        state=(questions.now.name_state(name) or "") if name in facts.at else "",
    )


def _vertex_line(questions: Questions, key: int) -> UsedLine:
    store, wording = questions.facts.store, questions.wording
    runs: Sequence[RunRow] = store.runs([key])
    if runs:
        run = runs[0]
        return UsedLine(
            id=run_id(run.id),
            name=run.label,
            kind=RUN,
            digest="",
            role="maker",
            evidence="observed",
            state=questions.now.state_of(key),
        )
    vertex = store.vertices([key])[0]
    return UsedLine(
        id=vertex.id,
        name=wording.title(vertex.name),
        kind=vertex.kind or wording.kind(vertex.name, False),
        digest=vertex.digest,
        role="",
        evidence="inferred",
    )


def run_id(run: str) -> str:
    """Give a run's id as a selector takes it; an imported run's has the prefix already."""
    return run if run.startswith("run:") else f"run:{run}"
