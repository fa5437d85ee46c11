"""Pages without scripts: the same answers as tables with links, made here.

Markup is built from escaped text only; nothing else can become a tag.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from provgraph.model.answers import Shown, UsedLine, to_json
from provgraph.render.plain import is_safe, shown
from provgraph.render.terminal import seconds_words
from provgraph.render.text_parts import gap_words, step_words, when


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Escape a value from outside."""
    if isinstance(value, Markup):
        return value
    said = "" if value is None else str(value)
    return Markup(html.escape(said if is_safe(said) else shown(said)))


def tag(name: str, /, *inside: object, **attributes: str) -> Markup:
    """Build an element."""
    said = "".join(f' {k.replace("_", "-")}="{html.escape(v)}"' for k, v in attributes.items())
    return Markup(f"<{name}{said}>" + "".join(map(text, inside)) + f"</{name}>")


def page(title: str, *inside: object) -> bytes:
    """Build a whole page."""
    body = tag("main", *inside)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'{tag("title", title)}<link rel="icon" href="/icon.svg">'
        '<link rel="stylesheet" href="/app.css"></head>'
        f'<body class="plain">{body}</body></html>\n'
    ).encode("utf-8", "replace")


def leading_on(address: str) -> str:
    """Build a page that leads to an address by itself."""
    there = html.escape(address)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>provgraph</title>'
        '<link rel="icon" href="/icon.svg">'
        f'<meta http-equiv="refresh" content="0;url={there}"></head>'
        f'<body><p><a href="{there}">To the explorer</a></p></body></html>\n'
    )


def link(words: object, question: str, **asked: str) -> Markup:
    """Build a link to a plain page."""
    return tag("a", words, href="/plain?" + urlencode({"q": question, **asked}))


def sorry(error: str, hint: str, nearest: Iterable[str]) -> bytes:
    """Say why there is no answer, with the nearest names."""
    near = [tag("li", link(name, "focus", of=name)) for name in nearest]
    return page(
        "No answer",
        _navigation(),
        tag("h1", error),
        tag("p", hint) if hint else "",
        tag("ul", *near) if near else "",
    )


def home_page(home: Mapping[str, Any]) -> bytes:
    """Build the home page."""
    counts = [tag("li", f"{state['count']:,} {state['state']}") for state in home["states"]]
    late = [
        tag("tr", tag("td", link(i["name"], "focus", of=i["ask"])), tag("td", i["state"]),
            tag("td", i["words"]))
        for i in home["out_of_date"]
    ]  # fmt: skip
    runs = [
        tag("tr", tag("td", link(r["name"], "focus", of=r["ask"])), tag("td", r["status"]),
            tag("td", r["started"]))
        for r in home["runs"]
    ]  # fmt: skip
    return page(
        home["title"],
        _navigation(),
        tag("h1", home["headline"]),
        tag("ul", *counts),
        tag("h2", "Out of date") if late else "",
        tag("table", *late) if late else "",
        tag("h2", "Newest runs"),
        tag("table", *runs),
        *_gaps(home["gaps"]),
        _as_of(home),
    )


def view_page(view: Mapping[str, Any], asked: Mapping[str, str]) -> bytes:
    """Build a question's page: its headline and its table, page by page."""
    table = view["table"]
    columns = table["columns"]
    head = tag("tr", *(tag("th", label, scope="col") for _, label in columns))
    rows = [tag("tr", *(tag("td", _cell(row, key)) for key, _ in columns)) for row in table["rows"]]
    last = table["offset"] + len(rows)
    first = table["offset"] + 1 if rows else 0
    rest = {k: v for k, v in asked.items() if k not in ("offset", "q")}
    following = (
        link("Next", view["question"], **rest, offset=str(last)) if last < table["found"] else ""
    )
    ways = _ways(asked.get("of", "")) if view["question"] in ("focus", "impact", "why") else ""
    return page(
        view["headline"],
        _navigation(),
        tag("h1", view["headline"]),
        ways,
        *(tag("p", words) for words in view["words"]),
        tag("table", head, *rows),
        tag("p", f"{first:,} to {last:,} of {table['found']:,} ", following),
        *_gaps(view["gaps"]),
        tag("p", "In a terminal: ", tag("code", view["command"])),
        _as_of(view),
    )


def show_page(answer: Shown) -> bytes:
    """Build the page of one node."""
    view = shown_view(answer)
    facts = [
        tag("tr", tag("th", key, scope="row"), tag("td", value)) for key, value in view["facts"]
    ]
    lists = []
    for title, lines in view["lists"]:
        rows = [
            tag("tr", tag("td", link(i["name"], "focus", of=i["id"])), tag("td", i["kind"]),
                tag("td", i["state"]), tag("td", i["role"]))
            for i in lines
        ]  # fmt: skip
        lists += [tag("h2", f"{title} ({len(rows):,})"), tag("table", *rows)]
    return page(
        str(view["name"]),
        _navigation(),
        tag("h1", view["name"]),
        _ways(str(view["id"])),
        tag("table", *facts),
        *lists,
        *_gaps(view["gaps"]),
    )


def _navigation() -> Markup:
    options = (("focus", "Around"), ("impact", "What is affected by"), ("why", "Where from:"))
    form = tag(
        "form",
        tag("select", *(tag("option", words, value=q) for q, words in options), name="q",
            aria_label="Question"),
        " ",
        Markup('<input name="of" aria-label="A thing" placeholder="a name, digest or run">'),
        " ",
        tag("button", "Ask"),
        action="/plain",
    )  # fmt: skip
    return tag(
        "nav",
        form,
        tag("a", "Home", href="/plain"),
        " · ",
        link("What is stale or unrecorded", "status"),
        " · ",
        link("Runs", "log"),
        " · ",
        link("Structure", "structure"),
    )


def _ways(of: str) -> Markup:
    if not of:
        return Markup("")
    return tag(
        "p",
        link("What does this affect", "impact", of=of),
        " · ",
        link("Where did it come from", "why", of=of),
        " · ",
        link("Around it", "focus", of=of),
        " · ",
        link("Everything about it", "show", of=of),
    )


def _cell(row: Mapping[str, Any], key: str) -> object:
    value = row.get(key, "")
    if key == "name" and row.get("ask"):
        return link(value or row["ask"], "focus", of=str(row["ask"]))
    return value


def _gaps(gaps: Iterable[Mapping[str, str]]) -> list[Markup]:
    items = [tag("li", f"{gap['grade']}: {gap['words']} {gap['advice']}") for gap in gaps]
    return [tag("h2", "What isn't known"), tag("ul", *items)] if items else []


def _as_of(view: Mapping[str, Any]) -> Markup:
    return tag("p", " · ".join(filter(None, (view.get("viewpoint"), f"as of {view['as_of']}"))))


# -- one node ---------------------------------------------------------------------------------

_LEFT_OUT = ("id", "name", "params", "command", "agent", "metrics", "git", "tracing")


def shown_view(answer: Shown) -> dict[str, Any]:
    """Give everything about a node as facts and lists of what it touches."""
    node = answer.node
    facts: list[tuple[str, str]] = [
        (key.replace("_", " "), _said(key, value))
        for key, value in node.items()
        if key not in _LEFT_OUT and value not in (None, "", [], {})
    ]
    command = dict(node.get("command") or {})
    argv = command.get("argv")
    git = node.get("git") or {}
    if git:
        dirty = ", with changes" if git.get("dirty") else ""
        facts.append(
            ("git", f"{str(git.get('commit', ''))[:12]} on {git.get('branch', '')}{dirty}")
        )
    for key, value in dict(node.get("agent") or {}).items():
        facts.append((f"by {key}", str(value)))
    is_run = node.get("kind") == "Run"
    titles = ("Read", "Wrote", "") if is_run else ("Came from", "", "Read by")
    several = ((titles[0], answer.uses), (titles[1], answer.produces), (titles[2], answer.used_by))
    return {
        "id": node.get("id", ""),
        "name": node.get("name", ""),
        "kind": node.get("kind", ""),
        "state": node.get("state", ""),
        "pinned": node.get("pinned", ""),
        "is_run": is_run,
        "facts": facts,
        "command": [str(word) for word in argv] if isinstance(argv, list) else [],
        "params": [[str(k), str(v)] for k, v in dict(node.get("params") or {}).items()],
        "metrics": [
            [str(metric.get("name", "")), to_json(metric.get("value"))]
            for metric in node.get("metrics") or ()
        ],
        "lists": [[title, _lines(lines)] for title, lines in several if title and lines],
        "evidence": _evidence(node) if is_run else "",
        "notes": list(answer.notes),
        "gaps": [
            {"grade": gap.grade, "reason": gap.reason, "words": gap_words(gap), "advice": ""}
            for gap in answer.gaps
        ],
    }


_METHODS = {
    "preload": "the native library and Python's audit hooks",
    "audit": "Python's audit hooks",
}


def _evidence(node: Mapping[str, Any]) -> str:
    """Say when, and by what, the things of a run were seen; "" for one that nothing watched."""
    tracing = dict(node.get("tracing") or {})
    method = str(tracing.get("method") or "")
    if not method or not node.get("started"):
        return ""
    started, ended = str(node["started"]), str(node.get("ended") or node["started"])
    span = f"{started[:10]} {started[11:19]} to {ended[11:19]} UTC"
    by = _METHODS.get(method, method)
    every = "all of its programs were watched" if tracing.get("complete") else "not all was seen"
    return f"Seen as it happened, {span}, by {by}; {every}. What was not seen says so."


def _said(key: str, value: object) -> str:
    if key in ("seconds", "cpu_seconds") and isinstance(value, (int, float)):
        return seconds_words(value)
    if key in ("size", "peak_memory") and isinstance(value, int):
        return f"{value:,} bytes"
    if key in ("started", "ended"):
        return when(str(value))
    if key == "steps" and isinstance(value, (list, tuple)):
        return ", ".join(map(step_words, value))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)


def _lines(lines: Iterable[UsedLine]) -> list[dict[str, Any]]:
    return [
        {
            "id": line.id,
            "name": line.name,
            "kind": line.kind,
            "state": line.state,
            "role": line.role,
            "evidence": line.evidence,
            "touched": [part for part in line.touched if part[:1] != "#"][:50],
            "maker": line.maker,
        }
        for line in lines
    ]
