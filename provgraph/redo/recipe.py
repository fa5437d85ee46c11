"""How a recorded run is carried out again: its command, directory, streams, and what was said.

A secret was never written down: in its place stands a fingerprint, and a value that has that
fingerprint (from this environment, or given) is put back. What can't be told is a `problem`.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provgraph.collect.secrets import fingerprint
from provgraph.collect.tracing.programs import find
from provgraph.model.records import RunRecord

_PLACEHOLDER = re.compile(r"\[redacted:([a-z0-9-]+):([0-9a-f]{8})\]")
_KERNELS = ("ipykernel_launcher", "ipykernel", "colab_kernel_launcher")

ERASED = "its arguments were erased on purpose"
NOT_HERE = "its arguments aren't in this ledger: provgraph pull"
TYPED_IN = "its code was typed in, and no file holds it"
IN_A_KERNEL = (
    "it was recorded in a notebook's kernel: run the notebook again there, or record it whole with "
    "provgraph run -- jupyter execute NOTEBOOK"
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A run's command as it can be carried out here; `problem` says why it can't.

    `cwd` is absolute. `streams` are (descriptor, sign, absolute path) of files that the shell had
    redirected. An `inside` run is started without us, for it records itself. `shown` is the
    command line for people, with secrets as they were recorded.
    """

    argv: tuple[str, ...] = ()
    cwd: str = ""
    name: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[str, ...] = ()
    produces: tuple[str, ...] = ()
    streams: tuple[tuple[int, str, str], ...] = ()
    inside: bool = False
    calls: bool = False
    shown: str = ""
    problem: str = ""

    def same_command(self, other: Recipe) -> bool:
        """Tell whether carrying one out carries the other out."""
        mine, others = (self.argv, self.cwd, self.name), (other.argv, other.cwd, other.name)
        return mine == others

    def words(self) -> list[str]:
        """Give what follows `provgraph`: run, its options, and the command."""
        out = ["run"]
        for option, values in (
            ("--name", (self.name,) if self.name is not None else ()),
            ("--uses", self.uses),
            ("--produces", self.produces),
            ("--param", tuple(f"{key}={value}" for key, value in self.params.items())),
        ):
            out += [f"{option}={value}" for value in values]
        return [*out, *(["--trace-calls"] if self.calls else []), "--", *self.argv]


class Recipes:
    """Makes recipes for a project at `root`; `secrets` are values that may stand in commands."""

    def __init__(
        self,
        root: Path,
        key: bytes,
        *,
        is_erased: Callable[[str], bool],
        environ: Mapping[str, str],
        secrets: Iterable[str] = (),
    ) -> None:
        self._root = os.path.realpath(root)
        self._key = key
        self._is_erased = is_erased
        self._environ = environ
        self._secrets = [*secrets, *environ.values()]

    def recipe(self, record: RunRecord, private: Mapping[str, Mapping[str, Any]]) -> Recipe:
        """Give a run's recipe from its record and its private fields."""
        command = private.get("command", {})
        # A step of a run is redone by the run's own command: what that set up for it, it sets up.
        whole = command.get("whole")
        command = whole if isinstance(whole, Mapping) else command
        recorded = command.get("argv")
        if not isinstance(recorded, list):
            gone = self._is_erased(record.private.get("command", ""))
            return Recipe(problem=ERASED if gone else NOT_HERE)
        argv = [str(word) for word in recorded]
        inside = bool(command.get("inside"))
        if not argv:
            return Recipe(inside=inside, problem=TYPED_IN)
        if inside and any(os.path.basename(word).split(".")[0] in _KERNELS for word in argv):
            return Recipe(inside=inside, problem=IN_A_KERNEL)
        again: Mapping[str, Any] = command.get("again") or {}
        then = os.path.expanduser(str(again.get("root", "")))
        cwd = self._here(os.path.expanduser(str(command.get("cwd", ""))), then)
        argv = [word.replace(then + os.sep, self._root + os.sep) if then else word for word in argv]
        params = self._params(private.get("params", {}), again)
        streams = [
            (int(number), str(sign), self._placed(str(path)))
            for number, sign, path in again.get("streams", ())
        ]
        uses, produces = _declared(record, again)
        made = Recipe(
            argv=tuple(argv),
            cwd=cwd,
            name=_name(record, whole, inside=inside),
            params=params,
            uses=tuple(map(self._placed, uses)),
            produces=tuple(map(self._placed, produces)),
            streams=tuple(streams),
            inside=inside,
            calls=bool(again.get("calls")),
        )
        return self._finished(made)

    def _finished(self, recipe: Recipe) -> Recipe:
        shown = _shown(recipe, self._root)
        argv, unknown = self._revealed(recipe.argv)
        values, more = self._revealed(tuple(recipe.params.values()))
        params = dict(zip(recipe.params, values, strict=True))
        problem = self._problem(recipe, argv, [*unknown, *more])
        return replace(recipe, argv=argv, params=params, shown=shown, problem=problem)

    def _problem(self, recipe: Recipe, argv: Sequence[str], unknown: Sequence[str]) -> str:
        if unknown:
            return (
                f"a secret in its arguments was never written down ({unknown[0]}): set the "
                "variable it came from, or give it with --arg"
            )
        if not os.path.isdir(recipe.cwd):
            return f"the directory it ran in, {recipe.cwd or '?'}, isn't here"
        if not find(argv[0], self._environ, recipe.cwd):
            return f"{argv[0]} isn't found from here: is its environment activated?"
        for number, _, path in recipe.streams:
            if number == 0 and not os.path.isfile(path):
                return f"its standard input, {os.path.relpath(path, self._root)}, isn't there"
        return ""

    # -- places and secrets -------------------------------------------------------------------

    def _here(self, path: str, then: str) -> str:
        """Give where a directory of the project, as it was then, lies in this clone of it."""
        inside = os.path.relpath(path, then) if then and os.path.isabs(path) else os.pardir
        if inside.split(os.sep, 1)[0] == os.pardir:
            return path
        return os.path.normpath(os.path.join(self._root, inside))

    def _placed(self, path: str) -> str:
        return os.path.normpath(os.path.join(self._root, os.path.expanduser(path)))

    def _params(self, recorded: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, str]:
        """Give those that were given to the run; those that the program told it tells again."""
        if not again:
            return {str(key): str(value) for key, value in recorded.items()}
        return {key: str(recorded[key]) for key in again.get("params", ()) if key in recorded}

    def _revealed(self, words: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
        """Put secrets back by their fingerprints; gives also the placeholders that stay."""
        unknown: list[str] = []

        def reveal(match: re.Match[str]) -> str:
            for value in self._secrets:
                if value and fingerprint(match[1], value, self._key) == match[0]:
                    return value
            unknown.append(match[0])
            return match[0]

        return tuple(_PLACEHOLDER.sub(reveal, word) for word in words), unknown


def _name(record: RunRecord, whole: object, *, inside: bool) -> str | None:
    if isinstance(whole, Mapping):
        return str(whole["name"]) if whole.get("name") else None
    return record.step.key if record.step.named and not inside else None


def _declared(record: RunRecord, again: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Give what was said with --uses and --produces; of old records, all that was declared."""
    from provgraph.model.names import is_uri, path_of

    if again:
        return list(map(str, again.get("uses", ()))), list(map(str, again.get("produces", ())))
    uses = [one.name for one in record.uses if one.evidence == "declared"]
    produces = [one.name for one in record.produces if one.evidence == "declared"]
    return (
        [path_of(name) for name in uses if not is_uri(name)],
        [path_of(name) for name in produces if not is_uri(name)],
    )


def _shown(recipe: Recipe, root: str) -> str:
    """Write a command as one would type it in its directory."""
    words = shlex.join(recipe.argv)
    if not recipe.inside:
        options = [] if recipe.name is None else ["--name", recipe.name]
        options += ["--trace-calls"] if recipe.calls else []
        options += [f"--uses={_near(path, recipe.cwd)}" for path in recipe.uses]
        options += [f"--produces={_near(path, recipe.cwd)}" for path in recipe.produces]
        options += [word for k, v in recipe.params.items() for word in ("--param", f"{k}={v}")]
        words = " ".join(filter(None, ("provgraph run", shlex.join(options), "--", words)))
    for number, sign, path in recipe.streams:
        mark = {0: "", 1: ""}.get(number, str(number))
        words += f" {mark}{sign} {shlex.quote(_near(path, recipe.cwd))}"
    here = os.path.relpath(recipe.cwd, root) if recipe.cwd else os.curdir
    outside = here.split(os.sep, 1)[0] == os.pardir
    return words if here == os.curdir else f"(cd {recipe.cwd if outside else here} && {words})"


def _near(path: str, cwd: str) -> str:
    near = os.path.relpath(path, cwd) if cwd else path
    return path if near.startswith(os.pardir + os.sep + os.pardir) else near
