"""A view as Cypher: the question of the library that comes nearest, with its parameters filled in.

What a change affects is judged on what was recorded and on the files as they are; a graph database
holds only the former. So each statement begins by saying what it answers, and by what command the
judgement is had.
"""

from __future__ import annotations

from collections.abc import Mapping

from provgraph.graph.library import find_question
from provgraph.graph.questioning import TOKEN
from provgraph.model.answers import Impact, Lineage, RunDiff

# A backslash before a `u` is left outside: Neo4j reads `\\u0027` as a quote even after another one.
_SPELT = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def as_cypher(question: str, answer: object, asked: Mapping[str, str], command: str) -> str:
    """Give a statement to paste into `provgraph query`, or any client of the shared graph."""
    name, given = _nearest(question, answer, asked)
    entry = find_question(name)
    if entry is None:
        raise LookupError(name)
    values = {one.name: one.default for one in entry.parameters} | given
    body = "\n".join(line for line in entry.text.splitlines() if line[:2] != "//")
    filled = TOKEN.sub(
        lambda found: literal(values[found["word"]]) if found["word"] else found[0], body
    )
    said = entry.answers.partition("\n")[0]
    return (
        f"// {said}\n// Judged on the files as they are: {_one_line(command)}\n{filled.strip()}\n"
    )


def _nearest(
    question: str, answer: object, asked: Mapping[str, str]
) -> tuple[str, dict[str, object]]:
    """Choose the library's question, and its parameters."""
    if isinstance(answer, Impact) and answer.change:
        package = answer.asked.removeprefix("env:") if answer.asked.startswith("env:") else ""
        if package:
            return "resting-on-package", {"package": package.partition("=")[0], "kind": ""}
        first = answer.change[0].name
        name = asked.get("of", first) if len(answer.change) > 1 else first
        return "affected-by", {"name": name.rstrip("/"), "kind": ""}
    if isinstance(answer, Lineage):
        nodes = {node.id: node for node in answer.nodes}
        asked_about = [nodes[key] for key in answer.focus if key in nodes]
        if question == "explain":
            effect = asked_about[0].id if len(asked_about) == 1 else asked.get("to", "")
            return "between", {"cause": asked.get("of", "").partition("#")[0], "effect": effect}
        if len(asked_about) == 1 and (question == "focus" or asked_about[0].kind == "Run"):
            return "around", {"id": asked_about[0].id}
        one = asked_about[0] if len(asked_about) == 1 else None
        name = one.name if one is not None else asked.get("of", "").rstrip("/")
        if question == "focus":
            return "affected-by", {"name": name, "kind": ""}
        digest = one.digest if one is not None else ""
        return "contributing-versions", {"name": name, "digest": digest, "kind": ""}
    if isinstance(answer, RunDiff):
        return "runs-compared", {"first": answer.before, "second": answer.after}
    return {"status": "unsound-runs", "structure": "passed-through"}.get(
        question, "newest-runs"
    ), {}


def literal(value: object) -> str:
    """Write a value as Cypher does."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    spelt = str(value).translate(_SPELT).replace("\\u", "\\' + 'u").replace("\\U", "\\' + 'U")
    return f"'{spelt}'" if "' + '" not in spelt else f"('{spelt}')"


def _one_line(text: str) -> str:
    return " ".join(text.split())
