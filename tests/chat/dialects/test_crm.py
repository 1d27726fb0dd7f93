"""The `crm` dialect on a real server: events in both directions, and routes. The ids of Ann and the chat are numerals;
Bob's id is not."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from talkwire.core.domain.model import LARGE_CONVERSATION
from talkwire.dialects.crm.vocabulary import CRM
from tests.chat.chat_client import ChatClient, Payload, Refused
from tests.chat.chat_server import ServerProcess, running_chat
from tests.chat.conftest import World, world_at


@pytest.fixture(scope="module")
def quick_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a short presence grace period."""
    with running_chat(tmp_path_factory.mktemp("crm"), {"TALKWIRE_PRESENCE_GRACE_S": "0.3"}) as server:
        yield server
        assert server.logged_errors() == []


class Office:
    """A chat of Ann and Bob. Clients see ids that are numerals as numbers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.chat = secrets.randbelow(10**12) + 10**12
        self.ann = secrets.randbelow(10**12) + 10**12
        self.bob = world.id_of("bob")

    async def open_chat(self, *others: str) -> None:
        members = [str(self.ann), self.bob, *others]
        body = {"id": str(self.chat), "kind": "group", "memberIds": members, "ownerId": members[0]}
        await self.world.service("POST", "/api/v1/conversations", body)

    async def connect(self, user_id: str | int) -> ChatClient:
        client = await self.world.open(dialect=CRM)
        return await client.sign_in({"token": self.world.server.token(str(user_id))})

    async def join(self, user_id: str | int) -> ChatClient:
        client = await self.connect(user_id)
        await client.done("joinChat", {"chatId": self.chat})
        return client

    async def send(self, client: ChatClient, content: str, **further: object) -> Payload:
        """Sends a message and returns it."""
        answer = await client.done("sendMessage", {"chatId": self.chat, "content": content, **further})
        assert answer.keys() == {"success", "data"}
        sent = answer["data"]
        assert isinstance(sent, dict)
        return sent

    async def read(self, client: ChatClient, message: Payload) -> None:
        await client.done("markAsRead", {"chatId": self.chat, "messageId": message["id"]})

    async def rest(
        self,
        method: str,
        path: str,
        by: str | int,
        **options: Any,  # noqa: ANN401
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.world.server.token(str(by))}", **options.pop("headers", {})}
        return await self.world.request(method, f"/chat-messages{path}", headers=headers, **options)

    async def listed(self, query: str = "", by: str | int = "") -> list[Payload]:
        """Returns the messages that REST lists."""
        answer = await self.rest("GET", f"?chatId={self.chat}{query}", by or self.ann)
        assert answer.status_code == 200, answer.text
        items = answer.json()["items"]
        assert isinstance(items, list)
        return items


@pytest.fixture
async def office(world: World) -> Office:
    office = Office(world)
    await office.open_chat()
    return office


@pytest.fixture
async def quick(quick_server: ServerProcess) -> AsyncIterator[Office]:
    async with world_at(quick_server) as world:
        office = Office(world)
        await office.open_chat()
        yield office


def timed(payload: Payload) -> Payload:
    """Returns a payload without its time, which must be present."""
    timestamp = payload["timestamp"]
    assert isinstance(timestamp, str)
    assert timestamp.endswith("Z")
    return {name: value for name, value in payload.items() if name != "timestamp"}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# --- signing in -----------------------------------------------------------------------------------------------------


async def test_a_client_gets_its_identity(office: Office) -> None:
    for user_id in (office.ann, office.bob):
        client = await office.connect(user_id)
        assert await client.call("authenticate") == {
            "success": True,
            "message": "Authenticated successfully",
            "userId": user_id,
            "socketId": client.socket_id,
        }
        assert await client.pending() == []


async def test_a_client_without_a_token_is_refused(world: World) -> None:
    client = await world.open(dialect=CRM)
    with pytest.raises(Refused) as refused:
        await client.sign_in({"token": "nonsense"})
    assert refused.value.error["data"]["code"] == "unauthenticated"
    assert refused.value.error["data"]["reason"].startswith("The token is opaque")


async def test_a_newer_token_replaces_the_older(office: Office) -> None:
    ann = await office.connect(office.ann)
    renewed = await ann.done("auth:refresh", {"token": office.world.server.token(str(office.ann))})
    assert renewed["expiresAt"].endswith("Z")
    refused = await ann.refused("auth:refresh", {"token": office.world.server.token(office.bob)})
    assert refused["code"] == "forbidden"


async def test_a_socket_receives_a_goodbye_before_its_token_expires(office: Office) -> None:
    client = await office.world.open(dialect=CRM)
    await client.sign_in({"token": office.world.server.token(str(office.ann), ttl_s=2)})
    assert await client.next("sessionEnding") == {"reason": "token_expired", "reconnect": True}
    await client.wait_disconnected()


async def test_a_client_gets_the_time(office: Office) -> None:
    answer = await (await office.connect(office.ann)).call("ping")
    assert answer.keys() == {"success", "pong"}
    assert answer["pong"] > 1_700_000_000_000


# --- rooms ----------------------------------------------------------------------------------------------------------


async def test_a_chat_is_joined_and_left(office: Office) -> None:
    bob, ann = await office.join(office.bob), await office.connect(office.ann)
    answer = await ann.call("joinChat", {"chatId": office.chat})
    assert answer == {"success": True, "message": f"Joined chat {office.chat}"}
    who = {"chatId": office.chat, "userId": office.ann}
    assert timed(await bob.next("userJoined")) == who
    answer = await ann.call("leaveChat", {"chatId": str(office.chat)})
    assert answer == {"success": True, "message": f"Left chat {office.chat}"}
    assert timed(await bob.next("userLeft")) == who
    assert await ann.pending("userJoined", "userLeft") == []


async def test_disconnecting_leaves_the_room(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    await bob.close()
    assert timed(await ann.next("userLeft")) == {"chatId": office.chat, "userId": office.bob}


async def test_disconnecting_while_typing_stops_typing_before_leaving(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    await bob.done("typing", {"chatId": office.chat, "isTyping": True})
    await bob.close()
    await ann.next("userLeft")
    assert [payload["isTyping"] for name, payload in ann.events if name == "userTyping"] == [True, False]


async def test_a_socket_that_has_not_joined_receives_nothing(office: Office) -> None:
    bob, ann = await office.connect(office.bob), await office.join(office.ann)
    sent = await office.send(ann, "Hello!")
    await ann.done("typing", {"chatId": office.chat, "isTyping": True})
    await ann.done("updateMessage", {"messageId": sent["id"], "content": "Hello"})
    assert [name for name, _ in await bob.pending() if name != "userOnline"] == []


async def test_a_socket_that_has_left_receives_nothing_more(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    await bob.done("leaveChat", {"chatId": office.chat})
    await office.send(ann, "Hello!")
    assert await bob.pending("newMessage") == []


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("joinChat", {}),
        ("leaveChat", {}),
        ("sendMessage", {"content": "Hello!"}),
        ("typing", {"isTyping": True}),
        ("markAsRead", {}),
        ("messageDelivered", {}),
        ("callInvite", {"callId": 1}),
    ],
)
async def test_a_non_member_is_refused_whether_the_chat_exists_or_not(
    office: Office, event: str, payload: Payload
) -> None:
    mallory = await office.connect(office.world.id_of("mallory"))
    nowhere = secrets.randbelow(10**12) + 3 * 10**12
    answers = [await mallory.call(event, {"chatId": chat, **payload}) for chat in (office.chat, nowhere)]
    refusal = {"code": "forbidden", "message": answers[0]["message"]}
    assert answers == [{"success": False, "error": refusal, "message": refusal["message"]}] * 2


async def test_a_hidden_message_is_refused_whether_it_exists_or_not(office: Office) -> None:
    sent = await office.send(await office.connect(office.ann), "secret")
    mallory = await office.connect(office.world.id_of("mallory"))
    for message_id in (sent["id"], str(sent["id"]), 5, "no-such"):
        for event, further in (
            ("updateMessage", {"content": "x"}),
            ("deleteMessage", {}),
            ("reactToMessage", {"emoji": "x"}),
        ):
            assert (await mallory.refused(event, {"messageId": message_id, **further}))["code"] == "forbidden"
    bob = await office.connect(office.bob)
    for event, further in (("updateMessage", {"content": "x"}), ("deleteMessage", {})):
        assert (await bob.refused(event, {"messageId": sent["id"], **further}))["code"] == "forbidden"


async def test_a_removed_member_receives_nothing_more(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    await office.world.service("DELETE", f"/api/v1/conversations/{office.chat}/members/{office.bob}")
    assert timed(await ann.next("userLeft")) == {"chatId": office.chat, "userId": office.bob}
    await office.send(ann, "Hello!")
    assert await bob.pending("newMessage") == []
    assert (await bob.refused("joinChat", {"chatId": office.chat}))["code"] == "forbidden"


# --- messages -------------------------------------------------------------------------------------------------------


async def test_a_message_reaches_all_sockets_that_have_joined(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    sent = await office.send(ann, "Hello!")
    assert sent == {
        "id": sent["id"],
        "chatId": office.chat,
        "senderId": office.ann,
        "sender": {"id": office.ann, "name": str(office.ann)},
        "message": "Hello!",
        "content": "Hello!",
        "createdAt": sent["createdAt"],
        "updatedAt": sent["createdAt"],
        "isRead": False,
    }
    assert isinstance(sent["id"], int)
    for client in (ann, bob):
        news = await client.next("newMessage")
        assert news == {"message": sent, "chatId": office.chat, "timestamp": sent["createdAt"]}


async def test_a_senders_id_that_is_no_numeral_is_a_string(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.connect(office.bob)
    sent = await office.send(bob, "Hello!")
    assert (sent["senderId"], sent["sender"]["id"]) == (office.bob, office.bob)
    assert (await ann.next("newMessage"))["message"] == sent


async def test_a_retry_returns_the_first_message(office: Office) -> None:
    ann = await office.join(office.ann)
    first = await office.send(ann, "Hello!", clientMessageId="c1")
    assert first["clientMessageId"] == "c1"
    assert await office.send(ann, "Hello!", clientMessageId="c1") == first
    assert [name for name, _ in await ann.pending("newMessage")] == ["newMessage"]
    other = {"chatId": office.chat, "content": "other", "clientMessageId": "c1"}
    assert (await ann.refused("sendMessage", other))["code"] == "conflict"


async def test_a_message_is_edited(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    sent = await office.send(ann, "Hello!")
    answer = await ann.done("updateMessage", {"messageId": sent["id"], "content": "Changed"})
    updated = answer["data"]
    assert updated == {**sent, "message": "Changed", "content": "Changed", "updatedAt": updated["updatedAt"]}
    assert updated["updatedAt"] >= sent["createdAt"]
    for client in (ann, bob):
        news = await client.next("messageUpdated")
        assert news == {"message": updated, "chatId": office.chat, "timestamp": updated["updatedAt"]}


async def test_a_message_is_deleted(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    sent = await office.send(ann, "Hello!")
    assert await ann.call("deleteMessage", {"messageId": sent["id"]}) == {"success": True}
    for client in (ann, bob):
        assert timed(await client.next("messageDeleted")) == {"messageId": sent["id"], "chatId": office.chat}


async def test_a_reaction_is_given_and_taken_back(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    sent = await office.send(ann, "Hello!")
    for user, client, further, there in (
        (office.ann, ann, {}, [office.ann]),
        (office.bob, bob, {}, [office.ann, office.bob]),
        (office.bob, bob, {"remove": True}, [office.ann]),
    ):
        answer = await client.done("reactToMessage", {"messageId": sent["id"], "emoji": "👍", **further})
        reactions = [{"emoji": "👍", "count": len(there), "userIds": there}]
        about = {"messageId": sent["id"], "chatId": office.chat, "reactions": reactions}
        assert answer["data"] == about
        action = "removed" if further else "added"
        for hearer in (ann, bob):
            received = timed(await hearer.next("messageReaction"))
            assert received == {**about, "userId": user, "emoji": "👍", "action": action}


async def test_the_backend_sends_for_a_member(office: Office) -> None:
    backend = await office.world.open(dialect=CRM)
    await backend.sign_in({"token": office.world.server.token("backend", role="service")})
    ann = await office.join(office.ann)
    sent = await office.send(backend, "Hello!", senderId=office.ann)
    assert sent["senderId"] == office.ann
    payload = {"messageId": sent["id"], "content": "Changed", "senderId": office.ann}
    assert (await backend.done("updateMessage", payload))["data"]["message"] == "Changed"
    assert (await ann.next("messageUpdated"))["message"]["message"] == "Changed"
    bob = await office.connect(office.bob)
    as_ann = {"chatId": office.chat, "content": "x", "senderId": office.ann}
    assert (await bob.refused("sendMessage", as_ann))["code"] == "forbidden"


async def test_attachments_of_other_dialects_are_shown(office: Office) -> None:
    ann = await office.join(office.ann)
    body = {"conversationId": str(office.chat), "attachments": [{"url": "https://example.com/a.png", "name": "a.png"}]}
    answer = await office.world.request("POST", "/api/v1/messages", by="bob", json=body)
    assert answer.status_code == 201, answer.text
    received = (await ann.next("newMessage"))["message"]
    assert (received["message"], received["attachments"]) == (
        "",
        [{"url": "https://example.com/a.png", "name": "a.png"}],
    )


# --- typing and receipts --------------------------------------------------------------------------------------------


async def test_typing_is_sent_to_the_others(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    for is_typing in (True, False):
        assert await ann.call("typing", {"chatId": office.chat, "isTyping": is_typing}) == {"success": True}
        received = timed(await bob.next("userTyping"))
        assert received == {"chatId": office.chat, "userId": office.ann, "isTyping": is_typing}
    assert await ann.pending("userTyping") == []


@pytest.mark.parametrize(
    ("event", "received"), [("markAsRead", "messageRead"), ("messageDelivered", "messageDelivered")]
)
async def test_receipts_are_sent_to_the_others(office: Office, event: str, received: str) -> None:
    ann, bob, tablet = await office.join(office.ann), await office.join(office.bob), await office.join(office.bob)
    sent = await office.send(ann, "Hello!")
    assert await bob.call(event, {"chatId": office.chat, "messageId": sent["id"]}) == {"success": True}
    expected = {"chatId": office.chat, "messageId": sent["id"], "userId": office.bob}
    assert timed(await ann.next(received)) == expected
    for own in (bob, tablet):
        assert await own.pending(received) == []


async def test_in_a_large_chat_only_authors_receive_read_receipts(world: World) -> None:
    office = Office(world)
    others = [world.id_of(f"user{number}") for number in range(LARGE_CONVERSATION)]
    await office.open_chat(*others)
    ann, other, bob = [await office.join(user_id) for user_id in (office.ann, others[0], office.bob)]
    sent = await office.send(ann, "Hello!")
    await office.read(bob, sent)
    received = timed(await ann.next("messageRead"))
    assert received == {"chatId": office.chat, "messageId": sent["id"], "userId": office.bob}
    for client in (ann, other, bob):
        assert await client.pending("messageRead") == []


async def test_a_message_is_read_once_another_member_has_read_it(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    first, second = await office.send(ann, "1"), await office.send(ann, "2")
    await office.read(ann, second)
    assert [(each["message"], each["isRead"]) for each in await office.listed()] == [("1", False), ("2", False)]
    await office.read(bob, first)
    assert [(each["message"], each["isRead"]) for each in await office.listed()] == [("1", True), ("2", False)]


async def test_a_new_member_has_read_nothing(office: Office) -> None:
    ann = await office.join(office.ann)
    await office.send(ann, "Hello!")
    carol = office.world.id_of("carol")
    await office.world.service("POST", f"/api/v1/conversations/{office.chat}/members", {"userIds": [carol]})
    assert [each["isRead"] for each in await office.listed(by=carol)] == [False]


async def test_an_edited_message_has_its_read_state(office: Office) -> None:
    ann, bob = await office.join(office.ann), await office.join(office.bob)
    sent = await office.send(ann, "Hello!")
    await office.read(bob, sent)
    answer = await ann.done("updateMessage", {"messageId": sent["id"], "content": "Changed"})
    assert answer["data"]["isRead"] is True
    assert (await bob.next("messageUpdated"))["message"]["isRead"] is True
    body = {"content": "Changed again"}
    assert (await office.rest("PATCH", f"/{sent['id']}", office.ann, json=body)).json()["isRead"] is True


# --- presence, uploads, calls ---------------------------------------------------------------------------------------


async def test_contacts_are_notified_of_online_and_after_the_grace_period_of_offline(quick: Office) -> None:
    ann = await quick.connect(quick.ann)
    bob = await quick.connect(quick.bob)
    assert timed(await ann.next("userOnline")) == {"userId": quick.bob}
    await bob.close()
    assert timed(await ann.next("userOffline")) == {"userId": quick.bob}
    assert await ann.pending("userOnline", "userOffline") == []


async def test_a_changed_status_is_not_sent_as_coming_online(office: Office) -> None:
    ann, phone = await office.connect(office.ann), await office.world.connect("bob")
    await ann.next("userOnline")
    await phone.done("presence:set", {"status": "dnd"})
    # Presence events arrive in order, so the other user's event shows that none came before it.
    await office.world.service(
        "POST", "/api/v1/conversations", {"kind": "group", "memberIds": [str(office.ann), office.world.id_of("carol")]}
    )
    await office.world.connect("carol")
    assert timed(await ann.next("userOnline")) == {"userId": office.world.id_of("carol")}


async def test_an_uploads_progress_is_for_the_uploader(office: Office) -> None:
    ann, bob = await office.connect(office.ann), await office.connect(office.bob)
    tus = {"tus-resumable": "1.0.0"}
    begun = await office.world.request("POST", "/api/v1/files", by="bob", headers={**tus, "upload-length": "10"})
    headers = {**tus, "upload-offset": "0", "content-type": "application/offset+octet-stream"}
    await office.world.request("PATCH", begun.headers["location"], by="bob", headers=headers, content=b"hello")
    upload_id = begun.headers["location"].rpartition("/")[2]
    assert await bob.next("uploadProgress") == {"uploadId": upload_id, "received": 5, "size": 10}
    assert await ann.pending("uploadProgress") == []


async def test_a_call_from_the_invitation_to_the_end(office: Office) -> None:
    ann, bob = await office.connect(office.ann), await office.connect(office.bob)
    call = {"callId": 77, "chatId": office.chat}
    assert await ann.call("callInvite", {**call, "data": {"video": True}}) == {"success": True, "callId": 77}
    assert timed(await bob.next("callInvite")) == {**call, "userId": office.ann, "data": {"video": True}}
    await bob.done("callAccept", call)
    assert timed(await ann.next("callAccept")) == {**call, "userId": office.bob}
    await ann.done("callSignal", {**call, "toUserId": office.bob, "data": "offer"})
    signal = {**call, "userId": office.ann, "toUserId": office.bob, "data": "offer"}
    assert timed(await bob.next("callSignal")) == signal
    await bob.done("callEnd", call)
    assert timed(await ann.next("callEnd")) == {**call, "userId": office.bob}
    assert timed(await ann.next("callEnded")) == {**call, "reason": "hangup"}


async def test_a_call_is_rejected(office: Office) -> None:
    ann, bob = await office.connect(office.ann), await office.connect(office.bob)
    invited = await ann.done("callInvite", {"chatId": office.chat})
    call = {"callId": invited["callId"], "chatId": office.chat}
    await bob.next("callInvite")
    await bob.done("callReject", call)
    assert timed(await ann.next("callReject")) == {**call, "userId": office.bob}
    assert timed(await ann.next("callEnded")) == {**call, "reason": "rejected"}


# --- invalid payloads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "payload", "path"),
    [
        ("joinChat", {}, "chatId"),
        ("joinChat", {"chatId": 1.5}, "chatId"),
        ("joinChat", {"chatId": True}, "chatId"),
        ("joinChat", {"chatId": -1}, "chatId"),
        ("joinChat", {"chatId": 2**53}, "chatId"),
        ("sendMessage", {"chatId": 1}, "content"),
        ("sendMessage", {"chatId": 1, "content": 5}, "content"),
        ("sendMessage", {"chatId": 1, "content": " "}, "content"),
        ("sendMessage", {"chatId": "a b", "content": "x"}, "chatId"),
        ("markAsRead", {"chatId": "a b", "messageId": 1}, "chatId"),
        ("typing", {"chatId": 1, "isTyping": "yes"}, "isTyping"),
        ("updateMessage", {"content": "x"}, "messageId"),
        ("reactToMessage", {"messageId": 1}, "emoji"),
    ],
)
async def test_a_missing_or_invalid_member_is_named(office: Office, event: str, payload: Payload, path: str) -> None:
    ann = await office.connect(office.ann)
    answer = await ann.call(event, payload)
    error = answer["error"]
    assert (answer["success"], error["code"]) == (False, "invalid_request")
    assert answer["message"] == error["message"]
    assert [detail["path"] for detail in error["details"]] == [path]
    assert error["message"].startswith(path)


async def test_without_acknowledgement_an_error_is_an_event(office: Office) -> None:
    ann = await office.connect(office.ann)
    await ann.emit("joinChat", {"chatId": "nowhere"})
    assert await ann.next("error") == {"message": "You have no access to this."}
    await ann.emit("sendMessage", {"chatId": "a b", "content": "x"})
    error = await ann.next("error")
    assert error.keys() == {"message"}
    assert error["message"].startswith("chatId: ")
    await ann.emit("noSuchEvent")
    assert (await ann.next("error"))["message"] == "No such event: noSuchEvent"
    # The socket stays connected.
    await ann.done("joinChat", {"chatId": office.chat})


# --- REST -----------------------------------------------------------------------------------------------------------


async def test_a_message_over_rest_reaches_the_sockets(office: Office) -> None:
    ann = await office.join(office.ann)
    for chat_id in (office.chat, str(office.chat)):
        body = {"chatId": chat_id, "content": "Hello!"}
        answer = await office.rest("POST", "", office.bob, json=body)
        assert answer.status_code == 201, answer.text
        sent = answer.json()
        assert (sent["chatId"], sent["senderId"], sent["isRead"]) == (office.chat, office.bob, False)
        assert (await ann.next("newMessage"))["message"] == sent


async def test_a_retry_over_rest_returns_the_first_message(office: Office) -> None:
    body = {"chatId": office.chat, "content": "Hello!"}
    answers = [
        (await office.rest("POST", "", office.ann, json=body, headers={"idempotency-key": "k1"})).json()
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0]["clientMessageId"] == "k1"
    with_id = {**body, "clientMessageId": "k1"}
    assert (await office.rest("POST", "", office.ann, json=with_id)).json() == answers[0]


async def test_messages_are_listed_in_pages_over_rest(office: Office) -> None:
    ann = await office.connect(office.ann)
    sent = [await office.send(ann, str(number)) for number in range(5)]
    page = (await office.rest("GET", f"?chatId={office.chat}&limit=2", office.bob)).json()
    assert page == {"items": sent[3:], "next": sent[3]["id"]}
    assert await office.listed(f"&limit=2&before={page['next']}") == sent[1:3]
    assert await office.listed(f"&limit=2&after={sent[1]['id']}") == sent[2:4]
    assert await office.listed(f"&limit=3&around={sent[2]['id']}") == sent[1:4]
    first = (await office.rest("GET", f"?chatId={office.chat}&before={sent[2]['id']}", office.bob)).json()
    assert first == {"items": sent[:2], "next": None}


async def test_a_message_is_edited_over_rest(office: Office) -> None:
    ann = await office.join(office.ann)
    sent = await office.send(ann, "Hello!")
    answer = await office.rest("PATCH", f"/{sent['id']}", office.ann, json={"content": "Changed"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["message"], answer.json()["isRead"]) == ("Changed", False)
    assert (await ann.next("messageUpdated"))["message"] == answer.json()


async def test_a_message_is_deleted_over_rest_and_not_listed(office: Office) -> None:
    ann = await office.join(office.ann)
    first, second = await office.send(ann, "1"), await office.send(ann, "2")
    answer = await office.rest("DELETE", f"/{first['id']}", office.ann)
    assert (answer.status_code, answer.content) == (204, b"")
    assert timed(await ann.next("messageDeleted")) == {"messageId": first["id"], "chatId": office.chat}
    assert await office.listed() == [second]


async def test_rest_refuses_non_members(office: Office) -> None:
    sent = await office.send(await office.connect(office.ann), "secret")
    mallory = office.world.id_of("mallory")
    answers = [
        await office.rest("GET", f"?chatId={office.chat}", mallory),
        await office.rest("GET", "?chatId=nowhere", mallory),
        await office.rest("POST", "", mallory, json={"chatId": office.chat, "content": "x"}),
        await office.rest("PATCH", f"/{sent['id']}", mallory, json={"content": "x"}),
        await office.rest("PATCH", "/5", mallory, json={"content": "x"}),
        await office.rest("DELETE", f"/{sent['id']}", mallory),
        await office.rest("PATCH", f"/{sent['id']}", office.bob, json={"content": "x"}),
    ]
    assert [code(answer) for answer in answers] == [(403, "forbidden")] * len(answers)
    assert code(await office.world.request("GET", f"/chat-messages?chatId={office.chat}")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path", "body", "place"),
    [
        ("GET", "", None, "chatId"),
        ("GET", "?chatId=a%20b", None, "chatId"),
        ("GET", "?chatId=1&limit=0", None, "limit"),
        ("POST", "", {"content": "x"}, "chatId"),
        ("POST", "", {"chatId": 1.5, "content": "x"}, "chatId"),
        ("POST", "", {"chatId": "a b", "content": "x"}, "chatId"),
        ("POST", "", {"chatId": 1}, "content"),
        ("PATCH", "/5", {}, "content"),
    ],
)
async def test_an_invalid_member_of_a_request_is_named(
    office: Office, method: str, path: str, body: Payload | None, place: str
) -> None:
    answer = await office.rest(method, path, office.ann, json=body)
    assert code(answer) == (422, "invalid_request")
    assert [detail["path"] for detail in answer.json()["error"]["details"]] == [place]
