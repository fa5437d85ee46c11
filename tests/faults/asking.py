"""Carry provgraph commands out, each list of them in a fork of this process: no start is paid for.

Reads lines of JSON, {"cwd", "env", "commands"}, and answers each with a line [[code, out, err], …].
What a command loaded is loaded here, too, before the next is carried out.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from typing import Any

from provgraph.cli.entry import main


def carried_out(words: list[str]) -> tuple[int, str, str]:
    """Carry one command out, with descriptors of its own: what it starts writes there, too."""
    said = [os.memfd_create(name) for name in ("out", "err")]
    for number, descriptor in enumerate(said, 1):
        os.dup2(descriptor, number)
    code: Any
    try:
        code = main(words)
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    sys.stderr.flush()
    texts = []
    for descriptor in said:
        with open(descriptor, "rb") as file:
            file.seek(0)
            texts.append(file.read().decode())
    return int(code or 0), texts[0], texts[1]


def answer(order: dict[str, Any], to: int) -> None:
    """Answer one line, and say what was loaded for it."""
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    said = [carried_out(words) for words in order["commands"]]
    os.write(to, json.dumps([said, sorted(sys.modules)]).encode())


def serve() -> None:
    """Answer until nobody asks."""
    out = os.dup(1)
    for line in sys.stdin.buffer:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                answer(json.loads(line), writing)
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        with open(reading, "rb") as file:
            told = file.read()
        _, status = os.waitpid(child, 0)
        said, loaded = json.loads(told) if status == 0 else (None, [])
        with open(out, "wb", closefd=False) as file:
            file.write(json.dumps(said).encode() + b"\n")
        for name in loaded:
            if name.partition(".")[0] in ("provgraph", "pydantic", "typer", "numpy", "scipy"):
                with contextlib.suppress(Exception):
                    importlib.import_module(name)


if __name__ == "__main__":
    serve()
