"""Parses and carries out the commands of Admin UI pages: send an event to sockets, put them into rooms or remove them,
disconnect them.

The chat's own rooms follow its memberships and decide who receives messages. So pages can neither add sockets to these
rooms nor remove them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from talkwire.realtime.admin_ui.node_watch import NodeWatch
from talkwire.realtime.clients.chat_client import ChatClient
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.socketio.socketio_socket import Socket

TEXT_MAX = 256
OWN_ROOMS_MAX = 16
"""The most rooms into which Admin UI pages may put one socket."""

STEP = 500
"""The number of sockets that a command handles in one turn of the event loop."""

_CHAT_ROOMS = ("user:", "conversation:", "outside:", "presence:")
_RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})


class PageCommand(msgspec.Struct, frozen=True):
    """A command of an Admin UI page for sockets of one namespace. `chosen` names a room or the id of one socket; None
    means all sockets of the namespace.

    `room` is the room of `join` and `leave`, `args` the event of `emit` (its name first). `closes`: `_disconnect`
    closes the whole connection instead of leaving the namespace.
    """

    kind: Literal["emit", "join", "leave", "_disconnect"]
    namespace: str
    chosen: str | None
    room: str = ""
    args: list[Any] = []
    closes: bool = False


class InvalidCommand(ValueError):
    """A page of the Admin UI sent a command that is invalid or forbidden. The text says why."""


def parse_command(args: list[Any], admin_namespace: str) -> PageCommand:
    """Parses an event of an Admin UI page, given as its name and arguments. Raises InvalidCommand if the event is no
    valid command, if it would change who is in a room of the chat, or if it would do anything else than disconnect
    sockets in the namespace `admin_namespace`, which the pages themselves use.
    """
    kind, *rest = args
    if kind not in {"emit", "join", "leave", "_disconnect"} or len(rest) < 2:
        raise InvalidCommand("unknown command")
    namespace, *rest = rest
    if not _is_text(namespace):
        raise InvalidCommand("invalid namespace")
    if namespace == admin_namespace and kind != "_disconnect":
        raise InvalidCommand("sockets of pages can only be disconnected")
    if kind == "emit":
        chosen, *event = rest
        if not event or not _is_text(event[0]) or event[0] in _RESERVED:
            raise InvalidCommand("invalid event")
        return PageCommand("emit", namespace, _chosen(chosen), args=event)
    first, chosen = rest[0], _chosen(rest[1] if len(rest) > 1 else None)
    if kind == "_disconnect":
        return PageCommand("_disconnect", namespace, chosen, closes=first is True)
    if not _is_text(first) or first.startswith(_CHAT_ROOMS):
        raise InvalidCommand("a room of the chat follows its members")
    return PageCommand(kind, namespace, chosen, room=first)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= TEXT_MAX


def _chosen(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > TEXT_MAX:
        raise InvalidCommand("invalid room or socket id")
    return value


class CommandRunner:
    """Carries out the commands of Admin UI pages on this node's sockets. `cursor` returns the position in the event log
    that this node has delivered last, as an opaque text.
    """

    def __init__(self, watch: NodeWatch, hub: Hub, cursor: Callable[[], str]) -> None:
        self._watch = watch
        self._hub = hub
        self._cursor = cursor

    async def run(self, command: PageCommand) -> int:
        """Carries out a command on this node, in several turns of the event loop if it is for many sockets. Returns the
        number of this node's sockets that the command selects. Raises LocalProtocolError for arguments that JSON cannot
        hold.
        """
        chosen = list(self._chosen(command))
        for start in range(0, len(chosen), STEP):
            for socket in chosen[start : start + STEP]:
                if socket.connected:
                    self._apply(command, socket)
            await asyncio.sleep(0)
        return len(chosen)

    def _chosen(self, command: PageCommand) -> Iterator[Socket]:
        for socket in self._watch.sockets:
            if socket.namespace == command.namespace and (
                command.chosen is None or socket.id == command.chosen or command.chosen in socket.rooms
            ):
                yield socket

    def _apply(self, command: PageCommand, socket: Socket) -> None:
        match command.kind:
            case "emit":
                socket.emit(*command.args, *self._offset(socket, command.args[-1]))
            case "join":
                own = [room for room in socket.rooms if not room.startswith(_CHAT_ROOMS)]
                if len(own) < OWN_ROOMS_MAX:
                    self._hub.join(command.room, socket)
            case "leave":
                self._hub.leave(command.room, socket)
            case "_disconnect" if command.closes:
                for each in socket.connection.sockets:
                    each.disconnect()
                socket.connection.close("forced server close")
            case "_disconnect":
                socket.disconnect()

    def _offset(self, socket: Socket, last: object) -> list[str]:
        """Returns what to append to an event whose last argument is `last`: the recovery offset if `last` is a text and
        the client is recoverable, else nothing. Such a client takes a text at the end of an event for the offset.
        """
        client = socket.data
        is_recoverable = isinstance(client, ChatClient) and client.recoverable is not None
        return [self._cursor()] if is_recoverable and isinstance(last, str) else []
