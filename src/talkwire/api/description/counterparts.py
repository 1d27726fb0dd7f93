"""Finds the REST routes that do the same as an event from a Socket.IO client: the routes that execute the same command.

Routes name their commands with `opt=executes(…)`, events with `Inbound.commands`, of which the first counts. Routes of
a dialect (the API of one kind of client application) are counterparts of that dialect's events only. The operations
say why a command has no route.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute, HTTPRoute

from talkwire.api.description.vocabularies import Counterpart, Counterparts
from talkwire.dialects.dialect import Dialect, Inbound
from talkwire.operations.operation import CommandType
from talkwire.operations.table import OPERATIONS

_OPT = "commands"
_UNAUDITED = "unaudited"

_DIALECT_MODULES = "talkwire.api.dialects."

_SOCKET_ONLY: Mapping[CommandType, str] = MappingProxyType(
    {command: each.socket_only for each in OPERATIONS if each.socket_only for command in each.commands}
)
"""Reasons why commands have no REST route, by the command's type, shown in the descriptions of their events."""


def executes(*commands: CommandType, unaudited: str | None = None) -> dict[str, object]:
    """Returns a value for `opt=` in a route's decorator. It names the commands that the route executes, itself or
    through a service, and says why the audit log has no entry of them, as operations do."""
    return {_OPT: commands, _UNAUDITED: unaudited}


def commands_of(handler: HTTPRouteHandler) -> tuple[CommandType, ...]:
    """Returns the commands that a route executes, as `executes` names them."""
    commands: tuple[CommandType, ...] = handler.opt.get(_OPT, ())
    return commands


def unaudited_of(handler: HTTPRouteHandler) -> str | None:
    """Returns why the audit log has no entry of what a route does, as `executes` says it."""
    reason: str | None = handler.opt.get(_UNAUDITED)
    return reason


def rest_counterparts(routes: Iterable[BaseRoute]) -> Counterparts:
    """Returns a function `(dialect, inbound)`, where `inbound` is the dialect's entry for an event from clients. It
    returns those of `routes` that execute the same command as the event, or the reason why no route does."""
    by_command: dict[CommandType, set[tuple[str, str]]] = defaultdict(set)
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            owner = _dialect_of(handler.fn)
            for command in commands_of(handler):
                by_command[command].update((owner, f"{method} {route.path_format}") for method in handler.http_methods)

    def find(dialect: Dialect, inbound: Inbound) -> Counterpart:
        if not inbound.commands:
            return Counterpart()
        command = inbound.commands[0]
        found = by_command.get(command, ())
        routes = tuple(sorted(route for owner, route in found if owner in {"", dialect.name}))
        return Counterpart(routes, "" if routes else _SOCKET_ONLY.get(command, ""))

    return find


def _dialect_of(function: object) -> str:
    """Returns the name of the dialect that a route function belongs to; empty for a route that all clients use."""
    module: str = getattr(function, "__module__", "")
    return module.removeprefix(_DIALECT_MODULES) if module.startswith(_DIALECT_MODULES) else ""
