"""Events of the application, and which users are connected to receive them."""

from __future__ import annotations

from math import inf, nan

import pytest

from talkwire.core.commands.integration.custom_events import (
    IsConnected,
    ListConnected,
    SendReport,
    SendToConversation,
    SendToUsers,
)
from talkwire.core.commands.presence import RenewLease, UserMoves
from talkwire.core.commands.server.offline_queue import ReadMail
from talkwire.core.domain.events import CustomEvent, MailStored
from talkwire.core.domain.model import Actor
from talkwire.core.signals import custom_events
from talkwire.core.signals.custom_events import SOCKET_IO_EVENTS
from talkwire.wire import socket_packet
from tests.contracts.node import ALICE, BACKEND, BOB, OPERATOR, Node


async def connect(node: Node, *actors: Actor) -> None:
    """Opens one more socket for each user, as far as the chat knows."""
    await node.users(*actors)
    for actor in actors:
        node.chat.directory.hold(actor.user_id, await node.chat.directory.find(actor.user_id))


def sent(node: Node) -> list[CustomEvent]:
    return [event for event in node.events if isinstance(event, CustomEvent)]


def test_the_names_that_are_refused_are_those_of_socket_io() -> None:
    assert SOCKET_IO_EVENTS == socket_packet._RESERVED_NAMES


async def test_an_event_is_for_each_user_who_is_connected(node: Node) -> None:
    await connect(node, ALICE, BOB, ALICE)
    report = await node.do(BACKEND, SendToUsers(("bob", "carol", "alice", "bob"), "alert", {"a": 1}))
    assert report == SendReport(("bob", "alice"), sockets=3)
    assert sent(node) == [CustomEvent("alert", {"a": 1}, user_id=user_id) for user_id in ("bob", "alice")]


async def test_events_for_disconnected_users_are_stored_on_request(node: Node) -> None:
    await connect(node, ALICE)
    report = await node.do(BACKEND, SendToUsers(("alice", "bob"), "alert", 1, store=True))
    assert report == SendReport(("alice",), sockets=1, stored=("bob",))
    assert MailStored("bob") in node.events
    assert [mail.payload for mail in await node.do(BOB, ReadMail(node.clock.now_ms))] == ["1"]
    assert await node.do(ALICE, ReadMail(node.clock.now_ms)) == ()


async def test_an_event_may_be_for_a_conversation(node: Node) -> None:
    await node.do(BACKEND, SendToConversation("talk-123", "update", [1]))
    assert sent(node) == [CustomEvent("update", [1], conversation_id="talk-123")]


@pytest.mark.parametrize(
    "command",
    [
        SendToUsers(("alice",), "alert", 1, store=True),
        SendToConversation("c", "update", 1),
        ListConnected(),
        IsConnected("alice"),
    ],
)
async def test_users_cannot_send_custom_events(node: Node, command: SendToUsers) -> None:
    await connect(node, ALICE)
    assert await node.refusal(ALICE, command) == "forbidden"
    assert sent(node) == []


@pytest.mark.parametrize(
    "command",
    [
        SendToUsers(("a b",), "alert", 1),
        SendToUsers(("alice",), "disconnect", 1),
        SendToUsers(("alice",), " ", 1),
        SendToUsers(("alice",), "alert", nan),
        SendToUsers(("alice",), "alert", [{"a": inf}]),
        SendToUsers(("alice",), "alert", (b"bytes",)),
        SendToUsers(tuple(map(str, range(1001))), "alert", 1),
        SendToConversation("a b", "update", 1),
        SendToConversation("c", "connect", 1),
        IsConnected("a b"),
    ],
)
async def test_invalid_custom_events_are_refused(node: Node, command: SendToUsers) -> None:
    await connect(node, ALICE)
    assert await node.refusal(BACKEND, command) == "invalid_request"
    assert sent(node) == []


async def test_a_user_connected_to_another_node_counts_as_connected(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom_events, "ELSEWHERE_PAGE", 2)
    elsewhere = tuple(f"user-{number}" for number in range(5))
    await node.users(*(Actor(user_id, user_id) for user_id in elsewhere))
    await connect(node, ALICE)
    await node.do(OPERATOR, RenewLease("n2", 15_000, UserMoves(arrived=("alice", *elsewhere))))
    assert await node.do(BACKEND, ListConnected()) == ("alice", *elsewhere)
    assert await node.do(BACKEND, IsConnected("user-3")) is True
    assert await node.do(BACKEND, IsConnected("alice")) is True
    assert await node.do(BACKEND, IsConnected("bob")) is False


async def test_a_user_without_sockets_is_not_connected(node: Node) -> None:
    await connect(node, ALICE, ALICE)
    node.chat.directory.release("alice")
    assert await node.do(BACKEND, IsConnected("alice")) is True
    node.chat.directory.release("alice")
    assert await node.do(BACKEND, IsConnected("alice")) is False
    assert await node.do(BACKEND, ListConnected()) == ()
