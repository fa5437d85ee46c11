"""`provgraph.step`: a function whose every call is a run."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from provgraph.collect.library.block import Run
from provgraph.collect.library.params import Params
from provgraph.errors import UsageError


def as_step(
    function: Callable[..., Any],
    name: str | None,
    params: Mapping[str, Any] | None,
    start: Callable[[str, Mapping[str, Any]], Run],
) -> Callable[..., Any]:
    """Wrap a function in a run; its plain arguments are parameters of the run.

    Raises UsageError for a generator, whose code runs when nobody knows.
    """
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise UsageError(
            f"{function.__qualname__} is a generator, so its call is no run",
            hint="put the loop that goes through it into the step",
        )
    label = name or qualified_name(function)
    signature = inspect.signature(function)

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Run:
        return start(label, {**_arguments(signature, args, kwargs), **(params or {})})

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def later(*args: Any, **kwargs: Any) -> Any:
            with begin(args, kwargs):
                return await function(*args, **kwargs)

        return later

    @functools.wraps(function)
    def now(*args: Any, **kwargs: Any) -> Any:
        with begin(args, kwargs):
            return function(*args, **kwargs)

    return now


def qualified_name(function: Callable[..., Any]) -> str:
    """Name a function by its module and itself; the same, run as a script and imported."""
    module = function.__module__
    if module == "__main__":
        main = sys.modules["__main__"]
        spec = getattr(main, "__spec__", None)
        file = getattr(main, "__file__", None)
        if spec is not None:
            module = spec.name.removesuffix(".__main__")
        elif isinstance(file, str):
            module = os.path.splitext(os.path.basename(file))[0]
    return f"{module}.{function.__qualname__}"


def _arguments(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        return {}  # the call itself says what is wrong
    bound.apply_defaults()
    return {
        name: os.fspath(value) if isinstance(value, os.PathLike) else value
        for name, value in bound.arguments.items()
        if _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, Params):
        return False  # going through it would be reading it
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    return value is None or isinstance(value, (str, int, float, os.PathLike))
