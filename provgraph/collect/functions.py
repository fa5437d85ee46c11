"""Parts of Python source: its functions, each by itself, and the body, which is all the rest.

| part | what counts |
|---|---|
| `#body` | what runs as the module does: statements, class bodies, decorators, signatures; |
| | which functions are generators; `#!` and `# ///` lines |
| a function (`train`, `Model.fit`) | the statements in it, and those of functions within it |

Functions are those at the top of a module or of a class in it; one in an `if`, a loop or a `try`
belongs to the body, and so do those of a class with a `global` statement, which renames what it
defines. Two of one name are one part. Comments, formatting and docstrings don't count.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator, Sequence

from provgraph.model.digests import identity
from provgraph.model.parts import BODY

Function = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def function_digests(
    data: bytes, scheme: str, without_docstrings: Callable[[ast.AST], None], meant: Sequence[str]
) -> dict[str, str]:
    """Give the digest of each function and of the body; `meant` are comments that count.

    Raises what parsing raises, also for source that parses and can't be compiled: such a module
    fails when it is imported, whatever was called.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(data, "source", "exec", dont_inherit=True)
        tree = ast.parse(data)
    without_docstrings(tree)
    bodies: dict[str, list[str]] = {}
    generators: list[str] = []
    for name, function in _functions(tree, ""):
        text = "\n".join(ast.dump(statement) for statement in function.body)
        bodies.setdefault(name, []).append(text)
        # A generator that is made and never started runs nothing, so no tracer tells of it; yet
        # being one decides what its caller, or a decorator, gets.
        generators.append(str(_is_generator(function)))
        function.body = []
    found = {
        name: f"{scheme}:" + identity("function", scheme, *texts) for name, texts in bodies.items()
    }
    rest = identity("body", scheme, ast.dump(tree), " ".join(generators), *meant)
    return {BODY: f"{scheme}:" + rest, **found}


def _functions(tree: ast.Module | ast.ClassDef, within: str) -> Iterator[tuple[str, Function]]:
    if isinstance(tree, ast.ClassDef) and any(_of_this_scope(tree.body, ast.Global)):
        return
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            yield from _functions(statement, f"{within}{statement.name}.")
        elif isinstance(statement, Function):
            yield f"{within}{statement.name}", statement


def _is_generator(function: Function) -> bool:
    return any(_of_this_scope(function.body, ast.Yield, ast.YieldFrom))


def _of_this_scope(body: Sequence[ast.AST], *sorts: type[ast.AST]) -> Iterator[bool]:
    """Say of each node, but for what lies within inner scopes' bodies, if it is of these sorts."""
    todo = list(body)
    while todo:
        node = todo.pop()
        yield isinstance(node, sorts)
        inner = getattr(node, "body", ()) if isinstance(node, _SCOPES) else ()
        kept = {id(one) for one in (inner if isinstance(inner, list) else [inner])}
        todo += [child for child in ast.iter_child_nodes(node) if id(child) not in kept]
