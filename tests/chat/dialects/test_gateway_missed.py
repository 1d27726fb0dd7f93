"""What the `gateway` dialect delivers to users who were offline: missed messages and stored events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.asyncio.client import connect as ws_connect

from talkwire.dialects.gateway.vocabulary import GATEWAY
from tests.chat.chat_client import ChatClient
from tests.chat.chat_server import running_chat
from tests.chat.conftest import World, world_at
from tests.chat.dialects.gateway_client import (
    EVENTS,
    arrived,
    bodies,
    connect,
    connect_silent,
    leave,
    next_of,
    say,
    send,
)
from tests.waiting import deadline

# --- missed messages ------------------------------------------------------------------------------------------------


async def test_missed_messages_are_delivered_in_order(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    for number in range(3):
        await say(world, "alice", conversation, str(number))
    bob = await connect(world, "bob")
    assert await bodies(bob, 3) == ["0", "1", "2"]
    await say(world, "alice", conversation, "live")
    assert await bodies(bob, 1) == ["live"]


async def test_arrived_messages_are_not_delivered_again(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "missed")
    bob = await connect(world, "bob")
    message_id = await say(world, "alice", conversation, "live")
    assert await bodies(bob, 2) == ["missed", "live"]
    await arrived(world, "bob", message_id)
    await leave(world, bob, "bob")
    await say(world, "alice", conversation, "later")
    again = await connect(world, "bob")
    assert await bodies(again, 1) == ["later"]


async def test_messages_read_elsewhere_are_not_delivered(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "read")
    assert (await world.request("POST", f"/api/v1/conversations/{conversation}/read", by="bob", json={})).is_success
    await say(world, "alice", conversation, "unread")
    bob = await connect(world, "bob")
    assert await bodies(bob, 1) == ["unread"]


async def test_messages_that_did_not_arrive_are_delivered_again(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "missed")
    deaf = await connect_silent(world, "bob")
    await say(world, "alice", conversation, "live")
    assert await bodies(deaf, 2) == ["missed", "live"]
    await leave(world, deaf, "bob")
    bob = await connect(world, "bob")
    assert await bodies(bob, 2) == ["missed", "live"]


async def test_other_dialects_receive_no_missed_messages(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await say(world, "alice", conversation, "missed")
    bob = await world.connect("bob")
    assert await bob.pending("notification") == []
    gateway = await connect(world, "bob")
    assert await bodies(gateway, 1) == ["missed"]


async def test_a_client_that_connects_during_traffic_receives_each_message_once(world: World) -> None:
    """Messages are sent before, during and after the delivery of missed messages; the client receives all in order."""
    conversation, aside = await world.conversation("alice", "bob"), await world.conversation("carol", "dave")
    alice = await world.connect("alice")
    expected = [str(number) for number in range(300)]

    async def talk() -> None:
        for content in expected:
            await alice.send_message(conversation, content)

    talking = asyncio.create_task(talk())
    bob = await connect_silent(world, "bob")
    for number in range(5):
        await bob.close()
        async with deadline():
            while len(alice.acked) < (number + 1) * 40:
                await say(world, "carol", aside, "to give way")
        bob = await connect_silent(world, "bob")
    await talking
    assert await bodies(bob, 300) == expected


async def connect_without_reading(world: World, name: str) -> ChatClient:
    client = await world.open(dialect=GATEWAY)
    client.custom_events |= EVENTS
    client.connection.transport.pause_reading()
    await client.connection.send(f"40/gateway,{json.dumps({'token': world.server.token(world.id_of(name))})}")
    return client


LARGE = 60_000
"""Bytes of a message. `MANY` such messages exceed the buffers of the operating system and of the server."""

MANY = 250


async def test_a_slow_client_gets_everything_it_missed(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    for number in range(MANY):
        await alice.send_message(conversation, f"{number} " + "x" * LARGE)
    slow, quick = await connect_without_reading(world, "bob"), await connect(world, "bob")
    await bodies(quick, MANY)
    await say(world, "alice", conversation, f"{MANY} live")
    await bodies(quick, 1)
    slow.connection.transport.resume_reading()
    received = [body.partition(" ")[0] for body in await bodies(slow, MANY + 1)]
    assert received == [str(number) for number in range(MANY + 1)]


# --- stored events --------------------------------------------------------------------------------------------------


async def test_stored_events_are_sent_at_the_next_connect_in_order(world: World) -> None:
    answer = await send(world, "alice", message=1, store=True)
    not_connected = f"User {world.id_of('alice')} is not connected"
    assert answer == {"success": False, "message": not_connected, "stored": True}
    await send(world, "alice", message="two", store=True)
    await send(world, "alice", event="announcement", message={"three": 3}, store=True)
    client = await connect(world, "alice")
    assert await next_of(client, "announcement") == {"three": 3}
    assert list(client.events) == [("alert", 1), ("alert", "two")]


async def test_an_event_that_reached_a_user_is_not_stored(world: World) -> None:
    client = await connect(world, "alice")
    answer = await send(world, "alice", "bob", message=1, store=True)
    sent = {"success": True, "message": "Message sent to 1 users", "userIds": [world.id_of("alice")], "stored": True}
    assert answer == sent
    assert "stored" not in await send(world, "alice", message=2, store=True)
    assert await next_of(client) == 1
    assert await next_of(client) == 2
    await leave(world, client, "alice")
    await send(world, "alice", event="done", store=True)
    again = await connect(world, "alice")
    await again.next("done")
    assert not again.events
    bob = await connect(world, "bob")
    assert await next_of(bob) == 1


async def test_stored_events_that_arrived_are_not_sent_again(world: World) -> None:
    await send(world, "alice", message=1, store=True)
    client = await connect(world, "alice")
    assert await next_of(client) == 1
    await arrived(world, "alice")
    await leave(world, client, "alice")
    await send(world, "alice", event="done", store=True)
    again = await connect(world, "alice")
    await again.next("done")
    assert not again.events


async def test_stored_events_that_did_not_arrive_are_sent_again(world: World) -> None:
    await send(world, "alice", message=1, store=True)
    for _ in range(2):
        deaf = await connect_silent(world, "alice")
        assert await next_of(deaf) == 1
        await leave(world, deaf, "alice")
    client = await connect(world, "alice")
    assert await next_of(client) == 1


async def test_stored_events_wait_for_a_socket_of_this_dialect(world: World) -> None:
    await send(world, "alice", message=1, store=True)
    messenger = await world.connect("alice")
    assert await messenger.pending() == []
    client = await connect(world, "alice")
    assert await next_of(client) == 1


async def test_missed_messages_come_before_stored_events(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await send(world, "bob", message=1, store=True)
    await say(world, "alice", conversation, "missed")
    bob = await connect(world, "bob")
    assert await next_of(bob) == 1
    assert [name for name, _ in bob.events] == ["notification"]


async def test_a_slow_client_gets_all_stored_events(world: World) -> None:
    for number in range(MANY):
        await send(world, "alice", message=f"{number} " + "x" * LARGE, store=True)
    slow, quick = await connect_without_reading(world, "alice"), await connect(world, "alice")
    expected = [str(number) for number in range(MANY)]
    assert [str(await next_of(quick)).partition(" ")[0] for _ in range(MANY)] == expected
    slow.connection.transport.resume_reading()
    assert [str(await next_of(slow)).partition(" ")[0] for _ in range(MANY)] == expected


# --- recovery -------------------------------------------------------------------------------------------------------


class Recoverable:
    """A client with recovery, like the official one: it keeps its `pid`, and the offset of the last event."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._token = world.server.token(world.id_of(name))
        self.session: dict[str, str] = {}
        self.events: list[list[Any]] = []

    async def connect(self) -> bool:
        """Connects, and returns whether the session was recovered."""
        query = urlencode({"EIO": "4", "transport": "websocket"})
        address = f"{self._world.server.websocket_url}/socket.io/?{query}"
        self.connection = await ws_connect(address, ping_interval=None, compression=None, proxy=None)
        auth = {"token": self._token, "recovery": True, **self.session}
        await self.connection.send(f"40/gateway,{json.dumps(auth)}")
        while not (frame := str(await self._next_frame())).startswith("40"):
            pass
        pid = json.loads(frame.removeprefix("40/gateway,"))["pid"]
        recovered = bool(pid == self.session.get("pid"))
        self.session = {**(self.session if recovered else {}), "pid": pid}
        return recovered

    async def next(self, event: str) -> list[Any]:
        """Returns the arguments of the next event of this name."""
        while True:
            frame = await self._next_frame()
            if frame.startswith("42"):
                name, *args = json.loads(frame.removeprefix("42/gateway,"))
                if args and isinstance(args[-1], str):
                    self.session["offset"] = args[-1]
                if name == event:
                    return list(args)

    async def answer_heartbeats(self) -> None:
        """Answers heartbeats until it is cancelled."""
        while True:
            if str(await self.connection.recv()) == "2":
                await self.connection.send("3")

    async def cut(self) -> None:
        """Cuts the connection."""
        self.connection.transport.abort()
        await self.connection.wait_closed()

    async def _next_frame(self) -> str:
        async with deadline():
            return str(await self.connection.recv())


@pytest.fixture
async def bob(world: World) -> AsyncIterator[Recoverable]:
    client = Recoverable(world, "bob")
    yield client
    await client.cut()


async def test_a_recovered_client_receives_missed_messages_once(world: World, bob: Recoverable) -> None:
    conversation = await world.conversation("alice", "bob")
    assert not await bob.connect()
    await bob.next("connected")
    await say(world, "alice", conversation, "before")
    assert (await bob.next("notification"))[0]["body"] == "before"
    await bob.cut()
    await say(world, "alice", conversation, "meanwhile")
    await send(world, "bob", event="alert", message="stored", store=True)
    assert await bob.connect()
    assert (await bob.next("notification"))[0]["body"] == "meanwhile"
    await say(world, "alice", conversation, "after")
    assert (await bob.next("notification"))[0]["body"] == "after"


async def test_messages_delivered_by_recovery_count_as_arrived(world: World, bob: Recoverable) -> None:
    conversation = await world.conversation("alice", "bob")
    await bob.connect()
    await bob.next("connected")
    await say(world, "alice", conversation, "before")
    await bob.next("notification")
    await bob.cut()
    meanwhile = await say(world, "alice", conversation, "meanwhile")
    assert await bob.connect()
    assert (await bob.next("notification"))[0]["body"] == "meanwhile"
    answering = asyncio.create_task(bob.answer_heartbeats())
    await arrived(world, "bob", meanwhile)
    answering.cancel()


async def test_a_string_payload_is_followed_by_the_offset(world: World, bob: Recoverable) -> None:
    conversation = await world.conversation("alice", "bob")
    await bob.connect()
    await bob.next("connected")
    await say(world, "alice", conversation, "before")
    await bob.next("notification")
    offset = bob.session["offset"]
    await send(world, "bob", message="text")
    assert (await bob.next("alert"))[0] == "text"
    # The number after the dot says which of the event's packets it was.
    before, now = (text.partition(".")[0] for text in (offset, bob.session["offset"]))
    assert now >= before
    await send(world, "bob", message={"no": "text"})
    assert await bob.next("alert") == [{"no": "text"}]
    await bob.cut()
    assert await bob.connect()


async def test_a_client_cut_off_during_the_delivery_does_not_skip_messages(world: World, bob: Recoverable) -> None:
    """Until a new event has arrived, a fresh session receives the missed messages that have not arrived."""
    conversation = await world.conversation("alice", "bob")
    for number in range(3):
        await say(world, "alice", conversation, str(number))
    await bob.connect()
    await bob.next("connected")
    assert "offset" not in bob.session
    await bob.cut()
    assert not await bob.connect()
    assert (await bob.next("notification"))[0]["body"] == "0"
    await bob.cut()
    assert not await bob.connect()
    assert [(await bob.next("notification"))[0]["body"] for _ in range(3)] == ["0", "1", "2"]
    await say(world, "alice", conversation, "new")
    await bob.next("notification")
    await bob.cut()
    assert await bob.connect()


# --- a server that is killed ----------------------------------------------------------------------------------------


async def test_messages_that_did_not_arrive_before_a_kill_are_sent_again(tmp_path: Path) -> None:
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            conversation = await world.conversation("alice", "bob")
            await send(world, "bob", message="mail", store=True)
            await say(world, "alice", conversation, "missed")
            deaf = await connect_silent(world, "bob")
            message_id = await say(world, "alice", conversation, "live")
            assert await bodies(deaf, 2) == ["missed", "live"]
            assert await next_of(deaf) == "mail"
            server.process.kill()
            server.wait_ended()
            before = world
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            world.take_ids_of(before)
            bob = await connect(world, "bob")
            assert await bodies(bob, 2) == ["missed", "live"]
            assert await next_of(bob) == "mail"
            await arrived(world, "bob", message_id)
            server.process.kill()
            server.wait_ended()
    with running_chat(tmp_path) as server:
        async with world_at(server) as world:
            world.take_ids_of(before)
            await send(world, "bob", event="done", store=True)
            bob = await connect(world, "bob")
            await bob.next("done")
            assert not bob.events
