"""Read `provgraph.toml`: what of the defaults a project says otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from provgraph.errors import ConfigError
from provgraph.model.kinds import (
    ARTEFACTS,
    DEFAULT_KINDS,
    DEFAULT_STREAMS,
    Pattern,
)

FILE = "provgraph.toml"


def _is_kind(kind: str) -> str:
    if kind not in ARTEFACTS:
        raise ValueError(f"«{kind}» is no kind; kinds are {', '.join(ARTEFACTS)}")
    return kind


def _is_id(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{8,64}", text):
        raise ValueError("an id is 8 to 64 letters, digits, - or _")
    return text


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ProjectSection(_Section):
    """`[project]`: who this is, in every clone."""

    id: Annotated[str, AfterValidator(_is_id)]


class PathsSection(_Section):
    """`[noise]` and `[streams]`: globs added to the default table."""

    paths: list[str] = Field(default_factory=list)


class TraceSection(_Section):
    """`[trace]`: programs that need no tracing, and the size up to which content is read early."""

    harmless: list[str] = Field(default_factory=list)
    size_limit_mb: int = Field(default=256, ge=0, le=1_000_000)


class EnvironmentSection(_Section):
    """`[environment]`: globs of variables whose values may be written down."""

    allow: list[str] = Field(default_factory=list)


class Configuration(_Section):
    """A project's settings. Paths are globs: `*` stays in a folder, `**` crosses folders."""

    project: ProjectSection
    kinds: dict[str, Annotated[str, AfterValidator(_is_kind)]] = Field(default_factory=dict)
    noise: PathsSection = Field(default_factory=PathsSection)
    streams: PathsSection = Field(default_factory=PathsSection)
    trace: TraceSection = Field(default_factory=TraceSection)
    environment: EnvironmentSection = Field(default_factory=EnvironmentSection)

    @property
    def kind_table(self) -> tuple[Pattern, ...]:
        """The project's patterns first, then the defaults."""
        return (*(Pattern(_rooted(g), kind) for g, kind in self.kinds.items()), *DEFAULT_KINDS)

    @property
    def stream_table(self) -> tuple[str, ...]:
        """The project's streams and the defaults."""
        return (*map(_rooted, self.streams.paths), *DEFAULT_STREAMS)

    @property
    def noise_table(self) -> tuple[str, ...]:
        """The project's own noise; the defaults are the recorder's."""
        return tuple(map(_rooted, self.noise.paths))

    @property
    def size_limit(self) -> int:
        """The size limit in bytes."""
        return self.trace.size_limit_mb << 20


def read_configuration(path: Path) -> Configuration:
    """Read a file; ConfigError names file, line and key when it can't be used."""
    import tomllib

    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(f"{path} isn't there", hint="make one with `provgraph init`") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}, line {line}: not UTF-8 text", hint="save the file as UTF-8"
        ) from error
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(
            f"{path}{_line_in(str(error), text)}: {_sentence(str(error))}",
            hint="strings and globs stand in quotes, lists in [ ]; see https://toml.io",
        ) from error
    try:
        return Configuration.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = [str(step) for step in first["loc"] if step != "[key]"]
        where = _line_of(text, key)
        raise ConfigError(
            f"{path}{where}: {'.'.join(key)}: {_complaint(first['type'], first['msg'])}",
            hint=_hint(first["type"], key),
        ) from error


def create_configuration(root: Path) -> Path | None:
    """Write the default file into a directory; None where there is one already."""
    import secrets

    path = root / FILE
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(default_toml(secrets.token_hex(8)))
    except FileExistsError:
        return None
    except OSError as error:
        raise ConfigError(
            f"{path} can't be written: {error.strerror}", hint="choose a directory that is yours"
        ) from error
    return path


def default_toml(project_id: str) -> str:
    """Write the file that `provgraph init` begins a project with."""
    return _DEFAULT.replace("@ID@", json.dumps(project_id))


_DEFAULT = """\
# provgraph.toml: what provgraph needs to know of this project. Commit it.
# Every setting but the id may be left out. Paths are globs, from this file's folder:
# `*` stays in a folder, `**` crosses folders, and `data/` means everything below it.

[project]
# Tells this project from every other, in each clone. Made once; don't change it.
id = @ID@

# What kind of thing a path is, where the default (by file name) is wrong. The first that fits wins.
# Kinds: Script, Dataset, Config, Environment, Hardware, Result.
[kinds]
# "params/**" = "Config"
# "queries/*.txt" = "Script"

# Files that mean nothing to anyone: neither inputs nor results.
[noise]
# paths = ["scratch/", "**/*.tmp"]

# Files that runs only add to, such as logs: an append doesn't depend on what was there.
# *.log, mlruns/, mlflow.db, wandb/ and the like are streams already.
[streams]
# paths = ["history.csv"]

[trace]
# Programs that read nothing a result depends on, so that an answer need not warn of them.
# harmless = ["nvidia-smi"]
# A file larger than this isn't hashed before a run overwrites it; the answer says so.
# size_limit_mb = 256

[environment]
# Environment variables whose values may be written down, besides LANG, TZ, OMP_* and the like.
# Of every other variable only the name and a keyed digest of the value are kept.
# allow = ["EXPERIMENT_*"]
"""


def _rooted(glob: str) -> str:
    """Read a glob as written: `./x` is `x`, and `data/` everything below it."""
    glob = glob.removeprefix("./").removeprefix("/")
    return f"{glob}**" if glob.endswith("/") else glob


def _line_in(message: str, text: str) -> str:
    match = re.search(r"at line (\d+), column (\d+)", message)
    if match:
        return f", line {match[1]}, column {match[2]}"
    return f", line {text.count(chr(10)) + 1}" if "end of document" in message else ""


def _sentence(message: str) -> str:
    words = re.sub(r"\s*\(at (?:line \d+, column \d+|end of document)\)", "", message)
    return words[:1].lower() + words[1:]


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

        section = Configuration.model_fields.get(key[0]) if key else None
        annotation: Any = section.annotation if section and len(key) > 1 else Configuration
        known = list(getattr(annotation, "model_fields", {}))
        near = difflib.get_close_matches(key[-1], known, n=1)
        return f"did you mean `{near[0]}`?" if near else f"known here: {', '.join(known)}"
    return "`provgraph init` in an empty folder shows every setting with an example"
