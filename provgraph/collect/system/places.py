"""Which files of the system count, and which name a machine, not what is computed on it: tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate

# Where the system's own files lie: they are told by their owners. The native library has the same
# list (`of_system` in native/files.h).
SYSTEM: tuple[str, ...] = (
    *("/usr/", "/lib/", "/lib32/", "/lib64/", "/libx32/", "/etc/", "/bin/", "/sbin/", "/var/lib/"),
)
SETTINGS = "/etc/"  # what lies here is there to be edited: its content counts, not its owner

# Globs (`*` goes through folders) of what no result rests on, or what says nothing that isn't
# recorded elsewhere.
LEFT_OUT: tuple[str, ...] = (
    # Who and where this machine is: names, accounts, addresses, sessions.
    *("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid"),
    *("/etc/hosts", "/etc/hostname", "/etc/host.conf", "/etc/resolv.conf", "/etc/gai.conf"),
    *("/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/networks"),
    *("/etc/machine-id", "/etc/mtab", "/etc/fstab", "/etc/security/*", "/etc/pam.d/*"),
    *("/etc/sudo*", "/etc/sudoers.d/*", "/etc/ssh/*", "/etc/systemd/*", "/etc/dbus-1/*"),
    # The platform's tier tells the release.
    *("/etc/os-release", "/usr/lib/os-release", "/etc/*-release", "/etc/debian_version"),
    # How to look up programs, libraries and certificates: those that were found are told.
    *("/etc/ld.so.*", "/etc/ld.so.conf.d/*", "/etc/environment", "/etc/alternatives/*"),
    *("/etc/ssl/*", "/etc/pki/*", "/usr/lib/ssl/*", "/usr/share/ca-certificates/*"),
    # What a person sees and types.
    *("/etc/inputrc", "/etc/profile", "/etc/profile.d/*", "/etc/bash*", "/etc/zsh/*"),
    *("/etc/terminfo/*", "/usr/share/terminfo/*", "/lib/terminfo/*", "/usr/lib/terminfo/*"),
    *("/usr/share/bash-completion/*", "/usr/share/zsh/*", "/usr/share/locale/*"),
    # The C library's own data, made from its packages; opened within it, mostly unseen.
    *("/usr/lib/locale/*", "/usr/lib/*/gconv/*", "/etc/locale.*", "/etc/localtime"),
    *("/etc/timezone", "/etc/adjtime"),
    # State of the system's services and package managers.
    *("/var/lib/dpkg/*", "/var/lib/apt/*", "/var/lib/systemd/*", "/var/lib/dbus/*"),
    *("/var/lib/sss/*", "/var/lib/nscd/*", "/var/lib/snapd/*", "/var/lib/docker/*"),
    *("/var/lib/containerd/*", "/var/lib/containers/*", "/etc/apt/*", "/etc/dpkg/*"),
    *("/var/lib/pcp/*", "/var/lib/sudo/*", "/var/lib/update-notifier/*"),
    # Caches that are made from what is installed.
    *("/usr/share/mime/*", "/usr/share/applications/*", "/**/*.cache"),
)

# Programs that take in all variables: shells, and languages that have them as a table.
TAKE_ALL: frozenset[str] = frozenset(
    (
        "sh bash dash zsh ksh ksh93 mksh ash fish csh tcsh busybox env printenv make gmake bmake "
        "perl ruby awk gawk mawk nawk php tclsh expect lua luajit octave java julia node nodejs "
        "deno bun R Rscript cmake ninja pwsh guile scala clojure ghc ocaml sbcl erl elixir xargs "
        "envsubst snakemake nextflow parallel"
    ).split()
)
# Programs whose file refers to all variables only to hand them to others, or to set one.
HAND_ON: frozenset[str] = frozenset(
    (
        "sort split tar find gcc g++ cc c++ cpp clang clang++ ld as ar collect2 cc1 cc1plus "
        "gfortran git install sed grep egrep fgrep diff diff3 cmp ls cp mv rm cat head tail cut "
        "tr uniq wc tee join paste nl od tac rev fold fmt pr comm shuf seq date touch chmod stat "
        "gzip gunzip zcat bzip2 xz zstd unzip zip timeout nice nohup stdbuf setsid ionice time "
        "script curl wget rsync less more file which sqlite3 dd truncate mktemp du df id uname"
    ).split()
)

# Variables of which it isn't told that native code read them. What is found by them is recorded
# itself: files, libraries, programs. Or they only say how and to whom a program talks.
UNTOLD: tuple[str, ...] = (
    *"HOME USER TMPDIR TMP TEMP XDG_* LOCPATH NLSPATH OUTPUT_CHARSET LD_* HOSTALIASES".split(),
    *"RES_OPTIONS LOCALDOMAIN MALLOC_* GLIBC_TUNABLES GCONV_PATH GETCONF_DIR TERMINFO*".split(),
    *"OPENSSL_* SSL_CERT_* UV_* NODE_CHANNEL_* G_MESSAGES_DEBUG G_SLICE DEBUGINFOD_*".split(),
    *"BASH_ENV ENV SYSTEMD_* NOTIFY_SOCKET LISTEN_* JOURNAL_STREAM".split(),
    *"http_proxy https_proxy no_proxy all_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY".split(),
    *"GIT_* GPG_* SSH_* COLLECT_* COMPILER_PATH LIBRARY_PATH GCC_COLORS GCC_EXEC_PREFIX".split(),
    *"MAKE_TERMOUT MAKE_TERMERR MAKELEVEL".split(),
)
# What the C library reads by itself where a program sets its locale to the user's.
LOCALE = ("LC_ALL", "LANG")
CATEGORIES = ("LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES")


def is_system(path: str) -> bool:
    """Tell whether a file is one of the system's, by where it lies."""
    return path.startswith(SYSTEM)


def is_left_out(path: str) -> bool:
    """Tell whether a file of the system counts for nothing."""
    return _LEFT_OUT.match(path) is not None


def is_untold(variable: str) -> bool:
    """Tell whether it is kept quiet that native code read a variable."""
    return _UNTOLD.match(variable) is not None


def _any(globs: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, globs)))


_LEFT_OUT = _any(LEFT_OUT)
_UNTOLD = _any(UNTOLD)
