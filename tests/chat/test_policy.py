"""The operator's policy on every way to create and delete conversations, and repeated requests of the backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from talkwire.dialects.crm.vocabulary import CRM
from talkwire.dialects.talks.vocabulary import TALKS
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that allows only the backend to create and delete conversations, and where new users join two
    conversations."""
    environment = {
        "TALKWIRE_CREATE_DIRECT": "service",
        "TALKWIRE_CREATE_GROUP": "service",
        "TALKWIRE_CREATE_CHANNEL": "service",
        "TALKWIRE_DELETE_CONVERSATION": "service",
        "TALKWIRE_DEFAULT_CONVERSATIONS": "general,missing",
    }
    with running_chat(tmp_path_factory.mktemp("strict"), environment) as server:
        yield server
        assert server.logged_errors() == []
        warned = [line for line in server.logged() if line["event"] == "default_conversation_missing"]
        assert len([line for line in warned if line["conversation_id"] == "missing"]) == 1


@pytest.fixture
async def strict(strict_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(strict_server) as world:
        yield world


# --- actions of the backend only ------------------------------------------------------------------------------------


async def test_users_cannot_create_conversations_in_any_way(strict: World) -> None:
    alice, bob = await strict.connect("alice"), await strict.connect("bob")
    members = [strict.id_of("bob")]
    for kind, plural in (("direct", "direct conversations"), ("group", "groups"), ("channel", "channels")):
        refusal = {"code": "forbidden", "message": f"Users cannot create {plural} here."}
        body = {"kind": kind, "memberIds": members}
        assert await alice.refused("conversation:create", body) == refusal
        answer = await strict.request("POST", "/api/v1/conversations", by="alice", json=body)
        assert (answer.status_code, answer.json()["error"]) == (403, refusal)
    for talk in ({"receiverId": members[0]}, {"participantIds": members}):
        answer = await strict.request("POST", "/api/v1/talks", by="alice", json=talk)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    # A user opens a conversation that the backend has created.
    created = await strict.service(
        "POST", "/api/v1/conversations", {"kind": "direct", "memberIds": [strict.id_of("alice"), *members]}
    )
    opened = await strict.request("POST", "/api/v1/talks", by="alice", json={"receiverId": members[0]})
    assert (opened.status_code, opened.json()["id"]) == (200, created["id"])
    assert (await bob.next("conversation:new"))["id"] == created["id"]


async def test_admins_create_and_delete(strict: World) -> None:
    body = {"kind": "group", "memberIds": [], "name": "Staff"}
    created = await strict.request("POST", "/api/v1/conversations", by="root", role="admin", json=body)
    assert (created.status_code, created.json()["ownerId"]) == (201, strict.id_of("root"))
    path = f"/api/v1/conversations/{created.json()['id']}"
    assert (await strict.request("DELETE", path, by="root", role="admin")).status_code == 204


async def test_neither_owners_nor_the_last_member_delete_a_conversation(strict: World) -> None:
    conversation = await strict.conversation("alice")
    alice = await strict.connect("alice")
    assert (await alice.refused("conversation:delete", {"conversationId": conversation}))["code"] == "forbidden"
    path = f"/api/v1/conversations/{conversation}"
    assert (await strict.request("DELETE", path, by="alice")).status_code == 403
    await alice.done("member:remove", {"conversationId": conversation, "userId": strict.id_of("alice")})
    kept = await strict.service("GET", path)
    assert (kept["memberCount"], kept["ownerId"]) == (0, None)


async def test_users_learn_their_rights(strict: World, world: World) -> None:
    names = ("createDirect", "createGroup", "createChannel", "deleteConversation")
    for where, role, allowed in ((strict, None, False), (strict, "admin", True), (world, None, True)):
        rights = (await where.request("GET", "/api/v1/users/me/rights", by="carol", role=role)).json()
        assert rights.pop("chooseHandle") is True
        assert rights == dict.fromkeys(names, allowed)
        profile = await where.request("PATCH", "/api/v1/users/me", by="carol", role=role, json={"handle": "carol.c"})
        assert profile.status_code == 200, profile.text


async def test_a_new_user_is_in_the_default_conversation_from_the_first_connect(strict: World) -> None:
    body = {"kind": "group", "id": "general", "name": "General", "memberIds": ["ann"]}
    answer = await strict.request("POST", "/api/v1/conversations", by="backend", role="service", json=body)
    assert answer.is_success or answer.json()["error"]["details"]["differs"] == ["memberIds"]
    dan = await strict.connect("dan")
    await dan.send_message("general", "Hello")
    eve = await strict.connect("eve")
    added = await dan.next("member:added")
    assert [member["userId"] for member in added["members"]] == [strict.id_of("eve")]
    page = await eve.done("conversations:list", {})
    assert [each["id"] for each in page["conversations"]] == ["general"]
    there = await strict.service("GET", "/api/v1/conversations/general")
    assert strict.id_of("backend") not in {member["userId"] for member in there["members"]}


# --- creation by the backend ----------------------------------------------------------------------------------------


async def test_the_backend_may_repeat_a_creation_in_any_way(world: World) -> None:
    ids = [world.id_of("alice"), world.id_of("bob")]
    body = {"kind": "group", "id": world.id_of("order"), "memberIds": ids}
    first = await world.request("POST", "/api/v1/conversations", by="backend", role="service", json=body)
    again = await world.request(
        "POST", "/api/v1/conversations", by="backend", role="service", json={**body, "memberIds": ids[::-1]}
    )
    assert (first.status_code, again.status_code, first.json()["ownerId"]) == (201, 200, None)
    backend = await world.open()
    await backend.sign_in({"token": world.server.token(world.id_of("backend"), role="service")})
    assert (await backend.done("conversation:create", body))["conversation"]["id"] == body["id"]
    talk = {"id": body["id"], "participantIds": ids}
    assert (await world.request("POST", "/api/v1/talks", by="backend", role="service", json=talk)).status_code == 200
    other = {**body, "memberIds": ids[:1]}
    details = {"conversationId": body["id"], "differs": ["memberIds"]}
    refused = await world.request("POST", "/api/v1/conversations", by="backend", role="service", json=other)
    assert (refused.status_code, refused.json()["error"]["details"]) == (409, details)
    assert (await backend.refused("conversation:create", other))["details"] == details


async def test_the_backend_names_owner_and_roles_in_any_way(world: World) -> None:
    alice, bob = world.id_of("alice"), world.id_of("bob")
    made = await world.service(
        "POST",
        "/api/v1/conversations",
        {"kind": "group", "memberIds": [alice, bob], "ownerId": bob, "roles": {alice: "admin"}},
    )
    assert made["ownerId"] == bob
    assert {member["userId"]: member["role"] for member in made["members"]} == {alice: "admin", bob: "owner"}
    talk = {"participantIds": [alice, bob], "ownerId": bob}
    opened = await world.service("POST", "/api/v1/talks", talk)
    seen = await world.service("GET", f"/api/v1/conversations/{opened['id']}")
    assert seen["ownerId"] == bob
    backend = await world.open()
    await backend.sign_in({"token": world.server.token(world.id_of("backend"), role="service")})
    payload = {"kind": "channel", "memberIds": [alice, bob], "roles": {alice: "owner"}}
    assert (await backend.done("conversation:create", payload))["conversation"]["ownerId"] == alice
    as_user = await world.request("POST", "/api/v1/conversations", by="alice", json=payload)
    assert as_user.status_code == 403


# --- public groups --------------------------------------------------------------------------------------------------


async def test_a_member_of_a_public_group_writes_in_every_dialect(world: World) -> None:
    lounge = world.id_of("lounge")
    body = {"kind": "group", "id": lounge, "name": lounge, "memberIds": [world.id_of("ann")], "public": True}
    await world.service("POST", "/api/v1/conversations", body)
    found = await world.request("GET", f"/api/v1/conversations?query={lounge}", by="bob")
    assert [each["id"] for each in found.json()["items"]] == [lounge]
    ways = (
        (TALKS, "join-conversation", {"conversationId": lounge}, "message", "content"),
        (WHATSAPP, "conversation:join", {"conversationId": lounge}, "message:send", "content"),
        (CRM, "joinChat", {"chatId": lounge}, "sendMessage", "content"),
    )
    for dialect, join, room, send, text in ways:
        name = dialect.name
        client = await world.connect(name, dialect=dialect)
        assert not (await client.call(join, room)).get("success"), "who is no member enters no room"
        added = await world.request(
            "POST", f"/api/v1/conversations/{lounge}/members", by=name, json={"userIds": [world.id_of(name)]}
        )
        assert added.is_success
        await client.done(join, room)
        content: object = {"text": "Hello"} if dialect is WHATSAPP else "Hello"
        await client.done(send, {**room, text: content})
    history = await world.request("GET", f"/api/v1/conversations/{lounge}/messages", by="talks")
    assert len(history.json()["items"]) == len(ways)


async def test_only_the_muted_member_sees_the_mute(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    path = f"/api/v1/conversations/{conversation}"
    until = "2099-01-01T00:00:00.000Z"
    body = {"until": until, "reason": "Too loud"}
    muted = await world.request("PUT", f"{path}/mutes/{world.id_of('bob')}", by="alice", json=body)
    assert muted.is_success
    bob = await world.connect("bob")
    state = (await bob.done("sync", {}))["conversations"]
    for seen in ((await world.request("GET", path, by="bob")).json(), *state):
        assert seen["mutedByModerator"] == body
    assert "mutedByModerator" not in (await world.request("GET", path, by="alice")).json()
