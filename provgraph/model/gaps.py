"""Gaps: what an answer doesn't know, each a reason from this closed set, graded.

A *blocking* gap could hide an edge to the very change asked about; a *noted* one can't. An
*accepted* one is noted, and the project has said why it may stay so and until when.
"""

from __future__ import annotations

import re

BLOCKING = "blocking"
NOTED = "noted"
ACCEPTED = "accepted"

NETWORK = "network"
# Records made before hosts were named have the program in their place.
_BY_PROGRAM = "{subject} went over the network; what came from there isn't known"
_HOST = re.compile(r"(?P<host>.+):(?:[0-9]+|\*)")
_MORE_HOSTS = re.compile(r"[0-9]+ more hosts")

# reason → (grade, words; {subject} is filled in)
REASONS: dict[str, tuple[str, str]] = {
    "untraced": (BLOCKING, "{subject} ran a program that nothing traced; what it read is unknown"),
    "native-reader": (
        BLOCKING,
        "{subject} loaded a library that may read files natively, unseen by Python audit hooks",
    ),
    "isolated-python": (
        BLOCKING,
        "{subject} started Python with -I, -E or -S: what it imported, or all it read, is unknown",
    ),
    "handed-over": (
        BLOCKING,
        "{subject} had another process do work that this run doesn't see",
    ),
    "network": (NOTED, "what came from {subject} over the network isn't known"),
    "io-uring": (
        BLOCKING,
        "{subject} used io_uring, by which files can be read and written unseen",
    ),
    "unversioned": (
        NOTED,
        "what {subject} took of the system isn't known: versions of programs, libraries; variables",
    ),
    "unwatched-writer": (
        BLOCKING,
        "{subject} was read with content that no recorded run put there, though one writes it",
    ),
    "undecided": (
        BLOCKING,
        "{subject} has several valid contents and the viewpoint doesn't say which",
    ),
    "applied-twice": (BLOCKING, "{subject} was rewritten in place again by the step that made it"),
    "unreadable": (BLOCKING, "{subject} could not be read, so its content is unknown"),
    "changed-while-read": (BLOCKING, "{subject} changed between being read and being hashed"),
    "too-large-to-hash": (BLOCKING, "{subject} was overwritten and too large to hash first"),
    "log-cut": (BLOCKING, "the trace of {subject} ends early"),
    "graph-away": (
        BLOCKING,
        "{subject} can't be reached; this is the local graph's answer, without what others shared",
    ),
    "unprojected": (BLOCKING, "{subject} in the ledger is not in the graph"),
    "damaged-record": (BLOCKING, "record {subject} is damaged and was left out"),
    "future-record": (
        BLOCKING,
        "record {subject} was written by a newer provgraph and was left out",
    ),
    "unresolved-inputs": (
        BLOCKING,
        "the inputs of {subject} could not be matched with earlier runs",
    ),
    "unlisted-files": (
        BLOCKING,
        "the list of the files below {subject} that were read was erased, or isn't here",
    ),
    "capture-failed": (BLOCKING, "capture of {subject} failed part-way"),
    "consumed-input": (NOTED, "{subject} was rewritten since; a redo needs the original"),
    "unknown-content": (NOTED, "{subject} can't be compared from here; it is taken as unchanged"),
    "interrupted-run": (NOTED, "{subject} was interrupted; its products may be partial"),
    "erased": (NOTED, "{subject} was erased on purpose"),
    "not-scanned": (NOTED, "{subject} was not searched for copies made by hand"),
    "earlier-reads": (
        NOTED,
        "{subject} was recorded from inside its process; what that had read before isn't known",
    ),
    "one-step": (NOTED, "the steps of {subject} couldn't be told apart; they count as one"),
    "unsaved-code": (NOTED, "{subject} ran code that was typed in; no file holds it"),
    "running": (NOTED, "{subject} is still running; what it does isn't here yet"),
    "cut": (NOTED, "{subject}"),
}


# Those by which a run may have written what no record names: where it falls, more may fall with it.
HIDES_PRODUCTS = frozenset({"log-cut", "capture-failed"})


def is_unseen(reason: str) -> bool:
    """Tell whether a run's gap says that something it touched is in no record."""
    return grade_of(reason) == BLOCKING or reason in ("network", "earlier-reads")


def grade_of(reason: str) -> str:
    """Grade a reason; one that this version doesn't know blocks."""
    return REASONS.get(reason, (BLOCKING, ""))[0]


def host_of(subject: str) -> str | None:
    """Give the host that a gap `network` names (`host:port`, `[address]:port`, `host:*`).

    None where it names none: hosts beyond those named are only counted, and older records have the
    program.
    """
    found = _HOST.fullmatch(subject)
    return found["host"].removeprefix("[").removesuffix("]") if found else None


def words_of(reason: str, subject: str) -> str:
    """Say a gap in words."""
    template = REASONS.get(reason, (BLOCKING, "{subject}: " + reason))[1]
    if reason == NETWORK and not (_HOST.fullmatch(subject) or _MORE_HOSTS.fullmatch(subject)):
        template = _BY_PROGRAM
    return template.replace("{subject}", subject)
