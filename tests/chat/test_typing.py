"""Typing: others are notified, and it ends automatically."""

from __future__ import annotations

import time

from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World


async def test_typing_is_sent_to_others_and_not_to_own_sockets(world: World) -> None:
    phone, desktop, bob = [await world.connect(name) for name in ("alice", "alice", "bob")]
    conversation = await world.conversation("alice", "bob")
    await phone.done("typing:start", {"conversationId": conversation})
    received = {
        "conversationId": conversation,
        "userId": world.id_of("alice"),
        "userName": world.id_of("alice").title(),
    }
    assert await bob.next("typing:user") == {**received, "isTyping": True}
    await phone.done("typing:stop", {"conversationId": conversation})
    assert await bob.next("typing:user") == {**received, "isTyping": False}
    assert await phone.pending("typing:user") == []
    assert await desktop.pending("typing:user") == []


async def test_a_burst_is_one_event(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    for _ in range(10):
        await alice.done("typing:start", {"conversationId": conversation})
    assert (await bob.next("typing:user"))["isTyping"] is True
    assert await bob.pending("typing:user") == []


async def test_a_message_and_an_edit_end_typing_once(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    message = {"conversationId": conversation, "content": "hello"}
    await alice.done("typing:start", {"conversationId": conversation})
    sent = await alice.done("message:send", message)
    await alice.done("typing:stop", {"conversationId": conversation})
    assert [(await bob.next("typing:user"))["isTyping"] for _ in range(2)] == [True, False]
    assert await bob.pending("typing:user") == []
    await alice.done("typing:start", {"conversationId": conversation})
    assert (await bob.next("typing:user"))["isTyping"] is True
    await alice.done("message:edit", {"messageId": sent["message"]["id"], "content": "hello!"})
    assert (await bob.next("typing:user"))["isTyping"] is False
    await alice.done("typing:stop", {"conversationId": conversation})
    assert await bob.pending("typing:user") == []


async def test_typing_ends_by_itself(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await alice.done("typing:start", {"conversationId": conversation})
    assert (await bob.next("typing:user"))["isTyping"] is True
    started = time.monotonic()
    assert (await bob.next("typing:user"))["isTyping"] is False
    assert 4.5 < time.monotonic() - started < 6.5


async def test_typing_ends_when_the_socket_disconnects(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    for typist in (carol, alice):
        await typist.done("typing:start", {"conversationId": conversation})
        assert (await bob.next("typing:user"))["isTyping"] is True
    await alice.close()
    assert await _ended(world, bob) == ["alice", "carol"]


async def test_typing_ends_when_the_typist_is_removed(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol", "dave")
    bob, carol, dave = [await world.connect(name) for name in ("bob", "carol", "dave")]
    for typist in (dave, bob):
        await typist.done("typing:start", {"conversationId": conversation})
        assert (await carol.next("typing:user"))["isTyping"] is True
    path = f"/api/v1/conversations/{conversation}/members/{world.id_of('bob')}"
    assert (await world.request("DELETE", path, by="alice")).status_code == 204
    assert await _ended(world, carol) == ["bob", "dave"]


async def _ended(world: World, reader: ChatClient) -> list[str]:
    """Returns the names of the two who stop typing next. The one who started first does so by the time limit."""
    ended = [await reader.next("typing:user") for _ in range(2)]
    assert [event["isTyping"] for event in ended] == [False, False]
    names = {world.id_of(name): name for name in ("alice", "bob", "carol", "dave")}
    return [names[event["userId"]] for event in ended]


async def test_typing_over_rest_is_sent_too(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    bob = await world.connect("bob")
    path = f"/api/v1/conversations/{conversation}/typing"
    for body, is_typing in (({}, True), ({"isTyping": False}, False)):
        assert (await world.request("POST", path, by="alice", json=body)).status_code == 204
        assert (await bob.next("typing:user"))["isTyping"] is is_typing


async def test_typing_is_not_sent_across_a_block(world: World) -> None:
    direct = await world.conversation("alice", "bob", kind="direct")
    group = await world.conversation("alice", "bob", "carol")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    assert (await world.request("PUT", f"/api/v1/users/me/blocks/{world.id_of('alice')}", by="bob")).is_success
    for typist, other in ((alice, bob), (bob, alice)):
        assert (await typist.refused("typing:start", {"conversationId": direct}))["code"] == "blocked"
        assert await other.pending("typing:user") == []
    await alice.done("typing:start", {"conversationId": group})
    assert (await bob.next("typing:user"))["conversationId"] == group


async def test_typing_in_a_deleted_conversation_is_refused(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await bob.done("typing:start", {"conversationId": conversation})
    await alice.next("typing:user")
    assert (await world.request("DELETE", f"/api/v1/conversations/{conversation}", by="alice")).is_success
    await bob.next("conversation:deleted")
    assert (await bob.refused("typing:start", {"conversationId": conversation}))["code"] == "forbidden"
    assert await alice.pending("typing:user") == []


async def test_a_stranger_does_not_type(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, mallory = await world.connect("alice"), await world.connect("mallory")
    for place in (conversation, "nowhere"):
        assert (await mallory.refused("typing:start", {"conversationId": place}))["code"] == "forbidden"
    assert await alice.pending("typing:user") == []
