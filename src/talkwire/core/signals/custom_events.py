"""Custom events, which an application's backend sends to users or conversations; and queries for which users are
connected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from types import MappingProxyType

import msgspec

from talkwire.core.cluster.peers import Peers
from talkwire.core.commands.integration.custom_events import (
    IsConnected,
    KeepReport,
    ListConnected,
    SendReport,
    SendToConversation,
    SendToUsers,
)
from talkwire.core.commands.presence import FindConnectedElsewhere, ListConnectedElsewhere
from talkwire.core.commands.server.offline_queue import StoreMail
from talkwire.core.connected.chat_access import ChatAccess
from talkwire.core.domain.access import must_be_backend
from talkwire.core.domain.actors import NODE
from talkwire.core.domain.errors import ChatError, invalid
from talkwire.core.domain.events import CustomEvent, MailStored
from talkwire.core.domain.model import Actor
from talkwire.core.domain.texts import check_id, check_short_text, json_fits
from talkwire.core.features.users.presence_rules import check_user_ids
from talkwire.core.ports.chat import Publisher, SignalHandlers
from talkwire.core.ports.handler import ChangeHandler, Changes
from talkwire.core.ports.transaction import Transaction

SOCKET_IO_EVENTS = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)
"""Names of events that Socket.IO clients raise themselves and refuse to receive."""

EVENT_MAX_LENGTH = 200
"""Longest name of a custom event, in characters."""

CUSTOM_PAYLOAD_MAX_BYTES = 64 * 1024
"""Largest payload of a custom event, as JSON in UTF-8."""

ELSEWHERE_PAGE = 1000
"""Most users on a page of the list of those who are connected to other nodes."""

_SEND = "send-to-users"
_COUNT = "count-sockets"

_encode = msgspec.json.Encoder().encode


def check_custom_event(event: str, payload: object) -> None:
    """Raises `invalid_request` for an event name that is empty, too long or reserved by Socket.IO and for a payload
    that is not JSON, and `payload_too_large` for one with more than CUSTOM_PAYLOAD_MAX_BYTES bytes as JSON."""
    check_short_text("event", event, EVENT_MAX_LENGTH)
    if event in SOCKET_IO_EVENTS:
        raise invalid("event", "must not be a name that Socket.IO reserves")
    if not json_fits("message", payload, CUSTOM_PAYLOAD_MAX_BYTES):
        raise ChatError("payload_too_large", f"message: at most {CUSTOM_PAYLOAD_MAX_BYTES} bytes of JSON")


def keep_report(tx: Transaction, actor: Actor, command: KeepReport) -> SendReport:
    must_be_backend(actor)
    return command.report


class _Sent(msgspec.Struct, frozen=True):
    """A request to the other nodes to send the custom event `event` to all sockets of the users `user_ids`. Each node
    responds with user id -> number of the user's sockets on it."""

    user_ids: tuple[str, ...]
    event: str
    payload: object


class CustomEvents:
    """Handles the commands that send custom events of the application to sockets on all nodes, and the queries for
    which users are connected."""

    def __init__(self, chat: ChatAccess, publisher: Publisher, peers: Peers) -> None:
        self._chat = chat
        self._publisher = publisher
        self._peers = peers
        peers.answer(_SEND, _Sent, self._send_here)
        peers.answer(_COUNT, str, self._count_here)
        self.handlers: SignalHandlers = MappingProxyType(
            {
                SendToUsers: self._send_to_users,
                SendToConversation: self._send_to_conversation,
                ListConnected: self._list_connected,
                IsConnected: self._is_connected,
            }
        )

    async def _send_to_users(self, actor: Actor, command: SendToUsers) -> SendReport:
        must_be_backend(actor)
        check_user_ids(command.user_ids)
        check_custom_event(command.event, command.payload)
        user_ids = tuple(dict.fromkeys(command.user_ids))
        sent = _Sent(user_ids, command.event, command.payload)
        sockets = Counter(self._publish_here(sent))
        is_sure = True
        if self._peers.has_peers:
            answers = await self._peers.ask(_SEND, sent, dict[str, int])
            for answer in answers.values():
                sockets.update(answer)
            is_sure = self._peers.have_answered(answers)
        away = [user_id for user_id in user_ids if not sockets[user_id]] if command.store else []
        if away and not is_sure:
            # A user may be connected to a node that did not answer in time.
            elsewhere = await self._connected_elsewhere(away)
            away = [user_id for user_id in away if user_id not in elsewhere]
        if away:
            await self._chat.execute(actor, StoreMail(tuple(away), command.event, command.payload))
            self._publisher.publish([MailStored(user_id) for user_id in away])
        reached = tuple(user_id for user_id in user_ids if sockets[user_id])
        return SendReport(reached, sockets.total(), tuple(away))

    async def _send_to_conversation(self, actor: Actor, command: SendToConversation) -> None:
        must_be_backend(actor)
        check_id("conversationId", command.conversation_id)
        check_custom_event(command.event, command.payload)
        self._publisher.publish([CustomEvent(command.event, command.payload, conversation_id=command.conversation_id)])

    async def _list_connected(self, actor: Actor, command: ListConnected) -> tuple[str, ...]:  # noqa: ARG002
        must_be_backend(actor)
        found = set(self._chat.directory.connected_ids())
        after: str | None = None
        while True:
            page = await self._chat.execute(actor, ListConnectedElsewhere(self._peers.node_id, after, ELSEWHERE_PAGE))
            found.update(page)
            if len(page) < ELSEWHERE_PAGE:
                return tuple(sorted(found))
            after = page[-1]

    async def _is_connected(self, actor: Actor, command: IsConnected) -> bool:
        must_be_backend(actor)
        check_id("userId", command.user_id)
        if self._sockets_of(command.user_id):
            return True
        answers: dict[str, int] = {}
        if self._peers.has_peers:
            answers = await self._peers.ask(_COUNT, command.user_id, int)
            if any(answers.values()):
                return True
        if self._peers.has_peers and self._peers.have_answered(answers):
            return False
        return bool(await self._connected_elsewhere([command.user_id]))

    async def _connected_elsewhere(self, user_ids: Sequence[str]) -> Collection[str]:
        """Returns those of the users who are connected to other nodes according to the database, where connects and
        disconnects are recorded a moment after they happen."""
        return await self._chat.execute(NODE, FindConnectedElsewhere(tuple(user_ids), self._peers.node_id))

    def _publish_here(self, sent: _Sent) -> dict[str, int]:
        sockets = {user_id: count for user_id in sent.user_ids if (count := self._sockets_of(user_id))}
        if sockets:
            self._publisher.publish_here(
                [CustomEvent(sent.event, sent.payload, user_id=user_id) for user_id in sockets]
            )
        return sockets

    async def _send_here(self, sent: _Sent) -> dict[str, int]:
        return self._publish_here(sent)

    async def _count_here(self, user_id: str) -> int:
        return self._sockets_of(user_id)

    def _sockets_of(self, user_id: str) -> int:
        entry = self._chat.directory.connected(user_id)
        return 0 if entry is None else entry.holds


CHANGES: Changes = MappingProxyType({KeepReport: ChangeHandler(keep_report)})
