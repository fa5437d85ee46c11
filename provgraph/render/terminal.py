"""A page of terminal text: lines, prose, tables and trees within a width, coloured when told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from provgraph.render import plain
from provgraph.render.interface import Style

# tone → SGR parameters
_TONES = {
    "bold": "1",
    "dim": "2",
    "heading": "1",
    "command": "36",
    "current": "32",
    "behind": "33",
    "stale": "31",
    "modified": "35",
    "missing": "31",
    "blocking": "1;31",
    "pinned": "1;35",
}
_UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))

Span = tuple[str, str]


def seconds_words(seconds: float) -> str:
    """Say a duration: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if not seconds >= 0 or seconds == float("inf"):
        return "?"
    if seconds < 10:
        return f"{seconds:.1f} s"
    rest = round(seconds)
    said: list[str] = []
    for unit, size in _UNITS:
        if rest >= size and len(said) < 2:
            said.append(f"{rest // size} {unit}")
            rest %= size
        elif said:
            break
    return " ".join(said)


def count_of(number: int, noun: str) -> str:
    """Say a number of things: `1 result`, `2 results`, `3 copies`."""
    if number == 1:
        return f"1 {noun}"
    plural = noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"
    return f"{number:,} {plural}"


class Page:
    """Collects lines. Outside text comes in through `say` (or the methods that call it)."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.width = max(24, style.width)
        self.narrow = self.width < 60
        self.dots = "…" if style.unicode else "..."
        self.dot = " · " if style.unicode else ", "
        self.bullet = "·" if style.unicode else "-"
        self.arrow = "→" if style.unicode else "->"
        self._lines: list[str] = []

    def say(self, text: object) -> str:
        """Make outside text safe to print."""
        return plain.shown(str(text), unicode=self.style.unicode)

    def own(self, text: str) -> str:
        """Fit our own words to the terminal's character set."""
        return text if self.style.unicode else plain.to_ascii(text)

    def short(self, text: object, width: int) -> str:
        """Make a name safe and cut it in the middle to fit."""
        return plain.shorten(self.say(text), width, dots=self.dots)

    def paint(self, text: str, tone: str) -> str:
        """Colour text, if this terminal wants colours."""
        if not (tone and text and self.style.colour and tone in _TONES):
            return text
        return f"\x1b[{_TONES[tone]}m{text}\x1b[0m"

    def line(self, *spans: Span | str, indent: int = 0) -> None:
        """Add a line of spans (text, tone); text is safe already."""
        pieces = [(span, "") if isinstance(span, str) else span for span in spans]
        text = "".join(self.paint(text, tone) for text, tone in pieces)
        self._lines.append((" " * indent + text).rstrip() if text else "")

    def gap(self) -> None:
        """Add an empty line, unless there is one or the page is empty."""
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def prose(
        self, text: str, *, indent: int = 0, first: str = "", tone: str = "", most: int = 0
    ) -> None:
        """Add safe text wrapped under `first` (a bullet); more than `most` lines are cut."""
        hang = plain.width_of(first)
        lines = plain.wrap(self.own(text), self.width - indent - hang)
        if most and len(lines) > most:
            rest = " ".join(lines[most - 1 :])
            cut = plain.clip(rest, self.width - indent - hang, dots=self.dots)
            lines = [*lines[: most - 1], cut]
        for number, line in enumerate(lines):
            lead = first if number == 0 else " " * hang
            self.line((lead + line, tone), indent=indent)

    def items(self, spans: Sequence[Span], *, indent: int = 0) -> None:
        """Add short items with dots between them; a line is broken between items only."""
        line: list[Span] = []
        used = indent
        for text, tone in spans:
            size = plain.width_of(text) + (plain.width_of(self.dot) if line else 0)
            if line and used + size > self.width:
                self.line(*line, indent=indent)
                line, used, size = [], indent, plain.width_of(text)
            line += [(self.dot, "dim")] * bool(line) + [(text, tone)]
            used += size
        self.line(*line, indent=indent)

    def heading(self, text: str, count: int | None = None) -> None:
        """Add a section's heading after an empty line."""
        self.gap()
        words = text if count is None else f"{text} ({count:,})"
        for line in plain.wrap(self.own(words), self.width):
            self.line((line, "heading"))

    def command(self, command: str, *, indent: int = 4, remark: str = "") -> None:
        """Add a command to paste, folded with backslashes; a remark follows as a comment."""
        text = plain.shown_command(command, unicode=self.style.unicode)
        lines = plain.fold_command(text, self.width - indent)
        note = f"  # {remark}" if remark else ""
        if note and plain.width_of(lines[-1] + note) > self.width - indent:
            self.line((note.strip(), "dim"), indent=indent)
            note = ""
        for number, line in enumerate(lines):
            last = number == len(lines) - 1
            self.line((line, "command"), (note if last else "", "dim"), indent=indent)

    def more(self, hidden: int, noun: str = "", *, indent: int = 2) -> None:
        """Say how many entries aren't shown, and how to see them."""
        if hidden > 0:
            what = f" {noun}" if noun else ""
            self.prose(
                f"{self.dots} and {hidden:,} more{what} (--limit 0 shows all)",
                indent=indent,
                tone="dim",
            )

    def table(
        self,
        rows: Sequence[Sequence[Span]],
        *,
        indent: int = 2,
        heads: Sequence[str] = (),
        grow: int = 0,
        right: Iterable[int] = (),
        below: Sequence[Sequence[str]] = (),
        cut: Callable[..., str] = plain.shorten,
    ) -> None:
        """Add aligned columns of safe text; column `grow` is cut (by `cut`) to fit the width.

        `below` gives lines to stand under each row, indented by two.
        """
        if not rows:
            return
        lines = [[(head, "dim") for head in heads], *rows] if heads else list(rows)
        columns = len(lines[0])
        widths = [max(plain.width_of(row[i][0]) for row in lines) for i in range(columns)]
        rest = indent + sum(w + 2 for i, w in enumerate(widths) if w and i != grow)
        widths[grow] = min(widths[grow], max(8, self.width - rest))
        on_right = set(right)
        last_column = max((i for i in range(columns) if widths[i]), default=0)
        for number, row in enumerate(lines):
            spans: list[Span] = []
            for i, (whole, tone) in enumerate(row):
                if not widths[i]:
                    continue
                text = cut(whole, widths[i], dots=self.dots) if i == grow else whole
                last = i == last_column
                space = " " * (widths[i] - plain.width_of(text))
                if i in on_right:
                    spans += [(space, ""), (text, tone)]
                else:
                    spans += [(text, tone), ("" if last else space, "")]
                spans.append(("" if last else "  ", ""))
            while spans and not spans[-1][0].strip():
                spans.pop()
            self.line(*spans, indent=indent)
            position = number - (1 if heads else 0)
            for words in below[position] if below and position >= 0 else ():
                self.line((words, "dim"), indent=indent + 2)

    def text(self) -> str:
        """Give the page, without empty lines at its end."""
        while self._lines and not self._lines[-1]:
            self._lines.pop()
        return "\n".join(map(plain.no_command, self._lines)) + "\n"
