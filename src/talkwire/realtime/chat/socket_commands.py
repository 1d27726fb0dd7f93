"""Carries out commands that concern one socket only and change nothing in the chat, such as opening a conversation or
renewing a token.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from math import inf
from typing import Any, NamedTuple, assert_never

import msgspec

from talkwire.core.clock import now_ms
from talkwire.core.commands.command import Command, SocketSignal
from talkwire.core.domain.errors import ChatError, forbidden, invalid
from talkwire.core.domain.model import Presence
from talkwire.core.features.users.presence_rules import ASKED_MAX, check_user_ids
from talkwire.operations.socket_commands import (
    GetIdentity,
    GetServerTime,
    JoinRoom,
    LeaveRoom,
    RenewSignIn,
    SocketCommand,
    SocketIdentity,
    SubscribePresence,
    UnsubscribePresence,
)
from talkwire.realtime.chat.services import NamespaceServices
from talkwire.realtime.chat.sign_in import SignIn
from talkwire.realtime.clients.chat_client import ChatClient, presence_room
from talkwire.realtime.clients.recoverable import RecoverableSocket
from talkwire.realtime.recovery.recovery import Recovery
from talkwire.realtime.socketio.socketio_socket import Socket

_QuickCommand = JoinRoom | LeaveRoom | UnsubscribePresence | GetServerTime | GetIdentity


class Now(NamedTuple):
    """Wraps the result of a command that `SocketCommands.run` carried out at once, so that it cannot be mistaken for an
    awaitable.
    """

    result: object


class SocketCommands:
    """Carries out the commands that concern one socket of a chat namespace, and passes all other commands to the
    chat.
    """

    def __init__(self, services: NamespaceServices, sign_in: SignIn) -> None:
        self._chat = services.chat
        self._rooms = services.rooms
        self._recovery = services.recovery
        self._now = services.server.now
        self._wheel = services.server.wheel
        self._hub = services.server.hub
        self._sign_in = sign_in

    def run(self, socket: Socket, command: Command[Any] | SocketCommand) -> Awaitable[Any] | Now:
        """Carries out a command for a socket. Returns the result wrapped in `Now` if the command was carried out at
        once, else an awaitable of the result. Raises ChatError for a refusal: directly if the command is invalid or is
        carried out at once, otherwise from the awaitable.
        """
        client: ChatClient = socket.data
        match command:
            case JoinRoom() | LeaveRoom() if self._recovery is not None and client.recoverable is not None:
                return self._choose_room(socket, command, self._recovery, client.recoverable)
            case RenewSignIn():
                return self._renew_sign_in(socket, command)
            case SubscribePresence():
                return self._watch(socket, command)
            case SocketSignal():
                return self._chat.execute(client.actor, msgspec.structs.replace(command, source=socket.id))
            case Command():
                return self._chat.execute(client.actor, command)
            case _:
                return Now(self._run_at_once(socket, command))

    def _run_at_once(self, socket: Socket, command: _QuickCommand) -> object:
        match command:
            case JoinRoom() | LeaveRoom():
                return self._change_room(socket, command)
            case UnsubscribePresence(user_ids=user_ids):
                for user_id in user_ids:
                    self._hub.leave(presence_room(user_id), socket)
                return None
            case GetServerTime():
                return now_ms()
            case GetIdentity():
                client: ChatClient = socket.data
                return SocketIdentity(client.actor.user_id, socket.id)
            case _:
                assert_never(command)

    def set_expiry(self, socket: Socket) -> None:
        """Sets `socket.expires` to the time at which the socket's token expires, in seconds of the event loop's clock;
        infinity if the token does not expire.
        """
        expires_at = socket.data.expires_at
        socket.expires = inf if expires_at is None else self._now() + expires_at - time.time()

    async def _renew_sign_in(self, socket: Socket, command: RenewSignIn) -> float | None:
        """Replaces the socket's token by a newer one. Returns the time at which the new token expires, in seconds since
        1970; None for never. Raises ChatError if the new token is invalid or another user's; the socket then keeps its
        old token.
        """
        client: ChatClient = socket.data
        await self._sign_in.renew(socket.handshake, command.token, client)
        self.set_expiry(socket)
        if socket.connected:
            self._wheel.watch(socket.connection)
        return client.expires_at

    async def _watch(self, socket: Socket, command: SubscribePresence) -> tuple[Presence, ...]:
        """Subscribes a socket to the presence of users whom the socket's user may see, so that it receives later
        changes. Returns their presence now. Raises ChatError if the socket would be subscribed to more than ASKED_MAX
        users.
        """
        client: ChatClient = socket.data
        watched = {room for room in socket.rooms if room.startswith(presence_room(""))}
        if len(watched.union(map(presence_room, command.user_ids))) > ASKED_MAX:
            raise invalid("userIds", f"a socket may watch at most {ASKED_MAX} users")
        check_user_ids(command.user_ids)
        # From now on changes arrive; none is sent to a user who may not see it.
        joined = {user_id for user_id in command.user_ids if self._hub.join(presence_room(user_id), socket)}
        presence = self._chat.signals.presence
        presence.exchange.places.look_up(command.user_ids, contacts=False)
        try:
            found = await presence.presence_of(client.actor, command.user_ids)
            for each in found:
                self._hub.join(presence_room(each.user_id), socket)  # another attempt may have failed and left it
                joined.discard(each.user_id)
        finally:
            for user_id in joined:
                self._hub.leave(presence_room(user_id), socket)
        return found

    def _change_room(self, socket: Socket, command: JoinRoom | LeaveRoom) -> str:
        client: ChatClient = socket.data
        if command.conversation_id not in client.entry.conversation_ids:
            raise forbidden("not_member")
        if isinstance(command, JoinRoom):
            self._rooms.open(socket, command.conversation_id)
        else:
            self._rooms.close(socket, command.conversation_id)
        return command.conversation_id

    async def _choose_room(
        self, socket: Socket, command: JoinRoom | LeaveRoom, recovery: Recovery, recoverable: RecoverableSocket
    ) -> str:
        """Opens or closes a conversation on a recoverable socket, and stores the choice in the database for when the
        socket resumes. Returns the conversation's id. Raises ChatError `forbidden` if the user is not a member.
        """
        client: ChatClient = socket.data
        if command.conversation_id not in client.entry.conversation_ids:
            raise forbidden("not_member")
        opened, follows_all = isinstance(command, JoinRoom), client.dialect.follows_all
        # Such a socket follows the conversation whether it is opened or not; only opening it has to be kept.
        only_signals = follows_all and client.entry.is_only_through_teams(command.conversation_id)
        if only_signals and not opened:
            recovery.forget_choice(recoverable, command.conversation_id)
        else:
            by_default = follows_all and not only_signals
            await recovery.choose(recoverable, command.conversation_id, opened=opened, by_default=by_default)
        try:
            return self._change_room(socket, command)
        except ChatError:
            # The user has left the conversation meanwhile.
            recovery.forget_choice(recoverable, command.conversation_id)
            raise
