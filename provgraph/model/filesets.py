"""Sets of files: many files that a run read or wrote below one directory, listed by one manifest.

A manifest lists exactly which contents they were. It is an object of the ledger, named by its
bytes, so that runs which touched the same files share it. `fold` makes sets of what a run used and
produced, `unfold` gives that back as it was; nothing else knows what a manifest looks like:

    {"format":"provgraph/manifest/1","root":"data/img","count":3,"names":29,"sizes":[7,7,9]}
    00001.png NUL 00002.png NUL 00003.png       names below the root, sorted: 29 bytes
    <32 bytes> <32 bytes> <32 bytes>            their BLAKE3 digests

The first line is JSON. `sizes` is left out where none is known; `digests` holds them in words, one
for all or a list, where they aren't all `b3:`.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from typing import Any, NamedTuple, TypeVar

from provgraph.model.digests import ABSENT, content_digest, identity
from provgraph.model.names import is_uri
from provgraph.model.records import FileSet, Product, RunRecord, Use

FORMAT = "provgraph/manifest/1"
ID = "set:"
ABOVE = 1_000  # as many files below one directory stay what they are

# What stands among touched parts for the digest of each file.
EACH = "each"

INPUT, OUTPUT = "input", "output"  # the roles of what is folded
_UNKNOWN = "unknown"
_SURROUNDINGS = frozenset({"environment", "platform"})  # the uses that come last in a record
_RAW = 32
_HEX = frozenset("0123456789abcdef")

Said = TypeVar("Said", Use, Product)
Manifests = Callable[[str], "Sequence[Member] | None"]


class Member(NamedTuple):
    """A file of a set: the content that it had."""

    name: str
    digest: str
    size: int | None = None


def set_id(project: str, manifest: str, maker: str | None) -> str:
    """Name a set of generations: its manifest, and the run that made them all, or nobody seen."""
    return ID + identity("file-set", project, manifest, maker or "")


def shown_root(root: str) -> str:
    """Give the name that a set has in the graph; no file's ends so."""
    return f"{root or '.'}/"


def touched_of(pattern: Mapping[str, str], digest: str) -> dict[str, str]:
    """Give what was touched of a file of a set."""
    return {part: digest if what == EACH else what for part, what in pattern.items()}


def fold(record: RunRecord, *, above: int = ABOVE) -> tuple[RunRecord, dict[str, bytes]]:
    """Fold what a run used and produced where a directory has more than `above` of it.

    Gives the manifests by digest, too. The deepest such directories become the roots, so that runs
    which read one of several folders share its set. Only what is alike in every respect but name
    and content is folded, which includes who made it; what the run read and wrote is left.
    """
    read, kept_uses = _folded(record.uses, _alike_uses(record), above)
    made, kept_products = _folded(record.produces, _alike_products(record), above)
    if not read and not made:
        return record, {}
    folded = replace(
        record,
        uses=kept_uses,
        produces=kept_products,
        read_sets=tuple(one for one, _ in read),
        made_sets=tuple(one for one, _ in made),
        done=record.way() if any(one.maker_step is not None for one, _ in read) else None,
    )
    return folded, {one.manifest: data for one, data in (*read, *made)}


def unfold(record: RunRecord, manifests: Manifests) -> RunRecord:
    """Give a record with all that its sets stand for; one without its manifest stays a set."""
    if not record.read_sets and not record.made_sets:
        return record
    lost_read, read = _opened(record.read_sets, manifests, _use)
    lost_made, made = _opened(record.made_sets, manifests, _product)
    uses = record.uses
    last = next((n for n, use in enumerate(uses) if use.role in _SURROUNDINGS), len(uses))
    return replace(
        record,
        uses=(*merge(uses[:last], *read, key=_name), *uses[last:]),
        produces=tuple(merge(record.produces, *made, key=_name)),
        read_sets=lost_read,
        made_sets=lost_made,
    )


def encode(root: str, members: Sequence[Member]) -> bytes:
    """Write a manifest; the members are sorted, and all below the root."""
    cut = len(root) + 1 if root else 0
    names = "\0".join(member.name[cut:] for member in members).encode("utf-8", "surrogatepass")
    header: dict[str, Any] = {"format": FORMAT, "root": root, "count": len(members)}
    header["names"] = len(names)
    sizes = [member.size for member in members]
    if any(size is not None for size in sizes):
        header["sizes"] = sizes
    digests = [member.digest for member in members]
    raw = b""
    if all(map(_is_plain, digests)):
        raw = bytes.fromhex("".join(digest[3:] for digest in digests))
    else:
        header["digests"] = digests[0] if len(set(digests)) == 1 else digests
    head = json.dumps(header, ensure_ascii=False, separators=(",", ":"))
    return head.encode("utf-8", "surrogatepass") + b"\n" + names + raw


def decode(data: bytes) -> list[Member]:
    """Read a manifest; raises ValueError for what is none."""
    head, newline, rest = data.partition(b"\n")
    try:
        header: dict[str, Any] = json.loads(head.decode("utf-8", "surrogatepass"))
        if not newline or header["format"] != FORMAT:
            raise ValueError(head[:80])
        root, count, length = header["root"], header["count"], header["names"]
        names = rest[:length].decode("utf-8", "surrogatepass").split("\0")
        if root:
            names = [f"{root}/{name}" for name in names]
        said = header.get("digests")
        if len(rest) != length + (_RAW * count if said is None else 0):
            raise ValueError(len(rest))
        if said is None:
            text = rest[length:].hex()
            digests = [f"b3:{text[n : n + 2 * _RAW]}" for n in range(0, len(text), 2 * _RAW)]
        else:
            digests = said if isinstance(said, list) else [said] * count
        sizes = header.get("sizes") or [None] * count
        members = list(map(Member._make, zip(names, digests, sizes, strict=True)))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"it is no manifest of a set of files, or cut short: {error!r}") from error
    return members


def _name(said: Use | Product) -> str:
    return said.name


def _is_plain(digest: str) -> bool:
    return len(digest) == 3 + 2 * _RAW and digest.startswith("b3:") and _HEX.issuperset(digest[3:])


def _may_be_folded(name: str) -> bool:
    """Tell whether a name has directories: `outside:…` says nothing of any."""
    return "\0" not in name and (not is_uri(name) or "://" in name)


def _alike_uses(record: RunRecord) -> list[tuple[FileSet, list[Use]]]:
    """Sort the uses that may be folded by what they have in common: a set still to be filled."""
    changed = {product.name for product in record.produces} | set(record.removed)
    times = Counter(use.name for use in record.uses)
    found: dict[Any, list[Use]] = defaultdict(list)
    for use in record.uses:
        if (
            use.role == INPUT
            and use.touched
            and not (use.writers or use.kind or use.kept)
            and use.digest not in (ABSENT, _UNKNOWN)
            and use.maker != record.run
            and times[use.name] == 1
            and use.name not in changed
            and EACH not in use.touched.values()
            and _may_be_folded(use.name)
        ):
            pattern = tuple(
                (part, EACH if digest == use.digest else digest)
                for part, digest in use.touched.items()
            )
            found[use.evidence, pattern, use.maker, use.maker_step].append(use)
    return [
        (_empty(evidence=evidence, touched=dict(pattern), maker=maker, maker_step=step), uses)
        for (evidence, pattern, maker, step), uses in found.items()
    ]


def _alike_products(record: RunRecord) -> list[tuple[FileSet, list[Product]]]:
    read = {use.name for use in record.uses}
    times = Counter(product.name for product in record.produces)
    found: dict[Any, list[Product]] = defaultdict(list)
    for product in record.produces:
        if (
            product.role == OUTPUT
            and product.mode == "write"
            and not (product.parts or product.kind)
            and product.digest != _UNKNOWN
            and times[product.name] == 1
            and product.name not in read
            and _may_be_folded(product.name)
        ):
            found[product.evidence].append(product)
    return [(_empty(evidence=evidence), several) for evidence, several in found.items()]


def _empty(**given: Any) -> FileSet:
    return FileSet(root="", manifest="", count=0, **given)


def _folded(
    said: Sequence[Said], alike: Iterable[tuple[FileSet, list[Said]]], above: int
) -> tuple[list[tuple[FileSet, bytes]], tuple[Said, ...]]:
    """Give the sets with their manifests, and what is in none."""
    sets: list[tuple[FileSet, bytes]] = []
    folded: set[int] = set()
    for empty, several in alike:
        for root, below in _roots(several, above) if len(several) > above else ():
            members = sorted(Member(one.name, one.digest, one.size) for one in below)
            data = encode(root, members)
            sizes = [member.size for member in members if member.size is not None]
            one = replace(
                empty,
                root=root,
                manifest=content_digest(data),
                count=len(members),
                size=sum(sizes) if sizes else None,
            )
            sets.append((one, data))
            folded.update(map(id, below))
    return sets, tuple(one for one in said if id(one) not in folded)


def _roots(several: Iterable[Said], above: int) -> Iterator[tuple[str, list[Said]]]:
    """Give the deepest directories with more than so many, each with those not yet below one."""
    waiting: dict[int, dict[str, list[Said]]] = defaultdict(lambda: defaultdict(list))
    for one in several:
        directory = _above(one.name)
        if directory is not None:
            waiting[_depth(directory)][directory].append(one)
    for depth in range(max(waiting, default=-1), -1, -1):
        for directory, below in sorted(waiting[depth].items()):
            if len(below) > above:
                yield directory, below
                continue
            higher = _above(directory)
            if higher is not None:
                waiting[_depth(higher)][higher] += below


def _above(name: str) -> str | None:
    """Give the directory of a name; None for that of the project, or of a host's files."""
    if not name or (is_uri(name) and name.count("/") <= 2):
        return None
    return name.rpartition("/")[0]


def _depth(directory: str) -> int:
    return directory.count("/") + 1 if directory else 0


def _opened(
    sets: Iterable[FileSet], manifests: Manifests, made: Callable[[Member, FileSet], Said]
) -> tuple[tuple[FileSet, ...], list[list[Said]]]:
    """Give the sets whose manifests are lost, and what the others stand for."""
    lost: list[FileSet] = []
    opened: list[list[Said]] = []
    for one in sets:
        members = manifests(one.manifest)
        if members is None:
            lost.append(one)
        else:
            opened.append([made(member, one) for member in members])
    return tuple(lost), opened


def _use(member: Member, of: FileSet) -> Use:
    return Use(
        name=member.name,
        digest=member.digest,
        maker=of.maker,
        maker_step=of.maker_step,
        role=INPUT,
        evidence=of.evidence,
        touched=touched_of(of.touched, member.digest),
        size=member.size,
    )


def _product(member: Member, of: FileSet) -> Product:
    return Product(
        name=member.name,
        digest=member.digest,
        role=OUTPUT,
        evidence=of.evidence,
        size=member.size,
    )
