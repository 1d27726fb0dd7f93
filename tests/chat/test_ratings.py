"""Ratings of agents' messages through a real server: who receives them, over REST and after a reconnect."""

from __future__ import annotations

from typing import Any

from tests.chat.chat_client import Payload
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent


async def _rating(world: World, message_id: str, by: str, body: Payload | None = None) -> Any:  # noqa: ANN401 (JSON)
    method = "GET" if body is None else "PUT"
    answer = await world.request(method, f"/api/v1/messages/{message_id}/rating", by=by, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_rating_reaches_the_user_the_agent_and_its_owner_only(world: World) -> None:
    conversation, _ = await with_agent(world)
    await world.service(
        "POST",
        f"/api/v1/conversations/{conversation}/members",
        {"userIds": [world.id_of("carol"), world.id_of("dave")]},
    )
    names = ("helper", "alice", "bob", "carol", "dave")
    sockets = {name: await world.connect(name) for name in names}
    second = await world.connect("bob")
    message = (await sockets["helper"].send_message(conversation, "It was sent today."))["id"]
    cursor = (await world.service("GET", "/api/v1/events"))["cursor"]
    of_bob = (await world.request("GET", "/api/v1/sync", by="bob")).json()["cursor"]

    rated = await sockets["bob"].done("message:rate", {"messageId": message, "rating": -1, "comment": "Too late"})
    assert rated == {"success": True, "mine": -1, "comment": "Too late"}
    shared = {"messageId": message, "conversationId": conversation, "userId": world.id_of("bob"), "rating": -1}
    mine = {**shared, "comment": "Too late"}
    whole = {**mine, "up": 0, "down": 1}
    for socket, payload in (
        (sockets["bob"], mine),
        (second, mine),
        (sockets["helper"], whole),
        (sockets["alice"], whole),
    ):
        assert await socket.next("message:rated") == payload
    assert await _rating(world, message, "bob") == {"mine": -1, "comment": "Too late"}
    assert await _rating(world, message, "bob", {"rating": 0}) == {"mine": 0}
    assert await _rating(world, message, "alice", {"rating": 1}) == {"mine": 1, "up": 1, "down": 0}
    assert await _rating(world, message, "helper") == {"mine": 0, "up": 1, "down": 0}
    assert (await sockets["alice"].next("message:rated"))["rating"] == 0
    assert (await sockets["alice"].next("message:rated"))["up"] == 1

    events = (await world.service("GET", f"/api/v1/events?after={cursor}"))["items"]
    assert [(each["type"], each["actorId"]) for each in events] == [
        ("message:rated", world.id_of("bob")),
        ("message:rated", world.id_of("bob")),
        ("message:rated", world.id_of("alice")),
    ]
    assert events[0]["data"] == whole
    missed = (await world.request("GET", f"/api/v1/sync?after={of_bob}", by="bob")).json()["events"]
    assert [each["data"] for each in missed if each["event"] == "message:rated"] == [mine, {**shared, "rating": 0}]
    for name in ("carol", "dave"):
        assert await sockets[name].pending("message:rated") == [], name


async def test_the_comment_of_a_deleted_message_is_not_shown_any_more(world: World) -> None:
    conversation, _ = await with_agent(world)
    agent = await world.connect("helper")
    message = (await agent.send_message(conversation, "It was sent today."))["id"]
    cursor = (await world.service("GET", "/api/v1/events"))["cursor"]
    await _rating(world, message, "bob", {"rating": -1, "comment": "Too late"})
    await agent.done("message:delete", {"messageId": message})
    events = (await world.service("GET", f"/api/v1/events?after={cursor}&types=message:rated"))["items"]
    assert [("comment" in each["data"], each["data"]["rating"]) for each in events] == [(False, -1)]
    gone = await world.request("GET", f"/api/v1/messages/{message}/rating", by="bob")
    assert (gone.status_code, gone.json()["error"]["code"]) == (422, "invalid_request")
