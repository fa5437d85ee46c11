"""Watch a command's Python processes by audit hooks, and say which processes nothing watched."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from provgraph.collect.noise import SYSTEM_PLACES
from provgraph.collect.secrets import Redactor
from provgraph.collect.trace import Trace
from provgraph.collect.tracing.audit.answers import Answers, Digest
from provgraph.collect.tracing.interface import Start

HOOK = Path(__file__).parent / "hook"
_FILES = (
    "sitecustomize.py",
    "finding.py",
    "columns.py",
    "options.py",
    "composed.py",
    "network.py",
)


class AuditTracer:
    """Python audit hooks, in every Python process of the tree that imports `sitecustomize`.

    `digest` hashes a file (as `Contents.digest`), up to `limit` bytes; `skip` tells the files
    whose earlier content nobody needs (streams, noise). `ignored` are more places, as prefixes of
    absolute paths, that are no data. `calls`: tell which functions of the project run. `observed`
    are configs, as absolute paths, of which it is told which keys are read. `redactor` tells the
    processes how words that may hold secrets are written down.
    """

    name = "audit"

    def __init__(
        self,
        root: Path,
        digest: Digest,
        *,
        limit: int = 512 << 20,
        skip: Callable[[bytes], bool] = lambda _path: False,
        ignored: Sequence[str] = (),
        calls: bool = False,
        observed: Sequence[str] = (),
        redactor: Redactor | None = None,
    ) -> None:
        self._root = os.path.join(os.path.realpath(root), "")
        self._digest = digest
        self._limit = limit
        self._skip = skip
        self._ignored = tuple(ignored)
        self._calls = calls
        self._observed = tuple(observed)
        self._redactor = redactor or Redactor(os.urandom(32))
        self._answers: Answers | None = None
        self._config: list[str] = []

    def prepare(
        self, base: Mapping[str, str], spool: Path, program: str, command: Sequence[str]
    ) -> Start:
        """Lay the hook into the spool, and put it in front of PYTHONPATH."""
        hook = self.lay(spool, watcher=os.getpid())
        theirs = base.get("PYTHONPATH")
        if theirs is None:
            ours = os.fspath(hook)
        elif theirs == "":
            ours = f"{hook}/"  # says that it was set, and empty
        else:
            ours = f"{hook}:{theirs}"
        return Start(program, command, {**base, "PYTHONPATH": ours})

    def lay(self, spool: Path, *, watcher: int, answering: bool = True) -> Path:
        """Lay the hook into the spool; gives its directory.

        A child of the process `watcher` is the first of its tree: nobody read anything before it.
        Whoever asks before `attend()` waits for it; unless not `answering`, then it is refused.
        """
        spool = Path(os.path.realpath(spool))
        hook = spool / "hook"
        hook.mkdir(mode=0o700, parents=True, exist_ok=True)
        asked = [name for name, wanted in self._asked().items() if wanted]
        if self._observed:
            (hook / "observed").write_bytes(b"\0".join(map(os.fsencode, self._observed)))
        for name in (*_FILES, *asked):
            _place(HOOK / name, hook / name)
        if not (hook / "sitecustomize.py").is_symlink():
            _place(HOOK / "watch.py", hook / "watch.py")
        self._answers = Answers(
            spool, self._digest, limit=self._limit, skip=self._skip, redactor=self._redactor
        )
        if answering:
            self._answers.listen()
        self._config = [
            self._root,
            self._answers.path,
            os.path.join(spool, ""),
            str(watcher),
            # Whoever adds rules of its own has every word looked at: "1" or "".
            "1" if self._redactor.rules else "",
            *SYSTEM_PLACES,
            *self._ignored,
        ]
        (hook / "config").write_bytes(b"\0".join(os.fsencode(line) for line in self._config))
        return hook

    def _asked(self) -> Mapping[str, bool]:
        return {"calls.py": self._calls, "observe.py": bool(self._observed)}

    def config(self) -> Sequence[str]:
        """Give what the hook was told: root, socket, spool, watcher, …, places to leave out."""
        return self._config

    def attend(self, spool: Path) -> AbstractContextManager[None]:  # noqa: ARG002 - the contract's
        """Hash what the watched processes ask for, until the command has ended."""
        if self._answers is None:
            raise RuntimeError("prepare() or lay() comes first")
        return self._answers

    def words(self, request: bytes) -> bytes:
        """Say how words are to be written, as the watched processes are told."""
        if self._answers is None:
            raise RuntimeError("lay() comes first")
        return self._answers.words(request)

    def content(self, path: bytes) -> str:
        """Say what a file holds, or why that can't be said, as the watched processes are told."""
        if self._answers is None:
            raise RuntimeError("lay() comes first")
        return self._answers.content(path)

    def collect(self, spool: Path) -> Trace:
        """Read the processes' logs, and judge who of the tree is missing from them."""
        from provgraph.collect.tracing.audit.tree import read_trace

        return read_trace(Path(os.path.realpath(spool)), self.name)


def _place(original: Path, place: Path) -> None:
    try:
        place.symlink_to(original)
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        import shutil

        shutil.copyfile(original, place)
