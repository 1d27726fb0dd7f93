"""Access ends with a membership and with a block; other ways to get access do not exist."""

from __future__ import annotations

import pytest

from tests.chat.access.events import EVENTS
from tests.chat.access.routes import ROUTES
from tests.chat.access.scene import Scene, outcome
from tests.chat.access.table import FORBIDDEN, OK, Row, placeholders_in
from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World
from tests.chat.test_notifications import stored

ROWS = (*ROUTES, *EVENTS)

HEARD = ("message:new", "message:updated", "typing:user", "call:invite", "offer:new", "presence:update")


# --- a former member ------------------------------------------------------------------------------------------------


async def events_after(client: ChatClient, cursor: str) -> list[tuple[str, str]]:
    """Returns (event, user or content) of each event after a cursor."""
    page = await client.done("sync", {"after": cursor})
    assert not page["more"]
    return [
        (found["event"], str(found["data"].get("userId", found["data"].get("content")))) for found in page["events"]
    ]


async def test_a_former_members_events_end_with_the_removal(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    start = (await bob.done("sync"))["cursor"]
    await alice.send_message(conversation, "before")
    await alice.done("member:remove", {"conversationId": conversation, "userId": world.id_of("bob")})
    await bob.next("member:removed")
    removed = (await bob.done("sync"))["cursor"]
    bob.events.clear()

    after = await alice.send_message(conversation, "after")
    await alice.done("message:edit", {"messageId": after["id"], "content": "changed"})
    await alice.done("typing:start", {"conversationId": conversation})
    await alice.done("presence:set", {"status": "away"})
    await alice.done(
        "offer:create", {"conversationId": conversation, "title": "Bicycle", "amount": 1, "currency": "EUR"}
    )
    await alice.done("call:invite", {"conversationId": conversation})
    await carol.next("call:invite")

    assert await bob.pending(*HEARD) == []
    assert await events_after(bob, start) == [("member:removed", world.id_of("bob"))]
    assert await events_after(bob, removed) == []
    state = await bob.done("sync")
    assert state["conversations"] == []
    assert [person["userId"] for person in state["presence"]] == [world.id_of("bob")]
    assert (await bob.done("conversations:list"))["conversations"] == []
    assert (await world.request("GET", "/api/v1/search?q=before", by="bob")).json()["items"] == []


async def test_a_former_members_notifications_are_hidden(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    await alice.send_message(conversation, "@all come")
    await stored(world, "bob", 1, unread=True)
    await alice.done("member:remove", {"conversationId": conversation, "userId": world.id_of("bob")})
    (left,) = await stored(world, "bob", 1)
    assert (left["type"], left["outcome"]) == ("moderation", "remove")


async def test_a_former_member_s_retry_is_refused(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await bob.send_message(conversation, "once", clientMessageId="1")
    await alice.done("member:remove", {"conversationId": conversation, "userId": world.id_of("bob")})
    again = {"conversationId": conversation, "content": "once", "clientMessageId": "1"}
    assert (await bob.refused("message:send", again))["code"] == FORBIDDEN


# --- a block --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("blocker", ["alice", "bob"])
async def test_a_blocked_pair_receives_nothing_of_each_other(world: World, blocker: str) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    for client, other in ((alice, "bob"), (bob, "alice")):
        seen = await client.done("presence:subscribe", {"userIds": [world.id_of(other)]})
        assert [person["status"] for person in seen["presence"]] == ["online"]
    await alice.done("typing:start", {"conversationId": conversation})
    await bob.next("typing:user")
    call = await alice.done("call:invite", {"conversationId": conversation})
    await bob.next("call:invite")

    blocked = "bob" if blocker == "alice" else "alice"
    path = f"/api/v1/users/me/blocks/{world.id_of(blocked)}"
    assert (await world.request("PUT", path, by=blocker)).status_code == 204
    for client, other in ((alice, "bob"), (bob, "alice")):
        assert (await client.next("call:ended"))["callId"] == call["callId"]
        await client.pending()
        client.events.clear()
        assert (await client.done("presence:get", {"userIds": [world.id_of(other)]}))["presence"] == []
        assert (await client.done("presence:subscribe", {"userIds": [world.id_of(other)]}))["presence"] == []
        state = await client.done("sync")
        assert world.id_of(other) not in {person["userId"] for person in state["presence"]}
    await alice.done("presence:set", {"status": "away"})
    await bob.done("presence:set", {"status": "dnd"})
    for client in (alice, bob):
        error = await client.refused("typing:start", {"conversationId": conversation})
        assert error["code"] == "blocked"
    assert [await client.pending(*HEARD) for client in (alice, bob)] == [[], []]


async def test_a_call_cannot_be_accepted_after_a_block(world: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    alice = await world.connect("alice")
    call = await alice.done("call:invite", {"conversationId": conversation})
    # The called user has never connected: the server knows only the user's id.
    assert (await world.request("PUT", f"/api/v1/users/me/blocks/{world.id_of('bob')}", by="alice")).status_code == 204
    assert (await alice.next("call:ended"))["callId"] == call["callId"]
    bob = await world.connect("bob")
    assert await bob.pending("call:invite") == []
    answer = {"conversationId": conversation, "callId": call["callId"]}
    assert (await bob.refused("call:accept", answer))["code"] == "not_found"


async def test_no_direct_conversation_is_opened_over_a_block(world: World) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    assert (await world.request("PUT", f"/api/v1/users/me/blocks/{world.id_of('bob')}", by="alice")).status_code == 204
    for client, other in ((alice, "bob"), (bob, "alice")):
        payload = {"kind": "direct", "memberIds": [world.id_of(other)]}
        assert (await client.refused("conversation:create", payload))["code"] == "blocked"


# --- ways to get access ---------------------------------------------------------------------------------------------


async def test_presence_is_for_those_who_share_a_conversation(world: World) -> None:
    await world.conversation("alice", "bob")
    alice, bob, mallory = [await world.connect(name) for name in ("alice", "bob", "mallory")]
    asked = {"userIds": [world.id_of("alice"), "nobody-has-this-id"]}
    for event in ("presence:get", "presence:subscribe"):
        assert [person["userId"] for person in (await bob.done(event, asked))["presence"]] == [world.id_of("alice")]
        assert (await mallory.done(event, asked))["presence"] == []
    await alice.done("presence:set", {"status": "away"})
    await bob.next("presence:update")
    assert await mallory.pending("presence:update") == []
    answers = [
        await world.request("GET", f"/api/v1/users/{user_id}/presence", by="mallory") for user_id in asked["userIds"]
    ]
    assert answers[0].json() == answers[1].json()


async def test_any_user_joins_a_public_channel_unless_banned(world: World) -> None:
    body = {"kind": "channel", "public": True, "name": "News", "memberIds": [world.id_of("alice"), world.id_of("bob")]}
    channel = (await world.service("POST", "/api/v1/conversations", body))["id"]
    await world.service("DELETE", f"/api/v1/conversations/{channel}/members/{world.id_of('bob')}")
    mallory = await world.connect("mallory")
    await world.service("PUT", f"/api/v1/conversations/{channel}/bans/{world.id_of('mallory')}")
    for stranger in ("bob", "carol"):
        client = await world.connect(stranger)
        alone, not_alone = [world.id_of(stranger)], [world.id_of(stranger), world.id_of("mallory")]
        assert (await client.refused("messages:list", {"conversationId": channel}))["code"] == FORBIDDEN
        assert (await client.refused("member:add", {"conversationId": channel, "userIds": not_alone}))[
            "code"
        ] == FORBIDDEN
        await client.done("member:add", {"conversationId": channel, "userIds": alone})
        await client.done("messages:list", {"conversationId": channel})
        error = await client.refused("message:send", {"conversationId": channel, "content": "Hello"})
        assert error["code"] == FORBIDDEN
    payload = {"conversationId": channel, "userIds": [world.id_of("mallory")]}
    assert (await mallory.refused("member:add", payload))["code"] == "banned"
    path = f"/api/v1/conversations/{channel}/members"
    answer = await world.request("POST", path, by="mallory", json={"userIds": [world.id_of("mallory")]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "banned")


async def test_trying_to_join_does_not_reveal_a_private_channel(world: World) -> None:
    body = {"kind": "channel", "name": "Board", "memberIds": [world.id_of("alice")]}
    channel = (await world.service("POST", "/api/v1/conversations", body))["id"]
    mallory = await world.connect("mallory")
    errors = [
        await mallory.refused("member:add", {"conversationId": id_, "userIds": [world.id_of("mallory")]})
        for id_ in (channel, "there-is-none")
    ]
    assert errors[0]["code"] == FORBIDDEN
    assert errors[0] == errors[1]


SENDERS = (
    *(row for row in ROWS if row.as_service),
    Row("PATCH /api/v1/messages/{message}", {}, {"content": "Changed"}, as_service={"senderId": "{author}"}),
)


@pytest.mark.parametrize("row", SENDERS, ids=str)
async def test_only_the_backend_acts_for_another_user(world: World, row: Row) -> None:
    scene = await Scene.group(world, ["owner", "member"], placeholders_in(row))
    named = Row(row.name, row.expected, row.body_of("service"))
    for caller in ("stranger", "owner", "operator"):
        assert outcome(await scene.ask(caller, named)) == FORBIDDEN, caller
    assert outcome(await scene.ask("service", named)) == OK
