"""Run a command watched, as `provgraph run` does, and leave what was seen in a file.

python driver.py TRACER SEEN -- COMMAND…    (the current directory is the project)
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

from provgraph.collect.run import leave, run_command
from provgraph.collect.tracing import AuditTracer, PreloadTracer, Tracer
from provgraph.collect.tracing.preload.build import library
from provgraph.errors import RunFailed
from provgraph.model.digests import content_digest


def digest(path: bytes) -> tuple[str, int]:
    data = Path(os.fsdecode(path)).read_bytes()
    return content_digest(data), len(data)


def tracer_named(name: str) -> Tracer:
    audit = AuditTracer(Path.cwd(), digest, limit=1 << 20)
    if name == "audit":
        return audit
    assert name == "preload"
    native = library()
    assert native.path is not None, native.why
    return PreloadTracer(audit, native)


def main() -> None:
    name, seen, _, *command = sys.argv[1:]
    spool = Path(seen + ".spool")
    spool.mkdir()
    environ = dict(os.environ)
    # This process was started with a path to provgraph; the command is as a user has it.
    theirs = environ.pop("THEIR_PYTHONPATH", None)
    del environ["PYTHONPATH"]
    if theirs is not None:
        environ["PYTHONPATH"] = theirs
    tracer = tracer_named(name)
    try:
        finished = run_command(command, tracer=tracer, spool=spool, cwd=Path.cwd(), environ=environ)
    except RunFailed as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    trace = tracer.collect(spool)
    Path(seen).write_bytes(pickle.dumps((trace, finished)))
    leave(finished)


if __name__ == "__main__":
    main()
