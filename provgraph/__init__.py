"""Watch experiments run, keep what was seen, and ask what a change affects."""

from __future__ import annotations

__all__ = [
    "Impact",
    "Lineage",
    "Params",
    "Project",
    "ProvgraphError",
    "Run",
    "Status",
    "__version__",
    "as_text",
    "params",
    "run",
    "step",
]

TYPE_CHECKING = False  # importing typing takes longer than all the rest
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar, overload

    from provgraph.collect.library.block import Run
    from provgraph.collect.library.params import Params
    from provgraph.errors import ProvgraphError
    from provgraph.model.answers import Impact, Lineage, Status
    from provgraph.project import Project

    __version__: str
    Function = TypeVar("Function", bound=Callable[..., Any])

else:

    def overload(function):
        return function


_HOMES = {
    "Impact": "provgraph.model.answers",
    "Lineage": "provgraph.model.answers",
    "Params": "provgraph.collect.library.params",
    "Project": "provgraph.project",
    "ProvgraphError": "provgraph.errors",
    "Run": "provgraph.collect.library.block",
    "Status": "provgraph.model.answers",
}


if not TYPE_CHECKING:  # else every name would be one for the type checker

    def __getattr__(name: str) -> object:
        """Import a public name when it is first used."""
        if name == "__version__":
            from importlib.metadata import PackageNotFoundError, version

            try:
                return version("provgraph")
            except PackageNotFoundError:  # used from a checkout that isn't installed
                return "0+unknown"
        if name not in _HOMES:
            raise AttributeError(f"module 'provgraph' has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_HOMES[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def run(name: str, *, params: Mapping[str, Any] | None = None) -> Run:
    """Record a block of code as a run: `with provgraph.run("train", params={…}) as run:`.

    The block's reads and writes are observed; `run.uses`, `produces`, `metric` and `note` add what
    can't be seen. Where this process is watched already, the block is part of that run.
    """
    from provgraph.collect.library.block import Run

    return Run(name, params, find=_project)


@overload
def step(name: Function) -> Function: ...
@overload
def step(  # noqa: F811 - overload is bound where types are checked
    name: str | None = None, *, params: Mapping[str, Any] | None = None
) -> Callable[[Function], Function]: ...
def step(  # noqa: F811 - the same
    name: Any = None, *, params: Mapping[str, Any] | None = None
) -> Any:
    """Make every call of a function a run: `@provgraph.step`, or `@provgraph.step("train")`.

    Without a name the step is the function's qualified name. Arguments that are plain values are
    the run's parameters.
    """
    if callable(name):
        return step()(name)

    def wrap(function: Any) -> Any:
        from provgraph.collect.library.step import as_step

        return as_step(function, name, params, lambda label, given: run(label, params=given))

    return wrap


def params(path: str | os.PathLike[str]) -> Params:
    """Load a JSON, YAML, TOML or INI file as a mapping that records which keys are read."""
    from provgraph.collect.library.params import load

    return load(path)


def load_ipython_extension(shell: Any) -> None:
    """Record each cell that makes something as a run: `%load_ext provgraph` in a notebook."""
    from provgraph.collect.library.cells import load

    load(shell, _project)


def unload_ipython_extension(_shell: Any) -> None:
    """Stop recording cells: `%unload_ext provgraph`."""
    from provgraph.collect.library.cells import unload

    unload()


def as_text(answer: object) -> str:
    """Write an answer of a `Project` as the command line shows it."""
    from provgraph.render import render

    return render(answer)


def _project() -> Project:
    from provgraph.project import Project

    return Project.find()
