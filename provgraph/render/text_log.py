"""A log as text: an aligned table, newest first; on narrow terminals two lines a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from provgraph.model.answers import Log, RunLine
from provgraph.render import plain
from provgraph.render.terminal import Page, Span, seconds_words
from provgraph.render.text_parts import when, write_as_of, write_gaps

_TONES = {"ok": "current", "failed": "stale", "interrupted": "behind"}


def write_log(page: Page, log: Log) -> None:
    """Write the runs and what isn't known about them."""
    if not log.runs:
        page.prose("No runs are recorded that fit: provgraph log without filters shows all.")
    shown = log.runs if not page.style.limit else log.runs[: max(page.style.limit, 10)]
    ids = short_ids([run.id for run in shown])
    groups = {run.id: run.step for run in shown if run.steps}
    shown = tuple(_in_its_group(run, groups) for run in shown)
    if page.width < 72:
        _write_narrow(page, shown, ids)
    else:
        _write_table(page, shown, ids)
    page.more(log.totals.get("runs", len(log.runs)) - len(shown), "runs", indent=0)
    write_gaps(page, log.gaps)
    write_as_of(page, log.as_of)


def _in_its_group(run: RunLine, groups: Mapping[str, str]) -> RunLine:
    """Say in a run's name which run it is a step of, and how many steps it has itself."""
    if run.steps:
        return replace(run, step=f"{run.step} ({run.steps} step{'s' if run.steps > 1 else ''})")
    group = groups.get(run.within)
    return run if group is None else replace(run, step=f"{group} > {run.step}")


def short_ids(ids: Sequence[str]) -> list[str]:
    """Cut ids to the shortest length at which those shown differ, at least 10 characters."""
    several = set(ids)
    length = 10
    while len({key[:length] for key in several}) < len(several):
        length += 1
    return [key[:length] for key in ids]


def metric_words(metrics: Mapping[str, Any], most: int = 3) -> str:
    """Say the first metrics: `accuracy=0.93 f1=0.9`."""
    chosen = [f"{name}={number_words(metrics[name])}" for name in sorted(metrics)[:most]]
    if len(metrics) > most:
        chosen.append(f"+{len(metrics) - most}")
    return " ".join(chosen)


def number_words(value: object) -> str:
    """Write a metric with at most six significant digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _write_table(page: Page, runs: Sequence[RunLine], ids: Sequence[str]) -> None:
    heads = ["run", "started (UTC)", "status", "took", "step", "tracing"]
    rows: list[list[Span]] = [
        [
            (page.say(key), "bold"),
            (page.say(when(run.started).removesuffix(" UTC")), ""),
            (page.say(run.status), _TONES.get(run.status, "")),
            (page.own(seconds_words(run.seconds)), ""),
            (page.say(run.step), ""),
            (page.say(run.tracing), "dim"),
        ]
        for run, key in zip(runs, ids, strict=True)
    ]
    if page.width < 100:
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    below = [_below(page, run) for run in runs]
    page.table(rows, indent=0, heads=heads, grow=4, right=(3,), below=below, cut=plain.clip)


def _below(page: Page, run: RunLine) -> list[str]:
    """Write what stands under a run: its note and its metrics."""
    room = page.width - 4
    words = []
    if run.note:
        quoted = page.own("«") + page.say(run.note) + page.own("»")
        words.append(plain.clip(quoted, room, dots=page.dots))
    if run.metrics:
        words.append(plain.clip(page.say(metric_words(run.metrics)), room, dots=page.dots))
    return words


def _write_narrow(page: Page, runs: Sequence[RunLine], ids: Sequence[str]) -> None:
    for run, key in zip(runs, ids, strict=True):
        status = (page.say(run.status), _TONES.get(run.status, ""))
        took = page.own(seconds_words(run.seconds))
        page.line((page.say(key), "bold"), "  ", status, "  ", took)
        page.line((page.say(when(run.started)), "dim"), indent=2)
        page.line(page.short(run.step, page.width - 2), indent=2)
        for words in _below(page, run):
            page.line((words, "dim"), indent=2)
