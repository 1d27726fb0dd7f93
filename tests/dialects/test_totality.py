"""Every dialect handles every chat event and has all documented event names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from talkwire.core.domain.events import Event
from talkwire.dialects.built_in import DIALECTS
from talkwire.dialects.dialect import Dialect
from talkwire.dialects.names import DIALECT_NAMES
from tests.dialects.rocket import ROCKET

PAGES = Path(__file__).parents[2] / "docs" / "dialects"

ALL = pytest.mark.parametrize("dialect", [*DIALECTS.values(), ROCKET], ids=lambda dialect: dialect.name)
OTHER_DIALECTS = pytest.mark.parametrize("name", ["talks", "whatsapp", "crm", "gateway"])

NAMESPACES = {"messenger": "/", "talks": "/talks", "whatsapp": "/messages", "crm": "/chat", "gateway": "/gateway"}

# The event names of each dialect, as documented in docs/dialects: those from the client, then those from the server.
CLIENT_EVENTS = {
    "messenger": """
        conversation:join conversation:leave message:send message:edit message:delete message:forward message:react
        message:unreact message:pin message:unpin message:save message:unsave message:report saved:list message:read
        message:delivered
        typing:start typing:stop presence:set
        presence:get presence:subscribe messages:list messages:search conversations:list conversation:create
        conversation:update
        conversation:mark-unread notifications:read conversation:delete thread:follow thread:unfollow thread:read
        member:add member:remove member:update offer:create offer:update offer:delete offer:report
        offers:search call:invite call:accept call:reject call:signal call:hangup sync auth:refresh ping unread:get
        signal:send""",
    "talks": """
        join-conversation leave-conversation message typing read offer-update edit-message delete-message react
        delivered call-invite call-accept call-reject call-signal call-end""",
    "whatsapp": """
        conversation:join conversation:leave typing:start typing:stop message:send message:edit message:delete
        message:react message:read message:delivered call:invite call:accept call:reject call:signal""",
    "crm": """
        authenticate joinChat leaveChat sendMessage typing markAsRead ping updateMessage deleteMessage reactToMessage
        messageDelivered callInvite callAccept callReject callSignal""",
    "gateway": "message joinRoom leaveRoom getHistory startTyping stopTyping markRead getPresence",
}
SERVER_EVENTS = {
    "messenger": """
        message:new message:updated message:deleted message:reaction message:reaction:new message:pinned
        message:unpinned message:read:receipt message:delivered:receipt typing:user presence:update conversation:new
        conversation:updated conversation:deleted conversation:unread member:added member:removed member:updated
        offer:new offer:updated call:invite call:accept call:reject call:signal call:hangup call:ended
        notification notification:read saved:changed upload:progress thread:updated thread:marked signal""",
    "talks": """
        message new-message typing read user-joined user-left offer-created offer-update offer-accepted new-offer
        message-updated message-deleted reaction delivered user-online user-offline upload-progress call-invite
        call-accept call-reject call-signal call-end""",
    "whatsapp": """
        message:received message:status typing:start typing:stop user:online user:offline message:updated
        message:deleted message:reaction upload:progress call:invite call:accept call:reject call:signal""",
    "crm": """
        newMessage messageUpdated messageDeleted userTyping messageRead userJoined userLeft messageReaction
        messageDelivered userOnline userOffline uploadProgress callInvite callAccept callReject callSignal""",
    "gateway": """
        notification roomMessage messageUpdated messageDeleted typing messagesRead userJoined userLeft userOnline
        userOffline""",
}


def server_events_of(dialect: Dialect) -> set[str]:
    return {packet.name for packets in dialect.outbound.values() for packet in packets}


@ALL
def test_every_chat_event_is_outbound_or_silent(dialect: Dialect) -> None:
    assert dialect.outbound.keys() | dialect.silent == set(get_args(Event))


@ALL
def test_no_event_is_both_outbound_and_silent(dialect: Dialect) -> None:
    assert dialect.outbound.keys() & dialect.silent == set()


@ALL
def test_an_outbound_event_has_at_least_one_name(dialect: Dialect) -> None:
    assert [event.__name__ for event, packets in dialect.outbound.items() if not packets] == []


def test_every_built_in_dialect_has_a_name_in_the_list_of_names() -> None:
    assert list(DIALECTS) == list(DIALECT_NAMES) == list(NAMESPACES)


@pytest.mark.parametrize("name", NAMESPACES)
def test_a_dialect_has_the_documented_namespace(name: str) -> None:
    assert DIALECTS[name].namespace == NAMESPACES[name]


@pytest.mark.parametrize("name", CLIENT_EVENTS)
def test_a_dialect_receives_every_documented_event(name: str) -> None:
    assert set(CLIENT_EVENTS[name].split()) - DIALECTS[name].inbound.keys() == set()


@pytest.mark.parametrize("name", SERVER_EVENTS)
def test_a_dialect_sends_every_documented_event(name: str) -> None:
    assert set(SERVER_EVENTS[name].split()) - server_events_of(DIALECTS[name]) == set()


@OTHER_DIALECTS
def test_the_page_of_a_dialect_has_every_name(name: str) -> None:
    dialect = DIALECTS[name]
    in_code = re.findall(r"`([^`]+)`", (PAGES / f"{name}.md").read_text(encoding="utf-8"))
    described = {word for code in in_code for word in re.findall(r"^[\w:-]+", code)}
    assert (dialect.inbound.keys() | server_events_of(dialect)) - described == set()
