"""Which process something belongs to, told so that it can be seen to have died.

A pid alone is used again; with the boot it was started in and its start time it is not. A process
in another container (pid namespace) of this machine can't be seen, so it is foreign.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any, Literal

from provgraph.model.digests import identity

State = Literal["live", "dead", "foreign"]


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. `start` is in clock ticks since boot (Linux) or a date (macOS); "" = unknown."""

    host: str
    machine: str
    boot: str
    namespace: str
    pid: int
    start: str

    def document(self) -> dict[str, Any]:
        """Give the fields as JSON values."""
        return asdict(self)


def owner_in(document: Any) -> Owner:
    """Read an owner from JSON values; raises `ValueError`."""
    fields = ("host", "machine", "boot", "namespace", "start")
    document = document if isinstance(document, dict) else {}
    right = all(isinstance(document.get(field), str) for field in fields)
    if not right or not isinstance(document.get("pid"), int):
        raise ValueError("no owner")
    return Owner(**{field: document[field] for field in fields}, pid=document["pid"])


def this_process(pid: int | None = None) -> Owner:
    """Describe a process of this machine, by default this one."""
    pid = os.getpid() if pid is None else pid
    return Owner(
        host=os.uname().nodename,
        machine=_machine(),
        boot=_boot(),
        namespace=_namespace(),
        pid=pid,
        start=_start_of(pid) or "",
    )


def is_there(pid: int) -> bool:
    """Tell whether a process of this machine has a number at present."""
    return _start_of(pid) is not None


def state_of(owner: Owner) -> State:
    """Tell whether a process lives, is dead, or can't be judged from here."""
    boot = _boot()
    if owner.boot and owner.boot == boot:
        # The same boot is the same machine, whatever it is called by now.
        if owner.namespace != _namespace():
            return "foreign"
        return "live" if _lives(owner) else "dead"
    if (owner.host, owner.machine) != (os.uname().nodename, _machine()):
        return "foreign"
    return "dead" if owner.boot and boot else "foreign"


def _lives(owner: Owner) -> bool:
    start = _start_of(owner.pid)
    if start is None:
        # Not to be seen is not dead yet: /proc may hide other users' processes.
        try:
            os.kill(owner.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            return True
        return not _is_zombie(owner.pid)
    return owner.start in (start, "")


def _start_of(pid: int) -> str | None:
    """Give a process's start time; None where there is none to be seen, or only a zombie."""
    fields = _stat(pid)
    if fields is not None:
        return None if fields[0] in ("Z", "X") else fields[19]
    if os.path.exists("/proc/self/stat"):
        return None
    return _output("ps", "-o", "lstart=", "-p", str(pid)) or None


def _is_zombie(pid: int) -> bool:
    fields = _stat(pid)
    return fields is not None and fields[0] in ("Z", "X")


def _stat(pid: int) -> list[str] | None:
    """Give the fields of /proc/<pid>/stat after the command (which may hold anything)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return fields if len(fields) > 19 else None


def _boot() -> str:
    text = _file("/proc/sys/kernel/random/boot_id")
    return text or _output("sysctl", "-n", "kern.bootsessionuuid")


def _machine() -> str:
    text = _file("/etc/machine-id") or _file("/var/lib/dbus/machine-id")
    return identity("machine", text) if text else ""


def _namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _file(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _output(*command: str) -> str:
    import subprocess  # never on Linux

    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
