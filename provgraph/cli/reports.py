"""Reports as text and as data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from provgraph.model.answers import to_json
from provgraph.render.plain import shown

if TYPE_CHECKING:
    from provgraph.model.answers import Report


def as_text(report: Report, format: str) -> str:
    """Write a report: its words, one JSON object, or one row a fact."""
    if format == "json":
        return json.dumps(to_json(report), ensure_ascii=False, indent=2) + "\n"
    if format == "csv":
        import csv
        import io

        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["about", "fact", "value"])
        for name, value in report.facts.items():
            said = value if isinstance(value, str) else json.dumps(to_json(value))
            writer.writerow([report.about, name, said])
        return table.getvalue()
    return "".join(shown(line) + "\n" for line in report.words)
