"""Receipts and unread counts over sockets and REST."""

from __future__ import annotations

from tests.chat.conftest import World


async def test_a_read_reaches_the_others_and_the_readers_other_devices(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, phone, laptop = await world.connect("alice"), await world.connect("bob"), await world.connect("bob")
    sent = [await alice.send_message(talk, str(number)) for number in range(3)]
    answer = await phone.done("message:read", {"conversationId": talk, "messageId": sent[1]["id"]})
    assert (answer["seq"], answer["unreadCount"], answer["mentionCount"]) == (2, 1, 0)
    for socket in (alice, phone, laptop):
        receipt = await socket.next("message:read:receipt")
        assert receipt["readAt"]
        assert (receipt["conversationId"], receipt["userId"], receipt["messageId"], receipt["seq"]) == (
            talk,
            world.id_of("bob"),
            sent[1]["id"],
            2,
        )
    for socket in (phone, laptop):
        unread = await socket.next("conversation:unread")
        assert unread == {"conversationId": talk, "unreadCount": 1, "mentionCount": 0}
    assert await alice.pending("conversation:unread") == []


async def test_a_read_by_rest_is_the_same(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    sent = await alice.send_message(talk, "Hello")
    answer = await world.request("POST", f"/api/v1/conversations/{talk}/read", by="bob", json={})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"conversationId": talk, "seq": 1, "unreadCount": 0, "mentionCount": 0}
    assert (await alice.next("message:read:receipt"))["messageId"] == sent["id"]
    listed = await world.request("GET", f"/api/v1/messages/{sent['id']}/receipts", by="alice")
    assert [(item["userId"], "readAt" in item) for item in listed.json()["items"]] == [(world.id_of("bob"), True)]


async def test_a_read_without_a_body_reads_to_the_end(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    await (await world.connect("alice")).send_message(talk, "Hello")
    answer = await world.request("POST", f"/api/v1/conversations/{talk}/read", by="bob")
    assert (answer.status_code, answer.json()["seq"]) == (200, 1)


async def test_a_deleted_message_is_not_unread_any_more(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    sent = await alice.send_message(talk, "Hello")
    await alice.send_message(talk, "again")
    await alice.done("message:delete", {"messageId": sent["id"]})
    assert (await bob.next("conversation:unread"))["unreadCount"] == 1


async def test_an_edit_that_changes_whom_a_message_mentions_changes_the_count(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    sent = await alice.send_message(talk, "Hello")
    for content, mentions in ((f"@{world.id_of('bob')}, hello", 1), ("Hello again", 0)):
        await alice.done("message:edit", {"messageId": sent["id"], "content": content})
        counts = await bob.next("conversation:unread")
        assert (counts["unreadCount"], counts["mentionCount"]) == (1, mentions)
    await alice.done("message:edit", {"messageId": sent["id"], "content": "Hello, again"})
    await bob.next("message:updated")
    assert await bob.pending("conversation:unread") == []


async def test_a_client_marks_a_message_as_delivered(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    sent = await alice.send_message(talk, "Hello")
    await bob.done("message:delivered", {"conversationId": talk, "messageId": sent["id"]})
    receipt = await alice.next("message:delivered:receipt")
    assert receipt["deliveredAt"]
    assert (receipt["userId"], receipt["messageId"]) == (world.id_of("bob"), sent["id"])


async def test_an_answered_heartbeat_marks_a_message_as_delivered(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, _ = await world.connect("alice"), await world.connect("bob")
    sent = await alice.send_message(talk, "Hello")
    receipt = await alice.next("message:delivered:receipt")
    assert (receipt["userId"], receipt["messageId"], receipt["seq"]) == (world.id_of("bob"), sent["id"], 1)
    listed = await world.request("GET", f"/api/v1/messages/{sent['id']}/receipts", by="alice")
    assert {item["userId"]: "deliveredAt" in item for item in listed.json()["items"]} == {
        world.id_of("bob"): True,
        world.id_of("carol"): False,
    }


async def test_lists_have_unread_counts(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    for number in range(3):
        await alice.send_message(talk, f"@all {number}")
    listed = await bob.done("conversations:list", {})
    (conversation,) = listed["conversations"]
    assert (conversation["unreadCount"], conversation["mentionCount"], conversation["readSeq"]) == (3, 3, 0)


async def test_marking_as_unread_is_sent_to_own_devices_only(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, phone, laptop = [await world.connect(name) for name in ("alice", "bob", "bob")]
    sent = [await alice.send_message(talk, str(number)) for number in range(3)]
    await phone.done("message:read", {"conversationId": talk})
    assert (await laptop.next("conversation:unread"))["unreadCount"] == 0
    await alice.next("message:read:receipt")
    answer = await phone.done("conversation:mark-unread", {"conversationId": talk, "messageId": sent[1]["id"]})
    assert (answer["seq"], answer["unreadCount"], answer["mentionCount"]) == (1, 2, 0)
    received = {"conversationId": talk, "unreadCount": 2, "mentionCount": 0, "readSeq": 1}
    assert await laptop.next("conversation:unread") == received
    listed = (await world.request("GET", f"/api/v1/conversations/{talk}", by="bob")).json()
    assert (listed["unreadCount"], listed["readSeq"]) == (2, 1)
    again = await world.request("POST", f"/api/v1/conversations/{talk}/unread", by="bob")
    assert again.json() == {"conversationId": talk, "seq": 1, "unreadCount": 2, "mentionCount": 0}
    await phone.done("message:read", {"conversationId": talk})
    assert await laptop.next("conversation:unread") == {**received, "unreadCount": 0, "readSeq": 3}
    assert await alice.pending("message:read:receipt") == []


async def test_a_blocked_user_receives_no_receipts(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, bob, carol = [await world.connect(name) for name in ("alice", "bob", "carol")]
    assert (await world.request("PUT", f"/api/v1/users/me/blocks/{world.id_of('alice')}", by="bob")).is_success
    sent = await alice.send_message(talk, "hello")
    await bob.done("message:delivered", {"conversationId": talk})
    await bob.done("message:read", {"conversationId": talk})
    assert (await carol.next("message:delivered:receipt"))["userId"] == world.id_of("bob")
    assert (await carol.next("message:read:receipt"))["userId"] == world.id_of("bob")
    assert await alice.pending("message:read:receipt") == []
    assert await alice.pending("message:delivered:receipt") == []
    receipts = (await world.request("GET", f"/api/v1/messages/{sent['id']}/receipts", by="alice")).json()["items"]
    assert [set(each) & {"deliveredAt", "readAt"} for each in receipts if each["userId"] == world.id_of("bob")] == [
        set()
    ]


async def test_a_client_without_a_socket_marks_messages_as_delivered(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    first, _ = [await alice.send_message(conversation, text) for text in ("One", "Two")]
    path = f"/api/v1/conversations/{conversation}/delivered"
    answer = await world.request("POST", path, by="bob", json={"messageId": first["id"]})
    assert (answer.status_code, answer.content) == (204, b"")
    receipt = await alice.next("message:delivered:receipt")
    assert (receipt["userId"], receipt["messageId"]) == (world.id_of("bob"), first["id"])
    assert (await world.request("POST", path, by="bob")).status_code == 204
    assert (await alice.next("message:delivered:receipt"))["seq"] == 2
