"""Hash what lies at a path: whole content, its parts, and a stat cache that misses no change.

A value that git doesn't publish has keyed digests, `k:…`, made from the plain digest: a key holder
needn't have the bytes at hand to turn one into the other. Such are an untracked `Config`, and any
text in which secrets were found and that isn't committed as it lies there: with all else known, a
plain digest would let a short secret be found by trying. Comparing with a recorded digest is done
in that digest's scheme (`like=`).

Longer than most modules: the cache's rules of trust stand beside the hashing they are about.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

from provgraph.collect import columns, modules
from provgraph.collect import parts as cut
from provgraph.collect.cache import user_cache
from provgraph.collect.secrets import Redactor
from provgraph.model import digests, kinds
from provgraph.model.digests import ABSENT, content_digest, identity, keyed_digest
from provgraph.model.names import name_of
from provgraph.model.parts import BYTES, IMPORTS, LISTING, SYNTAX

AnyPath = str | bytes | os.PathLike[str]
P = TypeVar("P", bound=AnyPath)

_CHUNK = 1 << 20
_LARGE = 32 << 20  # from here on one file is hashed with all cores
_MANY = 64  # from so many files on they are read by several threads
_SEARCHED = 1 << 20  # a text larger than this isn't searched for secrets when it is hashed
# Texts that people write secrets into: configs and sources, by the end of their names or whole.
_TEXT_KINDS = (kinds.CONFIG, kinds.SCRIPT)
_TEXT_NAMES = {
    row.glob.removeprefix("**/") for row in kinds.DEFAULT_KINDS if row.gives in _TEXT_KINDS
}
_TEXTS = cut.KEYED | {name[1:].lower() for name in _TEXT_NAMES if name.startswith("*.")}
_NAMED_TEXTS = {name for name in _TEXT_NAMES if not name.startswith("*")}
# What stat and open say of a path where nothing can be.
GONE = {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}


# A change is settled when a later one has a later time: file systems count in steps of up to 10 ms,
# old ones of 2 s.
_SETTLED = 50_000_000  # ns
_SETTLED_OLD = 2_500_000_000
_SECOND = 1_000_000_000


class Changing(OSError):
    """A file that changed while it was being hashed, twice in a row."""


class TooLarge(OSError):
    """A file that is larger than what is kept."""


class Stamp(NamedTuple):
    """What identifies a state of a file: any write, and any `utime`, gives a new `changed`."""

    device: int
    inode: int
    size: int
    modified: int
    changed: int


class Contents:
    """What lies at paths. Relative paths are taken from `root`; the current directory never counts.

    `key` is the project key. `limit` is the size in bytes above which a file is neither cut into
    parts (they are the whole) nor kept. `published` tells by name whether git tracks a file,
    `committed` whether it has it as it lies there; `noise` which entries of a directory don't count
    in its listing. `redactor` finds secrets by the project's rules.
    """

    def __init__(
        self,
        root: Path,
        key: bytes,
        cache: StatCache | None = None,
        limit: int = 64 << 20,
        *,
        published: Callable[[str], bool] = lambda _name: True,
        committed: Callable[[str], bool] = lambda _name: True,
        redactor: Redactor | None = None,
        noise: Callable[[str], bool] = lambda _name: False,
        table: Sequence[kinds.Pattern] = kinds.DEFAULT_KINDS,
    ) -> None:
        self.root = root
        self.key = key
        self._top = os.path.join(os.fspath(root), "")
        self._cache = cache
        self._limit = limit
        self._published = published
        self._committed = committed
        self._redactor = redactor or Redactor(key)
        self._revealing: dict[str, tuple[Stamp, bool]] = {}
        self._key_id = digests.key_id(key)
        self._own_texts = [
            row.glob for row in table if row.gives in _TEXT_KINDS and row not in kinds.DEFAULT_KINDS
        ]
        self._noise = noise
        self._table = table
        self._configs = [row.glob for row in table if row.gives == kinds.CONFIG]
        self._listings: dict[str, tuple[tuple[int, int, int], str]] = {}

    # -- whole files -------------------------------------------------------------------------

    def digest(self, path: AnyPath, *, like: str | None = None) -> tuple[str, int] | None:
        """Give (digest, size) of a regular file; None where there is none.

        A directory, a pipe or a device is no file: None too (`part(path, LISTING)` names a
        directory). Links are followed. Raises OSError when it can't be read, Changing when it
        doesn't hold still.
        """
        found = self.digests([path], like=like)[path]
        if isinstance(found, OSError):
            raise found
        return found

    def digests(
        self, paths: Iterable[P], *, like: str | None = None
    ) -> dict[P, tuple[str, int] | OSError | None]:
        """Give for many paths what `digest` gives or raises for each."""
        wanted = {path: self.absolute(path) for path in paths}
        plain = self.plain(list(wanted.values()))
        found: dict[P, tuple[str, int] | OSError | None] = {}
        for path, full in wanted.items():
            seen = plain[full]
            found[path] = (
                (self._as(like, full, seen[0]), seen[1]) if isinstance(seen, tuple) else seen
            )
        return found

    def plain(self, paths: Sequence[str]) -> dict[str, tuple[str, int] | OSError | None]:
        """Give the plain digests (`b3:`, never keyed) of absolute paths; of the same result type.

        They are for comparing on this machine; what is written down goes through `digests`.
        """
        found: dict[str, tuple[str, int] | OSError | None] = {}
        stamps: dict[str, Stamp] = {}
        for path in paths:
            try:
                seen = _stamp(path)
            except OSError as error:
                found[path] = error
            else:
                if seen is None:
                    found[path] = None
                else:
                    stamps[path] = seen
        known = self._known(stamps) if self._cache and stamps else {}
        for path, digest in known.items():
            found[path] = (digest, stamps[path].size)
        missing = [path for path in stamps if path not in known]
        hashed = self._hash_all(missing, stamps)
        for path, result in hashed.items():
            found[path] = (result.digest, result.size) if isinstance(result, _Hashed) else result
        if self._cache and hashed:
            self._cache.keep(
                {
                    path: row._replace(
                        digest=self._sealed(path, row.digest, path, *map(str, row.stamp))
                    )
                    for path, row in hashed.items()
                    if isinstance(row, _Hashed)
                }
            )
        return found

    def _known(self, stamps: Mapping[str, Stamp]) -> dict[str, str]:
        """Give what the cache has of files that are as they were."""
        assert self._cache
        known: dict[str, str] = {}
        for path, kept in self._cache.find(stamps).items():
            digest: str | None = kept
            if kept.startswith("s:") or self._may_reveal(path):
                digest = self._unsealed(path, kept, path, *map(str, stamps[path]))
            if digest is not None:
                known[path] = digest
        return known

    def _sealed(self, path: str, digest: str, *about: str) -> str:
        """Give a digest as the cache may hold it, which outlives what a file held.

        `about` is what it is the digest of, so that no two are mixed with the same pad.
        """
        if not self._may_reveal(path):
            return digest
        data = digest.encode()
        pad = digests.keyed_pad(self.key, len(data), *about)
        return f"s:{self._key_id}:{bytes(a ^ b for a, b in zip(data, pad, strict=True)).hex()}"

    def _unsealed(self, path: str, kept: str, *about: str) -> str | None:
        """Give a digest back; None where it was kept under another key, or as it mustn't be."""
        if not self._may_reveal(path):
            return None if kept.startswith("s:") else kept
        if not kept.startswith(f"s:{self._key_id}:"):
            return None
        data = bytes.fromhex(kept.rpartition(":")[2])
        pad = digests.keyed_pad(self.key, len(data), *about)
        return bytes(a ^ b for a, b in zip(data, pad, strict=True)).decode()

    def keyed(self, digest: str) -> str:
        """Turn a plain digest into the keyed one of this project's key; `absent` stays."""
        return digest if digest == ABSENT else keyed_digest(self.key, digest.encode())

    def forms(self, digest: str) -> tuple[str, ...]:
        """Give every way in which a plain digest may have been recorded here."""
        return digest, self.keyed(digest)

    # -- parts -------------------------------------------------------------------------------

    def part(self, path: AnyPath, part: str, *, like: str | None = None) -> str:
        """Give the digest of a part of what lies at a path; `absent` where it isn't there.

        A directory has its listing, whatever is asked, and `#imports:…`. Raises as `digest` does.
        """
        full = self.absolute(path)
        mode = _mode(full)
        if mode is None:
            return ABSENT
        if stat.S_ISDIR(mode) and part.startswith(IMPORTS):
            return modules.imports_in(full, part)
        if stat.S_ISDIR(mode):
            return self._listing(full)
        if part == LISTING or part.startswith(IMPORTS):
            return ABSENT
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not a regular file", full)
        if part not in (BYTES, SYNTAX) and _is_table(full):
            return self._as(like, full, self._of_table(full, [part])[part])
        return self._as(like, full, self._derived(full, part, cut.part_digest))

    def columns(self, path: AnyPath, parts: Collection[str]) -> dict[str, str]:
        """Give the digests of parts of a table, as `part` does of each; empty where it is none."""
        full = self.absolute(path)
        if not _is_table(full):
            return {}
        found = self._of_table(full, parts)
        return {part: self._as(None, full, digest) for part, digest in found.items()}

    def _listing(self, full: str) -> str:
        """Give a directory's listing: the last one, where nothing was added or removed since."""
        seen = os.stat(full)
        now = (seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns)
        known = self._listings.get(full)
        if known is not None and known[0] == now:
            return known[1]
        digest = cut.listing_digest(full, lambda entry: self._noise(self.name(entry)))
        fine = seen.st_ctime_ns % _SECOND
        settled = time.time_ns() - seen.st_ctime_ns > (_SETTLED if fine else _SETTLED_OLD)
        if settled and not _has_links(full):
            self._listings[full] = (now, digest)
        return digest

    def code_parts(self, path: AnyPath) -> dict[str, str]:
        """Give the digests of a source's functions and body (`parts.code_parts`)."""
        full = self.absolute(path)
        found = cut.code_parts(full, self.read(full))
        if found and self._reveals(full):
            return {part: self.keyed(digest) for part, digest in found.items()}
        return found

    def product_parts(self, path: AnyPath) -> dict[str, str]:
        """Give the digests of all keys of a small config-like file (`parts.product_parts`)."""
        full = self.absolute(path)
        seen = _stamp(full)
        if seen is None or seen.size > cut.PRODUCT_BYTES:
            return {}
        found = cut.product_parts(full, self.read(full))
        if not self.may_be_named(found):
            return {}
        if found and (self._private(full) or self._reveals(full)):
            return {part: self.keyed(digest) for part, digest in found.items()}
        return found

    def syntax_safe(self, path: AnyPath) -> bool:
        """Tell whether comments and docstrings of a source surely change nothing; see `parts`."""

        def judge(_path: str, data: bytes, _part: str) -> str:
            return "yes" if cut.syntax_safe(data) else "no"

        return self._derived(self.absolute(path), "?syntax-safe", judge) == "yes"

    def keep(self, path: AnyPath) -> bytes:
        """Give a file's bytes for the ledger, secrets redacted; TooLarge above the limit."""
        return self._redactor.data(self.read(self.absolute(path)))

    def may_be_named(self, parts: Iterable[str]) -> bool:
        """Tell whether names of parts hold no secrets; else a file counts as a whole."""
        names = "\n".join(parts)
        return self._redactor.text(names) == names

    def as_recorded(self, path: AnyPath, digest: str) -> str:
        """Give a digest that was taken earlier in the form in which it may be written down."""
        plain = digest.startswith("b3:") and self._private(self.absolute(path))
        return self.keyed(digest) if plain else digest

    def read(self, path: AnyPath) -> bytes:
        """Give a regular file's bytes as they were at one moment; TooLarge above the limit."""
        collected: list[bytes] = []
        full = self.absolute(path)
        seen = _stamp(full)
        if seen is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), full)
        if seen.size > self._limit:
            raise TooLarge(errno.EFBIG, os.strerror(errno.EFBIG), full)
        _hash(full, collected)
        return b"".join(collected)

    # -- paths -------------------------------------------------------------------------------

    def absolute(self, path: AnyPath) -> str:
        """Give a path as an absolute string."""
        return os.path.join(self._top, os.fsdecode(path))

    def name(self, path: str) -> str:
        """Give the name of an absolute path in the project; outside it, the path itself."""
        return name_of(path.removeprefix(self._top))

    def is_noise(self, name: str) -> bool:
        """Tell whether a name in the project doesn't count in a listing."""
        return self._noise(name)

    def _private(self, path: str) -> bool:
        name = self.name(path)
        return (
            any(kinds.matches(glob, name) for glob in self._configs)
            and kinds.kind_of(name, produced=False, table=self._table) == kinds.CONFIG
            and not (path.startswith(self._top) and self._published(name))
        )

    def _may_reveal(self, path: str) -> bool:
        """Tell by its name whether a file is a text that people write secrets into."""
        name = path[path.rfind("/") + 1 :]
        bare = name.lstrip(".")  # a dot in front begins no ending
        dot = bare.rfind(".")
        if (dot >= 0 and bare[dot:].lower() in _TEXTS) or name in _NAMED_TEXTS:
            return True
        return bool(self._own_texts) and any(
            kinds.matches(glob, self.name(path)) for glob in self._own_texts
        )

    def _reveals(self, path: str) -> bool:
        """Tell whether secrets stand in a text that isn't committed as it lies there."""
        name = self.name(path)
        if path.startswith(self._top) and self._committed(name):
            return False
        if not self._may_reveal(path):
            return False
        stamp = _stamp(path)
        if stamp is None or stamp.size > _SEARCHED:
            return False
        known = self._revealing.get(path)
        if known is None or known[0] != stamp:
            data = self.read(path)
            known = self._revealing[path] = (stamp, self._redactor.data(data) != data)
        return known[1]

    def _as(self, like: str | None, path: str, digest: str) -> str:
        if like in (None, ABSENT):
            keyed = self._private(path) or self._reveals(path)
        else:
            keyed = str(like).startswith("k:")
        return self.keyed(digest) if keyed else digest

    def _derived(self, path: str, part: str, derive: Callable[[str, bytes, str], str]) -> str:
        """Work a part out from a file's content, or find what was worked out for it before."""
        if part == BYTES or (seen := _stamp(path)) is None or seen.size > self._limit:
            found = self.plain([path])[path]
            if isinstance(found, OSError):
                raise found
            return ABSENT if found is None else found[0]
        tag = f"{part}\0{os.path.splitext(path)[1].lower()}\0{_RULES}"
        if self._cache:
            whole = self.plain([path])[path]
            if isinstance(whole, tuple):
                place = self._place(path, whole[0])
                known = self._cache.derived([place], tag)
                plain = self._unsealed(path, known[place], whole[0], tag) if known else None
                if plain is not None:
                    return plain
        data = self.read(path)
        found_part = derive(path, data, part)
        if self._cache:
            whole_digest = content_digest(data)
            sealed = self._sealed(path, found_part, whole_digest, tag)
            self._cache.keep_derived({self._place(path, whole_digest): sealed}, tag)
        return found_part

    def _of_table(self, path: str, parts: Collection[str]) -> dict[str, str]:
        """Work out parts of a table of any size, which is read where it lies; Changing as `plain`.

        Raises `columns.NoReader` where that takes a package that isn't installed.
        """
        tags = {part: f"{part}\0table\0{_RULES}" for part in parts}
        for _ in range(2):
            seen, whole = _stamp(path), self.plain([path])[path]
            if isinstance(whole, OSError):
                raise whole
            if whole is None:
                return dict.fromkeys(parts, ABSENT)
            found: dict[str, str] = {}
            for part, tag in tags.items():
                known = self._cache.derived([whole[0]], tag) if self._cache else {}
                if known:
                    found[part] = known[whole[0]]
            missing = [part for part in parts if part not in found]
            cut_now = columns.column_digests(path, missing) if missing else {}
            if seen != _stamp(path):
                continue
            for part, digest in cut_now.items():
                found[part] = digest or whole[0]
                if self._cache:
                    self._cache.keep_derived({whole[0]: found[part]}, tags[part])
            return found
        raise Changing(errno.EAGAIN, "Changed while it was read", path)

    def _place(self, path: str, digest: str) -> str:
        """Give under what the cache has that which was derived from a content."""
        return self.keyed(digest) if self._may_reveal(path) else digest

    # -- hashing -----------------------------------------------------------------------------

    def _hash_all(
        self, paths: Sequence[str], stamps: Mapping[str, Stamp]
    ) -> dict[str, _Hashed | OSError | None]:
        small = [path for path in paths if stamps[path].size < _LARGE]
        found: dict[str, _Hashed | OSError | None] = {}
        if len(small) >= _MANY and (os.cpu_count() or 1) > 1:
            from concurrent.futures import ThreadPoolExecutor

            threads = min(8, os.cpu_count() or 1)
            size = -(-len(small) // (threads * 4))
            batches = [small[start : start + size] for start in range(0, len(small), size)]
            with ThreadPoolExecutor(threads) as pool:
                for batch in pool.map(lambda batch: {p: _hashed(p) for p in batch}, batches):
                    found |= batch
        else:
            found = {path: _hashed(path) for path in small}
        found |= {path: _hashed(path) for path in paths if path not in found}
        return found


# Part of the key of whatever is derived from content: goes up when a rule in `parts.py` changes.
_RULES = f"2/{sys.version_info.major}.{sys.version_info.minor}"


class _Hashed(NamedTuple):
    digest: str
    size: int
    stamp: Stamp
    began: int  # ns since 1970, before the first byte was read


def _hashed(path: str) -> _Hashed | OSError | None:
    try:
        return _hash(path)
    except OSError as error:
        return None if error.errno in GONE else error


def _hash(path: str, collect: list[bytes] | None = None) -> _Hashed:
    """Hash a regular file that holds still; Changing when it doesn't in two attempts."""
    for _ in range(2):
        began = time.time_ns()
        # A pipe put in the file's place must not block us.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            before = _stamp_of(os.fstat(descriptor))
            if before is None:
                raise OSError(errno.EINVAL, "Not a regular file", path)
            hasher = digests.hasher(threads=before.size >= _LARGE)
            size = 0
            if collect is not None:
                collect.clear()
            # Read, not mapped: a mapped file that is truncated meanwhile kills the process.
            while chunk := os.read(descriptor, _CHUNK):
                hasher.update(chunk)
                size += len(chunk)
                if collect is not None:
                    collect.append(chunk)
            after = _stamp_of(os.fstat(descriptor))
        finally:
            os.close(descriptor)
        # Files of /proc have a size of 0 and more to read.
        if after == before == _stamp(path) and size == (before.size or size):
            return _Hashed("b3:" + hasher.hexdigest(), size, before, began)
    raise Changing(errno.EAGAIN, "Changed while it was read", path)


def _stamp(path: str) -> Stamp | None:
    """Stat a regular file, links followed; None where there is none."""
    try:
        return _stamp_of(os.stat(path))
    except ValueError:  # a NUL in the path
        return None
    except OSError as error:
        if error.errno in GONE:
            return None
        raise


def _stamp_of(seen: os.stat_result) -> Stamp | None:
    if not stat.S_ISREG(seen.st_mode):
        return None
    return Stamp(seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except ValueError:
        return None
    except OSError as error:
        if error.errno in GONE:
            return None
        raise


# -- the cache -----------------------------------------------------------------------------------

# Where a file's status change time can be trusted to move with every change, and by how many ns
# it may lag behind the clock (git's racy rule). Anywhere else nothing is remembered.
_TICK = 100_000_000
_TRUSTED = dict.fromkeys(
    "apfs bcachefs btrfs ext2 ext3 ext4 f2fs overlay ramfs tmpfs xfs zfs".split(), _TICK
) | dict.fromkeys("ceph lustre nfs nfs4".split(), 60_000_000_000)  # clocks of two machines
_WHOLE_SECONDS = 2_100_000_000  # an inode format without fractions
_SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
  path BLOB PRIMARY KEY, device INTEGER, inode INTEGER, size INTEGER, modified INTEGER,
  changed INTEGER, digest TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS derived (content TEXT, part TEXT, digest TEXT,
  PRIMARY KEY (content, part)) WITHOUT ROWID;
"""
_FIND = (
    "SELECT path, device, inode, size, modified, changed, digest FROM file WHERE path IN ({marks})"
)
_FIND_DERIVED = "SELECT content, digest FROM derived WHERE part = ? AND content IN ({marks})"
_MOST = 256 << 20  # a cache file larger than this is begun anew
_BATCH = 900


def cache_folder(root: Path, environ: Mapping[str, str] | None = None) -> Path:
    """Give the folder of the user's cache for a project: `~/.cache/provgraph/<hash of root>`."""
    return user_cache(environ) / identity("cache", os.path.realpath(root), size=8)


class StatCache:
    """Digests by (path, device, inode, size, mtime, ctime), shared by processes of one host.

    It may be deleted at any time, and whatever goes wrong with it, files are hashed instead. Not
    seen is a write through a memory map that was already dirty when the file was hashed.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._connection: sqlite3.Connection | None = None
        self._broken = False
        self._lock = threading.Lock()

    @classmethod
    def of_project(cls, root: Path, environ: Mapping[str, str] | None = None) -> StatCache:
        """Give the cache of a project on this host."""
        host = identity("host", os.uname().nodename, size=4)
        return cls(cache_folder(root, environ) / f"stat-{host}.sqlite")

    def find(self, stamps: Mapping[str, Stamp]) -> dict[str, str]:
        """Give the digests of those files that are as they were when hashed."""
        found: dict[str, str] = {}
        by_path = {os.fsencode(path): path for path in stamps}
        wanted = list(by_path)
        with self._using() as connection:
            for start in range(0, len(wanted) if connection else 0, _BATCH):
                batch = wanted[start : start + _BATCH]
                query = _FIND.format(marks=",".join("?" * len(batch)))
                assert connection
                for row in connection.execute(query, batch):
                    path = by_path[row[0]]
                    stamp, there = stamps[path], row[1:6]
                    if stamp == there or _signed(stamp) == there:
                        found[path] = row[6]
        return found

    def keep(self, hashed: Mapping[str, _Hashed]) -> None:
        """Remember digests, but of no file so fresh that a later write might leave its stamp."""
        rows = [
            (os.fsencode(path), *_signed(row.stamp), row.digest)
            for path, row in hashed.items()
            if self._settled(path, row)
        ]
        with self._using() as connection:
            if connection and rows:
                with connection:
                    connection.executemany("REPLACE INTO file VALUES (?,?,?,?,?,?,?)", rows)

    def derived(self, contents: Sequence[str], part: str) -> dict[str, str]:
        """Give, by content, what was derived from it before, such as the digest of a part."""
        found: dict[str, str] = {}
        with self._using() as connection:
            for start in range(0, len(contents) if connection else 0, _BATCH):
                batch = contents[start : start + _BATCH]
                query = _FIND_DERIVED.format(marks=",".join("?" * len(batch)))
                assert connection
                found |= connection.execute(query, (_text(part), *batch)).fetchall()
        return found

    def keep_derived(self, found: Mapping[str, str], part: str) -> None:
        """Remember by content what follows from it; true for ever."""
        rows = [(content, _text(part), digest) for content, digest in found.items()]
        with self._using() as connection:
            if connection and rows:
                with connection:
                    connection.executemany("REPLACE INTO derived VALUES (?,?,?)", rows)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            if self._connection:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.close()
            self._connection = None

    def __del__(self) -> None:
        """Close what was forgotten: from Python 3.13 on an open file is complained of."""
        connection = getattr(self, "_connection", None)
        if connection:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    @contextlib.contextmanager
    def _using(self) -> Iterator[sqlite3.Connection | None]:
        """Hand out the connection, or None; the cache's errors end its use, not the caller's."""
        with self._lock:
            connection = None
            try:
                connection = self._open()
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
            try:
                yield connection
            except (sqlite3.Error, OSError, OverflowError) as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Go on without the cache, for good unless it was only busy."""
        self._broken = not (isinstance(error, sqlite3.OperationalError) and "locked" in str(error))
        if self._connection:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None
        if type(error) is sqlite3.DatabaseError:  # not a database, or a damaged one
            _remove(self.file)

    def _open(self) -> sqlite3.Connection | None:
        if self._broken or self._connection:
            return None if self._broken else self._connection
        folder = self.file.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            if self.file.stat().st_size > _MOST:
                _remove(self.file)
        connection = sqlite3.connect(self.file, timeout=2, check_same_thread=False)
        self._connection = connection
        if connection.execute("PRAGMA user_version").fetchone()[0] != 1:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_SCHEMA + "PRAGMA user_version=1;")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _settled(self, path: str, row: _Hashed) -> bool:
        margin = self._margins.margin(path, row.stamp.device)
        if margin is None:
            return False
        if row.stamp.changed % 1_000_000_000 == 0:
            margin = max(margin, _WHOLE_SECONDS)
        return max(row.stamp.modified, row.stamp.changed) < row.began - margin

    @cached_property
    def _margins(self) -> _Mounts:
        return _Mounts()


class _Mounts:
    """The mounted file systems, and how much each one's timestamps may lag."""

    def __init__(self) -> None:
        self._by_device: dict[int, str] = {}
        self._by_place: list[tuple[str, str]] = []
        self._margins: dict[int, int | None] = {}
        try:
            lines = Path("/proc/self/mountinfo").read_bytes().decode(errors="replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            fields, _, rest = line.partition(" - ")
            _, _, device, _, place = fields.split(" ")[:5]
            major, _, minor = device.partition(":")
            system = rest.split(" ")[0]
            self._by_device[os.makedev(int(major), int(minor))] = system
            self._by_place.append((place.replace("\\040", " "), system))
        self._by_place.sort(key=lambda row: len(row[0]))

    def margin(self, path: str, device: int) -> int | None:
        """Give the lag in ns to reckon with, or None where timestamps can't be trusted."""
        if sys.platform == "darwin":
            return _TICK
        if device not in self._margins:
            system = self._by_device.get(device)
            if system is None:  # btrfs and overlay give files devices that aren't mounts
                real = os.path.realpath(path)
                places = [
                    system
                    for place, system in self._by_place
                    if real.startswith(os.path.join(place, ""))
                ]
                system = places[-1] if places else ""
            self._margins[device] = _TRUSTED.get(system)
        return self._margins[device]


def _signed(stamp: Stamp) -> tuple[int, ...]:
    """Fit inode numbers of the upper half into what SQLite can hold."""
    return tuple((number + 2**63) % 2**64 - 2**63 for number in stamp)


def _text(part: str) -> str:
    return part.encode("utf-8", "surrogatepass").hex() if not part.isascii() else part


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(OSError):
            os.unlink(f"{file}{suffix}")


def _is_table(path: str) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        size = os.fstat(descriptor).st_size
        return columns.is_table(
            os.pread(descriptor, 4, 0), os.pread(descriptor, 4, max(size - 4, 0))
        )
    except OSError:
        return False
    finally:
        os.close(descriptor)


def _has_links(directory: str) -> bool:
    """Tell whether entries may become another sort while the directory stays: links may."""
    with os.scandir(directory) as entries:
        return any(entry.is_symlink() for entry in entries)
