"""Finding and showing over the SQLite index: names, ids, texts, records; the recorder's asks."""

# ruff: noqa: S608 - what is put into statements are constants of the package, never input

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provgraph.graph.interface import Generation, GraphStore, RunMark, RunRow
from provgraph.graph.local.lookups import AMONG, Base
from provgraph.graph.projection import nanoseconds
from provgraph.model.kinds import RUN

if TYPE_CHECKING:
    from provgraph.model.records import Recorded

DAY = 24 * 60 * 60 * 10**9
LAST = "\U0010ffff"


class Finding(Base, GraphStore):
    """The finding part of the contract. `_project` limits what the recorder asks, where given."""

    _project: str | None

    def find_names(self, text: str, *, limit: int = 50) -> list[str]:
        folder, tail, limit = text.rstrip("/"), text.rpartition("/")[2], limit or -1
        if folder in ("", "."):
            return self._strings("SELECT text FROM name ORDER BY text LIMIT ?", (limit,))
        return self._strings(
            "SELECT text FROM name WHERE text = ?1"
            " UNION SELECT text FROM name WHERE text >= ?2 AND text < ?3"
            " UNION SELECT text FROM name WHERE tail = ?4 AND ?4 <> ''"
            "  AND substr(text, -length(?5)) = ?5"
            " ORDER BY 1 LIMIT ?6",
            # "0" follows "/" in every encoding of text.
            (text, folder + "/", folder + "0", tail, "/" + text, limit),
        )

    def all_names(self) -> list[str]:
        return self._strings("SELECT text FROM name ORDER BY text")

    def _strings(self, statement: str, parameters: Sequence[object] = ()) -> list[str]:
        return [row[0] for row in self._db.rows(statement, parameters)]

    def at_names(self, names: Sequence[str]) -> list[Generation]:
        return self._generations(
            f"g.name IN (SELECT key FROM name WHERE text IN {AMONG})",
            (json.dumps(list(names)),),
            hint="INDEXED BY generation_name",
        )

    def by_digest(self, digest: str) -> list[Generation]:
        if not digest:
            return []
        return self._generations(
            "g.digest <> '' AND (g.digest >= ?1 AND g.digest < ?2"
            " OR g.digest >= ?3 AND g.digest < ?4)",
            (digest, digest + LAST, "b3:" + digest, "b3:" + digest + LAST),
        )

    def by_id(self, text: str) -> list[int]:
        if not text:
            return []
        found: dict[int, None] = {}
        for start in {text, text.removeprefix("run:")} - {""}:
            for table in ("run", "generation"):
                found.update(
                    dict.fromkeys(
                        row[0]
                        for row in self._db.rows(
                            f"SELECT key FROM {table} WHERE id >= ? AND id < ? AND known > 0",
                            (start, start + LAST),
                        )
                    )
                )
        return sorted(found)

    def keys_of(self, ids: Sequence[str]) -> dict[str, int]:
        wanted = json.dumps(list(ids))
        return {
            text: key
            for table in ("run", "generation")
            for text, key in self._db.rows(
                f"SELECT id, key FROM {table} WHERE known > 0 AND id IN {AMONG}", (wanted,)
            )
        }

    def referred(self, ids: Sequence[str]) -> dict[str, int]:
        return dict(
            self._db.rows(
                f"SELECT id, key FROM generation WHERE known = 0 AND id IN {AMONG}",
                (json.dumps(list(ids)),),
            )
        )

    def by_kind(self, kind: str) -> list[int]:
        if kind == RUN:
            return [row[0] for row in self._db.rows("SELECT key FROM run WHERE known > 0")]
        word = self._words.find(kind)
        return [
            row[0]
            for row in self._db.rows(
                "SELECT key FROM generation WHERE kind = ? AND known > 0", (word,)
            )
        ]

    def titles(self) -> Mapping[str, str]:
        # The newest text of a name comes last, and stays.
        return dict(self._db.rows("SELECT subject, text FROM title ORDER BY subject, at, text"))

    def record_of(self, run: str) -> tuple[str, Recorded] | None:
        from provgraph.model.wire import read_run

        for name, body in self._db.rows(
            "SELECT name, body FROM record WHERE run = (SELECT key FROM run WHERE id = ?)"
            " ORDER BY version DESC LIMIT 1",
            (run.removeprefix("run:"),),
        ):
            return name, read_run(zlib.decompress(body))
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
        conditions, parameters = ["1"], list[object]()
        if step is not None:
            conditions.append("(r.step = ? OR r.label = ?)")
            parameters += [self._words.find(step), step]
        if status is not None:
            conditions.append("r.status = ?")
            parameters.append(status)
        if since is not None:
            conditions.append("r.started >= ?")
            parameters.append(nanoseconds(since))
        if until is not None:
            # A date alone means all of that day.
            conditions.append("r.started <= ?")
            parameters.append(nanoseconds(until) + (DAY - 1 if len(until) == 10 else 0))
        parameters.append(-1 if limit is None else limit)
        return self._runs(
            " AND ".join(conditions),
            parameters,
            tail=" ORDER BY r.ended DESC, r.id DESC LIMIT ?",
        )

    def run_marks(self) -> list[RunMark]:
        word, make = self._words.text, RunMark._make
        return [
            make((key, word(project), identifier if step is None else word(step), *rest))
            for key, identifier, project, step, *rest in self._db.rows(
                "SELECT key, id, project, step, label, started_text, status"
                " FROM run WHERE known > 0"
            )
        ]

    def notes(self, subject: str) -> list[tuple[str, str]]:
        return self._db.rows(
            "SELECT DISTINCT at, text FROM note WHERE subject IN (?, ?) ORDER BY at, text",
            (subject, subject.removeprefix("run:")),
        )

    def pins(self) -> Mapping[tuple[str, str], str]:
        rows = self._db.rows("SELECT name, digest, said FROM pin WHERE said <> 'none'")
        return {(name, digest): said for name, digest, said in rows}

    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        word = self._words.text
        # By name: no name is wanted twice, while thousands of files may hold the same bytes.
        rows = self._db.rows(
            "SELECT n.text, g.digest, r.id, r.step, g.project"
            " FROM json_each(?) w"
            " CROSS JOIN name n ON n.text = json_extract(w.value, '$[0]')"
            " CROSS JOIN generation g INDEXED BY generation_name ON g.name = n.key"
            "  AND g.digest = json_extract(w.value, '$[1]') AND g.digest <> ''"
            " JOIN produces p ON p.generation = g.key AND p.stated = 1"
            " JOIN run r ON r.key = p.run AND r.known = 1"
            " ORDER BY r.ended, r.id",
            (json.dumps([list(pair) for pair in wanted]),),
        )
        return {
            (name, digest): (run, word(step))
            for name, digest, run, step, home in rows
            if self._mine(word(home))
        }

    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        word = self._words.text
        last: dict[str, dict[tuple[str, str], str]] = {}
        for name, run, step, project, home in self._db.rows(
            "SELECT n.text, r.id, r.step, r.project, g.project FROM name n"
            " JOIN generation g INDEXED BY generation_name ON g.name = n.key"
            " JOIN produces p ON p.generation = g.key AND p.stated = 1"
            " JOIN run r ON r.key = p.run AND r.known = 1"
            f" WHERE n.text IN {AMONG} ORDER BY r.ended, r.id",
            (json.dumps(list(names)),),
        ):
            if self._mine(word(home)):
                steps = last.setdefault(name, {})
                steps.pop((word(project), word(step)), None)
                steps[word(project), word(step)] = run
        return {
            name: [(run, step) for (_, step), run in steps.items()] for name, steps in last.items()
        }

    def _mine(self, home: str) -> bool:
        return self._project is None or home == self._project
