"""Viewpoints that need files: the working tree, and a commit of git.

Both answer from what they saw when a name was first asked about, so that one question is judged
by one state. `prepare` looks at many names at once.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from provgraph.analysis.viewpoint import Verdict, Wanted
from provgraph.collect import hardware
from provgraph.collect import parts as cut
from provgraph.collect.content import GONE, Changing, Contents, StatCache
from provgraph.collect.environment import Environments, prefixes, this_host
from provgraph.collect.outside import outside_name
from provgraph.collect.system.present import Present
from provgraph.model.digests import ABSENT, EMPTY, comparable, content_digest, key_id
from provgraph.model.names import is_uri, name_of, path_of
from provgraph.model.parts import BYTES, EXISTS, IMPORTS, LISTING, SYNTAX, still_there

if TYPE_CHECKING:
    from provgraph.collect.gitstate import RefTree

_MOST_LINKS = 40  # as the kernel follows
_NOT_KNOWN = "unknown"  # recorded where content couldn't be had: it compares with nothing
Sort = Literal["file", "directory", "absent", "other", "unreadable"]


@dataclass(frozen=True, slots=True)
class _Present:
    """What lies at a name now; `digest` is plain, of a file."""

    sort: Sort
    path: str
    digest: str = ""


class WorkingTree:
    """What lies in the working tree, and on this machine, now.

    `titles` are those recorded of `env:…` and `outside:…` names: where they lie, which counts if
    the name shows that it is said of this machine. `outside` finds the path of an `outside:…` name
    in another way (None: another machine's).
    `environments` and `host` answer for `env:…` and `hardware:…` names of this machine. Names whose
    content couldn't be had are in `unreadable`, those that didn't hold still in `changing`.
    """

    label = "working tree"

    def __init__(
        self,
        root: Path,
        contents: Contents,
        *,
        titles: Mapping[str, str] | None = None,
        outside: Callable[[str], str | None] | None = None,
        environments: Environments | None = None,
        host: str | None = None,
    ) -> None:
        key = contents.key
        self._top = os.path.join(os.fspath(root), "")
        self._contents = contents
        self._key = key
        self._key_id = key_id(key)
        self._titles = titles or {}
        self._outside = outside or self._titled
        self._environments = environments or Environments(
            root,
            key,
            host=host,
            known=prefixes(titles or {}, root),
            system=Present(_digest_by(contents)),
        )
        self._host = host
        self._seen: dict[str, _Present | None] = {}
        self._parts: dict[tuple[str, str, bool], str | None] = {}
        self.unreadable: set[str] = set()
        self.changing: set[str] = set()

    def has_word(self, name: str) -> bool:
        """Know every name in the project, and the names of this machine."""
        if name.startswith("env:"):
            return self._environments.has(name)
        if name.startswith("hardware:"):
            return name == hardware.hardware_name(key=self._key, host=self._host)
        return self._path(name) is not None

    def is_absent(self, name: str) -> bool:
        """Tell whether nothing lies there."""
        present = self._present(name)
        return present is not None and present.sort == "absent"

    def whole(self, name: str, candidates: Collection[str]) -> str | None:
        """Give which of these recorded whole digests lies there."""
        if name.startswith("env:"):
            digest = self._environments.present_whole(name)
            return digest if digest in candidates else None
        present = self._present(name)
        if present is None:
            return None
        return next((one for one in candidates if self._is_whole(name, present, one)), None)

    def is_sure(self, name: str, candidates: Collection[str]) -> bool:
        """Tell whether a None of `whole` means that none of them lies there."""
        present = self._present(name)
        if present is None or present.sort == "unreadable":
            return False
        return present.sort != "file" or not any(map(self._foreign, candidates))

    def compare(self, name: str, part: str, digest: str, *, whole: str | None = None) -> Verdict:
        """Compare a part as recorded with what lies there now."""
        if is_uri(name) and name.startswith(("env:", "hardware:")):
            return self._compare_machine(name, part, digest)
        present = self._present(name)
        if present is None or present.sort == "unreadable":
            return Verdict.UNKNOWN if present is None else Verdict.UNREADABLE
        if present.sort == "absent":
            return _verdict(digest == ABSENT)
        if part == EXISTS:
            return _verdict(still_there(digest, empty=_is_empty(present)))
        of_folder = part == LISTING or part.startswith(IMPORTS)
        if not of_folder and whole is not None and self._is_whole(name, present, whole):
            return Verdict.SAME
        if present.sort == "other" or (present.sort == "directory") != of_folder:
            return Verdict.DIFFERENT
        if part == BYTES and digest == ABSENT:
            return Verdict.DIFFERENT
        if self._foreign(digest) or digest == _NOT_KNOWN:
            return Verdict.UNKNOWN
        now = self._part(name, present, part, digest)
        if now is None:
            return Verdict.UNREADABLE
        if now == digest:
            return Verdict.SAME
        if not comparable(now, digest) and part == SYNTAX and digest == present.digest:
            return Verdict.SAME  # recorded by its bytes, when it didn't parse
        return Verdict.DIFFERENT

    def prepare(self, wanted: Wanted) -> None:
        """Look at all these names at once."""
        paths: dict[str, str] = {}
        for name in wanted:
            if name not in self._seen and not name.startswith(("env:", "hardware:")):
                path = self._path(name)
                if path is None:
                    self._seen[name] = None
                else:
                    paths[name] = path
        self._look(paths)

    # -- names -------------------------------------------------------------------------------

    def _path(self, name: str) -> str | None:
        """Give the path of a name; None where this viewpoint has no word for it."""
        if is_uri(name):
            path = self._outside(name) if name.startswith("outside:") else None
            return path if path and "\0" not in path else None
        path = path_of(name) if "%" in name else name
        if not path or path.startswith("/") or "\0" in path:
            return None
        if ".." in path and os.pardir in path.split("/"):
            return None
        return self._top if path == "." else self._top + path

    def _titled(self, name: str) -> str | None:
        path = os.path.expanduser(self._titles.get(name, ""))
        if not os.path.isabs(path):
            return None
        host = self._host or this_host()
        return path if name == outside_name(self._key, host, os.fsencode(path)) else None

    def _present(self, name: str) -> _Present | None:
        if name not in self._seen:
            self.prepare({name: ()})
        return self._seen.get(name)

    def _look(self, paths: Mapping[str, str]) -> None:
        found = self._contents.plain(list(dict.fromkeys(paths.values())))
        for name, path in paths.items():
            seen = found[path]
            if isinstance(seen, tuple):
                self._seen[name] = _Present("file", path, seen[0])
            elif isinstance(seen, OSError):
                self._fail(name, seen)
            else:
                self._seen[name] = self._no_file(name, path)

    def _no_file(self, name: str, path: str) -> _Present:
        try:
            mode = os.stat(path).st_mode
        except ValueError:
            return _Present("absent", path)
        except OSError as error:
            if error.errno in GONE:
                return _Present("absent", path)
            self._fail(name, error)
            return _Present("unreadable", path)
        return _Present("directory" if stat.S_ISDIR(mode) else "other", path)

    def _fail(self, name: str, error: OSError) -> None:
        self._seen[name] = _Present("unreadable", error.filename or "")
        (self.changing if isinstance(error, Changing) else self.unreadable).add(name)

    # -- digests -----------------------------------------------------------------------------

    def _foreign(self, digest: str) -> bool:
        """Tell whether a digest is keyed with another project key."""
        return digest.startswith("k:") and not digest.startswith(f"k:{self._key_id}:")

    def _is_whole(self, name: str, present: _Present, digest: str) -> bool:
        if present.sort == "file":
            keyed = digest.startswith("k:")
            return digest == (self._contents.keyed(present.digest) if keyed else present.digest)
        if present.sort == "directory":
            return self._part(name, present, LISTING, digest) == digest
        return present.sort == "absent" and digest == ABSENT

    def _part(self, name: str, present: _Present, part: str, like: str) -> str | None:
        keyed = like.startswith("k:")
        if part == BYTES:
            return self._contents.keyed(present.digest) if keyed else present.digest
        asked = (name, part, keyed)
        if asked not in self._parts:
            try:
                plain = self._contents.part(present.path, part, like="b3:")
            except OSError as error:
                self._fail(name, error)
                self._parts[asked] = None
            else:
                self._parts[asked] = self._contents.keyed(plain) if keyed else plain
        return self._parts[asked]

    def _compare_machine(self, name: str, part: str, digest: str) -> Verdict:
        if name.startswith("env:"):
            now = self._environments.present_part(name, part)
        else:
            now = hardware.present_part(name, part, key=self._key, host=self._host)
        if now is None:
            return Verdict.UNKNOWN
        if now == digest:
            return Verdict.SAME
        return Verdict.DIFFERENT if comparable(now, digest) else Verdict.UNKNOWN


class GitRef:
    """What lies in a commit: tracked files have words, everything else has none.

    A tracked link counts as the tracked file it leads to. Git LFS pointers, submodules and links
    that lead elsewhere have no word: the commit doesn't hold what lies there.
    """

    def __init__(
        self,
        root: Path,
        ref: str,
        contents: Contents,
        cache: StatCache | None = None,
        *,
        tree: RefTree | None = None,
    ) -> None:
        from provgraph.collect.gitstate import RefTree

        self._tree = tree or RefTree(root, ref)
        self._contents = contents
        self._key_id = key_id(contents.key)
        self._cache = cache
        self._digests: dict[str, str | None] = {}
        self._names: dict[str, tuple[str, str] | None] = {}
        self._parts: dict[tuple[str, str], str] = {}
        self.unreadable: set[str] = set()

    @property
    def label(self) -> str:
        """Say which commit."""
        return f"git:{self._tree.commit[:12]}"

    @property
    def commit(self) -> str:
        """The commit in full."""
        return self._tree.commit

    def close(self) -> None:
        """End the git process."""
        self._tree.close()

    def has_word(self, name: str) -> bool:
        """Know the tracked files."""
        return self._digest(name) is not None

    def is_absent(self, name: str) -> bool:  # noqa: ARG002 - the contract's argument
        """Never know of absence: what isn't tracked may lie there."""
        return False

    def whole(self, name: str, candidates: Collection[str]) -> str | None:
        """Give which of these recorded whole digests is the tracked file's."""
        plain = self._digest(name)
        if plain is None:
            return None
        return next((one for one in candidates if self._equals(plain, one)), None)

    def is_sure(self, name: str, candidates: Collection[str]) -> bool:
        """Tell whether a None of `whole` means that none of them lies there."""
        return self._digest(name) is not None and not any(map(self._foreign, candidates))

    def compare(self, name: str, part: str, digest: str, *, whole: str | None = None) -> Verdict:
        """Compare a part as recorded with the tracked content."""
        plain = self._digest(name)
        if plain is None:
            return Verdict.UNKNOWN
        if part == EXISTS:
            return _verdict(still_there(digest, empty=plain == EMPTY))
        if part == LISTING:
            return Verdict.DIFFERENT
        if whole is not None and self._equals(plain, whole):
            return Verdict.SAME
        if self._foreign(digest) or digest == _NOT_KNOWN:
            return Verdict.UNKNOWN
        now = plain if part == BYTES else self._part(name, part)
        if now is None:
            return Verdict.UNREADABLE
        now = self._contents.keyed(now) if digest.startswith("k:") else now
        return _verdict(digest in (now, plain))

    def prepare(self, wanted: Wanted) -> None:
        """Read the blobs of all these names with one git process."""
        self._hash({entry[1] for name in wanted if (entry := self._entry(name))})

    def _entry(self, name: str) -> tuple[str, str] | None:
        """Give (name of the file that is meant, blob), links followed."""
        if name not in self._names:
            self._names[name] = self._follow(name)
        return self._names[name]

    def real_name(self, name: str) -> str | None:
        """Lead a name through tracked links, of folders too; None where they lead out of the tree.

        What it gives need not be tracked: it is where the name would be.
        """
        todo = list(reversed(os.fsencode(path_of(name)).split(b"/")))
        done: list[bytes] = []
        links = 0
        while todo:
            segment = todo.pop()
            if segment in (b"", b"."):
                continue
            if segment == b"..":
                if not done:
                    return None
                done.pop()
                continue
            entry = self._tree.entries.get(name_of(b"/".join([*done, segment])))
            if entry is None or entry.mode != "120000":
                done.append(segment)
                continue
            links += 1
            try:
                target = self._tree.content(entry.blob)
            except OSError:
                return None
            if links > _MOST_LINKS or target.startswith(b"/"):
                return None
            todo.extend(reversed(target.split(b"/")))
        return name_of(b"/".join(done)) if done else os.curdir

    def _follow(self, name: str) -> tuple[str, str] | None:
        entry = self._tree.entries.get(name)
        at: str | None = name
        if (entry is None or entry.mode == "120000") and self._has_links:
            at = self.real_name(name)
            entry = self._tree.entries.get(at) if at is not None else None
        if entry is None or at is None or entry.mode not in ("100644", "100755"):
            return None
        return at, entry.blob

    @cached_property
    def _has_links(self) -> bool:
        return any(entry.mode == "120000" for entry in self._tree.entries.values())

    def _digest(self, name: str) -> str | None:
        entry = self._entry(name)
        if entry is None:
            return None
        if entry[1] not in self._digests:
            self._hash([entry[1]])
        digest = self._digests[entry[1]]
        if digest is None:
            self.unreadable.add(name)
        return digest or None

    def _hash(self, blobs: Iterable[str]) -> None:
        missing = [blob for blob in blobs if blob not in self._digests]
        known: dict[str, str] = {}
        if self._cache and missing:
            known = self._cache.derived([f"git:{blob}" for blob in missing], BYTES)
        new: dict[str, str] = {}
        for blob in missing:
            found = known.get(f"git:{blob}")
            if found is None:
                try:
                    data = self._tree.content(blob)
                except OSError:
                    self._digests[blob] = None
                    continue
                found = new[f"git:{blob}"] = "" if _is_pointer(data) else content_digest(data)
            self._digests[blob] = found
        if self._cache:
            self._cache.keep_derived(new, BYTES)

    def _part(self, name: str, part: str) -> str | None:
        entry = self._entry(name)
        assert entry
        asked = (entry[1], f"{os.path.splitext(entry[0])[1]}\0{part}")
        if asked not in self._parts:
            try:
                data = self._tree.content(entry[1])
                self._parts[asked] = cut.part_digest(path_of(entry[0]), data, part)
            except OSError:
                self.unreadable.add(name)
                return None
        return self._parts[asked]

    def _foreign(self, digest: str) -> bool:
        return digest.startswith("k:") and not digest.startswith(f"k:{self._key_id}:")

    def _equals(self, plain: str, digest: str) -> bool:
        return digest == (self._contents.keyed(plain) if digest.startswith("k:") else plain)


def _is_pointer(data: bytes) -> bool:
    return len(data) < 1024 and data.startswith(b"version https://git-lfs.github.com/spec/")


def _digest_by(contents: Contents) -> Callable[[str], str | None]:
    def digest(path: str) -> str | None:
        found = contents.digest(path)
        return None if found is None else found[0]

    return digest


def _verdict(same: bool) -> Verdict:
    return Verdict.SAME if same else Verdict.DIFFERENT


def _is_empty(present: _Present) -> bool:
    try:
        return present.sort == "file" and not os.path.getsize(present.path)
    except OSError:
        return False
