"""A namespace in which a dialect's events become the chat's commands, and the chat's events the dialect's.

packet -> dialect (command) -> Chat.execute -> acknowledgement
event of the log or the bus -> room -> encoded once a channel -> its sockets
"""

from __future__ import annotations

import asyncio
import time
from asyncio import Future
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, assert_never, cast

import msgspec

from talkwire.core.chat import Chat, Done
from talkwire.core.commands.command import Change, Command
from talkwire.core.commands.typing import SetTyping
from talkwire.core.directory import Entry
from talkwire.core.errors import ChatError, forbidden
from talkwire.core.events import (
    ConversationCreated,
    Durable,
    Event,
    LoginEnded,
    LoginOpened,
    MemberAdded,
    MemberRemoved,
    MessageSent,
    TypingChanged,
    UserBanned,
    UserCreated,
    UserRenamed,
    UserUnbanned,
)
from talkwire.core.model import Actor
from talkwire.dialects.dialect import CloseRoom, Dialect, Inbound, OpenRoom, TellTime
from talkwire.dialects.payloads.payload import invalid_payload
from talkwire.identity.callers import Caller, Callers, Credentials
from talkwire.realtime.connection import Handshake
from talkwire.realtime.hub import Channel, Hub
from talkwire.realtime.socket import Admitted, ConnectRefused, Socket
from talkwire.realtime.socket_server import SocketServer
from talkwire.wire import ack_frame, event_frame

_encode = msgspec.json.Encoder().encode


def user_room(user_id: str) -> str:
    return f"user:{user_id}"


def conversation_room(conversation_id: str) -> str:
    return f"conversation:{conversation_id}"


class DialectChannel(Channel):
    """Sockets of one namespace that speak one dialect."""

    __slots__ = ("dialect",)

    def __init__(self, namespace: str, dialect: Dialect) -> None:
        super().__init__(namespace, dialect.name)
        self.dialect = dialect

    def encode(self, event: Event) -> bytes:
        """The event's frames; empty where the dialect has no word for it."""
        packets = self.dialect.outbound.get(type(event), ())
        return b"".join(event_frame(self.namespace, packet.name, _encode(packet.payload(event))) for packet in packets)


@dataclass(slots=True, eq=False)
class Client:
    """What is kept with a socket."""

    actor: Actor
    entry: Entry
    dialect: Dialect
    session_id: str | None
    expires_at: float | None


class ChatNamespace:
    """Implements `socket_server.NamespaceHandler` for one namespace. The first dialect is for who asks for none."""

    def __init__(
        self, name: str, server: SocketServer, chat: Chat, callers: Callers, dialects: Sequence[Dialect]
    ) -> None:
        self._name = name
        self._hub: Hub = server.hub
        self._metrics = server.metrics
        self._report = server.report
        self._chat = chat
        self._callers = callers
        self._default = dialects[0].name
        self._channels = {
            dialect.name: cast("DialectChannel", server.hub.add_channel(DialectChannel(name, dialect)))
            for dialect in dialects
        }

    # --- NamespaceHandler -------------------------------------------------------------------------------------------

    async def admit(self, handshake: Handshake, namespace: str, auth: dict[str, Any]) -> Admitted:  # noqa: ARG002
        channel = self._channel(handshake, auth)
        try:
            caller = await self._callers.identify(_credentials(handshake, auth))
        except ChatError as error:
            raise ConnectRefused("Authentication failed", {"code": error.code}) from error
        return Admitted(channel, _client(caller, channel.dialect))

    def entered(self, socket: Socket) -> None:
        client: Client = socket.data
        user_id = client.actor.user_id
        client.entry = self._chat.directory.hold(user_id, client.entry)
        self._hub.join(user_room(user_id), socket)
        for conversation_id in client.entry.conversation_ids:
            self._hub.join(conversation_room(conversation_id), socket)
        if client.expires_at is not None:
            socket.expires = asyncio.get_running_loop().time() + client.expires_at - time.time()
        user = client.entry.user
        if user is not None:
            welcome = client.dialect.welcome(user, socket.id, self._chat.cursor)
            if welcome is not None:
                self._send(socket, welcome.name, welcome.payload(None))

    def received(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        self._metrics.events_received += 1
        client: Client = socket.data
        name = args[0]
        inbound = client.dialect.inbound.get(name) if isinstance(name, str) else None
        if inbound is None:
            name = str(name)[:64]
            self._refuse(socket, name, ack_id, ChatError("invalid_request", f"No such event: {name}"))
            return
        try:
            command = inbound.to_command(_payload(inbound, args))
        except ChatError as error:
            self._refuse(socket, name, ack_id, error)
            return
        start = partial(self._start, socket, inbound, name, command, ack_id)
        socket.connection.lane.enter(start, pipelined=isinstance(command, Change))

    def expired(self, socket: Socket) -> None:
        self.end(socket, "token_expired", reconnect=False)

    def say_goodbye(self, socket: Socket) -> None:
        self._tell_ending(socket, "shutdown", reconnect=True)

    def disconnected(self, socket: Socket, reason: str) -> None:  # noqa: ARG002 (Node's, of interest to applications)
        client: Client = socket.data
        self._chat.directory.release(client.actor.user_id)
        self._chat.source_gone(socket.id)

    # --- from a packet to an answer ---------------------------------------------------------------------------------

    def _start(
        self,
        socket: Socket,
        inbound: Inbound,
        name: str,
        command: Command[Any] | OpenRoom | CloseRoom | TellTime,
        ack_id: int | None,
    ) -> bool:
        """Begins a command. True: it is under way, and the lane will be told when it is finished."""
        client: Client = socket.data
        try:
            match command:
                case Change():
                    self._chat.submit(client.actor, command, partial(self._finish, socket, inbound, name, ack_id))
                    return True
                case Command():
                    awaitable = self._execute(socket, client, command)
                case OpenRoom() | CloseRoom():
                    conversation_id = self._change_room(socket, command)
                    self._answer(socket, inbound, ack_id, conversation_id)
                    return False
                case TellTime():
                    self._answer(socket, inbound, ack_id, time.time_ns() // 1_000_000)
                    return False
                case _:
                    assert_never(command)
        except ChatError as error:
            self._refuse(socket, name, ack_id, error)
            return False
        finish = partial(self._finish, socket, inbound, name, ack_id)
        asyncio.ensure_future(awaitable).add_done_callback(partial(_tell, finish))
        return True

    def _execute(self, socket: Socket, client: Client, command: Command[Any]) -> Awaitable[Any]:
        if isinstance(command, SetTyping):
            command = msgspec.structs.replace(command, source=socket.id)
        return self._chat.execute(client.actor, command)

    def _finish(  # noqa: PLR0913, PLR0917 (the first four are bound when the command begins)
        self, socket: Socket, inbound: Inbound, name: str, ack_id: int | None, result: object, error: Exception | None
    ) -> None:
        try:
            if error is None:
                self._answer(socket, inbound, ack_id, result)
            elif isinstance(error, ChatError):
                self._refuse(socket, name, ack_id, error)
            else:
                self._report(error)
                self._refuse(socket, name, ack_id, ChatError("unavailable", "Something went wrong here. Try again."))
        finally:
            socket.connection.lane.finished()

    def _answer(self, socket: Socket, inbound: Inbound, ack_id: int | None, result: object) -> None:
        if ack_id is not None and socket.connected:
            frame = ack_frame(self._name, ack_id, _encode(inbound.reply(result)))
            self._hub.send(socket.connection, frame)

    def _refuse(self, socket: Socket, name: str, ack_id: int | None, error: ChatError) -> None:
        client: Client = socket.data
        if not socket.connected:
            return
        if ack_id is None:
            self._send(socket, *client.dialect.error(error, name))
        else:
            frame = ack_frame(self._name, ack_id, _encode(client.dialect.refusal(error)))
            self._hub.send(socket.connection, frame)

    def _change_room(self, socket: Socket, command: OpenRoom | CloseRoom) -> str:
        client: Client = socket.data
        if command.conversation_id not in client.entry.conversation_ids:
            raise forbidden()
        room = conversation_room(command.conversation_id)
        if isinstance(command, OpenRoom):
            self._hub.join(room, socket)
        else:
            self._hub.leave(room, socket)
        return command.conversation_id

    # --- towards one socket -----------------------------------------------------------------------------------------

    def _channel(self, handshake: Handshake, auth: dict[str, Any]) -> DialectChannel:
        wanted = auth.get("dialect") or handshake.query.get("dialect") or self._default
        channel = self._channels.get(wanted) if isinstance(wanted, str) else None
        if channel is None:
            raise ConnectRefused("No such dialect", {"code": "invalid_request"})
        return channel

    def _send(self, socket: Socket, name: str, payload: msgspec.Struct) -> None:
        self._hub.send(socket.connection, event_frame(self._name, name, _encode(payload)))

    def _tell_ending(self, socket: Socket, reason: str, *, reconnect: bool) -> None:
        client: Client = socket.data
        goodbye = client.dialect.goodbye(reason, reconnect)
        if goodbye is not None:
            self._send(socket, *goodbye)

    def end(self, socket: Socket, reason: str, *, reconnect: bool) -> None:
        """Tells a client why and puts it out."""
        self._tell_ending(socket, reason, reconnect=reconnect)
        socket.disconnect()


def _tell(done: Done, future: Future[Any]) -> None:
    """What became of a future."""
    if future.cancelled():
        done(None, ChatError("unavailable", "The server is stopping. Try again."))
        return
    error = future.exception()
    if error is None:
        done(future.result(), None)
    elif isinstance(error, Exception):
        done(None, error)
    else:
        raise error


class EventDelivery:
    """Brings the chat's events to the sockets of this node, of all namespaces."""

    def __init__(self, hub: Hub, end: Callable[[Socket, str], None]) -> None:
        self._hub = hub
        self._end = end

    def deliver(self, events: Sequence[Event]) -> None:
        """A batch from the bus: durable events in log order."""
        for event in events:
            if isinstance(event, TypingChanged):
                self._deliver_typing(event)
            else:
                self._deliver(event)

    def _deliver(self, event: Durable) -> None:
        match event:
            case MessageSent():
                self._broadcast(event.message.conversation_id, event)
            case ConversationCreated():
                self._admit(event.conversation.id, [member.user_id for member in event.members])
                self._broadcast(event.conversation.id, event)
            case MemberAdded():
                self._admit(event.conversation_id, [member.user_id for member in event.members])
                self._broadcast(event.conversation_id, event)
            case MemberRemoved():
                # The one who is removed is told too, and hears no more.
                self._broadcast(event.conversation_id, event)
                self._expel(event.conversation_id, event.user_id)
            case UserBanned():
                self._end_all(self._clients(event.user_id), "banned")
            case LoginEnded():
                device = [s for s in self._clients(event.user_id) if s.data.session_id == event.session_id]
                self._end_all(device, "logout")
            case UserCreated() | UserRenamed() | UserUnbanned() | LoginOpened():
                pass
            case _:
                assert_never(event)

    def _broadcast(self, conversation_id: str, event: Event) -> None:
        self._hub.broadcast(conversation_room(conversation_id), lambda channel: _encode_for(channel, event))

    def _deliver_typing(self, event: TypingChanged) -> None:
        own = set(self._clients(event.user_id))
        room = conversation_room(event.conversation_id)
        self._hub.broadcast_ephemeral(room, lambda channel: _encode_for(channel, event), own)

    def _admit(self, conversation_id: str, user_ids: Sequence[str]) -> None:
        room = conversation_room(conversation_id)
        for user_id in user_ids:
            for socket in self._clients(user_id):
                self._hub.join(room, socket)

    def _expel(self, conversation_id: str, user_id: str) -> None:
        room = conversation_room(conversation_id)
        for socket in self._clients(user_id):
            self._hub.leave(room, socket)

    def _end_all(self, sockets: Sequence[Socket], reason: str) -> None:
        for socket in sockets:
            self._end(socket, reason)

    def _clients(self, user_id: str) -> list[Socket]:
        """A user's sockets. A namespace without chat may have a room of the same name, which is its own affair."""
        found = self._hub.sockets_in(user_room(user_id))
        return [socket for socket in found if isinstance(socket, Socket) and isinstance(socket.data, Client)]


def end_socket(socket: Socket, reason: str) -> None:
    """Tells a client why, and closes its socket: signing in as before would not help."""
    handler = socket.handler
    assert isinstance(handler, ChatNamespace)
    handler.end(socket, reason, reconnect=False)


def _encode_for(channel: Channel, event: Event) -> bytes:
    return channel.encode(event) if isinstance(channel, DialectChannel) else b""


def _client(caller: Caller, dialect: Dialect) -> Client:
    identity = caller.identity
    return Client(
        actor=caller.actor,
        entry=caller.entry,
        dialect=dialect,
        session_id=None if identity is None else identity.session_id,
        expires_at=None if identity is None else identity.expires_at,
    )


def _credentials(handshake: Handshake, auth: dict[str, Any]) -> Credentials:
    """A token in `auth.token`, in the Authorization header or in the query, in this order."""
    token = auth.get("token")
    if not isinstance(token, str):
        token = _bearer(handshake.authorization) or handshake.query.get("token")
    user_id = auth.get("userId") or handshake.query.get("userId")
    return Credentials(token or None, user_id if isinstance(user_id, str) else None, handshake.forwarded)


def _bearer(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _payload(inbound: Inbound, args: list[Any]) -> msgspec.Struct | None:
    """The event's payload, checked. Raises `invalid_request` with the place where it is wrong."""
    if inbound.payload is None:
        return None
    try:
        return msgspec.convert(args[1] if len(args) > 1 else {}, inbound.payload)
    except msgspec.ValidationError as error:
        raise invalid_payload(error) from None
