"""Set up a merge check: read what git says differs, and make the two viewpoints of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache as cache_of
from pathlib import Path

from provgraph.collect.changes import pointers
from provgraph.collect.changes.gitdiff import (
    DELETED,
    LINK,
    RENAMED,
    SUBMODULE,
    FileChange,
    Span,
    changed_files,
)
from provgraph.collect.changes.installed import Installed, PackageChange, package_changes
from provgraph.collect.changes.listings import Listings
from provgraph.collect.changes.packages import (
    PackageFile,
    Unreadable,
    is_package_file,
    read_packages,
)
from provgraph.collect.changes.pointers import Pointer
from provgraph.collect.changes.sides import Known, Side, Witness
from provgraph.collect.content import Contents, StatCache
from provgraph.collect.gitstate import RefTree
from provgraph.collect.worktree import GitRef, WorkingTree
from provgraph.errors import UsageError
from provgraph.model.digests import content_digest
from provgraph.model.names import is_uri, name_of, path_of, under

# A file larger than this isn't cut into parts, nor read as a list of packages.
LARGEST = 16 << 20


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the comparison has to know of the ledger: the names in it, and which runs make."""

    names: Collection[str]
    made: Collection[str]


@dataclass
class Comparison:
    """Two states of a project, and what differs between them.

    `pointed` maps names whose content a changed pointer or link stands for to that file's name.
    `notes` say of files what kept them from being read in parts.
    """

    span: Span
    files: Sequence[FileChange]
    packages: Sequence[PackageChange]
    installed: Installed
    listings: Listings
    before: Side
    after: Side
    pointed: Mapping[str, str]
    notes: Mapping[str, str]
    _blobs: _Blobs
    _resolvers: Sequence[Callable[[str], str]]

    def contents(self, change: FileChange) -> tuple[bytes | None, bytes | None]:
        """Give a file's content on both sides; None where it isn't there or too large."""
        return self._blobs.of(change, after=False), self._blobs.of(change, after=True)

    def aliases(self, names: Collection[str]) -> dict[str, list[str]]:
        """Map tracked names to those of these by which links lead to them, on either side."""
        out: dict[str, list[str]] = {}
        for name in names if self._resolvers else ():
            for real in {resolve(name) for resolve in self._resolvers} - {name}:
                out.setdefault(real, []).append(name)
        return out

    def close(self) -> None:
        """End the git processes."""
        self._blobs.close()


def compare_states(
    root: Path,
    span: Span,
    contents: Contents,
    cache: StatCache,
    recorded: Recorded,
    disk: WorkingTree,
) -> Comparison:
    """Compare a commit with another one, or with the working tree `disk`."""
    files = changed_files(root, span)
    old = RefTree(root, span.base)
    new = RefTree(root, span.head) if span.head else None
    base = GitRef(root, span.base, contents, cache, tree=old)
    head = GitRef(root, span.head, contents, cache, tree=new) if new is not None else None
    blobs = _Blobs(root, old, new)
    after_modes = _modes_after(old, new, files)
    linked = _any_links(old, after_modes)
    resolve = (
        (cache_of(_resolver(base)), cache_of(_resolver(head) if head else _on_disk(root)))
        if linked
        else (str, str)
    )
    listings = Listings(
        {name: entry.mode for name, entry in old.entries.items()},
        after_modes,
        resolve=resolve,
        others=[*_untracked(recorded, old.entries, after_modes), *_lying(root, old.entries, span)],
        noise=contents.is_noise,
    )
    notes: dict[str, str] = {}
    packages, others = _packages(files, after_modes, blobs, notes)
    installed = Installed(packages, others)
    pointing = _Pointing(root, contents, recorded, blobs, base, head)
    pointed = pointing.read(files)
    tracked = old.entries.keys() | after_modes.keys()
    differing = {one for change in files for one in (change.name, change.was)}

    def is_loose_source(name: str) -> bool:
        return name not in differing and name not in recorded.made

    def counts_on_disk(name: str) -> bool:
        return name not in recorded.made or name in tracked or not disk.is_absent(name)

    gone = {c.was if c.how == RENAMED else c.name for c in files if c.how in (DELETED, RENAMED)}
    fresh = after_modes.keys() - old.entries.keys() - set(recorded.made)
    both: list[Witness] = [] if head else [(disk, is_loose_source)]
    here: list[Witness] = [(head, lambda _: True)] if head else [(disk, counts_on_disk)]
    forms = contents.forms
    known_before = Known(frozenset(fresh), pointing.before, pointing.after, forms)
    known_after = Known(
        frozenset(gone if head else {name for name in gone if disk.is_absent(name)}),
        {name: found for name, found in pointing.after.items() if name not in pointing.lying},
        pointing.before,
        forms,
    )

    def side(label: str, witnesses: Sequence[Witness], known: Known, *, after: bool) -> Side:
        return Side(label, witnesses, known, listings=listings, installed=installed, after=after)

    return Comparison(
        span=span,
        files=files,
        packages=packages,
        installed=installed,
        listings=listings,
        before=side(base.label, [(base, lambda _: True), *both], known_before, after=False),
        after=side(head.label if head else disk.label, here, known_after, after=True),
        pointed=pointed,
        notes=notes,
        _blobs=blobs,
        _resolvers=resolve if linked else (),
    )


def _modes_after(old: RefTree, new: RefTree | None, files: Sequence[FileChange]) -> dict[str, str]:
    """Map the names that head has to their modes; of the working tree, git's own and new ones."""
    if new is not None:
        return {name: entry.mode for name, entry in new.entries.items()}
    out = {name: entry.mode for name, entry in old.entries.items()}
    for change in files:
        if change.how == RENAMED:
            out.pop(change.was, None)
        if change.how == DELETED:
            out.pop(change.name, None)
        else:
            out[change.name] = change.modes[1] or "100644"
    return out


def _untracked(
    recorded: Recorded, before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[str]:
    for name in recorded.made:
        if not is_uri(name) and name not in before and name not in after:
            yield name


def _lying(root: Path, tracked: Mapping[str, object], span: Span) -> Iterator[str]:
    """Give what else lies in the folders of the working tree, where that is compared."""
    if span.head:
        return
    folders = {os.path.dirname(path_of(name)) for name in tracked}
    for folder in folders:
        try:
            with os.scandir(root / folder) as entries:
                for entry in entries:
                    if not entry.is_dir(follow_symlinks=False):
                        yield name_of(os.path.join(folder, entry.name))
        except OSError:
            continue


def _any_links(old: RefTree, after: Mapping[str, str]) -> bool:
    return "120000" in after.values() or any(e.mode == "120000" for e in old.entries.values())


def _resolver(ref: GitRef) -> Callable[[str], str]:
    return lambda name: ref.real_name(name) or name


def _on_disk(root: Path) -> Callable[[str], str]:
    top = os.path.realpath(root)

    def resolve(name: str) -> str:
        real = os.path.realpath(os.path.join(top, path_of(name)))
        inside = os.path.relpath(real, top)
        return name_of(inside) if not inside.startswith(os.pardir) else name

    return resolve


class _Blobs:
    """Gives files' content on both sides, each asked once."""

    def __init__(self, root: Path, old: RefTree, new: RefTree | None) -> None:
        self._root = root
        self._old = old
        self._new = new
        self._read: dict[tuple[str, bool], bytes | None] = {}

    def of(self, change: FileChange, *, after: bool) -> bytes | None:
        name = change.was if change.how == RENAMED and not after else change.name
        return self.at(name, after=after)

    def at(self, name: str, *, after: bool) -> bytes | None:
        if (name, after) not in self._read:
            self._read[name, after] = self._find(name, after)
        return self._read[name, after]

    def _find(self, name: str, after: bool) -> bytes | None:
        tree = self._new if after else self._old
        try:
            if tree is None:
                path = self._root / path_of(name)
                return path.read_bytes() if path.stat().st_size <= LARGEST else None
            entry = tree.entries.get(name)
            if entry is None or not entry.mode.startswith("100"):
                return None
            data = tree.content(entry.blob)
        except (OSError, ValueError):
            return None
        return data if len(data) <= LARGEST else None

    def close(self) -> None:
        self._old.close()
        if self._new is not None:
            self._new.close()


def _packages(
    files: Sequence[FileChange], after: Mapping[str, str], blobs: _Blobs, notes: dict[str, str]
) -> tuple[list[PackageChange], dict[str, PackageFile]]:
    """Read the package files that changed, and, if any did, those that didn't."""
    changed = [
        change
        for change in files
        if is_package_file(change.name) or (change.was and is_package_file(change.was))
    ]
    out: list[PackageChange] = []
    for change in changed:
        sides: list[PackageFile | None] = []
        problem = ""
        for late in (False, True):
            name = change.was if change.how == RENAMED and not late else change.name
            data = blobs.of(change, after=late) if is_package_file(name) else None
            try:
                sides.append(read_packages(name, data) if data is not None else None)
            except Unreadable as error:
                problem = str(error).partition("\n")[0]
                sides.append(None)
        if problem:
            notes[change.name] = f"can't be read as a list of packages ({problem})"
        out += package_changes(change.name, sides[0], sides[1], problem)
    others: dict[str, PackageFile] = {}
    names = {change.name for change in files}
    for name in after if out else ():
        if name not in names and is_package_file(name):
            data = blobs.at(name, after=True)
            try:
                others[name] = read_packages(name, data or b"")
            except Unreadable:
                continue
    return out, others


@dataclass
class _Pointing:
    """Finds what changed pointers, links and submodules stand for, on both sides."""

    root: Path
    store: Contents
    recorded: Recorded
    blobs: _Blobs
    base: GitRef
    head: GitRef | None
    before: dict[str, str | None] = field(default_factory=dict)
    after: dict[str, str | None] = field(default_factory=dict)
    lying: set[str] = field(default_factory=set)

    def read(self, files: Sequence[FileChange]) -> dict[str, str]:
        """Fill `before` and `after`; gives name → the file that stands for it."""
        out: dict[str, str] = {}
        for change in files:
            if change.how == SUBMODULE:
                names = self._below(change.name)
                self._read_submodule(change, names)
            elif change.how == LINK or change.modes[0] != change.modes[1] != "":
                names = self._unseen(self._below(change.name))
                for name in names:
                    self.before[name] = self.after[name] = None
            elif pointers.is_pointer_file(change.name):
                names = self._read_dvc(change)
            else:
                names = self._read_lfs(change)
            out.update(dict.fromkeys(names, change.name))
        return out

    def _below(self, name: str) -> list[str]:
        return [one for one in self.recorded.names if one == name or under(one, name)]

    def _unseen(self, names: Sequence[str]) -> list[str]:
        """Keep the names of which head's commit can't say what lies there."""
        head = self.head
        return [] if head is None else [n for n in names if not head.has_word(n)]

    def _read_dvc(self, change: FileChange) -> list[str]:
        found: tuple[dict[str, Pointer], dict[str, Pointer]] = ({}, {})
        whole: list[str] = []
        for late in (False, True):
            data = self.blobs.of(change, after=late)
            try:
                several = pointers.dvc_pointers(change.name, data) if data is not None else []
            except ValueError:
                # What it stood for is known from the other side, and may be anything now.
                several = []
            for pointer in several:
                if pointer.folder:
                    members = pointers.members(self.root, pointer)
                    whole += [] if members is not None else [pointer.name]
                    for name, hash_ in (members or {}).items():
                        found[late][name] = Pointer(name, "md5", hash_)
                else:
                    found[late][pointer.name] = pointer
        moved = {
            name
            for name in found[0].keys() | found[1].keys()
            if found[0].get(name) != found[1].get(name)
        }
        known = set(self.recorded.names)
        names = [name for name in sorted(moved) if name in known]
        for name in names:
            self.before[name] = self._content(found[0].get(name))
            self.after[name] = self._content(found[1].get(name))
        for name in (one for folder in dict.fromkeys(whole) for one in self._below(folder)):
            if name not in self.after:
                self.before[name] = self.after[name] = None
                names.append(name)
        return names

    def _content(self, pointer: Pointer | None) -> str | None:
        path = pointers.content_of(self.root, pointer) if pointer is not None else None
        if path is None:
            return None
        seen = self.store.plain([os.fspath(path)])[os.fspath(path)]
        return seen[0] if isinstance(seen, tuple) else None

    def _read_lfs(self, change: FileChange) -> list[str]:
        if change.name not in self.recorded.names:
            return []
        several = [
            pointers.lfs_pointer(change.name, data) if data is not None else None
            for data in (self.blobs.of(change, after=False), self.blobs.of(change, after=True))
        ]
        if several == [None, None]:
            return []
        for late, side in ((False, self.before), (True, self.after)):
            pointer = several[late]
            side[change.name] = (
                self._content(pointer) if pointer else self._plain(change, after=late)
            )
        # A working tree that has the content itself speaks for itself.
        if self.head is None and several[1] is None:
            self.lying.add(change.name)
        return [change.name]

    def _plain(self, change: FileChange, *, after: bool) -> str | None:
        if after and self.head is None:
            path = os.fspath(self.root / path_of(change.name))
            seen = self.store.plain([path])[path]
            return seen[0] if isinstance(seen, tuple) else None
        data = self.blobs.of(change, after=after)
        return content_digest(data) if data is not None else None

    def _read_submodule(self, change: FileChange, names: Sequence[str]) -> None:
        """Compare the two commits of a submodule where both are here."""
        trees: list[RefTree | None] = []
        for blob in change.blobs:
            try:
                trees.append(RefTree(self.root / path_of(change.name), blob) if blob else None)
            except UsageError:
                trees.append(None)
        if self.head is None:  # what lies in the working tree speaks for itself
            self.lying.update(names)
        for name in names:
            inside = name.removeprefix(change.name).removeprefix("/")
            for tree, side in zip(trees, (self.before, self.after), strict=True):
                entry = tree.entries.get(inside) if tree is not None else None
                side[name] = None
                if tree is not None and entry is not None and entry.mode.startswith("100"):
                    side[name] = content_digest(tree.content(entry.blob))
        for tree in trees:
            if tree is not None:
                tree.close()
