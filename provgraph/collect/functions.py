"""Parts of Python source: its functions, each by itself, and the body, which is all the rest.

| part | what counts |
|---|---|
| `#body` | what runs as the module does: statements, class bodies, decorators, signatures |
| a function (`train`, `Model.fit`) | the statements in it, and those of functions within it |

Functions are those at the top of a module or of a class in it; one in an `if`, a loop or a `try`
belongs to the body. Two of one name are one part. Comments, formatting and docstrings don't count.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator

from provgraph.model.digests import identity
from provgraph.model.parts import BODY

Function = ast.FunctionDef | ast.AsyncFunctionDef


def function_digests(
    data: bytes, scheme: str, without_docstrings: Callable[[ast.AST], None]
) -> dict[str, str]:
    """Give the digest of each function and of the body.

    Raises what parsing raises, also for source that parses and can't be compiled: such a module
    fails when it is imported, whatever was called.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(data, "source", "exec", dont_inherit=True)
        tree = ast.parse(data)
    without_docstrings(tree)
    bodies: dict[str, list[str]] = {}
    for name, function in _functions(tree, ""):
        text = "\n".join(ast.dump(statement) for statement in function.body)
        bodies.setdefault(name, []).append(text)
        function.body = []
    found = {
        name: f"{scheme}:" + identity("function", scheme, *texts) for name, texts in bodies.items()
    }
    return {BODY: f"{scheme}:" + identity("body", scheme, ast.dump(tree)), **found}


def _functions(tree: ast.Module | ast.ClassDef, within: str) -> Iterator[tuple[str, Function]]:
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            yield from _functions(statement, f"{within}{statement.name}.")
        elif isinstance(statement, Function):
            yield f"{within}{statement.name}", statement
