"""Custom signals, as clients send and receive them."""

from __future__ import annotations

from pathlib import Path

from tests.chat.chat_server import running_chat
from tests.chat.conftest import World, world_at


async def test_all_sockets_of_the_members_receive_a_signal_except_the_one_that_sent_it(world: World) -> None:
    phone, desktop, bob, stranger = [await world.connect(name) for name in ("alice", "alice", "bob", "carol")]
    conversation = await world.conversation("alice", "bob")
    signal = {"conversationId": conversation, "name": "cursor", "data": {"x": 1, "y": [None, "ä"]}}
    await phone.done("signal:send", signal)
    received = {**signal, "userId": world.id_of("alice")}
    for client in (desktop, bob):
        assert await client.next("signal") == received
    for client in (phone, stranger):
        assert await client.pending("signal") == []


async def test_a_signal_over_rest_comes_to_all_sockets(world: World) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    conversation = await world.conversation("alice", "bob")
    path = f"/api/v1/conversations/{conversation}/signals"
    response = await world.request("POST", path, by="alice", json={"name": "wave"})
    assert (response.status_code, response.content) == (204, b"")
    for client in (alice, bob):
        received = await client.next("signal")
        assert received == {"conversationId": conversation, "userId": world.id_of("alice"), "name": "wave"}
    await world.service("POST", path, {"name": "wave", "senderId": world.id_of("bob"), "data": None})
    assert (await alice.next("signal"))["userId"] == world.id_of("bob")
    await world.service("POST", path, {"name": "wave", "data": 0})
    received = await alice.next("signal")
    assert (received["name"], received["data"]) == ("wave", 0)


async def test_signals_are_refused_with_what_is_wrong(world: World) -> None:
    alice = await world.connect("alice")
    conversation = await world.conversation("alice", "bob")
    for wrong, code in (
        ({"name": "a b"}, "invalid_request"),
        ({}, "invalid_request"),
        ({"name": 1}, "invalid_request"),
        ({"name": "a", "source": "b"}, "invalid_request"),
        ({"name": "a", "data": "x" * 4095}, "payload_too_large"),
    ):
        refused = await alice.refused("signal:send", {"conversationId": conversation, **wrong})
        assert refused["code"] == code
    path = f"/api/v1/conversations/{conversation}/signals"
    assert (await world.request("POST", path, by="alice", json={"name": "a", "data": "x" * 4095})).status_code == 413


async def test_a_user_sends_a_limited_number_of_signals_over_all_devices(tmp_path: Path) -> None:
    environment = {"TALKWIRE_RATE_LIMITS": "on", "TALKWIRE_RATES": "custom_signals=0.001/3"}
    with running_chat(tmp_path, environment) as server:
        async with world_at(server) as world:
            phone, desktop = await world.connect("alice"), await world.connect("alice")
            conversation = await world.conversation("alice", "bob")
            signal = {"conversationId": conversation, "name": "a"}
            for client in (phone, desktop, phone):
                await client.done("signal:send", signal)
            refused = await desktop.refused("signal:send", signal)
            assert refused["code"] == "rate_limited"
            path = f"/api/v1/conversations/{conversation}/signals"
            assert (await world.request("POST", path, by="alice", json={"name": "a"})).status_code == 429
            await phone.done("typing:start", {"conversationId": conversation})
