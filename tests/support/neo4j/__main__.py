"""Start a throw-away Neo4j and wait: `python -m tests.support.neo4j [--prepare]`."""

import sys

from tests.support.neo4j.server import a_neo4j, prepare

if sys.argv[1:] == ["--prepare"]:
    prepare()
else:
    with a_neo4j() as server:
        sys.stdout.write(f"{server.url}\nEnds with standard input: Ctrl-D\n")
        sys.stdout.flush()
        sys.stdin.read()
