"""Parts of an input: how each is cut out of a file's bytes and named by a digest.

| part | what counts | digest |
|---|---|---|
| `#bytes` | every byte | `b3:` as `content_digest` |
| `#syntax` | Python: the tree, docstrings left out, and `#!` and `# ///` lines | `ast3.11:` |
| | Jupyter notebook: code cells, their tags, the kernel | `nb:` |
| `#cell:…` | whether a notebook has a code cell of this text | `v:there` |
| | any other script, and what doesn't parse | `b3:` of the whole |
| `#body`, a function (`Model.fit`) | Python: see `functions.py` | `ast3.11:` |
| `#listing` | names in a directory and what they are | `b3:` |
| `#layout`, `#types`, `#metadata`, `#pandas`, a column | Parquet: see `columns.py` | `b3:` |
| `#order` | the order of keys of a mapping, at every depth | `b3:` |
| `#hydra` | YAML: its package, and values that OmegaConf may read otherwise | `b3:` |
| a config key (`model."a.b".0`) | its value; order of keys doesn't count | `b3:` |

The trees of two Python versions differ, so each version has a scheme of its own
(`digests.comparable`). A key that isn't there is `absent`. What doesn't parse, or what two
parsers may read differently (a key given twice), has the digest of the whole file for every part.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from itertools import islice
from pathlib import PurePath
from typing import Any

from provgraph.collect import columns
from provgraph.collect.functions import function_digests
from provgraph.collect.keys import join_key, split_key
from provgraph.errors import UsageError
from provgraph.model.digests import ABSENT, content_digest, identity
from provgraph.model.parts import BYTES, CELL, HYDRA, LISTING, ORDER, SYNTAX, THERE

SYNTAX_SCHEME = f"ast{sys.version_info.major}.{sys.version_info.minor}"
NOTEBOOK_SCHEME = "nb"
PRODUCT_BYTES = 256 * 1024
PRODUCT_KEYS = 500
_VALUES = 200_000  # what an alias-laden YAML file may expand to before it counts as a whole

_PYTHON = (".py", ".pyw")
_FORMATS = {
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".toml": "toml",
    ".ini": "ini",
    ".cfg": "ini",
}


KEYED = frozenset(_FORMATS)


class Unparsable(ValueError):
    """This content has no parts that are sure; it counts as a whole."""


def part_digest(path: str, data: bytes, part: str) -> str:
    """Name a part of a file's content; `path` only says by its suffix how to read it.

    Raises `columns.NoReader` where that takes a package that isn't installed.
    """
    if part in (BYTES, LISTING):
        return content_digest(data)
    if part == SYNTAX:
        return syntax_digest(path, data)
    if columns.is_table(data[:4], data[-4:]):
        return columns.column_digest(data, part) or content_digest(data)
    if part.startswith(CELL):
        return THERE if part in map(cell_part, code_cells(data)) else ABSENT
    if is_python(path, data):
        found = code_parts(path, data)
        return found.get(part, ABSENT) if found else content_digest(data)
    try:
        document = parse(path, data)
        if part == ORDER:
            return order_digest(document)
        if part == HYDRA:
            return hydra_digest(data)
        value = _value_at(document, split_key(part))
        return ABSENT if value is _MISSING else value_digest_of(value)
    except (Unparsable, UsageError):
        return content_digest(data)


def code_parts(path: str, data: bytes) -> dict[str, str]:
    """Name every function of Python source and its `#body`; empty for anything else."""
    if not is_python(path, data):
        return {}
    try:
        return function_digests(data, SYNTAX_SCHEME, _drop_docstrings, _meant(data))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return {}


def is_python(path: str, data: bytes) -> bool:
    """Tell whether this is Python source, by its name or its first line."""
    suffix = _suffix(path)
    return suffix in _PYTHON or (not suffix and _python_shebang(data))


def product_parts(path: str, data: bytes) -> dict[str, str]:
    """Name every key, inner and leaf, of a small config-like product, and its `#order`.

    Where there are any, they are all: a key that isn't among them is `absent`. Empty when the
    content is no JSON, YAML or TOML, or is larger than 256 KiB or 500 keys.
    """
    if len(data) > PRODUCT_BYTES or _FORMATS.get(_suffix(path)) not in ("json", "yaml", "toml"):
        return {}
    try:
        document = parse(path, data)
        if not isinstance(document, (Mapping, list)):
            return {}
        rows = list(islice(_walk(document, ()), PRODUCT_KEYS + 1))
        if len(rows) > PRODUCT_KEYS:
            return {}
        found = {join_key(key): value_digest_of(value) for key, value in rows}
        return found | {ORDER: order_digest(document)}
    except (Unparsable, RecursionError):
        return {}


# -- structured files --------------------------------------------------------------------------


def parse(path: str, data: bytes) -> Any:
    """Read JSON, YAML, TOML or INI, by suffix; Unparsable when in the slightest doubt."""
    form = _FORMATS.get(_suffix(path))
    if form is None:
        raise Unparsable("not a format with keys")
    try:
        return _PARSERS[form](data)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise Unparsable(str(error)) from error


def value_digest_of(value: object) -> str:
    """Name the value of a config key; equal values have one digest whatever their order of keys."""
    try:
        text = json.dumps(
            _plain(value, [_VALUES]), sort_keys=True, separators=(",", ":"), ensure_ascii=True
        )
    except (ValueError, RecursionError) as error:
        raise Unparsable(str(error)) from error
    return "b3:" + identity("config-value", text, size=32)


def order_digest(document: object) -> str:
    """Name the order of keys of a document at every depth."""
    try:
        text = json.dumps(_order(document, [_VALUES]), separators=(",", ":"), ensure_ascii=True)
    except (ValueError, RecursionError) as error:
        raise Unparsable(str(error)) from error
    return "b3:" + identity("key-order", text, size=32)


# Plain scalars of which there is one reading and one spelling.
_ONE_READING = re.compile(
    r"""(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?
    |~|(?!(?:y|n|yes|no|on|off)\Z)[a-z_/][\w/ .-]*
    )?\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADER = 512  # characters in which Hydra looks for a file's header


def hydra_digest(data: bytes) -> str:
    """Name what Hydra sees of a YAML file beside keys and their values.

    That are the lines at its start that say where it belongs, and plain scalars that OmegaConf may
    read otherwise than YAML does (`1e3`, dates), or that are spelled in one of several ways.
    Unparsable where it is no YAML.
    """
    import yaml

    header: list[str] = []
    for line in data.decode()[:_HEADER].splitlines():
        bare = line.strip()
        if bare and not re.match(r"#\s*@", bare):
            break
        header += [bare] if bare else []
    try:
        plain = [
            f"{number} {event.value}"
            for number, event in enumerate(yaml.parse(data, yaml.SafeLoader))
            if isinstance(event, yaml.ScalarEvent)
            and event.implicit[0]
            and not _ONE_READING.match(event.value)
        ]
    except Exception as error:
        raise Unparsable(str(error)) from error
    return "b3:" + identity("hydra", *header, "|", *plain, size=32)


def _json(data: bytes) -> Any:
    return json.loads(data, object_pairs_hook=_pairs)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unparsable("a key is given twice")
    return found


def _yaml(data: bytes) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(data)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _refuse_twice(root, yaml.MappingNode, yaml.SequenceNode)
        return loader.construct_document(root)
    # What the YAML library raises on odd input (KeyError, TypeError, …) is not listed anywhere.
    except Exception as error:
        raise Unparsable(str(error)) from error
    finally:
        loader.dispose()


def _refuse_twice(root: Any, mapping: type, sequence: type) -> None:
    seen: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, mapping):
            pairs: list[tuple[Any, Any]] = node.value  # type: ignore[attr-defined]
            keys = [(key.tag, str(key.value)) for key, _ in pairs]
            if len(set(keys)) != len(keys):
                raise Unparsable("a key is given twice")
            todo += [value for _, value in pairs]
        elif isinstance(node, sequence):
            todo += node.value  # type: ignore[attr-defined]


def _toml(data: bytes) -> Any:
    import tomllib

    return tomllib.loads(data.decode())


def _ini(data: bytes) -> Any:
    import configparser

    parser = configparser.RawConfigParser(allow_no_value=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(data.decode())
    except configparser.Error as error:
        raise Unparsable(str(error)) from error
    found = {name: dict(parser[name]) for name in (*parser.sections(), parser.default_section)}
    values = [value or "" for section in found.values() for value in section.values()]
    if any("%(" in value or "${" in value for value in values):
        raise Unparsable("values refer to other values")
    return found


_PARSERS: dict[str, Callable[[bytes], Any]] = {
    "json": _json,
    "yaml": _yaml,
    "toml": _toml,
    "ini": _ini,
}


class _Missing:
    pass


_MISSING = _Missing()


def _value_at(document: Any, segments: Sequence[str]) -> Any:
    value = document
    for segment in segments:
        if isinstance(value, Mapping):
            value = _keyed(value).get(segment, _MISSING)
        elif isinstance(value, list) and segment.isascii() and segment.isdigit():
            index = int(segment) if len(segment) < 12 else len(value)
            value = value[index] if index < len(value) else _MISSING
        else:
            return _MISSING
    return value


def _walk(value: Any, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give every key below a value with its value; as deep as the interpreter recurses."""
    if isinstance(value, Mapping):
        below = _keyed(value)
    elif isinstance(value, list):
        below = {str(index): item for index, item in enumerate(value)}
    else:
        return
    for key, item in below.items():
        yield (*above, key), item
        yield from _walk(item, (*above, key))


def _keyed(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    found = {_key_text(key): value for key, value in mapping.items()}
    if len(found) != len(mapping):
        raise Unparsable("two keys are written alike")
    return found


def _key_text(key: object) -> str:
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, (bool, int, float)):
        return json.dumps(key)
    return str(key)


def _plain(value: Any, budget: list[int]) -> Any:
    """Turn a value into what JSON can say, types that it can't tagged; Unparsable past a limit."""
    _spend(budget)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {key: _plain(item, budget) for key, item in _keyed(value).items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, budget) for item in value]
    if isinstance(value, (set, frozenset)):
        return {"#set": sorted(json.dumps(_plain(item, budget)) for item in value)}
    if isinstance(value, bytes):
        return {"#bytes": value.hex()}
    if isinstance(value, (date, time)):
        return {f"#{type(value).__name__}": value.isoformat()}
    raise Unparsable(f"no digest for a {type(value).__name__}")


def _order(value: Any, budget: list[int]) -> Any:
    _spend(budget)
    if isinstance(value, Mapping):
        return [[key, _order(item, budget)] for key, item in _keyed(value).items()]
    if isinstance(value, list):
        below = [_order(item, budget) for item in value]
        return below if any(below) else 0
    return 0


def _spend(budget: list[int]) -> None:
    budget[0] -= 1
    if budget[0] < 0:
        raise Unparsable("too many values")


# -- directories -----------------------------------------------------------------------------


def listing_digest(directory: str, noise: Callable[[str], bool]) -> str:
    """Name the entries of a directory and what each is; `noise` is asked with each entry's path.

    OSError when the directory can't be listed.
    """
    import os

    fields: list[str] = []
    with os.scandir(directory) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not noise(entry.path):
                fields += (entry.name, _sort_of(entry.is_dir, entry.is_file))
    return "b3:" + identity("listing", *fields, size=32)


def _sort_of(is_dir: Callable[[], bool], is_file: Callable[[], bool]) -> str:
    try:
        return "directory" if is_dir() else "file" if is_file() else "other"
    except OSError:
        return "other"


# -- source code -----------------------------------------------------------------------------


_ODD = (KeyError, TypeError, AttributeError)  # JSON that is no notebook


def syntax_digest(path: str, data: bytes) -> str:
    """Name source code as code; what isn't known to be Python or a notebook, by its bytes."""
    suffix = _suffix(path)
    try:
        if suffix == ".ipynb":
            return _notebook_digest(data)
        if is_python(path, data):
            return _python_digest(data)
    except (ValueError, SyntaxError, RecursionError, MemoryError, *_ODD):
        pass
    return content_digest(data)


_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# Comments that are not for people: the interpreter to start, and PEP 723's dependencies.
_MEANT = re.compile(rb"\A#!.*|^# ///.*\n(?:#.*\n)*?# ///[ \t]*$", re.MULTILINE)


def _python_digest(data: bytes) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(data)
    _drop_docstrings(tree)
    return f"{SYNTAX_SCHEME}:" + identity("syntax", SYNTAX_SCHEME, ast.dump(tree), *_meant(data))


def _meant(data: bytes) -> list[str]:
    return [match.group().hex() for match in _MEANT.finditer(data)]


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                del node.body[0]


def _notebook_digest(data: bytes) -> str:
    notebook = json.loads(data)
    kernel = notebook.get("metadata", {}).get("kernelspec", {}).get("name", "")
    fields: list[str] = [str(kernel)]
    for source, tags in _code_cells(notebook):
        fields += (source, json.dumps(tags))
    return f"{NOTEBOOK_SCHEME}:" + identity("notebook", *fields)


def code_cells(data: bytes) -> list[str]:
    """Give the sources of a notebook's code cells; none where it can't be read as one."""
    try:
        return [source for source, _ in _code_cells(json.loads(data))]
    except (ValueError, RecursionError, *_ODD):
        return []


def cell_part(source: str) -> str:
    """Name the part of a notebook that is a code cell of this text."""
    return CELL + identity("cell", source.strip(), size=8)


def _code_cells(notebook: Any) -> Iterator[tuple[str, list[str]]]:
    cells = notebook.get("cells")
    if cells is None:  # nbformat 3
        cells = [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
    for cell in cells:
        if cell["cell_type"] == "code":
            source = cell.get("source", cell.get("input", ""))
            # Papermill puts parameters after the cell tagged so; other tools skip tagged cells.
            tags = sorted(cell.get("metadata", {}).get("tags", ()))
            yield (source if isinstance(source, str) else "".join(source)), tags


def _python_shebang(data: bytes) -> bool:
    return data.startswith(b"#!") and b"python" in data.split(b"\n", 1)[0]


def _suffix(path: str) -> str:
    return PurePath(path).suffix.lower()


# Words whose presence may mean that source, docstrings or line numbers reach what the program
# does. Conservative: a word in a comment counts, and a library that shows docstrings to a model
# or builds options from comments counts wherever it is named.
_READS_SOURCE = re.compile(
    r"""\b(?:
    __doc__ | getdoc | getcomments | getsource\w* | getsourcelines | get_source | get_data
    | inspect | linecache | tokenize | symtable | dis | ast | libcst | lib2to3 | parso | astor
    | pydoc | help(?=\s*\() | marshal | py_compile | compileall | runpy | __loader__ | __code__
    | globals
    | co_\w+ | \w*lineno\w* | f_lasti | _getframe | currentframe | settrace | setprofile
    | traceback | stack_info | tracemalloc | faulthandler | findCaller | CallsiteParameter
    | RichHandler | loguru | icecream | line_profiler | memory_profiler | doctest
    | cloudpickle | dill | ray | Memory
    | docopt\w* | fire | plac | clize | defopt | jsonargparse | tyro | cyclopts | simple_parsing
    | numba | triton | taichi | jit | autograph
    | dspy | langchain\w* | langgraph | llama_index | pydantic_ai | smolagents | marvin
    | instructor | magentic | mirascope | guidance | crewai | autogen\w* | semantic_kernel | agents
    )\b
    | \bvars\((?!\s*(?:args|opts?|options|ns|namespace|self|parser\.parse_args)\b)
    | (?<!\bself\.)(?<!\bargs\.)__dict__\b
    | use_attribute_docstrings
    """,
    re.VERBOSE,
)
# `__file__` where only the directory it lies in is taken from it.
_PLACE = re.compile(
    r"""dirname\(\s*(?:[\w.]+\(\s*)*__file__\b
    | \b__file__\s*(?:\)|\.resolve\([^)]*\)|\.absolute\(\))*\.parents?\b
    """,
    re.VERBOSE,
)


def syntax_safe(source: bytes) -> bool:
    """Tell whether comments, formatting and docstrings of this source surely change nothing.

    False when in doubt. It judges one file: a program's modules may be compared by `#syntax` only
    where every source of its own is safe, since one may read another's docstrings. Reading source
    files as data is seen by the tracer, not here.
    """
    try:
        text = source.decode()
    except UnicodeDecodeError:
        return False
    if _READS_SOURCE.search(text):
        return False
    return text.count("__file__") == len(_PLACE.findall(text))
