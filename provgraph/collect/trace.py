"""What a tracer saw of a command: the value between watching and recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from provgraph.collect.family import NO_FAMILY, Family
from provgraph.collect.nested import Nested

LONGEST = 10_000  # characters of a parameter's value; a longer one is recorded by its digest

Action = Literal[
    "read",  # opened for reading, as data
    "module",  # read by the import system as source code
    "program",  # the script that a process was started with
    "source",  # a source file read as data by the program itself (inspect, linecache, open)
    "write",  # opened for writing, truncating, or created
    "update",  # opened for reading and writing (r+), or a database connected to
    "append",
    "absent",  # looked for, not there
    "exists",  # looked for, and there; its content may never be read
    "list",  # a directory's names were read
    "remove",
    "rename",  # path → other
    "copy",  # path → other (shutil, os.sendfile, copy_file_range)
    "keys",  # only these keys of a config were read (provgraph.params)
    "columns",  # only these columns of a table were read
]

# The actions by which a content is taken in.
READS = frozenset({"read", "module", "program", "source", "keys", "columns"})


@dataclass(frozen=True, slots=True)
class Access:
    """One thing done to a path (absolute, as bytes), at `when` ns since 1970, in order.

    `before` is, for the first destructive access to an existing file, its content as it was
    (digest), or "too-large", "unreadable", "lost" (asked for, no answer). `stat` is (device,
    inode, size, mtime_ns, ctime_ns) as the tracer saw it at the access, where it looked. `keys`
    are the parts that `keys` and `columns` are about. `opened`: what is absent may have been
    meant to be read.
    """

    action: Action
    path: bytes
    when: int
    pid: int
    other: bytes | None = None
    before: str | None = None
    size: int | None = None
    stat: tuple[int, int, int, int, int] | None = None
    keys: tuple[str, ...] = ()
    opened: bool = True


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the watched tree, as far as known.

    `report` is True when the tracer inside it reported in. `why` says why not (`not-python`,
    `isolated`, `no-report`). `python` is (version, prefix, executable). `distributions` are those
    imported (name → version), `natives` loaded modules known to read natively, `environ` the
    names of environment variables read. `imported` are the top-level modules asked for, `places`
    directories that were searched for them.
    """

    pid: int
    parent: int
    argv: tuple[str, ...]
    report: bool
    why: str = ""
    python: tuple[str, str, str] | None = None
    distributions: dict[str, str] = field(default_factory=dict)
    natives: tuple[str, ...] = ()
    environ: tuple[str, ...] = ()
    imported: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    ended: bool = True


class Touch(NamedTuple):
    """Something of the system or the machine that a process took, beside files of its own.

    `file`: a file of the system, by its path, was read, executed or mapped. `variable`: its name,
    or ALL. `device`: a path below `/dev`. `found`: it was there.
    """

    sort: Literal["file", "variable", "device"]
    what: bytes
    when: int
    pid: int
    found: bool = True


ALL = b"*"  # a program took in its variables as a whole


class Option(NamedTuple):
    """What a program's parser of options gave, without secrets: when, and in which process."""

    name: str
    value: str
    when: int
    pid: int


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything seen of one command. `gaps` are (reason, subject) of `model/gaps.py`.

    `said` is what the program itself declared through the library, in order: (kind, name, value)
    with the kinds `uses`, `produces`, `param`, `metric` and `note`; `said_by` is (when, process) of
    each. `options` are what its programs parsed, `touches` what they took of the system. `family`
    tells the programs apart that were run, and `nested` the runs among them that recorded
    themselves. `calls` maps sources of which every function that ran is known to the names of
    those; `calls_lost` says why there are none.
    """

    method: str
    processes: tuple[Process, ...]
    accesses: tuple[Access, ...]
    gaps: tuple[tuple[str, str], ...] = ()
    said: tuple[tuple[str, str, str], ...] = ()
    said_by: tuple[tuple[int, int], ...] = ()
    options: tuple[Option, ...] = ()
    touches: tuple[Touch, ...] = ()
    family: Family = NO_FAMILY
    nested: tuple[Nested, ...] = ()
    calls: Mapping[bytes, frozenset[str]] = field(default_factory=dict)
    calls_lost: str = ""
