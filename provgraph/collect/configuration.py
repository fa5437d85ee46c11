"""Read `provgraph.toml`: what of the defaults a project says otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from provgraph.collect.secrets import Rules
from provgraph.errors import ConfigError
from provgraph.governance.policy import Acceptance, Allowance, Policy
from provgraph.model.checks import RULES
from provgraph.model.filesets import ABOVE
from provgraph.model.kinds import (
    ARTEFACTS,
    DEFAULT_KINDS,
    DEFAULT_STREAMS,
    Pattern,
)

FILE = "provgraph.toml"
LARGEST_LIMIT = 1_000_000  # MB
LARGEST_FOLD = 1_000_000_000  # files


@dataclass(frozen=True, slots=True)
class ProjectSection:
    """`[project]`: who this is, in every clone."""

    id: str


@dataclass(frozen=True, slots=True)
class PathsSection:
    """`[noise]` and `[streams]`: globs added to the default table."""

    paths: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TraceSection:
    """`[trace]`: programs that need no tracing, and up to where content is read early, files told.

    A folder of which a run touches more files than `fold_above` is recorded as a set of them.
    """

    harmless: list[str] = field(default_factory=list)
    size_limit_mb: int = 256
    fold_above: int = ABOVE


@dataclass(frozen=True, slots=True)
class ConfigSection:
    """`[config]`: globs of configs of which it is observed which keys a program reads."""

    observe: list[str] = field(default_factory=list)

    @property
    def globs(self) -> list[str]:
        """Give the globs as `pathlib` has them, from the project's root."""
        rooted = (_rooted(glob) for glob in self.observe)
        return [f"{glob}/*" if glob.endswith("**") else glob for glob in rooted if glob]


@dataclass(frozen=True, slots=True)
class EnvironmentSection:
    """`[environment]`: globs of variables whose values may be written down."""

    allow: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SecretsSection:
    """`[secrets]`: patterns and names of secrets besides the known ones, and names of none."""

    patterns: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class GraphSection:
    """`[graph]`: the URL of the Neo4j that this project's team shares; empty: the local graph."""

    url: str = ""


@dataclass(frozen=True, slots=True)
class NetworkSection:
    """`[network]`: the hosts from which what comes may stay unknown, why, and until when."""

    accept: tuple[Acceptance, ...] = ()


@dataclass(frozen=True, slots=True)
class Configuration:
    """A project's settings. Paths are globs: `*` stays in a folder, `**` crosses folders."""

    project: ProjectSection
    kinds: dict[str, str] = field(default_factory=dict)
    noise: PathsSection = field(default_factory=PathsSection)
    streams: PathsSection = field(default_factory=PathsSection)
    trace: TraceSection = field(default_factory=TraceSection)
    config: ConfigSection = field(default_factory=ConfigSection)
    environment: EnvironmentSection = field(default_factory=EnvironmentSection)
    secrets: SecretsSection = field(default_factory=SecretsSection)
    graph: GraphSection = field(default_factory=GraphSection)
    network: NetworkSection = field(default_factory=NetworkSection)
    check: Policy = field(default_factory=Policy)

    @property
    def policy(self) -> Policy:
        """What passes: `[check]`, and the hosts of `[network]`."""
        return replace(self.check, hosts=self.network.accept)

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
    def secret_rules(self) -> Rules:
        """What the project says of secrets, beside what is known."""
        said = self.secrets
        return Rules(tuple(said.patterns), tuple(said.names), tuple(said.allow))

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
    if not _is_sound(document):
        # Each run reads this file, and pydantic, which has the words for what is wrong, takes
        # longer to load than a run needs for everything else.
        from provgraph.collect.misconfigured import complain

        complain(document, path, text)
    given = {name: _SECTIONS[name](**section) for name, section in document.items()}
    return Configuration(**given)


def is_id(text: str) -> bool:
    """Tell whether a text can be a project's id."""
    return re.fullmatch(r"[A-Za-z0-9_-]{8,64}", text) is not None


def is_graph_url(text: str) -> bool:
    """Tell whether a text can stand in a committed file as the URL of a shared graph."""
    return text == "" or (
        re.match(r"(bolt|neo4j)(\+s(?:sc)?)?://[^/]", text) is not None
        and re.match(r"[^:]+://[^/@]*:[^/@]*@", text) is None
    )


def is_host(text: str) -> bool:
    """Tell whether a text can name hosts: a name or an address, with `*`, perhaps with a port."""
    return re.fullmatch(r"[A-Za-z0-9._*:%\[\]-]+", text) is not None


def complaint_about_secrets(section: dict[str, Any]) -> tuple[str, str] | None:
    """Say what is wrong with `[secrets]` beyond its types: (which setting, why)."""
    if not section:
        return None
    from provgraph.collect.secrets.rules import complaint_about

    return complaint_about(*(section.get(key, ()) for key in ("patterns", "names", "allow")))


def _policy(**section: Any) -> Policy:
    allow = tuple(
        Allowance(**{**one, "what": _rooted(one["what"])}) for one in section.pop("allow", ())
    )
    owners = {_rooted(glob): tuple(who) for glob, who in section.pop("owners", {}).items()}
    if "fail_on" in section:
        section["fail_on"] = tuple(section["fail_on"])
    return Policy(**section, owners=owners, allow=allow)


def _network(accept: list[dict[str, Any]] | None = None) -> NetworkSection:
    return NetworkSection(tuple(Acceptance(**one) for one in accept or ()))


_SECTIONS: dict[str, Callable[..., Any]] = {
    "project": ProjectSection,
    "kinds": dict,
    "noise": PathsSection,
    "streams": PathsSection,
    "trace": TraceSection,
    "config": ConfigSection,
    "environment": EnvironmentSection,
    "secrets": SecretsSection,
    "graph": GraphSection,
    "network": _network,
    "check": _policy,
}
_LISTS = {
    ("noise", "paths"),
    ("streams", "paths"),
    ("trace", "harmless"),
    ("config", "observe"),
    ("environment", "allow"),
    *(("secrets", key) for key in ("patterns", "names", "allow")),
}


def _is_sound(document: dict[str, Any]) -> bool:
    """Tell whether nothing is wrong with a document."""
    if not all(isinstance(section, dict) for section in document.values()):
        return False
    return (
        "id" in document.get("project", {})
        and all(
            name in _SECTIONS
            and all(_is_setting(name, key, value) for key, value in section.items())
            for name, section in document.items()
        )
        and complaint_about_secrets(document.get("secrets", {})) is None
    )


def _is_setting(section: str, key: str, value: object) -> bool:
    if section == "kinds":
        return type(value) is str and value in ARTEFACTS
    if (section, key) == ("project", "id"):
        return type(value) is str and is_id(value)
    if (section, key) == ("trace", "size_limit_mb"):
        return type(value) is int and 0 <= value <= LARGEST_LIMIT
    if (section, key) == ("trace", "fold_above"):
        return type(value) is int and 0 <= value <= LARGEST_FOLD
    if (section, key) == ("graph", "url"):
        return type(value) is str and is_graph_url(value)
    if section == "network":
        return key == "accept" and _are_acceptances(value)
    if section == "check":
        return key in _CHECK and _CHECK[key](value)
    return (
        (section, key) in _LISTS
        and isinstance(value, list)
        and all(type(item) is str for item in value)
    )


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(type(item) is str for item in value)


def _are_exceptions(value: object, what: str, more: Callable[[dict[str, Any]], bool]) -> bool:
    """Tell whether these are exceptions of things named by `what`; `more` looks at the rest."""
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        return False
    needed = {what, "reason", "until"}
    sound = all(
        needed <= one.keys() <= needed | {"rule"}
        and all(type(one[key]) is str and one[key] for key in (what, "reason"))
        and type(one["until"]) is date
        and more(one)
        for one in value
    )
    # Two that say different things of the same leave it open which of them holds.
    places = [(one[what], one.get("rule", "")) for one in value] if sound else []
    return sound and len(set(places)) == len(places)


def _are_allowances(value: object) -> bool:
    return _are_exceptions(value, "what", lambda one: one.get("rule", "") in ("", *RULES))


def _are_acceptances(value: object) -> bool:
    return _are_exceptions(value, "host", lambda one: is_host(one["host"]) and "rule" not in one)


_CHECK: dict[str, Callable[[Any], bool]] = {
    "base": lambda value: type(value) is str,
    "fail_on": lambda value: _are_texts(value) and set(value) <= set(RULES),
    "max_affected": lambda value: type(value) is int and value >= 0,
    "max_hours": lambda value: type(value) in (int, float) and value >= 0,
    "owners": lambda value: isinstance(value, dict) and all(map(_are_texts, value.values())),
    "allow": _are_allowances,
}


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
# Where a run touches more files than this below one folder, they are recorded as one set of files.
# Answers are the same, file by file; the record and the graph are smaller.
# fold_above = 1000

[config]
# JSON, YAML and TOML files of which only the keys that a Python program reads are to count. What it
# loads from them is a dictionary that notes them: one that isn't `type(x) is dict`.
# observe = ["conf/*.yaml"]

[environment]
# Environment variables whose values may be written down, besides LANG, TZ, OMP_* and the like.
# Of every other variable only the name and a keyed digest of the value are kept.
# allow = ["EXPERIMENT_*"]

# Secrets are redacted before anything is written: well-known tokens by their shape, others by what
# the flag, the variable or the key is called. What this project knows besides:
[secrets]
# Regular expressions of its own tokens. Every repetition has an end: {32}, {20,80}.
# patterns = ["acme_[a-z0-9]{32}"]
# What its secrets are called (`*` for any letters), and what only sounds like one.
# names = ["pin", "*_seedphrase"]
# allow = ["class_token", "sort_credential"]

# The Neo4j that a team shares; without it, questions are answered from a local graph.
# The password comes from NEO4J_PASSWORD or the keyring, never from here.
[graph]
# url = "neo4j+s://graph.example.org:7687"

# Hosts that runs may talk to although what comes from there isn't known, why, and until when.
# `*` stands for any letters; a port may follow (`:443`).
[network]
# accept = [{ host = "*.internal.example", reason = "only telemetry", until = 2027-01-31 }]

# What `provgraph check` lets a merge pass. Rules: published, pinned, result, affected (any of these
# stops being current), blocking-gap (something could hide an effect).
[check]
# base = "origin/main"
# fail_on = ["published", "pinned", "blocking-gap"]
# max_affected = 50
# max_hours = 8
# Who is told of what; of several globs that fit, the last one says.
# owners = { "figures/" = ["@ana"] }
# What may be affected for now, why, and until when: a result, a changed file, or a gap's subject.
# allow = [{ what = "figures/old/", reason = "replaced in 2.0", until = 2027-01-31 }]
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
