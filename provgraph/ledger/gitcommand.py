"""Start git so that nothing of the caller's surroundings misleads it, and say why it failed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from provgraph.errors import TransportError
from provgraph.ledger.transport import without_credentials

# What points git at a repository, index or configuration; a hook that calls us has them all.
_MISLEADING = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_PREFIX"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"),
    *("GIT_NAMESPACE", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE", "GIT_CEILING_DIRECTORIES"),
    *("GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS", "GIT_IMPLICIT_WORK_TREE", "GIT_CONFIG"),
    *("GIT_INTERNAL_SUPER_PREFIX", "GIT_DEFAULT_HASH", "GIT_PUSH_OPTION_COUNT"),
)
# The user's repository may hold what its remotes need (CI puts tokens there).
_ACCESS = r"^(http\.|credential\.|protocol\.|ssh\.|core\.(sshcommand|askpass|gitproxy)$)"
_OURS = (
    ("core.hooksPath", "/dev/null"),
    ("core.logAllRefUpdates", "false"),
    ("gc.autoDetach", "false"),
    ("maintenance.autoDetach", "false"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
)
_CALLERS_SETTING = re.compile("GIT_CONFIG_(COUNT|PARAMETERS|KEY_|VALUE_)")
_GIT_SCHEME = re.compile(r"(git|ssh|git\+ssh|ssh\+git|https?)://", re.IGNORECASE)
_SCP_LIKE = re.compile(r"([^@/\s:]+@)?[^/\s:]+:(?!//)")
_REFUSED = "the remote refuses refs/provgraph/ledger: ask whoever runs it, or exchange by a folder"
# What git complains of → what to do next; the first that fits.
_HINTS = (
    ("hook declined", _REFUSED),
    (
        "resolve host|timed out|refused|unreachable|connect",
        "check the network, then do it again: nothing was lost",
    ),
    (
        r"denied|Authentication|could not read Username|\b40[13]\b|publickey",
        "check that git itself may fetch and push there (git ls-remote)",
    ),
    (r"not appear to be a git|not found|No such file|\b404\b", "check the URL (git remote -v)"),
    (
        "dubious ownership",
        "tell git that the repository is yours (git config --global --add safe.directory …)",
    ),
    ("protected|prohibited|deny", _REFUSED),
    ("No space|disk", "free some space, then do it again: nothing was lost"),
)


class Git:
    """A bare repository of our own, with the access rights of the user's."""

    def __init__(self, directory: Path, *, access_from: Path) -> None:
        self.directory = directory
        self._settings = [*_access_settings(access_from), *_OURS]

    def command(self, *arguments: str) -> list[str]:
        """Give the command line of git on this repository."""
        return ["git", f"--git-dir={self.directory}", *arguments]

    def environment(self) -> dict[str, str]:
        """Give the environment git is started with; settings go here to keep tokens out of argv."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if name not in _MISLEADING and not _CALLERS_SETTING.match(name)
        }
        environ |= {"LC_ALL": "C", "GIT_CONFIG_COUNT": str(len(self._settings))}
        for number, (key, value) in enumerate(self._settings):
            environ[f"GIT_CONFIG_KEY_{number}"] = key
            environ[f"GIT_CONFIG_VALUE_{number}"] = value
        if not (sys.stdin and sys.stdin.isatty()):
            environ["GIT_TERMINAL_PROMPT"] = "0"
        return environ

    def run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run git to its end; the caller looks at the return code."""
        return start(self.command(*arguments), given, self.environment())

    def output(self, *arguments: str) -> bytes:
        """Run git and give what it prints; raises `TransportError`."""
        done = self.run(*arguments)
        if done.returncode:
            raise git_failed(f"git {arguments[0]} failed", done.stderr)
        return done.stdout


def start(
    command: Sequence[str], given: bytes = b"", environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a git command line; raises `TransportError` where there is no git."""
    if environ is None:
        environ = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    try:
        return subprocess.run(command, input=given, capture_output=True, env=environ, check=False)
    except OSError as error:
        raise TransportError(
            f"git can't be started: {error.strerror}", hint="install git, or exchange by a folder"
        ) from error


def git_failed(what: str, stderr: bytes) -> TransportError:
    """Put git's complaint in one line, without credentials, and say what to do next."""
    text = without_credentials(stderr.decode("utf-8", "replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(fatal|error|ERROR|remote|ssh)\b", line)]
    why = "; ".join((telling or lines)[:2]) or "git gave no reason"
    hint = next((words for pattern, words in _HINTS if re.search(pattern, text, re.IGNORECASE)), "")
    return TransportError(f"{what}: {why}", hint=hint or "do it again: it goes on where it stopped")


def url_of_remote(place: Path, name: str, *, pushing: bool) -> str | None:
    """Give the URL of a git remote of the repository that a ledger lies in, if it is one."""
    if "://" in name:
        return None
    way = ("--push",) if pushing else ()
    try:
        done = start([*_at(place), "remote", "get-url", *way, "--", name])
    except TransportError:
        return None
    url = done.stdout.decode("utf-8", "surrogateescape").rstrip("\n")
    if done.returncode or not url:
        return None
    return absolute(url, place.parent.parent if place.parent.name == ".git" else place.parent)


def remote_names(place: Path) -> list[str]:
    """List the git remotes of the repository that a ledger lies in."""
    return start([*_at(place), "remote"]).stdout.decode("utf-8", "replace").split()


def is_git_url(where: str) -> bool:
    """Tell a git repository by its URL, or by looking where it is a path."""
    if _GIT_SCHEME.match(where):
        return True
    if where.startswith("file://"):
        where = unquote(urlsplit(where).path)
    elif "://" in where:
        return False
    path = Path(where).expanduser()
    if path.exists():
        return is_git_directory(path) or (path / ".git").exists()
    return where.rstrip("/").endswith(".git") or bool(_SCP_LIKE.match(where))


def is_git_directory(path: Path) -> bool:
    """Tell a bare repository or a `.git` directory as git does."""
    return (path / "HEAD").is_file() and (path / "objects").is_dir() and (path / "refs").is_dir()


def absolute(url: str, base: Path) -> str:
    """Make a URL that is a relative path independent of where git is started."""
    if "://" in url or (_SCP_LIKE.match(url) and not (base / url).exists()):
        return url
    return str((base / Path(url).expanduser()).absolute())


def object_format(place: Path) -> str:
    """Give the hash that the user's repository names objects by (`sha1` outside of git)."""
    done = start([*_at(place), "rev-parse", "--show-object-format"])
    return done.stdout.decode("ascii", "replace").strip() if done.returncode == 0 else "sha1"


def _at(place: Path) -> list[str]:
    above = place.parent
    # Named outright, a repository needn't be owned by the caller (root in a container).
    return ["git", f"--git-dir={above}"] if is_git_directory(above) else ["git", "-C", str(above)]


def _access_settings(place: Path) -> list[tuple[str, str]]:
    """Read settings of the user's repository alone: git adds the global ones by itself."""
    done = start(
        [*_at(place), "config", "--includes", "--show-scope", "-z", "--get-regexp", _ACCESS]
    )
    fields = done.stdout.decode("utf-8", "surrogateescape").split("\0")
    settings = []
    for scope, entry in zip(fields[::2], fields[1::2], strict=False):
        key, newline, value = entry.partition("\n")
        if scope in ("local", "worktree", "command"):
            settings.append((key, value if newline else "true"))
    return settings
