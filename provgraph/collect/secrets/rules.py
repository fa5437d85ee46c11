"""Judge what a project's `[secrets]` says: patterns that run in bounded time, names that agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

_LONGEST = 1_000  # repetitions at most
_WAYS = 4_096  # in which one place of a text may be tried
_LEAST = 3  # letters in a row that a pattern has to name
_GLOB = re.compile(r"[A-Za-z0-9_.-]*(?:\*[A-Za-z0-9_.-]*)*\Z")


def complaint_about(
    patterns: Sequence[str], names: Sequence[str], allow: Sequence[str]
) -> tuple[str, str] | None:
    """Say what is wrong with the section: (which setting, why); None where nothing is."""
    for place, pattern in enumerate(patterns):
        why = complaint_about_pattern(pattern)
        if not why and pattern in patterns[:place]:
            why = f"«{pattern}» is there twice"
        if not why:
            hidden = next((one for one in allow if re.search(pattern, one)), None)
            why = f"«{pattern}» finds «{hidden}», which `allow` says is no secret" if hidden else ""
        if why:
            return "patterns", why
    for setting, globs in (("names", names), ("allow", allow)):
        for glob in globs:
            if not _GLOB.match(glob) or len(glob.replace("*", "")) < _LEAST:
                return setting, (
                    f"«{glob}» is no name: letters, digits, - and _, {_LEAST} at least;"
                    " * stands for any"
                )
    for one in names:
        other = next((two for two in allow if _meet(one.lower(), two.lower())), None)
        if other is not None:
            return "allow", f"«{other}» is no secret, and `names` says that «{one}» is one"
    return None


def complaint_about_pattern(pattern: str) -> str:
    """Say why a pattern can't be used; empty where it can.

    Each repetition is of one character and has an end, and few of them have a choice: so a text,
    whatever is in it, costs no more than so many steps for each of its letters.
    """
    from importlib import import_module

    try:
        parsed: Any = import_module("re._parser").parse(pattern)
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"«{pattern}» is no regular expression: {error}"
    if compiled.match(""):
        return f"«{pattern}» matches nothing at all, so it would match everywhere"
    ways = 1
    for name, argument in _operations(parsed):
        if name in ("GROUPREF", "GROUPREF_EXISTS", "ASSERT", "ASSERT_NOT"):
            return f"«{pattern}» looks back or around, which takes time without bound"
        if name.endswith("REPEAT"):
            least, most, inner = argument
            if int(most) > _LONGEST:
                return (
                    f"«{pattern}» repeats without an end; write how often at most, as in"
                    " [a-z0-9]{20,80}"
                )
            if len(inner) != 1 or str(inner[0][0]) not in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
                return (
                    f"«{pattern}» repeats a group; repeat single characters, as in [a-z0-9]{{20}}"
                )
            ways *= int(most) - int(least) + 1
        elif name == "BRANCH":
            ways *= len(argument[1])
    if ways > _WAYS:
        return f"«{pattern}» leaves too much open ({ways:,} ways); give exact lengths, as in {{32}}"
    if _longest_literal(parsed) < _LEAST:
        return f"«{pattern}» names no {_LEAST} letters in a row that such a secret has"
    return ""


def _operations(parsed: Any) -> Iterator[tuple[str, Any]]:
    for operator, argument in parsed:
        yield str(operator), argument
        for part in _inside(str(operator), argument):
            yield from _operations(part)


def _inside(name: str, argument: Any) -> list[Any]:
    if name.endswith("REPEAT"):
        return [argument[2]]
    if name == "BRANCH":
        return list(argument[1])
    if name == "SUBPATTERN":
        return [argument[-1]]
    return [argument] if name == "ATOMIC_GROUP" else []


def _longest_literal(parsed: Any) -> int:
    longest = run = 0
    for operator, argument in parsed:
        name = str(operator)
        if name == "LITERAL":
            run += 1
        elif name == "SUBPATTERN":
            longest = max(longest, _longest_literal(argument[-1]))
            run = 0
        elif name == "BRANCH":
            longest = max(longest, min(map(_longest_literal, argument[1])))
            run = 0
        elif name != "AT":
            run = 0
        longest = max(longest, run)
    return longest


def _meet(one: str, other: str) -> bool:
    return fnmatchcase(one, other) or fnmatchcase(other, one)
