"""Ids that do not belong together, ids of hidden objects and unknown ids are refused alike."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from talkwire.dialects.messenger import MESSENGER
from tests.chat.access.events import EVENTS
from tests.chat.access.routes import ROUTES
from tests.chat.access.scene import GHOSTS, Scene, outcome
from tests.chat.access.slots import EVENT_SLOTS, NOT_A_SLOT, ROUTE_SLOTS, SLOTS, Slot
from tests.chat.access.table import EVERYONE, FORBIDDEN, NOT_FOUND, OK, Row, form_of, placeholders_in
from tests.chat.chat_server import ServerProcess
from tests.chat.conftest import World
from tests.chat.test_notifications import stored
from tests.http_client import http_get

ROWS = (*ROUTES, *EVENTS)

OF_A_MESSAGE = {"message", "own", "reply", "pinned", "answer", "card", "file", "picture"}
"""Objects that are hidden from members who joined later, if history begins with joining."""

OF_A_CONVERSATION = OF_A_MESSAGE | {"conversation", "offer", "own_offer"}

GHOST_IDS = {**GHOSTS, "author": "nobody-has-this-id"}


def test_every_second_id_of_a_route_has_a_slot(chat_server: ServerProcess) -> None:
    document = http_get(f"{chat_server.url}/openapi.json").json()
    named = {
        (f"{method.upper()} {form_of(path)}", field)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for field in second_ids(
            {p["name"] for p in operation.get("parameters", [])} | _fields_of_body(document, operation)
        )
    }
    assert {found for found in named if not _is_excused(*found)} == {
        (f"{slot.row.method} {form_of(slot.row.path)}", slot.field) for slot in ROUTE_SLOTS
    }


def _fields_of_body(document: dict[str, Any], operation: dict[str, Any]) -> set[str]:
    """Returns the names of the members of a request's body."""
    references = re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(operation.get("requestBody", {})))
    return {field for name in references for field in document["components"]["schemas"][name].get("properties", {})}


def test_every_second_id_of_an_event_has_a_slot() -> None:
    named = {
        (event, field)
        for event, inbound in MESSENGER.inbound.items()
        if inbound.payload is not None
        for field in second_ids({field.encode_name for field in msgspec.structs.fields(inbound.payload)})
    }
    assert {found for found in named if not _is_excused(*found)} == {
        (slot.row.name, slot.field) for slot in EVENT_SLOTS
    }


def second_ids(fields: set[str]) -> set[str]:
    """Returns the fields that identify a second object beside the conversation or message of the request."""
    first = fields & {"conversation_id", "conversationId", "chatId"} or fields & {"message_id", "messageId"}
    ids = {field for field in fields if re.search(r"(_id|Id|Ids)$", field)}
    return (ids | fields & {"before", "after", "around", "attachments"}) - first if first else set()


def _is_excused(where: str, field: str) -> bool:
    return field in NOT_A_SLOT or f"{where} {field}" in NOT_A_SLOT


@pytest.mark.parametrize("slot", SLOTS, ids=str)
async def test_an_id_of_another_conversation_is_refused(world: World, slot: Slot) -> None:
    """Even if the caller may see both conversations."""
    needs = placeholders_in(slot.row)
    here, seen, unseen = [await Scene.group(world, ["owner"], needs) for _ in range(3)]
    await seen.let_in(here.id_of("owner"), "admin")
    await here.be_known("owner")
    before = await here.cursor()
    refusals = [
        await here.ask("owner", slot.row, {slot.thing: ids[slot.thing]})
        for ids in (seen.values("owner"), unseen.values("owner"), GHOST_IDS)
    ]
    assert [outcome(refusal) for refusal in refusals] == [slot.says] * 3
    assert refusals[0] == refusals[1] == refusals[2]
    assert await here.cursor() == before
    assert outcome(await here.ask("owner", slot.row)) == OK


@pytest.mark.parametrize("row", [row for row in ROWS if row.name.endswith("forward")], ids=str)
async def test_a_message_is_forwarded_to_own_conversations_only_or_to_none(world: World, row: Row) -> None:
    here, unseen = [await Scene.group(world, ["owner"], {"message"}) for _ in range(2)]
    body = {**row.body, "conversationIds": ["{conversation}", "{target}"]}
    forward = Row(row.name, row.expected, body)
    await here.be_known("owner")
    before = await here.cursor()
    refusals = [
        await here.ask("owner", forward, {"target": target})
        for target in (unseen.things["conversation"], GHOSTS["conversation"])
    ]
    assert outcome(refusals[0]) == FORBIDDEN
    assert refusals[0] == refusals[1]
    assert await here.cursor() == before


_ALWAYS_DONE = [row for row in ROWS if row.expected is EVERYONE and "message" in placeholders_in(row)]
"""What everyone may ask for about any message: to remove a mark of their own."""


def _rows_about(things: set[str]) -> list[Row]:
    rows = {str(row): row for row in (*(slot.row for slot in SLOTS), *ROWS)}
    return [row for row in rows.values() if placeholders_in(row) & things and row not in _ALWAYS_DONE]


@pytest.mark.parametrize("row", _ALWAYS_DONE, ids=str)
async def test_what_everyone_may_do_to_a_message_says_nothing_about_it(world: World, row: Row) -> None:
    """Removing one's own mark succeeds whether or not the message exists."""
    scene = await Scene.group(world, ["owner"], placeholders_in(row))
    await scene.be_known("stranger")
    unseen = await scene.ask("stranger", row)
    assert outcome(unseen) == OK
    assert unseen == await scene.ask("stranger", row, {"message": GHOSTS["message"]})


async def _back_again(world: World, row: Row) -> Scene:
    """Returns a scene to which `former` has returned as an admin, after all messages were sent."""
    scene = await Scene.group(world, ["former"], placeholders_in(row), history="from-join")
    await scene.let_in(scene.id_of("former"), "admin")
    return scene


@pytest.mark.parametrize("row", _rows_about(OF_A_MESSAGE), ids=str)
async def test_objects_from_before_the_visible_history_are_hidden(world: World, row: Row) -> None:
    scene = await _back_again(world, row)
    ghosts = {name: id_ for name, id_ in GHOSTS.items() if name in OF_A_MESSAGE}
    refused = await scene.ask("former", row)
    assert outcome(refused) == FORBIDDEN
    assert refused == await scene.ask("former", row, ghosts)
    # Only earlier objects are hidden: later ones are visible as to any other admin.
    if "own" not in placeholders_in(row) and not placeholders_in(row) & {"file", "picture"}:
        await scene.say_all_again(placeholders_in(row))
        assert outcome(await scene.ask("former", row)) == row.expects("admin")


async def test_the_backend_does_not_see_more_in_the_name_of_a_member(world: World) -> None:
    scene = await Scene.group(world, ["former"], {"message"}, history="from-join")
    await scene.let_in(scene.id_of("former"))
    sender = {"senderId": "{former}"}
    posted_there = {"conversationId": "{conversation}", "content": "Hello", **sender}
    rows = [
        Row("POST /api/v1/messages", {}, {**posted_there, "replyToId": "{message}"}),
        Row("POST /api/v1/messages", {}, {**posted_there, "threadId": "{message}"}),
        Row("POST /api/v1/messages/{message}/forward", {}, {"conversationIds": ["{conversation}"], **sender}),
        Row("PATCH /api/v1/messages/{message}", {}, {"content": "Changed", **sender}),
    ]
    assert [outcome(await scene.ask("service", row)) for row in rows] == [FORBIDDEN] * len(rows)


async def test_no_list_shows_messages_from_before_the_visible_history(world: World) -> None:
    scene = await Scene.group(world, ["former"], {"message", "reply", "pinned", "offer"}, history="from-join")
    late, there = scene.id_of("former"), f"/api/v1/conversations/{scene.things['conversation']}"
    cursor = await scene.cursor()
    await scene.let_in(late)

    async def listed(path: str, key: str = "items") -> list[str]:
        return [found["id"] for found in (await scene.done("former", "GET", path)).json()[key]]

    of_chat = f"/chat-messages?chatId={scene.things['conversation']}"
    for path in (f"{there}/messages", of_chat, f"{there}/pins", "/api/v1/search?q=hello", "/api/v1/notifications"):
        assert await listed(path) == [], path
    one = (await scene.done("former", "GET", there)).json()
    (in_list,) = (await scene.done("former", "GET", "/api/v1/conversations")).json()["items"]
    (in_sync,) = (await scene.done("former", "GET", "/api/v1/sync")).json()["conversations"]
    assert [seen.get("lastMessage") for seen in (one, in_list, in_sync)] == [None] * 3

    # Later changes of an earlier message are hidden too.
    await scene.service("PATCH", f"/api/v1/messages/{scene.things['message']}", {"content": "Hello again"})
    await scene.service("DELETE", f"/api/v1/messages/{scene.things['pinned']}/pin")
    events = (await scene.done("former", "GET", f"/api/v1/sync?after={cursor}")).json()["events"]
    assert [event["event"] for event in events if event["event"].startswith("message")] == []

    new = await scene.message("author")
    assert await listed(f"{there}/messages") == [new]
    assert await listed(f"{there}/messages?around={new}") == [new]
    (receipts,) = [
        (await scene.done("author", "GET", f"/api/v1/messages/{scene.things['message']}/receipts")).json()["items"]
    ]
    assert late not in {receipt["userId"] for receipt in receipts}


@pytest.mark.parametrize(
    "row", [row for row in ROWS if placeholders_in(row) & OF_A_CONVERSATION and row not in _ALWAYS_DONE], ids=str
)
async def test_objects_of_a_deleted_conversation_are_hidden(world: World, row: Row) -> None:
    scene = await Scene.group(world, ["owner"], placeholders_in(row))
    await scene.service("DELETE", f"/api/v1/conversations/{scene.things['conversation']}")
    ghosts = {name: id_ for name, id_ in GHOSTS.items() if name in OF_A_CONVERSATION}
    refused = await scene.ask("owner", row)
    assert outcome(refused) == FORBIDDEN
    assert refused == await scene.ask("owner", row, ghosts)
    for caller in ("service", "operator"):
        # They may see everything that exists, so they learn what is missing.
        assert outcome(await scene.ask(caller, row)) in {FORBIDDEN, NOT_FOUND}, caller


async def test_another_users_notification_is_not_marked(world: World) -> None:
    conversation = await world.conversation("alice", "bob", kind="direct")
    await (await world.connect("alice")).send_message(conversation, "Hello")
    (notification,) = await stored(world, "bob", 1, unread=True)
    for id_ in (notification["id"], GHOSTS["message"]):
        answer = await world.request("POST", "/api/v1/notifications/read", by="alice", json={"ids": [id_]})
        assert answer.status_code == 204
    assert await stored(world, "bob", 1, unread=True) == [notification]
