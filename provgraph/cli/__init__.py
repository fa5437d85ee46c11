"""The command line: a command parses, makes one call on a project and hands the value on."""

from provgraph.cli.entry import main

__all__ = ["main"]
