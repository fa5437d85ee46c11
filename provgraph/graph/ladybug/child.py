"""The child process: the only place where the `ladybug` library runs. A script, not a module.

Reads one request (JSON, one line) from standard input and writes JSON lines: `columns`, `rows`,
`end`, or `error`. Ends when standard input does: then whoever asked is gone. It imports nothing
of provgraph, so that it starts quickly and nothing beside it is found in its place.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import math
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import ladybug

LARGEST = 1 << 38  # bytes of address space that a copy may take
AT_ONCE = 256  # rows a line


def main() -> None:
    """Answer one request."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asked, who ends us
    with contextlib.suppress(OSError):  # where memory runs out it should be this process that goes
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        if "load" in request:
            _load(request)
        else:
            _ask(request)
    except RuntimeError as error:  # the library's only kind
        _say({"error": str(error)})
    # Nothing is left to write; destructors of a young library are better not run.
    sys.stdout.flush()
    os._exit(0)


def _load(request: dict[str, Any]) -> None:
    database = ladybug.Database(request["database"], max_db_size=LARGEST)
    connection = ladybug.Connection(database)
    for statement in ("BEGIN TRANSACTION", *request["load"], "COMMIT"):
        connection.execute(statement)
    connection.close()
    database.close()
    _say({"end": True})


def _ask(request: dict[str, Any]) -> None:
    try:
        database = ladybug.Database(request["database"], read_only=True, max_db_size=LARGEST)
        connection = ladybug.Connection(database)
        for setting in request["settings"]:
            connection.execute(setting)
    except RuntimeError as error:
        _say({"unusable": str(error)})
        return
    connection.set_query_timeout(request["milliseconds"])
    result = connection.execute(request["statement"], request["parameters"])
    if isinstance(result, list):
        _say({"error": "Parser exception: more than one statement"})
        return
    _say({"columns": result.get_column_names()})
    rows: list[list[Any]] = []
    left = request["limit"]
    while result.has_next() and left != 0:
        rows.append([_plain(value) for value in result.get_next()])
        left = None if left is None else left - 1
        if len(rows) >= AT_ONCE:
            _say({"rows": rows})
            rows = []
    _say({"rows": rows})
    _say({"end": True, "more": result.has_next()})


def _plain(value: Any) -> Any:
    """Turn a value into what JSON has; a node has `_label`, a relationship `_type`."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        if "_NODES" in value:
            return {
                "nodes": [_plain(one) for one in value["_NODES"]],
                "relationships": [_plain(one) for one in value["_RELS"]],
            }
        if "_LABEL" in value:
            kind = "_type" if "_SRC" in value else "_label"
            props = {
                name: _plain(one)
                for name, one in value.items()
                if one is not None and not name.startswith("_")
            }
            return {kind: value["_LABEL"], **props}
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(one) for one in value]
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    return str(value)


def _say(message: dict[str, Any]) -> None:
    # ASCII: a text that isn't Unicode can't break a line in two, or the pipe.
    sys.stdout.write(json.dumps(message, separators=(",", ":"), allow_nan=False) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    # Not through sys.stdin, whose lock would be held for ever.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
