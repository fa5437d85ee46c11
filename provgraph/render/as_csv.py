"""Answers as CSV (RFC 4180): one table an answer, its columns in `COLUMNS`.

The first column says which list a row is of, so that what isn't known (`gap`) stays in the table.
Control characters are escaped as in text; JSON is the exact form. A cell that a spreadsheet would
take for a formula gets an apostrophe in front.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provgraph.model.answers import (
    Bisection,
    GapNote,
    Impact,
    Lineage,
    Log,
    Redo,
    Report,
    RunDiff,
    Shown,
    Status,
    Structure,
    to_json,
)
from provgraph.model.checks import Check
from provgraph.model.records import json_number
from provgraph.render.interface import Style
from provgraph.render.plain import is_safe, shown
from provgraph.render.text_parts import gap_words
from provgraph.render.text_structure import point_words, repeat_words

# Columns of each answer. In a `gap` row `name` is the subject, `kind` the reason, `state` the
# grade. A log has a column `metric:NAME` for each metric after these.
COLUMNS: dict[type, tuple[str, ...]] = {
    Impact: ("row", "name", "kind", "state", "depth", "pinned", "step", "words"),
    Status: ("row", "name", "kind", "state", "reason", "pinned", "words"),
    Lineage: ("row", "type", "cause", "effect", "role", "evidence", "touched", "name", "kind",
              "state", "words"),
    Log: ("row", "id", "started", "status", "seconds", "step", "tracing", "agent", "products",
          "note", "within", "steps", "name", "kind", "state", "words"),
    Shown: ("row", "id", "name", "kind", "digest", "role", "evidence", "touched", "state",
            "maker", "words"),
    RunDiff: ("row", "section", "name", "before", "after", "detail", "kind", "state", "words"),
    Redo: ("row", "action", "subject", "run", "seconds", "sure", "outcome", "exit", "took",
           "directory", "command", "reason", "name", "kind", "state", "words"),
    Bisection: ("row", "name", "value", "like", "seconds", "words"),
    Structure: ("row", "id", "name", "kind", "size", "published", "words", "state"),
    Report: ("row", "about", "name", "words"),
    Check: ("row", "name", "kind", "state", "depth", "pinned", "step", "rank", "cause", "fails",
            "excused", "how", "parts", "was", "now", "hits", "lines", "owners", "renew", "words"),
}  # fmt: skip

Row = dict[str, Any]


def as_csv(answer: object, _style: Style) -> str:
    """Write an answer's table; the style doesn't matter."""
    rows = list(_ROWS[type(answer)](answer))
    columns = COLUMNS[type(answer)]
    columns += tuple(sorted({key for row in rows for key in row if key not in columns}))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell(column) for column in columns])
    writer.writerows([cell(row.get(column)) for column in columns] for row in rows)
    return out.getvalue()


def cell(value: object) -> str:
    """Write one cell: safe to print, and never a formula."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(json_number(value))
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
    guarded = text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")
    if not is_safe(text):
        text = shown(text)
    return "'" + text if guarded else text


def _touched(touched: Mapping[str, str]) -> str:
    return " ".join(sorted(touched))


def _gaps(gaps: Iterable[GapNote]) -> Iterable[Row]:
    for gap in gaps:
        yield {"row": "gap", "name": gap.subject, "kind": gap.reason, "state": gap.grade} | {
            "words": gap_words(gap)
        }


def _impact(answer: Impact) -> Iterable[Row]:
    for hit in answer.affected:
        yield {"row": "affected", "name": hit.name, "kind": hit.kind, "state": hit.state} | {
            "depth": hit.depth, "pinned": hit.pinned, "step": hit.step, "words": hit.words
        }  # fmt: skip
    for item in answer.already_stale:
        yield {"row": "already_stale", "name": item.name, "kind": item.kind} | {
            "state": item.state, "words": item.words
        }  # fmt: skip
    yield from _gaps(answer.gaps)


def _status(answer: Status) -> Iterable[Row]:
    for state in ("stale", "behind", "modified", "missing"):
        for item in getattr(answer, state):
            yield {"row": "name", "name": item.name, "kind": item.kind, "state": state} | {
                "reason": item.reason, "pinned": item.pinned, "words": item.words
            }  # fmt: skip
    for name in answer.current:
        yield {"row": "name", "name": name, "state": "current"}
    yield from _gaps(answer.gaps)


def _lineage(answer: Lineage) -> Iterable[Row]:
    names = {node.id: node.name for node in answer.nodes}
    for node in answer.nodes:
        yield {"row": "node", "name": node.name, "kind": node.kind, "state": node.state}
    for edge in answer.edges:
        ends = {
            "cause": names.get(edge.cause, edge.cause),
            "effect": names.get(edge.effect, edge.effect),
        }
        yield {"row": "edge", "type": edge.type, **ends, "role": edge.role} | {
            "evidence": edge.evidence, "touched": _touched(edge.touched)
        }  # fmt: skip
    yield from _gaps(answer.gaps)


def _log(answer: Log) -> Iterable[Row]:
    fixed = (
        "id", "started", "status", "seconds", "step", "tracing", "agent", "products", "note",
        "within", "steps",
    )  # fmt: skip
    for run in answer.runs:
        row: Row = {"row": "run"} | {key: getattr(run, key) for key in fixed}
        yield row | {f"metric:{name}": value for name, value in run.metrics.items()}
    yield from _gaps(answer.gaps)


def _shown(answer: Shown) -> Iterable[Row]:
    for key, value in answer.node.items():
        yield {"row": "node", "name": key, "words": value}
    for name in ("uses", "produces", "used_by"):
        for line in getattr(answer, name):
            yield {"row": name, "id": line.id, "name": line.name, "kind": line.kind} | {
                "digest": line.digest, "role": line.role, "evidence": line.evidence,
                "touched": _touched(line.touched), "state": line.state, "maker": line.maker,
            }  # fmt: skip
    for note in answer.notes:
        yield {"row": "note", "words": note}
    yield from _gaps(answer.gaps)


def _diff(answer: RunDiff) -> Iterable[Row]:
    for item in answer.differences:
        yield {"row": "difference", "section": item.section, "name": item.name} | {
            "before": item.before, "after": item.after, "detail": item.detail
        }  # fmt: skip
    for reach in answer.reach:
        for one in reach.suspects:
            yield {"row": "suspect", "section": one.section, "name": one.name} | {
                "before": one.before, "after": one.after, "detail": one.detail,
                "words": " ".join(one.enters),
            }  # fmt: skip
        for other in reach.cleared:
            yield {"row": "cleared", "section": other.section, "name": other.name} | {
                "before": other.before, "after": other.after, "words": other.why,
            }  # fmt: skip
    for section, count in answer.same.items():
        yield {"row": "same", "section": section, "words": count}
    yield from _gaps(answer.gaps)


def _bisection(answer: Bisection) -> Iterable[Row]:
    for name in ("candidates", "fixed", "deciding"):
        for label in getattr(answer, name):
            yield {"row": {"candidates": "candidate"}.get(name, name), "name": label}
    for trial in answer.trials:
        yield {"row": "trial", "name": " + ".join(trial.taken), "value": trial.value} | {
            "like": trial.like, "seconds": trial.seconds
        }  # fmt: skip


def _redo(answer: Redo) -> Iterable[Row]:
    for name in ("plan", "done", "left"):
        for step in getattr(answer, name):
            yield {"row": name} | {
                key: getattr(step, key)
                for key in ("action", "subject", "run", "seconds", "sure", "outcome", "exit")
            } | {
                "took": step.took, "directory": step.directory, "command": step.command,
                "reason": step.reason, "words": "; ".join(step.warnings),
            }  # fmt: skip
    for one in answer.spared:
        yield {"row": "spared", "subject": one.step, "run": one.run, "seconds": one.seconds} | {
            "reason": one.reason
        }
    yield from _gaps(answer.gaps)


def _structure(answer: Structure) -> Iterable[Row]:
    for point in answer.single_points:
        yield {"row": "single_point", "id": point.id, "name": point.name, "kind": point.kind} | {
            "size": point.holds, "published": point.published, "words": point_words(point)
        }  # fmt: skip
    for leg in answer.critical_path:
        yield {"row": "critical_path", "id": leg.id, "name": leg.step, "size": leg.seconds}
    for repeat in answer.redundant:
        yield {"row": "redundant", "id": repeat.runs[-1], "name": repeat.step} | {
            "size": len(repeat.runs), "words": repeat_words(repeat)
        }  # fmt: skip
    for orphan in answer.orphans:
        yield {"row": "orphan", "id": orphan.id, "name": orphan.name, "kind": orphan.kind}
    for chain in answer.longest:
        yield {"row": "longest_chain", "id": chain.id, "name": chain.name} | {
            "size": chain.runs, "words": " → ".join(chain.steps)
        }  # fmt: skip
    yield from _gaps(answer.gaps)


def _report(answer: Report) -> Iterable[Row]:
    for name, value in answer.facts.items():
        yield {"row": "fact", "about": answer.about, "name": name, "words": to_json(value)}


def _check(answer: Check) -> Iterable[Row]:
    yield {"row": "verdict", "name": answer.head, "was": answer.base} | {
        "state": "passed" if answer.passed else "failed", "words": answer.verdict
    }  # fmt: skip
    for failure in answer.failures:
        yield {"row": "failure", "name": failure.subject, "fails": failure.rule} | {
            "words": failure.words
        }
    for one in answer.affected:
        hit = one.hit
        yield {"row": "affected", "name": hit.name, "kind": hit.kind, "state": hit.state} | {
            "depth": hit.depth, "pinned": hit.pinned, "step": hit.step, "rank": one.rank,
            "cause": one.cause, "fails": " ".join(one.fails), "excused": one.excused,
            "owners": " ".join(one.owners), "renew": one.renew, "words": hit.words,
        }  # fmt: skip
    for change in answer.changes:
        places = [f"{line.side} {line.first}-{line.last}" for line in change.lines]
        yield {"row": "change", "name": change.name, "kind": change.kind} | {
            "state": change.effect, "how": change.how, "parts": " ".join(change.parts),
            "was": change.was, "now": change.now, "hits": change.hits, "lines": "; ".join(places),
            "owners": " ".join(change.owners), "words": change.words,
        }  # fmt: skip
    for item in answer.already_stale:
        yield {"row": "already_stale", "name": item.name, "kind": item.kind} | {
            "state": item.state, "words": item.words
        }  # fmt: skip
    yield from _gaps(answer.gaps)
    for row, lines in (("excused", answer.excused), ("expired", answer.expired)):
        for words in lines:
            yield {"row": row, "words": words}


_ROWS: dict[type, Callable[[Any], Iterable[Row]]] = {
    Impact: _impact,
    Status: _status,
    Lineage: _lineage,
    Log: _log,
    Shown: _shown,
    RunDiff: _diff,
    Bisection: _bisection,
    Redo: _redo,
    Structure: _structure,
    Report: _report,
    Check: _check,
}
