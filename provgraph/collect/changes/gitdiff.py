"""What git says differs between two commits, or between a commit and the working tree."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from provgraph.collect.gitstate import ask_git, find_repository
from provgraph.errors import CannotAnswer, UsageError
from provgraph.model.checks import Lines
from provgraph.model.names import name_of, path_of

MODIFIED = "modified"
ADDED = "added"
DELETED = "deleted"
RENAMED = "renamed"
MODE = "mode"
LINK = "link"
SUBMODULE = "submodule"

# Where a branch's main line is looked for, best first.
MAIN_LINES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
_LINKED, _SUBMODULE = "120000", "160000"
_TO_RUN, _NOT_TO_RUN = ("100644", "100755"), ("100755", "100644")
# So many new files of the working tree are hashed to find out which of them only moved.
MOST_HASHED = 500


@dataclass(frozen=True, slots=True)
class FileChange:
    """One tracked (or new) file that differs. Modes as git writes them; blobs "" where unknown."""

    name: str
    how: str
    was: str = ""
    modes: tuple[str, str] = ("", "")
    blobs: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Span:
    """The two ends of a comparison: commits in full, `head` "" for the working tree.

    `asked` is the base as it was named; `base` the commit from which the branches diverged.
    """

    asked: str
    base: str
    head: str


def span_of(
    root: Path, *, base: str | None, head: str | None, environ: Mapping[str, str] | None = None
) -> Span:
    """Find what to compare: head with where it left the base; `head` None: the working tree.

    Raises UsageError for a ref that isn't there, CannotAnswer outside git, in a conflict, or where
    a shallow clone doesn't reach the base.
    """
    if find_repository(root.resolve()) is None:
        raise CannotAnswer(
            "a merge check compares two commits, and this project is not in a git repository",
            hint="`git init`; without git, `provgraph status` compares files with the record",
        )
    tip = _commit(root, head or "HEAD", of="head")
    if head is None and (torn := _lines(root, "ls-files", "--unmerged", "-z", "--", ".")):
        name = name_of(torn[0].partition(b"\t")[2])
        raise CannotAnswer(
            f"{name} is in conflict: what would be merged isn't decided",
            hint="resolve the conflicts first, or name a commit: --head REF",
        )
    asked = base or _usual_base(root, os.environ if environ is None else environ)
    found = _commit(root, asked, of="base")
    return Span(asked, _fork_point(root, asked, found, tip), "" if head is None else tip)


def _commit(root: Path, ref: str, *, of: str) -> str:
    said = ask_git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
    )
    if said.code or not said.out.strip():
        if ref == "HEAD":
            raise CannotAnswer("there is no commit yet to compare with", hint="commit something")
        deepen = "; this clone is shallow: `git fetch --unshallow`" if _is_shallow(root) else ""
        raise UsageError(
            f"git knows no commit «{ref}» here, which was to be the {of}",
            hint="name a branch, tag or commit of this repository; fetch it first if it is "
            f"remote (`git fetch origin BRANCH`){deepen}",
        )
    return said.out.decode("ascii", "replace").strip()


def _usual_base(root: Path, environ: Mapping[str, str]) -> str:
    """Name the base that people mean: what CI says, else the main line."""
    merge_request = environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA")
    if merge_request:
        return merge_request
    for variable in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"):
        if branch := environ.get(variable):
            return f"origin/{branch}"
    for ref in MAIN_LINES:
        said = ask_git(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
        if not said.code:
            return ref
    return "HEAD"


def _fork_point(root: Path, asked: str, base: str, head: str) -> str:
    said = ask_git(root, "merge-base", base, head)
    found = said.out.decode("ascii", "replace").split()
    if found:
        return found[0]
    if _is_shallow(root):
        raise CannotAnswer(
            f"this clone is shallow: it doesn't reach back to where the branch left {asked}",
            hint="`git fetch --unshallow`, or in CI check out with full depth (`fetch-depth: 0`, "
            "`GIT_DEPTH: 0`)",
        )
    raise CannotAnswer(
        f"{asked} and the head have no common history",
        hint="name the commit to compare with: --base COMMIT",
    )


def _is_shallow(root: Path) -> bool:
    return ask_git(root, "rev-parse", "--is-shallow-repository").out.strip() == b"true"


def changed_files(root: Path, span: Span) -> list[FileChange]:
    """List what differs, by name; files with equal bytes that moved are renamed.

    New files count in the working tree where no ignore rule names them.
    """
    raw = ("--raw", "-z", "--no-renames", "--no-abbrev", "--relative", "--ignore-submodules=dirty")
    if span.head:
        fields = _lines(root, "diff-tree", "-r", *raw, span.base, span.head, "--", ".")
    else:
        fields = _lines(root, "diff", *raw, span.base, "--", ".")
    found = [_read(head, path) for head, path in zip(fields[::2], fields[1::2], strict=True)]
    if not span.head:
        new = _lines(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
        # git lists a repository in the tree that it doesn't track with a slash at its end.
        known = {change.name for change in found}
        found += [
            FileChange(name, ADDED)
            for path in new
            if not path.endswith(b"/") and (name := name_of(path)) not in known
        ]
        found = _with_blobs(root, found)
    return _with_renames(sorted(found, key=lambda change: change.name))


def _read(head: bytes, path: bytes) -> FileChange:
    before, after, old, new, status = head.decode("ascii").removeprefix(":").split(" ")
    blobs = (old if old.strip("0") else "", new if new.strip("0") else "")
    if _SUBMODULE in (before, after):
        how = SUBMODULE
    elif status == "A":
        how = ADDED
    elif status == "D":
        how = DELETED
    elif _LINKED in (before, after):
        how = LINK
    elif old == new:
        how = MODE
    else:
        how = MODIFIED
    return FileChange(name_of(path), how, modes=(before, after), blobs=blobs)


def _with_blobs(root: Path, found: Sequence[FileChange]) -> list[FileChange]:
    """Hash, as git would, files of the working tree of which only that tells what they are."""
    gone = any(change.how == DELETED for change in found)
    unknown = [
        change
        for change in found
        if not change.blobs[1]
        and ((change.how == ADDED and gone) or change.modes in (_TO_RUN, _NOT_TO_RUN))
    ][:MOST_HASHED]
    if not unknown:
        return list(found)
    said = ask_git(root, "hash-object", "--", *(path_of(change.name) for change in unknown))
    blobs = said.out.decode("ascii", "replace").split()
    if said.code or len(blobs) != len(unknown):
        return list(found)
    known = {change.name: blob for change, blob in zip(unknown, blobs, strict=True)}
    return [_with_blob(change, known.get(change.name, "")) for change in found]


def _with_blob(change: FileChange, blob: str) -> FileChange:
    if not blob:
        return change
    same = change.how == MODIFIED and change.blobs[0] == blob
    return replace(change, blobs=(change.blobs[0], blob), how=MODE if same else change.how)


def _with_renames(found: Sequence[FileChange]) -> list[FileChange]:
    """Say of an added file which deleted one it was: only of equal bytes is that certain."""
    gone: dict[str, list[FileChange]] = {}
    for change in found:
        if change.how == DELETED:
            gone.setdefault(change.blobs[0], []).append(change)
    out = []
    moved: set[str] = set()
    for change in found:
        was = gone.get(change.blobs[1]) if change.how == ADDED and change.blobs[1] else None
        if was:
            before = was.pop(0)
            moved.add(before.name)
            out.append(replace(change, how=RENAMED, was=before.name))
        else:
            out.append(change)
    return [change for change in out if change.how != DELETED or change.name not in moved]


def changed_lines(
    root: Path, span: Span, names: Sequence[str], *, most: int = 20
) -> dict[str, tuple[Lines, ...]]:
    """Give for each of these names which lines changed, up to `most` places a file.

    Lines are those of head; where lines only went away, those of base that did.
    """
    out: dict[str, list[Lines]] = {}
    ends = (span.base, span.head) if span.head else (span.base,)
    # Whatever the person's own settings are, and starting none of the programs they name.
    options: tuple[str, ...] = (
        "--unified=0",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        "--no-renames",
    )
    options += ("--relative", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short")
    for start in range(0, len(names), 500):
        paths = [f":(literal){path_of(name)}" for name in names[start : start + 500]]
        said = ask_git(root, "diff", *options, *ends, "--", *paths)
        _read_hunks(said.out.split(b"\n"), out, most)
    return {name: tuple(places) for name, places in out.items()}


def _read_hunks(lines: Iterable[bytes], out: dict[str, list[Lines]], most: int) -> None:
    """Read `@@ -a,b +c,d @@` below each file's header; the lines of a hunk are counted off."""
    name, old, inside = "", "", 0
    for line in lines:
        if inside and line[:1] in (b"-", b"+"):
            inside -= 1
        elif line.startswith(b"--- "):
            old = _header_name(line[4:])
        elif line.startswith(b"+++ "):
            name = _header_name(line[4:]) or old
        elif line.startswith(b"@@ -") and name:
            _, before, after = line.split(b" ")[:3]
            (first, count), (gone, removed) = _range(after), _range(before)
            inside = count + removed
            places = out.setdefault(name, [])
            if inside and len(places) < most:
                here = Lines(name, first, first + count - 1)
                there = Lines(name, gone, gone + removed - 1, "base")
                places.append(here if count else there)


def _header_name(text: bytes) -> str:
    text = text.rstrip(b"\t\r")
    if text == b"/dev/null":
        return ""
    if text.startswith(b'"'):  # git quotes what has quotes, tabs or newlines in it
        text = text[1:-1].decode("unicode_escape").encode("latin-1")
    return name_of(text.partition(b"/")[2])


def _range(text: bytes) -> tuple[int, int]:
    first, _, count = text[1:].partition(b",")
    return int(first), int(count) if count else 1


def _lines(root: Path, *arguments: str) -> list[bytes]:
    said = ask_git(root, *arguments)
    if said.code:
        raise CannotAnswer(f"git can't compare: {said.problem}", hint="`git status` may say more")
    return list(filter(None, said.out.split(b"\0")))
