"""What the back end and admins learn about a refusal that tells users nothing."""

from __future__ import annotations

import pytest

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
