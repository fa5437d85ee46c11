"""A Cypher statement before it runs: only reading, and breadth first where only ends are asked.

The library walks `-[:USES|DEPENDS_ON*]->` path by path, which takes for ever where paths meet
again and again. Where nothing but the ends can be seen (no name for the path or its edges, and
the next projection is distinct), its `SHORTEST` gives the same rows by a breadth-first search.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from provgraph.errors import UsageError

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")
    |(?P<quoted>`(?:``|[^`])*`)
    |(?P<word>[^\W\d]\w*)
    |(?P<number>\d+)
    |(?P<sign>\.\.|.)""",
    re.DOTALL | re.VERBOSE,
)
BEGINNINGS = frozenset("MATCH OPTIONAL UNWIND WITH RETURN CALL EXPLAIN PROFILE".split())
WRITING = frozenset(
    "CREATE MERGE SET DELETE DETACH REMOVE DROP ALTER COPY LOAD INSTALL UNINSTALL UPDATE FORCE"
    " ATTACH EXPORT IMPORT FOREACH BEGIN COMMIT ROLLBACK CHECKPOINT USE COMMENT".split()
)
CLAUSES = frozenset("MATCH OPTIONAL UNWIND WITH RETURN CALL WHERE ORDER SKIP LIMIT UNION".split())
COUNTING = frozenset("COUNT SUM AVG COLLECT STDEV STDEVP PERCENTILECONT PERCENTILEDISC".split())
CONDITIONS = frozenset("ANY ALL NONE SINGLE LIST_FILTER LIST_TRANSFORM".split())
NAMED = ("word", "quoted")


class Token(NamedTuple):
    """A token: `upper` is a word in capitals, else the text itself."""

    kind: str
    upper: str
    start: int
    end: int


def tokens_of(statement: str) -> list[Token]:
    """Take a statement apart, without spaces and comments."""
    found = []
    for match in TOKEN.finditer(statement):
        kind = match.lastgroup or ""
        if kind != "space":
            text = match[0].upper() if kind == "word" else match[0]
            found.append(Token(kind, text, match.start(), match.end()))
    return found


def check_reading(statement: str) -> None:
    """Refuse what would write, load or change anything; raises `UsageError`."""
    tokens = tokens_of(statement)
    while tokens and tokens[-1].upper == ";":
        tokens.pop()
    if not tokens:
        raise UsageError("there is no statement", hint="provgraph query 'MATCH (n) RETURN n.id'")
    if any(token.upper == ";" for token in tokens):
        raise UsageError("one statement at a time", hint="ask them one after the other")
    if tokens[0].upper not in BEGINNINGS:
        raise UsageError(
            f"a question doesn't begin with {statement[tokens[0].start : tokens[0].end]}",
            hint="it begins with MATCH, WITH, UNWIND, CALL or RETURN",
        )
    for place, token in enumerate(tokens):
        if token.kind != "word" or token.upper not in WRITING:
            continue
        before = tokens[place - 1].upper if place else ""
        after = tokens[place + 1].upper if place + 1 < len(tokens) else ""
        if before not in (".", ":", "|", "$", "AS", "(") and after not in (":", "(.", ".", "="):
            line = statement.count("\n", 0, token.start) + 1
            column = token.start - statement.rfind("\n", 0, token.start)
            raise UsageError(
                f"{token.upper} at line {line}, column {column} would write or load something;"
                " questions only read",
                hint="a name that reads so goes between `backticks`",
            )


def breadth_first(statement: str) -> str:
    """Let patterns that only ask for what is reached be walked breadth first."""
    tokens = tokens_of(statement)
    inserted: list[tuple[int, int, str]] = []
    for place, token in enumerate(tokens):
        if token.upper == "*" and (shape := _reaching(tokens, place)) is not None:
            end, bounds = shape
            if _only_ends_count(tokens, place):
                inserted.append((token.end, tokens[end].start, f" SHORTEST {bounds}"))
    for start, end, text in reversed(inserted):
        statement = statement[:start] + text + statement[end:]
    return statement


def _reaching(tokens: Sequence[Token], star: int) -> tuple[int, str] | None:
    """Tell where a nameless pattern `[:A|B*…]` ends, and its bounds; None for others."""
    before = star - 1
    while before >= 0 and (tokens[before].kind in NAMED or tokens[before].upper in (":", "|")):
        before -= 1
    if before < 0 or tokens[before].upper != "[":
        return None
    if star - before > 1 and tokens[before + 1].upper != ":":
        return None  # it has a name
    after = star + 1
    while after < len(tokens) and (tokens[after].kind == "number" or tokens[after].upper == ".."):
        after += 1
    if after >= len(tokens) or tokens[after].upper != "]":
        return None
    bounds = "".join(token.upper for token in tokens[star + 1 : after])
    if bounds in ("", "..", "1.."):
        return after, ""
    found = re.fullmatch(r"1?\.\.(\d+)", bounds)
    return (after, f"1..{found[1]}") if found else None


def _only_ends_count(tokens: Sequence[Token], star: int) -> bool:
    """Tell whether how often an end is reached makes no difference."""
    begin, depth = star, 0
    while begin >= 0 and (depth or tokens[begin].upper not in (*CLAUSES, "{")):
        depth += {"]": 1, ")": 1, "}": 1, "[": -1, "(": -1, "{": -1}.get(tokens[begin].upper, 0)
        depth = max(depth, 0)
        begin -= 1
    if begin < 0:
        return False
    clause = tokens[begin + 1 : star]
    if any(a.kind in NAMED and b.upper == "=" for a, b in pairwise(clause)):
        return False  # the path has a name, or a condition is part of what was taken for a clause
    if _within_exists(tokens, star):
        return True
    return _distinct_after(tokens, star)


def _within_exists(tokens: Sequence[Token], place: int) -> bool:
    depth = 0
    for at in range(place, 0, -1):
        if tokens[at].upper == "}":
            depth += 1
        elif tokens[at].upper == "{":
            if depth == 0 and tokens[at - 1].upper == "EXISTS":
                return True
            depth = max(0, depth - 1)
    return False


def _distinct_after(tokens: Sequence[Token], place: int) -> bool:
    """Tell whether the next projection is distinct, or only counts distinct things."""
    depth = 0
    for at in range(place, len(tokens)):
        word = tokens[at].upper
        depth += {"{": 1, "}": -1}.get(word, 0)
        if depth < 0:
            return False  # a subquery that counts
        # `STARTS WITH` and `ENDS WITH` are no projections.
        projects = word == "RETURN" or (
            word == "WITH" and tokens[at - 1].upper not in ("STARTS", "ENDS")
        )
        if depth == 0 and projects and tokens[at].kind == "word":
            return _is_distinct(tokens, at + 1)
    return False


def _is_distinct(tokens: Sequence[Token], start: int) -> bool:
    if start < len(tokens) and tokens[start].upper == "DISTINCT":
        return True
    counted = False
    for at in range(start, len(tokens) - 2):
        word = tokens[at].upper
        if tokens[at].kind != "word":
            continue
        if word in CLAUSES and tokens[at - 1].upper not in ("STARTS", "ENDS", "."):
            break
        if word in COUNTING and tokens[at + 1].upper == "(":
            if tokens[at + 2].upper != "DISTINCT":
                return False
            counted = True
    return counted


def column_names(statement: str) -> list[str] | None:
    """Give the columns' names as written: aliases, else the items' text; None where `*` is one."""
    tokens = tokens_of(statement)
    last = max((at for at, token in enumerate(tokens) if token.upper == "RETURN"), default=None)
    if last is None:
        return None
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens[last + 1 :]:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.upper, 0)
        if depth == 0 and token.kind == "word" and token.upper in ("ORDER", "SKIP", "LIMIT"):
            break
        if depth == 0 and token.upper == ",":
            items.append([])
        elif token.upper != ";" and not (token.upper == "DISTINCT" and not items[-1]):
            items[-1].append(token)
    names = []
    for item in items:
        if not item or (len(item) == 1 and item[0].upper == "*"):
            return None
        alias = len(item) > 2 and item[-2].upper == "AS"
        text = statement[item[-1 if alias else 0].start : item[-1].end]
        names.append(text[1:-1].replace("``", "`") if item[-1].kind == "quoted" and alias else text)
    return names


def inlined(statement: str, parameters: Mapping[str, Any]) -> str:
    """Write parameters out inside `any(… WHERE …)` and its like, where the library takes none."""
    tokens = tokens_of(statement)
    pieces, done, depth = list[str](), 0, 0
    open_at: list[int] = []  # depths at which a condition on a list's items began
    for place, token in enumerate(tokens):
        if token.upper == "(":
            depth += 1
            if tokens[place - 1].upper in CONDITIONS:
                open_at.append(depth)
        elif token.upper == ")":
            if open_at and open_at[-1] == depth:
                open_at.pop()
            depth -= 1
        elif token.upper == "$" and open_at and place + 1 < len(tokens):
            named = tokens[place + 1]
            name = statement[named.start : named.end].strip("`")
            if name in parameters:
                pieces += [statement[done : token.start], literal(parameters[name])]
                done = named.end
    return "".join([*pieces, statement[done:]])


def literal(value: Any) -> str:
    """Write a value as Cypher does."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(literal, value))}]"
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"
