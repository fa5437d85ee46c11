"""Which parts of a file differ between two contents: keys, functions, cells of a notebook."""

from __future__ import annotations

from difflib import SequenceMatcher
from pathlib import PurePath

from provgraph.collect import parts
from provgraph.collect.columns import NoReader, is_table, table_digests
from provgraph.model.parts import BODY, SAID

# More names than this tell nobody anything.
MOST_PARTS = 200
MOST_SAID = 5


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


def differing_columns(before: bytes | None, after: bytes | None) -> tuple[tuple[str, ...], str]:
    """Name the columns in which two tables differ, and say how; nothing of what are none."""
    if before is None or after is None or not (is_table(before, before) and is_table(after, after)):
        return (), ""
    try:
        old, new = table_digests(before, MOST_PARTS), table_digests(after, MOST_PARTS)
    except NoReader as error:
        return (), f"its columns can't be compared: {error} ({error.hint})"
    if not old or not new:
        return (), ""
    hows: dict[str, list[str]] = {"changed": [], "added": [], "removed": []}
    beside = []
    for part in dict.fromkeys([*old, *new]):
        if part in SAID and old.get(part) != new.get(part):
            beside.append(SAID[part])
        elif old.get(part) != new.get(part):
            how = "added" if part not in old else "removed" if part not in new else "changed"
            hows[how].append(part)
    said = [f"{how} {_several(names)}" for how, names in hows.items() if names]
    named = tuple(name for names in hows.values() for name in names)
    if said:
        return named, f"columns: {', '.join(said)}"
    return (), f"no column differs, but {' and '.join(beside)}" if beside else "no column differs"


def _several(names: list[str]) -> str:
    more = f" and {len(names) - MOST_SAID} more" if len(names) > MOST_SAID else ""
    return ", ".join(names[:MOST_SAID]) + more


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
