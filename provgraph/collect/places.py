"""What a path that a program touched is: its name in the project, a stream, noise, a link."""

from __future__ import annotations

import os
from collections.abc import Sequence

from provgraph.collect.noise import Noise
from provgraph.collect.outside import Outside
from provgraph.collect.trace import Access
from provgraph.model.kinds import is_stream
from provgraph.model.names import name_of


class Places:
    """Names for absolute paths, remembered. `top` is the project's directory, with its slash."""

    def __init__(self, top: bytes, noise: Noise, outside: Outside, streams: Sequence[str]) -> None:
        self.top = top
        self.noise = noise
        self.outside = outside
        self.streams = streams
        self.names: dict[bytes, str | None] = {}
        self._real: dict[bytes, bytes] = {}

    def name(self, path: bytes) -> str | None:
        """Give the name of an absolute path; None where it is noise."""
        if path not in self.names:
            self.names[path] = self._name(path)
        return self.names[path]

    def _name(self, path: bytes) -> str | None:
        if path + b"/" == self.top:
            return "."
        if path.startswith(self.top):
            name = name_of(path[len(self.top) :])
            noise = path not in self.noise.kept and self.noise.in_project(name)
            return None if noise else name
        if path not in self.noise.kept and self.noise.elsewhere(os.fsdecode(path)):
            return None
        return self.outside.name(path)

    def inside(self, path: bytes) -> bool:
        """Tell whether a path lies in the project."""
        return path.startswith(self.top) or path + b"/" == self.top

    def stream(self, path: bytes) -> bool:
        """Tell whether appends to a path don't depend on what was there."""
        if self.inside(path):
            return is_stream(name_of(path[len(self.top) :]), self.streams)
        return is_stream(name_of(path.lstrip(b"/")), self.streams)

    def real(self, path: bytes) -> bytes:
        """Give a path with links in its directories resolved, and a link at its end as it is."""
        head, tail = os.path.split(path)
        if head not in self._real:
            self._real[head] = os.path.realpath(head)
        return os.path.join(self._real[head], tail)

    def ways_to(self, spelled: bytes, path: bytes) -> list[bytes]:
        """Give where a file lies, and the links by which it was reached: any of them may change."""
        ways = [path, self.end_of_links(path)]
        if spelled.startswith(self.top):
            ways.append(spelled)
        return list(dict.fromkeys(ways))

    def end_of_links(self, path: bytes) -> bytes:
        """Give the file that a link at the end of a path leads to."""
        return os.path.realpath(path) if os.path.islink(path) else path

    def without_session_logs(self, streams: Sequence[Access]) -> list[Access]:
        """Leave out where the session's output goes as a whole, outside the project.

        A shell's `> /tmp/x.csv` leaves standard error alone; a batch system, a CI runner or nohup
        sends both to files that go on growing when the run has ended.
        """
        outputs = [
            one for one in streams if one.action != "read" and not self.inside(self.real(one.path))
        ]
        return [one for one in streams if len(outputs) < 2 or one not in outputs]
