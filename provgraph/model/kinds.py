"""Kinds: a label for each node, given by one table of path patterns; never part of identity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

RUN = "Run"
AGENT = "Agent"
SCRIPT = "Script"
DATASET = "Dataset"
CONFIG = "Config"
ENVIRONMENT = "Environment"
HARDWARE = "Hardware"
RESULT = "Result"

KINDS = (RUN, AGENT, SCRIPT, DATASET, CONFIG, ENVIRONMENT, HARDWARE, RESULT)
ARTEFACTS = (SCRIPT, DATASET, CONFIG, ENVIRONMENT, HARDWARE, RESULT)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One row of a path table: a glob (`*` stays in a folder, `**` crosses) and what it gives."""

    glob: str
    gives: str


# What no pattern names is a Result if a recorded run produced it, else a Dataset.
DEFAULT_KINDS: tuple[Pattern, ...] = (
    *(
        Pattern(f"**/*.{suffix}", SCRIPT)
        for suffix in (
            "py pyi ipynb sh bash zsh r R Rmd jl sql c cc cpp h hpp cu rs go java scala js mjs ts "
            "pl rb m do smk nf"
        ).split()
    ),
    *(Pattern(f"**/{name}", SCRIPT) for name in ("Makefile", "makefile", "Snakefile", "Justfile")),
    *(Pattern(f"**/*.{suffix}", CONFIG) for suffix in "yaml yml toml ini cfg conf env".split()),
    *(Pattern(f"**/{name}", CONFIG) for name in (".env", "params.json", "config.json")),
    Pattern("env:**", ENVIRONMENT),
    Pattern("hardware:**", HARDWARE),
)

# An append to a stream doesn't depend on what was there.
DEFAULT_STREAMS: tuple[str, ...] = (
    "**/*.log",
    "**/mlruns/**",
    "**/mlflow.db",
    "**/wandb/**",
    "**/lightning_logs/**",
    "**/events.out.tfevents.*",
    "**/.coverage",
)


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    out = ""
    position = 0
    while position < len(glob):
        if glob.startswith("**/", position):
            out, position = out + "(?:.*/)?", position + 3
        elif glob.startswith("**", position):
            out, position = out + ".*", position + 2
        elif glob[position] == "*":
            out, position = out + "[^/]*", position + 1
        elif glob[position] == "?":
            out, position = out + "[^/]", position + 1
        else:
            out, position = out + re.escape(glob[position]), position + 1
    return re.compile(out + r"\Z", re.DOTALL)


def matches(glob: str, name: str) -> bool:
    """Tell whether a name fits a glob."""
    return bool(_compiled(glob).match(name))


def kind_of(name: str, *, produced: bool, table: Sequence[Pattern] = DEFAULT_KINDS) -> str:
    """Give a name its kind: the first pattern that fits, else Result if produced, else Dataset."""
    for pattern in table:
        if matches(pattern.glob, name):
            return pattern.gives
    return RESULT if produced else DATASET


def is_stream(name: str, table: Sequence[str] = DEFAULT_STREAMS) -> bool:
    """Tell whether appends to this name are independent of what was there."""
    return any(matches(glob, name) for glob in table)
