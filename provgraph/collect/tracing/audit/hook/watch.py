"""Log what this Python process touches; loaded by `sitecustomize` into every watched process.

Longer than most modules because it is alone: it runs inside other people's programs, under any
Python from 3.8, and imports nothing that they didn't load themselves. Its rules:

- Nothing is raised into the program, printed, or left in its modules, path and environment.
- Each event is one write to a log of this process alone, so a kill loses nothing.
- An exception of the program that passes through here (a signal handler's) goes on untouched.

The log's form: fields ended by NUL; a record ends with a field that is one newline.
"""

# ruff: noqa: SIM105 - contextlib may not be loaded
# ruff: noqa: SLF001, UP031, UP035, RUF005, C901, PLR0912, RET502, RET503 - speed, old Pythons
from __future__ import annotations

import _thread
import atexit
import os
import posix
import sys
from posix import getcwd, getpid, lseek, lstat, stat, write
from time import time_ns

TYPE_CHECKING = False  # importing typing takes longer than all the rest
if TYPE_CHECKING:
    from typing import Any, Callable

HERE: str = globals()["HERE"]  # <spool>/hook, given by sitecustomize
ENCODING, ERRORS = sys.getfilesystemencoding(), sys.getfilesystemencodeerrors()
END = b"\n\0"
REGULAR, DIRECTORY, LINK, FORMAT = 0o100000, 0o040000, 0o120000, 0o170000
CHANGING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NO_FILE = getattr(os, "O_PATH", 0) | os.O_DIRECTORY
ARCHIVES = (".zip", ".egg", ".pyz", ".pyzw", ".whl", ".par")
TEMPORARY = getattr(os, "O_TMPFILE", 0)
MOST_REMEMBERED = 200_000
ANSWER_WITHIN = 60.0  # s for the content of one file to be hashed
FIRST_DESCRIPTOR = 713  # high, where programs that count on low numbers don't come across it

with open(os.path.join(HERE, "config"), "rb") as _file:
    _lines = os.fsdecode(_file.read()).split("\0")
ROOT, SOCKET, SPOOL, _watcher, EVERY_WORD = _lines[:5]
# What lies in these places is no data: the system, this Python, provgraph's own.
SKIPPED = tuple(_lines[5:])
# What may be a secret, or say that one follows: as in preload/native/programs.h.
TELLING = (
    b"pass pwd secret credential key token cookie dsn sas auth connection basic bearer private sig "
    b"amz- :// hook mysql mariadb ldap curl wget twine"
).split()
RUNS = bytes(65 if chr(c) in "_-" or (chr(c).isalnum() and c < 128) else 32 for c in range(256))
LONG_RUN = b"A" * 20
UNASKED = b"[redacted:unasked:00000000]"


def _own_places() -> tuple[str, ...]:
    places = []
    for place in {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}:
        prefix = place.rstrip("/") + "/"
        if ROOT.startswith(prefix):  # a project inside of a prefix isn't part of the installation
            places += [prefix + part for part in ("bin/", "include/", "lib/python", "lib64/python")]
        else:
            places.append(prefix)
    return tuple(places)


PREFIXES = _own_places()
OUTSIDE = (SPOOL,) + SKIPPED + PREFIXES
INSIDE = (ROOT + ".git/",) + tuple(p for p in OUTSIDE if p.startswith(ROOT))


class State:
    """What changes while the process runs; one object, so that no function needs `global`."""

    pid = 0
    log = -1
    at = 0
    identity = (0, 0)
    began = 0
    lost = 0
    alone = False
    deaf = False
    starting = True
    program = ""
    argv = b""


SEEN: dict[str, Any] = {}  # paths opened: what lay there (`stamp`), None for what's no data
# What a thread was last about to open, while other programs may write it: as it was just before.
DOUBTS: dict[int, Any] = {}
ABSENT: set[str] = set()
FOUND: set[str] = set()  # seen to be there, and not read so far
LISTED: set[str] = set()
INODES: set[int] = set()  # of what was read: before such a file is changed its content is asked
OWN: set[str] = set()
NAMES: set[str] = set()
VARIABLES: set[str] = set()
KEYS: set[Any] = set()
HAD: set[str] = set()  # other files of the hook that were executed
QUIET: set[int] = set()  # threads that work for provgraph at the moment, in a process that has both


# -- the log -------------------------------------------------------------------------------------


def emit(record: bytes) -> None:
    """Write one record; where that fails, count it and go on."""
    at = 0
    try:
        ours = State.log >= 0
        if ours:
            at = lseek(State.log, 0, 1)
            if at != State.at:  # another thread of ours, or a file that has taken the number
                found = posix.fstat(State.log)
                ours = (found.st_dev, found.st_ino) == State.identity
    except OSError:
        ours = False
    try:
        if not ours:
            reopen()
            at = lseek(State.log, 0, 1)
        if State.lost:
            record = b"G\0log-cut\0%d\0" % State.lost + END + record
        done = write(State.log, record)
        State.at = at + done
        if done != len(record):
            lose()
        elif State.lost:
            State.lost = 0
    except OSError:
        lose()


def lose() -> None:
    """Say that something is missing from the log, in the ways that a full disk may still have."""
    State.lost += 1
    if State.lost == 1:
        posix.access(HERE + "/lost", 0)  # to the native library, which needs no room
        try:
            name = "%s%d-%d.lost" % (SPOOL, State.pid, State.began)
            posix.close(posix.open(name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError:
            pass


def reopen() -> None:
    """Open this process's log, under a high number; the old number may be the program's by now."""
    State.log = -1
    name = "%s%d-%d.log" % (SPOOL, State.pid, State.began)
    low = posix.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    for high in range(FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + 20):
        try:
            posix.fstat(high)
        except OSError:
            try:
                posix.dup2(low, high, False)
            except OSError:  # beyond the limit of this process
                break
            posix.close(low)
            low = high
            break
    found = posix.fstat(low)
    State.identity = (found.st_dev, found.st_ino)
    State.at = lseek(low, 0, 2)
    State.log = low


def fields(*values: object) -> bytes:
    """Give values as fields of a record."""
    return b"".join(
        (value if isinstance(value, bytes) else os.fsencode(str(value))) + b"\0" for value in values
    )


def items(values: object) -> bytes:
    """Give a list as fields, each marked so that none reads as the end."""
    return b"".join(b"=" + value + b"\0" for value in encoded(values))


def encoded(values: object) -> list[bytes]:
    """Give a list as bytes, as far as it can be."""
    found = []
    for value in values if isinstance(values, (list, tuple)) else (values,):
        try:
            found.append(os.fsencode(value))
        except TypeError:
            found.append(b"?")
    return found[:4096]


def shown(argv: object) -> bytes:
    """Give a command line as fields, as it may be written down: without secrets.

    Where it may hold some, provgraph is asked; where that can't be, the program's name is left.
    """
    words = encoded(argv)
    if not may_be_secret(b"\0".join(words)):
        return items(words)
    answer = asked(b"\0A" + b"".join(word.replace(b"\0", b"") + b"\0" for word in words))
    if answer[-1:] == b"\0":
        return items(answer[:-1].split(b"\0"))
    return items([UNASKED if may_be_secret(words[0]) else words[0], UNASKED])


def may_be_secret(text: bytes) -> bool:
    """Tell whether a text may hold a secret: more often than it does, never less."""
    if EVERY_WORD or LONG_RUN in text.translate(RUNS):
        return True
    lower = text.lower()
    return any(word in lower for word in TELLING)


def begin(how: str) -> None:
    """Start the log of a process: at its start, or in the child of a fork."""
    if how == "fork" and State.log >= 0:
        try:  # our parent's log, where the number is still its own
            found = posix.fstat(State.log)
            if (found.st_dev, found.st_ino) == State.identity:
                posix.close(State.log)
        except OSError:
            pass
    State.pid = getpid()
    State.began = time_ns()
    State.log = -1
    State.alone = how == "start" and posix.getppid() == int(_watcher)
    argv = getattr(sys, "orig_argv", None)
    if argv is None:
        try:
            with open("/proc/self/cmdline", "rb") as file:
                argv = file.read().split(b"\0")[:-1]
        except OSError:
            argv = [sys.executable, *getattr(sys, "argv", ())]
    version = "%d.%d.%d" % sys.version_info[:3]
    if how != "fork" or not State.argv:
        State.argv = shown(list(argv))
    emit(
        fields(b"P", State.began, State.pid, posix.getppid(), how)
        + fields(version, sys.prefix, sys.base_prefix, sys.executable or "", getcwd_or_empty())
        + State.argv
        + END
    )
    if how != "fork":
        emit(fields(b"Y", time_ns()) + items(list(sys.path)) + END)
        try:
            stdin = stat(0)
            if stdin.st_mode & FORMAT == REGULAR:
                INODES.add(stdin.st_ino)
        except OSError:
            pass


def getcwd_or_empty() -> str:
    """Give the current directory; empty where it was removed."""
    try:
        return getcwd()
    except OSError:
        return ""


# -- paths ---------------------------------------------------------------------------------------


def text(path: Any) -> str | None:
    """Give a path argument as a string; None for a descriptor."""
    if isinstance(path, str):
        return str.__str__(path)
    if isinstance(path, int) or path is None:
        return None
    return os.fsdecode(path)


def absolute(path: Any, directory: Any = None) -> str | None:
    """Give a path argument (relative to a descriptor, where there is one) as an absolute string."""
    found = text(path)
    if found is None or found[:1] == "/":
        return found
    if isinstance(directory, int) and directory >= 0:
        try:
            return posix.readlink("/proc/self/fd/%d" % directory) + "/" + found
        except OSError:
            emit(fields(b"G", "log-cut", found) + END)
            return None
    return getcwd_or_empty() + "/" + found


def watched(path: str) -> bool:
    """Tell whether a path is worth a record."""
    return not path.startswith(INSIDE) if path.startswith(ROOT) else not path.startswith(OUTSIDE)


def encode(path: str) -> bytes:
    return path.encode(ENCODING, ERRORS)


def log_access(
    action: str, path: str, seen: Any = None, *, other: str = "", before: bytes = b""
) -> None:
    """Record one access; `seen` is the stat of what lay there."""
    if seen is None:
        numbers = b"\0\0\0\0\0"
    else:
        numbers = b"%d\0%d\0%d\0%d\0%d\0" % (
            seen.st_dev,
            seen.st_ino,
            seen.st_size,
            seen.st_mtime_ns,
            seen.st_ctime_ns,
        )
    emit(
        b"A\0%d\0%b\0%b\0%b\0%b\0%b\n\0"
        % (time_ns(), action.encode(), encode(path), encode(other), before, numbers)
    )


def before(path: str, seen: Any, *, always: bool) -> bytes:
    """Have the content of a file hashed before the program changes it, where it may matter.

    A file that this process alone can have read, and hasn't, needs no hash before it is replaced.
    """
    if path in OWN or not path.startswith(ROOT) or seen.st_mode & FORMAT != REGULAR:
        return b""
    OWN.add(path)
    if not always and State.alone and seen.st_ino not in INODES:
        return b""
    return ask(path)


def ask(path: str) -> bytes:
    """Ask provgraph to hash a file now; `lost` where it can't be asked or doesn't answer."""
    return asked(encode(path)) or b"lost"


def asked(question: bytes) -> bytes:
    """Ask provgraph; nothing where it can't be asked or doesn't answer."""
    if State.deaf or not SOCKET:
        return b""
    known = "_socket" in sys.modules
    import _socket

    if not known and State.starting:  # the program finds its modules as it would without us
        del sys.modules["_socket"]
    try:
        line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        try:
            line.settimeout(ANSWER_WITHIN)
            line.connect(SOCKET)
            line.sendall(question)
            line.shutdown(_socket.SHUT_WR)
            answer = b""
            while True:
                piece = line.recv(256)
                if not piece:
                    break
                answer += piece
        finally:
            line.close()
    except OSError as error:
        if foreign(error):
            raise
        State.deaf = isinstance(error, (ConnectionError, FileNotFoundError))
        return b""
    return answer


# -- what an event means -------------------------------------------------------------------------


def on_open(args: Any) -> None:
    path, _mode, flags = args
    if flags & CHANGING:
        return on_change(path, flags)
    if type(path) is not str:
        if type(path).__name__ == "ParamsPath":
            return None  # provgraph.params tells itself which keys are read
        path = text(path)
        if path is None:
            return None
    if path in SEEN and (State.alone or is_as_seen(path)):
        if not State.alone and SEEN[path] is not None:
            full = path if path[:1] == "/" else getcwd() + "/" + path
            DOUBTS[_thread.get_ident()] = (path, full, b"read", SEEN[path])
        return None
    full = path if path[:1] == "/" else getcwd() + "/" + path
    if full.startswith(ROOT):
        if full.startswith(INSIDE):
            SEEN[path] = None
            return None
    elif full.startswith(OUTSIDE):
        SEEN[path] = None
        return None
    if flags & NO_FILE:
        return None
    try:
        found = stat(path)
    except OSError:
        if not State.alone:  # another program may make it before it is opened
            kind = code_access(full)[0] if full.endswith(".py") else b"read"
            if kind is not None and not full.endswith(".pyc"):
                DOUBTS[_thread.get_ident()] = (path, full, kind, None)
        return absent(full)
    if len(SEEN) > MOST_REMEMBERED:
        SEEN.clear()
    if found.st_mode & FORMAT != REGULAR:
        return None
    action = b"read"
    if full.endswith((".py", ".pyc")):
        kind, full = code_access(full)
        if kind is None:
            return None
        action = kind
        if full != path:  # bytecode; a source may be opened again, as data
            SEEN[path] = stamp(found)
            try:
                found = stat(full)
            except OSError:
                return None
    elif (State.starting or full.endswith(ARCHIVES)) and looks_for_zip(full):
        return None
    else:
        SEEN[path] = stamp(found)
    if not State.alone:
        DOUBTS[_thread.get_ident()] = (path, full, action, stamp(found))
    log_read(action, full, found)
    return None


def log_read(action: bytes, full: str, found: Any) -> None:
    """Record that a file was read as it is."""
    INODES.add(found.st_ino)
    emit(
        b"A\0%d\0%b\0%b\0\0\0%d\0%d\0%d\0%d\0%d\0\n\0"
        % (
            time_ns(),
            action,
            full.encode(ENCODING, ERRORS),
            found.st_dev,
            found.st_ino,
            found.st_size,
            found.st_mtime_ns,
            found.st_ctime_ns,
        )
    )


def settle(thread: int) -> None:
    """Look again at what a thread has opened since: we are told of it before it is done.

    Another program may have written it between our look and the opening. Where it has changed by
    now, it may have been read so.
    """
    doubt = DOUBTS.pop(thread, None)
    if doubt is None:
        return
    path, full, action, time = doubt
    try:
        found = stat(full)
    except OSError:
        return
    if stamp(found) != time and found.st_mode & FORMAT == REGULAR:
        if path in SEEN:
            SEEN[path] = stamp(found)
        log_read(action, full, found)


def numbers_of(seen: Any) -> tuple[int, int, int, int, int]:
    """Give what tells one state of a file from another, as records have it."""
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def stamp(found: Any) -> Any:
    """Give what changes when a file is written or replaced; times are as coarse as the clock's."""
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def is_as_seen(path: str) -> Any:
    """Tell whether a file is as it was when it was last opened; another program may write it."""
    time = SEEN[path]
    try:
        return time is None or stamp(stat(path)) == time
    except OSError:
        return False


def on_change(path: Any, flags: int, directory: Any = None) -> None:
    """Record an opening that may write, create or truncate."""
    full = absolute(path, directory)
    if full is None or not watched(full) or (TEMPORARY and flags & TEMPORARY == TEMPORARY):
        return
    try:
        found = stat(full)
    except OSError:
        if not flags & os.O_CREAT:
            return absent(full)
        OWN.add(full)
        return log_access("append" if flags & os.O_APPEND else "write", full)
    if found.st_mode & FORMAT != REGULAR:
        return
    if flags & os.O_CREAT and flags & os.O_EXCL:
        return log_access("read", full, found)  # it fails, and the program learns that it is there
    if flags & os.O_APPEND and not flags & os.O_TRUNC:
        if flags & 3 == os.O_RDWR:
            log_access("read", full, found)
        action = "append"
    elif flags & os.O_TRUNC:
        action = "write"
    elif flags & 3 == os.O_RDONLY:
        action = "read"
    else:
        action = "update"
    content = before(full, found, always=action != "write") if action != "read" else b""
    log_access(action, full, found, before=content)


def absent(full: str) -> None:
    """Record that a path of the project was looked for and not found."""
    if full in ABSENT or not full.startswith(ROOT) or full.startswith(INSIDE):
        return
    try:
        lstat(full)
    except OSError as error:
        if error.errno not in (2, 20):  # ENOENT, ENOTDIR: only then it is known not to be there
            return
    frame: Any = caller()
    if frame is not None and searches_for_code(frame):
        return
    if len(ABSENT) > MOST_REMEMBERED:
        ABSENT.clear()
    ABSENT.add(full)
    log_access("absent", full)


def caller() -> Any:
    """Give the innermost frame that isn't ours; None where C called."""
    frame: Any = sys._getframe(1)
    while frame is not None and ours(frame):
        frame = frame.f_back
    return frame


def ours(frame: Any) -> bool:
    """Tell a frame of this file, in a nested watch too."""
    return bool(frame.f_globals.get("__name__") == "_provgraph_watch")


def searches_for_code(frame: Any) -> bool:
    """Tell the machinery that looks for modules, packages and source lines from the program."""
    name = frame.f_globals.get("__name__")
    if not isinstance(name, str):
        return False
    if name in ("posixpath", "genericpath", "pathlib", "pathlib._local", "os"):
        if frame.f_code.co_name in ("realpath", "_joinrealpath", "resolve"):
            return True  # spelling a path out isn't looking whether it is there
        back = frame.f_back
        return back is not None and searches_for_code(back)
    if (name, frame.f_code.co_name) in HARMLESS_LOOKS:
        return True
    return name.partition(".")[0] in SEARCHERS


# Functions that look whether a file is there, and do the same whether it is or not.
HARMLESS_LOOKS = frozenset(
    (
        ("PIL.Image", "save"),  # to remove a half-written file after an error
    )
)
SEARCHERS = frozenset(
    (
        *("importlib", "importlib_metadata", "importlib_resources", "pkg_resources", "pkgutil"),
        *("zipimport", "site", "linecache", "traceback", "runpy", "inspect"),
        *("_frozen_importlib", "_frozen_importlib_external"),
    )
)


def code_access(full: str) -> tuple[bytes | None, str]:
    """Tell why a .py or .pyc file is opened, and which source file that stands for."""
    frame: Any = caller()
    if frame is None:
        return None, full  # the program itself (recorded by name), or a traceback being printed
    name = frame.f_globals.get("__name__")
    where = frame.f_code.co_filename
    if where.startswith("<frozen importlib") or name == "importlib._bootstrap_external":
        back: Any = frame.f_back
        asked = back.f_code.co_name if back is not None else ""
        if asked == "get_source":
            return (None if shows_lines(back) else b"source"), full
        if asked in ("get_code", "source_to_code", "exec_module", "load_module"):
            return b"module", source_of(full)
        return b"read", full
    if name == "zipimport":
        return (None if frame.f_code.co_name == "_read_directory" else b"read"), full
    if name in ("runpy", "pkgutil") or where == "<frozen runpy>":
        return b"program", full
    if not full.endswith(".py"):
        return b"read", full
    return (None if shows_lines(frame) else b"source"), full


def looks_for_zip(full: str) -> bool:
    """Tell whether Python opens its program, or looks whether something is an archive."""
    if full == State.program:
        State.starting = False
        return True
    frame: Any = caller()
    if frame is None:  # no Python code is running yet
        return True
    code = frame.f_code
    return code.co_name == "_read_directory" and "zipimport" in code.co_filename


def shows_lines(frame: Any) -> bool:
    """Tell whether source lines are only fetched to be shown in a warning or a traceback."""
    for _ in range(12):
        if frame is None:
            return False
        if frame.f_globals.get("__name__") in ("traceback", "warnings"):
            return True
        frame = frame.f_back
    return False


def source_of(full: str) -> str:
    """Give the source file that a cached bytecode file was made from."""
    if not full.endswith(".pyc"):
        return full
    directory, _, name = full.rpartition("/")
    cache: Any = getattr(sys, "pycache_prefix", None)
    if cache and full.startswith(cache):
        directory = directory[len(cache.rstrip("/")) :]
    elif directory.endswith("/__pycache__"):
        directory = directory[: -len("/__pycache__")]
    else:
        return full
    return directory + "/" + name.partition(".")[0] + ".py"


def on_list(args: Any) -> None:
    path = args[0]
    if path is None:
        path = "."
    if isinstance(path, int):
        try:
            path = posix.readlink("/proc/self/fd/%d" % path)
        except OSError:
            return
    full = absolute(path)
    if full is None or full in LISTED or not watched(full + "/"):
        return
    frame: Any = caller()
    if frame is not None and lists_for_itself(frame, full, path):
        return
    try:
        found = stat(full)
    except OSError:
        return absent(full)
    if found.st_mode & FORMAT == DIRECTORY:
        LISTED.add(full)
        log_access("list", full, found)


def lists_for_itself(frame: Any, full: str, path: Any) -> bool:
    """Tell the machinery that goes through directories for modules, or to remove them."""
    name = frame.f_globals.get("__name__")
    if isinstance(name, str) and name.partition(".")[0] in SEARCHERS:
        # Modules are looked for on the path; what a package of plug-ins holds is another matter.
        return name != "pkgutil" or full.rstrip("/") in sys.path or path == "."
    return bool(name == "shutil" and "rmtree" in frame.f_code.co_name)


def on_remove(args: Any) -> None:
    full = absolute(args[0], args[1] if len(args) > 1 else None)
    if full is None or not watched(full):
        return
    try:
        found = lstat(full)
    except OSError:
        return
    content = before(full, found, always=False)
    OWN.discard(full)
    SEEN.pop(full, None)
    log_access("remove", full, found, before=content)


def on_rename(args: Any) -> None:
    cause = absolute(args[0], args[2] if len(args) > 2 else None)
    effect = absolute(args[1], args[3] if len(args) > 3 else None)
    if cause is None or effect is None or not (watched(cause) or watched(effect)):
        return
    try:
        found = lstat(cause)
    except OSError:
        return
    SEEN.clear()
    try:
        replaced = lstat(effect)
        if (replaced.st_dev, replaced.st_ino) == (found.st_dev, found.st_ino):
            return
        if replaced.st_mode & FORMAT != DIRECTORY:
            content = before(effect, replaced, always=False)
            log_access("remove", effect, replaced, before=content)
    except OSError:
        pass
    content = before(cause, found, always=True)
    OWN.discard(cause)
    OWN.add(effect)
    log_access("rename", cause, found, other=effect, before=content)


def on_link(args: Any) -> None:
    cause = absolute(args[0], args[2] if len(args) > 2 else None)
    effect = absolute(args[1], args[3] if len(args) > 3 else None)
    if cause is None or effect is None:
        return
    copied(cause, effect)


def on_symlink(args: Any) -> None:
    cause = text(args[0])
    effect = absolute(args[1], args[2] if len(args) > 2 else None)
    if cause is None or effect is None:
        return
    copied(cause if cause[:1] == "/" else effect.rpartition("/")[0] + "/" + cause, effect)


def copied(cause: str, effect: str) -> None:
    """Record a link: another name for what is there."""
    if not watched(effect):
        return
    try:
        found = stat(cause)
    except OSError:
        return
    if found.st_mode & FORMAT == REGULAR and not exists(effect):
        if watched(cause):
            log_access("read", cause, found)
        log_access("write", effect)


def exists(path: str) -> bool:
    try:
        lstat(path)
    except OSError:
        return False
    return True


def on_truncate(args: Any) -> None:
    if not isinstance(args[0], int):  # an open descriptor was recorded when it was opened
        on_change(args[0], os.O_RDWR)


def on_chdir(_args: Any) -> None:
    SEEN.clear()


def on_sqlite(args: Any) -> None:
    name = text(args[0])
    if not name or name == ":memory:":
        return
    flags = os.O_RDWR | os.O_CREAT
    if name.startswith("file:") and not exists(name):
        name, _, query = name[5:].partition("?")
        if "mode=memory" in query or not name or name == ":memory:":
            return
        if name.startswith("//"):
            name = "/" + name[2:].partition("/")[2]
        if "mode=ro" in query or "immutable=1" in query:
            flags = os.O_RDONLY
        parts = name.split("%")
        name = parts[0] + "".join(chr(int(p[:2], 16)) + p[2:] for p in parts[1:])
    if flags:
        on_change(name, flags)
    else:
        on_open((name, None, 0))


def on_import(args: Any) -> None:
    name, file = args[0], args[1]
    if file is not None and isinstance(file, str):
        full = absolute(file)
        if full is not None and watched(full):
            native(name, full)
    if name not in NAMES and isinstance(name, str):
        NAMES.add(name)
        top, dot, _ = name.partition(".")
        if not dot or top in SPACES:
            emit(fields(b"I", time_ns(), name) + END)
        if top in READERS_OF_COLUMNS:
            READERS_OF_COLUMNS.clear()
            execute("columns.py")
        if name == "_posixsubprocess" and "WITHIN" in globals():
            __import__(name)  # the program is about to, and may start something without an event
            inject_into_subprocess()
        if name == "_socket" and not exists(SPOOL + "ring.0"):
            execute("network.py")
        if name in COMPOSERS:
            have("composed.py")
        if name in PARSERS_OF_OPTIONS:
            PARSERS_OF_OPTIONS.discard(name)
            have("finding.py")
            have("options.py")
            sys.meta_path.insert(0, globals()["Finder"](name, globals()["attend_parser"]))


# The first of them that is imported has us tell, from then on, which columns of tables are read.
READERS_OF_COLUMNS = {"pyarrow", "polars"}
# When one of them is imported, we tell from then on which options it finds for the program.
PARSERS_OF_OPTIONS = {"argparse", "click.core", "typer._click.core"}
# When it is imported, we tell from then on which configs it composes.
COMPOSERS = {"hydra"}
if sys.version_info < (3, 11) or "WITHIN" in globals():
    READERS_OF_COLUMNS.clear()
    PARSERS_OF_OPTIONS.clear()
    COMPOSERS.clear()
SPACES = ("google", "azure", "zope", "mpl_toolkits", "ruamel", "sphinxcontrib", "backports")


def on_dlopen(args: Any) -> None:
    name = text(args[0])
    if name and "/" in name:
        full = absolute(name)
        if full is not None and watched(full):
            native("ctypes", full)


def native(name: Any, full: str) -> None:
    """Record a library of the user's own that was loaded into this process."""
    if full in SEEN:
        return
    SEEN[full] = None
    try:
        log_access("read", full, stat(full))
    except OSError:
        return
    emit(fields(b"N", time_ns(), name, full) + END)


def on_program(args: Any) -> None:
    path = args[0]
    full = absolute(path)
    if full is None or not watched(full):
        State.starting = False
    else:
        try:
            found = stat(full)
        except OSError:
            return
        if found.st_mode & FORMAT == REGULAR:
            State.program = full
            INODES.add(found.st_ino)
            log_access("program", full, found)


def on_command(_args: Any) -> None:
    State.starting = False


def on_module_run(args: Any) -> None:
    State.starting = False
    emit(fields(b"R", time_ns(), args[0]) + END)


# -- what provgraph's library tells, as audit events of its own ------------------------------------


def on_watched(args: Any) -> None:
    """Answer that this process is watched, by adding the project to the list asked with."""
    args[0].append(ROOT)


def on_said(args: Any) -> None:
    """Record what the program declared: a kind, a name and a value."""
    kind, name, value = encoded(list(args))
    if kind == b"note":
        name = told(b"", name)
    elif kind in (b"param", b"option"):
        name, value = told(b"", name), told(name, value)
    if kind == b"option":
        return emit(fields(b"V", time_ns()) + items([name, value]) + END)
    emit(fields(b"D", time_ns()) + items([kind, name, value]) + END)


def told(name: bytes, value: bytes) -> bytes:
    """Give what a program says of itself, as it may be written down."""
    if not value or not may_be_secret(name + b"\0" + value):
        return value
    return asked(b"\0V" + name + b"\0" + value) or UNASKED


def on_keys(args: Any) -> None:
    """Record that a key was read of a config that `provgraph.params` had loaded."""
    path, numbers, key = args
    if (path, numbers, key) in KEYS or not watched(text(path) or "/"):
        return
    KEYS.add((path, numbers, key))
    INODES.add(numbers[1])
    emit(fields(b"K", time_ns(), path, *numbers) + items([key]) + END)


# -- other processes -----------------------------------------------------------------------------


def on_popen(args: Any) -> None:
    executable, argv, directory, env = args
    inject_into_subprocess()
    spawned("spawn", executable, argv, directory, env)


def on_exec(args: Any) -> None:
    spawned("exec", args[0], args[1], None, args[2])


def on_posix_spawn(args: Any) -> None:
    frame: Any = caller()
    if frame is not None and frame.f_globals.get("__name__") == "subprocess":
        return  # announced already
    spawned("spawn", args[0], args[1], None, args[2])


def on_system(args: Any) -> None:
    spawned("spawn", "/bin/sh", ["sh", "-c", args[0]], None, None)


def starting() -> None:
    """Do what has to be done before another program is started; `Within` has its own."""


def spawned(how: str, executable: Any, argv: Any, directory: Any, env: Any) -> None:
    """Record that another program is about to be started; a name that isn't found, as empty."""
    State.alone = False
    name = text(executable) or ""
    where = text(directory) or "."
    if name and "/" not in name:
        path = None
        if env is not None:
            for key, value in dict(env).items():
                if os.fsencode(key) == b"PATH":
                    path = os.fsdecode(value)
        if path is None:
            path = os.fsdecode(vars(os.environ)["_data"].get(b"PATH", os.fsencode(os.defpath)))
        for entry in path.split(":"):
            if exists(os.path.join(entry or ".", name)):
                name = os.path.join(entry or ".", name)
                break
        else:
            name = ""
    place = os.path.join(getcwd_or_empty(), where)
    emit(
        fields(b"S", time_ns(), how, os.path.join(place, name) if name else "", place)
        + shown(list(argv) if not isinstance(argv, (str, bytes)) else argv)
        + END
    )


def forking() -> None:
    State.alone = False


def forked() -> None:
    if getpid() != State.pid:
        DOUBTS.clear()
        begin("fork")


# The children's Python is to be watched too, while the program sees its environment as it would be
# without us. So our PYTHONPATH stays in the C environment, which children inherit, and is taken out
# of `os.environ`; what the program sets, or gives a child as a whole, gets our entry in front.

PATH_KEY = b"PYTHONPATH"
MARK = os.fsencode(HERE)


def theirs(value: bytes) -> bytes | None:
    """Give PYTHONPATH as the program would see it; None where it wouldn't be set."""
    ours = (MARK, MARK + b"/")
    entries = value.split(b":")
    if not any(entry in ours for entry in entries):
        return value
    rest = [entry for entry in entries if entry not in ours]
    return b":".join(rest) if rest else (b"" if MARK + b"/" in entries else None)


def with_ours(value: bytes | None) -> bytes:
    """Put our entry in front. A trailing slash says that the rest was set, and empty."""
    if value is None:
        return MARK
    if value.split(b":")[0].rstrip(b"/") == MARK:
        return value
    return MARK + b":" + value if value else MARK + b"/"


def hide() -> None:
    environ: Any = os.environ
    for data in (environ._data, posix.environ):
        if PATH_KEY in data:
            rest = theirs(data[PATH_KEY])
            if rest is None:
                del data[PATH_KEY]
            else:
                data[PATH_KEY] = rest


def listed_environment(env: Any) -> Any:
    """Add our entry to an environment given as a list of `NAME=value`."""
    if env is None:
        return None
    rest = []
    value = None
    for entry in env:
        if entry.startswith(PATH_KEY + b"="):
            value = entry[len(PATH_KEY) + 1 :]
        else:
            rest.append(entry)
    return [*rest, PATH_KEY + b"=" + with_ours(value)]


def mapped_environment(env: Any) -> Any:
    """Add our entry to an environment given as a mapping."""
    found = {os.fsencode(key): os.fsencode(value) for key, value in dict(env).items()}
    found[PATH_KEY] = with_ours(found.get(PATH_KEY))
    return found


class Stand:
    """Stands in for a builtin: equal to it, no method when put into a class, no frame of its own.

    From Python 3.11 on, a bare `raise` doesn't add the raising frame to a traceback, so one from
    which our frame was taken out reads as without us.
    """

    __slots__ = ("__name__", "__qualname__", "__wrapped__")

    def __init__(self, original: Any) -> None:
        self.__wrapped__ = original
        self.__name__ = self.__qualname__ = original.__name__

    def __init_subclass__(cls) -> None:
        cls.__module__ = "os"  # where pickle finds it

    def __eq__(self, other: object) -> bool:
        return other is self or other is self.__wrapped__

    def __hash__(self) -> int:
        return hash(self.__wrapped__)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce__(self) -> str:
        return str(self.__name__)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "__wrapped__"), name)


class Look(Stand):
    """`os.stat` and its like, with what isn't there recorded."""

    __slots__ = ()

    def __call__(self, /, *args: Any, **options: Any) -> Any:
        try:
            found = self.__wrapped__(*args, **options)
        except OSError as error:
            if error.errno in (2, 20) and error.__traceback__.tb_next is None:  # type: ignore[union-attr]
                looked(args, options)
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise
        if getattr(found, "st_mode", 0) & FORMAT == REGULAR:
            found_there(args, options)
        return found


class Access(Stand):
    """`os.access`, with what is and isn't there recorded."""

    __slots__ = ()

    def __call__(self, /, *args: Any, **options: Any) -> Any:
        try:
            found = self.__wrapped__(*args, **options)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise
        if not found:
            looked(args, options)
        else:
            found_there(args, options)
        return found


class Start(Stand):
    """A function that starts a program with an environment: `change` puts our entry in."""

    __slots__ = ("change", "place")

    def __init__(self, original: Any, place: int, change: Callable[[Any], Any]) -> None:
        super().__init__(original)
        self.place = place
        self.change = change

    def __call__(self, /, *args: Any, **options: Any) -> Any:
        try:
            starting()
            try:
                if len(args) > self.place:
                    changed = self.change(args[self.place])
                    args = (*args[: self.place], changed, *args[self.place + 1 :])
                elif "env" in options:
                    options["env"] = self.change(options["env"])
            except (TypeError, ValueError, AttributeError):
                pass  # the original says what is wrong
            return self.__wrapped__(*args, **options)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise


class Put(Stand):
    """`os.putenv`: what the program sets gets our entry in front, in the C environment only."""

    __slots__ = ()

    def __call__(self, /, *args: Any, **options: Any) -> Any:
        try:
            if len(args) == 2 and args[0] in (PATH_KEY, "PYTHONPATH"):
                args = (PATH_KEY, with_ours(os.fsencode(args[1])))
            return self.__wrapped__(*args, **options)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise


class Unset(Stand):
    """`os.unsetenv`: our entry stays in the C environment."""

    __slots__ = ()

    def __call__(self, /, *args: Any, **options: Any) -> Any:
        try:
            if len(args) == 1 and args[0] in (PATH_KEY, "PYTHONPATH"):
                return posix.putenv(PATH_KEY, MARK)
            return self.__wrapped__(*args, **options)
        except BaseException as error:
            error.__traceback__ = error.__traceback__.tb_next  # type: ignore[union-attr]
            raise


def found_there(args: Any, options: Any) -> None:
    """Record that a file of the project was seen to be there; raises nothing of its own."""
    if QUIET and _thread.get_ident() in QUIET:
        return
    try:
        path = args[0] if args else options.get("path")
        if path in SEEN:
            return  # it was read: more than being there is known
        full = absolute(path, options.get("dir_fd"))
        if full is None or full in FOUND or full in OWN or not full.startswith(ROOT):
            return
        if full.startswith(INSIDE):
            return
        frame: Any = caller()
        if frame is not None and searches_for_code(frame):
            return
        if len(FOUND) > MOST_REMEMBERED:
            FOUND.clear()
        FOUND.add(full)
        if stat(full).st_mode & FORMAT == REGULAR:
            log_access("exists", full)
    except Exception as error:
        if foreign(error):
            raise


def looked(args: Any, options: Any) -> None:
    """Record a look at what isn't there; raises nothing of its own."""
    if QUIET and _thread.get_ident() in QUIET:
        return
    try:
        path = args[0] if args else options.get("path")
        directory = options.get("dir_fd")
        full = absolute(path, directory)
        if full is not None and full.startswith(ROOT) and full not in ABSENT:
            absent(full)
    except Exception as error:
        if foreign(error):
            raise


def inject_into_subprocess() -> None:
    """Wrap what `subprocess` forks with; done when it is first used, so that we don't load it."""
    module: Any = sys.modules.get("subprocess")
    inner: Any = sys.modules.get("_posixsubprocess")
    if inner is None or getattr(inner.fork_exec, "change", None) is listed_environment:
        return
    inner.fork_exec = Start(inner.fork_exec, 5, listed_environment)
    if hasattr(module, "_fork_exec"):
        module._fork_exec = inner.fork_exec


# -- the environment's names ---------------------------------------------------------------------


def watch_names() -> None:
    """Record which variables are read, by name; going through all of them is no reading."""
    environ: Any = os.environ
    if not hasattr(environ, "encodekey") or not hasattr(environ, "decodekey"):
        return
    plain_encode, plain_decode = environ.encodekey, environ.decodekey
    passing: set[Any] = set()

    def encodekey(key: Any) -> Any:
        if type(key) is str and key not in VARIABLES:
            if key in passing:
                passing.discard(key)
            elif sys._getframe(1).f_code.co_name == "__getitem__":
                VARIABLES.add(key)
                try:
                    emit(b"E\0" + plain_encode(key) + b"\0" + END)
                except UnicodeError:
                    pass
        return plain_encode(key)

    def decodekey(key: Any) -> Any:
        found = plain_decode(key)
        passing.add(found)
        return found

    environ.encodekey = encodekey
    environ.decodekey = decodekey


# -- the end -------------------------------------------------------------------------------------


def finish() -> None:
    """Say which modules were loaded, and from where; the last record of an orderly end."""
    try:
        if getpid() != State.pid:
            return
        for thread in list(DOUBTS):
            settle(thread)
        loaded = []
        for name, module in list(sys.modules.items()):
            if "." in name and name.partition(".")[0] not in SPACES:
                continue
            try:
                file = object.__getattribute__(module, "__dict__").get("__file__")
            except AttributeError:
                continue
            loaded.append(name + "|" + (file if type(file) is str else ""))
        emit(fields(b"X", time_ns(), State.lost) + items(loaded) + END)
    except Exception as error:
        if foreign(error):
            raise


# -- starting ------------------------------------------------------------------------------------


def foreign(error: BaseException) -> bool:
    """Tell an exception of the program's own, as of a signal handler while we ran, from ours."""
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return not ours(trace.tb_frame)


HANDLERS: dict[str, Any] = {
    "open": on_open,
    "os.listdir": on_list,
    "os.scandir": on_list,
    "os.remove": on_remove,
    "os.rename": on_rename,
    "os.link": on_link,
    "os.symlink": on_symlink,
    "os.truncate": on_truncate,
    "os.chdir": on_chdir,
    "sqlite3.connect": on_sqlite,
    "import": on_import,
    "ctypes.dlopen": on_dlopen,
    "cpython.run_file": on_program,
    "cpython.run_module": on_module_run,
    "cpython.run_command": on_command,
    "subprocess.Popen": on_popen,
    "os.exec": on_exec,
    "os.posix_spawn": on_posix_spawn,
    "os.system": on_system,
    "provgraph.watched": on_watched,
    "provgraph.said": on_said,
    "provgraph.keys": on_keys,
}


def hook(event: str, args: Any) -> None:
    """Take one audit event."""
    if event in HANDLERS and not (QUIET and _thread.get_ident() in QUIET):
        try:
            if DOUBTS:
                settle(_thread.get_ident())
            HANDLERS[event](args)
        except Exception as error:
            if foreign(error):
                raise


def tell_calls() -> None:
    """Begin to tell which functions run, where `provgraph run --trace-calls` laid what does."""
    execute("calls.py")


def observe_configs() -> None:
    """Begin to tell which keys of some configs are read, where `provgraph.toml` names such."""
    execute("observe.py")


def execute(name: str) -> None:
    """Execute another file of the hook in this namespace, where it was laid.

    It goes by a name of the import system's, whose frames warnings and tracebacks leave out.
    """
    me = _thread.get_ident()
    aside = me in QUIET
    QUIET.add(me)
    try:
        with open(HERE + "/" + name, "rb") as file:
            source = file.read()
    except OSError:
        return
    finally:
        if not aside:
            QUIET.discard(me)
    exec(compile(source, "<frozen importlib._bootstrap_external>", "exec"), globals())  # noqa: S102


def have(name: str) -> None:
    """Execute another file of the hook, unless that was done."""
    if name not in HAD:
        HAD.add(name)
        execute(name)


def start() -> None:
    """Begin to watch."""
    hide()
    begin("start")
    for name in ("stat", "lstat", "readlink"):
        setattr(os, name, Look(getattr(os, name)))
    os.access = Access(os.access)
    for name, place in (("execve", 2), ("posix_spawn", 2), ("posix_spawnp", 2)):
        if hasattr(os, name):
            setattr(os, name, Start(getattr(os, name), place, mapped_environment))
    environ: Any = os.environ
    os.putenv = Put(os.putenv)
    os.unsetenv = Unset(os.unsetenv)
    if hasattr(environ, "unsetenv"):  # Python 3.8 keeps them in the mapping
        environ.putenv, environ.unsetenv = os.putenv, os.unsetenv
    watch_names()
    os.register_at_fork(before=forking, after_in_child=forked)
    atexit.register(finish)
    tell_calls()
    if "_socket" in sys.modules and not exists(SPOOL + "ring.0"):
        execute("network.py")
    observe_configs()
    sys.addaudithook(hook)
    posix.access(HERE + "/hooked", 0)  # the native library, where it is, leaves Python to us


if "WITHIN" not in globals():  # within a running program the library switches it on and off
    start()
