"""What git knows: commit, branch, remotes, tracked and changed files, the content of a ref.

HEAD, branch and remotes are read from git's files; tracked and changed files take one git process
each, started before and read after the watched command. Nothing here writes to the repository.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from provgraph.collect.secrets import Redactor
from provgraph.errors import UsageError
from provgraph.model.names import name_of

# Set by git for its hooks; they would make it look elsewhere than at the project.
_HOOK_VARIABLES = (
    *"GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX GIT_COMMON_DIR GIT_NAMESPACE".split(),
    *"GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_QUARANTINE_PATH".split(),
)
# No lock on the index, no program started because a config says so.
_QUIET = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false")
_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


@dataclass(frozen=True, slots=True)
class GitState:
    """What git said. Names are those below the project's root.

    `dirty` is None when git couldn't say (`problem` has its words); `changed` are tracked names
    that differ from the commit, `tracked` all tracked names.
    """

    commit: str | None = None
    branch: str | None = None
    dirty: bool | None = None
    changed: frozenset[str] = frozenset()
    tracked: frozenset[str] = frozenset()
    remotes: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where git keeps a repository: its work tree, its own folder, the one worktrees share."""

    top: Path
    folder: Path
    common: Path


def find_repository(root: Path) -> Repository | None:
    """Find the repository a directory is in; None outside any."""
    for above in (root, *root.parents):
        dot = above / ".git"
        try:
            folder = dot if dot.is_dir() else _pointed_at(dot)
        except OSError:
            continue
        if folder is not None and (folder / "HEAD").exists():
            shared = _line(folder / "commondir")
            return Repository(above, folder, (folder / shared).resolve() if shared else folder)
    return None


def head_of(repository: Repository) -> tuple[str | None, str | None]:
    """Give (commit, branch): no commit before the first one, no branch when HEAD is detached."""
    head = _line(repository.folder / "HEAD")
    if not head.startswith("ref: "):
        return (head if _HEX.match(head) else None), None
    reference = head.removeprefix("ref: ").strip()
    branch = reference.removeprefix("refs/heads/")
    if branch == ".invalid":  # refs kept as a reftable
        return _ask_head(repository)
    for folder in (repository.folder, repository.common):
        commit = _line(folder / reference)
        if _HEX.match(commit):
            return commit, branch
    with contextlib.suppress(OSError):
        for line in (repository.common / "packed-refs").read_bytes().splitlines():
            commit, _, name = line.decode("utf-8", "surrogateescape").partition(" ")
            if name == reference:
                return commit, branch
    return None, branch


def remotes_of(repository: Repository, redactor: Redactor) -> dict[str, str]:
    """Give name → URL of the remotes, without credentials."""
    found: dict[str, str] = {}
    try:
        text = (repository.common / "config").read_text("utf-8", "surrogateescape")
    except OSError:
        return found
    remote = None
    for line in text.splitlines():
        section = re.match(r'\s*\[\s*([\w.-]+)\s*(?:"((?:[^"\\]|\\.)*)")?\s*\]', line)
        if section:
            remote = section[2] if section[1].lower() == "remote" else None
            line = line[section.end() :]  # noqa: PLW2901 - the rest of the line counts too
        setting = re.match(r"\s*url\s*=\s*(.*?)\s*(?:[#;].*)?\Z", line, re.IGNORECASE)
        if remote and setting:
            found.setdefault(remote, redactor.url(setting[1].strip('"')))
    return found


class GitWatch:
    """Asks git about a project while something else goes on: construct early, `state` late."""

    def __init__(self, root: Path, redactor: Redactor) -> None:
        self._root = root
        self._repository = find_repository(root.resolve())
        self._asked: list[_Asked] = []
        if self._repository:
            status = ("status", "--porcelain=v2", "-z", "--untracked-files=no", "--no-renames")
            self._asked = [
                _Asked(root, "ls-files", "-z"),
                _Asked(root, *status, "--ignore-submodules=untracked"),
            ]
            self._head = head_of(self._repository)
            self._remotes = remotes_of(self._repository, redactor)

    @property
    def repository(self) -> Repository | None:
        """The repository, if the project is in one."""
        return self._repository

    def state(self, patience: float | None = 60.0) -> GitState:
        """Give what git said, waiting up to `patience` seconds for it; asks nothing twice."""
        if not self._repository:
            return GitState()
        tracked, status = (asked.answer(patience) for asked in self._asked)
        commit, branch = self._head
        problem = tracked.problem or status.problem
        top = os.path.relpath(self._root.resolve(), self._repository.top)
        changed, dirty = _changed(status.fields, "" if top == os.curdir else f"{top}/")
        return GitState(
            commit=commit,
            branch=branch,
            dirty=None if status.problem else dirty,
            changed=frozenset(changed),
            tracked=frozenset(name_of(path) for path in tracked.fields),
            remotes=self._remotes,
            problem=problem,
        )

    def close(self) -> None:
        """Stop asking."""
        for asked in self._asked:
            asked.stop()


def git_state(root: Path, redactor: Redactor) -> GitState:
    """Ask git about a project and wait for the answer."""
    return GitWatch(root, redactor).state()


@dataclass(frozen=True, slots=True)
class _Said:
    fields: tuple[bytes, ...] = ()
    problem: str = ""


class _Asked:
    """One git process; a thread drains it, so that it never waits for us."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self._said = _Said(problem="git didn't answer")
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = _start(root, arguments)
        except OSError as error:
            self._said = _Said(problem=f"git can't be started: {error.strerror or error}")
            return
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def answer(self, patience: float | None) -> _Said:
        if self._process:
            self._thread.join(patience)
            self.stop()
        return self._said

    def stop(self) -> None:
        if self._process and self._process.poll() is None and self._thread.is_alive():
            self._process.kill()
            self._thread.join()
            self._said = _Said(problem="git took too long")

    def _drain(self) -> None:
        assert self._process
        out, problem = self._process.communicate()
        if self._process.returncode:
            words = problem.decode("utf-8", "replace").strip().splitlines() or ["git failed"]
            self._said = _Said(problem=words[0])
        else:
            self._said = _Said(tuple(filter(None, out.split(b"\0"))))


def _changed(fields: Iterable[bytes], top: str) -> tuple[list[str], bool]:
    """Read `git status --porcelain=v2 -z`: names below the project's root, and if any at all."""
    names: list[str] = []
    dirty = False
    prefix = os.fsencode(top)
    skip = False
    for line in fields:
        if skip:
            skip = False
            continue
        columns = {b"1": 8, b"2": 9, b"u": 10}.get(line[:1])
        if columns is None or line[1:2] != b" ":
            continue
        skip = line[:1] == b"2"  # followed by the name it had
        dirty = True
        path = line.split(b" ", columns)[columns]
        if path.startswith(prefix):
            names.append(name_of(path[len(prefix) :]))
    return names, dirty


# -- content of a ref ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A tracked file of a commit: `mode` as git writes it (`120000` is a link)."""

    mode: str
    blob: str


class RefTree:
    """The files of a commit below the project's root, and their content."""

    def __init__(self, root: Path, ref: str) -> None:
        self._root = root
        self._batch: subprocess.Popen[bytes] | None = None
        self.ref = ref
        self.commit = _ask(root, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", ref=ref)
        listed = _ask_bytes(root, "ls-tree", "-r", "-z", self.commit, ref=ref)
        self.entries: dict[str, TreeEntry] = {}
        for line in filter(None, listed.split(b"\0")):
            head, _, path = line.partition(b"\t")
            mode, _, blob = head.decode("ascii").split(" ")
            self.entries[name_of(path)] = TreeEntry(mode, blob)

    def content(self, blob: str) -> bytes:
        """Give a blob's bytes; OSError when git can't (a partial clone without its remote)."""
        return next(iter(self.contents([blob])))[1]

    def contents(self, blobs: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Give blobs' bytes, one git process for all."""
        process = self._started()
        assert process.stdin
        assert process.stdout
        for blob in blobs:
            try:
                process.stdin.write(blob.encode("ascii") + b"\n")
                process.stdin.flush()
                header = process.stdout.readline().split()
                if len(header) != 3 or header[1] != b"blob":
                    raise OSError(f"git has no content for {blob}")
                data = _exactly(process.stdout, int(header[2]) + 1)[:-1]
            except (BrokenPipeError, EOFError) as error:
                self.close()
                raise OSError(f"git stopped at {blob}") from error
            yield blob, data

    def close(self) -> None:
        """End the git process, if one runs."""
        if self._batch:
            process, self._batch = self._batch, None
            with contextlib.suppress(OSError):
                process.communicate()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._batch is None:
            self._batch = _start(self._root, ("cat-file", "--batch"), stdin=subprocess.PIPE)
        return self._batch


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


# -- git itself ----------------------------------------------------------------------------------


def _start(
    root: Path, arguments: Iterable[str], *, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    environ = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    environ["LC_ALL"] = "C"
    environ["GIT_TERMINAL_PROMPT"] = "0"
    errors = subprocess.PIPE if stdin == subprocess.DEVNULL else subprocess.DEVNULL
    return subprocess.Popen(
        ["git", *_QUIET, "-C", os.fspath(root), *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=environ,
        # Ctrl-C is for the watched command; git is stopped by us.
        start_new_session=True,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a git command said: its exit status, its output, its first complaint."""

    code: int
    out: bytes
    problem: str = ""


def ask_git(root: Path, *arguments: str) -> Answer:
    """Ask git and wait; UsageError only where git itself can't be started."""
    try:
        process = _start(root, arguments)
        out, problem = process.communicate()
    except OSError as error:
        raise UsageError(f"git can't be started: {error}", hint="install git") from error
    words = problem.decode("utf-8", "replace").strip().splitlines()
    return Answer(process.returncode, out, words[0] if words else "")


def _ask(root: Path, *arguments: str, ref: str) -> str:
    return _ask_bytes(root, *arguments, ref=ref).decode("utf-8", "surrogateescape").strip()


def _ask_bytes(root: Path, *arguments: str, ref: str) -> bytes:
    try:
        process = _start(root, arguments)
        out, problem = process.communicate()
    except OSError as error:
        raise UsageError(f"git can't be started: {error}", hint="install git") from error
    if process.returncode:
        words = problem.decode("utf-8", "replace").strip()
        raise UsageError(
            f"git knows no commit «{ref}» here" + (f": {words}" if words else ""),
            hint="name a branch, tag or commit of this repository; fetch it first if it is remote",
        )
    return out


def _ask_head(repository: Repository) -> tuple[str | None, str | None]:
    try:
        commit = _ask(repository.top, "rev-parse", "--verify", "--quiet", "HEAD", ref="HEAD")
    except UsageError:
        commit = ""
    try:
        branch = _ask(repository.top, "symbolic-ref", "--quiet", "--short", "HEAD", ref="HEAD")
    except UsageError:
        branch = ""
    return commit or None, branch or None


def _pointed_at(dot: Path) -> Path | None:
    """Follow a `.git` file, as worktrees and submodules have."""
    line = _line(dot)
    return (dot.parent / line.removeprefix("gitdir: ")) if line.startswith("gitdir: ") else None


def _line(path: Path) -> str:
    try:
        return path.read_bytes().split(b"\n", 1)[0].decode("utf-8", "surrogateescape").strip()
    except (OSError, ValueError):
        return ""


def quiet_git(root: Path, *arguments: str) -> bytes | None:
    """Ask git something about the repository a directory is in; None where it can't say."""
    process = _start(root, arguments)
    out, _ = process.communicate()
    return None if process.returncode else out
