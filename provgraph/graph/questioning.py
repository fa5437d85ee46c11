"""A question in Cypher before it goes to a database: its text, and parameters that fit it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from provgraph.errors import CannotAnswer, UsageError
from provgraph.graph.cypher import listed
from provgraph.graph.library import Entry, find_question, questions, read_entry

# What isn't a parameter: texts, quoted names and comments. Then the parameters.
TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/
    |'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"
    |(?<!\$)`(?:``|[^`])*`
    |\$(?:(?P<word>\w+)|`(?P<quoted>(?:``|[^`])*)`)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A statement with its parameters; `entry` where it comes from a file with a head."""

    statement: str
    parameters: Mapping[str, Any]
    entry: Entry | None = None


def from_file(name: str, given: Mapping[str, Any]) -> Question:
    """Take a question of the library by its name, or a file by its path."""
    entry = find_question(name) if "/" not in name else None
    if entry is None:
        path = Path(name)
        if not path.is_file():
            names = [one.name for one in questions()]
            near = get_close_matches(name.removesuffix(".cypher"), names, n=3, cutoff=0.4)
            raise UsageError(
                f"there is no question {name!r} in the library, nor a file of that name",
                hint=(f"nearest: {', '.join(near)}; " if near else "")
                + "`provgraph query --list` shows them all",
            )
        entry = read_entry(path)
    return question(entry.text, given, entry=entry)


def question(statement: str, given: Mapping[str, Any], *, entry: Entry | None = None) -> Question:
    """Fit parameters to a statement. Raises `UsageError` for missing and unknown ones."""
    if not statement.strip():
        raise UsageError("there is no statement", hint="provgraph query 'MATCH (n) RETURN n.id'")
    wanted = parameters_of(statement)
    declared = {one.name: one for one in entry.parameters} if entry is not None else {}
    defaults = {name: one.default for name, one in declared.items() if not one.required}
    unknown = [name for name in given if name not in wanted]
    if unknown:
        takes = f"it takes {listed(wanted)}" if wanted else "it takes no parameters"
        raise UsageError(
            f"the statement has no parameter {listed(unknown)}; {takes}", hint=_usage(declared)
        )
    missing = [name for name in wanted if name not in given and name not in defaults]
    if missing:
        raise UsageError(
            f"the statement needs {listed(missing)}",
            hint=_usage(declared) or f"give it with --param {missing[0]}=VALUE",
        )
    parameters = {
        name: _typed(given[name], declared.get(name)) if name in given else defaults[name]
        for name in wanted
    }
    return Question(statement, parameters, entry)


def check_place(asked: Question, place: str) -> None:
    """Refuse a question that needs another database than this. Raises `CannotAnswer`."""
    entry = asked.entry
    if entry is not None and entry.needs and entry.needs != place:
        raise CannotAnswer(
            f"the question {entry.name} needs {entry.needs} because {entry.because}",
            hint="name a Neo4j in PROVGRAPH_GRAPH or provgraph.toml; "
            "`provgraph query --list` shows which questions need none",
        )


def parameters_of(statement: str) -> tuple[str, ...]:
    """Give the names of a statement's parameters, in order, each once."""
    found: dict[str, None] = {}
    for match in TOKEN.finditer(statement):
        name = match["word"] or (match["quoted"] or "").replace("``", "`")
        if name:
            found[name] = None
    return tuple(found)


class Said(str):
    """A parameter as it was typed: what it is depends on what the statement's head says."""

    __slots__ = ()


def read_params(pairs: Iterable[str]) -> dict[str, Said]:
    """Read `name=value` as typed. Raises `UsageError`."""
    found: dict[str, Said] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.removeprefix("$")
        if not (name and equals):
            raise UsageError(
                f"{pair!r} is not a parameter", hint="--param NAME=VALUE, as --param version=2.1.0"
            )
        if name in found:
            raise UsageError(f"${name} is given twice", hint="give each parameter once")
        found[name] = Said(value)
    return found


def _typed(value: Any, declared: Any) -> Any:
    """Make what was typed into a value: text where the head says so, else JSON where it is."""
    if not isinstance(value, Said):
        return value
    text = str(value)
    if declared is not None and declared.type == "text":
        return text
    try:
        read = json.loads(text)
    except ValueError:
        read = text
    kinds: dict[str, Any] = {
        "integer": int,
        "number": (int, float),
        "true or false": bool,
        "list of text": list,
    }
    if declared is not None and declared.type in kinds:
        kind = kinds[declared.type]
        if not isinstance(read, kind) or (isinstance(read, bool) and kind is not bool):
            raise UsageError(
                f"${declared.name} is to be {declared.type}, and {text!r} isn't",
                hint=declared.meaning,
            )
    return read


def _usage(declared: Mapping[str, Any]) -> str:
    return "; ".join(
        f"${one.name}: {one.meaning}"
        + ("" if one.required else f" (else {json.dumps(one.default, ensure_ascii=False)})")
        for one in declared.values()
    )
