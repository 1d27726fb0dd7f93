"""Rooms, typing, read receipts and presence in the `gateway` dialect, on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from talkwire.dialects.gateway.vocabulary import GATEWAY
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at
from tests.chat.dialects.gateway_client import arrived, bodies, connect, leave, say
from tests.chat.returner import Returner

ROOM_EVENTS = ("roomMessage", "messageUpdated", "messageDeleted", "typing", "messagesRead", "userJoined", "userLeft")


@pytest.fixture(scope="module")
def quick_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a short presence grace period."""
    with running_chat(tmp_path_factory.mktemp("gateway"), {"TALKWIRE_PRESENCE_GRACE_S": "0.3"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def quick(quick_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(quick_server) as world:
        yield world


async def joined(world: World, talk: str, *names: str) -> list[ChatClient]:
    """Connects a socket for each of these users and joins the room."""
    clients = [await connect(world, name) for name in names]
    for client in clients:
        await client.done("joinRoom", {"conversationId": talk})
        await client.next("roomJoined")
    for client in clients:
        await client.pending()
        client.events.clear()
    return clients


async def test_a_room_is_joined_and_left(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (alice,) = await joined(world, talk, "alice")
    bob = await connect(world, "bob")
    here = {"conversationId": talk}
    bobs = {**here, "userId": world.id_of("bob"), "userName": world.id_of("bob").title()}
    answer = await bob.done("joinRoom", here)
    assert answer == {"success": True, "message": f"Joined room {talk}", "data": here}
    assert await bob.next("roomJoined") == answer
    assert await alice.next("userJoined") == bobs
    answer = await bob.done("leaveRoom", here)
    assert answer == {"success": True, "message": f"Left room {talk}", "data": here}
    assert await bob.next("roomLeft") == answer
    assert await alice.next("userLeft") == bobs
    assert await bob.pending("userJoined", "userLeft") == []


async def test_events_replace_missing_acknowledgements(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    bob = await connect(world, "bob")
    here = {"conversationId": talk}
    await bob.emit("joinRoom", here)
    assert (await bob.next("roomJoined"))["data"] == here
    await bob.emit("getHistory", here)
    data = {**here, "messages": [], "hasMore": False}
    assert await bob.next("history") == {"success": True, "message": "Message history", "data": data}
    await bob.emit("getPresence", {"userIds": [world.id_of("alice")]})
    (presence,) = (await bob.next("presence"))["data"]["users"]
    assert (presence["userId"], presence["status"]) == (world.id_of("alice"), "offline")
    await bob.emit("leaveRoom", here)
    assert (await bob.next("roomLeft"))["data"] == here
    for event in ("joinRoom", "getHistory", "startTyping", "stopTyping", "markRead"):
        await bob.emit(event, {"conversationId": "nowhere"})
        assert (await bob.next("error"))["message"]


async def test_in_a_room_messages_replace_notifications(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, bob = await joined(world, talk, "alice", "bob")
    carol = await connect(world, "carol")
    await alice.done("message", {"conversationId": talk, "message": "Hello!", "clientMessageId": "c-1"})
    sent = await alice.next("roomMessage")
    assert {**sent, "id": "", "timestamp": ""} == {
        "id": "",
        "conversationId": talk,
        "senderId": world.id_of("alice"),
        "senderName": world.id_of("alice").title(),
        "message": "Hello!",
        "clientMessageId": "c-1",
        "timestamp": "",
    }
    assert await bob.next("roomMessage") == sent
    assert (await carol.next("notification"))["messageId"] == sent["id"]
    assert await bob.pending("notification") == []
    assert await carol.pending(*ROOM_EVENTS) == []
    await bob.done("leaveRoom", {"conversationId": talk})
    await say(world, "alice", talk, "Again")
    assert (await bob.next("notification"))["body"] == "Again"
    assert await bob.pending("roomMessage") == []


async def test_edits_and_deletions_are_sent_to_a_room(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (bob,) = await joined(world, talk, "bob")
    message_id = await say(world, "alice", talk, "Hello!")
    path = f"/api/v1/messages/{message_id}"
    assert (await world.request("PATCH", path, by="alice", json={"content": "Hi!"})).is_success
    updated = await bob.next("messageUpdated")
    assert (updated["id"], updated["message"]) == (message_id, "Hi!")
    assert updated["updatedAt"].endswith("Z")
    assert (await world.request("DELETE", path, by="alice")).is_success
    deleted = await bob.next("messageDeleted")
    assert (deleted["conversationId"], deleted["messageId"]) == (talk, message_id)
    (shown,) = (await bob.done("getHistory", {"conversationId": talk}))["data"]["messages"]
    assert (shown["message"], shown["deletedAt"]) == ("", deleted["timestamp"])


async def test_the_history_of_a_room_comes_in_pages(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    ids = [await say(world, "alice", talk, str(number)) for number in range(5)]
    bob = await connect(world, "bob")
    here = {"conversationId": talk, "limit": 2}
    newest = (await bob.done("getHistory", here))["data"]
    assert ([each["id"] for each in newest["messages"]], newest["hasMore"]) == (ids[3:], True)
    assert (await bob.next("history"))["data"] == {**newest, "conversationId": talk}
    before = (await bob.done("getHistory", {**here, "before": ids[3], "limit": 50}))["data"]
    assert ([each["id"] for each in before["messages"]], before["hasMore"]) == (ids[:3], False)
    after = (await bob.done("getHistory", {**here, "after": ids[0]}))["data"]
    assert [each["id"] for each in after["messages"]] == ids[1:3]
    around = (await bob.done("getHistory", {**here, "around": ids[2]}))["data"]
    assert ids[2] in [each["id"] for each in around["messages"]]


async def test_typing_is_sent_to_the_others_in_the_room(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, bob = await joined(world, talk, "alice", "bob")
    carol = await connect(world, "carol")
    here = {"conversationId": talk}
    typing = {**here, "userId": world.id_of("alice"), "userName": world.id_of("alice").title(), "isTyping": True}
    assert await alice.done("startTyping", here) == {"success": True, "message": "Typing status sent"}
    assert await bob.next("typing") == typing
    await alice.done("stopTyping", here)
    assert await bob.next("typing") == {**typing, "isTyping": False}
    assert await alice.pending("typing") == await carol.pending("typing") == []


async def test_reading_is_acknowledged_and_sent_to_the_room(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await joined(world, talk, "alice", "bob")
    first, second = [await say(world, "alice", talk, text) for text in ("One", "Two")]
    here: Payload = {"conversationId": talk}
    answer = await bob.done("markRead", {**here, "messageId": first})
    assert answer["data"] == {**here, "unreadCount": 1}
    assert answer["message"] == "Messages marked as read"
    read = await alice.next("messagesRead")
    assert {**read, "timestamp": ""} == {**here, "userId": world.id_of("bob"), "messageId": first, "timestamp": ""}
    assert read["timestamp"].endswith("Z")
    assert (await bob.done("markRead", here))["data"]["unreadCount"] == 0
    assert (await alice.next("messagesRead"))["messageId"] == second
    assert await bob.pending("messagesRead") == []


async def test_contacts_are_online_and_offline(quick: World) -> None:
    await quick.conversation("alice", "bob")
    alice = await connect(quick, "alice")
    bob_id = quick.id_of("bob")
    bob = await connect(quick, "bob")
    assert await alice.next("userOnline") == {"userId": bob_id, "status": "online"}
    asked = {"userIds": [bob_id, quick.id_of("stranger")]}
    answer = await alice.done("getPresence", asked)
    (presence,) = answer["data"]["users"]
    assert (presence["userId"], presence["status"], presence["lastSeenAt"]) == (bob_id, "online", None)
    assert await alice.next("presence") == answer
    await bob.close()
    offline = await alice.next("userOffline")
    assert offline["userId"] == bob_id
    assert offline["lastSeenAt"].endswith("Z")
    (presence,) = (await alice.done("getPresence", asked))["data"]["users"]
    assert (presence["status"], presence["lastSeenAt"]) == ("offline", offline["lastSeenAt"])


@pytest.mark.parametrize("event", ["joinRoom", "getHistory", "startTyping", "stopTyping", "markRead", "message"])
async def test_non_members_are_refused_and_learn_nothing(world: World, event: str) -> None:
    talk = await world.conversation("alice")
    bob = await connect(world, "bob")
    answers = [
        await bob.call(event, {"conversationId": conversation, "message": "Hello!"}) for conversation in (talk, "none")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["error"]["code"] == "forbidden"
    assert answers[0]["message"] == answers[0]["error"]["message"]


@pytest.mark.parametrize(
    ("event", "payload", "path"),
    [
        ("joinRoom", {}, "conversationId"),
        ("getHistory", {"conversationId": 5}, "conversationId"),
        ("getHistory", {"conversationId": "c", "limit": "many"}, "limit"),
        ("startTyping", None, "conversationId"),
        ("getPresence", {"userIds": "bob"}, "userIds"),
    ],
)
async def test_an_invalid_payload_is_refused_with_its_path(
    world: World, event: str, payload: Payload | None, path: str
) -> None:
    bob = await connect(world, "bob")
    error = await bob.refused(event, payload)
    assert (error["code"], error["details"][0]["path"]) == ("invalid_request", path)


async def test_messages_received_in_a_room_are_not_missed(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (bob,) = await joined(world, talk, "bob")
    message_id = ""
    for text in ("One", "Two"):
        message_id = await say(world, "alice", talk, text)
        await bob.next("roomMessage")
    await arrived(world, "bob", message_id)
    await leave(world, bob, "bob")
    await say(world, "alice", talk, "Three")
    again = await connect(world, "bob")
    assert await bodies(again, 1) == ["Three"]
    assert await again.pending("notification") == []


async def test_joining_a_room_immediately_delivers_each_message_once(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    missed = [await say(world, "alice", talk, f"missed {number}") for number in range(120)]
    bob = await connect(world, "bob")
    await bob.done("joinRoom", {"conversationId": talk})
    live = [await say(world, "alice", talk, f"live {number}") for number in range(5)]
    received = [(await bob.next("notification"))["messageId"] for _ in missed]
    assert received == missed
    assert [(await bob.next("roomMessage"))["id"] for _ in live] == live
    assert await bob.pending("notification", "roomMessage") == []


async def test_a_recovered_socket_is_in_its_rooms_again(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    bob = Returner(world, "bob", GATEWAY)
    await bob.come()
    await bob.socket.done("joinRoom", {"conversationId": talk})
    await say(world, "alice", talk, "One")
    await bob.socket.next("roomMessage")
    await bob.cut()
    await say(world, "alice", talk, "Two")
    assert await bob.come()
    await say(world, "alice", talk, "Three")
    assert (await bob.socket.next("roomMessage"))["message"] == "Two"
    assert (await bob.socket.next("roomMessage"))["message"] == "Three"
    assert await bob.socket.pending("notification") == []


async def test_a_removed_member_leaves_the_room(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await joined(world, talk, "alice", "bob")
    path = f"/api/v1/conversations/{talk}/members/{world.id_of('bob')}"
    assert (await world.request("DELETE", path, by="alice")).is_success
    await alice.next("userLeft")
    await say(world, "alice", talk, "Alone")
    assert (await alice.next("roomMessage"))["message"] == "Alone"
    assert await bob.pending("roomMessage", "notification") == []
