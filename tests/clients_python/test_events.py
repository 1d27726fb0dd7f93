"""Events: where a stream begins, continues and ends, for a user and for the service."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from talkwire.core.domain.log.positions import pos_of
from talkwire_client import EventStream, Talkwire, TalkwireError
from talkwire_client.live import CONNECTION_TYPES, SIGNAL_TYPES
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World
from tests.clients_python.conftest import Clients
from tests.http_client import http_get
from tests.protocol.server_process import reserved_port
from tests.waiting import deadline

ROLES = ("member", "service")


@pytest.fixture
async def room(clients: Clients, world: World) -> str:
    """Returns the id of a group whose members are alice and bob."""
    service = await clients.service()
    made = await service.create_conversation("group", [world.id_of("alice"), world.id_of("bob")])
    return made["id"]


@pytest.fixture
async def alice(clients: Clients, world: World) -> Talkwire:
    """Returns the client of the user that writes in these tests."""
    return await clients.user(world.id_of("alice"))


async def reader(clients: Clients, world: World, role: str) -> Talkwire:
    """Returns the client of bob or of the service."""
    return await (clients.service() if role == "service" else clients.user(world.id_of("bob")))


async def texts(stream: EventStream, room: str, number: int) -> list[str]:
    """Returns the texts of the next messages of a room."""
    found: list[str] = []
    async with deadline():
        async for event in stream:
            if event.type == "message:new" and event.conversation_id == room:
                found.append(event.data.get("content", ""))
                if len(found) == number:
                    break
    return found


@pytest.mark.parametrize("role", ROLES)
async def test_a_stream_begins_when_the_client_signed_in_and_continues_after_a_break(
    clients: Clients, world: World, room: str, alice: Talkwire, role: str
) -> None:
    await alice.send(room, "before")
    chat = await reader(clients, world, role)
    for number in range(4):
        await alice.send(room, f"message {number}")
    assert await texts(chat.events(), room, 2) == ["message 0", "message 1"]
    assert await texts(chat.events(), room, 1) == ["message 2"]
    asking = asyncio.create_task(texts(chat.events(), room, 2))
    await alice.send(room, "message 4")
    assert await asking == ["message 3", "message 4"]


@pytest.mark.parametrize("role", ROLES)
async def test_a_stored_cursor_of_any_event_continues_behind_it(
    clients: Clients, world: World, room: str, alice: Talkwire, role: str
) -> None:
    chat = await reader(clients, world, role)
    for number in range(3):
        await alice.send(room, f"message {number}")
    cursors = {}
    async for event in chat.events():
        if event.type == "message:new" and event.conversation_id == room:
            cursors[event.data.get("content")] = event.cursor
            if len(cursors) == 3:
                break
    again = await reader(clients, world, role)
    assert await texts(again.events(after=cursors["message 0"]), room, 2) == ["message 1", "message 2"]
    assert await texts(again.events(after=cursors["message 1"]), room, 1) == ["message 2"]
    assert chat.cursor == cursors["message 2"]


@pytest.mark.parametrize("role", ROLES)
async def test_a_cancelled_wait_loses_nothing(
    clients: Clients, world: World, room: str, alice: Talkwire, role: str
) -> None:
    stream = (await reader(clients, world, role)).events()
    waiting = asyncio.create_task(anext(stream))
    await alice.typing(room)
    waiting.cancel()
    await asyncio.wait([waiting])
    await alice.send(room, "after the wait")
    assert await texts(stream, room, 1) == ["after the wait"]


@pytest.mark.parametrize("role", ROLES)
async def test_events_can_be_selected(clients: Clients, world: World, room: str, alice: Talkwire, role: str) -> None:
    chat = await reader(clients, world, role)
    other = await alice.create_conversation("group", [world.id_of("bob")])
    await alice.send(other["id"], "in another room")
    sent = await alice.send(room, "not selected")
    await alice.react(sent["id"], "👍")
    stream = chat.events(chat.cursor, types=["message:reaction"], conversation_id=room)
    async with deadline():
        event = await anext(stream)
    assert event.type == "message:reaction"
    assert event.data["messageId"] == sent["id"]


async def test_the_service_receives_a_stream_at_its_first_end(clients: Clients, world: World) -> None:
    service = await clients.service()
    await service.put_user(world.id_of("helper"), name="Helper", kind="agent")
    room = (await service.create_conversation("group", [world.id_of("helper")]))["id"]
    helper, cursor = await clients.user(world.id_of("helper")), await newest_cursor(service)
    opening = {"conversationId": room, "clientMessageId": "s"}
    opened = await helper.request("POST", "messages/stream", json=opening)
    path, attempt = f"messages/{opened['message']['id']}", opened["attempt"]
    await helper.request("POST", f"{path}/append", json={"attempt": attempt, "part": 0, "text": "Hello", "at": 0})
    await helper.request("POST", f"{path}/finish", json={"attempt": attempt})
    found = []
    for final in (True, False):
        stream = service.events(cursor, types=["message:new"], conversation_id=room, final=final)
        async with deadline():
            event = await anext(stream)
        assert event.type == "message:new"
        found.append((event.data["id"], event.data.get("state"), event.cursor == event_of(opened, cursor)))
    message_id = opened["message"]["id"]
    assert found == [(message_id, "done", False), (message_id, "done", True)]
    with pytest.raises(ValueError, match="back end and admins"):
        helper.events(final=True)


async def newest_cursor(service: Talkwire) -> str:
    """Returns the cursor behind the newest event."""
    found = await service.request("GET", "events")
    return str(found["cursor"])


def event_of(opened: Any, cursor: str) -> str:  # noqa: ANN401 (JSON)
    """Returns the cursor behind the event of a stream's opening."""
    pos = pos_of(int(opened["message"]["id"]))
    return f"{cursor.rpartition('-')[0]}-{pos}"


async def test_the_service_reads_from_the_oldest_event(clients: Clients, room: str) -> None:
    service = await clients.service()
    async with deadline():
        async for event in service.events(after="start"):
            if event.type == "conversation:new" and event.conversation_id == room:
                assert event.time is not None
                break


async def test_a_user_sees_only_events_of_their_own(clients: Clients, world: World, room: str, alice: Talkwire) -> None:
    stranger = await clients.user(world.id_of("stranger"))
    await alice.send(room, "private")
    own = await stranger.create_conversation("group", [], name="Own")
    async with deadline():
        event = await anext(stranger.events())
    assert (event.type, event.conversation_id) == ("conversation:new", own["id"])


async def test_a_user_who_is_banned_learns_it(clients: Clients, world: World) -> None:
    user_id = world.id_of("mallory")
    mallory, service = await clients.user(user_id), await clients.service()
    stream, signals = mallory.events(), mallory.signals()
    waiting = [asyncio.create_task(anext(each)) for each in (stream, signals)]
    await asyncio.sleep(0)
    await service.request("PUT", f"/api/v1/users/{user_id}/ban")
    async with deadline():
        for task in waiting:
            with pytest.raises(TalkwireError) as refused:
                await task
            assert refused.value.code in {"banned", "unauthenticated", "forbidden"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("code", ["cursor_expired", "cursor_epoch"])
async def test_a_cursor_that_is_not_valid_any_more_asks_for_a_reload(tmp_path: Path, role: str, code: str) -> None:
    """The events after the cursor are pruned, or the server has another database."""
    port = reserved_port()
    async with AsyncExitStack() as stack:
        with running_chat(tmp_path, port=port) as server:
            clients = Clients(server, stack)
            alice, service = await clients.user("alice"), await clients.service()
            chat = alice if role == "member" else service
            await service.create_conversation("group", ["alice"], id="old")
            stream = chat.events()
            async with deadline():
                assert (await anext(stream)).conversation_id == "old"
            cursor = chat.cursor
            server.process.kill()
            server.wait_ended()
        if code == "cursor_expired":
            # As after a long absence: pruning by time takes a minute at least.
            with sqlite3.connect(tmp_path / "data" / "talkwire.db") as database:
                database.execute("UPDATE log_head SET floor = pos")
            database.close()
        else:
            shutil.rmtree(tmp_path / "data")
        with running_chat(tmp_path, port=port) as server:
            other = await Clients(server, stack).service()
            for name in ("new", "newer"):
                await other.create_conversation("group", ["alice"], id=name)
            if code == "cursor_expired":
                cursor = f"{cursor.rpartition('-')[0]}-0"
                stream = chat.events(after=cursor)
            async with deadline():
                with pytest.raises(TalkwireError) as refused:
                    await anext(stream)
                assert (refused.value.code, refused.value.must_reload) == (code, True)
                if role == "service":
                    assert refused.value.details["oldest"]
                state = await chat.load()
                assert {"new", "newer"} <= {each["id"] for each in state.conversations}
                await other.send("new", "hello", sender_id="alice")
                assert await texts(chat.events(after=state.cursor), "new", 1) == ["hello"]


def test_every_event_of_a_socket_is_in_the_log_or_a_signal(chat_server: ServerProcess) -> None:
    """A stream asks `sync` again after each event that is not a signal."""
    openapi, asyncapi = (http_get(f"{chat_server.url}/{name}.json").json() for name in ("openapi", "asyncapi"))
    messages = asyncapi["channels"]["messenger"]["messages"]
    sent = {message["name"] for key, message in messages.items() if key.startswith("out.")}
    assert sent - openapi["webhooks"].keys() == SIGNAL_TYPES | CONNECTION_TYPES | {"message:reaction:new"}


async def test_a_client_can_be_closed_while_its_socket_connects(clients: Clients, world: World) -> None:
    for step in range(15):
        async with clients.made(clients.server.token(world.id_of("alice"))) as chat:
            chat.signals()
            for _ in range(step):
                await asyncio.sleep(0)
