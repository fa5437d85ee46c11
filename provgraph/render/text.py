"""Answers as text for people: one writer an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from provgraph.model.answers import (
    Bisection,
    Impact,
    Lineage,
    Log,
    Redo,
    Report,
    RunDiff,
    Shown,
    Status,
    Structure,
)
from provgraph.model.checks import Check
from provgraph.render.interface import Style
from provgraph.render.terminal import Page
from provgraph.render.text_bisect import write_bisection
from provgraph.render.text_check import write_check
from provgraph.render.text_diff import write_diff
from provgraph.render.text_impact import write_impact
from provgraph.render.text_lineage import write_lineage
from provgraph.render.text_log import write_log
from provgraph.render.text_redo import write_redo
from provgraph.render.text_show import write_shown
from provgraph.render.text_status import write_status
from provgraph.render.text_structure import write_structure


def write_report(page: Page, report: Report) -> None:
    """Write what an action did or a check found, a line each."""
    for words in report.words:
        page.prose(page.say(words), tone="" if report.ok else "blocking")


_WRITERS: dict[type, Callable[[Page, Any], None]] = {
    Impact: write_impact,
    Status: write_status,
    Lineage: write_lineage,
    Log: write_log,
    Redo: write_redo,
    Shown: write_shown,
    RunDiff: write_diff,
    Bisection: write_bisection,
    Structure: write_structure,
    Report: write_report,
    Check: write_check,
}


def as_text(answer: object, style: Style) -> str:
    """Write an answer to be read in a terminal."""
    page = Page(style)
    _WRITERS[type(answer)](page, answer)
    return page.text()
