"""Loading the state and later events, over sockets and REST."""

from __future__ import annotations

from tests.chat.conftest import World


async def test_the_welcome_cursor_is_the_start_for_sync(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    bob = await world.open()
    await bob.sign_in({"token": world.server.token(world.id_of("bob"))})
    cursor = (await bob.next("connected"))["cursor"]
    alice = await world.connect("alice")
    sent = await alice.send_message(talk, "Hello")
    answer = await bob.done("sync", {"after": cursor})
    received = [(event["event"], event["data"]["id"]) for event in answer["events"] if event["event"] == "message:new"]
    assert received == [("message:new", sent["id"])]
    assert answer["more"] is False
    assert answer["cursor"] != cursor


async def test_rest_and_sockets_return_the_same(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    bob = await world.connect("bob")
    state = await world.request("GET", "/api/v1/sync", by="bob")
    assert state.status_code == 200, state.text
    assert [conversation["id"] for conversation in state.json()["conversations"]] == [talk]
    await (await world.connect("alice")).send_message(talk, "Hello")
    events = await world.request("GET", "/api/v1/sync", by="bob", params={"after": state.json()["cursor"]})
    by_socket = await bob.done("sync", {"after": state.json()["cursor"]})
    del by_socket["success"]
    assert [e for e in events.json()["events"] if e["event"] == "message:new"] == [
        e for e in by_socket["events"] if e["event"] == "message:new"
    ]
    assert {e["event"] for e in events.json()["events"]} >= {"message:new"}


async def test_sync_returns_the_events_that_sockets_received(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    cursor = (await bob.done("sync", {}))["cursor"]
    sent = await alice.send_message(talk, "Hello")
    await bob.done("message:read", {"conversationId": talk})
    live = [await bob.next("message:new"), await bob.next("message:read:receipt")]
    answer = await bob.done("sync", {"after": cursor})
    replayed = {event["event"]: event["data"] for event in answer["events"]}
    assert [replayed["message:new"], replayed["message:read:receipt"]] == live
    assert live[0]["id"] == sent["id"]


async def test_the_state_has_the_contacts_presence(world: World) -> None:
    await world.conversation("alice", "bob")
    await world.connect("alice")
    bob = await world.connect("bob")
    state = await bob.done("sync", {})
    received = {presence["userId"]: presence["status"] for presence in state["presence"]}
    assert received[world.id_of("alice")] == "online"


async def test_events_come_with_the_presence_of_contacts_on_request(world: World) -> None:
    await world.conversation("alice", "bob")
    await world.connect("alice")
    bob = await world.connect("bob")
    after = (await bob.done("sync", {}))["cursor"]
    assert "presence" not in await bob.done("sync", {"after": after})
    answer = await bob.done("sync", {"after": after, "presence": True})
    received = {presence["userId"]: presence["status"] for presence in answer["presence"]}
    assert received[world.id_of("alice")] == "online"
    params = {"after": after, "presence": "true"}
    by_rest = await world.request("GET", "/api/v1/sync", by="bob", params=params)
    assert {presence["userId"] for presence in by_rest.json()["presence"]} == set(received)


async def test_refusals_have_a_reason(world: World) -> None:
    bob = await world.connect("bob")
    assert (await bob.refused("sync", {"after": "nonsense"}))["code"] == "invalid_request"
    other = await world.request("GET", "/api/v1/sync", by="bob", params={"after": "00000000-1"})
    assert (other.status_code, other.json()["error"]["code"]) == (410, "cursor_epoch")
