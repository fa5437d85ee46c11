"""Find where a project's ledger lies: in git's common directory, else in `.provgraph`."""

from __future__ import annotations

from pathlib import Path

from provgraph.errors import LedgerError

OUTSIDE_GIT = ".provgraph"


def locate(root: Path) -> Path:
    """Give the ledger's directory for a project root.

    `<git common dir>/provgraph` is shared by all worktrees and safe from checkout and clean. A
    project that began outside git keeps its `.provgraph` when git comes later. Raises
    `LedgerError` where `.git` points to nothing, for a second ledger would hide the first.
    """
    root = Path(root).resolve()
    fallback = root / OUTSIDE_GIT
    common = git_common_directory(root)
    if common is None:
        return fallback
    place = common / "provgraph"
    if not (place / "FORMAT").exists() and (fallback / "FORMAT").exists():
        return fallback
    return place


def git_common_directory(root: Path) -> Path | None:
    """Give git's common directory for a directory, read as git reads it, without starting git."""
    for directory in (root, *root.parents):
        entry = directory / ".git"
        if entry.is_dir():
            git = entry
        elif entry.is_file():
            git = _pointed_to(entry)
        else:
            continue
        if not (git / "HEAD").is_file():
            if entry.is_dir():
                continue  # an empty or foreign `.git`: git walks on, and so do we
            raise LedgerError(
                f"{entry} points to {git}, which isn't a git directory",
                hint="`git worktree repair` mends a moved worktree",
            )
        return _common(git)
    return None


def _pointed_to(entry: Path) -> Path:
    """Follow a `.git` file («gitdir: …») of a worktree or submodule."""
    text = entry.read_text("utf-8", "surrogateescape")
    head, _, target = text.partition(":")
    if head != "gitdir":
        raise LedgerError(
            f"{entry} is neither a git directory nor a pointer to one",
            hint="look at the file; `git worktree repair` mends a moved worktree",
        )
    return (entry.parent / target.strip(" \n\r")).resolve()


def _common(git: Path) -> Path:
    try:
        text = (git / "commondir").read_text("utf-8", "surrogateescape")
    except FileNotFoundError:
        return git.resolve()
    return (git / text.strip("\n\r")).resolve()
