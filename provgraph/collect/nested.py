"""Runs in a watched run: a `provgraph run` that finds itself watched by another one.

It records itself, with what those that started it had read before, and says so in the other's
spool. That one then leaves out what it saw of it: a step has one record. A nested run that can't
do its part says nothing, and is a step of the outer run as any other program is.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

_NAME = ".nested"
SHELL = "shell"  # in the events of a watched shell, whose lines are runs; it is none
_LONGEST = 4 << 20  # bytes of an outer run's logs; to read more for each nested run is too slow


@dataclass(frozen=True, slots=True)
class Nested:
    """A run that recorded itself: which process its `provgraph run` is, seen at `when` in ns."""

    run: str
    pid: int
    when: int


@dataclass(frozen=True, slots=True)
class Enclosing:
    """The run around this one: its id, and where its events are."""

    run: str
    events: Path

    def tell(self, nested: Nested) -> None:
        """Say that a nested run is recorded; where that can't be written, nothing is said."""
        beside = self.events / f"{nested.run}.telling"
        with contextlib.suppress(OSError):
            beside.write_text(json.dumps([nested.run, nested.pid, nested.when]))
            beside.rename(self.events / (nested.run + _NAME))

    def small(self) -> bool:
        """Tell whether its events are few enough to be read once for each nested run."""
        try:
            with os.scandir(self.events) as files:
                logs = sum(one.stat().st_size for one in files if one.name.endswith(".log"))
                return logs <= _LONGEST and not os.path.exists(self.events / "ring.1")
        except OSError:
            return False


def enclosing(ledger: Path) -> Enclosing | None:
    """Give the run of a ledger whose library is in this process; of several the innermost.

    A watched shell isn't one: what is started there by `provgraph run` stands for itself.
    """
    found = {one for one in _around(ledger) if not os.path.exists(one / SHELL)}
    if not found:
        return None
    events = max(found, key=lambda one: one.parent.name)  # run ids are in order of time
    return Enclosing(events.parent.name, events)


def _around(ledger: Path) -> set[Path]:
    spools = os.path.join(os.path.realpath(ledger), "spool", "")
    found = set()
    with (
        contextlib.suppress(OSError),
        open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps,
    ):
        for line in maps:
            path = line.rstrip("\n").partition("/")[2]
            if path.endswith("/events/ring.0") and f"/{path}".startswith(spools):
                found.add(Path(f"/{path}").parent)
    return found


def watched_shells(ledger: Path) -> set[str]:
    """Give the watched shells of a ledger that this process was started in, as ids of spools."""
    return {one.parent.name for one in _around(ledger) if os.path.exists(one / SHELL)}


def told(events: Path) -> tuple[Nested, ...]:
    """Read which runs said that they recorded themselves."""
    found = []
    for path in events.glob("*" + _NAME):
        with contextlib.suppress(OSError, ValueError, TypeError):
            run, pid, when = json.loads(path.read_bytes())
            found.append(Nested(str(run), int(pid), int(when)))
    return tuple(sorted(found, key=lambda one: one.when))
