"""Many messages in one request of the application's back end: a JSON body of up to 100, or lines of JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from tests.chat.conftest import World

PATH = "/api/v1/messages/batch"
OLD = "2020-01-31T12:00:00.000Z"
LINES = {"content-type": "application/x-ndjson"}


def _lines(messages: Iterable[object]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in messages)


async def _send(world: World, *, headers: dict[str, str] | None = None, **body: Any) -> Any:  # noqa: ANN401 (JSON)
    answer = await world.request("POST", PATH, by="backend", role="service", headers=headers or {}, **body)
    assert answer.is_success, answer.text
    return answer.json()


async def _contents(world: World, talk: str, reader: str) -> list[str]:
    found: list[str] = []
    path, before = f"/api/v1/conversations/{talk}/messages?limit=100", ""
    while True:
        page = (await world.request("GET", path + before, by=reader)).json()
        found = [each["content"] for each in page["items"]] + found
        if page["next"] is None:
            return found
        before = f"&before={page['next']}"


# --- a JSON body ----------------------------------------------------------------------------------------------------


async def test_a_batch_is_sent_in_order_and_each_message_by_itself(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    alice, stranger = world.id_of("alice"), world.id_of("carol")
    await world.service("PUT", f"/api/v1/users/{stranger}", {"name": "Carol"})
    there = {"conversationId": talk, "senderId": alice}
    messages = [
        {**there, "senderId": stranger, "content": "old", "createdAt": OLD},
        {**there, "senderId": stranger, "content": "no member"},
        {**there, "content": "elsewhere", "conversationId": "nowhere"},
        {**there, "content": "older", "createdAt": "2019-01-31T12:00:00.000Z"},
        {**there, "content": "a reply to nothing", "createdAt": OLD, "replyToId": "17"},
        {**there, "content": "now"},
    ]
    bob = await world.connect("bob")
    answer = await _send(world, json={"messages": messages})
    said = [each.get("error", each.get("message")) for each in answer["items"]]
    assert [each.get("code", each.get("content")) for each in said] == [
        "old",
        "forbidden",
        "not_found",
        "invalid_request",
        "not_found",
        "now",
    ]
    assert [(await bob.next("message:new"))["content"] for _ in range(2)] == ["old", "now"]
    assert (said[0]["imported"], said[0]["senderId"]) == (True, stranger)
    assert said[3]["details"][0]["path"] == "createdAt"
    assert "17" in said[4]["message"]


async def test_a_batch_that_is_repeated_with_its_key_is_sent_once(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    there = {"conversationId": talk, "senderId": world.id_of("alice")}
    messages = [{**there, "content": "one"}, {**there, "content": "two", "clientMessageId": "mine"}]
    first = await _send(world, json={"messages": messages}, headers={"idempotency-key": "k"})
    assert [each["message"]["clientMessageId"] for each in first["items"]] == ["k-1", "mine"]
    assert await _send(world, json={"messages": messages}, headers={"idempotency-key": "k"}) == first
    assert await _contents(world, talk, "alice") == ["one", "two"]


async def test_an_invalid_message_refuses_the_whole_batch(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    good = {"conversationId": talk, "senderId": world.id_of("alice"), "content": "good"}
    for messages, path in (
        ([good, {**good, "content": ""}], "messages[1].content"),
        ([good, {**good, "clientMessageId": "x" * 129}], "messages[1].clientMessageId"),
        ([good, {**good, "metadata": 5}], "messages[1].metadata"),
        ([], "messages"),
        ([good] * 101, "messages"),
        (None, "messages"),
    ):
        refused = await world.request("POST", PATH, by="backend", role="service", json={"messages": messages})
        assert (refused.status_code, refused.json()["error"]["details"][0]["path"]) == (422, path)
    without = await world.request("POST", PATH, by="backend", role="service")
    assert without.status_code == 422
    assert await _contents(world, talk, "alice") == []


@pytest.mark.parametrize("body", [{"json": {"messages": []}}, {"content": b"{}\n", "headers": LINES}])
async def test_users_send_no_batches(world: World, body: dict[str, Any]) -> None:
    refused = await world.request("POST", PATH, by="alice", **body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")


# --- lines ----------------------------------------------------------------------------------------------------------


async def test_lines_are_stored_in_order_while_more_arrive(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    there = {"conversationId": talk, "senderId": world.id_of("alice"), "createdAt": OLD}
    data = _lines({**there, "content": str(number)} for number in range(250))
    bob = await world.connect("bob")
    rest = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield data[:1000]
        await rest.wait()
        yield data[1000:].rstrip()

    sending = asyncio.create_task(_send(world, content=body(), headers={**LINES, "idempotency-key": "k"}))
    assert (await bob.next("message:new"))["content"] == "0"
    rest.set()
    assert await sending == {"received": 250, "stored": 250, "refused": 0, "refusals": []}
    assert await _contents(world, talk, "bob") == [str(number) for number in range(250)]

    again = await _send(world, content=data, headers={**LINES, "idempotency-key": "k"})
    assert again["stored"] == 250
    assert len(await _contents(world, talk, "bob")) == 250


async def test_a_refused_line_is_reported_and_the_others_are_stored(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    good = {"conversationId": talk, "senderId": world.id_of("alice"), "createdAt": OLD, "content": "good"}
    lines = [
        _lines([{**good, "clientMessageId": "1"}]),
        b"  \r\n",
        b'{"conversationId": \n',
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        _lines([{**good, "clientMessageId": "2", "contnt": "x"}]),
        _lines([{**good, "clientMessageId": "3", "senderId": "ghost"}]),
        _lines([{"conversationId": talk, "contnt": "x", "clientMessageId": "4"}]),
        _lines([good]),
        _lines([{**good, "clientMessageId": "5"}]),
    ]
    answer = await _send(world, content=b"".join(lines), headers={"content-type": "application/jsonl; charset=utf-8"})
    assert (answer["received"], answer["stored"], answer["refused"]) == (9, 3, 6)
    refusals = {each["line"]: each["error"]["message"] for each in answer["refusals"]}
    assert list(refusals) == [3, 4, 5, 7, 8, 9]
    assert refusals[4] == "The line must be valid JSON in UTF-8."
    assert refusals[7] == "senderId: must be the id of a user"
    assert "contnt: is not a field here; did you mean content?" in refusals[8]
    assert refusals[9].startswith("clientMessageId: must be set")


async def test_no_more_than_a_hundred_refusals_are_listed(world: World) -> None:
    answer = await _send(world, content=b"{}\n" * 150, headers=LINES)
    assert (answer["refused"], len(answer["refusals"])) == (150, 100)


async def test_a_line_that_is_too_long_ends_the_request(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    good = {"conversationId": talk, "senderId": world.id_of("alice"), "createdAt": OLD, "content": "good"}
    data = _lines([{**good, "clientMessageId": "1"}]) + b" " * (256 * 1024 + 1)
    refused = await world.request("POST", PATH, by="backend", role="service", content=data, headers=LINES)
    assert (refused.status_code, refused.json()["error"]["message"]) == (413, "Line 2 has more than 262144 bytes.")
