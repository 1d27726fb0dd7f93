"""Edits, deletion, reactions, pins, threads and forwarding, over sockets and REST."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import httpx

from talkwire.dialects.built_in import DIALECTS
from tests.chat.chat_client import ChatClient
from tests.chat.conftest import World
from tests.waiting import DEADLINE_S

LIKE = "\U0001f44d"

OTHERS = {
    "talks": ("join-conversation", "conversationId", "message-updated"),
    "whatsapp": ("conversation:join", "conversationId", "message:updated"),
    "crm": ("joinChat", "chatId", "messageUpdated"),
    "gateway": ("joinRoom", "conversationId", "messageUpdated"),
}
"""Dialect -> how a socket joins a conversation (event and member of its payload), and the event of an edit."""


async def _talk(world: World) -> tuple[str, ChatClient, ChatClient]:
    """Creates a group of Alice, who owns it, and Bob, and connects a socket of each."""
    conversation = await world.conversation("alice", "bob")
    return conversation, await world.connect("alice"), await world.connect("bob")


async def _rest(world: World, name: str, method: str, path: str, body: object = None) -> httpx.Response:
    answer = await world.request(method, path, by=name, json=body)
    assert answer.is_success, answer.text
    return answer


async def test_an_edit_reaches_everyone_and_keeps_earlier_versions(world: World) -> None:
    conversation, alice, bob = await _talk(world)
    sent = await alice.send_message(conversation, "one")
    edited = (await alice.done("message:edit", {"messageId": sent["id"], "content": f"two @{world.id_of('bob')}"}))[
        "message"
    ]
    assert edited == sent | {
        "content": f"two @{world.id_of('bob')}",
        "editedAt": edited["editedAt"],
        "mentions": [world.id_of("bob")],
    }
    for client in (alice, bob):
        assert await client.next("message:updated") == edited
    by_rest = (await _rest(world, "alice", "PATCH", f"/messages/{sent['id']}", {"content": "three"})).json()
    assert await bob.next("message:updated") == by_rest
    history = (await _rest(world, "bob", "GET", f"/api/v1/messages/{sent['id']}/history")).json()
    assert [version["content"] for version in history["items"]] == ["one", edited["content"], "three"]
    assert [version["version"] for version in history["items"]] == [1, 2, 3]
    assert [version["createdAt"] for version in history["items"]] == [
        sent["createdAt"],
        edited["editedAt"],
        by_rest["editedAt"],
    ]
    assert (await bob.refused("message:edit", {"messageId": sent["id"], "content": "x"}))["code"] == "forbidden"
    refused = await world.request("PATCH", f"/api/v1/messages/{sent['id']}", by="bob", json={"content": "x"})
    assert refused.status_code == 403


async def test_metadata_changes_alone_or_with_the_text_of_a_message(world: World) -> None:
    """Clients of the messenger dialect receive both. Those of the others know no metadata, so they receive only the
    texts."""
    conversation, alice, bob = await _talk(world)
    clients = {}
    for dialect, (event, member, _) in OTHERS.items():
        clients[dialect] = other = await world.connect("bob", dialect=DIALECTS[dialect])
        await other.done(event, {member: conversation})
    since = (await world.service("GET", "/api/v1/events"))["cursor"]
    sent = await alice.send_message(conversation, "Approve?", metadata={"state": "open"})
    by_event = await alice.done("message:edit", {"messageId": sent["id"], "metadata": {"state": "approved"}})
    assert by_event["message"] == sent | {"metadata": {"state": "approved"}}
    body = {"content": "Approved", "metadata": {"state": "closed"}}
    both = (await _rest(world, "alice", "PATCH", f"/api/v1/messages/{sent['id']}", body)).json()
    assert both == sent | body | {"editedAt": both["editedAt"]}
    without = (await _rest(world, "alice", "PATCH", f"/messages/{sent['id']}", {"metadata": None})).json()
    assert without == {name: value for name, value in both.items() if name != "metadata"}
    for client in (alice, bob):
        for expected in (by_event["message"], both, without):
            assert await client.next("message:updated") == expected
    last = await alice.done("message:edit", {"messageId": sent["id"], "content": "The end"})
    for dialect, (_, _, updated) in OTHERS.items():
        for expected in ("Approved", "The end"):
            assert expected in str(await clients[dialect].next(updated))
    history = (await _rest(world, "bob", "GET", f"/api/v1/messages/{sent['id']}/history")).json()
    assert [version["content"] for version in history["items"]] == ["Approve?", "Approved", "The end"]
    path = f"/api/v1/events?after={since}&types=message:updated&conversationId={conversation}"
    logged = await world.service("GET", path)
    assert [event["data"] for event in logged["items"]] == [last["message"]] * 4
    refused = await world.request("PATCH", f"/api/v1/messages/{sent['id']}", by="alice", json={})
    assert (refused.status_code, refused.json()["error"]["details"]) == (
        422,
        [{"path": "content", "message": "is missing: set content or parts, metadata or both"}],
    )


async def test_a_deleted_message_is_a_tombstone_for_everybody(world: World) -> None:
    conversation, alice, bob = await _talk(world)
    root = await alice.send_message(conversation, "root")
    sent = await bob.send_message(conversation, "oops", threadId=root["id"])
    assert await bob.done("message:delete", {"messageId": sent["id"]}) == {"success": True}
    deleted = await bob.next("message:deleted")
    assert deleted == await alice.next("message:deleted")
    assert deleted == {
        "messageId": sent["id"],
        "conversationId": conversation,
        "deletedAt": deleted["deletedAt"],
        "deletedBy": world.id_of("bob"),
        "threadId": root["id"],
    }
    tombstone = (await _rest(world, "alice", "GET", f"/api/v1/messages/{sent['id']}")).json()
    kept = ("id", "conversationId", "seq", "senderId", "sender", "type", "createdAt", "threadId")
    assert tombstone == {name: sent[name] for name in kept} | {"deletedAt": deleted["deletedAt"]}
    page = await alice.done("messages:list", {"conversationId": conversation})
    assert page["messages"][1] == tombstone
    # Over REST, twice, at both paths; the owner may delete it too.
    for path in (f"/messages/{root['id']}", f"/api/v1/messages/{root['id']}"):
        assert (await _rest(world, "alice", "DELETE", path)).status_code == 204
    assert "threadId" not in await bob.next("message:deleted")
    assert await bob.pending("message:deleted") == []


async def test_a_reaction_reaches_everybody_under_both_its_names(world: World) -> None:
    conversation, alice, bob = await _talk(world)
    sent = await alice.send_message(conversation, "x")
    given = {"emoji": LIKE, "count": 1, "userIds": [world.id_of("bob")]}
    assert (await bob.done("message:react", {"messageId": sent["id"], "emoji": LIKE}))["reactions"] == [given]
    expected = {
        "messageId": sent["id"],
        "conversationId": conversation,
        "userId": world.id_of("bob"),
        "emoji": LIKE,
        "action": "added",
        "reactions": [given],
    }
    for client in (alice, bob):
        assert await client.next("message:reaction") == expected
        assert await client.next("message:reaction:new") == expected
    path = f"/api/v1/messages/{sent['id']}/reactions/{quote(':party:')}"
    both = (await _rest(world, "alice", "PUT", path)).json()["reactions"]
    assert both == [given, {"emoji": ":party:", "count": 1, "userIds": [world.id_of("alice")]}]
    await bob.next("message:reaction")
    path = f"/api/v1/messages/{sent['id']}/reactions/{quote(LIKE)}"
    assert (await _rest(world, "bob", "DELETE", path)).json()["reactions"] == both[1:]
    assert await alice.next("message:reaction") == expected | {"action": "added", "emoji": ":party:"} | {
        "userId": world.id_of("alice"),
        "reactions": both,
    }
    assert await alice.next("message:reaction") == expected | {"action": "removed", "reactions": both[1:]}
    assert (await alice.done("message:unreact", {"messageId": sent["id"], "emoji": ":party:"}))["reactions"] == []


async def test_pins_reach_everybody(world: World) -> None:
    conversation, alice, bob = await _talk(world)
    sent = await bob.send_message(conversation, "x")
    assert (await bob.refused("message:pin", {"messageId": sent["id"]}))["code"] == "forbidden"
    assert await alice.done("message:pin", {"messageId": sent["id"]}) == {"success": True}
    pinned = await bob.next("message:pinned")
    about = {"messageId": sent["id"], "conversationId": conversation, "userId": world.id_of("alice")}
    assert pinned == about | {"pinnedAt": pinned["pinnedAt"]}
    pins = (await _rest(world, "bob", "GET", f"/api/v1/conversations/{conversation}/pins")).json()
    assert pins == {"items": [sent | {"pinned": True}], "next": None}
    await _rest(world, "alice", "DELETE", f"/api/v1/messages/{sent['id']}/pin")
    assert await bob.next("message:unpinned") == about
    assert (await _rest(world, "alice", "PUT", f"/api/v1/messages/{sent['id']}/pin")).json()["pinned"] is True


async def test_a_thread_has_a_root_and_replies(world: World) -> None:
    conversation, alice, bob = await _talk(world)
    root = await alice.send_message(conversation, "root")
    replies = [
        await bob.send_message(conversation, str(number), threadId=root["id"], replyToId=root["id"])
        for number in range(3)
    ]
    assert replies[0]["threadId"] == root["id"]
    assert replies[0]["replyTo"] == {"id": root["id"], "senderId": world.id_of("alice"), "content": "root"}
    await alice.next("message:new")
    assert await alice.next("message:new") == replies[0]
    thread = (await _rest(world, "alice", "GET", f"/api/v1/messages/{root['id']}/thread?limit=2")).json()
    summary = {"replyCount": 3, "lastReplyAt": replies[-1]["createdAt"], "participants": [replies[-1]["sender"]]}
    place = {"following": True, "readSeq": root["seq"], "unreadCount": 3}
    shown = root | {"replyCount": 3, "thread": summary}
    assert thread == {"items": replies[1:], "next": replies[1]["id"], "root": shown, **place}
    older = (await _rest(world, "alice", "GET", f"/api/v1/messages/{root['id']}/thread?before={thread['next']}")).json()
    assert (older["items"], older["next"]) == (replies[:1], None)


async def test_a_message_is_forwarded_with_its_attachments(world: World) -> None:
    conversation, alice, _ = await _talk(world)
    elsewhere, further = await world.conversation("alice", "carol"), await world.conversation("alice")
    carol = await world.connect("carol")
    attached = [{"url": "https://example.com/a%20b.pdf"}]
    sent = await alice.send_message(conversation, "", attachments=attached, metadata={"a": 1})
    assert (sent["type"], sent["content"]) == ("file", "")
    assert sent["attachments"] == [{"url": "https://example.com/a%20b.pdf", "name": "a b.pdf"}]
    payload = {"messageId": sent["id"], "conversationIds": [elsewhere, further]}
    copies = (await alice.done("message:forward", payload))["messages"]
    assert [copy["conversationId"] for copy in copies] == [elsewhere, further]
    assert copies[0]["forwardedFrom"] == {"id": sent["id"], "senderId": world.id_of("alice")}
    assert (copies[0]["attachments"], "metadata" in copies[0]) == (sent["attachments"], False)
    assert await carol.next("message:new") == copies[0]
    # Over REST with a key: forwarded once, however often it is sent.
    path, body, headers = (
        f"/api/v1/messages/{sent['id']}/forward",
        {"conversationIds": [elsewhere]},
        {"idempotency-key": "k"},
    )
    answers = [await world.request("POST", path, by="alice", json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json() == {"items": [await carol.next("message:new")], "next": None}
    assert await carol.pending("message:new") == []


async def test_fifty_sends_of_one_client_message_id_are_one_message(world: World) -> None:
    """Over sockets of two devices and over REST, all at once."""
    conversation, alice, bob = await _talk(world)
    other = await world.connect("alice")
    payload = {"conversationId": conversation, "content": "once", "clientMessageId": "c-1"}

    async def by_socket(client: ChatClient) -> object:
        return (await client.start_call("message:send", payload))["message"]

    async def by_rest(body: dict[str, str], headers: dict[str, str]) -> object:
        answer = await world.request("POST", "/api/v1/messages", by="alice", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    unnamed = {"conversationId": conversation, "content": "once"}
    async with asyncio.timeout(DEADLINE_S * 2):
        answers = await asyncio.gather(
            *(by_socket(client) for client in (alice, other) for _ in range(15)),
            *(by_rest(payload, {}) for _ in range(10)),
            *(by_rest(unnamed, {"idempotency-key": "c-1"}) for _ in range(10)),
        )
    assert len(answers) == 50
    assert all(answer == answers[0] for answer in answers)
    for client in (alice, other, bob):
        assert [event for _, event in await client.pending("message:new")] == [answers[0]]
    refused = await world.request("POST", "/messages", by="alice", json=payload | {"content": "twice"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")


async def test_a_file_that_was_uploaded_is_attached_and_shown(world: World) -> None:
    conversation, alice, bob = await _talk(world)
    uploaded = await world.request(
        "POST", "/api/v1/files", by="alice", files={"file": ("a.txt", b"Hello", "text/plain")}
    )
    assert uploaded.is_success, uploaded.text
    file = uploaded.json()
    sent = await alice.send_message(conversation, "look", attachments=[file])
    assert (sent["type"], sent["attachments"][0]["id"], sent["attachments"][0]["size"]) == ("text", file["id"], 5)
    assert (await bob.next("message:new"))["attachments"] == sent["attachments"]
    assert (await world.request("GET", file["url"], by="bob")).content == b"Hello"
    error = await bob.refused(
        "message:send", {"conversationId": conversation, "content": "x", "attachments": [{"id": file["id"]}]}
    )
    assert error["code"] == "forbidden"
    await alice.done("message:delete", {"messageId": sent["id"]})
    assert (await world.request("GET", file["url"], by="bob")).status_code == 403


async def test_a_stranger_learns_nothing_of_a_message(world: World) -> None:
    conversation, alice, _ = await _talk(world)
    sent = await alice.send_message(conversation, "x")
    await world.connect("mallory")
    for method, path in (
        ("GET", ""),
        ("GET", "/history"),
        ("GET", "/thread"),
        ("PATCH", ""),
        ("DELETE", ""),
        ("PUT", "/pin"),
        ("DELETE", "/pin"),
        ("PUT", f"/reactions/{LIKE}"),
        ("DELETE", f"/reactions/{LIKE}"),
        ("POST", "/forward"),
    ):
        body = {"PATCH": {"content": "y"}, "POST": {"conversationIds": [conversation]}}.get(method)
        bodies = [
            await world.request(method, f"/api/v1/messages/{id_}{path}", by="mallory", json=body)
            for id_ in (sent["id"], "1", "x")
        ]
        assert [answer.status_code for answer in bodies] == [403] * 3, path
        assert len({answer.text for answer in bodies}) == 1
