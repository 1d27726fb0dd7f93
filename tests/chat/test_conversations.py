"""Conversations and rooms: the events that sockets receive."""

from __future__ import annotations

import pytest

from tests.chat.conftest import World


async def test_a_socket_is_in_the_rooms_of_its_user_from_the_start(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await bob.send_message(conversation, "hello")
    assert (await alice.next("message:new"))["content"] == "hello"


async def test_a_conversation_made_over_rest_reaches_live_sockets_at_once(world: World) -> None:
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    body = {"kind": "group", "name": "Lunch", "memberIds": [world.id_of("bob")]}
    created = (await world.request("POST", "/api/v1/conversations", by="alice", json=body)).json()
    for client in (alice, bob):
        received = await client.next("conversation:new")
        assert (received["id"], received["name"], received["memberCount"]) == (created["id"], "Lunch", 2)
    await bob.send_message(created["id"], "noodles?")
    assert (await alice.next("message:new"))["content"] == "noodles?"
    assert await carol.pending() == []


async def test_a_conversation_made_over_a_socket_reaches_the_other_members(world: World) -> None:
    alice, bob = await world.connect("alice"), await world.connect("bob")
    payload = {"kind": "direct", "memberIds": [world.id_of("bob")]}
    conversation = (await alice.done("conversation:create", payload))["conversation"]
    assert (await bob.next("conversation:new"))["id"] == conversation["id"]
    assert (await bob.done("conversation:create", {"kind": "direct", "memberIds": [world.id_of("alice")]}))[
        "conversation"
    ]["id"] == conversation["id"]


async def test_leaving_a_room_is_for_this_socket_only(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    phone, desktop, bob = [await world.connect(name) for name in ("alice", "alice", "bob")]
    assert (await phone.done("conversation:leave", {"conversationId": conversation}))["conversationId"] == conversation
    await bob.send_message(conversation, "one")
    assert (await desktop.next("message:new"))["content"] == "one"
    assert await phone.pending("message:new") == []
    # The user is still a member and may write and join the room again.
    await phone.send_message(conversation, "two")
    assert await phone.pending("message:new") == []
    assert (await phone.done("conversation:join", {"conversationId": conversation}))["conversationId"] == conversation
    await bob.send_message(conversation, "three")
    assert (await phone.next("message:new"))["content"] == "three"


async def test_a_stranger_learns_nothing_of_a_conversation(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    mallory = await world.connect("mallory")
    for event in ("conversation:join", "conversation:leave", "typing:start", "messages:list"):
        for there in (conversation, "there-is-no-such-conversation"):
            error = await mallory.refused(event, {"conversationId": there})
            assert error == {"code": "forbidden", "message": "You have no access to this."}


async def test_a_socket_that_left_the_namespace_is_in_no_room(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    # The query delays the join until the socket has left the namespace.
    alice.start_call("messages:list", {"conversationId": conversation})
    alice.start_call("conversation:join", {"conversationId": conversation})
    await alice.connection.send("41")
    await alice.sign_in({"token": world.server.token(world.id_of("alice"))})
    await alice.next("connected")
    await alice.done("conversation:leave", {"conversationId": conversation})
    await bob.send_message(conversation, "does anyone hear this?")
    assert await alice.pending("message:new") == []


async def test_conversations_are_listed_with_the_newest_message_first(world: World) -> None:
    first, second = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    await alice.send_message(first, "up")
    page = await alice.done("conversations:list", {"limit": 1})
    assert [conversation["id"] for conversation in page["conversations"]] == [first]
    assert page["conversations"][0]["lastMessage"]["content"] == "up"
    page = await alice.done("conversations:list", {"cursor": page["cursor"]})
    assert [conversation["id"] for conversation in page["conversations"]] == [second]
    assert page.get("cursor") is None


async def test_a_change_reaches_all_members_with_the_same_payload(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob, mallory = [await world.connect(name) for name in ("alice", "bob", "mallory")]
    payload = {"conversationId": conversation, "name": "Plans", "slowModeS": 5, "metadata": {"colour": "red"}}
    changed = (await alice.done("conversation:update", payload))["conversation"]
    received = [await client.next("conversation:updated") for client in (alice, bob)]
    assert received[0] == received[1]
    for each in (changed, received[0]):
        assert (each["id"], each["name"], each["slowModeS"]) == (conversation, "Plans", 5)
        assert each["metadata"] == {"colour": "red"}
    assert not {"unreadCount", "mentionCount", "muted", "readSeq", "lastMessage"} & set(received[0])
    assert {"unreadCount", "mentionCount", "muted", "readSeq"} <= set(changed)
    assert (await bob.refused("conversation:update", payload))["code"] == "forbidden"
    assert (await mallory.refused("conversation:update", payload))["code"] == "forbidden"
    answer = await world.request("PATCH", f"/api/v1/conversations/{conversation}", by="alice", json={"name": None})
    assert answer.status_code == 200, answer.text
    assert "name" not in answer.json()
    assert [member["role"] for member in answer.json()["members"]] == ["owner", "member"]
    assert "name" not in await bob.next("conversation:updated")
    assert await mallory.pending() == []


async def test_a_topic_reaches_members_by_event_rest_and_sync(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    cursor = (await bob.done("sync", {}))["cursor"]
    path = f"/api/v1/conversations/{conversation}"
    changes = {"topic": "See https://example.com", "description": "All about it."}
    changed = await world.request("PATCH", path, by="alice", json=changes)
    assert changed.status_code == 200, changed.text
    (event,) = (await bob.done("sync", {"after": cursor}))["events"]
    (state,) = (await bob.done("sync", {}))["conversations"]
    read = (await world.request("GET", path, by="bob")).json()
    for seen in (changed.json(), await bob.next("conversation:updated"), event["data"], state, read):
        assert {name: seen[name] for name in changes} == changes
    removed = (await alice.done("conversation:update", {"conversationId": conversation, "topic": None}))["conversation"]
    assert ("topic" in removed, removed["description"]) == (False, changes["description"])
    assert (await bob.refused("conversation:update", {"conversationId": conversation, "topic": "x"}))["code"] == (
        "forbidden"
    )
    created = {"kind": "group", "memberIds": [], "name": "Plans", **changes}
    answer = await world.request("POST", "/api/v1/conversations", by="alice", json=created)
    assert answer.status_code == 201, answer.text
    assert {name: answer.json()[name] for name in changes} == changes


async def test_a_deleted_conversation_disappears_for_connected_sockets(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    assert (await bob.refused("conversation:delete", {"conversationId": conversation}))["code"] == "forbidden"
    await alice.done("conversation:delete", {"conversationId": conversation})
    for client in (alice, bob):
        assert await client.next("conversation:deleted") == {"conversationId": conversation}
        assert (await client.refused("conversation:join", {"conversationId": conversation}))["code"] == "forbidden"
        assert (await client.refused("typing:start", {"conversationId": conversation}))["code"] == "forbidden"
    answer = await world.request("GET", f"/api/v1/conversations/{conversation}", by="backend", role="service")
    assert answer.json()["error"]["code"] == "not_found"


async def test_a_list_has_unread_counts(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await alice.send_message(conversation, "one")
    await alice.send_message(conversation, "two")
    (seen,) = (await bob.done("conversations:list", {}))["conversations"]
    assert (seen["unreadCount"], seen["mentionCount"], seen["readSeq"], seen["lastSeq"]) == (2, 0, 0, 2)
    assert (seen["muted"], seen["public"], seen["history"], seen["slowModeS"]) == (False, False, "all", 0)
    (own,) = (await world.request("GET", "/api/v1/conversations", by="alice")).json()["items"]
    assert (own["unreadCount"], own["lastMessage"]["content"]) == (0, "two")


@pytest.mark.parametrize("arguments", [(), (None,), (1,), ({},), ({"x": 1}, 2)])
async def test_the_server_returns_its_time(world: World, arguments: tuple[object, ...]) -> None:
    alice = await world.connect("alice")
    assert (await alice.done("ping", *arguments))["pong"] > 1_700_000_000_000
