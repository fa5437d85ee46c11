"""Read the small language in which the truth table's histories are written.

One operation is one string:

    ! raw=1 cfg.lr=2         put contents there by hand; `cfg.lr` is the key `lr` of `cfg`
    ! raw- cfg.lr-           delete a file, or a key
    ! c=@1                   the bytes that recorded run 1 wrote at `c` (runs count from 1)
    ! cfg#order=b,a          put the keys of `cfg` in another order
    ! mv raw data            rename, `! cp raw data` copy, both by hand
    prep(2): raw cfg.lr > c  a recorded run of the step `prep` with the arguments `2`
    prep: raw > c=v p.a=1    these bytes, given; `p.a p.b` writes a mapping with these keys
    A: a > out >> log        `>>` appends to a stream
    ? prep: raw > c          the same, run without provgraph
    x prep: raw > c          the same, failed
    killed prep: raw > c     the same, killed half-way
    redo prep                the last run of `prep` again; `redo prep(2)` the last with `2`
    at-ref                   from here on the viewpoint has the tracked files only
    at-ref x                 ... and `x`, although a run wrote it
    import A: s y > x | B: x > y    runs that came in together and may form a cycle
    command A: s > y | B: y > x    steps of one watched command, in their order
    chain(1000)  hub(1000)   a chain of steps below `raw`, or as many readers of it

Reads may name a facet: `d#listing`, `cfg#order`, `mod#syntax`, `nb#code`. What stands before `//`
in a content is its syntax; the rest is comments (or, in a notebook, outputs). A written
`nb#outputs` is an artefact of its own. `k*2048` is the text `k`, 2,048 times. Reads and edits
of `platform.driver` belong to the tier of kernel and driver.

Several trees: `clone @bob clock=-1h` starts a clone of the (only) project, `project @p` another
project; `@bob ` before an operation carries it out there; `merge` joins all ledgers; `look @bob`
makes bob's tree the viewpoint. A name of project `p` is `p/name` in the expectations.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

BYTES = "#bytes"

Ending = Literal["ok", "failed", "interrupted"]


class LanguageError(ValueError):
    """An operation isn't in the language."""


@dataclass(frozen=True)
class Read:
    """A name that a run reads, and the part of it that it touches."""

    name: str
    part: str = BYTES


@dataclass(frozen=True)
class FromRun:
    """The bytes that a recorded run wrote, by its number."""

    number: int


@dataclass(frozen=True)
class Write:
    """A name (or one key of it) that a run writes; `content` None is a function of the inputs."""

    name: str
    content: str | None = None
    key: str | None = None


@dataclass(frozen=True)
class RunOp:
    """One execution of a step."""

    step: str
    args: str = ""
    reads: tuple[Read, ...] = ()
    writes: tuple[Write, ...] = ()
    appends: tuple[Write, ...] = ()
    recorded: bool = True
    ended: Ending = "ok"
    place: str = ""

    @property
    def failed(self) -> bool:
        """Tell whether it ended otherwise than well."""
        return self.ended != "ok"


@dataclass(frozen=True)
class RedoOp:
    """The last command of a step again; `args` None takes the last arguments."""

    step: str
    args: str | None = None
    recorded: bool = True
    ended: Ending = "ok"
    place: str = ""


@dataclass(frozen=True)
class Assignment:
    """One content put by hand; `content` None deletes, `part` None means the whole file."""

    name: str
    content: str | FromRun | None
    part: str | None = None


@dataclass(frozen=True)
class EditOp:
    """Contents put by hand, all at once."""

    assignments: tuple[Assignment, ...]
    place: str = ""


@dataclass(frozen=True)
class MoveOp:
    """A file renamed or copied by hand."""

    origin: str
    target: str
    keep: bool
    place: str = ""


@dataclass(frozen=True)
class ImportOp:
    """Runs that arrived together from another system."""

    runs: tuple[RunOp, ...]
    place: str = ""


@dataclass(frozen=True)
class CommandOp:
    """The steps of one command that was watched as a whole, in their order."""

    runs: tuple[RunOp, ...]
    place: str = ""


@dataclass(frozen=True)
class AtRefOp:
    """From here on the viewpoint is a git ref: the tracked files, and `also`."""

    also: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True)
class PlaceOp:
    """A further clone of the project, or another project, with its own tree."""

    name: str
    project: bool
    clock_hours: int = 0
    place: str = ""


@dataclass(frozen=True)
class MergeOp:
    """All ledgers joined."""

    place: str = ""


@dataclass(frozen=True)
class LookOp:
    """From here on the viewpoint is this place's tree."""

    place: str = ""


Op = RunOp | RedoOp | EditOp | MoveOp | ImportOp | CommandOp | AtRefOp | PlaceOp | MergeOp | LookOp

_COMMAND = re.compile(r"(?P<step>[^\s:()|]+)(\((?P<args>[^)]*)\))?")
_RUN = re.compile(_COMMAND.pattern + r":(?P<rest>( .*)?)")
_GENERATOR = re.compile(r"(chain|hub)\((\d+)\)")
_PLACE = re.compile(r"(clone|project) @(\S+)( clock=([+-]?\d+)h)?")


def parse(operations: Iterable[str]) -> tuple[Op, ...]:
    """Read operations, oldest first; a generator (`chain`, `hub`) becomes many."""
    ops: list[Op] = []
    for text in operations:
        generated = _GENERATOR.fullmatch(text)
        if generated:
            ops.extend(_generate(generated[1], int(generated[2])))
        else:
            ops.append(parse_op(text))
    return tuple(ops)


def parse_op(text: str) -> Op:
    """Read one operation."""
    place = ""
    if text.startswith("@"):
        marker, _, text = text.partition(" ")
        place = marker[1:]
    return replace(_parse_here(text.strip()), place=place) if place else _parse_here(text.strip())


def is_edit(op: Op) -> bool:
    """Tell whether an operation is a change by hand, so that `impact` may be asked of it."""
    return isinstance(op, EditOp | MoveOp)


def _parse_here(text: str) -> Op:
    words = text.split()
    match words:
        case ["!", "mv" | "cp" as verb, origin, target]:
            return MoveOp(origin, target, keep=verb == "cp")
        case ["!", *assignments] if assignments:
            return EditOp(tuple(_assignment(word) for word in assignments))
        case ["at-ref", *also]:
            return AtRefOp(tuple(also))
        case ["merge"]:
            return MergeOp()
        case ["look", target]:
            return LookOp(target.removeprefix("@"))
        case ["import", *_]:
            return ImportOp(tuple(_run(part) for part in text.removeprefix("import").split("|")))
        case ["command", *_]:
            return CommandOp(tuple(_run(part) for part in text.removeprefix("command").split("|")))
    place = _PLACE.fullmatch(text)
    if place:
        return PlaceOp(place[2], place[1] == "project", int(place[4] or 0))
    return _execution(text)


def _run(text: str) -> RunOp:
    run = _execution(text.strip())
    if isinstance(run, RedoOp):
        raise LanguageError(f"one of several runs can't be a redo: {text!r}")
    return run


def _execution(text: str) -> RunOp | RedoOp:
    recorded = True
    ended: Ending = "ok"
    while True:
        mark, _, rest = text.partition(" ")
        if mark == "?":
            recorded = False
        elif mark == "x":
            ended = "failed"
        elif mark == "killed":
            ended = "interrupted"
        else:
            break
        text = rest.strip()
    if text.startswith("redo "):
        command = _COMMAND.fullmatch(text.removeprefix("redo ").strip())
        if command is None:
            raise LanguageError(f"not a command: {text!r}")
        return RedoOp(command["step"], command["args"], recorded, ended)
    run = _RUN.fullmatch(text)
    if run is None:
        raise LanguageError(f"not an operation: {text!r}")
    reads, writes, appends = _directions(run["rest"])
    return RunOp(run["step"], run["args"] or "", reads, writes, appends, recorded, ended)


def _directions(rest: str) -> tuple[tuple[Read, ...], tuple[Write, ...], tuple[Write, ...]]:
    reads: list[Read] = []
    writes: list[Write] = []
    appends: list[Write] = []
    direction = "read"
    for word in rest.split():
        if word in (">", ">>"):
            direction = word
        elif direction == "read":
            name, part = _name_and_part(word)
            reads.append(Read(name, part or BYTES))
        else:
            (writes if direction == ">" else appends).append(_write(word))
    return tuple(reads), tuple(writes), tuple(appends)


def _write(word: str) -> Write:
    target, given, content = word.partition("=")
    name, key = (target, None) if "#" in target else _name_and_part(target)
    return Write(name, _text(content) if given else None, key)


def _assignment(word: str) -> Assignment:
    target, given, content = word.partition("=")
    if not given:
        if not target.endswith("-"):
            raise LanguageError(f"neither `name=content` nor `name-`: {word!r}")
        name, part = _name_and_part(target.removesuffix("-"))
        return Assignment(name, None, part)
    name, part = _name_and_part(target)
    if content.startswith("@"):
        return Assignment(name, FromRun(int(content[1:])), part)
    return Assignment(name, _text(content), part)


def _name_and_part(word: str) -> tuple[str, str | None]:
    if "#" in word:
        name, _, facet = word.partition("#")
        return name, "#" + facet
    name, dot, key = word.partition(".")
    if dot and not key:
        raise LanguageError(f"a key is missing: {word!r}")
    return name, key or None


def _text(content: str) -> str:
    text, star, times = content.rpartition("*")
    return text * int(times) if star else content


def _generate(shape: str, count: int) -> list[Op]:
    ops: list[Op] = [EditOp((Assignment("raw", "1"),))]
    before = "raw"
    for index in range(1, count + 1):
        ops.append(RunOp(f"s{index}", reads=(Read(before),), writes=(Write(f"n{index}"),)))
        if shape == "chain":
            before = f"n{index}"
    return ops
