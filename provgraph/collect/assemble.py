"""Turn what was seen of a command into what it used, produced and removed: a run's record.

Accesses are taken in order, so that what a run wrote itself is no input of it, what is gone at
the end is no product, and a file written under another name is a product under its last. Whole
files and their parts are hashed by `Contents`, at the end; where that is too late, the content as
it was is known from the tracer, or a gap says so.

Longer than most modules: the rules of what an access means belong in one place.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from provgraph.collect.account import Finished
from provgraph.collect.modules import searched
from provgraph.collect.noise import Noise
from provgraph.collect.outside import Outside
from provgraph.collect.places import Places
from provgraph.collect.trace import READS, Access, Trace
from provgraph.model.digests import ABSENT, content_digest
from provgraph.model.gaps import BLOCKING, grade_of
from provgraph.model.kinds import DEFAULT_STREAMS, SCRIPT
from provgraph.model.parts import (
    BODY,
    BYTES,
    EXISTS,
    FILLED,
    HYDRA,
    LISTING,
    ORDER,
    SYNTAX,
    THERE,
    VOID,
    imports_part,
)
from provgraph.model.records import (
    Gap,
    Git,
    Metric,
    Product,
    RunRecord,
    Step,
    Tracing,
    Use,
)

UNKNOWN = "unknown"  # a digest that compares with nothing
_CODE = frozenset({"module", "program"})
_IN_PARTS = frozenset({"keys", "columns"})
_SECONDS = 1_000_000_000


class Contents(Protocol):
    """What is asked of `collect/content.py`."""

    def digest(self, path: str | bytes) -> tuple[str, int] | None:
        """Give digest and size, None where there is no file; OSError where it can't be read."""
        ...

    def part(self, path: str | bytes, part: str) -> str:
        """Give the digest of a part."""
        ...

    def columns(self, path: str | bytes, parts: Sequence[str]) -> Mapping[str, str]:
        """Give the digests of parts of a table; empty where it is none."""
        ...

    def code_parts(self, path: str | bytes) -> Mapping[str, str]:
        """Give the digests of the functions and the body of a source; empty for anything else."""
        ...

    def syntax_safe(self, path: str | bytes) -> bool:
        """Tell whether comments and docstrings surely change nothing."""
        ...

    def may_be_named(self, parts: Iterable[str]) -> bool:
        """Tell whether names of parts hold no secrets."""
        ...

    def as_recorded(self, path: str | bytes, digest: str) -> str:
        """Give an earlier digest in the form in which it may be written down."""
        ...


class Lookup(Protocol):
    """What is asked of the graph store."""

    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        """Map (name, digest) to (run, step) of the newest recorded product with those bytes."""
        ...

    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        """Map a name to (run, step) of the last run of each step that wrote there."""
        ...


@dataclass(frozen=True)
class Observed:
    """What a command did, ready for its record. `paths` maps outside names to paths (private).

    `complaints` are sentences for the person: declared paths that aren't there.
    """

    uses: tuple[Use, ...]
    produces: tuple[Product, ...]
    removed: tuple[str, ...]
    gaps: tuple[Gap, ...]
    tracing: Tracing
    paths: Mapping[str, str]
    complaints: tuple[str, ...] = ()


def assemble(
    trace: Trace,
    finished: Finished,
    *,
    root: str | os.PathLike[str],
    contents: Contents,
    lookup: Lookup,
    outside: Outside,
    step: str,
    noise: Noise | None = None,
    streams: Sequence[str] = DEFAULT_STREAMS,
    declared_uses: Sequence[str] = (),
    declared_produces: Sequence[str] = (),
    keep: Callable[[str, bytes], str | None] | None = None,
    product_parts: Callable[[bytes], Mapping[str, str]] | None = None,
    others: Sequence[Access] = (),
) -> Observed:
    """Say what a command used, produced and removed.

    `step` is the run's step key. `keep(name, path)` stores a source in the ledger and gives its
    object. `declared_…` are paths, absolute or from the root; directories stand for all files
    below. `others` are what other steps of the same run changed meanwhile. Nothing is raised for a
    file that can't be read: it becomes a gap.
    """
    top = os.path.join(os.path.realpath(os.fsencode(root)), b"")
    story = _Story(top, noise or Noise(os.fsdecode(top)), outside, streams)
    streams_seen = story.without_session_logs(finished.streams)
    foreign = {id(one) for one in others}
    for access in sorted([*streams_seen, *trace.accesses, *others], key=lambda one: one.when):
        if id(access) in foreign:
            story.leave(access)
        else:
            story.take(access)
    story.declare(declared_uses, declared_produces)
    return _Account(story, contents, lookup, step, keep, product_parts).observed(trace)


def record_of(
    observed: Observed,
    finished: Finished,
    *,
    project: str,
    run: str,
    step: Step,
    uses: Iterable[Use] = (),
    params: Mapping[str, str] | None = None,
    environment: str | None = None,
    hardware: str | None = None,
    git: Git | None = None,
    gaps: Iterable[Gap] = (),
    metrics: Iterable[Metric] = (),
    private: Mapping[str, str] | None = None,
) -> RunRecord:
    """Make the record of a run: what was observed, with what else is known of it.

    `uses` are added (environment, hardware); `private` maps categories to objects, written
    before.
    """
    return RunRecord(
        project=project,
        at=moment(finished.ended_ns),
        private=dict(private or {}),
        run=run,
        step=step,
        status=finished.status,
        exit=finished.exit if finished.signal is None else -finished.signal,
        started=moment(finished.started_ns),
        ended=moment(finished.ended_ns),
        seconds=round(finished.seconds, 6),
        cpu_seconds=round(finished.cpu_seconds, 6),
        peak_memory=finished.peak_memory,
        params=dict(params or {}),
        uses=(*observed.uses, *uses),
        produces=observed.produces,
        removed=observed.removed,
        environment=environment,
        hardware=hardware,
        git=git,
        tracing=observed.tracing,
        gaps=(*observed.gaps, *gaps),
        metrics=tuple(metrics),
    )


def moment(nanoseconds: int) -> str:
    """Write a time as RFC 3339 in UTC, to the microsecond."""
    seconds, rest = divmod(nanoseconds, _SECONDS)
    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{stamp}.{rest // 1000:06d}Z"


Stat = tuple[int, int, int, int, int]


@dataclass
class _Read:
    """That a path's content as it was before the run was used.

    `digest` is set where that content is known for sure; `stat` is what was there then. `keys`
    are those that were read, where nothing else was.
    """

    roles: set[str] = field(default_factory=set)
    keys: set[str] = field(default_factory=set)
    digest: str | None = None
    size: int | None = None
    stat: Stat | None = None
    gap: str = ""


@dataclass
class _Path:
    """What happened to one path so far.

    `own`: what lies there now (or that nothing does) is this run's doing. `wrote`: how; `existed`:
    there was something before the run touched it. `seen`: it was looked at, and had `length` bytes
    where that is known. `overtaken`: another step changed it afterwards;
    `made` is what it was before that, where that is known.
    """

    read: _Read | None = None
    own: bool = False
    wrote: Literal["", "write", "append", "update"] = ""
    existed: bool = False
    removed: bool = False
    listed: bool = False
    seen: bool = False
    length: int | None = None
    declared: set[str] = field(default_factory=set)
    size: int | None = None
    overtaken: bool = False
    made: str | None = None


class _Story(Places):
    """Accesses in order, folded into what each path went through."""

    def __init__(self, top: bytes, noise: Noise, outside: Outside, streams: Sequence[str]) -> None:
        super().__init__(top, noise, outside, streams)
        self.paths: dict[bytes, _Path] = {}
        self.gone: set[bytes] = set()
        self.moved: list[tuple[bytes, bytes]] = []
        self.missing: list[str] = []

    # -- the events --------------------------------------------------------------------------

    def take(self, access: Access) -> None:
        """Take the next access."""
        path = self.real(access.path)
        action = access.action
        if action in READS:
            for place in self.ways_to(access.path, path):
                self._read(place, action, access)
        elif action == "absent":
            self._absent(path)
        elif action == "exists":
            self._exists(path, access)
        elif action == "list":
            if self.name(path) is not None:
                self._at(path).listed = True
        elif action in ("write", "append", "update"):
            self._write(self.end_of_links(path), action, access)
        elif action == "remove":
            self._remove(path, access)
        elif action == "rename" and access.other is not None:
            self._rename(path, self.real(access.other), access)
        elif action == "copy" and access.other is not None:
            self._read(path, "read", access)
            self._write(self.real(access.other), "write", access)

    def _at(self, path: bytes) -> _Path:
        return self.paths.setdefault(path, _Path())

    def _read(self, path: bytes, role: str, access: Access) -> None:
        if self.name(path) is None:
            return
        state = self._at(path)
        if state.own:
            return  # written and read back
        if state.read is None:
            state.read = _Read(stat=access.stat, size=access.size)
            state.existed = True
        if state.wrote and state.read.digest is None and not state.read.gap:
            state.read.stat = None  # appended to before: what it is now is partly our own
        state.read.roles.add(role)
        state.read.keys |= set(access.keys)
        if role in _IN_PARTS and not _same(state.read.stat, access.stat):
            state.read.gap = state.read.gap or "changed-while-read"
        if access.before and state.read.digest is None and access.before.startswith(("b3:", "k:")):
            state.read.digest = access.before

    def _exists(self, path: bytes, access: Access) -> None:
        if not self.inside(path) or self.name(path) is None:
            return
        state = self._at(path)
        if not (state.own or state.wrote or state.seen):
            state.seen, state.length = True, access.size

    def _absent(self, path: bytes) -> None:
        if not self.inside(path) or self.name(path) is None:
            return
        state = self._at(path)
        if state.own or state.existed or state.wrote or state.read is not None:
            return
        state.read = _Read(roles={"absent"}, digest=ABSENT)

    def _write(
        self, path: bytes, action: Literal["write", "append", "update"], access: Access
    ) -> None:
        if self.name(path) is None:
            return
        state = self._at(path)
        if not state.own and not state.wrote:
            state.existed |= access.stat is not None or (action == "append" and bool(access.size))
        if self.stream(path) and action != "write":
            # An append, or a database that many runs write to: what was there doesn't matter.
            state.own |= not state.existed
            state.wrote = state.wrote or "append"
            return
        if action == "write" or state.own or not state.existed:
            self._settle(state, access)
            state.own, state.wrote, state.removed, state.overtaken = True, "write", False, False
            return
        if state.read is None:
            state.read = _Read(stat=access.stat, size=access.size)
        state.read.roles.add("read" if action == "update" else "appended")
        self._settle(state, access)
        state.size, state.overtaken = access.size, False
        state.wrote = "write" if action == "append" or state.wrote == "write" else "update"

    def _settle(self, state: _Path, access: Access) -> None:
        """Fix what a read saw, now that the content is about to change."""
        read = state.read
        if read is None or read.digest is not None or read.gap:
            return
        known = access.before
        if known is not None and known.startswith(("b3:", "k:")):
            if _same(read.stat, access.stat):
                read.digest = known
            else:
                read.digest, read.gap = known, "changed-while-read"
        elif known == "too-large":
            read.gap = "too-large-to-hash"
        elif known == "unreadable":
            read.gap = "unreadable"
        elif not state.own and not state.wrote:
            read.gap = "changed-while-read"

    def _remove(self, path: bytes, access: Access) -> None:
        if self.name(path) is None:
            return
        state = self._at(path)
        if not state.own and not state.wrote:
            state.existed = True
        self._settle(state, access)
        state.own = True
        state.wrote = ""
        state.removed = state.existed

    def _rename(self, path: bytes, to: bytes, access: Access) -> None:
        below = [one for one in self.paths if one.startswith(path + b"/")]
        if below or os.path.isdir(to):
            self.moved.append((path, to))
            for one in below:
                if self.paths[one].wrote or self.paths[one].own:
                    self._move(one, to + one[len(path) :], access)
            if os.path.isdir(to):
                return
        self._move(path, to, access)

    def _move(self, path: bytes, to: bytes, access: Access) -> None:
        state = self._at(path)
        ours = state.own or (state.wrote == "write" and not state.existed)
        if not ours:  # a file from before the run goes on under another name
            self._read(path, "read", access)
        self._settle(state, access)
        gone_before = state.own and not state.wrote
        if gone_before:
            return
        state.own, state.wrote, state.removed = True, "", state.existed
        if self.name(to) is None:
            return
        target = self._at(to)
        self._settle(target, access)
        target.own, target.wrote, target.removed, target.overtaken = True, "write", False, False

    def leave(self, access: Access) -> None:
        """Take what another step did: what this one read and made is no longer what lies there."""
        path = self.real(access.path)
        if access.action in ("write", "append", "update"):
            path = self.end_of_links(path)
        self._overtaken(path, access)
        if access.other is not None:
            self._overtaken(self.real(access.other), replace(access, before=None, stat=None))

    def _overtaken(self, path: bytes, access: Access) -> None:
        state = self.paths.get(path)
        if state is None:
            return
        if state.read is not None:
            self._settle(replace(state, own=False, wrote=""), access)
        if state.wrote and not state.overtaken:
            known = access.before is not None and access.before.startswith(("b3:", "k:"))
            state.overtaken, state.made, state.size = (
                True,
                access.before if known else None,
                access.size,
            )

    # -- what was said -----------------------------------------------------------------------

    def declare(self, uses: Sequence[str], produces: Sequence[str]) -> None:
        """Add what a person said is used and produced."""
        saids = [(one, "use") for one in uses] + [(one, "product") for one in produces]
        for said, kind in saids:
            path = self.real(os.path.normpath(os.path.join(self.top, os.fsencode(said))))
            if os.path.isdir(path):
                self._declare_below(path, kind)
            elif os.path.exists(path):
                self._at(path).declared.add(kind)
            elif kind == "use":
                state = self._at(path)
                if not state.own and state.read is None:
                    state.read = _Read(roles={"declared"}, digest=ABSENT)
                self.missing.append(f"{said}: said to be used, but it isn't there")
            else:
                self.missing.append(f"{said}: said to be produced, but it isn't there")

    def _declare_below(self, top: bytes, kind: str) -> None:
        if kind == "use":
            self._at(top).declared.add("listing")
        for directory, folders, files in os.walk(top):
            paths = {one: os.path.join(directory, one) for one in (*folders, *files)}
            folders[:] = [one for one in folders if self.name(paths[one]) is not None]
            for one in files:
                if self.name(paths[one]) is not None:
                    self._at(paths[one]).declared.add(kind)


def _about_calls(trace: Trace) -> list[str]:
    """Say that functions couldn't be told apart, where that was asked."""
    if not trace.calls_lost:
        return []
    return [f"every function counts: some may have run unseen ({trace.calls_lost})"]


def _same(one: Stat | None, other: Stat | None) -> bool:
    """Tell whether nothing wrote to a file between two looks; a chmod or a new link is no write."""
    return one is None or other is None or one[:4] == other[:4]


class _Account:
    """The story hashed and written down."""

    def __init__(
        self,
        story: _Story,
        contents: Contents,
        lookup: Lookup,
        step: str,
        keep: Callable[[str, bytes], str | None] | None,
        product_parts: Callable[[bytes], Mapping[str, str]] | None,
    ) -> None:
        self.story = story
        self.contents = contents
        self.lookup = lookup
        self.step = step
        self.keep = keep
        self.product_parts = product_parts
        self.gaps: dict[tuple[str, str], None] = {}
        self.named: dict[str, str] = {}
        self.calls: Mapping[bytes, frozenset[str]] = {}
        self._digests: dict[bytes, tuple[str, int] | OSError | None] = {}

    def observed(self, trace: Trace) -> Observed:
        """Write down what the story comes to."""
        self.calls = trace.calls
        moved = self._moved_directories()
        plain = self._sources_are_plain()
        products = [
            product
            for path, state in sorted(self.story.paths.items())
            if (product := self._product(path, state)) is not None
        ]
        products += [one for one in moved if one.name not in {p.name for p in products}]
        uses = [
            use
            for path, state in sorted(self.story.paths.items())
            for use in self._uses(path, state, plain=plain)
        ]
        uses = self._with_imports(uses, trace)
        removed = sorted(
            name
            for path, state in self.story.paths.items()
            if state.removed
            and (name := self.story.name(path)) is not None
            and not os.path.lexists(path)
        )
        for name in removed:
            self._note(name)
        gaps = [Gap(reason=reason, subject=subject) for reason, subject in trace.gaps]
        gaps += [Gap(reason=reason, subject=subject) for reason, subject in self.gaps]
        return Observed(
            uses=self._made(uses),
            produces=tuple(products),
            removed=tuple(removed),
            gaps=tuple(dict.fromkeys(gaps)),
            tracing=Tracing(
                method=trace.method,
                complete=all(grade_of(reason) != BLOCKING for reason, _ in trace.gaps),
                processes=len(trace.processes),
            ),
            paths=self.named,
            complaints=(*self.story.missing, *_about_calls(trace)),
        )

    # -- products ----------------------------------------------------------------------------

    def _product(self, path: bytes, state: _Path) -> Product | None:
        declared = "product" in state.declared
        if not state.wrote and not declared:
            return None
        name = self.story.name(path)
        if name is not None and state.overtaken:
            return self._overtaken(path, name, state)
        found = self._digest(path)
        if name is None or found is None:
            return None  # gone before the end
        if isinstance(found, OSError):
            self.gaps["unreadable", name] = None
            found = (UNKNOWN, 0)
        digest, size = found
        if state.wrote == "update" and not declared and state.read and digest == state.read.digest:
            return None  # opened for writing, and nothing was written
        self._note(name, path)
        return Product(
            name=name,
            digest=digest,
            size=size,
            mode="append" if state.wrote == "append" else "write",
            evidence="observed" if state.wrote else "declared",
            parts=self._parts(path),
        )

    def _overtaken(self, path: bytes, name: str, state: _Path) -> Product | None:
        """Give what was made as it was when another step came to it."""
        if state.made is None or not os.path.lexists(path):
            return None  # not known, or gone before the end
        self._note(name, path)
        mode: Literal["write", "append"] = "append" if state.wrote == "append" else "write"
        digest = self.contents.as_recorded(path, state.made)
        return Product(name=name, digest=digest, size=state.size, mode=mode)

    def _parts(self, path: bytes) -> dict[str, str]:
        if self.product_parts is None:
            return {}
        try:
            return dict(self.product_parts(path))
        except OSError:
            return {}

    def _moved_directories(self) -> list[Product]:
        """Find what lies below directories that were renamed: files nobody opened are there too."""
        found = []
        for _, to in self.story.moved:
            for directory, _, files in os.walk(to):
                for one in files:
                    path = os.path.join(directory, one)
                    state = self.story.paths.get(path)
                    if state is not None and (state.wrote or state.own):
                        continue
                    product = self._product(path, _Path(wrote="write"))
                    if product is not None:
                        found.append(product)
        return found

    # -- uses --------------------------------------------------------------------------------

    def _sources_are_plain(self) -> bool:
        """Tell whether no source of the project may look at its own or another's text."""
        return all(
            self._safe(path)
            for path, state in self.story.paths.items()
            if state.read is not None and state.read.roles & _CODE and self.story.inside(path)
        )

    def _safe(self, path: bytes) -> bool:
        try:
            return self.contents.syntax_safe(path)
        except OSError:
            return False

    def _uses(self, path: bytes, state: _Path, *, plain: bool) -> list[Use]:
        name = self.story.name(path)
        if name is None:
            return []
        uses = []
        if state.listed or "listing" in state.declared:
            uses += self._listing(path, name, observed=state.listed)
        made = state.read is not None and state.read.digest == ABSENT and os.path.isdir(path)
        if state.read is not None and not made:  # a folder that the run made is none of its inputs
            uses += self._content(path, name, state, state.read, plain=plain)
        elif "use" in state.declared and not state.own:
            declared = _Read(roles={"declared"})
            uses += self._content(path, name, state, declared, plain=plain)
        elif state.seen and not state.own and not state.wrote:
            self._note(name, path)
            uses.append(Use(name=name, digest=THERE, touched={EXISTS: _looked(path, state.length)}))
        return uses

    def _listing(self, path: bytes, name: str, *, observed: bool) -> list[Use]:
        try:
            digest = self.contents.part(path, LISTING)
        except OSError:
            digest = UNKNOWN
            self.gaps["unreadable", name] = None
        if digest == ABSENT:
            return []  # a directory of this run alone, gone at its end
        self._note(name, path)
        evidence: Literal["observed", "declared"] = "observed" if observed else "declared"
        return [Use(name=name, digest=digest, touched={LISTING: digest}, evidence=evidence)]

    def _with_imports(self, uses: list[Use], trace: Trace) -> list[Use]:
        """Add what the directories of the project have of the modules that were looked for."""
        places = {
            use.name: place
            for place, use in enumerate(uses)
            if LISTING in use.touched or use.digest == THERE
        }
        out = list(uses)
        for path, modules in sorted(searched(trace, self.story.inside).items()):
            name = self.story.name(path)
            if name is None or not os.path.isdir(path):
                continue
            part = imports_part(modules)
            try:
                touched = {part: self.contents.part(path, part)}
            except OSError:
                self.gaps["unreadable", name] = None
                continue
            if name in places:
                listed = out[places[name]]
                out[places[name]] = replace(listed, touched={**listed.touched, **touched})
            else:
                # It is where code comes from, whatever else lies there.
                out.append(Use(name=name, digest=THERE, role="path", touched=touched, kind=SCRIPT))
        return out

    def _content(
        self, path: bytes, name: str, state: _Path, read: _Read, *, plain: bool
    ) -> list[Use]:
        evidence: Literal["observed", "declared"] = (
            "declared" if read.roles == {"declared"} else "observed"
        )
        stream = self.story.stream(path) and read.digest != ABSENT
        digest, size = self._as_read(path, name, state, read)
        code = read.roles <= _CODE and "use" not in state.declared
        touched = {BYTES: digest}
        if digest == ABSENT:
            touched = {BYTES: ABSENT}
        elif code and plain and not state.wrote and not state.own and read.digest is None:
            with contextlib.suppress(OSError):
                touched = self._ran(path) or {SYNTAX: self.contents.part(path, SYNTAX)}
        elif (
            len(read.roles) == 1
            and read.roles <= _IN_PARTS
            and read.digest is None
            and digest != UNKNOWN
            and not (state.wrote or state.own or state.declared)
        ):
            by_key = read.roles == {"keys"}
            cut = self._keys(path, read.keys) if by_key else self._columns(path, read.keys, digest)
            touched = cut or touched
        role = next((one for one in ("program", "module") if one in read.roles), "input")
        kept = None
        if role != "input" and self.keep is not None and not state.wrote:
            try:
                kept = self.keep(name, path)
            except OSError:
                kept = None
        self._note(name, path)
        return [
            Use(
                name=name,
                digest=digest,
                role="stream" if stream else role,
                evidence=evidence,
                touched=touched,
                size=size,
                kept=kept,
            )
        ]

    def _ran(self, path: bytes) -> dict[str, str]:
        """Give the digests of the functions that ran, where that is known, and of the body."""
        called = self.calls.get(os.path.realpath(path))
        if called is None:
            return {}
        parts = self.contents.code_parts(path)
        return {part: digest for part, digest in parts.items() if part == BODY or part in called}

    def _keys(self, path: bytes, keys: set[str]) -> dict[str, str]:
        """Give the digests of the keys read; nothing where they can't stand for the file.

        `model.` says that a mapping was gone into. That it is one is sure where a key below it
        was there and read; else it counts as a whole.
        """
        if BYTES in keys or not self.contents.may_be_named(keys):
            return {}
        entered = {key[:-1] for key in keys if key.endswith(".")}
        try:
            parts = {k: self.contents.part(path, k) for k in sorted(keys) if not k.endswith(".")}
            there = [
                k for k, digest in parts.items() if digest != ABSENT and k not in (ORDER, HYDRA)
            ]
            if not there and not entered - {""}:
                return {}
            for way in sorted(entered - {""}, reverse=True):
                if not any(key == way or key.startswith(way + ".") for key in there):
                    parts[way] = self.contents.part(path, way)
                    there.append(way)
        except OSError:
            return {}
        return parts

    def _columns(self, path: bytes, parts: set[str], whole: str) -> dict[str, str]:
        """Give the digests of the columns read; nothing where they can't stand for the file."""
        try:
            found = dict(self.contents.columns(path, sorted(parts)))
        except OSError:
            return {}
        return {} if {ABSENT, whole} & set(found.values()) else found

    def _as_read(self, path: bytes, name: str, state: _Path, read: _Read) -> tuple[str, int | None]:
        """Give the content as it was read; a gap where it can only be guessed."""
        if read.digest is None and read.gap and read.stat and _same(read.stat, _stat(path)):
            read.gap = ""  # nothing was written after all
        if read.digest is None and "appended" in read.roles and not state.own and read.size:
            read.digest = _head(path, read.size)
            read.gap = read.gap if read.digest is None else ""
        if read.gap:
            self.gaps[read.gap, name] = None
        if read.digest is not None or read.gap:
            return self.contents.as_recorded(path, read.digest or UNKNOWN), read.size
        found = self._digest(path)
        if found is None:
            self.gaps["changed-while-read", name] = None
            return UNKNOWN, read.size
        if isinstance(found, OSError):
            self.gaps["unreadable", name] = None
            return UNKNOWN, read.size
        stream = self.story.stream(path)
        if not (state.wrote or stream or _same(read.stat, _stat(path))):
            self.gaps["changed-while-read", name] = None
        return found

    def _made(self, uses: list[Use]) -> tuple[Use, ...]:
        """Say whose products were read."""
        unread = (ABSENT, UNKNOWN, THERE)
        wanted = [(use.name, use.digest) for use in uses if use.digest not in unread]
        streams = [use.name for use in uses if use.role == "stream"]
        makers = self.lookup.lying(wanted) if wanted else {}
        writers = self.lookup.writers(streams) if streams else {}
        found = []
        for use in uses:
            change: dict[str, Any] = {}
            maker = makers.get((use.name, use.digest))
            if maker is not None:
                change |= {"maker": maker[0], "maker_step": maker[1]}
            if use.role == "stream":
                others = [run for run, step in writers.get(use.name, ()) if step != self.step]
                change["writers"] = tuple(others)
            found.append(replace(use, **change) if change else use)
        return tuple(found)

    # -- reading -----------------------------------------------------------------------------

    def _digest(self, path: bytes) -> tuple[str, int] | OSError | None:
        if path not in self._digests:
            try:
                self._digests[path] = self.contents.digest(path)
            except OSError as error:
                self._digests[path] = error
        return self._digests[path]

    def _note(self, name: str, path: bytes | None = None) -> None:
        """Remember which path an opaque name stands for."""
        if path is None:
            path = next((one for one, known in self.story.names.items() if known == name), None)
        if path is not None and name.startswith("outside:"):
            self.named[name] = os.fsdecode(path)


def _head(path: bytes, size: int) -> str | None:
    """Name the first bytes of a file: what it held before something was appended to it."""
    if size > 512 << 20:
        return None
    try:
        with open(path, "rb") as file:
            data = file.read(size)
    except OSError:
        return None
    return content_digest(data) if len(data) == size else None


def _looked(path: bytes, length: int | None) -> str:
    """Give what a look at a file could tell of it: `length` is as it was then, None: look now."""
    if length is None:
        try:
            found = os.stat(path)
        except OSError:
            return THERE
        if not stat.S_ISREG(found.st_mode):
            return THERE
        length = found.st_size
    return FILLED if length else VOID


def _stat(path: bytes) -> Stat | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
