"""Finding and showing in Neo4j: names, ids, texts, records; and what the recorder asks."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provgraph.graph.interface import Generation, GraphStore, RunRow
from provgraph.graph.keys import key_of
from provgraph.graph.neo4j.lookups import AT_ONCE, Base
from provgraph.graph.projection import nanoseconds
from provgraph.model.kinds import RUN

if TYPE_CHECKING:
    from provgraph.model.records import Recorded

DAY = 24 * 60 * 60 * 10**9
ALL = 2**62


class Finding(Base, GraphStore):
    """The finding part of the contract."""

    def find_names(self, text: str, *, limit: int = 50) -> list[str]:
        folder, tail = text.rstrip("/"), text.rpartition("/")[2]
        if folder in ("", "."):
            found = self.all_names()
        elif not _is_text(text):
            found = []
        else:
            rows = self._connection.read(
                "look-up/names-like",
                name=text,
                folder=folder + "/",
                tail=tail,
                ending="/" + text,
                project=self._project,
            )
            found = sorted(row[0] for row in rows)
        return found[: limit or None]

    def all_names(self) -> list[str]:
        names: list[str] = self._connection.one("look-up/names", project=self._project) or []
        return sorted(names)

    def at_names(self, names: Sequence[str]) -> list[Generation]:
        asked = [name for name in dict.fromkeys(names) if _is_text(name)]
        keys = self._keys("look-up/at-names", names=asked, project=self._project) if asked else []
        return self.generations(keys)

    def by_digest(self, digest: str) -> list[Generation]:
        if not digest or not _is_text(digest):
            return []
        starts = [digest, "b3:" + digest]
        keys = self._keys("look-up/by-digest", starts=starts, project=self._project)
        return self.generations(keys)

    def by_id(self, text: str) -> list[int]:
        if not _is_text(text):
            return []
        starts = {text, text.removeprefix("run:")} - {""}
        return sorted({key for one in starts for key in self._keys("look-up/by-id", start=one)})

    def keys_of(self, ids: Sequence[str]) -> dict[str, int]:
        asked = [text for text in dict.fromkeys(ids) if _is_text(text)]
        return dict(self._rows("look-up/keys-of", ids=asked)) if asked else {}

    def referred(self, ids: Sequence[str]) -> dict[str, int]:
        keys = {key_of(text): text for text in ids if _is_text(text)}
        found: list[int] = []
        for start in range(0, len(keys), AT_ONCE):
            part = list(keys)[start : start + AT_ONCE]
            found += self._keys("look-up/known-vertices", keys=part)
        there = {keys[key]: key for key in found}
        known = self.keys_of(list(there)) if there else {}
        return {text: key for text, key in there.items() if text not in known}

    def by_kind(self, kind: str) -> list[int]:
        if kind == RUN:
            return [run.key for run in self.list_runs()]
        return self._keys("look-up/by-kind", kind=kind, project=self._project)

    def titles(self) -> Mapping[str, str]:
        # The newest text of a name comes last, and stays.
        return dict(self._rows("look-up/titles", project=self._project))

    def record_of(self, run: str) -> tuple[str, Recorded] | None:
        from provgraph.ledger.reading import parse

        for name, body in self._connection.read(
            "look-up/record-of-run", run=run.removeprefix("run:")
        ):
            return name, parse(name, zlib.decompress(body))
        return None

    def list_runs(
        self,
        *,
        step: str | None = None,
        status: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
    ) -> list[RunRow]:
        last = None
        if until is not None:
            # A date alone means all of that day.
            last = nanoseconds(until) + (DAY - 1 if len(until) == 10 else 0)
        keys = self._keys(
            "look-up/listed-runs",
            project=self._project,
            step=step,
            status=status,
            since=None if since is None else nanoseconds(since),
            until=last,
            limit=ALL if limit is None else limit,
        )
        return sorted(self._runs(keys), key=lambda run: run.order, reverse=True)

    def notes(self, subject: str) -> list[tuple[str, str]]:
        subjects = list({subject, subject.removeprefix("run:")})
        rows = self._connection.read("look-up/notes", subjects=subjects, project=self._project)
        return [(at, text) for at, text in rows]

    def pins(self) -> Mapping[tuple[str, str], str]:
        rows = self._rows("look-up/pins", project=self._project)
        return {(name, digest): said for name, digest, said in rows}

    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        pairs = [list(pair) for pair in wanted]
        rows = self._connection.read("look-up/lying", wanted=pairs, project=self._project)
        return {(name, digest): (run, step) for name, digest, run, step in rows}

    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        last: dict[str, dict[tuple[str, str], str]] = {}
        for name, run, step, home, _ in self._connection.read(
            "look-up/writers", names=list(names), project=self._project
        ):
            steps = last.setdefault(name, {})
            steps.pop((home, step), None)
            steps[home, step] = run
        return {
            name: [(run, step) for (_, step), run in steps.items()] for name, steps in last.items()
        }


def _is_text(text: str) -> bool:
    """Tell whether a text can be sent, and so be held: half a character can't."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return bool(text)
