"""Exchange with a git repository, in its ref `refs/provgraph/ledger`.

All is done in a bare repository of our own, `exchange.git` in the ledger: the user's index, work
tree, refs, objects and hooks are never touched, a shallow clone is as good as any, and what is
erased leaves no copy in the user's objects. It is a cache and may be removed at any time.

A push takes the tree there, adds ours to it, and puts a commit on top, with a lease on what was
there; who loses a race starts again. An erasure puts a commit without parents instead, so that
the remote can forget the old ones.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

from provgraph.errors import LedgerError, TransportError
from provgraph.ledger.exchange import exchange_repository, forget_exchange
from provgraph.ledger.gitcommand import Git, git_failed, object_format, start
from provgraph.ledger.layout import FORMAT, check_format, parse_member
from provgraph.ledger.members import CHUNK
from provgraph.ledger.transport import BATCH, Delivery, Remote, without_credentials

REF = "refs/provgraph/ledger"
_THERE, _HERE = "refs/provgraph/there", "refs/provgraph/here"


class GitRemote(Remote):
    """The ledger on a git remote. Object ids are git's; member names are checked elsewhere."""

    def __init__(self, place: Path, url: str) -> None:
        self._place, self._url = place, url
        self._shown = without_credentials(url)
        self._open = ExitStack()
        self._tip = ""  # the commit there, "" where there is none
        self._ids: dict[str, str] = {}  # member → blob
        self._complaint = b""

    def __enter__(self) -> Self:
        directory = self._open.enter_context(exchange_repository(self._place))
        try:
            self._git = Git(directory, access_from=self._place)
            if not (directory / "HEAD").is_file():
                made = start(
                    ["git", "init", "--quiet", "--bare", "--template=",
                     f"--object-format={object_format(self._place)}", str(directory)]
                )  # fmt: skip
                if made.returncode:
                    raise git_failed(f"can't make {directory}", made.stderr)
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def sizes(self) -> dict[str, int]:
        """Fetch the commit there, without its history, and list its tree."""
        self._ids.clear()
        self._tip = self._fetch()
        if not self._tip:
            return {}
        sizes, other = {}, set()
        for line in self._git.output("ls-tree", "-rlz", "--full-tree", self._tip).split(b"\0")[:-1]:
            about, _, path = line.decode("utf-8", "surrogateescape").partition("\t")
            _, kind, blob, size = about.split()
            if kind == "blob" and parse_member(path):
                self._ids[path], sizes[path] = blob, int(size)
            else:
                other.add(path)
        if "FORMAT" not in other:
            raise TransportError(
                f"{REF} at {self._shown} is no ledger",
                hint="look at it: git ls-remote; remove it if nobody needs it",
            )
        try:
            check_format(self._git.output("cat-file", "blob", f"{self._tip}:FORMAT"), self._shown)
        except LedgerError as error:
            raise TransportError(error.message, hint=error.hint) from error
        return sizes

    def fetch(self, paths: Sequence[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Read members from the commit fetched."""
        for start_at in range(0, len(paths), BATCH):
            yield from self._read(paths[start_at : start_at + BATCH])

    def deliver(self, delivery: Delivery, step: Callable[[], None]) -> list[str] | None:
        """Push a commit with the tree there and ours in one; None when another push was first."""
        done = self._push(self._commit(delivery, step, rooted=bool(delivery.drop)))
        notes = []
        if delivery.drop:
            forget_exchange(self._place)
            if done == "refused":
                done = self._push(self._commit(delivery, lambda: None, rooted=False))
                notes.append(
                    f"{self._shown} doesn't let {REF} be rewritten: what was erased is gone from"
                    " the ledger there, but stays in the ref's history"
                )
        if done == "refused":
            raise git_failed(f"{self._shown} refuses the push", self._complaint)
        return notes if done == "done" else None

    def _fetch(self) -> str:
        fetched = self._git.run(
            *("fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head"),
            *("--", self._url, f"+{REF}:{_THERE}"),
        )
        if fetched.returncode:
            if b"couldn't find remote ref" in fetched.stderr:
                return ""
            raise git_failed(f"can't fetch from {self._shown}", fetched.stderr)
        return self._git.output("rev-parse", "--verify", _THERE).decode("ascii").strip()

    def _read(self, paths: Sequence[str]) -> Iterator[tuple[str, Iterable[bytes]]]:
        with subprocess.Popen(
            self._git.command("cat-file", "--batch"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._git.environment(),
        ) as process:
            asked, answers = _pipes(process)
            # A batch of ids fits a pipe's buffer: nobody waits for anybody.
            asked.write("".join(f"{self._ids[path]}\n" for path in paths).encode())
            asked.close()
            for path in paths:
                about = answers.readline().split()
                if len(about) != 3:
                    raise TransportError(
                        f"{path} can't be read from what {self._shown} sent",
                        hint="do it again; `git fsck` on the remote tells whether it is damaged",
                    )
                chunks = _chunks(answers, int(about[2]))
                yield path, chunks
                for _ in chunks:  # whatever wasn't wanted
                    pass
                answers.read(1)

    def _commit(self, delivery: Delivery, step: Callable[[], None], *, rooted: bool) -> str:
        """Write a commit on top of the one there, or one `rooted` in nothing with its tree."""
        with subprocess.Popen(
            self._git.command("fast-import", "--quiet", "--force", "--date-format=raw"),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=self._git.environment(),
        ) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            try:
                _write_commit(process.stdin, delivery, step, tip=self._tip, rooted=rooted,
                              tree=self._tree() if rooted and self._tip else "")  # fmt: skip
                process.stdin.close()
            except BrokenPipeError:
                pass
            except BaseException:
                process.kill()
                raise
            complaint = process.stderr.read()
        if process.returncode:
            raise git_failed("git fast-import failed", complaint)
        return self._git.output("rev-parse", "--verify", _HERE).decode("ascii").strip()

    def _tree(self) -> str:
        return self._git.output("rev-parse", f"{self._tip}^{{tree}}").decode("ascii").strip()

    def _push(self, commit: str) -> str:
        """Push; gives `done`, `lost` (another was first) or `refused` (by a hook, say)."""
        pushed = self._git.run(
            *(
                "push",
                "--quiet",
                "--porcelain",
                "--no-verify",
                f"--force-with-lease={REF}:{self._tip}",
            ),
            *("--", self._url, f"{commit}:{REF}"),
        )
        if not pushed.returncode:
            return "done"
        answer = (pushed.stdout + pushed.stderr).decode("utf-8", "replace")
        if any(words in answer for words in _LOST) and "Permission denied" not in answer:
            return "lost"
        if "[remote rejected]" in answer:
            self._complaint = pushed.stderr + pushed.stdout
            return "refused"
        raise git_failed(f"can't push to {self._shown}", pushed.stderr + pushed.stdout)


# What git says when the ref there has moved since we looked, or is being moved.
_LOST = (
    *("stale info", "fetch first", "(non-fast-forward)", "cannot lock ref", "already exists"),
    *("failed to update ref", "incorrect old value", "failed to lock", "File exists"),
)


def _write_commit(
    into: IO[bytes],
    delivery: Delivery,
    step: Callable[[], None],
    *,
    tip: str,
    rooted: bool,
    tree: str,
) -> None:
    """Speak git fast-import's language. Nothing of the user or the host goes into a commit."""
    message = f"provgraph ledger: {len(delivery.send)} more, {len(delivery.drop)} erased\n"
    into.write(
        f"feature done\nreset {_HERE}\n\ncommit {_HERE}\n"
        f"committer provgraph <provgraph@localhost> {int(time.time())} +0000\n"
        f"data {len(message)}\n{message}\n".encode()
    )
    if tip and not rooted:
        into.write(f"from {tip}\n".encode())
    elif tree:
        into.write(f'M 040000 {tree} ""\n'.encode())
    if not tip:
        into.write(b"M 100644 inline FORMAT\ndata %d\n%b\n" % (len(FORMAT), FORMAT))
    for path in delivery.drop:
        into.write(f"D {path}\n".encode())
    for path, file in delivery.send:
        with file.open("rb") as content:
            left = file.stat().st_size
            into.write(f"M 100644 inline {path}\ndata {left}\n".encode())
            while left and (chunk := content.read(min(left, CHUNK))):
                into.write(chunk)
                left -= len(chunk)
        if left:
            raise TransportError(f"{file} changed while it was sent", hint="push again")
        into.write(b"\n")
        step()
    into.write(b"\ndone\n")


def _chunks(answers: IO[bytes], left: int) -> Iterator[bytes]:
    while left and (chunk := answers.read(min(left, CHUNK))):
        left -= len(chunk)
        yield chunk


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout
