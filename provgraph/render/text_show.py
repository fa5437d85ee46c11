"""Everything recorded about one node, as sections."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from provgraph.model.answers import Shown, UsedLine
from provgraph.model.digests import ABSENT
from provgraph.model.parts import BYTES
from provgraph.render import plain
from provgraph.render.terminal import Page, Span, seconds_words
from provgraph.render.text_log import number_words
from provgraph.render.text_parts import step_words, when, write_as_of, write_gaps

_FIRST = (
    "id", "digest", "size", "state", "pinned", "lies", "made_by", "step", "within", "steps",
    "status", "exit", "started", "ended", "seconds", "cpu_seconds", "peak_memory", "command", "cwd",
    "git", "agent", "tracing",
)  # fmt: skip
_BYTES = ("size", "peak_memory")
_SECTIONS = ("params", "metrics")


def write_shown(page: Page, shown: Shown) -> None:
    """Write the node's properties, then inputs, products, readers, notes and gaps."""
    node = dict(shown.node)
    kind, name = str(node.pop("kind", "")), str(node.pop("name", node.get("id", "")))
    page.prose(f"{page.say(kind)} {page.say(name)}".strip(), tone="heading")
    _write_properties(page, node)
    for section in _SECTIONS:
        _write_values(page, section, node.get(section))
    _write_uses(page, "Used" if kind == "Run" else "Made from", shown.uses)
    _write_uses(page, "Produced", shown.produces)
    _write_uses(page, "Used by", shown.used_by)
    if shown.notes:
        page.heading("Notes", len(shown.notes))
        for note in shown.notes:
            for number, line in enumerate(note.splitlines() or [""]):
                page.prose(
                    page.say(line), indent=2, first=f"{page.bullet} " if not number else "  "
                )
    write_gaps(page, shown.gaps)
    write_as_of(page, shown.as_of)


def _write_properties(page: Page, node: Mapping[str, Any]) -> None:
    order = {key: number for number, key in enumerate(_FIRST)}
    said = {
        key: words
        for key in sorted(node, key=lambda key: order.get(key, len(order)))
        if key not in _SECTIONS and (words := _value(page, key, node[key]))
    }
    labels = {key: page.short(key.replace("_", " "), page.width // 3) for key in said}
    column = max([0, *map(plain.width_of, labels.values())])
    for key, words in said.items():
        tone = words if key == "state" else ""
        page.prose(words, indent=2, first=plain.pad(labels[key], column) + "  ", tone=tone)


def _value(page: Page, key: str, value: object) -> str:
    """Say a property in one line, made safe; "" leaves it out."""
    if isinstance(value, Mapping) and isinstance(value.get("argv"), (list, tuple)):
        words = shlex.join(str(word) for word in value["argv"])
        return plain.shown_command(words, unicode=page.style.unicode)
    if isinstance(value, Mapping):
        said = [
            f"{name} {'yes' if part is True else 'no' if part is False else part}"
            for name, part in value.items()
            if part not in (None, "", [], ())
        ]
        return page.say(", ".join(said))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and key.endswith("seconds"):
        return page.own(seconds_words(value))
    if isinstance(value, int) and key in _BYTES:
        return bytes_words(value)
    if isinstance(value, (list, tuple)):
        return page.say(", ".join(map(_item, value)))
    if value is None:
        return ""
    return page.say(when(value) if isinstance(value, str) else number_words(value))


def _item(item: object) -> str:
    """Say one of several: a step by its name, and the run that shows it."""
    if isinstance(item, Mapping) and "step" in item:
        return step_words(item)
    return str(item)


def bytes_words(size: int) -> str:
    """Say a size: `512 B`, `18.2 kB`, `1.4 GB`."""
    rest = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if rest < 1000:
            return f"{rest:.3g} {unit}"
        rest /= 1000
    return f"{rest:,.4g} TB"


def _write_values(page: Page, title: str, values: object) -> None:
    """Write parameters (a mapping) or metrics (a mapping, or one with its source each)."""
    pairs: list[tuple[str, object, str]] = []
    if isinstance(values, Mapping):
        pairs = [(str(name), value, "") for name, value in sorted(values.items())]
    elif isinstance(values, (list, tuple)):
        pairs = [
            (str(item.get("name")), item.get("value"), str(item.get("source") or ""))
            for item in values
            if isinstance(item, Mapping)
        ]
    if not pairs:
        return
    page.heading(title.capitalize(), len(pairs))
    limit = page.style.limit or len(pairs)
    rows: list[list[Span]] = [
        [
            (page.short(name, page.width // 2), ""),
            (page.say(number_words(value)), ""),
            ("" if page.narrow else page.short(source, page.width // 3), "dim"),
        ]
        for name, value, source in pairs[:limit]
    ]
    page.table(rows, grow=1)
    page.more(len(pairs) - limit)


def _write_uses(page: Page, title: str, lines: Sequence[UsedLine]) -> None:
    if not lines:
        return
    page.heading(title, len(lines))
    limit = page.style.limit * 2 or len(lines)
    chosen = lines[:limit]
    rows = [_row(page, line) for line in chosen]
    page.table(rows, grow=0, below=[_remarks(page, line) for line in chosen])
    page.more(len(lines) - limit)


def _row(page: Page, line: UsedLine) -> list[Span]:
    absent = ABSENT in (line.digest, line.touched.get(BYTES))
    digest = "wasn't there" if absent else page.say(line.digest.rsplit(":", 1)[-1][:8])
    name: Span = (page.say(line.name), "")
    state: Span = (page.say(line.state), line.state)
    if page.narrow:
        return [name, state if line.state else (page.own(digest), "dim")]
    return [name, (page.say(line.kind), "dim"), (page.own(digest), "dim"), state]


def _remarks(page: Page, line: UsedLine) -> list[str]:
    """Write what stands under a used thing: its role, its evidence, the parts touched."""
    said = [line.role] if line.role not in ("", "input", "output") else []
    if line.evidence not in ("", "observed"):
        said.append(line.evidence)
    if parts := sorted(part for part in line.touched if not part.startswith("#")):
        said.append("only " + ", ".join(parts))
    words = page.dot.join(page.say(word) for word in said)
    return [plain.clip(words, page.width - 4, dots=page.dots)] if words else []
