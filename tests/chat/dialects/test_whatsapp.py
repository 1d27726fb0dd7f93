"""The `whatsapp` dialect on a real server: events in both directions, and routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from talkwire.core.domain.events import COVERED_MESSAGES_MAX
from talkwire.core.domain.model import LARGE_CONVERSATION
from talkwire.dialects.whatsapp.vocabulary import WHATSAPP
from tests.chat.chat_client import ChatClient, Payload, Refused
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at

MESSAGES = "/api/v1/whatsapp/messages"


@pytest.fixture(scope="module")
def quick_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a short presence grace period."""
    with running_chat(tmp_path_factory.mktemp("whatsapp"), {"TALKWIRE_PRESENCE_GRACE_S": "0.3"}) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def quick(quick_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(quick_server) as world:
        yield world


async def connect(world: World, *names: str) -> list[ChatClient]:
    return [await world.connect(name, dialect=WHATSAPP) for name in names]


async def joined(world: World, conversation: str, *names: str) -> list[ChatClient]:
    """Connects sockets of these users and joins the conversation."""
    clients = await connect(world, *names)
    for client in clients:
        await client.done("conversation:join", {"conversationId": conversation})
    return clients


async def send(client: ChatClient, conversation: str, text: str) -> Payload:
    """Sends a message and returns it."""
    message = (await client.done("message:send", text_message(conversation, text)))["message"]
    assert isinstance(message, dict)
    return message


def text_message(conversation: str, text: str, **further: object) -> Payload:
    return {"conversationId": conversation, "type": "text", "content": {"text": text}, **further}


async def send_by_rest(world: World, by: str, conversation: str, text: str, **further: object) -> Payload:
    answer = await world.request("POST", MESSAGES, by=by, json=text_message(conversation, text, **further))
    assert answer.status_code == 201, answer.text
    message = answer.json()
    assert isinstance(message, dict)
    return message


async def read(world: World, by: str, conversation: str) -> None:
    """Marks a conversation as read over REST, without a socket whose heartbeats would confirm deliveries."""
    answer = await world.request("POST", f"/api/v1/whatsapp/conversations/{conversation}/read", by=by)
    assert answer.status_code == 200, answer.text


def status(world: World, message: Payload, by: str, status: str) -> Payload:
    """Returns the expected status event for a message, without its time."""
    return {
        "messageId": message["id"],
        "conversationId": message["conversationId"],
        "userId": world.id_of(by),
        "status": status,
    }


async def next_status(client: ChatClient) -> Payload:
    notified = await client.next("message:status")
    assert str(notified.pop("timestamp")).endswith("Z")
    return notified


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# --- rooms and messages ---------------------------------------------------------------------------------------------


async def test_sockets_that_have_joined_receive_messages_including_the_sender(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await joined(world, talk, "alice", "bob")
    sent = await send(alice, talk, "Hello!")
    assert sent["createdAt"].endswith("Z")
    assert {**sent, "id": "", "createdAt": ""} == {
        "id": "",
        "conversationId": talk,
        "senderId": world.id_of("alice"),
        "sender": {"id": world.id_of("alice"), "name": world.id_of("alice").title()},
        "type": "text",
        "content": {"text": "Hello!"},
        "attachments": [],
        "createdAt": "",
        "status": "sent",
    }
    assert [await client.next("message:received") for client in (alice, bob)] == [sent, sent]


async def test_sockets_that_have_not_joined_or_have_left_receive_nothing(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, bob = await joined(world, talk, "alice", "bob")
    (carol,) = await connect(world, "carol")
    answer = await bob.done("conversation:leave", {"conversationId": talk})
    assert answer == {"success": True, "conversationId": talk}
    await send(alice, talk, "Hello!")
    await alice.done("typing:start", {"conversationId": talk})
    for client in (bob, carol):
        assert await client.pending("message:received", "typing:start") == []


async def test_non_members_cannot_join_and_learn_nothing(world: World) -> None:
    talk = await world.conversation("alice")
    (bob,) = await connect(world, "bob")
    answers = [await bob.call("conversation:join", {"conversationId": id_}) for id_ in (talk, "nowhere")]
    assert answers[0] == answers[1]
    assert (answers[0]["success"], answers[0]["error"]["code"]) == (False, "forbidden")
    assert answers[0]["message"] == answers[0]["error"]["message"]


async def test_without_an_acknowledgement_a_refusal_is_an_event(world: World) -> None:
    talk = await world.conversation("alice")
    (bob,) = await connect(world, "bob")
    await bob.emit("message:send", text_message(talk, "Hello!"))
    notified = await bob.next("error")
    assert (notified["status"], notified["code"], notified["event"]) == ("error", "forbidden", "message:send")
    assert notified["message"]


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"content": 5}, "content"),
        ({"content": {"text": ""}}, "content"),
        ({"type": "sticker", "content": {"text": "x"}}, "type"),
        ({"type": "image", "content": {"caption": "x"}}, "content.url"),
        ({"type": "image", "content": {"url": "ftp://x.test/a.png"}}, "content.url"),
        ({"type": "location", "content": {"latitude": 91, "longitude": 0}}, "content.latitude"),
        ({"content": {"text": "x"}, "attachments": [{"name": "a"}]}, "attachments[0]"),
        ({"content": {"text": "x"}, "type": 5}, "type"),
    ],
)
async def test_an_invalid_message_is_refused_with_the_path(world: World, payload: Payload, path: str) -> None:
    talk = await world.conversation("alice")
    (alice,) = await connect(world, "alice")
    error = await alice.refused("message:send", {"conversationId": talk, **payload})
    assert (error["code"], error["details"][0]["path"]) == ("invalid_request", path)
    answer = await world.request("POST", MESSAGES, by="alice", json={"conversationId": talk, **payload})
    assert code(answer) == (422, "invalid_request")
    assert answer.json()["error"]["details"][0]["path"] == path


async def test_a_retry_sends_nothing_twice(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await joined(world, talk, "alice", "bob")
    payload = text_message(talk, "Hello!", clientMessageId="c-1")
    first, second = [(await alice.done("message:send", payload))["message"] for _ in range(2)]
    assert first == second
    assert first["clientMessageId"] == "c-1"
    assert (await bob.next("message:received"))["id"] == first["id"]
    assert await bob.pending("message:received") == []


async def test_messages_are_edited_reacted_to_and_deleted(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await joined(world, talk, "alice", "bob")
    sent = await send(alice, talk, "Hello!")
    edited = (await alice.done("message:edit", {"messageId": sent["id"], "content": {"text": "Hi!"}}))["message"]
    assert (edited["content"], "status" in edited) == ({"text": "Hi!"}, False)
    assert await bob.next("message:updated") == edited

    thumb = {"messageId": sent["id"], "emoji": "👍"}
    given = [{"emoji": "👍", "count": 1, "userIds": [world.id_of("bob")]}]
    assert (await bob.done("message:react", thumb))["reactions"] == given
    reacted = {**thumb, "conversationId": talk, "userId": world.id_of("bob")}
    assert await alice.next("message:reaction") == {**reacted, "action": "added", "reactions": given}
    assert (await bob.done("message:react", {**thumb, "remove": True}))["reactions"] == []
    assert await alice.next("message:reaction") == {**reacted, "action": "removed", "reactions": []}

    assert (await bob.refused("message:delete", {"messageId": sent["id"]}))["code"] == "forbidden"
    await alice.done("message:delete", {"messageId": sent["id"]})
    deleted = await bob.next("message:deleted")
    assert (deleted["messageId"], deleted["deletedBy"]) == (sent["id"], world.id_of("alice"))


async def test_an_uploaded_file_is_attached_by_its_id(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await joined(world, talk, "alice", "bob")
    form = {"file": ("a.txt", b"hello", "text/plain")}
    file = (await world.request("POST", "/api/v1/files", by="alice", files=form)).json()
    await alice.done("message:send", {"conversationId": talk, "attachments": [{"id": file["id"]}]})
    received = await bob.next("message:received")
    assert (received["type"], received["content"]) == ("document", {"text": "", "url": file["url"], "name": "a.txt"})
    assert received["attachments"][0]["url"] == file["url"]


async def test_an_uploader_receives_the_progress_of_an_upload(world: World) -> None:
    await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    tus = {"tus-resumable": "1.0.0"}
    begun = await world.request("POST", "/api/v1/files", by="alice", headers={**tus, "upload-length": "10"})
    path = begun.headers["location"]
    headers = {**tus, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
    await world.request("PATCH", path, by="alice", headers=headers, content=b"hello")
    expected = {"uploadId": path.rpartition("/")[2], "received": 5, "size": 10}
    assert await alice.next("upload:progress") == expected
    assert await bob.pending("upload:progress") == []


# --- status of a message --------------------------------------------------------------------------------------------


async def test_each_author_receives_the_status_of_each_read_message(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, carol = await joined(world, talk, "alice", "carol")
    first, second = await send(alice, talk, "1"), await send(carol, talk, "2")
    await send_by_rest(world, "bob", talk, "my own")
    third = await send(alice, talk, "3")
    await read(world, "bob", talk)
    notified = [await next_status(alice) for _ in range(2)]
    # heartbeats of carol and alice cause status events too
    while any(each["userId"] != world.id_of("bob") for each in notified):
        notified = [*(each for each in notified if each["userId"] == world.id_of("bob")), await next_status(alice)]
    assert notified == [status(world, first, "bob", "read"), status(world, third, "bob", "read")]
    of_carol = await next_status(carol)
    while of_carol["userId"] != world.id_of("bob"):
        of_carol = await next_status(carol)
    assert of_carol == status(world, second, "bob", "read")
    for client in (alice, carol):
        left = [payload for _, payload in await client.pending("message:status")]
        assert [each for each in left if each["userId"] == world.id_of("bob")] == []


async def test_reading_returns_the_number_of_unread_messages(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (alice,) = await joined(world, talk, "alice")
    (bob,) = await connect(world, "bob")
    sent = [await send(alice, talk, str(number)) for number in range(3)]
    answer = await bob.done("message:read", {"conversationId": talk, "messageId": sent[1]["id"]})
    assert answer == {"success": True, "conversationId": talk, "seq": 2, "unreadCount": 1}
    assert [await next_status(alice) for _ in range(2)] == [status(world, each, "bob", "read") for each in sent[:2]]
    await bob.done("message:read", {"conversationId": talk})
    assert await next_status(alice) == status(world, sent[2], "bob", "read")


async def test_a_client_marks_a_message_as_delivered_and_later_as_read(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (alice,) = await joined(world, talk, "alice")
    (bob,) = await connect(world, "bob")
    sent = await send(alice, talk, "Hello!")
    for _ in range(2):
        await bob.done("message:delivered", {"conversationId": talk, "messageId": sent["id"]})
    assert await next_status(alice) == status(world, sent, "bob", "delivered")
    await read(world, "bob", talk)
    assert await next_status(alice) == status(world, sent, "bob", "read")
    assert await alice.pending("message:status") == []


async def test_a_read_message_does_not_become_delivered(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (alice,) = await joined(world, talk, "alice")
    sent = await send(alice, talk, "Hello!")
    await read(world, "bob", talk)
    answer = await world.request("PATCH", f"{MESSAGES}/{sent['id']}/status", by="bob", json={"status": "delivered"})
    assert answer.json()["status"] == "read"
    assert await next_status(alice) == status(world, sent, "bob", "read")
    assert await alice.pending("message:status") == []


async def test_an_answered_heartbeat_marks_messages_as_delivered(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, _ = await joined(world, talk, "alice", "bob")
    await connect(world, "carol")  # carol has not joined, and so receives nothing
    sent = await send(alice, talk, "Hello!")
    assert await next_status(alice) == status(world, sent, "bob", "delivered")
    assert await alice.pending("message:status") == []


async def test_only_the_newest_statuses_of_many_messages_are_sent(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await joined(world, talk, "alice", "bob")
    # Bob's own messages in between do not count towards the limit.
    sent = []
    for number in range(COVERED_MESSAGES_MAX + 20):
        sent.append(await send(alice, talk, str(number)))
        if number % 3 == 0:
            await send_by_rest(world, "bob", talk, "my own")
    await bob.close()
    await read(world, "bob", talk)
    notified: list[str] = []
    while len(notified) < COVERED_MESSAGES_MAX:
        each = await next_status(alice)
        if each["status"] == "read":
            notified.append(each["messageId"])
    assert notified == [message["id"] for message in sent[-COVERED_MESSAGES_MAX:]]
    assert [p for _, p in await alice.pending("message:status") if p["status"] == "read"] == []


async def test_statuses_reach_joined_sockets_only(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (phone,) = await joined(world, talk, "alice")
    (laptop,) = await connect(world, "alice")
    await send(laptop, talk, "Hello!")
    await read(world, "bob", talk)
    await next_status(phone)
    assert await laptop.pending("message:status") == []


async def test_authors_in_a_large_conversation_receive_statuses_too(world: World) -> None:
    others = [f"user{number}" for number in range(LARGE_CONVERSATION)]
    talk = await world.conversation("alice", "bob", *others)
    alice, carol = await joined(world, talk, "alice", others[0])
    sent = await send(alice, talk, "Hello!")
    await read(world, "bob", talk)
    assert await next_status(alice) == status(world, sent, "bob", "read")
    assert await carol.pending("message:status") == []


# --- typing and presence --------------------------------------------------------------------------------------------


async def test_others_see_the_signed_in_user_typing(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await joined(world, talk, "alice", "bob")
    for name, is_typing in (("typing:start", True), ("typing:stop", False)):
        await alice.done(name, {"conversationId": talk, "userId": world.id_of("bob"), "isTyping": is_typing})
        expected = {"conversationId": talk, "userId": world.id_of("alice"), "isTyping": is_typing}
        assert await bob.next(name) == expected
    assert await alice.pending("typing:start", "typing:stop") == []


async def test_contacts_are_notified_of_online_and_after_the_grace_period_of_offline(quick: World) -> None:
    await quick.conversation("alice", "bob")
    await quick.conversation("carol")
    bob, carol = await connect(quick, "bob", "carol")
    (alice,) = await connect(quick, "alice")
    assert await bob.next("user:online") == {"userId": quick.id_of("alice")}
    messenger = await quick.connect("alice")
    await messenger.done("presence:set", {"status": "dnd", "text": "busy"})
    await messenger.close()
    await alice.close()
    assert await bob.next("user:offline") == {"userId": quick.id_of("alice")}
    assert await bob.pending("user:online", "user:offline") == []
    assert await carol.pending("user:online", "user:offline") == []


async def test_presence_of_non_contacts_can_be_subscribed_to(quick: World) -> None:
    others = [f"user{number}" for number in range(LARGE_CONVERSATION)]
    await quick.conversation("alice", "bob", *others)
    (bob,) = await connect(quick, "bob")
    answer = await bob.done("presence:subscribe", {"userIds": [quick.id_of("alice")]})
    assert [each["status"] for each in answer["presence"]] == ["offline"]
    await connect(quick, "alice")
    assert await bob.next("user:online") == {"userId": quick.id_of("alice")}


async def test_a_call_goes_to_members_whether_they_have_joined_or_not(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    call = {"conversationId": talk, "callId": (await alice.done("call:invite", {"conversationId": talk}))["callId"]}
    assert await bob.next("call:invite") == {**call, "userId": world.id_of("alice")}
    await bob.done("call:accept", call)
    await alice.next("call:accept")
    await alice.done("call:signal", {**call, "data": {"sdp": "x"}})
    assert (await bob.next("call:signal"))["data"] == {"sdp": "x"}
    await alice.done("call:hangup", call)
    assert (await bob.next("call:ended"))["reason"] == "hangup"


# --- routes ---------------------------------------------------------------------------------------------------------


async def test_a_message_sent_by_rest_is_received(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (bob,) = await joined(world, talk, "bob")
    sent = await send_by_rest(world, "alice", talk, "Hello!")
    assert sent["status"] == "sent"
    assert await bob.next("message:received") == sent


async def test_the_backend_sends_for_a_user(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (bob,) = await joined(world, talk, "bob")
    await world.service("POST", MESSAGES, text_message(talk, "Hello!", senderId=world.id_of("alice")))
    assert (await bob.next("message:received"))["senderId"] == world.id_of("alice")
    answer = await world.request(
        "POST", MESSAGES, by="bob", json=text_message(talk, "x", senderId=world.id_of("alice"))
    )
    assert code(answer) == (403, "forbidden")


async def test_a_retry_by_rest_returns_the_current_message(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    for further, headers in (({"clientMessageId": "c-1"}, {}), ({}, {"idempotency-key": "k-1"})):
        body = text_message(talk, "Hello!", **further)
        first = (await world.request("POST", MESSAGES, by="alice", json=body, headers=headers)).json()
        await read(world, "bob", talk)
        again = (await world.request("POST", MESSAGES, by="alice", json=body, headers=headers)).json()
        assert again == {**first, "status": "read"}


async def test_the_status_in_a_group_is_the_lowest_of_all_others(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    sent = await send_by_rest(world, "alice", talk, "Hello!")
    seen = []
    for by, reached in (("bob", "read"), ("carol", "delivered"), ("carol", "read")):
        path = f"{MESSAGES}/{sent['id']}/status"
        answer = await world.request("PATCH", path, by=by, json={"status": reached})
        assert answer.status_code == 200, answer.text
        seen.append(answer.json()["status"])
    assert seen == ["sent", "delivered", "read"]


async def test_a_status_set_by_rest_reaches_the_author(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    (alice,) = await joined(world, talk, "alice")
    sent = await send(alice, talk, "Hello!")
    for reached in ("delivered", "read"):
        await world.request("PATCH", f"{MESSAGES}/{sent['id']}/status", by="bob", json={"status": reached})
        assert await next_status(alice) == status(world, sent, "bob", reached)


async def test_an_invalid_status_or_a_hidden_message_is_refused(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    sent = await send_by_rest(world, "alice", talk, "Hello!")
    answer = await world.request("PATCH", f"{MESSAGES}/{sent['id']}/status", by="bob", json={"status": "sent"})
    assert code(answer) == (422, "invalid_request")
    assert answer.json()["error"]["details"][0]["path"] == "status"
    for message_id in (sent["id"], "1", "x"):
        answer = await world.request("PATCH", f"{MESSAGES}/{message_id}/status", by="mallory", json={"status": "read"})
        assert code(answer) == (403, "forbidden")


async def test_a_conversation_is_read_by_rest_up_to_a_message_or_to_its_end(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    sent = [await send_by_rest(world, "alice", talk, str(number)) for number in range(3)]
    path = f"/api/v1/whatsapp/conversations/{talk}/read"
    answer = await world.request("POST", path, by="bob", json={"messageId": sent[0]["id"]})
    assert answer.json() == {"conversationId": talk, "seq": 1, "unreadCount": 2, "mentionCount": 0}
    answer = await world.request("POST", path, by="bob")
    assert answer.json() == {"conversationId": talk, "seq": 3, "unreadCount": 0, "mentionCount": 0}
    assert code(await world.request("POST", path, by="mallory")) == (403, "forbidden")


# --- signing in -----------------------------------------------------------------------------------------------------


async def test_a_user_id_in_the_query_signs_in_only_with_development_sign_in(world: World, tmp_path: Path) -> None:
    client = await world.open({"userId": "user-123"}, dialect=WHATSAPP)
    with pytest.raises(Refused) as refused:
        await client.sign_in()
    assert refused.value.error["message"] == "Authentication failed"
    with running_chat(tmp_path, {"TALKWIRE_INSECURE_DEV_AUTH": "true"}) as server:
        async with world_at(server) as local:
            talk = await local.conversation("alice", "bob")
            client = await local.open({"userId": local.id_of("bob")}, dialect=WHATSAPP)
            await client.sign_in()
            await client.done("conversation:join", {"conversationId": talk})
            await send_by_rest(local, "alice", talk, "Hello!")
            assert (await client.next("message:received"))["content"] == {"text": "Hello!"}


async def test_a_socket_renews_its_sign_in(world: World) -> None:
    (alice,) = await connect(world, "alice")
    answer = await alice.done("auth:refresh", {"token": world.server.token(world.id_of("alice"), ttl_s=900)})
    assert answer["expiresAt"].endswith("Z")
    error = await alice.refused("auth:refresh", {"token": world.server.token(world.id_of("bob"))})
    assert error["code"] == "forbidden"
