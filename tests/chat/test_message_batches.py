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


def _six(world: World, talk: str) -> list[dict[str, Any]]:
    there = {"conversationId": talk, "senderId": world.id_of("alice")}
    return [
        {**there, "senderId": world.id_of("carol"), "content": "old", "createdAt": OLD},
        {**there, "senderId": world.id_of("carol"), "content": "no member"},
        {**there, "content": "elsewhere", "conversationId": "nowhere"},
        {**there, "content": "older", "createdAt": "2019-01-31T12:00:00.000Z"},
        {**there, "content": "a reply to nothing", "createdAt": OLD, "replyToId": "17"},
        {**there, "content": "now"},
    ]


def _codes(answer: Any) -> list[str]:  # noqa: ANN401 (JSON)
    return [each["error"]["code"] if "error" in each else each["message"]["content"] for each in answer["items"]]


async def test_a_batch_is_sent_in_order_up_to_the_first_that_is_refused(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    await world.service("PUT", f"/api/v1/users/{world.id_of('carol')}", {"name": "Carol"})
    answer = await _send(world, json={"messages": _six(world, talk)})
    assert _codes(answer) == ["old", "forbidden", "conflict", "conflict", "conflict", "conflict"]
    assert answer["items"][0]["message"]["imported"] is True
    assert await _contents(world, talk, "alice") == ["old"]


async def test_a_batch_skips_refused_messages_if_it_is_asked_to(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    await world.service("PUT", f"/api/v1/users/{world.id_of('carol')}", {"name": "Carol"})
    bob = await world.connect("bob")
    answer = await _send(world, json={"messages": _six(world, talk)}, params={"skipRefused": "true"})
    assert _codes(answer) == ["old", "forbidden", "not_found", "invalid_request", "not_found", "now"]
    assert [(await bob.next("message:new"))["content"] for _ in range(2)] == ["old", "now"]
    refusals = [each.get("error", {}) for each in answer["items"]]
    assert refusals[3]["details"][0]["path"] == "createdAt"
    assert "17" in refusals[4]["message"]


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


async def test_a_refused_line_ends_the_import_until_it_is_repaired(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    good = {"conversationId": talk, "senderId": world.id_of("alice"), "createdAt": OLD, "content": "good"}
    lines = [{**good, "clientMessageId": str(number)} for number in range(300)]
    for broken, code, message in (
        ({**lines[150], "contnt": "x", "content": ""}, "invalid_request", "did you mean content?"),
        ({**lines[150], "senderId": "ghost"}, "invalid_request", "senderId: must be the id of a user"),
        ({**lines[150], "conversationId": "nowhere"}, "not_found", "There is no conversation nowhere."),
    ):
        data = _lines([*lines[:150], broken, *lines[151:]])
        refused = await world.request("POST", PATH, by="backend", role="service", content=data, headers=LINES)
        error = refused.json()["error"]
        assert error["code"] == code
        assert message in error["message"]
        assert (error["details"]["line"], error["details"]["stored"]) == (151, 150)
        assert len(await _contents(world, talk, "alice")) == 150
    assert (await _send(world, content=_lines(lines), headers=LINES))["stored"] == 300
    assert len(await _contents(world, talk, "alice")) == 300


async def test_refused_lines_are_reported_if_they_are_skipped(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    good = {"conversationId": talk, "senderId": world.id_of("alice"), "createdAt": OLD, "content": "good"}
    lines = [
        _lines([{**good, "clientMessageId": "1"}]),
        b"  \r\n",
        b'{"conversationId": \n',
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        _lines([{**good, "clientMessageId": "2", "metadata": {"contnt": "x"}}]),
        _lines([{**good, "clientMessageId": "3", "senderId": "ghost"}]),
        _lines([{"conversationId": talk, "contnt": "x", "clientMessageId": "4"}]),
        _lines([good]),
        _lines([{**good, "clientMessageId": "5"}]),
    ]
    headers = {"content-type": "application/jsonl; charset=utf-8"}
    answer = await _send(world, content=b"".join(lines), headers=headers, params={"skipRefused": "true"})
    assert (answer["received"], answer["stored"], answer["refused"]) == (9, 3, 6)
    refusals = {each["line"]: each["error"]["message"] for each in answer["refusals"]}
    assert list(refusals) == [3, 4, 5, 7, 8, 9]
    assert refusals[4] == "must be valid JSON in UTF-8"
    assert refusals[7] == "senderId: must be the id of a user"
    assert "contnt: is not a field here; did you mean content?" in refusals[8]
    assert refusals[9].startswith("clientMessageId: must be set")


async def test_no_more_than_a_hundred_refusals_are_listed(world: World) -> None:
    answer = await _send(world, content=b"{}\n" * 150, headers=LINES, params={"skipRefused": "true"})
    assert (answer["refused"], len(answer["refusals"])) == (150, 100)


async def test_a_line_that_is_too_long_ends_the_request(world: World) -> None:
    talk = await world.conversation("alice", "bob")
    good = {"conversationId": talk, "senderId": world.id_of("alice"), "createdAt": OLD, "content": "good"}
    data = _lines([{**good, "clientMessageId": "1"}]) + b" " * (256 * 1024 + 1)
    refused = await world.request("POST", PATH, by="backend", role="service", content=data, headers=LINES)
    assert (refused.status_code, refused.json()["error"]["message"]) == (413, "Line 2 has more than 262144 bytes.")
