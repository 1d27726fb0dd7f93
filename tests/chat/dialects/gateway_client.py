"""Helpers for tests of the `gateway` dialect: clients, and requests of the backend."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from talkwire.core.domain.log.positions import pos_of
from talkwire.dialects.gateway.vocabulary import GATEWAY
from tests.chat.chat_client import ChatClient
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.waiting import deadline, until_asked

SEND, SEND_MANY = "/api/gateway/send", "/api/gateway/send-many"
EVENTS = {"alert", "announcement", "done"}


async def connect(world: World, name: str) -> ChatClient:
    client = await world.open(dialect=GATEWAY)
    client.custom_events |= EVENTS
    await client.sign_in({"token": world.server.token(world.id_of(name))})
    await client.next("connected")
    return client


async def connect_silent(world: World, name: str) -> ChatClient:
    """Connects a client that answers no heartbeats, so that nothing sent to it counts as arrived."""
    client = await world.open(dialect=GATEWAY)
    client.custom_events |= EVENTS
    client.answers_heartbeats = False
    await client.sign_in({"token": world.server.token(world.id_of(name))})
    await client.next("connected")
    return client


async def say(world: World, by: str, conversation: str, content: str) -> str:
    """Sends a message over REST, and returns its id."""
    body = {"conversationId": conversation, "content": content}
    answer = await world.request("POST", "/api/v1/messages", by=by, json=body)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


async def send(world: World, *names: str, event: str = "alert", message: object = None, store: bool = False) -> Any:  # noqa: ANN401 (JSON)
    """Sends an event to one or several users as the backend, and returns the response."""
    ids = [world.id_of(name) for name in names]
    body = {"event": event, "message": message, "store": store}
    if len(ids) == 1:
        return await world.service("POST", SEND, {"userId": ids[0], **body})
    return await world.service("POST", SEND_MANY, {"userIds": ids, **body})


async def next_of(client: ChatClient, event: str = "alert") -> object:
    """Returns the payload of the next custom event."""
    return await client.next(event)


async def events_until_done(world: World, client: ChatClient, name: str) -> list[tuple[str, Any]]:
    """Returns all events that a client has received so far. A final event marks their end."""
    await send(world, name, event="done")
    await client.next("done")
    received = list(client.events)
    client.events.clear()
    return received


async def bodies(client: ChatClient, count: int) -> list[str]:
    return [(await client.next("notification"))["body"] for _ in range(count)]


async def wait_gone(world: World, name: str) -> None:
    """Waits until a user has no socket."""

    async def is_gone() -> bool:
        return not (await world.service("GET", f"/api/gateway/status/{world.id_of(name)}"))["connected"]

    await until_asked(is_gone)


async def leave(world: World, client: ChatClient, name: str) -> None:
    await client.close()
    await wait_gone(world, name)


async def arrived(world: World, name: str, message_id: str | None = None) -> None:
    """Waits until no stored event waits for a user, and all messages up to this one count as arrived."""
    assert isinstance(world.server, ServerProcess)
    user_id, pos = world.id_of(name), 0 if message_id is None else pos_of(int(message_id))
    with closing(sqlite3.connect(world.server.data / "talkwire.db")) as database:
        async with deadline():
            while True:
                mail = database.execute("SELECT id FROM mailbox WHERE user_id = ?", (user_id,)).fetchall()
                received = database.execute("SELECT pos FROM mailbox_cursors WHERE user_id = ?", (user_id,)).fetchone()
                if not mail and (not pos or (received is not None and received[0] >= pos)):
                    return
                await world.request("GET", "/healthz")  # yields to other tasks
