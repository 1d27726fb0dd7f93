"""Sending over sockets: acknowledgements, delivery, retries, refusals and order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.chat.conftest import World
from tests.waiting import deadline


async def test_a_message_reaches_all_sockets_of_all_members(world: World) -> None:
    clients = [await world.connect(name) for name in ("alice", "alice", "bob", "bob")]
    conversation = await world.conversation("alice", "bob")
    stranger = await world.connect("mallory")
    message = await clients[0].send_message(conversation, "hello 👋", metadata={"k": [1, None]})
    assert message["conversationId"] == conversation
    assert message["seq"] == 1
    assert message["senderId"] == world.id_of("alice")
    assert message["sender"]["name"] == world.id_of("alice").title()
    assert message["content"] == "hello 👋"
    assert message["metadata"] == {"k": [1, None]}
    assert message["createdAt"].endswith("Z")
    for client in clients:
        assert await client.next("message:new") == message
        assert await client.pending("message:new") == []
    assert await stranger.pending() == []


async def test_a_retry_is_answered_with_the_first_message_and_not_sent_again(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    first = await alice.send_message(conversation, "once", clientMessageId="c-1")
    assert first["clientMessageId"] == "c-1"
    assert await alice.send_message(conversation, "once", clientMessageId="c-1") == first
    again = await world.connect("alice")
    assert await again.send_message(conversation, "once", clientMessageId="c-1") == first
    other = {"conversationId": conversation, "content": "twice", "clientMessageId": "c-1"}
    assert (await alice.refused("message:send", other))["code"] == "conflict"
    await bob.next("message:new")
    assert await bob.pending() == []


async def test_retries_in_the_same_moment_are_one_message(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    clients = [await world.connect("alice") for _ in range(4)]
    messages = await asyncio.gather(
        *(client.send_message(conversation, "once", clientMessageId="c-1") for client in clients for _ in range(4))
    )
    assert len({message["id"] for message in messages}) == 1
    assert len(await clients[0].pending("message:new")) == 1


@pytest.mark.parametrize(
    ("payload", "code", "path"),
    [
        ({}, "invalid_request", "conversationId"),
        ({"conversationId": "c"}, "invalid_request", "content"),
        ({"conversationId": 5, "content": "x"}, "invalid_request", "conversationId"),
        ({"conversationId": "c", "content": None}, "invalid_request", "content"),
        ({"conversationId": "c", "content": ""}, "invalid_request", "content"),
        ({"conversationId": "c", "content": " \n"}, "invalid_request", "content"),
        ({"conversationId": "c", "content": "a\x00b"}, "invalid_request", "content"),
        ({"conversationId": "a/b", "content": "x"}, "invalid_request", "conversationId"),
        ({"conversationId": "c", "content": "x", "attachments": [1]}, "invalid_request", "attachments[0]"),
        ({"conversationId": "c", "attachments": []}, "invalid_request", "content"),
        ({"conversationId": "c", "attachments": [{}]}, "invalid_request", "attachments[0]"),
        (
            {"conversationId": "c", "attachments": [{"url": "javascript:alert(1)"}]},
            "invalid_request",
            "attachments[0].url",
        ),
        ({"conversationId": "c", "content": "x", "metadata": []}, "invalid_request", "metadata"),
        ({"conversationId": "c", "content": "x", "metadata": {"a": "b" * 5000}}, "invalid_request", "metadata"),
        ({"conversationId": "c", "content": "x", "clientMessageId": ""}, "invalid_request", "clientMessageId"),
        ("text", "invalid_request", ""),
        (None, "invalid_request", "conversationId"),
        ([], "invalid_request", ""),
    ],
)
async def test_an_invalid_payload_is_refused_with_the_path(world: World, payload: object, code: str, path: str) -> None:
    alice = await world.connect("alice")
    error = await alice.refused("message:send", payload)
    assert error["code"] == code
    assert [detail["path"] for detail in error["details"]] == [path]
    assert error["details"][0]["message"]


async def test_paths_inside_lists_have_an_index(world: World) -> None:
    alice = await world.connect("alice")
    error = await alice.refused("conversation:create", {"kind": "group", "memberIds": ["a", "b", "c", 4]})
    assert [detail["path"] for detail in error["details"]] == ["memberIds[3]"]
    error = await alice.refused("conversation:create", {"kind": "group", "memberIds": ["a", "b", "c", "d/e"]})
    assert [detail["path"] for detail in error["details"]] == ["memberIds[3]"]


async def test_a_text_that_is_too_long_is_refused(world: World) -> None:
    conversation = await world.conversation("alice")
    alice = await world.connect("alice")
    await alice.send_message(conversation, "x" * 65_536)
    error = await alice.refused("message:send", {"conversationId": conversation, "content": "é" * 32_769})
    assert error["code"] == "payload_too_large"


async def test_an_error_without_acknowledgement_comes_as_an_event(world: World) -> None:
    alice = await world.connect("alice")
    await alice.emit("message:send", {"conversationId": "nowhere", "content": "x"})
    error = await alice.next("error")
    assert error == {"code": "forbidden", "message": "You have no access to this.", "event": "message:send"}
    await alice.emit("message:send", {"conversationId": "nowhere"})
    error = await alice.next("error")
    assert (error["code"], error["event"]) == ("invalid_request", "message:send")
    assert error["details"][0]["path"] == "content"


@pytest.mark.parametrize("event", ["no:such:event", "toString", "", "x" * 1000])
async def test_an_event_that_nobody_handles_is_an_invalid_request(world: World, event: str) -> None:
    alice = await world.connect("alice")
    assert (await alice.refused(event, {}))["code"] == "invalid_request"
    await alice.emit(event)
    error = await alice.next("error")
    assert (error["code"], error["event"]) == ("invalid_request", event[:64])


async def test_a_number_is_no_event_either(world: World) -> None:
    alice = await world.connect("alice")
    await alice.connection.send("42[7]")
    error = await alice.next("error")
    assert (error["code"], error["event"]) == ("invalid_request", "7")


async def test_binary_inside_metadata_is_refused(world: World) -> None:
    conversation = await world.conversation("alice")
    alice = await world.connect("alice")
    placeholder = '{"_placeholder":true,"num":0}'
    await alice.connection.send(
        f'451-["message:send",{{"conversationId":"{conversation}","content":"x","metadata":{{"a":{placeholder}}}}}]'
    )
    await alice.connection.send(b"\x01\x02")
    error = await alice.next("error")
    assert (error["code"], error["event"]) == ("invalid_request", "message:send")


async def test_sixteen_concurrent_sends_keep_their_order(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, bob = await world.connect("alice"), await world.connect("bob")
    calls = [
        alice.start_call("message:send", {"conversationId": conversation, "content": str(number)})
        for number in range(16)
    ]
    async with deadline():
        answers = await asyncio.gather(*calls)
    assert alice.acked == list(range(16))
    assert [answer["message"]["seq"] for answer in answers] == list(range(1, 17))
    assert [answer["message"]["content"] for answer in answers] == [str(number) for number in range(16)]
    received = [(await bob.next("message:new"))["content"] for _ in range(16)]
    assert received == [str(number) for number in range(16)]


async def test_a_query_between_sends_sees_only_the_earlier_ones(world: World) -> None:
    conversation = await world.conversation("alice")
    alice = await world.connect("alice")
    calls: list[asyncio.Future[dict[str, Any]]] = []
    for number in range(20):
        calls.append(alice.start_call("message:send", {"conversationId": conversation, "content": str(number)}))
        calls.append(alice.start_call("messages:list", {"conversationId": conversation}))
    async with deadline():
        answers = await asyncio.gather(*calls)
    assert alice.acked == list(range(40))
    for number, answer in enumerate(answers[1::2]):
        assert [message["content"] for message in answer["messages"]] == [str(n) for n in range(number + 1)]


async def test_messages_are_listed_in_pages(world: World) -> None:
    conversation, elsewhere = await world.conversation("alice"), await world.conversation("alice")
    alice = await world.connect("alice")
    ids = [(await alice.send_message(conversation, str(number)))["id"] for number in range(1, 11)]
    strange = (await alice.send_message(elsewhere, "x"))["id"]

    async def listed(**query: object) -> tuple[list[int], bool]:
        page = await alice.done("messages:list", {"conversationId": conversation, **query})
        return [int(message["content"]) for message in page["messages"]], page["hasMore"]

    assert await listed() == (list(range(1, 11)), False)
    assert await listed(limit=3) == ([8, 9, 10], True)
    assert await listed(limit=3, before=ids[7]) == ([5, 6, 7], True)
    assert await listed(limit=3, before=ids[2]) == ([1, 2], False)
    assert await listed(limit=3, after=ids[2]) == ([4, 5, 6], True)
    assert await listed(limit=3, after=ids[8]) == ([10], False)
    around, _ = await listed(limit=4, around=ids[4])
    assert 5 in around
    for anchor in ("before", "after", "around"):
        for message_id in (strange, "5", "x", ""):
            error = await alice.refused("messages:list", {"conversationId": conversation, anchor: message_id})
            assert error["code"] == "forbidden"
    both = {"conversationId": conversation, "before": ids[1], "after": ids[0]}
    assert (await alice.refused("messages:list", both))["code"] == "invalid_request"


async def test_a_page_of_the_largest_messages_ends_at_its_bytes(world: World) -> None:
    conversation = await world.conversation("alice")
    alice = await world.connect("alice")
    for _ in range(6):
        await alice.send_message(conversation, "x" * 60_000)
    page = await alice.done("messages:list", {"conversationId": conversation})
    assert 1 <= len(page["messages"]) < 6
    assert page["hasMore"] is True


@pytest.mark.parametrize(
    "content", ["half a \ud83d", [[[[[[[["deep"]]]]]]]] * 10], ids=["half a character", "nested in a list"]
)
async def test_an_unacceptable_payload_is_refused_and_the_socket_stays(world: World, content: object) -> None:
    conversation = await world.conversation("alice", "bob")
    alice = await world.connect("alice")
    for _ in range(57):
        content = [content] if isinstance(content, list) else content
    payload = {"conversationId": conversation, "content": content}
    error = await alice.refused("message:send", payload)
    assert error["code"] == "invalid_request"
    await alice.emit("message:send", payload)
    notified = await alice.next("error")
    assert (notified["code"], notified["event"]) == ("invalid_request", "message:send")
    assert (await alice.send_message(conversation, "whole"))["content"] == "whole"
