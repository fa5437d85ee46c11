"""Say what is wrong with a `provgraph.toml`: line, key, and what would be right."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from provgraph.collect import configuration
from provgraph.errors import ConfigError
from provgraph.model.checks import RULES
from provgraph.model.filesets import ABOVE
from provgraph.model.kinds import ARTEFACTS


def _is_kind(kind: str) -> str:
    if kind not in ARTEFACTS:
        raise ValueError(f"«{kind}» is no kind; kinds are {', '.join(ARTEFACTS)}")
    return kind


def _is_id(text: str) -> str:
    if not configuration.is_id(text):
        raise ValueError("an id is 8 to 64 letters, digits, - or _")
    return text


def _is_graph_url(text: str) -> str:
    if not configuration.is_graph_url(text):
        raise ValueError(
            "a graph is named like neo4j+s://host:7687/database, without a password: this file is"
            " committed, and the password comes from NEO4J_PASSWORD or the keyring"
        )
    return text


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Project(_Section):
    id: Annotated[str, AfterValidator(_is_id)]


class _Paths(_Section):
    paths: list[str] = Field(default_factory=list)


class _Trace(_Section):
    harmless: list[str] = Field(default_factory=list)
    size_limit_mb: int = Field(default=256, ge=0, le=configuration.LARGEST_LIMIT)
    fold_above: int = Field(default=ABOVE, ge=0, le=configuration.LARGEST_FOLD)


class _Config(_Section):
    observe: list[str] = Field(default_factory=list)


class _Environment(_Section):
    allow: list[str] = Field(default_factory=list)


class _Secrets(_Section):
    patterns: list[str] = Field(default_factory=list)
    names: list[str] = Field(default_factory=list)
    allow: list[str] = Field(default_factory=list)


class _Graph(_Section):
    url: Annotated[str, AfterValidator(_is_graph_url)] = ""


def _is_rule(text: str) -> str:
    if text not in RULES:
        raise ValueError(f"«{text}» is no rule; rules are {', '.join(RULES)}")
    return text


class _Allowance(_Section):
    what: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    until: date
    rule: Annotated[str, AfterValidator(_is_rule)] | None = None


def _is_host(text: str) -> str:
    if not configuration.is_host(text):
        raise ValueError(
            f"«{text}» names no host: no URL, but a name (xn--… where letters aren't ASCII) or an"
            " address, with * for any letters, and perhaps a port"
        )
    return text


class _Acceptance(_Section):
    host: Annotated[str, AfterValidator(_is_host)]
    reason: Annotated[str, Field(min_length=1)]
    until: date


def _once(several: Sequence[tuple[tuple[str, str | None], date]]) -> None:
    """Complain of two exceptions that say different things of the same."""
    seen: dict[tuple[str, str | None], date] = {}
    for place, until in several:
        if place in seen:
            raise ValueError(
                f"«{place[0]}» is allowed twice, until {seen[place]} and until {until};"
                " keep one of them"
            )
        seen[place] = until


def _are_consistent(several: list[_Allowance]) -> list[_Allowance]:
    _once([((one.what, one.rule), one.until) for one in several])
    return several


def _are_acceptable(several: list[_Acceptance]) -> list[_Acceptance]:
    _once([((one.host, None), one.until) for one in several])
    return several


class _Network(_Section):
    accept: Annotated[list[_Acceptance], AfterValidator(_are_acceptable)] = Field(
        default_factory=list
    )


class _Check(_Section):
    base: str = ""
    fail_on: list[Annotated[str, AfterValidator(_is_rule)]] = Field(default_factory=list)
    max_affected: int = Field(default=0, ge=0)
    max_hours: float = Field(default=0, ge=0)
    owners: dict[str, list[str]] = Field(default_factory=dict)
    allow: Annotated[list[_Allowance], AfterValidator(_are_consistent)] = Field(
        default_factory=list
    )


class _Document(_Section):
    project: _Project
    kinds: dict[str, Annotated[str, AfterValidator(_is_kind)]] = Field(default_factory=dict)
    noise: _Paths = Field(default_factory=_Paths)
    streams: _Paths = Field(default_factory=_Paths)
    trace: _Trace = Field(default_factory=_Trace)
    config: _Config = Field(default_factory=_Config)
    environment: _Environment = Field(default_factory=_Environment)
    secrets: _Secrets = Field(default_factory=_Secrets)
    graph: _Graph = Field(default_factory=_Graph)
    network: _Network = Field(default_factory=_Network)
    check: _Check = Field(default_factory=_Check)


def complain(document: dict[str, Any], path: Path, text: str) -> None:
    """Raise ConfigError with the first thing that is wrong, if anything is."""
    try:
        _Document.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = [str(step) for step in first["loc"] if step != "[key]"]
        where = _line_of(text, key)
        raise ConfigError(
            f"{path}{where}: {'.'.join(key)}: {_complaint(first['type'], first['msg'])}",
            hint=_hint(first["type"], key),
        ) from error
    wrong = configuration.complaint_about_secrets(document.get("secrets", {}))
    if wrong is not None:
        key = ["secrets", wrong[0]]
        raise ConfigError(
            f"{path}{_line_of(text, key)}: {'.'.join(key)}: {wrong[1]}",
            hint="every repetition has an end, such as {20,80}; a name is a secret, or it is none",
        )


def _line_of(text: str, key: Sequence[str]) -> str:
    """Find the line a key stands on, as far as a look at the text tells."""
    section: list[str] = []
    best, depth = 0, 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", line)
        setting = re.match(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*[\w-]+)*)\s*=""", line)
        if header:
            section = _segments(header[1])
        place = section if header else [*section, *_segments(setting[1])] if setting else []
        shared = min(len(place), len(key))
        if shared > depth and list(key[:shared]) == place[:shared]:
            best, depth = number, shared
    return f", line {best}" if best else ""


def _segments(text: str) -> list[str]:
    found = re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", text)
    return [segment.strip("\"'") for segment in found]


def _complaint(sort: str, message: str) -> str:
    return {
        "extra_forbidden": "there is no such setting",
        "missing": "is missing",
        "string_type": "has to be a text in quotes",
        "list_type": 'has to be a list, such as ["a", "b"]',
        "int_type": "has to be a whole number",
        "dict_type": "has to be a section",
        "model_type": "has to be a section",
    }.get(sort, message.removeprefix("Value error, "))


def _hint(sort: str, key: Sequence[str]) -> str:
    if sort == "missing" and list(key) in (["project"], ["project", "id"]):
        return "every project has an id; `provgraph init` in an empty folder shows the file"
    if sort == "extra_forbidden":
        import difflib

        section = _Document.model_fields.get(key[0]) if key else None
        annotation: Any = section.annotation if section and len(key) > 1 else _Document
        known = list(getattr(annotation, "model_fields", {}))
        near = difflib.get_close_matches(key[-1], known, n=1)
        return f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
    return "`provgraph init` in an empty folder shows every setting with an example"
