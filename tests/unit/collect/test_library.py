"""Params tell which keys are read; what is read is what a run rests on; the library is light."""

from __future__ import annotations

import copy
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

import provgraph
from provgraph.collect.account import Finished
from provgraph.collect.assemble import assemble
from provgraph.collect.content import Contents
from provgraph.collect.library import block, params, step, telling
from provgraph.collect.outside import Outside
from provgraph.collect.trace import Access, Trace
from provgraph.collect.tracing.audit.log import read_log
from provgraph.errors import ProvgraphError, UsageError

DOCUMENT = {
    "model": {"depth": 3, "lr": 0.1, "layers": [{"n": 1, "m": 2}], "empty": {}},
    "data": {"rows": 5},
    "a.b": {"1": "x"},
    "name": "a",
    "list": [1, 2],
}


class Nobody:
    def lying(self, wanted: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], tuple[str, str]]:
        return {}

    def writers(self, names: Sequence[str]) -> Mapping[str, list[tuple[str, str]]]:
        return {}


Reading = Callable[[Any], object]
Touched = Callable[[Reading], set[str]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "params.json"
    path.write_text(json.dumps(DOCUMENT), "utf-8")
    return path


@pytest.fixture
def touched(config: Path) -> Touched:
    """Say which parts of a config a run touches that reads it so."""

    def of(reading: Reading) -> set[str]:
        reading(provgraph.params(config))
        path = os.fsencode(config)
        read = [(stat, key) for at, stat, key in params.read_so_far() if at == path]
        accesses = tuple(
            Access("keys", path, when, 1, size=stat[2], stat=stat, keys=(key,))
            for when, (stat, key) in enumerate(read)
        )
        observed = assemble(
            Trace("audit", (), accesses),
            Finished("ok", 0, None, 0, 1, 1.0, 0.0, 0, 1),
            root=config.parent,
            contents=Contents(config.parent, b"k" * 32),
            lookup=Nobody(),
            outside=Outside(b"k" * 32, "here"),
            step="s",
        )
        [use] = observed.uses
        return set(use.touched)

    return of


@pytest.mark.parametrize(
    ("reading", "parts"),
    [
        (lambda c: c["name"], {"name"}),
        (lambda c: c["list"], {"list"}),
        (lambda c: c["model"]["depth"], {"model.depth"}),
        (lambda c: c["model"]["layers"], {"model.layers", "#order"}),
        # What wasn't there: fine beside something that was, else the mapping counts.
        (lambda c: (c["name"], c.get("gone")), {"name", "gone"}),
        (lambda c: (c["name"], "gone" in c), {"name", "gone"}),
        (lambda c: c.get("gone"), {"#bytes"}),
        (lambda c: (c["name"], c["model"].get("x")), {"name", "model", "model.x"}),
        (lambda c: (c["model"].get("x"), c["model"]["lr"]), {"model.lr", "model.x"}),
        # Gone into, or not even that.
        (lambda c: c, {"#bytes"}),
        (lambda c: c["data"], {"data"}),
        (lambda c: (c["model"]["empty"], c["name"]), {"model.empty", "name"}),
        # All of it, and its order where there can be another.
        (lambda c: list(c["data"]), {"data"}),
        (lambda c: c["model"].to_dict(), {"model", "#order"}),
        (lambda c: len(c["model"]), {"model"}),
        (lambda c: bool(c["model"]), {"model"}),
        (lambda c: c["model"] == {}, {"model"}),
        (len, {"#bytes"}),
        (dict, {"#bytes"}),
        (lambda c: {**c["data"]}, {"data", "data.rows"}),
        (lambda c: copy.deepcopy(c["data"]), {"data"}),
        (lambda c: pickle.dumps(c["data"]), {"data"}),
        # A number as key could be a place in a list.
        (lambda c: c["a.b"]["1"], {'"a.b"'}),
        # Shown, it tells no values.
        (lambda c: (repr(c), str(c["model"]), c["name"]), {"model", "name"}),
    ],
)
def test_each_way_of_reading_touches_what_it_rests_on(
    touched: Touched, reading: Reading, parts: set[str]
) -> None:
    assert touched(reading) == parts


def test_values_are_the_file_s_and_can_not_be_changed(config: Path) -> None:
    found = provgraph.params(config)
    assert found == DOCUMENT
    assert found["model"]["layers"] == [{"n": 1, "m": 2}]
    found["list"].append(3)
    assert found["list"] == [1, 2]
    assert not hasattr(found, "__setitem__")
    assert pickle.loads(pickle.dumps(found)) == DOCUMENT
    assert found["model"].to_dict() == DOCUMENT["model"]
    with pytest.raises(KeyError, match="gone"):
        found["gone"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.yaml", "a: 1\nb: 2\n"),
        ("p.yml", "a: 1\n"),
        ("p.toml", "a = 1\n"),
        ("p.json", '{"a": 1}'),
    ],
)
def test_formats(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    assert provgraph.params(tmp_path / name)["a"] == 1


def test_an_ini_file_has_sections(tmp_path: Path) -> None:
    (tmp_path / "p.ini").write_text("[model]\nDepth = 3\n", "utf-8")
    assert provgraph.params(tmp_path / "p.ini")["model"]["Depth"] == "3"


@pytest.mark.parametrize(
    ("name", "text"),
    [("p.json", '{"a": 1, "a": 2}'), ("p.yaml", "a: 1\na: 2\n"), ("p.cfg", "[s]\na = %(b)s\n")],
)
def test_what_has_no_sure_parts_counts_as_a_whole(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    found = provgraph.params(path)
    _ = found["s"]["a"] if name == "p.cfg" else found["a"]
    assert {key for at, _, key in params.read_so_far() if at == os.fsencode(path)} == {"#bytes"}


def test_keys_that_are_not_text_count_with_all_beside_them(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("m:\n  1: a\n  x: b\n", "utf-8")
    found = provgraph.params(path)["m"]
    assert (found[1], found["x"]) == ("a", "b")
    keys = {key for at, _, key in params.read_so_far() if at == os.fsencode(path)}
    assert keys == {".", "m.", "m"}


@pytest.mark.parametrize(
    ("name", "text"),
    [("p.json", "{"), ("p.yaml", "a: [1"), ("p.yaml", "- 1\n"), ("p.toml", "a"), ("p.txt", "a=1")],
)
def test_what_is_no_config_is_said(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(UsageError, match=name):
        provgraph.params(tmp_path / name)


def test_a_missing_config_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        provgraph.params(tmp_path / "p.yaml")


def test_keys_read_before_are_told_once(config: Path) -> None:
    provgraph.params(config)["name"]
    assert any(key == "name" for _, _, key in params.read_so_far())
    params.forget_reads()
    assert params.read_so_far() == []


def test_a_mapping_held_since_before_still_counts_where_a_key_is_missing(config: Path) -> None:
    model = provgraph.params(config)["model"]
    params.forget_reads()
    assert model.get("gone") is None
    assert {key for _, _, key in params.read_so_far()} == {"model.gone", "model."}


# -- what is told ----------------------------------------------------------------------------------


def test_nobody_listens_where_nobody_watches() -> None:
    assert not telling.is_watched()


def test_what_is_told_comes_through_the_log(tmp_path: Path) -> None:
    log = tmp_path / "1-1.log"
    log.write_bytes(
        b"P\x001\x007\x001\x00block\x003.11.7\x00/p\x00/p\x00/p/python\x00/\x00=python\x00\n\x00"
        b"D\x002\x00=note\x00=\n\x00=\x00\n\x00"
        b"K\x003\x00/p/c.yaml\x001\x002\x003\x004\x005\x00=model.\x00\n\x00"
        b"G\x00untraced\x00one\x00\n\x00"
    )
    found = read_log(log)
    assert found.said == [(2, ("note", "\n", ""))]
    assert found.gaps == [("untraced", "one")]
    assert found.accesses == [
        Access("keys", b"/p/c.yaml", 3, 7, size=3, stat=(1, 2, 3, 4, 5), keys=("model.",))
    ]
    assert not found.cut


# -- runs and steps --------------------------------------------------------------------------------


class Number:
    def item(self) -> float:
        return 0.5


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (0.1, "0.1"),
        (True, "true"),
        ({"b": 1, "a": [2]}, '{"a": [2], "b": 1}'),
        (Number(), "0.5"),
        (PurePosixPath("a/b"), '"a/b"'),
    ],
)
def test_a_parameter_is_written_so_that_equal_ones_are_alike(value: object, text: str) -> None:
    assert block.as_text(value) == text


def test_a_long_parameter_is_recorded_by_its_digest() -> None:
    assert block.as_text("x" * 20_000).startswith("b3:")


def test_a_step_keeps_what_the_function_is() -> None:
    def find() -> Any:
        raise ProvgraphError("no project")

    seen: list[Mapping[str, Any]] = []

    def start(name: str, given: Mapping[str, Any]) -> block.Run:
        seen.append({"": name, **given})
        return block.Run(name, given, find=find)

    def train(path: Path, frame: object, *, lr: float = 0.1) -> str:
        """Say."""
        return f"{path} {lr}"

    wrapped = step.as_step(train, None, {"seed": 7}, start)
    assert wrapped.__doc__ == "Say."
    assert wrapped(Path("a"), object(), lr=0.2) == "a 0.2"
    name = seen[0][""]
    assert name.endswith("train")
    assert seen == [{"": name, "path": "a", "lr": 0.2, "seed": 7}]
    with pytest.raises(TypeError):
        wrapped()


def test_a_generator_is_no_step() -> None:
    with pytest.raises(UsageError, match="generator"):

        @provgraph.step
        def several() -> Any:
            yield 1


# -- the front door --------------------------------------------------------------------------------


def test_at_most_twelve_names_all_of_which_are_there() -> None:
    assert len(provgraph.__all__) <= 12
    for name in provgraph.__all__:
        assert getattr(provgraph, name) is not None
    assert set(provgraph.__all__) <= set(dir(provgraph))
    with pytest.raises(AttributeError, match="nothing"):
        provgraph.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_it_imports_nothing_else() -> None:
    code = "import sys; a = set(sys.modules); import provgraph; print(sorted(set(sys.modules) - a))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    assert done.stdout.strip() == "['__future__', 'provgraph']"
