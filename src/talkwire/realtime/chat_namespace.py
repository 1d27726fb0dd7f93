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
from math import inf
from typing import Any, assert_never, cast

import msgspec

from talkwire.core.audience import audience_of
from talkwire.core.chat import Chat, Done
from talkwire.core.circles import Circles
from talkwire.core.commands.command import Change, Command, SocketSignal
from talkwire.core.commands.retries import AnswerRetry
from talkwire.core.directory import Entry
from talkwire.core.errors import ChatError, forbidden, invalid
from talkwire.core.events import (
    ConversationCreated,
    ConversationDeleted,
    Durable,
    DurableEvent,
    Event,
    LoginEnded,
    MemberAdded,
    MemberRemoved,
    MessageSent,
    Notified,
    UnreadChanged,
    UploadProgressed,
    UserBanned,
)
from talkwire.core.limited_chat import LimitedChat
from talkwire.core.limits import Kind, Limits, kind_of, rate_limited
from talkwire.core.model import LARGE_CONVERSATION, Actor, Presence
from talkwire.core.presence import ASKED_MAX
from talkwire.dialects.dialect import (
    CloseRoom,
    Dialect,
    Inbound,
    OpenRoom,
    RenewSignIn,
    SocketCommand,
    TellTime,
    UnwatchPresence,
    WatchPresence,
)
from talkwire.dialects.payloads.payload import invalid_payload
from talkwire.identity.callers import Caller, Callers, Credentials
from talkwire.realtime.connection import Handshake
from talkwire.realtime.hub import Channel, Hub, Occupant
from talkwire.realtime.socket import Admitted, ConnectRefused, Socket
from talkwire.realtime.socket_server import SocketServer
from talkwire.wire import ack_frame, event_frame

_encode = msgspec.json.Encoder().encode


def user_room(user_id: str) -> str:
    return f"user:{user_id}"


def conversation_room(conversation_id: str) -> str:
    return f"conversation:{conversation_id}"


def presence_room(user_id: str) -> str:
    """Sockets that asked to be told of this user's presence."""
    return f"presence:{user_id}"


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

    def __init__(  # noqa: PLR0913, PLR0917 (what it joins)
        self,
        name: str,
        server: SocketServer,
        chat: Chat,
        callers: Callers,
        dialects: Sequence[Dialect],
        limits: Limits | None = None,
    ) -> None:
        self._name = name
        self._limits = limits
        self._limited_chat = LimitedChat(chat, limits, server.now)
        self._now = server.now
        self._wheel = server.wheel
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
            details = {} if error.details is None else {"details": error.details}
            raise ConnectRefused("Authentication failed", {"code": error.code, **details}) from error
        return Admitted(channel, _client(caller, channel.dialect))

    def entered(self, socket: Socket) -> None:
        client: Client = socket.data
        user_id = client.actor.user_id
        client.entry = self._chat.directory.hold(user_id, client.entry)
        self._hub.join(user_room(user_id), socket)
        for conversation_id in client.entry.conversation_ids:
            self._hub.join(conversation_room(conversation_id), socket)
        self._set_expiry(socket, client.expires_at)
        user = client.entry.user
        if user is not None:
            welcome = client.dialect.welcome(user, socket.id, self._chat.cursor)
            if welcome is not None:
                self._send(socket, welcome.name, welcome.payload(None))
        self._chat.signals.connected(user_id, socket.id)

    def received(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        self._metrics.events_received += 1
        client: Client = socket.data
        name = args[0]
        inbound = client.dialect.inbound.get(name) if isinstance(name, str) else None
        if inbound is None:
            name = str(name)[:64]
            self._refuse_useless(socket, name, ack_id, ChatError("invalid_request", f"No such event: {name}"))
            return
        try:
            command = inbound.to_command(_payload(inbound, args))
        except ChatError as error:
            self._refuse_useless(socket, name, ack_id, error)
            return
        if self._limits is not None:
            wait_s = self._limits.take_for(client.actor, kind_of(type(command)), self._now())
            if wait_s:
                self._answer_retry(socket, inbound, name, command, ack_id, wait_s)
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
        self._chat.signals.disconnected(client.actor.user_id, socket.id)

    # --- from a packet to an answer ---------------------------------------------------------------------------------

    def _start(
        self,
        socket: Socket,
        inbound: Inbound,
        name: str,
        command: Command[Any] | SocketCommand,
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
                case RenewSignIn():
                    awaitable = self._renew_sign_in(socket, command)
                case WatchPresence():
                    awaitable = self._watch(socket, command)
                case UnwatchPresence():
                    for user_id in command.user_ids:
                        self._hub.leave(presence_room(user_id), socket)
                    self._answer(socket, inbound, ack_id, None)
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

    def _answer_retry(  # noqa: PLR0913, PLR0917 (as `_start`)
        self,
        socket: Socket,
        inbound: Inbound,
        name: str,
        command: Command[Any] | SocketCommand,
        ack_id: int | None,
        wait_s: float,
    ) -> None:
        """A command that comes too soon is refused, unless it was carried out already."""
        if not isinstance(command, Command) or not AnswerRetry(command).is_possible:
            self._refuse(socket, name, ack_id, rate_limited(wait_s))
            return
        client: Client = socket.data
        finish = partial(self._finish, socket, inbound, name, ack_id)

        def start() -> bool:
            found = asyncio.ensure_future(self._limited_chat.answer_retry(client.actor, command, wait_s))
            found.add_done_callback(partial(_tell, finish))
            return True

        socket.connection.lane.enter(start, pipelined=False)

    async def _renew_sign_in(self, socket: Socket, command: RenewSignIn) -> float | None:
        """The socket goes on under another token of the same user, checked as at connect. Raises what that raises, and
        `forbidden` for another user's; the socket stays as it was then."""
        client: Client = socket.data
        handshake = socket.handshake
        credentials = Credentials(command.token, forwarded=handshake.forwarded, address=handshake.address)
        renewed = _client(await self._callers.identify(credentials), client.dialect)
        if renewed.actor.user_id != client.actor.user_id:
            raise ChatError("forbidden", "This token is of another user.")
        client.actor, client.session_id, client.expires_at = renewed.actor, renewed.session_id, renewed.expires_at
        self._set_expiry(socket, client.expires_at)
        if socket.connected:
            self._wheel.watch(socket.connection)
        return client.expires_at

    async def _watch(self, socket: Socket, command: WatchPresence) -> tuple[Presence, ...]:
        """From now on the socket is told of those whom its user may see."""
        client: Client = socket.data
        watched = {room for room in socket.rooms if room.startswith(presence_room(""))}
        if len(watched.union(map(presence_room, command.user_ids))) > ASKED_MAX:
            raise invalid("userIds", f"a socket may watch at most {ASKED_MAX} users")
        found = await self._chat.signals.presence.presence_of(client.actor, command.user_ids)
        for presence in found:
            self._hub.join(presence_room(presence.user_id), socket)
        return found

    def _set_expiry(self, socket: Socket, expires_at: float | None) -> None:
        """`expires_at` is in seconds since 1970, None for never."""
        socket.expires = inf if expires_at is None else self._now() + expires_at - time.time()

    def _execute(self, socket: Socket, client: Client, command: Command[Any]) -> Awaitable[Any]:
        if isinstance(command, SocketSignal):
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

    def _refuse_useless(self, socket: Socket, name: str, ack_id: int | None, error: ChatError) -> None:
        """What is not understood counts too: it costs nearly as much as what is."""
        if self._limits is not None:
            wait_s = self._limits.take_for(socket.data.actor, Kind.SIGNALS, self._now())
            error = rate_limited(wait_s) if wait_s else error
        self._refuse(socket, name, ack_id, error)

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

    def __init__(self, hub: Hub, circles: Circles, end: Callable[[Socket, str], None]) -> None:
        self._hub = hub
        self._circles = circles
        self._end = end

    def deliver(self, events: Sequence[Event]) -> None:
        """A batch from the bus: durable events in log order. Signals are for `SignalDelivery`."""
        for event in events:
            match event:
                case MessageSent():
                    self._broadcast(event.message.conversation_id, event)
                case UnreadChanged() | Notified() | UploadProgressed():
                    self._send_to_user(event.user_id, event)
                case DurableEvent():
                    self._deliver(event)

    def _deliver(self, event: Durable) -> None:
        """New members are let into their room before the event, so that it reaches them; whoever leaves is told too,
        and hears no more."""
        match event:
            case ConversationCreated():
                self._admit(event.conversation.id, [member.user_id for member in event.members])
            case MemberAdded():
                self._admit(event.conversation_id, [member.user_id for member in event.members])
        audience = audience_of(event)
        if audience.conversation_id is not None:
            self._broadcast(audience.conversation_id, event)
        elif audience.user_id is not None:
            self._send_to_user(audience.user_id, event)
        match event:
            case MemberRemoved():
                self._expel(event.conversation_id, self._clients(event.user_id))
            case ConversationDeleted():
                room = conversation_room(event.conversation_id)
                self._expel(event.conversation_id, list(self._hub.sockets_in(room)))
            case UserBanned():
                self._end_all(self._clients(event.user_id), "banned")
            case LoginEnded():
                device = [s for s in self._clients(event.user_id) if s.data.session_id == event.session_id]
                self._end_all(device, "logout")

    def _broadcast(self, conversation_id: str, event: Event) -> None:
        self._hub.broadcast(conversation_room(conversation_id), lambda channel: _encode_for(channel, event))

    def _send_to_user(self, user_id: str, event: Event) -> None:
        """To all devices of one user."""
        self._hub.broadcast(user_room(user_id), lambda channel: _encode_for(channel, event))

    def _admit(self, conversation_id: str, user_ids: Sequence[str]) -> None:
        room = conversation_room(conversation_id)
        for user_id in user_ids:
            for socket in self._clients(user_id):
                self._hub.join(room, socket)

    def _expel(self, conversation_id: str, sockets: Sequence[Occupant]) -> None:
        room = conversation_room(conversation_id)
        for socket in sockets:
            self._hub.leave(room, socket)

    def _end_all(self, sockets: Sequence[Socket], reason: str) -> None:
        for socket in sockets:
            self._end(socket, reason)

    def recipients(self, conversation_id: str) -> list[SocketRecipient]:
        """The sockets in a conversation's room; none where it is so large that nobody is told who has received what."""
        circle = self._circles.get(conversation_id)
        if circle is None or circle.member_count > LARGE_CONVERSATION:
            return []
        found = self._hub.sockets_in(conversation_room(conversation_id))
        return [SocketRecipient(s) for s in found if isinstance(s, Socket) and isinstance(s.data, Client)]

    def _clients(self, user_id: str) -> list[Socket]:
        """A user's sockets. A namespace without chat may have a room of the same name, which is its own affair."""
        found = self._hub.sockets_in(user_room(user_id))
        return [socket for socket in found if isinstance(socket, Socket) and isinstance(socket.data, Client)]


class SocketRecipient:
    """Implements `arrivals.Recipient`."""

    __slots__ = ("_socket",)

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    @property
    def actor(self) -> Actor:
        client: Client = self._socket.data
        return client.actor

    def answered_after(self, time: float) -> bool:
        return self._socket.connection.session.last_ping_answered > time

    def hasten_ping(self) -> None:
        connection = self._socket.connection
        now = connection.server.now()
        connection.session.hasten_ping(now)
        connection.handle_deadline(now)


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
    user_id = user_id if isinstance(user_id, str) else None
    return Credentials(token or None, user_id, handshake.forwarded, handshake.address)


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
