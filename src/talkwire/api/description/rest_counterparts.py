"""Finds the REST routes that do the same as an event from a Socket.IO client: the routes whose code uses the same
command.

The commands of a function are found in its bytecode, in the names that it uses, so no one maintains a list by hand. An
event has one command; a route may use several, depending on its query. Routes of a dialect (the API of one kind of
client application) are counterparts of that dialect's events only. `SOCKET_ONLY` gives the reason why a command has no
route.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, MappingProxyType
from typing import Any

from litestar.routes import BaseRoute, HTTPRoute

from talkwire.api.description.vocabularies import Counterpart, Counterparts
from talkwire.core.commands.command import Command
from talkwire.dialects.dialect import Dialect, Inbound
from talkwire.operations.socket_commands import SocketCommand
from talkwire.operations.table import OPERATIONS

SOCKET_ONLY: Mapping[type[Command[Any] | SocketCommand], str] = MappingProxyType(
    {
        **{command: each.socket_only for each in OPERATIONS if each.socket_only for command in each.commands},
        **{each.command: each.socket_only for each in OPERATIONS if each.socket_only},
    }
)
"""The reason why a command has no REST route, shown in the descriptions of its events."""

_PACKAGE = "talkwire."
_DIALECT_MODULES = "talkwire.api.dialects."


_OPT = "commands"


def executes(*commands: type[Command[Any] | SocketCommand]) -> dict[str, object]:
    """Returns a value for `opt=` in a route's decorator. It names the commands that the route executes."""
    return {_OPT: commands}


def rest_counterparts(routes: Iterable[BaseRoute]) -> Counterparts:
    """Returns a function `(dialect, inbound)`, where `inbound` is the dialect's entry for an event from clients. It
    returns those of `routes` that execute the same command as the event, or the reason why no route does."""
    by_command: dict[type[Command[Any] | SocketCommand], set[tuple[str, str]]] = defaultdict(set)
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            owner = _dialect_of(handler.fn)
            for command in _commands(handler.fn, set()):
                by_command[command].update((owner, f"{method} {route.path_format}") for method in handler.http_methods)

    def find(dialect: Dialect, inbound: Inbound) -> Counterpart:
        commands = list(_commands(inbound.to_command, set()))
        command = next((each for each in commands if each not in SOCKET_ONLY), None)
        if command is None:
            return Counterpart(socket_only=SOCKET_ONLY[commands[0]] if commands else "")
        found = by_command.get(command, ())
        return Counterpart(tuple(sorted(route for owner, route in found if owner in {"", dialect.name})))

    return find


def _dialect_of(function: object) -> str:
    """Returns the name of the dialect that a route function belongs to; empty for a route that all clients use."""
    module: str = getattr(function, "__module__", "")
    return module.removeprefix(_DIALECT_MODULES) if module.startswith(_DIALECT_MODULES) else ""


def _commands(function: object, seen: set[object]) -> Iterator[type[Command[Any] | SocketCommand]]:
    """Yields the command classes that a function uses, itself or through functions of Talkwire that it calls, in order
    of use. `seen` is the set of the functions visited so far, to which the visited ones are added."""
    if not isinstance(function, FunctionType) or function in seen or not function.__module__.startswith(_PACKAGE):
        return
    seen.add(function)
    for used in _used(function):
        if isinstance(used, type) and issubclass(used, Command | SocketCommand):
            yield used
        else:
            yield from _commands(used, seen)


def _used(function: FunctionType) -> Iterable[object]:
    """Yields the global objects that a function names and the values of its closure."""
    yield from (function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__)
    yield from (cell.cell_contents for cell in function.__closure__ or ())
