"""A project on disk and the real command line: what the stories of this folder are told with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from textwrap import dedent
from typing import Any, NamedTuple

import jsonschema

ROOT = Path(__file__).parents[2]
PROVGRAPH = (sys.executable, "-m", "provgraph")
PATIENCE = 120


class Said(NamedTuple):
    """What a command said: its exit status, standard output and standard error, as bytes."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def told(self) -> str:
        return self.err.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Project:
    """A directory that is a provgraph project, and commands carried out in it."""

    root: Path
    env: Mapping[str, str] = field(repr=False)

    # -- files --------------------------------------------------------------------------------

    def write(self, name: str | bytes, text: str | bytes) -> Path:
        """Write a file, making its folders; a script's text may be indented."""
        path = Path(os.fsdecode(os.path.join(os.fsencode(self.root), os.fsencode(name))))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        return path

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    # -- commands -----------------------------------------------------------------------------

    def call(
        self,
        *words: str | bytes,
        inside: str = ".",
        stdin: bytes | None = None,
        env: Mapping[str, str | None] | None = None,
    ) -> Said:
        """Carry any command out in the project."""
        found = subprocess.run(
            words,
            cwd=self.root / inside,
            env=self.environ(env),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        return Said(found.returncode, found.stdout, found.stderr)

    def environ(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        merged = dict(self.env) | dict(changes or {})
        return {name: value for name, value in merged.items() if value is not None}

    def git(self, *words: str) -> str:
        said = self.call("git", *words)
        assert said.code == 0, said
        return said.text.strip()

    def provgraph(self, *words: str | bytes, code: int | None = 0, **how: Any) -> Said:
        """Carry a provgraph command out and see that it ends with `code` (None: any)."""
        said = self.call(*PROVGRAPH, *words, **how)
        assert b"Traceback" not in said.err, said.told
        assert code is None or said.code == code, f"{words}: {said.code}\n{said.text}\n{said.told}"
        return said

    def run(
        self,
        *command: str | bytes,
        options: Sequence[str] = (),
        complaint: bool = False,
        **how: Any,
    ) -> Said:
        """Run a command watched; provgraph complains only where that is expected."""
        said = self.provgraph("run", *options, "--", *command, **how)
        assert (b"provgraph: " in said.err) == complaint, said.told
        return said

    def script(self, name: str, *arguments: str, **how: Any) -> Said:
        return self.run("python", name, *arguments, **how)

    def shell(self, line: str, **how: Any) -> Said:
        """Carry a line of shell out; `provgraph` is the real one."""
        return self.call("sh", "-c", line, **how)

    # -- questions ----------------------------------------------------------------------------

    def ask(self, *words: str | bytes, **how: Any) -> Any:
        """Ask for JSON and compare it with the schema of what it says it is."""
        answer = self.provgraph(*words, "--format", "json", **how).json
        validate(answer)
        return answer

    def hit(self, *selectors: str | bytes, **how: Any) -> set[str]:
        """Give the names that a change would make fall."""
        return {hit["name"] for hit in self.ask("impact", *selectors, **how)["affected"]}

    def status(self, **how: Any) -> dict[str, set[str]]:
        """Give the names by state: stale, behind, modified, missing, current."""
        answer = self.ask("status", **how)
        states = {
            state: {entry["name"] for entry in answer[state]}
            for state in ("stale", "behind", "modified", "missing")
        }
        return states | {"current": set(answer["current"])}

    def fallen(self) -> dict[str, set[str]]:
        """Give the names that aren't current, by state."""
        states = self.status()
        return {state: names for state, names in states.items() if names and state != "current"}

    def runs(self, *filters: str) -> list[dict[str, Any]]:
        """Give the runs of the log, newest first."""
        found: list[dict[str, Any]] = self.ask("log", "--limit", "0", *filters)["runs"]
        return found

    def blocking(self, *words: str) -> set[tuple[str, str]]:
        """Give the (reason, subject) of the blocking gaps of an answer."""
        gaps = self.ask(*words)["gaps"]
        return {(gap["reason"], gap["subject"]) for gap in gaps if gap["grade"] == "blocking"}

    # -- the ledger ---------------------------------------------------------------------------

    @property
    def ledger(self) -> Path:
        return Path(self.provgraph("ledger", "path").text.rstrip("\n"))

    def records(self) -> list[Path]:
        """Give the files of the ledger that hold records."""
        return sorted(path for path in (self.ledger / "records").rglob("*") if path.is_file())

    # -- more projects ------------------------------------------------------------------------

    def with_env(self, **changes: str) -> Project:
        return replace(self, env=dict(self.env) | changes)

    def copy_to(self, place: Path) -> Project:
        """Give a copy of the project, its ledger included."""
        shutil.copytree(self.root, place, symlinks=True)
        return replace(self, root=place)


def begin(root: Path, env: Mapping[str, str], *, git: bool = True) -> Project:
    """Make an empty project, in a git repository or outside of one."""
    root.mkdir(parents=True, exist_ok=True)
    project = Project(root.resolve(), env)
    if git:
        project.git("init", "--quiet", "--initial-branch=main")
    project.provgraph("init")
    return project


@lru_cache
def _schema(name: str) -> Any:
    return json.loads((ROOT / "schemas" / f"{name}.json").read_text())


def validate(answer: Any) -> None:
    """See that an answer is what its own `schema` says: `provgraph/impact/1` is impact.json."""
    jsonschema.validate(answer, _schema(answer["schema"].split("/")[1]))
