"""The files of the hook share one namespace, so none may take a name of another's."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from provgraph.collect.tracing.audit.tracer import HOOK


def names_of(path: Path) -> set[str]:
    found = set()
    for node in ast.parse(path.read_bytes()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            targets = [one for target in targets for one in getattr(target, "elts", [target])]
            found |= {one.id for one in targets if isinstance(one, ast.Name)}
    return found


def test_no_file_of_the_hook_takes_a_name_of_another() -> None:
    owners = defaultdict(set)
    for path in HOOK.glob("*.py"):
        for name in names_of(path) if path.name != "sitecustomize.py" else ():
            owners[name].add(path.name)
    assert {name: files for name, files in owners.items() if len(files) > 1} == {}
