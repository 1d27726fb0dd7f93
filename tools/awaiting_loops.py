"""Finds loops of coroutines that may run without ever suspending, which would stop the whole event loop.

Awaiting does not suspend by itself: `await` returns at once for a future that is done, an event that is set, a queue
that is not empty, or an ASGI `receive` or `send` of a closed connection. If a loop's condition then stays true, nothing
else runs in the process any more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from itertools import chain

SUSPENDING = frozenset({"sleep", "to_thread", "execute"})
"""Names of functions that always suspend the coroutine that awaits them. `execute` hands a command of the chat to
another thread."""

EXEMPTION = "# Suspends: "
"""Beginning of the comment that says why a loop suspends in every round, above the loop or behind its first line."""


def unsuspended_loops(source: str) -> Iterator[tuple[int, str]]:
    """Yields the line and the first line's text of each `while` loop that awaits in a coroutine, but neither awaits a
    function that always suspends in every round, nor has a comment that says why it suspends."""
    lines = source.splitlines()
    for loop in _awaiting_loops(ast.parse(source)) if "while " in source else ():
        around = lines[max(0, loop.lineno - 2) : loop.lineno]
        if not any(EXEMPTION in line for line in around) and not any(map(_suspends, _every_round(loop))):
            yield loop.lineno, lines[loop.lineno - 1].strip()


def _awaiting_loops(tree: ast.Module) -> Iterator[ast.While]:
    for function in ast.walk(tree):
        if isinstance(function, ast.AsyncFunctionDef):
            for node in _own(function):
                if isinstance(node, ast.While) and any(isinstance(each, ast.Await) for each in _own(node)):
                    yield node


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yields what is below a node, without the bodies of nested functions."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _own(child)


def _every_round(loop: ast.While) -> Iterator[ast.AST]:
    """Yields the expressions that are evaluated in every round of a loop."""
    yield from ast.walk(loop.test)
    yield from _always(loop.body)


def _always(statements: Iterable[ast.stmt]) -> Iterator[ast.AST]:
    """Yields the expressions below those statements that do not depend on a condition or an exception."""
    for statement in statements:
        match statement:
            case ast.Try(body=body, finalbody=final):
                yield from _always(chain(body, final))
            case ast.With(body=body) | ast.AsyncWith(body=body):
                yield from _always(body)
            case ast.If(test=test) | ast.While(test=test):
                yield from ast.walk(test)
            case ast.Expr() | ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Return():
                yield from _own(statement)


def _suspends(node: ast.AST) -> bool:
    match node:
        case ast.Await(value=ast.Call(func=ast.Attribute(value=ast.Name(id="asyncio"), attr="wait"))):
            return True
        case ast.Await(value=ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name))):
            return name in SUSPENDING
    return False
