"""Messages with parts, over sockets and REST, and in every place that shows them or leaves them out."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import msgspec

from talkwire.dialects.built_in import DIALECTS
from tests.chat.conftest import World
from tests.chat.test_agents import with_agent
from tests.chat.test_message_changes import OTHERS
from tests.chat.test_search import found
from tests.core.test_parts import ALL
from tests.waiting import until_asked

PARTS = msgspec.json.decode(msgspec.json.encode(ALL))
"""One part of each kind, as clients send them."""

HELLO = {"type": "text", "text": "Hello"}
TOOL = {"type": "tool", "toolCallId": "1", "name": "search", "state": "input-available"}
PLAN = {"type": "plan", "tasks": [{"id": "1", "title": "Buy", "status": "pending"}]}

BAD: list[tuple[object, str]] = [
    ("Hello", "parts: must be a list"),
    (["Hello"], "parts[0]: must be a JSON object"),
    ([{"text": "Hello"}], "parts[0].type: is missing"),
    ([{"type": "image"}], "parts[0].type: must be one of "),
    ([{"type": "text"}], "parts[0].text: is missing"),
    ([{"type": "text", "text": 5}], "parts[0].text: must be text"),
    ([{"type": "text", "text": ""}], "parts[0].text: must not be empty"),
    ([{"type": "text", "text": "x", "title": "y"}], "parts[0].title: is not a field here"),
    ([HELLO, {"type": "reasoning", "text": " "}], "parts[1].text: must not be empty"),
    ([{"type": "tool", "name": "x", "state": "input-available"}], "parts[0].toolCallId: is missing"),
    ([{**TOOL, "toolCallId": "x" * 129}], "parts[0].toolCallId: must have 1 to 128 characters"),
    ([{**TOOL, "name": ""}], "parts[0].name: must have 1 to 128 characters"),
    ([{**TOOL, "state": "done"}], "parts[0].state: must be one of approval-requested, approval-responded, "),
    ([{**TOOL, "title": "x" * 201}], "parts[0].title: must have 1 to 200 characters"),
    ([{**TOOL, "error": ""}], "parts[0].error: must not be empty"),
    ([{**TOOL, "cardId": 5}], "parts[0].cardId: must be text"),
    ([{**TOOL, "input": 2**60}], "parts[0].input: must not contain integers beyond"),
    ([{**TOOL, "output": ["\x00"]}], "parts[0].output: must not contain U+0000"),
    ([{"type": "source"}], "parts[0]: must have exactly one of url, messageId and fileId"),
    ([{"type": "source", "url": "ftp://x"}], "parts[0].url: must be an http or https URL"),
    ([{"type": "source", "messageId": "x"}], "parts[0].messageId: must be the id of a message"),
    ([{"type": "source", "fileId": ""}], "parts[0].fileId: must have 1 to 128 characters"),
    ([{"type": "plan"}], "parts[0].tasks: is missing"),
    ([{"type": "plan", "tasks": []}], "parts[0].tasks: must have 1 to 50 items"),
    ([HELLO, PLAN, {**PLAN, "tasks": [{**PLAN["tasks"][0], "status": "x"}]}], "parts[2].tasks[0].status: must be one"),  # type: ignore[dict-item]
    (
        [{**PLAN, "tasks": [{"id": "1", "title": "", "status": "pending"}]}],
        "parts[0].tasks[0].title: must have 1 to 200",
    ),
    ([{"type": "data", "name": "x"}], "parts[0].value: is missing"),
    ([{"type": "data", "name": "", "value": 1}], "parts[0].name: must have 1 to 128 characters"),
    ([HELLO] * 101, "parts: must have 1 to 100 items"),
]


async def test_bad_parts_are_named_over_sockets_and_rest(world: World) -> None:
    conversation, _ = await with_agent(world)
    agent = await world.connect("helper")
    sent = await agent.send_message(conversation, "Old")
    for parts, message in BAD:
        errors = [
            await agent.refused("message:send", {"conversationId": conversation, "parts": parts}),
            await agent.refused("message:edit", {"messageId": sent["id"], "parts": parts}),
        ]
        for method, path, body in (
            ("POST", "/api/v1/messages", {"conversationId": conversation, "parts": parts}),
            ("PATCH", f"/api/v1/messages/{sent['id']}", {"parts": parts}),
        ):
            answer = await world.request(method, path, by="helper", json=body)
            assert answer.status_code == 422
            errors.append(answer.json()["error"])
        assert [(each["code"], each["message"][: len(message)]) for each in errors] == [
            ("invalid_request", message)
        ] * 4


async def _get(world: World, path: str) -> Any:  # noqa: ANN401 (JSON)
    answer = await world.request("GET", path, by="bob")
    assert answer.status_code == 200, answer.text
    return answer.json()


def _of_event(events: list[dict[str, Any]], name: str, event: str = "message:new") -> dict[str, Any]:
    (message,) = [each["data"] for each in events if each[name] == event]
    return dict(message)


async def test_every_place_but_lists_and_previews_has_the_parts(world: World) -> None:
    conversation, _ = await with_agent(world)
    bob, agent = await world.connect("bob"), await world.connect("helper")
    others = {}
    for dialect, (event, member, _) in OTHERS.items():
        others[dialect] = other = await world.connect("bob", dialect=DIALECTS[dialect])
        await other.done(event, {member: conversation})
    cursor = (await _get(world, "/api/v1/sync"))["cursor"]
    since = (await world.service("GET", "/api/v1/events"))["cursor"]
    text = {"type": "text", "text": f"Quincunx @{world.id_of('bob')}"}
    parts = [text, *PARTS[1:]]
    sent = (await agent.done("message:send", {"conversationId": conversation, "parts": parts}))["message"]
    assert (sent["content"], sent["parts"], sent["mentions"]) == (text["text"], parts, [world.id_of("bob")])
    path = f"/api/v1/messages/{sent['id']}"
    for whole in (
        await bob.next("message:new"),
        await _get(world, path),
        (await _get(world, f"/api/v1/conversations/{conversation}/messages"))["items"][-1],
        _of_event((await _get(world, f"/api/v1/sync?after={cursor}"))["events"], "event"),
        _of_event((await world.service("GET", f"/api/v1/events?after={since}"))["items"], "type"),
    ):
        assert {**sent, **whole} == sent
        assert whole["parts"] == parts
    export = await world.request("GET", "/api/v1/users/me/export", by="bob")
    exported = ZipFile(BytesIO(export.content)).read("messages.jsonl").decode().splitlines()
    assert [json.loads(each)["parts"] for each in exported] == [parts]
    await world.request("PUT", f"{path}/pin", by="alice")
    assert (await _get(world, f"/api/v1/conversations/{conversation}/pins"))["items"][0]["parts"] == parts
    reply = (
        await agent.done("message:send", {"conversationId": conversation, "content": "x", "threadId": sent["id"]})
    )["message"]
    await agent.done("message:delete", {"messageId": reply["id"]})
    await world.request("PUT", f"{path}/thread/following", by="bob")
    (indexed,) = await found(world, "bob", 1, q="quincunx", conversationId=conversation)
    for short in (
        (await _get(world, f"/api/v1/conversations/{conversation}"))["lastMessage"],
        indexed,
        (await bob.done("messages:search", {"q": "quincunx"}))["messages"][0],
    ):
        assert "parts" not in short
    for dialect, client in others.items():
        shown = json.dumps([payload for _, payload in await client.pending()])
        assert ("Quincunx" in shown, "search" in shown) == (True, False), dialect

    async def notified() -> list[Any]:
        items: list[Any] = (await _get(world, "/api/v1/notifications"))["items"]
        return items

    stored = json.dumps(await until_asked(notified))
    assert text["text"] in stored
    assert "toolCallId" not in stored


async def test_edits_batches_and_notes_of_the_rest_api_take_parts(world: World) -> None:
    conversation, helper = await with_agent(world)
    bob = await world.connect("bob")
    body = {"conversationId": conversation, "parts": PARTS, "senderId": helper}
    (of_batch,) = (await world.service("POST", "/api/v1/messages/batch", {"messages": [body]}))["items"]
    assert (of_batch["message"]["content"], "parts" in of_batch["message"]) == ("Hello", False)
    assert (await bob.next("message:new"))["parts"] == PARTS
    path = f"/api/v1/messages/{of_batch['message']['id']}"
    both = await world.request("PATCH", path, by="helper", json={"content": "x", "parts": PARTS})
    assert (both.status_code, both.json()["error"]["details"][0]["path"]) == (422, "parts")
    edited = await world.service("PATCH", path, {"content": "New"})
    assert await bob.next("message:updated") == edited
    assert (edited["content"], edited["parts"]) == ("New", [{"type": "text", "text": "New"}, *PARTS[1:]])
    versions = (await _get(world, f"{path}/history"))["items"]
    assert [each["parts"] for each in versions] == [PARTS, edited["parts"]]
    person = await world.request("POST", "/api/v1/messages", by="bob", json={**body, "senderId": None})
    assert (person.status_code, "streams" in person.json()["error"]["message"]) == (403, True)


async def test_routes_that_take_parts_accept_large_bodies(world: World) -> None:
    conversation, helper = await with_agent(world)
    large = {"type": "data", "name": "x", "value": "ä" * 32_000}
    body = {"conversationId": conversation, "parts": [HELLO, large, large, large], "senderId": helper}
    sent = await world.service("POST", "/api/v1/messages", body)
    assert sent["parts"] == body["parts"]
    for parts, code in (([HELLO, *[large] * 5], "parts: at most 262144"), ([HELLO, *[large] * 9], "")):
        answer = await world.request("PATCH", f"/api/v1/messages/{sent['id']}", by="helper", json={"parts": parts})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "payload_too_large")
        assert code in answer.json()["error"]["message"]
    agent = await world.connect("helper")
    over_socket = await agent.done("message:send", {"conversationId": conversation, "parts": body["parts"]})
    assert over_socket["message"]["parts"] == body["parts"]
