"""A conversation of five members with five dialects: each action reaches the others as events of their own dialects.

The tables in `matrix.py` list the events of each action and exactly what each of the others receives.
"""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from talkwire.dialects.built_in import DIALECTS
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.conftest import World
from tests.chat.dialects.matrix import BY_REST, BY_SOCKET, HEARD, HEARD_OUTSIDE, JOIN, OF_THE_ACTOR

PRESENCE = {"presence:update", "user-online", "user:online", "userOnline"}
"""Presence events, which may arrive at any time; `test_presence` checks them."""

CASES = [
    (dialect, action, way)
    for way, table in (("socket", BY_SOCKET), ("REST", BY_REST))
    for dialect, actions in table.items()
    for action in actions
]


class Scene:
    """A conversation with one member and one socket for each dialect. Its id is a numeral, as the crm dialect
    expects."""

    def __init__(self, world: World, actor: str) -> None:
        self.world = world
        self.talk = str(secrets.randbelow(10**12) + 10**12)
        self.actor = actor
        self.clients: dict[str, ChatClient] = {}
        self._message = ""

    async def prepare(self, action: str, *, outside: bool = False) -> None:
        """Connects all members and creates what the action needs. With `outside`, only the actor follows the
        conversation."""
        members = [self.world.id_of(name) for name in DIALECTS]
        body = {"id": self.talk, "kind": "group", "memberIds": members, "ownerId": members[0]}
        await self.world.service("POST", "/api/v1/conversations", body)
        for name, dialect in DIALECTS.items():
            self.clients[name] = await self.world.connect(name, dialect=dialect)
            if name in JOIN and not (outside and name != self.actor):
                event, payload = JOIN[name]
                await self.clients[name].done(event, self.fill(payload))
        if outside and self.actor != "messenger":
            await self.clients["messenger"].done("conversation:leave", {"conversationId": self.talk})
        if action != "send":
            in_room = not outside or self.actor == "gateway"
            await self._write(self.actor if action in OF_THE_ACTOR else self.author, in_room=in_room)
        match action:
            case "unreact":
                path = f"/api/v1/messages/{self._message}/reactions/👍"
                await self.world.request("PUT", path, by=self.actor)
            case "pause":
                path = f"/api/v1/conversations/{self.talk}/typing"
                # A typing stop is sent only after a start.
                assert (await self.world.request("POST", path, by=self.actor, json={})).is_success
        for client in self.clients.values():
            await client.pending()
            client.events.clear()

    @property
    def author(self) -> str:
        """Returns the author of the message that others read. The whatsapp dialect sends receipts to the author
        only."""
        return "whatsapp" if self.actor != "whatsapp" else "messenger"

    async def _write(self, author: str, *, in_room: bool) -> None:
        body = {"conversationId": self.talk, "content": "Hello!"}
        answer = await self.world.request("POST", "/api/v1/messages", by=author, json=body)
        self._message = answer.json()["id"]
        # A new gateway socket first receives what it missed, so this event may arrive after other responses.
        await self.clients["gateway"].next("roomMessage" if in_room else "notification")

    def fill(self, value: object) -> Any:  # noqa: ANN401 (JSON)
        """Returns a value of the tables with the placeholders replaced."""
        if isinstance(value, dict):
            return {key: self.fill(each) for key, each in value.items()}
        if not isinstance(value, str):
            return value
        facts = {"talk": self.talk, "message": self._message, "actor": self.world.id_of(self.actor)}
        for word, fact in facts.items():
            if value == f"<#{word}>":
                return int(str(fact))
            value = value.replace(f"<{word}>", str(fact))
        return value

    async def act(self, action: str, way: str) -> None:
        if way == "REST":
            method, path, body = BY_REST[self.actor][action]
            answer = await self.world.request(method, self.fill(path), by=self.actor, json=self.fill(body))
            assert answer.is_success, answer.text
            return
        event, payload = BY_SOCKET[self.actor][action]
        if self.actor == "gateway" and action == "send":
            await self.clients["gateway"].emit(event, self.fill(payload))
            await self.clients["gateway"].next("messageReceived")
        else:
            await self.clients[self.actor].done(event, self.fill(payload))

    async def received(self, name: str, expected: list[tuple[str, Payload]]) -> None:
        """Fails unless this member has received exactly these events."""
        client = self.clients[name]
        for event, payload in expected:
            assert part_of(self.fill(payload), await client.next(event)) == self.fill(payload)
        assert [each for each in await client.pending() if each[0] not in PRESENCE] == []


def part_of(expected: Payload, payload: Payload) -> Payload:
    """Returns the members of a payload that are compared."""
    return {
        key: part_of(value, payload[key]) if isinstance(value, dict) else payload[key]
        for key, value in expected.items()
        if key in payload
    }


@pytest.mark.parametrize(("actor", "action", "way"), CASES)
async def test_an_action_reaches_every_dialect_as_its_own_event(
    world: World, actor: str, action: str, way: str
) -> None:
    scene = Scene(world, actor)
    await scene.prepare(action)
    await scene.act(action, way)
    for name in DIALECTS.keys() - {actor}:
        await scene.received(name, HEARD[action][name])


@pytest.mark.parametrize(("actor", "action", "way"), CASES)
async def test_sockets_outside_the_conversation_receive_their_dialects_events(
    world: World, actor: str, action: str, way: str
) -> None:
    scene = Scene(world, actor)
    await scene.prepare(action, outside=True)
    await scene.act(action, way)
    for name in DIALECTS.keys() - {actor}:
        await scene.received(name, HEARD_OUTSIDE[action][name])


def test_the_tables_cover_every_dialect_and_action() -> None:
    assert {action: set(received) for action, received in HEARD.items()} == {action: set(DIALECTS) for action in HEARD}
    assert {action for _, action, _ in CASES} == set(HEARD)
