"""The ways in which a user reads events after a cursor, which may be old, someone else's or made up."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.chat.conftest import World
from tests.chat.returner import Returner

Read = Callable[[World, str, str], Awaitable[list[dict[str, Any]]]]
"""A function `(world, name of the reader, cursor)` that returns the events that the reader receives, each with `event`
and `data`."""

LISTS = (
    "/api/v1/sync",
    "/api/v1/conversations",
    "/api/v1/conversations/{conversation}",
    "/api/v1/conversations/{conversation}/messages",
    "/api/v1/conversations/{conversation}/messages?around={reply}",
    "/api/v1/conversations/{conversation}/pins",
    "/api/v1/conversations/{conversation}/files",
    "/api/v1/conversations/{conversation}/links",
    "/api/v1/conversations/{conversation}/offers",
    "/chat-messages?chatId={conversation}",
    "/api/v1/talks/{conversation}/messages",
    "/api/v1/whatsapp/conversations/{conversation}/messages",
    "/api/v1/whatsapp/messages/{reply}",
    "/api/v1/messages/{reply}",
    "/api/v1/messages/{reply}/thread",
    "/api/v1/messages/{reply}/history",
    "/api/v1/notifications",
)
"""Routes that return messages of a conversation."""


async def by_rest(world: World, name: str, cursor: str) -> list[dict[str, Any]]:
    """Reads all pages of `GET /api/v1/sync`."""
    found: list[dict[str, Any]] = []
    more = True
    while more:
        answer = await world.request("GET", f"/api/v1/sync?after={cursor}&limit=3", by=name)
        assert answer.is_success, answer.text
        found += answer.json()["events"]
        cursor, more = answer.json()["cursor"], answer.json()["more"]
    return found


async def by_socket(world: World, name: str, cursor: str) -> list[dict[str, Any]]:
    """Reads events with `sync` over a socket."""
    client = await world.connect(name)
    answer = await client.done("sync", {"after": cursor})
    await client.close()
    events: list[dict[str, Any]] = answer["events"]
    return events


READINGS: Mapping[str, Read] = {"rest": by_rest, "socket": by_socket}


async def by_recovery(returner: Returner, offset: str) -> list[dict[str, Any]]:
    """Recovers a session whose connection was cut, from any offset."""
    returner.offset = offset
    await returner.come()
    return [{"event": name, "data": payload} for name, payload, _ in await returner.notified()]


def text_of(shown: object) -> str:
    return json.dumps(shown, ensure_ascii=False)
