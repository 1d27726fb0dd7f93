"""Which routes do the same as an event: those that make the same command.

Nobody has to write that down, and so nobody can forget it: a function's code lists the names that it uses, and so the
commands among them. An event is for the first; a route may be for several, as its query says. The routes of a dialect
are for its own events. `SOCKET_ONLY` gives the reason for each command that has no route.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, MappingProxyType
from typing import Any

from litestar.routes import BaseRoute, HTTPRoute

from talkwire.api.description.vocabularies import Counterpart, Counterparts
from talkwire.core.commands.calls import AcceptCall, HangUpCall, InviteToCall, RejectCall, SendCallSignal
from talkwire.core.commands.command import Command
from talkwire.dialects.dialect import (
    CloseRoom,
    Dialect,
    Greet,
    Inbound,
    OpenRoom,
    RenewSignIn,
    SocketCommand,
    TellIdentity,
    TellTime,
    UnwatchPresence,
    WatchPresence,
)

_CALL = "A call needs a socket: its sides exchange signals at once, and it ends when a side's last socket has gone."
_ROOM = "A room is a set of sockets. Membership has routes: `conversations/{id}/members`."
_WATCH = "It concerns what this socket receives. `GET /api/v1/presence` answers once."

SOCKET_ONLY: Mapping[type[Command[Any] | SocketCommand], str] = MappingProxyType(
    {
        InviteToCall: _CALL,
        AcceptCall: _CALL,
        RejectCall: _CALL,
        SendCallSignal: _CALL,
        HangUpCall: _CALL,
        OpenRoom: _ROOM,
        CloseRoom: _ROOM,
        WatchPresence: _WATCH,
        UnwatchPresence: _WATCH,
        RenewSignIn: "It extends this socket's life. A request carries a token of its own.",
        TellTime: "It measures this connection. `GET /healthz` says whether the server answers.",
        TellIdentity: "It names this socket. `GET /api/v1/users/me` says who the token's user is.",
        Greet: "It concerns nobody else.",
    }
)
"""Why no route does what a command does."""

_OURS = "talkwire."
_OF_DIALECTS = "talkwire.api.dialects."


def counterparts(routes: Iterable[BaseRoute]) -> Counterparts:
    """For an event, which of these routes do the same, such as `POST /api/v1/messages`."""
    by_command: dict[type[Command[Any] | SocketCommand], set[tuple[str, str]]] = defaultdict(set)
    for route in routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            whose = _dialect_of(handler.fn)
            for command in _commands(handler.fn, set()):
                by_command[command].update((whose, f"{method} {route.path_format}") for method in handler.http_methods)

    def find(dialect: Dialect, inbound: Inbound) -> Counterpart:
        commands = list(_commands(inbound.to_command, set()))
        of_the_chat = next((command for command in commands if command not in SOCKET_ONLY), None)
        if of_the_chat is None:
            return Counterpart(socket_only=SOCKET_ONLY[commands[0]] if commands else "")
        found = by_command.get(of_the_chat, ())
        return Counterpart(tuple(sorted(route for whose, route in found if whose in {"", dialect.name})))

    return find


def _dialect_of(function: object) -> str:
    """The dialect that a route is of, empty for the chat's."""
    module: str = getattr(function, "__module__", "")
    return module.removeprefix(_OF_DIALECTS) if module.startswith(_OF_DIALECTS) else ""


def _commands(function: object, seen: set[object]) -> Iterator[type[Command[Any] | SocketCommand]]:
    """The commands that a function names, also by way of functions of ours that it calls, in order."""
    if not isinstance(function, FunctionType) or function in seen or not function.__module__.startswith(_OURS):
        return
    seen.add(function)
    for used in _used(function):
        if isinstance(used, type) and issubclass(used, Command | SocketCommand):
            yield used
        else:
            yield from _commands(used, seen)


def _used(function: FunctionType) -> Iterable[object]:
    """Returns the globals that a function names, and what it has from the function around it."""
    yield from (function.__globals__[name] for name in function.__code__.co_names if name in function.__globals__)
    yield from (cell.cell_contents for cell in function.__closure__ or ())
