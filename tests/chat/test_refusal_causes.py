"""What the back end and admins learn about a refusal that tells users nothing, and operators about any refusal."""

from __future__ import annotations

import json

import pytest

from talkwire.dialects.crm.vocabulary import CRM
from tests.chat.conftest import World

HIDDEN = ("forbidden", "You have no access to this.")


async def test_the_back_end_learns_which_mistake_it_made_with_a_message(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    alice, carol = world.id_of("alice"), world.id_of("carol")
    body = {"conversationId": conversation, "content": "Hello!"}
    missing = "senderId: is missing: the back end acts in the name of a member"
    no_member = (
        f"{carol} is not a member of {conversation}. POST /api/v1/conversations/{conversation}/members adds members."
    )
    for change, status, code, message in (
        ({}, 422, "invalid_request", missing),
        ({"senderId": carol}, 403, "forbidden", no_member),
        ({"senderId": alice, "conversationId": "order-99"}, 404, "not_found", "There is no conversation order-99."),
        ({"senderId": alice, "replyToId": "5"}, 404, "not_found", f"There is no message 5 in {conversation}."),
        ({"senderId": alice, "attachments": [{"id": "5"}]}, 404, "not_found", f"{alice} has uploaded no file 5."),
    ):
        answer = await world.request("POST", "/api/v1/messages", by="backend", role="service", json={**body, **change})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["message"]) == (status, code, message)


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("GET", "conversations/order-99", None, "There is no conversation order-99."),
        ("GET", "conversations/order-99/messages", None, "There is no conversation order-99."),
        ("PATCH", "conversations/order-99", {"name": "x"}, "There is no conversation order-99."),
        ("DELETE", "conversations/order-99", None, "There is no conversation order-99."),
        ("POST", "conversations/order-99/members", {"userIds": ["alice"]}, "There is no conversation order-99."),
        ("GET", "messages/77", None, "There is no message 77."),
        ("PATCH", "messages/77", {"content": "x"}, "There is no message 77."),
        ("DELETE", "messages/77", None, "There is no message 77."),
        ("GET", "offers/77", None, "There is no offer 77."),
        ("GET", "files/77", None, "There is no file 77."),
    ],
)
async def test_what_does_not_exist_is_named_to_the_back_end_and_admins_and_hidden_from_users(
    world: World, method: str, path: str, body: dict[str, object] | None, message: str
) -> None:
    for role in ("service", "admin"):
        answer = await world.request(method, f"/api/v1/{path}", by="boss", role=role, json=body)
        assert (answer.status_code, answer.json()["error"]["message"]) == (404, message)
    error = (await world.request(method, f"/api/v1/{path}", by="alice", json=body)).json()["error"]
    assert (error["code"], error["message"]) == HIDDEN


async def test_the_back_end_learns_it_over_a_socket_too(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    backend = await world.open()
    await backend.sign_in({"token": world.server.token("backend", role="service")})
    for event, payload, code in (
        ("message:send", {"conversationId": conversation, "content": "x"}, "invalid_request"),
        ("message:send", {"conversationId": "order-99", "content": "x"}, "not_found"),
        ("messages:list", {"conversationId": "order-99"}, "not_found"),
    ):
        assert (await backend.refused(event, payload))["code"] == code
    alice = await world.connect("alice")
    hidden = {"conversationId": "order-99", "content": "x"}
    assert (await alice.refused("message:send", hidden))["code"] == "forbidden"


async def test_what_was_deleted_is_missing(world: World) -> None:
    conversation = await world.conversation("alice", "bob")
    await world.service("DELETE", f"/api/v1/conversations/{conversation}")
    answer = await world.request("GET", f"/api/v1/conversations/{conversation}", by="backend", role="service")
    assert answer.json()["error"]["message"] == f"There is no conversation {conversation}."


# --- what operators see ---------------------------------------------------------------------------------------------

Seen = tuple[str, str, str | None, str | None]
"""A refusal in the operators' list: command, code, cause, conversation."""


async def _seen(world: World, name: str) -> set[Seen]:
    """Returns what the operators' list has of this user's refusals."""
    path = f"/api/v1/admin/refusals?limit=100&userId={world.id_of(name)}"
    items = (await world.request("GET", path, by="boss", role="admin")).json()["items"]
    return {(each["command"], each["reason"], each.get("cause"), each.get("conversationId")) for each in items}


MESSAGES, OF_TALK = "/api/v1/messages", "/api/v1/conversations/{conversation_id}"


@pytest.mark.parametrize(
    ("method", "path", "body", "seen"),
    [
        ("POST", "messages", {"content": "x"}, ("message:send", "forbidden", "not_member")),
        ("POST", "messages", {"content": 5}, (f"POST {MESSAGES}", "invalid_request", None)),
        ("POST", "messages", {"content": "x", "attachments": [{}]}, ("message:send", "invalid_request", None)),
        ("GET", "conversations/TALK", None, ("get_conversation", "forbidden", "not_member")),
        ("GET", "conversations/TALK/messages?limit=x", None, (f"GET {OF_TALK}/messages", "invalid_request", None)),
        ("GET", "conversations/TALK/messages?before=x", None, ("messages:list", "forbidden", "not_member")),
        ("POST", "conversations/TALK/members", {"userIds": 5}, (f"POST {OF_TALK}/members", "invalid_request", None)),
        ("GET", "search?q=x&limit=x&conversationId=TALK", None, ("GET /api/v1/search", "invalid_request", None)),
        ("GET", "invitations?limit=x&conversationId=TALK", None, ("GET /api/v1/invitations", "invalid_request", None)),
        (
            "POST",
            "messages/HELLO/forward",
            {"conversationIds": ["TALK"]},
            ("message:forward", "forbidden", "not_member"),
        ),
        ("POST", "invitations", {"conversationIds": ["TALK"]}, ("create_invitation", "forbidden", "not_member")),
    ],
)
async def test_operators_see_where_a_request_was_refused(
    world: World, method: str, path: str, body: dict[str, object] | None, seen: tuple[str, str, str | None]
) -> None:
    talk, own = await world.conversation("alice"), await world.conversation("mallory")
    hello = (await (await world.connect("mallory")).send_message(own, "Hello!"))["id"]
    given = {name: [talk] if value == ["TALK"] else value for name, value in (body or {}).items()}
    there = {"conversationId": talk} if path == "messages" else {}
    path = f"/api/v1/{path.replace('TALK', talk).replace('HELLO', hello)}"
    answer = await world.request(method, path, by="mallory", json={**there, **given} if body else None)
    assert answer.json()["error"]["code"] == seen[1], answer.text
    assert await _seen(world, "mallory") == {(*seen, talk)}


async def test_operators_see_where_an_event_was_refused(world: World) -> None:
    talk = await world.conversation("alice")
    here = {"conversationId": talk}
    mallory, in_crm = await world.connect("mallory"), await world.connect("mallory", dialect=CRM)
    for event, payload in (
        ("message:send", {**here, "content": "x"}),
        ("message:send", {**here, "content": 5}),
        ("typing:start", here),
        ("no-such-event", here),
        ("message:send", {"conversationId": "x" * 129, "content": "x"}),
        ("messages:list", {"conversationId": {"a": "b"}}),
    ):
        await mallory.refused(event, payload)
    await in_crm.refused("sendMessage", {"chatId": talk, "content": 5})
    await in_crm.refused("markAsRead", {"chatId": 77, "messageId": {}})
    assert await _seen(world, "mallory") == {
        ("message:send", "forbidden", "not_member", talk),
        ("message:send", "invalid_request", None, talk),
        ("typing", "forbidden", "not_member", talk),
        ("unknown", "invalid_request", None, talk),
        ("message:send", "invalid_request", None, None),
        ("messages:list", "invalid_request", None, None),
        ("sendMessage", "invalid_request", None, talk),
        ("markAsRead", "invalid_request", None, "77"),
    }


@pytest.mark.parametrize("as_lines", [False, True])
@pytest.mark.parametrize("skip", [False, True])
async def test_operators_see_each_message_of_a_batch_that_was_refused(
    world: World, *, as_lines: bool, skip: bool
) -> None:
    talk, other = await world.conversation("alice"), await world.conversation("alice", "bob")
    message = {"content": "x", "senderId": world.id_of("bob")}
    messages = [
        {**message, "conversationId": talk, "clientMessageId": "1"},
        {**message, "conversationId": other, "clientMessageId": "2"},
        {**message, "conversationId": "order-99", "clientMessageId": "3"},
    ]
    path = f"{MESSAGES}/batch?skipRefused={str(skip).lower()}"
    lines = {"content": "\n".join(map(json.dumps, messages)), "headers": {"content-type": "application/x-ndjson"}}
    options = lines if as_lines else {"json": {"messages": messages}}
    await world.request("POST", path, by="backend", role="service", **options)
    refused = {("message:send", "forbidden", "not_member", talk)}
    missing = {("message:send", "not_found", "not_member", "order-99")}
    assert await _seen(world, "backend") == (refused | missing if skip else refused)


@pytest.mark.parametrize("as_lines", [False, True])
async def test_operators_see_where_an_invalid_message_of_a_batch_belongs(world: World, *, as_lines: bool) -> None:
    talk = await world.conversation("alice")
    message = {"conversationId": talk, "senderId": world.id_of("alice"), "clientMessageId": "1", "content": ""}
    lines = {"content": json.dumps(message), "headers": {"content-type": "application/x-ndjson"}}
    options = lines if as_lines else {"json": {"messages": [message]}}
    await world.request("POST", f"{MESSAGES}/batch?skipRefused=true", by="backend", role="service", **options)
    command = "message:send" if as_lines else f"POST {MESSAGES}/batch"
    assert await _seen(world, "backend") == {(command, "invalid_request", None, talk)}


async def test_one_refusal_of_a_crm_route_is_one_in_the_list(world: World) -> None:
    talk = await world.conversation("alice")
    await world.request("POST", "/chat-messages", by="alice", json={"chatId": talk, "content": ""})
    assert await _seen(world, "alice") == {("message:send", "invalid_request", None, talk)}


async def test_who_is_not_signed_in_fills_no_list_with_invented_conversations(world: World) -> None:
    talk = world.id_of("invented")
    assert (await world.request("GET", f"/api/v1/conversations/{talk}?no=1")).status_code == 422
    listed = await world.request("GET", "/api/v1/admin/refusals?limit=100", by="boss", role="admin")
    assert talk not in listed.text
