"""A namespace in which a dialect's events become the chat's commands.

packet -> dialect (command) -> Chat.execute -> acknowledgement

The chat's events go the other way: `event_delivery.py`, `signal_delivery.py`.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Sequence
from functools import partial
from math import inf
from typing import Any, assert_never

import msgspec

from talkwire.core.commands.command import Change, Command, SocketSignal
from talkwire.core.commands.server.retries import AnswerRetry
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.model import Presence
from talkwire.core.engine.chat import Chat, tell
from talkwire.core.engine.limited_chat import LimitedChat
from talkwire.core.engine.limits import Kind, Limits, kind_of, rate_limited
from talkwire.core.features.users.presence_rules import ASKED_MAX
from talkwire.dialects.dialect import (
    AnyJson,
    CloseRoom,
    Dialect,
    Greet,
    Inbound,
    OpenRoom,
    RenewSignIn,
    SocketCommand,
    SocketIdentity,
    TellIdentity,
    TellTime,
    UnwatchPresence,
    WatchPresence,
)
from talkwire.dialects.payload import invalid_payload
from talkwire.identity.callers import Callers, Credentials
from talkwire.realtime.chat.custom_handlers import DONE, ClientSocket, CustomHandlers, Handler
from talkwire.realtime.chat.requests import EventReplies, EventRequest
from talkwire.realtime.clients.chat_client import ChatClient, DialectEncoding, presence_room
from talkwire.realtime.clients.recoverable import RecoverableSocket
from talkwire.realtime.delivery.offline_delivery import OfflineDelivery
from talkwire.realtime.delivery.rooms import Rooms
from talkwire.realtime.engine.connection import Handshake
from talkwire.realtime.engine.hub import Hub
from talkwire.realtime.recovery.recovery import Recovery
from talkwire.realtime.socketio.socket_server import SocketServer
from talkwire.realtime.socketio.socketio_socket import Admitted, ConnectRefused, Socket
from talkwire.wire import LocalProtocolError

CROWDED_S = 30.0
"""When a user who has too many sockets may try again."""


class ChatNamespace:
    """Implements `socket_server.NamespaceHandler` for one namespace. The first dialect is for who asks for none."""

    def __init__(  # noqa: PLR0913, PLR0917 (what it joins)
        self,
        name: str,
        server: SocketServer,
        chat: Chat,
        callers: Callers,
        rooms: Rooms,
        dialects: Sequence[Dialect],
        mail: OfflineDelivery,
        limits: Limits | None = None,
        handlers: CustomHandlers | None = None,
        recovery: Recovery | None = None,
        sockets_per_user: int | None = None,
    ) -> None:
        self._recovery = recovery
        self._sockets_per_user = sockets_per_user
        self._handlers = handlers or CustomHandlers()
        self._limits = limits
        self._limited_chat = LimitedChat(chat, limits, server.now)
        self._now = server.now
        self._wheel = server.wheel
        self._hub: Hub = server.hub
        self._answers = EventReplies(name, server.hub)
        self._metrics = server.metrics
        self._report = server.report
        self._chat = chat
        self._callers = callers
        self._rooms = rooms
        self._mail = mail
        self._name = name
        self._dialects = {dialect.name: dialect for dialect in dialects}
        self._default = dialects[0].name
        self._channels: dict[tuple[str, bool], DialectEncoding] = {}

    # --- NamespaceHandler -------------------------------------------------------------------------------------------

    async def admit(self, handshake: Handshake, namespace: str, auth: dict[str, Any]) -> Admitted:  # noqa: ARG002
        dialect = self._dialect(handshake, auth)
        client = await self._identify(handshake, auth, dialect)
        if self._recovery is None or not self._recovery.is_wanted(handshake, auth):
            return Admitted(self._channel(dialect, recoverable=False), client)
        going_on = await self._recovery.find(client, self._name, auth)
        if going_on is None:
            client.recoverable = self._recovery.begin(client, self._name)
        else:
            if going_on.waited:
                client = await self._identify(handshake, auth, dialect)
            client.recoverable, client.resume_plan = going_on.recoverable, going_on
        recoverable = client.recoverable
        return Admitted(self._channel(dialect, recoverable=True), client, recoverable.socket_id, recoverable.pid)

    def entered(self, socket: Socket) -> None:
        client: ChatClient = socket.data
        user_id = client.actor.user_id
        client.entry = self._chat.directory.hold(user_id, client.entry)
        self._set_expiry(socket, client.expires_at)
        if self._recovery is not None and client.recoverable is not None:
            self._replace(self._recovery.attach(socket), socket)
        if self._recovery is not None and client.resume_plan is not None:
            plan, client.resume_plan = client.resume_plan, None
            client.catching_up = True
            # It may be put out in this turn already.
            self._chat.signals.connected(user_id, socket.id)
            self._recovery.resume(socket, plan, partial(self._may_stay, socket), partial(self._resumed, socket))
        else:
            self._greet(socket)
            self._chat.signals.connected(user_id, socket.id)

    def _greet(self, socket: Socket) -> None:
        """A socket that begins now."""
        client: ChatClient = socket.data
        # Who is told of what they missed follows what goes on only behind that.
        self._rooms.enter(socket, () if client.dialect.notifies else client.entry.conversation_ids)
        user = client.entry.user
        if user is not None:
            welcome = client.dialect.welcome(user, socket.id, self._chat.cursor)
            if welcome is not None:
                # Who is still to be told of what they missed could not go on from here.
                is_here = client.recoverable is not None and not client.dialect.notifies
                offset = self._chat.cursor if is_here else None
                self._answers.tell(socket, welcome.name, welcome.payload(None), offset)
        if client.dialect.notifies:
            self._mail.entered(socket)

    def _may_stay(self, socket: Socket) -> bool:
        """Whether a socket that is still being told what it missed may be here. What happens to its user meanwhile it
        does not hear, so it is ended here."""
        client: ChatClient = socket.data
        user = client.entry.user
        if user is not None and user.banned:
            self.end(socket, "banned", reconnect=False)
        elif client.session_id is not None and client.session_id not in client.entry.login_ids:
            self.end(socket, "logout", reconnect=False)
        return socket.connected

    def _resumed(self, socket: Socket) -> None:
        """A socket that goes on has all that it missed."""
        client: ChatClient = socket.data
        client.catching_up = False
        self._rooms.resume(socket, client.entry.conversation_ids)
        if client.dialect.notifies:
            self._mail.resumed(socket)

    @staticmethod
    def _replace(before: Socket | None, socket: Socket) -> None:
        """A client has come by another connection than the one that seemed to carry it still: that is over."""
        if before is None:
            return
        before_client: ChatClient = before.data
        client: ChatClient = socket.data
        client.opened, before_client.opened = before_client.opened, set()
        before.disconnect()
        if not before.connection.sockets:
            before.connection.close("forced server close")

    def received(self, socket: Socket, args: list[Any], ack_id: int | None) -> None:
        self._metrics.events_received += 1
        client: ChatClient = socket.data
        name = args[0]
        inbound = client.dialect.inbound.get(name) if isinstance(name, str) else None
        if inbound is None:
            handler = self._handlers.get(name)
            if handler is not None:
                self._hand_on(EventRequest(socket, name, ack_id, None), handler, args[1] if len(args) > 1 else None)
                return
            request = EventRequest(socket, str(name)[:64], ack_id, None)
            self._refuse_useless(request, ChatError("invalid_request", f"No such event: {request.name}"))
            return
        request = EventRequest(socket, name, ack_id, inbound, said=args[1] if len(args) > 1 else None)
        try:
            payload = _payload(inbound, args)
            if inbound.echo is not None:
                request = request._replace(payload=payload)
            command = inbound.to_command(payload)
        except ChatError as error:
            self._refuse_useless(request, error)
            return
        if self._limits is not None:
            wait_s = self._limits.take_for(client.actor, kind_of(type(command)), self._now())
            if wait_s:
                self._answer_retry(request, command, wait_s)
                return
        start = partial(self._start, request, command)
        # One with a hook is queued only when that has answered, and what comes after it must not overtake it.
        pipelined = isinstance(command, Change) and type(command) not in self._chat.hooked
        socket.connection.lane.enter(start, pipelined=pipelined)

    def unreadable(self, socket: Socket, name: str | float, ack_id: int | None, flaw: str) -> None:
        request = EventRequest(socket, str(name)[:64], ack_id, None)
        self._refuse_useless(request, ChatError("invalid_request", f"The payload cannot be taken: {flaw}"))

    def expired(self, socket: Socket) -> None:
        self.end(socket, "token_expired", reconnect=False)

    def say_goodbye(self, socket: Socket, reason: str) -> None:
        self._tell_ending(socket, reason, reconnect=True)

    def disconnected(self, socket: Socket, reason: str) -> None:
        client: ChatClient = socket.data
        if self._recovery is not None:
            # What it was still to be told from before it came is told to a new socket only.
            self._recovery.detach(socket, reason, for_good=self._mail.has_backlog(socket))
        self._mail.left(socket)
        self._chat.directory.release(client.actor.user_id)
        # Whoever leaves a room has stopped typing there before.
        self._chat.signals.disconnected(client.actor.user_id, socket.id)
        self._rooms.gone(client)

    def end(self, socket: Socket, reason: str, *, reconnect: bool) -> None:
        """Tells a client why and puts it out."""
        self._tell_ending(socket, reason, reconnect=reconnect)
        socket.disconnect()

    # --- from a packet to an answer ---------------------------------------------------------------------------------

    def _start(self, request: EventRequest, command: Command[Any] | SocketCommand) -> bool:
        """Begins a command. True: it is under way, and the lane will be told when it is finished."""
        client: ChatClient = request.socket.data
        awaitable: Awaitable[Any]
        try:
            if isinstance(command, Change):
                self._chat.submit(client.actor, command, partial(self._finish, request))
                return True
            if isinstance(command, OpenRoom | CloseRoom) and client.recoverable is not None:
                awaitable = self._change_kept_room(request.socket, command, client.recoverable)
            elif not isinstance(command, Command | RenewSignIn | WatchPresence):
                self._answers.answer(request, self._do_at_once(request.socket, command))
                return False
            else:
                awaitable = self._do(request.socket, command)
        except Exception as error:  # noqa: BLE001 (a dialect that fails, too, is answered for)
            self._refuse_for(request, error)
            return False
        asyncio.ensure_future(awaitable).add_done_callback(partial(tell, partial(self._finish, request)))
        return True

    def _do(self, socket: Socket, command: Command[Any] | RenewSignIn | WatchPresence) -> Awaitable[Any]:
        """What takes time."""
        match command:
            case RenewSignIn():
                return self._renew_sign_in(socket, command)
            case WatchPresence():
                return self._watch(socket, command)
            case SocketSignal():
                command = msgspec.structs.replace(command, source=socket.id)
        client: ChatClient = socket.data
        return self._chat.execute(client.actor, command)

    def _do_at_once(self, socket: Socket, command: _Quick) -> object:
        match command:
            case OpenRoom() | CloseRoom():
                return self._change_room(socket, command)
            case UnwatchPresence(user_ids=user_ids):
                for user_id in user_ids:
                    self._hub.leave(presence_room(user_id), socket)
                return None
            case TellTime():
                return time.time_ns() // 1_000_000
            case TellIdentity():
                client: ChatClient = socket.data
                return SocketIdentity(client.actor.user_id, socket.id)
            case Greet():
                return None
            case _:
                assert_never(command)

    def _finish(self, request: EventRequest, result: object, error: Exception | None) -> None:
        then = request.inbound.then if request.inbound is not None and error is None else None
        if then is None or request.ack_id is None:
            self._end(request, result, error)
            return
        try:
            asked = asyncio.ensure_future(self._chat.execute(request.socket.data.actor, then(result)))
        except Exception as failure:  # noqa: BLE001 (or nobody would tell the lane)
            self._end(request, result, failure)
            return
        asked.add_done_callback(partial(tell, lambda found, error: self._end(request, (result, found), error)))

    def _end(self, request: EventRequest, result: object, error: Exception | None) -> None:
        try:
            if error is None:
                self._answer(request, result)
            else:
                self._refuse_for(request, error)
        except Exception as failure:  # noqa: BLE001 (others are told in the same turn)
            self._report(failure)
        finally:
            request.socket.connection.lane.finished()

    def _answer(self, request: EventRequest, result: object) -> None:
        """A dialect that fails to make the answer is a bug of ours, which the client hears of."""
        try:
            self._answers.answer(request, result)
        except Exception as error:  # noqa: BLE001 (whatever the dialect's functions raise)
            self._refuse_for(request, error)

    def _refuse_for(self, request: EventRequest, error: Exception) -> None:
        """A refusal is the client's business, anything else ours."""
        if not isinstance(error, ChatError):
            self._report(error)
            error = ChatError("unavailable", "Something went wrong here. Try again.")
        self._answers.refuse(request, error)

    def _hand_on(self, request: EventRequest, handler: Handler, data: object) -> None:
        """An event of the application's own goes to its handler, in its turn."""
        if self._limits is not None:
            wait_s = self._limits.take_for(request.socket.data.actor, Kind.SIGNALS, self._now())
            if wait_s:
                self._answers.refuse(request, rate_limited(wait_s))
                return
        start = partial(self._start_handler, request, handler, data)
        request.socket.connection.lane.enter(start, pipelined=False)

    def _start_handler(self, request: EventRequest, handler: Handler, data: object) -> bool:
        """As `_start`."""
        try:
            answer = handler(ClientSocket(request.socket, lambda: self._chat.cursor), data)
        except Exception as error:  # noqa: BLE001 (whatever the application's code raises)
            self._answer_for_handler(request, None, error)
            return False
        if inspect.isawaitable(answer):
            asyncio.ensure_future(answer).add_done_callback(partial(tell, partial(self._finish_handler, request)))
            return True
        self._answer_for_handler(request, answer, None)
        return False

    def _finish_handler(self, request: EventRequest, answer: object, error: Exception | None) -> None:
        try:
            self._answer_for_handler(request, answer, error)
        finally:
            request.socket.connection.lane.finished()

    def _answer_for_handler(self, request: EventRequest, answer: object, error: Exception | None) -> None:
        """A refusal goes to the client; any other error is a bug of the application's, and so is an answer that cannot
        be sent."""
        if error is None:
            try:
                self._answers.acknowledge(request, DONE if answer is None else answer)
            except LocalProtocolError as no_json:
                error = no_json
        if error is not None:
            self._refuse_for(request, error)

    def _answer_retry(self, request: EventRequest, command: Command[Any] | SocketCommand, wait_s: float) -> None:
        """A command that comes too soon is refused, unless it was carried out already."""
        if not isinstance(command, Command) or not AnswerRetry(command).is_possible:
            self._answers.refuse(request, rate_limited(wait_s))
            return
        client: ChatClient = request.socket.data

        def start() -> bool:
            found = asyncio.ensure_future(self._limited_chat.answer_retry(client.actor, command, wait_s))
            found.add_done_callback(partial(tell, partial(self._finish, request)))
            return True

        request.socket.connection.lane.enter(start, pipelined=False)

    def _refuse_useless(self, request: EventRequest, error: ChatError) -> None:
        """What is not understood counts too: it costs nearly as much as what is."""
        if self._limits is not None:
            wait_s = self._limits.take_for(request.socket.data.actor, Kind.SIGNALS, self._now())
            error = rate_limited(wait_s) if wait_s else error
        self._answers.refuse(request, error)

    # --- what concerns one socket -----------------------------------------------------------------------------------

    async def _renew_sign_in(self, socket: Socket, command: RenewSignIn) -> float | None:
        """The socket goes on under another token of the same user, checked as at connect. Raises what that raises, and
        `forbidden` for another user's; the socket stays as it was then."""
        client: ChatClient = socket.data
        handshake = socket.handshake
        credentials = Credentials(command.token, forwarded=handshake.forwarded, address=handshake.address)
        renewed = ChatClient.of(await self._callers.identify(credentials), client.dialect)
        if renewed.actor.user_id != client.actor.user_id:
            raise ChatError("forbidden", "This token is of another user.")
        client.actor, client.session_id, client.expires_at = renewed.actor, renewed.session_id, renewed.expires_at
        self._set_expiry(socket, client.expires_at)
        if socket.connected:
            self._wheel.watch(socket.connection)
        return client.expires_at

    async def _watch(self, socket: Socket, command: WatchPresence) -> tuple[Presence, ...]:
        """From now on the socket is told of those whom its user may see."""
        client: ChatClient = socket.data
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

    def _change_room(self, socket: Socket, command: OpenRoom | CloseRoom) -> str:
        client: ChatClient = socket.data
        if command.conversation_id not in client.entry.conversation_ids:
            raise forbidden()
        if isinstance(command, OpenRoom):
            self._rooms.open(socket, command.conversation_id)
        else:
            self._rooms.close(socket, command.conversation_id)
        return command.conversation_id

    async def _change_kept_room(
        self, socket: Socket, command: OpenRoom | CloseRoom, recoverable: RecoverableSocket
    ) -> str:
        """As below, for a socket that goes on with its rooms after a disconnect."""
        assert self._recovery is not None, "nobody else lets them in"
        client: ChatClient = socket.data
        if command.conversation_id not in client.entry.conversation_ids:
            raise forbidden()
        opened = isinstance(command, OpenRoom)
        by_default = client.dialect.follows_all
        await self._recovery.choose(recoverable, command.conversation_id, opened=opened, by_default=by_default)
        try:
            return self._change_room(socket, command)
        except ChatError:
            # The user has left the conversation while that was stored.
            self._recovery.forget_choice(recoverable, command.conversation_id)
            raise

    async def _identify(self, handshake: Handshake, auth: dict[str, Any], dialect: Dialect) -> ChatClient:
        """Who connects. Raises ConnectRefused."""
        try:
            caller = await self._callers.identify(_credentials(handshake, auth))
            most = self._sockets_per_user
            if most is not None and caller.entry.holds >= most and caller.actor.role != "service":
                error = rate_limited(CROWDED_S)
                details = {"code": error.code, "details": error.details}
                raise ConnectRefused("Too many sockets of this user", details)
            return ChatClient.of(caller, dialect)
        except ChatError as error:
            details = {} if error.details is None else {"details": error.details}
            parting = None if dialect.turned_away is None else dialect.turned_away(error)
            raise ConnectRefused("Authentication failed", {"code": error.code, **details}, parting) from error

    def _dialect(self, handshake: Handshake, auth: dict[str, Any]) -> Dialect:
        wanted = auth.get("dialect") or handshake.query.get("dialect") or self._default
        dialect = self._dialects.get(wanted) if isinstance(wanted, str) else None
        if dialect is None:
            raise ConnectRefused("No such dialect", {"code": "invalid_request"})
        return dialect

    def _channel(self, dialect: Dialect, *, recoverable: bool) -> DialectEncoding:
        """Made for the first who needs it: an event is offered to every channel there is."""
        channel = self._channels.get((dialect.name, recoverable))
        if channel is None:
            channel = DialectEncoding(self._name, dialect, recoverable=recoverable, epoch=lambda: self._chat.epoch)
            self._hub.add_channel(channel)
            self._channels[dialect.name, recoverable] = channel
        return channel

    def _tell_ending(self, socket: Socket, reason: str, *, reconnect: bool) -> None:
        client: ChatClient = socket.data
        try:
            goodbye = client.dialect.goodbye(reason, reconnect)
            if goodbye is not None:
                self._answers.tell(socket, *goodbye)
        except Exception as error:  # noqa: BLE001 (the socket has to go all the same)
            self._report(error)


_Quick = OpenRoom | CloseRoom | UnwatchPresence | TellTime | TellIdentity | Greet
"""What is answered in the same turn."""


def end_socket(socket: Socket, reason: str) -> None:
    """Tells a client why, and closes its socket: signing in as before would not help."""
    handler = socket.handler
    assert isinstance(handler, ChatNamespace)
    handler.end(socket, reason, reconnect=False)


def _credentials(handshake: Handshake, auth: dict[str, Any]) -> Credentials:
    """A token in `auth.token`, in the Authorization header or in the query, in this order."""
    said = auth.get("token")
    said = said if isinstance(said, str) else ""
    # Many clients put the header's whole value where the token belongs.
    token = _bearer(said) or said or _bearer(handshake.authorization) or handshake.query.get("token")
    user_id = auth.get("userId") or handshake.query.get("userId")
    if isinstance(user_id, int) and not isinstance(user_id, bool):
        user_id = str(user_id)
    user_id = user_id if isinstance(user_id, str) else None
    return Credentials(token or None, user_id, handshake.forwarded, handshake.address)


def _bearer(authorization: str | None) -> str | None:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _payload(inbound: Inbound, args: list[Any]) -> msgspec.Struct | None:
    """The event's payload, checked. Raises `invalid_request` with the place where it is wrong."""
    if inbound.payload is None:
        return None
    if inbound.payload is AnyJson:
        return AnyJson(args[1] if len(args) > 1 else None)
    try:
        return msgspec.convert(args[1] if len(args) > 1 else {}, inbound.payload)
    except msgspec.ValidationError as error:
        raise invalid_payload(error, inbound.payload) from None
