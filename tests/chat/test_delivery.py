"""Each event reaches every socket that should receive it exactly once, and no other socket."""

from __future__ import annotations

import asyncio

from talkwire.core.domain.model import LARGE_CONVERSATION
from tests.chat.conftest import World


async def _group(world: World, history: str, *names: str) -> str:
    ids = [world.id_of(name) for name in names]
    body = {"kind": "group", "memberIds": ids, "ownerId": ids[0], "history": history}
    return str((await world.service("POST", "/api/v1/conversations", body))["id"])


async def test_a_member_with_limited_history_receives_no_events_of_earlier_messages(world: World) -> None:
    talk = await _group(world, "from-join", "alice", "bob")
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    old = await alice.send_message(talk, "between the two of us")
    await alice.done("member:add", {"conversationId": talk, "userIds": [world.id_of("carol")]})
    await carol.next("member:added")
    later = await world.connect("carol")
    await alice.done("message:edit", {"messageId": old["id"], "content": "still between the two of us"})
    await alice.done("message:react", {"messageId": old["id"], "emoji": "👍"})
    await alice.done("message:pin", {"messageId": old["id"]})
    await alice.done("message:delete", {"messageId": old["id"]})
    for name in ("message:updated", "message:reaction", "message:pinned", "message:deleted"):
        await bob.next(name)
    new = await alice.send_message(talk, "for all")
    await alice.done("message:edit", {"messageId": new["id"], "content": "for all of us"})
    for device in (carol, later):
        assert (await device.next("message:updated"))["id"] == new["id"]
        about = [name for name, _ in await device.pending() if name.startswith("message:")]
        assert about == ["message:new"]


async def test_events_of_earlier_messages_are_hidden_when_members_are_read_from_the_database(world: World) -> None:
    talk = await _group(world, "from-join", "alice", "bob")
    alice = await world.connect("alice")
    old = await alice.send_message(talk, "between the two of us")
    await world.service("POST", f"/api/v1/conversations/{talk}/members", {"userIds": [world.id_of("carol")]})
    carol = await world.connect("carol")
    await alice.done("message:edit", {"messageId": old["id"], "content": "still between the two of us"})
    await alice.next("message:updated")
    assert await carol.pending() == []


async def test_in_a_large_conversation_a_receipt_is_for_the_authors_and_the_reader(world: World) -> None:
    names = ["alice", "bob", "carol", *(f"guest{number}" for number in range(LARGE_CONVERSATION - 2))]
    talk = await _group(world, "all", *names)
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    tablet = await world.connect("bob")
    deaf = await world.connect("alice")
    await deaf.done("conversation:leave", {"conversationId": talk})
    await alice.send_message(talk, "Hello")
    await bob.done("message:read", {"conversationId": talk})
    for socket in (alice, bob, tablet):
        assert (await socket.next("message:read:receipt"))["userId"] == world.id_of("bob")
    for socket in (carol, deaf):
        assert await socket.pending("message:read:receipt") == []


async def test_contacts_receive_a_changed_profile_once_for_each_socket(world: World) -> None:
    for _ in range(2):
        await world.conversation("alice", "bob")
    phone, laptop, stranger = [await world.connect(name) for name in ("bob", "bob", "carol")]
    alice = await world.connect("alice")
    await phone.done("presence:subscribe", {"userIds": [world.id_of("alice")]})
    answer = await world.request("PATCH", "/api/v1/users/me", by="alice", json={"name": "Alice B."})
    assert answer.status_code == 200, answer.text
    for socket in (alice, phone, laptop):
        notified = await socket.next("user:updated")
        assert (notified["id"], notified["name"]) == (world.id_of("alice"), "Alice B.")
        assert "email" not in notified
        assert await socket.pending("user:updated") == []
    assert await stranger.pending("user:updated") == []


async def test_a_blocked_user_does_not_receive_a_changed_profile(world: World) -> None:
    await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    answer = await world.request("PUT", f"/api/v1/users/me/blocks/{world.id_of('bob')}", by="alice")
    assert answer.status_code == 204, answer.text
    await world.request("PATCH", "/api/v1/users/me", by="alice", json={"text": "at last"})
    await alice.next("user:updated")
    assert await bob.pending("user:updated") == []


async def test_a_blocked_user_receives_no_typing_and_no_presence(world: World) -> None:
    talk = await world.conversation("alice", "bob", kind="direct")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    await world.request("PUT", f"/api/v1/users/me/blocks/{world.id_of('bob')}", by="alice")
    await bob.pending()
    bob.events.clear()
    error = await alice.refused("typing:start", {"conversationId": talk})
    assert error["code"] == "blocked"
    await alice.done("presence:set", {"status": "away"})
    assert await bob.pending("typing:user", "presence:update") == []


async def test_a_socket_that_left_a_room_receives_nothing_and_the_users_other_sockets_do(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, phone, laptop = [await world.connect(name) for name in ("alice", "bob", "bob")]
    await phone.done("conversation:leave", {"conversationId": talk})
    phone.events.clear()
    sent = await alice.send_message(talk, "Hello")
    await alice.done("typing:start", {"conversationId": talk})
    await alice.done("message:edit", {"messageId": sent["id"], "content": "Hello!"})
    await alice.done("message:react", {"messageId": sent["id"], "emoji": "👍"})
    await world.request("POST", f"/api/v1/conversations/{talk}/read", by="bob")
    await asyncio.gather(*(laptop.next(name) for name in ("message:new", "typing:user", "message:updated")))
    await laptop.next("message:read:receipt")
    received = {name for name, _ in await phone.pending()}
    assert received <= {"notification", "conversation:unread", "presence:update"}, received
