"""What clients and the back end receive of agents and of their messages."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chat.conftest import World


async def with_agent(world: World) -> tuple[str, str]:
    """Makes a group of Alice, Bob and the agent Helper, which Alice owns. Returns its id and the agent's."""
    for name in ("alice", "bob"):
        await world.service("PUT", f"/api/v1/users/{world.id_of(name)}", {})
    helper = world.id_of("helper")
    body = {"name": "Helper", "kind": "agent", "ownerId": world.id_of("alice")}
    agent = await world.service("PUT", f"/api/v1/users/{helper}", body)
    assert (agent["kind"], agent["ownerId"]) == ("agent", world.id_of("alice"))
    return await world.conversation("alice", "bob", "helper"), helper


async def _get(world: World, path: str, by: str = "bob") -> Any:  # noqa: ANN401 (JSON)
    answer = await world.request("GET", path, by=by)
    assert answer.status_code == 200
    return answer.json()


async def test_profiles_members_and_searches_say_who_is_an_agent(world: World) -> None:
    conversation, helper = await with_agent(world)
    alice = world.id_of("alice")
    profile = await _get(world, f"/api/v1/users/{helper}")
    assert (profile["kind"], profile["ownerId"]) == ("agent", alice)
    assert ((await _get(world, "/api/v1/users/me"))["kind"], "ownerId" in profile) == ("person", True)
    (found,) = (await _get(world, f"/api/v1/users?query={helper}"))["items"]
    assert found == profile
    members = (await _get(world, f"/api/v1/conversations/{conversation}"))["members"]
    assert {each["userId"]: each["kind"] for each in members} == {
        alice: "person",
        world.id_of("bob"): "person",
        helper: "agent",
    }


async def test_contacts_learn_that_a_user_is_an_agent(world: World) -> None:
    _, helper = await with_agent(world)
    bob = await world.connect("bob")
    await world.service("PUT", f"/api/v1/users/{helper}", {"ownerId": world.id_of("bob")})
    received = await bob.next("user:updated")
    assert (received["kind"], received["ownerId"]) == ("agent", world.id_of("bob"))
    await world.service("PUT", f"/api/v1/users/{helper}", {"kind": "person"})
    received = await bob.next("user:updated")
    assert (received["kind"], "ownerId" in received) == ("person", False)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"kind": "robot"}, "kind"),
        ({"kind": None}, "kind"),
        ({"ownerId": 5}, "ownerId"),
        ({"ownerId": "me"}, "ownerId"),
        ({"kind": "agent", "ownerId": "nobody at all"}, "ownerId"),
    ],
)
async def test_an_invalid_kind_or_owner_is_named(world: World, body: dict[str, object], path: str) -> None:
    user_path = f"/api/v1/users/{world.id_of('helper')}"
    answer = await world.request("PUT", user_path, by="backend", role="service", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")
    assert path in str(answer.json()["error"])


async def test_messages_of_agents_say_so_over_every_way(world: World) -> None:
    conversation, helper = await with_agent(world)
    alice = world.id_of("alice")
    bob, agent = await world.connect("bob"), await world.connect("helper")
    cursor = (await _get(world, "/api/v1/sync"))["cursor"]
    events = (await world.service("GET", "/api/v1/events"))["cursor"]
    body = {"conversationId": conversation, "content": "Paid", "generated": {"model": "small-1"}, "onBehalfOf": alice}
    stored = (await agent.done("message:send", body))["message"]
    assert (stored["generated"], stored["onBehalfOf"]) == ({"by": helper, "model": "small-1"}, alice)
    received = await bob.next("message:new")
    expected = {name: stored[name] for name in ("id", "generated", "onBehalfOf")}
    for message in (
        received,
        await _get(world, f"/api/v1/messages/{stored['id']}"),
        (await _get(world, f"/api/v1/conversations/{conversation}"))["lastMessage"],
        _sent_in((await _get(world, f"/api/v1/sync?after={cursor}"))["events"], "event"),
        _sent_in((await world.service("GET", f"/api/v1/events?after={events}"))["items"], "type"),
    ):
        assert {name: message.get(name) for name in expected} == expected
    over_rest = await world.request("POST", "/api/v1/messages", by="helper", json=body)
    assert over_rest.json()["generated"] == stored["generated"]
    by_back_end = await world.service("POST", "/api/v1/messages", {**body, "senderId": helper, "generated": None})
    assert (by_back_end["generated"], by_back_end["onBehalfOf"]) == ({"by": helper}, alice)
    entries = (await world.request("GET", "/api/v1/audit", by="operator", role="admin")).json()["items"]
    audited = [each for each in entries if each["action"] == "message-on-behalf" and each["targetId"] == stored["id"]]
    assert [(each["actorId"], each["conversationId"]) for each in audited] == [(helper, conversation)]


def _sent_in(events: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (message,) = [each["data"] for each in events if each[name] == "message:new"]
    return dict(message)


async def test_unknown_members_of_generated_are_refused(world: World) -> None:
    conversation, helper = await with_agent(world)
    agent = await world.connect("helper")
    body = {"conversationId": conversation, "content": "Hello"}
    for generated in ({"by": helper}, {"model": 5}, "small-1"):
        refused = await agent.refused("message:send", {**body, "generated": generated})
        assert refused["code"] == "invalid_request"
