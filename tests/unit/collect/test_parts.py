"""Parts: what counts of a file, and what doesn't."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provgraph.collect import keys, parts
from provgraph.errors import UsageError
from provgraph.model.digests import ABSENT, comparable, content_digest
from provgraph.model.parts import BYTES, HYDRA, ORDER, SYNTAX, THERE

segments = st.lists(st.text(max_size=12), min_size=1, max_size=5)


@given(segments)
def test_a_key_reads_back_as_it_was_written(way: list[str]) -> None:
    key = keys.join_key(way)
    assert keys.split_key(key) == tuple(way)
    assert not key.startswith("#")


@given(segments, segments)
def test_two_ways_are_never_written_alike(one: list[str], other: list[str]) -> None:
    assert (keys.join_key(one) == keys.join_key(other)) == (one == other)


@given(st.text(max_size=20))
def test_any_text_is_a_key_or_a_usage_error(text: str) -> None:
    with suppress(UsageError):
        way = keys.split_key(text)
        assert keys.split_key(keys.join_key(way)) == way


def test_plain_keys_stay_plain() -> None:
    assert keys.join_key(["model", "depth", "0"]) == "model.depth.0"
    assert keys.join_key(["a.b", 'say "x"', "", "#bytes"]) == r'"a.b"."say \"x\""."".' + '"#bytes"'


@pytest.mark.parametrize("key", ["", ".", "a.", ".a", "a..b", '"a', 'a"b', '"a"b', '"\\x"'])
def test_malformed_keys_are_refused(key: str) -> None:
    with pytest.raises(UsageError):
        keys.split_key(key)


SOURCE = b'"""What it does."""\nimport os\n\n\ndef f(a):\n    "doc"\n    return a + 1\n'


@pytest.mark.parametrize(
    "edited",
    [
        b'"""Said otherwise."""\nimport os\n\n\ndef f(a):\n    "doc"\n    return a + 1\n',
        b"import os\n\ndef f( a ):  # a comment\n    return (a\n        + 1)\n",
        SOURCE.replace(b"\n", b"\r\n"),
    ],
)
def test_comments_format_and_docstrings_are_no_change_of_syntax(edited: bytes) -> None:
    assert parts.syntax_digest("m.py", edited) == parts.syntax_digest("m.py", SOURCE)
    assert parts.part_digest("m.py", edited, BYTES) != parts.part_digest("m.py", SOURCE, BYTES)


@pytest.mark.parametrize(
    "edited",
    [
        SOURCE.replace(b"+ 1", b"+ 1.0"),
        SOURCE.replace(b"+ 1", b"+ True"),
        SOURCE.replace(b"import os", b"import sys"),
        b"#!/usr/bin/env python3.12\n" + SOURCE,
        b'# /// script\n# dependencies = ["numpy<2"]\n# ///\n' + SOURCE,
        SOURCE.replace(b"return a", b'x = "doc"; return a'),
    ],
)
def test_code_is_a_change_of_syntax(edited: bytes) -> None:
    assert parts.syntax_digest("m.py", edited) != parts.syntax_digest("m.py", SOURCE)


def test_syntax_digests_of_other_python_versions_do_not_compare() -> None:
    digest = parts.syntax_digest("m.py", SOURCE)
    assert digest.startswith(f"{parts.SYNTAX_SCHEME}:")
    assert not comparable(digest, "ast3.99:" + digest.partition(":")[2])


@pytest.mark.parametrize(
    "source",
    [b"def f(:\n", b"x = 1\0", b"\xff\xfe", b"(" * 5000, b"x = 0x" + b"f" * 9000],
    ids=["error", "nul", "bytes", "deep", "huge-int"],
)
def test_what_does_not_parse_counts_by_its_bytes(source: bytes) -> None:
    assert parts.syntax_digest("m.py", source) == content_digest(source)


def test_an_odd_escape_warns_nobody() -> None:
    assert parts.syntax_digest("m.py", b"x = '\\d'\n").startswith("ast")


def test_a_script_without_suffix_is_python_by_its_first_line() -> None:
    one, other = (b"#!/usr/bin/python3\nx = 1" + tail for tail in (b"\n", b"  # one\n"))
    assert parts.syntax_digest("tool", one) == parts.syntax_digest("tool", other)
    assert parts.syntax_digest("tool.sh", one) != parts.syntax_digest("tool.sh", other)


def notebook(code: str, *, output: str = "", text: str = "", tags: tuple[str, ...] = ()) -> bytes:
    cells = [
        {"cell_type": "markdown", "source": text, "metadata": {}},
        {
            "cell_type": "code",
            "source": code.splitlines(keepends=True),
            "outputs": [{"text": output}],
            "metadata": {"tags": list(tags)},
        },
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode()


def test_a_notebook_is_its_code_cells() -> None:
    base = parts.syntax_digest("n.ipynb", notebook("x = 1\ny = 2"))
    assert base.startswith("nb:")
    assert parts.syntax_digest("n.ipynb", notebook("x = 1\ny = 2", output="7", text="hi")) == base
    assert parts.syntax_digest("n.ipynb", notebook("x = 1\ny = 3")) != base
    assert parts.syntax_digest("n.ipynb", notebook("x = 1\ny = 2", tags=("parameters",))) != base
    for broken in (
        b"{",
        b"[]",
        b'{"cells": [{}]}',
        b'{"cells": 7}',
        b'{"metadata": 1, "cells": []}',
    ):
        assert parts.syntax_digest("n.ipynb", broken) == content_digest(broken)


CONFIGS = {
    "c.json": (
        b'{"lr": 1, "m": {"b": [1, {"d": 2}], "a": 0}}',
        b'{"m": {"a":0,"b":[1,{"d":2}]},"lr":1}',
    ),
    "c.yaml": (
        b"lr: 1\nm:\n  b: [1, {d: 2}]\n  a: 0\n",
        b"# hi\nm: {a: 0, b: [1, {d: 2}]}\nlr: 1\n",
    ),
    "c.toml": (
        b"lr = 1\n[m]\nb = [1, {d = 2}]\na = 0\n",
        b"lr = 1\nm = {a = 0, b = [1, {d = 2}]}\n",
    ),
}


@pytest.mark.parametrize("path", CONFIGS)
def test_a_key_is_its_value_whatever_the_order_and_format(path: str) -> None:
    one, other = CONFIGS[path]
    for key in ("lr", "m", "m.b", "m.b.1.d", "m.a"):
        assert parts.part_digest(path, one, key) == parts.part_digest(path, other, key) != ABSENT
    for key in ("x", "m.x", "lr.x", "m.b.9", "m.b.-1", "m.b.1.d.e", "m.b.999999999999999999"):
        assert parts.part_digest(path, one, key) == ABSENT


def test_order_is_a_part_of_its_own() -> None:
    one, other = CONFIGS["c.json"]
    assert parts.part_digest("c.json", one, ORDER) != parts.part_digest("c.json", other, ORDER)
    assert parts.part_digest("c.json", b'{"a": 1, "b": 2}', ORDER) == parts.part_digest(
        "c.json", b'{"a": 5, "b": [3, 4]}', ORDER
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lr: 1e3", "lr: '1e3'"),
        ("lr: 2020-01-01", "lr: 2020-1-1"),
        ("lr: 1_000", "lr: 1000"),
        ("lr: yes", "lr: true"),
        ("lr: 1", "# @package other\nlr: 1"),
        ("# @package a\nlr: 1", "# @package b\nlr: 1"),
        ("# @package a\nlr: 1", "# text\n# @package a\nlr: 1"),
    ],
)
def test_what_hydra_sees_beside_keys_is_a_part_of_its_own(one: str, other: str) -> None:
    digests = [parts.part_digest("c.yaml", text.encode(), HYDRA) for text in (one, other)]
    assert digests[0] != digests[1]


def test_a_comment_or_another_plain_value_is_nothing_that_hydra_sees_beside_keys() -> None:
    same = (
        "lr: 1\nname: small",
        "# text\n# @package a\nlr: 2.5  # x\nname: 'big'",
        "lr: -1\nname: b",
    )
    assert len({parts.part_digest("c.yaml", text.encode(), HYDRA) for text in same}) == 1


def test_values_of_different_types_differ() -> None:
    documents = [b"a: 1", b"a: 1.0", b"a: true", b"a: '1'", b"a: null", b"a: [1]", b"a: 2020-01-01"]
    assert len({parts.part_digest("c.yml", one, "a") for one in documents}) == len(documents)


def test_ini_sections_are_keys_with_their_defaults() -> None:
    data = b"[DEFAULT]\nseed = 1\n[train]\nLR = 0.1\n"
    assert parts.part_digest("c.ini", data, "train.LR") != ABSENT
    changed = data.replace(b"seed = 1", b"seed = 2")
    assert parts.part_digest("c.ini", data, "train.seed") != parts.part_digest(
        "c.ini", changed, "train.seed"
    )


LAUGHS = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(12)
)


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("c.json", b'{"a": 1, "a": 2}'),
        ("c.json", b"{"),
        ("c.json", b"[" * 100_000),
        ("c.json", b"\xff"),
        ("c.yaml", b"a: 1\na: 2\n"),
        ("c.yaml", b"a: 1\n---\na: 2\n"),
        ("c.yaml", b"a: !!python/object:os.system {}\n"),
        ("c.yaml", b"a: [\n"),
        ("c.yaml", b"1: x\n'1': y\na: 3\n"),
        ("c.yaml", b"a: &a [*a]\n"),
        ("c.yaml", b"? [1, 2]\n: x\n"),
        ("c.toml", b"a = 1\na = 2\n"),
        ("c.ini", b"a = 1\n"),
        ("c.ini", b"[x]\na = %(b)s\nb = 1\n"),
        ("c.csv", b"a,b\n1,2\n"),
    ],
)
def test_in_doubt_a_key_counts_as_the_whole_file(path: str, data: bytes) -> None:
    key = "x.a" if path == "c.ini" else "a"
    assert parts.part_digest(path, data, key) == content_digest(data)


def test_an_exploding_file_is_a_whole_too() -> None:
    assert parts.part_digest("c.yaml", LAUGHS, "m") == content_digest(LAUGHS)
    assert parts.product_parts("c.yaml", LAUGHS) == {}


def test_a_malformed_key_counts_as_the_whole_file() -> None:
    assert parts.part_digest("c.json", b'{"a": 1}', "a..b") == content_digest(b'{"a": 1}')


def test_product_parts_are_all_keys_and_agree_with_single_ones() -> None:
    data = CONFIGS["c.json"][0]
    found = parts.product_parts("c.json", data)
    assert set(found) == {"lr", "m", "m.b", "m.b.0", "m.b.1", "m.b.1.d", "m.a", ORDER}
    assert all(parts.part_digest("c.json", data, part) == found[part] for part in found)
    assert set(parts.product_parts("c.json", b"{}")) == {ORDER}


def test_products_that_are_no_small_config_have_no_parts() -> None:
    assert parts.product_parts("c.json", json.dumps(list(range(501))).encode()) == {}
    assert parts.product_parts("c.json", b'{"a": "' + b"x" * 300_000 + b'"}') == {}
    assert parts.product_parts("c.json", b"7") == {}
    assert parts.product_parts("c.csv", b"a,b\n") == {}


@pytest.mark.parametrize(
    "source",
    [
        "x = 1\n",
        "parser.add_argument('--x', help='the x')\n",
        "ROOT = Path(__file__).resolve().parent\n",
        "ROOT = os.path.dirname(os.path.abspath(__file__))\n",
        "ROOT = Path(__file__).parents[1]\n",
        "print(vars(args), self.__dict__)\n",
        "'''Inspection of data.'''\n",
    ],
)
def test_plain_code_is_safe_to_compare_by_syntax(source: str) -> None:
    assert parts.syntax_safe(source.encode())


@pytest.mark.parametrize(
    "source",
    [
        "print(__doc__)\n",
        "import inspect\n",
        "from inspect import getsource\n",
        "inspect.getdoc(f)\n",
        "help(f)\n",
        "import docopt\n",
        "data = open(__file__).read()\n",
        "name = __file__\n",
        "import linecache\n",
        "f.__code__.co_firstlineno\n",
        "import ast\n",
        "logging.basicConfig(format='%(lineno)d')\n",
        "import cloudpickle\n",
        "@torch.jit.script\n",
        "import dspy\n",
        "from langchain_core.tools import tool\n",
        "vars(module)\n",
        "{k: v for k, v in Config.__dict__.items()}\n",
        "globals()\n",
        "open(Path(__file__)); Path(__file__).parent\n",
    ],
)
def test_code_that_may_see_its_own_text_is_not(source: str) -> None:
    assert not parts.syntax_safe(source.encode())


def test_source_in_an_unknown_encoding_is_not_safe() -> None:
    assert not parts.syntax_safe(b"# caf\xe9\n")


def test_syntax_of_a_config_is_its_bytes() -> None:
    assert parts.part_digest("c.json", b"{}", SYNTAX) == content_digest(b"{}")


def test_a_cell_is_a_part_of_a_notebook() -> None:
    cells = [{"cell_type": "code", "source": ["x = 1\n", "y = 2"], "metadata": {}}]
    data = json.dumps({"cells": cells}).encode()

    assert parts.part_digest("a.ipynb", data, parts.cell_part("x = 1\ny = 2\n")) == THERE
    assert parts.part_digest("a.ipynb", data, parts.cell_part("x = 1")) == ABSENT
    assert parts.part_digest("a.ipynb", b"no notebook", parts.cell_part("x = 1")) == ABSENT
