"""Who is typing: told to the others, and forgotten by itself."""

from __future__ import annotations

import time

from tests.chat.conftest import World


async def test_typing_is_told_to_the_others_and_not_to_the_own_sockets(world: World) -> None:
    phone, desktop, bob = [await world.connect(name) for name in ("alice", "alice", "bob")]
    conversation = await world.conversation("alice", "bob")
    await phone.done("typing:start", {"conversationId": conversation})
    told = {"conversationId": conversation, "userId": world.id_of("alice"), "userName": world.id_of("alice").title()}
    assert await bob.next("typing:user") == {**told, "isTyping": True}
    await phone.done("typing:stop", {"conversationId": conversation})
    assert await bob.next("typing:user") == {**told, "isTyping": False}
    assert await phone.pending("typing:user") == []
    assert await desktop.pending("typing:user") == []


async def test_typing_ends_by_itself(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await alice.done("typing:start", {"conversationId": conversation})
    assert (await bob.next("typing:user"))["isTyping"] is True
    started = time.monotonic()
    assert (await bob.next("typing:user"))["isTyping"] is False
    assert 4.5 < time.monotonic() - started < 6.5


async def test_typing_ends_when_the_socket_disconnects(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await alice.done("typing:start", {"conversationId": conversation})
    assert (await bob.next("typing:user"))["isTyping"] is True
    started = time.monotonic()
    await alice.close()
    assert (await bob.next("typing:user"))["isTyping"] is False
    assert time.monotonic() - started < 3


async def test_typing_ends_when_the_typist_is_removed(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    bob, carol = await world.connect("bob"), await world.connect("carol")
    await bob.done("typing:start", {"conversationId": conversation})
    assert (await carol.next("typing:user"))["isTyping"] is True
    started = time.monotonic()
    path = f"/api/v1/conversations/{conversation}/members/{world.id_of('bob')}"
    assert (await world.request("DELETE", path, by="alice")).status_code == 204
    assert (await carol.next("typing:user"))["isTyping"] is False
    assert time.monotonic() - started < 3


async def test_typing_over_rest_is_told_too(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    bob = await world.connect("bob")
    path = f"/api/v1/conversations/{conversation}/typing"
    for body, is_typing in (({}, True), ({"isTyping": False}, False)):
        assert (await world.request("POST", path, by="alice", json=body)).status_code == 204
        assert (await bob.next("typing:user"))["isTyping"] is is_typing
