"""Markdown for code hosts: outside text that stays text, and sheets that end within a limit.

GitHub and GitLab read more than CommonMark into a comment: mentions, references to issues, links
from bare words, formulas, emoji. Outside text says none of it; the tests parse what comes out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from provgraph.render.plain import clip, shorten, shown

_SPECIAL = re.compile(r"[\\`*_{}\[\]()<>#+\-.!|~&$^=:@'\"]")
# What a host would turn into a link, a picture or a formula, though every character is escaped:
# it looks at the text after Markdown has been read, so a space without width goes between.
_BREAK = "&#8203;"
_HOST_SYNTAX = re.compile(
    r"(?<=[@#!~%&$])(?=\w)|(?<=://)(?=.)|(?<=\bwww)(?=\.)|(?<=\b[Gg][Hh])(?=-\d)|(?<=:)(?=[\w+-]+:)"
)
_OWNER = re.compile(r"@[A-Za-z0-9][A-Za-z0-9._-]{0,60}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,60})*\Z")
# What makes a line of text an item, a heading or code.
_LEAD = re.compile(r"\s*(?:[-+=]|\d{1,9}(?=[.)](?:\s|\Z)))?")
_LONGEST_OWNER = 100
# Where `.`, `-` and the like mean nothing, they stay readable in the source, too.
_HARMLESS = frozenset(".-+()!=:'\"{}^")


def prose(text: str, most: int = 400) -> str:
    """Write outside text as running text on one line, cut to a length."""
    pieces = _HOST_SYNTAX.sub("\0", clip(shown(text), most)).split("\0")
    said = _BREAK.join(_SPECIAL.sub(_escaped, piece) for piece in pieces)
    lead = _LEAD.match(said)
    if lead is None or not lead[0]:
        return said
    mark = "".join(f"&#{ord(character)};" for character in lead[0].lstrip())
    return mark + said[lead.end() :]


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character in _HARMLESS:
        return character
    return f"&#{ord(character)};"


def code(text: str, most: int = 120) -> str:
    """Write outside text as code, fit for a table's cell, cut in the middle to a length."""
    text = shorten(shown(text), most)
    if not text.strip():
        return "(empty)"
    ticks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{pad}{text}{pad}{ticks}".replace("|", "\\|")


def owner(name: str) -> str:
    """Write who owns a path: the one kind of text that may mention somebody."""
    mentioned = len(name) <= _LONGEST_OWNER and _OWNER.match(name)
    return name if mentioned else prose(name, 80)


def fenced(lines: Sequence[str], language: str = "") -> tuple[str, str]:
    """Give the fences for lines of code."""
    ticks = [len(run) for line in lines for run in re.findall("`+", line)]
    fence = "`" * max(3, max(ticks, default=0) + 1)
    return fence + language, fence


def size_of(text: str) -> int:
    """Count characters as hosts do: in UTF-16, the larger of the two ways to count."""
    return len(text) + sum(character > "\uffff" for character in text)


@dataclass
class Section:
    """A piece that may be cut between its rows. `weight`: which section gets room first."""

    weight: int
    before: str
    rows: Iterable[str]
    count: int
    after: str = ""
    noun: str = "entry"
    kept: list[str] = field(default_factory=list)
    cut: int = 0

    def text(self) -> str:
        """Write what was kept, and how much wasn't."""
        told = f"\n{_cut_words(self.cut, self.noun)}\n" if self.cut else ""
        if not self.kept and self.count:
            return told
        return self.before + "".join(self.kept) + self.inner_end() + told + self.after

    def inner_end(self) -> str:
        """End what the rows are in, where a sentence may follow."""
        return ""


@dataclass
class CodeSection(Section):
    """Rows of code within fences."""

    fence: str = "```"

    def inner_end(self) -> str:
        """Close the fence."""
        return self.fence + "\n"


def _cut_words(number: int, noun: str) -> str:
    plural = noun if number == 1 else (noun[:-1] + "ies" if noun.endswith("y") else noun + "s")
    verb = "is" if number == 1 else "are"
    return (
        f"*{number:,} more {plural} {verb} left out here: `provgraph check --limit 0` lists all.*"
    )


def fill(sections: Sequence[Section], room: int) -> Iterator[str]:
    """Give the sections as text within a room, rows left out by weight, from their ends."""
    # Each section's frame and the sentence on what it lacks are kept free for it first.
    for section in sections:
        room -= size_of(section.before + section.inner_end() + section.after)
        room -= len(_cut_words(section.count, section.noun)) + 2
    for section in sorted(sections, key=lambda one: one.weight):
        full = False
        for row in section.rows:
            room -= 0 if full else size_of(row)
            if full or room < 0:
                room += 0 if full else size_of(row)
                full = True
                break
            section.kept.append(row)
        section.cut = section.count - len(section.kept) if full else 0
    for section in sections:
        yield section.text()
