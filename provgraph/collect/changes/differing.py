"""Which parts of a file differ between two contents: keys, functions, cells of a notebook."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import PurePath

from provgraph.collect import parts
from provgraph.model.parts import BODY

# More names than this tell nobody anything.
MOST_PARTS = 200


def differing_parts(path: str, before: bytes | None, after: bytes | None) -> tuple[str, ...]:
    """Name what differs, most telling first; nothing where only the whole can be named."""
    if before is None or after is None or before == after:
        return ()
    if PurePath(path).suffix.lower() == ".ipynb":
        return _differing_cells(before, after)
    old, new = _parts_of(path, before), _parts_of(path, after)
    if not old or not new:
        return ()
    found = [part for part in dict.fromkeys([*old, *new]) if old.get(part) != new.get(part)]
    if BODY in old:  # functions, and what runs when the module does
        return tuple(sorted(found, key=lambda part: part == BODY)[:MOST_PARTS])
    keys = [part for part in found if not part.startswith("#")]
    # A key that differs lies in others that therefore do: the innermost says which.
    inner = [k for k in keys if not any(o != k and o.startswith(f"{k}.") for o in keys)]
    return tuple((inner or found)[:MOST_PARTS])


def _differing_cells(before: bytes, after: bytes) -> tuple[str, ...]:
    """Name the code cells of a notebook that were edited, put in or taken out, by their number."""
    old, new = parts.code_cells(before), parts.code_cells(after)
    found: list[str] = []
    matcher = SequenceMatcher(a=old, b=new, autojunk=False)
    for sort, first, last, start, end in matcher.get_opcodes():
        if sort == "delete":
            found += [f"cell {number + 1} before" for number in range(first, last)]
        elif sort != "equal":
            found += [f"cell {number + 1}" for number in range(start, end)]
    return tuple(found[:MOST_PARTS])


def cannot_be_cut(path: str, data: bytes | None) -> bool:
    """Tell whether a file that should have keys can't be read for them."""
    if data is None or PurePath(path).suffix.lower() not in parts.KEYED:
        return False
    try:
        parts.parse(path, data)
    except parts.Unparsable:
        return True
    return False


def _parts_of(path: str, data: bytes) -> dict[str, str]:
    return parts.code_parts(path, data) or parts.product_parts(path, data)
