"""Write what can drift: the reference pages and the JSON Schemas, from the code they describe.

python docs/generate.py            write them
python docs/generate.py --check    say which are out of date, and fail if any is
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import sys
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from typer.main import get_command  # noqa: E402 - the checkout comes first on the path

from provgraph import errors  # noqa: E402
from provgraph.cli.app import app, split_help  # noqa: E402
from provgraph.graph import library  # noqa: E402
from provgraph.model import gaps, kinds, records, validation  # noqa: E402
from provgraph.render import schemas  # noqa: E402

MARK = (
    "<!-- Written by docs/generate.py; change the code it comes from, then `make reference`. -->\n"
)
BY_HAND = ("graph.md",)  # what code can't say of itself
EXIT_WORDS = {
    "DONE": "done; a gate passes",
    "GATE_FAILS": "a gate fails: `ledger verify` found damage, `doctor` found something wrong, "
    "`redo` left something undone",
    "USAGE": "the question or the command was put wrongly",
    "CANNOT_ANSWER": "the question is fine, the answer can't be had",
    "OWN_FAILURE": "`provgraph run`: provgraph's own failure; the command was not started",
    "NOT_EXECUTABLE": "`provgraph run`: the command can't be executed",
    "NOT_FOUND": "`provgraph run`: there is no such command",
}


def main(words: list[str] | None = None) -> int:
    """Write or check every generated file; gives the exit code."""
    parser = argparse.ArgumentParser(description=inspect.cleandoc(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say what is out of date")
    check = parser.parse_args(words).check
    wanted = dict(files())
    by_hand = {ROOT / "docs" / "reference" / name for name in BY_HAND}
    strays = set((ROOT / "docs" / "reference").glob("*.md")) - set(wanted) - by_hand
    late = sorted({p for p, text in wanted.items() if not holds(p, text)} | strays)
    for path in late:
        print(f"{path.relative_to(ROOT)}: {'out of date' if check else 'written'}")
        if check:
            continue
        if path in strays:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    if check and late:
        print("`make reference` writes them anew")
    return 1 if check and late else 0


def holds(path: Path, text: str) -> bool:
    """Tell whether a file is there and says this."""
    return path.is_file() and path.read_text(encoding="utf-8") == text


def files() -> Iterator[tuple[Path, str]]:
    """Give every generated file and what it should say."""
    for name, page in PAGES.items():
        title, _, body = page().partition("\n")
        yield ROOT / "docs" / "reference" / name, f"{title}\n\n{MARK}{body}"
    for name, text in schemas.documents().items():
        yield ROOT / "schemas" / name, text


# -- the command line ------------------------------------------------------------------------


def cli_page() -> str:
    """Write every command with its options and examples."""
    parts = [
        "# Commands",
        "",
        "Answers go to standard output, everything else to standard error. What the exit codes",
        "mean is in [exit-codes.md](exit-codes.md). `NO_COLOR`, `FORCE_COLOR`, `COLUMNS` and",
        "`TERM=dumb` are respected; `PROVGRAPH=off` switches `provgraph run` off, and",
        "`PROVGRAPH_DEBUG=1` shows tracebacks.",
        "",
        *command_lines("provgraph", get_command(app)),
    ]
    return "\n".join(parts).rstrip() + "\n"


def command_lines(path: str, command: Any) -> Iterator[str]:
    """Write a command, and the commands of a group after it."""
    inner = getattr(command, "commands", {})
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = [path, "[OPTIONS]" if options else "", *map(usage_of, arguments)]
    usage += ["COMMAND …"] if inner else []
    yield from (f"## {path}", "", "```", " ".join(filter(None, usage)), "```", "")
    text, examples = (command.help or "", "")
    if command.callback is not None:
        text, examples = split_help(inspect.unwrap(command.callback))
    yield from (text or command.help or "", "")
    if arguments or options:
        yield from ("| | |", "|---|---|")
        yield from (f"| {names_of(p)} | {cell(meaning_of(p))} |" for p in [*arguments, *options])
        yield ""
    if examples:
        yield from ("```console", *(f"$ {line}" for line in examples.splitlines()), "```", "")
    for name, one in inner.items():
        yield from command_lines(f"{path} {name}", one)


def usage_of(argument: Any) -> str:
    """Write an argument as in a usage line."""
    name = argument.metavar.strip("[]") + (" …" if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def names_of(parameter: Any) -> str:
    """Write a parameter's names with what it takes."""
    if parameter.param_type_name == "argument":
        return f"`{cell(parameter.metavar.strip('[]'))}`"
    choices = parameter.type_descriptor.choices
    takes = "" if parameter.is_flag else (parameter.metavar or "")
    if choices:
        takes = "\\|".join(str(getattr(choice, "value", choice)) for choice in choices)
    names = ", ".join(f"`{name}`" for name in parameter.opts)
    return f"{names} `{takes}`" if takes else names


def meaning_of(parameter: Any) -> str:
    """Write a parameter's help and default."""
    words = parameter.help or ""
    shown = parameter.show_default
    if isinstance(shown, str):
        return f"{words} Default: {shown}."
    default = parameter.default
    if shown and not getattr(parameter, "is_flag", False) and default not in (None, "", ()):
        return f"{words} Default: `{getattr(default, 'value', default)}`."
    return words


# -- the tables and models -------------------------------------------------------------------


def exit_page() -> str:
    """Write the exit codes and the tree of errors."""
    rows = [f"| {code.value} | {EXIT_WORDS[code.name]} |" for code in errors.Exit]
    tree = inspect.cleandoc(errors.__doc__ or "").partition("\n\n")[2]
    parts = [
        "# Exit codes and errors",
        "",
        "`provgraph run` returns the command's own status; a signal that ended the command ends",
        "provgraph, too.",
        "",
        "| code | meaning |",
        "|---:|---|",
        *rows,
        "| 130 | interrupted with Ctrl-C; nothing is left half-written |",
        "| 141 | whoever read the answer stopped reading (`provgraph log \\| head`) |",
        "",
        "## Errors",
        "",
        "Every error says what was asked for and what to do next. In code they are one tree, all",
        "in `provgraph.errors`:",
        "",
        "```",
        tree,
        "```",
        "",
        "| error | exit | meaning |",
        "|---|---:|---|",
    ]
    for cls in error_classes(errors.ProvgraphError):
        code = "125 to 127" if cls is errors.RunFailed else int(cls.exit_code)
        parts.append(f"| `{cls.__name__}` | {code} | {cell(first_line(cls))} |")
    return "\n".join(parts) + "\n"


def error_classes(base: type[errors.ProvgraphError]) -> Iterator[type[errors.ProvgraphError]]:
    """Give the classes of the tree below a base, each before its own."""
    for cls in base.__subclasses__():
        yield cls
        yield from error_classes(cls)


def gaps_page() -> str:
    """Write the closed set of gaps."""
    parts = [
        "# Gaps",
        "",
        "A gap is something that an answer doesn't know, from this closed set. A *blocking* gap",
        "could hide an edge to the very change asked about; a *noted* one can't. An *accepted* one",
        "is noted, and `[[network.accept]]` in `provgraph.toml` says why it may stay. Each answer",
        "lists its gaps as `{grade, reason, subject, words}`. A reason that this version doesn't",
        "know counts as blocking.",
    ]
    for grade in (gaps.BLOCKING, gaps.NOTED):
        parts += ["", f"## {grade.capitalize()}", "", "| reason | in words |", "|---|---|"]
        for reason, (graded, words) in gaps.REASONS.items():
            if graded == grade:
                said = words.replace("{subject}", "*subject*")
                parts.append(f"| `{reason}` | {cell(said)} |")
    return "\n".join(parts) + "\n"


def kinds_page() -> str:
    """Write the table of kinds and that of streams."""
    by_kind: dict[str, list[str]] = {}
    for pattern in kinds.DEFAULT_KINDS:
        by_kind.setdefault(pattern.gives, []).append(pattern.glob)
    parts = [
        "# Kinds and streams",
        "",
        "A kind is a label for people and queries; it is never part of what a thing is. A path",
        "gets it from the first pattern that fits, the project's own (`provgraph.toml`) before",
        f"these. What none fits is a `{kinds.RESULT}` if a recorded run produced it, else a",
        f"`{kinds.DATASET}`. `{kinds.RUN}` and `{kinds.AGENT}` are no artefacts and have no",
        "pattern. `*` stays within a folder, `**` crosses folders.",
        "",
        "| kind | patterns, first fit wins |",
        "|---|---|",
    ]
    parts += [f"| `{kind}` | {globs(patterns)} |" for kind, patterns in by_kind.items()]
    parts += [
        "",
        "## Streams",
        "",
        "An append to a stream doesn't depend on what was there; a reader depends on the bytes it",
        "read and on the last run, before it, of each step that had written there.",
        "",
        *(f"- `{glob}`" for glob in kinds.DEFAULT_STREAMS),
    ]
    return "\n".join(parts) + "\n"


def globs(patterns: list[str]) -> str:
    """Write patterns as code, one after the other."""
    return " ".join(f"`{pattern}`" for pattern in patterns)


def cypher_page() -> str:
    """Write the library of questions in Cypher, from the heads of their files."""
    parts = [
        "# Questions in Cypher",
        "",
        "Each is a file of `cypher/read/`, asked with `provgraph query --file NAME` (and `--param",
        'NAME=VALUE`), or from Python with `Project.query("NAME", …)`. They are plain Cypher and',
        "can be pasted anywhere. What the graph looks like: [the property graph](graph.md); how to",
        "begin: [ask in Cypher](../how-to/ask-in-cypher.md).",
    ]
    for entry in library.questions():
        runs_on = "Neo4j, and without a server" if entry.portable else f"{entry.needs} only"
        why = f", because {entry.because}" if entry.because else ""
        parts += ["", f"## {entry.name}", "", entry.answers, "", f"Runs on {runs_on}{why}.", ""]
        if entry.parameters:
            parts += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
        for one in entry.parameters:
            default = "required" if one.required else f"`{json.dumps(one.default)}`"
            parts.append(f"| `{one.name}` | {one.type} | {default} | {cell(one.meaning)} |")
        parts += [""] * bool(entry.parameters)
        parts += ["| column | meaning |", "|---|---|"]
        parts += [f"| `{one.name}` | {cell(one.meaning)} |" for one in entry.columns]
    return "\n".join(parts) + "\n"


def records_page() -> str:
    """Write the fields of every record and of the values in them."""
    seen: list[type[Any]] = []
    union = typing.get_args(typing.get_args(validation.Record)[0])
    parts = [
        "# Records",
        "",
        "One record is one fact: an immutable file in the ledger, UTF-8 JSON, named by the BLAKE3",
        f"hash of its bytes. This is schema version {records.SCHEMA}. Fields at their default are",
        "left out. Readers of a later version upcast older records when they read them; stored",
        "bytes never change. The JSON Schema is `schemas/record.json`. Why it is so:",
        "[decisions](../decisions/0001-record-format.md).",
        "",
    ]
    parts += record_lines(records.Recorded, "In every record", base=None)
    for cls in union:
        title = f"`{typing.get_args(typing.get_type_hints(cls)['type'])[0]}`"
        parts += record_lines(cls, title, base=records.Recorded)
    for cls in union:
        collect_values(cls, seen)
    for cls in seen:
        parts += record_lines(cls, f"`{cls.__name__}`", base=None)
    return "\n".join(parts).rstrip() + "\n"


def record_lines(cls: Any, title: str, *, base: Any) -> list[str]:
    """Write one model: its description and its fields beyond those of `base`."""
    known = {one.name for one in dataclasses.fields(base)} if base is not None else set()
    own = [one for one in dataclasses.fields(cls) if one.name not in known]
    hints = typing.get_type_hints(cls)
    lines = [f"## {title}", "", inspect.getdoc(cls) or "", "", "| field | type | default |"]
    lines.append("|---|---|---|")
    for field in own:
        if field.name == "type":
            continue
        required = field.default is field.default_factory is dataclasses.MISSING
        default = "required" if required else f"`{default_of(field)}`"
        label = records.wire_name(field.name)
        lines.append(f"| `{label}` | `{cell(type_words(hints[field.name]))}` | {default} |")
    if lines[-1] == "|---|---|---|":
        lines = [*lines[:-2], "Nothing more."]
    return [*lines, ""]


def default_of(field: Any) -> str:
    """Write a field's default as JSON would."""
    value = {} if field.default is dataclasses.MISSING else field.default
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if value in ((), {}):
        return "[]" if value == () else "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)


def collect_values(cls: Any, seen: list[type[Any]]) -> None:
    """Find the models that fields of a model hold, in the order they appear."""
    for annotation in typing.get_type_hints(cls).values():
        for inner in inner_models(annotation):
            if inner not in seen:
                seen.append(inner)
                collect_values(inner, seen)


def inner_models(annotation: Any) -> Iterator[type[Any]]:
    """Give the models within a type."""
    if isinstance(annotation, type) and issubclass(annotation, records.Value):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from inner_models(inner)


def type_words(annotation: Any) -> str:
    """Write a type as a person would."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is type(None):
        return "null"
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(type_words, inner))
    if origin is Literal:
        return " | ".join(f'"{value}"' for value in inner)
    if origin is tuple:
        return f"list of {type_words(inner[0])}"
    if origin is dict:
        return f"map of {type_words(inner[0])} to {type_words(inner[1])}"
    return {str: "string", int: "integer", float: "number", bool: "true or false"}.get(
        annotation, getattr(annotation, "__name__", str(annotation))
    )


def first_line(thing: Any) -> str:
    """Give the first paragraph of a docstring on one line."""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def cell(text: str) -> str:
    """Fit text into a table cell."""
    return " ".join(text.replace("|", "\\|").split())


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "cypher.md": cypher_page,
    "exit-codes.md": exit_page,
    "gaps.md": gaps_page,
    "kinds.md": kinds_page,
    "records.md": records_page,
}

if __name__ == "__main__":
    sys.exit(main())
