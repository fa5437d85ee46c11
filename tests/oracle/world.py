"""Play histories: a tree of names, steps that really compute, and what a watcher would record.

A step's bytes are a pure function of its name, its arguments and what it touched, so that a
history can be re-executed for real and the answers compared with what then lies there.
"""

import copy
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.histories.language import (
    BYTES,
    AtRefOp,
    CommandOp,
    EditOp,
    Ending,
    FromRun,
    ImportOp,
    LookOp,
    MergeOp,
    MoveOp,
    Op,
    PlaceOp,
    RedoOp,
    RunOp,
    Write,
    is_edit,
    parse,
)

ABSENT = "absent"
HOUR = 1_000_000

Content = str | Mapping[str, str]
Tree = dict[str, Content]
View = Mapping[str, Content | None]
"""What a viewpoint says of each name: its content, None for absent, no entry for no word."""


@dataclass(frozen=True)
class Generation:
    """A content at a name, put there by a recorded run, or by nobody we saw."""

    name: str
    digest: str
    maker: str | None = None


@dataclass(frozen=True)
class Use:
    """What a run read: the generation, and part by part the digest as it was when read.

    Of a stream it is instead the last run, before this one, of each step that had written there.
    """

    generation: Generation
    touched: Mapping[str, str]
    size: int = 0
    stream_makers: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """Give the name that was read."""
        return self.generation.name

    @property
    def makers(self) -> tuple[str, ...]:
        """Give the recorded runs that what was read came from."""
        if self.stream_makers is not None:
            return self.stream_makers
        return () if self.generation.maker is None else (self.generation.maker,)


@dataclass(frozen=True)
class Product:
    """What a run wrote: the whole content's digest, its parts', and of an append the piece's."""

    name: str
    digest: str
    parts: Mapping[str, str]
    size: int = 0
    appended: str | None = None


@dataclass(frozen=True)
class RecordedRun:
    """What a watcher recorded of one execution; `when` is the clock of the machine it ran on.

    `within` names the command whose step it was, if any.
    """

    id: str
    step: str
    args: str
    uses: tuple[Use, ...]
    products: tuple[Product, ...]
    ended: Ending
    when: int
    within: str = ""

    @property
    def command(self) -> tuple[str, str]:
        """Give the step and its arguments."""
        return (self.step, self.args)

    def product(self, name: str) -> Product | None:
        """Find what it wrote at a name."""
        return next((product for product in self.products if product.name == name), None)


@dataclass(frozen=True)
class Ledger:
    """All recorded runs, oldest first, and which names are streams."""

    runs: tuple[RecordedRun, ...]
    streams: frozenset[str] = frozenset()


@dataclass
class Place:
    """One working tree with what its ledger holds."""

    prefix: str = ""
    offset: int = 0
    tree: Tree = field(default_factory=dict)
    known: set[str] = field(default_factory=set)


def digest_of(content: Content | None) -> str:
    """Give the digest of a whole content; short ones stay readable."""
    if content is None:
        return ABSENT
    text = content if isinstance(content, str) else repr(list(content.items()))
    kind = "text" if isinstance(content, str) else "keys"
    if len(text) > 60:
        text = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return f"{kind}:{text}"


def part_digest(content: Content | None, part: str) -> str:
    """Give the digest of one part; where a content has no such parts, that of the whole."""
    if content is None:
        return ABSENT
    if isinstance(content, str):
        if part in ("#syntax", "#code"):
            return digest_of(content.partition("//")[0])
        return digest_of(content)
    if part == "#order":
        return digest_of(" ".join(content))
    if part.startswith("#"):
        return digest_of(content)
    return digest_of(content.get(part))


def listing_digest(names: Iterable[str], directory: str) -> str:
    """Give the digest of the names below a directory."""
    return digest_of("\n".join(sorted(n for n in names if n.startswith(directory + "/"))))


def parts_of(content: Content) -> dict[str, str]:
    """Give the digest of every part that a content has."""
    parts = [BYTES, "#syntax", "#code", "#order"]
    if not isinstance(content, str):
        parts.extend(content)
    return {part: part_digest(content, part) for part in parts}


class World:
    """Carry out operations and record what a watcher would have seen.

    `values` bounds how many different contents a step can give for one name, so that equal bytes
    by luck are frequent in random worlds; None means that all differ.
    """

    def __init__(self, streams: Iterable[str] = (), values: int | None = None) -> None:
        self.streams = frozenset(streams)
        self.values = values
        self.places: dict[str, Place] = {"": Place()}
        self.looking = ""
        self.tracked_only = False
        self.tracked_also: set[str] = set()
        self.all_runs: list[RecordedRun] = []
        self.last_commands: dict[str, RunOp] = {}
        self.last_recorded: dict[str, RunOp] = {}
        self.commands: dict[tuple[str, str], RunOp] = {}
        self.by_hand: set[str] = set()
        self.written: set[str] = set()
        self.originals: dict[str, Content | None] = {}
        self.contents: dict[tuple[str, str], Content] = {}
        self.stream_writers: dict[str, dict[str, str]] = {}
        self.last_writer: dict[str, str] = {}
        self._tick = 0

    def copy(self) -> "World":
        """Give a world that goes its own way from here."""
        return copy.deepcopy(self)

    def ledger(self) -> Ledger:
        """Give what the ledger of the place looked at holds."""
        return Ledger(tuple(self._runs_known(self.places[self.looking])), self.streams)

    def names(self) -> frozenset[str]:
        """Give every name that is there, was written, or was looked for."""
        names = set(self.by_hand) | set(self.written)
        for place in self.places.values():
            names.update(place.prefix + name for name in place.tree)
        for run in self.all_runs:
            names.update(use.name for use in run.uses)
            names.update(product.name for product in run.products)
        return frozenset(names)

    def view(self) -> dict[str, Content | None]:
        """Give the viewpoint: the tree looked at or, after `at-ref`, only its tracked names."""
        here = self.places[self.looking]
        view: dict[str, Content | None] = dict.fromkeys(self.names())
        for place in self.places.values():
            if place is here or place.prefix != here.prefix:
                view.update({place.prefix + n: content for n, content in place.tree.items()})
        if not self.tracked_only:
            return view
        tracked = (self.by_hand - self.written) | self.tracked_also
        return {name: content for name, content in view.items() if name in tracked}

    def tree(self) -> Tree:
        """Give the tree looked at."""
        return self.places[self.looking].tree

    def apply(self, op: Op) -> None:
        """Carry out one operation."""
        self._tick += 1
        match op:
            case EditOp() | MoveOp():
                self._edit(op)
            case RunOp():
                self.execute(op)
            case RedoOp():
                self.execute(self.command_to_redo(op))
            case ImportOp():
                self._import(op)
            case CommandOp():
                outer = f"c{self._tick}"
                for run in op.runs:
                    self.execute(replace(run, place=op.place), within=outer)
                    self._tick += 1
            case AtRefOp():
                self.tracked_only = True
                self.tracked_also.update(op.also)
            case PlaceOp():
                first = self.places[""]
                self.places[op.name] = Place(
                    prefix=op.name + "/" if op.project else "",
                    offset=op.clock_hours * HOUR,
                    tree={} if op.project else dict(first.tree),
                    known=set() if op.project else set(first.known),
                )
            case MergeOp():
                everything = {run.id for run in self.all_runs}
                for place in self.places.values():
                    place.known |= everything
            case LookOp():
                self.looking = op.place

    def command_to_redo(self, op: RedoOp) -> RunOp:
        """Find the command that a redo repeats."""
        prefix = self.places[op.place].prefix
        if op.args is None:
            command = self.last_commands[prefix + op.step]
        else:
            command = self.commands[prefix + op.step, op.args]
        return replace(command, recorded=op.recorded, ended=op.ended, place=op.place)

    def execute(self, op: RunOp, *, within: str = "") -> None:
        """Run a command: read, compute, write, and record it if it is watched."""
        place = self.places[op.place]
        uses = self._read(op, place)
        inputs = self._inputs(op, place)
        written = self._compute(op, inputs, place.tree)
        step = place.prefix + op.step
        products = []
        for name, content in written.items():
            place.tree[name] = content
            full_name = place.prefix + name
            self.written.add(full_name)
            self.last_writer[full_name] = step
            self.contents[full_name, digest_of(content)] = content
            products.append(_product(full_name, content))
        for write in op.appends:
            piece = f"{op.step}|{self._value(op, inputs, write)}\n"
            before = place.tree.get(write.name, "")
            content = (before if isinstance(before, str) else "") + piece
            place.tree[write.name] = content
            full_name = place.prefix + write.name
            self.written.add(full_name)
            products.append(replace(_product(full_name, content), appended=digest_of(piece)))
        self.last_commands[step] = op
        self.commands[step, op.args] = op
        if op.recorded:
            self.last_recorded[step] = op
            self._record(op, place, uses, tuple(products), within)
            return
        for product in products:
            maker = _newest_maker(self._runs_known(place), product.name, product.digest)
            if maker is not None:
                self._put_back_original(product.name, maker)

    def restore(self, name: str, digest: str) -> None:
        """Put back, in the tree looked at, bytes that lay at a name before."""
        place = self.places[self.looking]
        local = name.removeprefix(place.prefix)
        if digest == ABSENT:
            place.tree.pop(local, None)
        else:
            place.tree[local] = self.contents[name, digest]
        self.last_writer.pop(name, None)

    def _runs_known(self, place: Place) -> list[RecordedRun]:
        known = [run for run in self.all_runs if run.id in place.known]
        return sorted(known, key=lambda run: run.when)

    def _edit(self, op: EditOp | MoveOp) -> None:
        place = self.places[op.place]
        before = dict(place.tree)
        if isinstance(op, MoveOp):
            place.tree[op.target] = before[op.origin]
            if not op.keep:
                del place.tree[op.origin]
            changed = {op.target} if op.keep else {op.origin, op.target}
        else:
            for item in op.assignments:
                content = self._given(item.content, place.prefix + item.name)
                _put(place.tree, item.name, item.part, content)
            changed = {item.name for item in op.assignments}
        for local in changed:
            name = place.prefix + local
            content = place.tree.get(local)
            was_product = self._maker(name, before.get(local), place) is not None
            self.by_hand.add(name)
            self.last_writer.pop(name, None)
            if content is not None:
                self.contents[name, digest_of(content)] = content
            maker = self._maker(name, content, place)
            if maker is not None:
                self._put_back_original(name, maker)
                self.last_writer[name] = next(r.step for r in self.all_runs if r.id == maker)
            elif content is not None or not was_product:
                self.originals[name] = content

    def _put_back_original(self, name: str, maker: str) -> None:
        """Take what a product was made of in place, if anything, for the original again."""
        by_id = {run.id: run for run in self.all_runs}
        one: str | None = maker
        while one is not None:
            read = next((use.generation for use in by_id[one].uses if use.name == name), None)
            if read is None:
                return
            if read.maker is None:
                self.originals[name] = self.contents.get((name, read.digest))
            one = read.maker

    def _given(self, content: str | FromRun | None, name: str) -> Content | None:
        if not isinstance(content, FromRun):
            return content
        product = self.all_runs[content.number - 1].product(name)
        if product is None:
            raise LookupError(f"run {content.number} didn't write {name}")
        return self.contents[name, product.digest]

    def _maker(self, name: str, content: Content | None, place: Place) -> str | None:
        if content is None:
            return None
        return _newest_maker(self._runs_known(place), name, digest_of(content))

    def _read(self, op: RunOp, place: Place) -> tuple[Use, ...]:
        touched: dict[str, dict[str, str]] = {}
        for read in op.reads:
            parts = touched.setdefault(read.name, {})
            if read.part == "#listing":
                parts[read.part] = listing_digest(place.tree, read.name)
            else:
                parts[read.part] = part_digest(place.tree.get(read.name), read.part)
        uses = []
        for local, parts in touched.items():
            name = place.prefix + local
            content = place.tree.get(local)
            maker = self._maker(name, content, place)
            stream_makers = None
            if name in self.streams:
                stream_makers = _last_writers(self._runs_known(place), name)
            uses.append(
                Use(
                    Generation(name, digest_of(content), maker),
                    parts,
                    len(content) if isinstance(content, str) else 0,
                    stream_makers,
                )
            )
        return tuple(uses)

    def _inputs(self, op: RunOp, place: Place) -> str:
        """Give all that a run's bytes depend on; of a stream, the last line of each step."""
        seen = []
        for read in op.reads:
            content = place.tree.get(read.name)
            if read.part == "#listing":
                value = listing_digest(place.tree, read.name)
            elif place.prefix + read.name in self.streams and isinstance(content, str):
                lines = dict(line.split("|", 1) for line in content.splitlines() if "|" in line)
                value = repr(sorted(lines.items()))
            else:
                value = part_digest(content, read.part)
            seen.append(f"{read.name}{read.part}={value}")
        return "\n".join(sorted(seen))

    def _compute(self, op: RunOp, inputs: str, tree: Tree) -> Tree:
        written: Tree = {}
        for write in op.writes:
            if write.key is None:
                written[write.name] = self._value(op, inputs, write)
            else:
                before = written.get(write.name, {})
                keys = {} if isinstance(before, str) else dict(before)
                keys[write.key] = self._value(op, inputs, write)
                written[write.name] = keys
        return written

    def _value(self, op: RunOp, inputs: str, write: Write) -> str:
        if write.content is not None:
            return write.content
        text = f"{op.step}({op.args}) {write.name}.{write.key}\n{inputs}"
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:5], "big")
        if self.values is not None:
            number %= self.values
        return f"{op.step}-{number:x}"

    def _record(
        self,
        op: RunOp,
        place: Place,
        uses: tuple[Use, ...],
        products: tuple[Product, ...],
        within: str = "",
    ) -> None:
        run = RecordedRun(
            id=f"r{len(self.all_runs) + 1}",
            step=place.prefix + op.step,
            args=op.args,
            uses=uses,
            products=products,
            ended=op.ended,
            when=self._tick + place.offset,
            within=within,
        )
        self.all_runs.append(run)
        place.known.add(run.id)

    def _import(self, op: ImportOp) -> None:
        """Record runs whose products are each other's inputs, as another system saw them."""
        place = self.places[op.place]
        written: Tree = {}
        makers: dict[str, str] = {}
        for number, run in enumerate(op.runs, start=len(self.all_runs) + 1):
            made = self._compute(run, "imported", place.tree)
            written.update(made)
            makers.update({place.prefix + name: f"r{number}" for name in made})
        place.tree.update(written)
        for name, content in written.items():
            self.written.add(place.prefix + name)
            self.contents[place.prefix + name, digest_of(content)] = content
        for run in op.runs:
            uses = tuple(
                replace(use, generation=replace(use.generation, maker=makers[use.name]))
                if use.name in makers
                else use
                for use in self._read(run, place)
            )
            made = self._compute(run, "imported", place.tree)
            products = tuple(_product(place.prefix + n, content) for n, content in made.items())
            self._record(run, place, uses, products)
            self._tick += 1


@dataclass(frozen=True)
class Played:
    """A history after its last operation: what is recorded, and the viewpoints around it."""

    ledger: Ledger
    before: View
    after: View
    ops: tuple[Op, ...]
    world: World

    @property
    def asks_impact(self) -> bool:
        """Tell whether the last operation is an edit, whose impact is asked."""
        return is_edit(self.ops[-1])


def play(operations: Iterable[str], values: int | None = None) -> Played:
    """Carry out a history and keep the viewpoint before and after its last operation."""
    ops = parse(operations)
    world = World(streams_of(ops), values)
    for op in ops[:-1]:
        world.apply(op)
    before = world.view()
    world.apply(ops[-1])
    after = world.view()
    if not world.tracked_only:
        before = {**dict.fromkeys(after), **before}
    return Played(world.ledger(), before, after, ops, world)


def streams_of(ops: Sequence[Op]) -> frozenset[str]:
    """Give the names that any operation appends to."""
    return frozenset(write.name for op in ops if isinstance(op, RunOp) for write in op.appends)


def _product(name: str, content: Content) -> Product:
    size = len(content) if isinstance(content, str) else 0
    return Product(name, digest_of(content), parts_of(content), size)


def _newest_maker(runs: Sequence[RecordedRun], name: str, digest: str) -> str | None:
    for run in reversed(runs):
        product = run.product(name)
        if product is not None and product.digest == digest:
            return run.id
    return None


def _last_writers(runs: Sequence[RecordedRun], name: str) -> tuple[str, ...]:
    last: dict[str, str] = {}
    for run in runs:
        if run.product(name) is not None:
            last[run.step] = run.id
    return tuple(last.values())


def _put(tree: Tree, name: str, part: str | None, content: Content | None) -> None:
    if part is None:
        if content is None:
            tree.pop(name, None)
        else:
            tree[name] = content
        return
    before = tree.get(name, {})
    keys = {} if isinstance(before, str) else dict(before)
    if part == "#order":
        order = str(content).split(",")
        keys = {key: keys[key] for key in order}
    elif content is None:
        keys.pop(part, None)
    else:
        keys[part] = str(content)
    tree[name] = keys
