"""Which routes do the same as an event: those that make the same command.

Nobody has to write that down, and so nobody can forget it: a function's code lists the names that it uses, and so the
commands among them. An event is for the first; a route may be for several, as its query says. The routes of a dialect
are for its own events.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from types import FunctionType
from typing import Any

from litestar.routes import BaseRoute, HTTPRoute

from talkwire.api.vocabularies import Counterparts
from talkwire.core.commands.command import Command
from talkwire.dialects.dialect import Dialect, Inbound

_OURS = "talkwire."
_OF_DIALECTS = "talkwire.api.dialects."


def counterparts(routes: Iterable[BaseRoute]) -> Counterparts:
    """For an event, which of these routes do the same, such as `POST /api/v1/messages`."""
    by_command: dict[type[Command[Any]], set[tuple[str, str]]] = defaultdict(set)
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            whose = _dialect_of(handler.fn)
            for command in _commands(handler.fn, set()):
                by_command[command].update((whose, f"{method} {route.path_format}") for method in handler.http_methods)

    def find(dialect: Dialect, inbound: Inbound) -> Sequence[str]:
        command = next(_commands(inbound.to_command, set()), None)
        found = () if command is None else by_command.get(command, ())
        return sorted(route for whose, route in found if whose in {"", dialect.name})

    return find


def _dialect_of(function: object) -> str:
    """The dialect that a route is of, empty for the chat's."""
    module: str = getattr(function, "__module__", "")
    return module.removeprefix(_OF_DIALECTS) if module.startswith(_OF_DIALECTS) else ""


def _commands(function: object, seen: set[object]) -> Iterator[type[Command[Any]]]:
    """The commands that a function names, also by way of functions of ours that it calls, in order."""
    if not isinstance(function, FunctionType) or function in seen or not function.__module__.startswith(_OURS):
        return
    seen.add(function)
    for used in _used(function):
        if isinstance(used, type) and issubclass(used, Command):
            yield used
        else:
            yield from _commands(used, seen)


def _used(function: FunctionType) -> Iterable[object]:
    return (function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__)
