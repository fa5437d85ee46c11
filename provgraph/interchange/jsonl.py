"""Bulk import of JSON lines: `{"node": …, "ref": …}` and `{"edge": …}` (`schemas/graph-line.json`).

Nothing is imported before every line has been looked at: `validate` writes what is sound to a
spool in the canonical form of `graph/lines.py`, which then becomes an object of the ledger. Values
are checked by hand, not by pydantic: a line costs about 4 µs. Memory grows with the number of
nodes and edges (about 0.4 and 0.03 KB), not with their texts.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any, BinaryIO

from provgraph.errors import ImportLineError
from provgraph.graph.interface import DEPENDS_ON, GraphStore
from provgraph.graph.lines import CODES, TYPES, is_ref, is_run_id
from provgraph.model.kinds import RUN
from provgraph.model.records import SAFE_INTEGER

LONGEST_LINE = 16 << 20
DEEPEST = 64
MOST_LISTED = 10_000
EVERY = 50_000  # lines between two calls of `progress`
SPOOLED = 1 << 20

NODE_KEYS = frozenset({"kind", "name", "digest", "props"})
EDGE_KEYS = frozenset({"type", "from", "to", "props"})
DEPENDS = CODES[DEPENDS_ON]
EVIDENCE = frozenset({"observed", "declared", "inferred"})
KIND = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

# An edge that says nothing but its ends, with nothing to unescape: JSON needs four times as long.
PLAIN_EDGE = re.compile(
    r'\{"edge": ?\{"type": ?"(USES|PRODUCES|DEPENDS_ON)", ?"from": ?"([^"\\\x00-\x1f]+)"'
    r', ?"to": ?"([^"\\\x00-\x1f]+)"\}\}'
)

HINT = "Nothing was imported. Mend the line, or leave out the bad ones with --skip-bad."

Exists = Callable[[Collection[str]], Collection[str]]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What a validated import holds. `bad` lists the first of the `left_out` lines."""

    nodes: int
    edges: int
    bad: tuple[BadLine, ...]
    left_out: int
    lines: int


class Unfit(ValueError):
    """A line that can't be used; says why."""


def read_lines(file: BinaryIO) -> Iterator[bytes]:
    """Give the lines of a file; of one that is far too long, no more than shows it."""
    while line := file.readline(LONGEST_LINE + 1):
        rest = line
        while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE + 1)
        yield line


def existing_in(store: GraphStore) -> Exists:
    """Tell which ids are vertices of a store."""

    def exists(identifiers: Collection[str]) -> Collection[str]:
        keys = [key for identifier in identifiers for key in store.by_id(identifier)]
        return {row.id for row in store.vertices(keys)}.intersection(identifiers)

    return exists


def validate(
    lines: Iterable[bytes],
    sink: Callable[[bytes], object],
    *,
    skip_bad: bool = False,
    progress: Callable[[int, int], object] | None = None,
    exists: Exists | None = None,
) -> ImportSummary:
    """Check every line and write the sound ones, in canonical form, to `sink`.

    `progress` is told (lines, bytes) read; `exists` which ids are there already. Raises
    `ImportLineError` with the number of the first bad line, unless `skip_bad` leaves them out.
    """
    reader = _Reader(sink, skip_bad=skip_bad)
    number = size = 0
    for number, line in enumerate(lines, start=1):
        size += len(line)
        reader.read(number, line)
        if progress is not None and number % EVERY == 0:
            progress(number, size)
    edges = reader.close(exists)
    if progress is not None:
        progress(number, size)
    return ImportSummary(
        nodes=len(reader.is_run),
        edges=edges,
        bad=tuple(sorted(reader.bad, key=lambda bad: bad.number)[:MOST_LISTED]),
        left_out=reader.left_out,
        lines=number,
    )


def _refuse_constant(text: str) -> None:
    raise Unfit(f"{text} is not JSON; write it as a text")


class _Reader:
    """Nodes are spooled as they come; edges wait as columns until every ref is known."""

    def __init__(self, sink: Callable[[bytes], object], *, skip_bad: bool) -> None:
        self.bad: list[BadLine] = []
        self.left_out = 0
        self.is_run = bytearray()  # by ordinal
        self._sink = sink
        self._skip = skip_bad
        decoder = json.JSONDecoder(parse_constant=_refuse_constant)
        self._scan = decoder.scan_once  # type: ignore[attr-defined] # its raw_decode, in C
        self._spool: list[str] = []
        self._spooled = 0
        self._refs: dict[str, int] = {}
        self._nodes: dict[str, int] = {}  # run or not, name, digest → ordinal
        self._told = array("q")  # by ordinal: what its first line said, hashed
        self._kinds: set[str] = set()
        self._starts, self._ends = array("q"), array("q")
        self._codes, self._numbers = array("b"), array("q")
        self._later: dict[str, int] = {}  # refs that no line has defined yet → negative
        self._props: dict[int, str] = {}  # edge → its props, where it has some

    def read(self, number: int, line: bytes) -> None:
        """Take one line."""
        if not line or line.isspace():
            return
        try:
            self._take(number, line)
        except UnicodeDecodeError as error:
            self._leave(number, f"not UTF-8 at byte {error.start + 1}")
        except Unfit as error:
            self._leave(number, str(error))
        except json.JSONDecodeError as error:
            self._leave(number, f"not JSON: {error.msg} at column {error.colno}")
        except RecursionError:
            self._leave(number, "nested too deeply")
        except UnicodeEncodeError:
            self._leave(number, "half a surrogate pair is no text")
        except ValueError as error:  # integers of thousands of digits
            self._leave(number, f"not usable: {error}")

    def _leave(self, number: int, reason: str) -> None:
        if not self._skip:
            raise ImportLineError(f"line {number}: {reason}", line=number, hint=HINT)
        self.left_out += 1
        if len(self.bad) < 2 * MOST_LISTED:
            self.bad.append(BadLine(number, reason))

    def _take(self, number: int, line: bytes) -> None:
        if len(line) > LONGEST_LINE:
            raise Unfit(f"longer than {LONGEST_LINE >> 20} MiB")
        text = line.decode().strip()
        if number == 1:
            text = text.removeprefix("\ufeff").lstrip()
        if plain := PLAIN_EDGE.fullmatch(text):
            self._link(number, *plain.groups())
            return
        try:
            item, end = self._scan(text, 0)
        except StopIteration as stop:
            raise json.JSONDecodeError("a value is missing", text, int(stop.value)) from None
        if end != len(text):
            raise Unfit(f"more than one value: the first ends at column {end}")
        if type(item) is not dict:
            raise Unfit("not an object")
        if "edge" in item:
            if len(item) != 1:
                raise Unfit("an edge line has the one key `edge`")
            self._edge(number, item["edge"])
        elif "node" in item:
            self._node(item)
        else:
            raise Unfit("neither `node` nor `edge`")

    def _node(self, item: dict[str, Any]) -> None:
        node, ref = item["node"], item.get("ref")
        if not item.keys() <= {"node", "ref"}:
            raise Unfit("a node line has the keys `node` and `ref`")
        if type(node) is not dict:
            raise Unfit("`node` is not an object")
        if not node.keys() <= NODE_KEYS:
            raise Unfit(f"unknown key in `node`: {', '.join(sorted(node.keys() - NODE_KEYS))}")
        kind, name, digest = node.get("kind"), node.get("name"), node.get("digest", "")
        if kind not in self._kinds if type(kind) is str else True:
            if type(kind) is not str or not KIND.fullmatch(kind):
                raise Unfit("`kind` is a word of letters, digits and _, and required")
            self._kinds.add(kind)
        if type(name) is not str or not name or "\0" in name:
            raise Unfit("`name` is a text without NUL, and required")
        if type(digest) is not str or "\0" in digest or (not digest and "digest" in node):
            raise Unfit("`digest` is a text, where there is one")
        self._check_ref(item)
        said = f'{{"node":{{"kind":"{kind}","name":{encode_basestring(name)}'
        if digest:
            said += f',"digest":{encode_basestring(digest)}'
        if "props" in node:
            said += _spelt(node["props"])
        said.encode()  # half a surrogate pair shows here, before anything is kept
        self._keep(said, f"{kind == RUN:d}{name}\0{digest}", kind == RUN, ref)

    def _check_ref(self, item: dict[str, Any]) -> None:
        ref = item.get("ref")
        if "ref" in item and (type(ref) is not str or not ref):
            raise Unfit("`ref` is a text")
        if ref in self._refs:
            raise Unfit(f"the ref {_short(ref)} was given before")

    def _keep(self, said: str, identity: str, is_run: bool, ref: str | None) -> None:
        ordinal = self._nodes.get(identity)
        told = hash(said)
        if ordinal is None:
            ordinal = self._nodes[identity] = len(self.is_run)
            self.is_run.append(is_run)
            self._told.append(told)
            self._write(f'{said}}},"ref":"{ordinal}"}}\n')
        elif self._told[ordinal] != told:
            self._write(f'{said}}},"ref":"{ordinal}"}}\n')
        if ref is not None:
            self._refs[ref] = ordinal

    def _edge(self, number: int, edge: object) -> None:
        if type(edge) is not dict:
            raise Unfit("`edge` is not an object")
        if not edge.keys() <= EDGE_KEYS:
            raise Unfit(f"unknown key in `edge`: {', '.join(sorted(edge.keys() - EDGE_KEYS))}")
        kind, start, end = edge.get("type"), edge.get("from"), edge.get("to")
        if kind not in TYPES:
            raise Unfit(f"`type` is one of {', '.join(TYPES)}")
        if type(start) is not str or not start or type(end) is not str or not end:
            raise Unfit("`from` and `to` are texts: a ref, or the id of a node that is there")
        if "props" in edge:
            props = edge["props"]
            spelt = _spelt(props)
            _fitting(props)
            if spelt:
                spelt.encode()
                self._props[len(self._codes)] = spelt
        self._link(number, kind, start, end)

    def _link(self, number: int, kind: str, start: str, end: str) -> None:
        refs, later = self._refs, self._later
        first, second = refs.get(start), refs.get(end)
        self._starts.append(later.setdefault(start, -1 - len(later)) if first is None else first)
        self._ends.append(later.setdefault(end, -1 - len(later)) if second is None else second)
        self._codes.append(CODES[kind])
        self._numbers.append(number)

    def close(self, exists: Exists | None) -> int:
        """Check and write the edges, now that every ref is known; gives their number."""
        ids = self._resolve(exists)
        is_run, props, write, count = self.is_run, self._props, self._write, 0
        later = [self._refs.get(ref, ref) for ref in self._later]
        for place, (start, end, code, number) in enumerate(
            zip(self._starts, self._ends, self._codes, self._numbers, strict=True)
        ):
            known = start >= 0 and end >= 0 and start != end
            if known and (code == DEPENDS or (is_run[start] and not is_run[end])):
                more = props.get(place, "") if props else ""
                write(
                    f'{{"edge":{{"type":"{TYPES[code]}","from":"{start}","to":"{end}"{more}}}}}\n'
                )
                count += 1
                continue
            ends = [at if at >= 0 else later[-1 - at] for at in (start, end)]
            if reason := self._misplaced(code, ends, ids):
                self._leave(number, reason)
                continue
            first, second = (
                f'"{at}"' if isinstance(at, int) else encode_basestring(at) for at in ends
            )
            write(
                f'{{"edge":{{"type":"{TYPES[code]}","from":{first},"to":{second}'
                f"{props.get(place, '')}}}}}\n"
            )
            count += 1
        self._flush()
        return count

    def _resolve(self, exists: Exists | None) -> set[str]:
        """Give those ends that no line defined, and that are ids of what is there already."""
        unknown = [ref for ref in self._later if ref not in self._refs and _is_text(ref)]
        found = exists(unknown) if exists is not None and unknown else ()
        return {identifier for identifier in found if not is_ref(identifier)}

    def _misplaced(self, code: int, ends: list[int | str], ids: set[str]) -> str:
        """Say what is wrong with an edge's ends, or ""."""
        for end in ends:
            if isinstance(end, str) and end not in ids:
                return f"no node has the ref or id {_short(end)}"
        if ends[0] == ends[1]:
            return "an edge from a node to itself"
        runs = [bool(self.is_run[e]) if isinstance(e, int) else is_run_id(e) for e in ends]
        if code != DEPENDS and not runs[0]:
            return f"a {TYPES[code]} edge begins at a Run"
        if code != DEPENDS and runs[1]:
            return f"a {TYPES[code]} edge ends at an artefact, not at a Run"
        return ""

    def _write(self, line: str) -> None:
        self._spool.append(line)
        self._spooled += len(line)
        if self._spooled > SPOOLED:
            self._flush()

    def _flush(self) -> None:
        if self._spool:
            self._sink("".join(self._spool).encode())
        self._spool.clear()
        self._spooled = 0


def _fitting(props: dict[str, Any]) -> None:
    """Check the props of an edge that the graph itself reads."""
    if props.get("evidence", "declared") not in EVIDENCE:
        raise Unfit(f"`evidence` is one of {', '.join(sorted(EVIDENCE))}")
    for key in ("role", "how"):
        if type(props.get(key, "")) is not str:
            raise Unfit(f"`{key}` is a text")
    touched = props.get("touched", {})
    if type(touched) is not dict or any(type(digest) is not str for digest in touched.values()):
        raise Unfit("`touched` maps parts to digests")


def _spelt(props: object) -> str:
    """Write props as they follow in a canonical line; "" for none."""
    if type(props) is not dict:
        raise Unfit("`props` is not an object")
    if not props:
        return ""
    try:
        text = json.dumps(
            _safe(props, 1), ensure_ascii=False, separators=(",", ":"), allow_nan=False
        )
    except ValueError as error:
        if isinstance(error, Unfit):
            raise
        raise Unfit("a number in `props` is too large; write it as a text") from error
    return f',"props":{text}'


def _safe(value: Any, depth: int) -> Any:
    """Write integers past 2⁵³ as texts, so that every JSON reader agrees."""
    if depth > DEEPEST:
        raise Unfit(f"nested deeper than {DEEPEST} levels")
    if type(value) is dict:
        return {key: _safe(item, depth + 1) for key, item in value.items()}
    if type(value) is list:
        return [_safe(item, depth + 1) for item in value]
    if type(value) is int and abs(value) > SAFE_INTEGER:
        return str(value)
    return value


def _short(text: str | None) -> str:
    """Show a text from outside: quoted, and not all of a long one."""
    text = (text or "").encode("utf-8", "backslashreplace").decode()
    return json.dumps(text if len(text) <= 60 else text[:57] + "…", ensure_ascii=False)


def _is_text(text: str) -> bool:
    """Tell what any store can be asked for: half a surrogate pair can't."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
