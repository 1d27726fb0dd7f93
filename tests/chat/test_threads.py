"""Threads over sockets and REST: what followers receive, on all of their devices."""

from __future__ import annotations

import pytest

from tests.chat.conftest import World


async def test_a_reply_and_a_read_reach_all_devices_of_followers_only(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, phone, laptop, carol = [await world.connect(name) for name in ("alice", "bob", "bob", "carol")]
    root = await phone.send_message(talk, "root")
    sent = await alice.send_message(talk, "first reply", threadId=root["id"])
    unread = {"conversationId": talk, "messageId": root["id"], "following": True, "readSeq": 1, "unreadCount": 1}
    for device in (phone, laptop):
        assert await device.next("thread:marked") == unread
    listed = (await world.request("GET", "/api/v1/threads", by="bob")).json()
    assert (listed["unread"], listed["next"], len(listed["items"])) == (1, None, 1)
    (item,) = listed["items"]
    assert item["root"]["thread"] == {
        "replyCount": 1,
        "lastReplyAt": sent["createdAt"],
        "participants": [sent["sender"]],
    }
    answer = await phone.done("thread:read", {"messageId": root["id"]})
    assert answer["thread"] == {**unread, "readSeq": 2, "unreadCount": 0}
    assert await laptop.next("thread:marked") == answer["thread"]
    assert await carol.pending("thread:marked") == []
    assert (await world.request("GET", "/api/v1/threads", by="carol")).json()["items"] == []


async def test_a_thread_is_followed_over_rest_and_by_events_alike(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    root = await alice.send_message(talk, "root")
    path = f"/api/v1/messages/{root['id']}/thread"
    followed = (await world.request("PUT", f"{path}/following", by="bob")).json()
    assert followed["following"] is True
    assert await bob.next("thread:marked") == followed
    reply = await alice.send_message(talk, "reply", threadId=root["id"])
    assert (await bob.next("thread:marked"))["unreadCount"] == 1
    read = (await world.request("POST", f"{path}/read", by="bob", json={"replyId": reply["id"]})).json()
    assert (read["readSeq"], read["unreadCount"]) == (reply["seq"], 0)
    shown = (await world.request("GET", path, by="bob")).json()
    assert [shown[name] for name in ("following", "readSeq", "unreadCount")] == [True, reply["seq"], 0]
    stopped = (await bob.done("thread:unfollow", {"messageId": reply["id"]}))["thread"]
    assert stopped["following"] is False
    assert (await world.request("DELETE", f"{path}/following", by="bob")).json() == stopped


async def test_a_deleted_reply_is_deleted_at_the_root_for_every_member_and_in_sync(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    cursor = (await bob.done("sync", {}))["cursor"]
    root = await alice.send_message(talk, "root")
    kept = await bob.send_message(talk, "kept", threadId=root["id"])
    gone = await alice.send_message(talk, "gone", threadId=root["id"])
    await alice.done("message:delete", {"messageId": gone["id"]})
    thread = {"replyCount": 1, "lastReplyAt": kept["createdAt"], "participants": [kept["sender"]]}
    updated = {"conversationId": talk, "messageId": root["id"], "thread": thread}
    for socket in (alice, bob):
        assert await socket.next("thread:updated") == updated
    missed = (await bob.done("sync", {"after": cursor}))["events"]
    assert [each["data"] for each in missed if each["event"] == "thread:updated"] == [updated]
    (message,) = [each["data"] for each in missed if each["event"] == "message:new" and each["data"]["seq"] == 1]
    assert message["thread"] == thread


async def test_pages_have_replies_unless_the_client_asks_otherwise(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    root = await alice.send_message(talk, "root")
    for number in range(3):
        await alice.send_message(talk, str(number), threadId=root["id"])
    path = f"/api/v1/conversations/{talk}/messages"
    assert len((await world.request("GET", path, by="bob")).json()["items"]) == 4
    collapsed = (await world.request("GET", f"{path}?threads=collapsed", by="bob")).json()["items"]
    listed = (await alice.done("messages:list", {"conversationId": talk, "threads": "collapsed"}))["messages"]
    assert [message["id"] for message in collapsed] == [message["id"] for message in listed] == [root["id"]]
    refused = await world.request("GET", f"{path}?threads=hidden", by="bob")
    assert refused.json()["error"]["code"] == "invalid_request"


async def _bell(world: World, name: str) -> list[tuple[str, bool]]:
    """Returns (last word, whether it is unread) of a user's notifications of messages, newest first."""
    page = (await world.request("GET", "/api/v1/notifications", by=name)).json()
    assert page["unread"] == sum("readAt" not in each for each in page["items"])
    of_messages = [each for each in page["items"] if "messageId" in each]
    return [(each["body"].split()[-1], "readAt" not in each) for each in of_messages]


async def test_a_mention_in_a_thread_is_read_with_the_thread(world: World) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    root = await alice.send_message(talk, "root")
    for text, thread in (("one", root["id"]), ("two", None), ("three", root["id"])):
        await alice.send_message(talk, f"@{world.id_of('bob')} {text}", threadId=thread)
    received = [await bob.next("notification") for _ in range(3)]
    assert [each.get("threadId") for each in received] == [root["id"], None, root["id"]]
    await bob.done("message:read", {"conversationId": talk, "threads": "collapsed"})
    assert await bob.next("notification:read") == {"ids": [received[1]["id"]], "unread": 2}
    assert await _bell(world, "bob") == [("three", True), ("two", False), ("one", True)]
    await bob.done("thread:read", {"messageId": root["id"], "replyId": received[0]["messageId"]})
    assert await _bell(world, "bob") == [("three", True), ("two", False), ("one", False)]
    await bob.done("thread:unfollow", {"messageId": root["id"]})
    await bob.done("thread:read", {"messageId": root["id"]})
    assert [unread for _, unread in await _bell(world, "bob")] == [False, False, False]


@pytest.mark.parametrize("before", [[], [{"threads": "collapsed"}]])
async def test_clients_that_show_replies_read_them_with_the_conversation(world: World, before: list[object]) -> None:
    talk = await world.conversation("alice", "bob", "carol")
    alice = await world.connect("alice")
    root = await alice.send_message(talk, "root")
    await alice.send_message(talk, f"@{world.id_of('bob')} reply", threadId=root["id"])
    path = f"/api/v1/conversations/{talk}/read"
    for body in before:
        await world.request("POST", path, by="bob", json=body)
        assert await _bell(world, "bob") == [("reply", True)]
    await world.request("POST", path, by="bob")
    assert await _bell(world, "bob") == [("reply", False)]
    refused = await world.request("POST", path, by="bob", json={"threads": "hidden"})
    assert refused.json()["error"]["code"] == "invalid_request"
