"""Events of the application's own, and which users have a socket to send them to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import msgspec

from talkwire.core.commands.custom_events import (
    IsConnected,
    KeepReport,
    ListConnected,
    SendReport,
    SendToConversation,
    SendToUsers,
)
from talkwire.core.commands.mail import StoreMail
from talkwire.core.commands.presence import FindAcquaintances, FindOnlineElsewhere
from talkwire.core.door import Door, SignalHandlers
from talkwire.core.errors import ChatError, invalid
from talkwire.core.events import CustomEvent, MailStored, News
from talkwire.core.handler import ChangeHandler, Changes
from talkwire.core.model import Actor
from talkwire.core.presence import check_user_ids, must_serve
from talkwire.core.texts import check_id, check_json, check_name
from talkwire.core.transaction import Transaction

SOCKET_IO_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Clients raise these themselves, and refuse to be sent them."""

EVENT_MAX_LENGTH = 200
PAYLOAD_MAX_BYTES = 64 * 1024
ELSEWHERE_PAGE = 1000

_encode = msgspec.json.Encoder().encode


def check_custom_event(event: str, payload: object) -> None:
    """Refuses a name that no client could listen to, and what is no JSON or too much of it."""
    check_name("event", event, EVENT_MAX_LENGTH)
    if event in SOCKET_IO_EVENTS:
        raise invalid("event", "is a name of Socket.IO's own")
    check_json("message", payload)
    if len(_encode(payload)) > PAYLOAD_MAX_BYTES:
        raise ChatError("payload_too_large", f"message: at most {PAYLOAD_MAX_BYTES} bytes of JSON")


def keep_report(tx: Transaction, actor: Actor, command: KeepReport) -> SendReport:
    must_serve(actor)
    return command.report


class CustomEvents:
    """For this node's sockets. `node_id` is this node's, by which the others' users are told apart."""

    def __init__(self, door: Door, publish: Callable[[Sequence[News]], None], node_id: str) -> None:
        self._door = door
        self._publish = publish
        self._node_id = node_id
        self.handlers: SignalHandlers = MappingProxyType(
            {
                SendToUsers: self._send_to_users,
                SendToConversation: self._send_to_conversation,
                ListConnected: self._list_connected,
                IsConnected: self._is_connected,
            }
        )

    async def _send_to_users(self, actor: Actor, command: SendToUsers) -> SendReport:
        must_serve(actor)
        check_user_ids(command.user_ids)
        check_custom_event(command.event, command.payload)
        user_ids = tuple(dict.fromkeys(command.user_ids))
        sockets = {user_id: self._sockets_of(user_id) for user_id in user_ids}
        reached = tuple(user_id for user_id in user_ids if sockets[user_id])
        if reached:
            self._publish([CustomEvent(command.event, command.payload, user_id=user_id) for user_id in reached])
        away = tuple(user_id for user_id in user_ids if not sockets[user_id]) if command.store else ()
        if away:
            await self._door.execute(actor, StoreMail(away, command.event, command.payload))
            self._publish([MailStored(user_id) for user_id in away])
        return SendReport(reached, sum(sockets.values()), away)

    async def _send_to_conversation(self, actor: Actor, command: SendToConversation) -> None:
        must_serve(actor)
        check_id("conversationId", command.conversation_id)
        check_custom_event(command.event, command.payload)
        self._publish([CustomEvent(command.event, command.payload, conversation_id=command.conversation_id)])

    async def _list_connected(self, actor: Actor, command: ListConnected) -> tuple[str, ...]:  # noqa: ARG002
        must_serve(actor)
        found = set(self._door.directory.connected_ids())
        after: str | None = None
        while True:
            page = await self._door.execute(actor, FindOnlineElsewhere(self._node_id, after, ELSEWHERE_PAGE))
            found.update(other.record.user_id for other in page)
            if len(page) < ELSEWHERE_PAGE:
                return tuple(sorted(found))
            after = page[-1].record.user_id

    async def _is_connected(self, actor: Actor, command: IsConnected) -> bool:
        must_serve(actor)
        check_id("userId", command.user_id)
        if self._sockets_of(command.user_id):
            return True
        found = await self._door.execute(actor, FindAcquaintances((command.user_id,), self._node_id))
        return any(other.elsewhere for other in found)

    def _sockets_of(self, user_id: str) -> int:
        entry = self._door.directory.connected(user_id)
        return 0 if entry is None else entry.holds


CHANGES: Changes = MappingProxyType({KeepReport: ChangeHandler(keep_report)})
