"""The library of statements below `cypher/`: each file's head, taken apart.

A head says what the statement answers, its parameters and its columns; a question of
`cypher/read` says, too, whether it is portable or what it needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from provgraph.errors import UsageError
from provgraph.resources import resource_folder

QUESTIONS = "read"
# Store statements may declare several at once: `since, until (text, or null each)`.
PARAMETER = re.compile(r"((?:\w+,\s+)*\w+)\s+\(([^)]*)\)(?:: (.*))?")
NEEDS = re.compile(r"Needs: (\w+) because (.+)")
DEFAULT = re.compile(r"^(?P<type>[^,]+), default (?P<value>.+)$")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: `default` counts only where it isn't `required`."""

    name: str
    type: str
    required: bool = True
    default: Any = None
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the answer."""

    name: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A statement with its head; `needs` is empty where it runs on every database."""

    name: str
    answers: str
    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    portable: bool
    needs: str
    because: str
    text: str

    def parameter(self, name: str) -> Parameter | None:
        """Give the parameter of that name."""
        return next((one for one in self.parameters if one.name == name), None)


@lru_cache(maxsize=1)
def questions() -> tuple[Entry, ...]:
    """Give the questions that come with provgraph, by name."""
    folder = resource_folder("cypher") / QUESTIONS
    return tuple(read_entry(path) for path in sorted(folder.glob("*.cypher")))


def find_question(name: str) -> Entry | None:
    """Give the question of that name, with or without its `.cypher`."""
    wanted = name.removesuffix(".cypher")
    return next((one for one in questions() if one.name == wanted), None)


def read_entry(path: Path) -> Entry:
    """Read a statement's file. Raises `UsageError` where that can't be done."""
    try:
        return entry_of(path.stem, path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(
            f"{path} can't be read: {error.strerror or error}",
            hint="`provgraph query --list` shows the questions that come with provgraph",
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8"
        ) from error


def entry_of(name: str, text: str) -> Entry:
    """Take a statement's head apart; what it doesn't say is empty."""
    sections: dict[str, list[str]] = {"": []}
    section = ""
    for whole in _head(text):
        line = whole
        found = re.match(r"(Parameters|Columns|Portable|Needs):", whole)
        if found:
            section = found[1]
            line = whole if section == "Needs" else whole[found.end() :].strip()
        elif not line.strip():
            section = "remarks"
        sections.setdefault(section, []).append(line)
    needs = NEEDS.match(" ".join(sections.get("Needs", [])))
    return Entry(
        name=name,
        answers=" ".join(line.strip() for line in sections[""]),
        parameters=tuple(_parameters(sections.get("Parameters", []))),
        columns=tuple(_columns(sections.get("Columns", []))),
        portable=" ".join(sections.get("Portable", [])) == "yes",
        needs=needs[1] if needs else "",
        because=needs[2] if needs else "",
        text=text,
    )


def _head(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if not line.startswith("//"):
            return
        yield line.removeprefix("//").removeprefix(" ")


def _parameters(lines: list[str]) -> Iterator[Parameter]:
    for found in PARAMETER.finditer("\n".join(lines)):
        told, meaning = found[2], found[3] or ""
        default = DEFAULT.match(told)
        for name in re.split(r",\s+", found[1]):
            if default:
                value = json.loads(default["value"])
                yield Parameter(name, default["type"], False, value, meaning)
            else:
                yield Parameter(name, told.removesuffix(", required"), meaning=meaning)


def _columns(lines: list[str]) -> Iterator[Column]:
    inline = lines[0] if lines else ""
    if inline and inline != "none":
        for one in re.sub(r"\([^)]*\)", "", " ".join(lines)).split(","):
            yield Column(one.strip())
        return
    for line in lines[1:]:
        name, _, meaning = line.strip().partition(": ")
        yield Column(name, meaning)
