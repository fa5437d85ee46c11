"""A callback for Hydra: a watched run rests on the keys composed of its configs, not on the files.

```yaml
hydra:
  callbacks:
    provgraph:
      _target_: provgraph.hydra.Keys
```
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from provgraph.collect.keys import join_key
from provgraph.collect.library.params import ParamsPath
from provgraph.collect.library.telling import is_watched, tell, tell_composed, tell_key
from provgraph.collect.parts import parse
from provgraph.model.parts import HYDRA, ORDER

_FILES = "file://"
_MISSING = "???"  # a value that Hydra takes for none
# What a run of Hydra's own reads while it composes, whatever takes its place in the end.
_NEVER_REPLACED = ("hydra", "defaults")


class Keys(Callback):
    """Tells provgraph, when a run begins, which keys of which files its config is composed of.

    Where that isn't sure, a file counts as a whole, as it does without this callback. Nothing is
    raised, printed or changed; in a run that nobody watches nothing is done.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """Tell of the config of a single run."""
        _tell(config, RunMode.RUN)

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Tell of the config that a sweep begins with."""
        _tell(config, RunMode.MULTIRUN)

    def on_job_start(self, config: DictConfig, **_: Any) -> None:
        """Tell of the config of one job of a sweep."""
        if config.hydra.mode == RunMode.MULTIRUN:
            _tell(config, RunMode.MULTIRUN)


def _tell(config: DictConfig, mode: RunMode) -> None:
    if not is_watched():
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lists: Any = OmegaConf.to_container(config.hydra.overrides, resolve=False)
            overrides = [*lists["hydra"], *lists["task"]]
            _tell_overrides(overrides)
            files = list(_files(config, overrides, mode))
            replaced = _given(config, overrides) if mode == RunMode.RUN and _is_plain() else None
            told = list(_keys(files, replaced))
    except Exception:  # noqa: BLE001 - Hydra's insides may differ: the files count as a whole
        return
    for file, keys in told:
        for key in keys:
            tell_key(file.path, file.stat, key)
        tell_composed(file.path, file.stat)


def _tell_overrides(overrides: Sequence[str]) -> None:
    for text in overrides:
        name, _, value = text.partition("=")
        if name != "hydra.mode":  # Hydra's own doing
            tell("option", name.lstrip("+"), value)


@dataclass(frozen=True, slots=True)
class _File:
    """A config as Hydra composed it: below which keys it was put, and what it holds."""

    path: bytes
    stat: tuple[int, int, int, int, int]
    package: tuple[str, ...]
    document: Mapping[str, Any]


def _files(config: DictConfig, overrides: list[str], mode: RunMode) -> Iterator[_File]:
    """Give the files that a config is composed of, in the order in which they were put together."""
    if config.hydra.searchpath:
        raise LookupError("places that only the config names")
    loader: Any = GlobalHydra.instance().config_loader()
    defaults = loader.compute_defaults_list(config.hydra.job.config_name, overrides, mode).defaults
    for default in defaults:
        if default.config_path is None:
            continue
        found = loader.repository.load_config(default.config_path)
        if found is None or not found.path.startswith(_FILES):
            continue
        package = found.header["package"] if default.package is None else default.package
        name = default.config_path
        name += "" if name.endswith((".yaml", ".yml")) else ".yaml"
        path = os.path.realpath(os.path.join(found.path[len(_FILES) :], name))
        yield _read(path, tuple(package.split(".")) if package else ())


def _read(path: str, package: tuple[str, ...]) -> _File:
    with open(ParamsPath(path), "rb") as file:
        seen = os.fstat(file.fileno())
        data = file.read()
    if len(data) != seen.st_size:
        raise ValueError("it is being written")
    document = parse(path, data)
    document = {} if document is None else document
    if not isinstance(document, Mapping):
        raise TypeError("a config has keys")
    stat = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    return _File(os.fsencode(path), stat, package, document)


def _is_plain() -> bool:
    """Tell whether no config is of classes: a value's type counts there, whatever replaces it."""
    known = ConfigStore.instance().repo
    return all(name == "hydra" or name.startswith("_dummy_empty_config_") for name in known)


def _given(config: DictConfig, overrides: list[str]) -> set[tuple[str, ...]]:
    """Give the keys whose values the command line replaces, whatever they were."""
    found = set()
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.key_or_group
        if override.is_delete() or override.is_add() or override.is_force_add():
            continue
        of_key = override.package is None and key not in config.hydra.runtime.choices
        if of_key and not override.is_sweep_override() and _replaces(override.value()):
            found.add(tuple(key.split(".")))
    return found


def _replaces(value: object) -> bool:
    """Tell a value that takes the place of another one of its sort, and merges with nothing."""
    return (value is None or isinstance(value, (str, int, float))) and value != _MISSING


def _keys(
    files: Sequence[_File], given: set[tuple[str, ...]] | None
) -> Iterator[tuple[_File, set[str]]]:
    """Give the keys of each file that count.

    `given` are those that are replaced in the end; None where that isn't sure of any.
    """
    later = set(given or ())
    for file in reversed(files):
        keys = {ORDER, HYDRA}
        here = set()
        for way, value in _leaves(file.document, ()):
            full = (*file.package, *way)
            replaced = given is not None and full[0] not in _NEVER_REPLACED and full in later
            if not (replaced and way[0] not in _NEVER_REPLACED and _replaces(value)):
                keys.add(join_key(way))
            if _replaces(value):
                here.add(full)
        later |= here
        yield file, keys


def _leaves(
    document: Mapping[Any, Any], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give the innermost keys; of a mapping whose keys aren't plain names, the mapping."""
    for key in document:
        if not isinstance(key, str) or key.isdigit():
            if not above:
                raise LookupError("keys that aren't names")
            yield above, document
            return
    for key, value in document.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value
