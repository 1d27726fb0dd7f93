"""The `talks` dialect on a real server: events in both directions, and routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from talkwire.dialects.talks.vocabulary import TALKS
from tests.chat.chat_client import ChatClient, Payload
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at

BICYCLE = {"title": "A bicycle", "amount": 12_000, "currency": "EUR"}


@pytest.fixture(scope="module")
def quick_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a short presence grace period and short ringing."""
    settings = {"TALKWIRE_PRESENCE_GRACE_S": "0.3", "TALKWIRE_CALL_RING_S": "0.5"}
    with running_chat(tmp_path_factory.mktemp("talks"), settings) as server:
        yield server
        assert server.logged_errors() == []


@pytest.fixture
async def quick(quick_server: ServerProcess) -> AsyncIterator[World]:
    async with world_at(quick_server) as world:
        yield world


async def connect(world: World, *names: str) -> list[ChatClient]:
    return [await world.connect(name, dialect=TALKS) for name in names]


async def join(conversation: str, *clients: ChatClient) -> None:
    for client in clients:
        await client.done("join-conversation", {"conversationId": conversation})


def person(world: World, name: str) -> Payload:
    return {"id": world.id_of(name), "username": world.id_of(name).title(), "avatar": None}


def in_room(world: World, name: str, conversation: str) -> Payload:
    user = person(world, name)
    return {"userId": user["id"], "username": user["username"], "conversationId": conversation}


async def offer_by(world: World, name: str, conversation: str) -> Payload:
    answer = await world.request("POST", f"/api/v1/talks/{conversation}/offers", by=name, json=BICYCLE)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert isinstance(made, dict)
    return made


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# --- rooms ----------------------------------------------------------------------------------------------------------


async def test_a_socket_receives_the_welcome_event(world: World) -> None:
    client = await world.open(dialect=TALKS)
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    greeting = await client.next("connected")
    assert greeting["userId"] == world.id_of("alice")
    assert greeting["message"]


async def test_a_client_of_the_root_namespace_may_select_the_dialect(world: World) -> None:
    client = await world.open({"dialect": "talks"}, dialect=TALKS, namespace="/")
    await client.sign_in({"token": world.server.token(world.id_of("alice"))})
    assert (await client.next("connected"))["userId"] == world.id_of("alice")
    conversation = await world.conversation("alice")
    await join(conversation, client)


async def test_joining_and_leaving_are_acknowledged_and_sent_to_the_others(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, alice)
    for event, received in (("join-conversation", "user-joined"), ("leave-conversation", "user-left")):
        answer = await bob.done(event, {"conversationId": conversation})
        assert isinstance(answer.pop("message"), str)
        assert answer == {"success": True, "conversationId": conversation}
        assert await alice.next(received) == in_room(world, "bob", conversation)
    assert await bob.pending("user-joined", "user-left") == []


async def test_only_the_first_and_last_socket_of_a_user_cause_events(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, phone, laptop = await connect(world, "alice", "bob", "bob")
    await join(conversation, alice, phone)
    assert await alice.next("user-joined") == in_room(world, "bob", conversation)
    await join(conversation, laptop)
    await phone.done("leave-conversation", {"conversationId": conversation})
    assert await alice.pending("user-joined", "user-left") == []
    await laptop.close()
    assert await alice.next("user-left") == in_room(world, "bob", conversation)


async def test_a_removed_member_has_left_the_room(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, alice, bob)
    await world.service("DELETE", f"/api/v1/conversations/{conversation}/members/{world.id_of('bob')}")
    assert await alice.next("user-left") == in_room(world, "bob", conversation)
    await alice.done("message", {"conversationId": conversation, "content": "Hello!"})
    assert await bob.pending("message", "new-message") == []
    assert (await bob.refused("join-conversation", {"conversationId": conversation}))["code"] == "forbidden"


async def test_a_non_member_is_refused(world: World) -> None:
    conversation = await world.conversation("alice")
    sent = await world.service(
        "POST",
        f"/api/v1/talks/{conversation}/message",
        {"content": "Hello!", "senderId": world.id_of("alice")},
    )
    offer = await offer_by(world, "alice", conversation)
    (mallory,) = await connect(world, "mallory")
    here = {"conversationId": conversation}
    message = {"messageId": sent["id"]}
    for event, payload in (
        ("join-conversation", here),
        ("leave-conversation", here),
        ("message", {**here, "content": "Hello!"}),
        ("typing", {**here, "isTyping": True}),
        ("read", here),
        ("delivered", here),
        ("offer-update", {**here, "offerId": offer["id"], "status": "accepted"}),
        ("edit-message", {**message, "content": "Hi!"}),
        ("delete-message", message),
        ("react", {**message, "emoji": "👍"}),
        ("call-invite", here),
    ):
        answer = await mallory.call(event, payload)
        assert (answer["success"], answer["error"]["code"]) == (False, "forbidden"), event
        assert answer["message"] == answer["error"]["message"]
        ghostly = {**payload, **({"conversationId": "nowhere"} if "conversationId" in payload else {"messageId": "1"})}
        assert await mallory.call(event, ghostly) == answer, event


# --- messages -------------------------------------------------------------------------------------------------------


async def test_a_message_reaches_the_room_including_its_sender(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, alice, bob)
    sent = (await alice.done("message", {"conversationId": conversation, "content": "Hello!"}))["message"]
    assert sent == {
        "id": sent["id"],
        "conversationId": conversation,
        "userId": world.id_of("alice"),
        "user": person(world, "alice"),
        "content": "Hello!",
        "attachments": [],
        "createdAt": sent["createdAt"],
    }
    for client in (alice, bob):
        assert await client.next("message") == sent
        assert await client.pending("message", "new-message") == []


async def test_a_socket_that_has_not_joined_receives_only_new_message_and_new_offer(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, tablet, bob = await connect(world, "alice", "alice", "bob")
    await join(conversation, alice)
    here = {"conversationId": conversation}
    sent = (await alice.done("message", {**here, "content": "Hello!"}))["message"]
    await alice.done("edit-message", {"messageId": sent["id"], "content": "Hi!"})
    await alice.done("react", {"messageId": sent["id"], "emoji": "👍"})
    await alice.done("typing", {**here, "isTyping": True})
    await alice.done("read", here)
    await alice.done("delete-message", {"messageId": sent["id"]})
    offer = await offer_by(world, "alice", conversation)
    await alice.done("offer-update", {**here, "offerId": offer["id"], "status": "withdrawn"})
    note = {member: sent[member] for member in ("id", "content", "user", "createdAt")}
    assert await bob.next("new-message") == {**here, "message": note}
    assert await bob.next("new-offer") == {**here, "offerId": offer["id"], "offer": offer}
    assert [name for name, _ in await bob.pending() if name != "user-online"] == []
    assert [name for name, _ in await tablet.pending() if name != "user-online"] == []


async def test_events_of_conversations_joined_later_arrive_too(world: World) -> None:
    alice, bob = await connect(world, "alice", "bob")
    conversation = await world.conversation("alice", "bob")
    await alice.done("message", {"conversationId": conversation, "content": "one"})
    assert (await bob.next("new-message"))["message"]["content"] == "one"
    await join(conversation, bob)
    await alice.done("message", {"conversationId": conversation, "content": "two"})
    assert (await bob.next("message"))["content"] == "two"
    await bob.done("leave-conversation", {"conversationId": conversation})
    await alice.done("message", {"conversationId": conversation, "content": "three"})
    assert (await bob.next("new-message"))["message"]["content"] == "three"
    assert await bob.pending("message", "new-message") == []


async def test_a_retry_returns_the_first_message_and_is_sent_once(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, bob)
    payload = {"conversationId": conversation, "content": "Hello!", "clientMessageId": "c-1"}
    first = await alice.done("message", payload)
    assert first["message"]["clientMessageId"] == "c-1"
    assert await alice.done("message", payload) == first
    assert (await alice.refused("message", {**payload, "content": "Bye!"}))["code"] == "conflict"
    assert [payload["id"] for _, payload in await bob.pending("message")] == [first["message"]["id"]]


async def test_attachments_are_addresses_of_uploaded_or_external_files(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, bob)
    form = {"file": ("a.txt", b"hello", "text/plain")}
    file = (await world.request("POST", "/api/v1/files", by="alice", files=form)).json()
    urls = [file["url"], "https://example.com/b.png"]
    payload = {"conversationId": conversation, "attachments": urls}
    sent = (await alice.done("message", payload))["message"]
    assert (sent["attachments"], sent["content"]) == (urls, "")
    assert (await bob.next("message"))["attachments"] == urls
    assert (await world.request("GET", file["url"], by="bob")).content == b"hello"
    assert (await world.request("GET", file["url"], by="mallory")).status_code == 403
    assert (await bob.refused("message", payload))["code"] == "forbidden"
    bad = await alice.refused("message", {**payload, "attachments": ["javascript:alert(1)"]})
    assert (bad["code"], bad["details"][0]["path"]) == ("invalid_request", "attachments[0].url")


async def test_edits_reactions_and_deletions_reach_everyone(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, alice, bob)
    sent = (await alice.done("message", {"conversationId": conversation, "content": "Hello!"}))["message"]
    message = {"messageId": sent["id"]}
    edited = (await alice.done("edit-message", {**message, "content": "Hi!"}))["message"]
    assert edited == {**sent, "content": "Hi!", "editedAt": edited["editedAt"]}
    thumbs = [{"emoji": "👍", "count": 1, "userIds": [world.id_of("bob")]}]
    assert (await bob.done("react", {**message, "emoji": "👍"}))["reactions"] == thumbs
    assert (await bob.done("react", {**message, "emoji": "👍", "remove": True}))["reactions"] == []
    await alice.done("delete-message", message)
    reaction = {**message, "conversationId": conversation, "userId": world.id_of("bob"), "emoji": "👍"}
    for client in (alice, bob):
        assert await client.next("message-updated") == edited
        assert await client.next("reaction") == {**reaction, "action": "added", "reactions": thumbs}
        assert await client.next("reaction") == {**reaction, "action": "removed", "reactions": []}
        deleted = await client.next("message-deleted")
        assert deleted == {
            **message,
            "conversationId": conversation,
            "deletedBy": world.id_of("alice"),
            "deletedAt": deleted["deletedAt"],
        }
    assert (await bob.refused("edit-message", {**message, "content": "Mine"}))["code"] == "forbidden"


async def test_a_missing_or_invalid_member_is_named(world: World) -> None:
    conversation = await world.conversation("alice")
    (alice,) = await connect(world, "alice")
    for event, payload, path in (
        ("join-conversation", {}, "conversationId"),
        ("message", {"content": "Hello!"}, "conversationId"),
        ("message", {"conversationId": conversation}, "content"),
        ("message", {"conversationId": conversation, "content": 5}, "content"),
        ("typing", {"conversationId": conversation}, "isTyping"),
        ("typing", {"conversationId": conversation, "isTyping": "yes"}, "isTyping"),
        ("offer-update", {"conversationId": conversation, "offerId": "1"}, "status"),
        ("offer-update", {"conversationId": conversation, "offerId": "1", "status": "sold"}, "status"),
        ("edit-message", {"messageId": "1"}, "content"),
        ("react", {"messageId": "1"}, "emoji"),
    ):
        answer = await alice.call(event, payload)
        assert answer["success"] is False
        error = answer["error"]
        assert (error["code"], error["details"][0]["path"], answer["message"]) == (
            "invalid_request",
            path,
            error["message"],
        )
        await alice.emit(event, payload)
        assert await alice.next("exception") == {"status": "error", "message": error["message"]}
    assert (await alice.refused("no-such-event"))["code"] == "invalid_request"


# --- receipts, typing -----------------------------------------------------------------------------------------------


async def test_a_read_receipt_is_sent_to_the_other_members(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob, tablet = await connect(world, "alice", "bob", "bob")
    await join(conversation, alice, bob, tablet)
    here = {"conversationId": conversation}
    sent = (await alice.done("message", {**here, "content": "Hello!"}))["message"]
    for event, time in (("delivered", "deliveredAt"), ("read", "readAt")):
        answer = await bob.done(event, here)
        assert isinstance(answer.pop("message"), str)
        assert answer == {"success": True}
        received = await alice.next(event)
        assert received == {**here, "userId": world.id_of("bob"), "messageId": sent["id"], time: received[time]}
    assert await bob.pending("read", "delivered") == []
    assert await tablet.pending("read", "delivered") == []


async def test_messages_are_read_up_to_the_named_one(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, alice)
    here = {"conversationId": conversation}
    first, _ = [(await alice.done("message", {**here, "content": text}))["message"] for text in ("one", "two")]
    await bob.done("read", {**here, "messageId": first["id"]})
    assert (await alice.next("read"))["messageId"] == first["id"]
    talk = (await world.request("GET", f"/api/v1/talks/{conversation}", by="bob")).json()
    assert talk["unreadCount"] == 1


async def test_typing_reaches_the_others_in_the_room(world: World) -> None:
    conversation = await world.conversation("alice", "bob", "carol")
    alice, bob, carol = await connect(world, "alice", "bob", "carol")
    await join(conversation, alice, bob)
    for is_typing in (True, False):
        answer = await bob.done("typing", {"conversationId": conversation, "isTyping": is_typing})
        assert answer == {"success": True}
        assert await alice.next("typing") == {**in_room(world, "bob", conversation), "isTyping": is_typing}
    for client in (bob, carol):
        assert await client.pending("typing") == []


# --- offers ---------------------------------------------------------------------------------------------------------


async def test_an_offer_is_made_over_rest_and_accepted_over_a_socket(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, phone, bob = await connect(world, "alice", "alice", "bob")
    await join(conversation, alice, bob)
    offer = await offer_by(world, "alice", conversation)
    about = {"offerId": offer["id"], "conversationId": conversation}
    assert (offer["amount"], offer["authorId"], offer["status"]) == (12_000, world.id_of("alice"), "pending")
    for client in (alice, bob):
        assert await client.next("offer-created") == {**about, "offer": offer, "createdAt": offer["createdAt"]}
    answer = await bob.done("offer-update", {**about, "status": "accepted"})
    assert isinstance(answer.pop("message"), str)
    assert answer == {"success": True}
    received = await bob.next("offer-update")
    accepted = received["offer"]
    assert received == {**about, "status": "accepted", "offer": accepted, "updatedAt": accepted["updatedAt"]}
    assert accepted["status"] == "accepted"
    assert await alice.next("offer-update") == received
    for client in (alice, phone):
        assert await client.next("offer-accepted") == {**about, "offer": accepted}
    assert await bob.pending("offer-accepted", "new-offer") == []
    assert await phone.pending("offer-update", "offer-created", "new-offer") == []
    again = await bob.refused("offer-update", {**about, "status": "rejected"})
    assert (again["code"], again["details"]) == ("conflict", {"status": "accepted"})


async def test_an_offer_is_accepted_over_rest(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    (alice,) = await connect(world, "alice")
    offer = await offer_by(world, "alice", conversation)
    answer = await world.request("PATCH", f"/api/v1/offers/{offer['id']}", by="bob", json={"status": "accepted"})
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert (await alice.next("offer-accepted"))["offer"] == answer.json()


async def test_a_decision_over_rest_is_announced_again_over_the_socket(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, alice, bob)
    offer = await offer_by(world, "alice", conversation)
    path, decision = f"/api/v1/offers/{offer['id']}", {"status": "accepted"}
    first = await world.request("PATCH", path, by="bob", json=decision)
    assert first.status_code == 200, first.text
    announcement = {"conversationId": conversation, "offerId": offer["id"], "status": "accepted"}
    answers = [await bob.done("offer-update", announcement) for _ in range(2)]
    assert answers == [{"success": True, "message": "Offer updated"}] * 2
    again = await world.request("PATCH", path, by="bob", json=decision)
    accepted = await world.request("POST", f"{path}/accept", by="bob")
    assert again.json() == accepted.json() == first.json()
    assert [name for name, _ in await alice.pending("offer-update", "offer-accepted")] == [
        "offer-update",
        "offer-accepted",
    ]
    assert (await bob.refused("offer-update", {**announcement, "status": "rejected"}))["code"] == "conflict"


async def test_one_decision_sent_many_times_at_once_is_carried_out_once(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob, phone = await connect(world, "alice", "bob", "bob")
    await join(conversation, alice, bob)
    offer = await offer_by(world, "alice", conversation)
    decision = {"conversationId": conversation, "offerId": offer["id"], "status": "rejected"}
    calls = [client.start_call("offer-update", decision) for client in (bob, phone) for _ in range(10)]
    assert all(answer["success"] for answer in await asyncio.gather(*calls))
    assert len(await alice.pending("offer-update")) == 1


async def test_the_offer_of_a_removed_author_cannot_be_accepted_and_they_learn_nothing_of_it(world: World) -> None:
    conversation = await world.conversation("bob", "alice")
    alice, bob = await connect(world, "alice", "bob")
    offer = await offer_by(world, "alice", conversation)
    await world.service("DELETE", f"/api/v1/conversations/{conversation}/members/{world.id_of('alice')}")
    decision = {"conversationId": conversation, "offerId": offer["id"]}
    assert (await bob.refused("offer-update", {**decision, "status": "accepted"}))["code"] == "conflict"
    await bob.done("offer-update", {**decision, "status": "rejected"})
    assert await alice.pending("offer-accepted", "offer-update") == []


async def test_an_offer_belongs_to_the_conversation_that_is_named(world: World) -> None:
    here, elsewhere = await world.conversation("alice", "bob"), await world.conversation("alice", "bob")
    (bob,) = await connect(world, "bob")
    offer = await offer_by(world, "alice", here)
    wrong = {"conversationId": elsewhere, "offerId": offer["id"], "status": "accepted"}
    assert (await bob.refused("offer-update", wrong))["code"] == "forbidden"
    assert (await world.request("GET", f"/api/v1/offers/{offer['id']}", by="bob")).json()["status"] == "pending"


# --- presence, uploads, calls, the sign-in --------------------------------------------------------------------------


async def test_contacts_are_notified_of_online_and_offline(quick: World) -> None:
    await quick.conversation("alice", "bob", kind="direct")
    (alice,) = await connect(quick, "alice")
    (bob,) = await connect(quick, "bob")
    assert await alice.next("user-online") == {"userId": quick.id_of("bob"), "status": "online"}
    (found,) = (await alice.done("presence", {"userIds": [quick.id_of("bob"), "stranger"]}))["presence"]
    assert (found["userId"], found["status"]) == (quick.id_of("bob"), "online")
    await bob.close()
    gone = await alice.next("user-offline")
    assert gone == {"userId": quick.id_of("bob"), "lastSeenAt": gone["lastSeenAt"]}
    assert gone["lastSeenAt"] is not None
    assert await alice.pending("user-online") == []


async def test_an_upload_s_progress_is_for_the_uploader(world: World) -> None:
    await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    tus = {"tus-resumable": "1.0.0"}
    begun = await world.request("POST", "/api/v1/files", by="alice", headers={**tus, "upload-length": "10"})
    path = begun.headers["location"]
    headers = {**tus, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
    await world.request("PATCH", path, by="alice", headers=headers, content=b"hello")
    expected = {"uploadId": path.rpartition("/")[2], "received": 5, "size": 10}
    assert await alice.next("upload-progress") == expected
    assert await bob.pending("upload-progress") == []


async def test_a_call_from_the_invitation_to_the_end(world: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    alice, bob = await connect(world, "alice", "bob")
    invited = await alice.done("call-invite", {"conversationId": conversation, "data": {"video": True}})
    call = {"conversationId": conversation, "callId": invited["callId"]}
    from_alice, from_bob = ({**call, "userId": world.id_of(name)} for name in ("alice", "bob"))
    assert await bob.next("call-invite") == {**from_alice, "data": {"video": True}}
    await bob.done("call-accept", call)
    assert await alice.next("call-accept") == from_bob
    await bob.done("call-signal", {**call, "data": {"sdp": "answer"}})
    assert await alice.next("call-signal") == {**from_bob, "data": {"sdp": "answer"}}
    await alice.done("call-end", call)
    assert await bob.next("call-end") == from_alice
    for client in (alice, bob):
        assert await client.next("call-ended") == {**call, "reason": "hangup"}


async def test_a_call_that_is_declined_or_not_answered_ends(world: World, quick: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    alice, bob = await connect(world, "alice", "bob")
    call = {"conversationId": conversation, "callId": "first"}
    await alice.done("call-invite", call)
    await bob.next("call-invite")
    await bob.done("call-reject", call)
    assert (await alice.next("call-reject"))["userId"] == world.id_of("bob")
    assert (await alice.next("call-ended"))["reason"] == "rejected"
    conversation = await quick.conversation("alice", "bob", kind="direct")
    alice, bob = await connect(quick, "alice", "bob")
    await alice.done("call-invite", {"conversationId": conversation, "callId": "second"})
    for client in (alice, bob):
        ended = await client.next("call-ended")
        assert (ended["callId"], ended["reason"]) == ("second", "timeout")


async def test_a_newer_token_replaces_the_current_one(world: World) -> None:
    (alice,) = await connect(world, "alice")
    renewed = await alice.done("auth:refresh", {"token": world.server.token(world.id_of("alice"), ttl_s=6000)})
    assert renewed["expiresAt"] is not None
    refused = await alice.refused("auth:refresh", {"token": world.server.token(world.id_of("bob"))})
    assert refused["code"] == "forbidden"


async def test_a_socket_receives_the_reason_before_it_is_closed(world: World) -> None:
    (alice,) = await connect(world, "alice")
    await world.request("PUT", f"/api/v1/users/{world.id_of('alice')}/ban", by="root", role="admin")
    assert await alice.next("session-ending") == {"reason": "banned", "reconnect": False}
    await alice.wait_disconnected()


# --- REST -----------------------------------------------------------------------------------------------------------


async def test_a_talk_of_two_is_opened_once(world: World) -> None:
    for name in ("alice", "bob"):
        await world.request("GET", "/api/v1/users/me", by=name)
    body = {"receiverId": world.id_of("bob")}
    opened = await world.request("POST", "/api/v1/talks", by="alice", json=body)
    assert opened.status_code == 201
    talk = opened.json()
    assert talk == {
        "id": talk["id"],
        "kind": "direct",
        "name": person(world, "bob")["username"],
        "avatar": None,
        "participantCount": 2,
        "participants": [person(world, "alice"), person(world, "bob")],
        "lastMessage": None,
        "unreadCount": 0,
        "createdAt": talk["createdAt"],
        "updatedAt": talk["updatedAt"],
    }
    again = await world.request("POST", "/api/v1/talks", by="bob", json={"receiverId": world.id_of("alice")})
    assert again.json()["id"] == talk["id"]


async def test_the_backend_opens_talks_for_others_under_ids_of_its_own(world: World) -> None:
    id_ = world.id_of("talk-x")
    body = {"id": id_, "senderId": world.id_of("alice"), "receiverId": world.id_of("bob")}
    talk = await world.service("POST", "/api/v1/talks", body)
    assert (talk["id"], [each["id"] for each in talk["participants"]]) == (id_, [body["senderId"], body["receiverId"]])
    group = await world.service(
        "POST", "/api/v1/talks", {"participantIds": [body["receiverId"], body["senderId"]], "name": "Two"}
    )
    assert (group["kind"], group["name"], group["participantCount"]) == ("group", "Two", 2)


async def test_a_group_is_opened_by_its_participants(world: World) -> None:
    for name in ("alice", "bob", "carol"):
        await world.request("GET", "/api/v1/users/me", by=name)
    body = {"participantIds": [world.id_of("bob"), world.id_of("carol")], "name": "Garden"}
    talk = (await world.request("POST", "/api/v1/talks", by="alice", json=body)).json()
    assert (talk["kind"], talk["name"]) == ("group", "Garden")
    assert [each["id"] for each in talk["participants"]] == [world.id_of(name) for name in ("alice", "bob", "carol")]


async def test_an_invalid_talk_is_refused_with_the_bodys_member_names(world: World) -> None:
    async def path_of(body: Payload, role: str | None = None) -> str:
        answer = await world.request("POST", "/api/v1/talks", by="alice", role=role, json=body)
        assert code(answer) == (422, "invalid_request"), answer.text
        return str(answer.json()["error"]["details"][0]["path"])

    assert await path_of({}) == "receiverId"
    assert await path_of({"receiverId": "x", "participantIds": ["y"]}) == "receiverId"
    assert await path_of({"receiverId": world.id_of("nobody")}) == "receiverId"
    assert await path_of({"receiverId": world.id_of("alice")}) == "receiverId"
    assert await path_of({"receiverId": "a b"}) == "receiverId"
    assert await path_of({"participantIds": [world.id_of("alice"), world.id_of("nobody")]}) == "participantIds[1]"
    assert await path_of({"receiverId": "x"}, "service") == "senderId"
    assert await path_of({"receiverId": "x", "senderId": "a b"}, "service") == "senderId"
    named = {"receiverId": world.id_of("alice"), "id": "mine"}
    assert code(await world.request("POST", "/api/v1/talks", by="alice", json=named)) == (403, "forbidden")


async def test_no_user_opens_a_talk_for_another(world: World) -> None:
    for name in ("bob", "carol"):
        await world.request("GET", "/api/v1/users/me", by=name)
    body = {"senderId": world.id_of("bob"), "receiverId": world.id_of("carol")}
    assert code(await world.request("POST", "/api/v1/talks", by="alice", json=body)) == (403, "forbidden")


async def test_talks_are_listed_with_all_members(world: World) -> None:
    pair = await world.conversation("alice", "bob", kind="direct")
    group = await world.conversation("bob", "alice", "carol")
    crowd = await world.conversation("bob", "alice", *(f"guest{number}" for number in range(20)))
    (alice,) = await connect(world, "alice")
    for conversation in (crowd, group, pair):
        await alice.done("message", {"conversationId": conversation, "content": f"In {conversation}"})
    answer = (await world.request("GET", "/api/v1/talks", by="bob")).json()
    assert answer["next"] is None
    found = {talk["id"]: talk for talk in answer["items"]}
    assert list(found) == [pair, group, crowd]
    assert {each["id"] for each in found[pair]["participants"]} == {world.id_of("alice"), world.id_of("bob")}
    assert found[pair]["name"] == person(world, "alice")["username"]
    assert found[pair]["lastMessage"]["content"] == f"In {pair}"
    assert found[pair]["unreadCount"] == 1
    assert len(found[group]["participants"]) == 3
    assert "participants" not in found[crowd]
    assert found[crowd]["participantCount"] == 22
    first = (await world.request("GET", "/api/v1/talks?limit=2", by="bob")).json()
    assert [talk["id"] for talk in first["items"]] == [pair, group]
    second = (await world.request("GET", f"/api/v1/talks?limit=2&cursor={first['next']}", by="bob")).json()
    assert [talk["id"] for talk in second["items"]] == [crowd]
    one = (await world.request("GET", f"/api/v1/talks/{crowd}", by="bob")).json()
    assert len(one["participants"]) == 22


async def test_a_message_over_rest_reaches_the_sockets_and_is_listed(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await connect(world, "alice", "bob")
    await join(conversation, bob)
    path = f"/api/v1/talks/{conversation}"
    body = {"content": "Hello!", "attachments": ["https://example.com/a.png"]}
    headers = {"Idempotency-Key": "k-1"}
    answer = await world.request("POST", f"{path}/message", by="alice", json=body, headers=headers)
    assert answer.status_code == 201
    sent = answer.json()
    assert (sent["attachments"], sent["clientMessageId"]) == (body["attachments"], "k-1")
    again = await world.request("POST", f"{path}/message", by="alice", json=body, headers=headers)
    assert again.json() == sent
    assert await bob.next("message") == sent
    assert await bob.pending("message") == []
    await alice.done("message", {"conversationId": conversation, "content": "two"})
    listed = (await world.request("GET", f"{path}/messages", by="bob")).json()
    assert [each["content"] for each in listed["items"]] == ["Hello!", "two"]
    assert listed["items"][0] == sent
    newest = (await world.request("GET", f"{path}/messages?limit=1", by="bob")).json()
    assert [each["content"] for each in newest["items"]] == ["two"]
    older = (await world.request("GET", f"{path}/messages?limit=1&before={newest['next']}", by="bob")).json()
    assert older["items"] == [sent]


async def test_reading_over_rest_sends_the_same_receipts(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    (alice,) = await connect(world, "alice")
    await join(conversation, alice)
    sent = (await alice.done("message", {"conversationId": conversation, "content": "Hello!"}))["message"]
    answer = await world.request("POST", f"/api/v1/talks/{conversation}/read", by="bob")
    assert (answer.status_code, answer.json()["unreadCount"]) == (200, 0)
    received = await alice.next("read")
    assert (received["userId"], received["messageId"]) == (world.id_of("bob"), sent["id"])


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("GET", "", None),
        ("GET", "/messages", None),
        ("POST", "/message", {"content": "Hello!"}),
        ("POST", "/read", None),
        ("POST", "/offers", BICYCLE),
    ],
)
async def test_a_talk_of_others_is_forbidden_whether_it_exists_or_not(
    world: World, method: str, route: str, body: Payload | None
) -> None:
    conversation = await world.conversation("alice")
    for id_ in (conversation, "nowhere"):
        answer = await world.request(method, f"/api/v1/talks/{id_}{route}", by="mallory", json=body)
        assert code(answer) == (403, "forbidden")
